"""Intervals: what is drawn is what was measured, and tables round as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure, plot_intervals, table

TWO = [Interval(0.5, 0.25, 0.75, chance=0.1), Interval(0.2, 0.125, 0.5, chance=0.1)]


def drawn(ax):
    """Lines as (x, y, marker, colour), those of reference values left out."""
    return [
        (line.get_xdata().tolist(), line.get_ydata().tolist(), line.get_marker(), line.get_color())
        for line in ax.lines
        if line.get_color() != COLOURS["grey"]
    ]


@pytest.mark.parametrize("horizontal", [False, True])
def test_a_dot_at_the_value_on_a_line_between_the_ends(horizontal):
    ax = plot_intervals(["ridge", "contrastive"], TWO, horizontal=horizontal)
    expected = []
    for position, interval in enumerate(TWO):
        for values, marker in (([interval.low, interval.high], "None"), ([interval.value], "o")):
            along = [position] * len(values)
            pair = (values, along) if horizontal else (along, values)
            expected.append((*pair, marker, COLOURS["blue"]))
    assert drawn(ax) == expected
    axis = ax.yaxis if horizontal else ax.xaxis
    assert [label.get_text() for label in axis.get_ticklabels()] == ["ridge", "contrastive"]


@pytest.mark.parametrize("horizontal", [False, True])
def test_equal_chances_give_one_line_and_different_ones_several(horizontal):
    def chances(ax):
        grey = [line for line in ax.lines if line.get_color() == COLOURS["grey"]]
        return [(line.get_xdata() if horizontal else line.get_ydata())[0] for line in grey]

    options = {"horizontal": horizontal}
    assert chances(plot_intervals(["a", "b"], TWO, **options)) == [0.1]
    other = [*TWO, Interval(0.5, 0.4, 0.6, chance=0.5), Interval(1, 0, 2)]
    assert chances(plot_intervals([], other, **options)) == [0.1, 0.5]
    assert chances(plot_intervals([], other, chance="", **options)) == []
    texts = [text.get_text() for text in plot_intervals([], TWO, chance="1 of 10").texts]
    assert texts == ["1 of 10"]


def test_seeds_are_dots_and_the_value_a_stroke():
    seeds = np.array([0.2, 0.4, 0.6])
    ax = plot_intervals([], [Interval(0.4, 0.1, 0.7, by_seed=seeds)], positions=[2.5])
    assert [(x, y, marker) for x, y, marker, _ in drawn(ax)] == [
        ([2.5, 2.5], [0.1, 0.7], "None"),
        ([2.5], [0.4], "_"),
        ([2.5] * 3, seeds.tolist(), "o"),
    ]


def test_the_value_of_one_seed_alone_is_a_dot():
    ax = plot_intervals([], [Interval(0.4, 0.1, 0.7, by_seed=np.array([0.4]))])
    assert [marker for *_, marker, _ in drawn(ax)] == ["None", "o"]


def test_series_share_an_axis_and_its_labels():
    ax = figure()[1]
    assert plot_intervals(["a", "b"], TWO, ax, positions=[-0.1, 0.9], lw=3) is ax
    assert plot_intervals([], TWO, ax, positions=[0.1, 1.1], colour=["red", "green"]) is ax
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    assert {colour for *_, colour in drawn(ax)} == {COLOURS["blue"], "red", "green"}
    assert {line.get_linewidth() for line in ax.lines[:4]} == {3}


def test_without_ends_there_is_the_value_alone():
    ax = plot_intervals([], [Interval(0.5, np.nan, np.nan)])
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    assert low < 0.5 < high


@pytest.mark.parametrize("wrong", [{"positions": [0]}, {"colour": ["red"] * 3}])
def test_another_number_of_positions_or_colours_is_refused(wrong):
    with pytest.raises(ValueError, match=r"has \d entries for 2 intervals"):
        plot_intervals([], TWO, **wrong)


def cells_of(text):
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in text.split("\n")]


def test_each_kind_of_cell_is_written_as_documented():
    rows = [
        ["plain", 12, 0.12345, Interval(0.5, 0.25, 0.75)],
        ["a|b\nc", np.int64(1234567), np.float32(2), Interval(0.5, np.nan, np.inf)],
        ["", -3, float("nan"), "*none*"],
    ]
    assert cells_of(table(["name", "n", "r", "value"], rows, digits=2)) == [
        ["name", "n", "r", "value"],
        ["---"] * 4,
        ["plain", "12", "0.12", "0.50 [0.25, 0.75]"],
        [r"a\|b c", "1,234,567", "2.00", "0.50 [–, –]"],
        ["", "-3", "–", "*none*"],
    ]


def test_every_column_may_have_its_own_decimals():
    assert cells_of(table(["a", "b", "c"], [[1 / 3, 2 / 3, 1 / 7]], digits=[0, 1, 4]))[-1] == [
        "0",
        "0.7",
        "0.1429",
    ]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8), st.integers(0, 6))
def test_a_written_number_is_within_half_a_step(row, digits):
    written = cells_of(table(["x"] * len(row), [row], digits=digits))[-1]
    np.testing.assert_allclose(
        [float(cell) for cell in written], row, rtol=0, atol=0.51 / 10**digits
    )


@pytest.mark.parametrize(
    ("rows", "digits", "message"),
    [
        ([["a", 1], ["b"]], 3, "row 1 has 1 entries for 2 columns"),
        ([["a", 1]], [3], "digits has 1 entries for 2 columns"),
        ([["a", None]], 3, "a cell is None"),
        ([["a", True]], 3, "a cell is True"),
        ([["a", np.ones(2)]], 3, "a cell is array"),
    ],
)
def test_tables_that_do_not_fit_are_refused(rows, digits, message):
    with pytest.raises(ValueError, match=message):
        table(["name", "value"], rows, digits)
