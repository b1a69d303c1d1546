"""Pictures with words: each in its place, under its own title, in its own frame."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.offsetbox import AnnotationBbox

from sdc_helpers.plotting import COLOURS, figure, label_with_pictures, plot_pictures


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_pictures_fill_the_axes_row_by_row_under_their_titles(pictures):
    _, axes = figure(2, 3)
    titles = [f"number {k}" for k in range(5)]
    assert plot_pictures(pictures, titles, axes) is axes
    for k, ax in enumerate(axes.flat):
        if k == 5:
            assert not ax.images
            assert ax.get_title(loc="left") == ""
        else:
            np.testing.assert_array_equal(ax.images[0].get_array(), pictures[k])
            assert ax.get_title(loc="left") == titles[k]
        assert list(ax.get_xticks()) == list(ax.get_yticks()) == []
        assert not any(spine.get_visible() for spine in ax.spines.values())


def test_without_axes_there_is_one_row_of_its_own(pictures):
    axes = plot_pictures(pictures)
    assert axes.shape == (1, 5)
    assert [len(ax.images) for ax in axes.flat] == [1] * 5


def test_a_frame_is_drawn_where_there_is_a_colour(pictures):
    frames = [None, COLOURS["green"], None, COLOURS["orange"], None]
    axes = plot_pictures(pictures, frames=frames)
    for ax, colour in zip(axes.flat, frames, strict=True):
        for spine in ax.spines.values():
            assert spine.get_visible() == (colour is not None)
            if colour is not None:
                assert colors.to_hex(spine.get_edgecolor()) == colour.lower()


def test_rows_have_names_and_long_words_are_broken(pictures):
    _, axes = figure(2, 2)
    long = "a sentence that does not fit into one line"
    plot_pictures(pictures[:4], [long] * 4, axes, rows=["seen", long], wrap=20)
    assert axes[0, 0].get_ylabel() == "seen"
    for text in (axes[1, 0].get_ylabel(), axes[0, 1].get_title(loc="left")):
        assert text.replace("\n", " ") == long
        assert max(map(len, text.split("\n"))) <= 20
    assert axes[0, 1].get_ylabel() == axes[1, 1].get_ylabel() == ""


def test_pictures_may_differ_in_size_and_axes_may_be_a_single_row():
    _, axes = figure(1, 2)
    different = [np.zeros((4, 4, 3)), np.ones((6, 9, 3))]
    plot_pictures(different, axes=axes, rows=["both"])
    assert [ax.images[0].get_array().shape for ax in axes] == [(4, 4, 3), (6, 9, 3)]
    assert axes[0].get_ylabel() == "both"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titles": ["one"]}, "titles has 1 entries for 5 pictures"),
        ({"frames": [None] * 6}, "frames has 6 entries for 5 pictures"),
        ({"rows": ["a", "b"]}, "rows has 2 names for 1 rows"),
    ],
)
def test_what_does_not_match_is_refused(pictures, options, message):
    with pytest.raises(ValueError, match=message):
        plot_pictures(pictures, **options)


def test_more_pictures_than_axes_are_refused(pictures):
    with pytest.raises(ValueError, match="5 pictures do not fit into 4 axes"):
        plot_pictures(pictures, axes=figure(2, 2)[1])


def test_pictures_stand_at_their_ticks_under_the_axis(pictures):
    fig, ax = figure()
    ax.imshow(np.zeros((3, 5)))
    assert label_with_pictures(ax, pictures, size=20) is ax
    boxes = [a for a in ax.artists if isinstance(a, AnnotationBbox)]
    assert list(ax.get_xticks()) == [0, 1, 2, 3, 4]
    assert [label.get_text() for label in ax.get_xticklabels()] == [""] * 5
    fig.canvas.draw()
    bottom = ax.get_window_extent().y0
    for position, box in enumerate(boxes):
        extent = box.get_window_extent()
        assert extent.y1 < bottom
        assert extent.height == pytest.approx(20 * fig.dpi / 72, rel=0.1)
        x = ax.transData.transform((position, 0))[0]
        assert (extent.x0 + extent.x1) / 2 == pytest.approx(x, abs=1)
    assert len(boxes) == 5


def test_positions_are_as_many_as_pictures(pictures):
    _, ax = figure()
    label_with_pictures(ax, pictures[:2], [0.2, 0.7])
    assert list(ax.get_xticks()) == [0.2, 0.7]
    with pytest.raises(ValueError, match="1 positions for 5 pictures"):
        label_with_pictures(ax, pictures, [0])
