"""Contiguity and overlap, against loops over voxels and on layouts with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import gaussian_filter

from sdc_helpers.concepts._surrogates import label_maps, smoothness_of_weights
from sdc_helpers.concepts.patches import (
    best_overlaps,
    blobs,
    contiguity,
    overlap,
    patch_sizes,
)

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


def smooth_noise(rng, width, n_fields=20, n_clusters=5, shape=(8, 8, 4)):
    """Positions, weights of smooth noise, and labels of the highest 40 % by the highest field."""
    fields = [gaussian_filter(rng.normal(size=shape), width).ravel() for _ in range(n_fields)]
    weights = np.stack(fields, axis=1)
    named = weights[:, :n_clusters]
    high = named.max(axis=1) > np.quantile(named.max(axis=1), 0.6)
    positions = np.argwhere(np.ones(shape)) * 1.8
    return positions, weights, np.where(high, named.argmax(axis=1), -1)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("width", [0.6, 1.2])
def test_labels_of_smooth_noise_are_not_contiguous_too_often(width, known):
    """One cluster a map, so that tests are independent; labels shuffled among voxels reject 4 of 5.

    Bound, written before the first run: of 40 valid tests at .05, 9 or more reject less than once
    in 5,000 repetitions.
    """
    rejected = 0
    for seed in range(40):
        rng = np.random.default_rng([7, seed])
        positions, weights, labels = smooth_noise(rng, width)
        tests = contiguity(
            positions, labels, weights=weights if known else None, n_draws=19, rng=rng
        )
        rejected += tests[min(tests)].p_value <= 0.05
    assert rejected <= 8


def test_a_patch_is_contiguous_and_scattered_voxels_are_not():
    rng = np.random.default_rng(0)
    positions, weights, _ = smooth_noise(rng, 0.6)
    labels = np.full(len(positions), -1)
    labels[(positions < 3 * 1.8).all(axis=1)] = 0
    labels[rng.choice(np.flatnonzero(labels < 0), 30, replace=False)] = 1
    weights = weights + 2 * weights.std() * (labels == 0)[:, None] * rng.normal(size=20)
    tests = contiguity(positions, labels, weights=weights, n_draws=99, rng=rng)
    assert tests[0].value == 1
    assert tests[0].p_value == 0.01
    assert tests[1].p_value > 0.05
    assert tests[0].scheme == "labels of smooth noise"


def test_p_values_of_scattered_labels_are_not_small_too_often():
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat([0, -1], [60, 156]))
        weights = rng.normal(size=(len(GRID), 10))
        test = contiguity(GRID, labels, weights=weights, n_draws=19, rng=rng)[0]
        p_values.append(test.p_value)
    assert np.mean(np.array(p_values) <= 0.05) <= 0.15  # 4.2 standard errors of 60 tests above .05
    assert 0.3 < np.median(p_values) < 0.75


@pytest.mark.parametrize(("width", "share"), [(0.7, 1.0), (1.2, 0.6), (1.0, 0.0)])
def test_noise_is_drawn_as_smooth_as_the_weights(width, share):
    rng = np.random.default_rng(0)
    positions = np.argwhere(np.ones((8, 8, 4))) * 1.8
    around = [gaussian_filter(rng.normal(size=(20, 20, 16)), width) for _ in range(200)]
    smooth = np.stack([field[6:14, 6:14, 6:10].ravel() for field in around], axis=1)
    rough = rng.normal(size=smooth.shape)
    weights = np.sqrt(share) * smooth / smooth.std() + np.sqrt(1 - share) * rough
    drawn = smoothness_of_weights(positions, weights, 1.8)
    fields = drawn.fields(200, rng)
    np.testing.assert_allclose(fields.std(axis=1), 1, atol=0.25)  # 5 errors of 200 draws
    for lag in (1, 2):
        there = positions[:, 0] >= 1.8 * lag
        before = np.flatnonzero(there) - lag * 32  # eight by four voxels to the next plane
        alike = [np.mean(f[there] * f[before]) / np.mean(f * f) for f in (weights, fields)]
        assert alike[0] == pytest.approx(alike[1], abs=0.06)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_label_maps_have_the_sizes(seed, sizes):
    smoothness = smoothness_of_weights(
        GRID, np.random.default_rng(seed).normal(size=(len(GRID), 4)), 1.8
    )
    for labels in label_maps(smoothness, sizes, 2, np.random.default_rng(seed)):
        assert np.bincount(labels[labels >= 0]).tolist() == sizes


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


def test_the_best_overlap_is_the_largest_of_all():
    rng = np.random.default_rng(2)
    labels = rng.integers(-1, 4, len(GRID))
    regions = {"a": rng.random(len(GRID)) < 0.3, "none": np.zeros(len(GRID), bool)}
    regions["b"] = labels == 2
    best = best_overlaps(GRID, labels, regions, reach=2, n_draws=9, rng=rng)
    assert list(best) == ["a", "b"]
    for name, found in best.items():
        dice = {}
        for cluster in range(4):
            own, region = set(np.flatnonzero(labels == cluster)), set(np.flatnonzero(regions[name]))
            dice[cluster] = 2 * len(own & region) / (len(own) + len(region))
        assert found.cluster == max(dice, key=dice.get)
        assert found.dice.value == pytest.approx(max(dice.values()))
    assert best["b"].cluster == 2
    assert best["b"].dice.p_value == 0.1  # the least of nine draws, however many clusters
    assert best["b"].dice.scheme == "patches elsewhere, largest of 4 clusters"


def test_the_best_of_one_is_that_one():
    labels = np.where((GRID < 3).all(axis=1), 5, -1)
    region = (GRID < 5).all(axis=1)
    best = best_overlaps(
        GRID, labels, {"r": region}, reach=3.2, n_draws=19, rng=np.random.default_rng(4)
    )
    alone = overlap(
        GRID, labels == 5, GRID[:, 0], region, reach=3.2, n_draws=19, rng=np.random.default_rng(4)
    )
    assert best["r"].cluster == 5
    np.testing.assert_allclose(best["r"].dice.null, alone.dice.null)


def test_the_best_of_many_random_clusters_is_not_called_a_finding():
    """Bounds by the binomial, written before: at most 14 of 100, as at .05 in 9,999 of 10,000."""
    most = stats.binom.ppf(1 - 1e-4, 100, 0.05)
    rejected = 0
    for seed in range(100):
        rng = np.random.default_rng([8, seed])
        region = blobs(GRID, np.array([27]), 1, rng)[0]
        labels = np.full(len(GRID), -1)
        for cluster, own in enumerate(blobs(GRID, np.array([9]), 6, rng)):
            labels[own] = cluster
        best = best_overlaps(GRID, labels, {"r": region}, reach=3.2, n_draws=19, rng=rng)
        rejected += best["r"].dice.p_value <= 0.05
    assert rejected <= most


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(3, int)}, "labels has shape"),
        ({"regions": {"faces": np.ones(3, bool)}}, "faces has shape"),
        ({"labels": np.full(len(GRID), -1)}, "labels holds no cluster"),
        ({"reach": -1}, "reach=-1"),
        ({"n_draws": 0}, "n_draws=0"),
    ],
)
def test_bad_input_of_the_best_overlap(change, message):
    arguments = {
        "positions": GRID, "labels": np.zeros(len(GRID), int), "regions": {}, "reach": 2,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        best_overlaps(**{**arguments, **change}, rng=np.random.default_rng(0))


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
    for weights in (np.zeros(len(GRID)), np.zeros((3, 2)), np.full((len(GRID), 2), np.nan)):
        with pytest.raises(ValueError, match="weights has shape"):
            contiguity(GRID, np.zeros(len(GRID), int), weights=weights, rng=rng)
    with pytest.raises(ValueError, match="at the same place"):
        contiguity(np.zeros((4, 3)), np.zeros(4, int), rng=rng)
    assert contiguity(GRID[:1], np.zeros(1, int), rng=rng) == {}
    assert contiguity(GRID, np.full(len(GRID), -1), rng=rng) == {}
