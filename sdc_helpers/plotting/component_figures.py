"""Figures of components: what halves have in common, and how well each is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.plotting.figures import COLOURS, label_line, plot_reference
from sdc_helpers.plotting.intervals import plot_intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sdc_helpers.concepts import Decodability, Reproduction


def plot_reproduction(
    ax: Axes, reproduction: Reproduction, chance: Mapping[str, np.ndarray], text: str
) -> Axes:
    """Draw the agreement of halves, largest first, beside that of chance.

    Parameters
    ----------
    ax : Axes
        Axes to draw in.
    reproduction : Reproduction
        Agreement of each component, from 0 to 1, and the threshold.
    chance : mapping of str to array of shape (n_draws, K)
        Agreement where there is nothing to agree on, by name of the null; the mean over draws of
        each rank is drawn, of the first null as a whole line and of others broken.
    text : str
        What the halves are halves of, for the line's label.

    Returns
    -------
    Axes
    """
    own = np.sort(reproduction.agreement)[::-1]
    ax.plot(own, "o-", color=COLOURS["blue"])
    at = len(own) * 5 // 8
    label_line(ax, at, own[at], text, COLOURS["blue"], dy=9)
    for number, (name, draws) in enumerate(chance.items()):
        draws = as_array("chance", draws, float)
        mean = np.sort(draws, axis=1)[:, ::-1].mean(axis=0)
        at = min(1 + 8 * number, len(mean) - 1)
        ax.plot(mean, color=COLOURS["grey"], ls="--" if number else "-")
        label_line(ax, at, mean[at], name, COLOURS["black"], dy=8)
    plot_reference(ax, reproduction.threshold, " reproduced")
    ax.set(xlabel="axis, by agreement", ylabel="agreement of all and both halves", ylim=(0, 1.03))
    return ax


def plot_decodability(ax: Axes, read: Decodability, order: np.ndarray) -> Axes:
    """Draw the correlation of true and decoded scores, with noise ceilings where trials repeat.

    Parameters
    ----------
    ax : Axes
        Axes to draw in.
    read : Decodability
        Of all components.
    order : int array of shape (n,)
        Components to draw, from left to right; a component's number begins at 1.

    Returns
    -------
    Axes
    """
    order = as_array("order", order)
    plot_intervals(
        [str(k + 1) for k in range(len(order))], [read.r[k] for k in order], ax, chance=""
    )
    plot_reference(ax, 0, " chance")
    if read.ceiling is not None:
        ax.plot(read.ceiling[order], "_", ms=13, mew=2, color=COLOURS["orange"])
    ax.set(ylabel="correlation of true and decoded score", xlabel="axis")
    return ax


def plot_found(ax: Axes, found: Mapping[str, Mapping[str, tuple[int, float]]], line: float) -> Axes:
    """Draw how much each planted concept is like the component that is most like it.

    Parameters
    ----------
    ax : Axes
        Axes to draw in.
    found : mapping of str to mapping of str to (int, float)
        By kind of components, a row each, the last one in blue: number and correlation of the
        component by planted concept.
    line : float
        Correlation from which a component is the concept.

    Returns
    -------
    Axes
    """
    for row, own in enumerate(found.values()):
        r = np.array([value for _, value in own.values()])
        colour = COLOURS["blue" if row == len(found) - 1 else "grey"]
        ax.plot(r, row + np.linspace(-0.15, 0.15, len(r)), "o", color=colour)
    ax.set_yticks(range(len(found)), list(found))
    plot_reference(ax, line, " the concept", vertical=True)
    ax.set(
        xlabel="correlation with the readout of its concept", ylabel="components", xlim=(0, 1.03)
    )
    return ax
