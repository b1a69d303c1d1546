"""Every exercise of the course: its solution, other solutions, and each wrong answer by name."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

from sdc_helpers import exercises
from sdc_helpers.exercises.registry import _agree, _outputs, find, list_exercises

EXERCISES = list_exercises()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.identifier)
each_wrong_answer = pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        pytest.param(e, w, id=f"{e.identifier}: {w.name}")
        for e in EXERCISES
        for w in e.wrong_answers
    ],
)


# --- other ways to solve them, from other formulas ------------------------------------------------


def p_value_in_a_loop(value, null):
    count = 1
    for other in null:
        if other >= value:
            count += 1
    return count / (len(null) + 1)


def hsic_unbiased(K, L):
    """Return the unbiased HSIC of Song et al. (2012), equation 5."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    trace = np.trace(K @ L)
    means = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    cross = 2 / (n - 2) * (one @ K @ L @ one)
    return (trace + means - cross) / (n * (n - 3))


def debiased_by_hsic(K, L):
    return hsic_unbiased(K, L) / np.sqrt(hsic_unbiased(K, K) * hsic_unbiased(L, L))


def plateau_by_logarithms(n, p1, p2):
    sides = [np.log1p((n - 1) / p) for p in (p1, p2)]
    return np.exp(-sum(sides) / 2)


def fresh_copies_by_order(X, moves):
    copies = []
    for rows, sources in moves:
        order = np.arange(len(X))
        order[rows] = sources
        copies.append(X[order])
    return copies


def centred_cosine(K, L):
    """Return biased CKA with the centring matrix written out."""
    H = np.eye(len(K)) - 1 / len(K)
    K, L = H @ K @ H, H @ L @ H
    return np.sum(K * L) / (np.linalg.norm(K) * np.linalg.norm(L))


def report_by_hsic(A, B, layer, orders):
    L = layer @ layer.T
    kept = {}
    for name, area in zip("AB", (A, B), strict=True):
        K = area @ area.T
        value = debiased_by_hsic(K, L)
        null = [debiased_by_hsic(K[order][:, order], L) for order in orders]
        rank = sum(v >= value for v in null)
        if (rank + 1) / (len(orders) + 1) <= 0.05:
            kept[value] = name
    return kept[max(kept)] if kept else "neither"


def percent_voxel_by_voxel(stored, mask):
    columns = [[int(volume[z, y, x]) / 300.0 for volume in stored] for x, y, z in np.argwhere(mask)]
    return np.array(columns).T


def ceiling_from_pairs_of_showings(z):
    # the variance of a few numbers is half the mean squared difference of all their pairs
    n = z.shape[1]
    pairs = [(z[:, i] - z[:, j]) ** 2 / 2 for i in range(n) for j in range(i)]
    noise = np.mean(pairs, axis=(0, 1))
    return 100 * np.clip(1 - noise, 0, None) / np.where(noise > 1, noise, 1)


def seen_before_by_sets(image_ids, train, test):
    known = {int(i) for i, used in zip(image_ids, train, strict=True) if used}
    tested = [int(i) for i, used in zip(image_ids, test, strict=True) if used]
    return sum(i in known for i in tested) / len(tested)


OTHER_SOLUTIONS = {
    "loading.to_percent": percent_voxel_by_voxel,
    "loading.noise_ceiling": ceiling_from_pairs_of_showings,
    "loading.seen_before": seen_before_by_sets,
    "start_here.p_value": p_value_in_a_loop,
    "cka.debias": debiased_by_hsic,
    "cka.plateau": plateau_by_logarithms,
    "cka.fresh_copies": fresh_copies_by_order,
    "cka.report": report_by_hsic,
}


@each_exercise
def test_the_solution_is_correct(exercise):
    assert exercises.check(exercise.identifier, exercise.solution).status == "correct"


@each_exercise
def test_a_solution_from_another_formula_is_correct(exercise):
    other = OTHER_SOLUTIONS[exercise.identifier]
    verdict = exercises.check(exercise.identifier, other)
    assert verdict.status == "correct", verdict.message


# --- wrong answers --------------------------------------------------------------------------------


