"""The text of the BabyLM challenge: files of utterances and paragraphs, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sdc_helpers._checks import check_count
from sdc_helpers.datasets._text_files import data_files, read_lines
from sdc_helpers.datasets.errors import DataFormatError, listed

SUFFIXES = (".train", ".dev", ".test", ".txt")
_HEADING = re.compile(r"\s*=(?:\s*=)+\s.*\s=(?:\s*=)+\s*")
_SPEAKER = re.compile(r"^\s*\*[A-Za-z0-9]{1,7}:\s*")


class Utterance(NamedTuple):
    """A line of a corpus.

    Attributes
    ----------
    text : str
        What is said or written, without white space around it.
    source : str
        Name of the file, such as ``"childes.train"``.
    """

    text: str
    source: str


def read_babylm(
    folder_or_file: str | Path, max_words: int | None = None, *, keep_speakers: bool = True
) -> Iterator[Utterance]:
    """Read the BabyLM corpus line by line, without holding it in memory.

    Blank lines and headings between equals signs (``= = = Title = = =``) are left out.

    Parameters
    ----------
    folder_or_file : path-like
        A file, or a folder of files of one kind: ``*.train``, ``*.dev``, ``*.test`` or ``*.txt``,
        read in order of their names.
    max_words : int, optional
        Read no more words than these, separated by white space. Each file gives a part of them in
        proportion to its size, so that the mixture of sources stays; it ends before the line that
        would exceed its part.
    keep_speakers : bool, default=True
        Whether to keep who speaks in front of the utterances of CHILDES (``*CHI:``, ``*MOT:``).

    Returns
    -------
    iterator of Utterance

    Raises
    ------
    DataFormatError
        If nothing is there, a folder holds files of several kinds (held-out text would be trained
        on), or a line is not UTF-8; the last when it is read.
    ValueError
        If `max_words` is not a positive integer.
    """
    if max_words is not None:
        max_words = check_count("max_words", max_words, least=1)
    files = _corpus_files(Path(folder_or_file).expanduser())
    sizes = [file.stat().st_size for file in files]
    parts = [
        None if max_words is None else max_words * size // max(sum(sizes), 1) for size in sizes
    ]
    return (
        utterance
        for file, part in zip(files, parts, strict=True)
        for utterance in _read_file(file, part, keep_speakers)
    )


def _corpus_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataFormatError(f"{path} is not there; expected a file or folder of BabyLM text.")
    kinds = [suffix for suffix in SUFFIXES if listed(path, f"*{suffix}")]
    if len(kinds) != 1:
        found = f"files of several kinds ({', '.join(kinds)})" if kinds else "no such file"
        raise DataFormatError(
            f"{path} holds {found}; expected one of {', '.join(SUFFIXES)}. Give a folder of one "
            "kind, or one file."
        )
    return data_files(path, kinds[0])


def _read_file(file: Path, max_words: int | None, keep_speakers: bool) -> Iterator[Utterance]:
    n_words = 0
    for _, line in read_lines(file):
        if _HEADING.fullmatch(line):
            continue
        text = (line if keep_speakers else _SPEAKER.sub("", line)).strip()
        if not text:
            continue
        n_words += len(text.split())
        if max_words is not None and n_words > max_words:
            return
        yield Utterance(text, file.name)
