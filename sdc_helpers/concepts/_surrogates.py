"""Label maps of smooth noise: as many voxels a cluster, as smooth as the measured maps, no concept.

Random fields are white noise at the voxels, averaged with Gaussian weights over their
neighbours (Burt et al. 2020 match the variogram of such fields to a map's). neuromaps and
brainspace have generators of surrogates for one map on a surface or a dense distance matrix; what
is needed here are label maps on some thousand voxels of a volume, which scipy's sparse matrices do
in a few lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_WIDTHS = 0.3 * 1.2 ** np.arange(15)  # of the kernels, in distances of neighbours: .3 to 3.9
_REACH = 3.0  # weights end at so many widths
_N_TRIALS = 12  # label maps for each width when the labels themselves are matched
_N_PAIRS = 50_000
_LEAST_VOXELS = 50  # outside of clusters, to tell the smoothness of the noise


@dataclass(frozen=True, eq=False)
class Smoothness:
    """How noise at the voxels is correlated.

    Attributes
    ----------
    kernel : sparse array of shape (n_voxels, n_voxels)
        White noise times this is smooth, with variance 1.
    share : float
        Of the variance that is smooth; the rest is independent between voxels.
    """

    kernel: csr_array
    share: float = 1.0

    def fields(self, n_fields: int, rng: np.random.Generator) -> np.ndarray:
        """Draw independent fields, (n_voxels, n_fields)."""
        smooth, rough = rng.standard_normal((2, self.kernel.shape[0], n_fields))
        return np.sqrt(self.share) * (self.kernel @ smooth) + np.sqrt(1 - self.share) * rough


def smoothness_of_weights(
    positions: np.ndarray, labels: np.ndarray, weights: np.ndarray, spacing: float
) -> Smoothness:
    """Match the correlation of the weights of near voxels, by distance.

    Voxels outside of clusters are taken where there are enough of them: inside, a concept makes
    neighbours alike, and that is what is tested.
    """
    from scipy.spatial import cKDTree

    outside = np.flatnonzero(labels < 0)
    if len(outside) < _LEAST_VOXELS:
        outside = np.arange(len(labels))
    rows = weights[outside] - weights[outside].mean(axis=0)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    pairs = cKDTree(positions[outside]).query_pairs(4.01 * spacing, output_type="ndarray")
    if len(pairs) == 0:
        return Smoothness(_kernel(positions, _WIDTHS[0] * spacing), 0.0)
    if len(pairs) > _N_PAIRS:
        pairs = pairs[np.random.default_rng(0).choice(len(pairs), _N_PAIRS, replace=False)]
    found = np.einsum("ij,ij->i", rows[pairs[:, 0]], rows[pairs[:, 1]])
    first, second = outside[pairs].T
    best, least = Smoothness(_kernel(positions, _WIDTHS[0] * spacing), 0.0), np.sum(found**2)
    for width in _WIDTHS:
        kernel = _kernel(positions, width * spacing)
        model = np.array((kernel[first] * kernel[second]).sum(axis=1)).ravel()
        if not model.any():
            continue
        share = float(np.clip(found @ model / (model @ model), 0, 1))
        error = np.sum((found - share * model) ** 2)
        if error < least:
            best, least = Smoothness(kernel, share), error
    return best


def smoothness_of_labels(
    positions: np.ndarray,
    nearest: np.ndarray,
    sizes: Sequence[int],
    share: float,
    spacing: float,
) -> Smoothness:
    """Match how often a clustered voxel's nearest one is of its cluster, over all clusters."""
    shares: list[float] = []
    for width in _WIDTHS:
        smooth = Smoothness(_kernel(positions, width * spacing))
        maps = label_maps(smooth, sizes, _N_TRIALS, np.random.default_rng(0))
        shares.append(float(np.mean([_share_of_neighbours(m, nearest) for m in maps])))
        if shares[-1] >= share:
            break
    rising = np.maximum.accumulate(shares)
    width = np.exp(np.interp(share, rising, np.log(_WIDTHS[: len(rising)])))
    return Smoothness(_kernel(positions, width * spacing))


def label_maps(
    smoothness: Smoothness, sizes: Sequence[int], n_draws: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw label maps: one field a cluster, whose highest free voxels are the cluster's.

    Clusters choose in random order. Labels are positions in `sizes`, -1 for the rest.
    """
    for _ in range(n_draws):
        fields = smoothness.fields(len(sizes), rng)
        labels = np.full(len(fields), -1)
        for k in rng.permutation(len(sizes)):
            field = np.where(labels < 0, fields[:, k], -np.inf)
            labels[np.argpartition(-field, sizes[k] - 1)[: sizes[k]]] = k
        yield labels


def _share_of_neighbours(labels: np.ndarray, nearest: np.ndarray) -> float:
    member = labels >= 0
    return float(np.mean((labels == labels[nearest])[member]))


def _kernel(positions: np.ndarray, width: float) -> csr_array:
    """Gaussian weights of near voxels, every row of length 1."""
    from scipy.sparse import coo_array, diags_array
    from scipy.spatial import cKDTree

    n = len(positions)
    pairs = cKDTree(positions).query_pairs(_REACH * width, output_type="ndarray")
    far = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    weight = np.concatenate([np.ones(n), np.tile(np.exp(-0.5 * (far / width) ** 2), 2)])
    rows = np.concatenate([np.arange(n), pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([np.arange(n), pairs[:, 1], pairs[:, 0]])
    kernel = coo_array((weight, (rows, columns)), shape=(n, n)).tocsr()
    length = np.sqrt(np.array((kernel * kernel).sum(axis=1)).ravel())
    return diags_array(1 / length) @ kernel
