"""What the chapter on reading concepts asks of concepts that were found, and of their pictures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.concepts import enriched_words, fits_name, nearest_words
from sdc_helpers.embeddings import embed_texts
from sdc_helpers.embeddings.clip import COURSE_MODEL
from sdc_helpers.scenes import LEXICON
from sdc_helpers.studies.concept_study import open_concepts
from sdc_helpers.studies.decoder import N_COMPONENTS, course_decoder
from sdc_helpers.studies.planted import average_directions, planted_in
from sdc_helpers.studies.reading_names import names_against_random
from sdc_helpers.studies.reading_responses import HeldOut, held_out_responses
from sdc_helpers.studies.shared_concepts import find_concepts, keep_shared

if TYPE_CHECKING:
    from sdc_helpers.concepts.recovery import PlantedVoxels
    from sdc_helpers.concepts.words import WordEnrichment
    from sdc_helpers.embeddings.clip import ClipModel
    from sdc_helpers.embeddings.whitening import WhiteSpace
    from sdc_helpers.measures import NullTest
    from sdc_helpers.studies.participants import ImageEmbeddings, ParticipantData
    from sdc_helpers.studies.source import Study

CONTENT = ("noun", "adjective", "number", "adverb", "verb")
"""Parts of speech that may stand in a name."""
PROMPTS = ("a photo of {}", "we see {}", "{}")
"""Sentences in which a word is embedded; their mean is the word's embedding."""


