"""Contiguity, against loops over voxels and on maps of noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from sdc_helpers.concepts import _surrogates, contiguity
from sdc_helpers.concepts._surrogates import label_maps, smoothness_of_weights

GRID = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 1.8


@pytest.fixture(scope="module", autouse=True)
def kernels_are_made_once():
    """A kernel depends on the voxels and its width alone: hundreds of maps share a few."""
    kernel = _surrogates._kernel

    @lru_cache(maxsize=64)
    def kept(positions: bytes, width: float):
        return kernel(np.frombuffer(positions).reshape(-1, 3), width)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            _surrogates, "_kernel", lambda positions, width: kept(positions.tobytes(), width)
        )
        yield


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
