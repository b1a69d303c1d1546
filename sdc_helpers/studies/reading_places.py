"""Where the voxels of concepts lie: their volumes, and the regions that localisers mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.concepts import overlap
from sdc_helpers.studies.voxel_places import touching_reach, voxel_places

if TYPE_CHECKING:
    from sdc_helpers.studies.reading_study import ReadingStudy

LOCALISERS = ("floc-faces", "floc-bodies", "floc-places", "floc-words")
"""Localisers that are asked, where every participant has them."""


@dataclass(frozen=True, eq=False)
class LocaliserOverlap:
    """How the voxels of each concept overlap the regions that localisers mark.

    Attributes
    ----------
    localisers : tuple of str
        Names of the localisers.
    dice : array of shape (n_concepts, n_localisers, n_participants)
        Dice coefficients; NaN where a participant has too few voxels, or no region.
    by_luck : array of shape (n_concepts, n_participants)
        Mean Dice coefficient of equally large patches at random places, with the concept's best
        localiser.
    """

    localisers: tuple[str, ...]
    dice: np.ndarray
    by_luck: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The localiser that each concept overlaps most in the mean, int (n_concepts,)."""
        return _best_of(self.dice)

    @property
    def of_best(self) -> np.ndarray:
        """Dice coefficients with the best localiser, (n_concepts, n_participants)."""
        return self.dice[np.arange(len(self.dice)), self.best]

    @property
    def is_on_it(self) -> np.ndarray:
        """Whether the mean beats the random patches of every participant, (n_concepts,)."""
        luck = np.where(np.isfinite(self.by_luck), self.by_luck, -np.inf).max(axis=1)
        return _mean_of_measured(self.of_best) > luck


def volumes_of(reading: ReadingStudy, concept: int) -> dict[str, np.ndarray]:
    """Put the voxels of a concept into each participant's volume.

    Parameters
    ----------
    reading : ReadingStudy
        The concepts.
    concept : int
        Number of the concept.

    Returns
    -------
    dict of str to bool array of shape (X, Y, Z)
    """
    volumes = {name: np.zeros(one.mask.shape, dtype=bool) for name, one in reading.data.items()}
    for name, one in reading.data.items():
        volumes[name][one.mask] = reading.own[name] == concept
    return volumes


def affines_of(reading: ReadingStudy) -> dict[str, np.ndarray]:
    """Return the matrix from voxel indices to millimetres of each participant, (4, 4)."""
    return {name: reading.study.reader.affine(name) for name in reading.data}


def localiser_overlap(
    reading: ReadingStudy, *, n_draws: int, seed: int, localisers: Sequence[str] = LOCALISERS
) -> LocaliserOverlap:
    """Measure how each concept overlaps each localised region, against patches elsewhere.

    Parameters
    ----------
    reading : ReadingStudy
        The concepts.
    n_draws, seed : int
        Number and seed of the random patches.
    localisers : sequence of str
        Localisers to ask; those that a participant lacks are left out.

    Returns
    -------
    LocaliserOverlap

    Raises
    ------
    ValueError
        If no localiser is left.
    """
    nsd = reading.study.reader
    known = tuple(roi for roi in localisers if all(roi in nsd.rois(name) for name in reading.data))
    if not known:
        raise ValueError(f"no participant's files hold all of {', '.join(localisers)}.")
    regions = {
        (name, roi): nsd.roi(name, roi).volume[one.mask] > 0
        for name, one in reading.data.items()
        for roi in known
    }
    dice = np.full((reading.n_concepts, len(known), len(reading.data)), np.nan)
    for i, name in enumerate(reading.data):
        for k, j in np.ndindex(dice.shape[:2]):
            cluster, region = reading.own[name] == k, regions[name, known[j]]
            if cluster.sum() >= reading.min_voxels and region.any():
                dice[k, j, i] = 2 * (cluster & region).sum() / (cluster.sum() + region.sum())
    best = _best_of(dice)
    by_luck = np.full((reading.n_concepts, len(reading.data)), np.nan)
    for i, (name, one) in enumerate(reading.data.items()):
        affine = nsd.affine(name)
        positions, reach = voxel_places(one.mask, affine), touching_reach(affine)
        for k in np.flatnonzero(np.isfinite(dice[np.arange(len(dice)), best, i])).tolist():
            region = regions[name, known[best[k]]]
            by_luck[k, i] = overlap(
                positions, reading.own[name] == k, region.astype(float), region, reach=reach,
                n_draws=n_draws, rng=np.random.default_rng([seed, 7, i, k]),
            ).dice.null.mean()  # fmt: skip
    return LocaliserOverlap(known, dice, by_luck)


def _mean_of_measured(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; 0 where there is nothing else."""
    is_measured = np.isfinite(values)
    total = np.where(is_measured, values, 0).sum(axis=-1)
    return total / np.maximum(is_measured.sum(axis=-1), 1)


def _best_of(dice: np.ndarray) -> np.ndarray:
    return _mean_of_measured(dice).argmax(axis=1)
