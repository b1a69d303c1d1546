"""What shuffles give on average, without shuffling."""

from __future__ import annotations

import numpy as np

from sdc_helpers._checks import as_array


def mean_of_shuffles(K: np.ndarray, L: np.ndarray) -> float:
    """Return the mean of biased CKA over all orders of the rows of one side.

    A shuffle changes neither trace, so that the mean is
    ``tr(HKH) tr(HLH) / ((n - 1) ||HKH|| ||HLH||)`` with the centring matrix H: the first moment
    of the permutation distribution of the inner product of two centred matrices (Mantel, 1967).

    Parameters
    ----------
    K, L : array of shape (n, n)
        Gram matrices of the same n stimuli, centred or not.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If they are not square matrices of one size, at least 2 x 2, or one is constant.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers import alignment
    >>> X, Y = np.random.default_rng(0).normal(size=(2, 20, 300))
    >>> K, L = X @ X.T, Y @ Y.T
    >>> test = alignment.permutation_test(X, Y, 999, "biased", rng=0)
    >>> bool(abs(alignment.mean_of_shuffles(K, L) - test.null.mean()) < 0.001)
    True
    """
    K, L = as_array("K", K, float), as_array("L", L, float)
    if K.shape != L.shape or K.ndim != 2 or K.shape[0] != K.shape[1] or len(K) < 2:
        raise ValueError(
            f"K has shape {K.shape} and L {L.shape}; expected two square matrices of the same "
            "stimuli."
        )
    K, L = _centred(K), _centred(L)
    norms = np.sqrt((K**2).sum() * (L**2).sum())
    if not norms > 0:
        raise ValueError("K or L is the same for all stimuli: there is nothing to align.")
    return float(np.trace(K) * np.trace(L) / ((len(K) - 1) * norms))


def _centred(K: np.ndarray) -> np.ndarray:
    return K - K.mean(axis=0) - K.mean(axis=1, keepdims=True) + K.mean()
