"""From decoder weights to activation patterns.

A weight says how a voxel enters the decoded embedding, be it to add signal or to cancel noise
that it shares with others; the pattern says how the voxel changes with what is decoded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.decoding._inputs import check_matrix

_BLOCK_BYTES = 64e6


def activation_patterns(X: np.ndarray, decoder: Any, *, ridge: float = 1e-6) -> np.ndarray:
    """Activation patterns of a linear decoder (Haufe et al. 2014, equation 6).

    A = S_X W S_s^-1, with S_X the covariance of the voxels, W the weights and S_s the covariance
    of the linear read-outs s = X W. A is also the regression of the voxels on s, which is how it
    is computed: the (V, V) covariance is never formed.

    Parameters
    ----------
    X : array of shape (n_trials, n_voxels)
        Responses, as a rule those that trained the decoder.
    decoder : fitted linear decoder, or array of shape (n_voxels, D)
        An object with `coef_` whose rows are voxels, as the decoders of this package have it
        (scikit-learn's linear models have the transpose), or the weights themselves.
    ridge : float, default=1e-6
        Factor of the mean eigenvalue of S_s that is added to its diagonal before the inversion:
        read-outs of fewer directions than D have no inverse. With 0 the Moore-Penrose inverse is
        taken.

    Returns
    -------
    float64 array of shape (n_voxels, D)
        Patterns, one row a voxel, in units of X per unit of s.

    Raises
    ------
    ValueError
        If X or the weights are not finite matrices that match, `ridge` is negative, there are
        fewer than two trials, or the read-outs do not vary.

    See Also
    --------
    ContrastiveDecoder, RidgeDecoder : Decoders whose weights can be turned into patterns.
    """
    X = as_array("X", X)
    W = check_matrix(decoder.coef_ if hasattr(decoder, "coef_") else decoder, "weights")
    if X.ndim != 2 or X.shape[1] != len(W) or len(X) < 2:
        raise ValueError(
            f"X has shape {X.shape}; expected at least 2 trials of the {len(W)} voxels that the "
            "weights have as rows."
        )
    if not ridge >= 0:
        raise ValueError(f"ridge={ridge!r}: expected 0 or a positive number.")
    per_block = max(1, int(_BLOCK_BYTES / (8 * len(X))))
    blocks = [slice(first, first + per_block) for first in range(0, len(W), per_block)]

    readout = np.zeros((len(X), W.shape[1]))
    for block in blocks:
        readout += check_matrix(X[:, block], "X") @ W[block]
    rounding = (64 * np.finfo(float).eps) ** 2 * np.mean(readout**2)
    readout -= readout.mean(axis=0)
    covariance = readout.T @ readout / (len(X) - 1)
    scale = np.trace(covariance) / len(covariance)
    if not scale > rounding:
        raise ValueError("The read-outs X W do not vary over trials: no pattern belongs to them.")
    if ridge:
        inverse = np.linalg.inv(covariance + ridge * scale * np.eye(len(covariance)))
    else:
        inverse = np.linalg.pinv(covariance, hermitian=True)
    to_pattern = readout @ inverse / (len(X) - 1)  # centred, so X need not be
    patterns = np.empty(W.shape)
    for block in blocks:
        patterns[block] = X[:, block].astype(np.float64).T @ to_pattern
    return patterns
