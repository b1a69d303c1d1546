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


# --- 1. the gap ---------------------------------------------------------------------------------


def centroid_distance(u: np.ndarray, v: np.ndarray) -> float:
    """Distance between the mean rows."""
    return float(np.linalg.norm(u.mean(axis=0) - v.mean(axis=0)))


def _mean_of_distances(u: np.ndarray, v: np.ndarray) -> float:
    return float(np.linalg.norm(u - v, axis=1).mean())


def _squared(u: np.ndarray, v: np.ndarray) -> float:
    return centroid_distance(u, v) ** 2


def _centroids_on_the_sphere(u: np.ndarray, v: np.ndarray) -> float:
    return float(np.linalg.norm(_unit(u.mean(axis=0)) - _unit(v.mean(axis=0))))


def _mean_of_each_row(u: np.ndarray, v: np.ndarray) -> float:
    return float(np.linalg.norm(u.mean(axis=1) - v.mean(axis=1)))


def _one_minus_cosine(u: np.ndarray, v: np.ndarray) -> float:
    return float(1 - (u * v).sum(axis=1).mean())


# --- 2. uniformity ------------------------------------------------------------------------------


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


# --- 3. the rotation ----------------------------------------------------------------------------


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


# --- 4. arithmetic ------------------------------------------------------------------------------


def answer(
    images: np.ndarray, source: int, before: np.ndarray, after: np.ndarray, weight: float
) -> int:
    """Return the row nearest to image + weight (after - before) by cosine, the source left out."""
    query = images[source] + weight * (after - before)
    cosines = images @ query / np.linalg.norm(images, axis=1)
    cosines[source] = -np.inf
    return int(cosines.argmax())


def _source_may_answer(
    images: np.ndarray, source: int, before: np.ndarray, after: np.ndarray, weight: float
) -> int:
    query = images[source] + weight * (after - before)
    return int((images @ query / np.linalg.norm(images, axis=1)).argmax())


def _turned_round(
    images: np.ndarray, source: int, before: np.ndarray, after: np.ndarray, weight: float
) -> int:
    return answer(images, source, after, before, weight)


def _weight_forgotten(
    images: np.ndarray, source: int, before: np.ndarray, after: np.ndarray, weight: float
) -> int:
    return answer(images, source, before, after, 1.0)


def _picture_forgotten(
    images: np.ndarray, source: int, before: np.ndarray, after: np.ndarray, weight: float
) -> int:
    query = weight * (after - before)
    cosines = images @ query / np.linalg.norm(images, axis=1)
    cosines[source] = -np.inf
    return int(cosines.argmax())


def _inner_product(
    images: np.ndarray, source: int, before: np.ndarray, after: np.ndarray, weight: float
) -> int:
    products = images @ (images[source] + weight * (after - before))
    products[source] = -np.inf
    return int(products.argmax())


def _query_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, int, np.ndarray, np.ndarray, float]]:
    cases = []
    for source in range(24):
        images = rng.normal(size=(40, 6)) * rng.uniform(0.3, 3, size=(40, 1))
        before, after = _unit(rng.normal(size=(2, 6)))
        cases.append((images, source, before, after, (0.5, 2.0)[source % 2]))
    return cases


EXERCISES = (
    Exercise(
        identifier="contrastive.centroid_distance",
        title="Measure the gap",
        minutes=5,
        difficulty=1,
        solution=centroid_distance,
        cases=_pair_cases,
        wrong_answers=(
            WrongAnswer(
                "mean of distances",
                "This is the mean distance within pairs. It is large for badly matched pairs too, "
                "gap or no gap: average first, then take the distance.",
                _mean_of_distances,
            ),
            WrongAnswer("squared", "This is the squared distance: take the root.", _squared),
            WrongAnswer(
                "centroids set to length 1",
                "You set the centroids to length 1. How short they are says how spread the sides "
                "are: leave them inside the sphere.",
                _centroids_on_the_sphere,
            ),
            WrongAnswer(
                "mean of each row",
                "You averaged over the dimensions of each row. A centroid is the mean over rows: "
                "axis=0.",
                _mean_of_each_row,
            ),
            WrongAnswer(
                "one minus cosine",
                "One minus the mean cosine of pairs is half of the alignment term; it asks how far "
                "pairs are apart, not where the two sides lie.",
                _one_minus_cosine,
            ),
        ),
        hints=(
            "A centroid is the mean of all rows of one side: a vector of d numbers.",
            "The gap is the length of the difference of two such vectors.",
            "np.linalg.norm(u.mean(axis=0) - v.mean(axis=0))",
        ),
    ),
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
        identifier="contrastive.arithmetic",
        title="Answer one question of picture arithmetic",
        minutes=10,
        difficulty=1,
        solution=answer,
        cases=_query_cases,
        wrong_answers=(
            WrongAnswer(
                "the source may answer",
                "You let the picture you started from be the answer. For a small weight it always "
                "is: leave it out.",
                _source_may_answer,
            ),
            WrongAnswer(
                "difference turned round",
                "You added what should be taken away: after - before.",
                _turned_round,
            ),
            WrongAnswer(
                "weight forgotten", "Multiply the difference by weight.", _weight_forgotten
            ),
            WrongAnswer(
                "picture forgotten",
                "You looked for the difference of the sentences alone: add the source picture.",
                _picture_forgotten,
            ),
            WrongAnswer(
                "inner product",
                "You compared inner products. Rows need not have length 1 here: divide by their "
                "lengths to compare cosines.",
                _inner_product,
            ),
        ),
        hints=(
            "The query is images[source] + weight * (after - before).",
            "Cosines: images @ query divided by the length of each row.",
            "Set the source's own cosine to -inf before argmax.",
        ),
    ),
)
