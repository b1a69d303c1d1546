"""What the chapter on space partitioning races: two bases with queries, and ways to make bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from sklearn.base import clone

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.datasets import load_sift5k
from sdc_helpers.embeddings import load_clip
from sdc_helpers.embeddings.clip import COURSE_MODEL
from sdc_helpers.embeddings.encode import embed_captions
from sdc_helpers.neighbours import (
    RecallCurve,
    SpacePartition,
    exact_neighbours,
    hnsw_curve,
    kmeans_bins,
    recall_curve,
)
from sdc_helpers.studies.participants import embed_stimuli
from sdc_helpers.studies.source import open_study

Kind: TypeAlias = Literal["simulated", "real"]

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Shares of the base as candidates at which curves are compared."""
K = 10
"""True neighbours that are to be found."""
_SCENES_SEED = 3_000_017
"""Of scenes that are neither those of the training of a CLIP nor those that it is measured on."""


@dataclass(frozen=True, eq=False)
class SearchTask:
    """A base, queries that are not in it, and their true neighbours.

    Attributes
    ----------
    kind : {"simulated", "real"}
        The word to be said wherever a number of this task stands.
    base : float32 array of shape (n_base, D)
        Vectors to be found.
    queries : float32 array of shape (n_queries, D)
        What is asked.
    """

    kind: Kind
    base: np.ndarray
    queries: np.ndarray

    @cached_property
    def truth(self) -> np.ndarray:
        """Rows of the base that are the nearest neighbours of each query, (n_queries, 10)."""
        return exact_neighbours(self.base, self.queries, K)

    def curve(self, fitted: SpacePartition) -> RecallCurve:
        """Return the curve of a partition of this base."""
        return recall_curve(fitted.probe_order(self.queries), fitted.bins_, self.truth)


