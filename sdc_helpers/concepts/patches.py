"""Whether clusters of voxels lie together on the cortex, and on which known region.

No position enters the clustering, so both are findings. Brain maps are smooth, and any compact
patch overlaps another more often than scattered voxels do; the overlap is therefore held against
*blobs*: for each patch of the cluster, as many voxels, as compact, somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array, check_count


@dataclass(frozen=True, eq=False)
class NullTest:
    """A value and what chance gives.

    Attributes
    ----------
    value : float
        Measured.
    null : float array of shape (n_draws,)
        Under the null hypothesis.
    p_value : float
        (1 + number of draws at or above the value) / (1 + n_draws).
    """

    value: float
    null: np.ndarray
    p_value: float


@dataclass(frozen=True, eq=False)
class Overlap:
    """How a cluster overlaps a region.

    Attributes
    ----------
    dice : NullTest
        Twice the voxels in both over the sum of the sizes.
    auc : NullTest
        Probability that a voxel of the cluster has a higher localiser value than one outside.
    """

    dice: NullTest
    auc: NullTest


def contiguity(
    positions: np.ndarray, labels: np.ndarray, *, n_draws: int = 199, rng: np.random.Generator
) -> dict[int, NullTest]:
    """Measure how often the nearest voxel is of the same cluster.

    The null shuffles the labels among the voxels: clusters of the same sizes at random places
    among the voxels that can be decoded, wherever those are dense.

    Parameters
    ----------
    positions : array of shape (n_voxels, 3)
        Of the voxels of one participant that were clustered, in millimetres.
    labels : int array of shape (n_voxels,)
        Clusters, -1 for noise.
    n_draws : int, default=199
        Shuffles.
    rng : numpy.random.Generator
        Of the shuffles.

    Returns
    -------
    dict of int to NullTest
        By cluster: the share of its voxels whose nearest other voxel (of equally near ones, the
        first) is of the cluster too. Clusters of one voxel are left out.

    Raises
    ------
    ValueError
        If shapes do not match, positions are not finite, or n_draws is below 1.
    """
    from scipy.spatial import cKDTree

    positions = _check_positions(positions)
    labels = as_array("labels", labels)
    if labels.shape != (len(positions),):
        raise ValueError(f"labels has shape {labels.shape}; expected ({len(positions)},).")
    check_count("n_draws", n_draws, 1)
    if len(positions) < 2:
        return {}
    nearest = _nearest_other(cKDTree(positions), positions)
    drawn = np.stack([labels, *(rng.permutation(labels) for _ in range(n_draws))])
    same = drawn == drawn[:, nearest]
    tests = {}
    for cluster in np.unique(labels[labels >= 0]):
        member = drawn == cluster
        if member[0].sum() > 1:
            shares = (member & same).sum(axis=1) / member.sum(axis=1)
            tests[int(cluster)] = _test(shares[0], shares[1:])
    return tests


def overlap(
    positions: np.ndarray,
    cluster: np.ndarray,
    localiser: np.ndarray,
    region: np.ndarray,
    *,
    reach: float,
    n_draws: int = 199,
    rng: np.random.Generator,
) -> Overlap:
    """Measure the overlap of a cluster with a region found by a localiser.

    Parameters
    ----------
    positions : array of shape (n_voxels, 3)
        Of all voxels in which the cluster could be, in millimetres.
    cluster : bool array of shape (n_voxels,)
        Members of the cluster.
    localiser : array of shape (n_voxels,)
        Such as the t value of faces against other categories.
    region : bool array of shape (n_voxels,)
        The region drawn from it.
    reach : float
        Voxels of the cluster at most so far apart, in millimetres, are of one patch; a voxel's
        diagonal is a good choice.
    n_draws : int, default=199
        Sets of blobs.
    rng : numpy.random.Generator
        Of the blobs.

    Returns
    -------
    Overlap

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, the cluster is empty or everything, reach is
        not positive or n_draws is below 1.
    """
    positions = _check_positions(positions)
    cluster, region = as_array("cluster", cluster), as_array("region", region)
    localiser = as_array("localiser", localiser, float)
    for name, values in (("cluster", cluster), ("region", region), ("localiser", localiser)):
        if values.shape != (len(positions),):
            raise ValueError(f"{name} has shape {values.shape}; expected ({len(positions)},).")
        if name != "localiser" and values.dtype != bool:
            raise ValueError(f"{name} has type {values.dtype}; expected bool.")
    if not np.isfinite(localiser).all():
        raise ValueError("localiser is not finite; leave the voxels without a value out.")
    if cluster.all() or not cluster.any():
        raise ValueError(f"cluster has {cluster.sum()} of {len(cluster)} voxels; expected some.")
    if not reach > 0:
        raise ValueError(f"reach={reach!r}: expected a distance above 0.")
    check_count("n_draws", n_draws, 1)
    drawn = np.concatenate(
        [cluster[None], blobs(positions, patch_sizes(positions[cluster], reach), n_draws, rng)]
    )
    dice = 2 * (drawn & region).sum(axis=1) / (drawn.sum(axis=1) + region.sum())
    auc = _auc(drawn, localiser)
    return Overlap(_test(dice[0], dice[1:]), _test(auc[0], auc[1:]))


def patch_sizes(positions: np.ndarray, reach: float) -> np.ndarray:
    """Return the sizes of the patches of a cluster, largest first.

    Parameters
    ----------
    positions : array of shape (n, 3)
        Of its voxels, in millimetres.
    reach : float
        Voxels at most so far apart are of one patch.

    Returns
    -------
    int array of shape (n_patches,)
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    positions = _check_positions(positions)
    pairs = cKDTree(positions).query_pairs(reach, output_type="ndarray")
    size = len(positions)
    graph = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(size, size))
    _, patch = connected_components(graph, directed=False)
    return -np.sort(-np.bincount(patch))


