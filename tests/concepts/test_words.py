"""Enriched and nearest words, against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from sdc_helpers.concepts import enriched_words, fits_name, nearest_words
from sdc_helpers.concepts.words import words_of

CAPTIONS = st.lists(
    st.lists(
        st.sampled_from(["dog cat", "dog", "A Cat!", "tree", "the dog, a tree", ""]), max_size=3
    ),
    min_size=1,
    max_size=12,
)


def z_in_a_loop(word, top, bottom):
    def count(pictures):
        return sum(
            any(
                word in "".join(c if c.isalpha() else " " for c in text.lower()).split()
                for text in own
            )
            for own in pictures
        )

    a, b = count(top), count(bottom)
    cells = [a + 0.5, len(top) - a + 0.5, b + 0.5, len(bottom) - b + 0.5]
    odds = math.log(cells[0] / cells[1]) - math.log(cells[2] / cells[3])
    return odds / math.sqrt(sum(1 / c for c in cells)), a + b


@given(top=CAPTIONS, bottom=CAPTIONS)
def test_enrichment_is_the_formula_word_by_word(top, bottom):
    expected = {w: z_in_a_loop(w, top, bottom) for w in ("dog", "cat", "tree")}
    expected = {w: z for w, (z, n) in expected.items() if n >= 2}
    if not expected:
        with pytest.raises(ValueError, match="no word"):
            enriched_words(top, bottom, ("dog", "cat", "tree"), min_pictures=2)
        return
    found = enriched_words(top, bottom, ("dog", "cat", "tree"), min_pictures=2)
    assert dict(zip(found.words, found.z, strict=True)) == pytest.approx(expected)
    assert (np.diff(found.z) <= 0).all()
    turned = enriched_words(bottom, top, ("dog", "cat", "tree"), min_pictures=2)
    assert dict(zip(turned.words, turned.z, strict=True)) == pytest.approx(
        {w: -z for w, z in expected.items()}
    )


def test_only_words_beyond_the_bound_become_names():
    top = [["dog dog", "a dog"]] * 60 + [["tree"]] * 60
    bottom = [["cat"]] * 60 + [["tree"]] * 60
    found = enriched_words(top, bottom, ("dog", "cat", "tree", "unseen"))
    assert found.bound == pytest.approx(norm.ppf(1 - 0.025 / 3))
    assert found.top(3) == ("dog",)
    assert found.bottom(3) == ("cat",)
    assert enriched_words(top, top, ("dog", "tree")).top(2) == ()


@pytest.mark.parametrize(
    ("top", "bottom", "message"),
    [([], [["dog"]], "top"), ([["dog"]], ["a dog"], "bottom"), ([["x"]], [["y"]], "no word")],
)
def test_enrichment_says_what_is_wrong(top, bottom, message):
    with pytest.raises(ValueError, match=message):
        enriched_words(top, bottom, ("dog",))


def test_words_are_lower_case_and_whole():
    assert words_of(["A hot-dog.", "Dogs"]) == {"a", "hot", "dog", "dogs"}
    assert fits_name([["A Dog."], ["dogs"], []], ("dog", "cat")).tolist() == [True, False, False]
    assert fits_name([["a dog"]], ()).tolist() == [False]


def test_nearest_words_ignore_what_all_words_share():
    rng = np.random.default_rng(0)
    directions, shift = np.eye(4), 50 * rng.normal(size=4)
    words = ("a", "b", "c", "d")
    assert nearest_words(directions[2], directions + shift, words, 1) == ("c",)
    assert nearest_words(directions[2], directions * [[1], [1], [9], [1]] + shift, words, 1) == (
        "c",
    )
    with pytest.raises(ValueError, match="do not fit"):
        nearest_words(directions[2], directions, words[:3])
    with pytest.raises(ValueError, match="finite"):
        nearest_words(np.full(4, np.nan), directions, words)
