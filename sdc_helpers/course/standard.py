"""The limits of a notebook: what a learner can read in half an hour, and where the plumbing is.

A cell tagged ``fold`` draws or sets up. JupyterLab, Colab and the book show its title in place of
its code. All other code is read, and is counted as read.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sdc_helpers.course.catalogue import Notebook

FOLD = "fold"
WORDS_A_MINUTE, LINES_A_MINUTE = 150, 10
GLOSSARY_LINK = re.compile(r"\[([^\[\]]+)\]\(glossary\.md#([\w-]+)\)")
DRAWS = {"figure", "show", "show_slider", "plot_cortex", "show_turning_cortex"}
COMPUTES = {"fit", "fit_predict", "fit_transform", "predict", "transform", "default_rng", "record"}
LIMITS = {
    "lines of the longest shown cell": 25,
    "lines of the median shown cell": 12,
    "lines of the longest folded cell": 40,
    "characters of the widest shown line": 80,
    "lines of the source": 600,
    "names from the package": 15,
    "minutes to read": 30,
    "percent of the notebook before the first exercise": 40,
}


def is_folded(cell: Any) -> bool:
    """Return whether a cell of a notebook is shown folded."""
    return FOLD in cell.metadata.get("tags", [])


def reading_minutes(cells: Sequence[Any]) -> float:
    """Return the minutes that reading takes: words of the text, lines of the code that is shown.

    Parameters
    ----------
    cells : sequence of cells
        As nbformat gives them.
    """
    words = sum(len(c.source.split()) for c in cells if c.cell_type == "markdown")
    lines = sum(_n_written(c.source) for c in cells if _is_shown_code(c))
    return words / WORDS_A_MINUTE + lines / LINES_A_MINUTE


@dataclass(frozen=True)
class Standard:
    """A notebook held against the limits.

    Attributes
    ----------
    notebook : Notebook
        The notebook.
    """

    notebook: Notebook

    @cached_property
    def code(self) -> list[Any]:
        """Code cells, without the one that the build puts in."""
        cells = self.notebook.content.cells
        return [
            c for c in cells if c.cell_type == "code" and "setup" not in c.metadata.get("tags", [])
        ]

    @property
    def measured(self) -> dict[str, float]:
        """Each quantity of `LIMITS`, as this notebook has it."""
        shown = [c.source.splitlines() for c in self.code if not is_folded(c)]
        folded = [len(c.source.splitlines()) - 1 for c in self.code if is_folded(c)]  # the title
        source = self.notebook.path.parent / "source" / f"{self.notebook.name}.py"
        values = (
            max(map(len, shown)),
            statistics.median(map(len, shown)),
            max(folded, default=0),
            max(len(line) for lines in shown for line in lines),
            len(source.read_text(encoding="utf-8").splitlines()),
            len(self.names_from_the_package),
            reading_minutes(self.notebook.content.cells),
            self._percent_before_the_first_exercise,
        )
        return dict(zip(LIMITS, values, strict=True))

    @property
    def problems(self) -> list[str]:
        """One sentence for each limit that is passed, and for each cell that does two things."""
        name = self.notebook.name
        over = [
            f"{name}: {value:.0f} {what}, at most {LIMITS[what]}"
            for what, value in self.measured.items()
            if value > LIMITS[what]
        ]
        return over + [f"{name}: {problem}" for problem in self._drawing_problems()]

    @property
    def names_from_the_package(self) -> set[str]:
        """Names that the notebook imports from ``sdc_helpers``."""
        return {
            alias.asname or alias.name
            for cell in self.code
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sdc_helpers")
            for alias in node.names
        }

    @property
    def _percent_before_the_first_exercise(self) -> float:
        cells = self.notebook.content.cells
        lines = [len(c.source.splitlines()) for c in cells]
        first = [i for i, c in enumerate(cells) if "exercise" in c.metadata.get("tags", [])]
        return 100 * sum(lines[: first[0]]) / sum(lines) if first else 100.0

    def _drawing_problems(self) -> Iterator[str]:
        """Name cells that compute and draw, and what is read back from a figure."""
        drawn: set[str] = set()
        for cell in self.code:
            tree = ast.parse(cell.source)
            start = repr(cell.source.splitlines()[0][:60])
            called = {_called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
            stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
            stored |= {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
            read = {n.id for n in names if isinstance(n.ctx, ast.Load)} - stored
            if back := sorted(read & drawn):
                yield f"the cell {start} reads {back}, which a cell that draws has made"
            if not called & DRAWS:
                drawn -= stored
                continue
            drawn |= stored
            if not is_folded(cell):
                yield f"the cell {start} draws, and is not folded"
            if both := sorted(called & COMPUTES):
                yield f"the cell {start} draws and calls {both} too"


def glossary_terms(glossary: str) -> dict[str, str]:
    """Return the terms of the glossary by the end of the links that lead to them.

    Parameters
    ----------
    glossary : str
        Text of ``book/glossary.md``.

    Returns
    -------
    dict of str to str
        ``{"noise-ceiling": "noise ceiling"}``.
    """
    terms = re.findall(r"^(\w.*)\n  \S", glossary, re.MULTILINE)
    return {re.sub(r"\W+", "-", term.lower()): term for term in terms}


def glossary_links(text: str) -> list[str]:
    """Return the ends of links to the glossary: ``noise-ceiling`` of ``glossary.md#noise-ceiling``.

    Parameters
    ----------
    text : str
        Markdown.
    """
    return [end for _, end in GLOSSARY_LINK.findall(text)]


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_shown_code(cell: Any) -> bool:
    hidden = {FOLD, "setup"} & set(cell.metadata.get("tags", []))
    return cell.cell_type == "code" and not hidden


def _n_written(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())