@each_wrong_answer
def test_each_wrong_answer_is_recognised_by_its_own_name_and_message(exercise, wrong):
    verdict = exercises.check(exercise.identifier, wrong.function)
    assert (verdict.status, verdict.mistake) == ("wrong", wrong.name)
    assert verdict.message == wrong.message


@each_exercise
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_wrong_answers_differ_whatever_the_cases_are(exercise, seed):
    """Not only on the cases of the check: a mistake is a mistake on other numbers too."""
    cases = exercise.cases(np.random.default_rng(seed))
    functions = [exercise.solution, *(wrong.function for wrong in exercise.wrong_answers)]
    outputs = [_outputs(function, cases) for function in functions]
    for i, a in enumerate(outputs):
        for b in outputs[:i]:
            assert not _agree(a, b, exercise.tolerance)


@each_exercise
@pytest.mark.parametrize(
    "answer",
    [lambda *a: 0.123, lambda *a: "C", lambda *a: [], lambda *a: a[0], lambda *a: np.eye(3), list],
    ids=["number", "text", "empty", "its argument", "matrix", "list"],
)
def test_answers_of_another_kind_are_wrong(exercise, answer):
    verdict = exercises.check(exercise.identifier, answer)
    assert verdict.status == "wrong"
    assert verdict.message


@each_exercise
def test_a_stub_of_the_exercise_is_not_attempted(exercise):
    assert exercises.check(exercise.identifier, lambda *a: ...).status == "not attempted"


@each_exercise
def test_an_answer_may_spoil_its_arguments(exercise):
    def spoil(*arguments):
        answer = exercise.solution(*arguments)
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
            elif isinstance(argument, list):
                argument.clear()
        return answer

    assert exercises.check(exercise.identifier, spoil).status == "correct"
    assert exercises.check(exercise.identifier, exercise.solution).status == "correct"


# --- the entries ----------------------------------------------------------------------------------


@each_exercise
def test_an_entry_is_complete(exercise):
    assert find(exercise.identifier) is exercise
    chapter = exercise.identifier.split(".")[0]
    assert exercise in importlib.import_module(f"sdc_helpers.exercises.{chapter}").EXERCISES
    assert 1 <= exercise.difficulty <= 3
    assert 1 <= exercise.minutes <= 60
    assert 1 <= len(exercise.hints) <= 3
    assert len(exercise.wrong_answers) >= 3
    for name in ("name", "message"):
        texts = [getattr(wrong, name) for wrong in exercise.wrong_answers]
        assert len(set(texts)) == len(texts)
        assert all(texts)


@each_exercise
def test_the_card_shows_the_solution_that_is_checked(exercise):
    page = exercises.card(exercise.identifier)._repr_mimebundle_()["text/html"]
    assert f"def {exercise.solution.__name__}(" in page
    assert "_" not in exercise.solution.__name__[0]
    arguments = list(inspect.signature(exercise.solution).parameters)
    for wrong in exercise.wrong_answers:
        assert list(inspect.signature(wrong.function).parameters) == arguments


def test_identifiers_are_unique():
    identifiers = [e.identifier for e in EXERCISES]
    assert len(set(identifiers)) == len(identifiers) > 0


def test_a_negative_value_is_among_the_cases_of_debiasing():
    exercise = find("cka.debias")
    values = _outputs(debiased_by_hsic, exercise.cases(np.random.default_rng(0)))
    assert min(values) < 0 < max(values)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_report_is_asked_where_size_misleads(seed):
    """The planted pattern: biased values rank the larger area first, related or not."""
    small_related, swapped, large_related, neither = find("cka.report").cases(
        np.random.default_rng(seed)
    )
    answers = [report_by_hsic(*case) for case in (small_related, swapped, large_related, neither)]
    assert answers == ["A", "B", "B", "neither"]
    for A, B, layer, _ in (small_related, swapped, large_related, neither):
        biased = [centred_cosine(area @ area.T, layer @ layer.T) for area in (A, B)]
        assert np.argmax(biased) == np.argmax([A.shape[1], B.shape[1]])
