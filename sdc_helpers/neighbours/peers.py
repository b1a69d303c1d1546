"""Other ways to make bins, in one shape, for a race with learned ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.neighbours.evaluation import RecallCurve, as_vectors, recall_curve


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of a base, and how queries choose among them.

    Attributes
    ----------
    labels : int64 array of shape (n_base,)
        Bin of each vector of the base.
    probe_order : callable
        Takes queries (n_queries, D), returns all bins in the order in which each probes them.
    n_parameters : int
        Numbers that choose a bin.
    """

    labels: np.ndarray
    probe_order: Callable[[np.ndarray], np.ndarray]
    n_parameters: int

    def recall_curve(self, queries: np.ndarray, truth: np.ndarray) -> RecallCurve:
        """Return recall against candidates, see the function `recall_curve`."""
        return recall_curve(self.probe_order(queries), self.labels, truth)


def kmeans_bins(
    X: np.ndarray, n_bins: int = 16, *, n_init: int = 10, n_iter: int = 50, random_state: int = 0
) -> Bins:
    """Make the bins of k-means, with faiss; queries probe the nearest centroids first.

    Parameters
    ----------
    X : array of shape (n, D)
        The base.
    n_bins : int, default=16
        Number of bins.
    n_init : int, default=10
        Starts; the one with the smallest sum of squares is kept.
    n_iter : int, default=50
        Iterations of each.
    random_state : int, default=0
        Seed.

    Returns
    -------
    Bins

    Raises
    ------
    ValueError
        If there are fewer vectors than bins, or one is not finite.
    """
    import faiss

    X = enough_vectors(X, n_bins)
    clusters: Any = faiss.Kmeans(
        X.shape[1], n_bins, niter=n_iter, nredo=check_count("n_init", n_init, 1),
        seed=random_state + 1, min_points_per_centroid=1, max_points_per_centroid=len(X),
    )  # fmt: skip
    clusters.train(X)
    return _by_centroids(X, clusters.centroids.reshape(n_bins, -1))


def ivf_bins(X: np.ndarray, n_bins: int = 16, *, random_state: int = 0) -> Bins:
    """Make the bins of faiss' inverted file (IndexIVFFlat) as it trains itself: one short k-means.

    Parameters
    ----------
    X : array of shape (n, D)
        The base.
    n_bins : int, default=16
        Number of bins.
    random_state : int, default=0
        Seed.

    Returns
    -------
    Bins
        Queries probe the nearest centroids first, as the index does.

    Raises
    ------
    ValueError
        If there are fewer vectors than bins, or one is not finite.
    """
    import faiss

    X = enough_vectors(X, n_bins)
    index: Any = faiss.IndexIVFFlat(faiss.IndexFlatL2(X.shape[1]), X.shape[1], n_bins)
    index.cp.seed = random_state + 1
    index.cp.min_points_per_centroid = 1
    index.train(X)
    return _by_centroids(X, index.quantizer.reconstruct_n(0, n_bins))