@dataclass(frozen=True, eq=False)
class ReadingStudy:
    """Found concepts, and everything that they are read with.

    Attributes
    ----------
    study : Study
        The open study.
    clip : ClipModel
        The network whose embeddings were decoded.
    white : ImageEmbeddings
        Embedding of every picture, whitened.
    space : WhiteSpace
        How it was whitened.
    data : dict of str to ParticipantData
        By participant.
    labels : int array of shape (n_voxels,)
        Concept of each voxel of all participants, -1 for none.
    directions : array of shape (n_concepts, n_dims)
        Direction of each concept among the whitened embeddings, unit length.
    eps : float
        Threshold of the clustering.
    n_left_out : int
        Concepts that fewer than two participants have with enough voxels.
    stands_in : bool
        Whether the planted voxels stand in because fewer than two concepts were found.
    min_voxels : int
        A participant with fewer voxels of a concept is left out of it.
    """

    study: Study
    clip: ClipModel
    white: ImageEmbeddings
    space: WhiteSpace
    data: dict[str, ParticipantData]
    labels: np.ndarray
    directions: np.ndarray
    eps: float
    n_left_out: int
    stands_in: bool
    min_voxels: int

    @property
    def n_concepts(self) -> int:
        """Number of concepts."""
        return len(self.directions)

    @cached_property
    def own(self) -> dict[str, np.ndarray]:
        """Concept of each participant's voxels, -1 for none."""
        ends = np.cumsum([one.responses.shape[1] for one in self.data.values()])[:-1]
        return dict(zip(self.data, np.split(self.labels, ends), strict=True))

    @property
    def sizes(self) -> np.ndarray:
        """Voxels of each concept, int (n_concepts,)."""
        return np.bincount(self.labels[self.labels >= 0], minlength=self.n_concepts)

    def owners(self, concept: int) -> list[str]:
        """Return the participants who have enough voxels of a concept."""
        enough = self.min_voxels
        return [name for name, own in self.own.items() if (own == concept).sum() >= enough]

    @cached_property
    def planted(self) -> PlantedVoxels | None:
        """The truth about every voxel, None on real data."""
        if self.study.truth is None:
            return None
        return planted_in(self.study.truth, self.data)

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """The planted concept of at least half of a concept's voxels, or "", for each concept."""
        if self.planted is None or self.study.truth is None:
            return ("",) * self.n_concepts
        found = []
        for number in range(self.n_concepts):
            members = self.labels == number
            shares = {name: self.planted.masks[name][members].mean() for name in self._shared}
            best = max(shares, key=lambda name: shares[name])
            found.append(best if shares[best] >= 0.5 else "")
        return tuple(found)

    @property
    def negations(self) -> np.ndarray:
        """The planted kind of negation of each concept, "below", "less" or ""."""
        truth = self.study.truth
        return np.array(
            [truth.concepts[name].negation if truth and name else "" for name in self.identity]
        )

    @property
    def _shared(self) -> tuple[str, ...]:
        return () if self.study.truth is None else tuple(self.study.truth.shared)

    # --- pictures and words -----------------------------------------------------------------------

    @cached_property
    def held_out_pictures(self) -> np.ndarray:
        """Ids of the test pictures of anybody."""
        return np.unique(self._images("test"))

    @cached_property
    def fresh(self) -> np.ndarray:
        """Ids of test pictures that nobody was trained on."""
        seen = np.concatenate([self._images("train"), self._images("validation")])
        return np.setdiff1d(self.held_out_pictures, seen)

    @cached_property
    def training(self) -> np.ndarray:
        """Ids of training pictures that are held out for nobody."""
        held_out = np.concatenate([self._images("validation"), self.held_out_pictures])
        return np.setdiff1d(self._images("train"), held_out)

    def _images(self, side: str) -> np.ndarray:
        return np.concatenate([one.split.images(side) for one in self.data.values()])

    @cached_property
    def _captions(self) -> dict[int, list[str]]:
        ids = self.study.image_ids
        return dict(zip(ids.tolist(), self.study.reader.captions(ids), strict=True))

    def captions(self, image_ids: np.ndarray) -> list[list[str]]:
        """Return the captions of each picture."""
        return [self._captions[i] for i in as_array("image_ids", image_ids).tolist()]

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Words that may stand in a name, in alphabetical order."""
        return tuple(sorted(word for word, part in LEXICON.items() if part in CONTENT))

    def word_counts(self, image_ids: np.ndarray) -> np.ndarray:
        """Count how often the captions of each picture use each word of the vocabulary.

        Parameters
        ----------
        image_ids : int array of shape (n_pictures,)
            Pictures.

        Returns
        -------
        int array of shape (n_pictures, n_words)
        """
        uses = [
            Counter(w for text in own for w in re.findall("[a-z]+", text.lower()))
            for own in self.captions(image_ids)
        ]
        return np.array([[own[word] for word in self.vocabulary] for own in uses])

    def words_at(self, top: np.ndarray, others: np.ndarray) -> WordEnrichment:
        """Compare the captions of some training pictures with those of others.

        Parameters
        ----------
        top, others : int arrays
            Which of the pictures in `training`.

        Returns
        -------
        WordEnrichment
        """
        first, second = (self.captions(self.training[as_array("rows", r)]) for r in (top, others))
        return enriched_words(first, second, self.vocabulary)

    def fits(self, names: Sequence[Collection[str]], held: HeldOut) -> list[np.ndarray]:
        """Say which test pictures each name fits.

        Parameters
        ----------
        names : sequence of n_concepts collections of str
            Words of each name.
        held : HeldOut
            Test pictures of each participant.

        Returns
        -------
        list of bool arrays of shape (n_pictures, n_concepts)
            One a participant.
        """
        captions = [self.captions(ids) for ids in held.pictures.values()]
        return [np.column_stack([fits_name(own, name) for name in names]) for own in captions]

    def ranked(
        self, concept: int, held: HeldOut, unit: Literal["percent", "z_scored"] = "percent"
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the responses to a concept's test pictures, and the pictures' places along it.

        Parameters
        ----------
        concept : int
            Number of the concept.
        held : HeldOut
            Responses of the clusters.
        unit : {"percent", "z_scored"}
            Of the responses.

        Returns
        -------
        responses, scores : lists of arrays of shape (n_pictures,)
            One for each participant who has the concept, as `negation_test` takes them.
        """
        responses = held.along(concept, unit)
        direction = self.directions[concept]
        scores = [self.white.of(held.pictures[name]) @ direction for name in responses]
        return list(responses.values()), scores

    def nearest_words(self, n: int) -> list[tuple[str, ...]]:
        """Find the words whose texts are nearest to each concept, the nearest first.

        Parameters
        ----------
        n : int
            Words for each concept.

        Returns
        -------
        list of tuples of str
            Of the words in the vocabulary that the network's text tower knows.
        """
        from sdc_helpers.embeddings.small_clip import small_clip_tokenizer

        known = sorted(set(self.vocabulary) & set(small_clip_tokenizer().words))
        texts = self.text_directions(known)
        return [nearest_words(concept, texts, known, n) for concept in self.directions]

    def text_directions(self, words: Sequence[str]) -> np.ndarray:
        """Embed words and bring them among the whitened pictures.

        Texts as a whole lie apart from pictures (the modality gap), so the mean of the texts is
        put in the place of the mean of the pictures.

        Parameters
        ----------
        words : sequence of str
            At least two words.

        Returns
        -------
        array of shape (n_words, n_dims)
        """
        each = [
            embed_texts(self.clip, [prompt.format(word) for word in words]).vectors
            for prompt in PROMPTS
        ]
        vectors = sum(each[1:], start=each[0]) / len(each)
        return self.space.transform(vectors - vectors.mean(axis=0) + self.space.mean)

    def against_random(
        self, names: Sequence[Collection[str]], n_end: int, n_words: int, *, n_draws: int, seed: int
    ) -> dict[int, NullTest]:
        """Hold names against those of random directions, see `names_against_random`."""
        rng = np.random.default_rng([seed, 12])
        return names_against_random(
            self, names, n_end=n_end, n_words=n_words, n_draws=n_draws, rng=rng
        )

    # --- responses --------------------------------------------------------------------------------

    def trials(self, participant: str, concept: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the test trials of a concept's voxels.

        Parameters
        ----------
        participant : str
            Name of the participant.
        concept : int
            Number of the concept.

        Returns
        -------
        betas : array of shape (n_trials, n_voxels)
            In percent signal change.
        image_ids : int64 array of shape (n_trials,)
            Picture of each trial.
        """
        one, members = self.data[participant], self.own[participant] == concept
        test = one.split.trials("test")
        return self.study.reader.betas(participant, one.mask)[test][:, members], one.image_ids[test]

    def held_out(self) -> HeldOut:
        """Average the responses of each concept's voxels to test pictures."""
        return held_out_responses(self)

    def planted_values(self, image_ids: np.ndarray) -> np.ndarray:
        """Return the planted value of each concept in each picture.

        Parameters
        ----------
        image_ids : int array of shape (n_pictures,)
            Pictures.

        Returns
        -------
        array of shape (n_pictures, n_concepts)
            NaN for a concept that is no planted one, and on real data.
        """
        image_ids = as_array("image_ids", image_ids)
        values = np.full((len(image_ids), self.n_concepts), np.nan)
        for number, name in enumerate(self.identity):
            if name and self.study.truth is not None:
                values[:, number] = self.study.truth.images.loc[image_ids, f"concept_{name}"]
        return values


def open_reading(
    source: str, root: str, profile: str, seed: int, *, n_held_out: int, world: str,
    n_shuffles: int, min_voxels: int, device: str = "cpu", clip_name: str = COURSE_MODEL,
) -> ReadingStudy:  # fmt: skip
    """Open a study and find its shared concepts, as the chapter on finding them does.

    Concepts of fewer than two participants are left out. Where fewer than two are left of
    simulated participants, as in a small run, the planted voxels stand in.

    Parameters
    ----------
    source, root, profile, seed, n_held_out, world
        See `open_study`.
    n_shuffles : int
        Refits with shuffled pairs, see `find_concepts`.
    min_voxels : int
        A participant has a concept with at least so many voxels.
    device : str
        Where the network embeds and the decoders train.
    clip_name : str
        One of the course's own CLIPs.

    Returns
    -------
    ReadingStudy

    Raises
    ------
    ValueError
        If fewer than two concepts are found in real participants.
    """
    opened = open_concepts(
        source, root, profile, seed, n_held_out=n_held_out, world=world,
        n_components=N_COMPONENTS, device=device, clip_name=clip_name,
    )  # fmt: skip
    study, data = opened.study, opened.data
    decoder = course_decoder(profile, device=device)
    found = find_concepts(data, decoder, n_shuffles=n_shuffles, seed=seed)
    labels, directions = keep_shared(
        found.labels, found.concepts, found.weights.participants, min_voxels
    )
    n_left_out, stands_in = len(found.concepts) - len(directions), False
    if len(directions) < 2:
        if study.truth is None:
            raise ValueError(
                f"{len(directions)} shared concepts were found; there is nothing to compare."
            )
        stands_in = True
        planted = planted_in(study.truth, data)
        masks = [planted.masks[name] for name in study.truth.shared if name in planted.masks]
        labels, directions = average_directions(found.weights.weights, masks)
    return ReadingStudy(
        study, opened.clip, opened.white, opened.space, data, labels, directions,
        found.setting.eps, n_left_out, stands_in, min_voxels,
    )  # fmt: skip
