"""What could be changed in a scene: questions of picture arithmetic whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdc_helpers.scenes.factors import by_prominence
from sdc_helpers.scenes.graph import Scene, SceneObject
from sdc_helpers.scenes.kinds import FOOD, KIND_BY_PLACE, KINDS
from sdc_helpers.scenes.language import finish, noun_phrase
from sdc_helpers.scenes.lexicon import COLOURLESS, DISTANCE_PHRASES, NOUNS

CHANGES = ("colour", "distance", "number", "thing")
_WITH_COLOUR = ("food_round", "food_long", "animal", "vehicle", "building", "word")
_NUMBERS = (1, 3)


@dataclass(frozen=True, eq=False)
class SceneChanges:
    """Questions of picture arithmetic about a gallery of n scenes.

    Attributes
    ----------
    source : int array of shape (m,)
        Row of the picture that each question starts from.
    change : str array of shape (m,)
        "colour" (a red apple to a green apple), "distance" (near to far, or far to near),
        "number" (one to three) or "thing" (a dog to a cat).
    before, after : tuple of m str
        The sentence that is taken away, and the one that is added.
    hits : bool array of shape (m, n)
        Which pictures are right: they show the same kind of thing with the new colour, distance
        or number, or the new thing at the place of the old. Never the source itself.
    """

    source: np.ndarray
    change: np.ndarray
    before: tuple[str, ...]
    after: tuple[str, ...]
    hits: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    @property
    def sentences(self) -> list[str]:
        """All sentences, each once."""
        return sorted({*self.before, *self.after})


def scene_changes(
    scenes: Sequence[Scene], *, rng: np.random.Generator, least: int = 3
) -> SceneChanges:
    """Ask about each scene's largest object: every kind of change that is possible, once.

    Parameters
    ----------
    scenes : sequence of Scene
        The gallery.
    rng : numpy.random.Generator
        Chooses the new colour or thing where there are several.
    least : int
        Questions with fewer right answers than this are left out.

    Returns
    -------
    SceneChanges

    Raises
    ------
    ValueError
        If no question can be asked.
    """
    if least < 1:
        raise ValueError(f"least must be at least 1, got {least}.")
    things = {}  # for each kind, the scenes that show it and what it is like there
    for number, scene in enumerate(scenes):
        for item in scene.objects:
            things.setdefault(item.kind, []).append((number, scene, item))
    asked = []
    for number, scene in enumerate(scenes):
        main = by_prominence(scene)[0]
        for change, new in _possible(main, scene.place, rng):
            right = [
                other
                for other, there, item in things.get(new.kind, ())
                if other != number and _shows(change, new, scene, item, there)
            ]
            if len(set(right)) >= least:
                asked.append((number, change, *_sentences(change, main, new), right))
    if not asked:
        raise ValueError(
            f"No question about these {len(scenes)} scenes has {least} right answers: give more."
        )
    source, change, before, after, right = zip(*asked, strict=True)
    hits = np.zeros((len(asked), len(scenes)), dtype=bool)
    for row, columns in zip(hits, right, strict=True):
        row[columns] = True
    return SceneChanges(np.array(source), np.array(change), before, after, hits)


def _possible(
    main: SceneObject, place: str, rng: np.random.Generator
) -> Iterator[tuple[str, SceneObject]]:
    """Yield each kind of change and the object as it shall be."""
    colours = [c for c in KINDS[main.category][main.kind].colours if c != main.colour]
    if main.category in _WITH_COLOUR and main.kind not in COLOURLESS and colours:
        yield "colour", replace(main, colour=colours[int(rng.integers(len(colours)))])
    yield "distance", replace(main, distance="far" if main.distance == "near" else "near")
    if main.count == _NUMBERS[0]:
        yield "number", replace(main, count=_NUMBERS[1])
    found = KINDS if main.category in FOOD else KIND_BY_PLACE[place]
    kinds = [kind for kind in found.get(main.category, ()) if kind != main.kind]
    if kinds:
        yield "thing", replace(main, kind=kinds[int(rng.integers(len(kinds)))])


def _shows(change: str, new: SceneObject, scene: Scene, item: SceneObject, there: Scene) -> bool:
    """Whether a scene's item is what was asked for, being of the right kind already."""
    if change == "thing":
        return there.place == scene.place
    attribute = {"colour": "colour", "distance": "distance", "number": "count"}[change]
    return getattr(item, attribute) == getattr(new, attribute)


def _sentences(change: str, old: SceneObject, new: SceneObject) -> tuple[str, str]:
    def phrase(item: SceneObject) -> str:
        words = noun_phrase(NOUNS[item.kind][0], item.count, item.colour * (change == "colour"))
        return words + f" {DISTANCE_PHRASES[item.distance][0]}" * (change == "distance")

    return finish(phrase(old)), finish(phrase(new))
