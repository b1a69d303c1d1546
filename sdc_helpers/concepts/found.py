"""From participants to shared concepts, with the choices that the course makes, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.concepts._neighbour_pairs import check_count
from sdc_helpers.concepts.selection import (
    Selection,
    Setting,
    StackedWeights,
    reproduced,
    select_clustering,
    shuffle_pairs,
    stack_weights,
)
from sdc_helpers.concepts.shared_dbscan import SharedDBSCAN

if TYPE_CHECKING:
    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.decoding.participants import ParticipantData

EPS = tuple(np.round(np.arange(0.12, 0.52, 0.02), 2).tolist())
"""Values of eps that are tried."""


@dataclass(frozen=True, eq=False)
class FoundConcepts:
    """Shared concepts and how they were found.

    Attributes
    ----------
    weights : StackedWeights
        What was clustered.
    nulls : tuple of arrays of shape (n_voxels, D)
        Weights of decoders of shuffled pairs.
    selection : Selection
        Every setting that was tried.
    setting : Setting
        The one that was taken: the chosen one, or where none was allowed the one with the lowest
        false discovery.
    model : SharedDBSCAN
        Fitted at that setting.
    is_reproduced : bool array of shape (n_concepts,)
        Whether both halves of the runs have the concept, at that setting.
    """

    weights: StackedWeights
    nulls: tuple[np.ndarray, ...]
    selection: Selection
    setting: Setting
    model: SharedDBSCAN
    is_reproduced: np.ndarray


def find_concepts(
    data: Mapping[str, ParticipantData],
    decoder: ContrastiveDecoder,
    *,
    n_shuffles: int = 1,
    seed: int = 0,
    progress: bool = False,
) -> FoundConcepts:
    """Fit decoders, choose the setting of the clustering, and cluster.

    Parameters
    ----------
    data : mapping of str to ParticipantData
        From ``load_participants``.
    decoder : ContrastiveDecoder
        Unfitted; of at least two runs.
    n_shuffles : int, default=1
        Refits with shuffled pairs, for the false-discovery proportion.
    seed : int, default=0
        Of the shuffles.
    progress : bool, default=False
        Whether to show a bar.

    Returns
    -------
    FoundConcepts

    Raises
    ------
    ValueError
        If n_shuffles is below 1, or there are too few participants (see `SharedDBSCAN`).
    """
    from sdc_helpers.decoding.participants import fit_decoders

    check_count(n_shuffles, "n_shuffles")
    stacked = stack_weights(fit_decoders(data, decoder, progress=progress))
    nulls = []
    for shuffle in range(n_shuffles):
        rng = np.random.default_rng([seed, 1, shuffle])
        shuffled = {name: shuffle_pairs(one, rng) for name, one in data.items()}
        nulls.append(stack_weights(fit_decoders(shuffled, decoder, progress=progress)).weights)
    least = (3,) if len(data) < 6 else (3, 4)
    selection = select_clustering(
        stacked.weights, stacked.halves, nulls, stacked.participants, EPS, least
    )
    some = [s for s in selection.settings if s.n_concepts] or selection.settings[:1]
    setting = selection.chosen or min(some, key=lambda s: s.false_discovery)
    model, *halves = (
        SharedDBSCAN(setting.eps, setting.min_participants).fit(weights, stacked.participants)
        for weights in (stacked.weights, *stacked.halves)
    )
    in_halves = [reproduced(model.labels_, half.labels_) for half in halves]
    return FoundConcepts(
        stacked, tuple(nulls), selection, setting, model, np.logical_and(*in_halves)
    )
