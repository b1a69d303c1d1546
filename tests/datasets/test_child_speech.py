"""Tagged talk: the real files' facts, an archive that is never unpacked, and damaged files."""

from __future__ import annotations

import zipfile
from collections import Counter

import pytest

from sdc_helpers.datasets import DataFormatError, load_childes, load_switchboard
from sdc_helpers.datasets.child_speech import CHILDES_FILE, SWITCHBOARD_FILE

TAGGED = "switchboard/tagged"
ONE = """\
# child_name = Sarah
# corpus_name = Brown
# speaker_age = 27.5
# speaker_role = Mother
# text = That's Sarah's dog!
1-2	That's	_	_	_	_	_	_	_	_
1	That	that	PRON	DT	_	0	root	_	_
2	's	be	AUX	VBZ	_	1	cop	_	_
3	Sarah's	Sarah	PROPN	NNP	_	4	nmod	_	_
4	dog	dog	NOUN	NN	_	1	x	_	_
5	!	!	PUNCT	.	_	1	punct	_	_

"""
CALLS = "A.1: Uh/UH dogs/NNS ,/,\nB.2:\n\nB.1: either/or/CC ./.\n"


def write_zip(folder, members):
    with zipfile.ZipFile(folder / SWITCHBOARD_FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder


@pytest.fixture(scope="module")
def folder(real_data_mirror):
    folder = real_data_mirror / "child_speech"
    if not folder.is_dir():
        pytest.skip("the mirror has no child speech")
    return folder


# ---------------------------------------------------------------------- real files


def test_real_utterances(folder):
    """The counts of the source's page: proper nouns are nouns there."""
    utterances = load_childes(folder)
    assert len(utterances) == 2715
    assert sum(len(u.words) for u in utterances) == 16760
    nouns = Counter(min(u.n_nouns, 3) for u in utterances)
    assert nouns == {0: 999, 1: 1150, 2: 441, 3: 125}
    roles = Counter(u.role for u in utterances)
    assert roles.most_common(3) == [("Target_Child", 1466), ("Mother", 878), ("Father", 314)]
    assert len({u.child for u in utterances}) == 7
    ages = [u.age_months for u in utterances]
    assert (round(min(ages)), round(max(ages))) == (14, 77)


def test_real_calls(folder):
    turns = load_switchboard(folder)
    assert {turn.call for turn in turns} == set(range(1, 37))
    assert sum(len(turn.words) for turn in turns) == 82792
    assert all(len(turn.words) == len(turn.tags) for turn in turns)
    assert {turn.speaker for turn in turns} == {"A", "B"}


# ---------------------------------------------------------------------- made files


def test_utterances_are_read_as_written(tmp_path):
    (tmp_path / CHILDES_FILE).write_text(ONE + ONE.replace("Mother", "Father"), encoding="utf-8")
    first, second = load_childes(tmp_path)
    assert first.words == ("That", "'s", "Sarah's", "dog", "!")
    assert first.tags == ("PRON", "AUX", "PROPN", "NOUN", "PUNCT")
    assert first.fine_tags[1:4] == ("VBZ", "NNP", "NN")
    assert (first.text, first.child, first.corpus) == ("That's Sarah's dog!", "Sarah", "Brown")
    assert (first.age_months, first.n_nouns) == (27.5, 2)
    assert (first.role, second.role) == ("Mother", "Father")


def test_calls_are_read_as_written(tmp_path):
    first, noises, other = load_switchboard(write_zip(tmp_path, {TAGGED: CALLS}))
    assert (first.call, first.speaker, first.turn, first.n_nouns) == (1, "A", 1, 1)
    assert (noises.call, noises.speaker, noises.words) == (1, "B", ())
    assert (other.call, other.words, other.tags) == (2, ("either/or", "."), ("CC", "."))


def test_an_archive_writes_nothing_whatever_its_members_are_called(tmp_path):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    evil = {"../evil": "x", "/tmp/evil": "x", "../../switchboard/tagged": "x", TAGGED: CALLS}
    before = set(tmp_path.rglob("*"))
    assert len(load_switchboard(write_zip(inside, evil))) == 3
    assert set(tmp_path.rglob("*")) - before == {inside / SWITCHBOARD_FILE}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# speaker_age = 27.5\n", "", "line 1: the comment `# speaker_age = ...` is missing"),
        ("27.5", "old", "speaker_age is 'old'; expected months"),
        ("27.5", "-3", "speaker_age is '-3'; expected months"),
        ("2\t's", "4\t's", "words are not numbered from 1"),
        ("\tNOUN\tNN", "\tNOUN", "'4 dog dog NOUN .* has 9 fields, expected 10"),
        ("\tNOUN\tNN", "\t\tNN", "expected 10 with word and tags"),
        ("1\tpunct\t_\t_\n\n", "1\tpunct\t_\t_\n", "does not end in a blank line"),
    ],
)
def test_what_is_no_utterance(tmp_path, old, new, said):
    assert old in ONE
    (tmp_path / CHILDES_FILE).write_text(ONE.replace(old, new), encoding="utf-8")
    with pytest.raises(DataFormatError, match=said):
        load_childes(tmp_path)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"other": "x"}, "holds no switchboard/tagged"),
        ({TAGGED: "\n"}, "tagged is empty"),
        ({TAGGED: "A.1: Uh/UH\nhello\n"}, "tagged, line 2: 'hello'; expected a turn"),
        ({TAGGED: "A.1: Uh\n"}, "line 1: 'Uh' has no tag; expected word/TAG"),
        ({TAGGED: "A.1: Uh/\n"}, "has no tag"),
        ({TAGGED: b"\xff\xfe"}, "not UTF-8"),
        ({TAGGED: b" " * (2**24 + 1)}, "is larger than it; expected each once, of 16777216 bytes"),
    ],
)
def test_what_are_no_calls(tmp_path, members, said):
    with pytest.raises(DataFormatError, match=said):
        load_switchboard(write_zip(tmp_path, members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path):
    write_zip(tmp_path, {TAGGED: CALLS})
    with zipfile.ZipFile(tmp_path / SWITCHBOARD_FILE, "a") as archive:
        archive.writestr(TAGGED, "A.1: x/NN\n")
    with pytest.raises(DataFormatError, match="is twice there"):
        load_switchboard(tmp_path)


@pytest.mark.parametrize(
    ("name", "load"), [(CHILDES_FILE, load_childes), (SWITCHBOARD_FILE, load_switchboard)]
)
def test_missing_and_cut_files_are_named(tmp_path, name, load):
    write_zip(tmp_path, {TAGGED: CALLS * 50})
    (tmp_path / CHILDES_FILE).write_text(ONE * 3, encoding="utf-8")
    file = tmp_path / name
    whole = file.read_bytes()
    for content in (whole[:-30], whole[: len(whole) // 2], b"", b"<html></html>", b"\xff\xfe\x00"):
        file.write_bytes(content)
        with pytest.raises(DataFormatError, match=name):
            load(tmp_path)
    file.unlink()
    with pytest.raises(DataFormatError, match=rf"{name} is not there; .* fetch child_speech"):
        load(tmp_path)
