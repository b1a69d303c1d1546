"""Simulated scenes with their captions in the space of a CLIP, cut into galleries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_count, unit_rows
from sdc_helpers.embeddings.clip import ClipModel, load_clip
from sdc_helpers.embeddings.encode import (
    RawEmbeddings,
    caption_features,
    embed_captions,
    embed_images,
    image_features,
)
from sdc_helpers.embeddings.retrieval import target_ranks
from sdc_helpers.embeddings.small_clip import CLIP_ALONE, COURSE_CLIPS
from sdc_helpers.scenes import Scene, captions, factors, generate_scenes, render
from sdc_helpers.studies.clip_training import TRAINING_SEED

if TYPE_CHECKING:
    import pandas as pd


_LONGEST = 90  # characters of a caption that fits beside its pictures


@dataclass(frozen=True)
class Search:
    """A search of the test pictures by a caption.

    Attributes
    ----------
    sentence : str
        The caption.
    meant : int
        Row of the picture that it was written for.
    rank : int
        Rank of that picture among all of the gallery, 1 for the nearest.
    answers : tuple of int
        Rows of the nearest pictures, the nearest first.
    """

    sentence: str
    meant: int
    rank: int
    answers: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ClipSpace:
    """Scenes, and what the two towers of a CLIP make of their pictures and captions.

    Attributes
    ----------
    clip : ClipModel
        The CLIP.
    scenes : tuple of Scene
        n scenes that the course's CLIP was not trained on.
    pictures : uint8 array of shape (n, size, size, 3)
        Their pictures, 64 pixels wide or as wide as the CLIP reads them, 224 at most.
    sentences : list of list of str
        Five captions of each.
    factors : pandas.DataFrame of n rows
        What is in each scene.
    galleries : list of int array
        Rows of each gallery; the pictures among which is searched.
    image_features : RawEmbeddings of shape (n, d)
        What the image tower gives, not of length 1.
    text_features : RawEmbeddings of shape (n, 5, d)
        What the text tower gives, not of length 1.
    seed : int
        Seed of the scenes, and of untrained weights.
    """

    clip: ClipModel
    scenes: tuple[Scene, ...]
    pictures: np.ndarray
    sentences: list[list[str]]
    factors: pd.DataFrame
    galleries: list[np.ndarray]
    image_features: RawEmbeddings
    text_features: RawEmbeddings
    seed: int

    @property
    def network(self) -> str:
        """Name and weights of the CLIP, to be printed beside numbers."""
        return f"{self.clip.name}, weights {self.clip.weights}"

    @property
    def train(self) -> np.ndarray:
        """Rows of all galleries but the last."""
        return np.concatenate(self.galleries[:-1])

    @property
    def test(self) -> np.ndarray:
        """Rows of the last gallery."""
        return self.galleries[-1]

    @cached_property
    def untrained(self) -> ClipModel:
        """The same architecture with random weights."""
        return load_clip(self.clip.name, "random", device=str(self.clip.device), seed=self.seed)

    @cached_property
    def untrained_images(self) -> np.ndarray:
        """Unit vectors of the pictures by the untrained network, float32 of shape (n, d)."""
        return self.embed(self.pictures, self.untrained)

    def embed(self, pictures: np.ndarray, clip: ClipModel | None = None) -> np.ndarray:
        """Embed pictures; the vectors are kept on disk.

        Parameters
        ----------
        pictures : uint8 array of shape (m, height, width, 3)
            Pictures to embed.
        clip : ClipModel, optional
            The CLIP of this study by default.

        Returns
        -------
        float32 array of shape (m, d)
            Unit vectors.

        Raises
        ------
        ValueError
            If the pictures are not as `embed_images` takes them.
        """
        clip = self.clip if clip is None else clip
        return embed_images(clip, pictures, **_cached(clip)).vectors

    def of_training_scenes(self) -> tuple[np.ndarray, np.ndarray]:
        """Embed as many scenes of those that the course's CLIP was trained on.

        Returns
        -------
        images : float32 array of shape (n, d)
            Unit vectors of the pictures.
        texts : float32 array of shape (n, 5, d)
            Unit vectors of their captions.
        """
        known = generate_scenes(len(self.scenes), seed=TRAINING_SEED)
        images = self.embed(render(known, size=self.pictures.shape[1]))
        sentences = captions(known, seed=TRAINING_SEED)
        return images, embed_captions(self.clip, sentences, **_cached(self.clip)).vectors

    def pixels(self, n_components: int) -> np.ndarray:
        """Describe pictures without a network: principal components of 16 x 16 blocks.

        Parameters
        ----------
        n_components : int
            Number of components, fitted on the training galleries; at most half as many as these
            have pictures.

        Returns
        -------
        float array of shape (n, n_components or fewer)
            The components of each picture.

        Raises
        ------
        ValueError
            If `n_components` is not positive.
        """
        from sklearn.decomposition import PCA

        check_count("n_components", n_components, 1)
        side = self.pictures.shape[1] // 16
        cut = self.pictures[:, : 16 * side, : 16 * side]
        blocks = cut.reshape(len(cut), 16, side, 16, side, 3).mean(axis=(2, 4))
        blocks = blocks.reshape(len(cut), -1)
        n_components = min(n_components, len(self.train) // 2, blocks.shape[1])
        fitted = PCA(n_components, random_state=self.seed).fit(blocks[self.train])
        return fitted.transform(blocks)

    def example_searches(self, n_answers: int = 5) -> list[Search]:
        """Choose a search that succeeds and two that fail, by the length of the caption.

        Parameters
        ----------
        n_answers : int
            Number of answers to keep of each.

        Returns
        -------
        list of Search
            In the last gallery: the longest caption whose picture came first, the shortest whose
            picture came late (after the tenth, or in the last tenth of the ranks if there are
            too few), and the longest of those. Captions of more than 90 characters are left out.
        """
        images = unit_rows(self.image_features.vectors[self.test], "image_features")
        texts = unit_rows(self.text_features.vectors[self.test], "text_features")
        queries = texts.reshape(-1, texts.shape[-1])
        owner = np.repeat(np.arange(len(images)), texts.shape[1])
        asked = [sentence for row in self.test for sentence in self.sentences[row]]
        ranks = target_ranks(queries, images, owner)
        length = np.array([len(sentence) for sentence in asked])
        short = length <= _LONGEST
        late = np.flatnonzero((ranks > min(10, np.quantile(ranks, 0.9))) & short)
        early = np.flatnonzero((ranks == ranks.min()) & short)
        chosen = [
            early[length[early].argmax()],
            late[length[late].argmin()],
            late[length[late].argmax()],
        ]
        nearest = np.argsort(-(queries[chosen] @ images.T), axis=1, kind="stable")[:, :n_answers]
        return [
            Search(
                sentence=asked[query],
                meant=int(self.test[owner[query]]),
                rank=int(ranks[query]),
                answers=tuple(self.test[rows].tolist()),
            )
            for query, rows in zip(chosen, nearest, strict=True)
        ]

    def caption_average(self, n_captions: int, rng: np.random.Generator) -> np.ndarray:
        """Average some captions of each scene, drawn without replacement.

        Parameters
        ----------
        n_captions : int
            Number of captions of each, from 1 to 5.
        rng : numpy.random.Generator
            Draws the order of the captions of each scene.

        Returns
        -------
        float32 array of shape (n, d)
            Means of unit vectors, of length 1 again.

        Raises
        ------
        ValueError
            If `n_captions` is not from 1 to 5.
        """
        texts = unit_rows(self.text_features.vectors, "text_features")
        n_all = texts.shape[1]
        if not 1 <= check_count("n_captions", n_captions, 1) <= n_all:
            raise ValueError(f"n_captions={n_captions}: there are {n_all} captions a scene.")
        order = rng.permuted(np.tile(np.arange(n_all), (len(texts), 1)), axis=1)
        some = np.take_along_axis(texts, order[:, :n_captions, None], axis=1)
        return unit_rows(some.mean(axis=1), "the mean of the captions")


def open_clip_space(
    n_gallery: int,
    n_galleries: int,
    *,
    clip: tuple[str, str] = (CLIP_ALONE, "course"),
    seed: int = 0,
    device: str = "cpu",
) -> ClipSpace:
    """Simulate scenes and embed their pictures and captions.

    Parameters
    ----------
    n_gallery : int
        Number of scenes of each gallery.
    n_galleries : int
        Number of galleries, 2 or more; the last is for testing.
    clip : tuple of str
        Name and weights of the CLIP, as `load_clip` takes them. Its vectors are kept on
        disk.
    seed : int
        Seed of the scenes, of the captions' wording and of the untrained control.
    device : str
        Device to compute on.

    Returns
    -------
    ClipSpace

    Raises
    ------
    ValueError
        If there are fewer than two galleries or 20 scenes in each.
    """
    check_count("n_gallery", n_gallery, 20)
    check_count("n_galleries", n_galleries, 2)
    model = load_clip(*clip, device=device)
    scenes = generate_scenes(n_galleries * n_gallery, seed=seed)
    pictures = render(scenes, size=max(64, min(model.image_size, 224)))
    sentences = captions(scenes, seed=seed)
    return ClipSpace(
        clip=model,
        scenes=tuple(scenes),
        pictures=pictures,
        sentences=sentences,
        factors=factors(scenes),
        galleries=np.split(np.arange(len(scenes)), n_galleries),
        image_features=image_features(model, pictures, **_cached(model)),
        text_features=caption_features(model, sentences, **_cached(model)),
        seed=seed,
    )


def _cached(clip: ClipModel) -> dict[str, Any]:
    """Keep vectors on disk, and show how far it is with a large network, which takes minutes."""
    return {"cache": True, "progress": clip.name not in COURSE_CLIPS}
