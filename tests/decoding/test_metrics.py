from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.decoding import (
    average_repetitions,
    distinct_embeddings,
    metrics,
    permuted_score,
    score_decoding,
)
from sdc_helpers.decoding._bootstrap import image_draws

KS = (1, 3, 5)


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def make_case(seed, n_trials=28, n_gallery=9, n_dims=5, noise=1.0):
    """Predictions of trials of some of the gallery's images, in mixed order."""
    rng = np.random.default_rng(seed)
    gallery = unit(rng.standard_normal((n_gallery, n_dims)))
    names = rng.permutation(100)[:n_gallery]
    shown = rng.integers(0, n_gallery - 1, n_trials)  # the last is never shown
    predicted = gallery[shown] + noise * rng.standard_normal((n_trials, n_dims))
    return predicted, names[shown], gallery, names


# Oracles: loops over trials, images and pairs.


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def loop_scores(predicted, items, gallery, names, weights=None):
    """Every score, trials weighted by how often their image is drawn."""
    weights = dict.fromkeys(items, 1) if weights is None else weights
    row = {name: gallery[i] for i, name in enumerate(names)}
    trials = [(p, name, weights[name]) for p, name in zip(predicted, items, strict=True)]
    total = sum(w for _, _, w in trials)
    scores = {}
    for k in KS:
        hits = 0
        for p, name, w in trials:
            better = sum(
                cosine(p, row[other]) >= cosine(p, row[name]) for other in names if other != name
            )
            hits += w * (better < k)
        scores[f"top_{k}"] = hits / total
    scores["cosine"] = sum(w * cosine(p, row[name]) for p, name, w in trials) / total
    right = pairs = 0
    for (p, a, wa), (q, b, wb) in itertools.combinations(trials, 2):
        if a != b:
            straight = cosine(p, row[a]) + cosine(q, row[b])
            right += wa * wb * (straight > cosine(p, row[b]) + cosine(q, row[a]))
            pairs += wa * wb
    scores["two_versus_two"] = right / pairs if pairs else np.nan
    true = np.array([row[name] for name in items])
    w = np.array([w for _, _, w in trials])
    r2, r = [], []
    for d in range(gallery.shape[1]):
        t, p = true[:, d], predicted[:, d]
        r2.append(1 - (w @ (t - p) ** 2) / (w @ (t - t.mean()) ** 2))
        t, p = np.repeat(t, w), np.repeat(p, w)
        r.append(np.corrcoef(t, p)[0, 1])
    scores["r2"], scores["r"] = np.mean(r2), np.mean(r)
    return scores


def loop_other_cosine(predicted, items, gallery, names):
    return np.mean(
        [
            cosine(p, g)
            for p, own in zip(predicted, items, strict=True)
            for g, name in zip(gallery, names, strict=True)
            if name != own
        ]
    )


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(0.1, 3))
def test_scores_equal_loops_over_the_definitions(seed, noise):
    case = make_case(seed, noise=noise)
    table = score_decoding(*case, ks=KS, n_bootstrap=1).to_frame()
    for name, value in loop_scores(*case).items():
        assert table.loc[name, "value"] == pytest.approx(value, abs=1e-10)
    assert table.loc["cosine", "chance"] == pytest.approx(loop_other_cosine(*case), abs=1e-12)
    assert [table.loc[f"top_{k}", "chance"] for k in KS] == [k / 9 for k in KS]


def test_intervals_are_quantiles_over_resampled_images():
    case = make_case(3)
    images = np.array([name for name in case[3] if name in case[1]])
    draws = image_draws(len(images), 40, np.random.default_rng(8))
    assert (draws[0] == 1).all()
    assert (draws.sum(axis=1) == len(images)).all()
    resampled = [
        loop_scores(*case, weights=dict(zip(images, draw.astype(int), strict=True)))
        for draw in draws[1:]
    ]
    table = score_decoding(*case, ks=KS, n_bootstrap=40, confidence=0.8, random_state=8).to_frame()
    for name in table.index:
        low, high = np.quantile([scores[name] for scores in resampled], [0.1, 0.9])
        assert table.loc[name, "low"] == pytest.approx(low, abs=1e-9)
        assert table.loc[name, "high"] == pytest.approx(high, abs=1e-9)


