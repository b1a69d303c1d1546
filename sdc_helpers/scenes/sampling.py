"""Scenes from a seed, with the uneven co-occurrence of life."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.scenes.graph import Scene, SceneObject
from sdc_helpers.scenes.kinds import (
    CATEGORIES,
    CATEGORY_BY_PLACE,
    COLD,
    EXCEPTION_RATE,
    FOOD,
    HAIR,
    INDOOR,
    KIND_BY_PLACE,
    KINDS,
    LIGHTING,
    PLACES,
    TEXTS,
    WARM,
    WARM_FOOD_RATE,
)
from sdc_helpers.scenes.layout import Draft, arrange

T = TypeVar("T")

_N_THINGS = {1: 16.0, 2: 15.0, 3: 15.0, 4: 14.0, 5: 12.0, 6: 10.0, 7: 9.0, 8: 9.0}
_N_GROUPS = {1: 28.0, 2: 36.0, 3: 24.0, 4: 12.0}
_MOST = {"leg": 2, "hand": 4, "building": 4, "vehicle": 5, "word": 3}
_NEAR_RATE = {
    **{"face": 0.75, "body": 0.45, "hand": 0.72, "leg": 1.0, "food_round": 0.65},
    **{"food_long": 0.65, "animal": 0.5, "vehicle": 0.45, "building": 0.3, "word": 0.5},
}
_USUAL_ORIENTATION = {  # degrees from horizontal, 0 where none is usual
    **{"kitchen": 0.0, "office": 90.0, "room": 90.0, "street": 0.0},
    **{"beach": 0.0, "forest": 90.0, "field": 60.0, "snow": 150.0},
}
_SUPPORTED = ("cat", "bird", "dog", "fish", "book", "screen")
_IN_FRONT = ("body", "vehicle", "animal")


def generate_scenes(n: int, seed: int = 0, start: int = 0) -> list[Scene]:
    """Generate scenes number ``start`` to ``start + n - 1`` of an endless series.

    Scene i is a function of `seed` and i alone, whichever part of the series is asked for.

    Parameters
    ----------
    n : int
        Number of scenes, 0 or more.
    seed : int, default=0
        Number of the series, 0 or more.
    start : int, default=0
        Index of the first scene in the series, 0 or more.

    Returns
    -------
    list of Scene
        `n` scenes.

    Raises
    ------
    ValueError
        If an argument is not an integer of 0 or more.

    See Also
    --------
    sdc_helpers.scenes.render : Pictures of the scenes.
    sdc_helpers.scenes.captions : Sentences about them.
    sdc_helpers.scenes.factors : Numbers that describe them.

    Examples
    --------
    >>> from sdc_helpers.scenes import generate_scenes
    >>> [scene.place for scene in generate_scenes(2, seed=1)]
    ['forest', 'street']
    >>> generate_scenes(1, seed=1, start=1) == generate_scenes(2, seed=1)[1:]
    True
    """
    n, seed, start = (
        check_count(name, value) for name, value in (("n", n), ("seed", seed), ("start", start))
    )
    return [_sample(seed, index) for index in range(start, start + n)]


def pick(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    """Return a key of `weights`, with probability proportional to its value."""
    rest = rng.random() * sum(weights.values())
    for key, weight in weights.items():
        rest -= weight
        if rest < 0:
            return key
    return key


def _sample(seed: int, index: int) -> Scene:
    rng = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(index,)))
    place = pick(rng, PLACES)
    setting = sample_setting(rng, seed, index, place)
    drafts = _furnish(rng, _things(rng, place), place)
    _hang_banner(rng, drafts)
    _relate(rng, drafts)
    _pose(rng, drafts, place)
    return replace(setting, objects=arrange(drafts, place, setting.horizon, rng))


def sample_setting(rng: np.random.Generator, seed: int, index: int, place: str) -> Scene:
    """Return a scene at a place, with nothing in it yet."""
    horizon = rng.uniform(0.64, 0.72) if place in INDOOR else rng.uniform(0.42, 0.54)
    orientation, strength = _orientation(rng, place)
    return Scene(
        seed=seed,
        index=index,
        place=place,
        lighting=pick(rng, LIGHTING),
        horizon=float(horizon),
        orientation=orientation,
        orientation_strength=strength,
        objects=(),
        style=int(rng.integers(2**31)),
    )


def sample_thing(rng: np.random.Generator, category: str, place: str) -> SceneObject:
    """Return one thing of a category, near and by itself, that may be found at a place."""
    draft = _thing(rng, category, place)
    draft.distance = "near"
    _pose(rng, [draft], place)
    if draft.pose == "flying":
        draft.pose = "standing"
    return draft.freeze()


def _orientation(rng: np.random.Generator, place: str) -> tuple[float, float]:
    """Half of all pictures keep the usual orientation of their place, half have any."""
    if rng.random() < 0.5:
        degrees = _USUAL_ORIENTATION[place] + rng.normal(0.0, 12.0)
    else:
        degrees = rng.uniform(0.0, 180.0)
    strength = rng.uniform(0.35, 1.0) if rng.random() < 0.8 else rng.uniform(0.0, 0.2)
    return math.radians(degrees) % math.pi, float(strength)


def _things(rng: np.random.Generator, place: str) -> list[Draft]:
    """Choose what is there and how often: one to eight things in one to four groups."""
    n_things = pick(rng, _N_THINGS)
    n_groups = min(n_things, pick(rng, _N_GROUPS))
    drafts: list[Draft] = []
    for _ in range(n_groups):
        category = _category(rng, place)
        draft = _thing(rng, category, place)
        if all(draft.kind != other.kind for other in drafts):
            drafts.append(draft)
    for _ in range(n_things - len(drafts)):
        growing = [draft for draft in drafts if draft.count < _MOST.get(draft.category, 8)]
        if growing:
            growing[int(rng.integers(len(growing)))].count += 1
    return drafts


def _category(rng: np.random.Generator, place: str) -> str:
    if rng.random() >= EXCEPTION_RATE:
        return pick(rng, CATEGORY_BY_PLACE[place])
    possible = [name for name in CATEGORIES if name in KIND_BY_PLACE[place] or name in FOOD]
    return possible[int(rng.integers(len(possible)))]


def _thing(rng: np.random.Generator, category: str, place: str) -> Draft:
    if category in FOOD:
        kind, colour = _food(rng, category)
    else:
        kind = pick(rng, KIND_BY_PLACE[place][category])
        colour = pick(rng, KINDS[category][kind].colours)
    near = rng.random() < _NEAR_RATE.get(category, 0.5)
    draft = Draft(category, kind, colour, 1, "near" if near else "far")
    draft.style = int(rng.integers(2**31))
    if category == "word":
        draft.text = TEXTS[int(rng.integers(len(TEXTS)))]
    return draft


def _food(rng: np.random.Generator, category: str) -> tuple[str, str]:
    """Choose food by its shape and, independently of it, by warm or cold colour."""
    colours = WARM if rng.random() < WARM_FOOD_RATE else COLD
    weights = {
        (kind, colour): weight
        for kind, entry in KINDS[category].items()
        for colour, weight in entry.colours.items()
        if colour in colours
    }
    return pick(rng, weights)


def _furnish(rng: np.random.Generator, drafts: list[Draft], place: str) -> list[Draft]:
    """Bring in a table or the like, and put on it what usually lies there."""
    small = [d for d in drafts if d.category in FOOD or d.kind in _SUPPORTED]
    rate = 0.8 if place in INDOOR else 0.5
    if not small or rng.random() >= rate:
        return drafts
    kind = pick(rng, KIND_BY_PLACE[place]["furniture"])
    colour = pick(rng, KINDS["furniture"][kind].colours)
    support = Draft("furniture", kind, colour, 1, small[0].distance)
    support.style = int(rng.integers(2**31))
    for draft in small[:2]:
        under = draft.kind in ("cat", "dog") and kind in ("table", "desk")
        draft.relation = "under" if under and rng.random() < 0.6 else "on"
        draft.support, draft.distance = support, support.distance
    return [*drafts, support]


def _hang_banner(rng: np.random.Generator, drafts: list[Draft]) -> None:
    """Turn a sign into a banner on the front of a building."""
    buildings = [d for d in drafts if d.category == "building" and d.kind != "church"]
    signs = [d for d in drafts if d.kind == "sign"]
    if buildings and signs and rng.random() < 0.6:
        sign, building = signs[0], buildings[0]
        sign.kind, sign.relation, sign.support = "banner", "on", building
        sign.count = building.count = 1
        sign.distance = building.distance = "near"


def _relate(rng: np.random.Generator, drafts: list[Draft]) -> None:
    """Relate one pair of the others."""
    taken = {id(d.support) for d in drafts if d.support is not None}
    standing = [
        d
        for d in drafts
        if d.support is None
        and id(d) not in taken
        and d.category not in ("face", "hand", "leg", "furniture")
        and d.kind not in ("poster", "boat")
    ]
    if len(standing) < 2 or rng.random() < 0.25:
        return
    pairs = []
    for draft in standing:
        for other in standing:
            if draft is other:
                continue
            pairs.append((draft, "beside", other))
            if draft.category in _IN_FRONT and other.category in ("building", "vehicle"):
                pairs += [(draft, "in front of", other)] * 3
            if draft.kind in ("cat", "bird") and KINDS[other.category][other.kind].surface:
                pairs += [(draft, "on", other)] * 2
    if not pairs:
        return
    subject, relation, support = pairs[int(rng.integers(len(pairs)))]
    if relation != "beside":
        support.count = min(support.count, 2) if relation == "in front of" else 1
    subject.relation, subject.support, subject.distance = relation, support, support.distance


def _pose(rng: np.random.Generator, drafts: list[Draft], place: str) -> None:
    """Give people hair and a pose, and animals a pose."""
    used = {id(d.support) for d in drafts if d.support is not None}
    for draft in drafts:
        if draft.category in ("face", "body"):
            draft.hair = pick(rng, HAIR)
            draft.facing = "front"
        if draft.category == "body":
            draft.pose = pick(rng, {"standing": 4.0, "walking": 3.0, "waving": 2.0})
            draft.facing = "front" if rng.random() < 0.72 else "back"
        elif draft.category == "animal":
            draft.pose = "sitting" if draft.kind == "cat" else "standing"
            alone = draft.support is None and id(draft) not in used
            if draft.kind == "bird" and alone and place not in INDOOR and rng.random() < 0.5:
                draft.pose = "flying"
            if draft.kind == "fish":
                draft.pose = ""
