"""Where voxels lie in millimetres, and how near two lie that touch."""

from __future__ import annotations

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes


def voxel_places(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return the centres of the voxels of a mask.

    Parameters
    ----------
    mask : bool array of shape (X, Y, Z)
        Voxels.
    affine : array of shape (4, 4)
        Matrix from voxel indices to millimetres.

    Returns
    -------
    array of shape (n_voxels, 3)
        Millimetres, in C order of the mask.
    """
    return apply_affine(affine, np.argwhere(mask))


def touching_reach(affine: np.ndarray) -> float:
    """Return a little more than the diagonal of a voxel: the reach of voxels that touch.

    Parameters
    ----------
    affine : array of shape (4, 4)
        Matrix from voxel indices to millimetres.

    Returns
    -------
    float
        Millimetres.
    """
    return 1.01 * float(np.linalg.norm(voxel_sizes(affine)))
