"""Noise-ceiling SNR of any number of voxels of a participant, some of them in memory at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets.ceilings import ncsnr

if TYPE_CHECKING:
    from sdc_helpers.datasets._nsd_request import BetasRequest

_BLOCK_BYTES = 256 * 2**20


def fill_ncsnr(
    request: BetasRequest, image_ids: np.ndarray, train: np.ndarray, out: np.ndarray
) -> None:
    """Compute the ratio of each voxel of a request from training trials.

    Parameters
    ----------
    request : BetasRequest
        Voxels and sessions, to be z-scored within these.
    image_ids : int array of shape (n_trials,)
        Image of each trial.
    train : bool array of shape (n_trials,)
        The training trials.
    out : float64 array of shape (n_voxels,)
        Is filled; NaN where a voxel has one value in all trials of a session.
    """
    width = max(1, _BLOCK_BYTES // (4 * len(image_ids)))
    counts = [session.n_trials for session in request.sessions.values()]
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    betas = np.empty((len(image_ids), min(width, len(out))), dtype=np.float32)
    for start in range(0, len(out), width):
        part = slice(start, start + width)
        some = replace(request, voxels=request.voxels[part])
        block = betas[:, : len(some.voxels)]
        some.read(block, strict=False)
        ratio = ncsnr(block, image_ids, train, bad_voxels="keep")
        # A voxel without a z-score in a session is nan in all its trials, the first included.
        out[part] = np.where(np.isfinite(block[firsts]).all(axis=0), ratio, np.nan)
