"""The brain of a simulated participant: a voxel grid in MNI space around the cortex of fsaverage5.

All coordinates are RAS+ millimetres of the fsaverage surfaces, that is close to MNI305; the sites
of `concepts` are given in the same space to within a few millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

ANTERIOR_END_MM = -34.0  # the imaged slab ends here: occipital, posterior temporal and parietal
REACH_MM = 1.5  # a voxel belongs to the brain when its centre is this near to the grey matter
_DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the grey matter, from white to pial surface


@dataclass(frozen=True, eq=False)
class Cortex:
    """Voxels of one participant; the rows of every array are the brain mask in C order.

    Attributes
    ----------
    affine : float array of shape (4, 4)
        Matrix from voxel indices (x, y, z) to millimetres.
    shape : tuple of int
        (X, Y, Z) of the volumes.
    voxels : int array of shape (n_voxels, 3)
        Indices x, y, z.
    mm : float array of shape (n_voxels, 3)
        Centres, millimetres.
    is_right : bool array of shape (n_voxels,)
        Whether the nearest cortex is that of the right hemisphere.
    is_visual : bool array of shape (n_voxels,)
        Whether the voxel is in visual cortex; becomes ``nsdgeneral``.
    """

    affine: np.ndarray
    shape: tuple[int, int, int]
    voxels: np.ndarray
    mm: np.ndarray
    is_right: np.ndarray
    is_visual: np.ndarray

    def volume(self, values: np.ndarray, outside: float = 0) -> np.ndarray:
        """Put one value a voxel, shape (n_voxels,), into the grid, shape (X, Y, Z)."""
        values = np.asarray(values)
        grid = np.full(self.shape, outside, dtype=values.dtype)
        grid[tuple(self.voxels.T)] = values
        return grid


def make_cortex(voxel_mm: float, rng: np.random.Generator) -> Cortex:
    """Lay a voxel grid of random offset and margins over the back of the brain.

    Parameters
    ----------
    voxel_mm : float
        Edge of a voxel, millimetres.
    rng : numpy.random.Generator
        Decides what differs between participants: offset and size of the grid, and where visual
        cortex ends.

    Returns
    -------
    Cortex
        The brain mask is every voxel within 1.5 mm of the grey matter behind y = -34 mm.
    """
    points, point_is_right = grey_matter()
    low = points.min(axis=0) - voxel_mm * (rng.integers(1, 4, 3) + rng.random(3))
    high = points.max(axis=0) + voxel_mm * rng.integers(1, 4, 3)
    shape = tuple(int(n) for n in np.ceil((high - low) / voxel_mm))
    origin = np.round(low, 2)  # exact in the float32 of a NIfTI header, to a micrometre
    voxels = np.indices(shape).reshape(3, -1).T
    mm = origin + voxel_mm * voxels
    near = mm[:, 1] < ANTERIOR_END_MM
    distance, nearest = _grey_matter_tree().query(mm[near], distance_upper_bound=REACH_MM)
    in_brain = np.flatnonzero(near)[np.isfinite(distance)]
    is_right = point_is_right[nearest[np.isfinite(distance)]]
    affine = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    affine[:3, 3] = origin
    edge = rng.normal(0, 1.0, 3)
    return Cortex(
        affine, shape, voxels[in_brain], mm[in_brain], is_right, _is_visual(mm[in_brain] + edge)
    )


def _is_visual(mm: np.ndarray) -> np.ndarray:
    """Occipital, ventral temporal, lateral and intraparietal cortex, by position alone."""
    x, y, z = np.abs(mm[:, 0]), mm[:, 1], mm[:, 2]
    occipital = (y < -68) & (z < 34)
    ventral = (y < -37) & (z < 0) & (x > 15)
    retrosplenial = (y < -50) & (z < 20) & (x < 26)
    lateral = (y < -53) & (z < 26) & (x > 32)
    intraparietal = (y < -48) & (z > 22) & (z < 62) & (x > 14) & (x < 44)
    return occipital | ventral | retrosplenial | lateral | intraparietal


@lru_cache(maxsize=1)
def grey_matter() -> tuple[np.ndarray, np.ndarray]:
    """Sample the grey matter of fsaverage5, which nilearn ships.

    Returns
    -------
    points : float array of shape (n, 3)
        Vertices and midpoints of the edges at five depths, millimetres.
    is_right : bool array of shape (n,)
        Hemisphere of each point.
    """
    from nilearn.datasets import load_fsaverage

    meshes = load_fsaverage("fsaverage5")
    points, sides = [], []
    for side in ("left", "right"):
        pial, white = (meshes[name].parts[side] for name in ("pial", "white_matter"))
        faces = np.sort(pial.faces, axis=1)
        edges = np.unique(
            np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [0, 2]]]), axis=0
        )
        for depth in _DEPTHS:
            layer = depth * pial.coordinates + (1 - depth) * white.coordinates
            points += [layer, layer[edges].mean(axis=1)]
        sides.append(np.full(len(_DEPTHS) * (len(layer) + len(edges)), side == "right"))
    return np.concatenate(points).astype(np.float64), np.concatenate(sides)


@lru_cache(maxsize=1)
def _grey_matter_tree() -> cKDTree:
    from scipy.spatial import cKDTree

    return cKDTree(grey_matter()[0], balanced_tree=False)


def grow_patches(
    cortex: Cortex, centres: np.ndarray, is_right: np.ndarray, sizes: np.ndarray
) -> list[np.ndarray]:
    """Give every centre its nearest voxels of visual cortex; no voxel goes to two.

    The centres take turns, each taking the nearest voxel of its hemisphere that is still free,
    until each has as many as it should, so that neighbours share what lies between them.

    Parameters
    ----------
    cortex : Cortex
        The participant.
    centres : float array of shape (n, 3)
        Millimetres.
    is_right : bool array of shape (n,)
        Hemisphere of each centre.
    sizes : int array of shape (n,)
        Voxels wanted.

    Returns
    -------
    list of int arrays
        Rows of the cortex, nearest first; fewer than wanted where visual cortex is used up.
    """
    queues = []
    for centre, right in zip(centres, is_right, strict=True):
        rows = np.flatnonzero(cortex.is_visual & (cortex.is_right == right))
        distance = np.linalg.norm(cortex.mm[rows] - centre, axis=1)
        queues.append(iter(rows[np.argsort(distance, kind="stable")].tolist()))
    taken: set[int] = set()
    patches: list[list[int]] = [[] for _ in queues]
    for turn in range(int(max(sizes, default=0))):
        for queue, patch, size in zip(queues, patches, sizes, strict=True):
            if turn >= size:
                continue
            row = next((row for row in queue if row not in taken), None)
            if row is not None:
                taken.add(row)
                patch.append(row)
    return [np.array(patch, dtype=np.int64) for patch in patches]


def neighbour_mixing(cortex: Cortex, weight: float) -> csr_array:
    """Weights by which voxels take part of the noise of their neighbours in the brain mask.

    Parameters
    ----------
    cortex : Cortex
        The participant's voxels.
    weight : float
        Of each of the six neighbours, against 1 of the voxel itself.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_voxels, n_voxels)
        Rows of unit length, so that white noise keeps its variance.
    """
    from scipy.sparse import csr_array, diags_array, eye_array

    n = len(cortex.voxels)
    number = cortex.volume(np.arange(n), outside=-1)
    number = np.pad(number, 1, constant_values=-1)
    here = tuple(cortex.voxels.T + 1)
    left, right = [], []
    for axis in range(3):
        for step in (-1, 1):
            there = number[tuple(i + step * (a == axis) for a, i in enumerate(here))]
            left.append(np.flatnonzero(there >= 0))
            right.append(there[there >= 0])
    left, right = np.concatenate(left), np.concatenate(right)
    near = csr_array((np.full(len(left), weight), (left, right)), shape=(n, n))
    mixing = eye_array(n, format="csr") + near
    lengths = np.sqrt(mixing.multiply(mixing).sum(axis=1))
    return csr_array(diags_array(1 / lengths) @ mixing, dtype=np.float32)
