"""Maps on the cortex of fsaverage5, which nilearn ships: flat pictures and one that turns."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.plotting.figures import display_captioned, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

PANELS = (("left", "lateral"), ("left", "ventral"), ("right", "ventral"), ("right", "lateral"))


def project_to_cortex(volume: Any, affine: Any) -> Any:
    """Read a volume at the depth of the cortex, at every vertex of fsaverage5.

    A vertex takes the value that is most frequent among the voxels between the white and the pial
    surface. Nothing is interpolated: functional volumes are a thin ribbon with nan around it, and
    labels must stay labels.

    Parameters
    ----------
    volume : (X, Y, Z) array
        Values in NIfTI axis order; nan outside the voxels that were measured.
    affine : (4, 4) array
        From voxel indices to MNI millimetres.

    Returns
    -------
    nilearn.surface.SurfaceImage
        One value a vertex, nan where no voxel is near.

    Raises
    ------
    ValueError
        When the volume is not three-dimensional.
    """
    import nibabel
    from nilearn.surface import SurfaceImage

    volume = np.asarray(volume, dtype=float)
    if volume.ndim != 3:
        raise ValueError(f"volume has shape {volume.shape}; expected three axes (X, Y, Z)")
    image = nibabel.Nifti1Image(volume.astype(np.float32), np.asarray(affine, dtype=float))
    with warnings.catch_warnings():  # vertices without a voxel near are nan, as documented
        warnings.filterwarnings("ignore", message="Mean of empty slice")
        return SurfaceImage.from_volume(
            _meshes()["pial"],
            image,
            inner_mesh=_meshes()["white"],
            interpolation="nearest_most_frequent",
        )


def plot_cortex(
    volume: Any,
    affine: Any,
    *,
    label: str,
    colormap: str = "viridis",
    limits: tuple[float, float] | None = None,
    threshold: float | None = None,
    title: str = "",
    panels: Sequence[tuple[str, str]] = PANELS,
) -> Any:
    """Draw a volume on both hemispheres, from the side and from below.

    Parameters
    ----------
    volume : (X, Y, Z) array
        Values in NIfTI axis order; nan is left blank.
    affine : (4, 4) array
        From voxel indices to MNI millimetres.
    label : str
        Of the colour bar, with units.
    colormap : str
        A matplotlib colour map.
    limits : (float, float), optional
        Of the colours; the 2nd and 98th percentile by default.
    threshold : float, optional
        Values nearer to zero than this are left blank.
    title : str
        Of the figure.
    panels : sequence of (str, str)
        Hemisphere and view of each panel; fewer panels are larger.

    Returns
    -------
    matplotlib.figure.Figure
        The panels and a colour bar.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    surface = project_to_cortex(volume, affine)
    if limits is None:
        finite = np.asarray(volume, dtype=float)[np.isfinite(volume)]
        limits = tuple(np.percentile(finite, (2, 98)))
    height = 1.7 + 3.6 / len(panels)  # inches; fewer panels are larger
    fig, axes = figure(
        1, len(panels), width=9.4, height=height, subplot_kw={"projection": "3d"}, squeeze=False
    )
    for ax, (hemisphere, view) in zip(axes[0], panels, strict=True):
        draw_surface(ax, surface, hemisphere, view, colormap, limits, threshold)
        ax.set_title(f"{hemisphere}, {view}", fontsize=9)
    bar = ScalarMappable(Normalize(*limits), cmap=colormap)
    fig.colorbar(
        bar, ax=list(axes[0]), label=label, shrink=0.4, aspect=40, orientation="horizontal"
    )
    fig.suptitle(title, x=0.01, ha="left", fontsize=11)
    return fig


def draw_surface(
    ax: Axes,
    surface: Any,
    hemisphere: str,
    view: str,
    colormap: Any,
    limits: tuple[float, float],
    threshold: float | None = None,
) -> Axes:
    """Draw one hemisphere of a surface image, inflated, over its sulci.

    Parameters
    ----------
    ax : Axes
        With a 3d projection.
    surface : nilearn.surface.SurfaceImage
        What :func:`project_to_cortex` returns.
    hemisphere : {"left", "right"}
    view : str
        ``lateral``, ``medial``, ``ventral``, ``posterior`` ...
    colormap : str or matplotlib.colors.Colormap
    limits : (float, float)
        Of the colours.
    threshold : float, optional
        Values nearer to zero than this are left blank.

    Returns
    -------
    Axes
    """
    from nilearn.plotting import plot_surf

    meshes = _meshes()
    data = surface.data.parts[hemisphere].ravel()
    if threshold is not None:
        data = np.where(np.abs(data) < threshold, np.nan, data)
    plot_surf(
        meshes["inflated"].parts[hemisphere],
        surf_map=data,
        hemi=hemisphere,
        view=view,
        bg_map=meshes["sulcus"][hemisphere],
        cmap=colormap,
        vmin=limits[0],
        vmax=limits[1],
        bg_on_data=False,
        colorbar=False,
        axes=ax,
        engine="matplotlib",
    )
    ax.set_box_aspect(None, zoom=1.4)
    return ax


def show_turning_cortex(
    volume: Any, affine: Any, caption: str, *, colormap: str = "viridis"
) -> None:
    """Show a cortex that turns under the mouse, also in the static book and without network.

    Parameters
    ----------
    volume : (X, Y, Z) array
        Values in NIfTI axis order, above 0; nan and 0 are left blank.
    affine : (4, 4) array
        From voxel indices to MNI millimetres.
    caption : str
        What to see, in plain text.
    colormap : str
        A matplotlib colour map.
    """
    from nilearn.plotting import view_surf
    from nilearn.surface import SurfaceImage

    surface = project_to_cortex(volume, affine)
    meshes = _meshes()
    data = {side: np.nan_to_num(part) for side, part in surface.data.parts.items()}
    view = view_surf(
        meshes["inflated"],
        surf_map=SurfaceImage(meshes["inflated"], data),
        bg_map=SurfaceImage(meshes["inflated"], meshes["sulcus"]),
        hemi="both",
        cmap=colormap,
        symmetric_cmap=False,
        threshold=1e-6,
    )
    view.resize(700, 420)
    display_captioned(view.get_iframe(), caption, "interactive figure")


@lru_cache(maxsize=1)
def _meshes() -> dict[str, Any]:
    from nilearn.datasets import load_fsaverage, load_fsaverage_data

    meshes = load_fsaverage("fsaverage5")
    sulcus = load_fsaverage_data(mesh="fsaverage5", data_type="sulcal")
    return {
        "pial": meshes["pial"],
        "white": meshes["white_matter"],
        "inflated": meshes["inflated"],
        "sulcus": {side: part.ravel() for side, part in sulcus.data.parts.items()},
    }
