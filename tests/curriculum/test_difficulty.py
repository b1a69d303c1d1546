"""Measures of difficulty: counted by hand, from formulas, and on what cannot be measured."""

from __future__ import annotations

import math
import socket
import sys
import types
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from sdc_helpers.curriculum import _taggers
from sdc_helpers.curriculum.difficulty import (
    ModelLoss,
    NounCount,
    WordCount,
    WordRarity,
    image_difficulty,
    rank_agreement,
    words_of,
)
from sdc_helpers.curriculum.results import LogLikelihoods
from sdc_helpers.scenes import LEXICON, captions, generate_scenes
from sdc_helpers.scenes.lexicon import GARMENTS, NOUNS, WIDER_NOUNS
from sdc_helpers.scenes.tagger import tag_by_lexicon

# Nouns with plurals, and without (by hand).
COUNTED = [
    ("Three crimson houses.", 1, 0),
    ("A brown horse next to some red houses in a forest with trees during the day.", 5, 3),
    ("Two dogs.", 1, 0),
    ("A sign reading EXIT in the distance.", 3, 3),
    ("A man in a red shirt, two sheep and a pair of legs.", 5, 4),
    ("Here is a bus on the grass", 2, 2),
]
# The other plurals of the lexicon, which has no singular beside them in a table of pairs.
PLURALS = {
    *("blinds", "bushes", "clothes", "cupboards", "curtains", "drawers", "evergreens", "faces"),
    *("firs", "floorboards", "flowers", "folders", "hills", "lampposts", "leaves", "markings"),
    *("mountains", "pairs", "pavements", "peaks", "shelves", "sleeves", "slopes", "tiles"),
    *("trees", "trunks", "woods"),
}


@pytest.fixture(scope="module")
def scene_captions():
    return captions(generate_scenes(60, seed=3))


# --------------------------------------------------------------------- nouns


def test_nouns_of_the_picture_world():
    sentences = [sentence for sentence, _, _ in COUNTED]
    assert NounCount(tag_by_lexicon)(sentences).tolist() == [
        with_plurals for _, with_plurals, _ in COUNTED
    ]
    assert NounCount(tag_by_lexicon, plurals=False)(sentences).tolist() == [
        without for _, _, without in COUNTED
    ]


def test_every_caption_of_the_picture_world_can_be_counted(scene_captions):
    for own in scene_captions:
        expected = [
            sum(LEXICON[word.strip(".,").lower()] in ("noun", "name") for word in sentence.split())
            for sentence in own
        ]
        assert NounCount(tag_by_lexicon)(own).tolist() == expected


def test_plurals_of_the_lexicon():
    pairs = [pair for pairs in NOUNS.values() for pair in pairs]
    pairs += [*GARMENTS, *(wide[:2] for wide in WIDER_NOUNS)]
    expected = {more for one, more in pairs if one != more} | PLURALS
    nouns = [word for word, part in LEXICON.items() if part in ("noun", "name")]
    found = {word for word in nouns if NounCount(tag_by_lexicon, plurals=False)([word])[0] == 0}
    assert found == expected


def test_a_word_outside_the_lexicon_is_named():
    with pytest.raises(ValueError, match=r"'zeppelin' of 'A zeppelin\.'.*tagger 'textblob'"):
        NounCount(tag_by_lexicon)(["A dog.", "A zeppelin."])


def test_a_tagger_of_ones_own():
    def tagger(sentence):
        return [(word, "NNS" if word.endswith("s") else "NN") for word in sentence.split()]

    measure = NounCount(tagger)
    assert measure(["cats dog", ":-) ... cats", ""]).tolist() == [2, 1, 0]
    assert NounCount(tagger, plurals=False)(["cats dog", "cats"]).tolist() == [1, 0]


@pytest.mark.parametrize(
    "answer", [None, "NN", ["dog"], [("dog",)], [("dog", 3)], [("a", "DT", "B")]]
)
def test_a_tagger_that_returns_something_else_is_named(answer):
    with pytest.raises(ValueError, match=r"for caption 0; expected \[\(word, tag\)"):
        NounCount(lambda sentence: answer)(["A dog."])


def test_an_unknown_tagger_is_named():
    with pytest.raises(ValueError, match="tagger='nltk': expected one of textblob, spacy"):
        NounCount("nltk")


