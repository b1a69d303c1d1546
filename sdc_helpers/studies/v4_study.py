"""Components on real recordings: neurons of macaque V4, three animals who saw other pictures."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.concepts import (
    AxesOfHalves,
    CortexAxes,
    PrincipalComponents,
    decodability,
    fit_halves,
    shuffled_agreement,
)
from sdc_helpers.datasets.macaque_v4 import V4_SESSIONS, V4Session, load_v4
from sdc_helpers.decoding import RidgeDecoder
from sdc_helpers.embeddings import embed_images, white_space
from sdc_helpers.embeddings.retrieval import recall_at_k
from sdc_helpers.measures import Interval
from sdc_helpers.studies.decoder import N_COMPONENTS

if TYPE_CHECKING:
    from sdc_helpers.concepts import Decodability
    from sdc_helpers.embeddings.clip import ClipModel
    from sdc_helpers.embeddings.whitening import WhiteSpace

ONE_DAY = "210325"
"""The session with single trials, which finds no axes and is decoded alone."""
V4_AXES = 12
"""Dimensions of the subspace in which axes of V4 are looked for."""
_LEAST = 30  # pictures of a session: five of them are test pictures


@dataclass(frozen=True, eq=False)
class V4Neurons:
    """Neurons of one session and the embeddings of what was seen.

    Attributes
    ----------
    session : V4Session
        As it was read, without neurons that never vary over a half of the training pictures.
    rows : dict of str to int array
        Pictures of "train", "validation" and "test", each picture once.
    embeddings : float32 array of shape (n_pictures, D)
        White embedding of each picture.
    mean, spread : float64 array of shape (n_neurons,)
        Mean and standard deviation of each neuron over training pictures, in spikes.
    """

    session: V4Session
    rows: dict[str, np.ndarray]
    embeddings: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def fold(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Return z-scored responses and embeddings of the pictures of one side."""
        rows = self.rows[side]
        return (self.session.responses[rows] - self.mean) / self.spread, self.embeddings[rows]

    def single_trials(self, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return z-scored single trials, embeddings and the picture of each trial of one side."""
        assert self.session.trials is not None
        trials = self.session.trials[self.rows[side]]
        picture, repetition = np.nonzero(~np.isnan(trials[..., 0]))
        rows = self.rows[side][picture]
        responses = (trials[picture, repetition] - self.mean) / self.spread
        return responses, self.embeddings[rows], rows

    @cached_property
    def decoder(self) -> RidgeDecoder:
        """Ridge regression whose penalty the validation pictures choose."""
        with warnings.catch_warnings():  # of few pictures nothing is decoded: the largest is right
            warnings.filterwarnings("ignore", "The chosen penalty .* is the largest")
            return RidgeDecoder().fit(*self.fold("train"), validation=self.fold("validation"))

    def identified(self) -> Interval:
        """Share of test pictures whose own embedding is nearest to the decoded one."""
        responses, embeddings = self.fold("test")
        own = np.arange(len(embeddings))
        share = recall_at_k(self.decoder.predict(responses), embeddings, own, [1])[0]
        return Interval.of_share(round(float(share) * len(own)), len(own))


@dataclass(frozen=True, eq=False)
class V4Study:
    """Three animals, and one day with single trials.

    Attributes
    ----------
    animals : dict of str to V4Neurons
        By name of the animal, one session each.
    one_day : V4Neurons
        The session with single trials.
    white : WhiteSpace
        Space of the embeddings, made by training pictures of the three.
    """

    animals: dict[str, V4Neurons]
    one_day: V4Neurons
    white: WhiteSpace

    @cached_property
    def subspace(self) -> np.ndarray:
        """Principal components of what is decoded of validation pictures, (k, D)."""
        folds = [(a, *a.fold("validation")) for a in self.animals.values()]
        decoded = np.concatenate([a.decoder.predict(responses) for a, responses, _ in folds])
        true = np.concatenate([embeddings for *_, embeddings in folds])
        k = min(V4_AXES, true.shape[1])
        return PrincipalComponents(k).fit(true, decoded).components_

    @cached_property
    def _halves(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Training pictures of each animal, dealt out to two, and their responses."""
        embeddings, responses = {}, {}
        for name, animal in self.animals.items():
            answers, seen = animal.fold("train")
            for half in (0, 1):
                embeddings[f"{name} {half}"] = seen[half::2]
                responses[f"{name} {half}"] = answers[half::2]
        return embeddings, responses

    def axes(self) -> AxesOfHalves:
        """Find axes of all neurons, and of two halves of each animal's pictures."""
        return fit_halves(CortexAxes(), *self._halves, self.subspace)

    def shuffled(self, n_draws: int, seed: int) -> np.ndarray:
        """Return the agreement of halves if neurons had answered to other pictures, (draws, k)."""
        rng = np.random.default_rng([seed, 71])
        return shuffled_agreement(
            CortexAxes(), *self._halves, self.subspace, n_draws=n_draws, rng=rng
        )

    def on_one_day(self, directions: np.ndarray, seed: int) -> Decodability:
        """Decode axes of the three sessions in single trials of another, with noise ceilings.

        Parameters
        ----------
        directions : array of shape (n_axes, D)
            Of the white embeddings.
        seed : int
            Of the bootstrap over pictures.

        Returns
        -------
        Decodability
            On test pictures of that session.
        """
        responses, embeddings, pictures = self.one_day.single_trials("test")
        decoded = self.one_day.decoder.predict(responses)
        rng = np.random.default_rng([seed, 72])
        return decodability(embeddings, decoded, directions, pictures, rng=rng)


def open_v4(clip: ClipModel, n_pictures: int, seed: int, root: str | None = None) -> V4Study:
    """Read the recordings, embed the pictures and split them.

    Parameters
    ----------
    clip : ClipModel
        What embeds the pictures.
    n_pictures : int
        Distinct pictures of each session that enter, drawn at random: two thirds train, a sixth
        each are validation and test pictures. Where a session has fewer, all of them.
    seed : int
        Of the draw.
    root : str, optional
        Folder of the files; by default the registered ones.

    Returns
    -------
    V4Study

    Raises
    ------
    ValueError
        If n_pictures is below 30.
    DataUnavailableError
        If the recordings are neither on disk nor can be fetched.
    """
    check_count("n_pictures", n_pictures, _LEAST)
    read = {}
    for number, name in enumerate(V4_SESSIONS):
        session = load_v4(name, root)
        rng = np.random.default_rng([seed, 70, number])
        read[name] = session, _split(session, n_pictures, rng)
    vectors = {}
    for name, (session, rows) in read.items():
        some = np.concatenate(list(rows.values()))
        vectors[name] = np.zeros((len(session.pictures), clip.dimension), dtype=np.float32)
        vectors[name][some] = embed_images(clip, session.pictures[some], cache=True).vectors
    trained = np.concatenate(
        [vectors[name][rows["train"]] for name, (_, rows) in read.items() if name != ONE_DAY]
    )
    white = white_space(trained, min(N_COMPONENTS, len(trained) // 2))
    neurons = {
        name: _neurons(session, rows, white.transform(vectors[name]))
        for name, (session, rows) in read.items()
    }
    one_day = neurons.pop(ONE_DAY)
    return V4Study({one.session.animal: one for one in neurons.values()}, one_day, white)


def _split(session: V4Session, n_pictures: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw distinct pictures for each side; of equal ones the first counts."""
    drawn = rng.permutation(session.distinct)[:n_pictures]
    ends = [len(drawn) * 2 // 3, len(drawn) * 5 // 6]
    parts = zip(("train", "validation", "test"), np.split(drawn, ends), strict=True)
    return {side: np.sort(rows) for side, rows in parts}


def _neurons(session: V4Session, rows: dict[str, np.ndarray], embeddings: np.ndarray) -> V4Neurons:
    """Z-score by training pictures, without neurons that never vary over a half of these."""
    halves = [session.responses[rows["train"][half::2]] for half in (0, 1)]
    varies = np.all([np.ptp(half, axis=0) > 0 for half in halves], axis=0)
    trials = None if session.trials is None else session.trials[..., varies]
    session = replace(session, responses=session.responses[:, varies], trials=trials)
    trained = session.responses[rows["train"]]
    return V4Neurons(session, rows, embeddings, trained.mean(axis=0), trained.std(axis=0))
