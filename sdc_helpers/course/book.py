"""The book: pages, executed notebooks and the page of claims, built with warnings as errors."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdc_helpers.course.catalogue import Notebook, course_folder, list_notebooks
from sdc_helpers.course.claims_page import claims_page
from sdc_helpers.course.errors import CourseError, RunError
from sdc_helpers.course.outputs import load_record, write_json
from sdc_helpers.course.published import fill_links, read_address
from sdc_helpers.course.standard import GLOSSARY_LINK, glossary_terms

_BUILDER = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"


@dataclass(frozen=True)
class Chapters:
    """What there is to make the book of.

    Attributes
    ----------
    records : list of dict
        Records of the complete runs, in the order of the course.
    missing : dict of str to str
        What is wrong with each chapter without one, and the command that mends it.
    stale : list of str
        Chapters whose latest run failed, and of which an earlier one is shown.
    """

    records: list[dict[str, Any]]
    missing: dict[str, str]
    stale: list[str]


def find_chapters(runs: Path) -> Chapters:
    """Look which chapters have a complete run.

    Parameters
    ----------
    runs : pathlib.Path
        Folder where the notebooks were run.

    Returns
    -------
    Chapters
    """
    chapters = Chapters([], {}, [])
    for notebook in list_notebooks():
        try:
            chapters.records.append(load_record(runs, notebook.name))
        except RunError as error:
            chapters.missing[notebook.name] = str(error)
        else:
            if (runs / f"{notebook.name}.failed.run.json").is_file():
                chapters.stale.append(notebook.name)
    return chapters


def load_records(runs: Path) -> list[dict[str, Any]]:
    """Read the records of the whole course.

    Parameters
    ----------
    runs : pathlib.Path
        Folder where the notebooks were run.

    Returns
    -------
    list of dict
        One record a notebook, in the order of the course.

    Raises
    ------
    RunError
        When a notebook has no complete run there.
    """
    return [load_record(runs, notebook.name) for notebook in list_notebooks()]


def build_book(runs: Path, out: Path) -> Path:
    """Build the book from executed notebooks; a chapter that is missing has a page that says so.

    Parameters
    ----------
    runs : pathlib.Path
        Folder of ``NAME.ipynb`` and ``NAME.run.json``.
    out : pathlib.Path
        Where the book is built. Its sources are assembled in ``out/source``; that folder and
        ``out/_build`` are replaced, nothing else in ``out`` is touched.

    Returns
    -------
    pathlib.Path
        The book's first page.

    Raises
    ------
    RunError
        When no notebook has been run.
    CourseError
        With the builder's own words, when it warns or fails.
    """
    chapters = find_chapters(runs)
    if chapters.missing and not chapters.records:
        raise RunError(next(iter(chapters.missing.values())))
    source = out / "source"
    for earlier in (source, out / "_build"):
        shutil.rmtree(earlier, ignore_errors=True)
    shutil.copytree(course_folder() / "book", source, ignore=shutil.ignore_patterns(".*"))
    for record in chapters.records:
        notebook = json.loads((runs / f"{record['name']}.ipynb").read_text(encoding="utf-8"))
        _drop_own_outputs(notebook)
        _link_citations(notebook, source)
        write_json(source / f"{record['name']}.ipynb", notebook)
    for missing in (n for n in list_notebooks() if n.name in chapters.missing):
        _write_missing(missing, runs, source)
    (source / "claims.md").write_text(claims_page(chapters.records), encoding="utf-8")
    first = source / "index.md"
    links = fill_links(first.read_text(encoding="utf-8"), read_address())
    first.write_text(links, encoding="utf-8")
    command = [sys.executable, "-P", "-c", _BUILDER, "build", str(source)]
    command += ["--path-output", str(out), "--all", "--warningiserror", "--keep-going"]
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"},
    )
    (out / "build.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    page = out / "_build" / "html" / "index.html"
    if done.returncode != 0 or not page.is_file():
        warnings = [li for li in done.stderr.splitlines() if "WARNING" in li or "rror" in li]
        raise CourseError(
            f"the book did not build; all of it is in {out / 'build.log'}:\n" + "\n".join(warnings)
        )
    return page


def _write_missing(notebook: Notebook, runs: Path, source: Path) -> None:
    """Write a chapter's page of a book that is made without it; links to it still lead there."""
    import nbformat

    why = "It has not been run to its end."
    failed = runs / f"{notebook.name}.failed.run.json"
    if failed.is_file():
        error = str(json.loads(failed.read_text(encoding="utf-8")).get("error"))
        why = "Its latest run failed:\n\n" + "\n".join(f"    {li}" for li in error.splitlines())
    text = (
        f"# {notebook.title}\n\n**This chapter is missing in this book.** {why}\n\n"
        f"To run it: `sdc run {notebook.name}`, then `make book`."
    )
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    page.cells[0].id = "missing"  # the same in every build
    page.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    write_json(source / f"{notebook.name}.ipynb", page)


def _link_citations(notebook: dict[str, Any], source: Path) -> None:
    """Turn what any notebook viewer can show into what Sphinx links: citations and terms.

    BibTeX keys stand in back quotes, terms in links to the glossary.
    """
    bibliography = (source / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,\s]+),", bibliography, flags=re.MULTILINE)
    quoted = re.compile("`(" + "|".join(map(re.escape, keys)) + ")`")
    terms = glossary_terms((source / "glossary.md").read_text(encoding="utf-8"))

    def linked(text: str) -> str:
        text = quoted.sub(r"{cite:t}`\1`", text)
        return GLOSSARY_LINK.sub(
            lambda link: f"{{term}}`{link[1]} <{terms.get(link[2], link[2])}>`", text
        )

    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = linked("".join(cell["source"]))
        for data in (output.get("data", {}) for output in cell.get("outputs", [])):
            if "text/markdown" in data:  # a sentence whose numbers come from code
                data["text/markdown"] = linked("".join(data["text/markdown"]))


def _drop_own_outputs(notebook: dict[str, Any]) -> None:
    """Remove the machine-readable part of outputs, which a page cannot show."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for mime in [m for m in data if m.startswith("application/vnd.sdc.")]:
                del data[mime]
