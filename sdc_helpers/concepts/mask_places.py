"""Whether the masks of several participants lie at the same places.

Voxels of different people are compared through a common grid, coarser than the voxels and widened
by a step: nobody's patch lies at exactly the place of another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Real

import numpy as np

from sdc_helpers._checks import check_count, check_share
from sdc_helpers.concepts._mask_inputs import check_masks
from sdc_helpers.concepts.patches import check_positions

_MAX_CELLS = 50_000_000  # of the grid: more, and positions are no millimetres


@dataclass(frozen=True, eq=False)
class PlaceAgreement:
    """How the masks of pairs of participants overlap on a common grid.

    Attributes
    ----------
    pairs : tuple of (int, int)
        Numbers of the participants of each pair.
    jaccard : float array of shape (n_pairs, n_components, n_components)
        Cells in both over cells in any, of the first one's mask of the row's component and the
        second one's mask of the column's. 0 where a mask is empty.
    """

    pairs: tuple[tuple[int, int], ...]
    jaccard: np.ndarray

    @property
    def same(self) -> np.ndarray:
        """Jaccard of the same component in two participants, (n_pairs, n_components)."""
        return np.diagonal(self.jaccard, axis1=1, axis2=2)

    @property
    def other(self) -> np.ndarray:
        """Jaccard of different components, (n_pairs, n_components * (n_components - 1))."""
        different = ~np.eye(self.jaccard.shape[1], dtype=bool)
        return self.jaccard[:, different]

    @property
    def auc(self) -> float:
        """Probability that the same component overlaps more than another; NaN of a single one."""
        from scipy.stats import rankdata

        same, other = self.same.ravel(), self.other.ravel()
        if not other.size:
            return float("nan")
        ranks = rankdata(np.concatenate([same, other]))[: same.size].sum()
        return float((ranks - same.size * (same.size + 1) / 2) / (same.size * other.size))


@dataclass(frozen=True, eq=False)
class SharedMask:
    """Components whose masks several participants have at the same place.

    Attributes
    ----------
    takes_part : bool array of shape (n_components, n_participants)
        Whether enough of the participant's mask lies where others have it.
    masks : tuple of bool arrays of shape (n_components, n_voxels)
        For each participant, the voxels of the mask that lie there.
    n_participants : int
        How many participants are asked for.
    """

    takes_part: np.ndarray
    masks: tuple[np.ndarray, ...]
    n_participants: int

    @property
    def counts(self) -> np.ndarray:
        """Number of participants that take part, (n_components,)."""
        return self.takes_part.sum(axis=1)

    @property
    def is_shared(self) -> np.ndarray:
        """Whether enough participants take part, (n_components,)."""
        return self.counts >= self.n_participants


def place_agreement(
    masks: Sequence[np.ndarray],
    positions: Sequence[np.ndarray],
    *,
    cell: float = 4.0,
    n_steps: int = 1,
) -> PlaceAgreement:
    """Compare the places of all masks of all pairs of participants.

    Parameters
    ----------
    masks : sequence of bool arrays of shape (n_components, n_voxels)
        Hard masks of each participant, two or more; the same components in the same order.
    positions : sequence of arrays of shape (n_voxels, 3)
        Positions of each participant's voxels in millimetres, in a space that participants share,
        such as MNI.
    cell : float, default=4.0
        Edge of the grid's cells, in millimetres.
    n_steps : int, default=1
        Cells by which every mask is widened in the direction of the axes.

    Returns
    -------
    PlaceAgreement

    Raises
    ------
    ValueError
        If there is one participant only, shapes do not match, masks are not bool, a position is not
        finite, cell is not a number above 0, or the grid would have more than 50 million cells.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import place_agreement
    >>> places = 4.0 * np.stack(np.meshgrid(*[np.arange(6)] * 3), axis=-1).reshape(-1, 3)
    >>> masks = np.array([places[:, 0] < 8, places[:, 0] > 16])  # two ends of a cube of voxels
    >>> agreement = place_agreement([masks, masks], [places, places + 1])
    >>> agreement.jaccard[0].round(1).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    grids = _grids(masks, positions, cell, n_steps)
    flat = [grid.reshape(len(grid), -1).astype(np.float32) for grid in grids]
    pairs = tuple(combinations(range(len(flat)), 2))
    values = []
    for first, second in pairs:
        both = flat[first] @ flat[second].T
        sizes = flat[first].sum(axis=1)[:, None] + flat[second].sum(axis=1)
        values.append(both / np.maximum(sizes - both, 1))
    return PlaceAgreement(pairs, np.array(values, dtype=float))


