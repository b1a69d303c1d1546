"""Whether clusters of voxels lie together on the cortex.

No position enters the clustering, so this is a finding. But brain maps are smooth: voxels next to
each other share noise and get the same label without any concept. Contiguity is held against label
maps of noise as smooth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.concepts._surrogates import (
    label_maps,
    smoothness_of_labels,
    smoothness_of_weights,
)
from sdc_helpers.concepts.patches import check_positions
from sdc_helpers.measures import NullTest


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

    positions = check_positions(positions)
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


def _nearest_other(tree: Any, positions: np.ndarray) -> np.ndarray:
    """Index of the nearest other voxel, the first of equally near ones."""
    k = min(len(positions), 27)  # a voxel and the 26 around it
    distance, index = tree.query(positions, k=k)
    itself = index == np.arange(len(positions))[:, None]
    distance = np.where(itself, np.inf, distance)
    least = distance.min(axis=1, keepdims=True)
    return np.where(distance <= least * (1 + 1e-9), index, len(positions)).min(axis=1)


def _check_weights(weights: np.ndarray, n_voxels: int) -> np.ndarray:
    weights = as_array("weights", weights, float)
    if weights.ndim != 2 or len(weights) != n_voxels or not np.isfinite(weights).all():
        raise ValueError(
            f"weights has shape {weights.shape}; expected a row of finite numbers for each of "
            f"{n_voxels} voxels."
        )
    return weights
