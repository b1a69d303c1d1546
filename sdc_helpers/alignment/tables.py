"""Tables of CKA: every representation of one side with every one of the other.

All pairs share each shuffle, so one permuted kernel meets all kernels of the other side in one
matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.alignment._centring import choose_permutations, group_sums, is_free, seekable
from sdc_helpers.alignment._shuffles import shuffled_alignments
from sdc_helpers.alignment.grams import (
    check_features,
    check_gram,
    check_rows,
    check_same_kind,
    gram,
)
from sdc_helpers.alignment.kernels import check_estimator, unit_kernel
from sdc_helpers.measures import NullTest
from sdc_helpers.permutations import Scheme

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor
    Progress = Callable[[int, int], None]
    Rng = np.random.Generator | int | None


@dataclass(frozen=True, eq=False)
class CKATable:
    """CKA of every row representation with every column representation.

    Attributes
    ----------
    rows, columns : tuple of str
        Names of the R row and the C column representations.
    values : numpy.ndarray of shape (R, C)
        CKA of the stimuli in their own order.
    null : numpy.ndarray of shape (n_permutations, R, C) or None
        Values under shuffles that all pairs share.
    p_values : numpy.ndarray of shape (R, C) or None
        One-sided p-value of each pair by itself, with the +1 correction.
    p_values_fwe : numpy.ndarray of shape (R, C) or None
        One-sided p-value against the largest value of the whole table in each shuffle: corrected
        for testing R x C pairs (max statistic, Nichols & Holmes 2002).
    estimator : str
        Name of the estimator, see `cka`.
    scheme : str
        Rows that were exchanged, such as "rows within 12 groups"; empty without shuffles.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    null: np.ndarray | None
    p_values: np.ndarray | None
    p_values_fwe: np.ndarray | None
    estimator: str
    scheme: str = ""


def cka_table(
    X: Mapping[str, Array],
    Y: Mapping[str, Array],
    estimator: str = "debiased",
    n_permutations: int = 0,
    rng: Rng = None,
    progress: Progress | None = None,
    *,
    groups: np.ndarray | None = None,
    scheme: Scheme = "rows",
    blocks: int | np.ndarray | None = None,
    min_lag: int | None = None,
) -> CKATable:
    """CKA of many representations with many others, say network layers with ROIs.

    Each Gram matrix is computed once, and features are asked of the mapping one at a time: one
    that loads a layer when it is asked never holds two. All pairs share each shuffle.

    Parameters
    ----------
    X : mapping of str to array of shape (n, p_r)
        R representations of the same n >= 4 stimuli: the rows of the table.
    Y : mapping of str to array of shape (n, q_c)
        C representations of these stimuli: the columns. The stimuli of this side are shuffled.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `cka` describes each.
    n_permutations : int
        Number of shuffles; 0 for none.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_permutations)``.
    groups, scheme, blocks, min_lag
        Options of `permutation_test`; rows that were centred in groups are looked for in all
        representations of a side.

    Returns
    -------
    CKATable
        The CKA of all pairs, with p-values if there were shuffles.

    Raises
    ------
    ValueError
        In the cases that `cka` lists, naming the representation, and if X or Y is no mapping or
        empty, or `n_permutations` is not an integer of 0 or more.

    See Also
    --------
    permutation_test : The test of a single pair.

    Examples
    --------
    Two network layers and one region, whose responses follow the second layer:

    >>> import numpy as np
    >>> from sdc_helpers.alignment import cka_table
    >>> rng = np.random.default_rng(0)
    >>> layers = {"early": rng.normal(size=(40, 5)), "late": rng.normal(size=(40, 5))}
    >>> regions = {"LOC": layers["late"] + rng.normal(size=(40, 5))}
    >>> table = cka_table(layers, regions, n_permutations=99, rng=0)
    >>> table.rows, table.columns, table.values.shape
    (('early', 'late'), ('LOC',), (2, 1))
    >>> table.p_values_fwe[:, 0] < 0.05
    array([False,  True])
    """

    def matrix(features: Array, name: str) -> Array:
        features = check_features(features, name)
        check_rows(**{name: features})
        return gram(features, centre=True, name=name)

    chosen = {"groups": groups, "scheme": scheme, "blocks": blocks, "min_lag": min_lag}
    return _table(X, Y, matrix, estimator, n_permutations, rng, progress, chosen)


