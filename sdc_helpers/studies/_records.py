"""How the studies read what was recorded: a file that holds something else is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdc_helpers.datasets.errors import DataFormatError


@contextmanager
def reading_record(path: Any, what: str, command: str) -> Iterator[Any]:
    """Give a ``with`` block the content of a JSON file, to take from it what it should hold.

    Parameters
    ----------
    path : str, pathlib.Path or importlib Traversable
        The file.
    what : str
        What it should be, such as "record of settings".
    command : str
        The command that makes it.

    Raises
    ------
    DataFormatError
        If it is no JSON, or the block does not find in it what it takes.
    """
    try:
        file = Path(path) if isinstance(path, str) else path
        yield json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataFormatError(
            f"{path} is no {what} ({type(error).__name__}: {error}). Make it again with {command}."
        ) from error
