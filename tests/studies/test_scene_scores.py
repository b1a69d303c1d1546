"""What is asked about held-out scenes, and the scores of spaces whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.scenes import captions, factors, generate_scenes
from sdc_helpers.studies.scene_scores import scene_test, score_on_scenes


@pytest.fixture(scope="module")
def scenes():
    return generate_scenes(120, seed=6)


@pytest.fixture(scope="module")
def test(scenes):
    return scene_test(scenes, rng=np.random.default_rng(0))


def spaces(test, rng, d=16):
    images, texts = (
        rng.normal(size=(len(test.pictures), d)),
        rng.normal(size=(len(test.sentences), d)),
    )
    return [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, texts)]


def test_rows_of_sentences_are_those_meant(scenes, test):
    assert len(set(test.sentences)) == len(test.sentences)
    first = [of_scene[0] for of_scene in captions(scenes)]
    assert [test.sentences[row] for row in test.caption] == first
    assert [test.sentences[row] for row in test.before] == list(test.changes.before)
    assert [test.sentences[row] for row in test.after] == list(test.changes.after)
    assert "on the beach" in test.sentences[test.prompts["place"][0][0]]
    places = sorted(set(factors(scenes)["place"]))
    assert [places[label] for label in test.labels["place"]] == list(factors(scenes)["place"])


def test_a_space_of_classes_classifies_and_a_random_one_guesses(test):
    rng = np.random.default_rng(1)
    images, texts = spaces(test, rng)
    random = score_on_scenes(test, images, texts, rng=rng)
    assert random.zero_shot["place"] < 0.35
    axes = np.eye(16)
    for label, rows in enumerate(test.prompts["place"]):
        texts[rows] = axes[label]
    known = score_on_scenes(test, axes[test.labels["place"]] * 1.0, texts, rng=rng)
    assert known.zero_shot["place"] == 1


def test_the_row_holds_what_the_parts_say(test):
    rng = np.random.default_rng(2)
    images, texts = spaces(test, rng)
    weights = (0.0, 0.9, 2.0)
    scores = score_on_scenes(test, images, texts, rng=rng, weights=weights)
    row = scores.as_row()
    assert row["arithmetic"] == scores.arithmetic.score[1]
    assert row["arithmetic_shuffled"] == scores.arithmetic.shuffled[1]
    v = texts[test.caption]
    assert row["centroid_distance"] == pytest.approx(
        np.sqrt(((images.mean(0) - v.mean(0)) ** 2).sum())
    )
    ranks = [(images[i] @ v.T >= images[i] @ v[i] - 1e-12).sum() for i in range(len(v))]
    back = [(v[i] @ images.T >= v[i] @ images[i] - 1e-12).sum() for i in range(len(v))]
    both = (np.mean(np.array(ranks) <= 10) + np.mean(np.array(back) <= 10)) / 2
    assert row["recall_10"] == pytest.approx(both)
    assert row["zero_shot"] == pytest.approx(np.mean(list(scores.zero_shot.values())))


def test_bad_input(scenes, test):
    rng = np.random.default_rng(3)
    images, texts = spaces(test, rng)
    with pytest.raises(ValueError, match=f"got 119 and {len(texts)}"):
        score_on_scenes(test, images[1:], texts, rng=rng)
    with pytest.raises(ValueError, match="20 scenes"):
        scene_test(scenes[:5], rng=rng)
