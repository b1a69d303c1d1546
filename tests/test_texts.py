"""Texts as users keep them: every kind of strings at every door, and what is no text refused."""

from __future__ import annotations

from collections import deque

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers._texts import text_groups, text_list
from sdc_helpers.concepts.words import enriched_words, nearest_words, words_of
from sdc_helpers.curriculum.difficulty import NounCount, WordCount, WordRarity, image_difficulty
from sdc_helpers.curriculum.evaluation import caption_likelihood
from sdc_helpers.curriculum.results import LogLikelihoods
from sdc_helpers.curriculum.tokenizer import CaptionTokenizer
from sdc_helpers.embeddings import embed_captions, embed_texts, load_clip
from sdc_helpers.embeddings.small_clip import SmallClipTokenizer

WORDS = ["a red apple", "two dogs", "a dog", "two dogs"]


def generator(texts):
    return (text for text in texts)


KINDS = {
    "list": list,
    "tuple": tuple,
    "deque": deque,
    "generator": generator,
    "values of a dict": lambda texts: dict(enumerate(texts)).values(),
    "array": np.array,
    "objects": lambda texts: np.array(texts, dtype=object),
    "scalars of numpy": lambda texts: [np.str_(text) for text in texts],
    "numpy StringDType": lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
    "masked, nothing hidden": lambda texts: np.ma.array(texts),
    "Series": lambda texts: pd.Series(texts, index=range(len(texts))[::-1]),
    "Series of objects": lambda texts: pd.Series(texts, dtype=object),
    "StringDtype": lambda texts: pd.Series(texts, dtype="string"),
    "Categorical": pd.Categorical,
    "Series of categories": lambda texts: pd.Series(texts, dtype="category"),
    "Index": pd.Index,
    "column": lambda texts: pd.DataFrame({"caption": texts})["caption"],
}
NOT_TEXTS = {
    "one string": (lambda _: "two dogs", r"one text pass \['two dogs'\]"),
    "bytes": (lambda _: b"two dogs", "got bytes"),
    "bytes in a list": (lambda texts: [texts[0], b"x"], r"number 1 is b'x', which are bytes"),
    "array of bytes": (lambda texts: np.array(texts, dtype="S"), r"number 0 is .*are bytes"),
    "set": (set, "got set"),
    "dict": (lambda texts: dict.fromkeys(texts, 1), "got dict"),
    "number": (lambda _: 7, "got int"),
    "None": (lambda _: None, "got NoneType"),
    "table": (lambda texts: pd.DataFrame({"caption": texts}), r"DataFrame of shape \(4, 1\)"),
    "array of two axes": (lambda texts: np.array([texts]), r"ndarray of shape \(1, 4\)"),
    "array without axes": (lambda texts: np.array(texts[0]), r"ndarray of shape \(\)"),
    "lists in a list": (lambda texts: [texts], "number 0 is .'a red apple'"),
    "numbers": (lambda _: np.arange(3), r"number 0 is .*0"),
    "None in a list": (lambda texts: [*texts[:2], None], "number 2 is None: a missing value"),
    "NaN": (
        lambda texts: pd.Series([texts[0], np.nan], dtype=object), "number 1 is nan: a missing",
    ),
    "NA": (
        lambda texts: pd.Series([*texts, pd.NA], dtype="string"), "number 4 is <NA>: a missing",
    ),
    "category without a name": (
        lambda texts: pd.Categorical([texts[0], None]), "number 1 is nan: a missing",
    ),
    "masked": (
        lambda texts: np.ma.array(texts, mask=[0, 1, 0, 0]), r"number 1 is masked: a missing",
    ),
}  # fmt: skip


def tag_all(caption):
    return [(word, "NN") for word in caption.split()]


def score(sentences, _):
    return LogLikelihoods(-np.array([len(s) for s in sentences], float), np.full(len(sentences), 2))


@pytest.fixture(scope="module")
def clip():
    return load_clip("course-small", "random")


