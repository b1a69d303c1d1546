"""Embeddings of pictures and texts, block by block, with a cache on disk."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sdc_helpers._checks import (
    UNIT_TOLERANCE,
    as_array,
    check_count,
    check_device,
    largest_length_error,
    unit_rows,
)
from sdc_helpers.embeddings._embedding_cache import ITEMS_PER_ENTRY, EmbeddingCache, cache_folder
from sdc_helpers.embeddings._networks import evaluating
from sdc_helpers.embeddings._pictures import as_tensor, check_picture_shape, check_pictures
from sdc_helpers.embeddings._vectors import check_vectors
from sdc_helpers.embeddings.clip import ClipModel, check_texts

if TYPE_CHECKING:
    import torch

    Cache = bool | str | os.PathLike | None

_BAR_AFTER_S = 5.0


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors and where they come from; numpy functions take it as the array of its vectors.

    Attributes
    ----------
    vectors : numpy.ndarray of float32, shape (n, d) or (n, k, d)
        One a picture or text; k captions of each of n pictures.
    kind : {"image", "text"}
        Which tower.
    model, weights : str
        Of the `ClipModel`.
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
    """Embeddings of length 1, so that inner products are cosines. Checked when made."""

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


def embed_images(
    clip: ClipModel,
    images: Any,
    *,
    batch_size: int = 256,
    device: str | torch.device | None = None,
    unit_length: bool = True,
    cache: Cache = None,
    progress: bool = False,
) -> UnitEmbeddings | RawEmbeddings:
    """Embed pictures.

    Parameters
    ----------
    clip : ClipModel
        From `load_clip`.
    images : array of shape (n, height, width, 3), or iterable
        uint8 from 0 to 255, or floats from 0 to 1. An array, memory map or h5py dataset is read
        a block at a time. Otherwise an iterable of pictures (height, width, 3), which may differ
        in size, or of arrays (n_i, height, width, 3).
    batch_size : int, default=256
        Pictures a forward pass; as many are in memory at their own size (twice as many on CUDA).
    device : str or torch.device, optional
        Where to compute: the network is moved there. By default it stays where it is.
    unit_length : bool, default=True
        Whether to divide each vector by its length.
    cache : bool, str, path or None, default=None
        A folder in which vectors are kept, True for ``cache/embeddings`` in the data folder. They
        are found again by model, weights, preprocessing and content, 256 pictures to a file; a
        run that was interrupted goes on where it was.
    progress : bool, default=False
        Whether to show a progress bar where it takes more than 5 seconds.

    Returns
    -------
    UnitEmbeddings or RawEmbeddings
        By `unit_length`; n vectors in the order of `images`.

    Raises
    ------
    ValueError
        An argument is not as described, or a vector is not finite or has no direction.
    """

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        return clip.model.encode_image(clip.preprocess.transform(pictures), normalize=False)

    runner = _Runner(clip, "image", encode, batch_size, device, cache, progress)
    n_items = None
    if _is_array(images):
        check_picture_shape(images.shape)
        n_items = len(images)
    vectors = runner.run(_picture_blocks(images, runner.block_size), n_items)
    return _result(vectors, clip, "image", unit_length)


def embed_texts(
    clip: ClipModel,
    texts: Sequence[str],
    *,
    batch_size: int = 256,
    device: str | torch.device | None = None,
    unit_length: bool = True,
    cache: Cache = None,
    progress: bool = False,
) -> UnitEmbeddings | RawEmbeddings:
    """Embed texts.

    Parameters
    ----------
    clip : ClipModel
        From `load_clip`.
    texts : sequence of str
        n of them.
    batch_size, device, unit_length, cache, progress
        See `embed_images`.

    Returns
    -------
    UnitEmbeddings or RawEmbeddings
        By `unit_length`; n vectors in the order of `texts`.

    Raises
    ------
    ValueError
        An argument is not as described, or a vector is not finite or has no direction.
    """
    texts = check_texts(texts)

    def encode(tokens: torch.Tensor) -> torch.Tensor:
        return clip.model.encode_text(tokens, normalize=False)

    runner = _Runner(clip, "text", encode, batch_size, device, cache, progress)
    size = runner.block_size
    blocks = (
        clip.tokenize(texts[start : start + size]).numpy() for start in range(0, len(texts), size)
    )
    return _result(runner.run(blocks, len(texts)), clip, "text", unit_length)


def embed_captions(
    clip: ClipModel, captions: Sequence[Sequence[str]], **options: Any
) -> UnitEmbeddings | RawEmbeddings:
    """Embed several captions of each picture.

    Parameters
    ----------
    clip : ClipModel
        From `load_clip`.
    captions : sequence of n sequences of k strings
        The captions of each picture, equally many of all.
    **options
        See `embed_texts`.

    Returns
    -------
    UnitEmbeddings or RawEmbeddings
        Vectors of shape (n, k, d).

    Raises
    ------
    ValueError
        As `embed_texts`, or the number of captions differs.
    """
    if isinstance(captions, str):
        raise ValueError("captions must be a sequence of sequences of strings, got one string.")
    rows = [check_texts(row) for row in captions]
    counts = {len(row) for row in rows}
    if len(counts) != 1:
        raise ValueError(
            f"captions must hold equally many strings a picture, got {sorted(counts)}: choose as "
            "many of each, or use embed_texts on all of them."
        )
    flat = embed_texts(clip, [text for row in rows for text in row], **options)
    vectors = flat.vectors.reshape(len(rows), counts.pop(), -1)
    return type(flat)(vectors, flat.kind, flat.model, flat.weights)


def caption_average(captions: Embeddings) -> UnitEmbeddings:
    """Average the captions of each picture: the mean of unit vectors, of length 1 again.

    Parameters
    ----------
    captions : Embeddings of shape (n, k, d)
        From `embed_captions`; each caption counts alike, whatever its length.

    Returns
    -------
    UnitEmbeddings
        Vectors of shape (n, d).

    Raises
    ------
    ValueError
        Another shape, values that are not finite, or captions that cancel out.
    """
    if not isinstance(captions, Embeddings):
        raise ValueError(f"captions must be Embeddings, got {type(captions).__name__}.")
    vectors = unit_rows(check_vectors(captions, "captions", ndim=3), "captions")
    means = unit_rows(vectors.mean(axis=1), "the mean of the captions")
    return UnitEmbeddings(means, captions.kind, captions.model, captions.weights)


def _result(
    vectors: np.ndarray, clip: ClipModel, kind: str, unit_length: bool
) -> UnitEmbeddings | RawEmbeddings:
    if unit_length:
        return UnitEmbeddings(unit_rows(vectors, "embeddings"), kind, clip.name, clip.weights)
    return RawEmbeddings(vectors, kind, clip.name, clip.weights)


class _Runner:
    """Sends blocks of items through one tower, or finds their vectors in the cache."""

    def __init__(
        self,
        clip: ClipModel,
        kind: str,
        encode: Callable[[torch.Tensor], torch.Tensor],
        batch_size: int,
        device: str | torch.device | None,
        cache: Cache,
        progress: bool,
    ) -> None:
        check_count("batch_size", batch_size, 1)
        folder = cache_folder(cache)
        if device is not None:
            clip.model.to(check_device(device))
        self.clip, self.kind, self.encode, self.progress = clip, kind, encode, progress
        self.batch_size = batch_size
        self.stored = None if folder is None else EmbeddingCache(folder, clip.fingerprint, kind)
        self.block_size = batch_size if folder is None else ITEMS_PER_ENTRY

    def run(self, blocks: Iterable[np.ndarray], n_items: int | None) -> np.ndarray:
        """Return the (n, d) float32 vectors of all items.

        A block is waited for only after the next one was sent: on CUDA the processor reads and
        tokenizes while the device computes.
        """
        import torch
        from tqdm.auto import tqdm

        done: list[np.ndarray] = []
        waiting: deque[Callable[[], np.ndarray]] = deque()
        with contextlib.ExitStack() as stack:
            stack.enter_context(evaluating(self.clip.model))
            stack.enter_context(torch.inference_mode())
            stack.enter_context(
                torch.backends.cudnn.flags(
                    enabled=True, benchmark=False, deterministic=True, allow_tf32=False
                )
            )
            bar = stack.enter_context(
                tqdm(
                    total=n_items,
                    desc=f"Embedding {self.kind}s",
                    delay=_BAR_AFTER_S,
                    disable=not self.progress,
                )
            )
            for block in blocks:
                waiting.append(self._send(block))
                if len(waiting) > 1:
                    done.append(waiting.popleft()())
                    bar.update(len(done[-1]))
            for finish in waiting:
                done.append(finish())
                bar.update(len(done[-1]))
        if not done:
            raise ValueError(f"There is no {self.kind} to embed.")
        return np.concatenate(done) if len(done) > 1 else done[0]

    def _send(self, block: np.ndarray) -> Callable[[], np.ndarray]:
        """Start computing a block; calling what is returned waits for its vectors."""
        import torch

        entry = found = None
        if self.stored is not None:
            entry = self.stored.entry(block)
            found = self.stored.load(entry, len(block))
        if found is not None:
            return lambda: found
        items, device = as_tensor(block), self.clip.device
        if device.type == "cuda":
            items = items.pin_memory().to(device, non_blocking=True)
        else:
            items = items.to(device)
        parts = [self.encode(part) for part in items.split(self.batch_size)]

        def finish() -> np.ndarray:
            vectors = torch.cat(parts).float().cpu().numpy()
            if not np.isfinite(vectors).all():
                raise ValueError(
                    f"{self.clip.name} ({self.clip.weights}) gives NaN or infinite values for "
                    f"these {self.kind}s."
                )
            if entry is not None:
                self.stored.store(entry, vectors)
            return vectors

        return finish


def _is_array(images: Any) -> bool:
    return hasattr(images, "shape") and hasattr(images, "__getitem__")


def _picture_blocks(images: Any, size: int) -> Iterator[np.ndarray]:
    """Yield checked pictures, at most `size` of one shape at a time."""
    if _is_array(images):
        for start in range(0, len(images), size):
            yield check_pictures(as_array("images", images[start : start + size]))
        return
    block: list[np.ndarray] = []
    for picture in _pictures(images):
        alike = not block or (picture.shape, picture.dtype) == (block[0].shape, block[0].dtype)
        if len(block) == size or not alike:
            yield check_pictures(np.stack(block))
            block = []
        block.append(picture)
    if block:
        yield check_pictures(np.stack(block))


def _pictures(images: Any) -> Iterator[np.ndarray]:
    if isinstance(images, str | bytes | dict) or not isinstance(images, Iterable):
        raise ValueError(f"images must be an array or an iterable, got {type(images).__name__}.")
    for i, item in enumerate(images):
        array = as_array(f"Item {i} of images", item)
        array = array[None] if array.ndim == 3 else array
        try:
            check_picture_shape(array.shape)
        except ValueError as error:
            raise ValueError(f"Item {i} of images: {error}") from error
        yield from array
