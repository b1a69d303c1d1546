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


def test_every_module_asks_before_it_uses_what_posix_alone_has():
    assert len(FILES) > 100
    found = {
        str(file.relative_to(ROOT)): list(problems(file.read_text(encoding="utf-8")))
        for file in FILES
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
