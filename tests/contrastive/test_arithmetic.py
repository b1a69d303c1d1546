"""Picture arithmetic: right answers by the scene graph, answers by a loop, a perfect space."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.contrastive.arithmetic import (
    arithmetic_answers,
    picture_arithmetic,
)
from sdc_helpers.scenes import LEXICON, generate_scenes
from sdc_helpers.scenes.changes import scene_changes
from sdc_helpers.scenes.lexicon import COLOUR_WORDS, NOUNS, NUMBERS


@pytest.fixture(scope="module")
def scenes():
    return generate_scenes(150, seed=3)


@pytest.fixture(scope="module")
def changes(scenes):
    return scene_changes(scenes, rng=np.random.default_rng(0))


def test_questions_ask_for_what_is_there_and_nothing_else(scenes, changes):
    assert set(changes.change) == {"colour", "distance", "number", "thing"}
    assert not changes.hits[np.arange(len(changes)), changes.source].any()
    assert (changes.hits.sum(axis=1) >= 3).all()
    for row in range(len(changes)):
        if changes.change[row] != "thing":
            continue
        place = scenes[changes.source[row]].place
        assert {scenes[i].place for i in np.flatnonzero(changes.hits[row])} == {place}


def described(sentence):
    """Read kind, number, colour and distance back from a sentence."""
    words = sentence.lower().rstrip(".").split()
    distance = {"foreground": "near", "distance": "far"}.get(words[-1])
    words = words[:-3] if distance else words
    number = {"a": 1, "an": 1}.get(words[0]) or NUMBERS.index(words[0]) + 1
    colours = {name for name, forms in COLOUR_WORDS.items() if words[1] in forms}
    (kind,) = (k for k, nouns in NOUNS.items() if words[-1] in nouns[0])
    return kind, number, next(iter(colours), None), distance


def test_right_pictures_show_what_the_sentence_says(scenes, changes):
    for row in range(len(changes)):
        kind, number, colour, distance = described(changes.after[row])
        old_kind, *_ = described(changes.before[row])
        change, source = changes.change[row], scenes[changes.source[row]]
        assert any(item.kind == old_kind for item in source.objects)
        assert (kind != old_kind) == (change == "thing")
        for i, scene in enumerate(scenes):
            shown = any(
                item.kind == kind
                and {
                    "colour": item.colour == colour,
                    "distance": item.distance == distance,
                    "number": item.count == number == 3,
                    "thing": scene.place == source.place,
                }[change]
                for item in scene.objects
            )
            assert changes.hits[row, i] == (shown and i != changes.source[row])


def test_every_word_of_the_sentences_is_in_the_lexicon(changes):
    words = {w for s in changes.sentences for w in s.lower().rstrip(".").replace(",", "").split()}
    assert words <= set(LEXICON)


def test_answers_equal_a_loop():
    rng = np.random.default_rng(1)
    images, difference = rng.standard_normal((9, 4)), rng.standard_normal((5, 4))
    source = np.array([0, 3, 3, 8, 1])
    expected = []
    for row, start in enumerate(source):
        query = images[start] + 0.7 * difference[row]
        cosines = [
            -2.0 if i == start else image @ query / np.linalg.norm(image) / np.linalg.norm(query)
            for i, image in enumerate(images)
        ]
        expected.append(int(np.argmax(cosines)))
    assert arithmetic_answers(images, difference, source, 0.7).tolist() == expected


def test_a_space_that_knows_the_answers_gets_all_right_and_its_shuffle_does_not(changes):
    """Pictures are axes; a question's words lead from its picture to one of the right ones."""
    n = changes.hits.shape[1]
    images = np.eye(n)
    before, after = images[changes.source], images[changes.hits.argmax(axis=1)]
    found = picture_arithmetic(
        images, before, after, changes, [0.0, 1.0], rng=np.random.default_rng(0)
    )
    assert found.score[1] == 1
    assert found.shuffled[1] < 0.3
    assert found.score[0] < 0.3
    assert found.chance == pytest.approx(
        np.mean([changes.hits[changes.change == c].mean() for c in np.unique(changes.change)])
    )


def test_bad_input(changes):
    n, m = changes.hits.shape[1], len(changes)
    rng = np.random.default_rng(0)
    good = np.eye(n)
    with pytest.raises(ValueError, match="images"):
        picture_arithmetic(good[:-1], good[:1], good[:1], changes, rng=rng)
    with pytest.raises(ValueError, match="same columns"):
        picture_arithmetic(good, np.eye(m, n + 1), np.eye(m, n + 1), changes, rng=rng)
    with pytest.raises(ValueError, match="give more"):
        scene_changes(generate_scenes(4, seed=1), rng=rng)
    with pytest.raises(ValueError, match="least"):
        scene_changes(generate_scenes(4, seed=1), rng=rng, least=0)
