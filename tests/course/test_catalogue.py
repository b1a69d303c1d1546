"""Finding notebooks, and what is read from one."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from sdc_helpers.course import catalogue
from sdc_helpers.course.errors import RunError

PARAMETERS = """\
profile: str = "workshop"  # how much
seed: int = 7  # where the random numbers start
device: str = "auto"  # where
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder with two notebooks."""
    (tmp_path / "notebooks").mkdir()
    v4 = nbformat.v4
    for name, title in (("01_first_steps", "First"), ("12_second", "Second")):
        cells = [
            v4.new_code_cell("# not a title"),
            v4.new_markdown_cell(f"# {title}: why?\n\nText.\n\n# Not this"),
            v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        ]
        nbformat.write(v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "notebooks" / "draft.ipynb").write_text("{}")
    monkeypatch.setattr(catalogue, "checkout_root", lambda: tmp_path)
    return tmp_path


def test_notebooks_are_listed_in_order(course):
    assert [n.name for n in catalogue.list_notebooks()] == ["01_first_steps", "12_second"]
    assert catalogue.course_folder() == course


@pytest.mark.parametrize("name", ["01_first_steps", "01", Path("01")])
def test_a_notebook_is_found_by_name_and_by_number(course, name):
    assert catalogue.find_notebook(name).name == "01_first_steps"


def test_a_notebook_is_found_by_path_from_anywhere(course, tmp_path, monkeypatch):
    monkeypatch.chdir(course / "notebooks")
    for name in ("12_second.ipynb", Path("12_second.ipynb"), "../notebooks/12_second.ipynb"):
        assert catalogue.find_notebook(name).path == course / "notebooks" / "12_second.ipynb"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("12_secnd", "no notebook '12_secnd': did you mean '12_second'"),
        ("7", "known: 01_first_steps, 12_second"),
        ("", "known: 01_first_steps, 12_second"),
        ("missing.ipynb", "there is no notebook at .*missing.ipynb"),
    ],
)
def test_a_notebook_that_is_not_there(course, name, message):
    with pytest.raises(RunError, match=message):
        catalogue.find_notebook(name)


def test_what_is_read_from_a_notebook(course):
    notebook = catalogue.find_notebook("12")
    assert notebook.title == "Second: why?"
    assert notebook.schema.names == ("profile", "seed", "device")
    assert notebook.timings == {}
    timings = {"12_second": {"smoke": {"seconds": 3}}}
    (course / "notebooks" / catalogue.TIMINGS).write_text(json.dumps(timings))
    assert catalogue.find_notebook("12").timings == {"smoke": {"seconds": 3}}
    assert catalogue.find_notebook("01").timings == {}


def test_a_notebook_without_title_or_parameters(course):
    path = course / "notebooks" / "20_bare.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    assert catalogue.find_notebook("20").title == "20_bare"
    with pytest.raises(RunError, match=r"20_bare\.ipynb has no cell tagged 'parameters'"):
        _ = catalogue.find_notebook("20").schema


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"nbformat": 4}'])
def test_a_file_that_is_no_notebook(course, text):
    path = course / "notebooks" / "20_bare.ipynb"
    path.write_text(text)
    with pytest.raises(RunError, match=r"20_bare\.ipynb (is not a notebook|has no cell)"):
        _ = catalogue.find_notebook(path).schema


def test_without_the_course_around_the_package(monkeypatch):
    monkeypatch.setattr(catalogue, "checkout_root", lambda: None)
    with pytest.raises(RunError, match="clone the course and run 'make env'"):
        catalogue.list_notebooks()


COPIES = [
    "01_first_steps-Copy1",
    "01_first_steps_copy",
    "01_first_steps_copy2",
    "01_first_steps (1)",
    "01_first_steps(2)",
    "01_first_steps - Copy",
    "01_first_steps - Kopie (2)",
    "01_first_steps.bak",
    "01_first_steps~",
    "Copy of 01_first_steps",
    "._01_first_steps",
    ".01_first_steps-checkpoint",
]


@pytest.mark.parametrize("stem", COPIES)
def test_a_copy_is_no_chapter(course, stem):
    original = course / "notebooks" / "01_first_steps.ipynb"
    (course / "notebooks" / f"{stem}.ipynb").write_bytes(original.read_bytes())
    assert catalogue.is_copy(stem)
    assert [n.name for n in catalogue.list_notebooks()] == ["01_first_steps", "12_second"]
    assert catalogue.find_notebook("01").name == "01_first_steps"


def test_chapters_are_no_copies():
    for name in ("01_first_steps", "13_cka_pitfalls", "11_copying_machines", "12_photocopy"):
        assert not catalogue.is_copy(name)


def test_where_there_are_sources_a_chapter_has_one(course):
    (course / "notebooks" / "source").mkdir()
    (course / "notebooks" / "source" / "12_second.py").touch()
    assert [n.name for n in catalogue.list_notebooks()] == ["12_second"]


def test_a_number_of_two_chapters_is_refused(course):
    copy = course / "notebooks" / "01_another.ipynb"
    copy.write_bytes((course / "notebooks" / "01_first_steps.ipynb").read_bytes())
    with pytest.raises(RunError, match="'01' is 01_another and 01_first_steps; give the whole"):
        catalogue.find_notebook("01")


def test_names_of_before_are_answered_with_those_of_now(monkeypatch):
    for before, now in catalogue.NAMES_BEFORE.items():
        if before not in {n.name for n in catalogue.list_notebooks()}:
            with pytest.raises(RunError, match=f"{before} is called {now[0]}"):
                catalogue.find_notebook(before)
        assert now[0] in catalogue.number_before(before[:2])
    assert catalogue.number_before("00") == catalogue.number_before("09_cka") == ""
