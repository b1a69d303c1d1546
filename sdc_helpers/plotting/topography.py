"""Maps of what sensors around a head measure, seen from above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_finite
from sdc_helpers.plotting.figures import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PIXELS = 48  # of a side
_BEYOND = 1.06  # the outline of the head lies so much outside of the lowest sensors


def flatten_helmet(places: Any) -> np.ndarray:
    """Unroll the places of sensors around a head onto a plane.

    Parameters
    ----------
    places : (n_sensors, 3) array
        x to the right, y to the front, z up, in any unit; at least four.

    Returns
    -------
    (n_sensors, 2) array
        Distance from the top of the head along the helmet, as a share of that of the lowest
        sensor, in the sensor's direction: the front is above.

    Raises
    ------
    ValueError
        If the places are no such array.
    """
    places = as_array("places", places, float)
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 4:
        raise ValueError(f"places has shape {places.shape}; expected (sensors, 3), four or more.")
    check_finite("places", places)
    aside = np.linalg.norm(places[:, :2], axis=1)
    angle = np.arctan2(aside, places[:, 2])
    around = places[:, :2] / np.maximum(aside, 1e-12)[:, None]
    return angle[:, None] * around / angle.max()


def plot_topography(
    values: Any, places: Any, ax: Axes | None = None, *, limit: float | None = None
) -> Axes:
    """Draw the values of sensors as a map of the head, nose up.

    Parameters
    ----------
    values : (n_sensors,) array
        Value of each sensor.
    places : (n_sensors, 3) array
        Places of the sensors, see `flatten_helmet`.
    ax : Axes, optional
        Axes to draw in; a new figure's by default.
    limit : float, optional
        Value of the darkest colours, the same above and below zero; by default the largest.

    Returns
    -------
    Axes
        The axes. Its first image is what a colour bar needs: say there in which unit the values
        are. Responses that were z-scored are in z, whatever unit their file names.

    Raises
    ------
    ValueError
        If values and places do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.plotting import plot_topography
    >>> places = np.random.default_rng(0).normal(size=(30, 3))
    >>> ax = plot_topography(places[:, 0], places)
    >>> bar = ax.figure.colorbar(ax.images[0], ax=ax, label="field (z)")
    """
    import mne

    values, flat = as_array("values", values, float), flatten_helmet(places)
    if values.shape != (len(flat),):
        raise ValueError(f"values has shape {values.shape}; expected one a sensor, ({len(flat)},).")
    check_finite("values", values)
    ax = ax if ax is not None else figure(width=3.4, height=3.0)[1]
    limit = float(np.abs(values).max()) if limit is None else limit
    mne.viz.plot_topomap(
        values,
        flat,
        axes=ax,
        show=False,
        vlim=(-limit, limit),
        cmap="PuOr_r",
        res=_PIXELS,
        contours=0,
        sensors="k.",
        sphere=(0.0, 0.0, 0.0, _BEYOND),
    )
    return ax
