"""What a CKA is worth: shuffle tests, partial shuffling, and tables of many pairs.

Shuffling the stimuli of one side commutes with the centring and keeps every norm, so all of this
centres once and then needs one inner product a shuffle. Tests are one-sided: is the alignment
larger than that of unrelated stimuli?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.alignment._shuffles import shuffled_alignments
from sdc_helpers.alignment.grams import (
    check_feature_pair,
    check_features,
    check_gram,
    check_rows,
    check_same_kind,
    gram,
)
from sdc_helpers.alignment.kernels import check_estimator, inner, unit_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = Any  # a numpy array or a torch tensor
    Progress = Callable[[int, int], None]
    Rng = np.random.Generator | int | None

_TIE = 1e-12  # the same shuffle summed in another order is still a tie


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """A CKA against its values under shuffled stimuli.

    Attributes
    ----------
    value : float
        Of the stimuli as they are.
    null : numpy.ndarray of shape (n_permutations,)
        One value per shuffle.
    p_value : float
        (1 + number of null >= value) / (1 + n_permutations): one-sided, never 0
        (Phipson & Smyth 2010).
    estimator : str
        Which estimator.
    """

    value: float
    null: np.ndarray
    p_value: float
    estimator: str


@dataclass(frozen=True, eq=False)
class PartialShuffleCurve:
    """CKA after shuffling a growing fraction of the stimuli.

    Attributes
    ----------
    fractions : numpy.ndarray of shape (n_fractions,)
        Fraction s of the rows that is shuffled, as asked for.
    values : numpy.ndarray of shape (n_fractions, n_repeats)
        Of one fresh shuffle each.
    moved : numpy.ndarray of shape (n_fractions, n_repeats)
        Fraction of rows that truly changed place. A shuffle leaves one row in place on average,
        so it is about s - 1/n.
    unshuffled : float
        Value of the stimuli as they are.
    expected : numpy.ndarray of shape (n_fractions,) or None
        Exact mean of `values` for the debiased estimator given the data; None for the others.
    estimator : str
        Which estimator.
    """

    fractions: np.ndarray
    values: np.ndarray
    moved: np.ndarray
    unshuffled: float
    expected: np.ndarray | None
    estimator: str


@dataclass(frozen=True, eq=False)
class CKATable:
    """CKA of every row representation with every column representation.

    Attributes
    ----------
    rows, columns : tuple of str
        Names, R and C of them.
    values : numpy.ndarray of shape (R, C)
        Of the stimuli as they are.
    null : numpy.ndarray of shape (n_permutations, R, C) or None
        Values under shuffles that all pairs share.
    p_values : numpy.ndarray of shape (R, C) or None
        One-sided, each pair by itself, with the +1 correction.
    p_values_fwe : numpy.ndarray of shape (R, C) or None
        Against the largest value of the whole table in each shuffle: corrected for testing
        R x C pairs (max statistic, Nichols & Holmes 2002).
    estimator : str
        Which estimator.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    null: np.ndarray | None
    p_values: np.ndarray | None
    p_values_fwe: np.ndarray | None
    estimator: str


def permutation_test(
    X: Array,
    Y: Array,
    n_permutations: int = 999,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
) -> PermutationTest:
    """Test the CKA of two sets of features against shuffled stimuli.

    Parameters
    ----------
    X : array of shape (n, p)
        Features of n >= 4 stimuli.
    Y : array of shape (n, q)
        Features of the same stimuli. Its rows are shuffled by ``rng.permutation(n)``, drawn
        once per shuffle in order: null[k] is the CKA of X and Y[k-th permutation].
    n_permutations : int
        Number of shuffles.
    estimator : {"debiased", "biased", "rv2"}
        See `cka`.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_permutations)``.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ValueError
        As for `cka`, and if `n_permutations` is not a positive integer.
    """
    check_count("n_permutations", n_permutations, 1)
    K, L = _unit_kernels(X, Y, estimator)
    return _permutation_test(K, L, n_permutations, estimator, rng, progress)


def permutation_test_from_grams(
    K: Array,
    L: Array,
    n_permutations: int = 999,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
) -> PermutationTest:
    """`permutation_test` of two Gram matrices.

    Parameters
    ----------
    K, L : array of shape (n, n)
        Gram matrices of the same stimuli; rows and columns of L are shuffled together.
    n_permutations, estimator, rng, progress
        As for `permutation_test`, also in what is returned and raised.

    Returns
    -------
    PermutationTest
    """
    check_count("n_permutations", n_permutations, 1)
    check_estimator(estimator)
    check_same_kind(K=K, L=L)
    K, L = check_gram(K, "K"), check_gram(L, "L")
    check_rows(K=K, L=L)
    K, L = unit_kernel(K, estimator, "K"), unit_kernel(L, estimator, "L")
    return _permutation_test(K, L, n_permutations, estimator, rng, progress)


