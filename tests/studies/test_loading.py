"""What the chapter on loading measures, against loops and on data without anything in them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.datasets import NSD, split_strict
from sdc_helpers.simulate import load_truth
from sdc_helpers.studies import loading

ONES = np.ones((3, 2))


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def test_a_guess_is_the_picture_of_the_most_similar_trial():
    rng = np.random.default_rng(0)
    z, pictures = rng.normal(size=(30, 12)), rng.uniform(0, 255, size=(30, 9))
    fit = rng.random(30) < 0.6
    mean, scores = pictures[fit].mean(axis=0), []
    for trial in np.flatnonzero(~fit):
        best = max(np.flatnonzero(fit), key=lambda other: correlation(z[trial], z[other]))
        scores.append(correlation(pictures[best] - mean, pictures[trial] - mean))
    found = loading.guess_score(z, fit, ~fit, pictures)
    assert found == pytest.approx(np.mean(scores), abs=1e-12)


def test_likeness_is_the_mean_correlation_about_the_mean():
    rng = np.random.default_rng(1)
    guessed, true = rng.normal(size=(2, 7, 5)) + 3
    mean = true.mean(axis=0)
    pairs = zip(guessed, true, strict=True)
    expected = np.mean([correlation(g - mean, t - mean) for g, t in pairs])
    assert loading.likeness(guessed, true) == pytest.approx(expected)
    assert loading.likeness(true, true) == pytest.approx(1)


def showings(n_pictures, rng):
    ids = rng.permutation(np.repeat(np.arange(1, n_pictures + 1), 3))
    sides = np.array_split(rng.permutation(np.arange(1, n_pictures + 1)), [n_pictures // 2])
    sides = [sides[0], *np.array_split(sides[1], 2)]
    train, validation, test = (np.isin(ids, side) for side in sides)
    split = SimpleNamespace(train_trials=train, validation_trials=validation, test_trials=test)
    return ids, split


def test_a_leaked_picture_pays_and_a_right_split_of_noise_does_not():
    rng = np.random.default_rng(2)
    ids, split = showings(60, rng)
    pictures = rng.normal(size=(61, 64))[ids]
    z = rng.normal(size=(61, 200))[ids] + 0.5 * rng.normal(size=(len(ids), 200))
    scores = loading.cost_of_leaks(z, z, ids, split.test_trials, pictures, seed=0, n_seeds=6)
    right, leaked, scaled = scores.values()
    assert abs(right.mean()) < 0.1  # pictures that are not alike: nothing to guess from
    assert leaked.min() > 0.5
    np.testing.assert_array_equal(right, scaled)  # the same responses


def test_voxels_chosen_on_all_trials_look_reliable_in_pure_noise():
    rng = np.random.default_rng(3)
    ids, split = showings(120, rng)
    z = rng.normal(size=(len(ids), 400))
    found = loading.reliability_by_selection(z, ids, split, seed=0, n_seeds=12)
    # 20 voxels, 30 pictures, 12 shuffles: the standard error of the mean is about .012
    assert abs(found["training trials"].mean()) < 0.04
    assert np.mean(found["all trials"] - found["training trials"]) > 0.02  # the chapter's bound


def test_pictures_are_shrunk_by_blocks_and_read_once():
    rng = np.random.default_rng(4)
    images = rng.integers(0, 255, size=(5, 18, 18, 3)).astype(np.uint8)
    asked = []
    nsd = SimpleNamespace(stimuli=lambda ids: (asked.append(list(ids)), images[ids])[1])
    tiny = loading.tiny_pictures(nsd, np.array([3, 1, 3]))
    assert asked == [[1, 3]]
    assert tiny.shape == (3, 64)
    np.testing.assert_array_equal(tiny[0], tiny[2])
    grey = images[3].astype(float).mean(axis=2)
    assert tiny[0, 9] == pytest.approx(grey[2:4, 2:4].mean())


def test_every_other_participant_missed_the_last_fifth():
    nsd = SimpleNamespace(participants=("a", "b"), sessions=lambda name: range(1, 11))
    assert loading.attended_sessions(nsd) == {
        "a": list(range(1, 11)),
        "b": list(range(1, 9)),
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: loading.guess_score(ONES, [True] * 2, [True] * 3, ONES), "fit 2"),
        (lambda: loading.likeness(ONES, ONES[:2]), "the same two"),
        (lambda: loading.reliability_by_selection(None, [1], None, seed=0, n_seeds=0), "n_seeds=0"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_estimated_ceilings_follow_the_planted_ones(simulated_tree):
    nsd = NSD(simulated_tree, cache=False)
    sessions = loading.attended_sessions(nsd)
    trials = {name: nsd.trials(name, sessions=found) for name, found in sessions.items()}
    split = split_strict(trials, 0, 30, 30)
    found = loading.ceilings_against_truth(nsd, load_truth(simulated_tree), split)
    assert found.n_participants == len(nsd.participants)
    assert found.likeness.value > 0.8
    assert abs(found.bias.value) < 3
