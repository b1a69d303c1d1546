"""NIfTI volumes, and how one is laid onto the grid of another: the one place that compares them.

Two arrays of one shape need not have the same voxels at the same indices: one file may run from
left to right and another from right to left. What tells is the affine, from voxel indices to
millimetres. `on_grid` compares it and turns axes where that is all that differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable

TOLERANCE_VOXELS = 0.1
"""How far a voxel may lie from that of the reference, anywhere in the volume, in its voxels."""
_SPACES = {0: "unknown", 1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI", 5: "template"}


class Affine(np.ndarray):
    """Affine from voxel indices to millimetres that knows what its header says of the space.

    Attributes
    ----------
    space : str or None
        "MNI", "Talairach", "template", "aligned" (to another image of the participant), "scanner"
        or "unknown", after the codes of NIfTI.
    """

    space: str | None

    def __new__(cls, values: np.ndarray, space: str | None = None) -> Affine:
        """Copy a (4, 4) array."""
        affine = np.array(values, dtype=np.float64).view(cls)
        affine.space = space
        return affine

    def __array_finalize__(self, source: object) -> None:
        """Keep the space in a copy."""
        self.space = getattr(source, "space", None)

    def __getitem__(self, key: object) -> np.ndarray:
        """Return a part, which is a plain array."""
        return np.asarray(self)[key]

    def __array_wrap__(self, array: np.ndarray, *_: object) -> np.ndarray:
        """Return a result, which is a plain array."""
        return np.asarray(array)


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a NIfTI file lie.

    Attributes
    ----------
    file : pathlib.Path
        File that the grid was read from.
    shape : tuple of int
        Size of the volume, (X, Y, Z).
    affine : Affine of shape (4, 4)
        Matrix from voxel indices to millimetres.
    is_placed : bool
        Whether the header has an affine. Without one (sform_code and qform_code 0) `affine` is
        what nibabel makes up.
    volume_s : float or None
        Seconds from volume to volume, if there is a fourth axis.
    """

    file: Path
    shape: tuple[int, ...]
    affine: Affine
    is_placed: bool
    volume_s: float | None = None

    @property
    def axes(self) -> str:
        """Where the axes lead: "RAS" from left to right, back to front, bottom to top."""
        import nibabel

        return "".join(str(axis) for axis in nibabel.aff2axcodes(self.affine))

    def __str__(self) -> str:
        rows = np.round(np.asarray(self.affine)[:3], 3).tolist()
        placed = "" if self.is_placed else ", of the header's making (sform and qform code 0)"
        return f"{self.file} (shape {self.shape}, axes {self.axes}, affine {rows}{placed})"


def read_grid(file: Path, content: str) -> Grid:
    """Read the header of a NIfTI file.

    Raises
    ------
    DataFormatError
        If the file is not there or cannot be read, or its affine is not invertible.
    """
    return _open(file, content)[1]


def read_nifti(file: Path, content: str) -> tuple[np.ndarray, Grid]:
    """Read a NIfTI file: its real numbers, scaled as its header says, and where they lie.

    Axes of length 1 beyond the third are dropped.

    Raises
    ------
    DataFormatError
        If the file is not there, cannot be read, does not hold real numbers, or its affine is not
        invertible.
    """
    image, grid = _open(file, content)
    try:
        data = np.asanyarray(image.dataobj)
    except Exception as error:  # nibabel, gzip and zlib each have their own
        raise unreadable(file, error, "read as NIfTI") from error
    if data.dtype.kind not in "iuf":
        raise DataFormatError(f"{file}: {data.dtype}, expected {content}, real numbers.")
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    return data, grid


