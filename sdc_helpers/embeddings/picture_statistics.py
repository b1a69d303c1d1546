"""What a picture holds without any learning: colours, and edges by their orientation."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count

_BLOCK = 256  # pictures turned to floats at a time


def picture_statistics(images: Any, *, grid: int = 4, n_orientations: int = 4) -> np.ndarray:
    """Measure mean colour and orientation energy in each cell of a grid.

    Energy is the squared gradient of the grey picture. A gradient of angle a counts for the
    orientation b with ``max(0, cos(2 (a - b)))``: opposite gradients are one orientation. The root
    of its mean over a cell is taken.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width, 3)
        Pictures. Where the grid does not divide height or width, the last rows or columns of
        pixels are left out.
    grid : int, default=4
        Cells along each side.
    n_orientations : int, default=4
        Orientations, evenly over half a turn; the first one is that of vertical edges.

    Returns
    -------
    float64 array of shape (n, grid * grid * (3 + n_orientations))
        Red, green and blue of each cell (row by row), from 0 to 1; then for each orientation its
        energy in each cell.

    Raises
    ------
    ValueError
        If images are not uint8 pictures of one size, or smaller than the grid.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import picture_statistics
    >>> stripes = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    >>> stripes[:, :, 4:] = 255  # one vertical edge
    >>> statistics = picture_statistics(stripes, grid=1, n_orientations=2)
    >>> statistics.round(2).tolist()
    [[0.5, 0.5, 0.5, 0.25, 0.0]]
    """
    images = as_array("images", images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images have shape {images.shape} of {images.dtype}; expected uint8 pictures, "
            "(n, height, width, 3)."
        )
    check_count("grid", grid, 1)
    check_count("n_orientations", n_orientations, 1)
    if min(images.shape[1:3]) < max(2, grid):
        raise ValueError(
            f"pictures of {images.shape[1]} x {images.shape[2]} pixels are too small for a grid of "
            f"{grid} x {grid}."
        )
    blocks = [
        _of_block(images[start : start + _BLOCK] / np.float32(255), grid, n_orientations)
        for start in range(0, len(images), _BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.empty((0, grid**2 * (3 + n_orientations)))


def _of_block(pictures: np.ndarray, grid: int, n_orientations: int) -> np.ndarray:
    """Statistics of some pictures, floats from 0 to 1."""
    colours = _cells(pictures, grid)
    down, across = np.gradient(pictures.mean(axis=-1), axis=(1, 2))
    energy, angle = down**2 + across**2, np.arctan2(down, across)
    parts = [colours]
    for k in range(n_orientations):
        part = np.cos(2 * (angle - np.pi * k / n_orientations)).clip(min=0)
        parts.append(np.sqrt(_cells((energy * part)[..., None], grid)))
    return np.concatenate(parts, axis=1).astype(np.float64)


def _cells(maps: np.ndarray, grid: int) -> np.ndarray:
    """Mean of each cell of maps (n, height, width, channels), (n, grid * grid * channels)."""
    n, height, width, channels = maps.shape
    rows, columns = height // grid, width // grid
    maps = maps[:, : rows * grid, : columns * grid]
    cells = maps.reshape(n, grid, rows, grid, columns, channels).mean(axis=(2, 4))
    return cells.reshape(n, -1)
