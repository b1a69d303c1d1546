"""Overlap of patches, by counting pairs and on layouts with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sdc_helpers.concepts.patches import (
    best_overlaps,
    blobs,
    overlap,
    patch_sizes,
)

GRID = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 1.8


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
