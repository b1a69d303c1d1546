"""Text and JSON read so that an error can name the file, the line and the field."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from sdc_helpers.datasets.errors import DataFormatError, listed, unreadable

_TAIL_BYTES = 2**20


def data_files(folder: Path, suffix: str) -> list[Path]:
    """Return a folder's files of a suffix, by name.

    Raises
    ------
    DataFormatError
        If the folder holds no such file.
    """
    files = [path for path in listed(folder, f"*{suffix}") if path.is_file()]
    if not files:
        raise DataFormatError(f"{folder} holds no file *{suffix}.")
    return files


def read_json(file: Path) -> dict[str, Any]:
    """Return the object of a JSON file."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error
    return _object(content, str(file))


def check_last_line(file: Path, separator: str) -> None:
    """Refuse a table with a header that was cut in its last line.

    A number that was cut is still a number: ``418`` becomes ``41``. Two things tell: the last row
    has fewer fields than the header and than the row before it, or the file does not end in a line
    end, as the published tables that are read here do, even if the last row has all its fields.
    Tables of captions follow the same rule row by row: there the last row alone is left out, with
    a warning.

    Parameters
    ----------
    file : pathlib.Path
        The table.
    separator : str
        Separator of the table's fields.

    Raises
    ------
    DataFormatError
        If the last line is cut; the message shows it. Or if the file cannot be read.
    """
    try:
        with file.open("rb") as handle:
            header = handle.readline()
            start = max(handle.tell(), handle.seek(0, 2) - _TAIL_BYTES)
            handle.seek(start)
            tail = handle.read()
    except OSError as error:
        raise unreadable(file, error) from error
    ends = tail.endswith((b"\n", b"\r"))
    # bytes have three line ends; of text, Python takes eight signs more for one
    rows = [line.decode("utf-8", "replace") for line in tail.splitlines()]
    lines = [line for line in rows if line.strip()]
    if not lines:
        return
    expected = _n_fields(header.decode("utf-8-sig", "replace"), separator)
    n_last, *before = [_n_fields(line, separator) for line in reversed(lines[-2:])]
    is_short = n_last < min([expected, *before])
    if is_short or not ends:
        reason = (
            f"has {n_last} fields where the header has {expected}"
            if is_short
            else "has no line end, so that its last field may be a part"
        )
        raise DataFormatError(
            f"{file}: the last line {lines[-1][-80:]!r} {reason}; the table seems to be cut short. "
            "Download it again, or end the line if nothing is missing."
        )


def _n_fields(line: str, separator: str) -> int:
    return len(next(csv.reader([line.rstrip("\r\n")], delimiter=separator), []))


def text_field(item: Any, name: str, where: str) -> str:
    """Return a field that must be there and hold text.

    Raises
    ------
    DataFormatError
        If it is not there, no string, or blank.
    """
    if not isinstance(item, dict) or name not in item:
        raise DataFormatError(f"{where}: the field {name!r} is missing.")
    value = item[name]
    if not isinstance(value, str) or not value.strip():
        raise DataFormatError(f"{where}: the field {name!r} is {value!r}, expected text.")
    return value


def _object(content: str, where: str) -> dict[str, Any]:
    try:
        item = json.loads(content)
    except ValueError as error:
        raise DataFormatError(f"{where}: not JSON ({error}).") from error
    if not isinstance(item, dict):
        raise DataFormatError(f"{where}: expected a JSON object, got {type(item).__name__}.")
    return item
