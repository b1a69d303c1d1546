"""Centred features in float64, a block of stimuli at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from sdc_helpers.alignment.grams import BLOCK_BYTES, not_finite, overflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = Any  # a numpy array or a torch tensor


class CentredRows:
    """The centred rows of X, read in blocks and scaled so that no square leaves float64.

    Columns are centred as `sdc_helpers.alignment.grams.float64_blocks` does: the first row is
    taken off before the mean.

    Parameters
    ----------
    X : array of shape (n, p)
        Already checked by `check_features`: numpy array, memory map or torch tensor.
    name : str
        Name of X for error messages.

    Attributes
    ----------
    n, p : int
        Numbers of stimuli and features.
    size : int
        Rows of a block: as many as fill 64 MB in float64.
    scale : float
        Largest difference from the first row, by which the blocks are divided; 0 if X is constant.

    Raises
    ------
    ValueError
        If X holds NaN or infinite values, or differences that overflow.
    """

    def __init__(self, X: Array, name: str) -> None:
        xp = array_namespace(X)
        self.X, self.name = X, name
        self.n, self.p = X.shape
        self.size = max(1, min(self.n, BLOCK_BYTES // (8 * self.p)))
        self._first = xp.astype(X[:1, :], xp.float64, copy=True)
        self.scale, self._mean = 1.0, xp.zeros_like(self._first)
        largest, total, finite = 0.0, self._mean, xp.ones(self.p, dtype=xp.bool, device=device(X))
        with np.errstate(over="ignore", invalid="ignore"):
            for _, part in self.blocks():
                finite &= xp.all(xp.isfinite(part), axis=0)
                largest = max(largest, float(xp.max(xp.abs(part))))
                total = total + xp.sum(part, axis=0, keepdims=True)
        if not bool(xp.all(finite)):
            self._refuse(finite)
        self.scale = largest
        self._mean = total / self.n

    def blocks(
        self, order: np.ndarray | None = None, size: int | None = None
    ) -> Iterator[tuple[int, Array]]:
        """Yield the rows, each block with the number of its first row.

        Parameters
        ----------
        order : int array of shape (n,), optional
            Row i of what is yielded is row ``order[i]`` of X.
        size : int, optional
            Rows of a block, where that is less than `size`.

        Yields
        ------
        start : int
            Number of the first row.
        part : float64 array of shape (at most size, p)
            Centred rows divided by `scale`.
        """
        xp = array_namespace(self.X)
        step = min(self.size, size or self.size)
        index = None if order is None else xp.asarray(order, device=device(self.X))
        for start in range(0, self.n, step):
            if index is None:
                part = self.X[start : start + step, :]
            else:
                part = xp.take(self.X, index[start : start + step], axis=0)
            part = xp.astype(part, xp.float64, copy=True)
            part -= self._first
            part -= self._mean
            if self.scale > 0:
                part /= self.scale
            yield start, part

    def check_squares(self, largest: float) -> None:
        """Raise a ValueError if the squared length of a scaled row overflows without the scale."""
        if not math.isfinite(largest * self.scale * self.scale):
            raise overflow(self.name)

    def _refuse(self, finite: Array) -> None:
        """Tell values that are not finite from differences that overflow."""
        xp = array_namespace(self.X)
        for start in range(0, self.n, self.size):
            given = xp.isfinite(xp.astype(self.X[start : start + self.size, :], xp.float64))
            if not bool(xp.all(given)):
                raise not_finite(self.name, finite)
        raise overflow(self.name)
