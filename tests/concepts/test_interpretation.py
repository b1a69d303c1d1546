"""Names, cards and partial correlations, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.concepts.interpretation import (
    ConceptCard,
    both_ends,
    extremes,
    partial_correlations,
    score_names,
)

# --- extremes ----------------------------------------------------------------------


def test_extremes_are_the_ends_of_a_sort_with_ties_in_order():
    top, bottom = extremes(np.array([3, 1, 3, -2, 0, -2]), 2)
    assert top.tolist() == [0, 2]
    assert bottom.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("scores", "n", "message"),
    [
        (np.zeros(3), 2, "overlap"),
        (np.array([0.0, np.nan, 1.0]), 1, "finite"),
        (np.zeros((3, 1)), 1, "shape"),
        (np.zeros(3), 0, "n=0"),
    ],
)
def test_extremes_say_what_is_wrong(scores, n, message):
    with pytest.raises(ValueError, match=message):
        extremes(scores, n)


def test_both_ends_are_those_of_cosines_by_loops():
    rng = np.random.default_rng(4)
    embeddings = rng.normal(size=(30, 5)) * rng.uniform(0.1, 9, (30, 1))
    directions = 7 * rng.normal(size=(3, 5))
    top, bottom = both_ends(embeddings, directions, 4)
    assert top.shape == bottom.shape == (3, 4)
    for k, direction in enumerate(directions):
        cosine = [e @ direction / np.linalg.norm(e) / np.linalg.norm(direction) for e in embeddings]
        order = sorted(range(30), key=cosine.__getitem__)
        assert bottom[k].tolist() == order[:4]
        assert top[k].tolist() == order[::-1][:4]


def test_both_ends_keep_ties_in_order_as_extremes_do():
    embeddings = np.array([[1, 0], [0, 1], [3, 0], [0, -1], [0, -2.0], [1, 1]])
    directions = np.eye(2)
    for k, (top, bottom) in enumerate(zip(*both_ends(embeddings, directions, 2), strict=True)):
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        one_top, one_bottom = extremes(unit[:, k], 2)
        assert top.tolist() == one_top.tolist()
        assert bottom.tolist() == one_bottom.tolist()
    assert both_ends(embeddings, directions, 2)[0][0].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("embeddings", "n", "options", "message"),
    [
        (np.ones((6, 3)), 2, {}, "differ in dimensions"),
        (np.ones((6, 2)), 4, {}, "overlap among 6"),
        (np.ones((6, 2)), 0, {}, "n=0"),
        (np.zeros((6, 2)), 2, {}, "embeddings"),
        (np.ones((6, 2)), 2, {"device": "abacus"}, "abacus"),
    ],
)
def test_both_ends_say_what_is_wrong(embeddings, n, options, message):
    with pytest.raises(ValueError, match=message):
        both_ends(embeddings, np.eye(2), n, **options)


# --- names ----------------------------------------------------------------------


def auc_by_pairs(values, fit):
    pairs = [(v > w) + (v == w) / 2 for v in values[fit] for w in values[~fit]]
    return sum(pairs) / len(pairs)


def test_name_scores_are_means_of_pairwise_comparisons():
    rng = np.random.default_rng(1)
    responses = [rng.integers(0, 4, (15, 3)).astype(float) for _ in range(2)]
    fits = [rng.random((15, 3)) < 0.4 for _ in range(2)]
    found = score_names(responses, fits, n_permutations=99, rng=0)
    for i in range(3):
        for j in range(3):
            each = [auc_by_pairs(r[:, j], f[:, i]) for r, f in zip(responses, fits, strict=True)]
            assert found.auc[i, j] == pytest.approx(np.mean(each))
    own = found.own
    assert own.value == pytest.approx(np.trace(found.auc) / 3)
    assert (own.null >= own.value - 1e-12).sum() + 1 == round(100 * own.p_value)


def test_perfect_names_are_identified_and_rare_among_blind_guesses():
    fit = np.eye(6, dtype=bool).repeat(5, axis=0)
    found = score_names([fit.astype(float)] * 2, [fit] * 2, n_permutations=999, rng=0)
    assert found.identified.all()
    assert found.own.value == 1
    assert found.own.p_value < 0.05


def test_concepts_without_name_or_voxels_are_left_out():
    responses = np.array([[1.0, 0, np.nan], [0, 1, np.nan], [0, 0, np.nan], [0, 0, np.nan]])
    fits = np.array([[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    found = score_names([responses], [fits], n_permutations=9, rng=0)
    assert found.identified.tolist() == [True, False, False]
    assert np.isnan(found.auc[1]).all()
    assert np.isnan(found.auc[:, 2]).all()
    nobody = score_names([responses], [np.zeros_like(fits)], n_permutations=9, rng=0)
    assert np.isnan([nobody.own.value, nobody.own.p_value, *nobody.own.null]).all()
    assert not nobody.identified.any()


def test_name_scores_say_what_is_wrong():
    with pytest.raises(ValueError, match="at least one"):
        score_names([], [])
    with pytest.raises(ValueError, match="fits bool"):
        score_names([np.zeros((3, 2))], [np.zeros((3, 2))])


def test_a_card_holds_everything_also_without_a_name():
    full = ConceptCard(3, 40, 5, ("dog", "cat"), ("tree",), ("pet",), 0.81, "less", ("a note",))
    page = full.to_markdown()
    for text in ("Concept 3: dog, cat", "40 voxels of 5", "tree", "pet", "0.81", "less", "a note"):
        assert text in page
    bare = ConceptCard(0, 1, 1, (), (), (), float("nan"), "undecided").to_markdown()
    assert "without a name" in bare
    assert "nan" not in bare


# --- partial correlations ----------------------------------------------------------------------


def test_partial_correlations_are_the_inverse_of_the_correlation_matrix():
    rng = np.random.default_rng(2)
    factors = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)) + 5
    values = factors @ [1.0, -1, 0] + rng.normal(size=50)
    precision = np.linalg.inv(np.corrcoef(np.column_stack([values, factors]).T))
    expected = -precision[0, 1:] / np.sqrt(precision[0, 0] * np.diag(precision)[1:])
    assert partial_correlations(values, factors) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "factors", "message"),
    [
        (np.zeros(9), np.ones((9, 1)), "constant"),
        (np.zeros(3), np.eye(3), "more pictures"),
        (np.zeros(8), np.zeros((9, 2)), "expected"),
        (np.full(9, np.nan), np.arange(9.0)[:, None], "finite"),
    ],
)
def test_partial_correlations_say_what_is_wrong(values, factors, message):
    with pytest.raises(ValueError, match=message):
        partial_correlations(values, factors)
