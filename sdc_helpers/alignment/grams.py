"""Gram matrices of features that may not fit in memory, and the checks every input passes.

Everything here takes numpy arrays or torch tensors (CPU or CUDA) through the array API standard
and answers with the same kind, on the same device, in float64. Gradients are not followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

from sdc_helpers._checks import as_native

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = Any  # a numpy array or a torch tensor

MIN_ROWS = 4  # the unbiased HSIC divides by n - 3
BLOCK_BYTES = 64 * 2**20  # of float64 in memory at once


def check_same_kind(**arrays: Array) -> None:
    """Refuse arrays of different libraries or devices; what is no torch tensor is numpy's.

    Parameters
    ----------
    **arrays
        The arrays under the names that the error should use.

    Raises
    ------
    ValueError
        If they do not match.
    """
    kinds = {
        name: f"torch on {device(array)}" if is_torch_array(array) else "numpy"
        for name, array in arrays.items()
    }
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
        raise ValueError(f"All arrays must be of one library and on one device, but {listed}.")


def _check_matrix(array: Array, name: str) -> Array:
    """Return a real 2-D array without subclass or gradient, or raise a ValueError."""
    array = as_native(name, array)
    array = array.detach() if is_torch_array(array) else array
    if array.ndim != 2:
        hint = f"; one feature is {name}[:, None]" if array.ndim == 1 else ""
        raise ValueError(f"{name} must be 2-D, got shape {tuple(array.shape)}{hint}.")
    xp = array_namespace(array)
    if not xp.isdtype(array.dtype, ("bool", "integral", "real floating")):
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}.")
    return array


def check_features(X: Array, name: str = "X") -> Array:
    """Check the type and shape of a feature matrix (its values are checked as they are read).

    Parameters
    ----------
    X : array of shape (n, p)
        Rows are stimuli, columns are features, of any real dtype.
    name : str
        Name of the argument for error messages.

    Returns
    -------
    array of shape (n, p)
        The same memory, as a plain array or a detached tensor.

    Raises
    ------
    ValueError
        If X is not a real 2-D array or tensor, or has no rows or no features.
    """
    X = _check_matrix(X, name)
    if 0 in X.shape:
        raise ValueError(f"{name} is empty: shape {tuple(X.shape)}; expected (stimuli, features).")
    return X


def check_gram(K: Array, name: str = "K") -> Array:
    """Check a Gram matrix and return it in float64.

    Parameters
    ----------
    K : array of shape (n, n)
        Symmetric similarities of n >= 4 stimuli.
    name : str
        Name of the argument for error messages.

    Returns
    -------
    float64 array of shape (n, n)
        The same similarities in float64.

    Raises
    ------
    ValueError
        If K is not a real, finite, symmetric square matrix of at least 4 rows.
    """
    K = _check_matrix(K, name)
    if K.shape[0] != K.shape[1]:
        raise ValueError(f"{name} must be square, got shape {tuple(K.shape)}.")
    check_rows(**{name: K})
    xp = array_namespace(K)
    K = xp.astype(K, xp.float64, copy=False)
    if not bool(xp.all(xp.isfinite(K))):
        raise ValueError(f"{name} contains NaN or infinite values; leave those stimuli out.")
    if float(xp.max(xp.abs(K - K.T))) > 1e-5 * float(xp.max(xp.abs(K))):
        raise ValueError(f"{name} must be symmetric: similarity of i and j is that of j and i.")
    return K


def check_rows(**arrays: Array) -> None:
    """Raise a ValueError unless all arrays have the same number of stimuli, at least 4.

    Parameters
    ----------
    **arrays
        Arrays whose first axis is the stimuli, under the names that the error should use.
    """
    rows = {name: array.shape[0] for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        listed = ", ".join(f"{name} has {n}" for name, n in rows.items())
        raise ValueError(f"Rows must be the same stimuli in the same order, but {listed}.")
    for name, n in rows.items():
        if n < MIN_ROWS:
            raise ValueError(f"{name} has {n} rows; CKA needs at least {MIN_ROWS} stimuli.")


def check_feature_pair(X: Array, Y: Array) -> tuple[Array, Array]:
    """Check two feature matrices of the same stimuli, see `check_features`.

    Parameters
    ----------
    X, Y : array of shape (n, p), (n, q)
        Features of the same n >= 4 stimuli.

    Returns
    -------
    tuple of arrays
        Both matrices, as `check_features` returns them.

    Raises
    ------
    ValueError
        In the cases that `check_features`, `check_same_kind` and `check_rows` list.
    """
    check_same_kind(X=X, Y=Y)
    X, Y = check_features(X, "X"), check_features(Y, "Y")
    check_rows(X=X, Y=Y)
    return X, Y


def not_finite(name: str, finite: Array, start: int = 0) -> ValueError:
    """Return the error for features that are not finite, given which are, from column `start`."""
    xp = array_namespace(finite)
    column = start + int(xp.argmin(xp.astype(finite, xp.int8)))
    return ValueError(
        f"{name} contains NaN or infinite values, first in feature {column}; leave out "
        f"stimuli without a response, never fill them."
    )


def overflow(name: str) -> ValueError:
    """Return the error for features whose squares are too large."""
    return ValueError(f"The squares of {name} overflow float64; rescale {name} first.")


def float64_blocks(
    X: Array, block: int | None = None, centre: bool = False, name: str = "X"
) -> Iterator[Array]:
    """Yield X in float64, a block of features at a time.

    Columns are centred by taking the first row off before the mean. A constant column becomes
    exactly 0 that way, and a large common offset costs no digits.

    Parameters
    ----------
    X : array of shape (n, p)
        Already checked by `check_features`.
    block : int, optional
        Features per block; by default as many as fill 64 MB in float64.
    centre : bool
        Take the mean of each column off.
    name : str
        Name of X for error messages.

    Yields
    ------
    float64 array of shape (n, at most block)

    Raises
    ------
    ValueError
        If `block` is not positive, or X holds NaN or infinite values.
    """
    if block is not None and block < 1:
        raise ValueError(f"block must be a positive number of features or None, got {block}.")
    xp = array_namespace(X)
    n, p = X.shape
    step = block or max(1, BLOCK_BYTES // (8 * n))
    for start in range(0, p, step):
        part = xp.astype(X[:, start : start + step], xp.float64, copy=True)
        finite = xp.all(xp.isfinite(part), axis=0)
        if not bool(xp.all(finite)):
            raise not_finite(name, finite, start)
        if centre:
            part -= xp.astype(part[:1, :], xp.float64, copy=True)
            part -= xp.mean(part, axis=0, keepdims=True)
        yield part


def gram(X: Array, block: int | None = None, centre: bool = False, *, name: str = "X") -> Array:
    """Linear Gram matrix K = X X^T, accumulated in float64 over blocks of features.

    Memory beyond X is the (n, n) result, one more of that size and about two float64 blocks, so
    1,000 x 800,000 float32 features stay below 200 MB. X may be a ``numpy.memmap``: each block is
    read from disk when its turn comes.

    Parameters
    ----------
    X : array of shape (n, p)
        Features of n stimuli: numpy array, memory map or torch tensor on any device; any real
        dtype.
    block : int, optional
        Features per block; by default as many as fill 64 MB in float64.
    centre : bool
        Centre each column (feature) first. Do so where means are large against the spread:
        centring the Gram matrix afterwards cannot bring back the digits that were lost.
    name : str
        Name of X for error messages.

    Returns
    -------
    float64 array of shape (n, n)
        The same kind as X, on its device; exactly symmetric for numpy.

    Raises
    ------
    ValueError
        If X is not a 2-D real array, is empty, holds NaN or infinite values, is so large that its
        squares overflow, or if `block` is not positive.
    """
    X = check_features(X, name)
    xp = array_namespace(X)
    n = X.shape[0]
    K = xp.zeros((n, n), dtype=xp.float64, device=device(X))
    with np.errstate(over="ignore", invalid="ignore"):
        for part in float64_blocks(X, block, centre, name):
            K += part @ part.T  # one buffer, twice: numpy takes the half-price symmetric product
    if not bool(xp.all(xp.isfinite(K))):
        raise overflow(name)
    return K
