"""SugarCrepe: captions of COCO with hard negatives (Hsieh et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdc_helpers.datasets._rows import good_rows
from sdc_helpers.datasets._text_files import data_files, read_json, text_field
from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.datasets.registry import fetch

DATASET = "sugar_crepe"


@dataclass(frozen=True)
class HardNegative:
    """A true caption of a picture and one that is false of it, in nearly the same words.

    Attributes
    ----------
    filename : str
        The picture, in COCO's val2017; pictures are not part of this dataset.
    caption, negative : str
        The true caption and the false one.
    """

    filename: str
    caption: str
    negative: str


def load_sugar_crepe(root: str | Path | None = None) -> dict[str, list[HardNegative]]:
    """Load captions and hard negatives by kind.

    Parameters
    ----------
    root : path-like, optional
        Folder of ``<kind>.json`` files, all seven of SugarCrepe or some. By default the registered
        files, fetched if necessary: "add_obj", "replace_rel" and "swap_att", in which an object is
        added, a relation replaced or an attribute swapped.

    Returns
    -------
    dict of str to list of HardNegative
        Items by kind of change, in the files' order. An item that is incomplete or has the same
        caption twice is left out with a warning.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If a file is not what it should be, or most of its items are not; the message names it,
        the item and the field.
    """
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    return {file.stem: _read_negatives(file) for file in data_files(folder, ".json")}


def _read_negatives(file: Path) -> list[HardNegative]:
    items = ((f"{file}, item {key!r}", item) for key, item in read_json(file).items())
    negatives = list(good_rows(items, _negative))
    if not negatives:
        raise DataFormatError(f"{file} holds no item.")
    return negatives


def _negative(item: Any, where: str) -> HardNegative:
    fields = (text_field(item, name, where) for name in ("filename", "caption"))
    negative = HardNegative(*fields, text_field(item, "negative_caption", where))
    if negative.caption == negative.negative:
        raise DataFormatError(f"{where}: both captions are {negative.caption!r}.")
    return negative