def _held_out(n: int, n_queries: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows that ask, and return them and the others."""
    check_count("n_queries", n_queries, 1)
    if n - n_queries < K:
        raise ValueError(f"{n} vectors, {n_queries} of them queries: too few are left.")
    order = np.random.default_rng([seed, 15]).permutation(n)
    return order[:n_queries], order[n_queries:]


def split_task(vectors: np.ndarray, n_queries: int, kind: Kind, seed: int) -> SearchTask:
    """Hold some vectors out as queries.

    Parameters
    ----------
    vectors : array of shape (n, D)
        All vectors.
    n_queries : int
        How many of them ask.
    kind : {"simulated", "real"}
        Where they come from.
    seed : int
        Of the draw.

    Returns
    -------
    SearchTask

    Raises
    ------
    ValueError
        If fewer than ten vectors are left to be found.
    """
    vectors = as_array("vectors", vectors)
    asked, base = _held_out(len(vectors), n_queries, seed)
    return SearchTask(kind, vectors[base], vectors[asked])


def sift_task(n_queries: int, seed: int, n_vectors: int | None = None) -> SearchTask:
    """Return real SIFT descriptors, some of them as queries.

    Parameters
    ----------
    n_queries : int
        How many ask.
    seed : int
        Of the draw.
    n_vectors : int, optional
        How many of the 5,000 take part; by default all.

    Returns
    -------
    SearchTask

    Raises
    ------
    DataUnavailableError
        If the file is neither on disk nor can be fetched.
    """
    return split_task(load_sift5k()[:n_vectors], n_queries, "real", seed)


@dataclass(frozen=True, eq=False)
class PictureSearch:
    """Pictures as CLIP embeds them, and captions that ask for pictures.

    Attributes
    ----------
    kind : {"simulated", "real"}
        Where the pictures come from.
    pictures : float32 array of shape (n, D)
        Embeddings of the study's pictures, unit length.
    captions : float32 array of shape (n, D)
        Embedding of the first caption of each, unit length.
    """

    kind: Kind
    pictures: np.ndarray
    captions: np.ndarray

    def tasks(self, n_queries: int, seed: int) -> tuple[SearchTask, SearchTask, np.ndarray]:
        """Hold pictures out, and ask by them and by their captions.

        Parameters
        ----------
        n_queries : int
            How many pictures are held out.
        seed : int
            Of the draw.

        Returns
        -------
        by_picture, by_caption : SearchTask
            The same base, with the held-out pictures or their captions as queries.
        captions : float32 array of shape (n_base, D)
            Captions of the base, to learn from.

        Raises
        ------
        ValueError
            If fewer than ten pictures are left to be found.
        """
        asked, base = _held_out(len(self.pictures), n_queries, seed)
        pictures = self.pictures[base]
        return (
            SearchTask(self.kind, pictures, self.pictures[asked]),
            SearchTask(self.kind, pictures, self.captions[asked]),
            self.captions[base],
        )


def open_pictures(
    source: str, root: str | Path, profile: str, seed: int, *, device: str
) -> PictureSearch:
    """Open a study's pictures and captions in the space of the course's CLIP.

    Parameters
    ----------
    source, root, profile, seed
        As `open_study` takes them.
    device : str
        Where to embed.

    Returns
    -------
    PictureSearch

    Raises
    ------
    ValueError
        As `open_study` raises.
    """
    study = open_study(source, root, profile, seed)
    clip = load_clip(device=device)
    pictures = embed_stimuli(study.reader, clip, study.image_ids)
    texts = study.reader.captions(study.image_ids)
    first = [[one[0]] for one in texts]
    captions = embed_captions(clip, first, cache=True).vectors[:, 0]
    return PictureSearch(study.kind, pictures.vectors, captions)


@lru_cache(maxsize=1)
def open_scene_pictures(n: int, clip_name: str | None = None) -> PictureSearch:
    """Draw scenes that no network was trained on, and embed them and their first captions.

    Parameters
    ----------
    n : int
        Number of scenes.
    clip_name : str, optional
        Another network than the default of `load_clip`.

    Returns
    -------
    PictureSearch
        In the space of that CLIP.
    """
    from sdc_helpers.embeddings import embed_images
    from sdc_helpers.scenes import captions, generate_scenes, render

    check_count("n", n, 1)
    scenes, clip = generate_scenes(n, seed=_SCENES_SEED), load_clip(clip_name or COURSE_MODEL)
    pictures = embed_images(clip, render(scenes), cache=True).vectors
    first = [texts[:1] for texts in captions(scenes, seed=_SCENES_SEED)]
    asked = embed_captions(clip, first, cache=True).vectors[:, 0]
    return PictureSearch("simulated", pictures, asked)


@dataclass(frozen=True, eq=False)
class Race:
    """The curves of several ways to search one base, and the partition that was learned.

    Attributes
    ----------
    curves : dict of str to RecallCurve
        By method.
    partition : SpacePartition
        The one of "soft votes".
    """

    curves: dict[str, RecallCurve]
    partition: SpacePartition

    def __getitem__(self, method: str) -> RecallCurve:
        """Return the curve of a method."""
        return self.curves[method]


def race(task: SearchTask, unfitted: SpacePartition, *, seed: int) -> Race:
    """Learn bins, and return their curve with those of k-means and of a graph.

    Parameters
    ----------
    task : SearchTask
        Base, queries and truth.
    unfitted : SpacePartition
        What is learned; its number of bins holds for k-means too.
    seed : int
        Of both.

    Returns
    -------
    Race
        "soft votes", "k-means" (the best of ten starts) and "graph (HNSW)", whose candidates are
        the distances that it computes.
    """
    fitted = clone(unfitted).set_params(random_state=100 * seed).fit(task.base)
    lone = kmeans_bins(task.base, fitted.n_bins, random_state=100 * seed)
    curves = {
        "soft votes": task.curve(fitted),
        "k-means": lone.recall_curve(task.queries, task.truth),
        "graph (HNSW)": hnsw_curve(task.base, task.queries, task.truth),
    }
    return Race(curves, fitted)
