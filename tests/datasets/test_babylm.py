"""The reader of BabyLM: what it leaves out, how it shares out words, and what it refuses."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets import DataFormatError
from sdc_helpers.datasets.babylm import Utterance, _is_heading, read_babylm

CHILDES = "*MOT:\tyou want the ball ?\n*CHI:\tball .\n\n*FA1:\n"
WIKI = "= = = April = = =\n\n April is the fourth month .\r\n = = Days = =\n2 + 2 = 4 and 4 = 4\n"


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "simple_wiki.train").write_bytes(WIKI.encode())
    (tmp_path / "childes.train").write_text(CHILDES)
    (tmp_path / "README.md").write_text("no text of the corpus")
    return tmp_path


def test_lines_come_with_their_file_without_blanks_and_headings(corpus):
    wiki = [
        Utterance("April is the fourth month .", "simple_wiki.train"),
        Utterance("2 + 2 = 4 and 4 = 4", "simple_wiki.train"),
    ]
    spoken = ["*MOT:\tyou want the ball ?", "*CHI:\tball .", "*FA1:"]
    childes = [Utterance(text, "childes.train") for text in spoken]
    assert list(read_babylm(corpus)) == childes + wiki
    assert list(read_babylm(str(corpus / "simple_wiki.train"))) == wiki


def test_speakers_can_be_left_out(corpus):
    texts = [text for text, _ in read_babylm(corpus, keep_speakers=False)]
    assert texts[:2] == ["you want the ball ?", "ball ."]
    assert len(texts) == 4  # who says nothing is gone
    (corpus / "childes.train").write_text("see *CHI: there\n* not a speaker: this\n")
    texts = [text for text, _ in read_babylm(corpus / "childes.train", keep_speakers=False)]
    assert texts == ["see *CHI: there", "* not a speaker: this"]


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        ("= = = Title of it = = =", True),
        (" = = = PG1342 = = = ", True),
        ("== Section ==", True),
        ("= = not closed", False),
        ("a = = b = = c", False),
        ("x = 3", False),
    ],
)
def test_headings_are_told_from_text(tmp_path, line, is_heading):
    (tmp_path / "a.txt").write_text(line + "\n")
    assert list(read_babylm(tmp_path)) == ([] if is_heading else [(line.strip(), "a.txt")])


@pytest.mark.filterwarnings("ignore:.*max_words")
@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(st.lists(st.integers(1, 9), max_size=8), min_size=1, max_size=4),
    max_words=st.integers(1, 100),
)
def test_words_are_shared_out_in_proportion_to_the_files(tmp_path_factory, lengths, max_words):
    folder = tmp_path_factory.mktemp("corpus")
    for number, own in enumerate(lengths):
        (folder / f"{number}.dev").write_text("".join("w " * n + "\n" for n in own))
    sizes = [(folder / f"{number}.dev").stat().st_size for number in range(len(lengths))]
    found = [[] for _ in lengths]
    for text, source in read_babylm(folder, max_words):
        found[int(source.removesuffix(".dev"))].append(len(text.split()))
    assert sum(map(sum, found)) <= max_words
    parts = [max_words * size // max(sum(sizes), 1) for size in sizes]
    if all(part or not size for part, size in zip(parts, sizes, strict=True)):
        for own, part, read in zip(lengths, parts, found, strict=True):
            whole = [
                n for n, total in zip(own, itertools.accumulate(own), strict=True) if total <= part
            ]
            assert read == (whole or [part] * bool(own))
    if sum(map(bool, lengths)) <= max_words:
        assert [bool(read) for read in found] == [bool(own) for own in lengths]


def test_a_source_of_long_lines_is_not_starved(tmp_path):
    (tmp_path / "speech.train").write_text("yes it is\n" * 100)
    (tmp_path / "wiki.train").write_text("one two three four five six seven eight nine ten\n" * 5)
    with pytest.warns(UserWarning, match=r"wiki\.train: its first line has 10 words.*is 3"):
        read = list(read_babylm(tmp_path, 18))
    assert [text for text, source in read if source == "wiki.train"] == ["one two three"]
    assert sum(len(text.split()) for text, _ in read) <= 18


def test_sources_that_get_no_word_are_named(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("one two\n" * (3 if name == "b" else 1))
    with pytest.warns(
        UserWarning, match=r"less than the 3 files.*nothing is read of a\.txt, c\.tx"
    ):
        read = list(read_babylm(tmp_path, 1))
    assert read == [Utterance("one", "b.txt")]


@settings(max_examples=300)
@given(st.text("= a\t", max_size=14))
def test_headings_are_those_of_the_plain_pattern(line):
    """A pattern that says the same, but takes a time that grows with the cube of the length."""
    assert _is_heading(line) == bool(re.fullmatch(r"\s*=(?:\s*=)+\s.*\s=(?:\s*=)+\s*", line))


def test_lines_that_are_no_text_are_left_out_and_counted(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"first\nsecond\n\xff\xfe\nlast\n")
    lines = read_babylm(tmp_path)
    assert [next(lines).text, next(lines).text] == ["first", "second"]
    with pytest.warns(UserWarning, match=r"1 of 4 rows were left out.*a\.txt, line 3: not UTF-8"):
        assert [text for text, _ in lines] == ["last"]


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes("ä\n".encode("latin-1") * 1000)
    with pytest.raises(DataFormatError, match=r"line 1: not UTF-8.*So are 19 of the next 19"):
        list(read_babylm(tmp_path))


def test_a_mark_of_byte_order_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbffirst\n")
    assert next(read_babylm(tmp_path)).text == "first"


def test_held_out_text_is_not_read_along(corpus):
    (corpus / "childes.dev").write_text("held out\n")
    with pytest.raises(DataFormatError, match=r"several kinds \(\.train, \.dev\)"):
        read_babylm(corpus)
    assert [text for text, _ in read_babylm(corpus / "childes.dev")] == ["held out"]


def test_what_cannot_be_read_is_named_at_once(tmp_path):
    with pytest.raises(DataFormatError, match=r"holds no such file; expected one of \.train"):
        read_babylm(tmp_path)
    with pytest.raises(DataFormatError, match="nowhere is not there"):
        read_babylm(tmp_path / "nowhere")
    for bad in (0, -3, 2.5, True):
        with pytest.raises(ValueError, match="max_words="):
            read_babylm(tmp_path, bad)