@pytest.fixture(scope="module")
def tokenizer():
    return CaptionTokenizer.train(WORDS, 300)


VECTORS = np.eye(4) + np.arange(4)[:, None]
DOORS = {
    "embed_texts": lambda texts, clip, _: embed_texts(clip, texts).vectors,
    "embed_captions": lambda texts, clip, _: embed_captions(clip, [texts]).vectors,
    "ClipModel.tokenize": lambda texts, clip, _: clip.tokenize(texts).numpy(),
    "CaptionTokenizer": lambda texts, _, tokenizer: tokenizer(texts).numpy(),
    "SmallClipTokenizer.train": lambda texts, *_: SmallClipTokenizer.train(texts).words,
    "words_of": lambda texts, *_: sorted(words_of(texts)),
    "enriched_words": lambda texts, *_: (
        enriched_words([texts], [["a cat"]], {"dog", "dogs", "cat"}, min_pictures=1).words
    ),
    "nearest_words": lambda texts, *_: nearest_words(np.arange(4.0), VECTORS, texts, 3),
    "NounCount": lambda texts, *_: NounCount(tag_all)(texts),
    "WordCount": lambda texts, *_: WordCount()(texts),
    "WordRarity": lambda texts, *_: WordRarity(WORDS)(texts),
    "image_difficulty": lambda texts, *_: image_difficulty([texts], WordCount()),
    "caption_likelihood": lambda texts, *_: caption_likelihood(score, texts).total,
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_every_kind(clip, tokenizer, door):
    expected = DOORS[door](WORDS, clip, tokenizer)
    assert len(expected)
    for name, kind in KINDS.items():
        found = DOORS[door](kind(WORDS), clip, tokenizer)
        np.testing.assert_array_equal(found, expected, err_msg=name)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", NOT_TEXTS)
def test_every_door_refuses_what_is_no_text(clip, tokenizer, door, kind):
    make, message = NOT_TEXTS[kind]
    with pytest.raises(ValueError, match=message):
        DOORS[door](make(WORDS), clip, tokenizer)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_strings_come_out(kind):
    found = text_list(KINDS[kind](WORDS))
    assert found == WORDS
    assert {type(text) for text in found} == {str}


@given(st.lists(st.text(), min_size=1), st.sampled_from(sorted(KINDS)))
def test_texts_come_out_as_they_went_in(texts, kind):
    if kind in ("array", "masked, nothing hidden", "scalars of numpy"):
        texts = [text.rstrip("\0") for text in texts]  # which numpy's own strings cannot hold
    assert text_list(KINDS[kind](texts)) == texts


def test_none_may_be_too_few():
    assert text_list([], empty=True) == []
    with pytest.raises(ValueError, match="captions must hold at least one string, got none"):
        text_list(pd.Series([], dtype="string"), "captions")


def test_a_frame_is_a_row_of_texts_for_each_item():
    frame = pd.DataFrame({"first": WORDS, "second": WORDS[::-1]}, index=[3, 1, 2, 0])
    expected = [list(pair) for pair in zip(WORDS, WORDS[::-1], strict=True)]
    for groups in (frame, frame.to_numpy(), frame.to_numpy(str), expected, map(tuple, expected)):
        assert text_groups(groups) == expected
    assert text_groups(pd.Series(expected)) == expected


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("two dogs", "got one string"),
        (WORDS, r"captions\[0\] must be a sequence"),
        ([["a dog"], ["a cat", None]], r"captions\[1\] must be strings; number 1 is None: a miss"),
        ([["a dog"], []], r"captions\[1\] must hold at least one"),
        ({"a": ["b"]}, "got dict"),
        ([], "at least one item"),
        (np.zeros((1, 1, 1)), "got ndarray"),
    ],
)
def test_groups_say_which_item_is_wrong(clip, groups, message):
    with pytest.raises(ValueError, match=message):
        embed_captions(clip, groups)
    with pytest.raises(ValueError, match=message):
        image_difficulty(groups, WordCount())
