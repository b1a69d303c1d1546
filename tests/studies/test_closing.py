"""Losses against the gap on the small CLIP: what is trained, moved and scored."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.contrastive import centre_sides, centroid_distance
from sdc_helpers.studies.closing import RATES, open_closing

SEEDS = [0, 1]


@pytest.fixture(scope="module")
def study():
    return open_closing(256, 60, n_epochs=2, seed=1)


def test_rates_are_those_that_find_most_on_validation_pictures(study):
    assert len(study.fit) == 256 - 64
    for centred, recipe in study.recipes.items():
        assert recipe.centred == centred
        found = {lr: study.searched[centred, lr] for lr in RATES}
        assert found[recipe.lr] == max(found.values())


def test_an_arm_embeds_test_and_training(study):
    (u, v), (training_u, training_v) = study.train("cua", SEEDS, dimension=8)
    assert u.shape == (2, 60, 8)
    assert v.shape == (2, len(study.test.sentences), 8)
    assert training_u.shape == (2, len(study.fit), 8)
    assert training_v.shape == (2, 2 * len(study.fit), 8)
    np.testing.assert_allclose(np.linalg.norm(u, axis=-1), 1, atol=1e-5)


def test_scores_are_those_of_the_arm_and_centring_closes_the_gap(study):
    sides, training = study.train("clip", SEEDS)
    centred = centre_sides(*sides, *training)
    table, scores = study.score({"clip": sides, "after": centred}, seed=1, weights=(0.0, 1.0))
    assert list(table.arm) == ["clip", "clip", "after", "after"]
    gap = table.set_index(["arm", "seed"]).centroid_distance
    own = [centroid_distance(u, v[study.test.caption]) for u, v in zip(*sides, strict=True)]
    np.testing.assert_allclose(gap["clip"], own, atol=1e-6)
    assert (gap["after"] < gap["clip"] / 2).all()
    assert scores["clip"][0].arithmetic.weights.tolist() == [0.0, 1.0]


def test_all_of_the_mean_left_in_is_the_training_as_it_is(study):
    sides, _ = study.train("clip", SEEDS[:1])
    as_it_is = centroid_distance(sides[0][0], sides[1][0][study.test.caption])
    (gap,) = study.gap_with_mean(1.0, SEEDS[:1])
    assert gap == pytest.approx(as_it_is, abs=1e-5)
    (without,) = study.gap_with_mean(0.0, SEEDS[:1])
    assert without < gap
