"""Rows of published files: a bad one is left out and counted, and the rest is read."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sdc_helpers.datasets.errors import DataFormatError, unreadable

T = TypeVar("T")

_NAMED = 5  # bad rows that a warning names
_LEAST = 20  # bad rows after which reading stops at once where they are the majority


def raw_lines(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield where each line is ("file, line 3"), and its bytes with the line end.

    Raises
    ------
    DataFormatError
        If the file cannot be read.
    """
    try:
        with file.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                yield f"{file}, line {number}", line.removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise unreadable(file, error) from error


def text_of(line: bytes, where: str) -> str:
    """Return a line as text without its line end.

    Raises
    ------
    DataFormatError
        If it is not UTF-8.
    """
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataFormatError(f"{where}: not UTF-8 text ({error.reason}).") from error


def json_of(line: bytes, where: str) -> dict[str, Any] | None:
    """Return the object of a line; None for a blank line.

    Raises
    ------
    DataFormatError
        If it is not UTF-8, or no JSON object.
    """
    text = text_of(line, where)
    if not text.strip():
        return None
    try:
        item = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataFormatError(f"{where}: not JSON ({error}).") from error
    if not isinstance(item, dict):
        raise DataFormatError(f"{where}: expected a JSON object, got {type(item).__name__}.")
    return item


def good_rows(
    rows: Iterable[tuple[str, Any]], parse: Callable[[Any, str], T | None]
) -> Iterator[T]:
    """Yield what can be read of some rows; one warning at the end counts the others.

    Parameters
    ----------
    rows : iterable of (str, object)
        Where each row is, file first, and what is there.
    parse : callable
        ``parse(row, where)`` returns what is read, None for what is no row (a blank line), or
        raises `DataFormatError` with a message that begins with `where`.

    Yields
    ------
    object
        Results of `parse`, in order.

    Raises
    ------
    DataFormatError
        If more than half of the rows are bad: it is another file than it should be. The message
        is that of the first bad row.
    """
    n_good, n_bad, first, places = 0, 0, "", []
    for where, row in rows:
        try:
            parsed = parse(row, where)
        except DataFormatError as error:
            n_bad += 1
            first = first or str(error)
            if n_bad <= _NAMED:
                places.append(where.rpartition(", ")[2])
            if n_bad >= _LEAST and n_bad > n_good:
                break
            continue
        if parsed is not None:
            n_good += 1
            yield parsed
    if n_bad > n_good:
        rest = f" So are {n_bad - 1} of the next {n_good + n_bad - 1}." if n_bad > 1 else ""
        raise DataFormatError(f"{first}{rest}")
    if n_bad:
        also = f" The others: {', '.join(places[1:])}" if n_bad > 1 else ""
        more = ", ..." if n_bad > _NAMED else ""
        warnings.warn(
            f"{n_bad:,} of {n_good + n_bad:,} rows were left out. {first}{also}{more}",
            stacklevel=_outside(),
        )


def _outside() -> int:
    """Return the level of the first caller outside of the readers, for a warning."""
    import sys

    frame = sys._getframe(1)
    for level in itertools.count(1):
        if frame is None or "sdc_helpers.datasets" not in frame.f_globals.get("__name__", ""):
            return level
        frame = frame.f_back
    raise AssertionError