def cka_table_from_grams(
    K: Mapping[str, Array],
    L: Mapping[str, Array],
    estimator: str = "debiased",
    n_permutations: int = 0,
    rng: Rng = None,
    progress: Progress | None = None,
    *,
    groups: np.ndarray | None = None,
    scheme: Scheme = "rows",
    blocks: int | np.ndarray | None = None,
    min_lag: int | None = None,
) -> CKATable:
    """`cka_table` of Gram matrices.

    Parameters
    ----------
    K, L : mapping of str to array of shape (n, n)
        Gram matrices of the same stimuli: the rows and the columns of the table.
    estimator, n_permutations, rng, progress, groups, scheme, blocks, min_lag
        Options of `cka_table`, which also says what is returned and raised.

    Returns
    -------
    CKATable
        The CKA of all pairs, with p-values if there were shuffles.
    """
    chosen = {"groups": groups, "scheme": scheme, "blocks": blocks, "min_lag": min_lag}
    return _table(K, L, check_gram, estimator, n_permutations, rng, progress, chosen)


def _table(
    X: Mapping[str, Array],
    Y: Mapping[str, Array],
    matrix: Callable[[Array, str], Array],
    estimator: str,
    n_permutations: int,
    rng: Rng,
    progress: Progress | None,
    chosen: dict[str, Any],
) -> CKATable:
    check_count("n_permutations", n_permutations, 0)
    check_estimator(estimator)
    for name, side in (("first", X), ("second", Y)):
        if not isinstance(side, Mapping) or not side:
            raise ValueError(
                f"The {name} argument must be a mapping of names to arrays with at least one "
                f"entry, got {type(side).__name__}."
            )

    seek = n_permutations and is_free(chosen)

    def kernel(array: Array, name: str) -> tuple[Array, dict[int, float]]:
        G = matrix(array, name)
        return unit_kernel(G, estimator, name), group_sums(G) if seek else {}

    first = [kernel(X[name], f"row {name!r}") for name in X]
    second = [kernel(Y[name], f"column {name!r}") for name in Y]
    labelled = {f"row {name!r}": unit for name, (unit, _) in zip(X, first, strict=True)}
    labelled |= {f"column {name!r}": unit for name, (unit, _) in zip(Y, second, strict=True)}
    check_same_kind(**labelled)
    check_rows(**labelled)
    K, L = [unit for unit, _ in first], [unit for unit, _ in second]
    n = K[0].shape[0]
    values = shuffled_alignments(K, L, [np.arange(n)], 1)[0]
    if not n_permutations:
        return CKATable(tuple(X), tuple(Y), values, None, None, None, estimator)
    sought = [[seekable(*kernel) for kernel in side] for side in (first, second)]
    drawn_from = choose_permutations(n, sought[0], sought[1], chosen)
    null = shuffled_alignments(K, L, drawn_from.draw(n_permutations, rng), n_permutations, progress)
    return table_of_null(tuple(X), tuple(Y), values, null, estimator, drawn_from.name)


def table_of_null(
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    values: np.ndarray,
    null: np.ndarray,
    estimator: str,
    scheme: str,
) -> CKATable:
    """Make a table with its p-values from CKA in the stimuli's own order and in others.

    Parameters
    ----------
    rows, columns, values, null, estimator, scheme
        Attributes of `CKATable`.

    Returns
    -------
    CKATable
    """
    tests = [
        [NullTest.from_null(v, null[:, r, c]).p_value for c, v in enumerate(row)]
        for r, row in enumerate(values)
    ]
    largest = null.max(axis=(1, 2))
    fwe = [[NullTest.from_null(v, largest).p_value for v in row] for row in values]
    return CKATable(rows, columns, values, null, np.array(tests), np.array(fwe), estimator, scheme)
