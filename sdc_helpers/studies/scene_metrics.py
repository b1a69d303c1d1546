"""What a CLIP knows of scenes it has not seen: zero-shot, retrieval, probes of every factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import unit_rows
from sdc_helpers.contrastive.gap import effective_rank
from sdc_helpers.embeddings.clip import ClipModel
from sdc_helpers.embeddings.encode import UnitEmbeddings, embed_captions, embed_images, embed_texts
from sdc_helpers.embeddings.probes import LinearProbe, linear_probe
from sdc_helpers.embeddings.retrieval import Retrieval, retrieval
from sdc_helpers.embeddings.zero_shot import ZeroShot, zero_shot
from sdc_helpers.scenes.kinds import KINDS
from sdc_helpers.scenes.language import finish, noun_phrase
from sdc_helpers.scenes.lexicon import NOUNS, WIDER_NOUNS

if TYPE_CHECKING:
    import pandas as pd

HELD_OUT_SEED = 2_000_003
"""Of the scenes on which a CLIP is measured; no other part of the course draws from it, nor from
the next ones."""
N_SERIES = 3
_N_FIT_CLASSES = 4_000  # logistic regressions take longer, and classes need fewer rows

PLACE_PROMPTS: dict[str, tuple[str, ...]] = {
    place: tuple(f"{start} {where}." for start in ("a picture", "a scene", "a view"))
    for place, where in {
        "beach": "on the beach",
        "field": "in a field",
        "forest": "in a forest",
        "kitchen": "in a kitchen",
        "office": "in an office",
        "room": "in a living room",
        "snow": "in a snowy valley",
        "street": "on a street",
    }.items()
}
"""Sentences for each value of the factor ``place``."""

_HEADS = ("the face of", "a portrait of", "the head of")


def _phrases(category: str) -> tuple[str, ...]:
    """Say one and two of everything that a category has a word for."""
    kinds = KINDS[category]
    nouns = [noun for kind in kinds for noun in NOUNS[kind]]
    nouns += [(one, more) for one, more, members in WIDER_NOUNS if set(members) <= set(kinds)]
    return tuple(finish(noun_phrase(noun, count)) for noun in nouns for count in (1, 2))


def _portraits() -> tuple[str, ...]:
    return tuple(
        finish(f"{head} {phrase[0].lower()}{phrase[1:-1]}")
        for phrase in _phrases("face")
        for head in _HEADS
    )


CATEGORY_PROMPTS: dict[str, tuple[str, ...]] = {
    "animal": _phrases("animal"),
    "body": ("a person walking.", "a man waving.", "a group of people.", "two women strolling."),
    "building": ("a building.", "a house.", "a church.", "two towers.", "a castle."),
    "face": _portraits(),
    "food_long": ("a banana.", "a carrot.", "two cucumbers.", "a long pepper.", "a hotdog."),
    "food_round": _phrases("food_round"),
    "hand": ("a hand.", "an open hand.", "two hands.", "a raised palm."),
    "leg": ("a pair of legs.", "two pairs of legs.", "legs."),
    "vehicle": _phrases("vehicle"),
    "word": ("a sign.", "a poster with text.", "a screen.", "two books.", "a banner."),
}
"""Sentences for each value of the factor ``main_category``: a handful, or all its nouns, whichever
names 2,000 other scenes better."""

PROMPTS = {"place": PLACE_PROMPTS, "main_category": CATEGORY_PROMPTS}
"""Sentences for each value of either factor."""

NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "place": {place: (place,) for place in PLACE_PROMPTS},
    "main_category": {
        "animal": ("an animal",),
        "body": ("a person",),
        "building": ("a building",),
        "face": ("a face",),
        "food_long": ("a vegetable",),
        "food_round": ("a fruit",),
        "hand": ("a hand",),
        "leg": ("legs",),
        "vehicle": ("a vehicle",),
        "word": ("a sign",),
    },
}
"""One name for each value of either factor, to compare with the sentences."""


@dataclass(frozen=True, eq=False)
class SceneMetrics:
    """What `measure_on_scenes` found.

    Attributes
    ----------
    place, main_category : ZeroShot
        Classification by the sentences of `PLACE_PROMPTS` and `CATEGORY_PROMPTS`.
    one_caption, any_caption : Retrieval
        Among `n_gallery` pictures: with the first caption of each; with all 5, where any of a
        picture's captions is a right answer.
    probes : dict of str to LinearProbe
        Probe of each factor, and of the value of each concept that is planted in all simulated
        participants ("concept_faces"), which reads it from the picture's embedding, on scenes not
        used to fit it.
    effective_rank_images, effective_rank_texts : float
        Effective rank of either modality, see `sdc_helpers.contrastive.effective_rank`.
    images : UnitEmbeddings, shape (n, d)
        Embeddings of the held-out pictures.
    """

    place: ZeroShot
    main_category: ZeroShot
    one_caption: Retrieval
    any_caption: Retrieval
    probes: dict[str, LinearProbe]
    effective_rank_images: float
    effective_rank_texts: float
    images: UnitEmbeddings

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name, rounded to 4 digits."""
        flat = {
            "zero_shot_place": self.place.accuracy.value,
            "zero_shot_main_category": self.main_category.accuracy.value,
            "effective_rank_images": self.effective_rank_images,
            "effective_rank_texts": self.effective_rank_texts,
        }
        for name in ("one_caption", "any_caption"):
            found: Retrieval = getattr(self, name)
            for i, k in enumerate(found.ks):
                flat[f"{name}_image_to_text_at_{k}"] = found.image_to_text[i]
                flat[f"{name}_text_to_image_at_{k}"] = found.text_to_image[i]
        flat |= {f"probe_{factor}": probe.score.value for factor, probe in self.probes.items()}
        return {name: round(float(value), 4) for name, value in flat.items()}


