"""Sentences to numbers and back."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.curriculum.tokenizer import END, IMAGE, PAD, START, CaptionTokenizer

TEXT = ["Two brown towers.", "A sign with the word HOTEL on the road.", "A dog and a cat."] * 4


@pytest.fixture(scope="module")
def tokenizer():
    return CaptionTokenizer.train(TEXT, 320)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_every_sentence_comes_back(words):
    sentence = " ".join(words)
    plain = CaptionTokenizer.train(TEXT, 300, max_tokens=400)
    assert plain.decode(plain([sentence])[0]) == sentence


def test_sentences_begin_and_end_and_pads_follow(tokenizer):
    tokens = tokenizer([TEXT[0], TEXT[1]])
    assert tokens.dtype == torch.int64
    for row in tokens:
        words = row[row != PAD]
        assert words[0] == START
        assert words[-1] == END
        assert not torch.isin(words[1:-1], torch.tensor([PAD, START, END, IMAGE])).any()
        assert (row[len(words) :] == PAD).all()
    assert tokens.max() < tokenizer.vocabulary_size <= 320


def test_a_learned_word_is_one_token_and_a_strange_one_many(tokenizer):
    found = tokenizer.tokenize(["A sign", "A zyx"])
    assert (found.tokens[0] != PAD).sum() == 4
    assert (found.tokens[1] != PAD).sum() > 4


def test_starts_are_the_characters_where_tokens_begin(tokenizer):
    sentence = "A dog and a cat."
    found = tokenizer.tokenize([sentence])
    starts = found.starts[0]
    assert starts[0] == starts[-1] == -1
    assert np.all(np.diff(starts[1:-1]) > 0)
    pieces = [
        sentence[a:b] for a, b in zip(starts[1:-1], [*starts[2:-1], len(sentence)], strict=True)
    ]
    assert "".join(pieces) == sentence
    decoded = [tokenizer.decode([token]) for token in found.tokens[0, 1:-1]]
    assert decoded == [piece.strip() for piece in pieces]


def test_long_sentences_are_cut_and_still_end():
    short = CaptionTokenizer.train(TEXT, 300, max_tokens=5)
    tokens = short([TEXT[1]])
    assert tokens.shape == (1, 5)
    assert tokens[0, -1] == END


def test_it_is_the_same_after_saving(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "words.json")
    again = CaptionTokenizer.load(tmp_path / "words.json")
    assert again.vocabulary_size == tokenizer.vocabulary_size
    torch.testing.assert_close(again(TEXT), tokenizer(TEXT))


def test_its_words_are_those_of_the_training_text_alone():
    with_hotel, without = (CaptionTokenizer.train(t, 320) for t in (TEXT, [TEXT[0], TEXT[2]]))
    count = [int((t(["HOTEL"])[0] != PAD).sum()) for t in (with_hotel, without)]
    assert count[0] < count[1]


# --- names of special tokens are text like other text ---------------------------------

SPECIAL = ("<pad>", "<start>", "<end>", "<image>")
SIGNS = st.lists(st.sampled_from([*SPECIAL, "<", "pad>", "<|image|>", " ", "a dog", "<PAD>"]))
SIGNS = SIGNS.map("".join).filter(str.strip)


@given(SIGNS)
def test_names_are_spelt_with_their_signs(tokenizer, text):
    tokens = tokenizer([text])[0]
    assert not torch.isin(tokens[1:-1], torch.tensor([PAD, START, END, IMAGE])).any()
    assert (tokens[0], tokens[-1]) == (START, END)
    assert len(tokens) == tokenizer.max_tokens or tokenizer.decode(tokens) == text.strip()


def through_a_file(tokenizer, folder):
    tokenizer.save(folder / "words.json")
    return CaptionTokenizer.load(folder / "words.json")


@pytest.mark.parametrize(
    "again",
    [
        through_a_file,
        lambda tokenizer, _: copy.copy(tokenizer),
        lambda tokenizer, _: copy.deepcopy(tokenizer),
        lambda tokenizer, _: pickle.loads(pickle.dumps(tokenizer)),  # noqa: S301
    ],
    ids=["file", "copy", "deepcopy", "other process"],
)
def test_names_stay_text_in_every_copy(tokenizer, tmp_path, again):
    text = ["a <pad> dog <image> on <end>"]
    torch.testing.assert_close(again(tokenizer, tmp_path)(text), tokenizer(text))


def test_names_in_the_training_text_are_text():
    trained = CaptionTokenizer.train(["a <pad> dog <image>"] * 9, 300)
    found = trained.tokenize(["a <pad> dog <image>"])
    assert (found.tokens[0] == PAD).sum() == (found.tokens[0] == IMAGE).sum() == 0
    assert trained.decode(found.tokens[0]) == "a <pad> dog <image>"
    assert trained.vocabulary_size > 260  # something was learned


@pytest.mark.parametrize(
    ("sentences", "message"),
    [([], "at least one string"), (["a", " "], "sentence 1 is ' '"), ([3], "number 0 is 3")],
)
def test_bad_sentences(tokenizer, sentences, message):
    with pytest.raises(ValueError, match=message):
        tokenizer(sentences)


def test_bad_training():
    with pytest.raises(ValueError, match="at least 260"):
        CaptionTokenizer.train(TEXT, 100)
    with pytest.raises(ValueError, match="no sentence"):
        CaptionTokenizer.train([])
