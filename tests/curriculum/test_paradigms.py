"""Pairs of sentences by paradigm: shares, and what a preference for short ones would score."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.curriculum import paradigms
from sdc_helpers.curriculum.results import Evaluation

PAIRS = {
    "short": [("a b", "a b c"), ("a", "a b"), ("b", "b a")],
    "even": [("a b", "b a"), ("c", "d")],
    "long": [("a b c", "a"), ("a b", "b a")],
}


def tokenizer(sentences):
    import torch

    tokens = torch.zeros(len(sentences), 5, dtype=torch.long)
    for row, text in zip(tokens, sentences, strict=True):
        row[: len(text.split())] = 1
    return tokens


@pytest.fixture
def likes_short(monkeypatch):
    """Models that prefer the sentence with fewer words, and guess where there is none."""

    def judged(score, items, name="acceptability"):
        lengths = [(len(good.split()), len(bad.split())) for good, bad, _ in items]
        correct = [float(g < b) if g != b else 0.5 for g, b in lengths]
        kinds = np.array([kind for *_, kind in items])
        margin = np.zeros(len(items))
        return Evaluation(name, np.array(correct), margin, 0.5, kinds, np.arange(len(items)))

    monkeypatch.setattr(paradigms, "acceptability", judged)
    monkeypatch.setattr(paradigms, "Scorer", lambda model, tokenizer: None)
    return [SimpleNamespace(), SimpleNamespace()]


def test_models_that_prefer_short_sentences_score_what_shortness_does(likes_short):
    found = paradigms.score_paradigms(likes_short, tokenizer, PAIRS)
    assert found.shorter == {"short": 1.0, "even": 0.5, "long": 0.25}
    assert {k: v.value for k, v in found.by_paradigm.items()} == found.shorter
    assert (found.n_even, found.even.value) == (3, pytest.approx(0.5))
    assert (found.if_shorter, found.if_longer) == (1.0, 0.0)
    assert found.overall.value == pytest.approx((3 + 1 + 0.5) / 7)


def test_shares_of_pairs_that_are_not_there_are_nan(likes_short):
    found = paradigms.score_paradigms(likes_short, tokenizer, {"even": PAIRS["even"]})
    assert found.even is None
    assert math.isnan(found.if_shorter)
    assert math.isnan(found.if_longer)


@pytest.mark.parametrize(("models", "pairs"), [([], PAIRS), ([None], {}), ([None], {"a": []})])
def test_nothing_to_ask_is_refused(models, pairs):
    with pytest.raises(ValueError, match="expected one or more"):
        paradigms.score_paradigms(models, tokenizer, pairs)
