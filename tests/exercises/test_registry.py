"""The machinery of exercises: verdicts, hints, cards, and learners who do the unexpected."""

from __future__ import annotations

import html
import random

import numpy as np
import pytest

from sdc_helpers import exercises
from sdc_helpers.course.errors import CourseError
from sdc_helpers.exercises import registry
from sdc_helpers.exercises.registry import Exercise, WrongAnswer


def double(values, pairs):
    """Return twice the values."""
    return 2 * values


EXERCISE = Exercise(
    identifier="toy.double",
    title="Double <it>",
    minutes=5,
    difficulty=1,
    solution=double,
    cases=lambda rng: [
        (rng.normal(size=3), [(np.arange(2), np.arange(2))]),
        (rng.normal(size=4), [(np.arange(3), np.arange(3))]),
    ],
    wrong_answers=(
        WrongAnswer("tripled", "That is three times.", lambda values, pairs: 3 * values),
        WrongAnswer("from the pairs", "Use values.", lambda values, pairs: pairs[0][0].sum()),
    ),
    hints=("Two & two.", "a < b", "2 * values"),
)
RETURNING = {
    str: Exercise(
        "toy.name", "Name", 5, 1, lambda n: "AB"[n], lambda rng: [(0,), (1,)], (), ("h",)
    ),
    bool: Exercise("toy.odd", "Odd", 5, 1, lambda n: n > 0, lambda rng: [(0,), (1,)], (), ("h",)),
    float: Exercise(
        "toy.half", "Half", 5, 1, lambda n: n / 2, lambda rng: [(1,), (2,)], (), ("h",)
    ),
}


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    monkeypatch.setattr(registry, "list_exercises", lambda: [EXERCISE, *RETURNING.values()])
    monkeypatch.setattr(registry, "_hints_given", {})


def check(answer):
    return exercises.check("toy.double", answer)


# --- verdicts -------------------------------------------------------------------------------------


def test_the_solution_and_an_answer_written_otherwise_are_correct():
    assert check(double).status == "correct"
    assert check(lambda values, pairs: [v + v for v in values]).status == "correct"
    assert check(lambda *a: (a[0] * 2).astype(np.float64).tolist()).mistake == ""


def test_a_named_mistake_is_recognised_by_its_name():
    verdict = check(lambda values, pairs: values + values + values)
    assert (verdict.status, verdict.mistake) == ("wrong", "tripled")
    assert verdict.message == "That is three times."


def raises_not_implemented(values, pairs):
    raise NotImplementedError


@pytest.mark.parametrize(
    "stub", [lambda *a: None, lambda *a: ..., raises_not_implemented], ids=["None", "...", "raises"]
)
def test_an_untouched_stub_is_not_attempted(stub):
    verdict = check(stub)
    assert (verdict.status, verdict.mistake) == ("not attempted", "")
    assert "Double <it>" in verdict.message


def test_an_answer_for_some_cases_only_was_attempted():
    verdict = check(lambda values, pairs: 2 * values if len(values) == 3 else None)
    assert verdict.status == "wrong"
    assert "test case 2 you returned None" in verdict.message


def test_an_answer_that_raises_is_wrong_with_the_error_named():
    verdict = check(lambda values, pairs: values + {}["a"])
    assert verdict.status == "wrong"
    assert "raised KeyError: 'a'" in verdict.message
    verdict = check(lambda values: values)
    assert "raised TypeError: " in verdict.message
    assert "2 were given" in verdict.message


