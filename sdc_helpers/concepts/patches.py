"""Whether clusters of voxels lie together on the cortex, and on which known region.

No position enters the clustering, so both are findings. But brain maps are smooth. Voxels next to
each other share noise and get the same label without any concept: contiguity is held against label
maps of noise as smooth. And any compact patch overlaps another more often than scattered voxels
do: overlap is held against *blobs*, for each patch of the cluster as many voxels, as compact,
somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.concepts._surrogates import (
    label_maps,
    smoothness_of_labels,
    smoothness_of_weights,
)
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


def contiguity(
    positions: np.ndarray,
    labels: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    n_draws: int = 199,
    rng: np.random.Generator,
) -> dict[int, NullTest]:
    """Measure how often the nearest voxel is of the same cluster.

    Labels of smooth noise lie together too, so labels shuffled among the voxels are no null: they
    would call most of them contiguous. The null is label maps of smooth noise with clusters of the
    same sizes. How smooth the noise is has to come from somewhere: from the `weights` of all
    voxels, most of which have no part in a cluster, or, without them, from the labels. Then the
    test asks whether a cluster lies together more than the clusters of the map do on the whole.
    What all clusters share counts as smoothness then: it errs on the safe side, and has little
    power.

    Parameters
    ----------
    positions : array of shape (n_voxels, 3)
        Positions of the voxels of one participant that were clustered, in millimetres.
    labels : int array of shape (n_voxels,)
        Cluster of each voxel, -1 for noise.
    weights : array of shape (n_voxels, D), optional
        What was clustered, such as decoder weights. Their correlation between near voxels, of all
        clusters and of none, is taken for that of the noise.
    n_draws : int, default=199
        Number of label maps of noise.
    rng : numpy.random.Generator
        Source of the label maps.

    Returns
    -------
    dict of int to NullTest
        Test of each cluster: the share of its voxels whose nearest other voxel (of equally near
        ones, the first) is of the cluster too. Clusters of one voxel are left out.

    Raises
    ------
    ValueError
        If shapes do not match, positions or weights are not finite, or n_draws is below 1.

    See Also
    --------
    overlap : Whether a cluster lies where a localiser says.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import contiguity
    >>> x, y = (axis.ravel() for axis in np.indices((6, 6)))
    >>> positions = 2.0 * np.column_stack([x, y, 0 * x])  # a sheet of voxels, 2 mm apart
    >>> left = np.where(x < 3, 0, -1)
    >>> contiguity(positions, left, n_draws=19, rng=np.random.default_rng(0))[0].value
    1.0
    """
    from scipy.spatial import cKDTree

    positions = _check_positions(positions)
    labels = as_array("labels", labels)
    if labels.shape != (len(positions),):
        raise ValueError(f"labels has shape {labels.shape}; expected ({len(positions)},).")
    if weights is not None:
        weights = _check_weights(weights, len(positions))
    check_count("n_draws", n_draws, 1)
    clusters, sizes = np.unique(labels[labels >= 0], return_counts=True)
    if len(positions) < 2 or len(clusters) == 0:
        return {}
    tree = cKDTree(positions)
    nearest = _nearest_other(tree, positions)
    spacing = float(np.median(np.linalg.norm(positions - positions[nearest], axis=1)))
    if spacing == 0:
        raise ValueError(
            "positions: most voxels have another at the same place; expected one each."
        )
    same = labels == labels[nearest]
    if weights is None:
        pooled = float(same[labels >= 0].mean())
        smoothness = smoothness_of_labels(positions, nearest, sizes, pooled, spacing)
    else:
        smoothness = smoothness_of_weights(positions, weights, spacing)
    null = np.array(
        [
            np.bincount(drawn[drawn >= 0], (drawn == drawn[nearest])[drawn >= 0]) / sizes
            for drawn in label_maps(smoothness, sizes, n_draws, rng)
        ]
    )
    return {
        int(cluster): NullTest.from_null(
            same[labels == cluster].mean(), null[:, k], scheme="labels of smooth noise"
        )
        for k, cluster in enumerate(clusters)
        if sizes[k] > 1
    }


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
    positions, labels = _check_positions(positions), as_array("labels", labels)
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


def _nearest_other(tree: Any, positions: np.ndarray) -> np.ndarray:
    """Index of the nearest other voxel, the first of equally near ones."""
    k = min(len(positions), 27)  # a voxel and the 26 around it
    distance, index = tree.query(positions, k=k)
    itself = index == np.arange(len(positions))[:, None]
    distance = np.where(itself, np.inf, distance)
    least = distance.min(axis=1, keepdims=True)
    return np.where(distance <= least * (1 + 1e-9), index, len(positions)).min(axis=1)


def _check_positions(positions: np.ndarray) -> np.ndarray:
    positions = as_array("positions", positions, float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not np.isfinite(positions).all():
        raise ValueError(
            f"positions has shape {positions.shape}; expected three finite numbers a voxel."
        )
    return positions


def _check_weights(weights: np.ndarray, n_voxels: int) -> np.ndarray:
    weights = as_array("weights", weights, float)
    if weights.ndim != 2 or len(weights) != n_voxels or not np.isfinite(weights).all():
        raise ValueError(
            f"weights has shape {weights.shape}; expected a row of finite numbers for each of "
            f"{n_voxels} voxels."
        )
    return weights
