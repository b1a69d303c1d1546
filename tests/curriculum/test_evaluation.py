"""Scores of models whose answers are known: perfect, random, constant, blind, counting words."""

from __future__ import annotations

import zlib
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.curriculum.evaluation import (
    acceptability,
    caption_likelihood,
    text_score,
    vqa_score,
)
from sdc_helpers.curriculum.results import LogLikelihoods
from sdc_helpers.scenes import generate_scenes, minimal_pairs
from sdc_helpers.scenes.grammar import PARADIGMS, acceptability_pairs
from sdc_helpers.scenes.questions import Question, questions


def scorer(value):
    """A model that says value(sentence, picture) of a sentence; picture -1 is none."""

    def score(sentences, pictures):
        shown = [-1] * len(sentences) if pictures is None else pictures.tolist()
        totals = [value(*row) for row in zip(sentences, shown, strict=True)]
        return LogLikelihoods(np.array(totals), np.array([len(s.split()) for s in sentences]))

    return score


def by_chance(sentence, picture):
    return -1.0 - zlib.crc32(f"{sentence}|{picture}".encode()) / 2**32


def blindly(sentence, picture):
    return by_chance(sentence, -1)


def by_words(sentence, picture):
    words = sentence.lower().rstrip(".").split()
    return sum(by_chance(word, -1) for word in words)


CONSTANT = scorer(lambda sentence, picture: -7.25)
RANDOM = scorer(by_chance)


@pytest.fixture(scope="module")
def pairs():
    return minimal_pairs(150, seed=8)


@pytest.fixture(scope="module")
def asked():
    return questions(generate_scenes(500, seed=9), 30, seed=1)


@pytest.fixture(scope="module")
def sentence_pairs():
    return acceptability_pairs(60, seed=3)


def within_chance(evaluation):
    """Tell whether an accuracy lies within four standard errors of chance."""
    n, p = len(evaluation.correct), evaluation.chance
    return abs(evaluation.accuracy - p) < 4 * np.sqrt(p * (1 - p) / n)


# -- models with known answers ----------------------------------------------------------------


def test_a_perfect_model_is_right_everywhere(pairs, asked, sentence_pairs):
    true = {(2 * k + j, pair.captions[j]) for k, pair in enumerate(pairs) for j in (0, 1)}
    found = text_score(scorer(lambda s, p: -1.0 if (p, s) in true else -4.5), pairs)
    assert found.each.accuracy == found.both.accuracy == 1
    assert (found.each.margin == 3.5).all()
    assert (found.each.chance, found.both.chance) == (0.5, 0.25)
    assert found.each.units.tolist() == [k for k in range(150) for _ in (0, 1)]
    assert found.both.units.tolist() == list(range(150))

    true = {(q.picture, q.sentences[q.right]) for q in asked}
    answered = vqa_score(scorer(lambda s, p: -1.0 if (p, s) in true else -4.5), asked)
    assert answered.right.accuracy == 1
    assert answered.right.chance == 1 / 8
    assert answered.none.accuracy == 1 / 8  # nothing is known without a picture: all tie

    good = {pair.good for pair in sentence_pairs}
    found = acceptability(scorer(lambda s, p: -1.0 if s in good else -2.0), sentence_pairs)
    assert found.accuracy == 1
    assert set(found.by_kind()) == set(PARADIGMS)


def test_a_model_that_is_always_wrong_gets_nothing(pairs, asked, sentence_pairs):
    true = {(2 * k + j, pair.captions[j]) for k, pair in enumerate(pairs) for j in (0, 1)}
    found = text_score(scorer(lambda s, p: -9.0 if (p, s) in true else -4.5), pairs)
    assert found.each.accuracy == found.both.accuracy == 0
    right = {(q.picture, q.sentences[q.right]) for q in asked}
    answered = vqa_score(scorer(lambda s, p: -9.0 if (p, s) in right else -4.5), asked)
    assert answered.right.accuracy == 0
    bad = {pair.bad for pair in sentence_pairs}
    assert acceptability(scorer(lambda s, p: -1.0 - (s not in bad)), sentence_pairs).accuracy == 0


def test_a_constant_model_scores_chance_exactly(pairs, asked, sentence_pairs):
    found, answered = text_score(CONSTANT, pairs), vqa_score(CONSTANT, asked)
    evaluations = [found.each, found.both, answered.right, answered.wrong, answered.none]
    for evaluation in (*evaluations, acceptability(CONSTANT, sentence_pairs)):
        assert evaluation.accuracy == evaluation.chance
        assert (evaluation.margin == 0).all()
        assert all(part.accuracy == part.chance for part in evaluation.by_kind().values())


