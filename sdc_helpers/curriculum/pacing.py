"""How much of the training set a curriculum lets in, pass by pass.

A pass goes once through the samples let in so far, the easiest ones. Samples of equal difficulty
are never separated: they are let in together, so that a share is exceeded where there are ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_share


@dataclass(frozen=True, eq=False)
class Bins:
    """Cumulative bins of samples: each holds the one before it.

    Attributes
    ----------
    thresholds : float array of shape (n_bins,)
        Largest difficulty in each bin, ascending.
    members : tuple of int64 arrays
        Samples of each bin: those of the bin before, then the added ones, each group ascending.
    """

    thresholds: np.ndarray
    members: tuple[np.ndarray, ...]

    @property
    def counts(self) -> np.ndarray:
        """Samples in each bin, int64 (n_bins,)."""
        return np.array([len(samples) for samples in self.members])

    @property
    def shares(self) -> np.ndarray:
        """Part of all samples that is in each bin, (n_bins,); the last is 1."""
        return self.counts / len(self.members[-1])

    @property
    def added(self) -> np.ndarray:
        """Samples that each bin has and the one before has not, int64 (n_bins,).

        0 where ties leave nothing between two quantiles: that bin is the one before again.
        """
        return np.diff(self.counts, prepend=0)


def quantile_bins(difficulty: np.ndarray, n_bins: int = 4) -> Bins:
    """Divide samples into cumulative bins at the quantiles of their difficulty.

    Bin k holds every sample up to the smallest difficulty that at least (k + 1) / n_bins of the
    samples do not exceed.

    Parameters
    ----------
    difficulty : array of shape (n_samples,)
        Finite numbers, larger for more difficult samples.
    n_bins : int, default=4
        1 or more.

    Returns
    -------
    Bins
        The bins. With many ties one can equal the one before, see ``Bins.added``.

    Raises
    ------
    ValueError
        If there is no sample, a difficulty is not finite, there are fewer samples than bins, or
        all samples have the same difficulty and there is more than one bin.

    See Also
    --------
    threshold_bins : Bins at given difficulties.

    Examples
    --------
    >>> from sdc_helpers.curriculum import quantile_bins
    >>> quantile_bins([1, 3, 2, 4], n_bins=2).members
    (array([0, 2]), array([0, 2, 1, 3]))
    """
    difficulty = check_difficulty(difficulty)
    n_bins = check_count("n_bins", n_bins, least=1)
    return _bins(difficulty, _quantile_counts(np.sort(difficulty), n_bins))


def threshold_bins(difficulty: np.ndarray, below: Sequence[float]) -> Bins:
    """Divide samples into cumulative bins at given difficulties.

    Parameters
    ----------
    difficulty : array of shape (n_samples,)
        Finite numbers.
    below : sequence of float
        Ascending; bin k holds the samples of a difficulty less than ``below[k]``, one more bin
        holds all. The study's is (3, 4, 6).

    Returns
    -------
    Bins

    Raises
    ------
    ValueError
        If there is no sample, a difficulty is not finite, `below` does not ascend, or the first
        bin is empty.
    """
    difficulty = check_difficulty(difficulty)
    return _bins(difficulty, _threshold_counts(np.sort(difficulty), below, hardest_first=False))


class Pacing(Protocol):
    """How many samples each pass goes through."""

    n_epochs: int

    def counts(self, ranked: np.ndarray, hardest_first: bool = False) -> np.ndarray:
        """Return the size of each pass.

        Parameters
        ----------
        ranked : float array of shape (n_samples,)
            What decides the order in which samples are let in, ascending: difficulties, or minus
            those with `hardest_first`.
        hardest_first : bool
            Whether `ranked` holds minus the difficulties.

        Returns
        -------
        int64 array of shape (n_epochs,)
            Pass e goes through the first ``counts[e]`` samples.
        """
        ...


@dataclass(frozen=True)
class BinnedPacing:
    """Cumulative bins, and some passes over each: the study's pacing.

    Parameters
    ----------
    n_bins : int, default=4
        Number of bins, at the quantiles of difficulty; see `quantile_bins`.
    epochs_per_bin : int, default=2
        Passes over each bin.
    below : tuple of float, optional
        Difficulties to divide at instead, see `threshold_bins`; `n_bins` must be one more. Hardest
        first, bins are divided at the same places and filled from the other side.

    Raises
    ------
    ValueError
        If a number is not 1 or more, or `below` has another length or does not ascend.
    """

    n_bins: int = 4
    epochs_per_bin: int = 2
    below: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_count("n_bins", self.n_bins, least=1)
        check_count("epochs_per_bin", self.epochs_per_bin, least=1)
        if self.below is not None:
            object.__setattr__(self, "below", tuple(self.below))
            _check_below(self.below)
            if len(self.below) + 1 != self.n_bins:
                raise ValueError(
                    f"below has {len(self.below)} thresholds for n_bins={self.n_bins}; the last "
                    "bin holds all and needs none."
                )

    @property
    def n_epochs(self) -> int:
        """Passes in all."""
        return self.n_bins * self.epochs_per_bin

    def counts(self, ranked: np.ndarray, hardest_first: bool = False) -> np.ndarray:
        """Return the size of each pass, see `Pacing.counts`."""
        if self.below is None:
            counts = _quantile_counts(ranked, self.n_bins)
        else:
            counts = _threshold_counts(ranked, self.below, hardest_first)
        return np.repeat(counts, self.epochs_per_bin)


@dataclass(frozen=True)
class RootPacing:
    """Passes over a share of the samples that grows as a root of the time (Platanios et al. 2019).

    Pass e of n lets in the share ``(start^power + (1 - start^power) e / (n - 1))^(1 / power)``:
    their root-p competence, which they move at each step and draw batches at random below.

    Parameters
    ----------
    n_epochs : int
        Passes, 2 or more; the last one is over all samples.
    start : float, default=0.25
        Share of the first pass, above 0 and at most 1.
    power : float, default=2
        1 grows by the same share each pass, more grows faster at first.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    n_epochs: int
    start: float = 0.25
    power: float = 2

    def __post_init__(self) -> None:
        check_count("n_epochs", self.n_epochs, least=2)
        check_share("start", self.start, "upper")
        if not 1 <= self.power < np.inf:
            raise ValueError(f"power={self.power!r}: expected a number of 1 or more.")

    def counts(self, ranked: np.ndarray, hardest_first: bool = False) -> np.ndarray:
        """Return the size of each pass, see `Pacing.counts`."""
        first = self.start**self.power
        time = np.arange(self.n_epochs) / (self.n_epochs - 1)
        shares = (first + (1 - first) * time) ** (1 / self.power)
        # rounded: 0.07 * 100 is a little more than 7
        least = np.ceil(np.round(shares * len(ranked), 6)).astype(np.int64)
        return _with_ties(ranked, np.clip(least, 1, len(ranked)))


