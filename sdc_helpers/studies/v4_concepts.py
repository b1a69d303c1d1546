"""Directions of an embedding that neurons of three monkeys share, who saw different pictures.

No picture is in two sessions, so that only the embedding links the animals. The chain is that of
the chapter on shared concepts: contrastive decoders, halves of the pictures, shuffled pairs, and
clusters in which the other animals are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.concepts import SharedDBSCAN, decodability, extremes
from sdc_helpers.measures import Interval
from sdc_helpers.studies.decoder import course_decoder
from sdc_helpers.studies.participants import ParticipantData
from sdc_helpers.studies.shared_concepts import FoundConcepts, find_concepts
from sdc_helpers.studies.v4_study import V4Neurons, V4Study, open_v4

if TYPE_CHECKING:
    from sdc_helpers.concepts import Decodability
    from sdc_helpers.embeddings.clip import ClipModel

OTHERS = 2
"""Other animals near whose neurons a concept has to lie: all that there are."""
_SIDES = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class V4Concepts:
    """Directions of the embedding that neurons of several animals have.

    Attributes
    ----------
    study : V4Study
        The recordings.
    found : FoundConcepts
        Clusters of decoder weights.
    """

    study: V4Study
    found: FoundConcepts

    @property
    def is_allowed(self) -> bool:
        """Whether any setting keeps to 5 % of false neurons and clusters, and beats rotations."""
        return self.found.is_allowed

    @cached_property
    def excess(self) -> Interval:
        """Share of neurons in a shared cluster, less that of shuffled pairs; over the shuffles."""
        found = self.found
        model = SharedDBSCAN(found.setting.eps, found.setting.min_participants)
        who = found.weights.participants
        true = np.mean(found.model.labels_ >= 0)
        shares = [np.mean(model.fit(null, who).labels_ >= 0) for null in found.nulls]
        return Interval.over_seeds(true - np.array(shares))

    def neurons(self) -> list[dict[str, int]]:
        """Count the neurons of each animal in each concept."""
        labels, who = self.found.labels, self.found.weights.participants
        return [
            {name: int(np.sum(labels[who == name] == k)) for name in self.study.animals}
            for k in range(len(self.found.concepts))
        ]

    def decoded(self, name: str, seed: int) -> Decodability:
        """Correlate true and decoded scores of an animal's test pictures along each concept."""
        responses, embeddings = self.study.animals[name].fold("test")
        decoded = self.study.animals[name].decoder.predict(responses)
        return decodability(
            embeddings, decoded, self.found.concepts, np.arange(len(embeddings)),
            rng=np.random.default_rng([seed, 81]),
        )  # fmt: skip

    def pictures(self, name: str, concept: int, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
        """Return an animal's most and least associated pictures of a concept, any side."""
        one = self.study.animals[name]
        rows = np.sort(np.concatenate([one.rows[side] for side in _SIDES]))
        scores = one.embeddings[rows] @ self.found.concepts[concept]
        return tuple(one.session.pictures[rows[some]] for some in extremes(scores, n))


def open_v4_concepts(
    clip: ClipModel, n_pictures: int, profile: str, *, n_shuffles: int, seed: int
) -> V4Concepts:
    """Read the recordings, embed their pictures, and find what the animals share.

    Parameters
    ----------
    clip : ClipModel
        What embeds the pictures.
    n_pictures : int
        Of each session, see ``open_v4``.
    profile, n_shuffles, seed
        See ``find_v4_concepts``.

    Returns
    -------
    V4Concepts

    Raises
    ------
    DataUnavailableError
        If the recordings are neither on disk nor can be fetched.
    """
    study = open_v4(clip, n_pictures, seed)
    return find_v4_concepts(study, profile, n_shuffles=n_shuffles, seed=seed)


def find_v4_concepts(study: V4Study, profile: str, *, n_shuffles: int, seed: int) -> V4Concepts:
    """Fit a contrastive decoder to each animal and cluster its rows, as in chapter 10.

    Parameters
    ----------
    study : V4Study
        From ``open_v4``.
    profile : {"smoke", "workshop", "full"}
        How long decoders train.
    n_shuffles, seed : int
        Refits with shuffled pairs, and the seed of these and of the rotations.

    Returns
    -------
    V4Concepts
    """
    data = {
        name: _participant(name, number, one)
        for number, (name, one) in enumerate(study.animals.items())
    }
    found = find_concepts(
        data, course_decoder(profile), n_shuffles=n_shuffles, seed=seed, min_participants=(OTHERS,)
    )
    return V4Concepts(study, found)


def _participant(name: str, number: int, neurons: V4Neurons) -> ParticipantData:
    """Give an animal the form of a participant: a trial is a picture, a voxel a neuron."""
    folds = [neurons.fold(side) for side in _SIDES]
    sides = np.repeat(_SIDES, [len(responses) for responses, _ in folds])
    responses = np.concatenate([responses for responses, _ in folds]).astype(np.float32)
    rows = np.concatenate([neurons.rows[side] for side in _SIDES])
    n_neurons = responses.shape[1]
    return ParticipantData(
        participant=name,
        responses=responses,
        embeddings=np.concatenate([seen for _, seen in folds]).astype(np.float32),
        image_ids=rows + number * 100_000,  # no picture is in two sessions
        split=SimpleNamespace(trials=lambda side: sides == side),
        mask=np.ones((1, 1, n_neurons), dtype=bool),
        ceiling=np.full(n_neurons, np.nan),
    )
