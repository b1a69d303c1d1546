"""From participants to shared concepts, with the choices that the course makes, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.concepts.selection import (
    Selection,
    Setting,
    reproduced,
    select_clustering,
)
from sdc_helpers.concepts.shared_dbscan import SharedDBSCAN
from sdc_helpers.studies.participants import ParticipantData, fit_decoders

if TYPE_CHECKING:
    from sdc_helpers.decoding.decoders import ContrastiveDecoder

EPS = tuple(np.round(np.arange(0.12, 0.52, 0.02), 2).tolist())
"""Values of eps that are tried."""


def half_means(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average either half of the runs.

    Parameters
    ----------
    runs : array of shape (n_runs, n_voxels, D)
        ``ContrastiveDecoder.coef_runs_``. Of an odd number the last is left out.

    Returns
    -------
    two arrays of shape (n_voxels, D)

    Raises
    ------
    ValueError
        If there are fewer than two.
    """
    runs = as_array("runs", runs)
    if runs.ndim != 3 or len(runs) < 2:
        raise ValueError(f"runs has shape {runs.shape}; expected (2 or more, n_voxels, D).")
    half = len(runs) // 2
    return runs[:half].mean(axis=0), runs[half : 2 * half].mean(axis=0)


@dataclass(frozen=True, eq=False)
class StackedWeights:
    """Decoder weights of all participants, a row a voxel.

    Attributes
    ----------
    weights : array of shape (n_voxels, D)
        Averaged over all runs.
    halves : two arrays of shape (n_voxels, D)
        Averaged over either half of them.
    participants : str array of shape (n_voxels,)
        Whose voxel it is.
    """

    weights: np.ndarray
    halves: tuple[np.ndarray, np.ndarray]
    participants: np.ndarray


def stack_weights(decoders: Mapping[str, ContrastiveDecoder]) -> StackedWeights:
    """Stack the weights of everybody's decoders.

    Parameters
    ----------
    decoders : mapping of str to ContrastiveDecoder
        Linear ones of at least two runs, from ``fit_decoders``.

    Returns
    -------
    StackedWeights
        Participants in the order of the mapping.

    Raises
    ------
    ValueError
        If there is no decoder, or one has a single run.
    """
    if not decoders:
        raise ValueError("decoders is empty; fit at least one participant's.")
    halves = [half_means(decoder.coef_runs_) for decoder in decoders.values()]
    return StackedWeights(
        np.concatenate([decoder.coef_ for decoder in decoders.values()]),
        tuple(np.concatenate(parts) for parts in zip(*halves, strict=True)),
        np.concatenate([np.full(len(decoders[name].coef_), name) for name in decoders]),
    )


def shuffle_pairs(data: ParticipantData, rng: np.random.Generator) -> ParticipantData:
    """Give each image the embedding of another one of its fold, repetitions together.

    Everything else stays: the responses, how alike they are, the embeddings that occur and how
    often. Only which response belongs to which picture is lost.

    Parameters
    ----------
    data : ParticipantData
        Of one participant.
    rng : numpy.random.Generator
        Of the shuffle.

    Returns
    -------
    ParticipantData
        With other embeddings.
    """
    embeddings = data.embeddings.copy()
    for side in ("train", "validation", "test"):
        trials = np.flatnonzero(data.split.trials(side))
        _, first, of_image = np.unique(
            data.image_ids[trials], return_index=True, return_inverse=True
        )
        embeddings[trials] = data.embeddings[trials[rng.permutation(first)[of_image]]]
    return replace(data, embeddings=embeddings)


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
        If n_shuffles is below 1, or there are fewer than four participants: a concept has to lie
        near voxels of three others.
    """
    check_count("n_shuffles", n_shuffles, 1)
    if len(data) < 4:
        raise ValueError(
            f"data holds {len(data)} participants ({', '.join(data)}); expected at least 4, as a "
            "concept has to lie near voxels of three others. Get the files of more participants."
        )
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
