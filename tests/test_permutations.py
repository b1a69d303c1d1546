"""The permutations that a scheme allows, against all permutations of few rows, counted."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sdc_helpers.decoding import permuted_score
from sdc_helpers.permutations import permutations_of


def drawn(n, n_draws, **scheme):
    draws = permutations_of(n, **scheme).draw(n_draws, np.random.default_rng(0))
    return Counter(tuple(order.tolist()) for order in draws)


def all_orders(n, allowed):
    return {order for order in itertools.permutations(range(n)) if allowed(np.array(order))}


GROUPS = np.array(["b", "a", "b", "a", "b"])
PAIRS = np.array([7, 3, 3, 7, 5, 5])


def pairs_together(order):
    """Rows of a pair come from one pair, in their order."""
    where = [order[label == PAIRS] for label in (7, 3, 5)]
    return all(any((rows == np.flatnonzero(x == PAIRS)).all() for x in (7, 3, 5)) for rows in where)


@pytest.mark.parametrize(
    ("n", "scheme", "allowed"),
    [
        (4, {}, lambda order: True),
        (5, {"groups": GROUPS}, lambda order: (GROUPS[order] == GROUPS).all()),
        (6, {"scheme": "blocks", "blocks": PAIRS}, pairs_together),
        (
            7,
            {"scheme": "blocks", "blocks": 2},  # the seventh row stays
            lambda order: order[6] == 6 and (order[:6:2] % 2 == 0).all()
            and (order[1:6:2] == order[:6:2] + 1).all(),
        ),
        (5, {"scheme": "circular"}, lambda order: (np.diff(order) % 5 == 1).all()),
        (
            7,
            {"scheme": "circular", "min_lag": 3},
            lambda order: (np.diff(order) % 7 == 1).all() and order[0] in (0, 3, 4),
        ),
        (
            6,
            {"scheme": "circular", "groups": [0, 0, 0, 1, 1, 1]},
            lambda order: all((np.diff(part) % 3 == 1).all() and set(part) == set(whole)
                              for part, whole in ((order[:3], range(3)), (order[3:], range(3, 6)))),
        ),
    ],
)  # fmt: skip
def test_every_allowed_order_is_drawn_equally_often_and_no_other(n, scheme, allowed):
    expected = all_orders(n, allowed)
    counts = drawn(n, 100 * len(expected), **scheme)
    assert set(counts) == expected
    p_value = stats.chisquare([counts[order] for order in expected]).pvalue
    assert p_value > 1e-5  # written before it was seen: one in 100,000 correct samplers fails


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(0, 2**32 - 1))
def test_rows_stay_in_their_group(labels, seed):
    labels = np.array(labels)
    if np.bincount(labels).max() < 2:
        with pytest.raises(ValueError, match="No row can move"):
            permutations_of(len(labels), groups=labels)
        return
    scheme = permutations_of(len(labels), groups=labels)
    for order in scheme.draw(3, seed):
        assert sorted(order) == list(range(len(labels)))
        assert (labels[order] == labels).all()


def test_free_rows_are_the_generators_own_permutations():
    same = np.random.default_rng(3)
    for order in permutations_of(9).draw(4, 3):
        assert (order == same.permutation(9)).all()


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ({}, "rows"),
        ({"groups": np.zeros(6)}, "rows"),
        ({"groups": [0, 0, 0, 1, 1, 1]}, "rows within 2 groups"),
        ({"scheme": "blocks", "blocks": 3}, "blocks of rows"),
        ({"scheme": "circular"}, "circular shift"),
    ],
)
def test_the_name_says_what_is_exchanged(scheme, name):
    assert permutations_of(6, **scheme).name == name


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ({"scheme": "row"}, "scheme='row' is unknown"),
        ({"groups": [0, 1]}, r"groups has shape \(2,\)"),
        ({"groups": [0, 1, 2, np.nan, 0, 1]}, "not finite"),
        ({"groups": range(6)}, "No row can move"),
        ({"scheme": "blocks"}, "scheme='blocks' needs them"),
        ({"blocks": 2}, "no other scheme takes them"),
        ({"scheme": "blocks", "blocks": 4}, "No row can move"),
        ({"scheme": "blocks", "blocks": 0}, "blocks=0"),
        ({"scheme": "blocks", "blocks": [1, 2]}, "blocks has shape"),
        ({"scheme": "blocks", "blocks": [0, 0, 0, 1, 1, 2]}, "No row can move"),
        ({"min_lag": 2}, "belongs to scheme='circular'"),
        ({"scheme": "circular", "min_lag": 4}, "leaves no shift of 6 rows"),
        ({"scheme": "circular", "min_lag": 0}, "min_lag=0"),
    ],
)
def test_what_does_not_fit_is_refused(scheme, message):
    with pytest.raises(ValueError, match=message):
        permutations_of(6, **scheme)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_shifts_are_exact_and_those_far_from_none_alone_are_not(seed):
    """Series of 96 rows whose ends fit, with nothing in common; p over every allowed shift.

    Bounds, written before the first run: all 96 shifts are a group, so the data's value is one of
    the four highest in exactly 4 of 96 pairs; without the neighbours of no shift it is more often
    among the highest 5 % than 5 %, by more than five standard errors of a binomial.
    """
    n, n_pairs = 96, 20_000
    rng = np.random.default_rng(seed)
    kernel = np.fft.rfft(0.6 ** np.arange(n))  # AR(.6) around a circle
    x, y = (np.fft.rfft(rng.standard_normal((n_pairs, n))) * kernel for _ in range(2))
    values = np.fft.irfft(np.conj(x) * y, n)  # of every shift
    errors = {}
    for min_lag in (1, 8):
        draws = permutations_of(n, "circular", min_lag=min_lag).draw(3000, seed)
        shifts = sorted({int(order[0]) for order in draws})
        assert len(shifts) == n - 2 * min_lag + 2
        p = np.mean(values[:, shifts] >= values[:, :1] - 1e-9, axis=1)
        errors[min_lag] = np.sum(p <= 0.05)
    low, high = stats.binom.interval(1 - 1e-5, n_pairs, 4 / 96)
    assert low <= errors[1] <= high
    assert errors[8] / n_pairs > 0.05 + 5 * np.sqrt(0.05 * 0.95 / n_pairs)


# ---------------------------------------------------------------------- top-k accuracy by them

BEFORE = np.array([0, 0, 0, 0, 1, 1, 1, 1])  # group of each of eight images


def decoded(seed):
    """Two trials of each image: predictions tell its group from the other, and not the image."""
    rng = np.random.default_rng(seed)
    gallery = np.eye(2)[BEFORE] * 3 + 0.3 * rng.standard_normal((8, 2))
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    items = np.repeat(np.arange(8), 2)
    return np.eye(2)[BEFORE[items]] + 0.2 * rng.standard_normal((16, 2)), items, gallery


@pytest.mark.parametrize("scheme", [{"groups": BEFORE}, {"scheme": "circular", "min_lag": 2}])
def test_accuracy_is_tested_by_the_permutations_that_are_given(scheme):
    predicted, items, gallery = decoded(0)
    order = permutations_of(8, **scheme)
    test = permuted_score(
        predicted, items, gallery, np.arange(8), n_permutations=30, random_state=3,
        permutations=order,
    )  # fmt: skip
    nearest = (predicted @ gallery.T).argmax(axis=1)
    null = [np.mean(nearest == own[items]) for own in order.draw(30, 3)]
    np.testing.assert_allclose(test.null, null)
    assert test.value == np.mean(nearest == items)
    assert test.scheme == order.name


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_images_that_stay_in_their_group_make_the_group_no_finding(seed):
    """A group that is told gives every order within groups a quarter, and a free order an eighth.

    Both are exact: 16 trials, of which each names an image of its own group.
    """
    predicted, items, gallery = decoded(seed)
    assert (BEFORE[(predicted @ gallery.T).argmax(axis=1)] == BEFORE[items]).all()
    given = (predicted, items, gallery, np.arange(8))
    nulls = [
        permuted_score(*given, n_permutations=4000, random_state=seed, permutations=order).null
        for order in (permutations_of(8, groups=BEFORE), None)
    ]
    for null, mean in zip(nulls, (1 / 4, 1 / 8), strict=True):
        assert abs(null.mean() - mean) < 4.5 * null.std() / np.sqrt(len(null))


def test_permutations_of_another_number_of_images_are_refused():
    predicted, items, gallery = decoded(0)
    with pytest.raises(ValueError, match="permutations are of 7 rows; expected the 8"):
        permuted_score(predicted, items, gallery, np.arange(8), permutations=permutations_of(7))
