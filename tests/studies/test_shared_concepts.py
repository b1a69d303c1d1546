"""From participants to concepts in one call, on planted directions."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.concepts.selection import select_clustering
from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.studies.participants import ParticipantData
from sdc_helpers.studies.shared_concepts import (
    find_concepts,
    half_of_pictures,
    keep_shared,
    shuffle_pairs,
)

N_TRIALS, N_DIMS, N_EACH, N_CONCEPTS = 640, 24, 5, 8


def participant(name, rng):
    """Five voxels for each of eight axes of the embedding, and as many of noise alone."""
    embeddings = rng.normal(size=(N_TRIALS, N_DIMS))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    n_planted = N_CONCEPTS * N_EACH
    tuning = np.zeros((N_DIMS, 2 * n_planted))
    tuning[np.repeat(np.arange(N_CONCEPTS), N_EACH), np.arange(n_planted)] = 12
    responses = embeddings @ tuning + rng.normal(size=(N_TRIALS, 2 * n_planted))
    fold = np.repeat(["train", "validation", "test"], (600, 20, 20))
    return ParticipantData(
        participant=name,
        responses=responses.astype(np.float32),
        embeddings=embeddings.astype(np.float32),
        image_ids=np.arange(N_TRIALS),
        split=SimpleNamespace(trials=lambda side: fold == side),
        mask=np.ones((1, 1, 2 * n_planted), dtype=bool),
        ceiling=np.full(2 * n_planted, 50.0),
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path))


def test_planted_directions_are_found_at_the_setting_that_is_reported():
    rng = np.random.default_rng(0)
    data = {name: participant(name, rng) for name in "abcde"}
    decoder = ContrastiveDecoder(
        temperature=0.1, lr=2e-2, batch_size=100, input_noise=2.0, n_steps=150, n_runs=3,
        random_state=0,
    )  # fmt: skip
    found = find_concepts(data, decoder, seed=3)
    assert found.setting is found.selection.chosen
    assert found.model.eps == found.setting.eps
    assert found.is_reproduced.sum() == found.setting.n_reproduced
    assert len(found.is_reproduced) == found.setting.n_concepts
    assert found.is_allowed
    labels = found.labels.reshape(5, 2 * N_CONCEPTS, N_EACH)
    for planted in range(N_CONCEPTS):
        assert len(np.unique(labels[:, planted])) == 1
    assert len(np.unique(labels[0, :N_CONCEPTS])) == N_CONCEPTS
    assert np.mean(labels[:, N_CONCEPTS:] >= 0) < 0.05
    assert found.expanded.shape == (len(found.labels), len(found.concepts))
    again = find_concepts(data, decoder, seed=3)
    np.testing.assert_array_equal(again.labels, found.labels)
    chosen = select_clustering(
        found.weights.weights, found.weights.halves, found.nulls,
        found.weights.participants, [found.setting.eps],
    )  # fmt: skip
    assert chosen.settings[0].n_clusters == found.setting.n_clusters == len(found.model.concepts_)


def test_it_needs_a_shuffle_and_somebody():
    with pytest.raises(ValueError, match="n_shuffles=0"):
        find_concepts({}, ContrastiveDecoder(), n_shuffles=0)
    with pytest.raises(ValueError, match=r"data holds 0 participants.*at least 4"):
        find_concepts({}, ContrastiveDecoder())


def test_concepts_that_one_participant_has_are_dropped_and_the_rest_renumbered():
    rng = np.random.default_rng(5)
    labels, who = rng.integers(-1, 6, 60), rng.choice(list("abc"), 60)
    directions = rng.normal(size=(6, 3))
    least = 3
    kept = []
    for concept in range(6):
        sizes = [
            sum((labels[v] == concept) & (who[v] == name) for v in range(60)) for name in "abc"
        ]
        if sum(size >= least for size in sizes) >= 2:
            kept.append(concept)
    assert 0 < len(kept) < 6
    found, rows = keep_shared(labels, directions, who, least)
    assert found.tolist() == [kept.index(k) if k in kept else -1 for k in labels.tolist()]
    np.testing.assert_array_equal(rows, directions[kept])


def test_nothing_is_kept_where_nothing_was_found():
    labels, rows = keep_shared(np.full(4, -1), np.empty((0, 3)), np.array(list("aabb")), 1)
    assert labels.tolist() == [-1] * 4
    assert rows.shape == (0, 3)


# ---------------------------------------------------------------------- options of find_concepts

QUICK = ContrastiveDecoder(
    temperature=0.1, lr=3e-2, batch_size=100, input_noise=2.0, n_steps=60, n_runs=1, random_state=0
)


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(1)
    return {name: participant(name, rng) for name in "abc"}


def test_concepts_of_two_or_three_participants_need_fewer_others(three):
    two = {name: three[name] for name in "ab"}
    with pytest.raises(
        ValueError, match=r"2 participants \(a, b\); expected at least 4.*give min_"
    ):
        find_concepts(two, QUICK, n_shuffles=1)
    with pytest.raises(ValueError, match="expected at least 3"):
        find_concepts(two, QUICK, n_shuffles=1, min_participants=(2, 3))
    found = find_concepts(two, QUICK, n_shuffles=2, min_participants=(1,))
    assert {setting.min_participants for setting in found.selection.settings} == {1}
    assert found.model.min_participants == 1
    both = find_concepts(three, QUICK, n_shuffles=2, min_participants=(1, 2))
    assert {setting.min_participants for setting in both.selection.settings} == {1, 2}
    own = both.labels[both.weights.participants == "a"][: N_CONCEPTS * N_EACH]
    assert len(np.unique(own[own >= 0])) == N_CONCEPTS


def test_a_half_of_other_pairs_reproduces_nothing(three):
    calls = []

    def halve(data, half, seed):
        calls.append((data.participant, half, seed))
        data = half_of_pictures(data, half, seed)
        return shuffle_pairs(data, np.random.default_rng(half)) if half else data

    options = {"n_shuffles": 2, "seed": 5, "min_participants": (2,)}
    found = find_concepts(three, QUICK, halve=halve, **options)
    assert calls == [(name, half, 5) for half in (0, 1) for name in "abc"]
    assert not found.is_reproduced.any()
    same = find_concepts(three, QUICK, **options)
    np.testing.assert_array_equal(found.weights.weights, same.weights.weights)
    np.testing.assert_array_equal(found.weights.halves[0], same.weights.halves[0])
    assert same.is_reproduced.sum() == N_CONCEPTS


def test_a_shuffle_that_shuffles_nothing_allows_nothing(three):
    drawn = []

    def shuffle(data, rng):
        drawn.append((data.participant, int(rng.integers(2**60))))
        return data

    found = find_concepts(three, QUICK, n_shuffles=2, min_participants=(2,), shuffle=shuffle)
    assert [name for name, _ in drawn] == list("abcabc")
    assert len({number for _, number in drawn}) == 6  # each draw has numbers of its own
    for null in found.nulls:
        np.testing.assert_array_equal(null, found.weights.weights)  # one run, the same pairs
    assert not found.is_allowed
    assert find_concepts(three, QUICK, n_shuffles=2, min_participants=(2,)).is_allowed


def test_everybody_starts_from_a_seed_of_their_own(three):
    few = replace(three["a"], responses=three["a"].responses[:, :10])
    twins = {"a": few, "b": replace(few, participant="b")}
    rows = [
        np.split(find_concepts(twins, QUICK, n_shuffles=1, min_participants=(1,), **own)
                 .weights.weights, 2)
        for own in ({}, {"own_seeds": True})
    ]  # fmt: skip
    np.testing.assert_array_equal(rows[0][0], rows[0][1])
    np.testing.assert_array_equal(rows[1][0], rows[0][0])  # the first has the decoder's own seed
    assert not np.allclose(rows[1][1], rows[1][0])
