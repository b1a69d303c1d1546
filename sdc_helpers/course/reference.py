"""The book's API reference: a page a package, generated from what the packages export."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import sdc_helpers

FOLDER = "api"
_LITERAL = re.compile(r"(`+[^`]*`+)")
_MARK = re.compile(r"(?<!\\)[*|]")
_TARGET = re.compile(r"(?<=\w)_(?!\w)")
_FIELD = re.compile(r"\s*\w+(, \w+)* : ")
_REQUEST = re.compile(r"set_\w+_request")


@dataclass(frozen=True)
class Entry:
    """One public name of a package or module.

    Attributes
    ----------
    name : str
        Name under which it is imported from the package.
    directive : str
        Sphinx autodoc's name for its kind.
    """

    name: str
    directive: str


def write_reference(source: Path) -> list[Path]:
    """Write the pages of the API reference into the book's assembled sources.

    Parameters
    ----------
    source : pathlib.Path
        The folder of the book's sources; pages go into ``api`` in it.

    Returns
    -------
    list of pathlib.Path
        The pages, one for each package and public module that exports something.
    """
    folder = source / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for module in public_modules():
        entries = public_entries(module)
        if entries:
            page = folder / f"{module.__name__.rpartition('.')[2]}.rst"
            page.write_text(render_page(module, entries), encoding="utf-8")
            pages.append(page)
    return pages


def public_modules() -> Iterator[ModuleType]:
    """Yield the package's public subpackages and modules, without the command line."""
    for info in pkgutil.iter_modules(sdc_helpers.__path__):
        if not info.name.startswith(("_", "cli")):
            yield importlib.import_module(f"{sdc_helpers.__name__}.{info.name}")


def public_entries(module: ModuleType) -> list[Entry]:
    """List what a module exports.

    Parameters
    ----------
    module : module
        A package or module; where it has no ``__all__``, what is defined in it counts.

    Returns
    -------
    list of Entry
        In alphabetical order; classes before functions, and these before the rest.
    """
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        ]
    entries = [Entry(name, _directive(getattr(module, name))) for name in names]
    order = ["autoclass", "autoexception", "autofunction", "py:data", "automodule"]
    return sorted(entries, key=lambda entry: (order.index(entry.directive), entry.name.lower()))


def render_page(module: ModuleType, entries: list[Entry]) -> str:
    """Write a package's page: its docstring, a table of its names, then each of them.

    Parameters
    ----------
    module : module
        The package.
    entries : list of Entry
        Entries of what the package exports.

    Returns
    -------
    str
        reStructuredText for Sphinx's autodoc and autosummary.
    """
    full = module.__name__
    documented = [entry for entry in entries if entry.directive != "py:data"]
    table = "\n".join(f"   {entry.name}" for entry in documented)
    parts = [
        f"{full}\n{'=' * len(full)}",
        inspect.getdoc(module) or "",
        f".. currentmodule:: {full}",
        f".. autosummary::\n   :nosignatures:\n\n{table}" if table else "",
    ]
    for entry in entries:
        name = f"{full}.{entry.name}" if entry.directive == "automodule" else entry.name
        members = entry.directive in ("autoclass", "automodule")
        parts.append(f".. {entry.directive}:: {name}" + "\n   :members:" * members)
    return "\n\n".join(filter(None, parts)) + "\n"


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx use this module as an extension; write the pages where the book has their part.

    Docstrings are plain text with few marks. The pages are written here because what they name has
    to be imported, which takes seconds and is done in this process anyway.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The build.

    Returns
    -------
    dict of str to bool
        Statement that the extension may be used in parallel.
    """
    if (Path(app.srcdir) / "reference.md").is_file():
        write_reference(Path(app.srcdir))
    app.connect("autodoc-process-docstring", _plain_marks, priority=100)  # before napoleon's
    app.connect("autodoc-skip-member", _skip_requests)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _plain_marks(_app: Any, _what: str, _name: str, _obj: Any, _opt: Any, lines: list[str]) -> None:
    """Keep ``*``, ``|`` and a last ``_`` what they are in shapes, norms and names of attributes.

    In reST they are markup. Names that a section lists, as in ``labels_ : array``, are napoleon's.
    """
    for number, line in enumerate(lines):
        marks = (_MARK,) if _FIELD.match(line) else (_MARK, _TARGET)
        pieces = _LITERAL.split(line)
        for mark in marks:
            pieces[::2] = [mark.sub(r"\\\g<0>", piece) for piece in pieces[::2]]
        lines[number] = "".join(pieces)


def _skip_requests(_app: Any, _what: str, name: str, _obj: Any, skip: bool, _opt: Any) -> bool:
    """Leave out the ``set_..._request`` methods that scikit-learn gives every estimator."""
    return skip or bool(_REQUEST.fullmatch(name))


def _directive(value: object) -> str:
    if inspect.ismodule(value):
        return "automodule"
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if callable(value) else "py:data"
