from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.scenes import factors, render
from sdc_helpers.scenes.kinds import CATEGORIES

TEXT = ["place", "main_category", "main_colour", "relation"]
WARM = {"red", "orange", "yellow", "brown", "pink"}


@pytest.fixture(scope="module")
def table(scenes):
    return factors(scenes)


@pytest.fixture(scope="module")
def some(scenes):
    return scenes[:800]


@pytest.fixture(scope="module")
def pictures(some):
    return render(some).astype(float)


def things_of(scene):
    return [item for item in scene.objects if item.category != "furniture"]


def without(scene, category):
    """Take away what belongs to a category; people are turned round to take away their faces."""
    objects = [item for item in scene.objects if item.category != category]
    if category == "face":
        objects = [replace(i, facing="back") if i.category == "body" else i for i in objects]
    return replace(scene, objects=tuple(objects))


def test_columns(scenes, table):
    assert list(table.columns) == [
        *("place", "indoor", "outdoor_natural"),
        *("face", "body", "hand", "leg", "food_round", "food_long", "animal", "vehicle"),
        *("building", "word", "n_people", "n_objects", "food_warm", "food", "near"),
        *("brightness", "orientation_cos", "orientation_sin"),
        *("main_category", "main_colour", "relation"),
    ]
    assert len(table) == len(scenes)
    assert (table.drop(columns=TEXT).dtypes == np.float64).all()
    assert not table.isna().any(axis=None)
    prominence = table[[*CATEGORIES, "food", "brightness"]]
    assert prominence.min(axis=None) >= 0
    assert prominence.max(axis=None) <= 1
    assert list(factors([]).columns) == list(table.columns)


def test_counts_against_the_graph(scenes, table):
    for row, scene in zip(table.itertuples(), scenes, strict=True):
        things = things_of(scene)
        people = [item for item in things if item.category in ("face", "body")]
        assert row.n_objects == sum(item.count for item in things)
        assert row.n_people == sum(item.count for item in people)
        assert row.place == scene.place
        assert row.indoor == (scene.place in ("kitchen", "office", "room"))
        assert row.outdoor_natural == (scene.place in ("beach", "forest", "field", "snow"))
        assert row.main_category in {item.category for item in things}
        assert row.relation in {"none", *(item.relation for item in things)} - {""}
        assert (row.relation == "none") == all(not item.relation for item in things)


def test_a_category_is_prominent_where_it_is_seen(scenes, table):
    for category in CATEGORIES:
        there = [
            any(
                item.category == category
                or (category == "face" and item.category == "body" and item.facing == "front")
                for item in scene.objects
            )
            for scene in scenes
        ]
        np.testing.assert_array_equal(table[category] > 0, there)


@pytest.mark.parametrize("category", CATEGORIES)
def test_prominence_follows_the_pixels_that_a_category_changes(some, pictures, category):
    prominence = factors(some)[category].to_numpy()
    chosen = np.flatnonzero(prominence > 0)[:90]
    assert len(chosen) > 40
    rest = render([without(some[number], category) for number in chosen]).astype(float)
    changed = (np.abs(rest - pictures[chosen]).max(axis=-1) > 12).mean(axis=(1, 2))
    assert np.corrcoef(changed, prominence[chosen])[0, 1] > 0.8


def test_food_colour_and_near_against_the_graph(scenes, table):
    for row, scene in zip(table.itertuples(), scenes, strict=True):
        food = [item for item in scene.objects if item.category in ("food_round", "food_long")]
        signs = {1 if item.colour in WARM else -1 for item in food}
        if len(signs) == 1:
            assert row.food_warm == pytest.approx(signs.pop())
        else:
            assert abs(row.food_warm) < 1
            assert (row.food_warm == 0) == (not food) or len(signs) == 2
        distances = [i.distance == "near" for i in things_of(scene) for _ in range(i.count)]
        assert row.near == pytest.approx(2 * np.mean(distances) - 1)


def test_brightness_follows_the_picture(some, pictures):
    luminance = pictures.mean(axis=(1, 2, 3))
    assert np.corrcoef(luminance, factors(some).brightness)[0, 1] > 0.8


def test_orientation_follows_the_gradients_of_the_background(some):
    """Structure tensor: the lines run across the gradient, hence the minus."""
    empty = render([replace(scene, objects=()) for scene in some]).astype(float).mean(axis=-1)
    down, right = np.gradient(empty, axis=(1, 2))
    up = -down
    energy = (right**2 + up**2).mean(axis=(1, 2))
    cosine = -(right**2 - up**2).mean(axis=(1, 2)) / energy
    sine = -(2 * right * up).mean(axis=(1, 2)) / energy
    table = factors(some)
    place = table.place.to_numpy()

    def within(values):  # places have orientations of their own, as in life
        return values - pd.Series(values).groupby(place).transform("mean").to_numpy()

    for measured, planted in ((cosine, table.orientation_cos), (sine, table.orientation_sin)):
        assert np.corrcoef(within(measured), within(planted.to_numpy()))[0, 1] > 0.5


def test_factors_can_be_told_apart(table):
    correlation = table.drop(columns=TEXT).corr().to_numpy()
    assert np.abs(correlation[np.triu_indices_from(correlation, k=1)]).max() < 0.8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("indoor", "food"),
        ("food", "food_warm"),
        ("outdoor_natural", "animal"),
        ("urban", "vehicle"),
        ("urban", "building"),
        ("written", "word"),
        ("n_people", "body"),
    ],
)
def test_factors_are_confounded_as_in_life(table, one, other):
    urban = 1 - table.indoor - table.outdoor_natural
    table = table.assign(urban=urban, written=table.place.isin(["street", "office"]).astype(float))
    assert table[one].corr(table[other]) > 0.15


def test_confounds_have_exceptions(table):
    food = table[table.food > 0]
    assert (food.food_warm < 0).mean() > 0.1
    assert (food.indoor == 0).mean() > 0.1
    assert (table[table.animal > 0].outdoor_natural == 0).mean() > 0.1
    for category in ("vehicle", "building", "word", "body"):
        assert (table[table[category] > 0].place != "street").mean() > 0.1
    for category in ("vehicle", "animal", "word"):
        assert (table[table[category] > 0].indoor == 1).mean() > 0.03


def test_food_colour_and_shape_are_independent(table):
    one_shape = table[(table.food_round > 0) ^ (table.food_long > 0)]
    is_round = (one_shape.food_round > 0).astype(float)
    assert abs(one_shape.food_warm.corr(is_round)) < 0.1
