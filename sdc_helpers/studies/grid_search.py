"""Simulated grids of settings and seeds: what the best of them says, with and without an effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import check_count

N_SETTINGS, N_SEEDS, N_ITEMS = 48, 10, 40
"""A grid of 480 points, each a correlation over 40 items."""
ALIKE = 0.9
"""Correlation of the scores of two settings on the data of one seed."""
_AT_ONCE = 50  # grids: 50 x 10 x 100 x 48 values are 19 MB


@dataclass(frozen=True, eq=False)
class Grids:
    """What was found in each of several grids.

    Attributes
    ----------
    p_values : float array of shape (n_grids, n_settings, n_seeds)
        P-value of each point alone, by Student's distribution.
    p_of_largest : float array of shape (n_grids,)
        The largest point, held against the largest point of each shuffle.
    p_of_mean : float array of shape (n_grids,)
        The largest mean over seeds, held against the largest mean of each shuffle.
    best_point, best_mean : int arrays of shape (n_grids,)
        The setting of the largest point, and that of the largest mean; setting 0 is the one that
        works best, where one does.
    """

    p_values: np.ndarray
    p_of_largest: np.ndarray
    p_of_mean: np.ndarray
    best_point: np.ndarray
    best_mean: np.ndarray


def simulate_grids(
    n_grids: int, rng: np.random.Generator, effect: float = 0.0, n_shuffles: int = 99
) -> Grids:
    """Draw grids of 48 settings and 10 seeds, and test the best of each in three ways.

    Each seed draws its own data: a target of 40 items, and for each setting a score of every item.
    The scores of two settings on one seed's data correlate by `ALIKE`, so a target that happens to
    agree with one setting agrees with many. A point's value is the correlation of score and target.

    Parameters
    ----------
    n_grids : int
        Number of grids.
    rng : numpy.random.Generator
        Source of all draws.
    effect : float
        Correlation of the target with the score of setting 0, from 0 (nothing is there) to below 1;
        the other settings find it as far as they are like setting 0.
    n_shuffles : int
        Shuffles of each seed's target; settings share them, so that these stay as alike as they
        are.

    Returns
    -------
    Grids

    Raises
    ------
    ValueError
        If there is no grid or shuffle, or the effect is not from 0 to below 1.
    """
    if not 0 <= effect < 1:
        raise ValueError(f"effect={effect!r}: expected a correlation from 0 to below 1.")
    n_grids, n_shuffles = (
        check_count("n_grids", n_grids, 1),
        check_count("n_shuffles", n_shuffles, 1),
    )
    parts = [
        _some_grids(min(_AT_ONCE, n_grids - first), rng, effect, n_shuffles)
        for first in range(0, n_grids, _AT_ONCE)
    ]
    return Grids(*(np.concatenate(found) for found in zip(*parts, strict=True)))


def _some_grids(
    n: int, rng: np.random.Generator, effect: float, n_shuffles: int
) -> tuple[np.ndarray, ...]:
    common = rng.normal(size=(n, N_SEEDS, N_ITEMS, 1))
    own = rng.normal(size=(n, N_SEEDS, N_ITEMS, N_SETTINGS))
    scores = np.sqrt(ALIKE) * common + np.sqrt(1 - ALIKE) * own
    noise = rng.normal(size=(n, N_SEEDS, N_ITEMS))
    target = effect * scores[..., 0] + np.sqrt(1 - effect**2) * noise
    orders = np.repeat(_unit(target, 2)[:, :, None], 1 + n_shuffles, axis=2)
    rng.permuted(orders[:, :, 1:], axis=3, out=orders[:, :, 1:])  # the first stays as it was
    r = orders @ _unit(scores, 2)  # (n, seeds, 1 + shuffles, settings)
    of_points = r.max(axis=(1, 3))  # (n, 1 + shuffles)
    means = r.mean(axis=1)
    observed = r[:, :, 0].swapaxes(1, 2)  # (n, settings, seeds)
    return (
        _one_sided(observed),
        _rank(of_points),
        _rank(means.max(axis=2)),
        observed.max(axis=2).argmax(axis=1),
        means[:, 0].argmax(axis=1),
    )


def _unit(values: np.ndarray, axis: int) -> np.ndarray:
    centred = values - values.mean(axis=axis, keepdims=True)
    return centred / np.linalg.norm(centred, axis=axis, keepdims=True)


def _rank(largest: np.ndarray) -> np.ndarray:
    """Return p-values of the first column among all."""
    return (largest >= largest[:, :1]).mean(axis=1)


def _one_sided(r: np.ndarray) -> np.ndarray:
    from scipy.special import stdtr

    freedom = N_ITEMS - 2
    return stdtr(freedom, -r * np.sqrt(freedom / (1 - r**2)))
