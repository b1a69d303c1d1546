"""Intervals cover, p-values are uniform under the null, and items are those of one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.curriculum.comparison import across_seeds, paired_difference, smallest_effect
from sdc_helpers.curriculum.results import CaptionLikelihood, Evaluation


def evaluation(correct, units=None, name="test"):
    correct = np.asarray(correct, float)
    units = np.arange(len(correct)) if units is None else np.asarray(units)
    return Evaluation(name, correct, correct - 0.5, 0.5, np.full(len(correct), ""), units)


def share_within(share, expected, n, errors=3.5):
    return abs(share - expected) < errors * np.sqrt(expected * (1 - expected) / n)


# -- one model --------------------------------------------------------------------------------


def test_the_bootstrap_covers_where_items_of_a_picture_go_together():
    """Four items a picture that mostly agree: resampling items alone covers too seldom."""
    rng = np.random.default_rng(10)
    units = np.repeat(np.arange(60), 4)
    covered, covered_by_items = 0, 0
    for repeat in range(200):
        p = np.repeat(rng.choice((0.1, 0.9), size=60), 4)  # expected accuracy 0.5
        correct = rng.random(240) < p
        found = evaluation(correct, units).interval(n_draws=300, seed=repeat)
        covered += found.low <= 0.5 <= found.high
        found = evaluation(correct).interval(n_draws=300, seed=repeat)
        covered_by_items += found.low <= 0.5 <= found.high
    assert 0.89 < covered / 200 < 0.99
    assert covered_by_items / 200 < 0.85


def test_the_bootstrap_agrees_with_a_loop():
    units = np.array([5, 5, 2, 9, 9, 9])
    correct = np.array([1.0, 0.0, 1.0, 0.0, 0.5, 1.0])
    found = evaluation(correct, units).interval(level=0.8, n_draws=3000, seed=3)
    means = []
    for a in (2, 5, 9):  # every resample of three pictures, each equally often
        for b in (2, 5, 9):
            for c in (2, 5, 9):
                drawn = np.concatenate([correct[units == unit] for unit in (a, b, c)])
                means.append(drawn.mean())
    ends = np.quantile(means, (0.1, 0.9))
    np.testing.assert_allclose((found.low, found.high), ends, atol=1e-12)
    assert (found.value, found.level, found.chance) == (correct.mean(), 0.8, 0.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.125, 1.0]), min_size=1, max_size=30), st.randoms())
def test_intervals_lie_in_range_and_hold_for_any_names_of_units(correct, random):
    units = [random.randrange(5) for _ in correct]
    found = evaluation(correct, units).interval(n_draws=50)
    assert min(correct) - 1e-12 <= found.low <= found.high <= max(correct) + 1e-12
    renamed = [unit * 7 + 100 for unit in units]
    again = evaluation(correct, renamed).interval(n_draws=50)
    assert (again.low, again.high) == (found.low, found.high)


# -- several seeds ----------------------------------------------------------------------------


def table(rng, n_seeds, n_units, of_seeds, of_units):
    """Right answers whose probability varies with seed and item, around 0.6."""
    p = 0.6 + of_seeds * rng.normal(size=(n_seeds, 1)) + of_units * rng.uniform(-1, 1, n_units)
    return rng.random((n_seeds, n_units)) < p


@pytest.mark.parametrize(("of_seeds", "of_units"), [(0.0, 0.3), (0.05, 0.2), (0.1, 0.1)])
def test_three_seeds_cover_other_seeds_and_items(of_seeds, of_units):
    rng = np.random.default_rng(11)
    n_repeats = 1000
    covered = covered_by_first = 0
    for _ in range(n_repeats):
        right = table(rng, 3, 100, of_seeds, of_units)
        found = across_seeds([evaluation(row) for row in right])
        assert found.chance == 0.5
        covered += found.low <= 0.6 <= found.high
        half = 1.96 * right[0].std(ddof=1) / 10
        covered_by_first += abs(right[0].mean() - 0.6) <= half
    # 0.94 to 0.98 in long simulations: more where the residual, counted twice, is most of it
    assert 0.915 < covered / n_repeats < 0.995
    if of_seeds == 0.1:
        assert covered_by_first / n_repeats < 0.75  # one seed knows nothing of others


def test_the_error_is_that_of_min_f():
    """Clark (1973): min F' = F1 F2 / (F1 + F2), for the mean against 0."""
    rng = np.random.default_rng(12)
    d = rng.normal(0.5, 1.0, (4, 9)) + rng.normal(0, 0.5, (4, 1)) + rng.normal(0, 0.5, 9)
    grand = d.mean()
    f_seeds = d.size * grand**2 / (9 * np.var(d.mean(axis=1), ddof=1))
    f_units = d.size * grand**2 / (4 * np.var(d.mean(axis=0), ddof=1))
    min_f = f_seeds * f_units / (f_seeds + f_units)
    df = (f_seeds + f_units) ** 2 / (f_seeds**2 / 8 + f_units**2 / 3)
    from scipy.stats import f

    zero = [evaluation(np.zeros(9)) for _ in range(4)]
    found = paired_difference([evaluation(row) for row in d], zero, n_flips=9)
    assert found.p_value == pytest.approx(f.sf(min_f, 1, df))
    found = found.difference
    half = grand / np.sqrt(min_f) * np.sqrt(f.isf(0.05, 1, df))
    assert (found.low, found.high) == pytest.approx((grand - half, grand + half))


