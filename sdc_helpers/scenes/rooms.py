"""Indoor places: walls, windows and what stands before them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdc_helpers.scenes.canvas import Frame, dark, light
from sdc_helpers.scenes.graph import Scene
from sdc_helpers.scenes.skies import SKIES, bands


def draw_kitchen(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a kitchen: tiles, cupboards, a stove, a window."""
    h = scene.horizon
    wall = ((232, 222, 196), (206, 224, 220), (236, 236, 230))[int(rng.random() * 3)]
    wood = ((196, 154, 104), (236, 232, 222), (128, 158, 150))[int(rng.random() * 3)]
    floor = (172, 138, 106)
    bands(f, [(0, h), (h, 1)], ((light(wall, 0.2), wall), (dark(floor, 0.2), floor)))
    for k in range(1, 12):
        f.line([(k / 11.5, 0.2), (k / 11.5, h - 0.2)], 0.006, dark(wall, 0.1))
    for v in np.arange(0.22, h - 0.2, 0.065):
        f.line([(0, v), (1, v)], 0.006, dark(wall, 0.1))
    split = rng.uniform(0.3, 0.7)
    _window(f, scene, split - 0.13, 0.06, split + 0.13, 0.32)
    for left, right in ((-0.02, split - 0.17), (split + 0.17, 1.02)):
        n = max(1, round((right - left) / 0.17))
        for k in range(n):
            u, w = left + (right - left) * k / n, (right - left) / n
            f.rect(u, 0.0, u + w, 0.25, dark(wood, 0.3))
            f.rect(u + 0.008, 0.0, u + w - 0.008, 0.235, wood)
            f.rect(u + 0.8 * w, 0.16, u + 0.8 * w + 0.012, 0.21, (120, 120, 124))
    counter = h - 0.18
    f.rect(0, counter, 1, h + 0.05, dark(wood, 0.18))
    for k in range(6):
        f.rect(k / 6 + 0.01, counter + 0.06, (k + 1) / 6 - 0.01, h + 0.03, wood)
        f.rect(k / 6 + 0.06, counter + 0.075, k / 6 + 0.11, counter + 0.085, (110, 110, 114))
    f.rect(0, counter, 1, counter + 0.04, (104, 98, 96))
    f.rect(0, counter, 1, counter + 0.012, (170, 166, 162))
    u = rng.uniform(0.1, 0.75)
    f.rect(u, counter + 0.03, u + 0.17, h + 0.05, (66, 68, 74))
    f.rect(u + 0.02, counter + 0.1, u + 0.15, h + 0.02, (28, 28, 32))
    f.rect(u + 0.04, counter - 0.055, u + 0.13, counter, (150, 154, 162))
    f.line([(u + 0.13, counter - 0.045), (u + 0.19, counter - 0.05)], 0.014, (40, 40, 44))


def _window(f: Frame, scene: Scene, u0: float, v0: float, u1: float, v1: float) -> None:
    above, below = SKIES[scene.lighting]
    f.rect(u0 - 0.014, v0 - 0.014, u1 + 0.014, v1 + 0.014, (250, 250, 246))
    shade = 0.55 if scene.lighting == "night" else 0.0
    f.rect(u0, v0, u1, v1, dark(above, shade))
    f.rect(u0, (v0 + v1) / 2, u1, v1, dark(below, shade))
    f.line([((u0 + u1) / 2, v0), ((u0 + u1) / 2, v1)], 0.012, (250, 250, 246))
    f.line([(u0, (v0 + v1) / 2), (u1, (v0 + v1) / 2)], 0.012, (250, 250, 246))


