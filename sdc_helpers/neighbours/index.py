"""A learned partition inside faiss: own bins, own probes, the same scan as every faiss index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers._files import atomic_folder
from sdc_helpers.neighbours.evaluation import as_vectors
from sdc_helpers.neighbours.partition import SpacePartition

_INDEX, _PARTITION = "index.faiss", "partition.safetensors"


class PartitionIndex:
    """Search by Euclidean distance in the bins that a partition finds most probable.

    Parameters
    ----------
    partition : SpacePartition
        Fitted.
    base : array of shape (n, D)
        Vectors to be found; those that the partition was fitted to, or more.

    Raises
    ------
    ValueError
        If the base is not finite, or has other features than the partition.
    """

    def __init__(self, partition: SpacePartition, base: np.ndarray) -> None:
        import faiss

        base = as_vectors("base", base, partition.n_features_in_)
        bins = partition.predict(base)
        quantiser = faiss.IndexFlatL2(base.shape[1])
        self._index: Any = faiss.IndexIVFFlat(quantiser, base.shape[1], partition.n_bins)
        # faiss asks for a centre of each bin, and never looks at it: bins and probes are ours
        quantiser.add(np.zeros((partition.n_bins, base.shape[1]), np.float32))
        self._index.is_trained = True
        ids = np.arange(len(base), dtype=np.int64)
        self._index.add_core(
            len(base), faiss.swig_ptr(base), faiss.swig_ptr(ids), faiss.swig_ptr(bins)
        )
        self.partition = partition

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, queries: np.ndarray, k: int = 10, n_probes: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest vectors in the most probable bins.

        Parameters
        ----------
        queries : array of shape (n_queries, D)
            Queries.
        k : int, default=10
            How many to find.
        n_probes : int, default=1
            Bins that are searched.

        Returns
        -------
        distances : float32 array of shape (n_queries, k)
            Squared Euclidean distances, nearest first; infinite where the bins hold fewer than k.
        rows : int64 array of shape (n_queries, k)
            Rows of the base; -1 where the bins hold fewer than k.

        Raises
        ------
        ValueError
            If there are more probes than bins, or k is more than the base has.
        """
        queries = as_vectors("queries", queries, self.partition.n_features_in_)
        check_count("k", k, 1)
        check_count("n_probes", n_probes, 1)
        if n_probes > self.partition.n_bins or k > len(self):
            raise ValueError(
                f"n_probes={n_probes}, k={k}: expected at most {self.partition.n_bins} bins and "
                f"{len(self)} vectors."
            )
        probes = np.ascontiguousarray(self.partition.probe_order(queries)[:, :n_probes])
        self._index.nprobe = n_probes
        nothing = np.zeros(probes.shape, np.float32)  # distances to centres, not looked at for L2
        distances, rows = self._index.search_preassigned(queries, k, probes, nothing)
        return np.where(rows < 0, np.inf, distances), rows

    def save(self, folder: str | Path) -> None:
        """Write partition and index into a folder, which appears whole or not at all.

        Parameters
        ----------
        folder : path
            The folder; it must not exist yet.
        """
        import faiss

        with atomic_folder(folder) as temporary:
            self.partition.save(temporary / _PARTITION)
            faiss.write_index(self._index, str(temporary / _INDEX))

    @classmethod
    def load(cls, folder: str | Path) -> PartitionIndex:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : path
            The folder.

        Returns
        -------
        PartitionIndex

        Raises
        ------
        ValueError
            If a file is missing, cut off, or the two do not belong together.
        """
        import faiss

        file = Path(folder) / _INDEX
        found: Any = cls.__new__(cls)
        found.partition = SpacePartition.load(Path(folder) / _PARTITION)
        try:
            found._index = faiss.read_index(str(file))
        except RuntimeError as error:
            raise ValueError(
                f"{file} is missing, cut off, or no index of faiss; save it again."
            ) from error
        about = found._index.nlist, found._index.d
        if about != (found.partition.n_bins, found.partition.n_features_in_):
            raise ValueError(f"{file} has {about} bins and features; its partition has others.")
        return found
