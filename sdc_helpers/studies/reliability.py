"""How reliable recordings are: neurons by halves of their trials, participants by their RDMs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.measures import Interval

if TYPE_CHECKING:
    from sdc_helpers.datasets.nsd import NSD

N_SHOWINGS = 3
"""Showings of a picture in NSD."""
_LEAST_NCSNR = 0.2  # of a voxel that enters an RDM, as in Conwell et al. (2024)


@dataclass(frozen=True, eq=False)
class NeuronReliability:
    """Reliability of neurons over the repetitions of pictures.

    Attributes
    ----------
    halves : float64 array of shape (n_neurons,)
        Correlation over pictures of the means of two halves of the repetitions, dealt out by
        chance to each picture anew, mean over draws.
    corrected : float64 array of shape (n_neurons,)
        The same for the mean of all repetitions, by Spearman and Brown: ``2 r / (1 + r)``.
    single, ceiling : float64 array of shape (n_neurons,)
        Noise ceilings by variances, in percent: of single trials, and of the mean of as many as a
        picture has in the middle.
    n_repetitions : float
        That number, the harmonic mean over pictures.
    """

    halves: np.ndarray
    corrected: np.ndarray
    single: np.ndarray
    ceiling: np.ndarray
    n_repetitions: float

    @property
    def two_ways(self) -> Interval:
        """Ceiling by variances less that by halves, percent, mean over neurons."""
        return Interval.over_seeds(self.ceiling - 100 * self.corrected)


def spearman_brown(r: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """Return the reliability of a measurement that is longer than the one that was correlated.

    Parameters
    ----------
    r : array of any shape
        Correlation of two parallel measurements, above -1.
    factor : float
        How many of them the longer one averages: 2 for two halves.

    Returns
    -------
    float64 array of the same shape
        ``factor * r / (1 + (factor - 1) * r)`` (Spearman 1910, Brown 1910).

    Raises
    ------
    ValueError
        If a correlation is not in [-1, 1] or the factor is not above 0.
    """
    r = as_array("r", r, float)
    if (np.abs(r) > 1).any():
        raise ValueError(f"r holds {r.flat[np.abs(r).argmax()]:g}; expected correlations.")
    if not factor > 0:
        raise ValueError(f"factor={factor!r}: expected a number above 0.")
    return factor * r / (1 + (factor - 1) * r)


def reliability_of_neurons(
    trials: np.ndarray, *, n_draws: int = 10, seed: int = 0
) -> NeuronReliability:
    """Measure how much of each neuron's answer to a picture repeats, in two ways.

    Parameters
    ----------
    trials : array of shape (n_pictures, n_repetitions, n_neurons)
        Answers; NaN after a picture's last repetition, the same in all neurons.
    n_draws, seed : int
        Number and seed of the ways to deal out halves.

    Returns
    -------
    NeuronReliability

    Raises
    ------
    ValueError
        If there are fewer than three pictures or two repetitions of one.
    """
    trials = as_array("trials", trials, float)
    if trials.ndim != 3 or len(trials) < 3:
        raise ValueError(
            f"trials has shape {trials.shape}; expected (pictures, repetitions, neurons) of three "
            "pictures or more."
        )
    counts = (~np.isnan(trials[..., 0])).sum(axis=1)
    if counts.min() < 2:
        raise ValueError(f"trials: a picture has {counts.min()} repetitions; expected two or more.")
    check_count("n_draws", n_draws, least=1)
    rng = np.random.default_rng(seed)
    halves = np.mean([_halves(trials, counts, rng) for _ in range(n_draws)], axis=0)
    picture, repetition = np.nonzero(~np.isnan(trials[..., 0]))
    single = trials[picture, repetition]
    ratio = ncsnr(
        single,
        picture,
        np.ones(len(single), bool),
        n_repetitions=int(counts.min()),
        total_variance=single.var(axis=0, ddof=1),
    )
    middle = float(len(counts) / (1 / counts).sum())
    return NeuronReliability(
        halves=halves,
        corrected=spearman_brown(halves),
        single=noise_ceiling(ratio),
        ceiling=noise_ceiling(ratio, n=middle),
        n_repetitions=middle,
    )


def _halves(trials: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the correlation of two halves dealt out by chance, (n_neurons,)."""
    dealt = np.full_like(trials, np.nan)
    for k, n in enumerate(counts):
        dealt[k, :n] = trials[k, rng.permutation(n)]
    first, second = (np.nanmean(dealt[:, half::2], axis=1) for half in (0, 1))
    first, second = (mean - mean.mean(axis=0) for mean in (first, second))
    scale = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    return (first * second).sum(axis=0) / scale


def rdm_ceiling(showings: np.ndarray) -> float:
    """Return the correlation that a perfect model's RDM would have with the measured one.

    The measured RDM is that of the mean over showings. RDMs of single showings are correlated, and
    the mean of these correlations is stepped up by Spearman and Brown; its root is the ceiling.

    Parameters
    ----------
    showings : array of shape (n_showings, n_pictures, n_voxels)
        Responses to each showing.

    Returns
    -------
    float
        From 0 (nothing repeats) to 1. An approximation: an RDM is no linear function of responses.

    Raises
    ------
    ValueError
        If there are fewer than two showings, three pictures or two voxels.
    """
    showings = as_array("showings", showings, float)
    if showings.ndim != 3 or any(np.less(showings.shape, (2, 3, 2))):
        raise ValueError(
            f"showings has shape {showings.shape}; expected (showings, pictures, voxels), two, "
            "three and two at least."
        )
    above = np.triu_indices(showings.shape[1], 1)
    rdms = np.array([1 - np.corrcoef(one)[above] for one in showings])
    pairs = itertools.combinations(rdms, 2)
    r = np.maximum(0.0, np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))
    return float(np.sqrt(spearman_brown(r, len(showings))))


def rdm_ceilings(nsd: NSD, n_pictures: int = 200) -> dict[str, float]:
    """Return the ceiling of each participant's RDM over pictures that were shown three times.

    Parameters
    ----------
    nsd : NSD
        The study.
    n_pictures : int
        Number of pictures, the first ones that were shown so often.

    Returns
    -------
    dict of str to float
        `rdm_ceiling` by participant, over voxels of visual cortex whose ncsnr is 0.2 or more.

    Raises
    ------
    ValueError
        If `n_pictures` is below 3.
    """
    check_count("n_pictures", n_pictures, least=3)
    found = {}
    for name in nsd.participants:
        inside = nsd.roi(name, "nsdgeneral").volume > 0
        inside[inside] = ~nsd.bad_voxels(name, inside)
        z = nsd.betas(name, inside, zscore="session")
        ids = nsd.trials(name, with_betas=True).image_id.to_numpy()
        good = ncsnr(z, ids, np.ones(len(ids), bool)) >= _LEAST_NCSNR
        unique, counts = np.unique(ids, return_counts=True)
        often = unique[counts >= N_SHOWINGS][:n_pictures]
        rows = np.array([np.flatnonzero(ids == number)[:N_SHOWINGS] for number in often])
        found[name] = rdm_ceiling(np.asarray(z[:, good])[rows.T])
    return found
