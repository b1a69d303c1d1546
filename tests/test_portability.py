"""Nothing in the package that Windows or macOS would stop at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "course.py", *sorted((ROOT / "sdc_helpers").rglob("*.py"))]
POSIX_MODULES = {
    *("crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "resource", "spwd", "syslog"),
    *("termios", "tty"),
}
POSIX_NAMES = {
    "os": {
        *("O_DIRECTORY", "O_NOFOLLOW", "WNOHANG", "chown", "fchmod", "fchown", "fork", "forkpty"),
        *("getegid", "geteuid", "getgid", "getloadavg", "getpgid", "getuid", "killpg", "lchown"),
        *("mkfifo", "mknod", "nice", "posix_fadvise", "posix_fallocate", "sched_getaffinity"),
        *("sched_setaffinity", "setsid", "statvfs", "symlink", "sync", "sysconf", "uname"),
    },
    "signal": {
        *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1"),
        *("SIGUSR2", "alarm", "pause", "pthread_sigmask", "setitimer"),
    },
    "time": {"tzset"},
}
GUARDS = ("sys.platform", "os.name", "hasattr(", "platform.system(", "IS_WINDOWS")


def problems(code: str) -> Iterator[str]:
    """Yield what works on POSIX alone and stands under no question after the system."""
    yield from _problems(ast.parse(code), guarded=False)


def _problems(node: ast.AST, guarded: bool) -> Iterator[str]:
    if not guarded:
        found = _posix_only(node)
        if found:
            yield f"line {node.lineno}: {found}"
    if isinstance(node, ast.If | ast.IfExp):
        guarded = guarded or any(guard in ast.unparse(node.test) for guard in GUARDS)
    if isinstance(node, ast.Try):
        caught = " ".join(ast.unparse(h.type) for h in node.handlers if h.type)
        guarded = guarded or "ImportError" in caught or "AttributeError" in caught
    for child in ast.iter_child_nodes(node):
        yield from _problems(child, guarded)


def _posix_only(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import):
        names = {alias.name for alias in node.names} & POSIX_MODULES
        return f"import {', '.join(names)}" if names else None
    if isinstance(node, ast.ImportFrom) and node.module in POSIX_MODULES:
        return f"from {node.module} import ..."
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return ast.unparse(node) if node.attr in POSIX_NAMES.get(node.value.id, ()) else None
    if isinstance(node, ast.Call):
        if any(keyword.arg == "preexec_fn" for keyword in node.keywords):
            return "preexec_fn"
        name = ast.unparse(node.func)
        first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if name.endswith(("get_context", "set_start_method")) and first in ("fork", "forkserver"):
            return f"{name}({first!r})"
        if name.endswith(".symlink_to") or name == "os.rename":
            return name
    return None


def unspecified(code: str) -> Iterator[str]:
    """Yield where a text is read or written in the encoding that the system happens to have."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg for keyword in node.keywords}
        name = ast.unparse(node.func)
        is_text = name.endswith(".read_text") and not node.args
        is_text |= name.endswith(".write_text") and len(node.args) < 2
        is_text |= bool(given & {"text", "universal_newlines"}) and "subprocess" in name
        if name == "open" or name.endswith((".open", "NamedTemporaryFile")):
            modes = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if is_mode(a)]
            is_text |= name == "open" and not any("b" in mode for mode in modes)
            is_text |= name != "open" and any("b" not in mode for mode in modes)
        if is_text and "encoding" not in given:
            yield f"line {node.lineno}: {name}"


def is_mode(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, str) and value != "" and set(value) <= set("rwaxbt+")


@pytest.mark.parametrize("rule", [problems, unspecified])
def test_every_module_holds_the_rule(rule):
    assert len(FILES) > 100
    found = {
        str(file.relative_to(ROOT)): list(rule(file.read_text(encoding="utf-8"))) for file in FILES
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "from resource import getrusage",
        "def f():\n    import resource",
        "os.sched_getaffinity(0)",
        "os.kill(pid, signal.SIGKILL)",
        "subprocess.run(c, preexec_fn=f)",
        "multiprocessing.get_context('fork')",
        "path.symlink_to(other)",
    ],
)
def test_what_posix_alone_has_is_found(code):
    assert list(problems(code))


@pytest.mark.parametrize(
    "code",
    [
        "if sys.platform != 'win32':\n    import resource",
        "n = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1",
        "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None",
        "getattr(os, 'sched_getaffinity', None)",
        "process.kill()",
        "multiprocessing.get_context('spawn')",
    ],
)
def test_what_asks_first_is_not(code):
    assert not list(problems(code))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("p.read_text()", True),
        ("p.read_text(encoding='utf-8')", False),
        ("p.write_text(text)", True),
        ("open(p)", True),
        ("open(p, 'rb')", False),
        ("p.open('a')", True),
        ("p.open('rb')", False),
        ("image.open(p)", False),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c, encoding='utf-8')", False),
    ],
)
def test_a_text_without_an_encoding_is_found(code, found):
    assert bool(list(unspecified(code))) is found
