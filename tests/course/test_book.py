from __future__ import annotations

import contextlib
import html
import json
import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from sdc_helpers.course import CourseError, RunError, outputs
from sdc_helpers.course import book as book_module
from sdc_helpers.course.book import build_book, find_chapters, load_records
from sdc_helpers.course.catalogue import Notebook, list_notebooks
from sdc_helpers.course.claims_page import count

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTER = "13_cka_pitfalls"
TITLES = {
    "index": "Brains, CLIP and honest comparison",
    **{notebook.name: notebook.title for notebook in list_notebooks()},
    "architecture": "Architecture",
    "reference": "The package's names",
    "api/concepts": "sdc_helpers.concepts",
    "claims": "Claims",
    "glossary": "Glossary",
    "references": "References",
}


@dataclass
class Page(HTMLParser):
    """The links, identifiers and text of a page."""

    file: Path
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    identifiers: set[str] = field(default_factory=set)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.file.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.identifiers |= {v for k, v in attributes if k in ("id", "name") and v}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag != "a":
            self.loaded += [v for k, v in attributes if k in ("src", "href", "data") and v]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    """Every page by its path without the ending, such as ``claims`` or ``api/scenes``."""
    files = [f for f in sorted(site.rglob("*.html")) if "_static" not in f.parts]
    return {f.relative_to(site).with_suffix("").as_posix(): Page(f) for f in files}


# the build


def test_every_page_is_there(pages):
    assert pages.keys() >= TITLES.keys()
    for name, title in TITLES.items():
        assert title in pages[name].text.replace("\u2019", "'")  # Sphinx sets apostrophes


def test_every_claim_of_every_chapter_is_on_the_claims_page(smoke_runs, site):
    claims = [c for record in load_records(smoke_runs) for c in record["claims"]]
    assert len(claims) > 1
    text = (site / "claims.html").read_text()
    rows = {
        identifier: row
        for row in re.findall(r"<tr.*?</tr>", text, re.DOTALL)
        for identifier in re.findall(r'<span class="pre">([\w.]+)</span>', row)
    }
    assert rows.keys() == {c["identifier"] for c in claims}
    for claim in claims:
        row = rows[claim["identifier"]]
        assert claim["measured"] in html.unescape(row)
        for state in ("not held", "undecided"):
            assert (f"<strong>{state}</strong>" in row) is (claim["state"] == state)
    for kind in ("hypothesis", "regression", "identity"):
        assert count(c for c in claims if c["kind"] == kind) in text


def test_nothing_machine_readable_reaches_a_page(site):
    assert not [f.name for f in site.glob("*.html") if "application/vnd.sdc" in f.read_text()]


def test_nothing_is_loaded_from_elsewhere(pages):
    outside = re.compile(r"^([a-z]+:)?//", re.IGNORECASE)
    found = {p.file.name: [v for v in p.loaded if outside.match(v)] for p in pages.values()}
    assert {name: values for name, values in found.items() if values} == {}
    assert all(p.loaded for p in pages.values())


def test_what_pages_load_and_link_to_exists(pages, site):
    broken = []
    for page in pages.values():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = page.file.parent / unquote(parts.path) if parts.path else page.file
            if not target.exists():
                broken.append((page.file.name, link))
            elif parts.fragment and target.suffix == ".html":
                name = target.resolve().relative_to(site.resolve()).with_suffix("").as_posix()
                known = pages[name].identifiers
                if unquote(parts.fragment) not in known:
                    broken.append((page.file.name, link))
    assert broken == []


def test_papers_are_cited_not_named_by_their_keys(pages):
    bibliography = (ROOT / "book" / "references.bib").read_text()
    keys = set(re.findall(r"^@\w+\{([^,]+),", bibliography, re.MULTILINE))
    assert "murphy2024cka" in keys
    for page in pages.values():
        code = r'<code[^>]*><span class="pre">([^<]+)</span></code>'
        quoted = re.findall(code, page.file.read_text())
        assert keys.isdisjoint(quoted), page.file.name
    for name in (CHAPTER, "claims"):
        assert any(link.startswith("references.html#") for link in pages[name].links)


@pytest.fixture
def tiny_course(tmp_path, monkeypatch) -> Path:
    """A course of no notebooks; its book has the course's configuration and a broken link."""
    folder = tmp_path / "course" / "book"
    shutil.copytree(ROOT / "book" / "_static", folder / "_static")
    for name in ("_config.yml", "references.bib"):
        shutil.copy(ROOT / "book" / name, folder)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n- file: claims\n")
    text = "# A course\n\nSee [the claims](claims.md) and [a page that is not there](gone.md).\n"
    (folder / "index.md").write_text(text)
    monkeypatch.setattr(book_module, "course_folder", lambda: tmp_path / "course")
    monkeypatch.setattr(book_module, "list_notebooks", list)
    return folder


def test_a_broken_reference_stops_the_build_and_is_named(tiny_course, tmp_path):
    with pytest.raises(CourseError, match=r"build\.log") as caught:
        build_book(tmp_path / "runs", tmp_path / "out")
    _, warning = str(caught.value).splitlines()  # nothing else is wrong with the page
    assert "index.md:3" in warning
    assert "gone.md" in warning
    assert warning in (tmp_path / "out" / "build.log").read_text()


@pytest.fixture
def course_of_two(tiny_course, tmp_path, write_notebook, monkeypatch):
    """A course of two chapters, the second of which has failed; return the folder of its runs."""
    paths = [write_notebook(tmp_path / "notebooks" / f"0{i}_chapter.ipynb") for i in (1, 2)]
    monkeypatch.setattr(book_module, "list_notebooks", lambda: [Notebook(p) for p in paths])
    runs = tmp_path / "my disk's übung" / "runs"
    for path, error in zip(paths, (None, "cell 3: no *luck*"), strict=True):
        content = {**json.loads(path.read_text()), "cells": []}
        content["cells"] = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# One"}]
        content["metadata"]["sdc_run_id"] = "1"
        record = {"run_id": "1", "error": error, "name": path.stem, "claims": [], "title": "One"}
        with outputs.scratch_folder(runs, path.stem) as scratch, contextlib.suppress(RunError):
            outputs.publish(runs, path.stem, scratch, record, content)
    (tiny_course / "glossary.md").write_text(":orphan:\n\n# Glossary\n")
    toc = "format: jb-book\nroot: index\nchapters:\n"
    toc += "".join(f"- file: {n}\n" for n in ("01_chapter", "02_chapter", "claims"))
    (tiny_course / "_toc.yml").write_text(toc)
    text = "# A course\n\n[One](01_chapter.ipynb), [two](02_chapter.ipynb), [claims](claims.md).\n"
    (tiny_course / "index.md").write_text(text)
    return runs


def test_a_chapter_that_failed_has_a_page_that_says_so(course_of_two):
    chapters = find_chapters(course_of_two)
    assert [record["name"] for record in chapters.records] == ["01_chapter"]
    assert list(chapters.missing) == ["02_chapter"]
    assert "sdc run 02_chapter" in chapters.missing["02_chapter"]
    page = build_book(course_of_two, course_of_two.parent / "the book")
    text = Page(page.with_name("02_chapter.html")).text
    assert "This chapter is missing in this book." in text
    assert "cell 3: no *luck*" in text
    assert "02_chapter.html" in Page(page).links
