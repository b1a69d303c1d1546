"""What chance gives, against counting voxel by voxel and against distributions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from sdc_helpers.concepts import SharedDBSCAN
from sdc_helpers.concepts.chance import (
    Captured,
    beyond_chance,
    captured_by_chance,
    cluster_all,
    false_voxels_bound,
    is_shared,
    null_shape,
    random_rotations,
    rotate_rows,
    rows_of_same_shape,
)

GRID = [(2, 0.2), (2, 0.4), (3, 0.2), (3, 0.4)]


def people(rng, n_dims=30, n_each=6, spread=0.4):
    """Ten concepts of five participants, one of the first three, and voxels of none."""
    centres = np.linalg.qr(rng.normal(size=(n_dims, 11)))[0].T
    rows, who = [], []
    for participant in range(5):
        own = range(11 if participant < 3 else 10)
        planted = np.repeat(centres[own], n_each, axis=0)
        planted = planted + spread * rng.normal(size=planted.shape) / np.sqrt(n_dims)
        rows += [planted, rng.normal(size=(15, n_dims))]
        who += [participant] * (len(planted) + 15)
    return np.concatenate(rows), np.array(who)


def test_clusters_are_those_of_every_setting_by_itself():
    weights, who = people(np.random.default_rng(0))
    for (least, eps), found in zip(GRID, cluster_all(weights, who, GRID), strict=True):
        alone = SharedDBSCAN(eps, least, expansion=None).fit(weights, who)
        np.testing.assert_array_equal(found.labels, alone.labels_)
        np.testing.assert_array_equal(found.core, alone.core_)
    apart = cluster_all(np.eye(8), np.arange(8) % 4, GRID)
    assert all((one.labels == -1).all() and not one.core.any() for one in apart)


def test_captured_voxels_are_those_counted_one_by_one():
    rng = np.random.default_rng(1)
    weights, who = people(rng)
    nulls = [0.5 * weights[rng.permutation(len(weights))] + rng.normal(size=weights.shape) / 9]
    clusters = cluster_all(weights, who, GRID)
    found = captured_by_chance(weights, nulls, who, GRID, clusters)
    unit = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    for (_, eps), one, captured in zip(GRID, clusters, found, strict=True):
        expected = np.zeros_like(captured.chance)
        for v in range(len(weights)):
            distance = 1 - unit @ (nulls[0][v] / np.linalg.norm(nulls[0][v]))
            distance[(who == who[v]) | ~one.core] = np.inf
            if distance.min() < eps:
                expected[0, who[v], one.labels[distance.argmin()]] += 1
        np.testing.assert_array_equal(captured.chance, expected)
        assert captured.real.sum() == np.sum(one.labels >= 0)
    assert max(captured.chance.sum() for captured in found) > 0


def test_a_participant_has_what_chance_does_not_give():
    real = np.array([[9, 3], [9, 3], [9, 9]])
    chance = np.zeros((2, 3, 2), dtype=int)
    chance[1, 2, 1] = 6  # of 20 voxels: 3 of 10 are no more than that
    captured = Captured(real, chance, np.array([10, 10, 20]))
    np.testing.assert_array_equal(captured.has, [[True, False], [True, False], [True, True]])
    np.testing.assert_array_equal(is_shared(captured, 2), [True, False])


def test_a_concept_of_three_is_not_one_of_four():
    """A voxel of a fourth that strays into it makes it a cluster; chance rows do the same."""
    rng = np.random.default_rng(2)
    weights, who = people(rng, spread=0.2)
    stray = np.flatnonzero(who == 4)[-1]
    weights[stray] = weights[np.flatnonzero(who == 0)[60]]  # of the concept of three
    nulls = [rng.normal(size=weights.shape) for _ in range(4)]
    for null in nulls:  # in every draw, one voxel of one strays too
        null[rng.choice(np.flatnonzero(who == 3))] = weights[stray]
    model = SharedDBSCAN(0.3, 3).fit(weights, who)
    assert model.labels_.max() == 10
    labels, clusters = beyond_chance(weights, nulls, who, model, rng)
    assert len(clusters) == 10
    assert labels.max() == 9
    assert (labels[who == 0][60:66] == -1).all()
    assert set(model.labels_[who == 0][:60:6]) == set(clusters)


@pytest.mark.parametrize("mean", [0.1, 1.0, 7.0])
def test_the_bound_covers_the_mean_of_poisson_counts(mean):
    """At most 5 % of bounds lie below; three standard errors of 400 draws are allowed for."""
    rng = np.random.default_rng(3)
    total = [false_voxels_bound(rng.poisson(mean, (5, 6))) for _ in range(400)]
    assert np.mean(np.array(total) < 6 * mean) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 8))
def test_one_count_in_equal_shuffles_gives_the_exact_poisson_bound(k, n_shuffles):
    chance = np.full((n_shuffles, 1), k)
    bound = false_voxels_bound(chance) * n_shuffles
    assert poisson.cdf(k * n_shuffles, bound) == pytest.approx(0.05)


def test_captures_in_bunches_widen_the_bound():
    alone, bunched = np.full((5, 1), 4), np.array([[20], [0], [0], [0], [0]])
    assert false_voxels_bound(bunched) > 2 * false_voxels_bound(alone)
    assert false_voxels_bound(np.zeros((5, 6))) == pytest.approx(-np.log(0.05) / 5)


def test_rotations_keep_what_is_true_within_a_participant():
    rng = np.random.default_rng(4)
    weights, who = people(rng)
    rotations = random_rotations(who, weights.shape[1], rng)
    turned = rotate_rows(weights, who, rotations, np.eye(weights.shape[1]))
    own = who[:, None] == who
    np.testing.assert_allclose((turned @ turned.T)[own], (weights @ weights.T)[own], atol=1e-9)
    clusters, before = (cluster_all(w, who, [(3, 0.3)])[0].labels for w in (turned, weights))
    assert before.max() >= 1
    assert clusters.max() == -1


def test_rotations_keep_the_shape_of_rows_without_meaning():
    """Rows that lean to strong directions lean to them when they are rotated."""
    rng = np.random.default_rng(5)
    scale = np.array([4.0, 1, 1, 1, 1, 0.25])
    rows = rng.normal(size=(30_000, 6)) * scale
    shape = null_shape([rows])
    turned = rotate_rows(rows, np.zeros(len(rows)), random_rotations([0], 6, rng), shape)
    first, expected = (np.abs(w[:, 0]) / np.linalg.norm(w, axis=1) for w in (turned, rows))
    assert first.mean() == pytest.approx(expected.mean(), abs=0.02)
    covariance = shape @ shape
    np.testing.assert_allclose(covariance / covariance[1, 1], np.diag(scale**2), atol=0.5)


def test_unrelated_rows_lean_to_where_the_true_ones_do():
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(30_000, 6)) * [2, 1, 1, 1, 1, 0.5]
    (drawn,) = rows_of_same_shape(rows, 1, rng)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    moment = unit.T @ unit
    np.testing.assert_allclose(
        drawn.T @ drawn / len(drawn), moment, rtol=0.05, atol=0.03 * len(rows)
    )
