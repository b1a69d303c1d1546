"""The course's figures: style, and the few kinds of plot that every chapter draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart with every kind of colour vision.
COLOURS = MappingProxyType(
    {
        "blue": "#0072B2",
        "orange": "#D55E00",
        "green": "#009E73",
        "pink": "#CC79A7",
        "sky": "#56B4E9",
        "yellow": "#E69F00",
        "grey": "#767676",
        "black": "#000000",
    }
)
_STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def figure(
    rows: int = 1, columns: int = 1, *, width: float = 7.0, height: float = 3.4, **options: Any
) -> tuple[Figure, Any]:
    """Make a figure in the course's style, outside pyplot's state.

    Parameters
    ----------
    rows, columns : int
        Number of rows and columns of panels.
    width, height : float
        Size of the figure in inches.
    **options : object
        Further arguments of ``Figure.subplots``.

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : Axes or array of Axes
        One axes, or an array of them, as ``Figure.subplots`` returns them.

    See Also
    --------
    show : Shows the figure with its caption.

    Examples
    --------
    >>> from sdc_helpers.plotting import figure, plot_bars
    >>> fig, ax = figure(width=4)
    >>> ax is plot_bars({"a": [1.0, 2.0], "b": [3.0]}, ax)
    True
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        fig = Figure(figsize=(width, height))
        return fig, fig.subplots(rows, columns, **options)


def plot_spread(
    x: Sequence[float] | np.ndarray,
    values: Any,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    colour: str = COLOURS["blue"],
    **line: Any,
) -> Axes:
    """Draw a mean line and the full range over seeds.

    Parameters
    ----------
    x : (n,) sequence of float
        Positions on the x axis.
    values : (n, n_seeds) array
        Values at each position, a column for each seed.
    ax : Axes, optional
        Axes to draw in; a new figure's by default.
    label : str, optional
        Written at the line's right end, in its colour.
    colour : str
        Colour of line, range and label.
    **line : object
        Further arguments of ``Axes.plot``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When ``values`` has not one row a position.
    """
    ax = _axes(ax)
    x, values = as_array("x", x), as_array("values", values, float)
    if values.ndim != 2 or len(values) != len(x):
        raise ValueError(
            f"values has shape {values.shape}; expected ({len(x)}, n_seeds), a row for each x"
        )
    mean = values.mean(axis=1)
    ax.plot(x, mean, color=colour, **line)
    ax.fill_between(x, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.25, lw=0)
    if label:
        label_line(ax, x[-1], mean[-1], label, colour)
    return ax


def label_line(ax: Axes, x: float, y: float, text: str, colour: str, dy: float = 0) -> Axes:
    """Write a line's name beside its end instead of into a legend.

    Parameters
    ----------
    ax : Axes
        Axes to write in.
    x, y : float
        The end of the line, in data units.
    text : str
        Name of the line.
    colour : str
        Colour of the line.
    dy : float
        Shift in points, where two ends are close.

    Returns
    -------
    Axes
    """
    ax.annotate(text, (x, y), xytext=(5, dy), textcoords="offset points", color=colour, va="center")
    return ax


def name_series(
    ax: Axes, colours: Mapping[str, str], x: float = 0.98, y: float = 0.95, step: float = 0.1
) -> Axes:
    """Write the names of several series under each other, each in its colour.

    Parameters
    ----------
    ax : Axes
        Axes to write in.
    colours : mapping of str to str
        Colour of each series by its name.
    x, y : float
        Place of the first name, as shares of the width and height of the axes. Names end there on
        the right half, and begin there on the left one and outside.
    step : float
        Distance of the names, as a share of the height.

    Returns
    -------
    Axes
    """
    for row, (name, colour) in enumerate(colours.items()):
        ax.annotate(
            name, (x, y - row * step), xycoords="axes fraction", color=colour, va="top",
            ha="right" if 0.5 < x <= 1 else "left",
        )  # fmt: skip
    return ax


def plot_reference(ax: Axes, y: float, text: str, *, vertical: bool = False) -> Axes:
    """Draw chance, a ceiling or any other value to compare with.

    Parameters
    ----------
    ax : Axes
        Axes to draw in.
    y : float
        Value to compare with.
    text : str
        What it is; written at the left (or top) end.
    vertical : bool
        Whether the value lies on the x axis.

    Returns
    -------
    Axes
    """
    line = {"color": COLOURS["grey"], "lw": 1, "ls": (0, (4, 3)), "zorder": 0}
    note = {"color": COLOURS["grey"], "fontsize": 8.5, "textcoords": "offset points"}
    if vertical:
        ax.axvline(y, **line)
        ax.annotate(text, (y, 1), xycoords=("data", "axes fraction"), xytext=(3, -9), **note)
    else:
        ax.axhline(y, **line)
        ax.annotate(text, (0, y), xycoords=("axes fraction", "data"), xytext=(3, 3), **note)
    return ax


