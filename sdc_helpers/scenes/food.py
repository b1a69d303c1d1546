"""Round and long food."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdc_helpers.scenes.canvas import COLOURS, Colour, Frame, dark, light, mix
from sdc_helpers.scenes.graph import SceneObject

_STALK: Colour = (92, 60, 34)
_LEAF: Colour = (72, 148, 52)
_SKIN_COLOURS: dict[str, Colour] = {
    **COLOURS,
    "green": (104, 178, 56),
    "purple": (104, 38, 128),
    "brown": (192, 128, 62),
}


def _fruit(f: Frame, colour: Colour, stalk: bool = True, leaf: bool = False) -> None:
    f.shadow(0.46, 0.08)
    f.ball(0, 0.53, 0.47, 0.46, colour)
    f.ellipse(0.02, 0.12, 0.14, 0.05, dark(colour, 0.4))
    if stalk:
        f.line([(0.02, 0.13), (0.06, -0.02)], 0.06, _STALK)
    if leaf:
        f.blob([(0.05, 0.06), (0.2, -0.06), (0.36, 0.0), (0.22, 0.1)], _LEAF)


def draw_apple(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw an apple."""
    colour = _SKIN_COLOURS[item.colour]
    f.shadow(0.44, 0.08)
    for side in (-1, 1):
        f.ellipse(side * 0.17, 0.54, 0.31, 0.44, dark(colour, 0.38))
    for side in (-1, 1):
        f.ellipse(side * 0.16 - 0.03, 0.52, 0.29, 0.4, colour)
    f.ellipse(-0.2, 0.38, 0.12, 0.15, light(colour, 0.3))
    f.ellipse(-0.23, 0.32, 0.05, 0.06, light(colour, 0.75))
    f.ellipse(0.0, 0.15, 0.13, 0.05, dark(colour, 0.5))
    f.line([(0.0, 0.17), (0.05, -0.02)], 0.055, _STALK)
    f.blob([(0.05, 0.07), (0.2, -0.05), (0.36, 0.01), (0.22, 0.11)], _LEAF)


