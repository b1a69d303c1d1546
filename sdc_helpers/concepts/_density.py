"""Which voxels are dense, which cluster each is of: the part of `SharedDBSCAN` that a grid repeats.

Of pairs of voxels alone: a search over many settings finds and checks the pairs once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.concepts._neighbour_pairs import PAIRS_AT_A_TIME

if TYPE_CHECKING:
    from typing import TypeAlias

    from sdc_helpers.concepts._neighbour_pairs import NeighbourPairs, PairsInPasses
    from sdc_helpers.concepts._points import Points

    Pairs: TypeAlias = NeighbourPairs | PairsInPasses


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
    pairs: Pairs, eps: float, min_participants: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Cluster the voxels of some pairs.

    Parameters
    ----------
    pairs : NeighbourPairs or PairsInPasses
        All pairs up to `eps`, or farther; gone through twice, a block at a time.
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
    points = pairs.points
    core = _core(pairs, eps, min_participants)
    if not core.any():
        return np.full(len(points), -1, dtype=np.intp), core, 0
    components, border = _Components(core), _Border(core, points)
    for block in pairs.blocks():
        near = block.closer_than(eps)
        left, right, distance = block.left[near], block.right[near], block.distance[near]
        components.join(left, right)
        border.add(left, right, distance)
    labels = _renumber(components.labels(), components.n_groups, points)
    border.assign(labels)
    return labels, core, components.n_groups


def _core(pairs: Pairs, eps: float, min_participants: int) -> np.ndarray:
    """Whether voxels have a neighbour in enough other participants."""
    points = pairs.points
    reached = np.zeros((len(points), len(points.names)), dtype=bool)
    for block in pairs.blocks():
        near = block.closer_than(eps)
        left, right = block.left[near], block.right[near]
        reached[left, points.codes[right]] = True
        reached[right, points.codes[left]] = True
    reached[np.arange(len(points)), points.codes] = False
    return reached.sum(axis=1) >= min_participants


class _Components:
    """Connected components of the core voxels, joined a block of pairs at a time."""

    def __init__(self, core: np.ndarray) -> None:
        self._core, self._group = core, np.cumsum(core) - 1
        self.n_groups = int(core.sum())

    def join(self, left: np.ndarray, right: np.ndarray) -> None:
        """Join the components of the core voxels among some pairs."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        inside = self._core[left] & self._core[right]
        i, j = self._group[left[inside]], self._group[right[inside]]
        apart = i != j
        i, j = i[apart], j[apart]
        if len(i) == 0:
            return
        n = self.n_groups
        graph = coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(n, n))
        self.n_groups, joined = connected_components(graph, directed=False)
        self._group = np.append(joined, 0)[self._group]  # -1, before the first core, finds the end

    def labels(self) -> np.ndarray:
        """Component of each core voxel, -1 elsewhere."""
        return np.where(self._core, self._group, -1).astype(np.intp)


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


class _Border:
    """Voxels near core voxels, and which of these are the nearest, a block of pairs at a time."""

    def __init__(self, core: np.ndarray, points: Points) -> None:
        self._core, self._points = core, points
        self._nearest = np.full(len(core), np.inf)
        self._rivals: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._n_new = 0

    def add(self, left: np.ndarray, right: np.ndarray, distance: np.ndarray) -> None:
        """Look at some pairs, and keep those that may be the nearest."""
        mixed = np.flatnonzero(self._core[left] != self._core[right])
        border, anchor = left[mixed], right[mixed]
        swap = self._core[border]
        border[swap], anchor[swap] = anchor[swap], border[swap]
        distance = distance[mixed].astype(np.float64)
        np.minimum.at(self._nearest, border, distance)
        self._rivals.append(self._close(border, anchor, distance))
        self._n_new += len(self._rivals[-1][0])
        if self._n_new > PAIRS_AT_A_TIME:
            self._prune()

    def assign(self, labels: np.ndarray) -> None:
        """Give them the labels of the nearest core voxels, in place."""
        border, anchor, distance = self._prune()
        cluster = labels[anchor]
        lowest, highest = np.full(len(labels), len(labels)), np.full(len(labels), -1)
        np.minimum.at(lowest, border, cluster)
        np.maximum.at(highest, border, cluster)
        torn = np.flatnonzero(lowest[border] != highest[border])
        distance[torn] = self._points.distance(border[torn], anchor[torn])
        order = np.lexsort((cluster, distance, border))
        voxels, first = np.unique(border[order], return_index=True)
        labels[voxels] = cluster[order][first]

    def _prune(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Keep the pairs of which float32 cannot tell that they are not the nearest."""
        if self._rivals:
            border, anchor, distance = map(np.concatenate, zip(*self._rivals, strict=True))
        else:
            border, anchor = np.empty((2, 0), dtype=np.int32)
            distance = np.empty(0)
        self._rivals, self._n_new = [self._close(border, anchor, distance)], 0
        return self._rivals[0]

    def _close(
        self, border: np.ndarray, anchor: np.ndarray, distance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        close = distance <= self._nearest[border] + 2 * self._points.tolerance
        return border[close], anchor[close], distance[close]
