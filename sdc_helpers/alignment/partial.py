"""How an alignment fades when a growing part of the stimuli is shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.alignment._shuffles import shuffled_alignments
from sdc_helpers.alignment.grams import check_feature_pair, gram
from sdc_helpers.alignment.kernels import check_estimator, inner, unit_kernel
from sdc_helpers.permutations import permutations_of

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor
    Progress = Callable[[int, int], None]
    Rng = np.random.Generator | int | None


@dataclass(frozen=True, eq=False)
class PartialShuffleCurve:
    """CKA after shuffling a growing fraction of the stimuli.

    Attributes
    ----------
    fractions : numpy.ndarray of shape (n_fractions,)
        Fraction s of the rows that is shuffled, as asked for.
    values : numpy.ndarray of shape (n_fractions, n_repeats)
        CKA after one fresh shuffle each.
    moved : numpy.ndarray of shape (n_fractions, n_repeats)
        Fraction of rows that truly changed place. A shuffle leaves one row in place on average,
        so it is about s - 1/n.
    unshuffled : float
        CKA of the stimuli in their own order.
    expected : numpy.ndarray of shape (n_fractions,) or None
        Exact mean of `values` for the debiased estimator given the data; None for the others
        and within groups.
    estimator : str
        Name of the estimator, see `cka`.
    """

    fractions: np.ndarray
    values: np.ndarray
    moved: np.ndarray
    unshuffled: float
    expected: np.ndarray | None
    estimator: str


def partial_shuffle_curve(
    X: Array,
    Y: Array,
    fractions: Sequence[float],
    n_repeats: int = 20,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
    *,
    groups: np.ndarray | None = None,
) -> PartialShuffleCurve:
    """CKA after shuffling a fraction of the stimuli of Y, from a fresh copy for every value.

    For fraction s, m = round(s n) rows of Y are chosen at random and permuted among themselves.
    The mean debiased value is then exactly (n - m)(n - m - 1) / (n (n - 3)) of the unshuffled
    one (1 for m < 2), which for many stimuli is (1 - s)^2. Shuffling an already shuffled copy
    further at each step would multiply these factors instead, and bend the curve down too early.

    Parameters
    ----------
    X, Y : array of shape (n, p), (n, q)
        Features of the same n >= 4 stimuli.
    fractions : sequence of float
        Fractions s in [0, 1], in any order.
    n_repeats : int
        Fresh shuffles per fraction.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `cka` describes each.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_fractions * n_repeats)``.
    groups : array of shape (n,), optional
        Label of each row's run, session or participant: the fraction is taken of each group's
        rows, which change places within it. The expected value is not known then.

    Returns
    -------
    PartialShuffleCurve
        The CKA of every shuffle, and the curve that is expected.

    Raises
    ------
    ValueError
        In the cases that `cka` lists, and if a fraction lies outside [0, 1], `n_repeats` is not a
        positive integer, or `groups` does not fit.
    """
    shares = np.atleast_1d(as_array("fractions", fractions, float))
    if shares.ndim != 1 or shares.size == 0 or not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(f"fractions must be numbers from 0 to 1, got {fractions!r}.")
    check_count("n_repeats", n_repeats, 1)
    check_estimator(estimator)
    X, Y = check_feature_pair(X, Y)
    K = unit_kernel(gram(X, centre=True, name="X"), estimator, "X")
    L = unit_kernel(gram(Y, centre=True, name="Y"), estimator, "Y")
    n = K.shape[0]
    members = permutations_of(n, groups=groups).members
    rng = np.random.default_rng(rng)
    repeated = np.repeat(shares, n_repeats)
    shuffles = np.stack([_shuffle_part(members, share, rng) for share in repeated])
    values = shuffled_alignments([K], [L], shuffles, len(shuffles), progress)
    unshuffled = inner(K, L)
    expected = None
    if estimator == "debiased" and len(members) == 1:
        m = np.rint(shares * n).astype(int)
        expected = unshuffled * np.where(m < 2, 1.0, (n - m) * (n - m - 1) / (n * (n - 3)))
    return PartialShuffleCurve(
        fractions=shares,
        values=values.reshape(shares.size, n_repeats),
        moved=(shuffles != np.arange(n)).mean(axis=1).reshape(shares.size, n_repeats),
        unshuffled=unshuffled,
        expected=expected,
        estimator=estimator,
    )


def _shuffle_part(
    members: Sequence[np.ndarray], fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Permute a random choice of a fraction of the rows of each group among themselves."""
    permutation = np.arange(sum(map(len, members)))
    for rows in members:
        chosen = rng.choice(rows[:, 0], size=round(fraction * len(rows)), replace=False)
        permutation[np.sort(chosen)] = chosen
    return permutation
