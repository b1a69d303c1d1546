"""Taking each side's mean off after training: the plainest way to close a gap."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_unit_rows

_SMALLEST = 1e-6  # length of a centred row below which its direction is rounding


def centre_sides(u: Any, v: Any, train_u: Any, train_v: Any) -> tuple[np.ndarray, np.ndarray]:
    """Subtract from each side the mean of its training rows, and make rows of unit length again.

    A baseline for every loss that is meant to close the gap: it costs nothing, and closes the
    part that is an offset of one side against the other. The means come from other rows than
    those that are centred; with the rows' own means the distance of the centroids says nothing.

    Parameters
    ----------
    u, v : array of shape (..., n, d) and (..., m, d)
        Unit rows of both sides; leading dimensions are independent runs. The sides need not hold
        equally many rows, as a set of pictures and one of sentences do not.
    train_u, train_v : array of shape (..., n_train, d) and (..., m_train, d)
        Unit rows of the same model for its training data, or for other held-out data.

    Returns
    -------
    u, v : float array of shape (..., n, d) and (..., m, d)
        The centred sides, unit rows again.

    Raises
    ------
    ValueError
        If shapes do not fit, there is no training row, a value is not finite, rows are not of
        length 1, or a row lies on the mean of its side, so that no direction is left.
    """
    return _centred(u, train_u, "u"), _centred(v, train_v, "v")


def _centred(rows: Any, train: Any, name: str) -> np.ndarray:
    rows, train = as_array(name, rows), as_array(f"train_{name}", train)
    if (
        rows.ndim < 2
        or train.ndim != rows.ndim
        or train.shape[-1] != rows.shape[-1]
        or train.shape[:-2] != rows.shape[:-2]
        or 0 in train.shape
    ):
        raise ValueError(
            f"{name} and train_{name} must be (..., n, d) with the same d and the same runs, and "
            f"train_{name} must hold a row, got {rows.shape} and {train.shape}."
        )
    for array, called in ((rows, name), (train, f"train_{name}")):
        if not np.isfinite(array).all():
            raise ValueError(f"{called} holds a NaN or infinite value: has the model diverged?")
        if array.size:
            check_unit_rows(called, array, array.dtype)
    centred = rows - train.mean(axis=-2, keepdims=True)
    lengths = np.linalg.norm(centred, axis=-1, keepdims=True)
    if (lengths < _SMALLEST).any():
        raise ValueError(
            f"A row of {name} lies on the mean of train_{name}, and has no direction once that is "
            "subtracted: has the model collapsed to one point?"
        )
    return centred / lengths
