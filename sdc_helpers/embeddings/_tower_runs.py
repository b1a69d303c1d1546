"""Pictures and texts through a tower of a CLIP, block by block, with a cache on disk."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_device
from sdc_helpers._pillow import is_iterable_of_pictures, picture_array
from sdc_helpers.embeddings._embedding_cache import ITEMS_PER_ENTRY, EmbeddingCache, cache_folder
from sdc_helpers.embeddings._networks import evaluating
from sdc_helpers.embeddings._pictures import as_tensor, check_picture_shape, check_pictures
from sdc_helpers.embeddings.clip import ClipModel

if TYPE_CHECKING:
    import torch

    Cache = bool | str | os.PathLike | None

_BAR_AFTER_S = 5.0


class Runner:
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

        entry = stored = None
        if self.stored is not None:
            entry = self.stored.entry(block)
            stored = self.stored.load(entry, len(block))
        if stored is not None:
            return lambda: stored
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


def is_array(images: Any) -> bool:
    """Tell arrays, which are cut into blocks, from iterables of pictures."""
    like_array = hasattr(images, "shape") and hasattr(images, "__getitem__")
    return like_array and not is_iterable_of_pictures(images)


def picture_blocks(images: Any, size: int) -> Iterator[np.ndarray]:
    """Yield checked pictures, at most `size` of one shape at a time."""
    if is_array(images):
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
    if not is_iterable_of_pictures(images):
        raise ValueError(f"images must be an array or an iterable, got {type(images).__name__}.")
    for i, item in enumerate(images):
        array = picture_array(item, f"Item {i} of images")
        array = array[None] if array.ndim == 3 else array
        try:
            check_picture_shape(array.shape)
        except ValueError as error:
            raise ValueError(f"Item {i} of images: {error}") from error
        yield from array
