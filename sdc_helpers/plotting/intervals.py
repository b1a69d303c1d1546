"""Measured values with their intervals: as dots with lines, and in a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.measures import Interval
from sdc_helpers.plotting.figures import COLOURS, figure, plot_reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_intervals(
    names: Sequence[str],
    intervals: Sequence[Interval],
    ax: Axes | None = None,
    *,
    positions: Sequence[float] | None = None,
    horizontal: bool = False,
    colour: str | Sequence[str] = COLOURS["blue"],
    chance: str = "chance",
    **line: Any,
) -> Axes:
    """Draw values as dots with their intervals as lines.

    Where an interval holds the values of several seeds these are small dots on its line, and the
    value is a stroke across it; otherwise the value is a dot. An end that is not a number is not
    drawn. Several series stand side by side by shifted `positions` with one set of `names`.

    Parameters
    ----------
    names : sequence of n str
        The tick labels, at whole numbers from 0; none where the axis has its labels already.
    intervals : sequence of Interval
        Intervals in the unit of the axis, see `Interval.scaled`. As many as positions.
    ax : Axes, optional
        Axes to draw in; a new figure's by default.
    positions : sequence of float, optional
        Positions of the intervals on the axis with the names; 0, 1, 2 and so on by default.
    horizontal : bool
        Whether the values run along the x axis, one name a row.
    colour : str or sequence of str
        Colour of all intervals, or of each.
    chance : str
        Written at a broken line at each chance value that the intervals hold; "" draws no line.
    **line : object
        Further arguments of ``Axes.plot`` for the lines, such as ``lw`` and ``alpha``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are not as many positions or colours as intervals.
    """
    ax = figure()[1] if ax is None else ax
    positions = range(len(intervals)) if positions is None else positions
    colours = [colour] * len(intervals) if isinstance(colour, str) else list(colour)
    for what, given in (("positions", positions), ("colour", colours)):
        if len(given) != len(intervals):
            raise ValueError(f"{what} has {len(given)} entries for {len(intervals)} intervals.")
    for position, interval, own in zip(positions, intervals, colours, strict=True):
        _draw(ax, position, interval, horizontal, {"color": own, "lw": 1.5} | line)
    for value in sorted({i.chance for i in intervals if i.chance is not None} if chance else ()):
        plot_reference(ax, value, chance, vertical=horizontal)
    if len(names):
        (ax.set_yticks if horizontal else ax.set_xticks)(range(len(names)), names)
    return ax


def _draw(
    ax: Axes, position: float, interval: Interval, horizontal: bool, line: dict[str, Any]
) -> None:
    def plot(values: Sequence[float], *marker: Any, **style: Any) -> None:
        along = np.repeat(position, len(values))
        pair = (values, along) if horizontal else (along, values)
        ax.plot(*pair, *marker, **(line | style))

    plot([interval.low, interval.high])
    if interval.by_seed is None or len(interval.by_seed) == 1:
        plot([interval.value], "o", ms=6)
    else:
        plot([interval.value], "|" if horizontal else "_", ms=9, mew=1.5)
        plot(interval.by_seed, "o", ms=3, alpha=0.7)


def table(
    head: Sequence[str], rows: Sequence[Sequence[Any]], digits: int | Sequence[int] = 3
) -> str:
    """Write a table in Markdown.

    A string stands as it is, and a whole number with a comma at each thousand. Any other number
    is rounded to `digits` decimals; one that is not finite (nothing was measured) is a dash. An
    `Interval` becomes ``value [low, high]``, each rounded the same way.

    Parameters
    ----------
    head : sequence of n str
        Names of the columns.
    rows : sequence of sequences of n cells
        Strings, numbers and intervals.
    digits : int or sequence of n int
        Decimals, of all columns or of each.

    Returns
    -------
    str
        Lines without an empty one around them; a bar in a cell is escaped.

    Raises
    ------
    ValueError
        If a row or `digits` has not one entry for each column, or a cell is of another type.

    Examples
    --------
    >>> from sdc_helpers.measures import Interval
    >>> print(table(["decoder", "top-1"], [["ridge", Interval(0.25, 0.2, 0.31)]], digits=2))
    | decoder | top-1 |
    | --- | --- |
    | ridge | 0.25 [0.20, 0.31] |
    """
    digits = [digits] * len(head) if isinstance(digits, Integral) else list(digits)
    for what, cells in (("digits", digits), *((f"row {i}", row) for i, row in enumerate(rows))):
        if len(cells) != len(head):
            raise ValueError(f"{what} has {len(cells)} entries for {len(head)} columns.")
    written = [[_cell(c, d) for c, d in zip(row, digits, strict=True)] for row in rows]
    lines = [[_cell(name, 0) for name in head], ["---"] * len(head), *written]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(cell: Any, digits: int) -> str:
    if isinstance(cell, str):
        return cell.replace("|", r"\|").replace("\n", " ")
    if isinstance(cell, Interval):
        value, low, high = (_cell(float(x), digits) for x in (cell.value, cell.low, cell.high))
        return f"{value} [{low}, {high}]"
    if isinstance(cell, Real) and not isinstance(cell, bool | np.bool_):
        if isinstance(cell, Integral):
            return f"{cell:,d}"
        return f"{cell:.{digits}f}" if np.isfinite(cell) else "–"
    raise ValueError(f"a cell is {cell!r}; expected a string, a number or an Interval.")
