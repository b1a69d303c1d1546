"""On which known region the clusters of voxels lie.

No position enters the clustering, so where a cluster lies is a finding. But any compact patch
overlaps another more often than scattered voxels do: overlap is held against *blobs*, for each
patch of the cluster as many voxels, as compact, somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.measures import NullTest


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


@dataclass(frozen=True, eq=False)
class BestOverlap:
    """The cluster that overlaps a region most.

    Attributes
    ----------
    cluster : int
        Label of the cluster.
    dice : NullTest
        Dice coefficient of that cluster, against the largest one over all clusters in each draw of
        blobs: the p-value counts that the best of all was taken.
    """

    cluster: int
    dice: NullTest


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
        Positions of all voxels in which the cluster could be, in millimetres.
    cluster : bool array of shape (n_voxels,)
        Whether each voxel belongs to the cluster.
    localiser : array of shape (n_voxels,)
        Value of the localiser in each voxel, such as the t value of faces against other categories.
    region : bool array of shape (n_voxels,)
        Whether each voxel belongs to the region, which was drawn from the localiser.
    reach : float
        Voxels of the cluster at most so far apart, in millimetres, are of one patch; a voxel's
        diagonal is a good choice.
    n_draws : int, default=199
        Number of sets of blobs.
    rng : numpy.random.Generator
        Source of the blobs' places.

    Returns
    -------
    Overlap

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, the cluster is empty or everything, reach is
        not positive or n_draws is below 1.

    See Also
    --------
    best_overlaps : The cluster that overlaps a region most, tested as the best of all.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import overlap
    >>> x, y = (axis.ravel() for axis in np.indices((6, 6)))
    >>> positions = 2.0 * np.column_stack([x, y, 0 * x])  # a sheet of voxels, 2 mm apart
    >>> region, cluster, rng = x < 3, (x < 3) & (y < 3), np.random.default_rng(0)
    >>> result = overlap(positions, cluster, 3.0 - x, region, reach=3, n_draws=19, rng=rng)
    >>> round(result.dice.value, 2)  # 2 * 9 / (9 + 18)
    0.67
    """
    positions = check_positions(positions)
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
    return Overlap(
        *(NullTest.from_null(v[0], v[1:], scheme="patches elsewhere") for v in (dice, auc))
    )


def best_overlaps(
    positions: np.ndarray,
    labels: np.ndarray,
    regions: Mapping[str, np.ndarray],
    *,
    reach: float,
    n_draws: int = 199,
    rng: np.random.Generator,
) -> dict[str, BestOverlap]:
    """Find the cluster that overlaps each region most, and test it as the best of all.

    Parameters
    ----------
    positions : array of shape (n_voxels, 3)
        Positions of all voxels in which a cluster could be, in millimetres.
    labels : int array of shape (n_voxels,)
        Cluster of each voxel, -1 for voxels of none.
    regions : mapping of str to bool array of shape (n_voxels,)
        Voxels of each region, such as those that localisers find.
    reach, n_draws, rng
        Parameters of `overlap`, which describes them; all regions share the blobs.

    Returns
    -------
    dict of str to BestOverlap
        Best cluster of each region, by its name; empty regions are left out.

    Raises
    ------
    ValueError
        If shapes do not match, there is no cluster, reach is not positive or n_draws is below 1.
    """
    positions, labels = check_positions(positions), as_array("labels", labels)
    regions = {name: as_array(f"regions[{name!r}]", region) for name, region in regions.items()}
    for name, values in {"labels": labels, **regions}.items():
        if np.shape(values) != (len(positions),):
            raise ValueError(f"{name} has shape {np.shape(values)}; expected ({len(positions)},).")
    if not reach > 0:
        raise ValueError(f"reach={reach!r}: expected a distance above 0.")
    check_count("n_draws", n_draws, 1)
    clusters = np.unique(labels[labels >= 0])
    if not len(clusters):
        raise ValueError("labels holds no cluster: all are below 0.")
    named = {name: r.astype(bool) for name, r in regions.items() if np.any(r)}
    stacked = np.array(list(named.values())).reshape(len(named), len(positions))
    dice = []
    for cluster in clusters:
        own = labels == cluster
        drawn = blobs(positions, patch_sizes(positions[own], reach), n_draws, rng)
        both = np.concatenate([own[None], drawn]).astype(np.int64) @ stacked.T.astype(np.int64)
        dice.append(2 * both / (own.sum() + stacked.sum(axis=1)))
    best = np.argmax([of_cluster[0] for of_cluster in dice], axis=0)
    largest = np.max(dice, axis=0)  # (1 + n_draws, n_regions)
    scheme = f"patches elsewhere, largest of {len(clusters)} clusters"
    return {
        name: BestOverlap(
            int(clusters[best[i]]),
            NullTest.from_null(largest[0, i], largest[1:, i], scheme=scheme),
        )
        for i, name in enumerate(named)
    }


def patch_sizes(positions: np.ndarray, reach: float) -> np.ndarray:
    """Return the sizes of the patches of a cluster, largest first.

    Parameters
    ----------
    positions : array of shape (n, 3)
        Positions of the patches' voxels, in millimetres.
    reach : float
        Voxels at most so far apart are of one patch.

    Returns
    -------
    int array of shape (n_patches,)
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    positions = check_positions(positions)
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
        Voxels where patches may be, in millimetres.
    sizes : int array of shape (n_patches,)
        Voxels of each patch of a set.
    n_draws : int
        Number of sets.
    rng : numpy.random.Generator
        Source of the blobs' places.

    Returns
    -------
    bool array of shape (n_draws, n_voxels)

    Raises
    ------
    ValueError
        If the patches have more voxels than there are.
    """
    positions, sizes = check_positions(positions), as_array("sizes", sizes, int)
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


def check_positions(positions: np.ndarray) -> np.ndarray:
    """Return positions as an array of shape (n_voxels, 3), or say what is wrong with them."""
    positions = as_array("positions", positions, float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not np.isfinite(positions).all():
        raise ValueError(
            f"positions has shape {positions.shape}; expected three finite numbers a voxel."
        )
    return positions
