"""Pairs of voxels with similar decoder weights, found block by block and kept sparse.

The products are float32, and what float32 cannot decide is computed again in float64 from the two
rows alone. So neither the block, the device nor the order of the rows decides who is a neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_count, check_device
from sdc_helpers.concepts._points import Points, check_eps, check_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = Any  # a numpy array or a torch tensor
    _Parts = tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]

MAX_PAIRS = 100_000_000
BLOCK = 1024
PAIRS_AT_A_TIME = 1_000_000  # of which more is computed at once: 50 bytes each


@dataclass(frozen=True, eq=False)
class NeighbourPairs:
    """All pairs of voxels up to some cosine distance, each once.

    Attributes
    ----------
    points : Points
        The voxels.
    max_eps, max_own_eps : float
        Pairs of two participants are kept below the first, pairs within one below the second.
    left, right : int32 arrays of shape (n_pairs,)
        The two voxels, left < right, in no particular order.
    distance : float32 array of shape (n_pairs,)
        1 - cosine, within ``points.tolerance`` of the exact distance.
    """

    points: Points
    max_eps: float
    max_own_eps: float
    left: np.ndarray
    right: np.ndarray
    distance: np.ndarray

    def __len__(self) -> int:
        return len(self.left)

    @property
    def is_own(self) -> np.ndarray:
        """Bool array of shape (n_pairs,): whether both voxels are one participant's."""
        return self.points.codes[self.left] == self.points.codes[self.right]

    def blocks(self, own: bool = False) -> Iterator[NeighbourPairs]:
        """Go through the pairs, some at a time.

        Parameters
        ----------
        own : bool, default=False
            Whether pairs within a participant are enough; others may come as well.

        Yields
        ------
        NeighbourPairs
            Some of the pairs, views of these.
        """
        for start in range(0, len(self), PAIRS_AT_A_TIME):
            part = slice(start, start + PAIRS_AT_A_TIME)
            yield replace(
                self, left=self.left[part], right=self.right[part], distance=self.distance[part]
            )

    def closer_than(self, eps: float) -> np.ndarray:
        """Tell which pairs are closer than `eps`.

        Parameters
        ----------
        eps : float
            Largest distance, at most `max_own_eps`; above `max_eps`, pairs of two participants are
            incomplete.

        Returns
        -------
        bool array of shape (n_pairs,)
            Whether 1 - cosine < eps, strictly; decided in float64 wherever float32 cannot.

        Raises
        ------
        ValueError
            If eps is larger than `max_own_eps`.
        """
        if eps > self.max_own_eps:
            raise ValueError(
                f"eps={eps} is beyond these pairs, which reach {self.max_own_eps}; find them again."
            )
        closer = self.distance < eps
        unsure = np.flatnonzero(np.abs(self.distance - np.float32(eps)) <= self.points.tolerance)
        closer[unsure] = self.points.distance(self.left[unsure], self.right[unsure]) < eps
        return closer


@dataclass(frozen=True, eq=False)
class PairsInPasses:
    """The pairs that `NeighbourPairs` would hold, found anew whenever they are asked for.

    What is in memory is a float32 copy of the weights, a block of distances and a million or two
    of pairs, however many there are.

    Attributes
    ----------
    points, max_eps, max_own_eps
        As of `NeighbourPairs`.
    block, device
        Parameters of `pairs_within`.
    """

    points: Points
    max_eps: float
    max_own_eps: float
    block: int
    device: str

    def blocks(self, own: bool = False) -> Iterator[NeighbourPairs]:
        """Go through the pairs, some at a time, see `NeighbourPairs.blocks`."""
        some = self.points.codes if own else np.zeros(len(self.points), dtype=np.intp)
        for code in np.unique(some):
            kept: _Parts = ([], [], [])
            n_kept = 0
            for *pairs, _ in _kept_tiles(self, np.flatnonzero(some == code)):
                n_kept += _keep(kept, pairs)
                if n_kept >= PAIRS_AT_A_TIME:
                    yield self._of(kept)
                    n_kept = 0
            yield self._of(kept)

    def _of(self, kept: _Parts) -> NeighbourPairs:
        return NeighbourPairs(self.points, self.max_eps, self.max_own_eps, *_joined(kept))


class TooManyPairsError(ValueError):
    """More pairs are near than may be kept."""


def pairs_within(
    weights: Array,
    participants: Array,
    max_eps: float,
    *,
    max_own_eps: float | None = None,
    block: int = BLOCK,
    device: str = "cpu",
    max_pairs: int = MAX_PAIRS,
) -> NeighbourPairs:
    """Find all pairs of voxels whose weights are closer than some cosine distance.

    One pass over the upper triangle of blocks; never more than one block of distances is in memory,
    beside a float32 copy of the weights and 12 bytes a pair (16 at the end).

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Decoder weights of all participants, stacked; numpy array or torch tensor, of any length.
        A row of zeros has no direction: it is in no pair.
    participants : array of shape (n_voxels,)
        Name or number of the participant of each voxel.
    max_eps : float
        Largest cosine distance of interest, in (0, 1).
    max_own_eps : float, optional
        Largest distance of pairs within one participant, at least `max_eps`, which is the default.
    block : int, default=1024
        Rows and columns compared at a time.
    device : str, default="cpu"
        Where torch multiplies, such as "cuda". The result is the same.
    max_pairs : int, default=100,000,000
        Stop if there are more pairs than this.

    Returns
    -------
    NeighbourPairs

    Raises
    ------
    ValueError
        If the weights are not a finite real (n_voxels, D) array with a voxel or more, the
        participants are not one a voxel, a distance is out of range, or there are more pairs than
        `max_pairs`.
    """
    points = check_points(weights, participants)
    max_own_eps = max_eps if max_own_eps is None else max_own_eps
    return find_pairs(points, max_eps, max_own_eps, block, device, max_pairs)


