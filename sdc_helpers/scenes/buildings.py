"""Buildings, with lit windows when it is dark."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdc_helpers.scenes.canvas import COLOURS, Colour, Frame, dark, light, mix
from sdc_helpers.scenes.graph import SceneObject

_GLASS: Colour = (74, 96, 122)
_DOOR: Colour = (100, 58, 34)
_LIT: Colour = (255, 226, 130)


def _window(f: Frame, u: float, v: float, half: float, height: float, lit: bool) -> None:
    f.rect(u - half - 0.012, v - 0.012, u + half + 0.012, v + height + 0.012, (236, 234, 226))
    f.rect(u - half, v, u + half, v + height, _LIT if lit else _GLASS)
    f.line([(u, v), (u, v + height)], 0.012, (236, 234, 226))


def draw_house(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a house."""
    wall = mix(COLOURS[item.colour], (226, 214, 196), 0.3)
    roof = (150, 62, 46) if item.colour != "red" else (92, 78, 78)
    lit = rng.random() < 0.4
    f.shadow(0.55, 0.03)
    f.rect(0.24, 0.02, 0.34, 0.3, (132, 76, 62))
    f.rect(-0.48, 0.42, 0.48, 1.0, wall)
    f.rect(0.2, 0.42, 0.48, 1.0, dark(wall, 0.16))
    f.polygon([(-0.57, 0.45), (-0.3, 0.06), (0.3, 0.06), (0.57, 0.45)], roof)
    f.polygon([(0.1, 0.06), (0.3, 0.06), (0.57, 0.45), (0.3, 0.45)], dark(roof, 0.25))
    for v in (0.16, 0.26, 0.36):
        f.line(
            [(-0.36 - 0.4 * (v - 0.16), v), (0.36 + 0.4 * (v - 0.16), v)], 0.012, dark(roof, 0.3)
        )
    f.rect(-0.09, 0.64, 0.09, 1.0, _DOOR)
    f.ellipse(0.055, 0.83, 0.015, 0.015, (240, 210, 90))
    for u in (-0.3, 0.3):
        _window(f, u, 0.56, 0.085, 0.19, lit)


def draw_tower(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a tall tower of many floors."""
    wall = mix(COLOURS[item.colour], (190, 196, 204), 0.45)
    f.rect(-0.2, 0.03, 0.2, 1.0, wall)
    f.rect(0.07, 0.03, 0.2, 1.0, dark(wall, 0.25))
    f.rect(-0.2, 0.02, 0.2, 0.05, dark(wall, 0.4))
    f.line([(0.0, 0.03), (0.0, -0.02)], 0.012, dark(wall, 0.5))
    for v in np.arange(0.09, 0.88, 0.085):
        for u in (-0.16, -0.065, 0.03, 0.125):
            lit = rng.random() < 0.3
            f.rect(u, v, u + 0.05, v + 0.048, _LIT if lit else dark(_GLASS, 0.1))
    f.rect(-0.07, 0.92, 0.07, 1.0, (50, 52, 60))


def draw_church(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a church with a steeple."""
    wall = mix(COLOURS[item.colour], (226, 214, 196), 0.3)
    roof = (92, 74, 74)
    f.shadow(0.4, 0.02)
    f.rect(-0.1, 0.62, 0.4, 1.0, wall)
    f.polygon([(-0.1, 0.63), (0.02, 0.45), (0.3, 0.45), (0.43, 0.63)], roof)
    f.rect(-0.33, 0.36, -0.05, 1.0, light(wall, 0.12))
    f.rect(-0.12, 0.36, -0.05, 1.0, dark(wall, 0.14))
    f.polygon([(-0.37, 0.37), (-0.19, 0.08), (-0.01, 0.37)], dark(roof, 0.15))
    f.line([(-0.19, 0.1), (-0.19, 0.0)], 0.02, (60, 50, 40))
    f.line([(-0.225, 0.035), (-0.155, 0.035)], 0.02, (60, 50, 40))
    f.ellipse(-0.19, 0.48, 0.05, 0.05, (240, 236, 220))
    f.ring(-0.19, 0.48, 0.05, 0.014, (60, 50, 50))
    f.rect(-0.25, 0.76, -0.13, 1.0, _DOOR)
    f.ellipse(-0.19, 0.76, 0.06, 0.06, _DOOR)
    for u in (0.07, 0.2, 0.33):
        f.rect(u - 0.028, 0.74, u + 0.028, 0.9, _GLASS)
        f.ellipse(u, 0.74, 0.028, 0.035, _GLASS)


def draw_barn(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a barn."""
    wall = mix(COLOURS[item.colour], (120, 40, 30), 0.25)
    f.shadow(0.66, 0.03)
    f.polygon(
        [
            (-0.62, 1.0),
            (-0.62, 0.48),
            (-0.42, 0.2),
            (0, 0.04),
            (0.42, 0.2),
            (0.62, 0.48),
            (0.62, 1.0),
        ],
        wall,
    )
    for u in np.arange(-0.5, 0.6, 0.12):
        f.line([(u, 0.42), (u, 1.0)], 0.012, dark(wall, 0.3))
    f.line([(-0.66, 0.5), (-0.43, 0.19), (0, 0.03), (0.43, 0.19), (0.66, 0.5)], 0.075, (96, 92, 96))
    f.rect(-0.21, 0.55, 0.21, 1.0, (244, 240, 232))
    f.rect(-0.17, 0.59, 0.17, 1.0, dark(wall, 0.25))
    for side in (-1, 1):
        f.line([(-0.17 * side, 0.59), (0.17 * side, 1.0)], 0.035, (244, 240, 232))
    f.rect(-0.09, 0.24, 0.09, 0.4, (244, 240, 232))
    f.rect(-0.06, 0.27, 0.06, 0.38, (60, 30, 26))


def draw_castle(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a castle with two round towers."""
    wall = mix(COLOURS[item.colour], (206, 198, 184), 0.45)
    f.shadow(0.6, 0.02)

    def battlements(left: float, right: float, v: float, fill: Colour) -> None:
        step = (right - left) / 5
        for k in range(0, 5, 2):
            f.rect(left + k * step, v - 0.055, left + (k + 1) * step, v + 0.01, fill)

    f.rect(-0.4, 0.46, 0.4, 1.0, wall)
    battlements(-0.3, 0.3, 0.46, wall)
    for u, top in ((-0.44, 0.3), (0.44, 0.3), (0.0, 0.2)):
        fill = dark(wall, 0.12) if u else light(wall, 0.08)
        half = 0.15 if u else 0.12
        f.rect(u - half, top, u + half, 1.0 if u else 0.5, fill)
        f.rect(u + half / 3, top, u + half, 1.0 if u else 0.5, dark(fill, 0.18))
        f.polygon([(u - half - 0.03, top), (u, top - 0.2), (u + half + 0.03, top)], (62, 80, 130))
        f.rect(u - 0.025, top + 0.08, u + 0.025, top + 0.18, (50, 44, 50))
    f.rect(-0.11, 0.7, 0.11, 1.0, (58, 40, 30))
    f.ellipse(0, 0.71, 0.11, 0.1, (58, 40, 30))
    for v in (0.6, 0.78, 0.9):
        f.line([(-0.36, v), (-0.2, v)], 0.012, dark(wall, 0.28))
        f.line([(0.2, v - 0.04), (0.36, v - 0.04)], 0.012, dark(wall, 0.28))


DRAW: dict[str, Callable[[Frame, SceneObject, np.random.Generator], None]] = {
    "house": draw_house,
    "tower": draw_tower,
    "church": draw_church,
    "barn": draw_barn,
    "castle": draw_castle,
}
