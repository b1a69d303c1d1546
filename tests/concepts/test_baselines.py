"""Other groupings of voxels, on data with known groups."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from sdc_helpers.concepts.baselines import (
    by_participant,
    choose_parameter,
    hdbscan,
    ica,
    kmeans,
    nmf,
    plain_dbscan,
)

TRUE = np.repeat([0, 1, 2], 30)


def groups(rng, n_dims=20, spread=0.2):
    centres = np.linalg.qr(rng.normal(size=(n_dims, 3)))[0].T
    return centres[TRUE] + spread * rng.normal(size=(len(TRUE), n_dims)) / np.sqrt(n_dims)


@pytest.mark.parametrize(
    ("method", "value"),
    [(plain_dbscan, 0.2), (hdbscan, 10), (kmeans, 3)],
    ids=["plain_dbscan", "hdbscan", "kmeans"],
)
def test_methods_on_weights_find_clear_groups_whatever_their_length(method, value):
    rng = np.random.default_rng(0)
    rows = groups(rng)
    labels = method(rows * rng.uniform(0.1, 10, size=(len(rows), 1)), value)
    assert adjusted_rand_score(TRUE, labels) == 1


@pytest.mark.parametrize("method", [nmf, ica])
def test_methods_on_responses_find_groups_that_respond_together(method):
    rng = np.random.default_rng(0)
    sources = rng.exponential(size=(3, 200))
    responses = sources[TRUE] + 0.3 * rng.normal(size=(len(TRUE), 200))
    assert adjusted_rand_score(TRUE, method(responses, 3)) > 0.9


def test_the_parameter_with_the_most_reproduced_clusters_is_chosen():
    rng = np.random.default_rng(0)
    rows = groups(rng)
    halves = [rows + 0.02 * rng.normal(size=rows.shape) for _ in range(2)]
    chosen = choose_parameter(plain_dbscan, rows, halves, (1e-4, 0.2, 0.95))
    assert chosen.parameter == 0.2
    assert chosen.n_reproduced == 3
    assert chosen.curve[1e-4] == (0, -1.0)
    assert chosen.curve[0.95][0] == 1
    assert adjusted_rand_score(TRUE, chosen.labels) == 1


def test_alone_no_cluster_has_voxels_of_two_participants():
    rows = groups(np.random.default_rng(0))
    who = np.tile(["a", "b"], len(TRUE) // 2)
    labels = by_participant(plain_dbscan, who)(rows, 0.3)
    assert len(np.unique(labels)) == 6
    for cluster in np.unique(labels):
        assert len(set(who[labels == cluster])) == 1
        assert len(set(TRUE[labels == cluster])) == 1


def test_bad_input_is_refused():
    rows = groups(np.random.default_rng(0))
    with pytest.raises(ValueError, match="values is empty"):
        choose_parameter(plain_dbscan, rows, (rows, rows), ())
    with pytest.raises(ValueError, match="method='pca'"):
        nmf(rows, 3, method="pca")
