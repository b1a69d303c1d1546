"""Captions of images from the files of COCO, Conceptual Captions and Localized Narratives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdc_helpers.datasets._captions_table import is_address, table_rows
from sdc_helpers.datasets._rows import good_rows, json_of, raw_lines
from sdc_helpers.datasets._text_files import read_json, text_field
from sdc_helpers.datasets.errors import DataFormatError


@dataclass(frozen=True)
class ImageCaptions:
    """Images and what they are said to show.

    Attributes
    ----------
    image_ids : tuple of str
        Each image once, in the order of the file; numbers as text. In Conceptual Captions it is the
        image's address.
    captions : tuple of tuple of str
        Captions of each image, at least one.
    """

    image_ids: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.image_ids)


def read_captions(path: str | Path) -> ImageCaptions:
    """Read a file of captions; its suffix says of which kind it is.

    Parameters
    ----------
    path : path-like
        - ``.tsv``: a caption, a tab and the image's address or number a line (Conceptual
          Captions), or the other way round (CC12M), told by what the columns hold. With a header
          that names a caption (``caption``, ``title``, ``text``) and an image (``url``,
          ``image_id``, ``filepath``), these are read out of any number of columns;
        - ``.jsonl``: an object a line with ``image_id`` and ``caption`` (Localized Narratives);
        - ``.json``: one object with the lists ``images`` (``id``) and ``annotations``
          (``image_id``, ``caption``), as COCO's ``captions_*.json``.

    Returns
    -------
    ImageCaptions
        Captions without white space around them. Rows that cannot be read, images without a
        caption, and captions that are an address are left out with a warning. So is the last line
        of a table that does not end in a line end, even if it has all its fields: its last field
        may be a part, as ``41`` of ``418``. End the line if nothing is missing.

    Raises
    ------
    DataFormatError
        If the file is not of its kind, most of its rows are bad, it is not clear which column
        holds captions, or there is none; the message names the file and the line or entry.
    ValueError
        If the suffix is none of these.
    """
    file = Path(path).expanduser()
    reader = _READERS.get(file.suffix)
    if reader is None:
        raise ValueError(f"{file}: expected a file of captions, {', '.join(_READERS)}.")
    captions: dict[str, list[str]] = {}
    for image, caption in reader(file):
        captions.setdefault(image, []).append(caption.strip())
    if not captions:
        raise DataFormatError(f"{file} holds no caption.")
    return ImageCaptions(tuple(captions), tuple(map(tuple, captions.values())))


_Pairs = Iterator[tuple[str, str]]


def _read_lines(file: Path) -> _Pairs:
    def pair(line: bytes, where: str) -> tuple[str, str] | None:
        item = json_of(line, where)
        return item and (_identifier(item, "image_id", where), _caption(item, where))

    return good_rows(raw_lines(file), pair)


def _read_coco(file: Path) -> _Pairs:
    content = read_json(file)
    captions: dict[str, list[str]] = {}

    def image(item: Any, where: str) -> str:
        return _identifier(item, "id", where)

    def pair(item: Any, where: str) -> tuple[str, str]:
        name = _identifier(item, "image_id", where)
        if name not in captions:
            raise DataFormatError(f"{where}: image {name} is not among the images.")
        return name, _caption(item, where)

    def own(name: str, where: str) -> list[tuple[str, str]]:
        if not captions[name]:
            raise DataFormatError(f"{where}: image {name} has no caption.")
        return [(name, caption) for caption in captions[name]]

    images = _numbered(_entries(content, "images", file), f"{file}, image")
    captions.update((name, []) for name in good_rows(images, image))
    annotations = _numbered(_entries(content, "annotations", file), f"{file}, annotation")
    for name, caption in good_rows(annotations, pair):
        captions[name].append(caption)
    if any(captions.values()):
        for pairs in good_rows(_numbered(list(captions), f"{file}, image"), own):
            yield from pairs


def _numbered(items: list[Any], where: str) -> Iterator[tuple[str, Any]]:
    return ((f"{where} {number}", item) for number, item in enumerate(items))


def _entries(content: dict[str, Any], name: str, file: Path) -> list[Any]:
    entries = content.get(name)
    if not isinstance(entries, list):
        raise DataFormatError(
            f"{file}: expected a list named {name!r}, as in COCO's captions_*.json."
        )
    return entries


def _identifier(item: Any, name: str, where: str) -> str:
    if isinstance(item, dict) and type(item.get(name)) is int:
        return str(item[name])
    return text_field(item, name, where)


def _caption(item: Any, where: str) -> str:
    caption = text_field(item, "caption", where)
    if is_address(caption):
        raise DataFormatError(f"{where}: the caption is an address, {caption!r}.")
    return caption


_READERS = {".tsv": table_rows, ".jsonl": _read_lines, ".json": _read_coco}
