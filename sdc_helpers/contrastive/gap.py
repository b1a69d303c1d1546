"""How far apart the two sides of a contrastive model lie, and how well each is spread.

u and v are (n, d) arrays of unit rows, numpy or torch, row i of both being pair i. They are taken
as they are, never normalised again, and everything is computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_finite, check_unit_rows
from sdc_helpers.embeddings.retrieval import recall_at_k

Array = Any  # a numpy array or a torch tensor

_BLOCK = 2**22  # products held at a time


@dataclass(frozen=True, eq=False)
class GapReport:
    """The measures of one set of pairs; `gap_report` computes it.

    Attributes
    ----------
    n_pairs, dimension : int
        Number of pairs n, and of dimensions d.
    centroid_distance : float
        Distance between the mean rows of the two sides; 0 is no gap, 2 the largest.
    linear_separability : float
        Accuracy of a classifier that tells the sides apart, see `linear_separability`; 0.5 is no
        gap.
    paired_cosine : float
        Mean cosine within pairs, u_i . v_i.
    alignment : float
        Mean squared distance within pairs, |u_i - v_i|^2.
    uniformity_u, uniformity_v, uniformity : float
        Uniformity of each side, log mean_{i<j} exp(-2 |x_i - x_j|^2), and the mean of the two.
    cross_uniformity : float
        Uniformity across the sides, log mean_{i != j} exp(-2 |u_i - v_j|^2).
    uniform_floor : float
        Lowest possible uniformity, to compare the uniformities with; see `uniform_floor`.
    effective_rank_u, effective_rank_v : float
        Number of directions in which the rows of each side vary, see `effective_rank`.
    recall_u_to_v, recall_v_to_u : dict of int to float
        Recall at each k, see `pair_recall`: rows of u look for theirs in v, and the other way.
    explained_variance_u, explained_variance_v : numpy.ndarray of shape (min(n, d),)
        Share of the variance on each principal component, falling; zeros if all rows coincide.
    """

    n_pairs: int
    dimension: int
    centroid_distance: float
    linear_separability: float
    paired_cosine: float
    alignment: float
    uniformity_u: float
    uniformity_v: float
    uniformity: float
    cross_uniformity: float
    uniform_floor: float
    effective_rank_u: float
    effective_rank_v: float
    recall_u_to_v: dict[int, float]
    recall_v_to_u: dict[int, float]
    explained_variance_u: np.ndarray
    explained_variance_v: np.ndarray

    def as_row(self) -> dict[str, float]:
        """Return all numbers but the spectra in a flat dict, for a row of a table.

        Returns
        -------
        dict of str to float
            Numbers by name; recalls are named "recall_u_to_v@1" and so on.
        """
        row: dict[str, float] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                row |= {f"{field.name}@{k}": recall for k, recall in value.items()}
            elif not isinstance(value, np.ndarray):
                row[field.name] = value
        return row


def gap_report(u: Array, v: Array, *, seed: int = 0, ks: Sequence[int] = (1, 5, 10)) -> GapReport:
    """Measure the gap between two sides, their spread, and retrieval across it.

    Parameters
    ----------
    u, v : array of shape (n, d)
        Unit rows of n pairs, n >= 5 and at least the largest of `ks`. Any real dtype; rows may
        be off length 1 by 1e-3, by 1e-2 in half precision.
    seed : int
        Seed of the folds of `linear_separability`.
    ks : sequence of int
        Numbers of nearest rows at which recall is given, each from 1 to n.

    Returns
    -------
    GapReport
        All measures of the pairs.

    Raises
    ------
    ValueError
        If u and v are not real, finite (n, d) arrays of one shape, if their rows are not of
        length 1, if there are too few pairs, or if a k is not a whole number from 1 to n.

    See Also
    --------
    StartRotation : Removes the gap before training.

    Examples
    --------
    Two sides in opposite cones, whose rows have nothing to do with each other:

    >>> import numpy as np
    >>> from sdc_helpers.contrastive import gap_report
    >>> rng = np.random.default_rng(0)
    >>> u, v = rng.normal(2, 1, size=(200, 8)), rng.normal(-2, 1, size=(200, 8))
    >>> u, v = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (u, v))
    >>> report = gap_report(u, v)
    >>> round(report.centroid_distance, 1), report.linear_separability
    (1.8, 1.0)
    >>> report.recall_u_to_v[1] < 0.1
    True
    """
    u, v = _check_pairs(u, v)
    ks = _check_ks(ks, len(u))
    uniformity_u, uniformity_v = _log_mean_kernel(u, u), _log_mean_kernel(v, v)
    spectrum_u, spectrum_v = _spectrum(u), _spectrum(v)
    return GapReport(
        n_pairs=u.shape[0],
        dimension=u.shape[1],
        centroid_distance=_centroid_distance(u, v),
        linear_separability=_linear_separability(u, v, seed, 5),
        paired_cosine=float(_paired(u, v).mean()),
        alignment=float(_paired(u - v, u - v).mean()),
        uniformity_u=uniformity_u,
        uniformity_v=uniformity_v,
        uniformity=(uniformity_u + uniformity_v) / 2,
        cross_uniformity=_log_mean_kernel(u, v),
        uniform_floor=uniform_floor(u.shape[1]),
        effective_rank_u=_effective_rank(spectrum_u),
        effective_rank_v=_effective_rank(spectrum_v),
        recall_u_to_v=_recall(u, v, ks),
        recall_v_to_u=_recall(v, u, ks),
        explained_variance_u=spectrum_u,
        explained_variance_v=spectrum_v,
    )


def centroid_distance(u: Array, v: Array) -> float:
    """Distance between the mean rows of the two sides.

    Parameters
    ----------
    u, v : array of shape (n, d)
        Unit rows of n >= 2 pairs, as for `gap_report`.

    Returns
    -------
    float
        Distance from 0 to 2. Two unrelated samples without a gap have about sqrt(2 (1 - |mean|^2) /
        n).

    Raises
    ------
    ValueError
        In the cases that `gap_report` lists.
    """
    return _centroid_distance(*_check_pairs(u, v))


def linear_separability(u: Array, v: Array, *, seed: int = 0, n_folds: int = 5) -> float:
    """Held-out accuracy of a logistic regression that tells the two sides apart.

    Features are standardised on the training folds (so that one penalty, C = 1, means the same in
    every dimension). Both members of a pair are in the same fold: the sides are balanced in each,
    and no classifier sees one member while it is tested on the other.

    Parameters
    ----------
    u, v : array of shape (n, d)
        Unit rows of n pairs, as for `gap_report`.
    seed : int
        Seed of the assignment of pairs to folds.
    n_folds : int
        Number of folds, from 2 to n.

    Returns
    -------
    float
        Accuracy, averaged over folds. 1 is a complete gap. Without one it is 0.5, and for unrelated
        u and v in 95% of samples within 1.25 / sqrt(2 n) of it (measured by simulation with 5
        folds: folds share training rows, so it is wider than the 0.98 / sqrt(2 n) of 2n independent
        guesses). It is narrower if members of pairs resemble each other: then one of the two is
        right.

    Raises
    ------
    ValueError
        In the cases that `gap_report` lists, and if `n_folds` is not from 2 to n.
    """
    u, v = _check_pairs(u, v)
    return _linear_separability(u, v, seed, n_folds)


def pair_recall(u: Array, v: Array, ks: Sequence[int] = (1, 5, 10)) -> dict[int, float]:
    """Share of rows of u whose own row of v is among the k nearest rows of v, by cosine.

    `sdc_helpers.embeddings.recall_at_k` is for queries whose right answers, one or several, stand
    anywhere in the gallery. A tie counts against the model: a row of v as near as the right one
    comes before it. So a model that maps everything to one point has recall 0, and of two equal
    captions neither is found at k = 1.

    Parameters
    ----------
    u, v : array of shape (n, d)
        Unit rows of n pairs, as for `gap_report`: the queries, and the rows that are searched.
    ks : sequence of int
        Numbers of nearest rows, each from 1 to n.

    Returns
    -------
    dict of int to float
        Recall at each k, from 0 to 1; chance is k / n.

    Raises
    ------
    ValueError
        In the cases that `gap_report` lists.
    """
    u, v = _check_pairs(u, v)
    return _recall(u, v, _check_ks(ks, len(u)))


def effective_rank(x: Array) -> float:
    """Count the directions in which the rows vary, as the exponential of an entropy.

    exp(-sum_k p_k log p_k), p_k being the share of the variance on principal component k: the
    eigenvalues of the covariance matrix divided by their sum (Roy & Vetterli 2007 take the
    singular values instead, which weighs weak directions more).

    Parameters
    ----------
    x : array of shape (n, d)
        At least 2 unit rows.

    Returns
    -------
    float
        Rank from 1 to min(n - 1, d); 0 if all rows coincide.

    Raises
    ------
    ValueError
        In the cases that `gap_report` lists.
    """
    return _effective_rank(_spectrum(_check_rows(x, "x")))


def uniform_floor(d: int) -> float:
    """Uniformity of points spread evenly over the unit sphere in d dimensions.

    log E exp(-2 |x - y|^2) = -4 + log 0F1(d / 2; 4), where 0F1 is the confluent hypergeometric
    limit function; in terms of a Bessel function, -4 + log[Gamma(d/2) 2^-(d/2-1) I_{d/2-1}(4)],
    which underflows from some 300 dimensions on. It nears -4 as d grows.

    Parameters
    ----------
    d : int
        Number of dimensions, at least 1.

    Returns
    -------
    float
        The value for infinitely many points: no distribution has a lower one (Wang & Isola 2020).

    Raises
    ------
    ValueError
        If d is not a positive whole number.
    """
    if d != int(d) or d < 1:
        raise ValueError(f"d must be a positive whole number of dimensions, got {d!r}.")
    from scipy.special import hyp0f1

    return float(np.log(hyp0f1(d / 2, 4.0))) - 4


def _paired(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, b)


def _centroid_distance(u: np.ndarray, v: np.ndarray) -> float:
    return float(np.linalg.norm(u.mean(axis=0) - v.mean(axis=0)))


def _linear_separability(u: np.ndarray, v: np.ndarray, seed: int, n_folds: int) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if not 2 <= n_folds <= len(u):
        raise ValueError(f"{n_folds} folds of {len(u)} pairs; expected from 2 to as many as pairs.")
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    accuracies = []
    for train, test in KFold(n_folds, shuffle=True, random_state=seed).split(u):
        classifier.fit(np.concatenate([u[train], v[train]]), np.repeat([0, 1], len(train)))
        held_out = np.concatenate([u[test], v[test]])
        accuracies.append(classifier.score(held_out, np.repeat([0, 1], len(test))))
    return float(np.mean(accuracies))


def _products(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield a b^T, some rows at a time."""
    size = max(1, _BLOCK // len(b))
    for start in range(0, len(a), size):
        rows = slice(start, start + size)
        yield rows, a[rows] @ b.T


def _log_mean_kernel(a: np.ndarray, b: np.ndarray) -> float:
    """Log mean of exp(-2 |a_i - b_j|^2) over i != j."""
    total, norms_a, norms_b = 0.0, _paired(a, a), _paired(b, b)
    for rows, products in _products(a, b):
        kernel = np.exp(4 * products - 2 * norms_a[rows, None] - 2 * norms_b)
        kernel[np.arange(len(kernel)), np.arange(len(a))[rows]] = 0
        total += kernel.sum()
    return math.log(total / (len(a) * (len(a) - 1)))


def _recall(queries: np.ndarray, targets: np.ndarray, ks: Sequence[int]) -> dict[int, float]:
    recalls = recall_at_k(queries, targets, np.arange(len(queries)), ks)
    return dict(zip(ks, recalls.tolist(), strict=True))


def _spectrum(x: np.ndarray) -> np.ndarray:
    """Shares of variance, falling; zeros if there is no variance but that of rounding."""
    variances = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    total = variances.sum()
    return np.zeros_like(variances) if total < 1e-24 * len(x) else variances / total


def _effective_rank(shares: np.ndarray) -> float:
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def _check_pairs(u: Array, v: Array) -> tuple[np.ndarray, np.ndarray]:
    u, v = _check_rows(u, "u"), _check_rows(v, "v")
    if u.shape != v.shape:
        raise ValueError(
            f"u and v must have one shape, row i of both being pair i, got {u.shape} and {v.shape}."
        )
    return u, v


def _check_rows(x: Array, name: str) -> np.ndarray:
    """Return float64 rows: (n >= 2, d), finite, of length 1."""
    dtype = getattr(x, "dtype", "")
    x = as_array(name, x)
    if x.ndim != 2 or len(x) < 2 or x.shape[1] == 0:
        raise ValueError(f"{name} must be (n, d) with at least 2 rows, got shape {x.shape}.")
    if x.dtype.kind not in "fiu":
        raise ValueError(f"{name} must hold real numbers, got {x.dtype}.")
    x = x.astype(np.float64, copy=False)
    check_finite(name, x, "Has the model diverged?")
    check_unit_rows(name, x, dtype)
    return x


def _check_ks(ks: Sequence[int], n: int) -> list[int]:
    if any(k != int(k) or not 1 <= k <= n for k in ks):
        raise ValueError(f"Each k must be a whole number from 1 to the {n} pairs, got {list(ks)}.")
    return [int(k) for k in ks]
