"""Arithmetic with pictures and words, on scenes whose content is known.

A picture of a red apple, minus "red apple", plus "green apple": is the picture nearest to the
result one of a green apple? The task is that of SIMAT (Couairon et al. 2022, arXiv 2112.03162),
where a second network judged the answer; here the scene graph does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array

if TYPE_CHECKING:
    from sdc_helpers.scenes.changes import SceneChanges

_BLOCK = 2**24  # cosines held at a time


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How often picture arithmetic finds what was asked for.

    Attributes
    ----------
    weights : float array of shape (n_weights,)
        The factors lambda by which the difference of the sentences is multiplied.
    score : float array of shape (n_weights,)
        Share of right answers, each kind of change weighing the same.
    shuffled : float array of shape (n_weights,)
        Share of right answers with the difference of another question.
    chance : float
        Share of right pictures in the gallery, averaged in the same way.
    by_change : dict of str to float array of shape (n_weights,)
        The score of each kind of change.
    """

    weights: np.ndarray
    score: np.ndarray
    shuffled: np.ndarray
    chance: float
    by_change: dict[str, np.ndarray]


def picture_arithmetic(
    images: Any,
    before: Any,
    after: Any,
    changes: SceneChanges,
    weights: Sequence[float] = (1.0,),
    *,
    rng: np.random.Generator,
) -> Arithmetic:
    """Answer the questions: nearest picture to image + lambda (after - before), by cosine.

    Parameters
    ----------
    images : array of shape (n, d)
        Embeddings of the gallery: unit rows, one a scene.
    before, after : arrays of shape (m, d)
        Embeddings of the sentences of `changes`: unit rows, one a question.
    changes : SceneChanges
        The m questions about the n scenes.
    weights : sequence of float
        The factors lambda; at 0 the nearest other picture is the answer.
    rng : numpy.random.Generator
        Source of the shuffle of the differences, for the control.

    Returns
    -------
    Arithmetic
        Shares of right answers at each weight, with their control and chance.

    Raises
    ------
    ValueError
        If shapes do not fit or values are not finite.
    """
    m, n = changes.hits.shape
    images = _check_rows(images, n, "images")
    before, after = (_check_rows(x, m, name) for x, name in ((before, "before"), (after, "after")))
    if not images.shape[1] == before.shape[1] == after.shape[1]:
        raise ValueError(
            f"images, before and after must have the same columns, got {images.shape[1]}, "
            f"{before.shape[1]} and {after.shape[1]}."
        )
    weights = np.atleast_1d(as_array("weights", weights, np.float64))
    difference = after - before
    shuffled = difference[rng.permutation(m)]
    kinds, group = np.unique(changes.change, return_inverse=True)

    def by_kind(right: np.ndarray) -> np.ndarray:
        return np.bincount(group, right) / np.bincount(group)

    def score(differences: np.ndarray, weight: float) -> np.ndarray:
        answers = arithmetic_answers(images, differences, changes.source, weight)
        return by_kind(changes.hits[np.arange(m), answers])

    scores = np.stack([score(difference, weight) for weight in weights])
    control = np.stack([score(shuffled, weight) for weight in weights])
    return Arithmetic(
        weights=weights,
        score=scores.mean(axis=1),
        shuffled=control.mean(axis=1),
        chance=float(by_kind(changes.hits.mean(axis=1)).mean()),
        by_change={str(kind): scores[:, i] for i, kind in enumerate(kinds)},
    )


def arithmetic_answers(
    images: np.ndarray, difference: np.ndarray, source: np.ndarray, weight: float = 1.0
) -> np.ndarray:
    """Return the picture nearest to image + lambda difference, by cosine, but not the image itself.

    Parameters
    ----------
    images : array of shape (n, d)
        Embeddings of the gallery.
    difference : array of shape (m, d)
        Embedding of the sentence added minus that of the sentence taken away, for each question.
    source : int array of shape (m,)
        Row of the picture that each question starts from.
    weight : float
        The factor lambda.

    Returns
    -------
    int array of shape (m,)
        Row of the nearest picture; the first of several that are equally near.
    """
    images, difference = as_array("images", images), as_array("difference", difference)
    source = as_array("source", source, np.int64)
    answers = np.empty(len(source), dtype=np.int64)
    lengths = np.linalg.norm(images, axis=1)
    size = max(1, _BLOCK // len(images))
    for start in range(0, len(source), size):
        rows = slice(start, start + size)
        queries = images[source[rows]] + weight * difference[rows]
        cosines = queries @ images.T / lengths  # the query's own length changes no order
        cosines[np.arange(len(cosines)), source[rows]] = -np.inf
        answers[rows] = cosines.argmax(axis=1)
    return answers


def _check_rows(x: Any, n: int, name: str) -> np.ndarray:
    x = as_array(name, x, np.float64)
    if x.ndim != 2 or len(x) != n or x.shape[1] == 0:
        raise ValueError(f"{name} must be of shape ({n}, d), got {x.shape}.")
    if not np.isfinite(x).all() or not (np.linalg.norm(x, axis=1) > 0).all():
        raise ValueError(f"{name} holds a row of zeros, NaN or infinite values.")
    return x
