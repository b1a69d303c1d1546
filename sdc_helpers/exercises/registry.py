"""Check a learner's function against a solution, and know the common wrong answers by name."""

from __future__ import annotations

import copy
import html
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sdc_helpers.course.errors import CourseError, nearest

Status = Literal["not attempted", "correct", "wrong", "hint"]
_COLOURS = {
    "not attempted": "#777777",
    "correct": "#117733",
    "wrong": "#aa3377",
    "hint": "#0072b2",
}
_hints_given: dict[str, int] = {}


@dataclass(frozen=True)
class WrongAnswer:
    """A mistake that people make, as a function that makes it.

    Attributes
    ----------
    name : str
        Short name of the mistake, such as ``diagonal kept``.
    message : str
        Message that the learner is shown.
    function : callable
        Wrong function, with the arguments of the solution.
    """

    name: str
    message: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """One exercise: its check, hints, solution and the wrong answers it recognises.

    Attributes
    ----------
    identifier : str
        ``chapter.topic``; the part before the dot names the module that holds it.
    title : str
        Title of a few words.
    minutes : int
        Minutes that someone needs who has read the chapter.
    difficulty : int
        Difficulty from 1 to 3.
    solution : callable
        The answer; its source is shown to the learner.
    cases : callable
        Takes a numpy Generator, returns a list of argument tuples to compare on.
    wrong_answers : tuple of WrongAnswer
        Each must differ from the solution and from the others on the cases.
    hints : tuple of str
        Hints, from the weakest to the strongest.
    tolerance : float
        Largest difference, relative to the expected value (absolute below 1), that still counts
        as the same.
    """

    identifier: str
    title: str
    minutes: int
    difficulty: int
    solution: Callable[..., Any]
    cases: Callable[[np.random.Generator], Sequence[tuple[Any, ...]]]
    wrong_answers: tuple[WrongAnswer, ...]
    hints: tuple[str, ...]
    tolerance: float = 1e-8


@dataclass(frozen=True)
class Verdict:
    """What a check found, or a hint; shows itself in a notebook.

    Attributes
    ----------
    identifier : str
        Identifier of the exercise.
    status : {"not attempted", "correct", "wrong", "hint"}
        Outcome of the check; "hint" for a hint.
    message : str
        Message for the learner.
    mistake : str
        The name of the wrong answer recognised, or empty.
    """

    identifier: str
    status: Status
    message: str
    mistake: str = ""

    def __str__(self) -> str:
        return f"Exercise {self.identifier}: {self.status}. {self.message}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        colour = _COLOURS[self.status]
        page = (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.5em 0">'
            f"<b>Exercise <code>{html.escape(self.identifier)}</code>: "
            f'<span style="color:{colour}">{self.status}</span></b><br>'
            f"{html.escape(self.message)}</div>"
        )
        return {"text/plain": str(self), "text/html": page}


@dataclass(frozen=True)
class Card:
    """An exercise as a notebook shows it: effort, hints and solution, folded."""

    exercise: Exercise

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        e = self.exercise
        effort = f"{e.minutes} minutes, difficulty {e.difficulty} of 3"
        folded = [(f"Hint {i}", html.escape(h)) for i, h in enumerate(e.hints, start=1)]
        source = textwrap.dedent(inspect.getsource(e.solution))
        folded.append(("Solution", f"<pre>{html.escape(source)}</pre>"))
        details = "".join(
            f"<details><summary>{title}</summary>{body}</details>" for title, body in folded
        )
        page = (
            f"<div><b>{html.escape(e.title)}</b> <code>{html.escape(e.identifier)}</code> "
            f"({effort})<br>{details}</div>"
        )
        text = f"Exercise {e.identifier}: {e.title} ({effort})"
        return {"text/plain": text, "text/html": page}


def check(identifier: str, answer: Callable[..., Any]) -> Verdict:
    """Check a learner's function.

    Parameters
    ----------
    identifier : str
        Identifier of the exercise, such as ``cka.debias``.
    answer : callable
        The learner's function; one that returns None or ``...`` counts as not attempted.

    Returns
    -------
    Verdict

    Raises
    ------
    CourseError
        When there is no such exercise, or ``answer`` is not a function.
    """
    exercise = find(identifier)
    if not callable(answer):
        raise CourseError(
            f"check({identifier!r}, ...) takes your function itself, without calling it; "
            f"it got {type(answer).__name__}"
        )
    cases = exercise.cases(np.random.default_rng(0))
    expected = _outputs(exercise.solution, cases)
    try:
        given = _outputs(answer, cases)
    except NotImplementedError:
        given = [None]
    except Exception as error:
        message = f"Your function raised {type(error).__name__}: {error}"
        return Verdict(identifier, "wrong", message)
    if all(g is None or g is ... for g in given):
        return Verdict(identifier, "not attempted", f"'{exercise.title}' is waiting for you.")
    if _agree(given, expected, exercise.tolerance):
        return Verdict(identifier, "correct", f"Well done: {exercise.title}.")
    for wrong in exercise.wrong_answers:
        if _agree(given, _outputs(wrong.function, cases), exercise.tolerance):
            return Verdict(identifier, "wrong", wrong.message, wrong.name)
    return Verdict(identifier, "wrong", _first_difference(given, expected, exercise.tolerance))


