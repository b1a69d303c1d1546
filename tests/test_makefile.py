from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str) -> str:
    # what an outer make hands on would change what this one prints
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
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


def test_the_checks_of_a_change_are_make_test():
    lines = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert lines == ["exec make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
