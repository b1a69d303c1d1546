"""Shared fixtures: small notebooks, simulated participants, and one run of the whole course."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from chromium import Browser, find_chromium

from sdc_helpers._files import one_at_a_time
from sdc_helpers.course import warm_kernels
from sdc_helpers.course.book import build_book
from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.runner import run

PARAMETERS = """\
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 7  # where the random numbers start [0, 1000]
device: str = "auto"  # where to compute {auto, cpu, cuda}
size: int = 3  # how many numbers [1, 100]
n_draws: int | None = None  # None: the profile decides [1, 1000]
mode: str = "well"  # what happens
folder: str = ""  # where to leave a mark for the test
"""
START = """\
from pathlib import Path
from sdc_helpers.course import claims, start
p = start("small", by_profile={"n_draws": {"smoke": 5, "workshop": 50, "full": 500}})
"""


@pytest.fixture(scope="session")
def write_notebook() -> Callable[..., Path]:
    """Return a function that writes a small notebook of the course's anatomy."""

    def write(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
        v4 = nbformat.v4
        notebook = v4.new_notebook(
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "language_info": {"name": "python"},
            },
            cells=[
                v4.new_markdown_cell("# A small notebook"),
                v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
                *(v4.new_code_cell(source) for source in (START, *cells)),
            ],
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture(scope="session")
def simulated_tree(tmp_path_factory) -> Path:
    """A dataset of profile smoke, seed 0, written once for all processes that test: only read it.

    Its folder has the name that ``simulated_nsd`` gives it.
    """
    from sdc_helpers.simulate import generator_version, write_nsd

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    root = folder / "simulated" / f"nsd-smoke-0-{generator_version('smoke')}"
    root.parent.mkdir(exist_ok=True)
    with one_at_a_time(folder / "simulated.lock"):
        if not root.exists():
            write_nsd(root, profile="smoke", n_jobs=1)
    return root


@pytest.fixture(scope="session")
def smoke_runs(course_environment, already_run, simulated_tree, tmp_path_factory) -> Path:
    """Run every notebook of the course once, in profile smoke; return the folder of the runs."""
    folder = tmp_path_factory.mktemp("smoke_runs")
    simulated = Path(course_environment["SDC_DATA"], "simulated")
    if not simulated.exists():
        simulated.symlink_to(simulated_tree.parent)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in course_environment.items():
            patch.setenv(name, value)
        with warm_kernels.several():
            for notebook in list_notebooks():
                run(notebook.path, profile="smoke", out=folder)
                already_run.add(notebook.path.resolve())
    return folder


@pytest.fixture(scope="session")
def site(smoke_runs, tmp_path_factory) -> Path:
    """The folder of the book's pages, built from one smoke run of the whole course."""
    out = tmp_path_factory.mktemp("book")
    (out / "mine.txt").write_text("a file that is none of the book's")
    page = build_book(smoke_runs, out)
    assert page == out / "_build" / "html" / "index.html"
    assert (out / "mine.txt").exists()
    return page.parent


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """A browser with one page; skip where there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: neither chromium, chromium-browser nor google-chrome")
    browser = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