def test_textblob_counts_real_english_without_a_network(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("the tagger went to the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    pytest.importorskip("textblob")
    sentences = [
        "Two men are riding bicycles down the street in New York City.",
        "The woman's dog isn't on the couch.",
        "It’s red, it isn't blue... can't we see?",
        "",
    ]
    assert NounCount("textblob")(sentences).tolist() == [6, 3, 0, 0]
    assert NounCount("textblob", plurals=False)(sentences).tolist() == [4, 3, 0, 0]


def test_textblob_keeps_to_the_words_of_a_sentence(scene_captions):
    """Another tagger sees the same words, and mostly the same nouns."""
    pytest.importorskip("textblob")
    flat = [sentence for own in scene_captions for sentence in own]
    for sentence in flat:
        words = [token for token in _taggers.penn_tokens(sentence) if token.isalpha()]
        assert words == [word.strip(".,") for word in sentence.split()]
    agreement = np.corrcoef(NounCount(tag_by_lexicon)(flat), NounCount("textblob")(flat))[0, 1]
    assert agreement > 0.9


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("I can't; she'll", ["I", "ca", "n't", ";", "she", "'ll"]),
        ("the dogs' bowls", ["the", "dogs", "'", "bowls"]),
        ("blue-green U.S. flag at 10:30.", ["blue-green", "U.S.", "flag", "at", "10:30", "."]),
        ("\ta\nb ", ["a", "b"]),
        ("'s", ["'", "s"]),
        ("", []),
    ],
)
def test_tokens_are_those_of_the_penn_treebank(sentence, tokens):
    assert _taggers.penn_tokens(sentence) == tokens


@pytest.fixture
def fresh_taggers():
    """Taggers that were imported are forgotten before and after."""
    for cached in (_taggers._textblob, _taggers._spacy):
        cached.cache_clear()
    yield
    for cached in (_taggers._textblob, _taggers._spacy):
        cached.cache_clear()


def test_spacy_is_asked_for_its_fine_tags(fresh_taggers, monkeypatch):
    def load(name, exclude):
        assert name == "en_core_web_sm"
        assert "ner" in exclude
        tags = {"dogs": "NNS", "car": "NN", "the": "DT"}
        return lambda sentence: [
            types.SimpleNamespace(text=word, tag_=tags[word]) for word in sentence.split()
        ]

    monkeypatch.setitem(sys.modules, "spacy", types.SimpleNamespace(load=load))
    assert NounCount("spacy")(["the dogs the car"]).tolist() == [2]


@pytest.mark.parametrize(
    ("tagger", "module", "match"),
    [
        ("textblob", "textblob.en.taggers", "pip install textblob"),
        ("spacy", "spacy", "pip install spacy.*spacy download en_core_web_sm"),
    ],
)
def test_a_tagger_that_is_not_installed_says_what_to_do(
    tagger, module, match, fresh_taggers, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=match):
        NounCount(tagger)(["A dog."])


def test_spacys_missing_model_says_what_to_do(fresh_taggers, monkeypatch):
    def load(name, exclude):
        raise OSError("[E050] Can't find model")

    monkeypatch.setitem(sys.modules, "spacy", types.SimpleNamespace(load=load))
    with pytest.raises(ImportError, match=r"spacy download en_core_web_sm.*E050"):
        NounCount("spacy")(["A dog."])


# --------------------------------------------------------------------- words, loss


def test_words_are_no_pieces_and_no_punctuation():
    sentence = "The blue-green WOMAN's hat - 3 of them - isn't “new”, is_it?"
    expected = "the blue-green woman's hat 3 of them isn't new is it"
    assert words_of(sentence) == expected.split(" ")
    assert WordCount()([sentence, "", "..."]).tolist() == [11, 0, 0]


