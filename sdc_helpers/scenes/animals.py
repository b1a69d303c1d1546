"""Animals, facing right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdc_helpers.scenes.canvas import COLOURS, Colour, Frame, dark, light, mix
from sdc_helpers.scenes.graph import SceneObject

_BLACK: Colour = (26, 22, 24)
_COATS: dict[str, Colour] = {
    "brown": (146, 94, 52),
    "black": (52, 48, 52),
    "white": (238, 234, 226),
    "grey": (142, 142, 146),
    "orange": (222, 138, 60),
    "yellow": (232, 190, 96),
}


def _legs(
    f: Frame, spots: tuple[float, ...], top: float, width: float, fill: Colour, hoof: Colour
) -> None:
    """Draw legs, the far pair darker: `spots` are near and far in turn."""
    for number, u in sorted(enumerate(spots), key=lambda pair: -(pair[0] % 2)):
        tone = dark(fill, 0.42) if number % 2 else fill
        f.limb([(u, top), (u, 0.94)], width, tone)
        f.rect(u - width / 2, 0.94, u + width / 2 + 0.012, 1.0, hoof)


def draw_dog(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a dog."""
    coat = _COATS[item.colour]
    f.shadow(0.5)
    f.limb([(-0.40, 0.42), (-0.52, 0.3), (-0.54, 0.16)], 0.075, coat)
    _legs(f, (-0.32, -0.22, 0.18, 0.27), 0.62, 0.1, coat, dark(coat, 0.2))
    f.body(
        [
            (-0.42, 0.44),
            (-0.2, 0.37),
            (0.12, 0.38),
            (0.3, 0.36),
            (0.34, 0.54),
            (0.18, 0.68),
            (-0.12, 0.62),
            (-0.36, 0.66),
        ],
        coat,
    )
    f.polygon([(0.1, 0.42), (0.24, 0.16), (0.42, 0.3), (0.34, 0.56)], coat)
    f.rect(0.2, 0.40, 0.38, 0.445, (190, 36, 36))
    f.ellipse(0.33, 0.2, 0.155, 0.145, coat)
    f.blob([(0.38, 0.15), (0.58, 0.2), (0.6, 0.27), (0.4, 0.32)], light(coat, 0.16))
    f.ellipse(0.585, 0.205, 0.036, 0.034, _BLACK)
    f.ellipse(0.385, 0.155, 0.026, 0.03, _BLACK)
    f.blob([(0.2, 0.08), (0.3, 0.1), (0.28, 0.34), (0.2, 0.38), (0.15, 0.26)], dark(coat, 0.45))
    f.blob([(0.46, 0.28), (0.53, 0.29), (0.51, 0.38), (0.47, 0.37)], (226, 96, 104))


