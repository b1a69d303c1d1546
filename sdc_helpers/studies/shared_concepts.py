"""From participants to shared concepts, with the choices that the course makes, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone

from sdc_helpers._checks import check_count
from sdc_helpers.concepts.chance import beyond_chance
from sdc_helpers.concepts.selection import Selection, Setting, reproduced, select_clustering
from sdc_helpers.concepts.shared_dbscan import SharedDBSCAN
from sdc_helpers.studies.participants import ParticipantData, fit_decoders

if TYPE_CHECKING:
    from scipy.sparse import csc_array

    from sdc_helpers.decoding.decoders import ContrastiveDecoder

EPS = tuple(np.round(np.arange(0.12, 0.52, 0.02), 2).tolist())
"""Values of eps that are tried."""
_SIDES = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class StackedWeights:
    """Decoder weights of all participants, a row a voxel, averaged over the runs.

    Attributes
    ----------
    weights : array of shape (n_voxels, D)
        Of decoders of all training pictures.
    halves : two arrays of shape (n_voxels, D)
        Of decoders of either half of them, see `half_of_pictures`.
    participants : str array of shape (n_voxels,)
        Whose voxel it is.
    """

    weights: np.ndarray
    halves: tuple[np.ndarray, np.ndarray]
    participants: np.ndarray


def stack_weights(decoders: Mapping[str, ContrastiveDecoder]) -> np.ndarray:
    """Stack the weights of everybody's decoders, averaged over the runs.

    Parameters
    ----------
    decoders : mapping of str to ContrastiveDecoder
        Linear ones, from ``fit_decoders``.

    Returns
    -------
    array of shape (n_voxels, D)
        Participants in the order of the mapping.

    Raises
    ------
    ValueError
        If there is no decoder.
    """
    if not decoders:
        raise ValueError("decoders is empty; fit at least one participant's.")
    return np.concatenate([decoder.coef_ for decoder in decoders.values()])


def half_of_pictures(data: ParticipantData, half: int, seed: int = 0) -> ParticipantData:
    """Leave a participant every second training picture, with all its repetitions.

    Decoders of two halves agree where the pictures do: two groups of runs of one training see the
    same trials and agree on their accidents too.

    Parameters
    ----------
    data : ParticipantData
        Of one participant.
    half : {0, 1}
        Which one; the two are disjoint.
    seed : int, default=0
        Of the order in which pictures are dealt out.

    Returns
    -------
    ParticipantData
        All other folds as they were.

    Raises
    ------
    ValueError
        If half is neither 0 nor 1.
    """
    if half not in (0, 1):
        raise ValueError(f"half={half!r}: expected 0 or 1.")
    trials = data.split.trials("train")
    pictures = np.random.default_rng([seed, 2]).permutation(np.unique(data.image_ids[trials]))
    kept = ~trials | np.isin(data.image_ids, pictures[half::2])
    folds = {side: data.split.trials(side)[kept] for side in _SIDES}
    return replace(
        data,
        responses=data.responses[kept],
        embeddings=data.embeddings[kept],
        image_ids=data.image_ids[kept],
        split=_Folds(folds),
    )


@dataclass(frozen=True, eq=False)
class _Folds:
    """Trials of each fold, as ``ParticipantSplit`` gives them."""

    masks: Mapping[str, np.ndarray]

    def trials(self, side: str) -> np.ndarray:
        return self.masks[side]


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
    for side in _SIDES:
        trials = np.flatnonzero(data.split.trials(side))
        _, first, of_image = np.unique(
            data.image_ids[trials], return_index=True, return_inverse=True
        )
        embeddings[trials] = data.embeddings[trials[rng.permutation(first)[of_image]]]
    return replace(data, embeddings=embeddings)


Halve = Callable[[ParticipantData, int, int], ParticipantData]
"""Leaves a participant one of two disjoint halves of the training pictures: data, half, seed."""
Shuffle = Callable[[ParticipantData, np.random.Generator], ParticipantData]
"""Gives responses other embeddings."""


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
        bound of false voxels.
    model : SharedDBSCAN
        Fitted at that setting.
    labels : int array of shape (n_voxels,)
        Concept of each voxel, -1 for none: the clusters that enough participants have beyond
        chance, without the voxels of those who have them no more than chance gives.
    concepts : array of shape (n_concepts, D)
        Mean direction of the voxels of each, unit length.
    clusters : int array of shape (n_concepts,)
        Which cluster of the model each concept is.
    is_reproduced : bool array of shape (n_concepts,)
        Whether decoders of both halves of the pictures have the concept, at that setting.
    """

    weights: StackedWeights
    nulls: tuple[np.ndarray, ...]
    selection: Selection
    setting: Setting
    model: SharedDBSCAN
    labels: np.ndarray
    concepts: np.ndarray
    clusters: np.ndarray
    is_reproduced: np.ndarray

    @property
    def is_allowed(self) -> bool:
        """Whether the setting keeps to what is allowed."""
        return self.selection.chosen is not None

    @property
    def expanded(self) -> csc_array:
        """Expanded clusters of the concepts, bool (n_voxels, n_concepts), see `SharedDBSCAN`."""
        return self.model.expanded_[:, self.clusters]


