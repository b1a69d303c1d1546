"""Weights of all participants in one array, either half of their runs, and shuffled pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.studies.participants import ParticipantData
from sdc_helpers.studies.shared_concepts import half_of_pictures, shuffle_pairs, stack_weights


def test_weights_are_stacked_in_the_order_of_the_participants():
    rng = np.random.default_rng(0)
    fitted = {
        name: SimpleNamespace(coef_=rng.normal(size=(n, 2))) for name, n in (("b", 3), ("a", 5))
    }
    stacked = stack_weights(fitted)
    np.testing.assert_array_equal(stacked[:3], fitted["b"].coef_)
    np.testing.assert_array_equal(stacked[3:], fitted["a"].coef_)


@dataclass(frozen=True)
class Data:
    embeddings: np.ndarray
    responses: np.ndarray
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
    data = Data(of_image[ids[order]], of_image[ids[order]], ids[order], sides)
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


def test_halves_of_pictures_are_disjoint_and_leave_what_is_held_out():
    rng = np.random.default_rng(1)
    ids = rng.permutation(np.repeat(np.arange(31), 3))
    folds = {"train": ids < 21, "validation": (ids >= 21) & (ids < 26), "test": ids >= 26}
    data = ParticipantData(
        "a", rng.normal(size=(93, 4)), rng.normal(size=(93, 2)), ids,
        SimpleNamespace(trials=folds.__getitem__), np.ones((4, 1, 1), bool), np.ones(4),
    )  # fmt: skip
    halves = [half_of_pictures(data, half, seed=3) for half in (0, 1)]
    seen = [one.fold("train")[2] for one in halves]
    assert not set(seen[0]) & set(seen[1])
    assert sorted(np.concatenate(seen)) == sorted(ids[ids < 21])
    assert {len(np.unique(one)) for one in seen} == {10, 11}
    for one in halves:
        for side in ("validation", "test"):
            for own, whole in zip(one.fold(side), data.fold(side), strict=True):
                np.testing.assert_array_equal(own, whole)
    responses, _, images = halves[0].fold("train")
    np.testing.assert_array_equal(responses, data.responses[np.isin(ids, images)])
    with pytest.raises(ValueError, match="half=2"):
        half_of_pictures(data, 2)
