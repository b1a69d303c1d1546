"""What there is in the picture world, and what is usually found where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CATEGORIES = (
    "face",
    "body",
    "hand",
    "leg",
    "food_round",
    "food_long",
    "animal",
    "vehicle",
    "building",
    "word",
)
FOOD = ("food_round", "food_long")
INDOOR = ("kitchen", "office", "room")
NATURAL = ("beach", "forest", "field", "snow")
PLACES = {
    "kitchen": 13.0,
    "office": 10.0,
    "room": 14.0,
    "street": 20.0,
    "beach": 10.0,
    "forest": 11.0,
    "field": 13.0,
    "snow": 9.0,
}
LIGHTING = {"day": 62.0, "dusk": 19.0, "night": 19.0}
WARM = ("red", "orange", "yellow", "brown", "pink")
COLD = ("green", "blue", "purple")
HAIR = {"black": 3.0, "brown": 3.0, "blond": 2.0, "grey": 1.0, "red": 1.0}
TEXTS = (
    *("STOP", "FREE", "EXIT", "SALE", "CAFE", "HOTEL", "TAXI", "BANK", "NEWS", "HELLO"),
    *("MENU", "CLUB", "JAZZ", "TOUR", "ZOO", "RADIO", "LOVE", "VOTE", "GYM", "KIOSK"),
)


@dataclass(frozen=True)
class Kind:
    """One kind of thing, as it looks from near.

    Attributes
    ----------
    height : float
        Height of one instance, in picture heights.
    aspect : float
        Width over height.
    fill : float
        Share of its box that is painted.
    colours : mapping of str to float
        Colours it comes in, with weights.
    surface : float or None
        How far below its top other things stand on it, in its own height; None: nothing does.
    opaque : float
        Share of its height, from the top, that hides what is behind it.
    """

    height: float
    aspect: float
    fill: float
    colours: Mapping[str, float]
    surface: float | None = None
    opaque: float = 1.0


_CLOTHES = {
    **{"red": 3.0, "blue": 4.0, "green": 2.0, "yellow": 2.0, "white": 2.0},
    **{"black": 1.5, "pink": 1.5, "purple": 1.0, "orange": 1.0, "grey": 1.0},
}
_PAINT = {"red": 3.0, "blue": 3.0, "white": 2.0, "yellow": 2.0, "green": 1.5, "black": 1.0}
_BOARD = {"red": 3.0, "blue": 3.0, "green": 2.0, "white": 2.0, "yellow": 2.0, "black": 1.0}
_WOOD = {"brown": 5.0, "white": 1.0, "grey": 1.0}

KINDS: dict[str, dict[str, Kind]] = {
    "face": {
        "man": Kind(0.80, 0.95, 0.58, _CLOTHES),
        "woman": Kind(0.80, 0.95, 0.68, _CLOTHES),
        "boy": Kind(0.74, 0.95, 0.60, _CLOTHES),
        "girl": Kind(0.74, 0.95, 0.70, _CLOTHES),
    },
    "body": {
        "man": Kind(0.84, 0.40, 0.72, _CLOTHES),
        "woman": Kind(0.80, 0.40, 0.73, _CLOTHES),
        "boy": Kind(0.64, 0.46, 0.72, _CLOTHES),
        "girl": Kind(0.62, 0.46, 0.73, _CLOTHES),
    },
    "hand": {"hand": Kind(0.72, 0.70, 0.60, _CLOTHES)},
    "leg": {"leg": Kind(0.94, 0.46, 0.83, {**_CLOTHES, "blue": 7.0, "brown": 2.0})},
    "food_round": {
        "apple": Kind(0.27, 1.0, 0.92, {"red": 4.0, "yellow": 1.0, "green": 3.0}),
        "tomato": Kind(0.25, 1.1, 0.88, {"red": 3.0}),
        "tangerine": Kind(0.25, 1.05, 0.88, {"orange": 3.5}),
        "peach": Kind(0.25, 1.0, 0.90, {"orange": 1.5, "pink": 1.5}),
        "donut": Kind(0.22, 1.5, 0.86, {"brown": 1.5, "pink": 1.5}),
        "pizza": Kind(0.25, 1.9, 0.95, {"yellow": 2.0}),
        "lime": Kind(0.22, 1.15, 0.82, {"green": 2.0}),
        "plum": Kind(0.23, 0.95, 0.92, {"purple": 3.0}),
        "cabbage": Kind(0.33, 1.1, 0.95, {"green": 2.5, "purple": 1.0}),
        "melon": Kind(0.37, 1.2, 0.88, {"green": 2.5, "yellow": 0.5}),
    },
    "food_long": {
        "banana": Kind(0.24, 2.0, 0.58, {"yellow": 5.0, "green": 2.0}),
        "carrot": Kind(0.19, 2.9, 0.78, {"orange": 3.0}),
        "hotdog": Kind(0.21, 2.2, 0.95, {"brown": 2.5}),
        "baguette": Kind(0.19, 3.2, 0.92, {"brown": 2.5}),
        "corn": Kind(0.19, 2.8, 0.88, {"yellow": 2.0}),
        "pepper": Kind(0.20, 2.4, 0.70, {"red": 3.0, "green": 1.5, "yellow": 0.5}),
        "cucumber": Kind(0.18, 3.0, 0.95, {"green": 3.0}),
        "eggplant": Kind(0.24, 2.1, 0.75, {"purple": 3.5}),
    },
    "animal": {
        "dog": Kind(0.46, 1.2, 0.54, {"brown": 4.0, "black": 2.0, "white": 2.0, "grey": 1.0}),
        "cat": Kind(0.46, 0.72, 0.78, {"orange": 2.0, "black": 2.0, "grey": 2.0, "white": 1.0}),
        "cow": Kind(0.54, 1.5, 0.62, {"brown": 2.0, "white": 3.0, "black": 1.0}),
        "sheep": Kind(0.46, 1.35, 0.65, {"white": 5.0, "grey": 1.0, "black": 1.0}),
        "horse": Kind(0.64, 1.2, 0.55, {"brown": 4.0, "black": 2.0, "white": 1.0, "grey": 1.0}),
        "elephant": Kind(0.66, 1.45, 0.72, {"grey": 1.0}),
        "giraffe": Kind(0.90, 0.80, 0.42, {"yellow": 1.0}),
        "zebra": Kind(0.60, 1.2, 0.50, {"white": 1.0}),
        "bird": Kind(0.26, 1.3, 0.50, {"blue": 2.0, "red": 2.0, "yellow": 2.0, "black": 2.0}),
        "fish": Kind(0.22, 1.9, 0.75, {"orange": 2.0, "blue": 2.0, "grey": 2.0, "yellow": 1.0}),
    },
    "vehicle": {
        "car": Kind(0.34, 2.15, 0.87, _PAINT, surface=0.04),
        "bus": Kind(0.50, 1.9, 0.98, {**_PAINT, "yellow": 4.0}, surface=0.03),
        "truck": Kind(0.48, 1.8, 0.94, _PAINT, surface=0.03),
        "bicycle": Kind(0.44, 1.55, 0.58, _PAINT),
        "boat": Kind(0.60, 0.95, 0.56, _PAINT),
    },
    "building": {
        "house": Kind(0.64, 1.15, 0.85, {"white": 2.0, "yellow": 2.0, "red": 2.0, "blue": 1.0}),
        "tower": Kind(0.92, 0.42, 0.98, {"grey": 3.0, "blue": 2.0, "brown": 2.0}),
        "church": Kind(0.86, 0.85, 0.62, {"white": 2.0, "grey": 2.0, "yellow": 1.0}),
        "barn": Kind(0.56, 1.35, 0.92, {"red": 4.0, "brown": 2.0}),
        "castle": Kind(0.72, 1.25, 0.82, {"grey": 3.0, "brown": 1.0}),
    },
    "word": {
        "sign": Kind(0.66, 0.80, 0.55, _BOARD),
        "poster": Kind(0.36, 1.25, 1.00, _BOARD),
        "banner": Kind(0.19, 2.9, 1.00, _BOARD),
        "book": Kind(0.26, 1.8, 0.90, {"white": 1.0}),
        "screen": Kind(0.46, 1.35, 0.88, {"black": 2.0, "blue": 2.0, "white": 1.0}),
    },
    "furniture": {
        "table": Kind(0.46, 2.0, 0.75, _WOOD, surface=0.10, opaque=0.3),
        "desk": Kind(0.46, 1.9, 0.75, _WOOD, surface=0.10, opaque=0.3),
        "bench": Kind(0.40, 2.0, 0.75, {**_WOOD, "green": 2.0}, surface=0.52, opaque=0.7),
        "sofa": Kind(0.46, 1.9, 0.80, _CLOTHES, surface=0.58),
        "log": Kind(0.24, 2.9, 0.80, {"brown": 1.0}, surface=0.12),
        "box": Kind(0.34, 1.3, 0.90, {"brown": 3.0, "white": 1.0, "blue": 1.0}, surface=0.12),
    },
}

# What is seen where; 12 % of all objects are drawn from the uniform mixture instead.
CATEGORY_BY_PLACE: dict[str, dict[str, float]] = {
    "kitchen": {
        **{"food_round": 5.4, "food_long": 6.6, "face": 1.3, "body": 1.7, "hand": 1.4},
        **{"leg": 0.2, "animal": 0.7, "word": 0.8, "vehicle": 0.1},
    },
    "office": {
        **{"face": 3.9, "body": 2.6, "hand": 1.4, "word": 4.0, "leg": 0.4},
        **{"food_round": 0.9, "food_long": 0.9, "animal": 0.4, "vehicle": 0.3},
    },
    "room": {
        **{"face": 3.9, "body": 3.1, "hand": 1.0, "leg": 0.8, "animal": 2.2, "word": 1.2},
        **{"food_round": 1.2, "food_long": 1.2, "vehicle": 0.3},
    },
    "street": {
        **{"body": 5.9, "vehicle": 5.0, "building": 3.8, "word": 3.0, "face": 1.6, "leg": 0.9},
        **{"hand": 0.4, "animal": 1.0, "food_round": 0.4, "food_long": 0.4},
    },
    "beach": {
        **{"body": 3.4, "leg": 1.0, "face": 1.6, "hand": 0.6, "animal": 2.2, "vehicle": 2.6},
        **{"building": 0.5, "word": 0.5, "food_round": 0.6, "food_long": 0.6},
    },
    "forest": {
        **{"animal": 5.0, "body": 1.6, "leg": 0.4, "face": 0.9, "hand": 0.6, "vehicle": 0.8},
        **{"building": 0.8, "word": 0.7, "food_round": 0.8, "food_long": 0.6},
    },
    "field": {
        **{"animal": 6.0, "building": 1.6, "body": 1.3, "vehicle": 1.0, "face": 0.8, "leg": 0.3},
        **{"hand": 0.4, "word": 0.4, "food_round": 0.7, "food_long": 0.7},
    },
    "snow": {
        **{"body": 3.1, "animal": 2.2, "building": 1.6, "vehicle": 1.5, "face": 1.6, "leg": 0.4},
        **{"hand": 0.6, "word": 0.7, "food_round": 0.3, "food_long": 0.3},
    },
}
EXCEPTION_RATE = 0.12
WARM_FOOD_RATE = 0.72

_HOME = {"cat": 3.0, "dog": 3.0, "bird": 1.0}
_INDOOR_WORDS = {"poster": 3.0, "book": 2.0, "screen": 1.5}
_OUTDOOR_WORDS = {"sign": 1.0}
_PERSON = {"man": 3.0, "woman": 3.0, "boy": 1.6, "girl": 1.6}
_GRAZING = {"cow": 3.0, "sheep": 3.0, "horse": 2.5, "elephant": 1.2, "giraffe": 1.2, "zebra": 1.2}

KIND_BY_PLACE: dict[str, dict[str, dict[str, float]]] = {
    "kitchen": {
        "animal": {**_HOME, "fish": 2.0},
        "vehicle": {"bicycle": 1.0},
        "word": _INDOOR_WORDS,
        "furniture": {"table": 1.0},
    },
    "office": {
        "animal": _HOME,
        "vehicle": {"bicycle": 1.0},
        "word": {**_INDOOR_WORDS, "screen": 4.0},
        "furniture": {"desk": 1.0},
    },
    "room": {
        "animal": _HOME,
        "vehicle": {"bicycle": 1.0},
        "word": _INDOOR_WORDS,
        "furniture": {"table": 2.0, "sofa": 1.0},
    },
    "street": {
        "animal": {"dog": 3.0, "cat": 2.0, "bird": 2.0, "horse": 1.0},
        "vehicle": {"car": 4.0, "bus": 3.0, "truck": 2.0, "bicycle": 2.0},
        "building": {"house": 3.0, "tower": 3.0, "church": 1.0},
        "word": _OUTDOOR_WORDS,
        "furniture": {"bench": 2.0, "box": 1.0},
    },
    "beach": {
        "animal": {"bird": 3.0, "dog": 2.0, "fish": 1.5, "horse": 1.0},
        "vehicle": {"boat": 4.0, "bicycle": 1.0, "car": 1.0},
        "building": {"house": 2.0, "castle": 1.0, "tower": 1.0},
        "word": _OUTDOOR_WORDS,
        "furniture": {"box": 1.0, "bench": 1.0, "table": 1.0},
    },
    "forest": {
        "animal": {"bird": 3.0, "dog": 2.0, "elephant": 1.5, "horse": 1.5, "giraffe": 1.0},
        "vehicle": {"bicycle": 2.0, "car": 1.0, "truck": 1.0},
        "building": {"house": 2.0, "castle": 1.0, "church": 0.5},
        "word": _OUTDOOR_WORDS,
        "furniture": {"log": 3.0, "bench": 1.0},
    },
    "field": {
        "animal": {**_GRAZING, "dog": 1.0, "bird": 1.0},
        "vehicle": {"truck": 1.0, "car": 1.0, "bicycle": 1.0},
        "building": {"barn": 3.0, "house": 2.0, "church": 1.0, "castle": 1.0},
        "word": _OUTDOOR_WORDS,
        "furniture": {"log": 1.0, "box": 1.0, "bench": 1.0, "table": 1.0},
    },
    "snow": {
        "animal": {"dog": 3.0, "bird": 2.0, "sheep": 1.0, "horse": 1.5},
        "vehicle": {"car": 2.0, "bus": 1.0, "truck": 1.0},
        "building": {"house": 3.0, "church": 2.0, "barn": 1.0, "castle": 1.0},
        "word": _OUTDOOR_WORDS,
        "furniture": {"bench": 1.0, "box": 1.0, "log": 1.0},
    },
}
for _kinds in KIND_BY_PLACE.values():
    _kinds.update(face=_PERSON, body=_PERSON, hand={"hand": 1.0}, leg={"leg": 1.0})
