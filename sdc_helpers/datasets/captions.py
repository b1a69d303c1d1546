"""Captions of images from the files of COCO, Conceptual Captions and Localized Narratives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdc_helpers.datasets._text_files import read_json, read_json_lines, read_lines, text_field
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
        - ``.tsv``: a caption, a tab and the image's address a line, without a header (Conceptual
          Captions);
        - ``.jsonl``: an object a line with ``image_id`` and ``caption`` (Localized Narratives);
        - ``.json``: one object with the lists ``images`` (``id``) and ``annotations``
          (``image_id``, ``caption``), as COCO's ``captions_*.json``.

    Returns
    -------
    ImageCaptions
        Captions without white space around them.

    Raises
    ------
    DataFormatError
        If the file is not of its kind, names no caption, or has an image without one; the message
        names the file and the line or entry.
    ValueError
        If the suffix is another one.
    """
    file = Path(path).expanduser()
    reader = _READERS.get(file.suffix)
    if reader is None:
        raise ValueError(f"{file}: expected a file of captions, {', '.join(_READERS)}.")
    found: dict[str, list[str]] = {}
    for image, caption in reader(file):
        found.setdefault(image, []).append(caption.strip())
    if not found:
        raise DataFormatError(f"{file} holds no caption.")
    return ImageCaptions(tuple(found), tuple(map(tuple, found.values())))


_Pairs = Iterator[tuple[str, str]]


def _read_tsv(file: Path) -> _Pairs:
    for number, line in read_lines(file):
        fields = line.split("\t")
        if len(fields) != 2 or not all(map(str.strip, fields)):
            raise DataFormatError(
                f"{file}, line {number}: expected a caption, a tab and an address, got {line!r}."
            )
        yield fields[1].strip(), fields[0]


def _read_lines(file: Path) -> _Pairs:
    for where, item in read_json_lines(file):
        yield _identifier(item, "image_id", where), text_field(item, "caption", where)


def _read_coco(file: Path) -> _Pairs:
    content = read_json(file)
    images = [
        _identifier(item, "id", f"{file}, image {number}")
        for number, item in enumerate(_entries(content, "images", file))
    ]
    captions: dict[str, list[str]] = {image: [] for image in images}
    for number, item in enumerate(_entries(content, "annotations", file)):
        where = f"{file}, annotation {number}"
        image = _identifier(item, "image_id", where)
        if image not in captions:
            raise DataFormatError(f"{where}: image {image} is not among the images.")
        captions[image].append(text_field(item, "caption", where))
    for image, own in captions.items():
        if not own:
            raise DataFormatError(f"{file}: image {image} has no caption.")
        yield from ((image, caption) for caption in own)


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


_READERS = {".tsv": _read_tsv, ".jsonl": _read_lines, ".json": _read_coco}
