"""Pictures with words: rows of them under titles, and small ones as the labels of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers._pillow import is_pillow, picture_array
from sdc_helpers.plotting.figures import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FRAME_WIDTH = 3.0  # points


def plot_pictures(
    images: Any,
    titles: Sequence[str] | None = None,
    axes: Any = None,
    *,
    frames: Sequence[str | None] | None = None,
    rows: Sequence[str] | None = None,
    wrap: int = 24,
    fontsize: float = 8,
) -> np.ndarray:
    """Show pictures beside each other, each under its title.

    Parameters
    ----------
    images : array of shape (n, height, width, 3), or sequence of such pictures
        uint8, or floats from 0 to 1; sizes may differ. Pictures of Pillow as
        `embed_images` takes them.
    titles : sequence of n str, optional
        Written above each, broken into lines.
    axes : array of Axes, optional
        Where to draw, filled row by row; those left over are blank. By default a figure of one
        row.
    frames : sequence of n (str or None), optional
        Colour of the frame around each; None draws no frame.
    rows : sequence of str, optional
        Written at the left of each row of `axes`, broken into lines.
    wrap : int
        Characters a line of a title or of a row's name.
    fontsize : float
        Size of the titles and of the rows' names, in points.

    Returns
    -------
    numpy.ndarray of Axes, of the shape of `axes`

    Raises
    ------
    ValueError
        When titles, frames or rows are not as many as pictures or rows, or there are more
        pictures than axes.
    """
    images = _shown(images)
    titles, rows = (None if given is None else list(given) for given in (titles, rows))
    if axes is None:
        n = max(len(images), 1)
        axes = figure(1, n, width=min(1.6 * n, 9.6), height=2.2, squeeze=False)[1]
    axes = np.asarray(axes, dtype=object)
    if len(images) > axes.size:
        raise ValueError(f"{len(images)} pictures do not fit into {axes.size} axes.")
    for name, given in (("titles", titles), ("frames", frames)):
        if given is not None and len(given) != len(images):
            raise ValueError(f"{name} has {len(given)} entries for {len(images)} pictures.")
    by_row = axes.reshape(len(axes), -1) if axes.ndim == 2 else axes.reshape(1, -1)
    if rows is not None and len(rows) != len(by_row):
        raise ValueError(f"rows has {len(rows)} names for {len(by_row)} rows of axes.")
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for number, (ax, picture) in enumerate(zip(axes.flat, images, strict=False)):
        ax.imshow(as_array("images", picture))
        if titles is not None:
            ax.set_title(fill(titles[number], wrap), fontsize=fontsize, loc="left")
        if frames is not None and frames[number] is not None:
            ax.spines[:].set(visible=True, color=frames[number], linewidth=_FRAME_WIDTH)
    for row, name in zip(by_row, rows or (), strict=False):
        row[0].set_ylabel(
            fill(name, wrap), fontsize=fontsize, rotation=0, ha="right", va="center", labelpad=8
        )
    return axes


def label_with_pictures(
    ax: Axes, images: Any, positions: Sequence[float] | None = None, *, size: float = 30
) -> Axes:
    """Put small pictures under the x axis, where the labels of its ticks would be.

    Parameters
    ----------
    ax : Axes
        Axes to label; its own tick labels on x are removed.
    images : array of shape (n, height, width, 3), or sequence of such pictures
        uint8, or floats from 0 to 1.
    positions : sequence of n float, optional
        On the x axis, in data units; 0, 1, 2, ... by default.
    size : float
        Height of a picture in points.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When there are not as many positions as pictures.
    """
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    images = _shown(images)
    positions = range(len(images)) if positions is None else positions
    if len(positions) != len(images):
        raise ValueError(f"{len(positions)} positions for {len(images)} pictures.")
    ax.set_xticks(list(positions), [""] * len(images))
    ax.tick_params(axis="x", length=0)
    for position, picture in zip(positions, images, strict=True):
        box = OffsetImage(
            as_array("images", picture), zoom=size / len(picture), interpolation="antialiased"
        )
        ax.add_artist(
            AnnotationBbox(
                box, (position, 0), xycoords=("data", "axes fraction"), xybox=(0, -size / 2 - 4),
                boxcoords="offset points", frameon=False, pad=0, annotation_clip=False,
            )
        )  # fmt: skip
    ax.xaxis.labelpad = size + 8
    return ax


def _shown(images: Any) -> Any:
    """Return pictures of Pillow as they are embedded, and others as they are."""
    if getattr(images, "ndim", 1) != 1 or not any(map(is_pillow, images)):
        return images
    return [picture_array(image, f"picture {i}") for i, image in enumerate(images)]
