"""Masks of components against the regions that localisers of their concepts found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.concepts import localiser_overlap, score_regions
from sdc_helpers.simulate.concepts import SHARED

if TYPE_CHECKING:
    from sdc_helpers.measures import NullTest
    from sdc_helpers.studies.component_study import ComponentStudy, Masks

_LOCALISERS = {concept.name: concept.sites[0].roi for concept in SHARED if concept.sites[0].roi}


def localiser_auc(
    study: ComponentStudy, masks: Masks, directions: np.ndarray
) -> tuple[float, float]:
    """Rank the voxels of localised regions by the gates of masks.

    Parameters
    ----------
    study : ComponentStudy
        With planted truth, which names the localiser of each concept.
    masks : Masks
        Of all participants.
    directions : array of shape (n_components, D)
        Their components.

    Returns
    -------
    own, other : float
        AUC of each concept's own mask, and mean over the masks of other components that are a
        concept; means over concepts with a localiser and participants. NaN without any.
    """
    mine = study.components_of(directions)
    own, other = [], []
    for name, gates in masks.gates.items():
        regions = _localised(study, name, mine)
        for concept, region in regions.items():
            auc = score_regions(gates, {concept: region}).auc[:, 0]
            own.append(auc[mine[concept]])
            other.append(np.mean([auc[j] for j in mine.values() if j != mine[concept]]))
    return (float(np.mean(own)), float(np.mean(other))) if own else (np.nan, np.nan)


def _localised(study: ComponentStudy, name: str, concepts: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the region of each concept's localiser in a participant's voxels, where it has any."""
    nsd, mask = study.concepts.study.reader, study.data[name].mask
    regions = {
        concept: nsd.roi(name, _LOCALISERS[concept]).volume[mask] > 0
        for concept in concepts
        if _LOCALISERS.get(concept) in nsd.rois(name)
    }
    return {concept: region for concept, region in regions.items() if region.any()}


def localiser_tests(
    study: ComponentStudy,
    masks: Masks,
    directions: np.ndarray,
    name: str,
    *,
    n_draws: int,
    seed: int,
) -> dict[str, NullTest]:
    """Hold one participant's masks against the localised regions of their concepts.

    Parameters
    ----------
    study : ComponentStudy
        With planted truth, which names the localiser of each concept.
    masks : Masks
        Of this participant at least.
    directions : array of shape (n_components, D)
        Their components.
    name : str
        The participant.
    n_draws, seed : int
        Number and seed of the masks of smooth noise.

    Returns
    -------
    dict of str to NullTest
        Dice of mask and region against masks of the same size of noise that is as smooth, by
        concept; masks of fewer than two voxels are left out.
    """
    positions, rng = study.concepts.positions(name), np.random.default_rng([seed, 63])
    mine, tests = study.components_of(directions), {}
    for concept, region in _localised(study, name, mine).items():
        mask = masks.hard[name][mine[concept]]
        if mask.sum() > 1:
            tests[concept] = localiser_overlap(
                positions, mask, region.astype(float), region, n_draws=n_draws, rng=rng
            ).dice
    return tests
