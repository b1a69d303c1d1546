"""Arithmetic with pictures and words, on scenes whose content is known.

A picture of a red apple, minus "red apple", plus "green apple": is the picture nearest to the
result one of a green apple? The task is that of SIMAT (Couairon et al. 2022, arXiv 2112.03162),
where a second network judged the answer; here the scene graph does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sdc_helpers.datasets.scenes.factors import by_prominence
from sdc_helpers.datasets.scenes.graph import Scene, SceneObject
from sdc_helpers.datasets.scenes.kinds import FOOD, KIND_BY_PLACE, KINDS
from sdc_helpers.datasets.scenes.language import finish, noun_phrase
from sdc_helpers.datasets.scenes.lexicon import COLOURLESS, DISTANCE_PHRASES, NOUNS

CHANGES = ("colour", "distance", "number", "thing")
_WITH_COLOUR = ("food_round", "food_long", "animal", "vehicle", "building", "word")
_NUMBERS = (1, 3)
_BLOCK = 2**24  # cosines held at a time


@dataclass(frozen=True, eq=False)
class SceneChanges:
    """Questions of picture arithmetic about a gallery of n scenes.

    Attributes
    ----------
    source : int array of shape (m,)
        Which picture each question starts from.
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


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How often picture arithmetic finds what was asked for.

    Attributes
    ----------
    weights : float array of shape (n_weights,)
        lambda, by which the difference of sentences is multiplied.
    score : float array of shape (n_weights,)
        Share of right answers, each kind of change weighing the same.
    shuffled : float array of shape (n_weights,)
        The same with the difference of another question.
    chance : float
        Share of right pictures in the gallery, likewise averaged.
    by_change : dict of str to float array of shape (n_weights,)
        The score of each kind of change.
    """

    weights: np.ndarray
    score: np.ndarray
    shuffled: np.ndarray
    chance: float
    by_change: dict[str, np.ndarray]


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


def picture_arithmetic(
    images: Any,
    before: Any,
    after: Any,
    changes: SceneChanges,
    weights: Sequence[float] = (1.0,),
    *,
    rng: np.random.Generator,
) -> Arithmetic:
    """Answer the questions: nearest picture to image + lambda (after - before), by cosine.

    Parameters
    ----------
    images : array of shape (n, d)
        Unit rows, one a scene of the gallery.
    before, after : arrays of shape (m, d)
        Unit rows of the sentences of `changes`, one a question.
    changes : SceneChanges
        The questions.
    weights : sequence of float
        lambda; at 0 the nearest other picture is the answer.
    rng : numpy.random.Generator
        Shuffles the differences for the control.

    Returns
    -------
    Arithmetic

    Raises
    ------
    ValueError
        If shapes do not fit or values are not finite.
    """
    m, n = changes.hits.shape
    images = _check_rows(images, n, "images")
    before, after = (_check_rows(x, m, name) for x, name in ((before, "before"), (after, "after")))
    if not images.shape[1] == before.shape[1] == after.shape[1]:
        raise ValueError(
            f"images, before and after must have the same columns, got {images.shape[1]}, "
            f"{before.shape[1]} and {after.shape[1]}."
        )
    weights = np.atleast_1d(np.asarray(weights, dtype=np.float64))
    difference = after - before
    shuffled = difference[rng.permutation(m)]
    kinds, group = np.unique(changes.change, return_inverse=True)

    def by_kind(right: np.ndarray) -> np.ndarray:
        return np.bincount(group, right) / np.bincount(group)

    def score(of: np.ndarray, weight: float) -> np.ndarray:
        answers = arithmetic_answers(images, of, changes.source, weight)
        return by_kind(changes.hits[np.arange(m), answers])

    scores = np.stack([score(difference, weight) for weight in weights])
    control = np.stack([score(shuffled, weight) for weight in weights])
    return Arithmetic(
        weights=weights,
        score=scores.mean(axis=1),
        shuffled=control.mean(axis=1),
        chance=float(by_kind(changes.hits.mean(axis=1)).mean()),
        by_change={str(kind): scores[:, i] for i, kind in enumerate(kinds)},
    )


def arithmetic_answers(
    images: np.ndarray, difference: np.ndarray, source: np.ndarray, weight: float = 1.0
) -> np.ndarray:
    """Return the picture nearest to image + lambda difference, by cosine, but not the image itself.

    Parameters
    ----------
    images : array of shape (n, d)
        The gallery.
    difference : array of shape (m, d)
        Sentence added minus sentence taken away, of each question.
    source : int array of shape (m,)
        Which picture each starts from.
    weight : float
        lambda.

    Returns
    -------
    int array of shape (m,)
        The first of several that are equally near.
    """
    answers = np.empty(len(source), dtype=np.int64)
    lengths = np.linalg.norm(images, axis=1)
    size = max(1, _BLOCK // len(images))
    for start in range(0, len(source), size):
        rows = slice(start, start + size)
        queries = images[source[rows]] + weight * difference[rows]
        cosines = queries @ images.T / lengths  # the query's own length changes no order
        cosines[np.arange(len(cosines)), source[rows]] = -np.inf
        answers[rows] = cosines.argmax(axis=1)
    return answers


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


def _check_rows(x: Any, n: int, name: str) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or len(x) != n or x.shape[1] == 0:
        raise ValueError(f"{name} must be of shape ({n}, d), got {x.shape}.")
    if not np.isfinite(x).all() or not (np.linalg.norm(x, axis=1) > 0).all():
        raise ValueError(f"{name} holds a row of zeros, NaN or infinite values.")
    return x
