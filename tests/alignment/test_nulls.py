from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from scipy import stats

from sdc_helpers.alignment import (
    _shuffles,
    cka,
    cka_table,
    cka_table_from_grams,
    gram,
    partial_shuffle_curve,
    permutation_test,
    permutation_test_from_grams,
)

COSINES = ["biased", "debiased", "rv2"]
GOOD = np.random.default_rng(1).standard_normal((8, 3))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def related(rng, n=40, p=12, q=9, noise=1.0):
    Z = rng.standard_normal((n, 3))
    X = Z @ rng.standard_normal((3, p)) + noise * rng.standard_normal((n, p)) + 2
    Y = Z @ rng.standard_normal((3, q)) + noise * rng.standard_normal((n, q)) - 1
    return X, Y


# Permutation tests


@pytest.mark.parametrize("estimator", COSINES)
@pytest.mark.parametrize("n", [4, 32, 75])
def test_null_is_the_estimator_on_shuffled_rows(rng, estimator, n):
    X, Y = related(rng, n)
    test = permutation_test(X, Y, 6, estimator, rng=7)
    same = np.random.default_rng(7)
    expected = [cka(X, Y[same.permutation(n)], estimator) for _ in range(6)]
    np.testing.assert_allclose(test.null, expected, atol=1e-10)
    assert test.value == pytest.approx(cka(X, Y, estimator), abs=1e-12)
    assert test.scheme == "rows"
    from_grams = permutation_test_from_grams(X @ X.T, Y @ Y.T, 6, estimator, rng=7)
    np.testing.assert_allclose(from_grams.null, expected, atol=1e-10)


@pytest.mark.parametrize("device", ["cpu", "cpu as on a GPU", "cuda"])
def test_torch_equals_numpy_on_every_path(rng, device, monkeypatch):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if device == "cpu as on a GPU":
        monkeypatch.setattr(_shuffles, "_cheapest", lambda matrix: matrix)
        monkeypatch.setattr(_shuffles, "_BYTES_GPU", 8 * 40 * 2 * 11)  # several tiles
    device = device.split()[0]
    X, Y = related(rng)
    x, y = (torch.from_numpy(Z).to(device) for Z in (X, Y))
    expected = permutation_test(X, Y, 9, rng=3)
    test = permutation_test(x, y, 9, rng=3)
    assert isinstance(test.null, np.ndarray)
    np.testing.assert_allclose(test.null, expected.null, atol=1e-12)
    assert test.p_value == expected.p_value
    table = cka_table(
        {"x": x, "y": y, "z": x + y[:, :1]}, {"x": x, "y": y}, n_permutations=9, rng=3
    )
    np.testing.assert_allclose(table.null[:, 0, 1], expected.null, atol=1e-12)
    wide = cka_table({"x": x}, {"x": x, "y": y}, n_permutations=9, rng=3)
    np.testing.assert_allclose(wide.null, table.null[:, :1], atol=1e-12)


def test_p_value_counts_ties_and_the_value_itself(rng):
    X, _ = related(rng, n=4)
    test = permutation_test(X, X, 200, rng=0)
    n_identity = np.sum(np.isclose(test.null, 1, atol=1e-10))
    assert n_identity >= 1  # the unchanged order is one of 24
    assert test.p_value == (1 + n_identity) / 201
    strong = permutation_test(*related(rng, n=60, noise=0.1), 99, rng=0)
    assert strong.p_value == 1 / 100


def test_p_values_are_uniform_when_nothing_is_there(rng):
    """Each p is uniform on 1/20 ... 20/20 for independent data, so the counts are binomial."""
    n_tests, n_permutations = 200, 19
    p = np.array(
        [
            permutation_test(
                rng.standard_normal((12, 5)), rng.standard_normal((12, 30)), n_permutations, rng=rng
            ).p_value
            for _ in range(n_tests)
        ]
    )
    assert p.min() > 0
    assert p.max() <= 1
    for level in (0.1, 0.5, 0.9):
        low, high = stats.binom.interval(1 - 1e-5, n_tests, level)
        assert low <= np.sum(p <= level + 1e-9) <= high


