"""Figures with a slider: every position is in the page, one is seen, and a browser moves it."""

from __future__ import annotations

import re

import pytest

from sdc_helpers.plotting import figure, show_slider

# Moves the slider to its last position, as a hand would, and says what is seen then.
MOVE = """(() => {
  const slider = document.querySelector("input[type=range]");
  const seen = () => [...document.querySelectorAll("img")].map((p) => p.offsetHeight > 0);
  const before = seen();
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input"));
  return [before, seen(), document.querySelector("output").value];
})()"""


def drawn(*powers):
    figures = {}
    for power in powers:
        fig, ax = figure(width=3, height=2)
        ax.plot([0, 1, 2], [0, 1, 2**power])
        ax.set(xlabel="x", ylabel="y", ylim=(0, 8))
        figures[f"{power} <b>"] = fig
    return figures


@pytest.fixture
def page(monkeypatch):
    """What a slider over three figures hands to the notebook."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: bundles.append(data))
    show_slider(drawn(1, 2, 3), "power & more", "It bends.", start=1)
    (bundle,) = bundles
    assert bundle["text/plain"] == "[interactive figure] It bends."
    return bundle["text/html"]


def test_every_position_has_its_picture_and_one_is_seen(page):
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(set(pictures)) == 3
    assert ["display:none" in picture for picture in pictures] == [True, False, True]
    assert len(set(re.findall(r'src="data:image/png;base64,([^"]+)"', page))) == 3
    assert [re.search(r'alt="([^"]+)"', picture)[1] for picture in pictures] == [
        f"It bends. Here: power &amp; more {power} &lt;b&gt;." for power in (1, 2, 3)
    ]
    assert 'max="2" value="1"' in page
    assert "<output>2 &lt;b&gt;</output>" in page
    assert not re.search(r"https?://", page)


def test_the_slider_moves_in_a_browser(page, browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html>{page}", encoding="utf-8")
    browser.open(file.as_uri())
    assert browser.evaluate(MOVE) == [[False, True, False], [False, False, True], "3 <b>"]
    assert [address[:5] for address in browser.requested] == ["file:", *["data:"] * 3]


@pytest.mark.parametrize(("n", "start"), [(1, 0), (0, 0), (2, 2), (2, -1)])
def test_too_few_figures_or_none_to_start_at(n, start):
    with pytest.raises(ValueError, match="expected two or more"):
        show_slider(drawn(*range(1, n + 1)), "power", "It bends.", start=start)


def test_an_axis_without_a_label_is_refused():
    figures = drawn(1, 2)
    next(iter(figures.values())).axes[0].set(xlabel="")
    with pytest.raises(ValueError, match="label"):
        show_slider(figures, "power", "It bends.")
