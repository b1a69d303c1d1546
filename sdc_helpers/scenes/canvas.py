"""Drawing in a thing's own coordinates, with shading."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.scenes.graph import Box

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, ...]
Points = Sequence[tuple[float, float]]

COLOURS: dict[str, Colour] = {
    "red": (206, 38, 36),
    "orange": (240, 132, 28),
    "yellow": (246, 208, 48),
    "green": (66, 150, 54),
    "blue": (44, 92, 196),
    "purple": (112, 48, 138),
    "pink": (240, 140, 176),
    "brown": (134, 84, 44),
    "black": (36, 36, 40),
    "white": (240, 240, 236),
    "grey": (134, 136, 140),
}
HAIR_COLOURS: dict[str, Colour] = {
    "black": (28, 24, 24),
    "brown": (92, 56, 30),
    "blond": (228, 190, 106),
    "grey": (176, 176, 178),
    "red": (182, 76, 26),
}
SKINS: tuple[Colour, ...] = (
    (245, 208, 178),
    (232, 186, 150),
    (208, 154, 112),
    (160, 108, 74),
    (112, 72, 48),
)


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """Return `colour` with a share of another in it."""
    r, g, b = colour[:3]
    to_r, to_g, to_b = other[:3]
    return (
        round(r + (to_r - r) * share),
        round(g + (to_g - g) * share),
        round(b + (to_b - b) * share),
    )


def dark(colour: Colour, share: float = 0.3) -> Colour:
    """Return `colour` in the shade."""
    return mix(colour, (14, 10, 24), share)


def light(colour: Colour, share: float = 0.3) -> Colour:
    """Return `colour` in the light."""
    return mix(colour, (255, 252, 240), share)


@lru_cache(maxsize=64)
def _spline(n: int, per_segment: int) -> np.ndarray:
    """Weights of a closed Catmull-Rom spline: (n * per_segment, n)."""
    weights = np.zeros((n * per_segment, n))
    for segment in range(n):
        for step in range(per_segment):
            t = step / per_segment
            row = segment * per_segment + step
            for offset, weight in zip(
                (-1, 0, 1, 2),
                (
                    (-t + 2 * t**2 - t**3) / 2,
                    (2 - 5 * t**2 + 3 * t**3) / 2,
                    (t + 4 * t**2 - 3 * t**3) / 2,
                    (t**3 - t**2) / 2,
                ),
                strict=True,
            ):
                weights[row, (segment + offset) % n] += weight
    return weights


class Frame:
    """Draws one thing in its own coordinates.

    Lengths are in units of the thing's height: u is 0 in its middle and grows to the right
    (to the left when flipped), v is 0 at its top and 1 at its foot.

    Parameters
    ----------
    draw : PIL.ImageDraw.ImageDraw
        Draws into an RGB picture, with transparency.
    box : Box
        Place of the thing in the picture.
    side : int
        Side of the picture, pixels.
    flip : bool
        Whether the thing faces left.
    """

    __slots__ = ("_draw", "_scale", "_sign", "_x", "_y", "flip")

    def __init__(self, draw: ImageDraw, box: Box, side: int, flip: bool = False) -> None:
        self._draw = draw
        self._scale = (box.bottom - box.top) * side
        self._x = (box.left + box.right) / 2 * side
        self._y = box.top * side
        self._sign = -self._scale if flip else self._scale
        self.flip = flip

    def polygon(self, points: Points, fill: Colour) -> None:
        """Fill a polygon."""
        x, y, sign, scale = self._x, self._y, self._sign, self._scale
        self._draw.polygon([(x + u * sign, y + v * scale) for u, v in points], fill)

    def blob(self, points: Points, fill: Colour) -> None:
        """Fill a smooth closed curve through the points."""
        curve = _spline(len(points), 6) @ np.asarray(points)
        curve *= (self._sign, self._scale)
        curve += (self._x, self._y)
        self._draw.polygon(curve.ravel().tolist(), fill)

    def ellipse(self, u: float, v: float, ru: float, rv: float, fill: Colour) -> None:
        """Fill an ellipse of radii `ru` and `rv`."""
        x, y = self._x + u * self._sign, self._y + v * self._scale
        rx, ry = ru * self._scale, rv * self._scale
        self._draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill)

    def rect(self, u0: float, v0: float, u1: float, v1: float, fill: Colour) -> None:
        """Fill a rectangle."""
        x0, x1 = sorted((self._x + u0 * self._sign, self._x + u1 * self._sign))
        self._draw.rectangle((x0, self._y + v0 * self._scale, x1, self._y + v1 * self._scale), fill)

    def line(self, points: Points, width: float, fill: Colour) -> None:
        """Draw a line."""
        x, y, sign, scale = self._x, self._y, self._sign, self._scale
        pixels = [(x + u * sign, y + v * scale) for u, v in points]
        self._draw.line(pixels, fill, max(1, round(width * scale)), joint="curve")

    def limb(self, points: Points, width: float, fill: Colour) -> None:
        """Draw a thick line with round ends."""
        self.line(points, width, fill)
        for u, v in (points[0], points[-1]):
            self.ellipse(u, v, width / 2, width / 2, fill)

    def ring(self, u: float, v: float, radius: float, width: float, fill: Colour) -> None:
        """Draw a circle."""
        x, y, r = self._x + u * self._sign, self._y + v * self._scale, radius * self._scale
        self._draw.ellipse(
            (x - r, y - r, x + r, y + r), None, fill, max(1, round(width * self._scale))
        )

    def ball(self, u: float, v: float, ru: float, rv: float, fill: Colour) -> None:
        """Draw a round body lit from the upper left."""
        lit = -1 if self.flip else 1
        self.ellipse(u, v, ru, rv, dark(fill, 0.38))
        self.ellipse(u - lit * 0.07 * ru, v - 0.06 * rv, 0.92 * ru, 0.92 * rv, fill)
        self.ellipse(u - lit * 0.24 * ru, v - 0.26 * rv, 0.52 * ru, 0.50 * rv, light(fill, 0.18))
        self.ellipse(u - lit * 0.36 * ru, v - 0.42 * rv, 0.17 * ru, 0.15 * rv, light(fill, 0.62))

    def body(self, points: Points, fill: Colour, depth: float = 0.05) -> None:
        """Draw a smooth body, its underside in the shade."""
        self.blob(points, dark(fill, 0.34))
        middle = sum(v for _, v in points) / len(points)
        shrunk = [(u, v - depth * (0.6 if v > middle else -0.1)) for u, v in points]
        self.blob(shrunk, fill)

    def shadow(self, half_width: float, height: float = 0.05) -> None:
        """Darken the ground under the thing."""
        self.ellipse(0.03, 1.0 - 0.3 * height, half_width, height, (10, 10, 26, 92))

    def text(self, u: float, v: float, height: float, words: str, fill: Colour) -> None:
        """Write, never mirrored, `words` centred at (u, v) in capitals of this height."""
        from PIL import ImageFont

        size = max(4, round(height * self._scale * 1.38))
        place = (self._x + u * self._sign, self._y + v * self._scale)
        self._draw.text(
            place,
            words,
            fill,
            font=_font(size, ImageFont.load_default),
            anchor="mm",
            stroke_width=max(0, round(size * 0.035)),
            stroke_fill=fill,
        )


@lru_cache(maxsize=128)
def _font(size: int, load: object) -> object:
    return load(size)
