"""Figures of concepts that are read: what is drawn is what was given."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.plotting import COLOURS, figure
from sdc_helpers.plotting.concept_figures import (
    plot_both_ends,
    plot_called_below,
    plot_enriched_words,
    plot_overlaps,
    plot_rank_curves,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def written(ax):
    """Every annotation of the axes."""
    return [text.get_text() for text in ax.texts]


def test_most_associated_pictures_are_left_and_least_right(rng):
    pictures = rng.integers(0, 256, (3, 2, 2, 8, 8, 3), dtype=np.uint8)
    _, axes = figure(3, 5, squeeze=False)
    plot_both_ends(axes, [tuple(pair) for pair in pictures])
    for row, (most, least) in zip(axes, pictures, strict=True):
        for ax, picture in zip((*row[:2], *row[3:]), (*most, *least), strict=True):
            np.testing.assert_array_equal(ax.images[0].get_array(), picture)
        assert not row[2].images
    assert [row[0].get_ylabel() for row in axes] == ["0", "1", "2"]
    assert written(axes[0, 0]) == ["most associated, highest first"]
    assert written(axes[0, 3]) == ["least associated, lowest first"]


@pytest.mark.parametrize(("rows", "columns"), [(2, 5), (3, 4)])
def test_both_ends_need_a_row_a_concept_and_a_column_between(rng, rows, columns):
    _, axes = figure(rows, columns, squeeze=False)
    with pytest.raises(ValueError, match="expected 3 rows and an odd number"):
        plot_both_ends(axes, [(rng.random((2, 4, 4, 3)),) * 2] * 3)


def test_words_beyond_the_bound_are_blue_and_the_others_grey():
    words = SimpleNamespace(words=tuple("abcd"), z=np.array([6.0, 5.0, 3.0, 1.0]), bound=4.0)
    _, ax = figure()
    plot_enriched_words(ax, words, n=3)
    assert [bar.get_width() for bar in ax.patches] == [6, 5, 3]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    colours = {name: COLOURS[name] for name in ("blue", "grey")}
    expected = [colours[name] for name in ("blue", "blue", "grey")]
    _, other = figure()
    drawn = other.bar(range(3), [1] * 3, color=expected)
    assert [b.get_facecolor() for b in ax.patches] == [b.get_facecolor() for b in drawn]
    assert list(ax.lines[0].get_xdata()) == [4, 4]
    assert ax.yaxis.get_inverted()


def test_a_curve_has_the_mean_of_participants_in_the_colour_of_its_verdict(rng):
    curves = [rng.normal(size=(4, 3)) for _ in range(3)]
    _, axes = figure(2, 2, squeeze=False)
    plot_rank_curves(axes, curves, ["below", "less", "undecided"], ["one", "two", "three"])
    tones = (COLOURS["orange"], COLOURS["blue"], COLOURS["grey"])
    for ax, curve, verdict, tone in zip(
        axes.flat, curves, ("below", "less", "undecided"), tones, strict=False
    ):
        line = next(one for one in ax.lines if len(one.get_xdata()) == 4)
        np.testing.assert_allclose(line.get_xdata(), [12.5, 37.5, 62.5, 87.5])
        np.testing.assert_allclose(line.get_ydata(), [np.mean(row) for row in curve])
        assert line.get_color() == tone
        assert verdict in written(ax)
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["one", "two", "three", ""]
    assert not axes[1, 1].axison


@pytest.mark.parametrize(
    ("verdicts", "titles", "message"),
    [
        (["less"], ["a", "b"], "2 curves, 1 verdicts, 2 titles and 2 axes"),
        (["less", "maybe"], ["a", "b"], "'maybe'"),
    ],
)
def test_curves_verdicts_and_titles_must_fit(rng, verdicts, titles, message):
    _, axes = figure(1, 2)
    with pytest.raises(ValueError, match=message):
        plot_rank_curves(axes, [rng.normal(size=(4, 3))] * 2, verdicts, titles)


def test_bars_count_who_is_called_below_of_either_truth():
    negations = np.array(["less", "below", "less", "", "less", "below"])
    called = {
        "first": [True, True, True, True, False, False],
        "second": [False, True, False, True, False, True],
    }
    _, axes = figure(1, 2)
    plot_called_below(axes, called, negations)
    counts = {"less": [2, 0], "below": [1, 2]}
    for ax, kind in zip(axes, ("less", "below"), strict=True):
        by_loops = [
            sum(
                is_called and truth == kind
                for is_called, truth in zip(each, negations, strict=True)
            )
            for each in called.values()
        ]
        assert [bar.get_height() for bar in ax.patches] == by_loops == counts[kind]
    assert axes[0].get_title(loc="left") == "truly only less (3 concepts)"
    assert axes[1].get_title(loc="left") == "truly below (2 concepts)"
    assert {"2", "0", "right answer: 0"} <= set(written(axes[0]))
    assert {"1", "2", "right answer: 2"} <= set(written(axes[1]))


@pytest.mark.parametrize(("n_axes", "n_called"), [(3, 4), (2, 5)])
def test_answers_and_truths_must_fit(n_axes, n_called):
    _, axes = figure(1, n_axes)
    with pytest.raises(ValueError, match="do not fit"):
        plot_called_below(axes, {"a": [True] * n_called}, np.array(["less"] * 4))


def test_overlaps_are_dots_beside_marks_of_luck(rng):
    values, by_luck = rng.random((3, 4)), rng.random((3, 4))
    values[1, 2] = by_luck[1, 2] = np.nan
    _, ax = figure()
    plot_overlaps(ax, values, by_luck, ["a", "b", "c"])
    luck, dots = ax.lines
    for line, drawn in ((dots, values), (luck, by_luck)):
        points = set(zip(line.get_ydata(), line.get_xdata(), strict=True))
        expected = {(row, drawn[row, i]) for row in range(3) for i in range(4)}
        assert {p for p in points if p[1] == p[1]} == {p for p in expected if p[1] == p[1]}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="2 labels do not fit"):
        plot_overlaps(ax, values, by_luck, ["a", "b"])
