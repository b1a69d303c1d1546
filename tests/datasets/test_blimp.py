"""The reader of BLiMP: the real files, and files that are something else."""

from __future__ import annotations

import json

import pytest

from sdc_helpers.datasets import DataFormatError, DataUnavailableError
from sdc_helpers.datasets.blimp import load_blimp

PARADIGMS = [
    "anaphor_number_agreement",
    "animate_subject_trans",
    "determiner_noun_agreement_1",
    "existential_there_quantifiers_1",
    "regular_plural_subject_verb_agreement_1",
]


@pytest.fixture(scope="module")
def real(mirror_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDC_DATA", str(tmp_path_factory.mktemp("sdc_data")))
        patch.setenv("SDC_DATA_MIRROR", str(mirror_folder))
        return load_blimp()


def line(good="A dog sits.", bad="A dog sit.", **others):
    return json.dumps({"sentence_good": good, "sentence_bad": bad, **others}) + "\n"


def test_real_paradigms_have_a_thousand_pairs(real):
    assert list(real) == PARADIGMS
    assert {len(pairs) for pairs in real.values()} == {1000}
    assert real[PARADIGMS[0]][0] == ("Susan revealed herself.", "Susan revealed themselves.")
    for good, bad in (pair for pairs in real.values() for pair in pairs):
        assert good != bad
        assert good == good.strip()


def test_what_is_asked_for_is_read_in_the_order_asked(tmp_path):
    (tmp_path / "b.jsonl").write_text(line() + "\n" + line("Dogs sit.", "Dogs sits.", UID="x"))
    (tmp_path / "a.jsonl").write_text(line("Ü.", "É."), encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("{")
    (tmp_path / "README.md").write_text("no data")
    found = load_blimp(tmp_path, ("b", "a", "b"))
    assert list(found.items()) == [
        ("b", [("A dog sits.", "A dog sit."), ("Dogs sit.", "Dogs sits.")]),
        ("a", [("Ü.", "É.")]),
    ]
    for unknown in (["a", "c"], "a"):
        with pytest.raises(ValueError, match="expected names out of a, b, broken"):
            load_blimp(str(tmp_path), unknown)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"sentence_good": "A."}\n', "line 1: the field 'sentence_bad' is missing"),
        ('{"sentence_bad": "A."}\n', "line 1: the field 'sentence_good' is missing"),
        (line(bad=""), "line 1: the field 'sentence_bad' is '', expected text"),
        (line(good=3), "line 1: the field 'sentence_good' is 3"),
        (line("Same.", "Same."), r"line 1: both sentences are 'Same\.'"),
        (line() + "\n\n<html>\n<body>\n", "line 4: not JSON.* So are 1 of the next 2"),
        ("[1]\n", "line 1: expected a JSON object, got list"),
        ("\n", "holds no pair"),
    ],
)
def test_other_content_is_named_with_file_line_and_field(tmp_path, content, match):
    (tmp_path / "some.jsonl").write_text(content)
    with pytest.raises(DataFormatError, match=rf"some\.jsonl.*{match}"):
        load_blimp(tmp_path)


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "some.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(DataFormatError, match=r"some\.jsonl, line 1: not UTF-8"):
        load_blimp(tmp_path)


def test_bad_lines_are_left_out_and_counted_once(tmp_path):
    same, half = line("Same.", "Same."), '{"sentence_good": "A."}\n'
    content = line() * 7 + same + half * 5 + "{cut\n"
    (tmp_path / "some.jsonl").write_bytes(content.encode() + b"\xff\n" + line("B.", "C.").encode())
    with pytest.warns(UserWarning, match="rows were left out") as caught:
        pairs = load_blimp(tmp_path)["some"]
    assert len(pairs) == 8
    assert pairs[-1] == ("B.", "C.")
    [message] = [str(warning.message) for warning in caught]
    assert message.startswith(
        f"8 of 16 rows were left out. {tmp_path / 'some.jsonl'}, line 8: both"
    )
    assert message.endswith("The others: line 9, line 10, line 11, line 12, ...")
    assert caught[0].filename == __file__


def test_without_files_says_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(DataFormatError, match=r"holds no file \*\.jsonl"):
        load_blimp(tmp_path)
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailableError, match="sdc data fetch blimp"):
        load_blimp()
