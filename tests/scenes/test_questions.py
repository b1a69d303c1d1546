"""Questions are true and their distractors false, by a reader that knows no writer; pairs of
sentences are right and wrong by a small grammar written here.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sdc_helpers.scenes import LEXICON, generate_scenes, minimal_pairs
from sdc_helpers.scenes.grammar import PARADIGMS, acceptability_pairs
from sdc_helpers.scenes.questions import N_OPTIONS, QUESTION_KINDS, pictures_of, questions

_READER = Path(__file__).with_name("conftest.py")


@pytest.fixture(scope="module")
def find_falsehoods():
    """The reader of captions with which the captions themselves are tested."""
    spec = importlib.util.spec_from_file_location("_caption_reader", _READER)
    reader = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, reader)  # dataclasses look it up
        spec.loader.exec_module(reader)
        yield reader.find_falsehoods


@pytest.fixture(scope="module")
def scenes():
    return generate_scenes(900, seed=21)


@pytest.fixture(scope="module")
def asked(scenes):
    return questions(scenes, 80, seed=2)


def words_of(sentence):
    return re.findall(r"[a-z]+", sentence.lower())


def test_the_answer_is_true_and_every_distractor_false(scenes, asked, find_falsehoods):
    assert Counter(question.kind for question in asked) == dict.fromkeys(QUESTION_KINDS, 80)
    for question in asked:
        scene = scenes[question.picture]
        held = [not find_falsehoods(sentence, scene) for sentence in question.sentences]
        assert held == [k == question.right for k in range(N_OPTIONS)], question


def test_the_reader_and_the_graph_agree_on_answers(scenes, asked):
    """Answers read from the graph alone, without any sentence."""
    numbers = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    for question in asked:
        scene, answer = scenes[question.picture], question.answers[question.right]
        possible = {
            "colour": {item.colour for item in scene.objects},
            "number": {numbers[item.count - 1] for item in scene.objects},
            "thing": {item.kind for item in scene.objects},
            "place": {scene.place},
            "relation": {scene.objects[i.relative_to].kind for i in scene.objects if i.relation},
        }[question.kind]
        assert answer in possible
        if question.kind in ("thing", "place", "relation"):
            assert not possible & set(question.answers) - {answer}


def test_eight_different_sentences_that_differ_in_few_words(asked):
    for question in asked:
        assert len(set(question.sentences)) == len(set(question.answers)) == N_OPTIONS
        assert len(question.sentences) == N_OPTIONS
        for sentence in question.sentences:
            assert set(words_of(sentence)) <= set(LEXICON)
            assert re.fullmatch(r"[A-Z][a-z ]+\.", sentence)
        bags = [Counter(words_of(sentence)) for sentence in question.sentences]
        for bag in bags:  # the blank, and the article or number that goes with it
            assert (bag - bags[0]).total() <= 3


def test_answers_are_spread_over_options_and_positions(asked):
    for kind, least in (("place", 10), ("number", 4), ("colour", 3)):
        answers = Counter(q.answers[q.right] for q in asked if q.kind == kind)
        assert max(answers.values()) <= 11
        assert min(answers.values()) >= least
    positions = np.bincount([question.right for question in asked], minlength=N_OPTIONS)
    expected = len(asked) / N_OPTIONS
    # chi-square with 7 degrees of freedom exceeds 24.3 once in a thousand
    assert ((positions - expected) ** 2 / expected).sum() < 24.3


def test_no_picture_twice_and_kinds_do_not_depend_on_each_other(scenes, asked):
    for kind in QUESTION_KINDS:
        alone = questions(scenes, 80, seed=2, kinds=[kind])
        assert alone == [question for question in asked if question.kind == kind]
        assert len({question.picture for question in alone}) == 80
    assert questions(scenes, 80, seed=3) != asked


def test_pictures_of_pairs_keep_their_order():
    pairs = minimal_pairs(3, seed=4)
    found = pictures_of(pairs)
    assert [found[2 * k + j] for k in range(3) for j in (0, 1)] == found
    assert all(found[2 * k + j] is pairs[k].scenes[j] for k in range(3) for j in (0, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_per_kind": 0}, "n_per_kind=0"),
        ({"seed": -1}, "seed=-1"),
        ({"kinds": ["colour", "smell"]}, "smell"),
        ({"kinds": ["place", "place"]}, "different names"),
        ({"kinds": []}, "different names"),
        ({"n_per_kind": 901, "kinds": ["place"]}, "900 scenes have only 900 questions about place"),
    ],
)
def test_bad_questions_are_refused(scenes, arguments, message):
    with pytest.raises(ValueError, match=message):
        questions(scenes, **arguments)


def test_no_scene_no_question():
    with pytest.raises(ValueError, match="0 scenes have only 0 questions"):
        questions([], 1)


# -- acceptability ---------------------------------------------------------------------------

IRREGULAR = {"men", "women", "gentlemen", "ladies", "loaves", "chilies"}
NO_PLURAL_S = {"lass", "bus", "bicycle", "fortress"}
DO = {"stand", "walk", "stroll", "wave", "greet", "sit", "watch", "fly", "soar"}
DOES = {"stands", "walks", "strolls", "waves", "greets", "sits", "watches", "flies", "soars"}
MANY = {"two", "three", "four", "five", "six", "seven", "eight", "several", "many"}
COLOURS = {"red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"}
COLOURS |= {"grey"}
SHAPES = {"round", "ripe", "long", "curved", "tall", "high", "huge"}
WHERE = "in (a|the) (kitchen|forest)|in (an|the) office|in a( living)? room|on a street|on the road"
WHERE += "|on (a|the) beach|in the (woods|snow)|in a (field|meadow)|on snowy ground"
WHEN = r"at (sunset|sundown|night|nighttime)|in (daylight|the daytime|the evening|(warm|dim) light)"


def is_plural(noun):
    return noun in IRREGULAR or (noun.endswith("s") and noun not in NO_PLURAL_S)


def is_grammatical(sentence):
    """Judge [there is] determiner [adjectives] noun [verb] where or when."""
    text = sentence[0].lower() + sentence[1:].removesuffix(".")
    found = re.fullmatch(r"(.+?) ((in|on|at|inside|along) .*)", text)
    if not found:
        return False
    head, tail = found.group(1).split(), found.group(2)
    if not re.fullmatch(f"{WHERE}|{WHEN}", tail):
        return False
    copula = ""
    if head[0] in ("there", "here"):
        copula, head = head[1], head[2:]
    verb = head.pop() if head[-1] in DO | DOES else ""
    if head[-1] == "hair":
        if not verb or head[-3] != "with" or head[-2] not in COLOURS | {"blond"}:
            return False
        head = head[:-3]
    determiner, *adjectives, noun = head
    if noun in COLOURS | SHAPES or LEXICON[noun] != "noun":
        return False
    kinds = ["colour" if word in COLOURS else "shape" for word in adjectives]
    if not set(adjectives) <= COLOURS | SHAPES or kinds not in (
        [],
        ["colour"],
        ["shape", "colour"],
    ):
        return False
    plural = is_plural(noun)
    if determiner in ("a", "an"):
        first = (adjectives or [noun])[0]
        vowel = first[0] in "aeiou" and first != "ewe"  # which begins as "you" does
        fits = not plural and (determiner == "an") == vowel
    else:
        fits = determiner in MANY and plural
    if copula:
        fits = fits and copula == ("are" if plural else "is")
    if verb:
        fits = fits and verb in (DO if plural else DOES)
    return fits


@pytest.fixture(scope="module")
def pairs():
    return acceptability_pairs(200, seed=6)


def test_good_sentences_are_grammatical_and_bad_ones_are_not(pairs):
    assert Counter(pair.paradigm for pair in pairs) == dict.fromkeys(PARADIGMS, 200)
    judged = [(is_grammatical(pair.good), is_grammatical(pair.bad), pair) for pair in pairs]
    assert not [pair for good, bad, pair in judged if not good or bad]


def test_pairs_are_minimal_and_of_words_that_captions_have(pairs):
    for pair in pairs:
        good, bad = words_of(pair.good), words_of(pair.bad)
        assert set(good) | set(bad) <= set(LEXICON)
        assert len(good) == len(bad)
        assert good != bad
        same_words = Counter(good) == Counter(bad)
        assert same_words == (
            pair.paradigm in ("colour_after_noun", "adjective_order", "preposition_last")
        )
        if not same_words:
            assert sum(a != b for a, b in zip(good, bad, strict=True)) == 1
    assert len(set(pairs)) == len(pairs)


def test_what_is_bad_in_one_twin_is_good_in_the_other(pairs):
    for one, two in zip(pairs[::2], pairs[1::2], strict=True):
        assert one.paradigm == two.paradigm
        changes = [(Counter(words_of(p.bad)) - Counter(words_of(p.good))) for p in (one, two)]
        if one.paradigm != "article_form":
            undone = [Counter(words_of(p.good)) - Counter(words_of(p.bad)) for p in (two, one)]
            assert changes == undone
        else:
            assert {*changes[0], *changes[1]} == {"a", "an"}


def test_near_words_do_not_tell_distant_agreement(pairs):
    """Three words before the verb, and all after it, are the same in both twins."""
    distant = [pair for pair in pairs if pair.paradigm == "distant_subject_verb_agreement"]
    for one, two in zip(distant[::2], distant[1::2], strict=True):
        tails = []
        for sentence in (one.good, two.bad, one.bad, two.good):
            words = words_of(sentence)
            (verb,) = (k for k, word in enumerate(words) if word in DO | DOES)
            tails.append(words[verb - 3 :])
        assert tails[0] == tails[1]
        assert tails[2] == tails[3]


def test_pairs_depend_on_the_seed_and_their_paradigm_alone(pairs):
    for name in PARADIGMS:
        alone = acceptability_pairs(200, seed=6, paradigms=[name])
        assert alone == [pair for pair in pairs if pair.paradigm == name]
    assert acceptability_pairs(20, seed=7) != acceptability_pairs(20, seed=6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_per_paradigm": 3}, "n_per_paradigm=3 is odd"),
        ({"n_per_paradigm": 0}, "n_per_paradigm=0"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"paradigms": ["spelling"]}, "spelling"),
        ({"paradigms": []}, "different names"),
        ({"n_per_paradigm": 800, "paradigms": ["preposition_of_time"]}, "found only"),
    ],
)
def test_bad_requests_for_pairs_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        acceptability_pairs(**arguments)