def partial_shuffle_curve(
    X: Array,
    Y: Array,
    fractions: Sequence[float],
    n_repeats: int = 20,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
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
        See `cka`.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_fractions * n_repeats)``.

    Returns
    -------
    PartialShuffleCurve

    Raises
    ------
    ValueError
        As for `cka`, if a fraction lies outside [0, 1], or if `n_repeats`
        is not a positive integer.
    """
    s = np.atleast_1d(as_array("fractions", fractions, float))
    if s.ndim != 1 or s.size == 0 or not np.all((s >= 0) & (s <= 1)):
        raise ValueError(f"fractions must be numbers from 0 to 1, got {fractions!r}.")
    check_count("n_repeats", n_repeats, 1)
    K, L = _unit_kernels(X, Y, estimator)
    n = K.shape[0]
    m = np.rint(s * n).astype(int)
    rng = np.random.default_rng(rng)
    shuffles = np.stack([_shuffle_some(n, size, rng) for size in np.repeat(m, n_repeats)])
    values = shuffled_alignments([K], [L], shuffles, len(shuffles), progress)
    unshuffled = inner(K, L)
    expected = None
    if estimator == "debiased":
        expected = unshuffled * np.where(m < 2, 1.0, (n - m) * (n - m - 1) / (n * (n - 3)))
    return PartialShuffleCurve(
        fractions=s,
        values=values.reshape(s.size, n_repeats),
        moved=(shuffles != np.arange(n)).mean(axis=1).reshape(s.size, n_repeats),
        unshuffled=unshuffled,
        expected=expected,
        estimator=estimator,
    )


def cka_table(
    X: Mapping[str, Array],
    Y: Mapping[str, Array],
    estimator: str = "debiased",
    n_permutations: int = 0,
    rng: Rng = None,
    progress: Progress | None = None,
) -> CKATable:
    """CKA of many representations with many others, say network layers with ROIs.

    Each Gram matrix is computed once, and features are asked of the mapping one at a time: one
    that loads a layer when it is asked never holds two. All pairs share each shuffle.

    Parameters
    ----------
    X : mapping of str to array of shape (n, p_r)
        R representations of the same n >= 4 stimuli: the rows of the table.
    Y : mapping of str to array of shape (n, q_c)
        C representations of these stimuli: the columns. Theirs are the rows that are shuffled.
    estimator : {"debiased", "biased", "rv2"}
        See `cka`.
    n_permutations : int
        Number of shuffles; 0 for none.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_permutations)``.

    Returns
    -------
    CKATable

    Raises
    ------
    ValueError
        As for `cka`, naming the representation, and if X or Y is no
        mapping or empty or `n_permutations` is not an integer from 0.
    """

    def kernel(features: Array, name: str) -> Array:
        features = check_features(features, name)
        check_rows(**{name: features})
        return unit_kernel(gram(features, centre=True, name=name), estimator, name)

    return _table(X, Y, kernel, estimator, n_permutations, rng, progress)


def cka_table_from_grams(
    K: Mapping[str, Array],
    L: Mapping[str, Array],
    estimator: str = "debiased",
    n_permutations: int = 0,
    rng: Rng = None,
    progress: Progress | None = None,
) -> CKATable:
    """`cka_table` of Gram matrices.

    Parameters
    ----------
    K, L : mapping of str to array of shape (n, n)
        Gram matrices of the same stimuli: the rows and the columns of the table.
    estimator, n_permutations, rng, progress
        As for `cka_table`, also in what is returned and raised.

    Returns
    -------
    CKATable
    """

    def kernel(matrix: Array, name: str) -> Array:
        return unit_kernel(check_gram(matrix, name), estimator, name)

    return _table(K, L, kernel, estimator, n_permutations, rng, progress)


def _table(
    X: Mapping[str, Array],
    Y: Mapping[str, Array],
    kernel: Callable[[Array, str], Array],
    estimator: str,
    n_permutations: int,
    rng: Rng,
    progress: Progress | None,
) -> CKATable:
    check_count("n_permutations", n_permutations, 0)
    check_estimator(estimator)
    for name, side in (("first", X), ("second", Y)):
        if not isinstance(side, Mapping) or not side:
            raise ValueError(
                f"The {name} argument must be a mapping of names to arrays with at least one "
                f"entry, got {type(side).__name__}."
            )
    K = {name: kernel(X[name], f"row {name!r}") for name in X}
    L = {name: kernel(Y[name], f"column {name!r}") for name in Y}
    labelled = {f"row {k!r}": v for k, v in K.items()} | {f"column {k!r}": v for k, v in L.items()}
    check_same_kind(**labelled)
    check_rows(**labelled)
    K, L = list(K.values()), list(L.values())
    n = K[0].shape[0]
    values = shuffled_alignments(K, L, [np.arange(n)], 1)[0]
    null = p_values = p_values_fwe = None
    if n_permutations:
        shuffles = _shuffles(n, n_permutations, rng)
        null = shuffled_alignments(K, L, shuffles, n_permutations, progress)
        p_values = _p_value(values, null)
        p_values_fwe = _p_value(values, null.max(axis=(1, 2))[:, None, None])
    return CKATable(tuple(X), tuple(Y), values, null, p_values, p_values_fwe, estimator)


def _permutation_test(
    K: Array, L: Array, n_permutations: int, estimator: str, rng: Rng, progress: Progress | None
) -> PermutationTest:
    shuffles = _shuffles(K.shape[0], n_permutations, rng)
    null = shuffled_alignments([K], [L], shuffles, n_permutations, progress)[:, 0, 0]
    value = inner(K, L)
    return PermutationTest(value, null, float(_p_value(value, null)), estimator)


def _unit_kernels(X: Array, Y: Array, estimator: str) -> tuple[Array, Array]:
    check_estimator(estimator)
    X, Y = check_feature_pair(X, Y)
    K, L = gram(X, centre=True, name="X"), gram(Y, centre=True, name="Y")
    return unit_kernel(K, estimator, "X"), unit_kernel(L, estimator, "Y")


def _shuffles(n: int, count: int, rng: Rng) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(rng)
    return (rng.permutation(n) for _ in range(count))


def _shuffle_some(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Permutation of n rows that permutes a random choice of `size` of them."""
    chosen = rng.choice(n, size=size, replace=False)
    permutation = np.arange(n)
    permutation[np.sort(chosen)] = chosen
    return permutation


def _p_value(value: float | np.ndarray, null: np.ndarray) -> np.ndarray:
    return (1 + np.sum(null >= value - _TIE, axis=0)) / (1 + len(null))
