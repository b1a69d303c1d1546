"""Talk with children and on the telephone, each word with a part of speech checked by hand."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from sdc_helpers.datasets._zip_files import read_members
from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "child_speech"
CHILDES_FILE = "en_childes-ud-dev.conllu"
SWITCHBOARD_FILE = "switchboard.zip"
NOUN_TAGS = ("NOUN", "PROPN")
"""What counts as a noun: common and proper nouns of Universal Dependencies."""
_TAGGED = "switchboard/tagged"
_NEEDED = ("speaker_role", "speaker_age", "child_name", "corpus_name", "text")
_COMMENT = re.compile(r"# (\w+) = (.*)")
_PART_NUMBER = re.compile(r"\d+[-.]\d+")  # a contraction such as "that's", or an empty node
_TURN = re.compile(r"([AB])\.(\d+):\s*(.*)")
_FIELDS = 10
_LARGEST = 2**24  # bytes of the tagged calls, unpacked; they are 643 kB
_AGAIN = f"fetch it again with `sdc data fetch {DATASET}`"


@dataclass(frozen=True)
class ChildUtterance:
    """What somebody said in the presence of a child.

    Attributes
    ----------
    text : str
        The utterance.
    words : tuple of str
        Words and punctuation; contractions in their parts ("do", "n't").
    tags : tuple of str
        Part of speech of each word in the tag set of Universal Dependencies: "NOUN".
    fine_tags : tuple of str
        The same in that of the Penn Treebank: "NNS".
    role : str
        Who speaks: "Target_Child", "Mother", "Father" or another.
    child : str
        Name of the child who was recorded, under which the corpus keeps it.
    corpus : str
        Part of CHILDES.
    age_months : float
        Age of that child at the time, in months, whoever speaks.
    """

    text: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    fine_tags: tuple[str, ...]
    role: str
    child: str
    corpus: str
    age_months: float

    @property
    def n_nouns(self) -> int:
        """Number of nouns, proper nouns among them."""
        return sum(tag in NOUN_TAGS for tag in self.tags)


@dataclass(frozen=True)
class CallTurn:
    """What one party of a telephone call said until the other spoke.

    Attributes
    ----------
    call : int
        Number of the call, from 1.
    speaker : {"A", "B"}
        Who of the two.
    turn : int
        Number of the turn in its call, from 1.
    words, tags : tuple of str
        Words and punctuation, and the Penn Treebank's tag of each; none in a turn of noises. A tag
        that begins with ^ is that of a word which was corrected.
    """

    call: int
    speaker: str
    turn: int
    words: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def n_nouns(self) -> int:
        """Number of nouns, proper nouns among them: tags NN, NNS, NNP and NNPS."""
        return sum(tag.lstrip("^").startswith("NN") for tag in self.tags)


def load_childes(root: str | Path | None = None) -> tuple[ChildUtterance, ...]:
    """Load utterances by and to children (development part of UD English-CHILDES).

    Parameters
    ----------
    root : str or pathlib.Path, optional
        Folder of the files, which are then read without checking their checksums. By default the
        registered files, fetched if necessary.

    Returns
    -------
    tuple of ChildUtterance
        In the file's order.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If the file is missing in `root`, or is no CoNLL-U with these comments.

    References
    ----------
    Yang, Ju, Bu, Liu, Schneider (2025), arXiv:2504.20304; MacWhinney (2000), The CHILDES project.
    """
    file = _folder(root) / CHILDES_FILE
    require_file(file, f"utterances in CoNLL-U (`sdc data fetch {DATASET}`)")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise unreadable(file, error, "read as text", _AGAIN) from error
    if not text.endswith("\n\n"):  # the standard ends each sentence by a blank line
        raise DataFormatError(f"{file} does not end in a blank line, and may be cut; {_AGAIN}.")
    utterances, first = [], 1
    block: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            first = first if block else number
            block.append(line)
        elif block:
            utterances.append(_utterance(block, f"{file}, line {first}"))
            block = []
    if not utterances:
        raise DataFormatError(f"{file} holds no utterance; {_AGAIN}.")
    return tuple(utterances)


def load_switchboard(root: str | Path | None = None) -> tuple[CallTurn, ...]:
    """Load the tagged turns of telephone calls, from the archive, which is not unpacked.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        As in `load_childes`.

    Returns
    -------
    tuple of CallTurn
        In order of calls and turns.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If the file is missing in `root`, is no such archive, or its text is not as described.

    References
    ----------
    Graff and Bird (2000), Proceedings of LREC, 427-433.
    """
    file = _folder(root) / SWITCHBOARD_FILE
    content = f"tagged telephone calls (`sdc data fetch {DATASET}`)"
    members = read_members(file, lambda name: name == _TAGGED, _LARGEST, content, _AGAIN)
    if _TAGGED not in members:
        raise DataFormatError(f"{file} holds no {_TAGGED}; {_AGAIN}.")
    try:
        text = members[_TAGGED].decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable(file, error, f"read: {_TAGGED}", _AGAIN) from error
    turns: list[CallTurn] = []
    call, between = 0, True  # calls are parted by blank lines
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            between = True
            continue
        call, between = call + between, False
        turns.append(_turn(line, call, f"{file}, {_TAGGED}, line {number}"))
    if not turns:
        raise DataFormatError(f"{file}: {_TAGGED} is empty; {_AGAIN}.")
    return tuple(turns)


def _folder(root: str | Path | None) -> Path:
    return fetch(DATASET) if root is None else Path(root).expanduser()


def _utterance(block: list[str], where: str) -> ChildUtterance:
    comments = {m[1]: m[2] for line in block if (m := _COMMENT.fullmatch(line))}
    missing = [name for name in _NEEDED if not comments.get(name)]
    if missing:
        raise DataFormatError(f"{where}: the comment `# {missing[0]} = ...` is missing.")
    rows = [line.split("\t") for line in block if not line.startswith("#")]
    for row in rows:
        if len(row) != _FIELDS or not (row[1] and row[3]):
            raise DataFormatError(
                f"{where}: {' '.join(row)[:60]!r} has {len(row)} fields, expected {_FIELDS} with "
                "word and tags, tab-separated."
            )
    words = [row for row in rows if not _PART_NUMBER.fullmatch(row[0])]
    if not words or [row[0] for row in words] != [str(k + 1) for k in range(len(words))]:
        raise DataFormatError(f"{where}: words are not numbered from 1; {_AGAIN}.")
    try:
        age = float(comments["speaker_age"])
    except ValueError:
        age = math.nan
    if not 0 < age < math.inf:
        raise DataFormatError(
            f"{where}: speaker_age is {comments['speaker_age']!r}; expected months."
        )
    forms, tags, fine = (tuple(row[column] for row in words) for column in (1, 3, 4))
    return ChildUtterance(
        comments["text"],
        words=forms,
        tags=tags,
        fine_tags=fine,
        role=comments["speaker_role"],
        child=comments["child_name"],
        corpus=comments["corpus_name"],
        age_months=age,
    )


def _turn(line: str, call: int, where: str) -> CallTurn:
    match = _TURN.fullmatch(line)
    if match is None:
        raise DataFormatError(f"{where}: {line[:40]!r}; expected a turn, as 'A.1: Uh/UH'.")
    pairs = [token.rpartition("/") for token in match[3].split()]
    untagged = [tag for word, _, tag in pairs if not (word and tag)]
    if untagged:
        raise DataFormatError(f"{where}: {untagged[0]!r} has no tag; expected word/TAG.")
    words, tags = (tuple(pair[k] for pair in pairs) for k in (0, 2))
    return CallTurn(call, match[1], int(match[2]), words, tags)
