"""BLiMP: minimal pairs of English sentences, one grammatical (Warstadt et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdc_helpers.datasets._rows import good_rows, json_of, raw_lines
from sdc_helpers.datasets._text_files import data_files, text_field
from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.datasets.registry import fetch

DATASET = "blimp"


def load_blimp(
    root: str | Path | None = None, paradigms: Sequence[str] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Load minimal pairs by paradigm.

    Parameters
    ----------
    root : path-like, optional
        Folder of ``<paradigm>.jsonl`` files: all 67 of BLiMP, or BabyLM's supplement, which has
        the same fields. By default the registered files, fetched if necessary: five paradigms of
        1000 pairs.
    paradigms : sequence of str, optional
        Names of the paradigms to read; by default all there are.

    Returns
    -------
    dict of str to list of (str, str)
        For each paradigm its (grammatical, ungrammatical) sentences, in the file's order. A line
        that is no pair is left out with a warning: 7 of the 67,000 published pairs are two equal
        sentences.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If a file is not what it should be, or most of its lines are no pairs; the message names
        it, the line and the field.
    ValueError
        If a paradigm is not among the files.
    """
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    files = {file.stem: file for file in data_files(folder, ".jsonl")}
    wanted = list(files) if paradigms is None else list(dict.fromkeys(paradigms))
    unknown = [name for name in wanted if name not in files]
    if unknown or isinstance(paradigms, str):
        raise ValueError(f"paradigms={paradigms!r}: expected names out of {', '.join(files)}.")
    return {name: _read_pairs(files[name]) for name in wanted}


def _read_pairs(file: Path) -> list[tuple[str, str]]:
    pairs = list(good_rows(raw_lines(file), _pair))
    if not pairs:
        raise DataFormatError(f"{file} holds no pair.")
    return pairs


def _pair(line: bytes, where: str) -> tuple[str, str] | None:
    item = json_of(line, where)
    if item is None:
        return None
    good, bad = (text_field(item, f"sentence_{which}", where) for which in ("good", "bad"))
    if good == bad:
        raise DataFormatError(f"{where}: both sentences are {good!r}.")
    return good, bad
