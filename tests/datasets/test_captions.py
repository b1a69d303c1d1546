"""The reader of captions: three formats that say the same, and files that are something else."""

from __future__ import annotations

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets import DataFormatError
from sdc_helpers.datasets.captions import ImageCaptions, read_captions

PAIRS = [("12", "A dog."), ("7", "Ein Bär."), ("12", "A cat — really, a cat.")]
EXPECTED = ImageCaptions(("12", "7"), (("A dog.", "A cat — really, a cat."), ("Ein Bär.",)))
TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


def write(folder, kind, pairs):
    file = folder / f"captions{kind}"
    if kind == ".tsv":
        text = "".join(f"{caption}\t{image}\n" for image, caption in pairs)
    elif kind == ".jsonl":
        objects = [{"image_id": i, "caption": c, "annotator_id": 3} for i, c in pairs]
        text = "".join(json.dumps(item) + "\n" for item in objects)
    else:
        images = [{"id": image, "height": 480} for image in dict.fromkeys(i for i, _ in pairs)]
        annotations = [
            {"image_id": image, "id": number, "caption": caption}
            for number, (image, caption) in enumerate(pairs)
        ]
        text = json.dumps({"info": {}, "images": images, "annotations": annotations})
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("kind", [".tsv", ".jsonl", ".json"])
def test_three_formats_of_the_same_captions(tmp_path, kind):
    assert read_captions(write(tmp_path, kind, PAIRS)) == EXPECTED
    assert read_captions(str(write(tmp_path, kind, PAIRS))) == EXPECTED
    assert len(EXPECTED) == 2


@pytest.mark.parametrize("kind", [".jsonl", ".json"])
def test_numbers_are_identifiers_too(tmp_path, kind):
    pairs = [(int(image), f" {caption}\n") for image, caption in PAIRS]
    assert read_captions(write(tmp_path, kind, pairs)) == EXPECTED


@settings(deadline=None, max_examples=30)
@given(
    pairs=st.lists(st.tuples(TEXT, TEXT.map("a {}".format)), min_size=1, max_size=8),
    kind=st.sampled_from([".tsv", ".jsonl", ".json"]),
)
def test_every_caption_is_kept_with_its_image(tmp_path_factory, pairs, kind):
    found = read_captions(write(tmp_path_factory.mktemp("captions"), kind, pairs))
    images = list(dict.fromkeys(image for image, _ in pairs))
    assert list(found.image_ids) == images
    for image, own in zip(found.image_ids, found.captions, strict=True):
        assert list(own) == [caption for i, caption in pairs if i == image]


def coco(**changes):
    content = {"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": "A."}]}
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    ("kind", "content", "match"),
    [
        ("tsv", "A dog.\nA cat.\n", "line 1: expected a caption, a tab and an address"),
        ("tsv", "A dog.\thttp://x\nA cat.\nA\tb\tc\n", "line 2: expected a caption, a tab and an"),
        ("tsv", "a dog\tthe dog\n", r"line 1: it is not clear which.*'a dog', 'the dog'"),
        ("tsv", "a.jpg\tb.jpg\n", "line 1: it is not clear which column holds captions"),
        ("tsv", "caption\ttext\turl\na\tb\tc\n", "line 1: the header names several captions"),
        ("tsv", "a dog\t41", "line 1: this last line has no line end and may be cut"),
        ("tsv", "A\tb\tc\n", "line 1: expected a caption"),
        ("tsv", "A dog.\t\n", "line 1: expected a caption"),
        ("tsv", "\n", "holds no caption"),
        (
            "jsonl",
            '{"image_id": 1, "caption": "A"}\n' + 2 * '{"image_id": 2}\n',
            "line 2: the field 'capt",
        ),
        ("jsonl", '{"caption": "A"}\n', "line 1: the field 'image_id' is missing"),
        ("jsonl", '{"image_id": 1.5, "caption": "A"}\n', "line 1: the field 'image_id' is 1.5"),
        ("jsonl", '{"image_id": true, "caption": "A"}\n', "line 1: the field 'image_id' is True"),
        ("jsonl", '{"image_id": 1, "caption": " "}\n', "line 1: the field 'caption' is ' '"),
        ("jsonl", "A dog.\thttp://x\n", "line 1: not JSON"),
        ("json", "{", "not JSON"),
        ("json", coco(annotations=None), "expected a list named 'annotations'"),
        ("json", '{"annotations": []}', "expected a list named 'images'"),
        ("json", coco(images=[{"id": 1}, {"id": 5}, {"id": 6}]), "image 5 has no caption"),
        ("json", coco(images=[{"id": 1}, {}, {}]), "image 1: the field 'id' is missing"),
        (
            "json",
            coco(annotations=[{"image_id": 9, "caption": "A."}]),
            "annotation 0: image 9 is not among the images",
        ),
        ("json", coco(annotations=[{"image_id": 1}]), "annotation 0: the field 'caption' is miss"),
        ("json", coco(annotations=[{"image_id": 1, "caption": "http://x.org/1"}]), "is an address"),
        ("json", coco(annotations=["A."]), "annotation 0: the field 'image_id' is missing"),
        ("json", coco(annotations=[], images=[]), "holds no caption"),
    ],
)
def test_other_content_is_named(tmp_path, kind, content, match):
    file = tmp_path / f"some.{kind}"
    file.write_text(content)
    with pytest.raises(DataFormatError, match=rf"some\.{kind}.*{match}"):
        read_captions(file)


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "json"])
def test_a_file_that_is_not_there_is_named(tmp_path, kind):
    with pytest.raises(DataFormatError, match=rf"some\.{kind} cannot be read"):
        read_captions(tmp_path / f"some.{kind}")


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"some\.csv: expected a file of captions, \.tsv"):
        read_captions(tmp_path / "some.csv")