def plot_null(
    positions: Sequence[float],
    nulls: Sequence[Any],
    values: Any,
    ax: Axes | None = None,
    *,
    colour: str = COLOURS["blue"],
    width: float = 0.6,
) -> Axes:
    """Draw measured values as dots over the distributions of their shuffled counterparts.

    Parameters
    ----------
    positions : (n,) sequence of float
        Positions on the x axis.
    nulls : sequence of n arrays
        Shuffled values at each position.
    values : (n,) or (n, n_seeds) array
        Measured values; those of several seeds stand side by side.
    ax : Axes, optional
        Axes to draw in; a new figure's by default.
    colour : str
        Colour of the dots; nulls are grey.
    width : float
        Width of the distributions, in data units.

    Returns
    -------
    Axes
    """
    ax = _axes(ax)
    nulls = [as_array("nulls", null, float) for null in nulls]
    positions = as_array("positions", positions, float)
    bodies = ax.violinplot(nulls, positions, widths=width, showextrema=False)["bodies"]
    for body in bodies:
        body.set(facecolor=COLOURS["grey"], alpha=0.45, linewidth=0)
    for position, null in zip(positions, nulls, strict=True):
        ax.hlines(np.mean(null), position - width / 2, position + width / 2, COLOURS["grey"], lw=1)
    values = as_array("values", values, float).reshape(len(nulls), -1)
    shifts = 0.14 * (np.arange(values.shape[1]) - (values.shape[1] - 1) / 2)
    for shift, seed_values in zip(shifts, values.T, strict=True):
        ax.plot(positions + shift, seed_values, "o", color=colour, ms=8, mec="white")
    return ax


def plot_bars(
    groups: Mapping[str, Any], ax: Axes | None = None, *, colours: Sequence[str] | None = None
) -> Axes:
    """Draw the mean of each group as a bar, and its single values (seeds) as dots.

    Parameters
    ----------
    groups : mapping of str to (n_seeds,) array
        Values by name; names are the tick labels. A group of one value has no dot.
    ax : Axes, optional
        Axes to draw in; a new figure's by default.
    colours : sequence of str, optional
        Colour of each group; blue by default.

    Returns
    -------
    Axes
    """
    ax = _axes(ax)
    colours = colours or [COLOURS["blue"]] * len(groups)
    for position, (values, colour) in enumerate(zip(groups.values(), colours, strict=True)):
        values = as_array("values", values, float)
        ax.bar(position, values.mean(), color=colour, width=0.6)
        if len(values) > 1:
            beside = position + np.linspace(-0.1, 0.1, len(values))
            ax.plot(beside, values, "o", ms=4, color=COLOURS["black"])
    ax.set_xticks(range(len(groups)), groups)
    return ax


def plot_heatmap(
    values: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    ax: Axes | None = None,
    *,
    limit: float | None = None,
    label: str = "",
    numbers: bool = True,
) -> Axes:
    """Draw a table of values around zero as colours, with the numbers in it.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        The table; nan leaves a cell blank.
    rows, columns : sequence of str
        Names of the rows and of the columns.
    ax : Axes, optional
        Axes to draw in; a new figure's by default.
    limit : float, optional
        The colours run from ``-limit`` to ``limit``; the largest absolute value by default.
    label : str
        Label of the colour bar.
    numbers : bool
        Whether to write each value into its cell.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When ``values`` has not one row and one column a name.
    """
    ax = _axes(ax)
    values = as_array("values", values, float)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(
            f"values has shape {values.shape}; expected ({len(rows)}, {len(columns)}), a row and a "
            "column for each name"
        )
    if limit is None:
        limit = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    image = ax.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    if numbers:
        for i, j in np.argwhere(np.isfinite(values)):
            brightness = np.dot(image.to_rgba(values[i, j])[:3], (0.299, 0.587, 0.114))
            ax.text(
                j, i, f"{values[i, j]:.2f}", ha="center", va="center", fontsize=8,
                color="black" if brightness > 0.5 else "white",
            )  # fmt: skip
    ax.figure.colorbar(image, ax=ax, label=label, shrink=0.85)
    return ax


def _axes(ax: Axes | None) -> Axes:
    return figure()[1] if ax is None else ax
