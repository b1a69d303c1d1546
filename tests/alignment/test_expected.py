"""The mean over all shuffles, against all of them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from sdc_helpers.alignment import cka_from_grams, mean_of_shuffles


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_mean_over_every_order_of_the_rows(seed):
    X, Y = np.random.default_rng(seed).normal(size=(2, 6, 4)) + 1
    K, L = X @ X.T, Y @ Y.T
    orders = [list(order) for order in permutations(range(6))]
    every = [cka_from_grams(K[np.ix_(o, o)], L, "biased") for o in orders]
    assert mean_of_shuffles(K, L) == pytest.approx(np.mean(every), abs=1e-12)


@pytest.mark.parametrize(
    ("K", "L", "message"),
    [
        (np.eye(3), np.eye(4), "two square matrices"),
        (np.ones((3, 2)), np.ones((3, 2)), "two square matrices"),
        (np.ones((3, 3)), np.eye(3), "nothing to align"),
    ],
)
def test_bad_input(K, L, message):
    with pytest.raises(ValueError, match=message):
        mean_of_shuffles(K, L)
