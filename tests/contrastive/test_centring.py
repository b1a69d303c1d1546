"""Both sides centred after training, by means of other rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.contrastive import centre_sides, centroid_distance, pair_recall


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def sides_with_an_offset(seed, n=400, d=12, offset=2.0):
    """Pairs that differ by noise and by an offset, which is the same for every row of a side."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, d))
    shift = unit(rng.normal(size=d)) * offset
    return tuple(unit(shared + 0.2 * rng.normal(size=(n, d)) + s) for s in (shift, -shift))


def test_an_offset_is_taken_off_by_means_of_other_pairs():
    u, v = sides_with_an_offset(0)
    centred = centre_sides(u[:200], v[:200], u[200:], v[200:])
    assert centroid_distance(u[:200], v[:200]) > 0.5
    assert centroid_distance(*centred) < 0.2  # what means of 200 rows differ by
    assert pair_recall(*centred)[1] > pair_recall(u[:200], v[:200])[1]
    for side in centred:
        np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1)


def test_runs_and_sides_of_different_length():
    rng = np.random.default_rng(1)
    u, v = unit(rng.normal(size=(3, 7, 5)) + 1), unit(rng.normal(size=(3, 9, 5)))
    train_u, train_v = unit(rng.normal(size=(3, 20, 5)) + 1), unit(rng.normal(size=(3, 11, 5)))
    together = centre_sides(u, v, train_u, train_v)
    for run in range(3):
        alone = centre_sides(u[run], v[run], train_u[run], train_v[run])
        for ours, own in zip(together, alone, strict=True):
            np.testing.assert_allclose(ours[run], own)
    np.testing.assert_allclose(together[1][0], unit(v[0] - train_v[0].mean(axis=0)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20))
def test_rotating_everything_rotates_the_outcome(seed, d):
    rng = np.random.default_rng(seed)
    parts = [unit(rng.normal(size=(12, d)) + 0.5) for _ in range(4)]
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    plain, turned = centre_sides(*parts), centre_sides(*(part @ turn for part in parts))
    for a, b in zip(plain, turned, strict=True):
        np.testing.assert_allclose(a @ turn, b, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_u": np.zeros((0, 4))}, "must hold a row"),
        ({"train_u": unit(np.ones((3, 5)))}, "same d"),
        ({"v": unit(np.ones((2, 3, 4)))}, "same runs"),
        ({"u": np.full((3, 4), np.nan)}, "NaN"),
        ({"train_v": np.ones((3, 4))}, "train_v must have rows of unit length"),
        ({"u": unit(np.ones((3, 4)))}, "lies on the mean"),
    ],
)
def test_bad_input(change, message):
    rows = np.eye(4)[:3]
    given_rows = {"u": rows, "v": rows, "train_u": unit(np.ones((3, 4))), "train_v": rows[:2]}
    # the mean of equal unit rows is a unit row itself, which leaves u = that row nothing
    with pytest.raises(ValueError, match=message):
        centre_sides(**(given_rows | change))
