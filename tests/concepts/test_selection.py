"""The choice of eps, on weights whose clusters are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from sdc_helpers.concepts.selection import agreement, reproduced, select_clustering

EPS = (0.02, 0.1, 0.2, 0.3, 0.5, 0.9)
labellings = st.integers(1, 25).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-1, 3), min_size=n, max_size=n)] * 2)
)


N_PLANTED = 10


def planted(spread, rng, n_dims=40, n_each=6, n_participants=5):
    """Return ten concepts of all participants and as many voxels of none."""
    centres = np.linalg.qr(rng.normal(size=(n_dims, N_PLANTED)))[0].T
    rows = [centres[k] for k in range(N_PLANTED) for _ in range(n_each)]
    weights, who = [], []
    for participant in range(n_participants):
        concept = rows + spread * rng.normal(size=(len(rows), n_dims)) / np.sqrt(n_dims)
        weights += [concept, rng.normal(size=(len(rows), n_dims))]
        who += [participant] * 2 * len(rows)
    return np.concatenate(weights), np.array(who)


def setting(seed=0):
    rng = np.random.default_rng(seed)
    weights, who = planted(0.3, rng)
    halves = [weights + 0.02 * rng.normal(size=weights.shape) for _ in range(2)]
    nulls = [rng.normal(size=weights.shape) for _ in range(5)]
    return weights, halves, nulls, who


@pytest.mark.parametrize("seed", range(3))
def test_the_chosen_setting_finds_what_was_planted(seed):
    selection = select_clustering(*setting(seed), EPS, (2, 3))
    assert len(selection.settings) == 2 * len(EPS)
    assert selection.is_allowed(selection.chosen)
    assert selection.chosen.n_reproduced == selection.chosen.n_concepts == N_PLANTED
    n_voxels = N_PLANTED * 6 * 5
    assert n_voxels <= selection.chosen.n_voxels <= n_voxels / (1 - 0.05)
    assert 0 < selection.chosen.false_discovery <= 0.05  # a bound is never nothing
    assert 0 < selection.chosen.false_clusters <= 0.05
    loosest = selection.settings[len(EPS) - 1]
    assert loosest.n_clusters == 1  # everything merges, and chance does so too
    assert not selection.is_allowed(loosest)


def test_nothing_is_chosen_where_nothing_is_true():
    rng = np.random.default_rng(0)
    weights, who = planted(0.3, rng)
    noise = [rng.normal(size=weights.shape) for _ in range(6)]
    selection = select_clustering(noise[0], noise[1:3], noise[3:], who, EPS)
    assert selection.chosen is None


def test_nothing_is_chosen_where_concepts_are_not_shared():
    """Tight clusters that both halves have, but each participant's point elsewhere."""
    weights, halves, nulls, who = setting()
    rng = np.random.default_rng(1)
    stacks = [w.copy() for w in (weights, *halves)]
    for name in np.unique(who):
        turn = np.linalg.qr(rng.normal(size=(weights.shape[1],) * 2))[0]
        for stack in stacks:
            stack[who == name] = stack[who == name] @ turn
    selection = select_clustering(stacks[0], stacks[1:], nulls, who, EPS)
    assert selection.chosen is None
    again = select_clustering(weights, halves, nulls, who, EPS)
    assert again.chosen is not None


def test_the_smallest_p_is_one_of_the_rotations_and_the_data():
    selection = select_clustering(*setting(), EPS, n_rotations=19)
    assert selection.chosen.alignment_p == pytest.approx(1 / 20)
    assert all(s.alignment_p == 1 for s in selection.settings if s.false_discovery > 0.05)


def test_more_is_allowed_with_a_higher_false_discovery():
    everything = select_clustering(*setting(), EPS, max_false_discovery=1.0)
    strict = select_clustering(*setting(), EPS, max_false_discovery=0.03)
    assert everything.chosen.n_reproduced >= strict.chosen.n_reproduced
    assert select_clustering(*setting(), EPS, max_false_discovery=0.0).chosen is None


@settings(deadline=None)
@given(labellings)
def test_reproduced_clusters_by_sets(pair):
    first, second = map(np.array, pair)
    expected = []
    for a in range(first.max(initial=-1) + 1):
        own = set(np.flatnonzero(first == a))
        shares = [0.0]
        for b in set(second.tolist()) - {-1}:
            other = set(np.flatnonzero(second == b))
            shares.append(len(own & other) / len(own | other))
        expected.append(max(shares) > 0.5)
    assert reproduced(first, second).tolist() == expected


@settings(deadline=None)
@given(labellings)
def test_agreement_is_symmetric_and_one_for_equals(pair):
    first, second = map(np.array, pair)
    if max(first.max(), second.max()) < 0:
        assert np.isnan(agreement(first, second))
        return
    assert agreement(first, second) == pytest.approx(agreement(second, first))
    assert agreement(first, second) == pytest.approx(adjusted_rand_score(first, second))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nulls": []}, "nulls has 0"),
        ({"halves": [np.zeros((2, 2))]}, "halves 1"),
        ({"halves": [np.zeros((2, 2))] * 2}, "halves: an array has shape"),
        ({"max_false_discovery": 1.5}, "max_false_discovery=1.5"),
        ({"min_participants": ()}, "min_participants is empty"),
        ({"n_rotations": 18}, "n_rotations=18"),
        ({"min_participants": (9,)}, "min_participants=9"),
        ({"eps_values": ()}, "eps_values is empty"),
    ],
)
def test_bad_input_is_refused(change, message):
    weights, halves, nulls, who = setting()
    arguments = {
        "weights": weights, "halves": halves, "nulls": nulls, "participants": who,
        "eps_values": EPS, **change,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        select_clustering(**arguments)


def test_labellings_of_different_voxels_are_refused():
    with pytest.raises(ValueError, match="one label a voxel"):
        reproduced(np.zeros(3, int), np.zeros(4, int))
