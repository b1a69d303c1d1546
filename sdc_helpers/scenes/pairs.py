"""Minimal pairs: two pictures and two captions of the same words, or that differ in one word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.scenes.graph import Scene, SceneObject, group_width
from sdc_helpers.scenes.kinds import CATEGORIES, FOOD, INDOOR, KIND_BY_PLACE, KINDS, PLACES
from sdc_helpers.scenes.language import finish, noun_phrase, with_article
from sdc_helpers.scenes.lexicon import (
    COLOURLESS,
    GARMENTS,
    LIGHT_PHRASES,
    NOUNS,
    PLACE_PHRASES,
    RELATION_PHRASES,
)
from sdc_helpers.scenes.sampling import (
    pick,
    sample_setting,
    sample_thing,
)

_STREAM, _REPLACED_STREAM = 2, 3
_RELATIONS = ("left of", "right of", "in front of", "behind")
_SLOTS = ((0.27, 0.90), (0.73, 0.90))  # middle and foot, side by side
_MIDDLE = (0.5, 0.93)
_FEW, _MANY = 1, 3  # numbers of a thing that are easy to tell apart
_FRONT, _BACK = 0.95, 0.80  # feet of what stands in front and behind
_STANDING = ("body", "animal", "vehicle", "building")

PairKind = Literal["relation", "attribute", "thing", "number", "colour"]
_REPLACED: tuple[PairKind, ...] = ("thing", "number", "colour")


@dataclass(frozen=True)
class MinimalPair:
    """Two scenes that differ in one respect, and their captions.

    Attributes
    ----------
    kind : {"relation", "attribute", "thing", "number", "colour"}
        In `minimal_pairs`, what is swapped: the places of two things, or their colours or numbers.
        In `replaced_pairs`, what is another one.
    scenes : tuple of Scene
        Two scenes, alike in everything else.
    captions : tuple of str
        The first is true of the first scene and false of the second, and the other way round.
        Those of a swap have the same words, equally often.
    """

    kind: PairKind
    scenes: tuple[Scene, Scene]
    captions: tuple[str, str]


def minimal_pairs(n: int, seed: int = 0) -> list[MinimalPair]:
    """Generate minimal pairs, as in Winoground (Thrush et al. 2022).

    Pair i is a function of `seed` and i alone.

    Parameters
    ----------
    n : int
        Number of pairs, 0 or more; every other one swaps an attribute.
    seed : int, default=0
        Number of the series, 0 or more.

    Returns
    -------
    list of MinimalPair
        `n` pairs.

    Raises
    ------
    ValueError
        If an argument is not an integer of 0 or more.

    See Also
    --------
    sdc_helpers.curriculum.text_score : How often a model tells the captions of such pairs apart.

    Examples
    --------
    >>> from sdc_helpers.scenes import minimal_pairs
    >>> pair = minimal_pairs(1)[0]
    >>> pair.kind
    'relation'
    >>> pair.captions[0]
    'A dog in front of a tomato in the kitchen in dim light.'
    >>> pair.captions[1]
    'A tomato in front of a dog in the kitchen in dim light.'
    """
    n, seed = check_count("n", n), check_count("seed", seed)
    return [_pair(seed, index) for index in range(n)]


def replaced_pairs(n: int, seed: int = 0) -> list[MinimalPair]:
    """Generate pairs in which one thing, its number or its colour is another one.

    Easier than `minimal_pairs`: who knows the words and looks at the picture can tell them apart,
    without knowing what belongs to what. As in the pairs of SugarCrepe in which something is
    replaced (Hsieh et al. 2023), but every caption has a picture of its own, so that a text model
    scores one half exactly. Pair i is a function of `seed` and i alone.

    Parameters
    ----------
    n : int
        Number of pairs, 0 or more; things, numbers and colours in turn.
    seed : int, default=0
        Number of the series, 0 or more.

    Returns
    -------
    list of MinimalPair
        `n` pairs.

    Raises
    ------
    ValueError
        If an argument is not an integer of 0 or more.

    Examples
    --------
    >>> from sdc_helpers.scenes import replaced_pairs
    >>> pair = replaced_pairs(2)[1]
    >>> pair.kind
    'number'
    """
    n, seed = check_count("n", n), check_count("seed", seed)
    return [_replaced(seed, index) for index in range(n)]


def _pair(seed: int, index: int) -> MinimalPair:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, _STREAM)))
    setting, ending = _setting(rng, seed, index)
    kind: PairKind
    if index % 2 == 0:
        kind, (scenes, clauses) = "relation", _swap_places(rng, setting)
    elif rng.random() < 0.5:
        kind, (scenes, clauses) = "attribute", _swap_colours(rng, setting)
    else:
        kind, (scenes, clauses) = "attribute", _swap_numbers(rng, setting)
    first, second = (finish(f"{clause} {ending}") for clause in clauses)
    return MinimalPair(kind, scenes, (first, second))


def _setting(rng: np.random.Generator, seed: int, index: int) -> tuple[Scene, str]:
    """Draw an empty scene, and the words for its place and light."""
    place = pick(rng, PLACES)
    setting = sample_setting(rng, seed, index, place)
    ending = f"{pick(rng, dict.fromkeys(PLACE_PHRASES[place], 1.0))} "
    return setting, ending + pick(rng, dict.fromkeys(LIGHT_PHRASES[setting.lighting], 1.0))


def _replaced(seed: int, index: int) -> MinimalPair:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, _REPLACED_STREAM)))
    setting, ending = _setting(rng, seed, index)
    kind = _REPLACED[index % 3]
    if kind == "thing":
        items = [_at(item, _MIDDLE) for item in _two_things(rng, setting.place)]
        names = [_name(item) for item in items]
    elif kind == "number":
        thing, _ = _two_things(rng, setting.place, ("body", "animal", "food_round"))
        thing = _at(thing, _MIDDLE, most=_MANY)
        items = [replace(thing, count=count) for count in (_FEW, _MANY)]
        names = [_name(item) for item in items]
    else:
        thing, colours = _thing_of_colours(rng, setting.place)
        items = [replace(_at(thing, _MIDDLE), colour=colour) for colour in colours]
        names = [_coloured(item) for item in items]
    order = rng.permutation(2)
    first, second = (_with_objects(setting, items[k]) for k in order)
    one, other = (finish(f"{names[k]} {ending}") for k in order)
    return MinimalPair(kind, (first, second), (one, other))


def _thing_of_colours(rng: np.random.Generator, place: str) -> tuple[SceneObject, list[str]]:
    """Choose a thing whose colour is said, and two of the colours that it may have."""
    while True:
        thing, _ = _two_things(rng, place)
        colours = list(KINDS[thing.category][thing.kind].colours)
        if len(colours) > 1 and thing.kind not in COLOURLESS:
            return thing, [colours[k] for k in rng.permutation(len(colours))[:2]]


_Pairs = tuple[tuple[Scene, Scene], tuple[str, str]]


def _swap_places(rng: np.random.Generator, setting: Scene) -> _Pairs:
    first, second = _two_things(rng, setting.place)
    relation = _RELATIONS[int(rng.integers(len(_RELATIONS)))]
    phrase = RELATION_PHRASES[relation][0]
    names = _name(first), _name(second)
    one, two = _depths(first, second) if relation in ("in front of", "behind") else _SLOTS
    if relation in ("right of", "behind"):
        one, two = two, one
    scenes = (
        _with_objects(setting, _at(first, one), _at(second, two)),
        _with_objects(setting, _at(first, two), _at(second, one)),
    )
    return scenes, (f"{names[0]} {phrase} {names[1]}", f"{names[1]} {phrase} {names[0]}")


def _swap_colours(rng: np.random.Generator, setting: Scene) -> _Pairs:
    while True:
        first, second = _two_things(rng, setting.place)
        shared = [
            colour
            for colour in KINDS[first.category][first.kind].colours
            if colour in KINDS[second.category][second.kind].colours
        ]
        coloured = first.kind not in COLOURLESS and second.kind not in COLOURLESS
        if len(shared) > 1 and coloured:
            break
    colours = [shared[k] for k in rng.permutation(len(shared))[:2]]
    scenes, clauses = [], []
    for a, b in (colours, colours[::-1]):
        one, two = replace(first, colour=a), replace(second, colour=b)
        scenes.append(_with_objects(setting, _at(one, _SLOTS[0]), _at(two, _SLOTS[1])))
        clauses.append(f"{_coloured(one)} and {_coloured(two)}")
    return (scenes[0], scenes[1]), (clauses[0], clauses[1])


def _swap_numbers(rng: np.random.Generator, setting: Scene) -> _Pairs:
    first, second = _two_things(rng, setting.place, ("body", "animal", "food_round"))
    first, second = _at(first, _SLOTS[0], most=3), _at(second, _SLOTS[1], most=3)
    scenes, clauses = [], []
    for a, b in ((2, 3), (3, 2)) if rng.random() < 0.5 else ((3, 2), (2, 3)):
        one, two = replace(first, count=a), replace(second, count=b)
        scenes.append(_with_objects(setting, one, two))
        clauses.append(f"{_name(one)} and {_name(two)}")
    return (scenes[0], scenes[1]), (clauses[0], clauses[1])


def _two_things(
    rng: np.random.Generator, place: str, categories: tuple[str, ...] = CATEGORIES
) -> tuple[SceneObject, SceneObject]:
    """Choose two different kinds that can stand there."""
    there = [name for name in _STANDING if name in KIND_BY_PLACE[place]]
    if place in INDOOR:
        there += FOOD
    weights = {name: 1.0 for name in categories if name in there}
    while True:
        first, second = (sample_thing(rng, pick(rng, weights), place) for _ in range(2))
        if first.kind != second.kind and "boat" not in (first.kind, second.kind):
            return first, second


def _depths(first: SceneObject, second: SceneObject) -> tuple[tuple[float, float], ...]:
    """Return slots in front and behind that overlap by about a third of the narrower thing."""
    items = (_at(item, (0.5, _FRONT)) for item in (first, second))
    widths = (group_width(item.category, item.kind, 1, item.size) for item in items)
    aside = 0.35 * sum(widths) / 2
    return (0.5 + aside, _FRONT), (0.5 - aside, _BACK)


def _at(item: SceneObject, slot: tuple[float, float], most: int = 1) -> SceneObject:
    """Put a thing in a slot, small enough for `most` of its kind."""
    room = 0.44 if slot in _SLOTS else 0.48
    width = group_width(item.category, item.kind, most, 1.0)
    tall = KINDS[item.category][item.kind].height
    size = min(tall, room / width) * (0.9 if slot[1] == _BACK else 1.0)
    return replace(item, x=slot[0], y=slot[1], size=min(size, slot[1] - 0.03))


def _with_objects(setting: Scene, *objects: SceneObject) -> Scene:
    return replace(setting, objects=tuple(sorted(objects, key=lambda item: item.y)))


def _name(item: SceneObject) -> str:
    return noun_phrase(NOUNS[item.kind][0], item.count)


def _coloured(item: SceneObject) -> str:
    if item.category == "body":
        return f"{_name(item)} in {with_article(f'{item.colour} {GARMENTS[0][0]}')}"
    return noun_phrase(NOUNS[item.kind][0], 1, item.colour)