def measure_on_scenes(
    clip: ClipModel,
    n: int = 15_000,
    n_gallery: int = 1_000,
    *,
    probes: bool = True,
    seed: int = HELD_OUT_SEED,
) -> SceneMetrics:
    """Measure a CLIP on scenes that it was not trained on.

    Parameters
    ----------
    clip : ClipModel
        CLIP model to measure, made by `load_clip`.
    n : int
        Scenes; the probes are fitted on the first two thirds and scored on the rest.
    n_gallery : int
        Pictures, of the last ones, among which captions are looked for.
    probes : bool
        Whether to probe factors and concepts, which takes minutes.
    seed : int
        Seed of the scenes.

    Returns
    -------
    SceneMetrics

    Raises
    ------
    ValueError
        If the scored third is smaller than the gallery.
    """
    from sdc_helpers.scenes import captions, factors, generate_scenes, render
    from sdc_helpers.simulate.concepts import SHARED, concept_values

    n_fit = 2 * n // 3
    if not 10 < n_gallery <= n - n_fit:
        raise ValueError(f"n_gallery={n_gallery}: expected more than 10 and at most {n - n_fit}.")
    scenes = generate_scenes(n, seed=seed)
    images = embed_images(clip, render(scenes, size=max(64, min(clip.image_size, 224))))
    table = factors(scenes)
    shared = concept_values(table)[[concept.name for concept in SHARED]].add_prefix("concept_")
    texts = embed_captions(clip, captions(scenes[-n_gallery:], seed=seed)).vectors
    gallery = images.vectors[-n_gallery:]
    return SceneMetrics(
        place=_classify(clip, images.vectors[n_fit:], PLACE_PROMPTS, table["place"][n_fit:]),
        main_category=_classify(
            clip, images.vectors[n_fit:], CATEGORY_PROMPTS, table["main_category"][n_fit:]
        ),
        one_caption=retrieval(gallery, texts[:, 0]),
        any_caption=retrieval(gallery, texts),
        probes=probe_factors(images.vectors, table.join(shared), n_fit) if probes else {},
        effective_rank_images=effective_rank(images.vectors),
        effective_rank_texts=effective_rank(texts[:, 0]),
        images=images,
    )


def measure_series(clip: ClipModel, n_series: int = N_SERIES) -> list[SceneMetrics]:
    """Measure a CLIP on several series of scenes, each with probes of its own.

    Parameters
    ----------
    clip : ClipModel
        CLIP model to measure.
    n_series : int
        Number of series, 1 or more; they have seeds from `HELD_OUT_SEED` on.

    Returns
    -------
    list of SceneMetrics
    """
    return [measure_on_scenes(clip, seed=HELD_OUT_SEED + k) for k in range(n_series)]


def probe_factors(vectors: np.ndarray, table: pd.DataFrame, n_fit: int) -> dict[str, LinearProbe]:
    """Read every factor from embeddings with a linear model.

    Parameters
    ----------
    vectors : array of shape (n, d)
        Embeddings of scenes.
    table : pandas.DataFrame of n rows
        Factors of the scenes, made by `factors`. Numbers are regressed, names classified.
    n_fit : int
        Number of first rows that the models are fitted on, classes on 4,000 at most; the rest
        score them.

    Returns
    -------
    dict of str to LinearProbe
    """
    probes = {}
    for factor in table.columns:
        values = table[factor]
        values = values.astype(float) if values.dtype.kind in "fiub" else values.astype(str)
        values = values.to_numpy()
        n = n_fit if values.dtype.kind == "f" else min(n_fit, _N_FIT_CLASSES)
        probes[factor] = linear_probe(
            vectors[:n], values[:n], vectors[n_fit:], values[n_fit:], n_bootstrap=200
        )
    return probes


def phrase_embeddings(clip: ClipModel, prompts: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Embed classes that are each described by several sentences.

    Parameters
    ----------
    clip : ClipModel
        CLIP model to embed with, made by `load_clip`.
    prompts : dict of str to tuple of str
        Sentences of each class.

    Returns
    -------
    float32 array of shape (n_classes, d)
        Means of the sentences' unit vectors, of unit length again, in the order of `prompts`.
    """
    rows = [embed_texts(clip, list(sentences)).vectors.mean(0) for sentences in prompts.values()]
    return unit_rows(np.stack(rows), "prompts")


def _classify(
    clip: ClipModel, images: np.ndarray, prompts: dict[str, tuple[str, ...]], values: pd.Series
) -> ZeroShot:
    names = list(prompts)
    labels = np.array([names.index(value) for value in values])
    return zero_shot(images, phrase_embeddings(clip, prompts), labels)