def find_concepts(
    data: Mapping[str, ParticipantData],
    decoder: ContrastiveDecoder,
    *,
    n_shuffles: int = 5,
    seed: int = 0,
    progress: bool = False,
    min_participants: Sequence[int] | None = None,
    halve: Halve = half_of_pictures,
    shuffle: Shuffle = shuffle_pairs,
    own_seeds: bool = False,
) -> FoundConcepts:
    """Fit decoders, choose the setting of the clustering, and cluster.

    Everybody's decoder is fitted to all training pictures with all its runs; to either half of the
    pictures with half the runs; and to each shuffle with a third of them. Fewer runs leave more of
    the noise of training in the rows: halves then agree less than they could, and rows of shuffled
    pairs spread a little more (a sixth fewer are captured than with all runs, where any are).

    Parameters
    ----------
    data : mapping of str to ParticipantData
        From ``load_participants``.
    decoder : ContrastiveDecoder
        Unfitted.
    n_shuffles : int, default=5
        Refits with shuffled pairs, for the false-discovery proportion. With fewer than 20 draws
        for all participants together a concept is one's by chance more often than in 1 of 20.
    seed : int, default=0
        Of the shuffles, halves, rotations and unrelated rows.
    progress : bool, default=False
        Whether to show a bar.
    min_participants : sequence of int, optional
        Numbers of *other* participants near whose voxels a concept has to lie, all tried; by
        default 3, and 4 too where there are six participants or more. Of three participants, 2.
    halve, shuffle : callable, optional
        How the halves and the shuffled pairs are made, if not picture by picture: of a time
        series, neither is exchangeable so.
    own_seeds : bool, default=False
        See `fit_decoders`.

    Returns
    -------
    FoundConcepts

    Raises
    ------
    ValueError
        If n_shuffles is below 1, or there are not more participants than the least number of
        others: four by default.
    """
    check_count("n_shuffles", n_shuffles, 1)
    least = min(min_participants or (3,))
    if len(data) <= least:
        raise ValueError(
            f"data holds {len(data)} participants ({', '.join(data)}); expected at least "
            f"{least + 1}, as a concept has to lie near voxels of {least} others. Get the files of "
            "more participants, or give min_participants."
        )

    def fit(of: Mapping[str, ParticipantData], share: int = 1) -> np.ndarray:
        fewer = clone(decoder).set_params(n_runs=max(1, decoder.n_runs // share))
        return stack_weights(fit_decoders(of, fewer, progress=progress, own_seeds=own_seeds))

    weights = fit(data)
    first, second = (
        fit({name: halve(one, half, seed) for name, one in data.items()}, 2) for half in (0, 1)
    )
    nulls = []
    for number in range(n_shuffles):
        rng = np.random.default_rng([seed, 1, number])
        nulls.append(fit({name: shuffle(one, rng) for name, one in data.items()}, 3))
    participants = np.concatenate([np.full(_n_voxels(data[name]), name) for name in data])
    stacked = StackedWeights(weights, (first, second), participants)
    return choose_concepts(stacked, nulls, seed=seed, min_participants=min_participants)


def choose_concepts(
    stacked: StackedWeights,
    nulls: Sequence[np.ndarray],
    *,
    seed: int = 0,
    min_participants: Sequence[int] | None = None,
) -> FoundConcepts:
    """Choose the setting of the clustering for fitted weights, and cluster.

    Parameters
    ----------
    stacked : StackedWeights
        True ones.
    nulls : sequence of arrays of shape (n_voxels, D)
        Of decoders of shuffled pairs.
    seed : int, default=0
        Of the rotations and unrelated rows.
    min_participants : sequence of int, optional
        See `find_concepts`.

    Returns
    -------
    FoundConcepts

    Raises
    ------
    ValueError
        As ``select_clustering``.
    """
    participants = stacked.participants
    least = min_participants or ((3,) if len(np.unique(participants)) < 6 else (3, 4))
    selection = select_clustering(
        stacked.weights, stacked.halves, nulls, participants, EPS, least,
        rng=np.random.default_rng([seed, 4]),
    )  # fmt: skip
    some = [s for s in selection.settings if s.n_concepts] or selection.settings[:1]
    setting = selection.chosen or min(some, key=lambda s: s.false_discovery)
    model, *halves = (
        SharedDBSCAN(setting.eps, setting.min_participants).fit(weights, participants)
        for weights in (stacked.weights, *stacked.halves)
    )
    in_halves = [reproduced(model.labels_, half.labels_) for half in halves]
    labels, clusters = beyond_chance(
        stacked.weights, nulls, participants, model, np.random.default_rng([seed, 4])
    )
    concepts = model.concepts_[clusters]
    return FoundConcepts(
        stacked, tuple(nulls), selection, setting, model, labels, concepts, clusters,
        np.logical_and(*in_halves)[clusters],
    )  # fmt: skip


def keep_shared(
    labels: np.ndarray, directions: np.ndarray, participants: np.ndarray, min_voxels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the concepts of which at least two participants have enough voxels, and renumber them.

    Parameters
    ----------
    labels : int array of shape (n_voxels,)
        Concept of each voxel, -1 for none.
    directions : array of shape (n_concepts, n_dims)
        Direction of each concept.
    participants : array of shape (n_voxels,)
        Whose the voxels are.
    min_voxels : int
        What is enough.

    Returns
    -------
    labels : int array of shape (n_voxels,)
        Numbers of the concepts that are kept, -1 for none.
    directions : array of shape (n_kept, n_dims)
        Their directions, in the old order.
    """
    owners = [
        sum((labels[participants == name] == k).sum() >= min_voxels for name in set(participants))
        for k in range(len(directions))
    ]
    kept = np.flatnonzero(np.array(owners, dtype=int) >= 2)
    number = np.full(len(directions) + 1, -1)  # the last is for voxels of none
    number[kept] = np.arange(len(kept))
    return number[labels], directions[kept]


def _n_voxels(data: ParticipantData) -> int:
    return data.responses.shape[1]
