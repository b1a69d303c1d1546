"""The exercises of the chapter on the contrastive gap."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _pairs(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs with something in common, each side in a cone of its own."""
    common, cones = rng.normal(size=(n, d)), rng.normal(size=(2, 1, d))
    u, v = (_unit(common + cone + 0.5 * rng.normal(size=(n, d))) for cone in cones)
    return u, v


def _pair_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [_pairs(rng, 6, 3), _pairs(rng, 15, 8)]


# --- 1. uniformity ------------------------------------------------------------------------------


def uniformity(x: np.ndarray) -> float:
    """Log of the mean of exp(-2 squared distance) over pairs of different rows."""
    squared = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    different = np.triu_indices(len(x), 1)
    return float(np.log(np.exp(-2 * squared[different]).mean()))


def _squared_distances(x: np.ndarray) -> np.ndarray:
    return ((x[:, None] - x[None]) ** 2).sum(axis=2)


def _rows_with_themselves(x: np.ndarray) -> float:
    return float(np.log(np.exp(-2 * _squared_distances(x)).mean()))


def _mean_of_the_log(x: np.ndarray) -> float:
    return float(-2 * _squared_distances(x)[np.triu_indices(len(x), 1)].mean())


def _not_squared(x: np.ndarray) -> float:
    distances = np.sqrt(_squared_distances(x)[np.triu_indices(len(x), 1)])
    return float(np.log(np.exp(-2 * distances).mean()))


def _no_log(x: np.ndarray) -> float:
    return float(np.exp(uniformity(x)))


def _sign_turned(x: np.ndarray) -> float:
    return float(np.log(np.exp(2 * _squared_distances(x)[np.triu_indices(len(x), 1)]).mean()))


def _row_cases(rng: np.random.Generator) -> list[tuple[np.ndarray]]:
    return [(_pairs(rng, 6, 3)[0],), (_pairs(rng, 15, 8)[1],)]


# --- 2. the rotation ----------------------------------------------------------------------------


def rotated_onto(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Rotate all rows of v by the orthogonal matrix that brings them nearest to those of u."""
    left, _, right = np.linalg.svd(u.T @ v)
    return v @ (left @ right).T


def _rotated_the_other_way(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(u.T @ v)
    return v @ (left @ right)


def _singular_values_kept(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return v @ (u.T @ v).T


def _only_shifted(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return v + u.mean(axis=0) - v.mean(axis=0)


def _least_squares(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return v @ np.linalg.lstsq(v, u, rcond=None)[0]


def _means_taken_out(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd((u - u.mean(axis=0)).T @ (v - v.mean(axis=0)))
    return v @ (left @ right).T


# --- 3. what pushes -----------------------------------------------------------------------------


def push_shares(cosines: np.ndarray, right: int, temperature: float) -> np.ndarray:
    """Return the share of each wrong answer in the push of the loss; the right one has 0."""
    logits = cosines / temperature
    logits[right] = -np.inf
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def _right_one_counted(cosines: np.ndarray, right: int, temperature: float) -> np.ndarray:
    shares = np.exp((cosines - cosines.max()) / temperature)
    shares = shares / shares.sum()
    shares[right] = 0
    return shares


def _right_one_kept(cosines: np.ndarray, right: int, temperature: float) -> np.ndarray:
    shares = np.exp((cosines - cosines.max()) / temperature)
    return shares / shares.sum()


def _temperature_forgotten(cosines: np.ndarray, right: int, temperature: float) -> np.ndarray:
    return push_shares(cosines, right, 1.0)


def _temperature_multiplied(cosines: np.ndarray, right: int, temperature: float) -> np.ndarray:
    return push_shares(cosines, right, 1 / temperature)


def _push_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, int, float]]:
    return [(rng.uniform(-0.5, 0.9, 8), right, (0.1, 0.5)[right % 2]) for right in range(6)]


EXERCISES = (
    Exercise(
        identifier="contrastive.uniformity",
        title="Write uniformity",
        minutes=10,
        difficulty=2,
        solution=uniformity,
        cases=_row_cases,
        wrong_answers=(
            WrongAnswer(
                "rows with themselves",
                "You counted each row's distance of 0 to itself. With few rows that alone makes a "
                "space look crowded: different rows only.",
                _rows_with_themselves,
            ),
            WrongAnswer(
                "mean of the log",
                "You averaged the exponents. The log comes after the mean: near pairs must weigh "
                "much more than far ones.",
                _mean_of_the_log,
            ),
            WrongAnswer("distance not squared", "The distance is squared.", _not_squared),
            WrongAnswer("no log", "Take the logarithm of the mean.", _no_log),
            WrongAnswer(
                "sign turned",
                "The exponent is negative: far pairs must count little, not much.",
                _sign_turned,
            ),
        ),
        hints=(
            "All squared distances: ((x[:, None] - x[None]) ** 2).sum(axis=2).",
            "Take those above the diagonal: np.triu_indices(n, 1).",
            "np.log(np.exp(-2 * squared[above]).mean())",
        ),
    ),
    Exercise(
        identifier="contrastive.rotation",
        title="Rotate one side onto the other",
        minutes=15,
        difficulty=2,
        solution=rotated_onto,
        cases=_pair_cases,
        wrong_answers=(
            WrongAnswer(
                "rotated the other way",
                "This turns v away from u by the angle it should turn towards it: transpose the "
                "rotation.",
                _rotated_the_other_way,
            ),
            WrongAnswer(
                "singular values kept",
                "Multiplying by u^T v also stretches. Take its SVD and leave the singular values "
                "out: what is left is orthogonal.",
                _singular_values_kept,
            ),
            WrongAnswer(
                "only shifted",
                "Centroids now coincide, but nothing was rotated: pairs are as unlike as before, "
                "and rows have left the sphere.",
                _only_shifted,
            ),
            WrongAnswer(
                "least squares",
                "A matrix from least squares may squeeze and shear, and distances within v change. "
                "Only a rotation keeps them.",
                _least_squares,
            ),
            WrongAnswer(
                "means taken out",
                "You took the means out first: that aligns the two clouds and not the cones they "
                "lie in.",
                _means_taken_out,
            ),
        ),
        hints=(
            "Orthogonal Procrustes: the SVD of u^T v, (d, d), is left, singular values, right.",
            "W = left @ right takes a column vector of v to one of u.",
            "Rows are transposed columns: v @ W.T",
        ),
    ),
    Exercise(
        identifier="contrastive.push",
        title="Which wrong answers push",
        minutes=10,
        difficulty=2,
        solution=push_shares,
        cases=_push_cases,
        wrong_answers=(
            WrongAnswer(
                "right one counted",
                "Your shares do not add up to 1: the right answer is still in the sum below. Take "
                "it out before you divide.",
                _right_one_counted,
            ),
            WrongAnswer(
                "right one kept",
                "This is the softmax over all answers. The right one does not push: its share "
                "is 0, and the others add up to 1.",
                _right_one_kept,
            ),
            WrongAnswer(
                "temperature forgotten",
                "You did not divide the cosines by the temperature.",
                _temperature_forgotten,
            ),
            WrongAnswer(
                "temperature multiplied",
                "You multiplied by the temperature. A low temperature must make differences of "
                "cosines larger: divide.",
                _temperature_multiplied,
            ),
        ),
        hints=(
            "Divide the cosines by the temperature, then take the exponential.",
            "The right answer counts as minus infinity before the exponential, or 0 after it.",
            "Divide by the sum of what is left, so that the shares add up to 1.",
        ),
    ),
)
