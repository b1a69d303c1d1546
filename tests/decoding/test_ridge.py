from __future__ import annotations

import numpy as np
import pytest
from himalaya import kernel_ridge as himalaya
from sklearn.linear_model import Ridge

from sdc_helpers.decoding import RidgeDecoder, distinct_embeddings, score_decoding

ALPHAS = (1.0, 30.0, 1e3, 3e4)


def loop_top_1(predicted, Y, items):
    """Fraction of trials nearer to their own embedding than to any other image's."""
    gallery, names = distinct_embeddings(Y, items)
    hits = 0
    for p, item in zip(predicted, items, strict=True):
        cosines = gallery @ p / np.linalg.norm(p)
        hits += np.all(cosines[names == item] > cosines[names != item])
    return hits / len(items)


@pytest.mark.parametrize("n_trials", [None, 120])  # 720 trials of 200 voxels, or fewer than voxels
def test_weights_and_curve_equal_scikit_learn(folds, n_trials):
    train, validation = folds
    X, Y, items = (a[:n_trials] for a in train)
    decoder = RidgeDecoder(ALPHAS).fit(X, Y, items=items, validation=tuple(validation))
    peers = [Ridge(alpha=a).fit(X.astype(float), Y.astype(float)) for a in ALPHAS]
    decoded = [peer.predict(validation.X.astype(float)) for peer in peers]
    expected = [loop_top_1(p, validation.Y, validation.items) for p in decoded]
    curve = decoder.validation_curve_
    assert curve["alpha"].tolist() == list(ALPHAS)
    np.testing.assert_allclose(curve["top_1"], expected, atol=1e-12)
    for cosine, p in zip(curve["cosine"], decoded, strict=True):
        p = p / np.linalg.norm(p, axis=1, keepdims=True)
        assert cosine == pytest.approx((p * validation.Y).sum(axis=1).mean(), abs=1e-7)
    best = np.flatnonzero(expected == np.max(expected))[-1]
    assert decoder.alpha_ == ALPHAS[best]
    np.testing.assert_allclose(decoder.coef_, peers[best].coef_.T, atol=1e-8)
    np.testing.assert_allclose(decoder.intercept_, peers[best].intercept_, atol=1e-8)
    raw = decoder.predict_raw(validation.X)
    np.testing.assert_allclose(raw, decoded[best], atol=1e-7)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(decoder.predict(validation.X), raw / lengths)


def test_far_above_chance_and_at_chance_when_pictures_are_shuffled(folds):
    train, validation = folds
    gallery = distinct_embeddings(validation.Y, validation.items)
    decoder = RidgeDecoder().fit(train.X, train.Y, items=train.items, validation=tuple(validation))
    score = score_decoding(decoder.predict_raw(validation.X), validation.items, *gallery)
    assert score.top_k[1].low > 5 * score.top_k[1].chance
    assert score.r.low > 0.3
    assert score.r2.low > 0
    shuffled = dict(zip(gallery[1], np.random.default_rng(0).permutation(gallery[0]), strict=True))
    wrong = np.array([shuffled[item] for item in validation.items])
    assert decoder.score(validation.X, wrong, validation.items) < 5 * score.top_k[1].chance


def test_penalty_by_folds_that_share_no_image(folds):
    train, _ = folds
    decoder = RidgeDecoder(ALPHAS, cv=3, random_state=1)
    sides = []
    from sdc_helpers.decoding._inputs import make_folds

    fold, _ = make_folds(tuple(train), None, False)
    for kept, out in decoder._cross_folds(fold):
        assert not set(kept.items) & set(out.items)
        sides.append(len(out.items))
    assert sum(sides) == len(train.items)
    decoder.fit(train.X, train.Y, items=train.items)
    assert len(decoder.validation_curve_) == len(ALPHAS)
    assert decoder.alpha_ in ALPHAS[1:]
    few = np.isin(train.items, np.unique(train.items)[:3])
    with pytest.raises(ValueError, match="3 training images are too few"):
        decoder.fit(train.X[few], train.Y[few], items=train.items[few])


def test_one_penalty_needs_no_choice(folds):
    train, _ = folds
    decoder = RidgeDecoder([50]).fit(train.X, train.Y)
    assert decoder.alpha_ == 50
    assert len(decoder.validation_curve_) == 0
    peer = Ridge(alpha=50).fit(train.X.astype(float), train.Y)
    np.testing.assert_allclose(decoder.coef_, peer.coef_.T, atol=1e-8)


def test_a_penalty_at_the_edge_of_the_grid_warns(folds):
    train, validation = folds
    with pytest.warns(UserWarning, match="1e-05 is the largest of alphas"):
        RidgeDecoder([1e-6, 1e-5]).fit(
            train.X, train.Y, items=train.items, validation=tuple(validation)
        )


@pytest.mark.parametrize("n_trials", [None, 120])
def test_weights_equal_those_of_himalaya(folds, n_trials):
    X, Y, _ = (a[:n_trials] for a in folds[0])
    decoder = RidgeDecoder([30.0]).fit(X, Y)
    peer = himalaya.KernelRidge(alpha=30.0, fit_intercept=True, warn=False).fit(
        X.astype(float), Y.astype(float)
    )
    np.testing.assert_allclose(decoder.coef_, peer.get_primal_coef(), atol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alphas": []}, "alphas=.*positive finite"),
        ({"alphas": [0.0, 1.0]}, "alphas=.*positive finite"),
        ({"alphas": [np.inf]}, "positive finite"),
        ({"alphas": ["a"]}, "positive finite"),
        ({"cv": 1}, "cv=1: expected an integer of 2 or more"),
        ({"device": "abacus"}, "device='abacus' cannot be used here"),
    ],
)
def test_bad_options(folds, options, message):
    with pytest.raises(ValueError, match=message):
        RidgeDecoder(**options).fit(folds[0].X, folds[0].Y)
