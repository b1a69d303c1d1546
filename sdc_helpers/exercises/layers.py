"""The exercise of the chapter on brains and layers."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer


def gram_of_distances(D: np.ndarray) -> np.ndarray:
    """Turn squared distances between stimuli into a centred Gram matrix."""
    row_means = D.mean(axis=0)
    centred = D - row_means - row_means[:, None] + D.mean()
    return -centred / 2


def _not_centred(D: np.ndarray) -> np.ndarray:
    return -D / 2


def _rows_only(D: np.ndarray) -> np.ndarray:
    return -(D - D.mean(axis=1, keepdims=True)) / 2


def _sign_forgotten(D: np.ndarray) -> np.ndarray:
    return -gram_of_distances(D)


def _squared_again(D: np.ndarray) -> np.ndarray:
    return gram_of_distances(D**2)


def _distance_cases(rng: np.random.Generator) -> list[tuple[np.ndarray]]:
    cases = []
    for n, width in ((4, 3), (7, 2), (12, 30)):
        X = rng.normal(size=(n, width)) + 1
        cases.append((((X[:, None] - X) ** 2).sum(axis=2),))
    return cases


EXERCISES = (
    Exercise(
        identifier="layers.gram_of_distances",
        title="From distances to a Gram matrix",
        minutes=5,
        difficulty=1,
        solution=gram_of_distances,
        cases=_distance_cases,
        wrong_answers=(
            WrongAnswer(
                "not centred",
                "You did not centre. The squared lengths of both responses are still in each "
                "entry; taking off the means of rows and columns removes them.",
                _not_centred,
            ),
            WrongAnswer(
                "rows only",
                "You took off the means of the rows alone. Columns have to be centred too, and "
                "the grand mean comes back once.",
                _rows_only,
            ),
            WrongAnswer(
                "sign forgotten",
                "The sign is the other way round: a large distance means a small inner product.",
                _sign_forgotten,
            ),
            WrongAnswer(
                "squared again",
                "D holds squared distances already. Squared again they are no inner products.",
                _squared_again,
            ),
        ),
        hints=(
            "H D H takes off the mean of each row and of each column, and adds the grand mean.",
            "D is symmetric, so the means of rows and columns are the same numbers.",
            "-(D - m - m[:, None] + D.mean()) / 2 with m = D.mean(axis=0)",
        ),
    ),
)
