"""Captions: what a person might write under a picture, all of it true of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.scenes.factors import by_prominence
from sdc_helpers.scenes.graph import Scene, SceneObject, group_width
from sdc_helpers.scenes.lexicon import (
    ADJECTIVES,
    COLOUR_WORDS,
    COLOURLESS,
    DISTANCE_PHRASES,
    GARMENTS,
    LIGHT_PHRASES,
    NOUNS,
    NUMBERS,
    OPENINGS,
    PLACE_DETAILS,
    PLACE_PHRASES,
    POSES,
    RELATION_PHRASES,
    WIDER_NOUNS,
)

T = TypeVar("T")

_STREAM = 1  # of the scene's seed, next to the one its graph was drawn from
_LEVELS = 5  # from naming one thing to describing all
_COLOUR_RATE = (0.25, 0.5, 0.6, 0.75, 0.95)
_SOUNDS_LIKE_YOU = ("ewe",)  # words of the lexicon that begin with a vowel to the eye alone
_EXTRA_RATE = (0.08, 0.2, 0.3, 0.45, 0.75)


def captions(scenes: Sequence[Scene], n_captions: int = 5, seed: int = 0) -> list[list[str]]:
    """Describe every scene in several English sentences.

    One caption of five names a thing, one describes all there is, the others lie between. Numbers
    are exact: "a dog" is said where there is one dog, "two animals" where there are two in all.
    Captions of a scene do not depend on the other scenes.

    Parameters
    ----------
    scenes : sequence of Scene
        Scenes to describe.
    n_captions : int, default=5
        Captions a scene, 1 or more.
    seed : int, default=0
        Another seed words the same scenes differently, 0 or more.

    Returns
    -------
    list of list of str
        `n_captions` sentences for each scene, in no order of detail.

    Raises
    ------
    ValueError
        If `n_captions` or `seed` is not such an integer.

    See Also
    --------
    sdc_helpers.scenes.render : Pictures of the same scenes.

    Examples
    --------
    >>> from sdc_helpers.scenes import captions, generate_scenes
    >>> captions(generate_scenes(2, seed=1), n_captions=1)
    [['Three crimson houses.'], ['A truck.']]
    """
    n_captions = check_count("n_captions", n_captions, least=1)
    seed = check_count("seed", seed)
    return [_describe(scene, n_captions, seed) for scene in scenes]


def _describe(scene: Scene, n_captions: int, seed: int) -> list[str]:
    entropy = np.random.SeedSequence(scene.seed, spawn_key=(scene.index, _STREAM, seed))
    writer = _Writer(scene, np.random.default_rng(entropy))
    sentences: list[str] = []
    for number in range(n_captions):
        for _ in range(8):  # rather another wording than the same sentence again
            sentence = writer.sentence(number % _LEVELS)
            if sentence not in sentences:
                break
        sentences.append(sentence)
    return [sentences[number] for number in writer.rng.permutation(n_captions)]


def finish(text: str) -> str:
    """Turn words into a sentence: a capital first, a full stop last."""
    return text[0].upper() + text[1:] + "."


def takes_an(words: str) -> bool:
    """Return whether "an" goes before the words: whether they begin with the sound of a vowel."""
    return words[0] in "aeiou" and words.split()[0] not in _SOUNDS_LIKE_YOU


def with_article(words: str) -> str:
    """Put "a" or "an" before the words."""
    return ("an " if takes_an(words) else "a ") + words


def noun_phrase(noun: tuple[str, str], count: int, adjectives: str = "") -> str:
    """Return a noun with its number, e.g. "two red apples"."""
    words = f"{adjectives} {noun[count > 1]}".strip()
    return with_article(words) if count == 1 else f"{NUMBERS[count - 1]} {words}"


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


class _Writer:
    """Writes about one scene."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene = scene
        self.rng = rng
        self.ranked = by_prominence(scene)
        self.mentioned: set[SceneObject] = set()

    def sentence(self, level: int) -> str:
        """Write a sentence, from level 0 (one thing) to 4 (all there is)."""
        self.mentioned = set()
        if level <= 1:
            text = self._one_thing(level)
        elif level == 2:
            text = self._two_things()
        else:
            most = 3 if level == 3 else len(self.ranked)
            parts = [self._thing(item, level) for item in self._unsaid(self.ranked, most, level)]
            text = f"{_join(parts)} {self._where()}"
            if level == 4:
                details = list(PLACE_DETAILS[self.scene.place])
                chosen = self.rng.permutation(len(details))[: 1 + int(self.rng.integers(3))]
                text += " with " + _join([details[k] for k in chosen])
            if self._chance(0.6 if level == 4 else 0.4):
                text += " " + self._pick(LIGHT_PHRASES[self.scene.lighting])
        return finish(text)

    def _pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.random() * len(options))]

    def _chance(self, rate: float) -> bool:
        return self.rng.random() < rate

    def _where(self) -> str:
        return self._pick(PLACE_PHRASES[self.scene.place])

    def _unsaid(self, items: list[SceneObject], most: int, level: int) -> list[SceneObject]:
        """Leave out what another thing's relation is going to mention."""
        items = items[:most]
        said = {self._support(item) for item in items}
        return [item for item in items if item not in said] or items[:1]

    def _support(self, item: SceneObject) -> SceneObject | None:
        return self.scene.objects[item.relative_to] if item.relation else None

    def _one_thing(self, level: int) -> str:
        item = self.ranked[0] if self._chance(0.75) else self._pick(self.ranked)
        name = self._name(item, level)
        if item.category == "face" and self._chance(0.4):
            head = ("the face of", "a portrait of", "the head of")
            name = f"{self._pick(head)} {name}" if item.count == 1 else f"the faces of {name}"
        poses = POSES.get(item.pose)
        if level == 0:
            return f"{name} {self._pick(poses)[0]}" if poses and self._chance(0.3) else name
        if poses and self._chance(0.6):
            participle, singular, plural = self._pick(poses)
            verb = plural if item.count > 1 else singular
            name = f"{name} {participle if self._chance(0.4) else verb}"
        elif self._chance(0.5):
            name = f"{self._opening(item)} {name}"
        return f"{name} {self._where()}"

    def _opening(self, item: SceneObject) -> str:
        opening = self._pick(OPENINGS)
        return opening.replace(" is", " are") if item.count > 1 else opening

    def _two_things(self) -> str:
        related = [item for item in self.ranked if item.relation]
        others = self.ranked[1:]
        if related and self._chance(0.8):
            item = self._pick(related)
            if item.relation == "in front of" and self._chance(0.4):
                support = self._support(item)
                text = f"{self._name(support, 2)} behind {self._name(item, 2)}"
            else:
                text = self._thing(item, 2)
        elif others:
            first, second = self.ranked[0], self._pick(others)
            side = self._side(first, second)
            between = self._pick(RELATION_PHRASES[side]) if side and self._chance(0.5) else "and"
            text = f"{self._name(first, 2)} {between} {self._name(second, 2)}"
        else:
            item = self.ranked[0]
            near = self._pick(DISTANCE_PHRASES[item.distance])
            text = f"{self._name(item, 2)} {near}"
        end = self._pick(LIGHT_PHRASES[self.scene.lighting]) if self._chance(0.3) else self._where()
        return f"{text} {end}"

    @staticmethod
    def _side(first: SceneObject, second: SceneObject) -> str:
        """Return on which side of the second thing the first is, "" if on neither."""
        widths = (group_width(i.category, i.kind, i.count, i.size) for i in (first, second))
        if abs(first.x - second.x) < 0.5 * sum(widths):
            return ""
        return "left of" if first.x < second.x else "right of"

    def _thing(self, item: SceneObject, level: int) -> str:
        """Name a thing with what it does and what it stands on, or how far away it is."""
        text = self._name(item, level)
        poses = POSES.get(item.pose)
        if item.category.startswith("food") and item.relation == "on":
            poses = POSES["lying"]
        if poses and self._chance(0.5):
            text += " " + self._pick(poses)[0]
        support = self._support(item)
        if support is not None:
            relation = self._pick(RELATION_PHRASES[item.relation])
            known = support in self.mentioned
            name = self._known(support) if known else self._name(support, level)
            return f"{text} {relation} {name}"
        if self._chance(0.3):
            text += " " + self._pick(DISTANCE_PHRASES[item.distance])
        return text

    def _known(self, item: SceneObject) -> str:
        return "the " + NOUNS[item.kind][0][item.count > 1]

    def _name(self, item: SceneObject, level: int) -> str:
        """Return a noun phrase: number, adjectives, noun, and what people wear or signs say."""
        self.mentioned.add(item)
        person = item.category in ("face", "body")
        words = []
        if item.kind in ADJECTIVES and self._chance(0.5 * _EXTRA_RATE[level]):
            words.append(self._pick(ADJECTIVES[item.kind]))
        if not person and item.kind not in COLOURLESS and self._chance(_COLOUR_RATE[level]):
            words.append(self._pick(COLOUR_WORDS[item.colour]))
        text = self._counted(item, " ".join(words))
        if person:
            return text + self._looks(item, level)
        if self._chance(0.2 + _EXTRA_RATE[level]):
            text += self._extra(item)
        return text

    def _noun(self, item: SceneObject) -> tuple[str, str]:
        if self._chance(0.15):
            kinds = [other.kind for other in self.scene.objects]
            wide = [
                (one, more)
                for one, more, named in WIDER_NOUNS
                if item.kind in named and sum(kind in named for kind in kinds) == 1
            ]
            if wide:
                return self._pick(wide)
        names = NOUNS[item.kind]
        return names[0] if self._chance(0.55) else self._pick(names)

    def _counted(self, item: SceneObject, adjectives: str) -> str:
        noun, count = self._noun(item), item.count
        if item.kind == "leg":
            noun = ("pair of legs", "pairs of legs")
        elif count > 1 and self._chance(0.25):
            vague = []
            if count == 2:
                vague += ["a couple of", "a pair of"]
            else:
                vague += ["several", "some", "a group of"]
            if count >= 5:
                vague += ["many"]
            return f"{self._pick(vague)} {adjectives} {noun[1]}".replace("  ", " ")
        return noun_phrase(noun, count, adjectives)

    def _looks(self, item: SceneObject, level: int) -> str:
        """Return hair, clothes and gaze of people."""
        text = ""
        if self._chance(_EXTRA_RATE[level]):
            text += f" with {self._pick(COLOUR_WORDS[item.hair])} hair"
        if self._chance(_EXTRA_RATE[level]):
            one, more = self._pick(GARMENTS)
            colour = self._pick(COLOUR_WORDS[item.colour])
            clothes = f"{colour} {more}" if item.count > 1 else with_article(f"{colour} {one}")
            text += f" {self._pick(('in', 'wearing', 'dressed in'))} {clothes}"
        if self._chance(0.25 * _EXTRA_RATE[level]):
            away = ("facing away", "turned away", "looking away")
            here = ("facing the camera", "looking at the camera")
            text += " " + self._pick(away if item.facing == "back" else here)
        return text

    def _extra(self, item: SceneObject) -> str:
        """Return what a sign says, or the clothes of hands and legs."""
        colour = COLOUR_WORDS[item.colour]
        if item.category == "word":
            say = "says" if item.count == 1 else "say"
            options = (f"that {say}", "reading", "with the word", "with the text")
            return f" {self._pick(options)} {item.text}"
        if item.category == "leg":
            return f" {self._pick(('in', 'dressed in'))} {self._pick(colour)} clothes"
        if item.category == "hand":
            sleeve = f"{self._pick(colour)} sleeve"
            return f" with {with_article(sleeve) if item.count == 1 else sleeve + 's'}"
        return ""
