"""Vehicles, furniture, and things that are written on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdc_helpers.scenes.canvas import COLOURS, Colour, Frame, dark, light
from sdc_helpers.scenes.graph import SceneObject

_TYRE: Colour = (30, 30, 34)
_GLASS: Colour = (164, 204, 226)
_WOOD: Colour = (156, 104, 58)


def _wheel(f: Frame, u: float, v: float, radius: float) -> None:
    f.ellipse(u, v, radius, radius, _TYRE)
    f.ellipse(u, v, 0.55 * radius, 0.55 * radius, (176, 178, 184))
    f.ellipse(u, v, 0.2 * radius, 0.2 * radius, (70, 72, 78))


def draw_car(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a car."""
    paint = COLOURS[item.colour]
    f.shadow(1.05, 0.09)
    f.blob(
        [(-0.66, 0.42), (-0.44, 0.08), (0.0, 0.02), (0.32, 0.1), (0.66, 0.44), (0.0, 0.5)],
        dark(paint, 0.12),
    )
    f.blob([(-0.55, 0.4), (-0.4, 0.16), (-0.06, 0.11), (-0.06, 0.42)], _GLASS)
    f.blob([(0.02, 0.42), (0.02, 0.11), (0.26, 0.16), (0.52, 0.42)], _GLASS)
    f.body(
        [
            (-1.02, 0.5),
            (-0.92, 0.42),
            (0.0, 0.38),
            (0.7, 0.42),
            (1.0, 0.5),
            (1.05, 0.76),
            (0.6, 0.84),
            (-0.6, 0.84),
            (-1.05, 0.78),
        ],
        paint,
        0.16,
    )
    f.line([(-0.9, 0.5), (0.9, 0.5)], 0.04, light(paint, 0.45))
    f.line([(-0.02, 0.44), (-0.02, 0.78)], 0.025, dark(paint, 0.5))
    f.ellipse(0.97, 0.56, 0.07, 0.075, (255, 246, 190))
    f.ellipse(-1.0, 0.57, 0.05, 0.07, (190, 24, 24))
    for u in (-0.6, 0.62):
        _wheel(f, u, 0.8, 0.2)


