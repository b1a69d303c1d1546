"""The reader of SugarCrepe: the real files, and files that are something else."""

from __future__ import annotations

import json

import pytest

from sdc_helpers.datasets import DataFormatError, DataUnavailableError
from sdc_helpers.datasets.sugar_crepe import HardNegative, load_sugar_crepe


@pytest.fixture(scope="module")
def real(mirror_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDC_DATA", str(tmp_path_factory.mktemp("sdc_data")))
        patch.setenv("SDC_DATA_MIRROR", str(mirror_folder))
        return load_sugar_crepe()


def item(filename="1.jpg", caption="A cat.", negative="A dog."):
    return {"filename": filename, "caption": caption, "negative_caption": negative}


def test_real_kinds_have_the_published_sizes(real):
    """Hsieh et al. 2023, table of the test cases."""
    assert {kind: len(items) for kind, items in real.items()} == {
        "add_obj": 2062,
        "replace_rel": 1406,
        "swap_att": 666,
    }
    assert real["swap_att"][0] == HardNegative(
        "000000565045.jpg",
        "Blue bathroom with two white towels hanging by the shower.",
        "White bathroom with two blue towels hanging by the shower.",
    )
    # nothing is added or taken away where attributes are swapped: mostly the same words
    same = [
        sorted(x.caption.lower().split()) == sorted(x.negative.lower().split())
        for x in real["swap_att"]
    ]
    assert sum(same) > len(same) / 2


def test_items_are_read_as_written(tmp_path):
    (tmp_path / "b.json").write_text(json.dumps({"7": item(), "2": item("2.jpg", "X.", "Y.")}))
    (tmp_path / "a.json").write_text(json.dumps({"0": item(caption="É.")}), encoding="utf-8")
    assert load_sugar_crepe(str(tmp_path)) == {
        "a": [HardNegative("1.jpg", "É.", "A dog.")],
        "b": [HardNegative("1.jpg", "A cat.", "A dog."), HardNegative("2.jpg", "X.", "Y.")],
    }


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"5": {"filename": "a", "caption": "b"}}, "'5': the field 'negative_caption'"),
        ({"0": item(caption=" ")}, "item '0': the field 'caption' is ' '"),
        ({"0": item(filename=None)}, "item '0': the field 'filename' is None"),
        ({"0": ["a"]}, "item '0': the field 'filename' is missing"),
        ({"0": item(negative="A cat.")}, r"item '0': both captions are 'A cat\.'"),
        ([item()], "expected a JSON object, got list"),
        ({}, "holds no item"),
    ],
)
def test_other_content_is_named(tmp_path, content, match):
    (tmp_path / "some.json").write_text(json.dumps(content))
    with pytest.raises(DataFormatError, match=rf"some\.json.*{match}"):
        load_sugar_crepe(tmp_path)


def test_bad_items_are_left_out_and_counted(tmp_path):
    content = {"0": item(), "5": {"filename": "a", "caption": "b"}, "6": item(negative="A cat.")}
    content["7"] = item("2.jpg")
    (tmp_path / "some.json").write_text(json.dumps(content))
    with pytest.warns(UserWarning, match=r"2 of 4 rows.*item '5': the field.*others: item '6'"):
        found = load_sugar_crepe(tmp_path)["some"]
    assert [one.filename for one in found] == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b'{"0": ', b"\xff\xfe"])
def test_a_file_that_is_no_json_is_named(tmp_path, content):
    (tmp_path / "some.json").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"some\.json(: not JSON| cannot be read)"):
        load_sugar_crepe(tmp_path)


def test_without_files_says_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(DataFormatError, match=r"holds no file \*\.json"):
        load_sugar_crepe(tmp_path)
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailableError, match="sdc data fetch sugar_crepe"):
        load_sugar_crepe()