def draw_tomato(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a tomato."""
    f.shadow(0.5, 0.08)
    f.ball(0, 0.55, 0.53, 0.43, (222, 44, 30))
    for du, dv in (
        (-0.24, 0.0),
        (-0.13, -0.09),
        (0.13, -0.09),
        (0.26, 0.0),
        (0.08, 0.1),
        (-0.1, 0.1),
    ):
        f.polygon([(-0.05, 0.16), (0.05, 0.16), (du, 0.16 + dv)], _LEAF)
    f.line([(0, 0.16), (0.03, 0.03)], 0.06, _LEAF)


def draw_tangerine(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a tangerine."""
    _fruit(f, (244, 138, 20), stalk=False, leaf=True)
    for _ in range(9):
        u, v = rng.uniform(-0.3, 0.3), rng.uniform(0.3, 0.8)
        f.ellipse(u, v, 0.018, 0.018, (206, 104, 10))


def draw_peach(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a peach."""
    colour = (250, 172, 104) if item.colour == "orange" else (242, 150, 150)
    _fruit(f, colour, leaf=True)
    f.ellipse(0.16, 0.6, 0.24, 0.28, (222, 72, 66, 90))
    f.line([(0.02, 0.14), (0.1, 0.4), (0.07, 0.74), (0.02, 0.92)], 0.03, dark(colour, 0.3))


def draw_plum(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a plum."""
    _fruit(f, _SKIN_COLOURS["purple"])
    f.line([(0.03, 0.14), (0.12, 0.45), (0.05, 0.9)], 0.025, (60, 16, 76))


def draw_lime(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a lime, half of it cut open."""
    f.shadow(0.5, 0.08)
    f.blob(
        [
            (-0.55, 0.5),
            (-0.3, 0.16),
            (0.1, 0.12),
            (0.38, 0.3),
            (0.5, 0.6),
            (0.2, 0.92),
            (-0.3, 0.86),
        ],
        (70, 140, 36),
    )
    f.ellipse(0.14, 0.56, 0.38, 0.4, (84, 160, 44))
    f.ellipse(0.14, 0.56, 0.33, 0.35, (232, 244, 196))
    f.ellipse(0.14, 0.56, 0.28, 0.3, (164, 214, 92))
    for angle in np.arange(4) * np.pi / 4:
        du, dv = 0.28 * np.cos(angle), 0.3 * np.sin(angle)
        f.line([(0.14 - du, 0.56 - dv), (0.14 + du, 0.56 + dv)], 0.03, (236, 246, 206))


def draw_cabbage(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a cabbage."""
    colour = (134, 190, 92) if item.colour == "green" else (132, 60, 140)
    f.shadow(0.52, 0.07)
    f.blob(
        [(-0.54, 0.5), (-0.36, 0.1), (0.36, 0.12), (0.55, 0.5), (0.36, 0.96), (-0.36, 0.96)],
        dark(colour, 0.36),
    )
    f.blob(
        [(-0.46, 0.5), (-0.2, 0.06), (0.3, 0.1), (0.44, 0.48), (0.28, 0.88), (-0.3, 0.88)], colour
    )
    vein = light(colour, 0.5)
    for end in ((-0.36, 0.3), (-0.12, 0.14), (0.16, 0.14), (0.36, 0.34), (0.4, 0.62), (-0.42, 0.6)):
        f.line([(0.0, 0.86), (end[0] * 0.6, (end[1] + 0.7) / 2), end], 0.03, vein)
    f.line([(0.46, 0.3), (0.2, 0.5), (0.28, 0.9)], 0.03, dark(colour, 0.4))


def draw_melon(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a melon."""
    colour = (92, 162, 62) if item.colour == "green" else (238, 206, 82)
    f.shadow(0.56, 0.07)
    f.ball(0, 0.52, 0.58, 0.47, colour)
    for du in (-0.44, -0.22, 0.0, 0.22, 0.44):
        f.line(
            [(du * 0.35, 0.08), (du, 0.35), (du * 1.06, 0.62), (du * 0.4, 0.96)],
            0.055,
            dark(colour, 0.5),
        )
    f.line([(0, 0.08), (0.08, -0.02)], 0.06, _STALK)


def draw_donut(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a donut with icing."""
    icing = (102, 58, 34) if item.colour == "brown" else (244, 132, 176)
    f.shadow(0.72, 0.09)
    f.ellipse(0, 0.58, 0.72, 0.42, (176, 112, 54))
    f.ellipse(0, 0.52, 0.72, 0.42, (222, 162, 88))
    f.ellipse(-0.01, 0.46, 0.64, 0.36, icing)
    f.ellipse(0, 0.47, 0.22, 0.13, (152, 96, 46))
    f.ellipse(0, 0.51, 0.18, 0.08, (84, 54, 36))
    for _ in range(16):
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.88)
        u, v = 0.6 * radius * np.cos(angle), 0.46 + 0.32 * radius * np.sin(angle)
        fill = ((250, 240, 120), (120, 210, 230), (250, 250, 250))[int(rng.random() * 3)]
        f.ellipse(u, v, 0.03, 0.03, fill)


def draw_pizza(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a pizza."""
    f.shadow(0.95, 0.09)
    f.ellipse(0, 0.57, 0.94, 0.42, (150, 92, 44))
    f.ellipse(0, 0.5, 0.94, 0.42, (214, 152, 80))
    f.ellipse(0, 0.49, 0.82, 0.35, (246, 206, 84))
    spots = (
        (-0.48, 0.42),
        (-0.12, 0.3),
        (0.3, 0.36),
        (0.54, 0.52),
        (0.1, 0.54),
        (-0.3, 0.64),
        (0.28, 0.7),
    )
    for u, v in spots:
        f.ellipse(u, v, 0.13, 0.065, (196, 46, 30))
        f.ellipse(u - 0.02, v - 0.01, 0.07, 0.03, (226, 90, 60))
    for _ in range(5):
        f.ellipse(rng.uniform(-0.6, 0.6), rng.uniform(0.3, 0.7), 0.05, 0.028, (70, 140, 50))
    for angle in (0.5, 1.6, 2.7):
        du, dv = 0.82 * np.cos(angle), 0.35 * np.sin(angle)
        f.line([(-du, 0.49 - dv), (du, 0.49 + dv)], 0.016, (196, 132, 60))


def draw_banana(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a banana."""
    colour = (248, 214, 56) if item.colour == "yellow" else (158, 196, 62)
    f.shadow(0.6, 0.08)
    f.blob(
        [
            (-0.95, 0.1),
            (-0.82, 0.06),
            (-0.5, 0.42),
            (0.0, 0.58),
            (0.5, 0.42),
            (0.82, 0.08),
            (0.95, 0.12),
            (0.72, 0.62),
            (0.3, 0.92),
            (-0.3, 0.94),
            (-0.74, 0.62),
        ],
        dark(colour, 0.26),
    )
    f.blob(
        [
            (-0.95, 0.1),
            (-0.82, 0.06),
            (-0.5, 0.42),
            (0.0, 0.58),
            (0.5, 0.42),
            (0.82, 0.08),
            (0.9, 0.12),
            (0.68, 0.5),
            (0.26, 0.76),
            (-0.28, 0.78),
            (-0.72, 0.5),
        ],
        colour,
    )
    f.line([(-0.66, 0.36), (-0.26, 0.64), (0.24, 0.64), (0.6, 0.4)], 0.04, light(colour, 0.55))
    f.line([(-0.9, 0.13), (-0.98, -0.02)], 0.12, _STALK)
    f.ellipse(0.9, 0.12, 0.06, 0.06, _STALK)


def draw_carrot(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a carrot."""
    colour = (244, 126, 26)
    f.shadow(1.0, 0.1)
    for tip in ((-1.42, 0.1), (-1.44, 0.42), (-1.4, 0.74), (-1.26, 0.0)):
        f.line([(-0.8, 0.5), tip], 0.13, (68, 150, 48))
    f.body(
        [
            (-0.88, 0.5),
            (-0.76, 0.14),
            (-0.2, 0.16),
            (0.6, 0.36),
            (1.4, 0.6),
            (0.6, 0.76),
            (-0.2, 0.92),
            (-0.76, 0.88),
        ],
        colour,
        0.22,
    )
    for u in (-0.5, -0.15, 0.2, 0.6):
        f.line([(u, 0.26 + 0.1 * (u + 0.5)), (u + 0.05, 0.5)], 0.05, dark(colour, 0.28))


def draw_hotdog(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a hotdog."""
    f.shadow(1.05, 0.1)
    f.body(
        [(-1.0, 0.62), (-0.8, 0.3), (0.8, 0.3), (1.0, 0.62), (0.8, 0.98), (-0.8, 0.98)],
        (212, 150, 78),
        0.16,
    )
    f.blob([(-0.98, 0.4), (-0.7, 0.06), (0.7, 0.06), (0.98, 0.4)], (226, 170, 100))
    f.limb([(-0.92, 0.42), (0.92, 0.42)], 0.4, (166, 62, 34))
    f.limb([(-0.86, 0.36), (0.8, 0.36)], 0.12, (208, 104, 64))
    zigzag = [(-0.8 + 0.16 * k, 0.36 if k % 2 else 0.5) for k in range(11)]
    f.line(zigzag, 0.1, (252, 214, 40))


def draw_baguette(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a baguette."""
    colour = (206, 140, 66)
    f.shadow(1.5, 0.12)
    f.body(
        [
            (-1.56, 0.58),
            (-1.2, 0.2),
            (0.0, 0.1),
            (1.2, 0.2),
            (1.56, 0.58),
            (1.2, 0.92),
            (0, 0.98),
            (-1.2, 0.92),
        ],
        colour,
        0.22,
    )
    for u in (-1.05, -0.6, -0.15, 0.3, 0.75):
        f.line([(u, 0.58), (u + 0.32, 0.26)], 0.14, (246, 214, 152))
        f.line([(u + 0.04, 0.64), (u + 0.36, 0.32)], 0.05, dark(colour, 0.4))


def draw_corn(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a cob of corn."""
    f.shadow(1.2, 0.1)
    f.body(
        [(-0.7, 0.5), (-0.5, 0.14), (0.5, 0.16), (1.34, 0.5), (0.5, 0.86), (-0.5, 0.88)],
        (248, 206, 62),
        0.14,
    )
    for row, v in enumerate((0.28, 0.46, 0.64, 0.78)):
        for u in np.arange(-0.4, 1.0, 0.2):
            f.ellipse(u + 0.1 * (row % 2), v, 0.055, 0.05, (214, 158, 30))
    for points in (
        [(-1.38, 0.5), (-0.9, 0.2), (0.1, 0.08), (-0.3, 0.4), (-0.8, 0.56)],
        [(-1.38, 0.5), (-0.8, 0.5), (0.2, 0.94), (-0.4, 0.98), (-0.9, 0.8)],
    ):
        f.body(points, (122, 178, 70), 0.08)


def draw_pepper(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a hot pepper."""
    colour = {"red": (214, 34, 28), "green": (58, 150, 46)}.get(item.colour, (246, 204, 50))
    f.shadow(0.9, 0.09)
    f.body(
        [
            (-0.84, 0.4),
            (-0.7, 0.12),
            (-0.1, 0.2),
            (0.5, 0.46),
            (1.16, 0.3),
            (0.6, 0.84),
            (-0.1, 0.84),
            (-0.74, 0.78),
        ],
        colour,
        0.16,
    )
    f.line([(-0.55, 0.28), (-0.1, 0.34), (0.35, 0.54)], 0.09, light(colour, 0.5))
    f.blob([(-0.92, 0.46), (-0.78, 0.1), (-0.6, 0.26), (-0.62, 0.66), (-0.78, 0.82)], (56, 124, 44))
    f.line([(-0.84, 0.46), (-1.0, 0.34), (-1.14, 0.08)], 0.13, (56, 124, 44))


def draw_cucumber(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a cucumber, one end cut off."""
    colour = (58, 132, 48)
    f.shadow(1.4, 0.12)
    f.body(
        [
            (-1.44, 0.56),
            (-1.2, 0.16),
            (0.0, 0.1),
            (1.16, 0.12),
            (1.16, 0.92),
            (0.0, 0.94),
            (-1.2, 0.9),
        ],
        colour,
        0.24,
    )
    for v in (0.3, 0.5, 0.68):
        f.line([(-1.1, v), (0.9, v - 0.04)], 0.045, light(colour, 0.3))
    f.ellipse(1.16, 0.52, 0.2, 0.42, (126, 178, 84))
    f.ellipse(1.18, 0.52, 0.16, 0.35, (214, 234, 170))
    for v in (0.36, 0.52, 0.68):
        f.ellipse(1.18, v, 0.035, 0.05, (160, 196, 110))


def draw_eggplant(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw an eggplant."""
    colour = (88, 34, 110)
    f.shadow(0.8, 0.09)
    f.body(
        [
            (-0.72, 0.36),
            (-0.3, 0.28),
            (0.3, 0.1),
            (0.86, 0.24),
            (1.0, 0.62),
            (0.66, 0.96),
            (0.1, 0.92),
            (-0.4, 0.7),
            (-0.72, 0.62),
        ],
        colour,
        0.12,
    )
    f.blob([(0.2, 0.3), (0.6, 0.2), (0.78, 0.34), (0.4, 0.42)], mix(colour, (220, 190, 240), 0.55))
    f.blob(
        [(-0.86, 0.46), (-0.66, 0.24), (-0.3, 0.3), (-0.46, 0.48), (-0.32, 0.68), (-0.68, 0.7)],
        (76, 140, 58),
    )
    f.line([(-0.78, 0.46), (-1.02, 0.34)], 0.15, (76, 140, 58))


DRAW: dict[str, Callable[[Frame, SceneObject, np.random.Generator], None]] = {
    "apple": draw_apple,
    "tomato": draw_tomato,
    "tangerine": draw_tangerine,
    "peach": draw_peach,
    "donut": draw_donut,
    "pizza": draw_pizza,
    "lime": draw_lime,
    "plum": draw_plum,
    "cabbage": draw_cabbage,
    "melon": draw_melon,
    "banana": draw_banana,
    "carrot": draw_carrot,
    "hotdog": draw_hotdog,
    "baguette": draw_baguette,
    "corn": draw_corn,
    "pepper": draw_pepper,
    "cucumber": draw_cucumber,
    "eggplant": draw_eggplant,
}
