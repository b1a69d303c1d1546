"""What voxel masks show: what they keep and leave of a decoder, and which regions they cover.

That a mask keeps a correlation proves little: in patches of voxels that say the same, a random mask
of the same size keeps most of it too. So what is *left* without the mask stands beside it, and the
masks of other components, and random ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.concepts._mask_inputs import check_gates, check_masks, check_trials
from sdc_helpers.concepts._surrogates import label_maps, smoothness_of_labels
from sdc_helpers.concepts.patches import Overlap, check_positions
from sdc_helpers.measures import NullTest


@dataclass(frozen=True, eq=False)
class Retained:
    """What masks keep and leave of the correlation of each read-out with its true score.

    Attributes
    ----------
    unmasked : float array of shape (n_components,)
        Correlation of each component with all voxels open.
    r_kept : float array of shape (n_components, n_components)
        Correlation of the row's component through the mask of the column's; 0 through an empty one.
    r_left : float array of shape (n_components, n_components)
        Correlation through all voxels but the mask's.
    r_random : float array of shape (n_draws, n_components)
        Correlation of each component through random masks of the size of its own.
    sizes : int array of shape (n_components,)
        Voxels of each mask.
    """

    unmasked: np.ndarray
    r_kept: np.ndarray
    r_left: np.ndarray
    r_random: np.ndarray
    sizes: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """The matrix `r_kept` as shares of the correlation without a mask.

        NaN in the rows of components that are not read at all (`unmasked` of 0 or less), as in all
        shares below. A mean over components is steadier as a share of sums.
        """
        return self.r_kept / self._whole[:, None]

    @property
    def left(self) -> np.ndarray:
        """The matrix `r_left` as shares. Not 1 - kept: patches are redundant."""
        return self.r_left / self._whole[:, None]

    @property
    def random(self) -> np.ndarray:
        """What random masks keep, `r_random`, as shares."""
        return self.r_random / self._whole

    @property
    def own(self) -> np.ndarray:
        """Share that each component keeps through its own mask, (n_components,)."""
        return np.diag(self.kept)

    @property
    def own_left(self) -> np.ndarray:
        """Share of each component that is left without its own mask, (n_components,)."""
        return np.diag(self.left)

    @property
    def others(self) -> np.ndarray:
        """Shares kept through others' masks, (n_components, n_components - 1)."""
        n = len(self.kept)
        return self.kept[~np.eye(n, dtype=bool)].reshape(n, n - 1)

    @property
    def tests(self) -> tuple[NullTest, ...]:
        """What each own mask keeps, `r_kept`, against random masks of the same size."""
        scheme = "random masks of the same size"
        pairs = zip(np.diag(self.r_kept), self.r_random.T, strict=True)
        return tuple(NullTest.from_null(own, null, scheme=scheme) for own, null in pairs)

    @property
    def _whole(self) -> np.ndarray:
        return np.where(self.unmasked > 0, self.unmasked, np.nan)


def read_through(
    responses: np.ndarray,
    embeddings: np.ndarray,
    decoder: Any,
    components: np.ndarray,
    masks: np.ndarray,
) -> np.ndarray:
    """Correlate what a decoder reads through masks with what was seen.

    Parameters
    ----------
    responses, embeddings, decoder, components
        What `VoxelMask.fit` takes; of test trials.
    masks : array of shape (n_masks, n_voxels)
        Hard masks, bool, or soft ones, from 0 to 1.

    Returns
    -------
    float64 array of shape (n_components, n_masks)
        Correlation over trials of each component's score and its read-out through each mask; 0
        where the read-out does not vary, as through an empty mask.

    Raises
    ------
    ValueError
        If the masks do not match, or what is given is refused by `VoxelMask.fit`.

    See Also
    --------
    retained : The same beside what is left, and random masks.
    """
    from sdc_helpers.concepts._frozen_decoders import Reader

    trials = check_trials(responses, embeddings, components)
    masks = check_gates("masks", masks, trials.X.shape[1])
    reader = Reader(trials, decoder)
    return np.stack([reader.through(mask[None]) for mask in masks], axis=1)


