"""Questions about pictures of the scenes, put so that a model of captions can answer them.

A question is a caption with a blank and eight ways to fill it. One is true of the picture and seven
are false, by the scene's graph. The answer is the sentence that the model finds likeliest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.scenes.factors import by_prominence
from sdc_helpers.scenes.graph import Scene, SceneObject
from sdc_helpers.scenes.kinds import FOOD, KINDS, PLACES
from sdc_helpers.scenes.language import finish, noun_phrase, with_article
from sdc_helpers.scenes.lexicon import (
    COLOUR_WORDS,
    COLOURLESS,
    GARMENTS,
    NOUNS,
    NUMBERS,
    PLACE_PHRASES,
    RELATION_PHRASES,
)
from sdc_helpers.scenes.pairs import MinimalPair

QUESTION_KINDS = ("colour", "number", "thing", "place", "relation")
N_OPTIONS = 8

_PEOPLE = ("body", "face")
_COLOURS = tuple(name for name in COLOUR_WORDS if name != "blond")
_LEAST_COLOURS = 3  # things of one colour can be answered without looking
_POOLS = tuple(
    tuple(dict.fromkeys(kind for category in categories for kind in KINDS[category]))
    for categories in (FOOD, ("body", "animal"), ("vehicle", "building"))
)
_SURFACES = tuple(
    kind for entries in KINDS.values() for kind, entry in entries.items() if entry.surface
)


@dataclass(frozen=True)
class Question:
    """A caption with a blank, and eight ways to fill it.

    Attributes
    ----------
    kind : str
        Kind of thing that is asked for, one of `QUESTION_KINDS`.
    picture : int
        Row of the scene in the sequence that was asked about.
    sentences : tuple of str
        Eight sentences, in random order; one of them is true of the scene.
    answers : tuple of str
        What fills the blank in each: a colour, number, kind of thing or place.
    right : int
        Index of the true sentence.
    """

    kind: str
    picture: int
    sentences: tuple[str, ...]
    answers: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class _Blank:
    """A question before its distractors are drawn: from the first tier, then from the next."""

    answer: str
    false: tuple[tuple[str, ...], ...]
    say: Callable[[str], str]
    picture: int = -1


def questions(
    scenes: Sequence[Scene],
    n_per_kind: int = 40,
    seed: int = 0,
    kinds: Sequence[str] = QUESTION_KINDS,
) -> list[Question]:
    """Ask about scenes.

    Right answers are spread as evenly over the possible ones as the scenes allow, so that a
    favourite answer is worth little; what remains to be guessed from words alone is measured by
    showing no picture, or a wrong one (`vqa_score`).

    Parameters
    ----------
    scenes : sequence of Scene
        What to ask about: held-out scenes. Each is asked about once for every kind at most.
    n_per_kind : int, default=40
        Questions of each kind, 1 or more.
    seed : int, default=0
        Seed of the choice of questions and distractors. Questions of a kind do not depend on which
        other kinds are asked for.
    kinds : sequence of str
        Kinds of question to ask, of `QUESTION_KINDS`:

        - "colour": "A ___ car." or "Two boys in ___ shirts."; distractors are first of all
          colours in which such things come;
        - "number": "___ dogs.", one to eight;
        - "thing": "Two ___.", among things of one sort (food; people and animals; vehicles and
          buildings);
        - "place": "A dog in a ___.", eight places;
        - "relation": "A cat on a ___." and the like: what the other thing is. Which of two things
          is on top or in front is what `minimal_pairs` ask.

    Returns
    -------
    list of Question
        ``len(kinds) * n_per_kind`` questions, kind by kind.

    Raises
    ------
    ValueError
        If an argument is out of range, or the scenes are too few for that many questions.

    See Also
    --------
    sdc_helpers.curriculum.vqa_score : How often a model answers such questions.

    Examples
    --------
    >>> from sdc_helpers.scenes import generate_scenes, questions
    >>> asked = questions(generate_scenes(60), n_per_kind=1, kinds=["place"])[0]
    >>> len(asked.sentences), asked.sentences[asked.right]
    (8, 'A tomato in a room.')
    """
    n_per_kind = check_count("n_per_kind", n_per_kind, least=1)
    seed = check_count("seed", seed)
    if not len(kinds) or len(set(kinds)) < len(kinds) or not set(kinds) <= set(QUESTION_KINDS):
        raise ValueError(
            f"kinds={kinds!r}: expected different names of {', '.join(QUESTION_KINDS)}."
        )
    ranked = [by_prominence(scene) for scene in scenes]
    asked: list[Question] = []
    for kind in kinds:
        number = QUESTION_KINDS.index(kind)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        blanks = [
            replace(blank, picture=row)
            for row, (scene, things) in enumerate(zip(scenes, ranked, strict=True))
            for item in things
            if (blank := _BLANKS[kind](scene, item)) is not None
        ]
        chosen = _evenly(blanks, n_per_kind, rng)
        if len(chosen) < n_per_kind:
            raise ValueError(
                f"n_per_kind={n_per_kind}, but {len(scenes)} scenes have only {len(chosen)} "
                f"questions about {kind}; give more scenes or ask for fewer."
            )
        asked += [_fill(kind, blank, rng) for blank in chosen]
    return asked


def pictures_of(pairs: Sequence[MinimalPair]) -> list[Scene]:
    """Return the scenes of minimal pairs in the order in which `text_score` shows them.

    Parameters
    ----------
    pairs : sequence of MinimalPair
        n pairs.

    Returns
    -------
    list of Scene
        2 n scenes; those of pair k are 2 k and 2 k + 1.
    """
    return [scene for pair in pairs for scene in pair.scenes]


def _evenly(blanks: list[_Blank], n: int, rng: np.random.Generator) -> list[_Blank]:
    """Choose questions with each answer in turn, no picture twice."""
    by_answer: dict[str, list[_Blank]] = {}
    for row in rng.permutation(len(blanks)):
        by_answer.setdefault(blanks[row].answer, []).append(blanks[row])
    chosen: list[_Blank] = []
    seen: set[int] = set()
    while len(chosen) < n and any(by_answer.values()):
        for left in by_answer.values():
            while left and left[-1].picture in seen:
                left.pop()
            if left and len(chosen) < n:
                chosen.append(left.pop())
                seen.add(chosen[-1].picture)
    return chosen


def _fill(kind: str, blank: _Blank, rng: np.random.Generator) -> Question:
    false = [tier[row] for tier in blank.false for row in rng.permutation(len(tier))]
    answers = [blank.answer, *false[: N_OPTIONS - 1]]
    order = rng.permutation(N_OPTIONS).tolist()
    shuffled = tuple(answers[row] for row in order)
    sentences = tuple(finish(blank.say(answer)) for answer in shuffled)
    return Question(kind, blank.picture, sentences, shuffled, order.index(0))


def _named(item: SceneObject, kind: str = "") -> str:
    """Name a thing, or another one in its number."""
    kind = kind or item.kind
    noun = ("pair of legs", "pairs of legs") if kind == "leg" else NOUNS[kind][0]
    return noun_phrase(noun, item.count)


def _ask_colour(scene: Scene, item: SceneObject) -> _Blank | None:
    possible = KINDS[item.category][item.kind].colours
    if item.category == "hand" or item.kind in COLOURLESS or len(possible) < _LEAST_COLOURS:
        return None
    rest = [colour for colour in _COLOURS if colour != item.colour]
    tiers = (
        tuple(colour for colour in rest if colour in possible),
        tuple(colour for colour in rest if colour not in possible),
    )

    def say(colour: str) -> str:
        word = COLOUR_WORDS[colour][0]
        if item.category not in _PEOPLE:
            return noun_phrase(NOUNS[item.kind][0], item.count, word)
        one, more = GARMENTS[0]
        clothes = f"{word} {more}" if item.count > 1 else with_article(f"{word} {one}")
        return f"{_named(item)} in {clothes}"

    return _Blank(item.colour, tiers, say)


def _ask_number(scene: Scene, item: SceneObject) -> _Blank | None:
    if item.category == "leg":
        return None

    def say(number: str) -> str:
        return noun_phrase(NOUNS[item.kind][0], NUMBERS.index(number) + 1)

    right = NUMBERS[item.count - 1]
    return _Blank(right, (tuple(name for name in NUMBERS if name != right),), say)


def _ask_thing(scene: Scene, item: SceneObject) -> _Blank | None:
    pool = next((pool for pool in _POOLS if item.kind in pool), ())
    return _which(scene, item, pool, lambda kind: _named(item, kind))


def _ask_place(scene: Scene, item: SceneObject) -> _Blank:
    def say(place: str) -> str:
        return f"{_named(item)} {PLACE_PHRASES[place][0]}"

    return _Blank(scene.place, (tuple(name for name in PLACES if name != scene.place),), say)


def _ask_relation(scene: Scene, item: SceneObject) -> _Blank | None:
    if not item.relation:
        return None
    other = scene.objects[item.relative_to]
    phrase = RELATION_PHRASES[item.relation][0]
    carries = item.relation in ("on", "under") and other.kind in _SURFACES
    pools = (_SURFACES,) if carries else _POOLS
    pool = next((pool for pool in pools if other.kind in pool), ())
    return _which(scene, other, pool, lambda kind: f"{_named(item)} {phrase} {_named(other, kind)}")


def _which(
    scene: Scene, item: SceneObject, pool: tuple[str, ...], say: Callable[[str], str]
) -> _Blank | None:
    """Ask what a thing is, among kinds of which the scene has none."""
    there = {other.kind for other in scene.objects}
    false = tuple(kind for kind in pool if kind not in there)
    return _Blank(item.kind, (false,), say) if len(false) >= N_OPTIONS - 1 else None


_BLANKS: dict[str, Callable[[Scene, SceneObject], _Blank | None]] = {
    "colour": _ask_colour,
    "number": _ask_number,
    "thing": _ask_thing,
    "place": _ask_place,
    "relation": _ask_relation,
}
