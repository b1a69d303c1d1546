"""Maps on the cortex of fsaverage5, which nilearn ships: flat pictures and one that turns."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.plotting.captions import display_captioned
from sdc_helpers.plotting.figures import COLOURS, figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

_PARTICIPANTS = ("blue", "orange", "green", "pink", "sky", "yellow")  # in turn, then again
_SHARED = "#FFFFFF"
_DEPTHS = 10  # samples between the white and the pial surface, as nilearn takes
PANELS = (("left", "lateral"), ("left", "ventral"), ("right", "ventral"), ("right", "lateral"))


def project_to_cortex(volume: Any, affine: Any) -> Any:
    """Read a volume at the depth of the cortex, at every vertex of fsaverage5.

    A vertex takes the value that is most frequent among the voxels between the white and the pial
    surface. Nothing is interpolated: functional volumes are a thin ribbon with nan around it, and
    labels must stay labels. A volume that is not in MNI space, as the affine that
    ``NSD.affine`` returns knows, is drawn all the same, with a warning that says so.

    Parameters
    ----------
    volume : (X, Y, Z) array
        Values in NIfTI axis order; nan outside the voxels that were measured.
    affine : (4, 4) array
        Matrix from voxel indices to MNI millimetres.

    Returns
    -------
    nilearn.surface.SurfaceImage
        One value a vertex, nan where no voxel is near.

    Raises
    ------
    ValueError
        When the volume is not three-dimensional, or the affine not an invertible matrix.
    """
    from nilearn.surface import SurfaceImage

    volume, affine = as_array("volume", volume, float), _checked_affine(affine)
    if volume.ndim != 3:
        raise ValueError(f"volume has shape {volume.shape}; expected three axes (X, Y, Z)")
    pial, white = _meshes()["pial"], _meshes()["white"]
    data = {
        side: _most_frequent(volume, affine, pial.parts[side], white.parts[side])
        for side in pial.parts
    }
    if np.isfinite(volume).any() and not any(np.isfinite(part).any() for part in data.values()):
        warnings.warn(
            "No voxel with a value lies near the cortex of fsaverage5, so that the map is empty: "
            "does the affine lead to millimetres of MNI space?",
            stacklevel=2,
        )
    return SurfaceImage(pial, data)


def _most_frequent(volume: np.ndarray, affine: np.ndarray, outer: Any, inner: Any) -> np.ndarray:
    """Sample between two meshes; at each vertex the value most samples have, (n_vertices,).

    As nilearn's ``nearest_most_frequent``, the smallest of several, but nan where no voxel is.
    """
    depths = np.linspace(0, 1, _DEPTHS)[:, None, None]
    points = depths * inner.coordinates + (1 - depths) * outer.coordinates
    to_voxels = np.linalg.inv(affine)
    index = np.rint(points @ to_voxels[:3, :3].T + to_voxels[:3, 3])
    inside = ((index >= 0) & (index < volume.shape)).all(axis=-1)
    values = np.full(inside.shape, np.nan)
    values[inside] = volume[tuple(index[inside].astype(int).T)]
    order = np.argsort(values, axis=0, kind="stable")  # nan last, as a value of its own
    values, inside = (np.take_along_axis(a, order, axis=0) for a in (values, inside))
    same = (values[:, None] == values) | (np.isnan(values[:, None]) & np.isnan(values))
    votes = (same & inside).sum(axis=1) * inside
    return np.take_along_axis(values, votes.argmax(axis=0)[None], axis=0)[0]


def _checked_affine(affine: Any) -> np.ndarray:
    """Return the affine as a plain array; say so if its header does not speak of MNI space."""
    matrix = as_array("affine", affine, float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.linalg.det(matrix):
        raise ValueError(f"affine is {matrix.tolist()}; expected an invertible matrix, (4, 4)")
    space = getattr(affine, "space", None)
    if space not in (None, "MNI"):
        said = (
            f"The volume is not in MNI space: its header says {space!r}, which is as a rule the "
            "participant's own. On the cortex of fsaverage its places are only roughly right; map "
            "the volume to MNI space first where they matter."
        )
        warnings.warn(said, stacklevel=1)
    return matrix


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
        Matrix from voxel indices to MNI millimetres.
    label : str
        Label of the colour bar, with units.
    colormap : str
        A matplotlib colour map.
    limits : (float, float), optional
        Smallest and largest value of the colour map; the 2nd and 98th percentile by default.
    threshold : float, optional
        Values nearer to zero than this are left blank.
    title : str
        Title of the figure.
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
        values = as_array("volume", volume, float)
        finite = values[np.isfinite(values)]
        limits = tuple(np.percentile(finite, (2, 98))) if len(finite) else (0.0, 1.0)
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
        Axes with a 3d projection.
    surface : nilearn.surface.SurfaceImage
        Surface data, returned by :func:`project_to_cortex`.
    hemisphere : {"left", "right"}
        Hemisphere to draw.
    view : str
        ``lateral``, ``medial``, ``ventral``, ``posterior`` ...
    colormap : str or matplotlib.colors.Colormap
        Colour map of the values.
    limits : (float, float)
        Smallest and largest value of the colour map.
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


def plot_shared_cortex(
    masks: Mapping[str, Any],
    affines: Mapping[str, Any],
    axes: Any = None,
    *,
    panels: Sequence[tuple[str, str]] = PANELS,
) -> np.ndarray:
    """Draw voxels of several participants on one cortex, white where two or more overlap.

    Parameters
    ----------
    masks : mapping of str to (X, Y, Z) bool array
        The voxels of each participant.
    affines : mapping of str to (4, 4) array
        Matrices from voxel indices to MNI millimetres, of the same participants.
    axes : sequence of Axes, optional
        Axes with a 3d projection, one for each panel.
    panels : sequence of (str, str)
        Hemisphere and view of each.

    Returns
    -------
    numpy.ndarray of Axes
        Participants are named in their colours under the first.

    Raises
    ------
    ValueError
        When there is no participant, or not one of the axes a panel.
    """
    surface, colormap, limits = _shared_surface(masks, affines)
    if axes is None:
        options = {"subplot_kw": {"projection": "3d"}, "squeeze": False}
        axes = figure(1, len(panels), width=9.4, height=2.6, **options)[1][0]
    axes = np.atleast_1d(np.asarray(axes, dtype=object))
    if axes.shape != (len(panels),):
        raise ValueError(f"axes has shape {axes.shape}; expected one for each of {panels}")
    for ax, (hemisphere, view) in zip(axes, panels, strict=True):
        draw_surface(ax, surface, hemisphere, view, colormap, limits)
        ax.set_title(f"{hemisphere}, {view}", fontsize=9)
    for number, (name, colour) in enumerate(participant_colours(list(masks)).items()):
        place = (0.33 * (number % 3), -0.02 - 0.09 * (number // 3))
        axes[0].text2D(*place, name, color=colour, fontsize=8, transform=axes[0].transAxes)
    return axes


def participant_colours(names: Sequence[str]) -> dict[str, str]:
    """Return the colour of each participant on a shared cortex."""
    return {n: COLOURS[_PARTICIPANTS[i % len(_PARTICIPANTS)]] for i, n in enumerate(names)}


def _shared_surface(
    masks: Mapping[str, Any], affines: Mapping[str, Any]
) -> tuple[Any, Any, tuple[float, float]]:
    """At each vertex the number of its participant, one more for several, nan for none."""
    from matplotlib.colors import ListedColormap
    from nilearn.surface import SurfaceImage

    if not masks:
        raise ValueError("masks names no participant")
    owner: dict[str, Any] = {}
    for number, (name, mask) in enumerate(masks.items(), start=1):
        surface = project_to_cortex(
            np.where(as_array(f"masks[{name!r}]", mask), 1.0, 0.0), affines[name]
        )
        for side, part in surface.data.parts.items():
            own = np.nan_to_num(part).ravel() > 0
            before = owner.setdefault(side, np.full(len(own), np.nan))
            owner[side] = np.where(own, np.where(np.isnan(before), number, len(masks) + 1), before)
    colours = [*participant_colours(list(masks)).values(), _SHARED]
    limits = (0.5, len(masks) + 1.5)
    return SurfaceImage(_meshes()["inflated"], owner), ListedColormap(colours), limits


def show_turning_cortex(
    volume: Any, affine: Any, caption: str, *, colormap: str = "viridis"
) -> None:
    """Show a cortex that turns under the mouse, also in the static book and without network.

    Parameters
    ----------
    volume : (X, Y, Z) array
        Values in NIfTI axis order, above 0; nan and 0 are left blank.
    affine : (4, 4) array
        Matrix from voxel indices to MNI millimetres.
    caption : str
        Sentence that says what to see, in plain text.
    colormap : str
        A matplotlib colour map.
    """
    _show_turning(project_to_cortex(volume, affine), caption, colormap)


def show_turning_shared_cortex(
    masks: Mapping[str, Any], affines: Mapping[str, Any], caption: str
) -> None:
    """Show what `plot_shared_cortex` draws as a cortex that turns under the mouse.

    Parameters
    ----------
    masks, affines
        Masks and affines of the participants, see `plot_shared_cortex`.
    caption : str
        Sentence that says what to see, in plain text.
    """
    surface, colormap, limits = _shared_surface(masks, affines)
    _show_turning(surface, caption, colormap, vmin=limits[0], vmax=limits[1])


def _show_turning(surface: Any, caption: str, colormap: Any, **limits: float) -> None:
    from nilearn.plotting import view_surf
    from nilearn.surface import SurfaceImage

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
        colorbar=not limits,
        **limits,
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
