"""Shuffle tests of rows that are not exchangeable: against all orders, and how often they err."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from scipy import stats

from sdc_helpers.alignment import (
    cka,
    cka_table,
    cka_table_from_grams,
    partial_shuffle_curve,
    permutation_test,
    permutation_test_from_grams,
)

N_RUNS, N_BLOCKS = 6, 8
RUNS = np.repeat(np.arange(N_RUNS), N_BLOCKS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def centred(rng, n_features=20, share=1.0):
    """Independent rows, each run's mean (or a share of it) taken off."""
    X = rng.standard_normal((len(RUNS), n_features)) * np.geomspace(3, 1, n_features)
    means = np.stack([X[run == RUNS].mean(axis=0) for run in range(N_RUNS)])
    return X - share * means[RUNS]


def test_p_value_is_the_share_of_all_orders_within_runs(rng):
    runs = np.array([0, 0, 0, 1, 1, 1])
    X, Y = rng.standard_normal((2, 6, 3))
    Y += 1.5 * X
    orders = [
        [*first, *second]
        for first in itertools.permutations(range(3))
        for second in itertools.permutations(range(3, 6))
    ]
    values = np.array([cka(X, Y[order]) for order in orders])
    exact = np.mean(values >= cka(X, Y) - 1e-12)
    test = permutation_test(X, Y, 4000, rng=1, groups=runs)
    assert test.scheme == "rows within 2 groups"
    low, high = stats.binom.interval(1 - 1e-6, 4000, exact)
    assert low <= 4001 * test.p_value - 1 <= high
    assert np.isclose(test.null[:, None], values, atol=1e-10).any(axis=1).all()


@pytest.mark.parametrize(
    "scheme",
    [
        {"groups": RUNS},
        {"scheme": "blocks", "blocks": N_BLOCKS},
        {"scheme": "circular", "min_lag": 5},
    ],
)
def test_every_door_takes_the_scheme(rng, scheme):
    X, Y = rng.standard_normal((2, 48, 5))
    one = permutation_test(X, Y, 9, rng=2, **scheme)
    grams = permutation_test_from_grams(X @ X.T, Y @ Y.T, 9, rng=2, **scheme)
    table = cka_table({"x": X}, {"y": Y}, n_permutations=9, rng=2, **scheme)
    of_grams = cka_table_from_grams(
        {"x": X @ X.T}, {"y": Y @ Y.T}, n_permutations=9, rng=2, **scheme
    )
    for other in (grams.null, table.null[:, 0, 0], of_grams.null[:, 0, 0]):
        np.testing.assert_allclose(other, one.null, atol=1e-10)
    assert one.scheme == grams.scheme == table.scheme == of_grams.scheme != "rows"
    assert table.p_values[0, 0] == one.p_value


def test_rows_centred_in_runs_are_found_and_shuffled_within_them(rng):
    X, Y = centred(rng), centred(rng, share=0.9)
    with pytest.warns(UserWarning, match="consecutive groups of 8"):
        found = permutation_test(X, Y, 19, rng=1)
    said = permutation_test(X, Y, 19, rng=1, groups=RUNS)
    assert found.scheme == said.scheme == "rows within 6 groups"
    np.testing.assert_array_equal(found.null, said.null)
    with pytest.warns(UserWarning, match="consecutive groups of 8"):
        table = cka_table_from_grams({"x": X @ X.T}, {"y": Y @ Y.T}, n_permutations=19, rng=1)
    np.testing.assert_allclose(table.null[:, 0, 0], said.null, atol=1e-10)


def test_rows_that_could_be_any_other_are_not_held_back(rng):
    sorted_by_kind = np.repeat(np.eye(6), 8, axis=0) + 0.3 * rng.standard_normal((48, 6))
    independent = rng.standard_normal((48, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X, Y in (
            (independent, centred(rng)),  # one side free: its rows are exchangeable
            (sorted_by_kind, sorted_by_kind),  # sums of kinds are large, not small
            (independent, rng.standard_normal((48, 20))),
        ):
            assert permutation_test(X, Y, 9, rng=0).scheme == "rows"
        one_group = permutation_test(centred(rng), centred(rng), 9, rng=0, groups=np.zeros(48))
    assert one_group.scheme == "rows"


def test_type_one_error_of_run_centred_rows():
    """Free shuffles err far above .05, shuffles within the runs that are found do not.

    Bounds, written before the first run: with 200 data sets and a level of .05 a valid test
    rejects 22 times or fewer in all but 1 of 10,000 repetitions; a test with a level of .15 or
    more rejects 22 times or fewer in less than 4 % of them.
    """
    most = stats.binom.ppf(1 - 1e-4, 200, 0.05)
    rejected = {"free": 0, "found": 0}
    for k in range(200):
        rng = np.random.default_rng([3, k])
        X, Y = centred(rng), centred(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            tests = {
                "free": permutation_test(X, Y, 39, rng=k, groups=np.zeros(48)),
                "found": permutation_test(X, Y, 39, rng=k),
            }
        for name, test in tests.items():
            rejected[name] += test.p_value <= 0.05
    assert rejected["found"] <= most
    assert rejected["free"] > most


def test_a_part_of_each_run_is_shuffled_within_it(rng):
    X, Y = rng.standard_normal((2, 48, 5))
    curve = partial_shuffle_curve(X, Y, [0, 0.5, 1], 5, rng=0, groups=RUNS)
    assert curve.expected is None
    np.testing.assert_allclose(curve.values[0], cka(X, Y))
    assert (curve.moved[1] <= 0.5).all()
    assert (curve.moved[2] > 0.5).all()
    whole = permutation_test(X, Y, 300, rng=0, groups=RUNS).null
    again = partial_shuffle_curve(X, Y, [1.0], 300, rng=1, groups=RUNS).values[0]
    assert stats.ks_2samp(whole, again).pvalue > 1e-4
