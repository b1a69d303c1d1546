"""Concepts that participants share: clusters of decoder weights, and how many of them are true."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdc_helpers.concepts._neighbour_pairs import NeighbourPairs, pairs_within
    from sdc_helpers.concepts.found import FoundConcepts, find_concepts
    from sdc_helpers.concepts.ranking import RankingAUC, ranking_auc
    from sdc_helpers.concepts.recovery import (
        ConceptMatch,
        FoundConcept,
        PlantedVoxels,
        Recovery,
        recover,
        truth_masks,
    )
    from sdc_helpers.concepts.shared_dbscan import SharedDBSCAN, expansion_radius, sweep

__all__ = [
    "ConceptMatch",
    "FoundConcept",
    "FoundConcepts",
    "NeighbourPairs",
    "PlantedVoxels",
    "RankingAUC",
    "Recovery",
    "SharedDBSCAN",
    "expansion_radius",
    "find_concepts",
    "pairs_within",
    "ranking_auc",
    "recover",
    "sweep",
    "truth_masks",
]

_MODULE_OF = {
    "NeighbourPairs": "_neighbour_pairs",
    "pairs_within": "_neighbour_pairs",
    "FoundConcepts": "found",
    "find_concepts": "found",
    "ConceptMatch": "recovery",
    "FoundConcept": "recovery",
    "PlantedVoxels": "recovery",
    "RankingAUC": "ranking",
    "Recovery": "recovery",
    "ranking_auc": "ranking",
    "recover": "recovery",
    "truth_masks": "recovery",
    "SharedDBSCAN": "shared_dbscan",
    "expansion_radius": "shared_dbscan",
    "sweep": "shared_dbscan",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