def draw_office(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw an office: shelves of folders, a window with blinds, ceiling lights."""
    h = scene.horizon
    wall, floor = (206, 212, 218), (98, 106, 122)
    bands(f, [(0, h), (h, 1)], ((dark(wall, 0.05), wall), (dark(floor, 0.2), floor)))
    f.polygon([(0, 0), (1, 0), (0.86, 0.09), (0.14, 0.09)], (236, 238, 238))
    for u in (0.3, 0.6):
        f.polygon(
            [(u - 0.02, 0.02), (u + 0.13, 0.02), (u + 0.11, 0.06), (u, 0.06)], (255, 255, 244)
        )
    left = rng.random() < 0.5
    u0 = 0.05 if left else 0.57
    _window(f, scene, u0, 0.15, u0 + 0.38, 0.45)
    for v in np.arange(0.15, 0.34, 0.03):
        f.rect(u0, v, u0 + 0.38, v + 0.012, (238, 236, 226))
    u0 = 0.58 if left else 0.04
    f.rect(u0, 0.15, u0 + 0.37, h + 0.01, (120, 92, 70))
    for v in (0.18, 0.32, 0.46):
        f.rect(u0 + 0.02, v, u0 + 0.35, v + 0.115, (66, 52, 44))
        u = u0 + 0.025
        while u < u0 + 0.31:
            wide = rng.uniform(0.022, 0.04)
            tone = ((176, 52, 46), (52, 82, 140), (66, 122, 88), (210, 190, 120), (70, 70, 76))
            f.rect(
                u,
                v + rng.uniform(0.01, 0.035),
                u + wide - 0.006,
                v + 0.113,
                tone[int(rng.random() * 5)],
            )
            u += wide
    u = 0.22 if left else 0.66
    f.rect(u - 0.1, h - 0.1, u + 0.14, h - 0.08, (84, 86, 94))
    f.rect(u + 0.01, h - 0.08, u + 0.03, h + 0.05, (60, 62, 68))
    f.rect(u - 0.07, h - 0.25, u + 0.1, h - 0.1, (60, 66, 84))
    f.rect(0, h - 0.012, 1, h + 0.006, (150, 154, 160))


def draw_room(f: Frame, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a living room: wallpaper, curtains, a lamp, a carpet on a wooden floor."""
    h = scene.horizon
    wall = ((214, 186, 160), (176, 192, 170), (198, 176, 190), (222, 206, 164))[
        int(rng.random() * 4)
    ]
    wood, cloth = (
        (150, 98, 58),
        ((150, 52, 50), (60, 88, 120), (188, 150, 84))[int(rng.random() * 3)],
    )
    bands(f, [(0, h), (h, 1)], ((light(wall, 0.12), wall), (dark(wood, 0.25), light(wood, 0.06))))
    for u in np.arange(-0.6, 1.7, 0.14):
        f.line([(0.5 + (u - 0.5) * 0.7, h), (u, 1.0)], 0.007, dark(wood, 0.35))
    for k in range(12):
        f.line([(k / 11, 0), (k / 11, h)], 0.012, light(wall, 0.14))
    f.rect(0, h - 0.03, 1, h, light(wall, 0.6))
    left = rng.random() < 0.5
    u0 = 0.12 if left else 0.58
    _window(f, scene, u0, 0.1, u0 + 0.3, 0.45)
    f.rect(u0 - 0.1, 0.05, u0 + 0.4, 0.075, (110, 80, 54))
    for u in (u0 - 0.08, u0 + 0.28):
        f.rect(u, 0.07, u + 0.1, 0.54, cloth)
        for du in (0.02, 0.055, 0.085):
            f.line([(u + du, 0.08), (u + du, 0.54)], 0.01, dark(cloth, 0.3))
    u0 = 0.62 if left else 0.1
    f.rect(u0 + 0.02, 0.13, u0 + 0.26, 0.33, (104, 76, 48))
    f.rect(u0 + 0.04, 0.15, u0 + 0.24, 0.31, (150, 186, 200))
    f.polygon(
        [(u0 + 0.04, 0.31), (u0 + 0.12, 0.21), (u0 + 0.17, 0.25), (u0 + 0.24, 0.31)], (96, 130, 90)
    )
    u = 0.93 if left else 0.06
    f.line([(u, 0.36), (u, h + 0.04)], 0.014, (80, 66, 54))
    f.polygon(
        [(u - 0.045, 0.26), (u + 0.045, 0.26), (u + 0.075, 0.38), (u - 0.075, 0.38)],
        (255, 234, 172),
    )
    f.ellipse(0.5, 0.5 * (h + 1.06), 0.44, 0.14, cloth)
    f.ellipse(0.5, 0.5 * (h + 1.06), 0.38, 0.11, light(cloth, 0.22))


DRAW: dict[str, Callable[[Frame, Scene, np.random.Generator], None]] = {
    "kitchen": draw_kitchen,
    "office": draw_office,
    "room": draw_room,
}
