"""Read some voxels of a session of betas without reading the others.

A session file holds one int16 dataset ``betas`` of shape (trials, Z, Y, X). In the released files
the series of each voxel is a chunk of its own; these are read one by one, past h5py's selections,
which cost far more than the reading. Any other layout is read block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets._hdf5 import find, open_hdf5
from sdc_helpers.datasets.errors import DataFormatError, unreadable

if TYPE_CHECKING:
    import h5py

SCALE = np.float32(300)  # stored integer of one percent signal change
_BUFFER_BYTES = 64 * 2**20
_GAP_BYTES = 2**16  # reading on over a smaller gap is cheaper than another system call
_TILE = 256  # voxels: a tile of a transposition that stays in the processor's cache


@dataclass(frozen=True)
class Session:
    """A session file that has been looked into: its number of trials and its (X, Y, Z) grid."""

    file: Path
    n_trials: int
    grid: tuple[int, int, int]


def inspect_session(file: Path) -> Session:
    """Check that a file holds betas and return their extent; no beta is read."""
    with _open(file) as dataset:
        n_trials, *zyx = dataset.shape
        return Session(file, n_trials, tuple(zyx[::-1]))


def read_session(session: Session, voxels: np.ndarray, out: np.ndarray) -> None:
    """Read voxels of a session as percent signal change.

    Parameters
    ----------
    session : Session
        Session to read, from `inspect_session`.
    voxels : int64 array of shape (n_voxels,)
        C-order indices into the (X, Y, Z) grid; need not be sorted, may repeat.
    out : float32 array of shape (n_trials, n_voxels)
        Is filled. Beyond it, 64 MB and one chunk of the file are held at most.
    """
    zyx = np.stack(np.unravel_index(voxels, session.grid)[::-1], axis=1)
    try:
        with _open(session.file) as dataset:
            if dataset.chunks == (session.n_trials, 1, 1, 1) and not _is_filtered(dataset):
                _read_series(dataset, zyx, out)
            elif dataset.chunks is None and dataset.id.get_offset() is not None:
                _read_contiguous(dataset, zyx, out)
            else:
                _read_blocks(dataset, zyx, out)
    except (OSError, RuntimeError, KeyError) as error:
        raise unreadable(session.file, error) from error


def standardise(
    betas: np.ndarray, zscore: bool, train: np.ndarray | None, out_constant: np.ndarray
) -> None:
    """Z-score the trials of one session in place and mark its constant voxels.

    Parameters
    ----------
    betas : float32 array of shape (n_trials, n_voxels)
        Are replaced by (betas - mean) / sd, in float64, with the population sd (ddof=0); NaN
        where the voxel is constant.
    zscore : bool
        Whether to standardise.
    train : bool array of shape (n_trials,), optional
        The trials whose mean and sd are taken and that must not be constant; all by default.
    out_constant : bool array of shape (n_voxels,)
        Is set to True where the voxel has one value in all those trials.
    """
    width = max(1, _BUFFER_BYTES // 4 // (8 * len(betas)))  # a few float64 copies at a time
    for first in range(0, betas.shape[1], width):
        part = slice(first, first + width)
        block = betas[:, part]
        sample = block if train is None else block[train]
        constant = sample.min(axis=0) == sample.max(axis=0)
        out_constant[part] |= constant
        if zscore:
            sample = sample.astype(np.float64)
            sd = np.where(constant, np.nan, sample.std(axis=0))
            block[...] = (block - sample.mean(axis=0)) / sd


@contextmanager
def _open(file: Path) -> Iterator[h5py.Dataset]:
    with open_hdf5(file, "the betas of a session") as handle:
        yield _check_dataset(file, handle)


def _check_dataset(file: Path, handle: h5py.File) -> h5py.Dataset:
    import h5py

    dataset = find(file, handle, "betas")
    if not isinstance(dataset, h5py.Dataset):
        raise DataFormatError(
            f"{file} has no dataset 'betas', only {sorted(handle)}; expected NSD betas in "
            "func1pt8mm, HDF5 format."
        )
    if dataset.dtype.kind != "i" or dataset.dtype.itemsize != 2:
        raise DataFormatError(
            f"{file}: 'betas' is {dataset.dtype}, expected int16 holding 300 x percent signal "
            "change. Take the released betas_sessionNN.hdf5."
        )
    if dataset.ndim != 4 or 0 in dataset.shape:
        raise DataFormatError(
            f"{file}: 'betas' has shape {dataset.shape}, expected (trials, Z, Y, X), "
            "none of them 0."
        )
    return dataset


def _is_filtered(dataset: h5py.Dataset) -> bool:
    return dataset.id.get_create_plist().get_nfilters() > 0


def _read_series(dataset: h5py.Dataset, zyx: np.ndarray, out: np.ndarray) -> None:
    """One chunk a voxel, as stored: copy the chunks, in the order of the file."""
    n_trials, n_voxels = out.shape
    batch = max(1, _BUFFER_BYTES // (2 * n_trials))
    buffer = np.empty((min(batch, n_voxels), n_trials), dtype=dataset.dtype)
    as_bytes = buffer.view(np.uint8)
    for first in range(0, n_voxels, batch):
        part = zyx[first : first + batch]
        order = np.lexsort(part.T[::-1])
        for i, (z, y, x) in zip(order.tolist(), part[order].tolist(), strict=True):
            try:
                dataset.id.read_direct_chunk((0, z, y, x), out=as_bytes[i])
            except (OSError, RuntimeError, ValueError):  # never written: h5py knows the fill value
                buffer[i] = dataset[:, z, y, x]
        for a in range(0, len(part), _TILE):
            tile = slice(a, min(a + _TILE, len(part)))
            target = slice(first + a, first + tile.stop)
            np.divide(buffer[tile].T, SCALE, out=out[:, target], dtype=np.float32)


def _read_contiguous(dataset: h5py.Dataset, zyx: np.ndarray, out: np.ndarray) -> None:
    """One volume after the other: read each volume's stretches that hold wanted voxels."""
    index = np.ravel_multi_index(tuple(zyx.T), dataset.shape[1:])
    order = np.argsort(index, kind="stable")
    itemsize = dataset.dtype.itemsize
    breaks = np.flatnonzero(np.diff(index[order]) * itemsize > _GAP_BYTES) + 1
    stretches = [
        (index[group[0]], index[group[-1]] + 1, group) for group in np.split(order, breaks)
    ]
    buffer = np.empty(max(stop - start for start, stop, _ in stretches), dtype=dataset.dtype)
    n_volume = int(np.prod(dataset.shape[1:]))
    base = dataset.id.get_offset()
    with Path(dataset.file.filename).open("rb", buffering=0) as file:
        for trial in range(len(out)):
            for start, stop, group in stretches:
                data = buffer[: stop - start]
                file.seek(base + itemsize * (trial * n_volume + int(start)))
                if file.readinto(data.view(np.uint8)) != data.nbytes:
                    raise OSError(f"it ends inside trial {trial}")
                out[trial, group] = data[index[group] - start] / SCALE


def _read_blocks(dataset: h5py.Dataset, zyx: np.ndarray, out: np.ndarray) -> None:
    """Any other layout: read each chunk that holds a wanted voxel, once, through h5py."""
    chunk = np.array(dataset.chunks or (1, *dataset.shape[1:]))
    cells = zyx // chunk[1:]
    key = np.ravel_multi_index(tuple(cells.T), tuple(-(-np.array(dataset.shape[1:]) // chunk[1:])))
    order = np.argsort(key, kind="stable")
    breaks = np.flatnonzero(np.diff(key[order])) + 1
    for group in np.split(order, breaks):
        low = cells[group[0]] * chunk[1:]
        region = tuple(slice(a, a + n) for a, n in zip(low, chunk[1:], strict=True))
        inside = tuple((zyx[group] - low).T)
        for t in range(0, len(out), chunk[0]):
            block = dataset[(slice(t, t + chunk[0]), *region)]
            out[t : t + chunk[0], group] = block[(slice(None), *inside)] / SCALE
