"""CKA from features alone: no matrix of stimuli by stimuli is ever made.

With centred columns, the length d_i of each row squared and D their sum, every estimator is

    <K', L'> = |X^T Y|_F^2 - a sum_i d_i e_i + b D E

for the centred kernels K' and L' of `sdc_helpers.alignment.kernels`, with a and b of `_TERMS`
(expand the U-centring of Song et al. 2012; the rows of a centred Gram matrix sum to 0). A shuffle
of the stimuli changes the first two terms only. Time grows with n (p + q)^2 instead of
n^2 (p + q), memory with the block of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from array_api_compat import array_namespace, device

from sdc_helpers.alignment._rows import CentredRows
from sdc_helpers.alignment.kernels import no_structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Array = Any  # a numpy array or a torch tensor

Route = Literal["auto", "features", "gram"]
_ROUTES = ("auto", "features", "gram")
_LARGEST_GRAM = 16_000  # stimuli: a Gram matrix of 2 GB, of which a test holds four
_GATHERED, _MULTIPLIED = 0.8e-9, 1e-10  # seconds: an entry of a Gram matrix, a product of two
_LEAST = 1e-4  # share of the squares that centring has to leave, or ten digits are not certain
_TERMS = {
    "biased": lambda n: (0.0, 0.0),
    "rv2": lambda n: (1.0, 0.0),
    "debiased": lambda n: (n / (n - 2), 1 / ((n - 1) * (n - 2))),
}
"""Terms a and b for n stimuli."""


def check_route(route: str) -> None:
    """Raise a ValueError unless the route is one of the three."""
    if route not in _ROUTES:
        raise ValueError(f"route={route!r} is unknown; choose from {', '.join(_ROUTES)}.")


def takes_features(route: Route, X: Array, Y: Array, n_permutations: int = 0) -> bool:
    """Say whether CKA is to be computed from features rather than from Gram matrices.

    Parameters
    ----------
    route : {"auto", "features", "gram"}
        What the caller asked for.
    X, Y : array of shape (n, p), (n, q)
        Features; only their shapes are looked at.
    n_permutations : int
        Number of shuffles.

    Returns
    -------
    bool
        For "auto": whether p + q < n and, where the Gram matrices would fit, the shuffles do not
        make the features slower.
    """
    if route != "auto":
        return route == "features"
    n, p, q = X.shape[0], X.shape[1], Y.shape[1]
    if p + q >= n:
        return False
    from_grams = n * n * ((p + q) / 2 * _MULTIPLIED + n_permutations * _GATHERED)
    from_features = n * _MULTIPLIED * ((p + q) ** 2 / 2 + n_permutations * p * q)
    return n > _LARGEST_GRAM or from_features <= from_grams


@dataclass(frozen=True, eq=False)
class FeatureSide:
    """Features with what an estimator needs of them, from `feature_side`.

    Attributes
    ----------
    rows : CentredRows
        The centred features, a block of rows at a time.
    squares : float64 array of shape (n,)
        Squared length of each centred row.
    norm : float
        Frobenius norm of the centred kernel.
    estimator : str
        Which estimator the norm belongs to.
    """

    rows: CentredRows
    squares: Array
    norm: float
    estimator: str

    def within(self, size: int, orders: Sequence[np.ndarray]) -> np.ndarray:
        """Return the sum of the kernel's entries inside groups of rows, but for a constant.

        Parameters
        ----------
        size : int
            Number of consecutive rows of a group; it divides n.
        orders : sequence of int arrays of shape (n,)
            Orders of the rows.

        Returns
        -------
        float array of shape (n_orders,)
        """
        return np.array([self._group_squares(order, [size])[size] for order in orders]) / self.norm

    def group_sums(self) -> dict[int, float]:
        """Return what `sdc_helpers.alignment._centring.group_sums` does of a Gram matrix."""
        n = self.rows.n
        sizes = [size for size in range(2, n // 2 + 1) if n % size == 0]
        spread = float(array_namespace(self.squares).sum(self.squares)) / (n - 1)
        inside = self._group_squares(None, sizes)
        return {size: square / (spread * (n - size)) for size, square in inside.items()}

    def _group_squares(self, order: np.ndarray | None, sizes: list[int]) -> dict[int, float]:
        """Squared lengths of the sums of consecutive groups of rows, summed, for each size."""
        sums: dict[int, float] = dict.fromkeys(sizes, 0.0)
        last: dict[int, Any] = dict.fromkeys(sizes, 0.0)  # sum of all rows up to the last group
        before: Any = 0.0
        for start, part in self.rows.blocks(order):
            xp = array_namespace(part)
            upto = xp.cumulative_sum(part, axis=0) + before
            before = xp.astype(upto[-1, :], xp.float64, copy=True)
            for size in sizes:
                ends = upto[(-start - 1) % size :: size, :]
                if ends.shape[0]:
                    first = xp.sum((ends[0, :] - last[size]) ** 2)
                    rest = xp.sum((ends[1:, :] - ends[:-1, :]) ** 2)
                    sums[size] += float(first) + float(rest)
                    last[size] = xp.astype(ends[-1, :], xp.float64, copy=True)
        return sums


def feature_sides(
    X: Array, Y: Array, estimator: str, route: Route
) -> tuple[FeatureSide, FeatureSide] | None:
    """Centre the features of both sides and measure their kernels.

    Parameters
    ----------
    X, Y : array of shape (n, p), (n, q)
        Checked by `check_feature_pair`.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use.
    route : {"auto", "features"}
        Whether Gram matrices may take over.

    Returns
    -------
    tuple of FeatureSide or None
        None where Gram matrices have to take over: sums over features keep too few digits, since
        little but the diagonal is in a kernel, or a few rows are far longer than all others.

    Raises
    ------
    ValueError
        If features hold NaN or infinite values, their squares overflow, or digits are lost where
        Gram matrices may not or cannot take over.
    """
    sides = []
    for features, name in ((X, "X"), (Y, "Y")):
        side = _feature_side(features, estimator, name)
        if side is None and route == "auto" and X.shape[0] <= _LARGEST_GRAM:
            return None
        if side is None:
            raise ValueError(
                f"{no_structure(name)}, or a few stimuli are so much farther from the mean than "
                "all others that sums over features lose the digits; CKA is undefined, or "
                "route='gram' finds it."
            )
        sides.append(side)
    return sides[0], sides[1]


def _feature_side(X: Array, estimator: str, name: str) -> FeatureSide | None:
    rows = CentredRows(X, name)
    xp = array_namespace(X)
    squares = xp.zeros(rows.n, dtype=xp.float64, device=device(X))
    product = xp.zeros((rows.p, rows.p), dtype=xp.float64, device=device(X))
    for start, part in rows.blocks():
        squares[start : start + part.shape[0]] = xp.sum(part * part, axis=1)
        product += part.T @ part  # one buffer, twice: numpy takes the half-price symmetric product
    rows.check_squares(float(xp.max(squares)))
    whole = float(xp.sum(product * product))
    kept = whole - _correction(squares, squares, estimator)
    if not kept > _LEAST * whole:
        return None
    return FeatureSide(rows, squares, math.sqrt(kept), estimator)


def aligned(x: FeatureSide, y: FeatureSide, order: np.ndarray | None = None) -> float:
    """Return the CKA of two sides, with the rows of the second in an order.

    Parameters
    ----------
    x, y : FeatureSide
        Two sides of the same n stimuli and estimator.
    order : int array of shape (n,), optional
        Row i meets row ``order[i]`` of the second.

    Returns
    -------
    float
    """
    xp = array_namespace(x.squares)
    product: Any = 0.0
    for (_, part), (_, other) in zip(
        x.rows.blocks(size=y.rows.size), y.rows.blocks(order, size=x.rows.size), strict=True
    ):
        product = product + part.T @ other
    squares = y.squares
    if order is not None:
        squares = xp.take(squares, xp.asarray(order, device=device(squares)), axis=0)
    numerator = float(xp.sum(product * product)) - _correction(x.squares, squares, x.estimator)
    return numerator / (x.norm * y.norm)


def shuffled_features(
    x: FeatureSide,
    y: FeatureSide,
    orders: Iterable[np.ndarray],
    n_permutations: int,
    progress: Any = None,
) -> np.ndarray:
    """Return the CKA of two sides for each order of the rows of the second.

    Parameters
    ----------
    x, y : FeatureSide
        Two sides of the same n stimuli and estimator.
    orders : iterable of int arrays of shape (n,)
        Orders of the rows of the second side.
    n_permutations : int
        Number of orders that will come.
    progress : callable, optional
        Called as ``progress(done, n_permutations)`` after each.

    Returns
    -------
    float array of shape (n_permutations,)
    """
    null = np.empty(n_permutations)
    for done, order in enumerate(orders):
        null[done] = aligned(x, y, order)
        if progress is not None:
            progress(done + 1, n_permutations)
    return null


def _correction(d: Array, e: Array, estimator: str) -> float:
    """Return what is taken off the first term: a sum_i d_i e_i - b D E."""
    xp = array_namespace(d)
    a, b = _TERMS[estimator](d.shape[0])
    return a * float(xp.sum(d * e)) - b * float(xp.sum(d)) * float(xp.sum(e))
