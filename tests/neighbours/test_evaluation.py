"""Recall and candidates, against sets and sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.neighbours import RecallCurve, exact_neighbours, hnsw_curve, recall_curve
from sdc_helpers.neighbours.evaluation import probe_counts


def test_exact_neighbours_are_those_of_sorting(cloud):
    base, queries = cloud
    found = exact_neighbours(base, queries, 5)
    for query, near in zip(queries, found, strict=True):
        assert near.tolist() == np.argsort(((base - query) ** 2).sum(axis=1))[:5].tolist()
    of_base = exact_neighbours(base, k=3)
    assert not (of_base == np.arange(len(base))[:, None]).any()
    np.testing.assert_array_equal(of_base[7], exact_neighbours(base, base[[7]], 4)[0, 1:])


def test_a_point_among_its_copies_is_not_its_own_neighbour():
    base = np.repeat(np.eye(3), 6, axis=0)
    near = exact_neighbours(base, k=5)
    assert near.shape == (18, 5)
    assert not (near == np.arange(18)[:, None]).any()
    assert all(len(set(row)) == 5 for row in near.tolist())


@given(st.integers(0, 200), st.integers(2, 6), st.integers(1, 4))
def test_the_curve_counts_sets(seed, n_bins, k):
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, n_bins, 30)
    order = rng.permuted(np.tile(np.arange(n_bins), (4, 1)), axis=1)
    truth = rng.permuted(np.tile(np.arange(30), (4, 1)), axis=1)[:, :k]
    counts = probe_counts(order, bins, truth)
    for query in range(4):
        for n_probes in range(1, n_bins + 1):
            mine = set(order[query, :n_probes].tolist())
            inside = {row for row in range(30) if bins[row] in mine}
            assert counts.candidates[query, n_probes - 1] == len(inside)
            assert counts.found[query, n_probes - 1] == len(inside & set(truth[query].tolist()))
    curve = recall_curve(order, bins, truth)
    assert curve.recall[-1] == curve.candidates[-1] == 1
    assert (np.diff(curve.recall) >= 0).all()


def test_between_its_points_a_curve_is_straight_and_beyond_it_says_nothing():
    curve = RecallCurve(np.array([0.2, 0.6]), np.array([0.5, 0.9]))
    np.testing.assert_allclose(curve.at([0.1, 0.2, 0.4]), [0.25, 0.5, 0.7])
    with pytest.raises(ValueError, match="where this curve ends"):
        curve.at(0.7)
    with pytest.raises(ValueError, match="above 0"):
        curve.at(0.0)


def test_a_graph_finds_nearly_all_with_few_distances(cloud):
    base, queries = cloud
    curve = hnsw_curve(base, queries, exact_neighbours(base, queries, 10))
    assert (np.diff(curve.candidates) > 0).all()
    assert curve.recall[-1] > 0.98
    assert 0 < curve.candidates[0] < 0.5


def test_what_does_not_fit_is_refused(cloud):
    base, _ = cloud
    with pytest.raises(ValueError, match="k=700"):
        exact_neighbours(base, k=700)
    with pytest.raises(ValueError, match="queries has 3 columns"):
        exact_neighbours(base, base[:2, :3])
    with pytest.raises(ValueError, match="base holds NaN"):
        exact_neighbours(np.where(base == base[3, 2], np.nan, base))
    with pytest.raises(ValueError, match="every bin from 0 to 1 once"):
        recall_curve([[0, 0]], [0, 1], [[1]])
    with pytest.raises(ValueError, match="below 2"):
        recall_curve([[0, 1]], [0, 2], [[1]])
    with pytest.raises(ValueError, match="do not fit"):
        recall_curve([[0, 1]], [0, 1], [[1], [0]])
