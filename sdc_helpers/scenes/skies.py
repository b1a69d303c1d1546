"""The sky at each time, and gradients."""

from __future__ import annotations

from sdc_helpers.scenes.canvas import Colour, Frame, Points, mix

SKIES: dict[str, tuple[Colour, Colour]] = {  # above, at the horizon
    "day": ((88, 156, 226), (206, 230, 246)),
    "dusk": ((108, 94, 158), (255, 172, 104)),
    "night": ((34, 46, 104), (84, 96, 150)),
}


def bands(f: Frame, edges: Points, fill_pairs: tuple[tuple[Colour, Colour], ...]) -> None:
    """Fill horizontal bands (top, bottom) with gradients."""
    for (top, bottom), (upper, lower) in zip(edges, fill_pairs, strict=True):
        steps = 14
        height = (bottom - top) / steps
        for step in range(steps):
            v = top + step * height
            f.rect(0, v, 1, v + height + 0.01, mix(upper, lower, step / (steps - 1)))
