from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_1samp, ttest_ind

from sdc_helpers.measures import Interval
from sdc_helpers.studies import (
    difference_of_decoders,
    difference_of_participants,
    highest,
    lowest,
)


def scores(rng, images):
    return pd.Series(rng.uniform(0, 100, len(images)), index=images)


@pytest.mark.parametrize("n_participants", [2, 6])
def test_pictures_of_each_ones_own_are_in_the_participants_means(n_participants):
    rng = np.random.default_rng(n_participants)
    images = np.arange(20 * n_participants).reshape(n_participants, 20)
    first, second = ([scores(rng, own) for own in images] for _ in range(2))
    found = difference_of_decoders(first, iter(second))
    means = [(a - b).mean() for a, b in zip(first, second, strict=True)]
    expected = ttest_1samp(means, 0).confidence_interval(0.95)
    np.testing.assert_allclose([found.value, found.low, found.high], [np.mean(means), *expected])


def test_pictures_that_all_saw_are_crossed_with_the_participants():
    rng = np.random.default_rng(0)
    images = [np.r_[np.arange(30), 100 + 10 * who + np.arange(5)] for who in range(4)]
    first, second = ([scores(rng, some) for some in images] for _ in range(2))
    found = difference_of_decoders(first, second)
    table = np.array([(a - b).loc[:29] for a, b in zip(first, second, strict=True)])
    assert found.value == pytest.approx(table.mean())
    # mean squares of participants and pictures, added (Clark 1973)
    n, m = table.shape
    people, pictures = table.mean(axis=1), table.mean(axis=0)
    of_people, of_pictures = m * people.var(ddof=1), n * pictures.var(ddof=1)
    both = (of_people + of_pictures) / (n * m)
    assert ((found.high - found.low) / 2) ** 2 >= both * t.ppf(0.975, n * m) ** 2 * 0.999


def test_two_participants_are_compared_picture_by_picture_where_they_can_be():
    rng = np.random.default_rng(1)
    one, same, other = scores(rng, range(20)), scores(rng, range(20)), scores(rng, range(20, 50))
    for second, expected in (
        (same, ttest_1samp(one - same, 0)),
        (other, ttest_ind(one, other, equal_var=False)),
    ):
        found = difference_of_participants(one, second)
        ends = expected.confidence_interval(0.95)
        np.testing.assert_allclose([found.low, found.high], list(ends))
        assert found.value == pytest.approx(one.mean() - second.mean())


def test_bad_input():
    one = pd.Series([1.0, 2.0], index=[1, 2])
    with pytest.raises(ValueError, match="1 participants against 2"):
        difference_of_decoders([one], [one, one])
    with pytest.raises(ValueError, match="participant 0 has other pictures"):
        difference_of_decoders([one], [one[:1]])


def test_the_lowest_of_intervals_is_above_a_bound_if_all_are():
    some = [Interval(3, 1, 5), Interval(2, 1.5, 2.5), Interval(4, 0.5, 9)]
    low, high = lowest(some), highest(iter(some))
    assert (low.value, low.low, low.high) == (2, 0.5, 2.5)
    assert (high.value, high.low, high.high) == (4, 1.5, 9)
    with pytest.raises(ValueError, match="empty"):
        lowest([])