def yours_or_ours(
    identifier: str, yours: Callable[..., Any], ours: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Choose the function that the notebook goes on with, and say which.

    Parameters
    ----------
    identifier : str
        Identifier of the exercise, such as ``cka.debias``.
    yours : callable
        The learner's function.
    ours : callable, optional
        The package's function of the same arguments; the exercise's solution by default.

    Returns
    -------
    callable
        ``yours`` where its check says that it is correct, otherwise ``ours``.
    """
    from IPython.display import Markdown, display

    ours = find(identifier).solution if ours is None else ours
    is_right = check(identifier, yours).status == "correct"
    whose = "**your** function" if is_right else "the course's function in place of yours"
    display(Markdown(f"*From here on the notebook uses {whose}.*"))
    return yours if is_right else ours


def hint(identifier: str) -> Verdict:
    """Give the next hint of an exercise; the last one is repeated.

    Parameters
    ----------
    identifier : str
        Identifier of the exercise.

    Returns
    -------
    Verdict
        Status "hint", with the hint as its message.
    """
    exercise = find(identifier)
    number = min(_hints_given.get(identifier, 0) + 1, len(exercise.hints))
    _hints_given[identifier] = number
    text = f"{number} of {len(exercise.hints)}: {exercise.hints[number - 1]}"
    return Verdict(identifier, "hint", text)


def card(identifier: str) -> Card:
    """Show an exercise's effort, hints and solution, folded.

    Parameters
    ----------
    identifier : str
        Identifier of the exercise.

    Returns
    -------
    Card
    """
    return Card(find(identifier))


def find(identifier: str) -> Exercise:
    """Return an exercise.

    Raises
    ------
    CourseError
        When no exercise has that identifier; the message names the nearest ones.
    """
    chapter = identifier.partition(".")[0]
    own = _of_chapter(chapter) if chapter in _chapters() else ()  # all import half of SciPy
    for exercise in own:
        if exercise.identifier == identifier:
            return exercise
    known = {e.identifier: e for e in list_exercises()}
    if identifier not in known:
        raise CourseError(f"there is no exercise {identifier!r}: {nearest(identifier, known)}")
    return known[identifier]


def list_exercises() -> list[Exercise]:
    """Return every exercise of the course, chapter by chapter."""
    return [exercise for chapter in _chapters() for exercise in _of_chapter(chapter)]


def _chapters() -> list[str]:
    package = importlib.import_module("sdc_helpers.exercises")
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return [name for name in names if name != "registry" and not name.startswith("_")]


def _of_chapter(chapter: str) -> Sequence[Exercise]:
    return importlib.import_module(f"sdc_helpers.exercises.{chapter}").EXERCISES


def _outputs(function: Callable[..., Any], cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [function(*copy.deepcopy(case)) for case in cases]


def _agree(given: Sequence[Any], expected: Sequence[Any], tolerance: float) -> bool:
    pairs = zip(given, expected, strict=True)
    return all(_same(g, e, tolerance) for g, e in pairs)


def _same(given: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        return isinstance(given, str) and given == expected
    a, b = _numbers(given), _numbers(expected)
    if a is None or b is None or a.shape != b.shape or (a.dtype == bool) != (b.dtype == bool):
        return False
    a, b = a.astype(float), b.astype(float)
    return bool(np.all(np.abs(a - b) <= tolerance * np.maximum(1.0, np.abs(b))))


def _numbers(value: Any) -> np.ndarray | None:
    """Return real numbers or truth values as an array; None where there is anything else."""
    try:
        array = np.asarray(value)
    except Exception:  # whatever a foreign type or a ragged list raises
        return None
    return array if array.dtype.kind in "biuf" else None


def _first_difference(given: Sequence[Any], expected: Sequence[Any], tolerance: float) -> str:
    for number, (g, e) in enumerate(zip(given, expected, strict=True), start=1):
        if not _same(g, e, tolerance):
            return f"On test case {number} you returned {_brief(g)}; expected {_brief(e)}."
    raise AssertionError("no difference to report")


def _brief(value: Any) -> str:
    array = _numbers(value)
    if array is None or array.dtype == bool:
        return f"{repr(value)[:80]} ({type(value).__name__})"
    if array.ndim == 0:
        return f"{float(array):.6g}"
    mean = f" with mean {array.mean():.6g}" if array.size else ""
    return f"an array of shape {array.shape}{mean}"
