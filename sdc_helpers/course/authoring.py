"""From ``notebooks/source/NN_topic.py`` to ``notebooks/NN_topic.ipynb``, one way."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdc_helpers._files import atomic_path, write_json
from sdc_helpers.course.catalogue import (
    CHAPTER_NAME,
    TIMINGS,
    Notebook,
    course_folder,
    is_chapter,
    is_copy,
)
from sdc_helpers.course.chapter_map import chapter_map, fill_map
from sdc_helpers.course.errors import CourseError, ParameterError
from sdc_helpers.course.parameters import parse_schema
from sdc_helpers.course.published import fill_links, read_address, setup_cell
from sdc_helpers.course.standard import is_folded, reading_minutes

MINUTES = "{{ minutes }}"
_KEPT = ("tags", "mystnb", "jupyter", "cellView")
_PICTURE = re.compile(r'src="data:image/png;base64,([^"]+)"')
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def build(folder: Path | None = None) -> list[Path]:
    """Generate every notebook from its source, and the pages that list them.

    Parameters
    ----------
    folder : pathlib.Path, optional
        The ``notebooks`` folder; the course's by default.

    Returns
    -------
    list of pathlib.Path
        The files whose content changed.
    """
    folder = folder or course_folder() / "notebooks"
    changed = []
    for source in _sources(folder):
        target = folder / f"{source.stem}.ipynb"
        content = render(source)
        if not target.is_file() or target.read_bytes() != content.encode():
            with atomic_path(target) as temporary:
                temporary.write_bytes(content.encode())
            changed.append(target)
    for page, text in _front_pages(folder).items():
        if text != page.read_text(encoding="utf-8"):
            page.write_text(text, encoding="utf-8")
            changed.append(page)
    return changed


def check(folder: Path | None = None) -> list[str]:
    """Compare every notebook with what its source would generate.

    Parameters
    ----------
    folder : pathlib.Path, optional
        The ``notebooks`` folder; the course's by default.

    Returns
    -------
    list of str
        One sentence for each notebook that is missing, different or without a source, and for
        each front page that differs.
    """
    folder = folder or course_folder() / "notebooks"
    problems = []
    sources = _sources(folder)
    for source in sources:
        target = folder / f"{source.stem}.ipynb"
        if not target.is_file():
            problems.append(f"{target.name} has not been built from source/{source.name}")
        elif target.read_bytes() != render(source).encode():
            problems.append(f"{target.name} differs from what source/{source.name} generates")
    notebooks = {p.stem for p in folder.glob("*.ipynb") if not is_copy(p.stem)}
    orphans = notebooks - {s.stem for s in sources}
    problems += [f"{name}.ipynb has no source/{name}.py" for name in sorted(orphans)]
    problems += [
        f"{page.name} differs from what book/chapters.toml, the notebooks and [tool.sdc] in "
        "pyproject.toml say"
        for page, text in _front_pages(folder).items()
        if text != page.read_text(encoding="utf-8")
    ]
    return problems


def render(source: Path) -> str:
    """Generate a notebook's text from its py:percent source.

    Parameters
    ----------
    source : pathlib.Path
        ``notebooks/source/NN_topic.py``.

    Returns
    -------
    str
        An nbformat 4.5 notebook without outputs, whose cell ids depend on content alone.

    Raises
    ------
    CourseError
        When the source has no title, no parameters cell directly followed by code, or a parameters
        cell that is not typed literals.
    """
    import jupytext
    import nbformat

    notebook = jupytext.read(source, fmt="py:percent")
    _require_anatomy(source, notebook.cells)
    title = notebook.cells[0]
    title.source = title.source.replace(MINUTES, _minutes(source, notebook.cells))
    address = read_address()
    if address is not None:
        title.source += f"\n\n{address.links(source.stem)}"
    tags = {"tags": ["setup", "remove-cell"]}
    setup = nbformat.v4.new_code_cell(setup_cell(address), metadata=tags)
    notebook.cells.insert(1, setup)
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        text = f"{cell.cell_type}\n{cell.source}"
        seen[text] = seen.get(text, 0) + 1
        cell.id = hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:12]
        if is_folded(cell):
            _fold(source, cell)
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in _KEPT}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = nbformat.from_dict(_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def update_timings(runs: Path, folder: Path | None = None) -> Path:
    """Store the measured seconds and memory of complete runs, for the notebooks' title cells.

    Parameters
    ----------
    runs : pathlib.Path
        A folder of ``NAME.run.json`` files.
    folder : pathlib.Path, optional
        The ``notebooks`` folder; the course's by default.

    Returns
    -------
    pathlib.Path
        The file of timings.

    Raises
    ------
    CourseError
        When there is no complete run to learn from.
    """
    folder = folder or course_folder() / "notebooks"
    target = folder / TIMINGS
    timings = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    files = [p for p in sorted(runs.glob("*.run.json")) if not is_copy(p.name.split(".run.")[0])]
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    complete = [record for record in records if record["status"] == "complete"]
    if not complete:
        raise CourseError(f"there is no complete run in {runs}; run 'sdc run all --out {runs}'")
    for record in complete:
        timings.setdefault(record["name"], {})[record["profile"]] = {
            "seconds": round(record["seconds"]),
            "peak_memory_mb": round(record["peak_memory_mb"]),
            "cores": record["hardware"]["cores"],
            "date": record["started"][:10],
        }
    chapters = {source.stem for source in _sources(folder)}
    write_json(target, {name: timings[name] for name in sorted(timings) if name in chapters})
    return target


def save_figure(notebook: Path, caption: str, target: Path) -> Path:
    """Save a figure of an executed notebook as a file, for a page outside the book.

    Parameters
    ----------
    notebook : pathlib.Path
        An executed notebook.
    caption : str
        Words that the figure's caption holds; the first figure with them is taken.
    target : pathlib.Path
        The PNG to write.

    Returns
    -------
    pathlib.Path
        ``target``.

    Raises
    ------
    CourseError
        When no figure has such a caption.
    """
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            picture = _PICTURE.search("".join(data.get("text/html", "")))
            if picture and caption in "".join(data.get("text/plain", "")):
                with atomic_path(target) as temporary:
                    temporary.write_bytes(base64.b64decode(picture.group(1)))
                return target
    raise CourseError(f"{notebook} holds no figure whose caption says {caption!r}")


def _front_pages(folder: Path) -> dict[Path, str]:
    """Return the pages that list the chapters, where they are there, and what they should say."""
    root = folder.parent
    chapters = root / "book" / "chapters.toml"
    notebooks = [Notebook(p) for p in sorted(folder.glob("*.ipynb")) if is_chapter(p)]
    pages = {}
    for page, place in ((root / "README.md", "notebooks/"), (root / "book" / "index.md", "")):
        if not page.is_file():
            continue
        text = page.read_text(encoding="utf-8")
        if place:
            text = fill_links(text, read_address())
        if chapters.is_file():
            text = fill_map(text, chapter_map(chapters, notebooks, place))
        pages[page] = text
    return pages


def _sources(folder: Path) -> list[Path]:
    """Return the chapters' sources; copies beside them, made by an editor or a system, are none."""
    sources = sorted(p for p in (folder / "source").glob("*.py") if not is_copy(p.stem))
    for source in sources:
        if not CHAPTER_NAME.fullmatch(source.stem):
            raise CourseError(f"{source.name}: a notebook source is named NN_topic.py, lower case")
    return sources


