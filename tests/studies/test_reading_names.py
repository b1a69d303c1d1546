"""Names of directions, and whether they say more of a planted value than names of random ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers._checks import unit_rows
from sdc_helpers.concepts import enriched_words
from sdc_helpers.studies.participants import ImageEmbeddings
from sdc_helpers.studies.reading_names import name_directions, names_against_random

WORDS = ("bird", "dog", "house", "tree")


@pytest.fixture(scope="module")
def pictures():
    """400 pictures in 40 dimensions; the first is said ("dog"), the other words are noise."""
    rng = np.random.default_rng(3)
    vectors = unit_rows(rng.normal(size=(400, 40)), "vectors")
    captions = [
        ["a " + rng.choice(("bird", "house", "tree")), "a dog" if row[0] > 0.15 else "a thing"]
        for row in vectors
    ]
    counts = np.array([[sum(word in text for text in own) for word in WORDS] for own in captions])
    values = np.c_[vectors[:, 0], np.full(400, np.nan)]
    return SimpleNamespace(
        vocabulary=WORDS,
        training=np.arange(300),
        fresh=np.arange(300, 400),
        directions=np.eye(40)[:2],
        white=ImageEmbeddings(np.arange(400), vectors),
        captions=lambda ids: [captions[i] for i in ids],
        word_counts=lambda ids: counts[ids],
        planted_values=lambda ids: values[ids],
    )


def test_directions_are_named_as_concepts_are(pictures):
    directions = np.random.default_rng(4).normal(size=(5, 40))
    directions[0] = np.eye(40)[0]
    names = name_directions(pictures, directions, 30, 2)
    assert names[0] == ("dog",)
    cosine = unit_rows(directions, "directions") @ pictures.white.of(pictures.training).T
    for along, name in zip(cosine, names, strict=True):
        order = np.argsort(-along, kind="stable")
        top, rest = (pictures.captions(sorted(rows)) for rows in (order[:30], order[30:]))
        assert name == enriched_words(top, rest, WORDS).top(2)


def test_a_good_name_beats_those_of_random_directions_and_a_bad_one_does_not(pictures):
    options = {"n_end": 30, "n_words": 2, "n_draws": 99}
    good = names_against_random(
        pictures, [("dog",), ("tree",)], **options, rng=np.random.default_rng(0)
    )
    assert list(good) == [0]  # the other one is no planted concept
    assert good[0].p_value <= 0.05
    assert good[0].value > 0.9
    assert len(good[0].null) == 99
    for name in (("tree",), (), WORDS):  # noise, no name, a name that fits everything
        bad = names_against_random(pictures, [name, ()], **options, rng=np.random.default_rng(0))[0]
        assert bad.p_value > 0.05
        assert bad.value == 0.5 or name == ("tree",)
