"""The course's notebooks: where they are, what they are called, what parameters they take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sdc_helpers._paths import checkout_root
from sdc_helpers.course.errors import RunError, nearest
from sdc_helpers.course.parameters import Schema, parse_schema

TIMINGS = "timings.json"


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course, read from its ``.ipynb``.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    """

    path: Path

    @property
    def name(self) -> str:
        """``09_cka_pitfalls``."""
        return self.path.stem

    @cached_property
    def content(self) -> Any:
        """The nbformat notebook."""
        import nbformat

        try:
            return nbformat.read(self.path, as_version=4)
        except Exception as error:
            raise RunError(f"{self.path} is not a notebook that can be read: {error}") from None

    @cached_property
    def title(self) -> str:
        """The first heading."""
        for cell in self.content.cells:
            if cell.cell_type == "markdown" and cell.source.startswith("# "):
                return cell.source.splitlines()[0].removeprefix("# ").strip()
        return self.name

    @cached_property
    def schema(self) -> Schema:
        """The typed parameters of its ``parameters`` cell."""
        for cell in self.content.cells:
            if "parameters" in cell.metadata.get("tags", []):
                return parse_schema(cell.source)
        raise RunError(f"{self.path} has no cell tagged 'parameters'")

    @cached_property
    def timings(self) -> dict[str, dict[str, Any]]:
        """Measured runs by profile, ``{"workshop": {"seconds": ...}}``; empty if unmeasured."""
        file = self.path.parent / TIMINGS
        return json.loads(file.read_text()).get(self.name, {}) if file.is_file() else {}


def course_folder() -> Path:
    """Return the course folder (the one that holds ``notebooks/``).

    Raises
    ------
    RunError
        When the package was installed without it.
    """
    root = checkout_root()
    if root is None:
        raise RunError(
            "the course's notebooks are not beside the installed package; clone the course and run "
            "'make env' there, or give the path of an .ipynb file"
        )
    return root


def list_notebooks() -> list[Notebook]:
    """Return the course's notebooks in order."""
    folder = course_folder() / "notebooks"
    return [Notebook(p) for p in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]


def find_notebook(name: str | Path) -> Notebook:
    """Find a notebook by name, by its number alone, or by path.

    Parameters
    ----------
    name : str or pathlib.Path
        ``09_cka_pitfalls``, ``09``, or the path of any ``.ipynb``.

    Returns
    -------
    Notebook

    Raises
    ------
    RunError
        With the nearest known names.
    """
    name = str(name)
    if name.endswith(".ipynb"):
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise RunError(f"there is no notebook at {path}")
        return Notebook(path)
    known = {n.name: n for n in list_notebooks()}
    for full, notebook in known.items():
        if name in (full, full.split("_")[0]):
            return notebook
    raise RunError(f"there is no notebook {name!r}: {nearest(name, known)}")
