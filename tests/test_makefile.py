from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def without_make() -> dict[str, str]:
    """The environment less what an outer make hands on, which would change what this one does."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "ARGS"))}


def make(*arguments: str) -> str:
    environment = without_make()
    command = ["make", "--no-print-directory", *arguments]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_help_lists_every_target_with_a_sentence():
    targets = set(re.search(r"^COMMANDS := (.*)$", MAKEFILE, re.MULTILINE).group(1).split())
    listed = dict(re.findall(r"^  (\S+)\s+(\S.*\.)$", make("help"), re.MULTILINE))
    assert targets <= listed.keys()
    assert {
        "course",
        "test",
        "check",
        "env",
        "lab",
        "lint",
        "notebooks",
        "book",
        "bench",
    } <= targets


def test_make_without_a_target_is_help():
    assert make() == make("help")


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        (
            "test",
            ["ruff check", "ruff format --check", "lint-imports", "notebooks check", "pytest"],
        ),
        ("course", ["run all --profile workshop", "book build"]),
    ],
)
def test_the_two_commands_do_all_of_their_steps_in_order(target, commands):
    plan = make("-n", target)
    places = [plan.find(command) for command in commands]
    assert -1 not in places, plan
    assert places == sorted(places)


def test_a_sweep_is_started_with_its_grid():
    assert make("-n", "sweep", "GRID=my.yaml").splitlines()[-1].endswith(" sweep my.yaml")
    assert make("-n", "sweep").splitlines()[-1].endswith(" sweep workflow/sweep.yaml")


def test_the_checks_of_a_change_end_in_make_test():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "exec make test"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0


@pytest.fixture
def course(tmp_path) -> Path:
    """A course folder with blanks, a quote and an umlaut, and stand-ins for uv and for python."""
    folder = tmp_path / "my disk's übung" / "the course"
    folder.mkdir(parents=True)
    for name in ("Makefile", "course.py", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    tools = tmp_path / "the tools"
    tools.mkdir()
    log = f'printf "%s|" "${{0##*/}}" "$@" >> "{tmp_path}/log"; echo >> "{tmp_path}/log"\n'
    python = tmp_path / "python"
    python.write_text(f'#!/bin/bash\n{log}case "$*" in $FAIL) exit 3;; $KILL) exit 137;; esac\n')
    python.chmod(0o755)
    make_it = f'mkdir -p .venv/bin && ln -s "{python}" .venv/bin/python\n'
    (tools / "uv").write_text(f'#!/bin/bash\n{log}if [ "$1" = venv ]; then {make_it}fi\n')
    (tools / "uv").chmod(0o755)
    return folder


def make_there(course: Path, *arguments: str, **variables: str) -> tuple[int, list[list[str]]]:
    """Run make in a course folder; return its exit code and the commands it gave."""
    tools, log = course.parent.parent / "the tools", course.parent.parent / "log"
    environment = without_make()
    environment |= {"PATH": f"{tools}:{os.environ['PATH']}", "FAIL": "-", "KILL": "-", **variables}
    environment["PYTHON"] = sys.executable  # a shim of pyenv would put its own uv before ours
    log.unlink(missing_ok=True)
    answer = subprocess.run(
        ["make", *arguments], cwd=course, env=environment, capture_output=True, check=False
    )
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    commands = [line.split("|")[:-1] for line in lines]
    # what begins at the last chapter beside it is a test of its own
    return answer.returncode, [command for command in commands if "--backwards" not in command]


def test_the_environment_is_made_in_a_folder_of_any_name(course):
    code, commands = make_there(course, "env")
    assert code == 0
    assert [command[:3] for command in commands] == [
        ["uv", "venv", "--quiet"],
        ["uv", "pip", "sync"],
        ["uv", "pip", "install"],
    ]
    assert (course / ".venv" / ".installed").is_file()
    assert make_there(course, "env") == (0, [])  # made once


def test_tests_and_the_lab_start_in_a_folder_of_any_name(course):
    for target, last in (("test", ["-m", "pytest"]), ("lab", ["-m", "sdc_helpers.cli", "lab"])):
        code, commands = make_there(course, target)
        assert code == 0
        assert commands[-1][: 1 + len(last)] == ["python", *last]


def test_a_mirror_beside_a_folder_of_any_name_is_found(course):
    data = course.parent / "shared" / "data"
    data.mkdir(parents=True)
    (data / "MANIFEST.tsv").touch()
    assert make_there(course, "env")[0] == 0
    python = course / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text('#!/bin/bash\necho "$SDC_DATA_MIRROR" > said\n', encoding="utf-8")
    python.chmod(0o755)
    environment = {k: v for k, v in without_make().items() if not k.startswith("SDC")}
    subprocess.run(["make", "lab"], cwd=course, env=environment, check=True)
    assert (course / "said").read_text(encoding="utf-8") == f"{data}\n"


def test_the_book_is_built_when_a_chapter_failed_and_make_fails(course):
    code, commands = make_there(course, "course", FAIL="*run?all*")
    assert code != 0
    assert [c[3:5] for c in commands if c[0] == "python"] == [["run", "all"], ["book", "build"]]


def test_a_killed_course_stops_and_again_is_handed_on(course):
    code, commands = make_there(course, "course", KILL="*run?all*")
    assert code != 0
    assert [c[3:5] for c in commands if c[0] == "python"] == [["run", "all"]]
    code, commands = make_there(course, "course", "AGAIN=1")
    assert code == 0
    assert "--again" in next(c for c in commands if "run" in c)


def test_a_browser_is_looked_for_before_the_tests(tmp_path):
    """The checks of a change, with stand-ins for every program that they call."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "env"):
        (tools / name).symlink_to(shutil.which(name))
    for name, does in {"id": "echo 0", "apt-get": "exit 100", "make": "exit 0"}.items():
        (tools / name).write_text(f'#!/bin/bash\necho "{name} $*" >> "{tmp_path}/log"\n{does}\n')
        (tools / name).chmod(0o755)
    for here, expected in ((False, ["id", "apt-get", "make"]), (True, ["make"])):
        if here:
            (tools / "chromium").symlink_to(shutil.which("true"))
        (tmp_path / "log").unlink(missing_ok=True)
        answer = subprocess.run(
            [tmp_path / ".ci" / "run"],
            env={"PATH": str(tools)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert answer.returncode == 0, answer.stderr  # a browser that cannot be had stops nothing
        log = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
        assert [line.split()[0] for line in log] == expected
        assert ("could not be installed" in answer.stdout) is not here
