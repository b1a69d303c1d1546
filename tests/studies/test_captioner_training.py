"""Captioners trained live: their curves, the same amount seen, and the exchanged picture."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.curriculum import ListedPlan, StudyDesign, plan_of
from sdc_helpers.embeddings.clip import load_clip
from sdc_helpers.studies import make_materials, train_captioner, use_of_picture

DESIGN = StudyDesign(
    n_images=24, n_captions=3, n_sentences=60, n_test=20, epochs_per_bin=1, batch_size=12,
    warmup_steps=2, vocabulary_size=300,
)  # fmt: skip


@pytest.fixture(scope="module")
def materials():
    return make_materials(DESIGN, load_clip())


@pytest.fixture(scope="module")
def runs(materials):
    orders = ("standard", "curriculum")
    return {order: train_captioner(materials, DESIGN, order=order, seed=1) for order in orders}


def test_a_curve_counts_samples_and_words_and_ends_with_the_model(materials, runs):
    n_samples, n_words = len(materials.tokens), materials.n_words.sum()
    samples, words, losses = runs["standard"].curve.T
    assert samples[-1] == 4 * n_samples
    assert words[-1] == 4 * n_words
    assert (np.diff(samples) > 0).all()
    assert (np.diff(words) > 0).all()
    assert losses[-1] < losses[0]
    held_out = materials.held_out_loss(runs["standard"].model)
    assert runs["standard"].loss == pytest.approx(held_out, abs=1e-4)


def test_the_loss_at_equal_words_lies_on_the_curve(runs):
    whole, easy_first = runs["standard"], runs["curriculum"]
    for equal, column in (("samples", 0), ("words", 1)):
        at = easy_first.curve[-1, column]
        expected = np.interp(at, whole.curve[:, column], whole.curve[:, 2])
        assert whole.loss_at(easy_first, equal) == pytest.approx(expected)
    assert whole.loss_at(whole, "words") == whole.loss


def test_an_order_written_down_trains_the_same_model(materials, runs):
    plan = plan_of(DESIGN, materials.difficulty, "standard", 1, materials.n_words)
    ends = np.cumsum(plan.counts)
    listed = ListedPlan([plan.indices(e - n, e) for e, n in zip(ends, plan.counts, strict=True)])
    again = train_captioner(materials, DESIGN, plan=listed, seed=1)
    np.testing.assert_allclose(again.curve, runs["standard"].curve, rtol=1e-6)


def test_a_model_that_does_not_look_uses_no_picture(materials, runs):
    model = runs["standard"].model
    used = use_of_picture([model, model], materials)
    losses = materials.losses(model)
    n_tokens = (materials.tokenizer(materials.test_captions) != 0).sum() - len(
        materials.test_captions
    )
    n_words = sum(len(text.split()) for text in materials.test_captions)
    rise = (losses["wrong"] - losses["right"]) * int(n_tokens) / n_words
    assert used.value == pytest.approx(rise, rel=0.05, abs=1e-6)
    with pytest.raises(ValueError, match="no evaluation"):
        use_of_picture([], materials)