def test_a_random_model_scores_about_chance(pairs, asked, sentence_pairs):
    found, answered = text_score(RANDOM, pairs), vqa_score(RANDOM, asked)
    evaluations = [found.each, found.both, answered.right, answered.wrong, answered.none]
    for evaluation in (*evaluations, acceptability(RANDOM, sentence_pairs)):
        assert within_chance(evaluation), evaluation.name
        assert set(evaluation.correct) == {0.0, 1.0}


def test_a_blind_model_is_right_of_exactly_one_picture_of_each_pair(pairs, asked):
    found = text_score(scorer(blindly), pairs)
    assert found.each.accuracy == 0.5
    assert found.both.accuracy == 0
    answered = vqa_score(scorer(blindly), asked)
    for other in (answered.wrong, answered.none):
        np.testing.assert_array_equal(answered.right.correct, other.correct)


def test_counting_words_is_of_no_use(pairs, sentence_pairs):
    assert text_score(scorer(by_words), pairs).each.accuracy == 0.5
    found = acceptability(scorer(by_words), sentence_pairs)
    assert {name: part.accuracy for name, part in found.by_kind().items()} == dict.fromkeys(
        PARADIGMS, 0.5
    )


def test_wrong_pictures_show_something_else(asked):
    shown = []

    def score(sentences, pictures):
        shown.append(pictures)
        return CONSTANT(sentences, pictures)

    vqa_score(score, asked, seed=4)
    right, wrong, none = shown
    assert none is None
    of_picture = {(q.kind, q.picture): q.answers[q.right] for q in asked}
    for k, question in enumerate(asked):
        assert (right[8 * k : 8 * k + 8] == question.picture).all()
        (picture,) = set(wrong[8 * k : 8 * k + 8].tolist())
        assert of_picture[question.kind, picture] != question.answers[question.right]


def test_the_order_of_items_does_not_matter(pairs, asked, sentence_pairs):
    rng = np.random.default_rng(0)
    order = rng.permutation(len(asked))
    shuffled = vqa_score(RANDOM, [asked[k] for k in order])
    as_asked = vqa_score(RANDOM, asked)
    for one, two in ((as_asked.right, shuffled.right), (as_asked.none, shuffled.none)):
        np.testing.assert_array_equal(one.correct[order], two.correct)
        np.testing.assert_array_equal(one.margin[order], two.margin)
    order = rng.permutation(len(sentence_pairs))
    one = acceptability(RANDOM, sentence_pairs)
    two = acceptability(RANDOM, [sentence_pairs[k] for k in order])
    np.testing.assert_array_equal(one.correct[order], two.correct)
    np.testing.assert_array_equal(one.kinds[order], two.kinds)
    order = rng.permutation(len(pairs))  # pictures move with their pairs
    picture_of = {
        2 * new + j: 2 * old + j for new, old in enumerate(order.tolist()) for j in (0, 1)
    }
    moved = scorer(lambda s, p: by_chance(s, picture_of[p]))
    one, two = text_score(RANDOM, pairs), text_score(moved, [pairs[k] for k in order])
    np.testing.assert_array_equal(one.both.correct[order], two.both.correct)


# -- ranking, against a loop ------------------------------------------------------------------


def credit_by_hand(scores, right):
    best = max(scores)
    winners = [k for k, score in enumerate(scores) if score == best]
    return 1 / len(winners) if right in winners else 0.0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_ranking_and_ties_as_counted_by_hand(data):
    n_options = data.draw(st.integers(2, 5))
    n = data.draw(st.integers(2, 6))
    scores = data.draw(
        st.lists(
            st.lists(st.integers(-4, -1), min_size=n_options, max_size=n_options),
            min_size=n,
            max_size=n,
        )
    )
    items = [
        Question(
            "thing",
            k,
            tuple(f"{k} {j}" for j in range(n_options)),
            tuple(f"{k} {j}" for j in range(n_options)),
            data.draw(st.integers(0, n_options - 1)),
        )
        for k in range(n)
    ]
    offset = data.draw(st.lists(st.integers(-50, 0), min_size=n, max_size=n))

    def value(sentence, picture):
        k, j = map(int, sentence.split())
        return float(scores[k][j] + offset[k])  # what all options share makes no difference

    found = vqa_score(scorer(value), items).right
    expected = [credit_by_hand(row, item.right) for row, item in zip(scores, items, strict=True)]
    np.testing.assert_allclose(found.correct, expected, rtol=0, atol=1e-15)
    margins = [
        row[item.right] - max(row[: item.right] + row[item.right + 1 :])
        for row, item in zip(scores, items, strict=True)
    ]
    np.testing.assert_array_equal(found.margin, margins)


