"""The map of the chapters on the front pages: what each asks, needs and takes, from one file."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

from sdc_helpers.course.catalogue import Notebook
from sdc_helpers.course.errors import CourseError
from sdc_helpers.course.standard import reading_minutes

BEGIN, END = "<!-- map of the chapters -->", "<!-- end of the map of the chapters -->"
FIELDS = {"question", "needs", "paper"}
_BETWEEN = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)


def chapter_map(file: Path, notebooks: list[Notebook], folder: str = "") -> str:
    """Return the map as a Markdown table.

    Parameters
    ----------
    file : pathlib.Path
        ``book/chapters.toml``: a table for each chapter, with its ``question``, the numbers of the
        chapters that it ``needs``, and its ``paper``.
    notebooks : list of Notebook
        The chapters, in order.
    folder : str
        What stands before the name of a notebook in a link, such as ``notebooks/``.

    Returns
    -------
    str

    Raises
    ------
    CourseError
        When the file and the notebooks do not name the same chapters, a field is missing or
        unknown, or a chapter needs one that does not come before it.
    """
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    names = [notebook.name for notebook in notebooks]
    if list(told) != names:
        raise CourseError(f"{file.name} has the chapters {list(told)}; the notebooks are {names}")
    lines = [
        "| chapter | the question | needs | minutes to read, to run | after |",
        "|---|---|---|---|---|",
    ]
    for position, notebook in enumerate(notebooks):
        fields = told[notebook.name]
        before = [name[:2] for name in names[:position]]
        if set(fields) != FIELDS or not set(fields["needs"]) <= set(before):
            raise CourseError(
                f"{file.name}: {notebook.name} has {sorted(fields)} and needs "
                f"{fields.get('needs')}; expected {sorted(FIELDS)}, and numbers of chapters before"
            )
        title = notebook.title.partition(":")[0]
        lines.append(
            f"| [{notebook.name[:2]} {title}]({folder}{notebook.name}.ipynb) "
            f"| {fields['question']} | {', '.join(fields['needs']) or 'nothing'} "
            f"| {_minutes(notebook)} | {fields['paper']} |"
        )
    return "\n".join(lines) + "\n"


def fill_map(text: str, table: str) -> str:
    """Return a page with the map in its place, between two comments.

    Parameters
    ----------
    text : str
        The page.
    table : str
        Its map, as `chapter_map` returns it.

    Raises
    ------
    CourseError
        When the page has no place for it.
    """
    if not _BETWEEN.search(text):
        raise CourseError(f"a front page has no place for the map: {BEGIN} and {END} on their own")
    return _BETWEEN.sub(lambda _: table, text)


def _minutes(notebook: Notebook) -> str:
    reading = max(5, 5 * math.ceil(reading_minutes(notebook.content.cells) / 5))
    seconds = notebook.timings.get("workshop", {}).get("seconds")
    running = "unmeasured" if seconds is None else f"{max(seconds / 60, 0.1):.1f}"
    return f"{reading}, {running}"
