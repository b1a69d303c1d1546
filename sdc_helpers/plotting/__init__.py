"""Figures: one palette, safe for colour-blind readers; plots take ``ax`` and return it."""

from sdc_helpers.plotting.figures import (
    COLOURS,
    figure,
    label_line,
    plot_bars,
    plot_heatmap,
    plot_null,
    plot_reference,
    plot_spread,
    show,
)

__all__ = [
    "COLOURS",
    "figure",
    "label_line",
    "plot_bars",
    "plot_heatmap",
    "plot_null",
    "plot_reference",
    "plot_spread",
    "show",
]
