"""Pairs of voxels with similar decoder weights, found block by block and kept sparse.

The products are float32, and what float32 cannot decide is computed again in float64 from the two
rows alone. So neither the block, the device nor the order of the rows decides who is a neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = Any  # a numpy array or a torch tensor

MAX_PAIRS = 100_000_000
BLOCK = 1024
_CHUNK_VALUES = 2**19  # float64 values a chunk of gathered rows


@dataclass(frozen=True, eq=False)
class Points:
    """Voxels as directions: their weights, checked, and whose they are.

    Attributes
    ----------
    weights : float32 or float64 array of shape (n_voxels, D)
        Decoder weights as given, not normalised, C-contiguous; not copied where they already are.
    codes : int array of shape (n_voxels,)
        Participant of each voxel, as a position in `names`.
    names : array of shape (n_participants,)
        Participants, ascending.
    exponents : int array of shape (n_voxels,)
        Power of two that brings the largest weight of a row into [0.5, 1).
    squares : float64 array of shape (n_voxels,)
        Squared length of the row so scaled; 0 for a row of zeros.
    """

    weights: np.ndarray
    codes: np.ndarray
    names: np.ndarray
    exponents: np.ndarray
    squares: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def tolerance(self) -> float:
        """Bound on the error of a float32 distance: (D + 8) half units in the last place of 1."""
        return (self.weights.shape[1] + 8) * 2.0**-24

    def unit(self, index: np.ndarray | slice) -> np.ndarray:
        """Rows of length 1 in float64; a row of zeros stays one."""
        lengths = np.sqrt(self.squares[index])
        return self._scaled(index) / np.where(lengths == 0, 1, lengths)[:, None]

    def distance(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Cosine distances in float64; the same for a pair wherever its rows stand."""
        distance = np.empty(len(left))
        size = self.chunk
        for start in range(0, len(left), size):
            i, j = left[start : start + size], right[start : start + size]
            # Summed along each row, not as a matrix product, whose order of summing may vary.
            dot = (self._scaled(i) * self._scaled(j)).sum(axis=1)
            distance[start : start + size] = 1 - dot / np.sqrt(self.squares[i] * self.squares[j])
        return distance

    @property
    def chunk(self) -> int:
        """Rows to gather at a time."""
        return max(1, _CHUNK_VALUES // self.weights.shape[1])

    def _scaled(self, index: np.ndarray | slice) -> np.ndarray:
        rows = self.weights[index].astype(np.float64)
        return np.ldexp(rows, -self.exponents[index][:, None])


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
    beside a float32 copy of the weights and 12 bytes a pair (twice that at the end).

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

    bound = np.float32(max_eps + points.tolerance)
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    n_kept = 0
    for left, right, distance, done in _tiles(points, max_own_eps, block, device):
        keep = (distance < bound) | (points.codes[left] == points.codes[right])
        kept.append((left[keep], right[keep], distance[keep]))
        n_kept += len(kept[-1][0])
        if n_kept > max_pairs:
            raise ValueError(_too_many(kept, n_kept, done, max_eps, max_pairs))
    columns = list(zip(*kept, strict=True)) or [()] * 3
    left, right, distance = (
        np.concatenate([np.empty(0, dtype), *parts])
        for dtype, parts in zip((np.int32, np.int32, np.float32), columns, strict=True)
    )
    return NeighbourPairs(points, max_eps, max_own_eps, left, right, distance)


def check_points(weights: Array, participants: Array) -> Points:
    """Check weights and participants, and measure the rows."""
    weights = _as_rows(weights)
    codes, names = _as_participants(participants, len(weights))
    n, width = weights.shape
    exponents, squares = np.empty(n, dtype=np.int32), np.empty(n)
    size = max(1, _CHUNK_VALUES // width)
    for start in range(0, n, size):
        rows = weights[start : start + size].astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            raise ValueError(
                f"weights holds NaN or infinity, first in row {start + bad[0]} (participant "
                f"{names[codes[start + bad[0]]]}). Leave such voxels out before clustering."
            )
        exponent = np.frexp(np.abs(rows).max(axis=1))[1]
        scaled = np.ldexp(rows, -exponent[:, None])
        exponents[start : start + size] = exponent
        squares[start : start + size] = (scaled * scaled).sum(axis=1)
    return Points(weights, codes, names, exponents, squares)


def check_eps(eps: float, name: str = "eps") -> None:
    """Raise unless a cosine distance is a number in (0, 1)."""
    is_number = isinstance(eps, int | float | np.integer | np.floating)
    if not is_number or isinstance(eps, bool) or not 0 < eps < 1:
        raise ValueError(
            f"{name}={eps!r}: expected a cosine distance above 0 and below 1, which is the "
            "distance of unrelated weights."
        )


def _as_rows(weights: Array) -> np.ndarray:
    weights = as_array("weights", weights)
    if weights.ndim != 2 or weights.dtype.kind not in "fiu":
        raise ValueError(
            f"weights has shape {weights.shape} and type {weights.dtype}; expected a real array of "
            "shape (n_voxels, D)."
        )
    if 0 in weights.shape:
        raise ValueError(f"weights has shape {weights.shape}: there is nothing to cluster.")
    single = weights.dtype.kind == "f" and weights.dtype.itemsize <= 4
    return np.ascontiguousarray(weights, dtype=np.float32 if single else np.float64)


def _as_participants(participants: Array, n: int) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(participants, "detach"):
        participants = participants.detach().cpu().numpy()
    participants = as_array("participants", participants)
    if participants.shape != (n,):
        raise ValueError(
            f"participants has shape {participants.shape}; expected ({n},): one a row of weights."
        )
    if participants.dtype.kind not in "iuUS":
        raise ValueError(
            f"participants has type {participants.dtype}; expected names or whole numbers."
        )
    names, codes = np.unique(participants, return_inverse=True)
    return codes.reshape(-1), names


def _tiles(
    points: Points, max_eps: float, block: int, device: str
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    """Pairs closer than max_eps (and some a float32 error beyond), and the part compared so far."""
    import torch

    index = np.flatnonzero(points.squares)
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
    distances = np.concatenate([distance for *_, distance in kept])
    smaller = min(float(np.quantile(distances, max_pairs / expected)), max_eps)
    return (
        f"max_eps={max_eps}: {n_kept:,} pairs after {done:.0%} of the comparisons, about "
        f"{expected:,.0f} in all, and max_pairs={max_pairs:,}. Take a smaller eps (about "
        f"{max(smaller, 0):.2f} would fit), fewer voxels, or more max_pairs."
    )
