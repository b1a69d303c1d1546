"""Trials that stay in a file on disk, of which training reads a batch at a time."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

_BLOCK_BYTES = 64 * 2**20


class MappedTrials:
    """Some rows of a memory map of responses, in place of a copy of them.

    `ContrastiveDecoder.fit` takes it for X, of the training and of the validation fold: what is in
    memory of the responses is then a batch, whatever the number of trials.

    Parameters
    ----------
    array : float32 array of shape (n_all, n_voxels)
        Responses of all trials, as a rule a `numpy.memmap`.
    rows : bool array of shape (n_all,) or int array of shape (n_trials,)
        The trials that are meant, in this order.

    Attributes
    ----------
    shape : tuple of int
        Number of trials that are meant, and of voxels.
    dtype : numpy.dtype
        Type of the responses: float32.

    Raises
    ------
    ValueError
        If the array is not 2-D and float32, or the rows do not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.decoding.mapped_trials import MappedTrials
    >>> responses = np.arange(8, dtype=np.float32).reshape(4, 2)
    >>> some = MappedTrials(responses, np.array([True, False, False, True]))
    >>> some.shape, [block.tolist() for block in some.blocks()]
    ((2, 2), [[[0.0, 1.0], [6.0, 7.0]]])
    """

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        array, rows = as_array("array", array), as_array("rows", rows)
        if array.ndim != 2 or array.dtype != np.float32:
            raise ValueError(
                f"array has shape {array.shape} and type {array.dtype}; expected float32 responses "
                "of shape (n_trials, n_voxels)."
            )
        if rows.dtype == bool and rows.shape == (len(array),):
            rows = np.flatnonzero(rows)
        out = rows.ndim != 1 or rows.dtype.kind not in "iu"
        if out or (len(rows) and not 0 <= rows.min() <= rows.max() < len(array)):
            raise ValueError(
                f"rows has shape {rows.shape} and type {rows.dtype}; expected a bool for each of "
                f"the {len(array)} trials, or their numbers from 0."
            )
        self._array, self._rows = array, rows
        self._device: torch.device | str = "cpu"
        self.shape, self.dtype = (len(rows), array.shape[1]), array.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Read trials by number into a tensor on the device, of the index' shape and the voxels."""
        return self._read(self._rows[index.cpu().numpy()])

    def on(self, device: torch.device) -> MappedTrials:
        """Return the same trials, which are sent to a device when they are read."""
        other = copy.copy(self)
        other._device = device
        return other

    def split(self, size: int) -> Iterator[Tensor]:
        """Read all trials in their order, at most `size` at a time, into tensors on the device."""
        for start in range(0, len(self), size):
            yield self._read(self._rows[start : start + size])

    def blocks(self) -> Iterator[np.ndarray]:
        """Read all trials in their order, 64 MB at a time, into arrays (n, n_voxels)."""
        size = max(1, _BLOCK_BYTES // max(1, 4 * self.shape[1]))
        for start in range(0, len(self), size):
            yield self._array[self._rows[start : start + size]]

    def load(self) -> np.ndarray:
        """Read all trials into one array (n_trials, n_voxels)."""
        return self._array[self._rows]

    def _read(self, rows: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(self._array[rows]).to(self._device)


def blocks_of(array: np.ndarray | MappedTrials) -> Iterator[np.ndarray]:
    """Go through trials in their order, C-contiguous: mapped ones in blocks, an array as it is.

    Parameters
    ----------
    array : numpy.ndarray or MappedTrials
        The trials, or any array.

    Yields
    ------
    numpy.ndarray
        The next rows.
    """
    for block in array.blocks() if isinstance(array, MappedTrials) else (array,):
        yield np.ascontiguousarray(block)
