"""Measured values: intervals against an independent count, units, and the p-value of a null."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sdc_helpers.measures import Interval, NullTest

numbers = st.floats(-1e6, 1e6)
VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8)


@given(st.lists(numbers, min_size=1, max_size=60), st.floats(0.5, 0.99))
def test_the_ends_leave_out_as_many_resamples_as_the_level_says(resampled, level):
    found = Interval.from_resamples(3, resampled, level=level, chance=1)
    assert (found.value, found.level, found.chance) == (3, level, 1)
    assert min(resampled) <= found.low <= found.high <= max(resampled)
    # an end lies between two neighbours among the sorted resamples: one of them is beyond it
    beyond = (1 - level) / 2 * (len(resampled) - 1) + 1 + 1e-6
    assert np.sum(np.array(resampled) < found.low - 1e-6) <= beyond
    assert np.sum(np.array(resampled) > found.high + 1e-6) <= beyond


def test_undefined_resamples_are_left_out():
    defined = Interval.from_resamples(0.5, [0.1, 0.2, 0.9])
    mixed = Interval.from_resamples(0.5, [np.nan, 0.1, 0.2, np.nan, 0.9])
    assert (mixed.low, mixed.high) == (defined.low, defined.high)
    nothing = Interval.from_resamples(0.5, [np.nan])
    assert np.isnan([nothing.low, nothing.high]).all()
    assert nothing.chance is None


def test_scaling_reaches_every_number_but_the_level():
    share = Interval(0.25, 0.125, 0.5, 0.9, 0.0625, np.array([0.25, 0.5]))
    percent = share.scaled(100)
    assert (percent.value, percent.low, percent.high) == (25, 12.5, 50)
    assert (percent.level, percent.chance) == (0.9, 6.25)
    np.testing.assert_array_equal(percent.by_seed, [25, 50])
    plain = Interval(1, 0, 2).scaled(0.5)
    assert (plain.value, plain.high, plain.chance, plain.by_seed) == (0.5, 1, None, None)


@pytest.mark.parametrize("factor", [0, -1, np.nan])
def test_a_factor_that_turns_the_interval_round_is_refused(factor):
    with pytest.raises(ValueError, match="expected a number above 0"):
        Interval(1, 0, 2).scaled(factor)


@pytest.mark.parametrize(
    ("bound", "side"),
    [(0.5, "above"), (1, "undecided"), (2, "undecided"), (3, "undecided"), (4, "below")],
)
def test_an_interval_decides_only_where_all_of_it_does(bound, side):
    assert Interval(2, 1, 3).against(bound) == side
    assert Interval(2, np.nan, np.nan).against(bound) == "undecided"


def test_an_interval_reads_as_value_and_ends():
    assert str(Interval(0.25, 0.125, 0.5)) == "0.25 [0.125, 0.5]"


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.integers(-5, 5))
def test_the_p_value_counts_the_measured_one_and_ties(null, value):
    greater = NullTest.from_null(value / 3, np.array(null) / 3, scheme="rows")
    less = NullTest.from_null(value / 3, np.array(null) / 3, side="less")
    assert greater.p_value == (1 + sum(n >= value for n in null)) / (1 + len(null))
    assert less.p_value == (1 + sum(n <= value for n in null)) / (1 + len(null))
    assert (greater.value, greater.scheme, less.scheme) == (value / 3, "rows", "")


def test_rounding_does_not_part_a_draw_from_a_value_that_it_equals():
    value, draw = 0.1 + 0.2, 0.3  # differ in the last bit
    assert value != draw
    assert NullTest.from_null(value, [draw]).p_value == 1
    assert NullTest.from_null(-value, [-draw], side="less").p_value == 1


@given(values=VALUES, level=st.floats(0.5, 0.999))
def test_an_interval_over_seeds_is_students(values, level):
    found = Interval.over_seeds(values, level=level)
    assert found.value == pytest.approx(np.mean(values), abs=1e-9)
    error = stats.sem(values)
    if error > 1e-9:
        low, high = stats.t.interval(level, len(values) - 1, np.mean(values), error)
        assert (found.low, found.high) == pytest.approx((low, high))


def test_one_seed_says_nothing_about_others():
    found = Interval.over_seeds([0.3])
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.against(0.0) == "undecided"


def test_students_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [Interval.over_seeds(row) for row in rng.normal(size=(2000, 3))]
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.93 < covered < 0.97  # 0.95, four standard errors of 2,000 draws


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "one or more"), ([1.0, math.nan], "finite"), ([math.inf], "finite")],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Interval.over_seeds(values)
    with pytest.raises(ValueError, match=r"level=1\.0"):
        Interval.over_seeds([1.0], level=1.0)


@given(n=st.integers(1, 60), data=st.data())
def test_the_interval_of_a_share_is_exact(n, data):
    n_hits = data.draw(st.integers(0, n))
    found = Interval.of_share(n_hits, n)
    assert found.value == n_hits / n
    # at an end, as many hits or more extreme have a probability of half of what is left out
    if n_hits > 0:
        assert stats.binom.sf(n_hits - 1, n, found.low) == pytest.approx(0.025, abs=1e-6)
    if n_hits < n:
        assert stats.binom.cdf(n_hits, n, found.high) == pytest.approx(0.025, abs=1e-6)
    assert (found.low == 0) == (n_hits == 0)
    assert (found.high == 1) == (n_hits == n)


def test_a_share_of_nothing_says_nothing():
    assert math.isnan(Interval.of_share(0, 0).value)
    with pytest.raises(ValueError, match="n_hits=3"):
        Interval.of_share(3, 2)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=9), st.integers(2, 6))
def test_the_jackknife_of_a_mean_is_students_interval(items, n_others):
    items = np.round(items, 3)
    less_one = (items.sum() - items) / (len(items) - 1)
    found, student = Interval.jackknife(items.mean(), less_one), Interval.over_seeds(items)
    assert (found.low, found.high) == pytest.approx((student.low, student.high), abs=1e-9)
    wider = Interval.jackknife(items.mean(), less_one, np.arange(n_others, dtype=float))
    assert wider.high - wider.low > 0
    assert np.isinf(Interval.jackknife(0.0, less_one, [1.0]).high)


def test_bad_input_of_the_jackknife():
    with pytest.raises(ValueError, match="left_out"):
        Interval.jackknife(0.0)
    with pytest.raises(ValueError, match="left_out"):
        Interval.jackknife(0.0, [1.0, np.nan])
    with pytest.raises(ValueError, match="level=2"):
        Interval.jackknife(0.0, [1.0, 2.0], level=2)
