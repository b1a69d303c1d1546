"""Scores of sentences: sums over tokens, whatever the batch, after what is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.curriculum.models import FAMILIES, Captioner, ModelConfig
from sdc_helpers.curriculum.scoring import Scorer
from sdc_helpers.curriculum.tokenizer import PAD

SMALL = ModelConfig(16, 2, 2, n_latents=3, max_tokens=32)


@pytest.fixture(params=FAMILIES)
def model(request, small_world) -> Captioner:
    shape = tuple(small_world.pictures.shape[1:])
    return Captioner(request.param, SMALL, small_world.tokenizer.vocabulary_size, shape)


SENTENCES = ["A red dog.", "A blue house on the street.", "A black car on the street.", "Dogs!"]


def by_hand(model, tokenizer, sentence, picture):
    """One sentence at a time, from the logits of its own tokens."""
    tokens = tokenizer([sentence])
    shown = None if picture is None else picture[None]
    with torch.no_grad():
        return -model.token_losses(shown, tokens)[0].double().numpy()


@pytest.mark.parametrize("with_pictures", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_scores_are_sums_of_single_sentences(model, small_world, with_pictures, batch_size):
    scorer = Scorer(model, small_world.tokenizer, small_world.pictures, batch_size=batch_size)
    pictures = np.array([5, 0, 63, 5]) if with_pictures else None
    found = scorer(SENTENCES, pictures)
    for i, sentence in enumerate(SENTENCES):
        shown = small_world.pictures[pictures[i]] if with_pictures else None
        expected = by_hand(model, small_world.tokenizer, sentence, shown)
        assert found.total[i] == pytest.approx(expected.sum(), abs=1e-4)
        assert found.n_tokens[i] == len(expected)


def test_what_is_given_is_not_scored(model, small_world):
    tokenizer = small_world.tokenizer
    scorer = Scorer(model, tokenizer, small_world.pictures)
    sentence, given = "A blue house on the street.", "A blue "
    n_given = int((tokenizer([given.strip()]) != PAD).sum()) - 2
    expected = by_hand(model, tokenizer, sentence, None)[n_given:]
    found = scorer([sentence], given=[given])
    assert found.n_tokens[0] == len(expected)
    assert found.total[0] == pytest.approx(expected.sum(), abs=1e-4)
    assert scorer([sentence], given=[""]).total[0] == pytest.approx(scorer([sentence]).total[0])


PARTS = st.sampled_from(["<pad>", "<image>", "<start>", "<end>", "<s>", "a red dog", " ", "</s>"])
CAPTIONS = (  # a sign of a control token's name may be a token of its own, and the model reads 32
    st.lists(PARTS, min_size=1, max_size=5)
    .map("".join)
    .filter(lambda text: text.strip() and len(text.encode()) <= 28)
)


@pytest.fixture(scope="module", params=FAMILIES)
def scorer(request, small_world):
    shape = tuple(small_world.pictures.shape[1:])
    torch.manual_seed(1)
    model = Captioner(request.param, SMALL, small_world.tokenizer.vocabulary_size, shape)
    return Scorer(model, small_world.tokenizer, small_world.pictures)


@settings(max_examples=25, deadline=None)
@given(st.lists(CAPTIONS, min_size=2, max_size=5), st.booleans())
def test_a_score_does_not_depend_on_batch_mates(scorer, captions, shown):
    pictures = np.arange(len(captions)) if shown else None
    together = scorer(captions, pictures)
    for i, caption in enumerate(captions):
        alone = scorer([caption], None if pictures is None else pictures[i : i + 1])
        assert together.total[i] == pytest.approx(alone.total[0], abs=1e-4 * alone.n_tokens[0])
        assert together.n_tokens[i] == alone.n_tokens[0]
        n_bytes = len(caption.encode()) + 2
        assert 2 <= alone.n_tokens[0] <= n_bytes
        assert np.isfinite(alone.total[0])


def test_every_sign_of_a_name_is_scored(scorer):
    found = scorer(["a <pad> b", "a b", "a <pad> <pad> b"])
    assert found.n_tokens[1] < found.n_tokens[0] < found.n_tokens[2]
    assert found.total[1] > found.total[0] > found.total[2]


def test_the_model_is_left_in_its_mode(model, small_world):
    model.train()
    Scorer(model, small_world.tokenizer)(SENTENCES)
    assert model.training


def test_bad_questions(model, small_world):
    scorer = Scorer(model, small_world.tokenizer, small_world.pictures)
    with pytest.raises(ValueError, match="asks for picture 64"):
        scorer(["A dog."], np.array([64]))
    with pytest.raises(ValueError, match="expected"):
        scorer(["A dog."], np.array([1, 2]))
    with pytest.raises(ValueError, match="does not begin with"):
        scorer(["A dog."], given=["A cat"])
    with pytest.raises(ValueError, match="no pictures"):
        Scorer(model, small_world.tokenizer)(["A dog."], np.array([0]))
