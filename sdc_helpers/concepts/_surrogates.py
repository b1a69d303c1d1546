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

_WIDTHS = 0.3 * 1.1 ** np.arange(27)  # of the kernels, in distances of neighbours: .3 to 3.6
_REACH = 3.0  # weights end at so many widths
_N_TRIALS = 12  # label maps for each width when the labels themselves are matched
_BIN = 0.25  # of a distance of neighbours: pairs of voxels as far apart as this together
_N_PAIRS = 20  # of each distance, for the correlation that a kernel gives


@dataclass(frozen=True, eq=False)
class Smoothness:
    """How noise at the voxels is correlated.

    Attributes
    ----------
    kernel : sparse array of shape (n_voxels, n_voxels)
        White noise times this is smooth, with variance 1.
    share : float
        Share of the variance that is smooth; the rest is independent between voxels.
    """

    kernel: csr_array
    share: float = 1.0

    def fields(self, n_fields: int, rng: np.random.Generator) -> np.ndarray:
        """Draw independent fields, (n_voxels, n_fields)."""
        smooth, rough = rng.standard_normal((2, self.kernel.shape[0], n_fields))
        return np.sqrt(self.share) * (self.kernel @ smooth) + np.sqrt(1 - self.share) * rough


def smoothness_of_weights(positions: np.ndarray, weights: np.ndarray, spacing: float) -> Smoothness:
    """Match the correlation of the weights of near voxels, by distance, over all voxels.

    Where concepts have patches, they make neighbours alike, and count as smoothness: that is on the
    safe side. Leaving clustered voxels out, or taking the clusters' mean rows out, would not be.
    Voxels are clustered because they are alike, and what is left looks less smooth than the noise.
    """
    from scipy.spatial import cKDTree

    length = np.linalg.norm(weights, axis=1, keepdims=True)
    rows = np.divide(weights, length, out=np.zeros_like(weights), where=length > 0)
    pairs = cKDTree(positions).query_pairs(4.01 * spacing, output_type="ndarray")
    first, second = pairs.T
    found = np.einsum("ij,ij->i", rows[pairs[:, 0]], rows[pairs[:, 1]])
    far = np.linalg.norm(positions[first] - positions[second], axis=1)
    _, by_distance, counts = np.unique(
        np.rint(far / (_BIN * spacing)), return_inverse=True, return_counts=True
    )
    found = np.bincount(by_distance, found) / counts
    distance = np.bincount(by_distance, far) / counts / spacing
    near = np.where(distance < 1.2, 100.0, distance**-2.0)  # what is tested is next neighbours
    sample = _some_of_each(by_distance, _N_PAIRS, np.random.default_rng(0))
    best, least = Smoothness(_kernel(positions, _WIDTHS[0] * spacing), 0.0), near @ found**2
    for width in _WIDTHS:
        kernel = _kernel(positions, width * spacing)
        alike = np.array((kernel[first[sample]] * kernel[second[sample]]).sum(axis=1)).ravel()
        model = np.bincount(by_distance[sample], alike) / np.bincount(by_distance[sample])
        if not model.any():
            continue
        share = float(np.clip((near * found) @ model / ((near * model) @ model), 0, 1))
        error = near @ (found - share * model) ** 2
        if error < least:
            best, least = Smoothness(kernel, share), error
        elif best.share > 0:
            break  # wider kernels fit worse and worse, and have the most neighbours
    return best


def smoothness_of_labels(
    positions: np.ndarray,
    nearest: np.ndarray,
    sizes: np.ndarray | Sequence[int],
    share: float,
    spacing: float,
) -> Smoothness:
    """Match how often a clustered voxel's nearest one is of its cluster, over all clusters."""
    shares: list[float] = []
    for width in _WIDTHS[::2]:
        smooth = Smoothness(_kernel(positions, width * spacing))
        maps = label_maps(smooth, sizes, _N_TRIALS, np.random.default_rng(0))
        shares.append(float(np.mean([_share_of_neighbours(m, nearest) for m in maps])))
        if shares[-1] >= share:
            break
    rising = np.maximum.accumulate(shares)
    width = np.exp(np.interp(share, rising, np.log(_WIDTHS[::2][: len(rising)])))
    return Smoothness(_kernel(positions, width * spacing))


def label_maps(
    smoothness: Smoothness,
    sizes: np.ndarray | Sequence[int],
    n_draws: int,
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Draw label maps: one field a cluster, which takes its highest voxels.

    A voxel that several would take goes to the one whose field is highest there. Labels are
    positions in `sizes`, -1 for the rest.
    """
    for _ in range(n_draws):
        fields = smoothness.fields(len(sizes), rng)
        while True:
            taken = np.zeros(fields.shape, dtype=bool)
            for k, size in enumerate(sizes):
                taken[np.argpartition(-fields[:, k], size - 1)[:size], k] = True
            contested = np.flatnonzero(taken.sum(axis=1) > 1)
            if not len(contested):
                break
            losers = taken[contested]
            winner = np.where(losers, fields[contested], -np.inf).argmax(axis=1)
            losers[np.arange(len(losers)), winner] = False
            fields[contested] = np.where(losers, -np.inf, fields[contested])
        yield np.where(taken.any(axis=1), taken.argmax(axis=1), -1)


def _some_of_each(kinds: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return up to so many random positions of each kind."""
    order = rng.permutation(len(kinds))
    order = order[np.argsort(kinds[order], kind="stable")]
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
    rank = np.arange(len(kinds)) - np.repeat(starts, np.diff(np.append(starts, len(kinds))))
    return order[rank < most]


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
