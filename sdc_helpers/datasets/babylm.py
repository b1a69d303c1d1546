"""The text of the BabyLM challenge: files of utterances and paragraphs, one a line."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sdc_helpers._checks import check_count
from sdc_helpers.datasets._rows import good_rows, raw_lines, text_of
from sdc_helpers.datasets._text_files import data_files
from sdc_helpers.datasets.errors import DataFormatError, listed

SUFFIXES = (".train", ".dev", ".test", ".txt")
_OPENING = re.compile(r"\s*=\s*=+\s")  # up to the first blank after two equals signs or more
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
        proportion to its size, one word at least, so that the mixture of sources stays; it ends
        before the line that would exceed its part. If that is its first line, the beginning of
        that line is read, with a warning. A file that gets no word, since there are more files
        than words, is named in a warning too.
    keep_speakers : bool, default=True
        Whether to keep who speaks in front of the utterances of CHILDES (``*CHI:``, ``*MOT:``).

    Returns
    -------
    iterator of Utterance
        Lines that are not UTF-8 are left out; a warning at the end of the file counts them.

    Raises
    ------
    DataFormatError
        If nothing is there, a folder holds files of several kinds (held-out text would be trained
        on), or most lines of a file are not UTF-8; the last when they are read.
    ValueError
        If `max_words` is not a positive integer.
    """
    if max_words is not None:
        max_words = check_count("max_words", max_words, least=1)
    files = _corpus_files(Path(folder_or_file).expanduser())
    parts = [None] * len(files) if max_words is None else _parts(files, max_words)
    return (
        utterance
        for file, part in zip(files, parts, strict=True)
        for utterance in _read_file(file, part, keep_speakers)
    )


def _parts(files: list[Path], max_words: int) -> list[int]:
    """Share out words in proportion to the files' sizes, one at least for each that has text."""
    sizes = [file.stat().st_size for file in files]
    n_read = sum(size > 0 for size in sizes)
    if n_read > max_words:
        by_size = sorted(range(len(files)), key=lambda k: -sizes[k])
        kept = set(by_size[:max_words])
        left_out = [file.name for k, file in enumerate(files) if sizes[k] and k not in kept]
        warnings.warn(
            f"max_words={max_words} is less than the {n_read} files that have text: nothing is "
            f"read of {', '.join(left_out)}. Ask for more words.",
            stacklevel=3,
        )
        return [int(k in kept) for k in range(len(files))]
    parts = [max(max_words * size // max(sum(sizes), 1), int(size > 0)) for size in sizes]
    while sum(parts) > max_words:  # small files got one: at the cost of the largest part
        parts[parts.index(max(parts))] -= 1
    return parts


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
    if max_words == 0:
        return
    n_words = 0
    for text in good_rows(raw_lines(file), functools.partial(_text, keep_speakers=keep_speakers)):
        words = text.split()
        if max_words is not None and n_words + len(words) > max_words:
            if not n_words:
                warnings.warn(
                    f"{file}: its first line has {len(words)} words, and its part of max_words is "
                    f"{max_words}: only those are read of it. Ask for more words.",
                    stacklevel=3,
                )
                yield Utterance(" ".join(words[:max_words]), file.name)
            return
        n_words += len(words)
        yield Utterance(text, file.name)


def _text(line: bytes, where: str, keep_speakers: bool) -> str | None:
    """Return what is said in a line; None for blanks and headings."""
    text = text_of(line, where)
    if _is_heading(text):
        return None
    return (text if keep_speakers else _SPEAKER.sub("", text)).strip() or None


def _is_heading(line: str) -> bool:
    """Whether a line stands between two or more equals signs on either side, and blanks."""
    opening, closing = _OPENING.match(line), _OPENING.match(line[::-1])
    return bool(opening and closing) and opening.end() + closing.end() <= len(line)
