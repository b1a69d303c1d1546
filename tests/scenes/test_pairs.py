from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from sdc_helpers.scenes import LEXICON, minimal_pairs, render, replaced_pairs
from sdc_helpers.scenes.graph import visible_shares


@pytest.fixture(scope="module")
def pairs():
    return minimal_pairs(400, seed=5)


def test_both_captions_have_the_same_words(pairs):
    for pair in pairs:
        first, second = (
            Counter(re.findall(r"[a-z]+", caption.lower())) for caption in pair.captions
        )
        assert first == second
        assert set(first) <= set(LEXICON)
        assert pair.captions[0] != pair.captions[1]


def test_each_caption_is_true_of_its_own_scene_only(pairs, falsehoods):
    for pair in pairs:
        for one in (0, 1):
            assert not falsehoods(pair.captions[one], pair.scenes[one]), pair
            assert falsehoods(pair.captions[one], pair.scenes[1 - one]), pair


def test_everything_else_is_equal(pairs):
    for pair in pairs:
        first, second = pair.scenes
        assert replace(first, objects=()) == replace(second, objects=())
        by_kind = [{item.kind: item for item in scene.objects} for scene in pair.scenes]
        assert by_kind[0].keys() == by_kind[1].keys()
        for kind, item in by_kind[0].items():
            other = by_kind[1][kind]
            if pair.kind == "attribute":
                assert replace(item, colour=other.colour, count=other.count) == other
                assert (item.colour != other.colour) != (item.count != other.count)
            else:
                assert replace(item, x=other.x, y=other.y, size=other.size) == other
        for scene in pair.scenes:
            assert min(min(shares) for shares in visible_shares(scene.objects)) > 0.25


def test_pictures_differ_where_the_things_are(pairs):
    first, second = (render([pair.scenes[k] for pair in pairs]).astype(int) for k in (0, 1))
    empty = render([replace(pair.scenes[0], objects=()) for pair in pairs]).astype(int)
    for one, two, background, pair in zip(first, second, empty, pairs, strict=True):
        things = (one != background).any(axis=-1) | (two != background).any(axis=-1)
        assert (one[~things] == two[~things]).all()
        assert np.abs(one - two)[things].mean() > 4, pair


def test_kinds_are_mixed_and_series_reproducible(pairs):
    assert Counter(pair.kind for pair in pairs) == {"relation": 200, "attribute": 200}
    phrases = " ".join(pair.captions[0] for pair in pairs)
    assert all(f" {word} " in phrases for word in ("left", "right", "front", "behind", "three"))
    assert minimal_pairs(30, seed=5) == pairs[:30]
    assert minimal_pairs(30, seed=6) != pairs[:30]
    assert minimal_pairs(0) == []


def test_in_replaced_pairs_one_thing_differs(falsehoods):
    pairs = replaced_pairs(300, seed=5)
    assert Counter(pair.kind for pair in pairs) == {"thing": 100, "number": 100, "colour": 100}
    assert replaced_pairs(30, seed=5) == pairs[:30]
    for pair in pairs:
        first, second = pair.scenes
        assert replace(first, objects=()) == replace(second, objects=())
        (one,), (other,) = first.objects, second.objects
        assert (one.kind != other.kind) == (pair.kind == "thing")
        if pair.kind != "thing":
            changed = {"number": "count", "colour": "colour"}[pair.kind]
            assert getattr(one, changed) != getattr(other, changed)
            assert replace(one, **{changed: getattr(other, changed)}) == other
        for k in (0, 1):
            assert not falsehoods(pair.captions[k], pair.scenes[k]), pair
            assert falsehoods(pair.captions[k], pair.scenes[1 - k]), pair
            assert set(re.findall(r"[a-z]+", pair.captions[k].lower())) <= set(LEXICON)


@pytest.mark.parametrize("generate", [minimal_pairs, replaced_pairs])
@pytest.mark.parametrize("name", ["n", "seed"])
@pytest.mark.parametrize("value", [-1, 2.0, "x"])
def test_bad_arguments_are_named(generate, name, value):
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        generate(**{"n": 1, name: value})