@dataclass(frozen=True)
class LinearPacing(RootPacing):
    """Passes over a share of the samples that grows by the same amount from pass to pass.

    Parameters
    ----------
    n_epochs : int
        Passes, 2 or more; the last one is over all samples.
    start : float, default=0.25
        Share of the first pass, above 0 and at most 1.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    power: float = field(default=1, init=False)


@dataclass(frozen=True)
class Standard:
    """Every pass over all samples: no curriculum.

    Parameters
    ----------
    n_epochs : int, default=8
        Passes, 1 or more.
    """

    n_epochs: int = 8

    def __post_init__(self) -> None:
        check_count("n_epochs", self.n_epochs, least=1)

    def counts(self, ranked: np.ndarray, hardest_first: bool = False) -> np.ndarray:
        """Return the size of each pass, see `Pacing.counts`."""
        return np.full(self.n_epochs, len(ranked))


def check_difficulty(difficulty: np.ndarray) -> np.ndarray:
    """Return difficulties as float64 (n_samples,), or raise a ValueError naming what is wrong."""
    difficulty = as_array("difficulty", difficulty)
    if difficulty.ndim != 1 or not len(difficulty) or difficulty.dtype.kind not in "fiub":
        raise ValueError(
            f"difficulty is {difficulty.dtype} of shape {difficulty.shape}; expected a number for "
            "each sample."
        )
    difficulty = difficulty.astype(float)
    bad = np.flatnonzero(~np.isfinite(difficulty))
    if len(bad):
        raise ValueError(
            f"difficulty[{bad[0]}] is {difficulty[bad[0]]}; {len(bad)} of {len(difficulty)} values "
            "are not finite. Leave those samples out."
        )
    return difficulty


def _quantile_counts(ranked: np.ndarray, n_bins: int) -> np.ndarray:
    n = len(ranked)
    if n < n_bins:
        raise ValueError(f"{n} samples cannot fill n_bins={n_bins}; lower n_bins.")
    least = -(-np.arange(1, n_bins + 1) * n // n_bins)  # rounded up
    return _with_ties(ranked, least)


def _with_ties(ranked: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Return the least counts, enlarged by the samples as difficult as the last one let in."""
    if ranked[0] == ranked[-1] and least[0] < len(ranked):
        raise ValueError(
            f"all {len(ranked)} samples have the same difficulty: with such ties there is nothing "
            "to begin with. Take another measure, lower n_bins to 1, or use order='standard'."
        )
    return np.searchsorted(ranked, ranked[least - 1], side="right")


def _threshold_counts(
    ranked: np.ndarray, below: Sequence[float], hardest_first: bool
) -> np.ndarray:
    edges = _check_below(below)
    if hardest_first:  # minus the difficulties: a bin holds what the easier bins leave
        counts = np.searchsorted(ranked, -edges[::-1], side="right")
    else:
        counts = np.searchsorted(ranked, edges, side="left")
    if len(counts) and counts[0] == 0:
        side, edge = ("at least", edges[-1]) if hardest_first else ("below", edges[0])
        raise ValueError(
            f"the first bin is empty: no sample has a difficulty {side} {edge:g}. Lower n_bins or "
            "move the thresholds: difficulties have ties, see np.unique(difficulty)."
        )
    return np.append(counts, len(ranked))


def _check_below(below: Sequence[float]) -> np.ndarray:
    edges = as_array("below", below, float)
    if edges.ndim != 1 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise ValueError(f"below={below!r}: expected finite numbers, ascending.")
    return edges


def _bins(difficulty: np.ndarray, counts: np.ndarray) -> Bins:
    ranked = np.argsort(difficulty, kind="stable")
    thresholds = difficulty[ranked[counts - 1]]
    groups = np.split(ranked, counts[:-1])
    order = np.concatenate([np.sort(group) for group in groups])
    return Bins(thresholds, tuple(order[:count] for count in counts))
