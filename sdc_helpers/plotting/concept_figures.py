"""Figures of concepts that are being read: both ends, words, rankings, regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.plotting.figures import COLOURS, plot_bars, plot_reference, plot_spread
from sdc_helpers.plotting.pictures import plot_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sdc_helpers.concepts.words import WordEnrichment

VERDICTS = {
    "below": COLOURS["orange"],
    "less": COLOURS["blue"],
    "undecided": COLOURS["grey"],
}
"""Colour of each verdict of the negation test."""


def plot_both_ends(axes: Any, pictures: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """Draw the most and the least associated pictures of concepts, one a row.

    Parameters
    ----------
    axes : array of Axes of shape (n_concepts, 2 * n_pictures + 1)
        The column in the middle is left blank.
    pictures : sequence of n_concepts (most, least)
        Pictures at either end of each concept, each (n_pictures, height, width, 3).

    Returns
    -------
    array of Axes

    Raises
    ------
    ValueError
        When the axes are not as many as that.
    """
    axes = _of_axes(axes)
    n = axes.shape[-1] // 2
    if axes.ndim != 2 or len(axes) != len(pictures) or axes.shape[1] != 2 * n + 1:
        raise ValueError(
            f"axes has shape {axes.shape}; expected {len(pictures)} rows and an odd number of "
            "columns."
        )
    for number, (row, (most, least)) in enumerate(zip(axes, pictures, strict=True)):
        plot_pictures(most, axes=row[None, :n], rows=[f"{number}"], fontsize=11)
        row[n].set_axis_off()
        plot_pictures(least, axes=row[n + 1 :])
    for column, text, colour in (
        (0, "most associated, highest first", COLOURS["blue"]),
        (n + 1, "least associated, lowest first", COLOURS["orange"]),
    ):
        title = axes[0, column].annotate(
            text, (0, 1.08), xycoords="axes fraction", color=colour, fontsize=10,
            annotation_clip=False,
        )  # fmt: skip
        title.set_in_layout(False)  # or its width would part the columns
    fig = axes[0, 0].figure
    fig.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.3 / fig.get_figheight()))
    return axes


def plot_enriched_words(ax: Axes, words: WordEnrichment, n: int = 10) -> Axes:
    """Draw z of the most enriched words as bars: blue beyond the bound, grey within it.

    Parameters
    ----------
    ax : Axes
        Axes to draw in.
    words : WordEnrichment
        From `enriched_words`.
    n : int, default=10
        Words to draw.

    Returns
    -------
    Axes
    """
    z, shown = words.z[:n], words.words[:n]
    tones = [COLOURS["blue"] if value > words.bound else COLOURS["grey"] for value in z]
    ax.barh(range(len(z)), z, color=tones, height=0.7)
    ax.set_yticks(range(len(z)), shown)
    plot_reference(ax, words.bound, " bound", vertical=True)
    ax.set(xlabel="z of the word (standard errors)", ylabel="word", ylim=(n - 0.4, -0.9))
    return ax


def plot_rank_curves(
    axes: Any, curves: Sequence[Any], verdicts: Sequence[str], titles: Sequence[str]
) -> np.ndarray:
    """Draw the response along the ranking of each concept, in the colour of its verdict.

    Parameters
    ----------
    axes : array of Axes
        Filled row by row; those left over are blank.
    curves : sequence of n arrays of shape (n_bins, n_participants)
        From `response_by_rank`.
    verdicts : sequence of n str
        Of `negation_test`.
    titles : sequence of n str
        Written above each.

    Returns
    -------
    array of Axes

    Raises
    ------
    ValueError
        When a verdict is unknown, or there are not as many verdicts and titles as curves, or fewer
        axes.
    """
    axes = _of_axes(axes)
    if not len(curves) == len(verdicts) == len(titles) <= axes.size:
        raise ValueError(
            f"{len(curves)} curves, {len(verdicts)} verdicts, {len(titles)} titles and {axes.size} "
            "axes do not fit."
        )
    if unknown := set(verdicts) - set(VERDICTS):
        raise ValueError(f"verdicts {sorted(unknown)} are unknown; expected {list(VERDICTS)}.")
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for ax, curve, verdict, title in zip(axes.flat, curves, verdicts, titles, strict=False):
        curve = as_array("curves", curve, float)
        percent = [100 * (place + 0.5) / len(curve) for place in range(len(curve))]
        plot_spread(percent, curve, ax, colour=VERDICTS[verdict], marker="o", ms=3)
        plot_reference(ax, 0, "baseline" if ax is axes.flat[0] else "")
        ax.set_title(title, loc="left", fontsize=9)
        ax.annotate(
            verdict, (0.05, 0.85), xycoords="axes fraction", color=VERDICTS[verdict], weight="bold"
        )
    fig = axes.flat[0].figure
    fig.supxlabel("pictures by rank along the concept (%): least to most associated", fontsize=10)
    fig.supylabel("response (% signal change)", fontsize=10)
    return axes


def plot_called_below(axes: Any, called: Mapping[str, Any], negations: Any) -> np.ndarray:
    """Draw how many concepts each way of asking calls "below", beside the right answer.

    Parameters
    ----------
    axes : array of 2 Axes
        The left one for concepts that truly only respond less, the right one for those that truly
        go below baseline.
    called : mapping of str to bool array of shape (n_concepts,)
        Whether each concept is called "below", by the way of asking. The last one is orange.
    negations : str array of shape (n_concepts,)
        The truth: "less", "below" or "".

    Returns
    -------
    array of Axes

    Raises
    ------
    ValueError
        When shapes differ or there are not two axes.
    """
    axes, negations = _of_axes(axes), as_array("negations", negations)
    answers = {way: as_array("called", each, bool) for way, each in called.items()}
    if axes.shape != (2,) or any(each.shape != negations.shape for each in answers.values()):
        raise ValueError(
            f"axes {axes.shape}, {[each.shape for each in answers.values()]} called and negations "
            f"{negations.shape} do not fit."
        )
    highest = max((negations == kind).sum() for kind in ("less", "below"))
    colours = [COLOURS["grey"]] * (len(answers) - 1) + [COLOURS["orange"]]
    for ax, kind, title in zip(axes, ("less", "below"), ("only less", "below"), strict=True):
        chosen = negations == kind
        counts = {way: [int(each[chosen].sum())] for way, each in answers.items()}
        right = int(chosen.sum()) if kind == "below" else 0
        plot_reference(plot_bars(counts, ax, colours=colours), right, "")
        note = {"textcoords": "offset points", "ha": "center", "fontsize": 9}
        for position, (count,) in enumerate(counts.values()):
            ax.annotate(f"{count}", (position, count), xytext=(0, 3), **note)
        ax.annotate(
            f"right answer: {right}", (1, right), xytext=(0, 15), color=COLOURS["grey"],
            xycoords=("axes fraction", "data"), **{**note, "ha": "right"},
        )  # fmt: skip
        ax.set_title(f"truly {title} ({chosen.sum()} concepts)", loc="left")
        ax.set(xlabel="how one asks", ylim=(-0.2, highest + 1.2))
    axes[0].set_ylabel("concepts called 'below'")
    return axes


def plot_overlaps(ax: Axes, values: Any, by_luck: Any, labels: Sequence[str]) -> Axes:
    """Draw Dice coefficients of each concept as dots, a dot a participant, beside those of luck.

    Parameters
    ----------
    ax : Axes
        Axes to draw in.
    values, by_luck : array of shape (n_concepts, n_participants)
        Measured coefficients, and those of patches at random places; NaN is left out.
    labels : sequence of n_concepts str
        Names of the concepts.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When shapes differ.
    """
    values, by_luck = as_array("values", values, float), as_array("by_luck", by_luck, float)
    if values.ndim != 2 or values.shape != by_luck.shape or len(values) != len(labels):
        raise ValueError(
            f"values {values.shape}, by_luck {by_luck.shape} and {len(labels)} labels do not fit."
        )
    rows = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    ax.plot(by_luck.ravel(), rows.ravel(), "|", color=COLOURS["grey"], ms=11, mew=1.5)
    ax.plot(values.ravel(), rows.ravel(), "o", color=COLOURS["blue"], ms=6, mec="white")
    ax.set_yticks(range(len(labels)), labels)
    ax.set(
        xlabel="Dice coefficient with the best localiser (grey: patches at random places)",
        ylabel="concept (localiser, if above chance)",
        xlim=(-0.02, 1.02),
        ylim=(len(labels) - 0.5, -0.5),
    )
    return ax


def _of_axes(axes: Any) -> np.ndarray:
    return np.asarray(axes, dtype=object)
