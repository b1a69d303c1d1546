"""People, their faces, hands and legs."""

from __future__ import annotations

import numpy as np

from sdc_helpers.scenes.canvas import (
    COLOURS,
    HAIR_COLOURS,
    SKINS,
    Colour,
    Frame,
    dark,
    light,
    mix,
)
from sdc_helpers.scenes.graph import SceneObject

_TROUSERS: tuple[Colour, ...] = ((44, 56, 96), (58, 56, 60), (120, 100, 78), (84, 48, 44))
_SHOES: tuple[Colour, ...] = ((34, 28, 30), (96, 56, 36), (226, 226, 226), (150, 34, 34))


def _of(choices: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return choices[int(rng.random() * len(choices))]


def _skin(item: SceneObject, rng: np.random.Generator) -> Colour:
    return _of(SKINS[:3] if item.hair in ("blond", "red") else SKINS, rng)


def draw_body(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a whole person."""
    shirt, hair, skin = COLOURS[item.colour], HAIR_COLOURS[item.hair], _skin(item, rng)
    trousers, shoes = _of(_TROUSERS, rng), _of(_SHOES, rng)
    child, female = item.kind in ("boy", "girl"), item.kind in ("woman", "girl")
    head = 0.115 if child else 0.088
    shoulder = 2 * head + 0.045
    half = 0.125 if child or not female else 0.108
    hip = 0.60 if child else 0.55
    stride = 0.11 if item.pose == "walking" else 0.05
    f.shadow(0.2, 0.03)
    skirt = female and rng.random() < 0.55
    shorts = child and not skirt
    for side in (-1, 1):
        knee = (side * (0.055 + 0.4 * (stride - 0.05)), (hip + 0.98) / 2)
        foot = (side * (stride + 0.012), 0.965)
        cloth = mix(trousers, dark(trousers), 0.5 if side < 0 else 0.0)
        f.limb([(side * 0.052, hip), knee, foot], 0.088, skin if skirt or shorts else cloth)
        if shorts:
            f.limb([(side * 0.055, hip), knee], 0.108, cloth)
        f.ellipse(foot[0] + 0.022, 0.972, 0.055, 0.026, shoes)
    if skirt:
        f.polygon(
            [(-0.085, hip - 0.1), (0.085, hip - 0.1), (0.15, hip + 0.19), (-0.15, hip + 0.19)],
            trousers,
        )
    _arms(f, item, half, shoulder, hip, shirt, skin)
    torso = [
        (-half + 0.03, shoulder - 0.01),
        (half - 0.03, shoulder - 0.01),
        (half + 0.01, shoulder + 0.07),
        (half - 0.025, hip - 0.09),
        (half - 0.01, hip + 0.015),
        (-half + 0.01, hip + 0.015),
        (-half + 0.025, hip - 0.09),
        (-half - 0.01, shoulder + 0.07),
    ]
    f.blob(torso, shirt)
    f.polygon(
        [(0.03, shoulder), (half, shoulder + 0.04), (half - 0.01, hip), (0.02, hip)],
        (*dark(shirt, 0.8), 62),
    )
    f.rect(-0.03, 2 * head - 0.01, 0.03, shoulder + 0.015, dark(skin, 0.15))
    _small_head(f, item, head, hair, skin, shoulder)


def _arms(
    f: Frame,
    item: SceneObject,
    half: float,
    shoulder: float,
    hip: float,
    shirt: Colour,
    skin: Colour,
) -> None:
    sleeve = dark(shirt, 0.18)
    for side in (-1, 1):
        start = (side * (half - 0.012), shoulder + 0.035)
        if item.pose == "waving" and side == 1:
            elbow, hand = (half + 0.075, shoulder + 0.06), (half + 0.055, shoulder - 0.15)
        else:
            swing = 0.05 if item.pose == "walking" else 0.0
            elbow = (side * (half + 0.035 + swing / 2), (shoulder + hip) / 2)
            hand = (side * (half + 0.02 + swing), hip + 0.02)
        f.limb([elbow, hand], 0.05, skin)
        f.limb([start, elbow], 0.066, sleeve)
        f.ellipse(*hand, 0.031, 0.034, skin)


def _small_head(
    f: Frame, item: SceneObject, head: float, hair: Colour, skin: Colour, shoulder: float
) -> None:
    long_hair = item.kind in ("woman", "girl")
    v = head + 0.012
    if long_hair:
        f.ellipse(0, v + 0.35 * head, 1.04 * head, 1.3 * head, hair)
        if item.facing == "front":
            f.rect(-0.45 * head, v + 0.8 * head, 0.45 * head, shoulder + 0.02, dark(skin, 0.12))
    f.ellipse(0, v - 0.1 * head, 0.94 * head, head, hair)
    if item.facing == "back":
        if not long_hair:
            f.ellipse(0, v + 0.62 * head, 0.66 * head, 0.42 * head, skin)
            f.ellipse(0, v - 0.02 * head, 0.88 * head, 0.8 * head, hair)
        return
    f.ellipse(0, v + 0.16 * head, 0.8 * head, 0.94 * head, skin)
    f.ellipse(0, v - 0.72 * head, 0.74 * head, 0.42 * head, hair)
    for side in (-1, 1):
        f.ellipse(side * 0.3 * head, v + 0.12 * head, 0.11 * head, 0.13 * head, (34, 24, 22))
    f.ellipse(0, v + 0.62 * head, 0.24 * head, 0.09 * head, mix(skin, (190, 40, 46), 0.55))


def draw_face(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a face from near, with shoulders."""
    shirt, hair, skin = COLOURS[item.colour], HAIR_COLOURS[item.hair], _skin(item, rng)
    child, female = item.kind in ("boy", "girl"), item.kind in ("woman", "girl")
    rx, ry = (0.275, 0.315) if child else ((0.245, 0.32) if female else (0.26, 0.33))
    mid = 0.415
    f.blob(
        [(-0.47, 1.06), (-0.42, 0.87), (-0.16, 0.79), (0.16, 0.79), (0.42, 0.87), (0.47, 1.06)],
        shirt,
    )
    f.polygon([(0.1, 0.82), (0.4, 0.88), (0.46, 1.02), (0.12, 1.02)], (*dark(shirt, 0.7), 60))
    if female:
        length = rng.uniform(0.74, 0.92)
        f.blob(
            [
                (-0.3, 0.24),
                (0, 0.02),
                (0.3, 0.24),
                (0.35, length),
                (0.2, length + 0.03),
                (-0.2, length + 0.03),
                (-0.35, length),
            ],
            dark(hair, 0.15),
        )
    f.polygon([(-0.1, 0.6), (0.1, 0.6), (0.13, 0.83), (0, 0.9), (-0.13, 0.83)], dark(skin, 0.24))
    for side in (-1, 1):
        f.ellipse(side * rx, mid + 0.03, 0.045, 0.07, dark(skin, 0.15))
    f.ellipse(0, mid - 0.09, rx + 0.03, ry - 0.02, hair)
    f.ellipse(0, mid, rx, ry, dark(skin, 0.16))
    f.ellipse(-0.018, mid - 0.006, rx - 0.02, ry - 0.012, skin)
    f.ellipse(-0.05, mid - 0.16, 0.11, 0.06, light(skin, 0.2))
    for side in (-1, 1):
        f.ellipse(side * 0.14, mid + 0.1, 0.06, 0.045, (226, 96, 84, 60))
    _features(f, mid, skin, hair, child, female, rng)
    _hairstyle(f, mid, rx, ry, hair, item.kind, rng)


def _features(
    f: Frame,
    mid: float,
    skin: Colour,
    hair: Colour,
    child: bool,
    female: bool,
    rng: np.random.Generator,
) -> None:
    iris = _of(((70, 46, 26), (52, 96, 60), (60, 100, 160)), rng)
    size = 0.058 if child else 0.05
    eye_v = mid + (0.02 if child else -0.01)
    for side in (-1, 1):
        u = side * 0.112
        f.ellipse(u, eye_v - 0.004, size * 1.16, size * 0.86, dark(skin, 0.45))
        f.ellipse(u, eye_v + 0.004, size * 1.06, size * 0.68, (248, 248, 246))
        f.ellipse(u, eye_v + 0.002, size * 0.6, size * 0.66, iris)
        f.ellipse(u, eye_v + 0.002, size * 0.32, size * 0.36, (12, 10, 12))
        brow = dark(hair, 0.35)
        f.line(
            [(u - 0.062, eye_v - 0.07), (u, eye_v - 0.088), (u + 0.062, eye_v - 0.07)], 0.022, brow
        )
    shade = dark(skin, 0.34)
    f.line([(0.018, eye_v + 0.03), (0.036, mid + 0.1), (-0.02, mid + 0.112)], 0.02, shade)
    lips = (188, 52, 60) if female else mix(skin, (150, 50, 50), 0.6)
    mouth = mid + 0.19
    if rng.random() < 0.6:  # a smile that shows teeth
        f.blob(
            [(-0.1, mouth - 0.012), (0, mouth + 0.006), (0.1, mouth - 0.012), (0, mouth + 0.062)],
            lips,
        )
        f.polygon(
            [(-0.066, mouth + 0.004), (0.066, mouth + 0.004), (0, mouth + 0.034)], (246, 244, 240)
        )
    else:
        f.ellipse(0, mouth + 0.01, 0.075, 0.024, lips)
        f.line([(-0.07, mouth + 0.008), (0.07, mouth + 0.008)], 0.01, dark(lips, 0.4))


def _hairstyle(
    f: Frame, mid: float, rx: float, ry: float, hair: Colour, kind: str, rng: np.random.Generator
) -> None:
    top = mid - ry
    line = top + rng.uniform(0.11, 0.17)
    part = rng.uniform(-0.12, 0.12)
    f.blob(
        [
            (-rx - 0.03, mid - 0.05),
            (-rx + 0.0, top + 0.06),
            (0, top - 0.055),
            (rx + 0.0, top + 0.06),
            (rx + 0.03, mid - 0.05),
            (rx - 0.05, line + 0.03),
            (part, line),
            (-rx + 0.05, line + 0.03),
        ],
        hair,
    )
    f.line([(-0.14, top + 0.03), (-0.02, top - 0.01), (0.08, top)], 0.025, light(hair, 0.25))
    if kind in ("woman", "girl"):
        for side in (-1, 1):
            f.blob(
                [
                    (side * (rx - 0.02), line),
                    (side * (rx + 0.07), mid - 0.04),
                    (side * (rx + 0.09), mid + 0.32),
                    (side * (rx - 0.01), mid + 0.3),
                ],
                hair,
            )
    elif kind == "man" and rng.random() < 0.4:
        f.blob(
            [
                (-rx + 0.01, mid + 0.06),
                (-0.12, mid + 0.14),
                (0, mid + 0.135),
                (0.12, mid + 0.14),
                (rx - 0.01, mid + 0.06),
                (0.17, mid + 0.27),
                (0, mid + 0.36),
                (-0.17, mid + 0.27),
            ],
            hair,
        )
        f.ellipse(0, mid + 0.2, 0.08, 0.022, (182, 84, 80))


def draw_hand(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw an open hand that reaches up, with its sleeve."""
    skin, sleeve = _of(SKINS, rng), COLOURS[item.colour]
    edge = dark(skin, 0.36)
    f.polygon([(-0.13, 0.7), (0.13, 0.7), (0.14, 1.02), (-0.14, 1.02)], dark(skin, 0.14))
    f.polygon([(-0.19, 0.88), (0.19, 0.88), (0.23, 1.04), (-0.23, 1.04)], sleeve)
    f.rect(-0.2, 0.86, 0.2, 0.9, light(sleeve, 0.25))
    spread = rng.uniform(0.8, 1.25)
    fingers = ((-0.155, 0.50, 0.115), (-0.055, 0.46, 0.05), (0.05, 0.46, 0.06), (0.145, 0.5, 0.2))
    for number, (u, v, tip) in enumerate(fingers):
        end = (u + spread * (u * 0.5), tip + 0.03)
        f.limb([(u, v + 0.06), end], 0.104, edge)
        f.limb([(u - 0.006, v + 0.06), (end[0] - 0.006, end[1] + 0.004)], 0.082, skin)
        f.ellipse(end[0] - 0.006, end[1] - 0.012, 0.026, 0.024, light(skin, 0.4))
        if number:
            f.line([(u - 0.05, v + 0.02), (u - 0.05, v + 0.1)], 0.012, edge)
    f.limb([(0.13, 0.72), (0.25, 0.55), (0.3, 0.43)], 0.118, edge)
    f.limb([(0.13, 0.72), (0.245, 0.55), (0.293, 0.435)], 0.094, skin)
    palm = [(-0.21, 0.52), (0, 0.47), (0.2, 0.52), (0.2, 0.68), (0.12, 0.8), (-0.12, 0.8)]
    f.body([*palm, (-0.2, 0.68)], skin, 0.04)
    f.line([(0.14, 0.58), (0.02, 0.64), (-0.02, 0.76)], 0.016, edge)
    f.line([(-0.15, 0.6), (0.0, 0.6), (0.1, 0.56)], 0.012, edge)


def draw_leg(f: Frame, item: SceneObject, rng: np.random.Generator) -> None:
    """Draw a pair of legs, cut off by the upper edge of the picture."""
    skin, cloth, shoe = _of(SKINS, rng), COLOURS[item.colour], _of(_SHOES, rng)
    cut = rng.choice((0.34, 0.5, 0.86), p=(0.45, 0.1, 0.45))
    f.shadow(0.25, 0.03)
    for side in (-1, 1):
        tone = dark(cloth, 0.0 if side < 0 else 0.22)
        flesh = dark(skin, 0.0 if side < 0 else 0.12)
        s = side * 0.105
        outline = [(s - 0.1, -0.05), (s + 0.1, -0.05), (s + 0.085, 0.3), (s + 0.062, 0.47)]
        outline += [(s + 0.078, 0.62), (s + 0.046, 0.93), (s - 0.046, 0.93), (s - 0.075, 0.62)]
        outline += [(s - 0.062, 0.47), (s - 0.085, 0.3)]
        f.blob(outline, dark(flesh, 0.25))
        f.blob([(u - 0.014 if u > s else u, v) for u, v in outline], flesh)
        f.ellipse(s - 0.01, 0.475, 0.034, 0.03, light(flesh, 0.16))
        wide = 0.12 if cut < 0.6 else 0.075
        f.polygon([(s - 0.112, -0.05), (s + 0.112, -0.05), (s + wide, cut), (s - wide, cut)], tone)
        f.polygon(
            [(s + 0.05, 0.0), (s + 0.112, -0.05), (s + wide, cut), (s + wide - 0.05, cut)],
            (*dark(cloth, 0.8), 70),
        )
        f.blob(
            [
                (s - 0.06, 0.91),
                (s + 0.05, 0.91),
                (s + 0.085 + side * 0.03, 0.975),
                (s + side * 0.03, 1.0),
                (s - 0.085 + side * 0.03, 0.975),
            ],
            shoe,
        )
        f.line(
            [(s - 0.07 + side * 0.03, 0.995), (s + 0.08 + side * 0.03, 0.995)], 0.014, (20, 18, 20)
        )
