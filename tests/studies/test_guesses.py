"""Guesses of a decoder, against sorting picture by picture."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.studies import Guesses


@pytest.fixture
def guesses(rng):
    pictures = rng.normal(size=(9, 5))
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    ids = rng.permutation(np.repeat(np.arange(20, 29), 2))
    seen = pictures[ids - 20]
    predicted = seen + 0.9 * rng.normal(size=seen.shape)
    return Guesses(predicted / np.linalg.norm(predicted, axis=1, keepdims=True), (seen, seen, ids))


def test_ranks_and_nearest_are_those_of_sorting(guesses):
    pictures = {int(i): e for e, i in zip(*guesses.fold[1:], strict=True)}
    order = [
        sorted(pictures, key=lambda i, p=p: -float(pictures[i] @ p)) for p in guesses.predicted
    ]
    ranks = [one.index(own) + 1 for one, own in zip(order, guesses.fold[2], strict=True)]
    assert guesses.ranks.tolist() == ranks
    assert len(set(ranks)) > 3
    trials = np.array([0, 7])
    nearest = guesses.gallery[guesses.nearest(trials, 4)]
    assert nearest.tolist() == [order[0][:4], order[7][:4]]


def test_examples_go_from_the_best_to_the_worst(guesses):
    ranks = guesses.ranks[guesses.examples()]
    assert (np.diff(ranks) >= 0).all()
    assert ranks[0] == guesses.ranks.min()
    assert ranks[-1] == guesses.ranks.max()
    assert np.median(guesses.ranks) in ranks


def test_misses_alike_counts_pictures(guesses):
    labels = np.arange(9) % 3
    found = guesses.misses_alike(labels)
    by_picture = {}
    for trial in np.flatnonzero(guesses.ranks > 1):
        own = guesses.own[trial]
        first = guesses.likeness[trial].argmax()
        others = [labels[k] == labels[own] for k in range(9) if k != own]
        gain = 100 * (float(labels[first] == labels[own]) - np.mean(others))
        by_picture.setdefault(int(own), []).append(gain)
    assert found.value == pytest.approx(np.mean([np.mean(g) for g in by_picture.values()]))
    assert len(found.by_seed) == len(by_picture)
    with pytest.raises(ValueError, match="8 labels of 9 pictures"):
        guesses.misses_alike(labels[1:])
