"""Embeddings of pictures and texts, block by block, with a cache on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sdc_helpers._checks import UNIT_TOLERANCE, as_array, largest_length_error, unit_rows
from sdc_helpers._texts import text_groups, text_list
from sdc_helpers.embeddings._pictures import check_picture_shape
from sdc_helpers.embeddings._tower_runs import Runner, is_array, picture_blocks
from sdc_helpers.embeddings._vectors import check_vectors
from sdc_helpers.embeddings.clip import ClipModel
from sdc_helpers.embeddings.sentences import encode_sentences

if TYPE_CHECKING:
    import torch

    from sdc_helpers.embeddings._tower_runs import Cache


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors and where they come from; numpy functions take it as the array of its vectors.

    Attributes
    ----------
    vectors : numpy.ndarray of float32, shape (n, d) or (n, k, d)
        One vector a picture or text, or k vectors for the captions of each of n pictures.
    kind : {"image", "text"}
        Tower that made the vectors.
    model, weights : str
        Name and weights of the `ClipModel`.
    """

    vectors: np.ndarray
    kind: Literal["image", "text"]
    model: str
    weights: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", as_array("vectors", self.vectors))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return `vectors`."""
        if copy:
            return np.array(self.vectors, dtype=dtype)
        return np.asarray(self.vectors, dtype=dtype)

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True, eq=False)
class UnitEmbeddings(Embeddings):
    """Embeddings of length 1, so that inner products are cosines; the lengths are checked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        error = largest_length_error(self.vectors)
        if not error <= UNIT_TOLERANCE:
            raise ValueError(
                f"Lengths of vectors differ from 1 by up to {error:.2g}: these are RawEmbeddings."
            )


@dataclass(frozen=True, eq=False)
class RawEmbeddings(Embeddings):
    """Embeddings as the tower gives them; their lengths differ."""

    def unit_length(self) -> UnitEmbeddings:
        """Divide each vector by its length.

        Raises
        ------
        ValueError
            If a vector has length 0 and so no direction.
        """
        vectors = unit_rows(self.vectors, "embeddings")
        return UnitEmbeddings(vectors, self.kind, self.model, self.weights)


def embed_images(
    clip: ClipModel,
    images: Any,
    *,
    batch_size: int = 256,
    device: str | torch.device | None = None,
    cache: Cache = None,
    progress: bool = False,
) -> UnitEmbeddings:
    """Embed pictures as unit vectors.

    Parameters
    ----------
    clip : ClipModel
        The network, from `load_clip`.
    images : array of shape (n, height, width, 3), or iterable
        Pictures as uint8 from 0 to 255, or as floats from 0 to 1. An array, memory map or h5py
        dataset is read a block at a time. Otherwise an iterable of pictures (height, width, 3),
        which may differ in size, or of arrays (n_i, height, width, 3). Pictures of Pillow are
        converted to RGB; those stored turned, transparent or with more than 8 bits are refused with
        advice.
    batch_size : int, default=256
        Number of pictures a forward pass; as many are in memory at their own size (twice as many on
        CUDA).
    device : str or torch.device, optional
        Device to compute on: the network is moved there. By default it stays where it is.
    cache : bool, str, path or None, default=None
        Folder in which vectors are kept, True for ``embeddings`` in the folder of caches
        (``cache`` in the data folder, or ``SDC_CACHE``). They
        are found again by model, weights, preprocessing and content, 256 pictures to a file; a
        run that was interrupted goes on where it was.
    progress : bool, default=False
        Whether to show a progress bar where it takes more than 5 seconds.

    Returns
    -------
    UnitEmbeddings
        n vectors in the order of `images`.

    Raises
    ------
    ValueError
        If an argument is not as described, or a vector is not finite or has no direction.

    See Also
    --------
    image_features : The same vectors before they are divided by their length.
    embed_texts : Embeddings of texts in the same space.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import embed_images, load_clip
    >>> pictures = np.random.default_rng(0).integers(256, size=(2, 64, 64, 3), dtype=np.uint8)
    >>> images = embed_images(load_clip(), pictures)
    >>> images.vectors.shape, images.kind
    ((2, 256), 'image')
    """
    features = image_features(
        clip, images, batch_size=batch_size, device=device, cache=cache, progress=progress
    )
    return features.unit_length()


def image_features(
    clip: ClipModel,
    images: Any,
    *,
    batch_size: int = 256,
    device: str | torch.device | None = None,
    cache: Cache = None,
    progress: bool = False,
) -> RawEmbeddings:
    """Return the image tower's vectors of pictures, not divided by their length.

    Parameters
    ----------
    clip, images, batch_size, device, cache, progress
        Arguments of `embed_images`, which finds the same vectors in the cache.

    Returns
    -------
    RawEmbeddings
        n vectors in the order of `images`.

    Raises
    ------
    ValueError
        If an argument is not as described, or a vector is not finite.
    """

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        return clip.model.encode_image(clip.preprocess.transform(pictures), normalize=False)

    runner = Runner(clip, "image", encode, batch_size, device, cache, progress)
    n_items = None
    if is_array(images):
        check_picture_shape(images.shape)
        n_items = len(images)
    vectors = runner.run(picture_blocks(images, runner.block_size), n_items)
    return RawEmbeddings(vectors, "image", clip.name, clip.weights)


def embed_texts(
    clip: ClipModel,
    texts: Sequence[str],
    *,
    batch_size: int = 256,
    device: str | torch.device | None = None,
    cache: Cache = None,
    progress: bool = False,
) -> UnitEmbeddings:
    """Embed texts as unit vectors.

    Parameters
    ----------
    clip : ClipModel
        The network, from `load_clip`.
    texts : sequence of str
        The n texts.
    batch_size, device, cache, progress
        Options of `embed_images`.

    Returns
    -------
    UnitEmbeddings
        n vectors in the order of `texts`.

    Raises
    ------
    ValueError
        If an argument is not as described, or a vector is not finite or has no direction.

    See Also
    --------
    text_features : The same vectors before they are divided by their length.
    embed_images : Embeddings of pictures in the same space.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import embed_texts, load_clip
    >>> texts = embed_texts(load_clip(), ["a red apple", "a green apple"])
    >>> texts.vectors.shape
    (2, 256)
    >>> np.linalg.norm(texts, axis=1).round(3).tolist()
    [1.0, 1.0]
    """
    features = text_features(
        clip, texts, batch_size=batch_size, device=device, cache=cache, progress=progress
    )
    return features.unit_length()


def text_features(
    clip: ClipModel,
    texts: Sequence[str],
    *,
    batch_size: int = 256,
    device: str | torch.device | None = None,
    cache: Cache = None,
    progress: bool = False,
) -> RawEmbeddings:
    """Return the text tower's vectors of texts, not divided by their length.

    Parameters
    ----------
    clip, texts, batch_size, device, cache, progress
        Arguments of `embed_texts`, which finds the same vectors in the cache.

    Returns
    -------
    RawEmbeddings
        n vectors in the order of `texts`.

    Raises
    ------
    ValueError
        If an argument is not as described, or a vector is not finite.
    """
    texts = text_list(texts)

    def encode(tokens: torch.Tensor) -> torch.Tensor:
        return encode_sentences(clip.model, tokens)

    runner = Runner(clip, "text", encode, batch_size, device, cache, progress)
    size = runner.block_size
    blocks = (
        clip.tokenize(texts[start : start + size]).numpy() for start in range(0, len(texts), size)
    )
    vectors = runner.run(blocks, len(texts))
    return RawEmbeddings(vectors, "text", clip.name, clip.weights)


def embed_captions(
    clip: ClipModel, captions: Sequence[Sequence[str]], **options: Any
) -> UnitEmbeddings:
    """Embed several captions of each picture as unit vectors.

    Parameters
    ----------
    clip : ClipModel
        The network, from `load_clip`.
    captions : sequence of n sequences of k strings
        The captions of each picture, equally many for all pictures.
    **options
        Options of `embed_texts`, such as ``device`` and ``cache``.

    Returns
    -------
    UnitEmbeddings
        Vectors of shape (n, k, d).

    Raises
    ------
    ValueError
        In the cases that `embed_texts` lists, and if the number of captions differs.
    """
    return caption_features(clip, captions, **options).unit_length()


def caption_features(
    clip: ClipModel, captions: Sequence[Sequence[str]], **options: Any
) -> RawEmbeddings:
    """Return the text tower's vectors of several captions of each picture.

    Parameters
    ----------
    clip, captions, **options
        Arguments of `embed_captions`.

    Returns
    -------
    RawEmbeddings
        Vectors of shape (n, k, d), not divided by their length.

    Raises
    ------
    ValueError
        In the cases that `text_features` lists, and if the number of captions differs.
    """
    rows = text_groups(captions)
    counts = {len(row) for row in rows}
    if len(counts) != 1:
        raise ValueError(
            f"captions must hold equally many strings a picture, got {sorted(counts)}: choose as "
            "many of each, or use embed_texts on all of them."
        )
    flat = text_features(clip, [text for row in rows for text in row], **options)
    vectors = flat.vectors.reshape(len(rows), counts.pop(), -1)
    return RawEmbeddings(vectors, flat.kind, flat.model, flat.weights)


def caption_average(captions: Embeddings) -> UnitEmbeddings:
    """Average the captions of each picture: the mean of unit vectors, of length 1 again.

    Parameters
    ----------
    captions : Embeddings of shape (n, k, d)
        Embeddings from `embed_captions`; each caption counts alike, whatever its length.

    Returns
    -------
    UnitEmbeddings
        Vectors of shape (n, d).

    Raises
    ------
    ValueError
        If the shape is another, a value is not finite, or captions cancel out.
    """
    if not isinstance(captions, Embeddings):
        raise ValueError(f"captions must be Embeddings, got {type(captions).__name__}.")
    vectors = unit_rows(check_vectors(captions, "captions", ndim=3), "captions")
    means = unit_rows(vectors.mean(axis=1), "the mean of the captions")
    return UnitEmbeddings(means, captions.kind, captions.model, captions.weights)
