"""The exercises of the chapter that closes the contrastive gap."""

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


# --- 1. the loss --------------------------------------------------------------------------------


def cua_terms(u: np.ndarray, v: np.ndarray) -> float:
    """Add the mean squared distance of pairs and the mean uniformity of both sides."""

    def uniformity(x: np.ndarray) -> float:
        squared = 2 - 2 * x @ x.T
        return np.log(np.exp(-2 * squared[np.triu_indices(len(x), 1)]).mean())

    align = ((u - v) ** 2).sum(axis=1).mean()
    return float(align + (uniformity(u) + uniformity(v)) / 2)


def _spread(x: np.ndarray) -> float:
    squared = 2 - 2 * x @ x.T
    return float(np.log(np.exp(-2 * squared[np.triu_indices(len(x), 1)]).mean()))


def _align(u: np.ndarray, v: np.ndarray) -> float:
    return float(((u - v) ** 2).sum(axis=1).mean())


def _one_side(u: np.ndarray, v: np.ndarray) -> float:
    return _align(u, v) + _spread(u)


def _sum_of_sides(u: np.ndarray, v: np.ndarray) -> float:
    return _align(u, v) + _spread(u) + _spread(v)


def _spread_subtracted(u: np.ndarray, v: np.ndarray) -> float:
    return _align(u, v) - (_spread(u) + _spread(v)) / 2


def _distance_not_squared(u: np.ndarray, v: np.ndarray) -> float:
    distance = np.linalg.norm(u - v, axis=1).mean()
    return float(distance + (_spread(u) + _spread(v)) / 2)


def _both_in_one_heap(u: np.ndarray, v: np.ndarray) -> float:
    return _align(u, v) + _spread(np.concatenate([u, v]))


def _loss_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [_pairs(rng, 6, 3), _pairs(rng, 15, 8)]


# --- 2. centring --------------------------------------------------------------------------------


def centred(rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Subtract the training mean and make every row of length 1 again."""
    moved = rows - training.mean(axis=0)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def _own_mean(rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    return centred(rows, rows)


def _length_forgotten(rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    return rows - training.mean(axis=0)


def _mean_of_each_row(rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    return _unit(rows - rows.mean(axis=1, keepdims=True))


def _direction_removed(rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    axis = _unit(training.mean(axis=0))
    return _unit(rows - np.outer(rows @ axis, axis))


def _centring_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n, d in ((6, 4), (15, 8)):
        u = _pairs(rng, 3 * n, d)[0]
        cases.append((u[:n], u[n:]))
    return cases


# --- 3. arithmetic ------------------------------------------------------------------------------


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
        identifier="closing.cua",
        title="Write the two terms that CUA adds",
        minutes=10,
        difficulty=2,
        solution=cua_terms,
        cases=_loss_cases,
        wrong_answers=(
            WrongAnswer(
                "one side only",
                "You asked one side only to be spread. The other could stay crowded: take the "
                "mean of both uniformities.",
                _one_side,
            ),
            WrongAnswer(
                "sum of both sides",
                "You added both uniformities. The term is their mean, so that it weighs as much "
                "as alignment.",
                _sum_of_sides,
            ),
            WrongAnswer(
                "uniformity subtracted",
                "You subtracted uniformity. It is lower when a side is more spread, so a loss "
                "adds it.",
                _spread_subtracted,
            ),
            WrongAnswer(
                "distance not squared",
                "Alignment is the mean of the squared distances of pairs.",
                _distance_not_squared,
            ),
            WrongAnswer(
                "both sides in one heap",
                "You computed the uniformity of both sides together. That also pushes each "
                "picture away from its own caption: compute it within each side.",
                _both_in_one_heap,
            ),
        ),
        hints=(
            "Alignment: the mean over pairs of ((u - v) ** 2).sum(axis=1).",
            "Squared distances of unit rows are 2 - 2 * x @ x.T; take those above the diagonal.",
            "Alignment plus the mean of the two uniformities.",
        ),
    ),
    Exercise(
        identifier="closing.centre",
        title="Take the mean off",
        minutes=5,
        difficulty=1,
        solution=centred,
        cases=_centring_cases,
        wrong_answers=(
            WrongAnswer(
                "own mean",
                "You subtracted the mean of the rows that you centre. Then the centroid is near "
                "0 whatever the model did: take the mean of the training rows.",
                _own_mean,
            ),
            WrongAnswer(
                "length forgotten",
                "The rows have left the sphere. Divide each by its length again, or cosines and "
                "inner products differ.",
                _length_forgotten,
            ),
            WrongAnswer(
                "mean of each row",
                "You averaged over the dimensions of each row. The mean is one vector, over "
                "training rows: axis=0.",
                _mean_of_each_row,
            ),
            WrongAnswer(
                "direction removed",
                "You removed the direction of the mean from every row. Only a constant is to "
                "go: what varies along that direction stays.",
                _direction_removed,
            ),
        ),
        hints=(
            "The mean of the training rows is a vector of d numbers: training.mean(axis=0).",
            "Subtract it from all rows, then divide each row by its length.",
            "np.linalg.norm(moved, axis=1, keepdims=True) holds the lengths.",
        ),
    ),
    Exercise(
        identifier="closing.arithmetic",
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