def balanced_kmeans_bins(
    X: np.ndarray, n_bins: int = 16, *, n_iter: int = 30, random_state: int = 0
) -> Bins:
    """Make bins of equal size: k-means whose points are dealt out to centroids that have room.

    Parameters
    ----------
    X : array of shape (n, D)
        The base.
    n_bins : int, default=16
        Number of bins.
    n_iter : int, default=30
        Iterations.
    random_state : int, default=0
        Seed of the k-means that it starts from.

    Returns
    -------
    Bins
        Points go where they lose most by going elsewhere first; bins differ by one at most.

    Raises
    ------
    ValueError
        If there are fewer vectors than bins, or one is not finite.
    """
    X = enough_vectors(X, n_bins)
    start = kmeans_bins(X, n_bins, n_init=1, random_state=random_state)
    centroids = np.stack([X[start.labels == b].mean(axis=0) for b in range(n_bins)])
    room = np.full(n_bins, len(X) // n_bins)
    room[: len(X) % n_bins] += 1
    labels = start.labels
    for _ in range(n_iter):
        distances = _distances(X, centroids)
        before, labels = labels, _deal(distances, room)
        centroids = np.stack([X[labels == b].mean(axis=0) for b in range(n_bins)])
        if np.array_equal(before, labels):
            break
    return replace(_by_centroids(X, centroids), labels=labels)


def _deal(distances: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Give each point a bin that has room, those first who would lose most in their next one."""
    choices = np.argsort(distances, axis=1, kind="stable")
    sorted_distances = np.take_along_axis(distances, choices, axis=1)
    loss = sorted_distances[:, 1] - sorted_distances[:, 0]
    left, labels = room.copy(), np.empty(len(distances), dtype=np.int64)
    for point in np.argsort(-loss, kind="stable"):
        bin_ = next(b for b in choices[point] if left[b])
        labels[point] = bin_
        left[bin_] -= 1
    return labels


def hyperplane_bins(X: np.ndarray, n_bins: int = 16, *, random_state: int = 0) -> Bins:
    """Make bins by the sides of random hyperplanes through the mean.

    Parameters
    ----------
    X : array of shape (n, D)
        The base.
    n_bins : int, default=16
        A power of two.
    random_state : int, default=0
        Seed of the hyperplanes.

    Returns
    -------
    Bins
        A query probes the bins by how far it would have to cross: the sum of its distances to the
        hyperplanes on whose other side a bin lies.

    Raises
    ------
    ValueError
        If `n_bins` is no power of two, or the base does not fit.
    """
    X = enough_vectors(X, n_bins)
    depth = _depth(n_bins)
    normals = np.random.default_rng(random_state).normal(size=(X.shape[1], depth))
    normals /= np.linalg.norm(normals, axis=0)
    middle = X.mean(axis=0)
    sides = (np.arange(n_bins)[:, None] >> np.arange(depth)) & 1  # of each bin

    def order(queries: np.ndarray) -> np.ndarray:
        along = (as_vectors("queries", queries, X.shape[1]) - middle) @ normals
        crossed = (along > 0)[:, None] != (sides == 1)
        return np.argsort((crossed * np.abs(along)[:, None]).sum(axis=2), axis=1, kind="stable")

    return Bins(order(X)[:, 0], order, normals.size + middle.size)


def tree_bins(
    X: np.ndarray,
    n_bins: int = 16,
    *,
    cut: Literal["two-means", "pca"] = "two-means",
    random_state: int = 0,
) -> Bins:
    """Make bins by halving again and again.

    Parameters
    ----------
    X : array of shape (n, D)
        The base.
    n_bins : int, default=16
        A power of two.
    cut : {"two-means", "pca"}, default="two-means"
        At the median along the line between two centroids, or along the first principal component.
    random_state : int, default=0
        Seed of the two-means.

    Returns
    -------
    Bins
        A query probes the leaves by the sum of the distances to the cuts that it would cross.

    Raises
    ------
    ValueError
        If `n_bins` is no power of two, `cut` is unknown, or the base does not fit.
    """
    if cut not in ("two-means", "pca"):
        raise ValueError(f"cut={cut!r}: expected two-means or pca.")
    X = enough_vectors(X, n_bins)
    depth = _depth(n_bins)
    cuts: dict[tuple[int, int], tuple[np.ndarray, float]] = {}
    labels = np.zeros(len(X), dtype=np.int64)
    for level in range(depth):
        for node in range(2**level):
            inside = labels == node
            normal = _normal(X[inside], cut, random_state)
            along = X[inside] @ normal
            cuts[level, node] = normal, float(np.median(along))
        labels = 2 * labels + np.array(
            [X[i] @ cuts[level, b][0] > cuts[level, b][1] for i, b in enumerate(labels.tolist())]
        )

    def order(queries: np.ndarray) -> np.ndarray:
        queries = as_vectors("queries", queries, X.shape[1])
        cost = np.zeros((len(queries), 1))
        for level in range(depth):
            beyond = np.stack(
                [queries @ cuts[level, b][0] - cuts[level, b][1] for b in range(2**level)], axis=1
            )
            pair = np.stack([np.maximum(beyond, 0), np.maximum(-beyond, 0)], axis=2)
            cost = (cost[:, :, None] + pair).reshape(len(queries), -1)
        return np.argsort(cost, axis=1, kind="stable")

    return Bins(order(X)[:, 0], order, sum(normal.size + 1 for normal, _ in cuts.values()))


def _normal(inside: np.ndarray, cut: str, seed: int) -> np.ndarray:
    if cut == "pca":
        normal = np.linalg.svd(inside - inside.mean(axis=0), full_matrices=False)[2][0]
    else:
        labels = kmeans_bins(inside, 2, n_init=1, random_state=seed).labels
        normal = inside[labels == 1].mean(axis=0) - inside[labels == 0].mean(axis=0)
    return normal / max(float(np.linalg.norm(normal)), 1e-12)


def _by_centroids(X: np.ndarray, centroids: np.ndarray) -> Bins:
    def order(queries: np.ndarray) -> np.ndarray:
        queries = as_vectors("queries", queries, X.shape[1])
        return np.argsort(_distances(queries, centroids), axis=1, kind="stable")

    return Bins(_distances(X, centroids).argmin(axis=1), order, centroids.size)


def _distances(rows: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Squared distances, less the length of each row, which changes no order."""
    return (centroids**2).sum(axis=1) - 2 * rows @ centroids.T


def _depth(n_bins: int) -> int:
    if n_bins & (n_bins - 1):
        raise ValueError(f"n_bins={n_bins}: expected a power of two.")
    return n_bins.bit_length() - 1


def enough_vectors(X: np.ndarray, n_bins: int) -> np.ndarray:
    """Return vectors, at least as many as bins, or raise a ValueError that says why."""
    check_count("n_bins", n_bins, 2)
    X = as_vectors("X", X)
    if len(X) < n_bins:
        raise ValueError(f"X has {len(X)} vectors for {n_bins} bins; ask for fewer bins.")
    return X
