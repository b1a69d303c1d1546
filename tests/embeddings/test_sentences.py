"""Sentences no further than they go: the same embeddings as the whole text tower's."""

from __future__ import annotations

import open_clip
import pytest
import torch

from sdc_helpers.embeddings.sentences import encode_sentences
from sdc_helpers.embeddings.small_clip import build_small_clip

END = 49


def sentences(lengths, width=64):
    rng = torch.Generator().manual_seed(0)
    tokens = torch.zeros(len(lengths), width, dtype=torch.int64)
    for row, n in zip(tokens, lengths, strict=True):
        row[:n] = torch.randint(1, END, (n,), generator=rng)
        row[n - 1] = END
    return tokens


@pytest.mark.parametrize(
    "lengths", [[3], [64, 2, 9, 31, 2, 17, 5, 64, 12, 4, 40], [7] * 5], ids=["one", "many", "equal"]
)
def test_embeddings_are_those_of_the_whole_tower(lengths):
    model = build_small_clip(END + 1, name="course-fine").eval()
    tokens = sentences(lengths)
    with torch.no_grad():
        torch.testing.assert_close(
            encode_sentences(model, tokens), model.encode_text(tokens), rtol=1e-4, atol=1e-5
        )


def test_gradients_are_those_of_the_whole_tower():
    model, grads = build_small_clip(END + 1, name="course-fine"), []
    tokens = sentences([5, 30, 64, 8, 8, 11, 50])
    for encode in (encode_sentences, lambda m, t: m.encode_text(t)):
        model.zero_grad()
        encode(model, tokens).pow(2).sum().backward()
        grads.append(model.token_embedding.weight.grad.clone())
    torch.testing.assert_close(*grads, rtol=1e-3, atol=1e-4)


def test_a_tower_read_elsewhere_computes_all(monkeypatch):
    model = build_small_clip(END + 1, name="course-fine").eval()
    model.text_pool_type = "last"
    tokens = sentences([5, 9])
    with torch.no_grad():
        assert torch.equal(encode_sentences(model, tokens), model.encode_text(tokens))


def test_a_tower_of_two_parts_is_asked_itself():
    text = {"context_length": 12, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1}
    vision = {"layers": 1, "width": 16, "head_width": 8, "patch_size": 8, "image_size": 16}
    model = open_clip.CustomTextCLIP(8, vision, text).eval()
    tokens = sentences([5, 9], width=12)
    with torch.no_grad():
        assert torch.equal(encode_sentences(model, tokens), model.encode_text(tokens))
