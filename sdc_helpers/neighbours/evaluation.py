"""A fair race: how many true neighbours are found, against how many candidates are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_finite


def as_vectors(name: str, X: np.ndarray, n_features: int | None = None) -> np.ndarray:
    """Return vectors as contiguous float32 of shape (n, D), or raise a ValueError that says why."""
    X = as_array(name, X)
    if X.ndim != 2 or not X.size or X.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} has shape {X.shape} and type {X.dtype}; expected numbers of shape (n, D)."
        )
    if n_features is not None and X.shape[1] != n_features:
        raise ValueError(f"{name} has {X.shape[1]} columns; expected {n_features}.")
    check_finite(name, X, "Leave these rows out, or fill the values.")
    return np.ascontiguousarray(X, dtype=np.float32)


def exact_neighbours(
    base: np.ndarray, queries: np.ndarray | None = None, k: int = 10
) -> np.ndarray:
    """Find the exact nearest neighbours by Euclidean distance, with faiss.

    Parameters
    ----------
    base : array of shape (n, D)
        Among these.
    queries : array of shape (n_queries, D), optional
        Of these; by default of each of the base, itself left out.
    k : int, default=10
        How many, at most the base has (one less where each is itself left out).

    Returns
    -------
    int64 array of shape (n_queries, k)
        Rows of the base, nearest first.

    Raises
    ------
    ValueError
        If arrays are not finite vectors of one length, or k is too large.
    """
    import faiss

    base = as_vectors("base", base)
    among_itself = queries is None
    check_count("k", k, 1)
    if k > len(base) - among_itself:
        raise ValueError(
            f"k={k}: the base has {len(base)} vectors{', less itself' * among_itself}. Ask for "
            "fewer neighbours."
        )
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    if queries is not None:
        return index.search(as_vectors("queries", queries, base.shape[1]), k)[1]
    found = index.search(base, k + 1)[1]
    is_self = found == np.arange(len(base))[:, None]
    is_self[~is_self.any(axis=1), -1] = True  # among duplicates it may not find itself
    return found[~is_self].reshape(len(base), k)


@dataclass(frozen=True, eq=False)
class RecallCurve:
    """Recall against the number of candidates, one point for each number of bins probed.

    Attributes
    ----------
    candidates : array of shape (n_points,)
        Mean number of the base that is looked at, as a share of the base.
    recall : array of shape (n_points,)
        Mean share of the true neighbours that are among them.
    """

    candidates: np.ndarray
    recall: np.ndarray

    def at(self, share: float | Sequence[float]) -> np.ndarray:
        """Return the recall at some share of the base as candidates, interpolated from (0, 0).

        Parameters
        ----------
        share : float or sequence of float
            Above 0, at most the share that the curve reaches.

        Returns
        -------
        float array

        Raises
        ------
        ValueError
            If a share is out of reach: beyond its last point a curve says nothing.
        """
        at = as_array("share", share, float)
        if not ((at > 0) & (at <= self.candidates[-1] * (1 + 1e-12))).all():
            raise ValueError(
                f"share={share}: expected above 0 and at most {self.candidates[-1]:.4g}, where "
                "this curve ends."
            )
        return np.interp(at, np.append(0, self.candidates), np.append(0, self.recall))


@dataclass(frozen=True, eq=False)
class ProbeCounts:
    """What each query has found after 1, 2, 3 ... bins.

    Attributes
    ----------
    candidates, found : int array of shape (n_queries, n_bins)
        How many of the base were looked at, and how many of the true neighbours were among them.
    n_base, k : int
        Size of the base, and how many true neighbours a query has.
    """

    candidates: np.ndarray
    found: np.ndarray
    n_base: int
    k: int

    def curve(self) -> RecallCurve:
        """Return the mean over the queries."""
        return RecallCurve(
            self.candidates.mean(axis=0) / self.n_base, self.found.mean(axis=0) / self.k
        )


def probe_counts(order: np.ndarray, bins: np.ndarray, truth: np.ndarray) -> ProbeCounts:
    """Count candidates and true neighbours as more bins are probed.

    Parameters
    ----------
    order : int array of shape (n_queries, n_bins)
        Bins of each query in the order in which they are probed, each once.
    bins : int array of shape (n_base,)
        Bin of each vector of the base.
    truth : int array of shape (n_queries, k)
        Rows of the base that are the true neighbours.

    Returns
    -------
    ProbeCounts

    Raises
    ------
    ValueError
        If shapes do not fit, a bin is probed twice, or a number is out of range.
    """
    order, bins = as_array("order", order), as_array("bins", bins)
    truth = as_array("truth", truth)
    if order.ndim != 2 or bins.ndim != 1 or truth.ndim != 2 or len(order) != len(truth):
        raise ValueError(
            f"order {order.shape}, bins {bins.shape} and truth {truth.shape} do not fit; expected "
            "(n_queries, n_bins), (n_base,) and (n_queries, k)."
        )
    n_bins = order.shape[1]
    if not (np.sort(order, axis=1) == np.arange(n_bins)).all():
        raise ValueError(f"order: expected every bin from 0 to {n_bins - 1} once for each query.")
    if bins.min() < 0 or bins.max() >= n_bins or truth.min() < 0 or truth.max() >= len(bins):
        raise ValueError(f"expected bins below {n_bins} and true neighbours below {len(bins)}.")
    sizes = np.bincount(bins, minlength=n_bins)
    place = np.argsort(order, axis=1)  # of each bin in the order of a query
    when = np.take_along_axis(place, bins[truth], axis=1)
    found = (when[:, :, None] <= np.arange(n_bins)).sum(axis=1)
    return ProbeCounts(sizes[order].cumsum(axis=1), found, len(bins), truth.shape[1])


def recall_curve(order: np.ndarray, bins: np.ndarray, truth: np.ndarray) -> RecallCurve:
    """Return recall against candidates for bins and the order in which queries probe them.

    Parameters
    ----------
    order : int array of shape (n_queries, n_bins)
        Bins of each query in the order in which they are probed, each once.
    bins : int array of shape (n_base,)
        Bin of each vector of the base.
    truth : int array of shape (n_queries, k)
        Rows of the base that are the true neighbours, from `exact_neighbours`.

    Returns
    -------
    RecallCurve

    Raises
    ------
    ValueError
        If shapes do not fit, a bin is probed twice, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.neighbours import recall_curve
    >>> curve = recall_curve([[1, 0]], [0, 0, 1], [[2, 0]])
    >>> curve.candidates.round(2).tolist(), curve.recall.tolist()
    ([0.33, 1.0], [0.5, 1.0])
    """
    return probe_counts(order, bins, truth).curve()


def hnsw_curve(
    base: np.ndarray,
    queries: np.ndarray,
    truth: np.ndarray,
    *,
    n_links: int = 16,
    efforts: Sequence[int] = (10, 16, 32, 64, 128, 256),
) -> RecallCurve:
    """Return recall against computed distances of a graph index, faiss' HNSW.

    Parameters
    ----------
    base, queries : array of shape (n, D), (n_queries, D)
        Vectors.
    truth : int array of shape (n_queries, k)
        True neighbours.
    n_links : int, default=16
        Links of a vector on each level of the graph.
    efforts : sequence of int
        Sizes of the list of candidates in a search (efSearch), ascending.

    Returns
    -------
    RecallCurve
        Its candidates are the distances that were computed.

    Raises
    ------
    ValueError
        If arrays are not finite vectors of one length.
    """
    import faiss

    cost: Any = faiss.cvar
    base = as_vectors("base", base)
    queries = as_vectors("queries", queries, base.shape[1])
    truth = as_array("truth", truth)
    index = faiss.IndexHNSWFlat(base.shape[1], n_links)
    index.add(base)
    candidates, recall = [], []
    for effort in efforts:
        index.hnsw.efSearch = effort
        cost.hnsw_stats.reset()
        found = index.search(queries, truth.shape[1])[1]
        candidates.append(cost.hnsw_stats.ndis / len(queries) / len(base))
        recall.append(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))
    return RecallCurve(np.array(candidates), np.array(recall))
