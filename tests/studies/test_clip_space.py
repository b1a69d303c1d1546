"""Scenes in the space of a CLIP: the same as by hand, galleries apart, searches that are true."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.embeddings import caption_average, embed_images, load_clip
from sdc_helpers.scenes import captions, generate_scenes, render
from sdc_helpers.studies import open_clip_space

N, SEED = 30, 3


@pytest.fixture(scope="module")
def space():
    return open_clip_space(N, 2, seed=SEED)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_galleries_are_apart_and_the_last_is_for_testing(space):
    assert [len(g) for g in space.galleries] == [N, N]
    assert not set(space.train) & set(space.test)
    assert space.network == "course-small, weights course"


def test_embeddings_are_those_of_the_towers(space):
    scenes = generate_scenes(2 * N, seed=SEED)
    by_hand = embed_images(load_clip("course-small"), render(scenes)).vectors
    np.testing.assert_allclose(unit(space.image_features.vectors), by_hand, atol=1e-5)
    np.testing.assert_allclose(space.embed(space.pictures), by_hand, atol=1e-5)
    assert space.sentences == captions(scenes, seed=SEED)
    assert space.text_features.vectors.shape == (2 * N, 5, space.clip.dimension)


def test_the_untrained_network_is_another(space):
    own = load_clip("course-small", "random", seed=SEED)
    expected = embed_images(own, space.pictures).vectors
    np.testing.assert_allclose(space.untrained_images, expected, atol=1e-5)


def test_scenes_of_the_training_set_are_others_and_as_many(space):
    images, texts = space.of_training_scenes()
    assert images.shape == (2 * N, space.clip.dimension)
    assert texts.shape == (2 * N, 5, space.clip.dimension)
    assert np.abs(images - unit(space.image_features.vectors)).max(axis=1).min() > 0.01


def test_all_captions_give_the_average_of_the_package(space):
    rng = np.random.default_rng(0)
    expected = caption_average(space.text_features).vectors
    np.testing.assert_allclose(space.caption_average(5, rng), expected, atol=1e-5)


def test_one_caption_is_one_of_the_five_and_the_second_is_another(space):
    texts = unit(space.text_features.vectors)
    one = space.caption_average(1, np.random.default_rng(0))
    nearest = np.einsum("nkd,nd->nk", texts, one).max(axis=1)
    np.testing.assert_allclose(nearest, 1, atol=1e-5)
    two = space.caption_average(2, np.random.default_rng(0))  # the same order: one of both is `one`
    assert np.einsum("nd,nd->n", one, two).min() > 0.5


@pytest.mark.parametrize("n_captions", [0, 6])
def test_captions_that_are_not_there_are_refused(space, n_captions):
    with pytest.raises(ValueError, match="n_captions"):
        space.caption_average(n_captions, np.random.default_rng(0))


def test_pixels_are_components_that_the_training_pictures_allow(space):
    rows = space.pixels(256)
    assert rows.shape == (2 * N, N // 2)
    np.testing.assert_allclose(rows[space.train].mean(axis=0), 0, atol=1e-9)


def test_example_searches_have_their_rank_and_their_answers(space):
    hit, *late = space.example_searches(n_answers=4)
    assert hit.rank == 1
    assert hit.answers[0] == hit.meant
    images = unit(space.image_features.vectors)
    texts = unit(space.text_features.vectors)
    for search in (hit, *late):
        caption = space.sentences[search.meant].index(search.sentence)
        cosines = images[space.test] @ texts[search.meant, caption]
        order = space.test[np.argsort(-cosines)]
        assert order[search.rank - 1] == search.meant
        assert search.answers == tuple(order[:4])
        assert len(search.sentence) <= 90
    assert min(search.rank for search in late) > 1
    assert len(late[0].sentence) <= len(late[1].sentence)


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="n_gallery"):
        open_clip_space(5, 2)
    with pytest.raises(ValueError, match="n_galleries"):
        open_clip_space(20, 1)
