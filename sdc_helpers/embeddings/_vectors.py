"""Checks that everything which reads embeddings makes first."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_finite


def check_vectors(vectors: Any, name: str, ndim: int = 2) -> np.ndarray:
    """Return embeddings as a finite float array.

    Parameters
    ----------
    vectors : array, torch.Tensor or Embeddings of shape (n, d)
        The embeddings, on any device.
    name : str
        Name of the argument for error messages.
    ndim : int, default=2
        Number of axes to expect, the last one the dimensions.

    Returns
    -------
    numpy.ndarray of float32 or float64
        The embeddings, without a copy where none is needed.

    Raises
    ------
    ValueError
        The array has another number of axes, no entries, another type, or values that are NaN or
        infinite.
    """
    array = as_array(name, vectors)
    if array.ndim != ndim or array.size == 0:
        axes = ", ".join(["n", "k", "d"] if ndim == 3 else ["n", "d"])
        raise ValueError(f"{name} must have the shape ({axes}) and entries, got {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must hold real numbers, got {array.dtype}.")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    check_finite(name, array)
    return array


def check_same_width(**arrays: np.ndarray) -> None:
    """Raise unless all arrays have the same number of dimensions in their last axis."""
    widths = {name: array.shape[-1] for name, array in arrays.items()}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{name} has {width}" for name, width in widths.items())
        raise ValueError(f"Embeddings must share their dimensions: {listed}. Use one model.")
