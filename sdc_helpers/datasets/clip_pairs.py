"""CLIP embeddings of 500 pictures and of their captions (Radford 2021; Liang et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "clip_pairs"
FILE = "features_clip.npy"
N_PAIRS, N_DIMENSIONS = 500, 512
_UNIT_TOLERANCE = 1e-3  # the vectors were rounded to half precision


@dataclass(frozen=True, eq=False)
class ClipPairs:
    """Embeddings of OpenAI's CLIP ViT-B/32; row i of both belongs to pair i.

    Attributes
    ----------
    images : numpy.ndarray of float32, shape (500, 512)
        Embeddings of the pictures. Lengths are 1 within 0.001: they are kept as published, where
        they had been rounded to half precision.
    texts : numpy.ndarray of float32, shape (500, 512)
        Embeddings of the captions, with the same lengths.
    """

    images: np.ndarray
    texts: np.ndarray


def load_clip_pairs(root: str | Path | None = None) -> ClipPairs:
    """Load the embeddings of the pairs.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        Folder that holds ``features_clip.npy``. By default the registered files, fetched if
        necessary.

    Returns
    -------
    ClipPairs

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the file is neither on disk nor can be fetched.
    DataFormatError
        If the file is missing in `root` or is not what it should be.
    """
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    file = folder / FILE
    require_file(file, f"the embeddings (`sdc data fetch {DATASET}`)")
    try:
        both = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(file, error, "read as an array") from error
    shape = (2, N_PAIRS, N_DIMENSIONS)
    if not isinstance(both, np.ndarray) or both.shape != shape or both.dtype.kind != "f":
        found = f"{both.dtype} of shape {both.shape}" if isinstance(both, np.ndarray) else "others"
        raise DataFormatError(f"{file}: expected floats of shape {shape}, got {found}.")
    if not np.isfinite(both).all():
        raise DataFormatError(f"{file} holds NaN or infinite values.")
    lengths = np.linalg.norm(both.astype(np.float64), axis=-1)
    worst = float(np.abs(lengths - 1).max())
    if worst > _UNIT_TOLERANCE:
        raise DataFormatError(f"{file}: lengths of vectors differ from 1 by up to {worst:.2g}.")
    images, texts = both.astype(np.float32)  # copies: nothing of the file's array is kept
    return ClipPairs(images.copy(), texts.copy())
