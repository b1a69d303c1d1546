"""Values with an interval or a null: their ends, their verdicts, their p-values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sdc_helpers.measures import Interval, NullTest

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8)


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


@given(low=st.floats(-10, 10), width=st.floats(0, 5), bound=st.floats(-10, 10))
def test_a_verdict_needs_the_whole_interval(low, width, bound):
    verdict = Interval(low, low, low + width).against(bound)
    assert (verdict == "above") == (low > bound)
    assert (verdict == "below") == (low + width < bound)


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "one or more"), ([1.0, math.nan], "finite"), ([math.inf], "finite")],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Interval.over_seeds(values)
    with pytest.raises(ValueError, match=r"level=1\.0"):
        Interval.over_seeds([1.0], level=1.0)


@given(null=st.lists(st.integers(-5, 5), min_size=1, max_size=30), value=st.integers(-5, 5))
def test_a_p_value_counts_ties_and_is_never_zero(null, value):
    greater = NullTest.from_null(value, null)
    less = NullTest.from_null(value, null, side="less", scheme="rows")
    assert greater.p_value == (1 + sum(x >= value for x in null)) / (1 + len(null))
    assert less.p_value == (1 + sum(x <= value for x in null)) / (1 + len(null))
    assert less.scheme == "rows"
