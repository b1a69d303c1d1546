"""Every exercise in its place, in a real kernel: untouched, right, and each known wrong answer.

The cells are those of the chapters: the stub, the check below it, and the line by which the
notebook goes on with the learner's function or with the course's. Only what is between them is left
out, so that one kernel can try all answers of all chapters.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.exercises.registry import find, list_exercises

OPENING = """\
import numpy as np
from sdc_helpers import exercises


def known_answer(exercise, number):
    from sdc_helpers.exercises.registry import find

    known = find(exercise)
    return known.solution if number < 0 else known.wrong_answers[number].function
"""


class Place(NamedTuple):
    """An exercise as it stands in its chapter."""

    chapter: str
    identifier: str
    function: str
    stub: str
    check: str
    goes_on: str


def line_with(sources: list[str], call: str, identifier: str) -> str:
    """Return the statement that makes a call with the exercise's name, "" where there is none."""
    for source in sources:
        if call in source and f'"{identifier}"' in source:
            for statement in ast.parse(source).body:
                text = ast.get_source_segment(source, statement)
                if call in text and f'"{identifier}"' in text:
                    return text
    return ""


def places() -> list[Place]:
    found = []
    for notebook in list_notebooks():
        cells = [c for c in notebook.content.cells if c.cell_type == "code"]
        sources = [cell.source for cell in cells]
        for number, cell in enumerate(cells):
            if "exercise" not in cell.metadata.get("tags", []):
                continue
            check = sources[number + 1]
            identifier = ast.parse(check).body[0].value.args[0].value
            goes_on = line_with(sources[number:], "exercises.yours_or_ours(", identifier)
            function = ast.parse(cell.source).body[-1].name
            found.append(Place(notebook.name, identifier, function, cell.source, check, goes_on))
    return found


PLACES = places()


def cells_of(place: Place) -> list[tuple[int | None, str]]:
    """Return the number of each answer, None for the untouched stub, and its cell."""
    tries = [(None, place.stub)]
    for number in range(-1, len(find(place.identifier).wrong_answers)):
        tries.append((number, f"{place.function} = known_answer({place.identifier!r}, {number})"))
    return tries


@pytest.fixture(scope="module")
def outcomes(course_environment) -> dict[tuple[str, int | None], tuple[str, str]]:
    """What the check says, and the line after it, by exercise and answer: of one real kernel."""
    v4 = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(OPENING)])
    for place in PLACES:
        for number, source in cells_of(place):
            mark = {"try": [place.identifier, number]}
            notebook.cells.append(v4.new_code_cell(source))
            notebook.cells.append(v4.new_code_cell(place.check, metadata=mark))
            notebook.cells.append(v4.new_code_cell(place.goes_on, metadata=mark))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in course_environment.items():
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    said: dict[tuple[str, int | None], list[str]] = {}
    for cell in notebook.cells:
        if "try" in cell.metadata:
            texts = [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
            marks = [o.get("data", {}).get("text/markdown", "") for o in cell.outputs]
            said.setdefault(tuple(cell.metadata["try"]), []).append("\n".join([*texts, *marks]))
    return {key: (texts[0], texts[1]) for key, texts in said.items()}


def test_every_exercise_has_a_place_of_its_own():
    found = [place.identifier for place in PLACES]
    assert sorted(found) == sorted(exercise.identifier for exercise in list_exercises())


def test_the_first_exercise_of_a_chapter_carries_the_notebook_on():
    first = {place.chapter: place for place in reversed(PLACES)}
    assert len(first) == len(list_notebooks())
    assert [place.chapter for place in first.values() if not place.goes_on] == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.identifier)
def test_each_answer_is_met_in_its_place(place, outcomes):
    for number, _ in cells_of(place):
        verdict, after = outcomes[place.identifier, number]
        if number is None:
            expected, is_yours = "not attempted", False
        elif number == -1:
            expected, is_yours = "correct", True
        else:
            expected, is_yours = find(place.identifier).wrong_answers[number].message, False
            assert f"{place.identifier}: wrong" in verdict
        assert expected in verdict
        if place.goes_on:
            assert ("**your** function" in after) == is_yours
            assert ("the course's function" in after) != is_yours
