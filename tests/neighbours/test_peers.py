"""Other ways to make bins."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from sdc_helpers.neighbours import (
    balanced_kmeans_bins,
    exact_neighbours,
    hyperplane_bins,
    kmeans_bins,
    tree_bins,
)

WAYS = {
    "k-means": kmeans_bins,
    "balanced": balanced_kmeans_bins,
    "hyperplanes": hyperplane_bins,
    "two-means": tree_bins,
    "pca": lambda X, n, **more: tree_bins(X, n, cut="pca", **more),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_vector_is_in_the_bin_that_it_would_probe_first(cloud, way):
    base, queries = cloud
    found = WAYS[way](base, 8, random_state=2)
    order = found.probe_order(base)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(8), (len(base), 1)))
    if way != "balanced":  # there a full bin sends it on
        np.testing.assert_array_equal(order[:, 0], found.labels)
    curve = found.recall_curve(queries, exact_neighbours(base, queries, 10))
    assert curve.at(0.25) > 0.3
    again = WAYS[way](base, 8, random_state=2)
    np.testing.assert_array_equal(again.labels, found.labels)


def test_kmeans_is_as_good_as_scikit_learns(blobs):
    X, _ = blobs
    labels = kmeans_bins(X, 4).labels
    centres = np.stack([X[labels == b].mean(axis=0) for b in range(4)])
    ours = ((X - centres[labels]) ** 2).sum()
    theirs = KMeans(4, n_init=10, random_state=0).fit(X).inertia_
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_balanced_bins_differ_by_one_at_most(cloud):
    sizes = np.bincount(balanced_kmeans_bins(cloud[0], 16).labels)
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("cut", ["two-means", "pca"])
def test_a_tree_halves(cloud, cut):
    sizes = np.bincount(tree_bins(cloud[0], 16, cut=cut).labels, minlength=16)
    assert sizes.max() - sizes.min() <= 4


def test_what_does_not_fit_is_refused(cloud):
    base, _ = cloud
    with pytest.raises(ValueError, match="power of two"):
        hyperplane_bins(base, 12)
    with pytest.raises(ValueError, match="cut='up'"):
        tree_bins(base, 8, cut="up")
    with pytest.raises(ValueError, match="700 vectors for 900 bins"):
        kmeans_bins(base, 900)