def test_progress_is_reported(rng):
    seen = []
    permutation_test(
        *related(rng), 5, rng=0, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(k, 5) for k in range(1, 6)]


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "9"])
def test_bad_number_of_permutations(rng, count):
    X, Y = related(rng)
    with pytest.raises(ValueError, match=r"n_permutations=.*expected an integer of 1 or more"):
        permutation_test(X, Y, count)
    with pytest.raises(ValueError, match=r"n_permutations=.*expected an integer of 1 or more"):
        permutation_test_from_grams(X @ X.T, Y @ Y.T, count)


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.ones((8, 2)), GOOD, "X has no structure"),
        (GOOD, np.vstack([GOOD, GOOD[:1]]), "X has 8, Y has 9"),
        (GOOD, np.full((8, 2), np.nan), "Y contains NaN"),
        (np.eye(3), np.eye(3), "X has 3 rows"),
        (GOOD, torch.from_numpy(GOOD), "one library"),
    ],
)
def test_bad_features_at_every_door(X, Y, message):
    with pytest.raises(ValueError, match=message):
        permutation_test(X, Y, 3)
    with pytest.raises(ValueError, match=message):
        partial_shuffle_curve(X, Y, [0.5], 3)


def test_feature_corrected_points_to_debiased(rng):
    X, Y = related(rng)
    calls = [
        lambda: permutation_test(X, Y, 3, "feature_corrected"),
        lambda: permutation_test_from_grams(X @ X.T, Y @ Y.T, 3, "feature_corrected"),
        lambda: partial_shuffle_curve(X, Y, [0.5], 3, "feature_corrected"),
        lambda: cka_table({"x": X}, {"y": Y}, "feature_corrected"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="permutation test of 'debiased' gives its p-value"):
            call()


# Partial shuffling


def test_expectation_is_exact_over_every_subset_and_permutation(rng):
    n = 5
    X, Y = related(rng, n)
    fractions = np.arange(n + 1) / n
    curve = partial_shuffle_curve(X, Y, fractions, 1, rng=0)
    for m, expected in enumerate(curve.expected):
        values = []
        for chosen in itertools.combinations(range(n), m):
            for order in itertools.permutations(chosen):
                permutation = np.arange(n)
                permutation[list(chosen)] = order
                values.append(cka(X, Y[permutation]))
        assert np.mean(values) == pytest.approx(expected, abs=1e-10)


def test_fresh_shuffles_follow_one_minus_s_squared(rng):
    n, repeats = 60, 300
    X, Y = related(rng, n)
    s = np.array([0, 0.2, 0.4, 0.6, 0.8, 1])
    curve = partial_shuffle_curve(X, Y, s, repeats, rng=1)
    assert curve.values.shape == curve.moved.shape == (6, repeats)
    assert curve.unshuffled == pytest.approx(cka(X, Y), abs=1e-12)
    error = curve.values.std(axis=1) / math.sqrt(repeats)
    assert np.all(np.abs(curve.values.mean(axis=1) - curve.expected) <= 4.5 * error + 1e-12)
    np.testing.assert_allclose(curve.expected / curve.unshuffled, (1 - s) ** 2, atol=2 / n)
    moved_error = curve.moved.std(axis=1) / math.sqrt(repeats)
    expected_moved = np.where(s > 0, s - 1 / n, 0)
    assert np.all(np.abs(curve.moved.mean(axis=1) - expected_moved) <= 4.5 * moved_error + 1e-12)
    assert np.ptp(curve.values[0]) < 1e-12
    assert np.ptp(curve.values[1]) > 1e-6  # repeats are fresh draws, not copies


def test_shuffling_on_from_the_last_step_does_not(rng):
    n, repeats = 60, 300
    X, Y = related(rng, n)
    s = [0.2, 0.4, 0.6]
    fresh = partial_shuffle_curve(X, Y, s, 1, rng=1).expected
    cumulative = np.empty((3, repeats))
    for repeat in range(repeats):
        shuffled = Y.copy()
        for step, fraction in enumerate(s):
            chosen = rng.permutation(n)[: round(fraction * n)]
            shuffled[np.sort(chosen)] = shuffled[chosen]
            cumulative[step, repeat] = cka(X, shuffled)
    mean, error = cumulative.mean(axis=1), cumulative.std(axis=1) / math.sqrt(repeats)
    assert np.all(fresh[1:] - mean[1:] > 10 * error[1:])
    product = np.cumprod(fresh / cka(X, Y)) * cka(X, Y)
    assert np.all(np.abs(mean - product) < 4.5 * error)


@pytest.mark.parametrize("estimator", ["biased", "rv2"])
def test_other_estimators_have_no_expectation(rng, estimator):
    X, Y = related(rng)
    curve = partial_shuffle_curve(X, Y, [0, 1], 2, estimator, rng=0)
    assert curve.expected is None
    np.testing.assert_allclose(curve.values[0], cka(X, Y, estimator))


@pytest.mark.parametrize("fractions", [[-0.1], [0.5, 1.2], [], [np.nan], [[0.5]]])
def test_bad_fractions(rng, fractions):
    with pytest.raises(ValueError, match="fractions must be numbers from 0 to 1"):
        partial_shuffle_curve(*related(rng), fractions)


def test_bad_repeats(rng):
    with pytest.raises(ValueError, match="n_repeats=0: expected an integer of 1 or more"):
        partial_shuffle_curve(*related(rng), [0.5], 0)


# Tables


class OneAtATime(Mapping):
    """A mapping that loads on access and counts."""

    def __init__(self, arrays):
        self.arrays, self.loads = arrays, []

    def __getitem__(self, name):
        self.loads.append(name)
        return self.arrays[name]

    def __iter__(self):
        return iter(self.arrays)

    def __len__(self):
        return len(self.arrays)


@pytest.mark.parametrize("estimator", COSINES)
@pytest.mark.parametrize(("n_rows", "n_columns"), [(3, 2), (2, 3)])
def test_table_is_every_pair_under_common_shuffles(rng, estimator, n_rows, n_columns):
    n = 37
    X = {f"layer {r}": rng.standard_normal((n, 4 + r)) for r in range(n_rows)}
    Y = {f"ROI {c}": rng.standard_normal((n, 5 + c)) for c in range(n_columns)}
    lazy = OneAtATime(X)
    table = cka_table(lazy, Y, estimator, n_permutations=4, rng=5)
    assert lazy.loads == list(X)
    assert (table.rows, table.columns) == (tuple(X), tuple(Y))
    assert table.null.shape == (4, n_rows, n_columns)
    shuffles = [np.arange(n)]
    same = np.random.default_rng(5)
    shuffles += [same.permutation(n) for _ in range(4)]
    expected = [
        [[cka(x, y[s], estimator) for y in Y.values()] for x in X.values()] for s in shuffles
    ]
    np.testing.assert_allclose(table.values, expected[0], atol=1e-10)
    np.testing.assert_allclose(table.null, expected[1:], atol=1e-10)
    grams = [{name: gram(Z) for name, Z in side.items()} for side in (X, Y)]
    from_grams = cka_table_from_grams(*grams, estimator, n_permutations=4, rng=5)
    np.testing.assert_allclose(from_grams.null, table.null, atol=1e-10)


def test_table_p_values_single_and_family_wise(rng):
    X, Y = related(rng, noise=0.3)
    names = {"related": Y, "unrelated": rng.standard_normal((40, 9))}
    table = cka_table({"layer": X}, names, n_permutations=199, rng=0)
    for c in range(2):
        single = permutation_test(X, list(names.values())[c], 199, rng=0)
        assert table.p_values[0, c] == single.p_value
    largest = table.null.reshape(199, -1).max(axis=1)
    by_hand = [(1 + sum(largest >= value)) / 200 for value in table.values[0]]
    np.testing.assert_allclose(table.p_values_fwe[0], by_hand)
    assert np.all(table.p_values_fwe >= table.p_values)
    assert table.p_values_fwe[0, 0] == 1 / 200


def test_table_without_shuffles(rng):
    X, Y = related(rng)
    table = cka_table({"x": X}, {"y": Y})
    assert table.null is None
    assert table.p_values is None
    assert table.p_values_fwe is None


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        ({}, {"y": GOOD}, "first argument must be a mapping.*at least one"),
        ({"x": GOOD}, np.eye(8), "second argument must be a mapping.*ndarray"),
        ({"V1": np.ones((8, 2))}, {"y": GOOD}, "row 'V1' has no structure"),
        ({"x": GOOD}, {"V1": np.full((8, 2), np.inf)}, "column 'V1' contains NaN"),
        ({"x": GOOD}, {"V1": np.vstack([GOOD, GOOD[:1]])}, "row 'x' has 8, column 'V1' has 9"),
        ({"x": GOOD}, {"V1": torch.from_numpy(GOOD)}, "one library"),
        ({"x": GOOD[:3]}, {"V1": GOOD[:3]}, "row 'x' has 3 rows"),
    ],
)
def test_table_names_the_bad_entry(X, Y, message):
    with pytest.raises(ValueError, match=message):
        cka_table(X, Y)


def test_table_bad_number_of_permutations(rng):
    X, Y = related(rng)
    with pytest.raises(ValueError, match="n_permutations=-1: expected an integer of 0 or more"):
        cka_table({"x": X}, {"y": Y}, n_permutations=-1)
