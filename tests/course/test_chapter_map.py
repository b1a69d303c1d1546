"""The map of the chapters, on the front pages and from its file."""

from __future__ import annotations

import re

import nbformat
import pytest

from sdc_helpers.course.catalogue import Notebook, course_folder, list_notebooks
from sdc_helpers.course.chapter_map import BEGIN, END, chapter_map, fill_map
from sdc_helpers.course.errors import CourseError

TOLD = """\
["00_first"]
question = "What?"
needs = []
paper = ""
["01_second"]
question = "Why?"
needs = ["00"]
paper = "A (2000)"
"""


@pytest.fixture
def notebooks(tmp_path):
    """Two chapters, the first of which has been timed."""
    v4 = nbformat.v4
    for name, title in (("00_first", "One: and more"), ("01_second", "Two")):
        cells = [v4.new_markdown_cell(f"# {title}\n\n" + "word " * 900)]
        nbformat.write(v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    (tmp_path / "timings.json").write_text('{"00_first": {"workshop": {"seconds": 90}}}')
    return [Notebook(tmp_path / f"{name}.ipynb") for name in ("00_first", "01_second")]


def told(folder, text):
    (folder / "chapters.toml").write_text(text)
    return folder / "chapters.toml"


def test_a_row_says_what_a_chapter_asks_needs_and_takes(notebooks, tmp_path):
    table = chapter_map(told(tmp_path, TOLD), notebooks, "notebooks/")
    assert table.splitlines()[2:] == [
        "| [00 One](notebooks/00_first.ipynb) | What? | nothing | 10, 1.5 |  |",
        "| [01 Two](notebooks/01_second.ipynb) | Why? | 00 | 10, unmeasured | A (2000) |",
    ]


@pytest.mark.parametrize(
    "change",
    [
        ('"01_second"', '"01_other"'),
        ('needs = ["00"]', 'needs = ["02"]'),
        ("needs = []", 'needs = ["01"]'),
        ('paper = "A (2000)"', ""),
        ('question = "Why?"', 'questions = "Why?"'),
    ],
)
def test_a_file_that_does_not_fit_the_notebooks_is_refused(notebooks, tmp_path, change):
    with pytest.raises(CourseError, match=r"chapters\.toml"):
        chapter_map(told(tmp_path, TOLD.replace(*change)), notebooks)


def test_the_map_takes_its_place_once_and_again():
    page = f"a\n{BEGIN}\nold\n{END}\nb\n"
    filled = fill_map(page, "| new |\n")
    assert filled == f"a\n{BEGIN}\n| new |\n{END}\nb\n"
    assert fill_map(filled, "| new |\n") == filled
    with pytest.raises(CourseError, match="no place"):
        fill_map("a page", "| new |\n")


@pytest.mark.parametrize("page", ["README.md", "book/index.md"])
def test_the_front_pages_have_every_chapter(page):
    text = (course_folder() / page).read_text(encoding="utf-8")
    between = text[text.index(BEGIN) : text.index(END)]
    assert re.findall(r"(\d\d_\w+)\.ipynb", between) == [n.name for n in list_notebooks()]
