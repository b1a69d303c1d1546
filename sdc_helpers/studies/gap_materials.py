"""Inputs of two encoders that see the same pictures, and of one that reads their words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers.scenes import captions, generate_scenes, render

_COMPONENTS = 64


@dataclass(frozen=True, eq=False)
class GapInputs:
    """What `gap_inputs` makes: principal components, each of variance 1 over the scenes.

    Attributes
    ----------
    pictures : float array of shape (n, 64)
        Components of the pixels of the scenes that are trained on.
    new_pictures : float array of shape (n_new, 64)
        The same components of other scenes.
    words : float array of shape (n, 64)
        Components of the word counts of each scene's captions.
    explained : float
        Share of the variance of the pixels that the components hold, from 0 to 1.
    """

    pictures: np.ndarray
    new_pictures: np.ndarray
    words: np.ndarray
    explained: float


def gap_inputs(n_scenes: int, n_new: int, seed: int) -> GapInputs:
    """Simulate scenes and reduce their pictures and their words to 64 components each.

    Parameters
    ----------
    n_scenes : int
        Number of scenes to train on, 65 at least.
    n_new : int
        Number of other scenes, drawn with the next seed.
    seed : int
        Seed of the scenes.

    Returns
    -------
    GapInputs

    Raises
    ------
    ValueError
        If there are too few scenes for 64 components.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    if n_scenes <= _COMPONENTS:
        raise ValueError(f"n_scenes must be more than {_COMPONENTS}, got {n_scenes}.")
    scenes = generate_scenes(n_scenes, seed=seed)
    pixels = _pixels(render(scenes))
    of_pixels = _whitened(pixels)
    texts = [" ".join(of_scene) for of_scene in captions(scenes)]
    counts = CountVectorizer().fit_transform(texts).toarray().astype(float)
    return GapInputs(
        pictures=of_pixels.transform(pixels),
        new_pictures=of_pixels.transform(_pixels(render(generate_scenes(n_new, seed=seed + 1)))),
        words=_whitened(counts).transform(counts),
        explained=float(of_pixels.explained_variance_ratio_.sum()),
    )


def _pixels(images: np.ndarray) -> np.ndarray:
    """Every second pixel of both directions, as a row of numbers from 0 to 1."""
    return images[:, ::2, ::2].reshape(len(images), -1) / 255


def _whitened(rows: np.ndarray):
    from sklearn.decomposition import PCA

    return PCA(_COMPONENTS, whiten=True, svd_solver="randomized", random_state=0).fit(rows)
