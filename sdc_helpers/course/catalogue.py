"""The course's notebooks: where they are, what they are called, what parameters they take."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sdc_helpers._paths import checkout_root
from sdc_helpers.course.errors import RefusedRunError, RunError, nearest
from sdc_helpers.course.parameters import Schema, parse_schema

TIMINGS = "timings.json"
CHAPTER_NAME = re.compile(r"\d\d_[a-z0-9_]+")
# What JupyterLab, editors and file managers call a copy: -Copy1, _copy, (1), - Kopie, .bak
NAMES_BEFORE = {
    "02_clip_embeddings": ("02_two_towers", "03_what_clip_keeps"),
    "03_contrastive_gap": ("04_contrastive_gap", "05_closing_the_gap"),
    "04_curriculum": ("06_curriculum", "07_does_order_matter"),
    "05_decoding_pictures": ("08_decoding_pictures", "09_weights_or_patterns"),
    "06_shared_concepts": ("10_shared_concepts",),
    "07_reading_concepts": ("11_reading_concepts",),
    "09_cka_pitfalls": ("13_cka_pitfalls", "14_brains_and_layers"),
}
"""Names that chapters had in version 0.1, and what they are called now."""
_COPY = re.compile(
    r".*([ _.-]\(?(copy|kopie|copie|copia)\)?[ _-]*\(?\d*\)?|\(\d+\)|[~.](bak|orig)?)"
    r"|(copy|kopie|copie|copia) (of|von|de) .*",
    re.IGNORECASE,
)


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
        """``13_cka_pitfalls``."""
        return self.path.stem

    @cached_property
    def content(self) -> Any:
        """The nbformat notebook."""
        try:
            return _nbformat().read(self.path, as_version=4)
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
        if not file.is_file():
            return {}
        return json.loads(file.read_text(encoding="utf-8")).get(self.name, {})


def _nbformat() -> Any:
    """Import nbformat without the grammar of web addresses, which takes seconds to build.

    jsonschema, by which notebooks are validated, uses it where it is there; no rule for notebooks
    asks for it, and every command would wait for it.
    """
    grammar = "rfc3987_syntax"
    hidden = "jsonschema" not in sys.modules and grammar not in sys.modules
    if hidden:
        sys.modules[grammar] = None  # type: ignore[assignment]
    try:
        import nbformat
    finally:
        if hidden:
            del sys.modules[grammar]
    return nbformat


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
    """Return the course's notebooks in order: chapters, not the copies beside them."""
    folder = course_folder() / "notebooks"
    return [Notebook(p) for p in sorted(folder.glob("*.ipynb")) if is_chapter(p)]


def is_copy(stem: str) -> bool:
    """Return whether a file of this name, without its ending, is a copy or hidden.

    Parameters
    ----------
    stem : str
        ``13_cka_pitfalls-Copy1``, ``09_cka_pitfalls (1)``, ``._13_cka_pitfalls``.
    """
    return stem.startswith(".") or _COPY.fullmatch(stem) is not None


def is_chapter(path: Path) -> bool:
    """Return whether a file among the course's notebooks is a chapter.

    Parameters
    ----------
    path : pathlib.Path
        An ``.ipynb`` file.

    Returns
    -------
    bool
        Whether it is named as a chapter is and not as a copy of one, and has its source beside it
        where there are sources at all.
    """
    if is_copy(path.stem) or not CHAPTER_NAME.fullmatch(path.stem) or not path.is_file():
        return False
    sources = path.parent / "source"
    return not sources.is_dir() or (sources / f"{path.stem}.py").is_file()


def find_notebook(name: str | Path) -> Notebook:
    """Find a notebook by name, by its number alone, or by path.

    Parameters
    ----------
    name : str or pathlib.Path
        ``13_cka_pitfalls``, ``09``, or the path of any ``.ipynb``.

    Returns
    -------
    Notebook

    Raises
    ------
    RefusedRunError
        When no notebook has that name; the message names the nearest ones.
    """
    name = str(name)
    if name.endswith(".ipynb"):
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise RefusedRunError(f"there is no notebook at {path}")
        return Notebook(path)
    known = {n.name: n for n in list_notebooks()}
    matching = [n for full, n in known.items() if name in (full, full.split("_")[0])]
    if len(matching) > 1:
        names = " and ".join(n.name for n in matching)
        raise RefusedRunError(f"{name!r} is {names}; give the whole name")
    if name in NAMES_BEFORE and not matching:
        raise RefusedRunError(f"{name} is called {' and '.join(NAMES_BEFORE[name])} now")
    if not matching:
        raise RefusedRunError(f"there is no notebook {name!r}: {nearest(name, known)}")
    return matching[0]


def number_before(name: str) -> str:
    """Say which chapter had a number in version 0.1, where it has another one now.

    Parameters
    ----------
    name : str
        What was typed; anything but a bare number is answered with nothing.
    """
    now = [
        f"{number} was {before} in version 0.1, which is {' and '.join(after)} now"
        for before, after in NAMES_BEFORE.items()
        if (number := before[:2]) == name
    ]
    return "".join(now)
