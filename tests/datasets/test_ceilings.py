"""Noise ceilings against the textbook formula, planted values and what must not matter."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets import ceilings as module
from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling


def naive_ncsnr(betas, image_ids, train, n_repetitions=3, total=1.0):
    """Voxel by voxel, image by image, as the formula reads."""
    out = []
    for v in range(betas.shape[1]):
        variances = []
        for image in sorted(set(image_ids[train])):
            shown = [betas[t, v] for t in range(len(betas)) if train[t] and image_ids[t] == image]
            if len(shown) >= n_repetitions:
                first = shown[:n_repetitions]
                mean = sum(first) / n_repetitions
                variances.append(sum((x - mean) ** 2 for x in first) / (n_repetitions - 1))
        noise = sum(variances) / len(variances)
        out.append(np.sqrt(max(0.0, total - noise) / noise))
    return np.array(out)


def data(seed, n_images=12, n_voxels=4, n_trials=60):
    rng = np.random.default_rng(seed)
    image_ids = rng.integers(1, n_images + 1, n_trials)
    signal = rng.standard_normal((n_images + 1, n_voxels))
    noise = rng.standard_normal((n_trials, n_voxels)) * np.linspace(0.4, 1.6, n_voxels)
    betas = 0.8 * signal[image_ids] + noise  # more noise in the last voxel than the total variance
    return betas, image_ids, rng.random(n_trials) < 0.9


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), n_repetitions=st.sampled_from([2, 3]))
def test_equals_the_formula(seed, n_repetitions):
    betas, image_ids, train = data(seed)
    result = ncsnr(betas, image_ids, train, n_repetitions)
    assert np.allclose(result, naive_ncsnr(betas, image_ids, train, n_repetitions))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_trials_outside_training_cannot_change_it(seed):
    betas, image_ids, train = data(seed)
    before = ncsnr(betas, image_ids, train)
    rng = np.random.default_rng(seed + 1)
    betas[~train] = rng.choice([np.nan, np.inf, 1e9, -3.0], size=betas[~train].shape)
    image_ids[~train] = rng.integers(1, 13, (~train).sum())
    assert np.array_equal(ncsnr(betas, image_ids, train), before)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 100))
def test_unscaled_betas_with_their_variance(seed, scale):
    betas, image_ids, train = data(seed)
    factors = scale * np.array([1.0, 2.0, 0.5, 7.0])
    scaled = ncsnr(betas * factors + 5, image_ids, train, total_variance=factors**2)
    assert np.allclose(scaled, ncsnr(betas, image_ids, train))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_names_of_images_and_order_of_voxels_do_not_matter(seed):
    betas, image_ids, train = data(seed)
    expected = ncsnr(betas, image_ids, train)
    renamed = np.random.default_rng(seed).permutation(100)[image_ids]
    assert np.allclose(ncsnr(betas, renamed, train), expected)
    assert np.array_equal(ncsnr(betas[:, ::-1], image_ids, train)[::-1], expected)


def test_only_the_first_showings_are_taken():
    betas, image_ids, train = data(1)
    train[:] = True
    place = np.array([np.sum(image_ids[:t] == image_ids[t]) for t in range(len(image_ids))])
    assert (place >= 3).any()
    before = ncsnr(betas, image_ids, train)
    betas[place >= 3] += 10
    assert np.array_equal(ncsnr(betas, image_ids, train), before)


def simulate(seed, n_images=2000, n_session=750):
    """Three showings of each image in sessions, planted ceilings of 0 to 70 %, as NSD's."""
    rng = np.random.default_rng(seed)
    planted = np.concatenate([np.zeros(20), rng.uniform(0, 70, 180)])
    share = planted / 100
    signal = rng.standard_normal((n_images, len(planted))) * np.sqrt(share)
    image_ids = rng.permutation(np.repeat(np.arange(n_images), 3))
    betas = signal[image_ids] + rng.standard_normal((3 * n_images, len(planted))) * np.sqrt(
        1 - share
    )
    betas = betas * rng.uniform(0.5, 3, len(planted)) + rng.normal(size=len(planted))
    for start in range(0, len(betas), n_session):
        session = betas[start : start + n_session]
        session -= session.mean(axis=0)
        session /= session.std(axis=0)
    return betas, image_ids, planted


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_ceilings_come_back(seed):
    betas, image_ids, planted = simulate(seed)
    train = ~np.isin(image_ids, np.arange(300))  # what is held out
    estimated = noise_ceiling(ncsnr(betas, image_ids, train))
    assert np.corrcoef(estimated, planted)[0, 1] > 0.95
    assert abs(np.mean(estimated - planted)) < 2
    for low, high in ((0, 0.1), (0.1, 25), (25, 50), (50, 70)):
        part = (planted >= low) & (planted < high)
        assert abs(np.mean(estimated[part] - planted[part])) < 2


