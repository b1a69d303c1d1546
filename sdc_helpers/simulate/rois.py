"""Regions of interest of a simulated participant: what localisers and atlases would have found.

Labels and numbers are those of NSD. Localiser regions cover the planted patches imperfectly, as
those of a short experiment do; retinotopic areas and streams are cut by position.
"""

from __future__ import annotations

import numpy as np

from sdc_helpers.simulate.concepts import SHARED
from sdc_helpers.simulate.cortex import Cortex
from sdc_helpers.simulate.responses import Tuning

LABELS: dict[str, tuple[str, ...]] = {
    "nsdgeneral": ("nsdgeneral",),
    "floc-faces": ("OFA", "FFA-1", "FFA-2", "mTL-faces", "aTL-faces"),
    "floc-bodies": ("EBA", "FBA-1", "FBA-2", "mTL-bodies"),
    "floc-places": ("OPA", "PPA", "RSC"),
    "floc-words": ("OWFA", "VWFA-1", "VWFA-2", "mfs-words", "mTL-words"),
    "prf-visualrois": ("V1v", "V1d", "V2v", "V2d", "V3v", "V3d", "hV4"),
    "prf-eccrois": ("ecc0pt5", "ecc1", "ecc2", "ecc4", "ecc4+"),
    "streams": (
        "early",
        "midventral",
        "midlateral",
        "midparietal",
        "ventral",
        "lateral",
        "parietal",
    ),
}
"""Names of the labels of each ROI, from 1; 0 is "Unknown" and -1 lies outside the cortex."""

DICE_RANGE = (0.4, 0.85)
"""Overlap of a localiser region with its patch that is aimed at."""

_AREAS_MM = {
    **{"V1v": (8, -86, -4), "V1d": (9, -92, 6), "V2v": (12, -80, -10), "V2d": (14, -97, 14)},
    **{"V3v": (20, -78, -13), "V3d": (22, -93, 18), "hV4": (28, -78, -16)},
}
_AREA_RADIUS_MM = 14.0
_STREAMS_MM = {
    **{"midventral": (30, -68, -12), "midlateral": (42, -78, 4), "midparietal": (24, -80, 28)},
    **{"ventral": (36, -48, -16), "lateral": (46, -62, 6), "parietal": (26, -60, 48)},
}


def make_rois(cortex: Cortex, tuning: Tuning, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Label every voxel of the brain in every ROI.

    Parameters
    ----------
    cortex, tuning : Cortex, Tuning
        The participant.
    rng : numpy.random.Generator
        Decides how the localisers miss.

    Returns
    -------
    dict of str to int32 array of shape (n_voxels,)
        Numbers of `LABELS`, 0 for none.
    """
    rois = {name: np.zeros(len(cortex.voxels), dtype=np.int32) for name in LABELS}
    rois["nsdgeneral"][cortex.is_visual] = 1
    areas = _nearest(cortex, _AREAS_MM, LABELS["prf-visualrois"])
    rois["prf-visualrois"] = areas
    rois["prf-eccrois"] = _eccentricity(cortex, areas > 0)
    rois["streams"] = _nearest(cortex, _STREAMS_MM, LABELS["streams"], radius=np.inf)
    rois["streams"][areas > 0] = 1
    for concept in SHARED:
        for site in concept.sites:
            if site.roi:
                number = LABELS[site.roi].index(site.label) + 1
                for side in ("lh", "rh"):
                    patch = (tuning.concept == concept.name) & (
                        tuning.site == f"{side} {site.name}"
                    )
                    if patch.any():
                        region = _localise(cortex, patch, rois[site.roi] == 0, rng)
                        rois[site.roi][region] = number
    return rois


def _localise(
    cortex: Cortex, patch: np.ndarray, is_free: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Find a region that overlaps a patch, moved and resized; rows of the cortex."""
    side = cortex.is_right[np.flatnonzero(patch)[0]]
    rows = np.flatnonzero(cortex.is_visual & is_free & (cortex.is_right == side))
    centre, best = cortex.mm[patch].mean(axis=0), (np.inf, rows[:0])
    for attempt in range(30):
        size = max(2, round(patch.sum() * rng.uniform(0.8, 1.15)))
        moved = centre + rng.normal(0, 3.0 * 0.93**attempt, 3)
        # a voxel of the patch counts as nearer: a localiser does see what is there
        distance = np.linalg.norm(cortex.mm[rows] - moved, axis=1) - 4.0 * patch[rows]
        region = rows[np.argsort(distance, kind="stable")[:size]]
        dice = 2 * patch[region].sum() / (len(region) + patch.sum())
        miss = max(DICE_RANGE[0] - dice, dice - DICE_RANGE[1], 0)
        best = min(best, (miss, region), key=lambda found: found[0])
        if miss == 0:
            break
    return best[1]


def _nearest(
    cortex: Cortex,
    centres: dict[str, tuple[float, float, float]],
    labels: tuple[str, ...],
    radius: float = _AREA_RADIUS_MM,
) -> np.ndarray:
    """Label visual voxels by the nearest centre, mirrored onto their hemisphere."""
    mirrored = cortex.mm * np.where(cortex.is_right[:, None], 1, [-1, 1, 1])
    distance = np.linalg.norm(mirrored[:, None] - np.array(list(centres.values())), axis=2)
    numbers = np.array([labels.index(name) + 1 for name in centres], dtype=np.int32)
    is_near = cortex.is_visual & (distance.min(axis=1) < radius)
    return np.where(is_near, numbers[distance.argmin(axis=1)], 0).astype(np.int32)


def _eccentricity(cortex: Cortex, is_retinotopic: np.ndarray) -> np.ndarray:
    """Cut retinotopic cortex into five bands of equal size from the occipital pole."""
    y = cortex.mm[:, 1]
    bounds = np.quantile(y[is_retinotopic], (0.2, 0.4, 0.6, 0.8))
    return np.where(is_retinotopic, 1 + np.searchsorted(bounds, y), 0).astype(np.int32)
