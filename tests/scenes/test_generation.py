from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.scenes import generate_scenes
from sdc_helpers.scenes.graph import (
    RELATIONS,
    SceneObject,
    instance_boxes,
    visible_shares,
)
from sdc_helpers.scenes.kinds import CATEGORIES, KINDS, LIGHTING, PLACES


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**64),
    start=st.integers(0, 10**6),
    n=st.integers(0, 12),
    cut=st.integers(0, 12),
)
def test_any_part_of_a_series_can_be_made_alone(seed, start, n, cut):
    whole = generate_scenes(n, seed=seed, start=start)
    cut = min(cut, n)
    assert [(scene.seed, scene.index) for scene in whole] == [(seed, start + k) for k in range(n)]
    parts = generate_scenes(cut, seed, start) + generate_scenes(n - cut, seed, start + cut)
    assert whole == parts


def test_seeds_and_numbers_give_different_scenes(scenes):
    assert len(set(scenes)) == len(scenes)
    assert not set(generate_scenes(200, seed=12)) & set(scenes)


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    generate_scenes(5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_one_to_eight_things_all_of_them_visible(scenes):
    for scene in scenes:
        things = [item for item in scene.objects if item.category != "furniture"]
        assert 1 <= sum(item.count for item in things) <= 8
        assert len({item.kind for item in scene.objects}) == len(scene.objects)
        for item, shares in zip(scene.objects, visible_shares(scene.objects), strict=True):
            assert len(shares) == len(instance_boxes(item)) == item.count
            assert min(shares) > 0.1
            assert item.colour in KINDS[item.category][item.kind].colours
            assert all(type(value) is float for value in (item.x, item.y, item.size))


def test_relations_point_at_another_object_at_the_same_distance(scenes):
    for scene in scenes:
        for number, item in enumerate(scene.objects):
            assert item.relation in ("", *RELATIONS)
            if not item.relation:
                assert item.relative_to == -1
                continue
            support = scene.objects[item.relative_to]
            assert 0 <= item.relative_to != number
            assert support.distance == item.distance
            if item.relation == "under":
                assert number < item.relative_to
            else:
                assert number > item.relative_to


def test_everything_occurs(scenes):
    assert {scene.place for scene in scenes} == set(PLACES)
    assert {scene.lighting for scene in scenes} == set(LIGHTING)
    items = [item for scene in scenes for item in scene.objects]
    kinds = {(item.category, item.kind) for item in items}
    assert kinds == {(category, kind) for category in KINDS for kind in KINDS[category]}
    assert {item.relation for item in items} == {"", *RELATIONS}
    assert {item.distance for item in items if item.category == "body"} == {"near", "far"}
    totals = Counter(
        sum(item.count for item in scene.objects if item.category != "furniture")
        for scene in scenes
    )
    assert min(totals[n] for n in range(1, 9)) > 0.02 * len(scenes)


def test_scenes_are_frozen(scenes):
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenes[0].place = "kitchen"
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenes[0].objects[0].count = 2


def test_what_is_covered_is_counted_as_hidden():
    def box(x, size, kind="poster"):
        return SceneObject("word", kind, "red", 1, "near", x, 0.75, size)

    wide = KINDS["word"]["poster"].aspect * 0.4
    behind, front = box(0.4, 0.4), box(0.4 + wide / 2, 0.4)
    (seen,), (whole,) = visible_shares([behind, front])
    assert seen == pytest.approx(0.5, abs=0.04)
    assert whole == pytest.approx(1.0, abs=0.04)
    ((cut,),) = visible_shares([box(0.0, 0.5)])
    assert cut == pytest.approx(0.5, abs=0.04)
    ((outside,),) = visible_shares([box(2.0, 0.5)])
    assert outside == 0.0


@pytest.mark.parametrize("name", ["n", "seed", "start"])
@pytest.mark.parametrize("value", [-1, 1.5, "3", None, True])
def test_bad_arguments_are_named(name, value):
    arguments = {"n": 1, "seed": 0, "start": 0, name: value}
    with pytest.raises(ValueError, match=f"{name}={value!r}: expected an integer of 0 or more"):
        generate_scenes(**arguments)


def test_numpy_integers_are_integers():
    assert generate_scenes(np.int64(2), seed=np.uint32(3)) == generate_scenes(2, seed=3)
    assert set(CATEGORIES) < set(KINDS)
