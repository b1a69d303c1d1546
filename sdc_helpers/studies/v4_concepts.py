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

from sdc_helpers._checks import unit_rows
from sdc_helpers.concepts import SharedDBSCAN, decodability, extremes
from sdc_helpers.concepts.chance import null_shape, random_rotations, rotate_rows
from sdc_helpers.measures import Interval, NullTest
from sdc_helpers.studies.concept_study import nearest_of_others
from sdc_helpers.studies.decoder import course_decoder
from sdc_helpers.studies.participants import ParticipantData
from sdc_helpers.studies.shared_concepts import FoundConcepts, find_concepts
from sdc_helpers.studies.v4_study import V4Neurons, V4Study, open_v4

if TYPE_CHECKING:
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

    def nearness(self, n_rotations: int, seed: int) -> NullTest:
        """Test whether neurons are nearer to those of other animals than rows of no meaning are.

        Parameters
        ----------
        n_rotations, seed : int
            Rotations of each animal's rows, which keep all angles within the animal, and their
            seed.

        Returns
        -------
        NullTest
            Mean cosine of each neuron's row and the nearest row of another animal.
        """
        weights, who = self.found.weights.weights, self.found.weights.participants
        shape, rng = null_shape(self.found.nulls), np.random.default_rng([seed, 82])
        null = []
        for _ in range(n_rotations):
            rotations = random_rotations(who, weights.shape[1], rng)
            null.append(_nearest(rotate_rows(weights, who, rotations, shape), who))
        scheme = "rotations of each animal"
        return NullTest.from_null(_nearest(weights, who), np.array(null), scheme=scheme)

    def shuffled_nearness(self) -> np.ndarray:
        """Return the same mean cosine of decoders of shuffled pairs, (n_shuffles,)."""
        who = self.found.weights.participants
        return np.array([_nearest(null, who) for null in self.found.nulls])

    def axis(self, without: str = "") -> np.ndarray:
        """Return the mean direction of the neurons of all animals, or of all but one, (D,).

        Each animal counts alike, however many neurons it has.
        """
        weights, who = self.found.weights.weights, self.found.weights.participants
        rows = unit_rows(weights.astype(np.float64))
        means = [rows[who == name].mean(axis=0) for name in self.study.animals if name != without]
        mean = np.mean(means, axis=0)
        return mean / np.linalg.norm(mean)

    def carried_over(self, seed: int) -> dict[str, Interval]:
        """Decode in each animal the axis of the others, on its test pictures: r by animal."""
        found = {}
        for name, one in self.study.animals.items():
            responses, embeddings = one.fold("test")
            decoded = one.decoder.predict(responses)
            axis, pictures = self.axis(without=name)[None], np.arange(len(embeddings))
            rng = np.random.default_rng([seed, 81])
            found[name] = decodability(embeddings, decoded, axis, pictures, rng=rng).r[0]
        return found

    def pictures(self, name: str, direction: np.ndarray, n: int = 4) -> tuple[np.ndarray, ...]:
        """Return an animal's most and least associated pictures of a direction, of any side."""
        one = self.study.animals[name]
        rows = np.sort(np.concatenate([one.rows[side] for side in _SIDES]))
        scores = one.embeddings[rows] @ direction
        return tuple(one.session.pictures[rows[some]] for some in extremes(scores, n))


def _nearest(rows: np.ndarray, who: np.ndarray) -> float:
    """Mean cosine of each row and the nearest one of another participant."""
    return float(np.mean(1 - nearest_of_others(rows, who, np.arange(len(rows)))))


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
    half = min(len(one.rows["train"]) for one in study.animals.values()) // 2
    decoder = course_decoder(profile)
    decoder.set_params(batch_size=min(decoder.batch_size, half))  # a batch of a half's pictures
    found = find_concepts(
        data, decoder, n_shuffles=n_shuffles, seed=seed, min_participants=(OTHERS,)
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
