"""Outdoor places: sky and ground, and what grows or stands there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdc_helpers.scenes.canvas import Colour, Frame, dark, light, mix
from sdc_helpers.scenes.graph import Scene
from sdc_helpers.scenes.skies import SKIES, bands


def _sky(f: Frame, scene: Scene, rng: np.random.Generator, pale: float = 0.0) -> None:
    above, below = SKIES[scene.lighting]
    if scene.lighting == "day":
        above = mix(above, (206, 216, 226), pale)
    bands(f, [(0.0, scene.horizon)], ((above, below),))
    sun = rng.uniform(0.1, 0.9)
    if scene.lighting == "night":
        for _ in range(14):
            u, v = rng.random(), rng.random() * scene.horizon
            f.ellipse(u, v, 0.006, 0.006, (250, 250, 220))
        f.ellipse(sun, 0.13, 0.055, 0.055, (252, 248, 214))
        f.ellipse(sun + 0.025, 0.118, 0.045, 0.045, above)
        return
    if scene.lighting == "dusk":
        v = scene.horizon - rng.uniform(0.02, 0.12)
        f.ellipse(sun, v, 0.16, 0.16, (255, 214, 130, 70))
        f.ellipse(sun, v, 0.075, 0.075, (255, 236, 176))
    elif rng.random() < 0.4:
        f.ellipse(sun, 0.11, 0.1, 0.1, (255, 250, 200, 90))
        f.ellipse(sun, 0.11, 0.06, 0.06, (255, 252, 214))
    tone = (255, 255, 255) if scene.lighting == "day" else (255, 190, 170)
    for _ in range(int(rng.integers(0, 4))):
        u, v, wide = rng.random(), rng.uniform(0.05, 0.7 * scene.horizon), rng.uniform(0.06, 0.14)
        for du, dv, scale in ((-0.7, 0.012, 0.7), (0.0, -0.012, 0.9), (0.7, 0.01, 0.75)):
            f.ellipse(u + du * wide, v + dv, scale * wide, 0.3 * wide, (*tone, 170))


def _ridge(f: Frame, v: float, height: float, fill: Colour, rng: np.random.Generator) -> None:
    """Draw hills from `v` up to `height` above it."""
    phase, waves = rng.uniform(0, 6.28), rng.uniform(3.0, 8.0)
    x = np.linspace(0, 1, 25)
    y = v - height * (0.55 + 0.3 * np.sin(waves * x + phase) + 0.15 * np.sin(2.7 * waves * x))
    f.polygon([(0, v + 0.02), *zip(x.tolist(), y.tolist(), strict=True), (1, v + 0.02)], fill)


def _tree(f: Frame, u: float, foot: float, height: float, fill: Colour) -> None:
    f.rect(u - 0.045 * height, foot - 0.5 * height, u + 0.045 * height, foot, (92, 64, 42))
    for du, dv, radius in ((-0.18, 0.52, 0.2), (0.18, 0.55, 0.2), (0.0, 0.74, 0.25)):
        r = radius * height
        f.ellipse(u + du * height, foot - dv * height, r, r, dark(fill, 0.3))
        f.ellipse(
            u + du * height - 0.02 * height, foot - (dv + 0.03) * height, 0.86 * r, 0.84 * r, fill
        )


def _fir(f: Frame, u: float, foot: float, height: float, fill: Colour, snowy: bool) -> None:
    f.rect(u - 0.03 * height, foot - 0.15 * height, u + 0.03 * height, foot, (84, 58, 42))
    for base, top, half in ((0.12, 0.55, 0.27), (0.36, 0.78, 0.21), (0.6, 1.0, 0.15)):
        left, right = u - half * height, u + half * height
        f.polygon(
            [(left, foot - base * height), (u, foot - top * height), (right, foot - base * height)],
            fill,
        )
        if snowy:
            cap = foot - (base + 0.6 * (top - base)) * height
            f.polygon(
                [
                    (u - 0.4 * half * height, cap),
                    (u, foot - top * height),
                    (u + 0.4 * half * height, cap),
                ],
                (240, 246, 250),
            )


def _grass(f: Frame, top: float, fill: Colour, rng: np.random.Generator, n: int = 60) -> None:
    """Draw tufts, larger the nearer."""
    for u, share, lean, tone in rng.random((n, 4)).tolist():
        near = share * share
        v = top + 0.02 + (1 - top) * near
        tall = 0.012 + 0.05 * near
        colour = dark(fill, 0.22) if tone < 0.5 else light(fill, 0.22)
        f.line([(u, v), (u + (lean - 0.5) * tall, v - tall)], 0.006 + 0.006 * near, colour)


def draw_street(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a street: a road that narrows into the distance, pavements, lamps, trees."""
    h = scene.horizon
    _sky(f, scene, rng, pale=0.45)
    _ridge(f, h, 0.05, (128, 142, 138), rng)
    for u in np.arange(0.02, 1.0, 0.1):
        if abs(u - 0.5) > 0.12:
            size = 0.1 + 0.22 * abs(u - 0.5)
            _tree(f, u + rng.uniform(-0.02, 0.02), h + 0.02, size, (84, 126, 72))
    pavement, asphalt = (168, 164, 158), (88, 90, 96)
    bands(f, [(h, 1)], ((dark(pavement, 0.12), light(pavement, 0.1)),))
    for v in (0.02, 0.06, 0.13, 0.24, 0.4):
        f.line([(0, h + v), (1, h + v)], 0.004 + 0.008 * v, dark(pavement, 0.22))
    f.polygon([(0.44, h), (0.56, h), (0.98, 1), (0.02, 1)], (214, 210, 202))
    f.polygon([(0.447, h), (0.553, h), (0.945, 1), (0.055, 1)], asphalt)
    for near in (0.05, 0.16, 0.36, 0.7):
        top, bottom = h + (1 - h) * near, h + (1 - h) * min(near * 1.5 + 0.03, 1.0)
        f.polygon(
            [
                (0.5 - 0.02 * near, top),
                (0.5 + 0.02 * near, top),
                (0.5 + 0.03 * near, bottom),
                (0.5 - 0.03 * near, bottom),
            ],
            (238, 234, 214),
        )
    for u, size in ((0.06, 0.62), (0.94, 0.62), (0.36, 0.2), (0.64, 0.2)):
        foot = h + 0.38 * size
        inward = 0.13 * size if u < 0.5 else -0.13 * size
        f.line(
            [(u, foot), (u, foot - size), (u + inward, foot - size)],
            0.022 * size + 0.003,
            (62, 66, 70),
        )
        f.ellipse(
            u + inward, foot - size + 0.015 * size, 0.045 * size, 0.03 * size, (255, 246, 190)
        )


