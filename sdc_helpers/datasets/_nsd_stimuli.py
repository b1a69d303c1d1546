"""Pictures of the Natural Scenes Dataset, read from one HDF5 file in the order asked for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets._hdf5 import find, open_hdf5
from sdc_helpers.datasets._nsd_files import check_image_ids
from sdc_helpers.datasets.errors import DataFormatError, unreadable

if TYPE_CHECKING:
    import h5py

_RUN = 64  # images read at once, when their ids follow each other


def read_stimuli(file: Path, ids: object) -> np.ndarray:
    """Read images by 1-based id, uint8 (n, height, width, 3); each once, in the file's order."""
    with open_hdf5(file, "the images (dataset imgBrick)") as handle:
        brick = _check_brick(file, handle)
        ids = check_image_ids(ids, len(brick))
        images = np.empty((len(ids), *brick.shape[1:]), dtype=np.uint8)
        unique, inverse = np.unique(ids - 1, return_inverse=True)
        try:
            for run in _runs(unique):
                block = brick[unique[run.start] : unique[run.stop - 1] + 1]
                wanted = (inverse >= run.start) & (inverse < run.stop)
                images[wanted] = block[inverse[wanted] - run.start]
        except (OSError, RuntimeError) as error:
            raise unreadable(file, error) from error
    return images


def _check_brick(file: Path, handle: h5py.File) -> h5py.Dataset:
    import h5py

    brick = find(file, handle, "imgBrick")
    if not isinstance(brick, h5py.Dataset):
        raise DataFormatError(
            f"{file} has no dataset 'imgBrick', only {sorted(handle)}; expected nsd_stimuli.hdf5."
        )
    if brick.dtype != np.uint8 or brick.ndim != 4 or brick.shape[3] != 3:
        raise DataFormatError(
            f"{file}: 'imgBrick' is {brick.dtype} of shape {brick.shape}, expected uint8 of shape "
            "(images, height, width, 3)."
        )
    return brick


def _runs(unique: np.ndarray) -> list[slice]:
    """Split ascending indices into slices of neighbours that follow each other."""
    breaks = np.flatnonzero(np.diff(unique) != 1) + 1
    edges = [0, *breaks.tolist(), len(unique)]
    return [
        slice(a, min(a + _RUN, stop))
        for start, stop in itertools.pairwise(edges)
        for a in range(start, stop, _RUN)
    ]
