"""What the chapters on decoding pictures, and on weights and patterns, fit and ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.decoding import (
    ContrastiveDecoder,
    RidgeDecoder,
    average_repetitions,
    distinct_embeddings,
    score_decoding,
)
from sdc_helpers.embeddings import load_clip
from sdc_helpers.studies.participants import embed_stimuli, load_participants
from sdc_helpers.studies.source import Study, open_study

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.decoding.metrics import DecodingScore
    from sdc_helpers.studies.participants import ImageEmbeddings, ParticipantData

Fold: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Responses (n_trials, n_voxels), embeddings (n_trials, n_dims) and image ids (n_trials,)."""


@dataclass(frozen=True, eq=False)
class DecodingStudy:
    """Participants whose pictures are decoded to the embeddings of a CLIP.

    Attributes
    ----------
    study : Study
        The open study.
    embeddings : ImageEmbeddings
        Of every picture that anybody saw, unit length.
    data : dict of str to ParticipantData
        By participant.
    settings : dict of str to object
        Parameters of the contrastive decoders, less the number of runs.
    """

    study: Study
    embeddings: ImageEmbeddings
    data: dict[str, ParticipantData]
    settings: dict[str, Any]

    def train(self, name: str) -> Fold:
        """Return a participant's training trials."""
        return self.data[name].fold("train")

    def validation(self, name: str) -> Fold:
        """Return a participant's validation trials."""
        return self.data[name].fold("validation")

    def fit_ridge(self, fold: Fold, validation: Fold | None = None, **options: Any) -> RidgeDecoder:
        """Fit a ridge decoder.

        Parameters
        ----------
        fold : Fold
            Trials to fit.
        validation : Fold, optional
            Trials by whose top-1 accuracy the penalty is chosen.
        **options
            Parameters of `RidgeDecoder`.

        Returns
        -------
        RidgeDecoder
        """
        decoder = RidgeDecoder(device=self.settings["device"], **options)
        return decoder.fit(*fold[:2], items=fold[2], validation=validation)

    def fit_one_run(self, fold: Fold, **changes: Any) -> ContrastiveDecoder:
        """Fit a contrastive decoder once, with the study's settings.

        Parameters
        ----------
        fold : Fold
            Trials to fit.
        **changes
            Parameters of `ContrastiveDecoder` that are to be others. A batch is never more than
            half of the trials.

        Returns
        -------
        ContrastiveDecoder
        """
        batch_size = min(self.settings["batch_size"], len(fold[0]) // 2)
        parameters = {**self.settings, "batch_size": batch_size, "n_runs": 1, **changes}
        return ContrastiveDecoder(**parameters).fit(*fold[:2], items=fold[2])

    def scores(
        self, fitted: Mapping[str, Any], side: str = "validation", **options: Any
    ) -> dict[str, DecodingScore]:
        """Score each participant's decoder on one side of the split.

        Parameters
        ----------
        fitted : mapping of str to decoder
            A fitted decoder of each participant.
        side : {"train", "validation", "test"}
            Whose trials are decoded; the distinct pictures of that side are the gallery.
        **options
            Of `score_decoding`.

        Returns
        -------
        dict of str to DecodingScore
        """
        folds = {name: self.data[name].fold(side) for name in fitted}
        return {n: score(fitted[n].predict(fold[0]), fold, **options) for n, fold in folds.items()}

    def hits(self, fitted: Mapping[str, Any], side: str = "validation") -> dict[str, pd.Series]:
        """Return how often each participant's pictures were found, in percent of their trials.

        Parameters
        ----------
        fitted : mapping of str to decoder
            A fitted decoder of each participant.
        side : {"train", "validation", "test"}
            Whose trials are decoded.

        Returns
        -------
        dict of str to pandas.Series
            Percent by image id, see the function `hits`.
        """
        folds = {name: self.data[name].fold(side) for name in fitted}
        return {name: hits(fitted[name].predict(fold[0]), fold) for name, fold in folds.items()}

    def means(self, fold: Fold) -> Fold:
        """Return one example a picture: the mean response to its showings.

        Parameters
        ----------
        fold : Fold
            Single trials.

        Returns
        -------
        Fold
            Pictures in ascending order of their ids.
        """
        responses, ids = average_repetitions(fold[0], fold[2])
        return responses.astype(np.float32), self.embeddings.of(ids), ids


def open_decoding(
    source: str,
    root: str | Path,
    profile: str,
    seed: int,
    *,
    clip: tuple[str, str],
    n_participants: int,
    n_held_out: int,
    n_steps: int,
    input_noise: float,
    device: str,
) -> DecodingStudy:
    """Open participants, embed their pictures and read their responses.

    Parameters
    ----------
    source, root, profile, seed, n_held_out
        As `open_study` takes them.
    clip : (str, str)
        Name and weights, as `load_clip` takes them.
    n_participants : int
        How many of the participants to read; the last of them is always read, which of the
        simulated ones is the one with the poorest data.
    n_steps : int
        Steps of the training of contrastive decoders.
    input_noise : float
        Standard deviation of what is added to the z-scored responses in training.
    device : str
        Where to compute.

    Returns
    -------
    DecodingStudy
        The temperature, learning rate and batch of its settings were chosen on validation pictures
        of one simulated participant (seed 0, subj01).

    Raises
    ------
    ValueError
        If there are fewer than two participants to read, or as `open_study` and
        `load_participants` raise.
    """
    check_count("n_participants", n_participants, 2)
    study = open_study(source, root, profile, seed, n_held_out=n_held_out)
    model = load_clip(*clip, device=device)
    embeddings = embed_stimuli(
        study.reader, model, study.image_ids, progress=len(study.image_ids) > 20_000
    )
    names = list(study.participants)
    if n_participants < len(names):
        names = names[: n_participants - 1] + names[-1:]
    data = load_participants(study.reader, embeddings, study.split, participants=names)
    settings = {
        "temperature": 0.03,
        "lr": 3e-3,
        "batch_size": 128,
        "n_steps": n_steps,
        "input_noise": input_noise,
        "evaluate_every": max(10, n_steps // 10),
        "device": device,
        "random_state": seed,
    }
    return DecodingStudy(study, embeddings, data, settings)


def score(predicted: np.ndarray, fold: Fold, **options: Any) -> DecodingScore:
    """Score predictions of a fold's trials, its distinct pictures being the gallery.

    Parameters
    ----------
    predicted : array of shape (n_trials, n_dims)
        Decoded embeddings.
    fold : Fold
        The trials that were decoded.
    **options
        Of `score_decoding`.

    Returns
    -------
    DecodingScore

    Raises
    ------
    ValueError
        As `score_decoding` raises.
    """
    return score_decoding(predicted, fold[2], *distinct_embeddings(*fold[1:]), **options)


def hits(predicted: np.ndarray, fold: Fold) -> pd.Series:
    """Return how often each picture was found, in percent of its trials.

    Trials of one picture are not independent: pictures are what is counted.

    Parameters
    ----------
    predicted : array of shape (n_trials, n_dims)
        Decoded embeddings.
    fold : Fold
        The trials that were decoded.

    Returns
    -------
    pandas.Series
        Percent, by image id.

    Raises
    ------
    ValueError
        If there is not one prediction a trial.
    """
    import pandas as pd

    predicted = as_array("predicted", predicted)
    if len(predicted) != len(fold[2]):
        raise ValueError(
            f"{len(predicted)} predictions of {len(fold[2])} trials; expected one each."
        )
    gallery, ids = distinct_embeddings(*fold[1:])
    right = ids[(predicted @ gallery.T).argmax(axis=1)] == fold[2]
    return 100 * pd.Series(right).groupby(np.asarray(fold[2])).mean()


def of_first_runs(decoder: ContrastiveDecoder, responses: np.ndarray, n_runs: int) -> np.ndarray:
    """Decode with the mean weights of the first runs of a linear decoder.

    Parameters
    ----------
    decoder : ContrastiveDecoder
        Fitted, without a hidden layer.
    responses : array of shape (n_trials, n_voxels)
        Responses to decode.
    n_runs : int
        How many runs to average, from 1 to those of the decoder.

    Returns
    -------
    array of shape (n_trials, n_dims)
        Not of unit length; metrics look at directions only.

    Raises
    ------
    ValueError
        If the decoder has fewer runs.
    """
    check_count("n_runs", n_runs, 1)
    weights, intercepts = decoder.coef_runs_, decoder.intercept_runs_
    if n_runs > len(weights):
        raise ValueError(
            f"n_runs={n_runs}: expected at most {len(weights)}, those that were fitted."
        )
    return responses @ weights[:n_runs].mean(axis=0) + intercepts[:n_runs].mean(axis=0)


def part_of(fold: Fold, trials: Any = slice(None), voxels: Any = slice(None)) -> Fold:
    """Return some trials of a fold, with some of the voxels.

    Parameters
    ----------
    fold : Fold
        Trials.
    trials, voxels : index, optional
        What numpy takes as an index of one axis: a slice, a mask or positions.

    Returns
    -------
    Fold
    """
    responses, embeddings, ids = fold
    return responses[trials][:, voxels], embeddings[trials], ids[trials]


def by_gallery(
    predicted: np.ndarray, fold: Fold, sizes: np.ndarray, *, n_draws: int, seed: int
) -> np.ndarray:
    """Return the accuracy of the same predictions with fewer pictures to choose from.

    Parameters
    ----------
    predicted : array of shape (n_trials, n_dims)
        Decoded embeddings.
    fold : Fold
        The trials that were decoded.
    sizes : int array of shape (n_sizes,)
        Numbers of pictures, each from 1 to those of the fold.
    n_draws : int
        How often pictures are drawn; larger galleries of a draw hold the smaller ones.
    seed : int
        Of the draws.

    Returns
    -------
    array of shape (n_sizes, n_draws)
        Top-1 accuracy in percent, each picture counting once.

    Raises
    ------
    ValueError
        If there are no draws, or a size is out of range.
    """
    check_count("n_draws", n_draws, 1)
    sizes, ids = as_array("sizes", sizes), np.unique(fold[2])
    if not len(sizes) or sizes.min() < 1 or sizes.max() > len(ids):
        raise ValueError(f"sizes={sizes!r}: expected numbers from 1 to {len(ids)}.")
    accuracy = np.empty((len(sizes), n_draws))
    for draw in range(n_draws):
        order = np.random.default_rng([seed, 60, draw]).permutation(ids)
        for row, size in enumerate(sizes):
            kept = np.isin(fold[2], order[:size])
            accuracy[row, draw] = hits(predicted[kept], part_of(fold, kept)).mean()
    return accuracy
