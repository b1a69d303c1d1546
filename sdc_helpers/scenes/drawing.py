"""From scenes to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.scenes import (
    animals,
    buildings,
    food,
    landscapes,
    objects,
    people,
    rooms,
)
from sdc_helpers.scenes.canvas import Frame
from sdc_helpers.scenes.graph import Box, Scene, SceneObject, instance_boxes
from sdc_helpers.scenes.kinds import INDOOR

if TYPE_CHECKING:
    from PIL.Image import Image

_FIELD = 64  # side of the noise fields: a picture is the same at every size
_LIGHT = {  # red, green, blue
    "day": (1.0, 1.0, 1.0),
    "dusk": (0.94, 0.78, 0.68),
    "night": (0.60, 0.63, 0.82),
    "lamp": (0.80, 0.70, 0.56),
}
_DRAW_CATEGORY = {
    "face": people.draw_face,
    "body": people.draw_body,
    "hand": people.draw_hand,
    "leg": people.draw_leg,
}
_DRAW_KIND = {**food.DRAW, **animals.DRAW, **objects.DRAW, **buildings.DRAW}
_DRAW_PLACE = {**rooms.DRAW, **landscapes.DRAW}
_NEVER_FLIPPED = ("face", "leg", "building", "word", "furniture")


def render(scenes: Sequence[Scene], size: int = 64) -> np.ndarray:
    """Draw pictures of scenes.

    Every picture is drawn in one process at two to four times its size and reduced by averaging.
    The same scene gives the same bytes whatever it is drawn together with.

    Parameters
    ----------
    scenes : sequence of Scene
        Scenes to draw.
    size : int, default=64
        Side of the pictures in pixels, 16 or more.

    Returns
    -------
    numpy.ndarray of shape (n_scenes, size, size, 3)
        RGB, uint8.

    Raises
    ------
    ValueError
        If `size` is not an integer of 16 or more.

    See Also
    --------
    sdc_helpers.scenes.contact_sheet : Many pictures as one.

    Examples
    --------
    >>> from sdc_helpers.scenes import generate_scenes, render
    >>> pictures = render(generate_scenes(2), size=32)
    >>> pictures.shape, pictures.dtype
    ((2, 32, 32, 3), dtype('uint8'))
    """
    size = check_count("size", size, least=16)
    pictures = np.empty((len(scenes), size, size, 3), dtype=np.uint8)
    for number, scene in enumerate(scenes):
        pictures[number] = _draw(scene, size)
    return pictures


def _draw(scene: Scene, size: int) -> np.ndarray:
    from PIL import Image, ImageChops, ImageDraw

    factor = 4 if size < 48 else 3 if size <= 128 else 2
    side = size * factor
    rng = np.random.default_rng(scene.style)
    picture = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(picture, "RGBA")
    _DRAW_PLACE[scene.place](Frame(draw, Box(-0.5, 0.0, 0.5, 1.0), side), scene, rng)
    gain = Image.fromarray(_texture(scene, rng)).resize((side, side), Image.Resampling.BICUBIC)
    picture = ImageChops.overlay(picture, Image.merge("RGB", (gain, gain, gain)))
    draw = ImageDraw.Draw(picture, "RGBA")
    for item in scene.objects:
        _draw_object(draw, item, side)
    small = np.asarray(picture.reduce(factor), dtype=np.float32)
    return _light(small, scene, rng, size)


def _draw_object(draw: object, item: SceneObject, side: int) -> None:
    paint = _DRAW_CATEGORY.get(item.category) or _DRAW_KIND[item.kind]
    rng = np.random.default_rng(item.style)
    for box in instance_boxes(item):
        flip = rng.random() < 0.5 and item.category not in _NEVER_FLIPPED
        paint(Frame(draw, box, side, flip), item, rng)


def _texture(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Return the lighter and darker parts of the background: (64, 64) uint8, 128 being neither.

    Waves whose lines run along the scene's dominant orientation, and noise without any.
    """
    from PIL import Image

    place = (np.arange(_FIELD) + 0.5) / _FIELD
    clouds = Image.fromarray(rng.standard_normal((9, 9)).astype(np.float32))
    gain = np.asarray(clouds.resize((_FIELD, _FIELD), Image.Resampling.BICUBIC)) * 7.0
    gain = gain + rng.standard_normal((_FIELD, _FIELD), dtype=np.float32) * 5.0
    waves = np.zeros((_FIELD, _FIELD))
    for _ in range(7):
        across = scene.orientation + np.pi / 2 + rng.normal(0.0, 0.09)
        wave = 2 * np.pi * rng.uniform(4.0, 11.0)
        along_x = wave * np.cos(across) * place
        along_y = -wave * np.sin(across) * place + rng.uniform(0, 2 * np.pi)
        waves += np.outer(np.sin(along_y), np.cos(along_x))
        waves += np.outer(np.cos(along_y), np.sin(along_x))
    gain = gain + waves * 15.0 * scene.orientation_strength
    return np.clip(gain + 128, 0, 255).astype(np.uint8)


def _light(small: np.ndarray, scene: Scene, rng: np.random.Generator, size: int) -> np.ndarray:
    """Let the scene's light fall on the picture, with the grain of a camera."""
    lamp = scene.place in INDOOR and scene.lighting == "night"
    tint = np.array(_LIGHT["lamp" if lamp else scene.lighting], dtype=np.float32)
    small = small * tint
    grain = rng.standard_normal((_FIELD, _FIELD), dtype=np.float32) * 2.0
    if size != _FIELD:
        cells = np.arange(size) * _FIELD // size
        grain = grain[np.ix_(cells, cells)]
    return np.clip(small + grain[..., None] + 0.5, 0, 255).astype(np.uint8)


def contact_sheet(pictures: np.ndarray, columns: int = 8, scale: int = 1) -> Image:
    """Lay pictures out in rows, to look at them.

    Parameters
    ----------
    pictures : numpy.ndarray of shape (n, size, size, 3)
        uint8.
    columns : int, default=8
        Pictures a row.
    scale : int, default=1
        Pixels for each pixel.

    Returns
    -------
    PIL.Image.Image
        White where there is no picture.
    """
    from PIL import Image

    n, size = pictures.shape[:2]
    rows = -(-n // columns)
    sheet = np.full((rows * (size + 2), columns * (size + 2), 3), 255, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (size + 2), number % columns * (size + 2)
        sheet[top : top + size, left : left + size] = picture
    return Image.fromarray(sheet.repeat(scale, axis=0).repeat(scale, axis=1))
