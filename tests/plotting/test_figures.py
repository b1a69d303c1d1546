"""Figures: labels are demanded, captions travel as alt text, plots draw what they are given."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.axes import Axes

from sdc_helpers import plotting
from sdc_helpers.plotting import COLOURS, figure


def labelled(rows=1, columns=1, **options):
    fig, axes = figure(rows, columns, **options)
    for ax in np.atleast_1d(axes).flat:
        ax.plot([0, 1], [0, 1])
        ax.set(xlabel="time (s)", ylabel="BOLD (%)")
    return fig, axes


# --- the style ------------------------------------------------------------------------------------


def test_a_figure_has_the_panels_and_the_size_asked_for():
    fig, ax = figure()
    assert isinstance(ax, Axes)
    fig, axes = figure(2, 3, width=9, height=5, sharex=True)
    assert axes.shape == (2, 3)
    assert tuple(fig.get_size_inches()) == (9, 5)
    assert not axes[0, 0].spines["top"].get_visible()
    assert axes[0, 0].get_shared_x_axes().joined(axes[0, 0], axes[1, 2])


def test_the_style_stays_within_the_figure():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    labelled()
    assert dict(mpl.rcParams) == before


def test_plots_use_no_pyplot_state():
    script = """
import sys
import numpy as np
from sdc_helpers.plotting import *
fig, ax = figure()
plot_spread([1, 2], np.ones((2, 3)), ax, label="a")
plot_reference(ax, 0, "zero")
plot_null([0], [np.arange(9.0)], [3.0])
plot_heatmap(np.eye(2), "ab", "cd")
ax.set(xlabel="x", ylabel="y")
show(fig, "A caption.")
assert "matplotlib.pyplot" not in sys.modules
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


# --- plots ----------------------------------------------------------------------------------------

PLOTS = {
    "spread": lambda ax: plotting.plot_spread([1, 2], np.ones((2, 3)), ax),
    "null": lambda ax: plotting.plot_null([0], [np.arange(9.0)], [3.0], ax),
    "heatmap": lambda ax: plotting.plot_heatmap(np.eye(2), "ab", "cd", ax),
    "line": lambda ax: plotting.label_line(ax, 1, 1, "name", "black"),
    "names": lambda ax: plotting.name_series(ax, {"one": "black", "other": "red"}),
    "horizontal": lambda ax: plotting.plot_reference(ax, 1, "chance"),
    "vertical": lambda ax: plotting.plot_reference(ax, 1, "chance", vertical=True),
}


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_a_plot_draws_into_the_axes_it_is_given_and_returns_them(plot):
    _, (ax, other) = figure(1, 2)
    assert plot(ax) is ax
    assert ax.has_data() or ax.texts
    assert not other.has_data()
    assert not other.texts


@pytest.mark.parametrize("name", ["spread", "null", "heatmap"])
def test_a_plot_makes_its_own_axes_where_none_are_given(name):
    first, second = PLOTS[name](None), PLOTS[name](None)
    assert isinstance(first, Axes)
    assert first.figure is not second.figure


def test_names_of_series_stand_under_each_other_in_their_colours():
    _, ax = figure()
    plotting.name_series(ax, {"one": "black", "other": COLOURS["blue"]}, x=0.1, y=0.8, step=0.2)
    assert [text.get_text() for text in ax.texts] == ["one", "other"]
    assert ax.texts[1].get_color() == COLOURS["blue"]
    np.testing.assert_allclose([text.xy for text in ax.texts], [(0.1, 0.8), (0.1, 0.6)])
    assert {text.get_ha() for text in ax.texts} == {"left"}
    assert plotting.name_series(ax, {"right": "black"}).texts[-1].get_ha() == "right"


def test_a_spread_is_the_mean_and_the_full_range():
    values = np.array([[1.0, 2.0, 6.0], [0.0, 4.0, 5.0], [-1.0, -1.0, 5.0]])
    ax = plotting.plot_spread([10, 20, 40], values, label="betas", colour=COLOURS["green"], ls="--")
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_xydata(), [(10, 3), (20, 3), (40, 1)])
    assert (line.get_color(), line.get_linestyle()) == (COLOURS["green"], "--")
    (band,) = ax.collections
    outline = band.get_paths()[0].vertices
    for x, low, high in ((10, 1, 6), (20, 0, 5), (40, -1, 5)):
        at_x = outline[outline[:, 0] == x, 1]
        assert (at_x.min(), at_x.max()) == (low, high)
    (label,) = ax.texts
    assert (label.get_text(), label.xy, label.get_color()) == ("betas", (40, 1), COLOURS["green"])


@pytest.mark.parametrize("shape", [(2,), (3, 2), (2, 2, 2), ()])
def test_a_spread_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"values has shape .*; expected \(2, n_seeds\)"):
        plotting.plot_spread([1, 2], np.zeros(shape))


def test_a_reference_is_a_line_at_its_value_with_its_name():
    _, (across, up) = figure(1, 2)
    plotting.plot_reference(across, 0.25, "chance")
    plotting.plot_reference(up, 7, "layer", vertical=True)
    assert set(across.lines[0].get_ydata()) == {0.25}
    assert set(up.lines[0].get_xdata()) == {7}
    assert [ax.texts[0].get_text() for ax in (across, up)] == ["chance", "layer"]


