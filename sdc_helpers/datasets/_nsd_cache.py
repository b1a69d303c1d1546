"""Results on disk that are computed once and then memory-mapped.

An entry is named after a hash of everything it depends on: the files it was made from (path, size,
modification time) and the request. It is written under a temporary name and renamed when complete,
so that an entry that exists is whole. A lock spares two processes the same work, where locks work.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from sdc_helpers._files import atomic_path, one_at_a_time, remove_abandoned

_VERSION = 1  # to be raised when the same request would give other numbers


def digest(array: np.ndarray | None) -> str | None:
    """Hash the content of an array, of which dtype and number of dimensions are understood."""
    if array is None:
        return None
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def entry_name(root: Path, files: Iterable[Path], request: Mapping[str, object]) -> str:
    """Name the entry of a request to some files of a dataset.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the dataset. It is part of the name: copies of two datasets may agree in paths,
        sizes and times.
    files : iterable of pathlib.Path
        Files under `root` that the result depends on.
    request : mapping
        What is asked of them, as JSON can hold it.

    Returns
    -------
    str
        40 hexadecimal digits.
    """
    stats = ((file.relative_to(root).as_posix(), file.stat()) for file in files)
    identity = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    content = [_VERSION, str(root.resolve()), identity, dict(request)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:40]


def cached_array(
    folder: Path,
    name: str,
    shape: tuple[int, ...],
    dtype: type,
    fill: Callable[[np.ndarray], None],
) -> np.memmap:
    """Map an entry, after computing it if it is not there.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the cache; made if necessary.
    name : str
        Name of the entry, made by `entry_name`.
    shape : tuple of int
        Shape of the result.
    dtype : type
        Type of the array's values.
    fill : callable
        Fills an array of that shape and dtype. If it raises, nothing is kept.

    Returns
    -------
    numpy.memmap
        Read-only.

    Raises
    ------
    ValueError
        If the folder cannot be written to or has no room.
    """
    file = folder / f"{name}.npy"
    cached = _map(file, shape, dtype)
    if cached is not None:
        return cached
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
        with one_at_a_time(folder / f".{name}.lock"):
            cached = _map(file, shape, dtype)  # another process may have been first
            if cached is None:
                _write(file, shape, dtype, fill)
                cached = _map(file, shape, dtype)
    except OSError as error:
        raise ValueError(
            f"cache={str(folder)!r} cannot be used ({error}). Choose another folder (SDC_CACHE "
            "moves the default), or NSD(..., cache=False) to keep results in memory."
        ) from error
    if cached is None:
        raise ValueError(f"cache={str(folder)!r}: {file.name} was changed while it was written.")
    return cached


def _map(file: Path, shape: tuple[int, ...], dtype: type) -> np.memmap | None:
    """Map a complete entry; None if there is none, or it is damaged."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    is_ours = isinstance(array, np.memmap) and array.shape == shape and array.dtype == dtype
    return array if is_ours else None


def _write(
    file: Path, shape: tuple[int, ...], dtype: type, fill: Callable[[np.ndarray], None]
) -> None:
    """Fill a temporary file and rename it."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    free = shutil.disk_usage(file.parent).free
    if free < n_bytes + 2**20:  # a full disk would end the process when the map is written
        raise OSError(f"the result takes {n_bytes / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free")
    with atomic_path(file) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
        fill(array)
        array.flush()
        del array