def draw_bus(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a bus."""
    paint = COLOURS[item.colour]
    f.shadow(0.96, 0.06)
    f.rect(-0.93, 0.02, 0.93, 0.86, paint)
    f.rect(-0.93, 0.62, 0.93, 0.86, dark(paint, 0.24))
    f.rect(-0.93, 0.02, 0.93, 0.08, light(paint, 0.4))
    for u in (-0.84, -0.52, -0.2, 0.12):
        f.rect(u, 0.17, u + 0.26, 0.46, dark(_GLASS, 0.3))
        f.polygon([(u, 0.17), (u + 0.18, 0.17), (u + 0.04, 0.46), (u, 0.46)], _GLASS)
    f.rect(0.45, 0.17, 0.64, 0.82, dark(_GLASS, 0.35))
    f.rect(0.7, 0.15, 0.93, 0.52, _GLASS)
    f.line([(-0.93, 0.55), (0.93, 0.55)], 0.04, (246, 246, 240))
    f.ellipse(0.88, 0.7, 0.05, 0.05, (255, 246, 190))
    for u in (-0.56, 0.56):
        _wheel(f, u, 0.86, 0.14)


def draw_truck(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a truck."""
    paint = COLOURS[item.colour]
    f.shadow(0.9, 0.06)
    f.rect(-0.88, 0.02, 0.34, 0.76, (226, 224, 216))
    f.rect(-0.88, 0.62, 0.34, 0.76, (178, 176, 172))
    for u in (-0.6, -0.3, 0.0):
        f.line([(u, 0.06), (u, 0.62)], 0.016, (190, 188, 182))
    f.rect(-0.88, 0.76, 0.88, 0.84, (62, 62, 68))
    f.blob([(0.38, 0.2), (0.64, 0.2), (0.74, 0.46), (0.9, 0.52), (0.9, 0.82), (0.38, 0.82)], paint)
    f.polygon([(0.46, 0.27), (0.63, 0.27), (0.71, 0.47), (0.46, 0.47)], _GLASS)
    f.rect(0.4, 0.68, 0.88, 0.82, dark(paint, 0.25))
    f.ellipse(0.86, 0.62, 0.045, 0.05, (255, 246, 190))
    for u in (-0.62, -0.3, 0.6):
        _wheel(f, u, 0.86, 0.14)


def draw_bicycle(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a bicycle."""
    paint = COLOURS[item.colour]
    f.shadow(0.7, 0.04)
    for u in (-0.46, 0.46):
        f.ring(u, 0.7, 0.3, 0.06, _TYRE)
        for angle in np.arange(4) * np.pi / 4:
            du, dv = 0.27 * np.cos(angle), 0.27 * np.sin(angle)
            f.line([(u - du, 0.7 - dv), (u + du, 0.7 + dv)], 0.012, (150, 152, 158))
    for points in (
        [(-0.46, 0.7), (-0.05, 0.72), (0.3, 0.28), (-0.2, 0.3), (-0.46, 0.7)],
        [(-0.23, 0.18), (-0.05, 0.72)],
        [(0.46, 0.7), (0.27, 0.1)],
    ):
        f.line(points, 0.065, paint)
    f.line([(0.16, 0.08), (0.3, 0.05), (0.4, 0.12)], 0.05, _TYRE)
    f.blob([(-0.38, 0.14), (-0.1, 0.14), (-0.12, 0.2), (-0.34, 0.21)], _TYRE)
    f.ellipse(-0.05, 0.72, 0.065, 0.065, (80, 82, 88))


def draw_boat(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a sailing boat."""
    paint = COLOURS[item.colour]
    sail = (248, 246, 238)
    f.ellipse(0, 0.97, 0.46, 0.03, (16, 40, 70, 90))
    f.line([(0.0, 0.0), (0.0, 0.76)], 0.03, _WOOD)
    f.blob([(0.03, 0.03), (0.16, 0.3), (0.38, 0.66), (0.03, 0.68)], sail)
    f.polygon([(0.2, 0.4), (0.38, 0.67), (0.1, 0.68)], dark(sail, 0.14))
    f.blob([(-0.03, 0.1), (-0.16, 0.4), (-0.33, 0.68), (-0.03, 0.66)], dark(sail, 0.1))
    hull = [(-0.46, 0.74), (0.47, 0.74), (0.34, 0.98), (-0.3, 0.98)]
    f.polygon(hull, paint)
    f.polygon([(-0.38, 0.87), (0.41, 0.87), (0.34, 0.98), (-0.3, 0.98)], dark(paint, 0.3))
    f.line([(-0.46, 0.75), (0.47, 0.75)], 0.035, light(paint, 0.6))


def draw_sign(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a road sign with a word."""
    f.shadow(0.16, 0.025)
    f.rect(-0.035, 0.3, 0.035, 1.0, (120, 122, 128))
    f.rect(0.01, 0.3, 0.035, 1.0, (84, 86, 92))
    _board(f, item, -0.39, 0.02, 0.39, 0.44)


def draw_board(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a poster or a banner with a word."""
    half = 0.61 if item.kind == "poster" else 1.43
    _board(f, item, -half, 0.02, half, 0.98)


def _board(f: Frame, item: SceneObject, u0: float, v0: float, u1: float, v1: float) -> None:
    paint = COLOURS[item.colour]
    bright = item.colour in ("white", "yellow")
    ink = (24, 24, 30) if bright else (250, 250, 246)
    margin = 0.045 * (u1 - u0)
    f.rect(u0, v0, u1, v1, dark(paint, 0.45) if bright else (244, 244, 240))
    f.rect(u0 + margin, v0 + margin, u1 - margin, v1 - margin, paint)
    room = (u1 - u0 - 2.6 * margin) / (0.90 * len(item.text))
    f.text((u0 + u1) / 2, (v0 + v1) / 2, min(room, 0.62 * (v1 - v0)), item.text, ink)


def draw_book(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw an open book with a word in large print."""
    f.shadow(0.88, 0.08)
    f.polygon([(-0.88, 0.98), (-0.7, 0.1), (0.7, 0.1), (0.88, 0.98)], (120, 40, 40))
    for side in (-1, 1):
        f.polygon([(0, 0.16), (side * 0.66, 0.06), (side * 0.82, 0.88), (0, 0.96)], (248, 244, 232))
        for v in (0.64, 0.78):
            f.line([(side * 0.14, v + 0.02), (side * 0.68, v - 0.04)], 0.045, (120, 120, 128))
    f.line([(0, 0.16), (0, 0.96)], 0.04, (170, 160, 146))
    f.text(0, 0.38, min(0.3, 1.2 / (0.90 * len(item.text))), item.text, (24, 24, 30))


def draw_screen(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a computer screen with a word."""
    paint = COLOURS[item.colour]
    ink = (24, 24, 30) if item.colour == "white" else (250, 250, 246)
    f.shadow(0.4, 0.04)
    f.rect(-0.07, 0.74, 0.07, 0.94, (92, 94, 100))
    f.rect(-0.3, 0.92, 0.3, 0.985, (110, 112, 118))
    f.rect(-0.66, 0.01, 0.66, 0.8, (54, 54, 60))
    f.rect(-0.6, 0.06, 0.6, 0.74, paint)
    f.polygon([(-0.6, 0.06), (-0.2, 0.06), (-0.5, 0.74), (-0.6, 0.74)], (255, 255, 255, 26))
    f.text(0, 0.4, min(0.34, 1.08 / (0.90 * len(item.text))), item.text, ink)


def draw_table(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a table or a desk."""
    wood = _WOOD if item.colour == "brown" else COLOURS[item.colour]
    half = 0.98 if item.kind == "table" else 0.93
    f.shadow(half - 0.05, 0.05)
    for u in (-half + 0.16, half - 0.16):
        f.rect(u - 0.035, 0.2, u + 0.035, 0.9, dark(wood, 0.55))
    for u in (-half + 0.07, half - 0.07):
        f.rect(u - 0.05, 0.22, u + 0.05, 1.0, dark(wood, 0.32))
    if item.kind == "desk":
        f.rect(half - 0.62, 0.22, half - 0.04, 0.94, dark(wood, 0.24))
        for v in (0.32, 0.54, 0.76):
            f.rect(half - 0.57, v, half - 0.1, v + 0.15, light(wood, 0.08))
            f.rect(half - 0.38, v + 0.05, half - 0.28, v + 0.09, (210, 206, 190))
    top = [(-half + 0.13, 0.0), (half - 0.13, 0.0), (half, 0.2), (-half, 0.2)]
    f.polygon(top, light(wood, 0.16))
    for v in (0.05, 0.11, 0.16):
        f.line([(-half + 0.13 - 0.6 * v, v), (half - 0.13 + 0.6 * v, v)], 0.01, dark(wood, 0.1))
    f.rect(-half, 0.2, half, 0.29, dark(wood, 0.2))


def draw_bench(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a bench."""
    wood = _WOOD if item.colour == "brown" else COLOURS[item.colour]
    f.shadow(0.95, 0.05)
    for u in (-0.8, 0.8):
        f.rect(u - 0.04, 0.02, u + 0.04, 1.0, (60, 58, 60))
    for v in (0.04, 0.18, 0.32):
        f.rect(-0.96, v, 0.96, v + 0.095, dark(wood, 0.12))
        f.rect(-0.96, v, 0.96, v + 0.03, light(wood, 0.2))
    f.polygon([(-0.92, 0.47), (0.92, 0.47), (0.98, 0.6), (-0.98, 0.6)], light(wood, 0.16))
    f.rect(-0.98, 0.6, 0.98, 0.67, dark(wood, 0.3))


def draw_sofa(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a sofa."""
    cloth = COLOURS[item.colour]
    f.shadow(0.95, 0.05)
    f.blob(
        [(-0.84, 0.1), (-0.7, 0.01), (0.7, 0.01), (0.84, 0.1), (0.86, 0.7), (-0.86, 0.7)],
        dark(cloth, 0.2),
    )
    for u in (-0.4, 0.4):
        f.blob(
            [(u - 0.37, 0.12), (u, 0.07), (u + 0.37, 0.12), (u + 0.38, 0.56), (u - 0.38, 0.56)],
            light(cloth, 0.06),
        )
    f.rect(-0.8, 0.56, 0.8, 0.72, light(cloth, 0.16))
    f.rect(-0.8, 0.72, 0.8, 0.92, dark(cloth, 0.26))
    f.line([(0, 0.56), (0, 0.9)], 0.02, dark(cloth, 0.5))
    for u in (-0.84, 0.84):
        f.blob(
            [(u - 0.12, 0.4), (u, 0.32), (u + 0.12, 0.4), (u + 0.12, 0.92), (u - 0.12, 0.92)], cloth
        )
        f.rect(u - 0.05, 0.92, u + 0.05, 1.0, (60, 44, 34))


def draw_log(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a log."""
    bark = (104, 72, 46)
    f.shadow(1.4, 0.1)
    f.body(
        [(-1.4, 0.1), (1.2, 0.1), (1.4, 0.52), (1.2, 0.95), (-1.36, 0.96), (-1.45, 0.5)], bark, 0.2
    )
    for v in (0.3, 0.5, 0.7, 0.84):
        f.line([(-1.3, v), (rng.uniform(0.2, 1.0), v + 0.03)], 0.035, dark(bark, 0.4))
    f.ellipse(1.2, 0.52, 0.24, 0.43, (196, 152, 98))
    for radius in (0.3, 0.18):
        f.ellipse(1.2, 0.52, 0.55 * radius, radius, (158, 112, 68))
    f.ellipse(1.2, 0.52, 0.06, 0.1, (196, 152, 98))


def draw_box(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a box."""
    paint = (188, 140, 88) if item.colour == "brown" else COLOURS[item.colour]
    f.shadow(0.66, 0.06)
    f.polygon([(-0.5, 0.02), (0.64, 0.02), (0.64, 0.2), (-0.63, 0.24)], light(paint, 0.35))
    f.rect(-0.63, 0.22, 0.63, 1.0, paint)
    f.polygon([(0.3, 0.22), (0.63, 0.22), (0.63, 1.0), (0.3, 1.0)], (*dark(paint, 0.7), 50))
    f.rect(-0.08, 0.22, 0.08, 0.5, light(paint, 0.3))
    f.rect(-0.3, 0.62, 0.3, 0.7, dark(paint, 0.35))


DRAW: dict[str, Callable[[Frame, SceneObject, np.random.Generator], None]] = {
    "car": draw_car,
    "bus": draw_bus,
    "truck": draw_truck,
    "bicycle": draw_bicycle,
    "boat": draw_boat,
    "sign": draw_sign,
    "poster": draw_board,
    "banner": draw_board,
    "book": draw_book,
    "screen": draw_screen,
    "table": draw_table,
    "desk": draw_table,
    "bench": draw_bench,
    "sofa": draw_sofa,
    "log": draw_log,
    "box": draw_box,
}
