"""Rules that hold for the repository as a whole."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "torchvision", "nilearn", "transformers", "pandas")
MAX_LINES = 400
MAX_BYTES = 7_000_000  # the small CLIP has 6 MB
# Put together here, so that this file does not hold them itself.
INDEX_ADDRESSES = [
    re.compile(pattern)
    for pattern in (
        r"pypi" + r"\.(org|python\.org|io)/+simple",
        r"files\." + r"pythonhosted\.org",
        r"test\." + r"pypi\.org",
        r"download\." + r"pytorch\.org/whl",
        r"(index|extra-index)" + r"-url[ =]+\S*://",
        r"(artifactory|nexus|devpi|mirrors?\.[\w.-]+)" + r"[\w./:-]*/simple",
        r"https?://[\w.@:-]+(/[\w./-]*)?" + r"/simple\b",
    )
]


@pytest.fixture(scope="module")
def tracked():
    """Return the files that git tracks and that are in the working tree."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    # -c: a clone made by another user is refused otherwise
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        pytest.skip(f"not a git repository: {answer.stderr.strip()}")
    paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    if not paths:
        pytest.skip("git tracks no file yet")
    return [path for path in paths if path.is_file()]


def heavy_modules_after(code):
    report = f"import sys; print('|'.join(sorted(set({HEAVY!r}) & set(sys.modules))))"
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()[-1]


def test_importing_the_package_imports_nothing_heavy():
    assert heavy_modules_after("import sdc_helpers") == ""


def test_the_command_line_answers_without_importing_anything_heavy():
    if importlib.util.find_spec("sdc_helpers.cli") is None:
        pytest.skip("sdc_helpers.cli does not exist yet")
    ask_for_help = """
import sys
from sdc_helpers.cli import main
sys.argv = ["sdc", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert heavy_modules_after(ask_for_help) == ""


def packages():
    return [
        ".".join(file.parent.relative_to(ROOT).parts)
        for file in sorted((ROOT / "sdc_helpers").rglob("__init__.py"))
    ]


def test_no_package_imports_anything_heavy_before_it_is_used():
    assert len(packages()) > 10
    assert heavy_modules_after("\n".join(f"import {name}" for name in packages())) == ""


def test_modules_are_short():
    files = (ROOT / "sdc_helpers").rglob("*.py")
    n_lines = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in files
    }
    assert n_lines
    assert {name: n for name, n in n_lines.items() if n > MAX_LINES} == {}


def text_without_encoding(source):
    """Return the lines that open text, or read a program's, in the encoding of the locale."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        given = {k.arg: k.value for k in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        system = isinstance(owner, ast.Name) and owner.id in ("os", "webbrowser", "Image")
        position = {"open": 0 if owner is not None else 1, "fdopen": 1}.get(name)
        mode = given.get("mode")
        if mode is None and position is not None and len(node.args) > position:
            mode = node.args[position]
        binary = isinstance(mode, ast.Constant) and "b" in str(mode.value)
        opens = name in ("read_text", "write_text", "fdopen", "TextIOWrapper")
        opens |= name == "open" and not system
        program = any(k in given for k in ("text", "universal_newlines"))
        if (program or (opens and not binary)) and "encoding" not in given:
            found.append(node.lineno)
    return found


def test_text_is_utf8_whatever_the_locale():
    files = [*(ROOT / "sdc_helpers").rglob("*.py"), ROOT / "conftest.py"]
    lines = {
        str(file.relative_to(ROOT)): text_without_encoding(file.read_text(encoding="utf-8"))
        for file in files
        if not file.name.startswith(".")
    }
    assert {name: found for name, found in lines.items() if found} == {}


def test_text_in_the_encoding_of_the_locale_is_recognised():
    for line in (
        "open('a')",
        "p.open('w')",
        "p.read_text()",
        "p.write_text('a')",
        "run(text=True)",
    ):
        assert text_without_encoding(line) == [1]
    for line in (
        "open('a', 'rb')",
        "p.open('wb')",
        "p.read_text(encoding='utf-8')",
        "os.open(a, 1)",
    ):
        assert text_without_encoding(line) == []


