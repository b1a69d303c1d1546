"""The scene graph: what is in a picture, where, and how much of it can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdc_helpers.scenes.kinds import KINDS, Kind

RELATIONS = ("on", "under", "beside", "in front of")
_GRID = 64  # cells a side, for counting what is hidden
_SPACING = {
    **{"body": 0.92, "face": 0.80, "leg": 0.62, "building": 1.02, "vehicle": 1.04},
    **{"word": 1.06, "food_long": 1.02},
}
_ROW_RAISE = {
    "body": 0.26,
    "face": 0.42,
    "food_round": 0.42,
    "food_long": 0.62,
    "hand": 0.45,
    "word": 1.06,
}


@dataclass(frozen=True)
class SceneObject:
    """A group of one to eight alike things.

    Attributes
    ----------
    category : str
        Category of the object: one of `CATEGORIES`, or "furniture", which belongs to the place.
    kind : str
        Kind of thing, such as "apple".
    colour : str
        Main colour; of people the shirt, of a hand the sleeve, of legs the trousers.
    count : int
        1 to 8.
    distance : {"near", "far"}
        Distance of the object.
    x, y : float
        Middle and foot of the group in the picture, 0-1 from the left and from the top.
    size : float
        Height of one instance, in picture heights.
    relation : {"", "on", "under", "beside", "in front of"}
        Relation to another object.
    relative_to : int
        Index of that object in the scene, -1 without relation.
    pose : str
        "standing", "walking", "waving", "sitting" or "flying"; "" for lifeless things.
    facing : {"", "front", "back"}
        Whether a person is seen from the front.
    hair : str
        Hair colour of a person.
    text : str
        Words that are written on it.
    style : int
        Seed of everything that has no name.
    """

    category: str
    kind: str
    colour: str
    count: int
    distance: str
    x: float
    y: float
    size: float
    relation: str = ""
    relative_to: int = -1
    pose: str = ""
    facing: str = ""
    hair: str = ""
    text: str = ""
    style: int = 0


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture.

    Attributes
    ----------
    seed, index : int
        The scene is a function of these two alone.
    place : str
        Place of the scene, one of `PLACES`.
    lighting : {"day", "dusk", "night"}
        Light falling on the scene.
    horizon : float
        Where the ground begins, 0-1 from the top.
    orientation : float
        Dominant orientation of the texture's lines, radians in [0, pi), 0 being horizontal and
        angles growing counterclockwise.
    orientation_strength : float
        0 (no orientation dominates) to 1.
    objects : tuple of SceneObject
        Objects in the order in which they are painted, the hindmost first.
    style : int
        Seed of the background.
    """

    seed: int
    index: int
    place: str
    lighting: str
    horizon: float
    orientation: float
    orientation_strength: float
    objects: tuple[SceneObject, ...]
    style: int


@dataclass(frozen=True)
class Box:
    """A rectangle in the picture, 0-1 from the left and from the top; may reach outside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Area in picture areas, what lies outside included."""
        return (self.right - self.left) * (self.bottom - self.top)


def kind_of(item: SceneObject) -> Kind:
    """Return the catalogue's entry for an object."""
    return KINDS[item.category][item.kind]


def rows_of(category: str, count: int) -> tuple[int, ...]:
    """Return how many instances stand in each row, the back row first."""
    widest = 3 if category in ("food_long", "word") else 4
    return (count,) if count <= widest else (count // 2, count - count // 2)


def _shift_of(category: str, count: int) -> float:
    """Return how far rows of equal length shift sideways, in steps, so that none hides another."""
    rows = rows_of(category, count)
    return 0.25 if len(rows) == 2 and rows[0] == rows[1] else 0.0


def group_width(category: str, kind: str, count: int, size: float) -> float:
    """Return the width of a group of instances of height `size`, in picture widths."""
    steps = rows_of(category, count)[-1] - 1 + 2 * _shift_of(category, count)
    return KINDS[category][kind].aspect * size * (1 + steps * _SPACING.get(category, 0.98))


def group_height(category: str, count: int, size: float) -> float:
    """Return the height of a group of instances of height `size`, in picture heights."""
    rows = len(rows_of(category, count))
    return size * (1 + (rows - 1) * _ROW_RAISE.get(category, 0.40))


def instance_boxes(item: SceneObject) -> list[Box]:
    """Return the box of each instance of a group, in the order in which they are painted.

    Parameters
    ----------
    item : SceneObject
        The group.

    Returns
    -------
    list of Box
        Box of each of the group's `count` instances.
    """
    width = kind_of(item).aspect * item.size
    step = width * _SPACING.get(item.category, 0.98)
    rows = rows_of(item.category, item.count)
    shift = _shift_of(item.category, item.count)
    boxes = []
    for row, columns in enumerate(rows):
        behind = len(rows) - 1 - row
        foot = item.y - behind * item.size * _ROW_RAISE.get(item.category, 0.40)
        for column in range(columns):
            aside = shift if behind else -shift
            middle = item.x + (column - (columns - 1) / 2 + aside) * step
            boxes.append(Box(middle - width / 2, foot - item.size, middle + width / 2, foot))
    return boxes


def visible_shares(objects: Sequence[SceneObject]) -> list[list[float]]:
    """Return which share of each instance's box is inside the picture and not covered.

    The opaque part of a box covers what lies behind it as if it were painted all over; of things
    that are not opaque all over, the share of that part is returned.

    Parameters
    ----------
    objects : sequence of SceneObject
        Objects in the order in which they are painted.

    Returns
    -------
    list of list of float
        Visible share of each instance of each object, in [0, 1].
    """
    boxes = []
    for item in objects:
        opaque = kind_of(item).opaque * item.size
        boxes += [replace(box, bottom=box.top + opaque) for box in instance_boxes(item)]
    owner = np.zeros((_GRID, _GRID), dtype=np.int64)
    for number, box in enumerate(boxes, start=1):
        rows = slice(max(0, round(box.top * _GRID)), max(0, round(box.bottom * _GRID)))
        columns = slice(max(0, round(box.left * _GRID)), max(0, round(box.right * _GRID)))
        owner[rows, columns] = number
    cells = np.bincount(owner.ravel(), minlength=len(boxes) + 1)[1:].tolist()
    shares = iter(
        [min(1.0, n / (_GRID**2 * box.area)) for n, box in zip(cells, boxes, strict=True)]
    )
    return [[next(shares) for _ in range(item.count)] for item in objects]