def test_repeating_every_trial_narrows_nothing():
    predicted, items, gallery, names = make_case(1)
    once = score_decoding(predicted, items, gallery, names, ks=KS, n_bootstrap=200).to_frame()
    thrice = score_decoding(
        np.tile(predicted, (3, 1)), np.tile(items, 3), gallery, names, ks=KS, n_bootstrap=200
    )
    assert thrice.n_trials == 3 * len(items)
    np.testing.assert_allclose(thrice.to_frame(), once, atol=1e-12)


@pytest.mark.parametrize("function", [score_decoding, permuted_score])
def test_blocks_change_nothing(function, monkeypatch):
    case = make_case(5, n_trials=60)
    whole = function(*case)
    monkeypatch.setattr(metrics, "_BLOCK_BYTES", 700)
    blocked = function(*case)
    if function is score_decoding:
        np.testing.assert_allclose(blocked.to_frame(), whole.to_frame(), atol=1e-13)
    else:
        np.testing.assert_array_equal(blocked.null, whole.null)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_and_length_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    predicted, items, gallery, names = make_case(seed)
    before = score_decoding(predicted, items, gallery, names, ks=KS, n_bootstrap=5).to_frame()
    trials, images = rng.permutation(len(items)), rng.permutation(len(names))
    lengths = rng.uniform(0.1, 10, (len(items), 1))
    after = score_decoding(
        (predicted * lengths)[trials], items[trials], gallery[images], names[images], ks=KS
    ).to_frame()
    by_direction = ["top_1", "top_3", "top_5", "two_versus_two", "cosine"]
    np.testing.assert_allclose(
        after.loc[by_direction, "value"], before.loc[by_direction, "value"], atol=1e-10
    )


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_ties_count_against_the_decoder(constant):
    _, items, gallery, names = make_case(0)
    same = np.repeat(gallery[:1], len(gallery), axis=0)  # all images have one embedding
    predicted = np.full((len(items), gallery.shape[1]), constant)
    score = score_decoding(predicted, items, same, names, ks=KS, n_bootstrap=5)
    assert [e.value for e in score.top_k.values()] == [0, 0, 0]
    assert score.two_versus_two.value == 0
    assert permuted_score(predicted, items, same, names, k=3).value == 0
    if constant == 0:
        zero = score_decoding(predicted, items, gallery, names, ks=KS, n_bootstrap=5)
        assert zero.top_k[5].value == 0
        assert zero.cosine.value == 0


def test_perfect_predictions():
    predicted, items, gallery, names = make_case(0, noise=0)
    score = score_decoding(predicted, items, gallery, names, n_bootstrap=50)
    assert list(score.top_k) == [1, 5]  # the gallery has 9 images
    for value in (*score.top_k.values(), score.two_versus_two, score.cosine, score.r2, score.r):
        assert (value.value, value.low, value.high) == pytest.approx((1, 1, 1))
    assert (score.n_trials, score.n_images, score.n_gallery) == (28, len(set(items)), 9)


def test_random_predictions_score_chance():
    rng = np.random.default_rng(4)
    hits = []
    for seed in range(60):
        _, items, gallery, names = make_case(seed)
        score = score_decoding(
            rng.standard_normal((len(items), 5)), items, gallery, names, ks=[3], n_bootstrap=1
        )
        hits.append([score.top_k[3].value - 3 / 9, score.two_versus_two.value - 0.5])
    hits = np.array(hits)
    standard_error = hits.std(axis=0) / np.sqrt(len(hits))
    assert np.all(np.abs(hits.mean(axis=0)) < 4.5 * standard_error)


# Permutations


def test_permutations_equal_a_loop_that_swaps_embeddings():
    predicted, items, gallery, names = make_case(6)
    test = permuted_score(predicted, items, gallery, names, k=3, n_permutations=20, random_state=1)
    rng = np.random.default_rng(1)
    null = [
        loop_scores(predicted, items, gallery[rng.permutation(len(gallery))], names)["top_3"]
        for _ in range(20)
    ]
    np.testing.assert_allclose(test.null, null)
    value = loop_scores(predicted, items, gallery, names)["top_3"]
    assert test.value == pytest.approx(value)
    assert test.p_value == (1 + np.sum(np.array(null) >= value - 1e-9)) / 21