def retained(
    responses: np.ndarray,
    embeddings: np.ndarray,
    decoder: Any,
    components: np.ndarray,
    masks: np.ndarray,
    *,
    n_draws: int = 20,
    rng: np.random.Generator | int = 0,
) -> Retained:
    """Measure what each component keeps through every mask, and what is left without it.

    Parameters
    ----------
    responses, embeddings, decoder, components
        What `VoxelMask.fit` takes; of test trials, which chose nothing.
    masks : bool array of shape (n_components, n_voxels)
        The mask of each component.
    n_draws : int, default=20
        Number of random masks for each component, of as many voxels as its own has.
    rng : numpy.random.Generator or int, default=0
        Source of the random masks, or its seed.

    Returns
    -------
    Retained

    Raises
    ------
    ValueError
        If the masks are not bool or do not match, n_draws is below 1, or what is given is refused
        by `VoxelMask.fit`.

    Examples
    --------
    Three pairs of voxels; each pair says one dimension of the embedding twice:

    >>> import numpy as np
    >>> from sdc_helpers.concepts import retained
    >>> Y = np.random.default_rng(0).normal(size=(100, 3))
    >>> pairs = np.repeat(np.eye(3), 2, axis=0)
    >>> masks = np.eye(3, 6, dtype=bool)[:, [0, 5, 1, 4, 2, 3]]  # the first voxel of each pair
    >>> result = retained(Y[:, [0, 0, 1, 1, 2, 2]], Y, (pairs, np.zeros(3)), np.eye(3), masks)
    >>> result.own.round(2).tolist(), result.own_left.round(2).tolist()
    ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    """
    from sdc_helpers.concepts._frozen_decoders import Reader

    check_count("n_draws", n_draws, 1)
    trials = check_trials(responses, embeddings, components)
    masks = check_masks("masks", check_gates("masks", masks, trials.X.shape[1]), len(trials.scores))
    reader = Reader(trials, decoder)
    kept = np.stack([reader.through(mask[None]) for mask in masks], axis=1)
    left = np.stack([reader.through(~mask[None]) for mask in masks], axis=1)
    rng = np.random.default_rng(rng)
    random = np.stack([reader.through(rng.permuted(masks, axis=1)) for _ in range(n_draws)])
    return Retained(reader.unmasked, kept, left, random, masks.sum(axis=1))


@dataclass(frozen=True, eq=False)
class RegionScores:
    """Masks against regions, such as planted patches or those of localisers.

    Attributes
    ----------
    names : tuple of str
        The regions.
    dice : float array of shape (n_masks, n_regions)
        Twice the voxels in both over the sum of the sizes; 0 of an empty mask.
    auc : float array of shape (n_masks, n_regions)
        Probability that a voxel of the region has a more open gate than one outside, ties counting
        half.
    sizes : int array of shape (n_masks,)
        Voxels of each hard mask.
    """

    names: tuple[str, ...]
    dice: np.ndarray
    auc: np.ndarray
    sizes: np.ndarray


def score_regions(
    gates: np.ndarray, regions: Mapping[str, np.ndarray], *, mask: np.ndarray | None = None
) -> RegionScores:
    """Score soft and hard masks against regions.

    Parameters
    ----------
    gates : array of shape (n_masks, n_voxels)
        Any number that says how much each voxel belongs: soft masks, or the values of a map, whose
        sizes count and not their signs.
    regions : mapping of str to bool array of shape (n_voxels,)
        Voxels of each region.
    mask : bool array of shape (n_masks, n_voxels), optional
        Hard masks; by default where `gates` is at least .5.

    Returns
    -------
    RegionScores

    Raises
    ------
    ValueError
        If shapes do not match, values are not finite, or a region is empty or everything.

    See Also
    --------
    localiser_overlap : One mask against one localiser, with a null that is as smooth.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import score_regions
    >>> faces = np.array([True, True, False, False])
    >>> scores = score_regions([[0.9, 0.4, 0.7, 0.1]], {"faces": faces})
    >>> scores.dice.tolist(), scores.auc.tolist()
    ([[0.5]], [[0.75]])
    """
    gates = np.abs(as_array("gates", gates, float))
    if gates.ndim != 2 or 0 in gates.shape or not np.isfinite(gates).all():
        raise ValueError(f"gates has shape {gates.shape}; expected finite (n_masks, n_voxels).")
    hard = gates >= 0.5 if mask is None else check_masks("mask", mask, len(gates))
    if hard.shape != gates.shape:
        raise ValueError(f"mask has shape {hard.shape}; expected that of gates, {gates.shape}.")
    if not regions:
        raise ValueError("regions is empty; name one region or more.")
    where = []
    for name, region in regions.items():
        region = as_array(f"regions[{name!r}]", region)
        if region.shape != gates.shape[1:] or region.dtype != bool:
            raise ValueError(
                f"regions[{name!r}] has shape {region.shape} of {region.dtype}; expected bool of "
                f"({gates.shape[1]},)."
            )
        if region.all() or not region.any():
            raise ValueError(
                f"regions[{name!r}] has {region.sum()} of {len(region)} voxels; expected some. "
                "Leave it out."
            )
        where.append(region)
    inside = np.array(where).T  # (n_voxels, n_regions)
    n_in, sizes = inside.sum(axis=0), hard.sum(axis=1)
    dice = 2 * (hard @ inside.astype(int)) / (sizes[:, None] + n_in)
    return RegionScores(tuple(regions), dice, _auc(gates, inside.T), sizes)


