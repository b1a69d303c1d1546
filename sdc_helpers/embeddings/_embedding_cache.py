"""Embeddings on disk, a few hundred to a file, each file named after all that decides them.

The name of an entry is a hash of the fingerprint of the model (architecture, weights,
preprocessing) and of the content that was embedded. An entry is written under a name of its own
and renamed when it is whole, so that writers need no lock and a kill leaves no half of one. It
carries a checksum of its vectors; what does not agree with it is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from pathlib import Path

import numpy as np

from sdc_helpers._file_errors import access_problem
from sdc_helpers._files import atomic_path, remove_abandoned
from sdc_helpers._paths import cache_root

ITEMS_PER_ENTRY = 256
_VERSION = 1  # to be raised when the same content would give other vectors


def cache_folder(cache: bool | str | os.PathLike | None) -> Path | None:
    """Return the folder that a `cache` argument means.

    Parameters
    ----------
    cache : bool, str, path or None
        Folder of the cache; None or False for no cache, True for ``embeddings`` in the folder of
        caches, see `sdc_helpers._paths.cache_root`.

    Returns
    -------
    pathlib.Path or None

    Raises
    ------
    ValueError
        `cache` is none of these.
    """
    if cache is None or cache is False:
        return None
    if cache is True:
        return cache_root() / "embeddings"
    if isinstance(cache, str | os.PathLike) and str(cache):
        return Path(cache).expanduser()
    raise ValueError(f"cache={cache!r}: expected a folder, True for the usual one, or None.")


class EmbeddingCache:
    """The entries of one model in a cache folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder in which all models keep their entries; made if necessary.
    fingerprint : str
        Identity of the model, see `ClipModel.fingerprint`.
    kind : {"image", "text"}
        Tower of the model whose vectors are kept.

    Raises
    ------
    ValueError
        The folder cannot be used.
    """

    def __init__(self, folder: Path, fingerprint: str, kind: str) -> None:
        self.folder = folder / fingerprint[:16]
        self._identity = f"{_VERSION} {fingerprint} {kind}".encode()
        with self._usable():
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self.folder)

    def entry(self, content: np.ndarray) -> Path:
        """Name the file of some content: pictures as stored, or tokens."""
        content = np.ascontiguousarray(content)
        digest = hashlib.blake2b(self._identity, digest_size=20)
        digest.update(f"{content.dtype.str} {content.shape}".encode())
        digest.update(content.data)
        return self.folder / f"{digest.hexdigest()}.safetensors"

    def load(self, entry: Path, n: int) -> np.ndarray | None:
        """Return the (n, d) vectors of an entry; None if it is missing, or damaged (with a note).

        Parameters
        ----------
        entry : pathlib.Path
            File of the entry, as `entry` names it.
        n : int
            Number of vectors to expect.

        Returns
        -------
        numpy.ndarray of float32, shape (n, d), or None
        """
        from safetensors import SafetensorError, safe_open

        if not entry.is_file():
            return None
        failed = None
        try:
            with safe_open(entry, framework="numpy") as file:
                vectors, expected = file.get_tensor("vectors"), file.metadata()["checksum"]
            whole = _checksum(vectors) == expected and vectors.ndim == 2 and len(vectors) == n
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            whole, failed = False, error
        if whole:
            return vectors
        problem = f"{entry} is damaged" if failed is None else access_problem(entry, failed)
        said = (problem or f"{entry} is damaged").rstrip(".")
        warnings.warn(f"{said}; its embeddings are computed again.", stacklevel=2)
        return None

    def store(self, entry: Path, vectors: np.ndarray) -> None:
        """Write an entry; the last of several writers wins, and all write the same.

        Parameters
        ----------
        entry : pathlib.Path
            File of the entry, as `entry` names it.
        vectors : numpy.ndarray of float32, shape (n, d)
            Vectors to keep.

        Raises
        ------
        ValueError
            The folder cannot be written to.
        """
        from safetensors.numpy import save

        vectors = np.ascontiguousarray(vectors)
        content = save({"vectors": vectors}, metadata={"checksum": _checksum(vectors)})
        with self._usable(), atomic_path(entry) as temporary:
            temporary.write_bytes(content)

    @contextlib.contextmanager
    def _usable(self):
        try:
            yield
        except OSError as error:
            raise ValueError(
                f"cache: {self.folder} cannot be used ({error}). Choose another folder (SDC_CACHE "
                "moves the default), or cache=None to keep nothing."
            ) from error


def _checksum(vectors: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(vectors).data, digest_size=16).hexdigest()
