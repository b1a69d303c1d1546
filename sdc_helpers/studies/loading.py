"""What the chapter on loading measures: ceilings against the truth, and what mistakes cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.measures import Interval

if TYPE_CHECKING:
    from sdc_helpers.datasets.nsd import NSD
    from sdc_helpers.datasets.splits import ParticipantSplit, Split
    from sdc_helpers.simulate.truth import Truth

_TINY = 8  # pixels of a shrunk picture's side


@dataclass(frozen=True, eq=False)
class CeilingsAgainstTruth:
    """How estimated noise ceilings of simulated participants stand to the planted ones.

    Attributes
    ----------
    likeness : Interval
        Correlation over voxels, mean over participants on Fisher's scale.
    bias : Interval
        Estimated less planted ceiling in percent of variance, mean over voxels and participants.
    n_participants : int
        Number of participants.
    """

    likeness: Interval
    bias: Interval
    n_participants: int


def attended_sessions(nsd: NSD) -> dict[str, list[int]]:
    """Return sessions as if every other participant had missed the last fifth, as some did in NSD.

    Parameters
    ----------
    nsd : NSD
        The study.

    Returns
    -------
    dict of str to list of int
        Sessions by participant.
    """
    sessions = {name: list(nsd.sessions(name)) for name in nsd.participants}
    return {
        name: [s for k, s in enumerate(found) if number % 2 == 0 or k < 0.8 * len(found)]
        for number, (name, found) in enumerate(sessions.items())
    }


def ceilings_against_truth(nsd: NSD, truth: Truth, split: Split) -> CeilingsAgainstTruth:
    """Estimate every participant's noise ceilings on training trials, and compare with the truth.

    Parameters
    ----------
    nsd : NSD
        Simulated participants.
    truth : Truth
        What was planted in them.
    split : Split
        Made on the trials of `attended_sessions`.

    Returns
    -------
    CeilingsAgainstTruth
    """
    alike, biases = [], []
    for name, sessions in attended_sessions(nsd).items():
        train = split[name].train_trials
        inside = nsd.roi(name, "nsdgeneral").volume > 0
        inside[inside] = ~nsd.bad_voxels(name, inside, sessions=sessions, train=train)
        z = nsd.betas(name, inside, zscore="train", sessions=sessions, train=train)
        image_ids = nsd.trials(name, sessions=sessions).image_id.to_numpy()
        found = noise_ceiling(ncsnr(z, image_ids, train))
        planted = truth.participants[name].volume("nc1")[inside]
        alike.append(np.corrcoef(found, planted)[0, 1])
        biases.append(float(np.mean(found - planted)))
    z_alike = Interval.over_seeds(np.arctanh(alike))  # Fisher's z has no edge at 1
    value, low, high = np.tanh([z_alike.value, z_alike.low, z_alike.high])
    likeness = Interval(value, low, high, by_seed=np.array(alike))
    return CeilingsAgainstTruth(likeness, Interval.over_seeds(np.array(biases)), len(alike))


def tiny_pictures(nsd: NSD, image_ids: np.ndarray) -> np.ndarray:
    """Return pictures shrunk to 8 x 8 grey pixels.

    Parameters
    ----------
    nsd : NSD
        The study.
    image_ids : int array of shape (n_trials,)
        Pictures; each is read once.

    Returns
    -------
    array of shape (n_trials, 64)
        From 0 to 255.
    """
    unique, inverse = np.unique(as_array("image_ids", image_ids), return_inverse=True)
    pictures = nsd.stimuli(unique).mean(axis=3)
    side = pictures.shape[1] // _TINY
    cut = pictures[:, : side * _TINY, : side * _TINY]
    blocks = cut.reshape(len(unique), _TINY, side, _TINY, side)
    return blocks.mean(axis=(2, 4)).reshape(len(unique), _TINY**2)[inverse]


def likeness(guessed: np.ndarray, true: np.ndarray) -> float:
    """Return the mean correlation of rows, after the mean over the true rows is taken off both.

    Parameters
    ----------
    guessed, true : array of shape (n_rows, n_pixels)
        Pictures that belong together.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    guessed, true = as_array("guessed", guessed, float), as_array("true", true, float)
    if guessed.shape != true.shape or true.ndim != 2:
        raise ValueError(
            f"guessed has shape {guessed.shape}, true {true.shape}; expected the same two "
            "dimensions."
        )
    average = true.mean(axis=0)
    return float((_unit_rows(guessed - average) * _unit_rows(true - average)).sum(axis=1).mean())