def test_unequal_numbers_of_items_a_unit():
    """The mean is over items; the error is that of a ratio, as the bootstrap finds it."""
    rng = np.random.default_rng(13)
    units = np.repeat(np.arange(300), rng.integers(1, 6, 300))
    of_unit = rng.uniform(0.2, 0.9, 300)
    one = evaluation(rng.random(len(units)) < of_unit[units], units)
    found = across_seeds([one])
    assert found.value == pytest.approx(one.accuracy)
    alone = one.interval(n_draws=4000)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.08)


def test_captions_are_combined_by_the_word():
    rng = np.random.default_rng(14)
    words = rng.integers(2, 15, 40)
    runs = [
        CaptionLikelihood(-rng.uniform(1, 3, 40) * words, words * 2, words, np.arange(40) // 2)
        for _ in range(3)
    ]
    found = across_seeds(runs)
    np.testing.assert_allclose(found.by_seed, [run.per_word for run in runs])
    assert found.low < found.value < found.high < 0
    assert found.chance is None


# -- two ways of training ---------------------------------------------------------------------


def ends(interval):
    return interval.value, interval.low, interval.high


def null_pair(rng, of_seeds):
    """Two models that differ on items, and by seed, but on average in nothing."""
    lean = rng.uniform(-0.35, 0.35, 60) + of_seeds * rng.uniform(-1, 1, (3, 1))
    draws = rng.random((2, 3, 60))
    return [
        [evaluation(row) for row in draws[k] < 0.5 + sign * lean] for k, sign in ((0, 1), (1, -1))
    ]


def test_flips_of_whole_units_give_uniform_p_under_the_null():
    rng = np.random.default_rng(15)
    n = 400
    p = np.array(
        [paired_difference(*null_pair(rng, 0.0), n_flips=199, seed=k).p_items for k in range(n)]
    )
    for level in (0.05, 0.25, 0.5, 0.75):
        # ties between flips make it a little conservative
        assert share_within((p <= level).mean(), level, n) or (p <= level).mean() < level
    assert (p <= 0.25).mean() > 0.15
    assert (p <= 0.5).mean() > 0.38


def test_the_p_value_holds_for_other_seeds_where_that_of_items_does_not():
    rng = np.random.default_rng(16)
    n = 400
    found = [paired_difference(*null_pair(rng, 0.15), n_flips=199, seed=k) for k in range(n)]
    assert np.mean([one.p_value <= 0.05 for one in found]) < 0.05 + 3.5 * np.sqrt(0.0475 / n)
    assert np.mean([one.p_items <= 0.05 for one in found]) > 0.2


def test_a_real_difference_is_found_and_has_its_sign():
    rng = np.random.default_rng(17)
    base = rng.random((3, 300))
    better, worse = ([evaluation(row) for row in base < p] for p in (0.75, 0.55))
    found = paired_difference(better, worse)
    gain = found.difference
    assert 0.1 < gain.low < gain.value < gain.high < 0.3
    assert found.p_value < 0.01
    assert found.p_items == 1 / 10_000
    back = paired_difference(worse, better)
    loss = back.difference
    assert (loss.low, loss.value, loss.high) == pytest.approx((-gain.high, -gain.value, -gain.low))
    np.testing.assert_allclose(loss.by_seed, -gain.by_seed)
    assert (back.p_value, back.p_items) == pytest.approx((found.p_value, found.p_items))


def test_models_that_are_alike_do_not_differ():
    runs = [evaluation([1.0, 0.0, 1.0, 1.0]), evaluation([0.0, 0.0, 1.0, 1.0])]
    found = paired_difference(runs, runs)
    assert ends(found.difference) == (0, 0, 0)
    assert (found.p_value, found.p_items) == (1, 1)
    ones, zeros = [evaluation(np.ones(20))] * 2, [evaluation(np.zeros(20))] * 2
    found = paired_difference(ones, zeros)
    assert ends(found.difference) == (1, 1, 1)
    assert found.p_value == 0
    assert found.p_items < 0.001


def test_shuffling_items_changes_nothing():
    rng = np.random.default_rng(18)
    right = rng.random((2, 3, 50)) < 0.5
    order = rng.permutation(50)
    a, b = ([evaluation(row) for row in rows] for rows in right)
    c, d = ([evaluation(row[order]) for row in rows] for rows in right)
    one, two = paired_difference(a, b, n_flips=99), paired_difference(c, d, n_flips=99)
    assert ends(one.difference) == pytest.approx(ends(two.difference))
    assert one.p_value == pytest.approx(two.p_value)


def test_other_items_are_refused():
    one = evaluation([1.0, 0.0, 1.0])
    for other in (
        evaluation([1.0, 0.0]),
        evaluation([1.0, 0.0, 1.0], units=[0, 0, 1]),
        evaluation([1.0, 0.0, 1.0], name="other"),
        replace(one, kinds=np.array(["a", "b", "c"])),
    ):
        with pytest.raises(ValueError, match=r"evaluation 1 .* is not of the same items"):
            across_seeds([one, other])
        with pytest.raises(ValueError, match="not of the same items"):
            paired_difference([one], [other])


def test_bad_arguments_are_named():
    one = evaluation([1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="no evaluation"):
        across_seeds([])
    with pytest.raises(ValueError, match="1 seeds against 2"):
        paired_difference([one], [one, one])
    with pytest.raises(ValueError, match="one unit only"):
        across_seeds([evaluation([1.0, 0.0], units=[3, 3])])
    with pytest.raises(ValueError, match="n_flips=0"):
        paired_difference([one], [one], n_flips=0)
    for level in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="level"):
            across_seeds([one], level=level)
        with pytest.raises(ValueError, match="level"):
            one.interval(level=level)
    with pytest.raises(ValueError, match="n_draws=0"):
        one.interval(n_draws=0)
    with pytest.raises(ValueError, match="expected one length"):
        Evaluation("x", np.ones(3), np.ones(2), 0.5, np.full(3, ""), np.arange(3))
    with pytest.raises(ValueError, match="expected one length"):
        evaluation([])


# -- power ------------------------------------------------------------------------------------


def study(rng, effect, n_seeds=3, n_items=150):
    """Draw two ways of training whose true difference is `effect`: seeds and items differ too."""
    item = rng.normal(scale=0.3, size=n_items)
    runs = []
    for shift in (effect, 0.0):
        own = rng.normal(scale=0.02, size=(n_seeds, 1))
        answers = shift + own + item + rng.normal(scale=0.4, size=(n_seeds, n_items))
        runs.append([evaluation(row) for row in answers])
    return runs


def test_the_smallest_effect_is_found_as_often_as_it_says():
    rng = np.random.default_rng(5)
    estimates = [smallest_effect(*study(rng, 0.0), n_draws=200, rng=rng) for _ in range(20)]
    effect = float(np.median(estimates))
    found = [
        paired_difference(*study(rng, effect), n_flips=1).difference.low > 0 for _ in range(400)
    ]
    assert 0.68 < np.mean(found) < 0.92  # built for 0.8; three seeds estimate their spread roughly
    options = {"power": 0.5, "n_draws": 200, "rng": rng}
    least = [smallest_effect(*study(rng, 0.0), **options) for _ in range(20)]
    assert np.median(least) < effect


def test_more_items_and_seeds_find_smaller_effects():
    rng = np.random.default_rng(6)
    few, many = (
        np.median(
            [smallest_effect(*study(rng, 0.0, *size), n_draws=200, rng=rng) for _ in range(10)]
        )
        for size in ((2, 50), (6, 400))
    )
    assert many < few / 2
    runs = study(rng, 0.0)[0]
    assert smallest_effect(runs, runs, rng=rng) == 0  # nothing differs


def test_one_seed_has_no_smallest_effect():
    first, second = study(np.random.default_rng(7), 0.0, n_seeds=1)
    with pytest.raises(ValueError, match="1 and 1 seeds"):
        smallest_effect(first, second, rng=np.random.default_rng(0))
