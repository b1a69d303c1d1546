"""Text and JSON read so that an error can name the file, the line and the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdc_helpers.datasets.errors import DataFormatError


def data_files(folder: Path, suffix: str) -> list[Path]:
    """Return a folder's files of a suffix, by name.

    Raises
    ------
    DataFormatError
        If there is none.
    """
    files = sorted(path for path in folder.glob(f"*{suffix}") if path.is_file())
    if not files:
        raise DataFormatError(f"{folder} holds no file *{suffix}.")
    return files


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a UTF-8 file that are not blank, without line ends, with their numbers.

    Raises
    ------
    DataFormatError
        If the file is not there or is not UTF-8.
    """
    try:
        with file.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise DataFormatError(
                        f"{file}, line {number}: not UTF-8 text ({error.reason})."
                    ) from error
                if text.strip():
                    yield number, text.rstrip("\r\n")
    except OSError as error:
        raise DataFormatError(f"{file} cannot be read ({error.strerror}).") from error


def read_json_lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's object, and where it is: "file, line 3"."""
    for number, line in read_lines(file):
        where = f"{file}, line {number}"
        yield where, _object(line, where)


def read_json(file: Path) -> dict[str, Any]:
    """Return the object of a JSON file."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFormatError(f"{file} cannot be read ({error}).") from error
    return _object(content, str(file))


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