def shared_mask(
    masks: Sequence[np.ndarray],
    positions: Sequence[np.ndarray],
    *,
    n_participants: int = 3,
    min_share: float = 0.25,
    cell: float = 4.0,
    n_steps: int = 1,
) -> SharedMask:
    """Make "shared" a condition: enough participants have the mask at the same place.

    A participant takes part in a component if at least `min_share` of the mask's voxels lie in
    cells where at least `n_participants` participants, this one included, have theirs.

    Parameters
    ----------
    masks, positions, cell, n_steps
        Parameters of `place_agreement`, which describes them.
    n_participants : int, default=3
        Number of participants from which a component is shared, two or more.
    min_share : float, default=0.25
        Share of a participant's mask that has to lie where enough others have it, above 0.

    Returns
    -------
    SharedMask

    Raises
    ------
    ValueError
        If n_participants is below 2 or above the number of participants, min_share is not in
        (0, 1], or what is given is refused by `place_agreement`.

    See Also
    --------
    place_agreement : The overlap of each pair, and of different components.
    """
    check_count("n_participants", n_participants, 2)
    check_share("min_share", min_share, "upper")
    grids = _grids(masks, positions, cell, n_steps)
    if n_participants > len(grids):
        raise ValueError(
            f"n_participants={n_participants}: there are masks of {len(grids)}; expected at most "
            "as many."
        )
    enough = np.sum(grids, axis=0) >= n_participants
    places = _cells([check_positions(p) for p in positions], cell, n_steps)
    there, takes_part = [], []
    for own, where in zip(masks, places, strict=True):
        own = check_masks("masks", own)
        inside = own & enough[:, *where.T]
        there.append(inside)
        takes_part.append(inside.sum(axis=1) >= min_share * np.maximum(own.sum(axis=1), 1))
    return SharedMask(np.array(takes_part).T, tuple(there), n_participants)


def _grids(
    masks: Sequence[np.ndarray], positions: Sequence[np.ndarray], cell: float, n_steps: int
) -> list[np.ndarray]:
    """Put the masks of each participant on the common grid, widened, (n_components, x, y, z)."""
    from scipy.ndimage import binary_dilation

    if len(masks) != len(positions) or len(masks) < 2:
        raise ValueError(
            f"masks is of {len(masks)} participants and positions of {len(positions)}; expected "
            "both of the same two or more. One participant agrees with nobody."
        )
    if not (isinstance(cell, Real) and not isinstance(cell, bool) and 0 < cell < np.inf):
        raise ValueError(f"cell={cell!r}: expected millimetres above 0.")
    check_count("n_steps", n_steps)
    rows = [check_masks(f"masks[{i}]", own) for i, own in enumerate(masks)]
    where = [check_positions(own) for own in positions]
    for number, (own, places) in enumerate(zip(rows, where, strict=True)):
        if own.shape != (len(rows[0]), len(places)):
            raise ValueError(
                f"masks[{number}] has shape {own.shape}; expected ({len(rows[0])}, {len(places)}): "
                "as many components as the first participant, and a voxel for each position."
            )
    cells = _cells(where, cell, n_steps)
    shape = tuple(np.concatenate(cells).max(axis=0) + n_steps + 1)
    if np.prod(shape, dtype=float) > _MAX_CELLS:
        raise ValueError(
            f"positions span {' x '.join(map(str, shape))} cells of {cell} mm; expected a brain. "
            "Give millimetres in a space that participants share, or a larger cell."
        )
    step = np.zeros((3, 3, 3, 3), dtype=bool)  # the first axis are components: no step along it
    step[1] = [[[abs(i) + abs(j) + abs(k) < 2 for k in (-1, 0, 1)] for j in (-1, 0, 1)]
               for i in (-1, 0, 1)]  # fmt: skip
    grids = []
    for own, places in zip(rows, cells, strict=True):
        grid = np.zeros((len(own), *shape), dtype=bool)
        component, voxel = np.nonzero(own)
        grid[component, *places[voxel].T] = True
        grids.append(binary_dilation(grid, step, n_steps) if n_steps else grid)
    return grids


def _cells(positions: Sequence[np.ndarray], cell: float, margin: int) -> list[np.ndarray]:
    """Return the cell of each voxel, int (n_voxels, 3), in a box with a margin."""
    lowest = np.min([own.min(axis=0) for own in positions], axis=0)
    return [np.floor((own - lowest) / cell).astype(int) + margin for own in positions]