def draw_beach(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a beach: sky, sea with waves, foam, sand, at times a palm."""
    h = scene.horizon
    _sky(f, scene, rng)
    shore = h + 0.23
    sea, sand = (40, 124, 168), (226, 200, 150)
    if scene.lighting == "dusk":
        sea = (112, 104, 146)
    bands(
        f, [(h, shore), (shore, 1)], ((dark(sea, 0.15), light(sea, 0.3)), (dark(sand, 0.12), sand))
    )
    for u, share in rng.random((26, 2)).tolist():
        v, wide = h + 0.012 + 0.2 * share**1.5, 0.03 + 0.09 * share
        f.line([(u - wide, v), (u, v - 0.006), (u + wide, v)], 0.006, light(sea, 0.55))
    x = np.linspace(0, 1, 17)
    y = shore + 0.012 * np.sin(9 * x + rng.uniform(0, 6))
    edge = list(zip(x.tolist(), y.tolist(), strict=True))
    f.line([(u, v + 0.018) for u, v in edge], 0.03, dark(sand, 0.22))
    f.line(edge, 0.024, (246, 250, 250))
    for u, v in rng.random((26, 2)).tolist():
        f.ellipse(u, shore + 0.05 + (0.95 - shore) * v, 0.008, 0.005, dark(sand, 0.24))
    if rng.random() < 0.45:
        u = 0.08 if rng.random() < 0.5 else 0.92
        lean = 0.12 if u < 0.5 else -0.12
        f.line([(u, shore + 0.12), (u + 0.3 * lean, 0.42), (u + lean, 0.2)], 0.034, (128, 94, 60))
        for du, dv in (
            (-0.2, 0.0),
            (-0.15, 0.12),
            (0.2, 0.02),
            (0.15, 0.13),
            (-0.08, -0.1),
            (0.1, -0.09),
        ):
            tip = (u + lean + du, 0.2 + dv)
            f.blob(
                [
                    (u + lean, 0.19),
                    (u + lean + du / 2, 0.14 + dv / 3),
                    tip,
                    (u + lean + du / 2, 0.2 + dv / 2),
                ],
                (56, 126, 62),
            )


def draw_forest(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a forest: trunks behind trunks, leaves above, a dark floor."""
    h = scene.horizon
    leaf = ((64, 110, 52), (52, 98, 62), (104, 116, 44))[int(rng.random() * 3)]
    bands(
        f,
        [(0, h), (h, 1)],
        ((dark(leaf, 0.3), light(leaf, 0.45)), (dark(leaf, 0.5), (112, 96, 58))),
    )
    bark = (86, 66, 50)
    for far, n in ((0.6, 9), (0.3, 6), (0.0, 4)):
        tone = mix(bark, light(leaf, 0.35), far)
        foot = h + 0.02 + 0.16 * (0.6 - far)
        for k in range(n):
            u = (k + rng.uniform(0.1, 0.9)) / n
            half = 0.012 + 0.022 * (1 - far) * rng.uniform(0.6, 1.2)
            f.polygon(
                [(u - half, 0), (u + half, 0), (u + 1.3 * half, foot), (u - 1.3 * half, foot)], tone
            )
            f.polygon(
                [
                    (u + 0.3 * half, 0),
                    (u + half, 0),
                    (u + 1.3 * half, foot),
                    (u + 0.4 * half, foot),
                ],
                dark(tone, 0.3),
            )
        for _ in range(6):
            u, v, r = rng.random(), rng.uniform(-0.03, 0.14), rng.uniform(0.06, 0.13)
            f.ellipse(u, v, r, 0.75 * r, mix(dark(leaf, 0.2), light(leaf, 0.3), rng.random()))
    _grass(f, h + 0.08, mix(leaf, (110, 96, 56), 0.4), rng, 70)
    for _ in range(5):
        u, r = rng.random(), rng.uniform(0.05, 0.09)
        f.ellipse(u, h + 0.1, r, 0.6 * r, dark(leaf, 0.1))


def draw_field(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a field: sky, hills, grass with flowers, a fence."""
    h = scene.horizon
    _sky(f, scene, rng)
    grass = ((104, 164, 62), (142, 160, 64), (196, 172, 84))[int(rng.random() * 3)]
    _ridge(f, h, 0.16, mix(grass, (130, 160, 190), 0.6), rng)
    _ridge(f, h, 0.08, mix(grass, (84, 120, 84), 0.5), rng)
    for _ in range(4):
        _tree(f, rng.random(), h + 0.01, rng.uniform(0.07, 0.12), (70, 112, 56))
    bands(f, [(h, 1)], ((light(grass, 0.16), dark(grass, 0.12)),))
    _grass(f, h, grass, rng, 90)
    petals = ((244, 232, 90), (240, 240, 240), (226, 96, 120))[int(rng.random() * 3)]
    for u, share in rng.random((16, 2)).tolist():
        v = h + 0.06 + (0.92 - h) * share**1.5
        f.ellipse(u, v, 0.006 + 0.007 * share, 0.005 + 0.006 * share, petals)
    if rng.random() < 0.5:
        for u in np.arange(0.02, 1.0, 0.12):
            f.rect(u, h - 0.03, u + 0.014, h + 0.06, (132, 106, 80))
        for v in (h - 0.012, h + 0.022):
            f.rect(0, v, 1, v + 0.01, (146, 118, 88))


def draw_snow(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw snow: mountains, firs, white ground."""
    h = scene.horizon
    _sky(f, scene, rng, pale=0.6)
    for _ in range(3):
        u, top, half = rng.random(), h - rng.uniform(0.16, 0.34), rng.uniform(0.22, 0.36)
        f.polygon([(u - half, h), (u, top), (u + half, h)], (140, 152, 176))
        f.polygon([(u, top), (u + half, h), (u + 0.2 * half, h)], (112, 124, 152))
        t = 0.42
        f.polygon(
            [
                (u, top),
                (u - t * half, top + t * (h - top)),
                (u - 0.12 * half, top + 0.3 * (h - top)),
                (u + 0.1 * half, top + 0.46 * (h - top)),
                (u + t * half, top + t * (h - top)),
            ],
            (246, 250, 254),
        )
    snow = (238, 244, 250)
    bands(f, [(h, 1)], ((dark(snow, 0.12), snow),))
    for _ in range(4):
        u, v = rng.random(), rng.uniform(h + 0.08, 0.95)
        f.ellipse(u, v, rng.uniform(0.15, 0.4), 0.018, (196, 210, 230))
    for k in range(7):
        u = (k + rng.uniform(0.0, 1.0)) / 7
        _fir(f, u, h + rng.uniform(0.01, 0.05), rng.uniform(0.14, 0.3), (56, 92, 78), True)
    if rng.random() < 0.5:
        for u, v in rng.random((45, 2)).tolist():
            f.ellipse(u, v, 0.007, 0.007, (255, 255, 255, 220))


DRAW: dict[str, Callable[[Frame, Scene, np.random.Generator], None]] = {
    "street": draw_street,
    "beach": draw_beach,
    "forest": draw_forest,
    "field": draw_field,
    "snow": draw_snow,
}
