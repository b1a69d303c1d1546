"""Concepts, their pictures and their words, counted by loops over made-up participants."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.studies import reading_study
from sdc_helpers.studies.reading_study import PROMPTS, ReadingStudy, open_reading


def test_voxels_are_counted_by_concept_and_participant(reading):
    assert reading.n_concepts == 2
    assert reading.sizes.tolist() == [6, 4]
    assert reading.own["a"].tolist() == reading.labels[:10].tolist()
    assert reading.own["b"].tolist() == reading.labels[10:].tolist()
    assert reading.owners(0) == ["a", "b"]
    assert reading.owners(1) == ["a"]  # b has one voxel of it


def test_a_concept_is_the_planted_one_that_half_of_its_voxels_have(reading):
    assert reading.identity == ("number", "")
    assert reading.negations.tolist() == ["below", ""]
    reading.planted.masks["food_shape"][4] = True  # now two of four
    again = replace(reading)
    again.__dict__["planted"] = reading.planted
    assert again.identity == ("number", "food_shape")


def test_real_data_have_no_planted_concept(reading):
    real = replace(reading, study=SimpleNamespace(truth=None))
    assert real.planted is None
    assert real.identity == ("", "")
    assert real.negations.tolist() == ["", ""]
    assert np.isnan(real.planted_values(np.array([1, 2]))).all()


def test_pictures_of_training_and_of_the_test_share_none(reading):
    by_side = {side: set() for side in ("train", "validation", "test")}
    for one in reading.data.values():
        for side, images in by_side.items():
            images |= {int(one.image_ids[trial]) for trial in one.split.trials(side)}
    assert set(reading.held_out_pictures) == by_side["test"]
    assert set(reading.fresh) == by_side["test"] - by_side["train"] - by_side["validation"]
    assert set(reading.training) == by_side["train"] - by_side["validation"] - by_side["test"]
    assert 6 not in reading.training  # a training picture of b that is a test picture of a
    assert 5 not in reading.fresh  # a test picture of b that is a validation picture of a


def test_words_are_counted_in_lower_case_without_commas(reading):
    ids = np.array([1, 2, 7])
    counts = reading.word_counts(ids)
    assert counts.shape == (3, len(reading.vocabulary))
    for row, own in zip(counts, reading.study.reader.captions(ids), strict=True):
        text = " ".join(own).lower().replace(",", "").split()
        assert row.tolist() == [text.count(word) for word in reading.vocabulary]
    assert counts[0, reading.vocabulary.index("hair")] == 2
    assert "a" not in reading.vocabulary


def test_the_vocabulary_is_in_order_and_without_repetition(reading):
    assert list(reading.vocabulary) == sorted(set(reading.vocabulary))
    assert {"street", "hair", "faces", "table", "two"} <= set(reading.vocabulary)


def test_words_are_compared_between_training_pictures(reading):
    training, top, others = reading.training.tolist(), np.array([0]), np.array([1, 2])
    words = reading.words_at(top, others)
    captions = reading.study.reader.captions(reading.training)
    for word, z in zip(words.words, words.z, strict=True):
        a, b = (
            sum(any(word in c.lower().replace(",", "").split() for c in captions[i]) for i in side)
            for side in (top, others)
        )
        log_odds = np.log((a + 0.5) / (1 - a + 0.5)) - np.log((b + 0.5) / (2 - b + 0.5))
        error = 1 / (a + 0.5) + 1 / (1 - a + 0.5) + 1 / (b + 0.5) + 1 / (2 - b + 0.5)
        assert z == pytest.approx(log_odds / np.sqrt(error))
    assert training[0] == 0  # whose captions speak of a street alone
    assert words.words[0] == "street"


def test_a_name_fits_a_picture_with_one_of_its_words(reading):
    names, held = [("street",), ("table", "hair")], reading.held_out()
    for fits, ids in zip(reading.fits(names, held), held.pictures.values(), strict=True):
        assert fits.shape == (4, 2)
        for row, image in zip(fits, ids, strict=True):
            text = " ".join(reading.study.reader.captions(np.array([image]))[0]).lower()
            assert row.tolist() == ["street" in text, "table" in text or "hair" in text]


@pytest.mark.parametrize("unit", ["percent", "z_scored"])
def test_pictures_are_ranked_for_each_participant_who_has_the_concept(reading, unit):
    held = reading.held_out()
    responses, scores = reading.ranked(0, held, unit)
    assert len(responses) == len(scores) == 2
    for name, own, along in zip("ab", responses, scores, strict=True):
        np.testing.assert_array_equal(own, getattr(held, unit)[name][:, 0])
        for image, score in zip(held.pictures[name], along, strict=True):
            assert score == pytest.approx(reading.white.vectors[image] @ reading.directions[0])
    assert len(reading.ranked(1, held, unit)[0]) == 1


def test_texts_are_moved_to_where_the_pictures_are(reading, monkeypatch):
    def embed(clip, texts):
        rows = [[len(t), t.count("e"), t.count("photo")] for t in texts]
        return SimpleNamespace(vectors=np.array(rows, dtype=float))

    monkeypatch.setattr(reading_study, "embed_texts", embed)
    words = ["street", "hair", "table"]
    found = reading.text_directions(words)
    means = []
    for word in words:
        texts = [prompt.format(word) for prompt in PROMPTS]
        means.append(np.mean([embed(None, [text]).vectors[0] for text in texts], axis=0))
    moved = [row - np.mean(means, axis=0) + reading.space.mean for row in means]
    np.testing.assert_allclose(found, reading.space.transform(np.array(moved)), atol=1e-12)


def test_the_nearest_word_lies_along_the_concept(reading, monkeypatch):
    def directions(self, words):
        rows = np.random.default_rng(0).normal(size=(len(words), 3))
        rows[words.index("street")] = 50 * self.directions[0]
        rows[words.index("faces")] = 50 * self.directions[1]
        return rows

    monkeypatch.setattr(ReadingStudy, "text_directions", directions)
    first, second = reading.nearest_words(2)
    assert len(first) == len(second) == 2
    assert (first[0], second[0]) == ("street", "faces")


def test_trials_are_those_of_the_voxels_and_of_the_test(reading):
    betas, ids = reading.trials("b", 0)
    places = np.argwhere(reading.data["b"].mask)[reading.own["b"] == 0]
    everything = reading.study.reader.betas("b", np.ones((2, 3, 2), dtype=bool))
    everything = everything.reshape(16, 2, 3, 2)
    assert betas.shape == (8, 3)
    for row, trial in enumerate(range(8, 16)):
        assert ids[row] == reading.data["b"].image_ids[trial]
        for column, (x, y, z) in enumerate(places):
            assert betas[row, column] == everything[trial, x, y, z]


def test_planted_values_are_those_of_the_identity(reading):
    values = reading.planted_values(np.array([3, 8]))
    expected = reading.study.truth.images["concept_number"]
    assert values[:, 0].tolist() == [expected[3], expected[8]]
    assert np.isnan(values[:, 1]).all()


@pytest.fixture
def opened(reading, monkeypatch):
    """Open a reading study in which the clustering gives these labels of the fixture's voxels."""

    def run(labels, truth=reading.study.truth):
        weights = np.random.default_rng(3).normal(size=(19, 3))
        study = SimpleNamespace(**{**vars(reading.study), "truth": truth})
        found = SimpleNamespace(
            labels=labels, concepts=np.eye(3)[: labels.max() + 1],
            weights=SimpleNamespace(weights=weights, participants=reading.planted.participants),
            setting=SimpleNamespace(eps=0.25),
        )  # fmt: skip
        opened = SimpleNamespace(
            study=study, clip=None, white=reading.white, space=reading.space, data=reading.data
        )
        for name, value in {
            "open_concepts": opened, "course_decoder": None,
            "find_concepts": found, "planted_in": reading.planted,
        }.items():  # fmt: skip
            monkeypatch.setattr(reading_study, name, lambda *a, _value=value, **k: _value)
        options = {"n_held_out": 30, "world": "easy", "n_shuffles": 1, "min_voxels": 2}
        return open_reading("simulated", "", "smoke", 0, **options), weights

    return run


def test_concepts_of_one_participant_are_left_out(opened):
    labels = np.array([0, 0, 1, 1, 2, 2, -1, -1, -1, -1, 0, 0, 1, 2, 2, -1, -1, -1, -1])
    made, _ = opened(labels)
    assert made.n_left_out == 1
    assert not made.stands_in
    assert made.eps == 0.25
    assert made.labels.tolist() == [{0: 0, 2: 1}.get(k, -1) for k in labels.tolist()]
    np.testing.assert_array_equal(made.directions, np.eye(3)[[0, 2]])


def test_planted_voxels_stand_in_where_one_concept_is_found(opened, reading):
    made, weights = opened(np.array([0] * 19))
    assert made.stands_in
    assert made.identity == ("number", "food_shape")
    for number, name in enumerate(("number", "food_shape")):
        rows = weights[reading.planted.masks[name]]
        mean = np.mean([row / np.sqrt(row @ row) for row in rows], axis=0)
        np.testing.assert_allclose(made.directions[number], mean / np.sqrt(mean @ mean))


def test_real_participants_with_one_concept_are_refused(opened):
    with pytest.raises(ValueError, match="1 shared concepts were found"):
        opened(np.array([0] * 19), truth=None)