def on_grid(
    data: np.ndarray, grid: Grid, reference: Grid, released_axes: str | None = None
) -> np.ndarray:
    """Return a volume with its voxels in the order of a reference.

    Axes are turned round and exchanged where that alone makes the affines agree, to within
    `TOLERANCE_VOXELS`; no value is ever interpolated.

    Parameters
    ----------
    data : array of shape (X, Y, Z) or (X, Y, Z, n)
        Data of a file, read by `read_nifti`.
    grid, reference : Grid
        Where its voxels lie, and where they should.
    released_axes : str, optional
        The axes that the dataset is known to have. A volume is then turned only towards them: of
        two files that differ, neither of them so, nobody can tell which is right.

    Returns
    -------
    array of shape (X, Y, Z) or (X, Y, Z, n)

    Raises
    ------
    DataFormatError
        If the volume lies elsewhere; the message names both files, shapes and affines.
    """
    from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

    from_reference = np.linalg.inv(np.asarray(reference.affine)) @ np.asarray(grid.affine)
    turn = io_orientation(from_reference)
    if np.isnan(turn).any():
        raise _elsewhere(grid, reference)
    turned = from_reference @ inv_ornt_aff(turn, grid.shape)
    shape = tuple(grid.shape[axis] for axis in np.argsort(turn[:, 0]))
    if shape != reference.shape or _largest_shift(turned, shape) > TOLERANCE_VOXELS:
        raise _elsewhere(grid, reference)
    if np.array_equal(turn, [[0, 1], [1, 1], [2, 1]]):
        return data
    if not (grid.is_placed and reference.is_placed):
        raise _elsewhere(grid, reference)
    if released_axes is not None and reference.axes != released_axes:
        raise DataFormatError(
            f"{grid} and {reference} run in different directions, and neither can be trusted: the "
            f"betas run {released_axes}. Save both so (nibabel.as_closest_canonical for RAS)."
        )
    return apply_orientation(data, turn)


def canonical(data: np.ndarray, grid: Grid) -> np.ndarray:
    """Return a volume with its axes turned to RAS; as it is if its header has no affine."""
    from nibabel.orientations import apply_orientation, io_orientation

    return apply_orientation(data, io_orientation(grid.affine)) if grid.is_placed else data


def _open(file: Path, content: str) -> tuple[object, Grid]:
    import nibabel

    require_file(file, content)
    try:
        image = nibabel.load(file)
        header, affine = image.header, np.asarray(image.affine, dtype=np.float64)
        zooms = header.get_zooms()
    except Exception as error:  # nibabel, gzip and zlib each have their own
        raise unreadable(file, error, "read as NIfTI") from error
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise DataFormatError(
            f"{file}: the affine {np.round(affine[:3], 3).tolist()} lays all voxels in one plane; "
            "expected one that can be inverted. Save it with that of the volume it belongs to."
        )
    code = _code(header)
    volume_s = float(zooms[3]) if len(zooms) > 3 else None
    shape = tuple(int(n) for n in image.shape[:3])
    return image, Grid(file, shape, Affine(affine, _SPACES.get(code)), code != 0, volume_s)


def _code(header: object) -> int:
    """Return what the header says of its affine; formats beside NIfTI say nothing."""
    codes = [int(header[k]) if k in header else 2 for k in ("sform_code", "qform_code")]
    return codes[0] or codes[1]


def _largest_shift(affine: np.ndarray, shape: tuple[int, ...]) -> float:
    """How far an affine between two grids moves a voxel, at the corners, in voxels."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    moved = affine[:3, :3] @ corners + affine[:3, 3:]
    return float(np.abs(moved - corners).max())


def _elsewhere(grid: Grid, reference: Grid) -> DataFormatError:
    if grid.is_placed != reference.is_placed:
        return DataFormatError(
            f"{grid} cannot be laid onto {reference}: one of the two says nothing of where its "
            "voxels lie. Save it with the affine of the other, if the voxels are in the same order "
            "(nibabel.Nifti1Image(data, nibabel.load(other).affine))."
        )
    return DataFormatError(
        f"{grid} does not lie on the grid of {reference}. Resample it to that grid "
        "(nilearn.image.resample_to_img, interpolation='nearest' for labels and masks), or take "
        "the file that belongs to it."
    )