def test_the_same_words_summed_in_another_order_tie():
    parts = np.random.default_rng(1).uniform(-5, -1, size=(50, 7))
    forth, back = parts.cumsum(axis=1)[:, -1], parts[:, ::-1].cumsum(axis=1)[:, -1]
    assert (forth != back).any()
    value = {f"g {k}": forth[k] for k in range(50)} | {f"b {k}": back[k] for k in range(50)}
    pairs = [(f"g {k}", f"b {k}") for k in range(50)]
    assert (acceptability(scorer(lambda s, p: value[s]), pairs).correct == 0.5).all()


# -- captions ---------------------------------------------------------------------------------


def test_caption_likelihood_is_a_ratio_of_sums():
    sentences = ["A dog.", "Two red cars on a street.", "A man."]
    totals, tokens = [-4.0, -13.0, -7.0], [3, 9, 4]
    found = caption_likelihood(
        lambda s, p: LogLikelihoods(totals, tokens), sentences, np.array([4, 4, 1])
    )
    assert found.per_token == pytest.approx(-24 / 16)
    assert found.per_word == pytest.approx(-24 / 10)
    interval = found.interval()
    assert (interval.value, interval.chance) == (found.per_word, None)
    # one resample in four draws only the second picture
    assert interval.low == pytest.approx(-7 / 2)
    assert interval.high == pytest.approx(-17 / 8)
    alone = caption_likelihood(lambda s, p: LogLikelihoods(totals, tokens), sentences)
    np.testing.assert_array_equal(alone.units, [0, 1, 2])


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "n_tokens", "message"),
    [
        ([-1.0, np.nan], [1, 1], r"total\[1\] is nan"),
        ([-np.inf], [1], r"total\[0\] is -inf"),
        ([2.5], [1], r"total\[0\] is 2.5; expected 0 or less"),
        ([-1.0], [1, 2], "shape"),
        ([[-1.0]], [[1]], "shape"),
        ([-1.0], [0], r"n_tokens\[0\] is 0"),
        ([-1.0], [1.5], "whole numbers"),
    ],
)
def test_impossible_likelihoods_are_refused(total, n_tokens, message):
    with pytest.raises(ValueError, match=message):
        LogLikelihoods(np.array(total), np.array(n_tokens))


def test_no_items_are_refused():
    for evaluate in (text_score, vqa_score, acceptability, caption_likelihood):
        with pytest.raises(ValueError, match="there is no"):
            evaluate(CONSTANT, [])


@pytest.mark.parametrize("returned", [LogLikelihoods(-np.ones(3), np.ones(3, int)), -np.ones(2)])
def test_scorers_that_return_something_else_are_named(returned):
    with pytest.raises(ValueError, match="the scorer returned"):
        acceptability(lambda s, p: returned, [("good", "bad")])


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (np.array([0, -1]), r"pictures\[1\] is -1"),
        (np.array([0.0, 1.0]), "whole numbers"),
        (np.array([0]), r"shape \(1,\)"),
    ],
)
def test_bad_pictures_are_refused(pictures, message):
    with pytest.raises(ValueError, match=message):
        caption_likelihood(CONSTANT, ["A dog.", "A cat."], pictures)


def test_bad_items_are_named():
    with pytest.raises(ValueError, match="pair 1 is 'ab'"):
        acceptability(CONSTANT, [("a", "b"), "ab"])
    with pytest.raises(ValueError, match="pair 0"):
        acceptability(CONSTANT, [("a",)])
    same = [Question("place", k, ("a b", "c d"), ("b", "d"), 0) for k in range(3)]
    with pytest.raises(ValueError, match="all questions about place have the answer 'b'"):
        vqa_score(CONSTANT, same)
    uneven = [same[0], Question("place", 1, ("a", "b", "c"), ("a", "b", "c"), 1)]
    with pytest.raises(ValueError, match=r"\[2, 3\] options"):
        vqa_score(CONSTANT, uneven)
    with pytest.raises(ValueError, match="no 'smell'; it has"):
        acceptability(CONSTANT, [("a", "b", "word")]).of_kind("smell")


def test_pairs_of_other_sources_are_taken():
    two = acceptability(CONSTANT, [("a", "b"), ("c", "d")])
    assert Counter(two.kinds.tolist()) == {"": 2}
    winoground = [SimpleNamespace(kind="object", captions=("x y", "y x"))]
    assert text_score(CONSTANT, winoground).each.kinds.tolist() == ["object", "object"]
