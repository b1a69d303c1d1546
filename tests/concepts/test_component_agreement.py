from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.concepts import match_components, reproduced_components, subspace_agreement


def rows(seed, k=4, d=7):
    return np.random.default_rng(seed).standard_normal((k, d))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_a_match_does_not_depend_on_order_sign_and_length(seed):
    rng = np.random.default_rng(seed)
    first, second = rows(seed), rows(seed + 1, k=5)
    plain = match_components(first, second)
    order, signs = rng.permutation(5), rng.choice([-1, 1], 5)
    lengths = rng.uniform(0.1, 9, 5)
    other = match_components(first, (second * (signs * lengths)[:, None])[order])
    np.testing.assert_array_equal(order[other.pairs[:, 1]], plain.pairs[:, 1])
    np.testing.assert_allclose(other.agreement, plain.agreement)
    np.testing.assert_array_equal(other.signs, plain.signs * signs[plain.pairs[:, 1]])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_the_assignment_is_the_best_of_all(seed):
    first, second = rows(seed), rows(seed + 1)
    cosine = np.abs([[a @ b / math.sqrt(a @ a * (b @ b)) for b in second] for a in first])
    best = max(sum(cosine[i, p[i]] for i in range(4)) for p in itertools.permutations(range(4)))
    match = match_components(first, second)
    assert match.agreement.sum() == pytest.approx(best)
    assert sorted(match.pairs[:, 1]) == [0, 1, 2, 3]


def test_one_row_is_no_partner_of_two():
    first = np.eye(4)[:2]
    second = np.array([[1.0, 1, 0, 0], [0, 0, 1, 0]])
    match = match_components(first, second)
    assert sorted(match.pairs[:, 1]) == [0, 1]
    assert match.agreement.min() == 0


def test_a_smaller_fit_leaves_rows_without_a_partner():
    match = match_components(np.eye(4), -np.eye(4)[[3, 1]])
    assert match.pairs.tolist() == [[1, 1], [3, 0]]
    assert match.signs.tolist() == [-1, -1]
    assert match_components(np.eye(4)[[3, 1]], np.eye(4)).pairs.tolist() == [[0, 3], [1, 1]]


def test_scores_are_correlated_with_their_means_off():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((200, 7)) @ rng.standard_normal((7, 7)) + 10
    first, second = rows(0), rows(1)
    r = np.corrcoef(embeddings @ first.T, embeddings @ second.T, rowvar=False)[:4, 4:]
    match = match_components(first, second, embeddings=embeddings)
    np.testing.assert_allclose(match.agreement, np.abs(r[tuple(match.pairs.T)]))
    np.testing.assert_array_equal(match.signs, np.sign(r[tuple(match.pairs.T)]))
    shifted = match_components(first, second, embeddings=embeddings - 100)
    np.testing.assert_allclose(shifted.agreement, match.agreement, rtol=1e-6)


def test_on_white_embeddings_scores_agree_as_directions_do():
    white = np.linalg.qr(np.random.default_rng(0).standard_normal((50, 8)))[0][:, 1:]
    white = np.concatenate([white, -white])  # no mean, equal variance in all directions
    plain, scored = (
        match_components(rows(0), rows(1), embeddings=shown) for shown in (None, white)
    )
    np.testing.assert_allclose(scored.agreement, plain.agreement)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_spans_agree_whatever_their_axes(seed, k):
    rng = np.random.default_rng(seed)
    first, second = rows(seed), rows(seed + 1, k)
    mixed = rng.standard_normal((4, 4)) @ first
    value = subspace_agreement(first, second)
    assert 0 <= value <= 1
    assert subspace_agreement(mixed, second) == pytest.approx(value, abs=1e-6)
    assert subspace_agreement(second, first) == pytest.approx(value, abs=1e-9)
    assert subspace_agreement(first, mixed) == pytest.approx(1, abs=1e-9)


def test_known_angles():
    turned = [[math.cos(0.3), 0, math.sin(0.3), 0], [0, math.cos(1.1), 0, math.sin(1.1)]]
    expected = (math.cos(0.3) + math.cos(1.1)) / 2
    assert subspace_agreement(np.eye(4)[:2], turned) == pytest.approx(expected)
    assert subspace_agreement(np.eye(4)[:2], np.eye(4)[2:]) == pytest.approx(0, abs=1e-12)
    assert subspace_agreement(np.eye(4)[:2], np.eye(4)) == pytest.approx(1)


# Reproduced in both halves


def test_what_both_halves_have_is_reproduced():
    whole = np.eye(5)[:3]
    found = reproduced_components(whole, -np.eye(5)[[2, 0, 4]], np.eye(5)[[0, 3, 2]])
    assert found.is_reproduced.tolist() == [True, False, True]
    assert found.n_reproduced == 2
    assert found.partners[[0, 2]].tolist() == [[1, 0], [0, 2]]
    assert found.agreement.tolist() == [1, 0, 1]


def test_a_direction_between_those_of_the_halves_is_not_reproduced():
    """All participants are both halves: what lies between two directions is near to both."""
    angle = math.acos(0.95)
    halves = [[[math.cos(angle), sign * math.sin(angle)]] for sign in (1, -1)]
    found = reproduced_components([[1.0, 0.0]], *halves, threshold=0.9)
    assert found.agreement[0] == pytest.approx(math.cos(2 * angle))
    assert found.n_reproduced == 0
    assert reproduced_components([[1.0, 0.0]], halves[0], halves[0]).n_reproduced == 1


def test_a_half_with_fewer_components_leaves_some_without():
    found = reproduced_components(np.eye(4), np.eye(4), np.eye(4)[:2])
    assert found.partners[:, 1].tolist() == [0, 1, -1, -1]
    assert found.agreement.tolist() == [1, 1, 0, 0]


def test_the_threshold_itself_counts():
    turned = [[0.8, 0.6]]
    assert reproduced_components([[1.0, 0]], turned, turned, threshold=0.8).n_reproduced == 1
    assert reproduced_components([[1.0, 0]], turned, turned, threshold=0.81).n_reproduced == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: match_components(np.eye(3), np.eye(4)), "second has 4 columns; expected 3"),
        (lambda: match_components(np.eye(3)[0], np.eye(3)), r"first has shape \(3,\)"),
        (lambda: match_components(np.zeros((2, 3)), np.eye(3)), "first: vector 0 is zero"),
        (lambda: match_components(np.eye(3), np.eye(3) * np.nan), "second holds NaN"),
        (
            lambda: match_components(np.eye(3), np.eye(3), embeddings=np.eye(4)),
            "embeddings has 4 columns; expected 3",
        ),
        (
            lambda: match_components(np.eye(3), np.eye(3), embeddings=[[1, 2, 5], [2, 3, 5]]),
            "first: row 2 has one score for all pictures",
        ),
        (lambda: subspace_agreement(np.eye(3), np.eye(2)), "second has 2 columns"),
        (lambda: subspace_agreement([[1, 1], [2, 2]], np.eye(2)), "first: 2 rows span 1"),
        (
            lambda: reproduced_components(np.eye(3), np.eye(3), np.eye(2)),
            "second_half has 2 columns; expected 3",
        ),
        (lambda: reproduced_components(*[np.eye(3)] * 3, threshold=0), "threshold=0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
