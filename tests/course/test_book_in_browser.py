"""What a browser makes of the book: every chapter, at a laptop's and a phone's width."""

from __future__ import annotations

import pytest

from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.standard import is_folded

CHAPTERS = {notebook.name: notebook for notebook in list_notebooks()}
PAGES = ("index", *CHAPTERS, "claims")
LAPTOP, PHONE = 1280, 390
REPORT = r"""(() => {
  const page = document.querySelector("article") || document.querySelector("main");
  const box = (element) => element.getBoundingClientRect();
  return {
    title: document.title,
    heading: page.querySelector("h1").innerText,
    text: page.innerText,
    formulas: page.querySelectorAll("span.math, div.math").length,
    drawn: [...page.querySelectorAll(".math math")].filter((m) => box(m).height > 0).length,
    errors: document.querySelectorAll(".katex-error").length,
    images: [...page.querySelectorAll("figure img")].map(
      (i) => [i.src.slice(0, 5), i.alt, i.naturalWidth]
    ),
    folded: [...page.querySelectorAll("details.above-input")].map((d) => [
      d.open, d.querySelector("summary .collapsed").innerText.trim(),
      d.querySelector(".cell_input").checkVisibility(),
    ]),
    wide: [...page.querySelectorAll("div.cell > .cell_input pre")]
      .filter((p) => p.scrollWidth > p.clientWidth).map((p) => p.innerText.slice(0, 200)),
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})()"""
# What is seen under each slider before and after it is moved to its other end, as a hand would.
SLIDE = r"""[...document.querySelectorAll("figure input[type=range]")].map((slider) => {
  const figure = slider.closest("figure");
  const seen = () => [...figure.querySelectorAll("img")].map((p) => p.offsetHeight > 0);
  const before = seen();
  slider.value = slider.value === slider.max ? 0 : slider.max;
  slider.dispatchEvent(new Event("input"));
  return [before, seen(), figure.querySelector("output").value];
})"""


@pytest.fixture(scope="module")
def reports(browser, site) -> dict[str, dict]:
    """What the browser made of each page, opened as a file at a laptop's width."""
    found = {}
    for name in PAGES:
        browser.open((site / f"{name}.html").as_uri(), width=LAPTOP)
        found[name] = browser.evaluate(REPORT)
        found[name]["sliders"] = browser.evaluate(SLIDE)
        found[name]["fetched"] = list(browser.requested)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_title_and_loads_only_files(reports, name):
    report = reports[name]
    if name in CHAPTERS:
        assert report["heading"].replace("\u2019", "'").startswith(CHAPTERS[name].title)
    assert report["heading"].split(":")[0].rstrip("#\uf0c1") in report["title"]
    assert report["fetched"]
    inside = ("file:", "data:", "blob:", "about:")
    assert [address for address in report["fetched"] if not address.startswith(inside)] == []


@pytest.mark.parametrize("name", PAGES)
def test_equations_are_drawn_and_none_is_left_as_tex(reports, name):
    report = reports[name]
    assert report["drawn"] == report["formulas"]
    assert report["errors"] == 0
    tex = (r"\frac", r"\mathrm", r"\sqrt", r"\tilde", r"\langle", r"\lVert", r"\quad", r"\begin")
    assert [word for word in tex if word in report["text"]] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_figures_with_words_for_them(reports, name):
    report = reports[name]
    assert len(report["images"]) >= 2
    for scheme, words, width in report["images"]:
        assert scheme == "data:"
        assert len(words.split()) > 5
        assert width > 100
    assert "Claim " in report["text"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_cells_that_fold_are_folded_under_their_titles(reports, name):
    cells = [cell for cell in CHAPTERS[name].content.cells if is_folded(cell)]
    titles = [cell.source.splitlines()[0].removeprefix("# @title ") for cell in cells]
    assert [title for _, title, _ in reports[name]["folded"]] == titles
    states = {(is_open, is_seen) for is_open, _, is_seen in reports[name]["folded"]}
    assert states <= {(False, False)}


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_code_that_is_shown_scrolls_sideways_on_a_laptop(reports, name):
    assert reports[name]["wide"] == []
    assert reports[name]["over"] <= 0


@pytest.mark.parametrize("name", CHAPTERS)
def test_sliders_show_one_picture_and_another_when_moved(reports, name):
    for before, after, said in reports[name]["sliders"]:
        assert sum(before) == sum(after) == 1
        assert before != after
        assert said


def test_some_chapters_have_sliders(reports):
    assert sum(bool(report["sliders"]) for report in reports.values()) >= 3


@pytest.mark.parametrize("name", ["index", "13_cka_pitfalls"])
def test_a_page_fits_a_phone_in_the_light_and_in_the_dark(browser, site, tmp_path, name):
    pictures = []
    for dark in (False, True):
        browser.open((site / f"{name}.html").as_uri(), width=PHONE, height=800, dark=dark)
        assert browser.evaluate("document.documentElement.clientWidth") == PHONE
        assert browser.evaluate(REPORT)["over"] <= 0
        pictures.append(browser.screenshot(tmp_path / f"{dark}.png"))
    browser.open("about:blank", width=PHONE, height=800)
    blank = browser.screenshot(tmp_path / "blank.png")
    assert min(map(len, pictures)) > 4 * len(blank)
    assert pictures[0] != pictures[1]
