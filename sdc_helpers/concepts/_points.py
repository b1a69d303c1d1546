"""Voxels as directions: decoder weights, checked and measured, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor

_CHUNK_VALUES = 2**19  # float64 values a chunk of gathered rows


@dataclass(frozen=True, eq=False)
class Points:
    """Voxels as directions: their weights, checked, and whose they are.

    Attributes
    ----------
    weights : float32 or float64 array of shape (n_voxels, D)
        Decoder weights as given, not normalised, C-contiguous; not copied where they already are.
    codes : int array of shape (n_voxels,)
        Participant of each voxel, as a position in `names`.
    names : array of shape (n_participants,)
        Participants, ascending.
    exponents : int array of shape (n_voxels,)
        Power of two that brings the largest weight of a row into [0.5, 1).
    squares : float64 array of shape (n_voxels,)
        Squared length of the row so scaled; 0 for a row of zeros.
    """

    weights: np.ndarray
    codes: np.ndarray
    names: np.ndarray
    exponents: np.ndarray
    squares: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def tolerance(self) -> float:
        """Bound on the error of a float32 distance: (D + 8) half units in the last place of 1."""
        return (self.weights.shape[1] + 8) * 2.0**-24

    def unit(self, index: np.ndarray | slice) -> np.ndarray:
        """Rows of length 1 in float64; a row of zeros stays one."""
        lengths = np.sqrt(self.squares[index])
        return self._scaled(index) / np.where(lengths == 0, 1, lengths)[:, None]

    def distance(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Cosine distances in float64; the same for a pair wherever its rows stand."""
        distance = np.empty(len(left))
        size = self.chunk
        for start in range(0, len(left), size):
            i, j = left[start : start + size], right[start : start + size]
            # Summed along each row, not as a matrix product, whose order of summing may vary.
            dot = (self._scaled(i) * self._scaled(j)).sum(axis=1)
            distance[start : start + size] = 1 - dot / np.sqrt(self.squares[i] * self.squares[j])
        return distance

    @property
    def chunk(self) -> int:
        """Rows to gather at a time."""
        return max(1, _CHUNK_VALUES // self.weights.shape[1])

    def _scaled(self, index: np.ndarray | slice) -> np.ndarray:
        rows = self.weights[index].astype(np.float64)
        return np.ldexp(rows, -self.exponents[index][:, None])


def check_points(weights: Array, participants: Array) -> Points:
    """Check weights and participants, and measure the rows."""
    weights = _as_rows(weights)
    codes, names = _as_participants(participants, len(weights))
    n, width = weights.shape
    exponents, squares = np.empty(n, dtype=np.int32), np.empty(n)
    size = max(1, _CHUNK_VALUES // width)
    for start in range(0, n, size):
        rows = weights[start : start + size].astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            raise ValueError(
                f"weights holds NaN or infinity, first in row {start + bad[0]} (participant "
                f"{names[codes[start + bad[0]]]}). Leave such voxels out before clustering."
            )
        exponent = np.frexp(np.abs(rows).max(axis=1))[1]
        scaled = np.ldexp(rows, -exponent[:, None])
        exponents[start : start + size] = exponent
        squares[start : start + size] = (scaled * scaled).sum(axis=1)
    return Points(weights, codes, names, exponents, squares)


def check_eps(eps: float, name: str = "eps") -> None:
    """Raise unless a cosine distance is a number in (0, 1)."""
    is_number = isinstance(eps, int | float | np.integer | np.floating)
    if not is_number or isinstance(eps, bool) or not 0 < eps < 1:
        raise ValueError(
            f"{name}={eps!r}: expected a cosine distance above 0 and below 1, which is the "
            "distance of unrelated weights."
        )


def _as_rows(weights: Array) -> np.ndarray:
    weights = as_array("weights", weights)
    if weights.ndim != 2 or weights.dtype.kind not in "fiu":
        raise ValueError(
            f"weights has shape {weights.shape} and type {weights.dtype}; expected a real array of "
            "shape (n_voxels, D)."
        )
    if 0 in weights.shape:
        raise ValueError(f"weights has shape {weights.shape}: there is nothing to cluster.")
    single = weights.dtype.kind == "f" and weights.dtype.itemsize <= 4
    return np.ascontiguousarray(weights, dtype=np.float32 if single else np.float64)


def _as_participants(participants: Array, n: int) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(participants, "detach"):
        participants = participants.detach().cpu().numpy()
    participants = as_array("participants", participants)
    if participants.shape != (n,):
        raise ValueError(
            f"participants has shape {participants.shape}; expected ({n},): one a row of weights."
        )
    if participants.dtype.kind not in "iuUS":
        raise ValueError(
            f"participants has type {participants.dtype}; expected names or whole numbers."
        )
    names, codes = np.unique(participants, return_inverse=True)
    return codes.reshape(-1), names
