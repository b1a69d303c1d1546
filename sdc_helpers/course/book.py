"""The book: pages, executed notebooks and the page of claims, built with warnings as errors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sdc_helpers.course.catalogue import course_folder, list_notebooks
from sdc_helpers.course.claims import claims_page
from sdc_helpers.course.errors import CourseError
from sdc_helpers.course.published import fill_links, read_address
from sdc_helpers.course.runner import load_record


def load_records(runs: Path) -> list[dict[str, Any]]:
    """Read the records of the whole course.

    Parameters
    ----------
    runs : pathlib.Path
        Where the notebooks were run.

    Returns
    -------
    list of dict
        One a notebook, in the order of the course.

    Raises
    ------
    RunError
        When a notebook has no complete run there.
    """
    return [load_record(runs, notebook.name) for notebook in list_notebooks()]


def build_book(runs: Path, out: Path) -> Path:
    """Build the book from executed notebooks.

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
        When a notebook has not been run.
    CourseError
        With the builder's own words, when it warns or fails.
    """
    records = load_records(runs)
    source = out / "source"
    for earlier in (source, out / "_build"):
        shutil.rmtree(earlier, ignore_errors=True)
    shutil.copytree(course_folder() / "book", source)
    for record in records:
        notebook = json.loads((runs / f"{record['name']}.ipynb").read_text())
        _drop_own_outputs(notebook)
        _link_citations(notebook, source / "references.bib")
        (source / f"{record['name']}.ipynb").write_text(json.dumps(notebook))
    (source / "claims.md").write_text(claims_page(records))
    first = source / "index.md"
    first.write_text(
        fill_links(first.read_text(encoding="utf-8"), read_address()), encoding="utf-8"
    )
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source)]
    command += ["--path-output", str(out), "--all", "--warningiserror", "--keep-going"]
    done = subprocess.run(command, capture_output=True, text=True)
    (out / "build.log").write_text(done.stdout + done.stderr)
    page = out / "_build" / "html" / "index.html"
    if done.returncode != 0 or not page.is_file():
        warnings = [li for li in done.stderr.splitlines() if "WARNING" in li or "rror" in li]
        raise CourseError(
            f"the book did not build; all of it is in {out / 'build.log'}:\n" + "\n".join(warnings)
        )
    return page


def _link_citations(notebook: dict[str, Any], bibliography: Path) -> None:
    """Turn BibTeX keys in back quotes, which any notebook viewer can show, into citations."""
    keys = re.findall(r"^@\w+\{([^,]+),", bibliography.read_text(), flags=re.MULTILINE)
    quoted = re.compile("`(" + "|".join(map(re.escape, keys)) + ")`")
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = quoted.sub(r"{cite:t}`\1`", "".join(cell["source"]))
        for data in (output.get("data", {}) for output in cell.get("outputs", [])):
            if "text/markdown" in data:  # a sentence whose numbers come from code
                text = "".join(data["text/markdown"])
                data["text/markdown"] = quoted.sub(r"{cite:t}`\1`", text)


def _drop_own_outputs(notebook: dict[str, Any]) -> None:
    """Remove the machine-readable part of outputs, which a page cannot show."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for mime in [m for m in data if m.startswith("application/vnd.sdc.")]:
                del data[mime]