def find_pairs(
    points: Points, max_eps: float, max_own_eps: float, block: int, device: str, max_pairs: int
) -> NeighbourPairs:
    """Do the work of `pairs_within` for checked points."""
    check_eps(max_eps, "max_eps")
    check_eps(max_own_eps, "max_own_eps")
    if max_own_eps < max_eps:
        raise ValueError(f"max_own_eps={max_own_eps}: expected at least max_eps={max_eps}.")
    check_count("block", block, 1)
    check_count("max_pairs", max_pairs, 1)

    kept: _Parts = ([], [], [])
    n_kept = 0
    wanted = PairsInPasses(points, max_eps, max_own_eps, block, device)
    for *pairs, done in _kept_tiles(wanted, np.arange(len(points))):
        n_kept += _keep(kept, pairs)
        if n_kept > max_pairs:
            raise TooManyPairsError(_too_many(kept[2], n_kept, done, max_eps, max_pairs))
    return NeighbourPairs(points, max_eps, max_own_eps, *_joined(kept))


def _keep(kept: _Parts, pairs: list[np.ndarray]) -> int:
    """Add pairs to the parts of each column, and return how many these are."""
    for parts, array in zip(kept, pairs, strict=True):
        parts.append(array)
    return len(pairs[0])


def _joined(kept: _Parts) -> list[np.ndarray]:
    """Join the parts of each column, and let go of them before the next."""
    columns = []
    for dtype, parts in zip((np.int32, np.int32, np.float32), kept, strict=True):
        columns.append(np.concatenate([np.empty(0, dtype), *parts]))
        parts.clear()
    return columns


def _kept_tiles(
    wanted: PairsInPasses, index: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    """Pairs of some voxels, a tile at a time, and the part compared so far."""
    points = wanted.points
    bound = np.float32(wanted.max_eps + points.tolerance)
    tiles = _tiles(points, index, wanted.max_own_eps, wanted.block, wanted.device)
    for left, right, distance, done in tiles:
        keep = (distance < bound) | (points.codes[left] == points.codes[right])
        yield left[keep], right[keep], distance[keep], done


def _tiles(
    points: Points, index: np.ndarray, max_eps: float, block: int, device: str
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    """Pairs closer than max_eps (and some a float32 error beyond), and the part compared so far."""
    import torch

    index = index[points.squares[index] > 0]
    unit = np.empty((len(index), points.weights.shape[1]), dtype=np.float32)
    for start in range(0, len(index), points.chunk):
        unit[start : start + points.chunk] = points.unit(index[start : start + points.chunk])
    rows = torch.from_numpy(unit).to(check_device(device))
    index = index.astype(np.int32)
    n, done = len(index), 0
    floor = 1 - max_eps - points.tolerance
    for top in range(0, n, block):
        for side in range(top, n, block):
            cosine = _product(rows[top : top + block], rows[side : side + block])
            find = _above_in_memory if cosine.device.type == "cpu" else _above_on_device
            place, near = find(cosine, floor)
            i, j = np.divmod(place, cosine.shape[1])
            distance = 1 - near
            if side == top:
                above = i < j
                i, j, distance = i[above], j[above], distance[above]
            done += cosine.numel() * (1 if side == top else 2)
            yield index[top + i], index[side + j], distance, done / n**2


def _above_in_memory(cosine: Any, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Flat places and values above the floor; on one core numpy is six times as fast as torch."""
    flat = cosine.numpy().reshape(-1)
    place = np.flatnonzero(flat > floor)
    return place, flat[place]


def _above_on_device(cosine: Any, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Do the same where the tensor is, and fetch only what is found."""
    flat = cosine.reshape(-1)
    place = (flat > floor).nonzero().squeeze(1)
    return place.cpu().numpy(), flat[place].cpu().numpy()


def _product(left: Any, right: Any) -> Any:
    """Products of rows in true float32, whatever precision the process allows elsewhere."""
    import torch

    precision = torch.get_float32_matmul_precision()
    if precision == "highest":
        return left @ right.T
    torch.set_float32_matmul_precision("highest")
    try:
        return left @ right.T
    finally:
        torch.set_float32_matmul_precision(precision)


def _too_many(kept: list, n_kept: int, done: float, max_eps: float, max_pairs: int) -> str:
    expected = n_kept / done
    distances = np.concatenate(kept)
    smaller = min(float(np.quantile(distances, max_pairs / expected)), max_eps)
    return (
        f"max_eps={max_eps}: {n_kept:,} pairs after {done:.0%} of the comparisons, about "
        f"{expected:,.0f} in all, and max_pairs={max_pairs:,}. Take a smaller eps (about "
        f"{max(smaller, 0):.2f} would fit), fewer voxels, or more max_pairs."
    )
