"""Where the things of a scene stand: near or far, beside each other, on a table."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from sdc_helpers.scenes.graph import (
    SceneObject,
    group_height,
    group_width,
    visible_shares,
)
from sdc_helpers.scenes.kinds import INDOOR, KINDS

_FAR_SCALE = {
    **{"face": 0.48, "hand": 0.60, "word": 0.55, "food_round": 0.55, "food_long": 0.60},
    "furniture": 0.62,
}
_NEAR_FOOT = {
    "building": (0.72, 0.80),
    "vehicle": (0.82, 0.92),
    "animal": (0.87, 0.96),
    "leg": (0.93, 0.99),
    "face": (1.02, 1.06),
    "hand": (1.02, 1.04),
}
_MIN_VISIBLE = 0.5  # of a group
_MIN_VISIBLE_EACH = 0.16
_MIN_VISIBLE_SUPPORT = 0.15


@dataclass(eq=False)
class Draft:
    """An object that has not found its place yet; `support` is what it relates to."""

    category: str
    kind: str
    colour: str
    count: int
    distance: str
    relation: str = ""
    support: Draft | None = None
    pose: str = ""
    facing: str = ""
    hair: str = ""
    text: str = ""
    style: int = 0
    x: float = 0.5
    y: float = 0.9
    size: float = 0.5
    depth: float = 0.0

    @property
    def width(self) -> float:
        """Width of the group."""
        return group_width(self.category, self.kind, self.count, self.size)

    @property
    def height(self) -> float:
        """Height of the group."""
        return group_height(self.category, self.count, self.size)

    def freeze(self) -> SceneObject:
        """Return the object, without its relation."""
        names = {field.name for field in fields(SceneObject)} - {"relation", "relative_to"}
        return SceneObject(**{name: getattr(self, name) for name in names})

    def thin_out(self, width: float) -> None:
        """Leave some out rather than shrink a group to less than 0.7 of its size."""
        while self.count > 1 and 0.7 * self.width > width:
            self.count -= 1

    def fit(self, width: float, height: float = 1.0) -> None:
        """Shrink until the group is no larger than this."""
        if self.category != "leg":  # legs reach the upper edge
            self.size *= min(1.0, width / self.width, height / self.height)


def arrange(
    drafts: list[Draft], place: str, horizon: float, rng: np.random.Generator
) -> tuple[SceneObject, ...]:
    """Give every object its place, and leave out what would hardly be seen.

    Parameters
    ----------
    drafts : list of Draft
        Objects; changed in place.
    place : str
        Place of the scene, one of `PLACES`.
    horizon : float
        Height at which the ground begins, 0-1 from the top.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    tuple of SceneObject
        Objects in the order in which they are painted.
    """
    roots = [draft for draft in drafts if draft.support is None]
    for root in roots:
        _stand(root, place, horizon, rng)
    for distance, room in (("near", 1.15), ("far", 0.9)):
        here = [root for root in roots if root.distance == distance]
        for root in here:
            root.fit(min(0.96, room / len(here)) if len(here) > 1 else 0.96)
    placed: list[tuple[float, float, float, float]] = []
    for root in sorted(roots, key=lambda draft: (draft.distance == "far", -draft.width)):
        followers = [draft for draft in drafts if draft.support is root]
        beside = next((draft for draft in followers if draft.relation == "beside"), None)
        span = _side_by_side(root, beside, rng) if beside else root.width
        middle = _free_spot(span, root, placed, rng)
        shift = (root.x if beside else 0.5) - 0.5
        root.x = middle + shift
        if beside:
            beside.x += middle - 0.5
        placed.append(
            (middle - span / 2, root.y - root.height, middle + span / 2, min(1.0, root.y))
        )
        _attach(root, [draft for draft in followers if draft is not beside], rng)
    return _freeze(sorted(drafts, key=lambda draft: draft.depth))


def _stand(draft: Draft, place: str, horizon: float, rng: np.random.Generator) -> None:
    """Choose height and foot of a thing that stands by itself."""
    kind = KINDS[draft.category][draft.kind]
    near = draft.distance == "near"
    scale = 1.0 if near else _FAR_SCALE.get(draft.category, 0.52 if place in INDOOR else 0.45)
    draft.size = kind.height * scale * rng.uniform(0.9, 1.06)
    low, high = _NEAR_FOOT.get(draft.category, (0.90, 0.98))
    if draft.category in ("face", "hand"):
        draft.y = rng.uniform(low, high)
    elif draft.kind in ("poster", "banner"):
        draft.y = rng.uniform(0.40, 0.52) if near else rng.uniform(0.30, 0.44)
    elif draft.pose == "flying":
        draft.y = rng.uniform(0.22, 0.42)
    elif near:
        draft.y = rng.uniform(low, high)
    else:
        sea = 0.19 if place == "beach" else 0.0
        low, high = (0.02, 0.05) if draft.category == "building" and not sea else (0.07, 0.17)
        draft.y = horizon + sea + rng.uniform(low, high)
    if draft.kind == "boat" and place == "beach":
        draft.y = horizon + (rng.uniform(0.17, 0.22) if near else rng.uniform(0.03, 0.08))
    if draft.category == "leg":
        draft.size = draft.y + 0.02  # cut off by the upper edge
    draft.fit(0.96, max(draft.y - 0.03, 0.1))
    draft.depth = -1.0 if draft.kind in ("poster", "banner") else draft.y
    if draft.category in ("face", "hand"):
        draft.depth = draft.y + (1.0 if near else 0.5)


def _side_by_side(root: Draft, other: Draft, rng: np.random.Generator) -> float:
    """Put `other` beside `root`, both around the middle; return the width of the two."""
    other.size = root.size * KINDS[other.category][other.kind].height
    other.size /= KINDS[root.category][root.kind].height
    gap = 0.05 if root.distance == "near" else 0.03
    shrink = min(1.0, 0.96 / (root.width + other.width + gap))
    root.size *= shrink
    other.size *= shrink
    other.y = root.y
    other.depth = root.depth + 1e-3
    span = root.width + other.width + gap
    side = 1 if rng.random() < 0.5 else -1
    root.x = 0.5 - side * (span - root.width) / 2
    other.x = 0.5 + side * (span - other.width) / 2
    return span


def _free_spot(
    span: float,
    root: Draft,
    placed: list[tuple[float, float, float, float]],
    rng: np.random.Generator,
) -> float:
    """Return the middle at which a thing of width `span` covers least of what is there."""
    margin = min(span / 2 + 0.01, 0.5)
    top, bottom = root.y - root.height, min(root.y, 1.0)

    def covered(middle: float) -> float:
        left, right = middle - span / 2, middle + span / 2
        total = 0.0
        for other_left, other_top, other_right, other_bottom in placed:
            wide = min(right, other_right) - max(left, other_left)
            high = min(bottom, other_bottom) - max(top, other_top)
            if wide > 0 and high > 0:
                smaller = min(span, other_right - other_left)
                total += wide * high / max(smaller, 0.05)
        return total

    candidates = rng.uniform(margin, 1 - margin, size=7 if placed else 1).tolist()
    if placed:
        candidates += [margin, 1 - margin]
    return min(candidates, key=covered)


def _attach(root: Draft, followers: list[Draft], rng: np.random.Generator) -> None:
    """Put things on, under or in front of what they relate to."""
    on = [draft for draft in followers if draft.relation == "on"]
    for slot, draft in enumerate(on):
        _put_on(root, draft, slot, len(on), rng)
    for draft in followers:
        kind = KINDS[draft.category][draft.kind]
        if draft.relation == "under":
            draft.size = root.size * min(0.66, kind.height / KINDS[root.category][root.kind].height)
            draft.thin_out(0.62 * root.width)
            draft.fit(0.62 * root.width, 0.68 * root.size)
            draft.x = root.x + rng.uniform(-0.08, 0.08) * root.width
            draft.y = root.y - 0.01 * root.size
            draft.depth = root.depth - 1e-3
        elif draft.relation == "in front of":
            draft.size = kind.height / KINDS[root.category][root.kind].height * root.size
            draft.thin_out(0.60 * root.width)
            draft.fit(0.60 * root.width, 0.86 * root.size)
            side = 1 if root.x < 0.5 else -1
            draft.x = root.x + side * rng.uniform(0.16, 0.30) * root.width
            draft.x = min(max(draft.x, draft.width / 2), 1 - draft.width / 2)
            draft.y = min(root.y + rng.uniform(0.14, 0.24) * root.size, 0.99)
            draft.depth = draft.y


def _put_on(root: Draft, draft: Draft, slot: int, n_slots: int, rng: np.random.Generator) -> None:
    """Put a thing on another, in one of several slots from left to right."""
    base, kind = KINDS[root.category][root.kind], KINDS[draft.category][draft.kind]
    if draft.kind == "banner":  # hangs on the front of a building
        draft.size = root.size * 0.27
        draft.fit(0.7 * root.width)
        draft.x, draft.y = root.x, root.y - 0.36 * root.size
    else:
        draft.size = kind.height / base.height * root.size
        draft.thin_out(0.92 * root.width / n_slots)
        draft.fit(0.92 * root.width / n_slots)
        surface = root.y - root.size * (1 - base.surface)
        draft.fit(1.0, max(surface - 0.03, 0.1))
        middle = (slot + 0.5) / n_slots - 0.5
        spare = max(0.0, 0.9 * root.width / n_slots - draft.width) / 2
        draft.x = root.x + middle * 0.92 * root.width + rng.uniform(-spare, spare)
        draft.y = surface + 0.02 * root.size
    draft.depth = root.depth + 1e-3 * (slot + 1)


def _freeze(drafts: list[Draft]) -> tuple[SceneObject, ...]:
    """Turn drafts in painting order into objects, dropping what is hardly visible."""
    while True:
        objects = tuple(_numbered(draft, drafts) for draft in drafts)
        shares = visible_shares(objects)
        hidden = [d for d, seen in zip(drafts, shares, strict=True) if _is_hidden(d, seen)]
        if not hidden:
            return objects
        hidden = hidden[:1]
        hidden += [draft for draft in drafts if draft.support in hidden]
        kept = [draft for draft in drafts if not any(draft is other for other in hidden)]
        if not any(draft.category != "furniture" for draft in kept):
            return objects
        drafts = kept


def _is_hidden(draft: Draft, seen: list[float]) -> bool:
    if draft.category == "furniture":
        return min(seen) < _MIN_VISIBLE_SUPPORT
    return min(seen) < _MIN_VISIBLE_EACH or sum(seen) < _MIN_VISIBLE * len(seen)


def _numbered(draft: Draft, drafts: list[Draft]) -> SceneObject:
    item = draft.freeze()
    if draft.support is None:
        return item
    return replace(item, relation=draft.relation, relative_to=drafts.index(draft.support))
