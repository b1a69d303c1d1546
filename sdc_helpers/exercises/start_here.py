"""The exercise of the start page."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer


def p_value(value: float, null: np.ndarray) -> float:
    """Return how often chance alone does at least as well, the measured value counted in."""
    at_least_as_large = np.sum(null >= value)
    return float((1 + at_least_as_large) / (1 + len(null)))


def _without_the_value_itself(value: float, null: np.ndarray) -> float:
    return float(np.mean(null >= value))


def _wrong_tail(value: float, null: np.ndarray) -> float:
    return float((1 + np.sum(null <= value)) / (1 + len(null)))


def _strictly_larger(value: float, null: np.ndarray) -> float:
    return float((1 + np.sum(null > value)) / (1 + len(null)))


def _cases(rng: np.random.Generator) -> list[tuple[float, np.ndarray]]:
    null = rng.normal(size=99)
    return [(0.8, null), (9.0, null), (float(null[3]), null), (-1.0, null[:19])]


EXERCISES = (
    Exercise(
        identifier="start_here.p_value",
        title="A p-value from shuffles",
        minutes=5,
        difficulty=1,
        solution=p_value,
        cases=_cases,
        wrong_answers=(
            WrongAnswer(
                "value itself not counted",
                "Your p-value can be exactly 0, as if 99 shuffles could prove the impossible. The "
                "measured order is one of the possible orders: count it too, above and below.",
                _without_the_value_itself,
            ),
            WrongAnswer(
                "wrong tail",
                "You count the shuffles that did worse. A small p must mean that few did as well.",
                _wrong_tail,
            ),
            WrongAnswer(
                "ties dropped",
                "A shuffle that ties with the measured value did at least as well: use >=.",
                _strictly_larger,
            ),
        ),
        hints=(
            "Count the shuffled values that are at least as large as the measured one.",
            "The measured order is one of the orders that chance could have given: it belongs into "
            "the count and into the total.",
            "(1 + count) / (1 + number of shuffles)",
        ),
    ),
)
