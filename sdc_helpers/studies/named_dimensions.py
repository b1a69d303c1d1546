"""Named dimensions of NSD's shared images: what a direction of known meaning is called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers.concepts import ranking_auc
from sdc_helpers.datasets.nsd_shared import NSDSharedImages
from sdc_helpers.measures import Interval

GROUPS = ("food", "animal", "vehicle", "person", "electronic", "furniture")
"""Groups of COCO's categories that one of the 66 dimensions should be about."""


@dataclass(frozen=True)
class NamedGroup:
    """What dimension a group of images is called by.

    Attributes
    ----------
    group : str
        COCO's group of categories: the meaning that is known.
    name : str
        The dimension of the highest AUC on one half of the images.
    auc : Interval
        Of that name on the other half, over images.
    """

    group: str
    name: str
    auc: Interval


def name_groups(images: NSDSharedImages, seed: int) -> list[NamedGroup]:
    """Name groups of images by the dimension that ranks them highest, and score the names.

    Parameters
    ----------
    images : NSDSharedImages
        Of ``load_nsd_shared``.
    seed : int
        Of the halves: one chooses the name, the other scores it.

    Returns
    -------
    list of NamedGroup
        In the order of `GROUPS`.
    """
    order = np.random.default_rng(seed).permutation(len(images.image_ids))
    names, scored = np.array_split(order, 2)
    return [_name(images, group, names, scored, seed) for group in GROUPS]


def _name(
    images: NSDSharedImages, group: str, names: np.ndarray, scored: np.ndarray, seed: int
) -> NamedGroup:
    shown, dimensions = images.shows(group), images.dimensions
    tried = [
        ranking_auc(column, shown[names], n_bootstrap=1, rng=0).value
        for column in dimensions[names].T
    ]
    best = int(np.argmax(tried))
    auc = ranking_auc(dimensions[scored, best], shown[scored], rng=seed)
    return NamedGroup(group, images.dimension_names[best], auc)