def localiser_overlap(
    positions: np.ndarray,
    mask: np.ndarray,
    localiser: np.ndarray,
    region: np.ndarray,
    *,
    n_draws: int = 199,
    rng: np.random.Generator,
) -> Overlap:
    """Hold the overlap of a mask and a localiser against masks of noise that is as smooth.

    Neighbouring voxels are alike in a mask and in a localiser, so both overlap more often, and less
    often, than independent voxels would. The null is masks of smooth noise, of the same size, in
    which a voxel's nearest neighbour is as often of the mask as it is in this one. `overlap` holds
    against compact patches of the same sizes elsewhere, which fits clusters; of a mask that is
    scattered over a region, its patches would be single voxels, and no longer smooth.

    Parameters
    ----------
    positions : array of shape (n_voxels, 3)
        Positions of all voxels in which the mask could be, in millimetres.
    mask : bool array of shape (n_voxels,)
        Hard mask of a component.
    localiser : array of shape (n_voxels,)
        Value of the localiser in each voxel, such as a t value.
    region : bool array of shape (n_voxels,)
        Voxels of the region that was drawn from the localiser.
    n_draws : int, default=199
        Number of masks of noise.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    Overlap
        Dice of mask and region, and the probability that a voxel of the mask has a higher localiser
        value than one outside, each with its null.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, the mask is empty, everything or a single
        voxel, most voxels share their place with another, or n_draws is below 1.
    """
    from scipy.spatial import cKDTree

    positions = check_positions(positions)
    given = {"mask": as_array("mask", mask), "region": as_array("region", region)}
    localiser = as_array("localiser", localiser, float)
    for name, values in {**given, "localiser": localiser}.items():
        if values.shape != (len(positions),):
            raise ValueError(f"{name} has shape {values.shape}; expected ({len(positions)},).")
        if name != "localiser" and values.dtype != bool:
            raise ValueError(f"{name} has type {values.dtype}; expected bool.")
    mask, region = given.values()
    if not np.isfinite(localiser).all():
        raise ValueError("localiser is not finite; leave the voxels without a value out.")
    size = int(mask.sum())
    if size < 2 or mask.all():
        raise ValueError(f"mask has {size} of {len(mask)} voxels; expected two or more, not all.")
    check_count("n_draws", n_draws, 1)
    distance, found = cKDTree(positions).query(positions, k=2)
    spacing = float(np.median(distance[:, 1]))
    if spacing == 0:
        raise ValueError(
            "positions: most voxels have another at the same place; expected one each."
        )
    nearest = np.where(found[:, 1] == np.arange(len(found)), found[:, 0], found[:, 1])
    alike = float(mask[nearest][mask].mean())
    smoothness = smoothness_of_labels(positions, nearest, [size], alike, spacing)
    drawn = np.array([labels == 0 for labels in label_maps(smoothness, [size], n_draws, rng)])
    drawn = np.concatenate([mask[None], drawn])
    dice = 2 * (drawn & region).sum(axis=1) / (size + region.sum())
    auc = _auc(localiser[None], drawn)[0]
    return Overlap(
        *(NullTest.from_null(v[0], v[1:], scheme="masks of smooth noise") for v in (dice, auc))
    )


def _auc(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of rows of values and rows of members, ties counting half."""
    from scipy.stats import rankdata

    n_in = members.sum(axis=1)
    ranks = rankdata(values, axis=1) @ members.T
    return (ranks - n_in * (n_in + 1) / 2) / (n_in * (members.shape[1] - n_in))
