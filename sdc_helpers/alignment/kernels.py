"""Centred Gram matrices: the one step in which the estimators of CKA differ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor


def double_centre(K: Array) -> Array:
    """Centre the rows and columns of a symmetric matrix.

    Parameters
    ----------
    K : float64 array of shape (n, n)
        Symmetric matrix.

    Returns
    -------
    float64 array of shape (n, n)
        H K H with H = I - 11^T/n.
    """
    xp = array_namespace(K)
    means = xp.mean(K, axis=1)
    return K - means[:, None] - means[None, :] + xp.mean(means)


def u_centre(K: Array) -> Array:
    """U-centre a symmetric matrix (Szekely & Rizzo 2014).

    Parameters
    ----------
    K : float64 array of shape (n, n)
        The diagonal does not matter; n >= 4.

    Returns
    -------
    float64 array of shape (n, n)
        Zero diagonal, rows and columns that sum to 0. Adding the same term to all of a row and
        column of K changes nothing.
    """
    xp = array_namespace(K)
    n = K.shape[0]
    K = _off_diagonal(K)
    means = xp.sum(K, axis=1) / (n - 2)
    return _off_diagonal(K - means[:, None] - means[None, :] + xp.sum(means) / (n - 1))


def _off_diagonal(K: Array) -> Array:
    xp = array_namespace(K)
    return K * (1 - xp.eye(K.shape[0], dtype=K.dtype, device=device(K)))


_CENTRING = {
    "biased": double_centre,
    "debiased": u_centre,
    "rv2": lambda K: _off_diagonal(double_centre(K)),  # uncentred, it nears 1 on any offset data
}


def check_estimator(estimator: str) -> None:
    """Raise a ValueError unless the estimator is a cosine of two centred Gram matrices."""
    if estimator == "feature_corrected":
        raise ValueError(
            "estimator='feature_corrected': call feature_corrected_cka(X, Y). A Gram matrix does "
            "not say what each feature adds to it. Under shuffled rows it is 'debiased' times one "
            "constant, so a permutation test of 'debiased' gives its p-value."
        )
    if estimator not in _CENTRING:
        raise ValueError(
            f"Unknown estimator {estimator!r}; choose from {', '.join(_CENTRING)}, or call "
            f"feature_corrected_cka(X, Y)."
        )


def unit_kernel(K: Array, estimator: str, name: str) -> Array:
    """Centre a Gram matrix as the estimator asks and scale it to Frobenius norm 1.

    CKA is the inner product of two of these. A permutation of the stimuli commutes with the
    centring and keeps the norm, so that any number of shuffles needs this once.

    Parameters
    ----------
    K : float64 array of shape (n, n)
        Checked Gram matrix, n >= 4.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `sdc_helpers.alignment.cka` describes each.
    name : str
        Name of the matrix or its features for error messages.

    Returns
    -------
    float64 array of shape (n, n)
        The centred matrix, of Frobenius norm 1.

    Raises
    ------
    ValueError
        If the estimator is not one of the three, or nothing but rounding is left of K.
    """
    check_estimator(estimator)
    xp = array_namespace(K)
    largest = float(xp.max(xp.abs(K)))
    if largest > 0:
        K = K / largest  # squares of very large or small entries would leave the range of float64
    centred = _CENTRING[estimator](K)
    norm = math.sqrt(inner(centred, centred))
    if norm <= 32 * np.finfo(float).eps * math.sqrt(inner(K, K)):
        raise ValueError(f"{no_structure(name)}; CKA is undefined.")
    return centred / norm


def no_structure(name: str) -> str:
    """Return the sentence for a Gram matrix that centring leaves empty."""
    return (
        f"{name} has no structure: all its features are constant, or every pair of stimuli is "
        f"equally similar"
    )


def inner(K: Array, L: Array) -> float:
    """Return the sum of the products of the entries of two arrays of one shape."""
    return float(array_namespace(K).sum(K * L))


def hsic(K: Array, L: Array) -> float:
    """Return the unbiased HSIC (Song et al. 2012) of two U-centred (n, n) matrices."""
    n = K.shape[0]
    return inner(K, L) / (n * (n - 3))
