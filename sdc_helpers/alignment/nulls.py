"""What a CKA is worth: shuffle tests.

Shuffling the stimuli of one side commutes with the centring and keeps every norm, so all of this
centres once and then needs one inner product a shuffle. Tests are one-sided: is the alignment
larger than that of unrelated stimuli? Which shuffles answer that, `sdc_helpers.permutations` says:
rows that were centred within runs may change places within their run only, rows of a time series
not at all one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.alignment._centring import choose_permutations, group_sums, is_free, seekable
from sdc_helpers.alignment._shuffles import shuffled_alignments
from sdc_helpers.alignment.feature_side import (
    FeatureSide,
    Route,
    aligned,
    check_route,
    feature_sides,
    shuffled_features,
    takes_features,
)
from sdc_helpers.alignment.grams import (
    check_feature_pair,
    check_gram,
    check_rows,
    check_same_kind,
    gram,
)
from sdc_helpers.alignment.kernels import check_estimator, inner, unit_kernel
from sdc_helpers.measures import NullTest
from sdc_helpers.permutations import Scheme

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor
    Progress = Callable[[int, int], None]
    Rng = np.random.Generator | int | None


def permutation_test(
    X: Array,
    Y: Array,
    n_permutations: int = 999,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
    *,
    groups: np.ndarray | None = None,
    scheme: Scheme = "rows",
    blocks: int | np.ndarray | None = None,
    min_lag: int | None = None,
    route: Route = "auto",
) -> NullTest:
    """Test the CKA of two sets of features against shuffled stimuli.

    Parameters
    ----------
    X : array of shape (n, p)
        Features of n >= 4 stimuli.
    Y : array of shape (n, q)
        Features of the same stimuli. Its rows are shuffled: null[k] is the CKA of X and
        Y[k-th permutation]. As they are by default, a permutation is ``rng.permutation(n)``.
    n_permutations : int
        Number of shuffles.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `cka` describes each.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_permutations)``.
    groups : array of shape (n,), optional
        Label of each row's run, session or participant: rows change places within their group
        only. Needed wherever both sides were centred or scaled within groups, and wherever groups
        differ on both sides. Without it, rows that sum to about zero in consecutive groups of
        equal size on both sides are shuffled within these, with a warning; nothing else is seen.
        One label for all rows says that any row could be any other.
    scheme : {"rows", "blocks", "circular"}
        Rows that change places together, see `sdc_helpers.permutations.permutations_of`: single
        rows, blocks of rows, or all rows by a circular shift, for time series.
    blocks, min_lag
        Options of the schemes "blocks" and "circular", see `permutations_of`.
    route : {"auto", "features", "gram"}
        Whether to compute from features or from Gram matrices, see `cka`; ``"auto"`` counts the
        shuffles too: one costs n p q products of numbers from features, and n^2 / 2 gathered
        entries from Gram matrices, which it takes up to 16,000 stimuli where they are faster.

    Returns
    -------
    NullTest
        The CKA, its null distribution and the one-sided p-value.

    Raises
    ------
    ValueError
        In the cases that `cka` lists, and if `n_permutations` is not a positive integer or the
        scheme does not fit.

    See Also
    --------
    cka_table : The same test for many pairs, corrected for their number.
    sdc_helpers.permutations.permutations_of : The schemes of shuffles.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.alignment import permutation_test
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(40, 10))
    >>> Y = X[:, :5] + rng.normal(size=(40, 5))
    >>> test = permutation_test(X, Y, n_permutations=99, rng=0)
    >>> test.p_value, test.scheme
    (0.01, 'rows')
    """
    check_count("n_permutations", n_permutations, 1)
    check_estimator(estimator)
    check_route(route)
    X, Y = check_feature_pair(X, Y)
    chosen = {"groups": groups, "scheme": scheme, "blocks": blocks, "min_lag": min_lag}
    if takes_features(route, X, Y, n_permutations):
        sides = feature_sides(X, Y, estimator, route)
        if sides is not None:
            return _test_of_features(*sides, n_permutations, rng, progress, chosen)
    K, L = gram(X, centre=True, name="X"), gram(Y, centre=True, name="Y")
    return _permutation_test((K, "X"), (L, "Y"), n_permutations, estimator, rng, progress, chosen)


def permutation_test_from_grams(
    K: Array,
    L: Array,
    n_permutations: int = 999,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
    *,
    groups: np.ndarray | None = None,
    scheme: Scheme = "rows",
    blocks: int | np.ndarray | None = None,
    min_lag: int | None = None,
) -> NullTest:
    """`permutation_test` of two Gram matrices.

    Parameters
    ----------
    K, L : array of shape (n, n)
        Gram matrices of the same stimuli; rows and columns of L are shuffled together.
    n_permutations, estimator, rng, progress, groups, scheme, blocks, min_lag
        Options of `permutation_test`, which also says what is returned and raised.

    Returns
    -------
    NullTest
        The CKA, its null distribution and the one-sided p-value.
    """
    check_count("n_permutations", n_permutations, 1)
    check_estimator(estimator)
    check_same_kind(K=K, L=L)
    K, L = check_gram(K, "K"), check_gram(L, "L")
    check_rows(K=K, L=L)
    chosen = {"groups": groups, "scheme": scheme, "blocks": blocks, "min_lag": min_lag}
    return _permutation_test((K, "K"), (L, "L"), n_permutations, estimator, rng, progress, chosen)


def _permutation_test(
    first: tuple[Array, str],
    second: tuple[Array, str],
    n_permutations: int,
    estimator: str,
    rng: Rng,
    progress: Progress | None,
    chosen: dict[str, Any],
) -> NullTest:
    """Test two Gram matrices, each with what an error should call it."""
    seek = is_free(chosen)
    kernels = [
        (unit_kernel(G, estimator, name), group_sums(G) if seek else {})
        for G, name in (first, second)
    ]
    K, L = kernels[0][0], kernels[1][0]
    sought = [seekable(*kernel) for kernel in kernels]
    drawn_from = choose_permutations(K.shape[0], sought[:1], sought[1:], chosen)
    shuffles = drawn_from.draw(n_permutations, rng)
    null = shuffled_alignments([K], [L], shuffles, n_permutations, progress)[:, 0, 0]
    return NullTest.from_null(inner(K, L), null, scheme=drawn_from.name)


def _test_of_features(
    x: FeatureSide,
    y: FeatureSide,
    n_permutations: int,
    rng: Rng,
    progress: Progress | None,
    chosen: dict[str, Any],
) -> NullTest:
    seek = is_free(chosen)
    first, second = ([(side.within, side.group_sums() if seek else {})] for side in (x, y))
    drawn_from = choose_permutations(x.rows.n, first, second, chosen)
    orders = drawn_from.draw(n_permutations, rng)
    null = shuffled_features(x, y, orders, n_permutations, progress)
    return NullTest.from_null(aligned(x, y), null, scheme=drawn_from.name)