def blobs(
    positions: np.ndarray, sizes: np.ndarray, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw sets of compact patches of given sizes at random places.

    A patch is a random voxel and the nearest ones that no other patch of its set has taken.

    Parameters
    ----------
    positions : array of shape (n_voxels, 3)
        Where patches can be, in millimetres.
    sizes : int array of shape (n_patches,)
        Voxels of each patch of a set.
    n_draws : int
        Sets.
    rng : numpy.random.Generator
        Of the places.

    Returns
    -------
    bool array of shape (n_draws, n_voxels)

    Raises
    ------
    ValueError
        If the patches have more voxels than there are.
    """
    positions, sizes = _check_positions(positions), as_array("sizes", sizes, int)
    if np.sum(sizes) > len(positions):
        raise ValueError(f"sizes sum to {np.sum(sizes)}, but there are {len(positions)} voxels.")
    drawn = np.zeros((n_draws, len(positions)), dtype=bool)
    for row in drawn:
        for size in sizes:
            free = np.flatnonzero(~row)
            centre = positions[rng.choice(free)]
            far = ((positions[free] - centre) ** 2).sum(axis=1)
            row[free[np.argsort(far, kind="stable")[:size]]] = True
    return drawn


def _auc(members: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each row of members, ties counting half."""
    from scipy.stats import rankdata

    n_in = members.sum(axis=1)
    ranks = members @ rankdata(values)
    return (ranks - n_in * (n_in + 1) / 2) / (n_in * (members.shape[1] - n_in))


def _nearest_other(tree: object, positions: np.ndarray) -> np.ndarray:
    """Index of the nearest other voxel, the first of equally near ones."""
    k = min(len(positions), 27)  # a voxel and the 26 around it
    distance, index = tree.query(positions, k=k)
    itself = index == np.arange(len(positions))[:, None]
    distance = np.where(itself, np.inf, distance)
    least = distance.min(axis=1, keepdims=True)
    return np.where(distance <= least * (1 + 1e-9), index, len(positions)).min(axis=1)


def _test(value: float, null: np.ndarray) -> NullTest:
    # Rounding must not part a draw from a value that it equals.
    above = int(np.sum(null >= value - 1e-12))
    return NullTest(float(value), null, (1 + above) / (1 + len(null)))


def _check_positions(positions: np.ndarray) -> np.ndarray:
    positions = as_array("positions", positions, float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not np.isfinite(positions).all():
        raise ValueError(
            f"positions has shape {positions.shape}; expected three finite numbers a voxel."
        )
    return positions
