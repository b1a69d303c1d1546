"""Votes that travel find two moons; unequal ones they do not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from sdc_helpers.neighbours import DiffusedClusters, exact_neighbours
from sdc_helpers.neighbours.clustering import _walk


def test_a_walk_is_steps_of_a_random_walker():
    near = exact_neighbours(np.random.default_rng(0).normal(size=(12, 2)), k=3)
    one, two = _walk(near, 1), _walk(near, 2)
    np.testing.assert_allclose(one.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(one > 0, (one > 0).T)
    assert (np.diag(one) > 0).all()
    np.testing.assert_allclose(two, one @ one, rtol=1e-5)


def test_moons_are_found_and_the_cut_is_counted():
    X, moon = make_moons((150, 150), noise=0.06, random_state=0)
    fitted = DiffusedClusters(2, n_restarts=3).fit(X)
    assert adjusted_rand_score(moon, fitted.labels_) > 0.95
    near = exact_neighbours(X, k=10)
    apart = [fitted.labels_[i] != fitted.labels_[j] for i, row in enumerate(near) for j in row]
    assert fitted.cut_ == pytest.approx(np.mean(apart))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected from 11"):
        DiffusedClusters(2).fit(np.eye(5))
    with pytest.raises(ValueError, match="n_clusters=1"):
        DiffusedClusters(1).fit(np.eye(20))