def guess_score(
    z: np.ndarray, fit: np.ndarray, held_out: np.ndarray, pictures: np.ndarray
) -> float:
    """Guess the picture of each held-out trial from the most similar trial of the others.

    Parameters
    ----------
    z : array of shape (n_trials, n_voxels)
        Responses.
    fit, held_out : bool array of shape (n_trials,)
        Trials to answer from, and trials to guess.
    pictures : array of shape (n_trials, n_pixels)
        The picture of each trial.

    Returns
    -------
    float
        Mean correlation of the guessed with the true picture, both about the mean of the pictures
        in `fit`.

    Raises
    ------
    ValueError
        If the numbers of trials differ.
    """
    z, pictures = as_array("z", z), as_array("pictures", pictures, float)
    fit, held_out = as_array("fit", fit, bool), as_array("held_out", held_out, bool)
    if not len(z) == len(fit) == len(held_out) == len(pictures):
        raise ValueError(
            f"z has {len(z)} trials, fit {len(fit)}, held_out {len(held_out)}, pictures "
            f"{len(pictures)}; expected the same number."
        )
    nearest = (_unit_rows(z[held_out]) @ _unit_rows(z[fit]).T).argmax(axis=1)
    average = pictures[fit].mean(axis=0)
    guessed, true = pictures[fit][nearest] - average, pictures[held_out] - average
    return float((_unit_rows(guessed) * _unit_rows(true)).sum(axis=1).mean())


def cost_of_leaks(
    z: np.ndarray,
    z_session: np.ndarray,
    image_ids: np.ndarray,
    test: np.ndarray,
    pictures: np.ndarray,
    *,
    seed: int,
    n_seeds: int,
) -> dict[str, np.ndarray]:
    """Score the guesses of splits that are right, leak pictures, or leak scales.

    Parameters
    ----------
    z, z_session : array of shape (n_trials, n_voxels)
        The same voxels, z-scored by training trials, and by all trials of a session.
    image_ids : int array of shape (n_trials,)
        Picture of each trial.
    test : bool array of shape (n_trials,)
        As many pictures are held out in each draw as are tested here.
    pictures : array of shape (n_trials, n_pixels)
        See `guess_score`.
    seed : int
        Of the draws.
    n_seeds : int
        Number of draws, at least 1.

    Returns
    -------
    dict of str to array of shape (n_seeds,)
        Scores by what was done: "right", "picture on both sides", "z-scored with test trials".

    Raises
    ------
    ValueError
        If `n_seeds` is below 1 or the numbers of trials differ.
    """
    check_count("n_seeds", n_seeds, 1)
    image_ids = as_array("image_ids", image_ids)
    z, z_session = np.asarray(as_array("z", z)), np.asarray(as_array("z_session", z_session))
    unique = np.unique(image_ids)
    n_unseen = len(np.unique(image_ids[as_array("test", test, bool)]))
    scores = np.empty((3, n_seeds))
    for draw in range(n_seeds):  # voxels and scales stay, so that only the split differs
        rng = np.random.default_rng([seed, draw])
        unseen = np.isin(image_ids, rng.choice(unique, n_unseen, replace=False))
        scrambled = rng.permutation(unseen)  # as many trials, of any picture
        scores[0, draw] = guess_score(z, ~unseen, unseen, pictures)
        scores[1, draw] = guess_score(z, ~scrambled, scrambled, pictures)
        scores[2, draw] = guess_score(z_session, ~unseen, unseen, pictures)
    names = ("right", "picture on\nboth sides", "z-scored with\ntest trials")
    return dict(zip(names, scores, strict=True))


def reliability_by_selection(
    z: np.ndarray, image_ids: np.ndarray, split: ParticipantSplit, *, seed: int, n_seeds: int
) -> dict[str, np.ndarray]:
    """Choose voxels by the ceiling of shuffled labels, and measure their reliability in the test.

    Parameters
    ----------
    z : array of shape (n_trials, n_voxels)
        Responses.
    image_ids : int array of shape (n_trials,)
        Picture of each trial; shuffled within each side of the split.
    split : ParticipantSplit
        The participant's split.
    seed : int
        Of the shuffles.
    n_seeds : int
        Number of shuffles, at least 1.

    Returns
    -------
    dict of str to array of shape (n_seeds,)
        Mean correlation of two showings over the best twentieth of the voxels, by the trials whose
        ceiling chose them: "training trials", "all trials".

    Raises
    ------
    ValueError
        If `n_seeds` is below 1.
    """
    check_count("n_seeds", n_seeds, 1)
    image_ids = as_array("image_ids", image_ids)
    chosen_on = {
        "training trials": split.train_trials,
        "all trials": np.ones(len(image_ids), bool),
    }
    found = {name: np.empty(n_seeds) for name in chosen_on}
    for draw in range(n_seeds):
        rng = np.random.default_rng([seed, 10, draw])
        shuffled = np.empty_like(image_ids)
        for side in (split.train_trials, split.validation_trials, split.test_trials):
            shuffled[side] = rng.permutation(image_ids[side])
        for name, rows in chosen_on.items():
            estimate = ncsnr(z, shuffled, rows)
            best = estimate >= np.quantile(estimate, 0.95)
            found[name][draw] = _two_showings(np.asarray(z[:, best]), shuffled, split.test_trials)
    return found


def _two_showings(z: np.ndarray, image_ids: np.ndarray, rows: np.ndarray) -> float:
    """Mean over voxels of the correlation between the first and the second showing."""
    order = np.argsort(image_ids[rows], kind="stable")
    rows = np.flatnonzero(rows)[order]
    _, first, n = np.unique(image_ids[rows], return_index=True, return_counts=True)
    first = first[n >= 2]
    a, b = (_unit_rows(z[rows[first + k]].T) for k in (0, 1))
    return float((a * b).sum(axis=1).mean())


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
