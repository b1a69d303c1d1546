"""Regular expressions of the package: their time grows with the text, not with its square."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import sdc_helpers

PACKAGE = Path(sdc_helpers.__file__).parent
AS_IN_A_LINE = {"search", "sub", "subn", "split", "findall", "finditer"}
USES = {"match", "fullmatch", *AS_IN_A_LINE}
NAMES_ALONE = {
    "_files.py",
    "course/catalogue.py",
    "course/published.py",
    "course/reference.py",
    "datasets/_nsd_files.py",
    "datasets/_things_files.py",
    "datasets/registry.py",
    "simulate/things.py",
}
"""Patterns of these see names of files, images and columns, and docstrings of the package."""
LONGEST_NAME = 255
LONG_TEXT = 20_000
SECONDS = 0.25
PIECES = (" ", "= ", "a", "a_", "a-", "a.", "'", "_1a.", "[ ", "[a,", "{a", "@a{\n", "*a:", "1")
ENDS = ("", "!")


class Pattern(NamedTuple):
    """A pattern of the package and how it is used."""

    text: str
    flags: int
    uses: frozenset[str]


def patterns() -> dict[str, Pattern]:
    """Return every pattern that is written out in the package, by file and line."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if not re.search(r"^\s*import re$", text, re.MULTILINE):
            continue
        tree = ast.parse(text)
        calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        names = {
            id(node.value): ast.unparse(node.targets[0])
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
        }
        for call in calls:
            is_pattern = call.args and isinstance(call.args[0], ast.Constant)
            if ast.unparse(call.func.value) != "re" or not is_pattern:
                continue
            if call.func.attr == "compile":
                name = names.get(id(call))
                own = (c.func.attr for c in calls if ast.unparse(c.func.value) == name)
                uses = USES & {*own} or USES  # a name that is used elsewhere, in any way
            else:
                uses = {call.func.attr}
            flags = [k.value for k in call.keywords if k.arg == "flags"]
            flags += call.args[1:2] if call.func.attr == "compile" else []
            value = sum(
                getattr(re, part.attr) for f in flags for part in ast.walk(f) if is_flag(part)
            )
            where = f"{file.relative_to(PACKAGE).as_posix()}:{call.lineno}"
            found[where] = Pattern(call.args[0].value, int(value), frozenset(uses))
    return found


def is_flag(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "re"


PATTERNS = patterns()


def seconds(pattern: Pattern, text: str) -> float:
    """Return the processor's time, the least of three where the first is too long."""
    compiled = re.compile(pattern.text, pattern.flags)
    least = float("inf")
    for _ in range(3):
        begin = time.process_time()
        if pattern.uses & AS_IN_A_LINE:
            sum(1 for _ in compiled.finditer(text))
        if "match" in pattern.uses:
            compiled.match(text)
        if "fullmatch" in pattern.uses:
            compiled.fullmatch(text)
        least = min(least, time.process_time() - begin)
        if least < SECONDS:
            break
    return least


def test_patterns_are_found():
    assert len(PATTERNS) > 30
    assert any(p.flags & re.IGNORECASE for p in PATTERNS.values())
    assert {"match"} in [p.uses for p in PATTERNS.values()]
    files = {where.partition(":")[0] for where in PATTERNS}
    assert files > {*NAMES_ALONE, "datasets/babylm.py", "curriculum/_taggers.py"}


def test_time_of_a_square_would_be_seen():
    assert seconds(Pattern(r"\s+=", 0, frozenset({"search"})), " " * LONG_TEXT) > SECONDS


@pytest.mark.parametrize("where", PATTERNS)
def test_a_long_odd_line_is_read_in_a_moment(where):
    """20,000 signs, a line from a user's file; 255 where only names are seen."""
    is_name = where.partition(":")[0] in NAMES_ALONE
    pattern = PATTERNS[where]
    for piece in PIECES:
        for end in ENDS:
            longest = (piece * LONG_TEXT)[: LONGEST_NAME if is_name else LONG_TEXT]
            for n in (LONGEST_NAME, 2_000, len(longest)):  # the shorter first: a square is noticed
                found = seconds(pattern, longest[:n] + end)
                assert found < SECONDS, f"{pattern.text!r}: {found:.2f} s, {n} signs of {piece!r}"