def test_the_null_has_mean_chance_and_repetitions_widen_it():
    predicted, items, gallery, names = make_case(7, n_trials=40, noise=0.3)
    test = permuted_score(predicted, items, gallery, names, n_permutations=2000)
    assert abs(test.null.mean() - 1 / 9) < 4.5 * test.null.std() / np.sqrt(2000)
    assert test.p_value == 1 / 2001
    binomial = np.sqrt(1 / 9 * 8 / 9 / 40)
    assert test.null.std() > 1.5 * binomial  # trials of an image go wrong together


# Repetitions


def test_average_repetitions_and_distinct_embeddings():
    predicted, items, gallery, names = make_case(2)
    means, distinct = average_repetitions(predicted, items)
    assert distinct.tolist() == sorted(set(items))
    for mean, name in zip(means, distinct, strict=True):
        np.testing.assert_allclose(mean, predicted[items == name].mean(axis=0))
    row = {name: gallery[i] for i, name in enumerate(names)}
    found, found_items = distinct_embeddings(np.array([row[i] for i in items]), items)
    assert found_items.tolist() == distinct.tolist()
    np.testing.assert_array_equal(found, [row[name] for name in distinct])
    averaged = score_decoding(means, distinct, gallery, names, ks=[1], n_bootstrap=1)
    assert averaged.n_trials == averaged.n_images == len(distinct)


def test_items_may_be_strings():
    predicted, items, gallery, names = make_case(2)
    with_numbers = score_decoding(predicted, items, gallery, names, ks=KS, n_bootstrap=1)
    with_names = score_decoding(
        predicted,
        np.char.mod("%03d", items),
        gallery,
        np.char.mod("%03d", names),
        ks=KS,
        n_bootstrap=1,
    )
    assert with_names.to_frame().equals(with_numbers.to_frame())


def broken(**changes):
    predicted, items, gallery, names = make_case(0)
    case = {"predicted": predicted, "items": items, "gallery": gallery, "gallery_items": names}
    return {**case, **changes}


NAN = np.where(np.arange(28 * 5).reshape(28, 5) == 7, np.nan, 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": NAN}, "predicted holds NaN or infinite values in 1 of 28 rows.*row 1"),
        ({"predicted": np.ones(28)}, "predicted must be a 2-D array"),
        ({"predicted": np.ones((28, 4))}, "predicted has 4 dimensions, gallery has 5"),
        ({"predicted": np.ones((0, 5))}, "at least one row"),
        ({"items": np.arange(27)}, "image of each of the 28 rows"),
        ({"items": np.full(28, 1.5)}, "integer or a string"),
        ({"items": np.full(28, 1000)}, "28 trials show images that the gallery lacks.*1000"),
        ({"gallery": 2 * make_case(0)[2]}, "gallery must have rows of unit length.*length 2"),
        ({"gallery_items": np.zeros(9, int)}, "holds 0 twice; see distinct_embeddings"),
        ({"gallery": np.eye(5)[:1], "gallery_items": [3]}, "gallery holds one image"),
    ],
)
def test_bad_input_is_named(changes, message):
    for function in (score_decoding, permuted_score):
        with pytest.raises(ValueError, match=message):
            function(**broken(**changes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ks": []}, "ks=.*expected numbers of images"),
        ({"ks": [0]}, "ks=.0."),
        ({"ks": [1.5]}, "whole and 1 or more"),
        ({"n_bootstrap": 0}, "n_bootstrap=0"),
        ({"confidence": 95}, "confidence=95: expected a number above 0 and below 1"),
    ],
)
def test_bad_options_of_the_score(options, message):
    with pytest.raises(ValueError, match=message):
        score_decoding(**broken(), **options)


def test_bad_options_of_the_permutations():
    with pytest.raises(ValueError, match="k=9: expected less than the 9 images"):
        permuted_score(**broken(), k=9)
    with pytest.raises(ValueError, match=r"n_permutations=2\.5"):
        permuted_score(**broken(), n_permutations=2.5)


def test_an_image_has_one_embedding():
    with pytest.raises(ValueError, match="two embeddings of image 4: rows 0 and 2 differ by 1"):
        distinct_embeddings(np.eye(3), np.array([4, 1, 4]))
