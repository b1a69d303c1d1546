"""Signals of several people in one film: oracles by loops."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.decoding import (
    intersubject_correlation,
    match_segments,
    mean_of_others,
)
from sdc_helpers.measures import Interval


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    film = rng.normal(size=(40, 5))
    return film + 1.5 * rng.normal(size=(4, 40, 5))


def test_the_own_signal_is_not_in_the_mean_of_the_others(series):
    for i, mean in enumerate(mean_of_others(series)):
        np.testing.assert_allclose(mean, np.delete(series, i, axis=0).mean(axis=0))


def test_intersubject_correlation_is_that_of_each_pair_of_signals(series):
    others = mean_of_others(series)
    found = intersubject_correlation(series)
    for i in range(4):
        for parcel in range(5):
            r = np.corrcoef(series[i, :, parcel], others[i, :, parcel])[0, 1]
            assert found[i, parcel] == pytest.approx(r)


def test_a_constant_parcel_has_no_correlation(series):
    series[1, :, 2] = 3.0
    assert np.isnan(intersubject_correlation(series)[1, 2])
    assert np.isfinite(intersubject_correlation(series)[0]).all()


def matched_by_loops(own, others, n):
    starts = range(len(own) - n + 1)
    found = []
    for i in starts:
        r = {
            j: np.corrcoef(own[i : i + n].ravel(), others[j : j + n].ravel())[0, 1]
            for j in starts
            if j == i or abs(i - j) >= n
        }
        found.append(max(r, key=r.get) == i)
    return np.array(found)


@pytest.mark.parametrize("n_volumes", [1, 3, 6])
def test_segments_are_matched_as_by_loops(series, n_volumes):
    own, others = series[0], mean_of_others(series)[0]
    found = match_segments(own, others, n_volumes).found
    np.testing.assert_array_equal(found, matched_by_loops(own, others, n_volumes))
    assert 0 < found.mean() < 1


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_unrelated_series_are_matched_as_chance_says(memory):
    rng = np.random.default_rng(3)
    apart = []
    for _ in range(150):
        series = rng.normal(size=(2, 60, 2))
        for i in range(1, 60):
            series[:, i] += memory * series[:, i - 1]
        match = match_segments(*series, 4)
        apart.append(match.share - match.chance)
    assert abs(np.mean(apart)) < 4 * np.std(apart, ddof=1) / np.sqrt(150)


def test_slow_series_have_the_higher_chance():
    rng = np.random.default_rng(4)
    higher = []
    for _ in range(20):
        white = rng.normal(size=(2, 200, 3))
        slow = np.cumsum(white, axis=1)
        higher.append(match_segments(*slow, 5).chance - match_segments(*white, 5).chance)
    assert Interval.over_seeds(np.array(higher)).low > 0


def test_equal_segments_are_no_hit():
    assert not match_segments(np.ones((12, 2)), np.ones((12, 2)), 2).found.any()


def test_what_does_not_fit_is_refused(series):
    with pytest.raises(ValueError, match="two participants"):
        mean_of_others(series[:1])
    with pytest.raises(ValueError, match="shape"):
        match_segments(series[0], series[1, :-1], 3)
    with pytest.raises(ValueError, match="n_volumes=30"):
        match_segments(series[0], series[1], 30)
    series[0, 3, 1] = np.nan
    with pytest.raises(ValueError, match="series"):
        intersubject_correlation(series)
