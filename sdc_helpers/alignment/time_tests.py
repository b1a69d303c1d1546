"""Where a curve over time leaves its null: two corrections for having looked at many times.

Both need whole curves of shuffled data, so that what neighbouring times have in common is in the
null too. The max statistic gives a p-value for each time, and so for an onset. The mass of a
cluster says that there is an effect, not when it begins: a run of times is tested as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array

if TYPE_CHECKING:
    Curves = np.ndarray

_TIE = 1e-5  # standard deviations; curves are computed in single precision
CLUSTER_THRESHOLD = 1.645
"""Standard deviations that a cluster's times exceed: one-sided 5 % of a normal distribution."""


@dataclass(frozen=True)
class Cluster:
    """A run of times at which a curve exceeds the threshold.

    Attributes
    ----------
    curve : tuple of int
        Which curve: its index in all dimensions but time.
    first, last : int
        Index of its first and last time.
    mass : float
        Sum of z over these times.
    p_value : float
        Share of shuffles whose largest cluster, over all curves, has at least this mass; the data
        counted in.
    """

    curve: tuple[int, ...]
    first: int
    last: int
    mass: float
    p_value: float


def z_of_null(values: Curves, null: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Express curves, and those of shuffled data, in standard deviations of the null.

    Parameters
    ----------
    values : array of shape (..., T)
        Curves over T times.
    null : array of shape (n_permutations, ..., T)
        The same curves of shuffled data, at least two shuffles; one shuffle moves all of them.

    Returns
    -------
    z : array of shape (..., T)
        ``(values - mean) / sd`` with mean and deviation of the null at each time of each curve.
    z_null : array of shape (n_permutations, ..., T)
        The same of the null.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, or the null never varies.
    """
    values, null = as_array("values", values, float), as_array("null", null, float)
    if values.ndim < 1 or null.ndim != values.ndim + 1 or null.shape[1:] != values.shape:
        raise ValueError(
            f"values have shape {values.shape} and null {null.shape}; expected (..., times) and "
            "(shuffles, ..., times)."
        )
    if len(null) < 2 or not (np.isfinite(values).all() and np.isfinite(null).all()):
        raise ValueError("Expected finite numbers, and two shuffles or more.")
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    if not (sd > 0).all():
        raise ValueError("null is the same in every shuffle at some time: nothing was shuffled.")
    return (values - mean) / sd, (null - mean) / sd


def max_statistic(values: Curves, null: Curves) -> np.ndarray:
    """Give each time of each curve a p-value that is corrected for all of them.

    Parameters
    ----------
    values, null
        Arguments of `z_of_null`, which also says what is raised.

    Returns
    -------
    array of shape (..., T)
        One-sided: share of shuffles whose largest z, over all times and curves, is at least the z
        of this time; the data counted in (Nichols & Holmes 2002; Phipson & Smyth 2010).

    See Also
    --------
    cluster_mass : More sensitive to a long effect, and silent about its onset.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.alignment import max_statistic
    >>> null = np.random.default_rng(0).standard_normal((999, 50))
    >>> curve = np.zeros(50)
    >>> curve[20] = 6
    >>> np.flatnonzero(max_statistic(curve, null) <= 0.05)
    array([20])
    """
    return largest_of_all(*z_of_null(values, null))


def cluster_mass(
    values: Curves, null: Curves, threshold: float = CLUSTER_THRESHOLD
) -> tuple[Cluster, ...]:
    """Find the clusters of curves over time, and test their masses.

    Parameters
    ----------
    values, null
        Arguments of `z_of_null`, which also says what is raised.
    threshold : float
        Standard deviations above which times belong to a cluster (Maris & Oostenveld 2007).

    Returns
    -------
    tuple of Cluster
        All clusters of all curves, with p-values corrected for all times and curves. They say
        that there is an effect; the edges of a cluster are no test of an onset (Sassenhagen &
        Draschkow 2019).

    See Also
    --------
    max_statistic : A p-value for each time.
    """
    return clusters_of(*z_of_null(values, null), threshold)


def each_alone(z: np.ndarray, z_null: np.ndarray) -> np.ndarray:
    """Give each time of each curve its own one-sided p-value: **not** corrected for the others."""
    return (1 + (z_null >= z - _TIE).sum(axis=0)) / (1 + len(z_null))


def largest_of_all(z: np.ndarray, z_null: np.ndarray) -> np.ndarray:
    """Return what `max_statistic` does, of what `z_of_null` returns."""
    return _shares(z, z_null.reshape(len(z_null), -1).max(axis=1))


def clusters_of(
    z: np.ndarray, z_null: np.ndarray, threshold: float = CLUSTER_THRESHOLD
) -> tuple[Cluster, ...]:
    """Return what `cluster_mass` does, of what `z_of_null` returns."""
    largest = _running_mass(z_null, threshold).reshape(len(z_null), -1).max(axis=1)
    running = _running_mass(z, threshold)
    clusters = []
    for curve in np.ndindex(z.shape[:-1]):
        above = np.concatenate([[False], z[curve] > threshold, [False]])
        edges = np.flatnonzero(above[1:] != above[:-1])
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            mass = running[(*curve, end - 1)]
            p_value = float(_shares(mass, largest))
            clusters.append(Cluster(curve, int(first), int(end) - 1, float(mass), p_value))
    return tuple(clusters)


def _running_mass(z: np.ndarray, threshold: float) -> np.ndarray:
    """Sum of z from the start of a run above the threshold; 0 outside of runs."""
    mass = np.where(z > threshold, z, 0.0)
    for time in range(1, z.shape[-1]):
        mass[..., time] += np.where(mass[..., time] > 0, mass[..., time - 1], 0.0)
    return mass


def _shares(values: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Share of the null's largest values that reach each value, the data counted in."""
    ordered = np.sort(largest)
    beyond = len(ordered) - np.searchsorted(ordered, values - _TIE)
    return (1 + beyond) / (1 + len(ordered))
