from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdc_helpers.course import CourseError, authoring
from sdc_helpers.course.catalogue import course_folder
from sdc_helpers.course.published import BEGIN, END, Address, fill_links, read_address, setup_cell

ADDRESS = Address("someone/the-course", "main")
SOURCE = course_folder() / "notebooks" / "source" / "00_start_here.py"


def project(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return file


def cells(text: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


def with_address(monkeypatch, address):
    monkeypatch.setattr(authoring, "read_address", lambda: address)


def test_the_courses_own_address_stands_in_one_place_and_can_be_read():
    address = read_address()
    assert address is None or "/" in address.repository


@pytest.mark.parametrize("text", ["", "[tool.sdc]\n", '[tool.sdc]\nrepository = ""\n'])
def test_no_address_is_none(tmp_path, text):
    assert read_address(project(tmp_path, text)) is None


def test_an_address_is_read_with_its_branch(tmp_path):
    text = '[tool.sdc]\nrepository = "someone/the-course"\nbranch = "2026"\n'
    assert read_address(project(tmp_path, text)) == Address("someone/the-course", "2026")


@pytest.mark.parametrize("wrong", ["https://github.com/a/b", "a", "a/b/c", "a b/c"])
def test_another_form_of_address_is_refused_in_a_sentence(tmp_path, wrong):
    with pytest.raises(CourseError, match=r"pyproject\.toml.*'owner/name'"):
        read_address(project(tmp_path, f'[tool.sdc]\nrepository = "{wrong}"\n'))


def test_without_an_address_a_notebook_links_to_nowhere_and_installs_nothing(monkeypatch):
    with_address(monkeypatch, None)
    text = authoring.render(SOURCE)
    assert "colab.research" not in text
    assert "mybinder" not in text
    assert "git+https" not in text


def test_with_an_address_every_notebook_has_links_and_installs_on_colab(monkeypatch):
    with_address(monkeypatch, ADDRESS)
    for source in sorted(SOURCE.parent.glob("[0-9]*.py")):
        title, setup, *_ = cells(authoring.render(source))
        assert f"github/someone/the-course/blob/main/notebooks/{source.stem}.ipynb)" in title
        assert f"labpath=notebooks%2F{source.stem}.ipynb)" in title
        assert "git+https://github.com/someone/the-course@main" in setup


@pytest.mark.parametrize(
    ("modules", "installed", "expected"),
    [
        ({"google.colab"}, False, "pip install"),
        (set(), False, "ModuleNotFoundError"),
        ({"google.colab"}, True, ""),
        (set(), True, ""),
    ],
)
def test_the_first_cell_installs_on_colab_alone_and_only_where_it_must(
    monkeypatch, modules, installed, expected
):
    asked = []
    shell = SimpleNamespace(run_line_magic=lambda *words: asked.append(" ".join(words)))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object() if installed else None)
    monkeypatch.setattr("sys.modules", dict.fromkeys(modules) | __import__("sys").modules)
    scope = {"get_ipython": lambda: shell}
    if expected == "ModuleNotFoundError":
        with pytest.raises(ModuleNotFoundError, match=r"course\.py env"):
            exec(setup_cell(ADDRESS), scope)
    else:
        exec(setup_cell(ADDRESS), scope)
    assert [a.startswith(expected) for a in asked] == ([True] if expected == "pip install" else [])


def test_links_of_a_page_come_and_go_with_the_address_and_the_rest_stays():
    page = f"# Title\n\n{BEGIN}\n{END}\n\nText.\n"
    filled = fill_links(page, ADDRESS)
    assert filled.count("someone/the-course") == 2
    assert fill_links(filled, ADDRESS) == filled
    assert fill_links(filled, None) == page
    assert fill_links("no marks", ADDRESS) == "no marks"


@pytest.mark.parametrize("name", ["README.md", "book/index.md"])
def test_the_pages_have_the_marks(name):
    text = (course_folder() / name).read_text(encoding="utf-8")
    assert fill_links(text, ADDRESS) != text


def test_building_writes_the_readme_too_and_a_difference_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    (folder / "source").mkdir(parents=True)
    shutil.copy(SOURCE, folder / "source")
    shutil.copy(course_folder() / "README.md", tmp_path)
    with_address(monkeypatch, ADDRESS)
    assert any("README.md" in problem for problem in authoring.check(folder))
    changed = authoring.build(folder)
    assert {file.name for file in changed} == {"00_start_here.ipynb", "README.md"}
    assert "mybinder" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert authoring.check(folder) == []
    with_address(monkeypatch, None)
    authoring.build(folder)
    original = (course_folder() / "README.md").read_text(encoding="utf-8")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == original
