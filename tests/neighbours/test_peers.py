"""Other ways to make bins."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from sdc_helpers.neighbours import (
    balanced_kmeans_bins,
    exact_neighbours,
    hyperplane_bins,
    ivf_bins,
    kmeans_bins,
    neural_lsh_bins,
    tree_bins,
)
from sdc_helpers.neighbours.neural_lsh import graph_parts

WAYS = {
    "k-means": kmeans_bins,
    "faiss IVF": ivf_bins,
    "Neural LSH": lambda X, n, **more: neural_lsh_bins(X, n, hidden=32, n_epochs=30, **more),
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
    if way not in ("balanced", "Neural LSH"):  # there parts have equal sizes, whoever asks
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


def test_the_inverted_file_of_faiss_has_the_same_bins(cloud):
    import faiss

    base, queries = cloud
    found = ivf_bins(base, 8, random_state=2)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(8), 8, 8)
    index.cp.seed = 3
    index.train(base)
    index.add(base)
    lists = [
        faiss.rev_swig_ptr(index.invlists.get_ids(b), index.invlists.list_size(b)) for b in range(8)
    ]
    for bin_, rows in enumerate(lists):
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(found.labels == bin_))
    _, nearest = index.quantizer.search(queries, 8)
    np.testing.assert_array_equal(found.probe_order(queries), nearest)


def test_parts_of_a_graph_are_of_equal_size_and_cut_less_than_kmeans(cloud):
    base, _ = cloud
    near = exact_neighbours(base, k=10)
    parts = graph_parts(near, 8, np.random.default_rng(0))
    sizes = np.bincount(parts, minlength=8)
    assert sizes.max() <= np.ceil(1.05 * len(base) / 8)
    assert sizes.min() >= np.floor(0.95 * len(base) / 8)
    chance = np.random.default_rng(1).permutation(parts)
    cut, by_chance = ((labels[near] != labels[:, None]).mean() for labels in (parts, chance))
    assert cut < 0.75 * by_chance


def test_far_blobs_are_the_parts_of_their_graph(blobs):
    X, whose = blobs
    found = neural_lsh_bins(X, 4, hidden=32, n_epochs=40)
    pairs = set(zip(whose.tolist(), found.labels.tolist(), strict=True))
    assert len(pairs) == 4
    assert (found.probe_order(X)[:, 0] == found.labels).mean() > 0.99


@pytest.mark.parametrize("way", WAYS)
def test_duplicates_and_a_constant_feature_are_given_bins(cloud, way):
    X = np.c_[np.repeat(cloud[0][:60], 4, axis=0), np.full(240, 3.0)]
    found = WAYS[way](X, 4)
    assert set(found.labels.tolist()) <= set(range(4))
    np.testing.assert_array_equal(np.sort(found.probe_order(X), axis=1)[:, 0], 0)


@pytest.mark.parametrize("way", WAYS)
def test_bad_bases_are_refused_by_every_way(cloud, way):
    base, _ = cloud
    with pytest.raises(ValueError, match="X holds NaN"):
        WAYS[way](np.where(base == base[0, 0], np.nan, base), 4)
    with pytest.raises(ValueError, match="for 8 bins"):
        WAYS[way](base[:5], 8)


def test_what_does_not_fit_is_refused(cloud):
    base, _ = cloud
    with pytest.raises(ValueError, match="power of two"):
        hyperplane_bins(base, 12)
    with pytest.raises(ValueError, match="cut='up'"):
        tree_bins(base, 8, cut="up")
    with pytest.raises(ValueError, match="700 vectors for 900 bins"):
        kmeans_bins(base, 900)
    with pytest.raises(ValueError, match="k=700"):
        neural_lsh_bins(base, 8, n_neighbors=700)
