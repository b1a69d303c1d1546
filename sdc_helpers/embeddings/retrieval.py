"""Retrieval between pictures and texts: exact ranks, a block of queries at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, unit_rows
from sdc_helpers.embeddings._vectors import check_same_width, check_vectors

_BLOCK_BYTES = 64 * 2**20
_TIE = 1e-12  # the same cosine summed in another order is still a tie


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Recall of pairs in both directions.

    Attributes
    ----------
    ks : tuple of int
        Numbers of answers that a query may give.
    image_to_text, text_to_image : float64 arrays of shape (n_ks,)
        Share of queries with a right answer among the first k. A picture with several captions
        is answered by any of them.
    chance_image_to_text, chance_text_to_image : float64 arrays of shape (n_ks,)
        The same shares for answers in random order.
    n_images, n_texts : int
        Numbers of pictures and of texts.
    """

    ks: tuple[int, ...]
    image_to_text: np.ndarray
    text_to_image: np.ndarray
    chance_image_to_text: np.ndarray
    chance_text_to_image: np.ndarray
    n_images: int
    n_texts: int


def target_ranks(queries: Any, gallery: Any, targets: Any) -> np.ndarray:
    """Rank of the best right answer to each query, by cosine; 1 is the first.

    Ties count against the query: of answers with the same cosine the right ones come last, so
    that a gallery of equal vectors is no success. Computed in float64; memory grows with the
    gallery, not with queries times gallery.

    Parameters
    ----------
    queries : array of shape (n, d)
        Embeddings of the queries; their lengths do not matter, but must not be 0.
    gallery : array of shape (m, d)
        Embeddings that the queries are compared with.
    targets : int array of shape (n,) or (n, k), or a sequence of n sequences of int
        Rows of the gallery that answer each query, at least one each.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Ranks from 1 to m.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, a vector is zero, or targets lie outside the
        gallery.
    """
    queries, gallery = check_vectors(queries, "queries"), check_vectors(gallery, "gallery")
    check_same_width(queries=queries, gallery=gallery)
    targets = _check_targets(targets, len(queries), len(gallery))
    gallery = unit_rows(gallery.astype(np.float64), "gallery")
    ranks = np.empty(len(queries), dtype=np.int64)
    size = max(1, _BLOCK_BYTES // (8 * len(gallery)))
    for start in range(0, len(queries), size):
        rows = slice(start, start + size)
        block = unit_rows(queries[rows].astype(np.float64), "queries")
        cosines, right = block @ gallery.T, targets[rows]
        best = np.take_along_axis(cosines, right, axis=1).max(axis=1, keepdims=True)
        np.put_along_axis(cosines, right, -np.inf, axis=1)  # right answers do not compete
        ranks[rows] = 1 + np.count_nonzero(cosines >= best - _TIE, axis=1)
    return ranks


def recall_at_k(
    queries: Any, gallery: Any, targets: Any, ks: Sequence[int] = (1, 5, 10)
) -> np.ndarray:
    """Share of queries with a right answer among the k nearest by cosine.

    Parameters
    ----------
    queries, gallery, targets
        Arguments of `target_ranks`; ties count against the query.
    ks : sequence of int, default=(1, 5, 10)
        Numbers of nearest answers, each from 1 to the size of the gallery.

    Returns
    -------
    numpy.ndarray of float64, shape (n_ks,)
        Recall at each k, from 0 to 1.

    Raises
    ------
    ValueError
        In the cases that `target_ranks` lists, and if a k is not from 1 to the size of the gallery.
    """
    gallery = check_vectors(gallery, "gallery")
    ks = _check_ks(ks, len(gallery))
    ranks = target_ranks(queries, gallery, targets)
    return np.array([np.mean(ranks <= k) for k in ks])


def retrieval(images: Any, texts: Any, ks: Sequence[int] = (1, 5, 10)) -> Retrieval:
    """Recall from pictures to texts and from texts to pictures.

    Parameters
    ----------
    images : array of shape (n, d)
        Embeddings of pictures.
    texts : array of shape (n, d) or (n, c, d)
        Embeddings of the caption, or of the c captions, of each picture in the same order.
    ks : sequence of int, default=(1, 5, 10)
        Numbers of nearest answers, each from 1 to n.

    Returns
    -------
    Retrieval
        Recall and chance in both directions.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, a vector is zero, or a k is not from 1 to n.

    See Also
    --------
    recall_at_k : Recall in one direction, for any right answers.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import retrieval
    >>> images = np.eye(4)
    >>> texts = np.eye(4)[[0, 1, 3, 2]]  # the last two captions are swapped
    >>> recalls = retrieval(images, texts, ks=[1])
    >>> recalls.image_to_text.tolist(), recalls.chance_image_to_text.tolist()
    ([0.5], [0.25])
    """
    images = check_vectors(images, "images")
    texts = check_vectors(texts, "texts", ndim=3 if np.ndim(texts) == 3 else 2)
    n, n_captions = len(images), texts.shape[1] if texts.ndim == 3 else 1
    if len(texts) != n:
        raise ValueError(f"images has {n} rows and texts has {len(texts)}; they must be pairs.")
    ks = _check_ks(ks, n)
    texts = texts.reshape(n * n_captions, -1)
    own = np.arange(n * n_captions).reshape(n, n_captions)
    return Retrieval(
        ks=ks,
        image_to_text=recall_at_k(images, texts, own, ks),
        text_to_image=recall_at_k(texts, images, np.repeat(np.arange(n), n_captions), ks),
        chance_image_to_text=_chance(ks, len(texts), n_captions),
        chance_text_to_image=_chance(ks, n, 1),
        n_images=n,
        n_texts=len(texts),
    )


def _chance(ks: Sequence[int], n_gallery: int, n_right: int) -> np.ndarray:
    """1 - C(n_gallery - n_right, k) / C(n_gallery, k): one of the right ones among k at random."""
    missed = [np.prod([(n_gallery - n_right - i) / (n_gallery - i) for i in range(k)]) for k in ks]
    return 1 - np.maximum(missed, 0)


def _check_ks(ks: Sequence[int], n_gallery: int) -> tuple[int, ...]:
    numbers = tuple(np.atleast_1d(ks).tolist())
    whole = all(isinstance(k, int) and not isinstance(k, bool) for k in numbers)
    if not numbers or not whole or min(numbers) < 1 or max(numbers) > n_gallery:
        raise ValueError(
            f"ks must be whole numbers from 1 to the {n_gallery} of the gallery, got {ks!r}."
        )
    return numbers


def _check_targets(targets: Any, n_queries: int, n_gallery: int) -> np.ndarray:
    """Return targets as an (n, k) array; shorter rows repeat their first."""
    expected = f"targets must give rows of the gallery, 0 to {n_gallery - 1}, for each query"
    if not isinstance(targets, (list, tuple)):
        targets = as_array("targets", targets)
    rows = [np.atleast_1d(as_array("targets", row)) for row in targets]
    if len(rows) != n_queries:
        raise ValueError(f"{expected}; got {len(rows)} for {n_queries} queries.")
    for i, row in enumerate(rows):
        if row.ndim != 1 or row.size == 0 or row.dtype.kind not in "iu":
            raise ValueError(f"{expected}; got {targets[i]!r} for query {i}.")
        if row.min() < 0 or row.max() >= n_gallery:
            raise ValueError(f"{expected}; got {row.tolist()} for query {i}.")
    width = max(map(len, rows))
    padded = np.empty((n_queries, width), dtype=np.int64)
    for i, row in enumerate(rows):
        padded[i] = row[0]
        padded[i, : len(row)] = row
    return padded