def test_rarity_is_the_mean_of_minus_log_frequencies():
    training = ["A dog and a cat.", "a DOG"]
    counts = Counter(["a", "dog", "and", "a", "cat", "a", "dog"])

    def minus_log(word):
        return -math.log((counts[word] + 1) / (7 + 4 + 1))

    found = WordRarity(iter(training))(["A dog.", "the zebra and a zebra", "?!"])
    expected = [
        (minus_log("a") + minus_log("dog")) / 2,
        (minus_log("the") + 2 * minus_log("zebra") + minus_log("and") + minus_log("a")) / 5,
        0,
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # what it takes for probabilities: those of the words seen and of all others make 1
    assert sum(math.exp(-minus_log(word)) for word in [*counts, "unseen"]) == pytest.approx(1)


def test_model_loss_is_the_loss_a_token():
    asked = []

    def score(sentences, pictures):
        asked.append((list(sentences), None if pictures is None else pictures.tolist()))
        return LogLikelihoods(np.array([-6.0, -1.0]), np.array([3, 4]))

    assert ModelLoss(score)(["a b", "c"]).tolist() == [2, 0.25]
    ModelLoss(score, np.array([7, 8]))(["a b", "c"])
    assert asked == [(["a b", "c"], None), (["a b", "c"], [7, 8])]
    with pytest.raises(ValueError, match="pictures has 1 rows for 2 captions"):
        ModelLoss(score, np.array([7]))(["a b", "c"])
    with pytest.raises(ValueError, match="expected LogLikelihoods of 3 captions"):
        ModelLoss(score)(["a b", "c", "d"])
    with pytest.raises(ValueError, match="expected LogLikelihoods"):
        ModelLoss(lambda sentences, pictures: (np.zeros(1), np.ones(1)))(["a"])


# --------------------------------------------------------------------- images


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(-9, 9).map(str), min_size=1, max_size=4), min_size=1))
def test_an_image_is_as_difficult_as_its_most_difficult_caption(own):
    found = image_difficulty(own, lambda flat: np.array([float(value) for value in flat]))
    assert found.tolist() == [max(map(float, sentences)) for sentences in own]


def test_images_whose_captions_have_no_noun_have_difficulty_zero():
    own = [["Red.", "Here."], ["Two dogs.", "Red."]]
    assert image_difficulty(own, NounCount(tag_by_lexicon)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("own", "measure", "match"),
    [
        ([], WordCount(), "at least one item"),
        ([["a"], [], ["b"]], WordCount(), r"captions\[1\] must hold at least one string"),
        (["a dog"], WordCount(), r"captions\[0\] must be a sequence.*pass \['a dog'\]"),
        ([["a", None]], WordCount(), r"captions\[0\] must be strings; number 1 is None"),
        ([["a", "b"]], lambda flat: np.zeros(3), r"shape \(3,\) for 2 captions"),
        ([["a", "b"]], lambda flat: np.array([0, math.nan]), "measure gave nan for 'b'"),
        ([["a", "b"]], lambda flat: np.array([math.inf, 0]), "measure gave inf for 'a'"),
    ],
)
def test_bad_captions_are_named(own, measure, match):
    with pytest.raises(ValueError, match=match):
        image_difficulty(own, measure)


@pytest.mark.parametrize("measure", [NounCount(tag_by_lexicon), WordCount(), WordRarity(["a"])])
def test_one_string_is_not_taken_for_captions(measure):
    with pytest.raises(ValueError, match=r"captions must be a sequence of strings.*\['a dog'\]"):
        measure("a dog")
    assert measure([]).shape == (0,)


@pytest.mark.parametrize(
    ("training", "match"),
    [([], "no word"), (["..."], "no word"), ("a dog", "is a string"), (["a", 3], r"\[1\] is 3")],
)
def test_training_text_without_words_is_refused(training, match):
    with pytest.raises(ValueError, match=match):
        WordRarity(training)


# --- two measures compared ------------------------------------------------------------------------


def test_rank_agreement_is_spearmans_and_draws_whole_pictures():
    rng = np.random.default_rng(0)
    picture = np.repeat(np.arange(40), 5)
    first = rng.integers(0, 9, 40)[picture] + rng.integers(0, 2, 200)
    second = first + rng.integers(-2, 3, 200)
    found = rank_agreement(first, second, picture, n_draws=400, seed=1)
    assert found.value == pytest.approx(spearmanr(first, second)[0])
    assert found.low < found.value < found.high
    apart = rank_agreement(first, second, np.arange(200), n_draws=400, seed=1)
    assert found.high - found.low > apart.high - apart.low  # captions of one picture are alike
    shuffled = rng.permutation(200)
    again = rank_agreement(first[shuffled], second[shuffled], picture[shuffled], seed=[1, 2])
    assert again.value == pytest.approx(found.value)


@pytest.mark.parametrize(
    ("groups", "match"), [([0, 0, 0], r"1 picture\(s\)"), ([0, 1], "have shapes")]
)
def test_rank_agreement_refuses_too_few(groups, match):
    with pytest.raises(ValueError, match=match):
        rank_agreement([1, 2, 3], [1, 2, 3], groups)
