"""Captions that hold the names of control tokens: plain text for every tokenizer of open_clip."""

from __future__ import annotations

import copy
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.embeddings import embed_texts, load_clip
from sdc_helpers.embeddings._clip_tokenizer import open_clip_tokenizer, read_plainly

open_clip = pytest.importorskip("open_clip")
pytestmark = pytest.mark.usefixtures("_tiny_is_known")

NAMES = ("<start_of_text>", "<end_of_text>")
PARTS = (
    *NAMES, "<END_OF_TEXT>", "&lt;end_of_text&gt;", "&amp;lt;end_of_text&amp;gt;",
    "<end_of_<end_of_text>text>", "<end_of_text", "end_of_text>", "<", ">", "!", " ", "a dog", "7",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join)


@pytest.fixture(scope="module")
def tokenizer():
    return open_clip_tokenizer("ViT-B-32")


@pytest.fixture(scope="module")
def without_names():
    """CLIP's tokenizer, the names of its control tokens taken out of its pattern and its words."""
    plain = open_clip.tokenizer.SimpleTokenizer()
    kind, flags = type(plain.pat), plain.pat.flags
    pattern = plain.pat.pattern.removeprefix("|".join(NAMES) + "|")
    assert pattern != plain.pat.pattern
    plain.pat = __import__(kind.__module__.split(".")[0].lstrip("_")).compile(pattern, flags)
    plain.cache = {}
    return plain


@given(TEXTS)
def test_names_give_the_tokens_of_their_signs(tokenizer, without_names, text):
    found = tokenizer([text])
    np.testing.assert_array_equal(found, without_names([text]))
    inside = found[0, 1 : int(found[0].argmax())]
    assert not np.isin(inside, tokenizer.all_special_ids).any()


def test_other_texts_have_the_tokens_they_always_had(tokenizer):
    texts = [
        "A dog's life: 3 < 5 > 2, e_o_t",
        "Zwei Hunde am Strand",
        "<b>bold</b> text &amp; more",
    ]
    np.testing.assert_array_equal(tokenizer(texts), open_clip.get_tokenizer("ViT-B-32")(texts))


@pytest.mark.parametrize("name", [*NAMES, "&lt;end_of_text&gt;", "<End_Of_Text>"])
def test_what_follows_a_name_is_seen(tiny, name):
    red, blue, plain = embed_texts(tiny, [f"a {name} red", f"a {name} blue", "a"]).vectors
    assert np.abs(red - blue).max() > 1e-3
    assert np.abs(red - plain).max() > 1e-3


# --- tokenizers of the hub -----------------------------------------------------------

SPECIAL = {
    "bert": {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]",
             "sep_token": "[SEP]", "mask_token": "[MASK]"},
    "roberta": {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>",
                "eos_token": "</s>", "mask_token": "<mask>"},
}  # fmt: skip
CORPUS = [
    "a dog and a cat",
    "[ ] < > / unk pad cls sep mask s MASK PAD",
    "unkunk padpad clscls sepsep maskmask",
]


def make_folder(kind, folder):
    """Write a tokenizer as the hub holds it: words in pieces as BERT, or bytes as RoBERTa."""
    from tokenizers import (
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
        trainers,
    )

    special = SPECIAL[kind]
    if kind == "bert":
        words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        words.normalizer = normalizers.BertNormalizer(lowercase=True)
        words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer, first, last = trainers.WordPieceTrainer, "[CLS]", "[SEP]"
    else:
        words = Tokenizer(models.BPE())
        words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        words.decoder = decoders.ByteLevel()
        trainer, first, last = trainers.BpeTrainer, "<s>", "</s>"
    names = list(special.values())
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        CORPUS,
        trainer(
            vocab_size=400, special_tokens=names, initial_alphabet=alphabet, show_progress=False
        ),
    )
    words.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(name, words.token_to_id(name)) for name in (first, last)],
    )
    folder.mkdir()
    words.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=SPECIAL)
def of_hub(request, tmp_path_factory):
    pytest.importorskip("transformers")
    folder = make_folder(request.param, tmp_path_factory.mktemp("hub") / request.param)
    return request.param, folder


def texts_with(kind):
    names = SPECIAL[kind].values()
    texts = [f"a dog {name} and a cat" for name in names]
    texts += [f"{name}{name}" for name in names]
    texts += ["a &lt;mask&gt; dog", "<<mask>mask>", "[[MASK]MASK]"]
    return texts


@pytest.mark.parametrize("clean", ["whitespace", "lower", "canonicalize"])
def test_names_are_plain_for_tokenizers_of_the_hub(of_hub, clean):
    kind, folder = of_hub
    tokenizer = read_plainly(
        open_clip.tokenizer.HFTokenizer(str(folder), context_length=40, clean=clean)
    )
    special = tokenizer.tokenizer.all_special_ids
    assert len(special) == len(SPECIAL[kind])
    for text in texts_with(kind):
        row = tokenizer([text])[0].numpy()
        control = np.flatnonzero(np.isin(row, special))
        end = control[1]  # the beginning, the end, and what fills the row
        assert control[0] == 0
        assert set(row[end + 1 :]) <= {tokenizer.tokenizer.pad_token_id}
        letters = re.sub(r"\W", "", tokenizer.tokenizer.decode(row[1:end])).lower()
        cleaned = open_clip.tokenizer.get_clean_fn(clean)(text)
        assert letters == re.sub(r"\W", "", cleaned).lower()


def test_words_in_pieces_give_the_tokens_of_the_signs(tmp_path):
    pytest.importorskip("transformers")
    folder = make_folder("bert", tmp_path / "bert")
    ours, plain = (
        open_clip.tokenizer.HFTokenizer(str(folder), context_length=40, split_special_tokens=split)
        for split in (False, True)
    )
    texts = texts_with("bert")
    assert not np.array_equal(ours(texts), plain(texts))  # open_clip's own reading
    np.testing.assert_array_equal(read_plainly(ours)(texts), plain(texts))


def test_a_clip_with_a_tokenizer_of_the_hub(of_hub, monkeypatch):
    _, folder = of_hub
    config = copy.deepcopy(open_clip.get_model_config("tiny"))
    config["text_cfg"] |= {"hf_tokenizer_name": str(folder), "context_length": 40}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "hub", config)
    clip = load_clip("hub", "random")
    name = list(SPECIAL[of_hub[0]].values())[1]
    rows = clip.tokenize([f"a {name} dog", f"a {name} cat", "a dog"])
    assert rows.shape == (3, 40)
    pad = int(rows[2, -1])
    assert (rows[0] != pad).sum() > (rows[2] != pad).sum()
    assert embed_texts(clip, ["a dog", f"a {name} dog"]).vectors.shape == (2, 24)


def test_a_tokenizer_without_names_is_left_alone():
    def words(texts):
        return texts

    assert read_plainly(words) is words