def test_a_null_is_a_distribution_with_its_mean_and_the_value_above():
    rng = np.random.default_rng(0)
    nulls = [rng.normal(size=50), rng.normal(2, 1, size=80)]
    ax = plotting.plot_null([1, 3], nulls, [0.5, 9.0], colour=COLOURS["pink"])
    (dots,) = ax.lines
    np.testing.assert_allclose(dots.get_xydata(), [(1, 0.5), (3, 9.0)])
    assert dots.get_color() == COLOURS["pink"]
    bodies, means = ax.collections[:2], ax.collections[2:]
    for body, mean, null, position in zip(bodies, means, nulls, (1, 3), strict=True):
        outline = body.get_paths()[0].vertices
        assert (outline[:, 1].min(), outline[:, 1].max()) == (null.min(), null.max())
        (segment,) = mean.get_segments()
        np.testing.assert_allclose(segment[:, 1], null.sum() / len(null))
        assert segment[:, 0].mean() == pytest.approx(position)


def drawn(ax):
    """Return the colours (rgba) of an image's cells, and the numbers written into them."""
    (image,) = ax.images
    numbers = {text.get_position()[::-1]: text.get_text() for text in ax.texts}
    return image.to_rgba(image.get_array()), numbers


def test_cells_without_a_number_are_blank():
    values = np.array([[0.5, np.nan, -0.5], [np.inf, 0.0, 0.25]])
    rgba, numbers = drawn(plotting.plot_heatmap(values, "ab", "cde", label="CKA"))
    assert np.array_equal(rgba[..., 3], np.isfinite(values))  # 0 is transparent
    assert numbers == {(0, 0): "0.50", (0, 2): "-0.50", (1, 1): "0.00", (1, 2): "0.25"}


def test_a_heatmap_is_centred_on_zero_and_named():
    ax = plotting.plot_heatmap([[0.1, -0.4]], ["V1"], ["conv1", "fc"], label="CKA")
    assert ax.images[0].get_clim() == (-0.4, 0.4)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["conv1", "fc"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["V1"]
    assert ax.images[0].colorbar.ax.get_ylabel() == "CKA"
    limited = plotting.plot_heatmap([[0.1]], ["V1"], ["fc"], limit=2, numbers=False)
    assert limited.images[0].get_clim() == (-2, 2)
    assert not limited.texts


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_heatmap_without_a_scale_is_drawn_all_the_same(value):
    rgba, _ = drawn(plotting.plot_heatmap(np.full((2, 2), value), "ab", "cd"))
    if value == 0:
        np.testing.assert_allclose(rgba[..., :3], 0.97, atol=0.03)  # the middle of the map: white
    else:
        assert (rgba[..., 3] == 0).all()


def test_numbers_can_be_read_on_their_cells():
    values = np.linspace(-1, 1, 21)[None]
    ax = plotting.plot_heatmap(values, ["a"], [""] * 21)
    rgba, _ = drawn(ax)
    for text, cell in zip(ax.texts, rgba[0], strict=True):
        assert contrast(colors.to_rgb(text.get_color()), cell[:3]) > 3


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (2,)])
def test_a_heatmap_with_too_few_or_too_many_names_is_refused(shape):
    with pytest.raises(ValueError, match=r"values has shape .*; expected \(3, 2\)"):
        plotting.plot_heatmap(np.zeros(shape), "abc", "de")


# --- colours --------------------------------------------------------------------------------------

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(rgb):
    rgb = np.asarray(rgb, dtype=float)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Return the WCAG contrast ratio of two colours."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb_linear):
    """Return CIE L*a*b* (D65) of a linear RGB colour."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.array(to_xyz) @ np.clip(rgb_linear, 0, 1) / [0.9505, 1, 1.089]
    f = [np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", DEFICIENCIES)
def test_colours_are_told_apart(name):
    seen = {
        colour: lab(np.array(DEFICIENCIES[name]) @ linear(colors.to_rgb(value)))
        for colour, value in COLOURS.items()
    }
    distances = {
        pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]])
        for pair in itertools.combinations(seen, 2)
    }
    assert min(distances.values()) > 10, min(distances, key=distances.get)


def test_the_palette_cannot_be_changed_by_a_notebook():
    with pytest.raises(TypeError):
        COLOURS["blue"] = "red"


def test_bars_stand_at_the_means_with_a_dot_a_seed():
    ax = figure()[1]
    returned = plotting.plot_bars(
        {"right": [0.5], "wrong": [1.0, 2.0, 6.0]}, ax, colours=("#112233", "#445566")
    )
    assert returned is ax
    assert [bar.get_height() for bar in ax.patches] == [0.5, 3.0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["right", "wrong"]
    (dots,) = ax.lines
    assert list(dots.get_ydata()) == [1.0, 2.0, 6.0]
    assert abs(np.mean(dots.get_xdata()) - 1) < 1e-12


def test_bars_need_a_colour_a_group():
    with pytest.raises(ValueError, match="zip"):
        plotting.plot_bars({"a": [1.0], "b": [2.0]}, colours=("#112233",))