ADDRESSES = ["https://x.org/1.jpg?w=3", "//x.org/2", "000000391895.jpg", "photos/a.PNG"]


@pytest.mark.parametrize("image_first", [False, True])
@pytest.mark.parametrize("header", ["", "text\tfilepath\n", "url\tcaption\n"])
def test_addresses_never_become_captions(tmp_path, header, image_first):
    """Whatever a header says of their order, it is obeyed; without one, addresses tell."""
    if header:
        image_first = header.startswith("url")
    rows = [(f"a dog {k}", image)[:: -1 if image_first else 1] for k, image in enumerate(ADDRESSES)]
    file = tmp_path / "some.tsv"
    file.write_text(header + "".join("\t".join(row) + "\n" for row in rows))
    found = read_captions(file)
    assert found.image_ids == tuple(ADDRESSES)
    assert found.captions == tuple((f"a dog {k}",) for k in range(4))


def test_a_table_of_many_columns_is_read_by_its_header(tmp_path):
    file = tmp_path / "some.tsv"
    file.write_text("key\tImage ID\tsize\tCaption\n0\t418\t3\ta dog\n1\t7\t3\ta cat\n1\t8\n")
    with pytest.warns(
        UserWarning, match="1 of 3 rows.*line 4: expected 4 fields, as in the header"
    ):
        assert read_captions(file) == ImageCaptions(("418", "7"), (("a dog",), ("a cat",)))


@pytest.mark.parametrize("order", [1, -1])
def test_a_last_line_that_was_cut_is_left_out(tmp_path, order):
    """Image 418 is not image 41, and a caption that was cut is none."""
    rows = [("a dog", "17"), ("a cat on a mat", "23"), ("two boys in red", "418")]
    text = "".join("\t".join(row[::order]) + "\n" for row in rows)
    (tmp_path / "some.tsv").write_text(text[:-2])
    with pytest.warns(UserWarning, match="1 of 3 rows.*line 3: this last line has no line end"):
        assert read_captions(tmp_path / "some.tsv").image_ids == ("17", "23")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\r", "\n\n"])
def test_a_last_line_is_whole_if_it_ends(tmp_path, ending):
    """A row that has all its fields may be a part all the same."""
    content = f"a dog\t17\na cat on a mat\t23\ntwo boys in red\t418{ending}"
    (tmp_path / "some.tsv").write_bytes(content.encode())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_captions(tmp_path / "some.tsv").image_ids
    assert found == (("17", "23", "418") if ending else ("17", "23"))
    assert [("end the line if nothing is missing" in str(w.message)) for w in caught] == [True] * (
        not ending
    )


@pytest.mark.parametrize("kind", [".jsonl", ".json"])
def test_bad_entries_are_left_out_and_counted(tmp_path, kind):
    pairs = [*PAIRS, ("9", " "), ("12", "https://x.org/1.jpg")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert read_captions(write(tmp_path, kind, pairs)) == EXPECTED
    images = [str(w.message) for w in caught if "has no caption" in str(w.message)]
    assert len(images) == (kind == ".json")
    assert sum("2 of 5 rows" in str(w.message) for w in caught) == 1
