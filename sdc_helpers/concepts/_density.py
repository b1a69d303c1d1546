"""Which voxels are dense, which cluster each is of: the part of `SharedDBSCAN` that a grid repeats.

Of pairs of voxels alone: a search over many settings finds and checks the pairs once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import check_count

if TYPE_CHECKING:
    from sdc_helpers.concepts._neighbour_pairs import NeighbourPairs, Points

_EDGES_AT_A_TIME = 4_000_000


def check_participants(min_participants: int, points: Points) -> None:
    """Raise unless there are more participants than a core voxel needs others."""
    check_count("min_participants", min_participants, 1)
    if len(points.names) <= min_participants:
        raise ValueError(
            f"participants names {len(points.names)}: a core voxel needs neighbours in "
            f"min_participants={min_participants} others, so there must be at least "
            f"{min_participants + 1}. Take fewer min_participants or more participants."
        )


def label_voxels(
    pairs: NeighbourPairs, eps: float, min_participants: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Cluster the voxels of some pairs.

    Parameters
    ----------
    pairs : NeighbourPairs
        All pairs up to `eps`, or farther.
    eps, min_participants : float, int
        Of `SharedDBSCAN`, checked.

    Returns
    -------
    labels : int array of shape (n_voxels,)
        Cluster of each voxel, -1 for noise; see `SharedDBSCAN` for their order.
    core : bool array of shape (n_voxels,)
        Whether each voxel is a core voxel.
    n_concepts : int
        Number of clusters.
    """
    points, near = pairs.points, pairs.closer_than(eps)
    left, right = pairs.left[near], pairs.right[near]
    core = _core(left, right, points, min_participants)
    if not core.any():
        return np.full(len(points), -1, dtype=np.intp), core, 0
    labels, n_concepts = _components(left, right, core)
    labels = _renumber(labels, n_concepts, points)
    _assign_border(labels, core, left, right, pairs.distance[near], points)
    return labels, core, n_concepts


def _core(left: np.ndarray, right: np.ndarray, points: Points, min_participants: int) -> np.ndarray:
    """Whether voxels have a neighbour in enough other participants."""
    reached = np.zeros((len(points), len(points.names)), dtype=bool)
    reached[left, points.codes[right]] = True
    reached[right, points.codes[left]] = True
    reached[np.arange(len(points)), points.codes] = False
    return reached.sum(axis=1) >= min_participants


def _components(left: np.ndarray, right: np.ndarray, core: np.ndarray) -> tuple[np.ndarray, int]:
    """Find the connected components of the core voxels, -1 elsewhere, and count them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group = np.cumsum(core) - 1
    n_groups = int(core.sum())
    inside = np.flatnonzero(core[left] & core[right])
    # In parts: scipy's graph takes several times the memory of its edges.
    for start in range(0, len(inside), _EDGES_AT_A_TIME):
        part = inside[start : start + _EDGES_AT_A_TIME]
        i, j = group[left[part]], group[right[part]]
        i, j = i[i != j], j[i != j]
        graph = coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(n_groups, n_groups))
        n_groups, joined = connected_components(graph, directed=False)
        group = np.append(joined, 0)[group]  # -1, before the first core voxel, finds the end
    return np.where(core, group, -1).astype(np.intp), n_groups


def _renumber(labels: np.ndarray, n_concepts: int, points: Points) -> np.ndarray:
    """Renumber clusters of core voxels by size, then content, whatever the order of the rows."""
    members = np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels + 1))[:-1])
    members = members[len(members) - n_concepts :]
    sizes = [len(rows) for rows in members]
    twice = {size for size, count in Counter(sizes).items() if count > 1}
    keys = [
        (-size, _smallest_row(rows, points.weights) if size in twice else ())
        for size, rows in zip(sizes, members, strict=True)
    ]
    number = np.full(n_concepts + 1, -1, dtype=np.intp)
    number[sorted(range(n_concepts), key=keys.__getitem__)] = np.arange(n_concepts)
    return number[labels]


def _smallest_row(rows: np.ndarray, weights: np.ndarray) -> tuple[float, ...]:
    for column in range(weights.shape[1]):
        values = weights[rows, column]
        rows = rows[values == values.min()]
        if len(rows) == 1:
            break
    return tuple(weights[rows[0]].tolist())


def _assign_border(
    labels: np.ndarray,
    core: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    distance: np.ndarray,
    points: Points,
) -> None:
    """Give voxels near core voxels the label of the nearest, in place."""
    mixed = np.flatnonzero(core[left] != core[right])
    border, anchor = left[mixed], right[mixed]
    swap = core[border]
    border[swap], anchor[swap] = anchor[swap], border[swap]
    distance, cluster = distance[mixed].astype(np.float64), labels[anchor]
    nearest = np.full(len(labels), np.inf)
    np.minimum.at(nearest, border, distance)
    rivals = np.flatnonzero(distance <= nearest[border] + 2 * points.tolerance)
    border, anchor = border[rivals], anchor[rivals]
    distance, cluster = distance[rivals], cluster[rivals]
    lowest, highest = np.full(len(labels), len(labels)), np.full(len(labels), -1)
    np.minimum.at(lowest, border, cluster)
    np.maximum.at(highest, border, cluster)
    torn = np.flatnonzero(lowest[border] != highest[border])
    distance[torn] = points.distance(border[torn], anchor[torn])
    order = np.lexsort((cluster, distance, border))
    voxels, first = np.unique(border[order], return_index=True)
    labels[voxels] = cluster[order][first]