class Stubborn:
    """An object that numpy cannot read."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("ask me differently")


@pytest.mark.parametrize(
    "returned",
    [
        1.0, "2.0", b"2", True, np.ones(7), np.ones((3, 1)), np.array([]), {}, {"a": 1},
        [[1.0, 2.0], [3.0]], [np.ones(2), "b"], np.nan, np.inf, 1 + 2j, np.array([1j, 2, 3]),
        (i for i in range(3)), range(3), int, np.array(["a"]), np.array([None, 1.0, 2.0]),
        object(), Stubborn(), np.ma.masked, np.datetime64("2020-01-01"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_any_other_type_or_shape_is_wrong_in_words(returned):
    verdict = check(lambda values, pairs: returned)
    assert (verdict.status, verdict.mistake) == ("wrong", "")
    assert "On test case 1 you returned" in verdict.message
    assert "expected an array of shape (3,) with mean" in verdict.message


def test_a_real_part_alone_is_not_the_answer():
    assert check(lambda values, pairs: 2 * values + 1e-3j).status == "wrong"


def test_a_difference_beyond_the_tolerance_is_wrong_and_below_it_is_not():
    for factor, status in ((0.5, "correct"), (3.0, "wrong")):

        def answer(values, pairs, off=factor * EXERCISE.tolerance):
            return 2 * values + off * np.maximum(1, np.abs(2 * values))  # fmt: skip

        assert check(answer).status == status


def test_what_an_answer_does_to_its_arguments_disturbs_nothing():
    def spoil(values, pairs):
        values[:] = 0
        pairs[0][0][:] = 99
        pairs.clear()
        return np.zeros(len(values))

    def use_then_spoil(values, pairs):
        tripled = 3 * values
        values *= 5
        pairs[0][0][:] = 99
        pairs.pop()
        return tripled

    verdict = check(spoil)
    assert (verdict.status, verdict.mistake) == ("wrong", "")
    assert check(use_then_spoil).mistake == "tripled"
    assert check(double).status == "correct"


def test_the_random_state_is_neither_used_nor_changed():
    verdicts, states = [], []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        verdicts.append(check(lambda values, pairs: values))
        states.append(np.array_equal(before, np.random.get_state()[1]))  # noqa: NPY002
    assert verdicts[0] == verdicts[1]
    assert states == [True, True]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (str, [lambda n: "AB"[n], lambda n: np.array(["A", "B"])[n]], [lambda n: n, lambda n: "A"]),
        (bool, [lambda n: n == 1, lambda n: np.bool_(n)], [lambda n: n, lambda n: float(n)]),
        (float, [lambda n: n / 2, lambda n: np.float32(n / 2)], [lambda n: str(n / 2), bool]),
    ],
)
def test_numpys_own_types_count_and_other_types_do_not(kind, right, wrong):
    identifier = RETURNING[kind].identifier
    assert {exercises.check(identifier, answer).status for answer in right} == {"correct"}
    assert {exercises.check(identifier, answer).status for answer in wrong} == {"wrong"}


# --- being asked wrongly --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask", [exercises.hint, exercises.card, lambda i: exercises.check(i, double)]
)
def test_an_unknown_exercise_is_refused_with_the_nearest(ask):
    with pytest.raises(CourseError, match=r"no exercise 'toy\.duble': did you mean 'toy\.double'"):
        ask("toy.duble")


def test_a_value_instead_of_a_function_is_refused():
    with pytest.raises(
        CourseError, match=r"takes your function itself, without calling it; .*float"
    ):
        check(3.0)


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yours", "whose"),
    [(double, "your"), (lambda *values: ..., "the course's"), (len, "the course's")],
)
def test_the_notebook_goes_on_with_what_is_right(yours, whose, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda text: shown.append(text.data))
    chosen = exercises.yours_or_ours("toy.double", yours)
    assert chosen is (yours if whose == "your" else EXERCISE.solution)
    assert whose in shown[0]
    ours = exercises.yours_or_ours("toy.double", lambda *values: None, ours=max)
    assert ours is max


# --- hints and cards ------------------------------------------------------------------------------


def test_hints_come_one_by_one_and_the_last_is_repeated():
    given = [exercises.hint("toy.double") for _ in range(5)]
    assert [h.message for h in given] == [
        "1 of 3: Two & two.", "2 of 3: a < b", "3 of 3: 2 * values",
        "3 of 3: 2 * values", "3 of 3: 2 * values",
    ]  # fmt: skip
    assert {h.status for h in given} == {"hint"}
    assert exercises.hint("toy.odd").message == "1 of 1: h"


def test_hints_and_verdicts_show_themselves_escaped():
    exercises.hint("toy.double")
    for verdict in (exercises.hint("toy.double"), check(lambda *a: None), check(lambda *a: "<b>")):
        bundle = verdict._repr_mimebundle_()
        assert bundle["text/plain"] == str(verdict)
        assert verdict.identifier in bundle["text/html"]
        assert html.escape(verdict.message) in bundle["text/html"]
        assert verdict.message in bundle["text/plain"]
        assert verdict.message not in bundle["text/html"]  # each holds a character to escape


def test_a_card_folds_hints_and_solution_away():
    bundle = exercises.card("toy.double")._repr_mimebundle_()
    page = bundle["text/html"]
    folded = page.split("<details>")[1:]
    assert [part.split("</summary>")[0] for part in folded] == [
        f"<summary>{name}" for name in ("Hint 1", "Hint 2", "Hint 3", "Solution")
    ]
    assert "a &lt; b" in folded[1]
    assert "def double(values, pairs):" in html.unescape(folded[-1])
    open_part = page.split("<details>")[0]
    assert "Double &lt;it&gt;" in open_part
    assert "5 minutes, difficulty 1 of 3" in open_part
    for secret in (*EXERCISE.hints, "return 2 * values"):
        assert secret not in html.unescape(open_part)
        assert secret not in bundle["text/plain"]
