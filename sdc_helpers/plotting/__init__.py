"""Figures: one palette, safe for colour-blind readers; plots take ``ax`` and return it."""

from sdc_helpers.plotting.captions import show
from sdc_helpers.plotting.figures import (
    COLOURS,
    figure,
    label_line,
    name_series,
    plot_bars,
    plot_heatmap,
    plot_null,
    plot_reference,
    plot_spread,
)
from sdc_helpers.plotting.intervals import plot_intervals, table
from sdc_helpers.plotting.pictures import label_with_pictures, plot_pictures
from sdc_helpers.plotting.report import Report
from sdc_helpers.plotting.sliders import show_slider
from sdc_helpers.plotting.topography import plot_topography

__all__ = [
    "COLOURS",
    "Report",
    "figure",
    "label_line",
    "label_with_pictures",
    "name_series",
    "plot_bars",
    "plot_heatmap",
    "plot_intervals",
    "plot_null",
    "plot_pictures",
    "plot_reference",
    "plot_spread",
    "plot_topography",
    "show",
    "show_slider",
    "table",
]
