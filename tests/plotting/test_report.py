"""The report page: what is put in stands in it, escaped, and the file is whole."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from sdc_helpers.plotting import Report, figure


class Texts(HTMLParser):
    """Collects the text of a page by its tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.found = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.found.append((self.open[-1] if self.open else "", data))

    def of(self, tag):
        return [text for where, text in self.found if where == tag]


@pytest.fixture
def page():
    page = Report("A <b>study</b>", "real", ["2 participants & 5 pictures"])
    page.section("Decoding", says="It works.", says_not="It does not say where.")
    page.table(["name", "top-1"], [["anna | ben", 0.25]], digits=2)
    return page


def test_everything_stands_in_the_page_and_is_escaped(page):
    texts = Texts(page.to_html())
    assert texts.of("h1") == ["A <b>study</b>"]
    assert texts.of("li") == ["2 participants & 5 pictures"]
    assert texts.of("h2") == ["Decoding"]
    assert texts.of("th") == ["name", "top-1"]
    assert texts.of("td") == ["anna | ben", "0.25"]
    assert " It does not say where." in texts.of("p")
    assert texts.open == []


def test_a_figure_has_its_caption(page, capsys):
    fig, ax = figure()
    ax.plot([1, 2])
    ax.set(xlabel="x", ylabel="y")
    page.show(fig, "Real: two points & a line between them.")
    texts = Texts(page.to_html())
    assert texts.of("figcaption") == ["Real: two points & a line between them."]
    assert 'src="data:image/png;base64,' in page.to_html()


def test_it_is_written_where_asked_and_else_under_its_name(page, tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    assert page.write(tmp_path / "a" / "mine.html").read_text(encoding="utf-8") == page.to_html()
    assert page.write() == tmp_path / "data" / "reports" / "a-b-study-b.html"