def test_ceiling_of_an_average_is_what_a_perfect_model_reaches():
    """The squared correlation of the true signal with the mean of n showings, in percent."""
    rng = np.random.default_rng(0)
    snr = 0.5
    signal = snr * rng.standard_normal(200_000)
    for n in (1, 3):
        measured = signal + rng.standard_normal((n, len(signal))).mean(axis=0)
        reached = 100 * np.corrcoef(signal, measured)[0, 1] ** 2
        assert abs(noise_ceiling(np.array(snr), n) - reached) < 0.5


@settings(deadline=None)
@given(snr=st.floats(0, 1e150), more=st.floats(0, 10), n=st.integers(1, 100))
def test_ceiling_is_a_percentage_and_grows(snr, more, n):
    low, high = noise_ceiling(np.array([snr, snr + more]), n)
    assert 0 <= low <= high <= 100
    assert low <= noise_ceiling(np.array(snr), n + 1)


def test_ceiling_at_the_ends():
    assert noise_ceiling(np.array([0.0, 1.0, np.inf])).tolist() == [0, 50, 100]
    assert noise_ceiling(np.array([1.0]), n=3).tolist() == [75]
    assert np.isnan(noise_ceiling(np.array([np.nan]))).all()


def test_no_noise_at_all():
    image_ids = np.repeat([1, 2, 3], 3)
    betas = np.repeat([[-1.0], [0.0], [1.0]], 3, axis=0)
    assert ncsnr(betas, image_ids, np.ones(9, bool)).tolist() == [np.inf]


def test_bad_voxels_are_reported_or_kept_as_nan():
    betas, image_ids, train = data(3, n_voxels=6)
    good = ncsnr(betas, image_ids, train)
    image = image_ids[train][0]
    row = np.flatnonzero(train & (image_ids == image))[0]
    betas[:, 1] = 0
    betas[row, 4] = np.nan
    with pytest.raises(ValueError, match=r"2 of 6 voxels.*the first is 1.*bad_voxels='keep'"):
        ncsnr(betas, image_ids, train)
    kept = ncsnr(betas, image_ids, train, bad_voxels="keep")
    assert np.flatnonzero(np.isnan(kept)).tolist() == [1, 4]
    assert np.array_equal(np.delete(kept, [1, 4]), np.delete(good, [1, 4]))


def test_small_blocks_change_nothing(monkeypatch):
    betas, image_ids, train = data(3, n_voxels=6)
    betas[:, 2] = 1
    betas[:, 5] = 0
    image = image_ids[train][0]
    betas[np.flatnonzero(train & (image_ids == image))[1], 5] = 1  # changes in the first block only
    whole = ncsnr(betas, image_ids, train, bad_voxels="keep")
    monkeypatch.setattr(module, "_BLOCK_BYTES", 1)
    assert np.allclose(ncsnr(betas, image_ids, train, bad_voxels="keep"), whole, equal_nan=True)
    assert np.flatnonzero(np.isnan(whole)).tolist() == [2]


def test_a_memory_map_is_read_a_few_images_at_a_time(tmp_path):
    n_images, n_voxels = 600, 12_000
    betas = np.lib.format.open_memmap(
        tmp_path / "betas.npy", mode="w+", dtype=np.float32, shape=(3 * n_images, n_voxels)
    )
    rng = np.random.default_rng(0)
    for row in betas:
        row[:] = rng.standard_normal(n_voxels, dtype=np.float32)
    tracemalloc.start()
    try:
        ncsnr(betas, np.repeat(np.arange(n_images), 3), np.ones(3 * n_images, bool))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < betas.nbytes / 2


BETAS, IDS, TRAIN = data(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"betas": BETAS[0]}, r"betas has shape \(4,\), expected \(n_trials, n_voxels\)"),
        ({"betas": BETAS.astype(complex)}, "betas must hold real numbers, got complex128"),
        ({"image_ids": IDS[1:]}, r"image_ids has shape \(59,\), expected \(60,\)"),
        ({"train": TRAIN[1:]}, r"train: bool of shape \(59,\), expected bool of shape \(60,\)"),
        ({"train": TRAIN.astype(int)}, "train: int64"),
        ({"train": ~np.ones(60, bool)}, r"no image occurs so often among the 0 training trials"),
        ({"n_repetitions": 1}, "n_repetitions=1: expected an integer of 2 or more"),
        ({"n_repetitions": 3.0}, "n_repetitions=3.0"),
        ({"n_repetitions": 50}, r"n_repetitions=50: no image .*\(at most \d+ times\)"),
        ({"total_variance": np.ones(3)}, r"total_variance has shape \(3,\).*\(4,\)"),
        ({"total_variance": -1.0}, "total_variance must be finite and not negative"),
        ({"bad_voxels": "drop"}, "bad_voxels='drop' is unknown"),
    ],
)
def test_bad_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        ncsnr(**{"betas": BETAS, "image_ids": IDS, "train": TRAIN} | change)


def test_training_trials_must_be_named():
    with pytest.raises(TypeError, match="train"):
        ncsnr(BETAS, IDS)


def test_bad_arguments_of_the_ceiling():
    with pytest.raises(ValueError, match=r"ncsnr holds -1, expected 0 or more"):
        noise_ceiling(np.array([0.3, -1]))
    for n in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"n=.*number of averaged trials"):
            noise_ceiling(np.array([0.3]), n)