def _require_anatomy(source: Path, cells: Sequence[Any]) -> None:
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        raise CourseError(f"{source.name}: the first cell must be Markdown with the title")
    if MINUTES not in cells[0].source.splitlines():
        raise CourseError(f"{source.name}: the title cell must hold {MINUTES} on a line of its own")
    tagged = [i for i, c in enumerate(cells) if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise CourseError(f"{source.name}: exactly one cell must be tagged 'parameters'")
    following = cells[tagged[0] + 1 : tagged[0] + 2]
    if not any(c.cell_type == "code" and re.search(r"\bstart\(", c.source) for c in following):
        raise CourseError(f"{source.name}: the cell after the parameters must call start(...)")
    try:
        parse_schema(cells[tagged[0]].source)
    except ParameterError as error:
        raise CourseError(f"{source.name}: {error}") from None


def _fold(source: Path, cell: Any) -> None:
    """Let JupyterLab, Colab and the book show a cell's title in place of its code."""
    title = cell.metadata.get("title", "")
    if not title or cell.cell_type != "code":
        raise CourseError(
            f"{source.name}: a cell tagged 'fold' holds code and has a title, as in "
            f"'# %% Draw the curve tags=[\"fold\"]'; this one begins {cell.source[:40]!r}"
        )
    cell.source = f"# @title {title}\n{cell.source}"
    cell.metadata.tags = [*cell.metadata.tags, "hide-input"]
    cell.metadata.jupyter = {"source_hidden": True}
    cell.metadata.cellView = "form"
    cell.metadata.mystnb = {"code_prompt_show": title, "code_prompt_hide": f"Fold: {title}"}


def _minutes(source: Path, cells: Sequence[Any]) -> str:
    reading = max(5, 5 * math.ceil(reading_minutes(cells) / 5))
    file = source.parent.parent / TIMINGS
    timings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    measured = timings.get(source.stem, {})
    runs = [
        f"{max(measured[p]['seconds'] / 60, 0.1):.1f} min in profile `{p}` "
        f"({measured[p]['cores']} cores, {measured[p]['peak_memory_mb'] / 1000:.1f} GB)"
        for p in ("smoke", "workshop", "full")
        if p in measured
    ]
    running = "; ".join(runs) if runs else "not yet measured"
    return f"*To read: about {reading} minutes. To run: {running}.*"