def draw_cat(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a sitting cat that looks at us."""
    coat = _COATS[item.colour]
    f.shadow(0.34, 0.04)
    f.limb([(0.2, 0.9), (0.33, 0.86), (0.31, 0.66)], 0.07, dark(coat, 0.2))
    f.body(
        [
            (-0.15, 0.4),
            (0.15, 0.4),
            (0.25, 0.72),
            (0.27, 0.94),
            (0.0, 1.0),
            (-0.27, 0.94),
            (-0.25, 0.72),
        ],
        coat,
        0.03,
    )
    f.ellipse(0, 0.62, 0.1, 0.17, light(coat, 0.35))
    for side in (-1, 1):
        f.limb([(side * 0.075, 0.62), (side * 0.075, 0.95)], 0.085, light(coat, 0.1))
        f.ellipse(side * 0.08, 0.97, 0.065, 0.034, light(coat, 0.35))
        f.polygon([(side * 0.06, 0.11), (side * 0.2, 0.0), (side * 0.235, 0.22)], coat)
        f.polygon([(side * 0.11, 0.11), (side * 0.18, 0.05), (side * 0.195, 0.17)], (222, 150, 150))
    f.ellipse(0, 0.27, 0.24, 0.19, coat)
    for v in (0.5, 0.6, 0.72):
        for side in (-1, 1):
            f.line([(side * 0.24, v), (side * 0.13, v + 0.03)], 0.025, dark(coat, 0.35))
    for u in (-0.06, 0.0, 0.06):
        f.line([(u, 0.1), (u, 0.17)], 0.022, dark(coat, 0.4))
    for side in (-1, 1):
        f.ellipse(side * 0.095, 0.245, 0.052, 0.046, (196, 214, 84))
        f.ellipse(side * 0.095, 0.245, 0.018, 0.042, _BLACK)
        f.ellipse(side * 0.045, 0.345, 0.055, 0.042, light(coat, 0.4))
        f.line([(side * 0.08, 0.345), (side * 0.27, 0.32)], 0.01, (244, 244, 244))
    f.polygon([(-0.03, 0.305), (0.03, 0.305), (0, 0.34)], (222, 110, 116))


def draw_cow(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a cow."""
    coat = _COATS[item.colour]
    patch = _BLACK if item.colour == "white" else light(coat, 0.8)
    f.shadow(0.62)
    f.limb([(-0.56, 0.28), (-0.63, 0.46), (-0.62, 0.64)], 0.03, dark(coat, 0.3))
    _legs(f, (-0.44, -0.33, 0.2, 0.31), 0.62, 0.105, coat, _BLACK)
    f.ellipse(-0.24, 0.68, 0.1, 0.065, (232, 160, 150))
    f.body(
        [
            (-0.58, 0.3),
            (-0.3, 0.2),
            (0.1, 0.22),
            (0.36, 0.18),
            (0.42, 0.42),
            (0.3, 0.64),
            (-0.1, 0.68),
            (-0.5, 0.64),
        ],
        coat,
    )
    for u, v, ru, rv in (
        (-0.38, 0.34, 0.13, 0.1),
        (-0.02, 0.44, 0.14, 0.12),
        (0.24, 0.3, 0.08, 0.1),
    ):
        f.ellipse(u, v, ru * rng.uniform(0.8, 1.2), rv * rng.uniform(0.8, 1.2), patch)
    f.polygon([(0.28, 0.2), (0.5, 0.06), (0.6, 0.3), (0.38, 0.5)], coat)
    for side in (-1, 1):
        f.line([(0.53 + side * 0.07, 0.08), (0.53 + side * 0.12, -0.0)], 0.035, (226, 214, 186))
        f.ellipse(0.53 + side * 0.14, 0.14, 0.065, 0.034, dark(coat, 0.3))
    f.blob(
        [(0.42, 0.09), (0.62, 0.08), (0.65, 0.26), (0.62, 0.38), (0.5, 0.38), (0.45, 0.26)], coat
    )
    f.ellipse(0.56, 0.36, 0.095, 0.06, (236, 176, 164))
    for u in (0.48, 0.6):
        f.ellipse(u, 0.18, 0.024, 0.028, _BLACK)
    for u in (0.53, 0.59):
        f.ellipse(u, 0.36, 0.016, 0.014, (120, 60, 60))


def draw_sheep(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a sheep."""
    wool = _COATS[item.colour]
    face = _BLACK if item.colour == "white" else mix(wool, (230, 214, 196), 0.7)
    f.shadow(0.5)
    _legs(f, (-0.3, -0.19, 0.14, 0.25), 0.7, 0.075, face, dark(face, 0.3))
    curls = [(-0.36, 0.42), (-0.22, 0.28), (0.0, 0.24), (0.2, 0.3), (0.3, 0.46), (0.2, 0.62)]
    curls += [(0.0, 0.68), (-0.22, 0.66), (-0.38, 0.56)]
    for u, v in curls:
        f.ellipse(u, v + 0.03, 0.15, 0.13, dark(wool, 0.22))
    for u, v in curls:
        f.ellipse(u - 0.015, v, 0.14, 0.115, wool)
    f.ellipse(-0.04, 0.45, 0.34, 0.22, wool)
    for u, v in ((-0.2, 0.42), (0.02, 0.38), (0.14, 0.5), (-0.08, 0.56), (-0.26, 0.54)):
        f.ring(u, v, 0.075, 0.018, dark(wool, 0.2))
    f.ellipse(0.29, 0.3, 0.09, 0.045, dark(face, 0.15))
    f.blob([(0.34, 0.2), (0.5, 0.2), (0.56, 0.42), (0.48, 0.5), (0.38, 0.42)], face)
    f.ellipse(0.4, 0.2, 0.12, 0.085, wool)
    for u in (0.42, 0.51):
        f.ellipse(u, 0.31, 0.024, 0.024, (240, 240, 240))
        f.ellipse(u, 0.31, 0.013, 0.016, _BLACK)


def _horse(f: Frame, coat: Colour, mane: Colour, hoof: Colour) -> None:
    f.shadow(0.48)
    f.blob([(-0.42, 0.3), (-0.52, 0.42), (-0.54, 0.72), (-0.45, 0.66), (-0.4, 0.42)], mane)
    _legs(f, (-0.33, -0.24, 0.16, 0.24), 0.56, 0.072, coat, hoof)
    f.body(
        [
            (-0.43, 0.34),
            (-0.24, 0.28),
            (0.04, 0.32),
            (0.26, 0.28),
            (0.3, 0.46),
            (0.14, 0.6),
            (-0.14, 0.57),
            (-0.4, 0.58),
        ],
        coat,
        0.04,
    )
    f.polygon([(0.06, 0.34), (0.27, 0.06), (0.42, 0.14), (0.3, 0.5)], coat)
    f.polygon([(0.24, 0.02), (0.31, 0.08), (0.14, 0.36), (0.0, 0.34)], mane)
    f.polygon([(0.29, 0.07), (0.31, -0.01), (0.36, 0.07)], coat)
    f.blob(
        [(0.27, 0.08), (0.38, 0.06), (0.54, 0.25), (0.52, 0.33), (0.45, 0.32), (0.32, 0.22)], coat
    )
    f.ellipse(0.5, 0.295, 0.05, 0.04, dark(coat, 0.4))
    f.ellipse(0.375, 0.135, 0.02, 0.022, _BLACK)


def draw_horse(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a horse."""
    coat = _COATS[item.colour]
    _horse(f, coat, dark(coat, 0.55) if item.colour != "black" else _BLACK, _BLACK)


def draw_zebra(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a zebra."""
    _horse(f, (240, 238, 232), (40, 36, 38), _BLACK)
    for u in np.arange(-0.36, 0.25, 0.095):
        f.line([(u, 0.32), (u + 0.035, 0.44), (u + 0.01, 0.56)], 0.036, _BLACK)
    for t in (0.2, 0.42, 0.64, 0.86):
        u, v = 0.14 + 0.16 * t, 0.4 - 0.28 * t
        f.line([(u, v), (u + 0.13, v + 0.06)], 0.03, _BLACK)
    for u in (-0.33, 0.16):
        for v in (0.66, 0.75, 0.84):
            f.line([(u - 0.035, v), (u + 0.035, v)], 0.026, _BLACK)


def draw_giraffe(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a giraffe."""
    coat, spot = _COATS[item.colour], (156, 92, 40)
    f.shadow(0.3, 0.03)
    f.line([(-0.28, 0.48), (-0.33, 0.66)], 0.02, spot)
    _legs(f, (-0.22, -0.15, 0.08, 0.15), 0.62, 0.055, coat, _BLACK)
    f.body(
        [(-0.28, 0.5), (-0.1, 0.43), (0.12, 0.38), (0.2, 0.5), (0.1, 0.63), (-0.22, 0.64)],
        coat,
        0.03,
    )
    f.polygon([(0.02, 0.46), (0.2, 0.07), (0.29, 0.1), (0.2, 0.54)], coat)
    f.line([(0.0, 0.44), (0.18, 0.08)], 0.025, spot)
    for t in (0.15, 0.35, 0.55, 0.75, 0.93):
        f.ellipse(0.13 + 0.09 * t, 0.48 - 0.36 * t, 0.034, 0.03, spot)
    for u, v in (
        (-0.18, 0.52),
        (-0.07, 0.49),
        (0.04, 0.5),
        (-0.13, 0.59),
        (0.0, 0.58),
        (0.11, 0.56),
    ):
        f.ellipse(u, v, 0.042, 0.034, spot)
    for u in (0.215, 0.26):
        f.line([(u, 0.07), (u, 0.01)], 0.018, spot)
        f.ellipse(u, 0.012, 0.016, 0.014, _BLACK)
    f.blob([(0.18, 0.06), (0.28, 0.04), (0.39, 0.13), (0.37, 0.17), (0.22, 0.14)], coat)
    f.ellipse(0.17, 0.075, 0.04, 0.018, coat)
    f.ellipse(0.265, 0.08, 0.014, 0.014, _BLACK)


def draw_elephant(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw an elephant."""
    coat = (140, 140, 148)
    f.shadow(0.6)
    f.line([(-0.56, 0.34), (-0.62, 0.62)], 0.03, dark(coat, 0.3))
    _legs(f, (-0.4, -0.24, 0.06, 0.2), 0.62, 0.17, coat, dark(coat, 0.3))
    f.body(
        [
            (-0.57, 0.36),
            (-0.36, 0.14),
            (0.0, 0.12),
            (0.28, 0.2),
            (0.32, 0.56),
            (0.1, 0.74),
            (-0.3, 0.72),
            (-0.54, 0.64),
        ],
        coat,
        0.06,
    )
    f.limb([(0.5, 0.3), (0.59, 0.5), (0.58, 0.76), (0.65, 0.86)], 0.105, dark(coat, 0.1))
    f.ellipse(0.4, 0.26, 0.2, 0.21, coat)
    f.line([(0.47, 0.42), (0.57, 0.52), (0.68, 0.5)], 0.04, (246, 240, 220))
    f.blob([(0.14, 0.1), (0.34, 0.1), (0.37, 0.34), (0.24, 0.52), (0.1, 0.36)], dark(coat, 0.25))
    f.blob(
        [(0.17, 0.14), (0.32, 0.14), (0.34, 0.33), (0.24, 0.46), (0.14, 0.34)], light(coat, 0.06)
    )
    f.ellipse(0.47, 0.22, 0.024, 0.026, _BLACK)


def draw_bird(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a bird, perched or flying."""
    coat = COLOURS[item.colour]
    belly = light(coat, 0.62)
    if item.pose == "flying":
        f.polygon([(-0.3, 0.62), (-0.62, 0.56), (-0.58, 0.76)], dark(coat, 0.3))
        f.blob(
            [(-0.02, 0.6), (-0.2, 0.3), (-0.42, 0.04), (-0.06, 0.14), (0.16, 0.56)], dark(coat, 0.4)
        )
        f.body([(-0.36, 0.64), (0.0, 0.52), (0.32, 0.5), (0.3, 0.72), (-0.02, 0.8)], coat)
        f.blob(
            [(0.02, 0.62), (0.02, 0.3), (0.16, 0.0), (0.26, 0.28), (0.22, 0.6)], light(coat, 0.12)
        )
        head = (0.36, 0.54)
    else:
        f.shadow(0.3, 0.04)
        for u in (-0.04, 0.06):
            f.line([(u, 0.78), (u, 0.98), (u + 0.07, 0.985)], 0.03, (210, 140, 40))
        f.polygon([(-0.26, 0.52), (-0.62, 0.7), (-0.58, 0.82), (-0.2, 0.74)], dark(coat, 0.35))
        f.body(
            [(-0.34, 0.6), (-0.12, 0.4), (0.2, 0.3), (0.34, 0.5), (0.2, 0.78), (-0.1, 0.84)], coat
        )
        f.blob([(0.12, 0.5), (0.3, 0.46), (0.26, 0.7), (0.04, 0.82)], belly)
        f.blob([(-0.42, 0.68), (-0.1, 0.46), (0.12, 0.54), (-0.02, 0.74)], dark(coat, 0.42))
        head = (0.24, 0.24)
    u, v = head
    f.ellipse(u, v, 0.185, 0.175, coat)
    f.polygon([(u + 0.15, v - 0.06), (u + 0.36, v + 0.03), (u + 0.14, v + 0.09)], (238, 156, 36))
    f.ellipse(u + 0.06, v - 0.04, 0.05, 0.05, (250, 250, 250))
    f.ellipse(u + 0.07, v - 0.04, 0.03, 0.034, _BLACK)


def draw_fish(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a fish."""
    coat = COLOURS[item.colour]
    f.shadow(0.7, 0.06)
    f.polygon([(-0.5, 0.5), (-0.92, 0.12), (-0.8, 0.5), (-0.92, 0.92)], dark(coat, 0.2))
    f.blob([(-0.2, 0.2), (0.1, -0.02), (0.32, 0.22)], dark(coat, 0.3))
    f.body(
        [(-0.58, 0.5), (-0.2, 0.18), (0.4, 0.14), (0.88, 0.5), (0.4, 0.9), (-0.2, 0.84)],
        coat,
        0.12,
    )
    f.blob([(-0.3, 0.66), (0.3, 0.7), (0.7, 0.62), (0.3, 0.86)], light(coat, 0.55))
    for u in (-0.3, -0.08, 0.14):
        f.line([(u, 0.3), (u + 0.08, 0.5), (u, 0.72)], 0.035, dark(coat, 0.35))
    f.line([(0.42, 0.24), (0.5, 0.5), (0.42, 0.8)], 0.04, dark(coat, 0.45))
    f.polygon([(0.2, 0.56), (-0.05, 0.78), (0.24, 0.7)], dark(coat, 0.3))
    f.ellipse(0.62, 0.4, 0.09, 0.09, (250, 250, 250))
    f.ellipse(0.64, 0.4, 0.05, 0.055, _BLACK)


DRAW: dict[str, Callable[[Frame, SceneObject, np.random.Generator], None]] = {
    "dog": draw_dog,
    "cat": draw_cat,
    "cow": draw_cow,
    "sheep": draw_sheep,
    "horse": draw_horse,
    "zebra": draw_zebra,
    "giraffe": draw_giraffe,
    "elephant": draw_elephant,
    "bird": draw_bird,
    "fish": draw_fish,
}
