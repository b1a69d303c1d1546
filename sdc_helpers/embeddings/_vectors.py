"""Checks that everything which reads embeddings makes first."""

from __future__ import annotations

from typing import Any

import numpy as np

UNIT_TOLERANCE = 1e-3
"""How far a length may be from 1: unit vectors kept in half precision are off by up to 7e-4."""


def check_vectors(vectors: Any, name: str, ndim: int = 2) -> np.ndarray:
    """Return embeddings as a finite float array.

    Parameters
    ----------
    vectors : array, torch.Tensor or Embeddings of shape (n, d)
        On any device.
    name : str
        What the caller calls them.
    ndim : int, default=2
        Number of axes to expect, the last one the dimensions.

    Returns
    -------
    numpy.ndarray of float32 or float64
        Without a copy where none is needed.

    Raises
    ------
    ValueError
        Another number of axes, no entries, other types, NaN or infinite values.
    """
    if hasattr(vectors, "detach"):
        vectors = vectors.detach().cpu()
    array = np.asarray(vectors)
    if array.ndim != ndim or array.size == 0:
        axes = ", ".join(["n", "k", "d"] if ndim == 3 else ["n", "d"])
        raise ValueError(f"{name} must have the shape ({axes}) and entries, got {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must hold real numbers, got {array.dtype}.")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    bad = ~np.isfinite(array).all(axis=tuple(range(1, ndim)))
    if bad.any():
        raise ValueError(
            f"{name} holds NaN or infinite values in {bad.sum()} of {len(array)} rows, the first "
            f"in row {int(bad.argmax())}."
        )
    return array


def unit_rows(array: np.ndarray, name: str) -> np.ndarray:
    """Return vectors along the last axis scaled to length 1, in the same precision.

    Parameters
    ----------
    array : float array of shape (..., d)
        Finite.
    name : str
        What the caller calls them.

    Returns
    -------
    numpy.ndarray
        A new array.

    Raises
    ------
    ValueError
        A vector is zero and has no direction.
    """
    lengths = _lengths(array)
    if not (lengths > 0).all():
        row = int(np.argmin(lengths.reshape(-1)))
        raise ValueError(f"{name}: vector {row} is zero, which has no direction.")
    return (array / lengths[..., None]).astype(array.dtype, copy=False)


def largest_length_error(array: np.ndarray) -> float:
    """Return how far the length of the worst vector along the last axis is from 1."""
    return float(np.abs(_lengths(array) - 1).max())


def _lengths(array: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...i,...i->...", array, array, dtype=np.float64))


def check_same_width(**arrays: np.ndarray) -> None:
    """Raise unless all arrays have the same number of dimensions in their last axis."""
    widths = {name: array.shape[-1] for name, array in arrays.items()}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{name} has {width}" for name, width in widths.items())
        raise ValueError(f"Embeddings must share their dimensions: {listed}. Use one model.")
