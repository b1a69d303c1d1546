"""Tables of captions: which column is the caption, told by a header or by what is in them."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sdc_helpers.datasets._rows import good_rows, raw_lines, text_of
from sdc_helpers.datasets.errors import DataFormatError

_CAPTION_NAMES = ("caption", "captions", "raw_caption", "title", "text", "txt", "sentence")
_CAPTION_NAMES += ("description", "alt", "alt_text")
_IMAGE_NAMES = ("url", "image_url", "img_url", "link", "image", "image_id", "imageid", "img")
_IMAGE_NAMES += ("img_id", "image_name", "image_path", "filepath", "file_path", "filename")
_IMAGE_NAMES += ("file_name", "file", "path", "id")
_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff")
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//\S|www\.", flags=re.IGNORECASE)
_LOOKED_AT = 1000  # lines by which columns are told


@dataclass(frozen=True)
class _Columns:
    """Where caption and image are.

    Attributes
    ----------
    caption, image : int
        Columns of the caption and of the image.
    number : int
        Number of columns in the file.
    header : str
        Where the header is; empty where there is none.
    addresses : bool
        Whether images are named by addresses.
    """

    caption: int
    image: int
    number: int = 2
    header: str = ""
    addresses: bool = False


def is_address(text: str) -> bool:
    """Whether a text is the address or the file name of a picture, and nothing else."""
    text = text.strip()
    if len(text.split(maxsplit=1)) != 1:
        return False
    named = text.partition("?")[0].lower().endswith(_PICTURE_SUFFIXES)
    return named or _SCHEME.match(text) is not None


def table_rows(file: Path) -> Iterator[tuple[str, str]]:
    """Yield image and caption of each line of a table with tabs.

    Raises
    ------
    DataFormatError
        If it is not clear which column holds captions, or most lines are bad.
    """
    rows = list(itertools.islice(_texts(file), _LOOKED_AT))
    if not rows:
        return iter(())
    columns = _columns_by_header(*rows[0]) or _columns_by_content(rows)
    return good_rows(raw_lines(file), functools.partial(_pair, columns=columns))


def _texts(file: Path) -> Iterator[tuple[str, list[str]]]:
    for where, line in raw_lines(file):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.strip():
            yield where, [field.strip() for field in text.split("\t")]


def _columns_by_header(where: str, fields: list[str]) -> _Columns | None:
    names = [name.strip("\"'# ").lower().replace(" ", "_") for name in fields]
    columns = [
        [i for i, name in enumerate(names) if name in known]
        for known in (_CAPTION_NAMES, _IMAGE_NAMES)
    ]
    captions, images = columns
    if not captions or not images:
        return None
    if len(captions) > 1:
        raise DataFormatError(f"{where}: the header names several captions: {fields}. Keep one.")
    return _Columns(captions[0], images[0], len(names), header=where)


def _columns_by_content(rows: list[tuple[str, list[str]]]) -> _Columns:
    """Tell which of two columns names pictures: by addresses, numbers, or having no blanks."""
    pairs = [fields for _, fields in rows if len(fields) == 2 and all(fields)]
    if not pairs:
        where, fields = rows[0]
        raise DataFormatError(
            f"{where}: expected a caption, a tab and an address, got {chr(9).join(fields)!r}. "
            "A table with other columns needs a header that names 'caption' and 'url'."
        )
    left, right = ([is_address(pair[k]) for pair in pairs] for k in (0, 1))
    if sum(left) != sum(right):
        return _with_image(0 if sum(left) > sum(right) else 1, addresses=True)
    for looks_like_a_name in (str.isdecimal, lambda text: len(text.split()) == 1):
        left, right = (all(looks_like_a_name(pair[k]) for pair in pairs) for k in (0, 1))
        if left != right:
            return _with_image(0 if left else 1)
    if left and not any(is_address(text) for pair in pairs for text in pair):
        return _with_image(1)  # single words on both sides: as Conceptual Captions has them
    raise DataFormatError(
        f"{rows[0][0]}: it is not clear which column holds captions and which names pictures, "
        f"the first row being {pairs[0]}. Put a header line 'caption<tab>url' (or the other way "
        "round) in front."
    )


def _with_image(column: int, addresses: bool = False) -> _Columns:
    return _Columns(caption=1 - column, image=column, addresses=addresses)


def _pair(line: bytes, where: str, columns: _Columns) -> tuple[str, str] | None:
    text = text_of(line, where)
    if not text.strip() or where == columns.header:
        return None
    fields = [field.strip() for field in text.split("\t")]
    expected = f"{where}: expected a caption, a tab and an address"
    if columns.header:
        expected = f"{where}: expected {columns.number} fields, as in the header"
    if len(fields) != columns.number or not (fields[columns.image] and fields[columns.caption]):
        raise DataFormatError(f"{expected}, got {text!r}.")
    if not line.endswith((b"\n", b"\r")):
        raise DataFormatError(
            f"{where}: this last line has no line end and may be cut, {text[-80:]!r}. Fetch the "
            "file again, or end the line if nothing is missing."
        )
    image, caption = fields[columns.image], fields[columns.caption]
    if is_address(caption):
        raise DataFormatError(f"{where}: the caption is an address, {caption!r}.")
    if columns.addresses and not (is_address(image) or _SCHEME.match(image)):
        raise DataFormatError(f"{where}: expected the address of a picture, got {image!r}.")
    return image, caption
