"""From participants to concepts in one call, on planted directions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.concepts.selection import select_clustering
from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.studies.participants import ParticipantData
from sdc_helpers.studies.shared_concepts import find_concepts, keep_shared

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
