"""Weights of all participants in one array, either half of their runs, and shuffled pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.studies.shared_concepts import half_means, shuffle_pairs, stack_weights


def test_halves_of_runs():
    runs = np.arange(5 * 2 * 3.0).reshape(5, 2, 3)
    first, second = half_means(runs)
    np.testing.assert_array_equal(first, (runs[0] + runs[1]) / 2)
    np.testing.assert_array_equal(second, (runs[2] + runs[3]) / 2)
    with pytest.raises(ValueError, match="2 or more"):
        half_means(runs[:1])


def test_weights_are_stacked_in_the_order_of_the_participants():
    rng = np.random.default_rng(0)
    runs = {"b": rng.normal(size=(4, 3, 2)), "a": rng.normal(size=(4, 5, 2))}
    fitted = {name: SimpleNamespace(coef_runs_=r, coef_=r.mean(axis=0)) for name, r in runs.items()}
    stacked = stack_weights(fitted)
    assert stacked.participants.tolist() == ["b"] * 3 + ["a"] * 5
    np.testing.assert_allclose(stacked.weights[3:], runs["a"].mean(axis=0))
    np.testing.assert_allclose(np.mean(stacked.halves, axis=0), stacked.weights)


@dataclass(frozen=True)
class Data:
    embeddings: np.ndarray
    image_ids: np.ndarray
    sides: np.ndarray
    split: SimpleNamespace = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "split", SimpleNamespace(trials=lambda side: self.sides == side))


def test_shuffled_pairs_keep_repetitions_and_folds_together():
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(30), 3)
    order = rng.permutation(len(ids))
    sides = np.repeat(["train", "validation", "test"], 30)[order]
    of_image = rng.normal(size=(30, 4))
    data = Data(of_image[ids[order]], ids[order], sides)
    shuffled = shuffle_pairs(data, rng)
    for side in ("train", "validation", "test"):
        rows = np.flatnonzero(sides == side)
        images = np.unique(data.image_ids[rows])
        new = [shuffled.embeddings[rows][data.image_ids[rows] == i] for i in images]
        assert all((block == block[0]).all() for block in new)
        given_out = sorted(tuple(block[0]) for block in new)
        assert given_out == sorted(map(tuple, of_image[images]))
    assert (shuffled.embeddings != data.embeddings).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(data.embeddings, of_image[ids[order]])
