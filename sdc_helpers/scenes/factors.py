"""The meaning of a picture as numbers, computed from its graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdc_helpers.scenes.graph import (
    Scene,
    SceneObject,
    instance_boxes,
    kind_of,
    visible_shares,
)
from sdc_helpers.scenes.kinds import CATEGORIES, FOOD, INDOOR, NATURAL, WARM

if TYPE_CHECKING:
    from pandas import DataFrame

_STEEPNESS = 8.0  # a tenth of the picture gives a prominence of 0.55
_HEAD = {"man": 0.019, "woman": 0.017, "boy": 0.030, "girl": 0.027}  # of the height squared
_PLACE_BRIGHTNESS = {
    **{"kitchen": 0.63, "office": 0.58, "room": 0.56, "street": 0.57},
    **{"beach": 0.64, "forest": 0.36, "field": 0.58, "snow": 0.74},
}
_LIGHT_BRIGHTNESS = {"day": 1.0, "dusk": 0.77, "night": 0.54}
_LAMP_BRIGHTNESS = 0.65


def factors(scenes: Sequence[Scene]) -> DataFrame:
    """Describe scenes by the factors that concepts can be planted on.

    The prominence of a category is ``1 - exp(-8 a)``, a being the share of the picture that its
    instances paint: the boxes of the graph times how much of its box such a thing fills, without
    what is covered by the box of something nearer or lies outside the picture. A whole body seen
    from the front adds its head to `face`; its hands and legs are part of `body`.

    Parameters
    ----------
    scenes : sequence of Scene
        Scenes to describe.

    Returns
    -------
    pandas.DataFrame
        One row a scene, in order; float64 unless said otherwise.

        - ``place`` (str), ``indoor``, ``outdoor_natural`` (0 or 1; the street is neither);
        - ``face``, ``body``, ``hand``, ``leg``, ``food_round``, ``food_long``, ``animal``,
          ``vehicle``, ``building``, ``word`` and ``food`` (round or long): prominence in [0, 1];
        - ``n_people`` (0-8): faces and bodies; ``n_objects`` (1-8): all but furniture;
        - ``food_warm``: +1 where the colour of all food is warm, -1 where it is cold, weighted
          by area in between, 0 without food;
        - ``near``: +1 where all objects are near, -1 where all are far;
        - ``brightness``: expected from place and lighting, 0-1;
        - ``orientation_cos``, ``orientation_sin``: cosine and sine of twice the dominant
          orientation (counterclockwise from horizontal) times its strength;
        - ``main_category``, ``main_colour`` (str): of the object that paints most;
        - ``relation`` (str): of the largest object that has one, else "none".

    Examples
    --------
    >>> from sdc_helpers.scenes import factors, generate_scenes
    >>> table = factors(generate_scenes(2, seed=1))
    >>> table[["place", "n_people"]].to_dict("list")
    {'place': ['forest', 'street'], 'n_people': [0.0, 1.0]}
    """
    from pandas import DataFrame

    return DataFrame([_describe(scene) for scene in scenes], columns=COLUMNS)


COLUMNS = (
    *("place", "indoor", "outdoor_natural", *CATEGORIES, "n_people", "n_objects"),
    *("food_warm", "food", "near", "brightness", "orientation_cos", "orientation_sin"),
    *("main_category", "main_colour", "relation"),
)


def painted_areas(scene: Scene) -> list[float]:
    """Return the share of the picture that each object paints.

    Parameters
    ----------
    scene : Scene
        A scene.

    Returns
    -------
    list of float
        Painted area of each object, in the order of ``scene.objects``.
    """
    areas = []
    for item, shares in zip(scene.objects, visible_shares(scene.objects), strict=True):
        boxes = zip(instance_boxes(item), shares, strict=True)
        areas.append(kind_of(item).fill * sum(box.area * share for box, share in boxes))
    return areas


def by_prominence(scene: Scene) -> list[SceneObject]:
    """Return the objects without furniture, the one that paints most first."""
    pairs = zip(painted_areas(scene), scene.objects, strict=True)
    ranked = sorted(pairs, key=lambda pair: -pair[0])
    return [item for _, item in ranked if item.category != "furniture"]


def _describe(scene: Scene) -> dict[str, float | str]:
    areas = dict.fromkeys(CATEGORIES, 0.0)
    warm = food = 0.0
    things: list[SceneObject] = []
    painted = zip(scene.objects, painted_areas(scene), visible_shares(scene.objects), strict=True)
    for item, area, shares in painted:
        if item.category == "furniture":
            continue
        things.append(item)
        areas[item.category] += area
        if item.category == "body" and item.facing == "front":
            areas["face"] += _HEAD[item.kind] * item.size**2 * sum(shares)
        if item.category in FOOD:
            food += area
            warm += area if item.colour in WARM else -area
    n_objects = sum(item.count for item in things)
    ranked = by_prominence(scene)
    doubled = 2 * scene.orientation
    return {
        "place": scene.place,
        "indoor": float(scene.place in INDOOR),
        "outdoor_natural": float(scene.place in NATURAL),
        **{name: _prominence(area) for name, area in areas.items()},
        "n_people": float(sum(i.count for i in things if i.category in ("face", "body"))),
        "n_objects": float(n_objects),
        "food_warm": warm / food if food else 0.0,
        "food": _prominence(food),
        "near": sum(i.count if i.distance == "near" else -i.count for i in things) / n_objects,
        "brightness": _brightness(scene),
        "orientation_cos": scene.orientation_strength * math.cos(doubled),
        "orientation_sin": scene.orientation_strength * math.sin(doubled),
        "main_category": ranked[0].category,
        "main_colour": ranked[0].colour,
        "relation": next((item.relation for item in ranked if item.relation), "none"),
    }


def _prominence(area: float) -> float:
    return 1.0 - math.exp(-_STEEPNESS * area)


def _brightness(scene: Scene) -> float:
    lamp = scene.place in INDOOR and scene.lighting == "night"
    light = _LAMP_BRIGHTNESS if lamp else _LIGHT_BRIGHTNESS[scene.lighting]
    return _PLACE_BRIGHTNESS[scene.place] * light
