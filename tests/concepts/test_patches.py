"""Contiguity and overlap, against loops over voxels and on layouts with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.concepts.patches import blobs, contiguity, overlap, patch_sizes

GRID = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 1.8


def share_by_loops(positions, labels, cluster):
    same = []
    for i in np.flatnonzero(labels == cluster):
        far = ((positions - positions[i]) ** 2).sum(axis=1)
        far[i] = np.inf
        same.append(labels[int(np.argmin(far))] == cluster)
    return np.mean(same)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_the_share_of_neighbours_by_loops(seed, n):
    rng = np.random.default_rng(seed)
    positions, labels = rng.normal(size=(n, 3)), rng.integers(-1, 3, n)
    tests = contiguity(positions, labels, n_draws=3, rng=rng)
    assert set(tests) == {c for c in range(3) if (labels == c).sum() > 1}
    for cluster, test in tests.items():
        assert test.value == pytest.approx(share_by_loops(positions, labels, cluster))


def test_a_patch_is_contiguous_and_scattered_voxels_are_not():
    rng = np.random.default_rng(0)
    patch = (GRID < 3).all(axis=1)
    labels = np.where(patch, 0, -1)
    test = contiguity(GRID, labels, n_draws=99, rng=rng)[0]
    assert test.value == 1
    assert test.p_value == 0.01
    assert test.null.mean() == pytest.approx((patch.sum() - 1) / (len(GRID) - 1), abs=0.05)


def test_p_values_of_scattered_labels_are_not_small_too_often():
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat([0, -1], [60, 156]))
        p_values.append(contiguity(GRID, labels, n_draws=39, rng=rng)[0].p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.15  # 4.2 standard errors of 60 tests above .05
    assert 0.3 < np.median(p_values) < 0.75


def test_patches_of_a_cluster():
    positions = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [9, 0, 0], [9, 1, 0], [20, 0, 0]])
    assert patch_sizes(positions, 1.1).tolist() == [3, 2, 1]
    assert patch_sizes(positions, 0.5).tolist() == [1] * 6


def test_blobs_have_the_sizes_and_are_compact():
    drawn = blobs(GRID, np.array([27, 8]), 20, np.random.default_rng(0))
    assert (drawn.sum(axis=1) == 35).all()
    radii = [np.linalg.norm(GRID[row] - GRID[row].mean(axis=0), axis=1).max() for row in
             blobs(GRID, np.array([27]), 20, np.random.default_rng(0))]  # fmt: skip
    assert max(radii) < 0.9 * np.linalg.norm(GRID - GRID.mean(axis=0), axis=1).max()
    with pytest.raises(ValueError, match="sizes sum to 300"):
        blobs(GRID, np.array([300]), 1, np.random.default_rng(0))


def test_overlap_by_counting_pairs():
    rng = np.random.default_rng(1)
    cluster, region = rng.random((2, len(GRID))) < 0.3
    localiser = rng.integers(0, 5, len(GRID)).astype(float)
    result = overlap(GRID, cluster, localiser, region, reach=2, n_draws=9, rng=rng)
    both = sum(c and r for c, r in zip(cluster, region, strict=True))
    assert result.dice.value == pytest.approx(2 * both / (cluster.sum() + region.sum()))
    pairs = localiser[cluster][:, None] - localiser[~cluster][None]
    assert result.auc.value == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    assert result.dice.null.shape == result.auc.null.shape == (9,)


def test_a_cluster_on_its_region_beats_blobs_elsewhere():
    rng = np.random.default_rng(0)
    region = (GRID < 3).all(axis=1)
    localiser = -np.linalg.norm(GRID - 0.9, axis=1)
    there = overlap(GRID, region, localiser, region, reach=3.2, n_draws=99, rng=rng)
    assert there.dice.value == there.auc.value == 1
    assert max(there.dice.p_value, there.auc.p_value) <= 0.05
    away = overlap(GRID, (GRID > 6).all(axis=1), localiser, region, reach=3.2, n_draws=99, rng=rng)
    assert away.dice.value == 0
    assert away.dice.p_value == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": GRID[:, :2]}, "positions has shape"),
        ({"cluster": np.zeros(len(GRID), bool)}, "cluster has 0 of"),
        ({"cluster": np.zeros(3, bool)}, "cluster has shape"),
        ({"region": np.zeros(len(GRID))}, "expected bool"),
        ({"localiser": np.full(len(GRID), np.nan)}, "not finite"),
        ({"reach": 0}, "reach=0"),
        ({"n_draws": 0}, "n_draws=0"),
    ],
)
def test_bad_input_of_overlap(change, message):
    region = (GRID < 3).all(axis=1)
    arguments = {
        "positions": GRID, "cluster": region, "localiser": GRID[:, 0], "region": region, "reach": 2,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        overlap(**{**arguments, **change}, rng=np.random.default_rng(0))


def test_bad_input_of_contiguity():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="labels has shape"):
        contiguity(GRID, np.zeros(3, int), rng=rng)
    with pytest.raises(ValueError, match="n_draws=True"):
        contiguity(GRID, np.zeros(len(GRID), int), n_draws=True, rng=rng)
    assert contiguity(GRID[:1], np.zeros(1, int), rng=rng) == {}