def test_commands_print_under_a_locale_that_knows_no_umlaut(tmp_path):
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    for command in (["list"], ["notebooks", "check"]):
        answer = subprocess.run(
            [sys.executable, "-m", "sdc_helpers.cli", *command],
            env={**os.environ, **locale},
            capture_output=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.decode("ascii")


def addresses_in(text):
    return [match.group() for pattern in INDEX_ADDRESSES for match in pattern.finditer(text)]


def test_no_file_records_a_package_index(tracked):
    found = {}
    for path in tracked:
        content = path.read_bytes()
        if b"\0" not in content[:8192]:  # a text file
            hits = addresses_in(content.decode("utf-8", errors="replace"))
            found.update({str(path.relative_to(ROOT)): hits} if hits else {})
    assert found == {}


@pytest.mark.parametrize(
    "parts",
    [
        ("https://pypi", ".org/simple"),
        ("https://files.", "pythonhosted.org/packages/a/b.whl"),
        ("--extra-index-url ", "https://host/whl"),
        ("index-url = ", "https://host/x"),
        ("https://download.", "pytorch.org/whl/cpu"),
        ("http://10.0.0.1:3141/root", "/simple/"),
        ("https://user@mirror.example", "/api/pypi/simple"),
    ],
)
def test_package_indexes_are_recognised(parts):
    assert addresses_in("".join(parts))


def test_links_to_projects_are_no_package_indexes():
    assert not addresses_in(
        "https://pypi.org/project/numpy https://download.pytorch.org/models/a.pth"
    )
    assert not addresses_in("uv pip compile --no-emit-index-url")


def notebooks():
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.skipif(not notebooks(), reason="no notebook has been generated yet")
def test_notebooks_have_no_outputs():
    for path in notebooks():
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            if cell["cell_type"] == "code":
                executed = cell["outputs"] or cell["execution_count"] is not None
                assert not executed, f"{path.name}, cell {number}: run sdc notebooks build"


def test_no_large_file_is_tracked(tracked):
    large = {str(p.relative_to(ROOT)): p.stat().st_size for p in tracked}
    assert {name: size for name, size in large.items() if size > MAX_BYTES} == {}


# Who looks into a folder otherwise than by `_paths.visible`, and for what.
OTHER_LISTINGS = {
    "_files.py": "temporaries of ours, and whether a folder to be written is empty",
    "_paths.py": "visible itself",
    "datasets/registry.py": "what a killed download of ours left behind",
    "studies/participants.py": "states of training in a cache of ours",
}
LISTINGS = {"glob", "rglob", "iglob", "iterdir", "listdir", "scandir", "walk", "fwalk"}


def listings(file):
    """Lines of a module that list a folder by a method or function of the standard library."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", None))
        owner = getattr(getattr(call.func, "value", None), "id", None)
        if name in LISTINGS and owner != "ast":
            yield call.lineno


def test_readers_look_into_folders_in_one_way():
    """Names that begin with a dot are the system's; one function leaves them out."""
    package = ROOT / "sdc_helpers"
    found = {}
    for file in package.rglob("*.py"):
        name = file.relative_to(package).as_posix()
        if not name.startswith("course/") and (lines := list(listings(file))):
            found[name] = lines
    assert sorted(found) == sorted(OTHER_LISTINGS), found


def test_what_the_system_puts_into_a_folder_is_left_out(tmp_path):
    from sdc_helpers._paths import visible

    for name in ("b.txt", "a.txt", "._a.txt", ".DS_Store", ".~lock.a.txt#", ".hidden.txt", "c.csv"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in visible(tmp_path, "*.txt")] == ["a.txt", "b.txt"]
    assert [path.name for path in visible(tmp_path)] == ["a.txt", "b.txt", "c.csv"]
    assert visible(tmp_path / "nowhere") == []
