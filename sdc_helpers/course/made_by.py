"""What made a run: a digest that tells whether it would be made the same way again.

The rule: a run is kept where notebook, package, parameters and profile, and the versions of Python
and of the packages that decide a result are those of now. Data are not looked at: whoever changes
them asks for a new run with ``--again``.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sdc_helpers._paths import checkout_root
from sdc_helpers.course import provenance
from sdc_helpers.course.catalogue import Notebook, is_chapter


def digest(notebook: Notebook, values: Mapping[str, Any]) -> str:
    """Return what a run of a notebook depends on, as one number.

    Parameters
    ----------
    notebook : Notebook
        Notebook to identify: its cells count, its outputs do not.
    values : mapping
        What is injected, the profile among it; the rest are the defaults of its cell.

    Returns
    -------
    str
        A sha256.
    """
    cells = [[c.cell_type, c.source, c.metadata.get("tags", [])] for c in notebook.content.cells]
    parameters = notebook.schema.validate(values).model_dump()
    return _sha256([cells, parameters, _versions(), package_digest()])


@cache
def _versions() -> list[Any]:
    """Return the versions that count; read once, since a sweep asks for each of its points."""
    return [platform.python_version(), provenance.package_versions()]


@cache
def package_digest() -> str:
    """Return a sha256 of every file of the package, by name and content."""
    root = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        inside = file.relative_to(root)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
        if hidden or file.suffix == ".pyc" or not file.is_file():
            continue
        total.update(f"{inside.as_posix()}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def source_identity(notebook: Notebook, folder: Path) -> str:
    """Return which notebook it is, so that another of the same name is told apart.

    Parameters
    ----------
    notebook : Notebook
        Notebook that is to be run.
    folder : pathlib.Path
        Folder where its run is written.

    Returns
    -------
    str
        A chapter's name; of any other notebook a digest of the way to it from ``folder``, which
        stays when both are moved together and names no folder of the machine.
    """
    root = checkout_root()
    if root and notebook.path.parent == root / "notebooks" and is_chapter(notebook.path):
        return notebook.name
    way = os.path.relpath(notebook.path.resolve(), folder.resolve())
    return "another " + _sha256(way)[:16]


def _sha256(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
