"""Volumes of a participant (NIfTI), the labels of ROIs, and voxels chosen on the grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets._nifti import Grid, canonical, on_grid, read_nifti
from sdc_helpers.datasets._nsd_files import AXES, nearest
from sdc_helpers.datasets.errors import DataFormatError, is_there, require_file, unreadable

_LABEL_TOLERANCE = 1e-3  # a label that was scaled in single precision is not quite whole


@dataclass(frozen=True, eq=False)
class ROI:
    """Regions of interest of one participant: a label for each voxel.

    Attributes
    ----------
    participant, name : str
        Names of the participant and of the ROI, such as ``"subj01"`` and ``"floc-faces"``.
    volume : int32 array of shape (X, Y, Z)
        Label of each voxel; -1 outside the cortex, 0 where the voxel has none.
    labels : dict of int to str
        Name of each label.
    """

    participant: str
    name: str
    volume: np.ndarray
    labels: dict[int, str]

    def mask(self, label: str | int | None = None) -> np.ndarray:
        """Choose the voxels of a label.

        Parameters
        ----------
        label : str or int, optional
            Name or number of the label; every label above 0 by default.

        Returns
        -------
        bool array of shape (X, Y, Z)

        Raises
        ------
        ValueError
            If there is no such label; the message lists them.
        """
        if label is None:
            return self.volume > 0
        numbers = [n for n, name in self.labels.items() if label in (name, n)]
        if not numbers or isinstance(label, bool):
            names = tuple(self.labels.values())
            raise ValueError(
                f"label={label!r} is not in {self.name} of {self.participant}; the nearest is "
                f"{nearest(label, names)!r}, and there are {self.labels}."
            )
        return np.isin(self.volume, numbers)


def read_volume(file: Path, content: str, reference: Grid | None) -> np.ndarray:
    """Read a 3-D NIfTI volume, (X, Y, Z), as float32 or integers, in the order of the betas.

    Without a reference its axes are turned to those of the release.
    """
    data, grid = read_nifti(file, content)
    if data.ndim != 3:
        raise DataFormatError(
            f"{file}: {data.dtype} of shape {data.shape}, expected {content}, real numbers of "
            "shape (X, Y, Z)."
        )
    if reference is None:
        data = canonical(data, grid)
    else:
        data = on_grid(data, grid, reference, released_axes=AXES)
    return data.astype(np.float32) if data.dtype.kind == "f" else data


def read_roi(participant: str, name: str, file: Path, table: Path, reference: Grid | None) -> ROI:
    """Read a ROI volume with the names of its labels, in the order of the betas.

    Without a table, a volume whose one label is 1 is named after the ROI.
    """
    data = read_volume(file, "integer labels", reference)
    volume = np.rint(data)
    with np.errstate(invalid="ignore"):
        is_label = np.abs(data - volume) <= _LABEL_TOLERANCE  # false for nan and infinity
    if not is_label.all():
        raise DataFormatError(
            f"{file} holds {data[~is_label][0]:g}; expected whole numbers, one label a voxel. The "
            "header's scl_slope and scl_inter are part of the values: save labels unscaled."
        )
    volume = volume.astype(np.int32)
    volume.setflags(write=False)
    present = {int(label) for label in np.unique(volume) if label > 0}
    if not is_there(table) and present <= {1}:
        return ROI(participant, name, volume, {0: "Unknown", 1: name})
    labels = _read_label_table(table)
    unnamed = sorted(present - set(labels))
    if unnamed:
        raise DataFormatError(
            f"{file} holds the labels {unnamed}, which {table} does not name; it names {labels}."
        )
    return ROI(participant, name, volume, labels)


def _read_label_table(file: Path) -> dict[int, str]:
    """Label names from lines ``number name``; what follows a name (colours) is ignored."""
    require_file(file, "a line `number name` for each label")
    labels: dict[int, str] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        for fields in (line.split() for line in lines if line.strip() and line[0] != "#"):
            labels[int(fields[0])] = fields[1]
    except OSError as error:
        raise unreadable(file, error) from error
    except (ValueError, IndexError) as error:
        raise DataFormatError(f"{file}: expected lines `number name` ({error}).") from error
    if not labels:
        raise DataFormatError(f"{file} names no label; expected lines `number name`.")
    return labels


def voxel_indices(voxels: object, grid: tuple[int, int, int]) -> np.ndarray:
    """Turn a mask, coordinates or indices into C-order indices of the (X, Y, Z) grid.

    Parameters
    ----------
    voxels : array-like
        Bool of shape `grid`, whose voxels are taken in C order; or whole numbers, (n, 3)
        coordinates or (n,) C-order indices, kept in their order.
    grid : tuple of int
        (X, Y, Z) of the betas.

    Returns
    -------
    int64 array of shape (n,)

    Raises
    ------
    ValueError
        If it is none of these, of another shape, empty, or outside the grid.
    """
    array = np.asarray(voxels)
    if array.dtype == bool:
        _check_mask_shape(array.shape, grid)
        index = np.flatnonzero(array)
    elif array.dtype.kind not in "iu" or array.ndim > 2:
        hint = " For a mask, pass it as bool: voxels > 0." if array.shape == grid else ""
        raise ValueError(
            f"voxels: {array.dtype} of shape {array.shape}, expected a bool mask of shape {grid} "
            f"(X, Y, Z), or integers (n, 3) or (n,).{hint}"
        )
    else:
        index = _from_integers(array, grid)
    if len(index) == 0:
        raise ValueError("voxels chooses no voxel; expected at least one.")
    return index.astype(np.int64)


def _check_mask_shape(shape: tuple[int, ...], grid: tuple[int, int, int]) -> None:
    if shape == grid:
        return
    if shape == grid[::-1]:
        raise ValueError(
            f"voxels: the mask has shape {shape}, the axes of the betas reversed; expected (X, Y, "
            f"Z) = {grid} as in the NIfTI files, where HDF5 has (Z, Y, X). Pass its transpose, .T."
        )
    raise ValueError(
        f"voxels: the mask has shape {shape}, the betas have (X, Y, Z) = {grid}. Is it another "
        "participant's, or of another resolution?"
    )


def _from_integers(array: np.ndarray, grid: tuple[int, int, int]) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] != 3:
        raise ValueError(f"voxels has shape {array.shape}, expected (n, 3) coordinates x, y, z.")
    limit = np.array(grid) if array.ndim == 2 else int(np.prod(grid))
    outside = (array < 0) | (array >= limit)
    if outside.any():
        first = np.atleast_2d(outside.T).any(axis=0).argmax()
        raise ValueError(
            f"voxels[{first}] = {array[first].tolist()} is outside the grid (X, Y, Z) = {grid}; "
            "voxels count from 0."
        )
    return np.ravel_multi_index(tuple(array.T), grid) if array.ndim == 2 else array
