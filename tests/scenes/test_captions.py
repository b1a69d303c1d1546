from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from sdc_helpers.scenes import LEXICON, captions, generate_scenes
from sdc_helpers.scenes.kinds import TEXTS


def words_of(sentence):
    return re.findall(r"[a-z]+", sentence.lower())


@pytest.fixture(scope="module")
def written(scenes):
    return captions(scenes)


def test_what_captions_say_holds_of_their_scene(scenes, written, falsehoods):
    wrong = [
        (scene.index, sentence, false)
        for scene, sentences in zip(scenes[:1000], written[:1000], strict=True)
        for sentence in sentences
        if (false := falsehoods(sentence, scene))
    ]
    assert not wrong, wrong[:5]


def test_the_reader_would_notice_captions_of_other_scenes(scenes, written, falsehoods):
    longest = [max(sentences, key=len) for sentences in written[:300]]
    noticed = [
        bool(falsehoods(sentence, scene))
        for sentence, scene in zip(longest, scenes[1:301], strict=True)
    ]
    assert np.mean(noticed) > 0.97


@pytest.mark.parametrize(
    ("found", "swapped"),
    [
        (r"\b(red|blue|yellow)\b", "purple"),
        (r"\b(two|four|five)\b", "three"),
        (r"\b(beside|alongside)\b", "on"),
        (r"\bleft of\b", "right of"),
        (r"\bbehind\b", "in front of"),
        (r"\b(under|beneath|below)\b", "on"),
    ],
)
def test_the_reader_would_notice_one_wrong_word(scenes, written, falsehoods, found, swapped):
    spoilt = [
        (re.sub(found, swapped, sentence, count=1), scene)
        for scene, sentences in zip(scenes, written, strict=True)
        for sentence in sentences
        if re.search(found, sentence)
    ][:100]
    assert len(spoilt) > 20
    assert all(falsehoods(sentence, scene) for sentence, scene in spoilt)


def test_every_word_is_in_the_lexicon_and_there_are_hundreds(written):
    used = {word for sentences in written for sentence in sentences for word in words_of(sentence)}
    assert used <= set(LEXICON)
    assert len(used) >= 300
    names = {text.lower() for text in TEXTS}
    assert {word for word, part in LEXICON.items() if part == "name"} == names


def test_nouns_a_caption_spread_from_one_to_eight(written):
    counts = Counter(
        sum(LEXICON[word] == "noun" for word in words_of(sentence))
        for sentences in written
        for sentence in sentences
    )
    shares = [counts[n] / sum(counts.values()) for n in range(1, 9)]
    assert min(shares) > 0.01
    assert max(shares) < 0.5
    assert counts[0] == 0


def test_five_different_sentences_a_scene(written):
    for sentences in written:
        assert len(sentences) == 5
        assert all(re.fullmatch(r"[A-Z][A-Za-z ,]+\.", sentence) for sentence in sentences)
        assert all("  " not in sentence and " ," not in sentence for sentence in sentences)
    assert np.mean([len(set(sentences)) == 5 for sentences in written]) > 0.99


def test_articles_agree(written):
    for sentences in written[:2000]:
        for sentence in sentences:
            for article, word in re.findall(r"\b(an?) ([a-z]+)", sentence.lower()):
                vowel = word[0] in "aeiou" and word != "ewe"  # which begins as "you" does
                assert (article == "an") == vowel, sentence


def test_captions_depend_on_their_scene_and_the_seed_alone(scenes):
    together = captions(scenes[:40])
    assert together == captions(scenes[:40])
    assert together[17:23] == captions(scenes[17:23])
    assert together != captions(scenes[:40], seed=1)
    assert captions(generate_scenes(3, seed=11, start=20)) == together[20:23]


@pytest.mark.parametrize("number", [1, 2, 7, 12])
def test_any_number_of_captions(scenes, number):
    assert {len(sentences) for sentences in captions(scenes[:50], n_captions=number)} == {number}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_captions": 0}, "n_captions=0"),
        ({"n_captions": 2.0}, "n_captions=2.0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_bad_arguments_are_named(scenes, arguments, message):
    with pytest.raises(ValueError, match=message):
        captions(scenes[:1], **arguments)


def test_no_scenes_no_captions():
    assert captions([]) == []
