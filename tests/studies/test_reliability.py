"""Reliability of recordings, against loops, planted ceilings, and the real V4 neurons."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets import NSD, load_v4
from sdc_helpers.studies import reliability


def planted(rng, n_pictures=400, n_repetitions=8, ratios=(0.0, 0.5, 1.0, 2.0)):
    """Trials of neurons whose signal has this variance, and their noise one; some are missing."""
    signal = rng.normal(size=(n_pictures, len(ratios))) * np.sqrt(ratios)
    trials = signal[:, None] + rng.normal(size=(n_pictures, n_repetitions, len(ratios)))
    trials[::3, n_repetitions - 2 :] = np.nan
    return trials


def test_spearman_brown_of_parallel_measurements():
    """Two halves of twice as many parts: what the formula says of the correlation, measured."""
    rng = np.random.default_rng(0)
    true, noise = rng.normal(size=200_000), rng.normal(size=(4, 200_000))
    one, two = true + noise[0], true + noise[1]
    longer, other = true + noise[:2].mean(axis=0), true + noise[2:].mean(axis=0)
    r = np.corrcoef(one, two)[0, 1]
    assert reliability.spearman_brown(r) == pytest.approx(
        np.corrcoef(longer, other)[0, 1], abs=0.01
    )
    assert reliability.spearman_brown(0.5, 1) == 0.5
    assert reliability.spearman_brown(0.5, 3) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((1.2,), "r holds 1.2; expected correlations"), ((0.5, 0), "factor=0: expected a number")],
)
def test_what_spearman_brown_refuses(arguments, said):
    with pytest.raises(ValueError, match=said):
        reliability.spearman_brown(*arguments)


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_find_the_planted_ceiling(seed):
    ratios = np.array([0.0, 0.5, 1.0, 2.0])
    found = reliability.reliability_of_neurons(planted(np.random.default_rng(seed)))
    n = found.n_repetitions
    assert n == pytest.approx(400 / (134 / 6 + 266 / 8))
    np.testing.assert_allclose(found.single, 100 * ratios / (ratios + 1), atol=6)
    np.testing.assert_allclose(found.ceiling, 100 * ratios / (ratios + 1 / n), atol=12)
    np.testing.assert_allclose(found.ceiling[1:], 100 * found.corrected[1:], atol=4)


def test_halves_are_correlations_of_means():
    trials = planted(np.random.default_rng(5), n_pictures=30)
    found = reliability.reliability_of_neurons(trials, n_draws=1, seed=3)
    rng, halves = np.random.default_rng(3), np.empty((2, 30, 4))
    for k, picture in enumerate(trials):
        there = picture[~np.isnan(picture[:, 0])]
        there = there[rng.permutation(len(there))]
        halves[:, k] = there[::2].mean(axis=0), there[1::2].mean(axis=0)
    expected = [np.corrcoef(halves[0, :, j], halves[1, :, j])[0, 1] for j in range(4)]
    np.testing.assert_allclose(found.halves, expected)


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        (np.zeros((4, 2)), "of three pictures or more"),
        (np.zeros((2, 2, 1)), "of three pictures or more"),
        (np.full((4, 2, 1), [[1.0], [np.nan]]), "a picture has 1 repetitions"),
    ],
)
def test_trials_that_say_nothing(trials, said):
    with pytest.raises(ValueError, match=said):
        reliability.reliability_of_neurons(trials)


@pytest.mark.parametrize("seed", range(3))
def test_the_ceiling_of_an_rdm_is_near_the_correlation_with_the_planted_one(seed):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(60, 12)) @ rng.normal(size=(12, 300))
    showings = signal + 4 * rng.normal(size=(3, 60, 300))
    above = np.triu_indices(60, 1)
    true, measured = (np.corrcoef(one)[above] for one in (signal, showings.mean(axis=0)))
    expected = np.corrcoef(true, measured)[0, 1]
    assert 0.6 < expected < 0.98
    assert reliability.rdm_ceiling(showings) == pytest.approx(expected, abs=0.05)


def test_the_ceiling_of_noise_is_low_and_of_no_noise_is_one():
    rng = np.random.default_rng(1)
    assert reliability.rdm_ceiling(rng.normal(size=(3, 80, 50))) < 0.25
    assert reliability.rdm_ceiling(np.repeat(rng.normal(size=(1, 20, 9)), 3, axis=0)) == 1
    with pytest.raises(ValueError, match=r"expected .showings, pictures, voxels., two"):
        reliability.rdm_ceiling(np.zeros((1, 5, 5)))


def test_ceilings_of_simulated_participants(simulated_tree):
    nsd = NSD(simulated_tree, cache=False)
    found = reliability.rdm_ceilings(nsd, 40)
    assert list(found) == list(nsd.participants)
    assert all(0 <= value <= 1 for value in found.values())
    with pytest.raises(ValueError, match="n_pictures=2"):
        reliability.rdm_ceilings(nsd, 2)


def test_real_neurons_are_reliable(real_data_mirror):
    """What the source's page says of halves, one deal of them: median .62, from .35 to .87."""
    folder = real_data_mirror / "macaque_v4"
    if not folder.is_dir():
        pytest.skip("the mirror has no V4 recordings")
    found = reliability.reliability_of_neurons(load_v4("210325", folder).trials)
    r = found.halves
    np.testing.assert_allclose((np.median(r), r.min(), r.max()), (0.62, 0.35, 0.87), atol=0.01)
    rng = np.random.default_rng(0)
    resampled = [np.median(rng.choice(r, len(r))) for _ in range(500)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert 0.5 < low < 0.62 < high < 0.72
    np.testing.assert_allclose(found.corrected, 2 * r / (1 + r))
