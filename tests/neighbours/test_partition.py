"""Learned bins: what they find, that they are the same again, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from sdc_helpers.neighbours import (
    HierarchicalPartition,
    PartitionEnsemble,
    SpacePartition,
    exact_neighbours,
    kmeans_bins,
    recall_curve,
)
from sdc_helpers.neighbours.ensemble import is_separated

QUICK = {"hidden": 32, "n_epochs": 25, "batch_size": 128}


def test_far_blobs_are_bins(blobs):
    X, whose = blobs
    for target in ("soft", "majority"):
        fitted = SpacePartition(4, target=target, **QUICK).fit(X)
        pairs = set(zip(whose.tolist(), fitted.bins_.tolist(), strict=True))
        assert len(pairs) == 4
        assert len(fitted.history_) == 25


def test_no_bin_is_empty_at_the_defaults_and_some_are_where_balance_is_light(cloud):
    base, _ = cloud
    for seed in (0, 1, 2):
        bins = SpacePartition(16, random_state=seed).fit(base).bins_
        assert np.bincount(bins, minlength=16).min() > 0
    light = SpacePartition(16, eta=0.0, **QUICK).fit(base)
    assert (np.bincount(light.bins_, minlength=16) == 0).any()


def test_the_same_seed_gives_the_same_bins_and_leaves_torch_alone(cloud):
    import torch

    base, queries = cloud
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (SpacePartition(8, random_state=s, **QUICK).fit(base) for s in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one.predict_proba(queries), same.predict_proba(queries))
    assert not np.array_equal(one.bins_, other.bins_)


def test_learned_bins_beat_chance_and_probabilities_sum_to_one(cloud):
    base, queries = cloud
    fitted = SpacePartition(8, **QUICK).fit(base)
    P = fitted.predict_proba(queries)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(fitted.predict(queries), P.argmax(axis=1))
    truth = exact_neighbours(base, queries, 10)
    curve = recall_curve(fitted.probe_order(queries), fitted.bins_, truth)
    assert curve.at(1 / 8) > 2 / 8  # vectors at random would find an eighth


def test_votes_are_remembered_or_asked_for_anew(cloud):
    import torch

    from sdc_helpers.neighbours._training import Lessons, _of_voters, look, network

    torch.manual_seed(0)
    net, inputs = network(3, 4, 8, 0.5).train(), torch.randn(20, 3)
    lessons = Lessons(inputs, torch.empty(0), torch.ones(20), 20, None)
    near = torch.tensor([[3, 7], [7, 1]])
    now = look(net, inputs)
    torch.testing.assert_close(_of_voters(net, lessons, None, near), now[near])
    memory = torch.rand(20, 4)
    assert torch.equal(_of_voters(net, lessons, memory, near), memory[near])
    assert SpacePartition.published().votes_from == "network"
    base, _ = cloud
    fits = [SpacePartition(4, votes_from=v, **QUICK).fit(base) for v in ("memory", "network")]
    assert fits[0].history_ != fits[1].history_


def test_parameters_are_counted():
    X = np.random.default_rng(0).normal(size=(40, 5))
    linear = SpacePartition(4, hidden=0, n_epochs=1).fit(X)
    assert linear.n_parameters_ == 5 * 4 + 4
    deep = SpacePartition(4, hidden=7, n_epochs=1).fit(X)
    assert deep.n_parameters_ == (5 * 7 + 7) + 2 * 7 + (7 * 7 + 7) + 2 * 7 + (7 * 4 + 4)


def test_many_bins_start_from_kmeans(cloud):
    base, _ = cloud
    started = SpacePartition(8, init="kmeans", n_epochs=1, hidden=64, dropout=0.0).fit(base)
    by_kmeans = kmeans_bins(base, 8, n_init=1).labels
    best = [np.bincount(by_kmeans[started.bins_ == b], minlength=8).max() for b in range(8)]
    assert sum(best) / len(base) > 0.6
    assert len(started.history_) == 16


def test_other_queries_pull_bins_to_themselves(cloud):
    base, _ = cloud
    rng = np.random.default_rng(7)
    apart = base + np.eye(8)[0] + 0.3 * rng.normal(size=base.shape)  # what asks lies elsewhere
    asked, more = apart[:100], apart[100:]
    truth = exact_neighbours(base, asked, 10)
    gains = []
    for seed in range(3):
        recall = []
        for queries in (None, more):
            fitted = SpacePartition(8, random_state=seed, **QUICK).fit(base, queries=queries)
            assert len(fitted.bins_) == len(base)
            curve = recall_curve(fitted.probe_order(asked), fitted.bins_, truth)
            recall.append(float(curve.at(1 / 4)))
        gains.append(recall[1] - recall[0])
    assert np.mean(gains) > 0


def test_a_saved_partition_is_the_same_and_a_cut_file_is_named(cloud, tmp_path):
    base, queries = cloud
    fitted = SpacePartition(8, scaling="feature", **QUICK).fit(base)
    fitted.save(tmp_path / "bins.safetensors")
    again = SpacePartition.load(tmp_path / "bins.safetensors")
    np.testing.assert_array_equal(again.predict_proba(queries), fitted.predict_proba(queries))
    np.testing.assert_array_equal(again.bins_, fitted.bins_)
    assert again.get_params() == fitted.get_params()
    content = (tmp_path / "bins.safetensors").read_bytes()
    for size in (0, 5, len(content) - 9):
        cut = tmp_path / "cut.safetensors"
        cut.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"cut\.safetensors is no saved partition"):
            SpacePartition.load(cut)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_bins": 1}, "n_bins=1"),
        ({"n_bins": 900}, "700 vectors; 900 bins"),
        ({"n_neighbors": 700}, "701 or more"),
        ({"target": "loud"}, "target='loud'"),
        ({"votes_from": "hearsay"}, "votes_from='hearsay'"),
        ({"eta": -1}, "eta=-1"),
        ({"temperature": 0}, "temperature=0"),
        ({"dropout": 2}, "dropout"),
    ],
)
def test_bad_parameters_are_named(cloud, changes, words):
    with pytest.raises(ValueError, match=words):
        SpacePartition(**changes).fit(cloud[0])


def test_bad_bases_are_named_and_duplicates_and_constants_are_fitted(cloud):
    base, _ = cloud
    with pytest.raises(ValueError, match="X holds NaN"):
        SpacePartition(4).fit(np.where(base == base[0, 0], np.nan, base))
    with pytest.raises(ValueError, match="all vectors are the same"):
        SpacePartition(4).fit(np.ones((50, 3)))
    with pytest.raises(ValueError, match="sample_weight"):
        SpacePartition(4).fit(base, sample_weight=-np.ones(len(base)))
    constant = np.c_[np.repeat(base[:60], 4, axis=0), np.full(240, 3.0)]
    for scaling in ("one", "feature"):
        fitted = SpacePartition(4, scaling=scaling, n_epochs=3, hidden=16).fit(constant)
        assert np.isfinite(fitted.predict_proba(constant)).all()
        np.testing.assert_array_equal(fitted.bins_[::4], fitted.bins_[1::4])


def test_separated_points_are_those_in_another_bin_than_most_neighbours():
    bins = np.array([0, 0, 1, 1, 0])
    voters = np.array([[1, 4, 2], [2, 3, 0], [3, 0, 1], [2, 4, 1], [0, 1, 2]])
    assert is_separated(bins, voters).tolist() == [False, True, True, True, False]


def test_published_weights_see_only_what_all_have_separated():
    ensemble = PartitionEnsemble(weights="published")
    apart = [np.array([True, True, False]), np.array([True, False, False])]
    weights = ensemble._weights(apart)
    raw = np.array([np.log(1e9) ** 2, np.log(1e9) * 1e-9, 1e-18])
    np.testing.assert_allclose(weights, 3 * raw / raw.sum(), rtol=1e-6)
    bounded = PartitionEnsemble(weights="bounded")._weights(apart)
    np.testing.assert_allclose(bounded, [2, 1.5, 1])


@pytest.mark.parametrize("weights", ["plain", "published", "bounded"])
def test_each_query_is_answered_by_its_surest_member(cloud, weights):
    base, queries = cloud
    quick = SpacePartition(8, **QUICK)
    ensemble = PartitionEnsemble(quick, n_models=2, weights=weights).fit(base)
    truth = exact_neighbours(base, queries, 5)
    curve = ensemble.recall_curve(queries, truth)
    probabilities = [m.predict_proba(queries) for m in ensemble.partitions_]
    found = []
    for query in range(len(queries)):
        best = max((0, 1), key=lambda m, q=query: probabilities[m][q].max())
        member = ensemble.partitions_[best]
        first = probabilities[best][query].argmax()
        found.append(np.mean(member.bins_[truth[query]] == first))
    assert curve.recall[0] == pytest.approx(np.mean(found))
    first_alone = clone(quick).fit(base)
    np.testing.assert_array_equal(first_alone.bins_, ensemble.partitions_[0].bins_)
    given = PartitionEnsemble(quick, n_models=2, weights=weights).fit(base, first=first_alone)
    assert given.partitions_[0] is first_alone
    np.testing.assert_array_equal(given.partitions_[1].bins_, ensemble.partitions_[1].bins_)


def test_a_leaf_is_as_probable_as_its_path(cloud):
    base, queries = cloud
    tree = HierarchicalPartition(SpacePartition(**QUICK), branching=4, levels=2).fit(base)
    P = tree.predict_proba(queries)
    assert P.shape == (60, 16)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-5)
    root = SpacePartition(4, **QUICK).fit(base)
    np.testing.assert_allclose(P.reshape(60, 4, 4).sum(2), root.predict_proba(queries), rtol=1e-4)
    inside = base[root.bins_ == 2]
    below = SpacePartition(4, **QUICK).fit(inside).predict_proba(queries)
    expected = root.predict_proba(queries)[:, [2]] * below
    np.testing.assert_allclose(P[:, 8:12], expected, rtol=1e-3, atol=1e-7)
    with pytest.raises(ValueError, match="weights='loud'"):
        PartitionEnsemble(weights="loud").fit(base)
