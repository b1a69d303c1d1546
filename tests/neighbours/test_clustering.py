"""Votes that travel find two moons; unequal ones they do not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_circles, make_moons
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


@pytest.mark.parametrize("seed", range(3))
def test_rings_are_found_in_every_seed(seed):
    X, ring = make_circles(600, factor=0.5, noise=0.05, random_state=seed)
    fitted = DiffusedClusters(2, random_state=10 * seed).fit(X)
    assert adjusted_rand_score(ring, fitted.labels_) > 0.95


def test_moons_of_unequal_size_are_not_found():
    X, moon = make_moons((240, 60), noise=0.06, random_state=0)
    fitted = DiffusedClusters(2, n_restarts=2).fit(X)
    assert adjusted_rand_score(moon, fitted.labels_) < 0.3


def test_the_start_that_leaves_no_cluster_empty_and_cuts_least_is_kept(monkeypatch):
    starts = [np.zeros(20, int), np.arange(20) % 2, np.arange(20) // 10, np.arange(20) // 10]
    tried = []

    def once(self, X, walk, seed):
        tried.append(seed)
        return starts[len(tried) - 1]

    monkeypatch.setattr(DiffusedClusters, "_once", once)
    apart = np.c_[np.arange(20) % 10 + 100.0 * (np.arange(20) // 10), np.zeros(20)]
    fitted = DiffusedClusters(2, n_neighbors=3, n_restarts=4, random_state=5).fit(apart)
    assert tried == [5, 6, 7]  # the third cuts nothing: no other can be better
    np.testing.assert_array_equal(fitted.labels_, starts[2])
    assert (fitted.cut_, fitted.n_empty_) == (0, 0)


def test_duplicates_and_constant_features_are_clustered():
    X = np.c_[np.repeat(np.eye(3), 10, axis=0), np.ones(30)]
    fitted = DiffusedClusters(3, n_neighbors=5, n_epochs=8, n_restarts=1).fit(X)
    assert (fitted.labels_ >= 0).all()
    assert 0 <= fitted.cut_ <= 1


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected from 11"):
        DiffusedClusters(2).fit(np.eye(5))
    with pytest.raises(ValueError, match="n_clusters=1"):
        DiffusedClusters(1).fit(np.eye(20))
    with pytest.raises(ValueError, match="X holds NaN"):
        DiffusedClusters(2).fit(np.where(np.eye(20) == 1, np.nan, 0.0))
