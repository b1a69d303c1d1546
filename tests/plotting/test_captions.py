"""Figures with captions: what a notebook is handed, and what is refused."""

from __future__ import annotations

import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from sdc_helpers import plotting
from sdc_helpers.plotting import figure


@pytest.fixture
def shown(monkeypatch):
    """What show() hands to the notebook, as a list of mime bundles."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: bundles.append(data))
    return bundles


def labelled(rows=1, columns=1, **options):
    fig, axes = figure(rows, columns, **options)
    for ax in np.atleast_1d(axes).flat:
        ax.plot([0, 1], [0, 1])
        ax.set(xlabel="time (s)", ylabel="BOLD (%)")
    return fig, axes


@pytest.mark.parametrize(("width", "height"), [(7.0, 3.4), (4.0, 4.0), (9.3, 2.1)])
def test_the_picture_is_a_png_of_the_figures_size(shown, width, height):
    fig, _ = labelled(width=width, height=height)
    plotting.show(fig, "One line.")
    (bundle,) = shown
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', bundle["text/html"])
    picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)))
    picture.load()
    assert picture.format == "PNG"
    assert picture.size == (int(width * fig.dpi), int(height * fig.dpi))
    assert np.ptp(np.asarray(picture.convert("L"))) > 100  # something is drawn


def test_the_caption_is_alt_text_and_is_escaped(shown):
    caption = 'p < .05 & "so" on <script>alert(1)</script>'
    fig, _ = labelled()
    plotting.show(fig, caption)
    (bundle,) = shown
    page = bundle["text/html"]
    assert "<script>" not in page
    assert page.count(html.escape(caption)) == 2
    (alt,) = re.findall(r'alt="([^"]*)"', page)
    assert html.unescape(alt) == caption
    assert f"<figcaption><em>{html.escape(caption)}</em></figcaption>" in page
    assert bundle["text/plain"] == f"[figure] {caption}"


@pytest.mark.parametrize("axis", ["x", "y"])
def test_an_axis_with_data_and_no_label_is_refused_by_name(shown, axis):
    fig, axes = labelled(1, 2)
    axes[1].set_title("Left out", loc="left")
    axes[1].set(**{f"{axis}label": ""})
    message = rf"panel 2 \('Left out'\): the {axis} axis has no label; .*set_{axis}label.*units"
    with pytest.raises(ValueError, match=message):
        plotting.show(fig, "Two lines.")
    assert shown == []
    other = "y" if axis == "x" else "x"
    getattr(fig, f"sup{other}label")("the other one")
    with pytest.raises(ValueError, match="Left out"):
        plotting.show(fig, "Two lines.")
    getattr(fig, f"sup{axis}label")("this one")
    plotting.show(fig, "Two lines.")
    assert len(shown) == 1


@pytest.mark.parametrize("axis", ["x", "y"])
def test_one_label_serves_axes_that_are_shared(shown, axis):
    rows, columns = (2, 1) if axis == "x" else (1, 2)
    for options, is_fine in (({}, False), ({f"share{axis}": True}, True)):
        fig, axes = labelled(rows, columns, **options)
        axes[0].set(**{f"{axis}label": ""})
        if is_fine:
            plotting.show(fig, "Two lines.")
        else:
            with pytest.raises(ValueError, match=f"panel 1 .* the {axis} axis"):
                plotting.show(fig, "Two lines.")


def test_what_is_hidden_or_empty_needs_no_label(shown):
    fig, axes = figure(1, 3)
    axes[0].plot([0, 1], [0, 1])
    axes[0].set_axis_off()
    axes[1].plot([0, 1], [0, 1])
    axes[1].xaxis.set_visible(False)
    axes[1].yaxis.set_visible(False)
    axes[2].annotate("words only", (0, 0))
    plotting.show(fig, "Nothing to measure.")
    assert len(shown) == 1


def test_an_image_needs_a_label_on_its_colour_bar_alone(shown):
    fig, ax = figure()
    image = ax.imshow(np.eye(3))
    bar = fig.colorbar(image, ax=ax)
    with pytest.raises(ValueError, match="a colour bar has no label"):
        plotting.show(fig, "A matrix.")
    bar.set_label("CKA")
    plotting.show(fig, "A matrix.")
    assert len(shown) == 1
