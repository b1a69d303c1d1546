"""Simple maps, each against a calculation written anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sdc_helpers.concepts import (
    correlation_map,
    lasso_map,
    loading_map,
    pattern_map,
    top_voxels,
)
from sdc_helpers.decoding import RidgeDecoder


def trials(seed=0, n_pictures=60, n_voxels=15, signal=1.0):
    """Two repetitions of each picture; voxels 0 to 4 carry dimension 0, 5 to 9 dimension 1."""
    rng = np.random.default_rng(seed)
    items = rng.permutation(np.repeat(np.arange(n_pictures), 2))
    Y = rng.normal(size=(n_pictures, 3))[items]
    patches = np.arange(n_voxels) // 5 == np.arange(2)[:, None]
    X = signal * Y[:, :2] @ patches + rng.normal(size=(len(items), n_voxels))
    return X, Y, items, patches


def test_correlations_and_their_threshold():
    X, Y, items, patches = trials()
    found = correlation_map(X, Y, np.eye(3)[:2], items=items, rng=0)
    for k, v in np.ndindex(2, 15):
        assert found.values[k, v] == pytest.approx(stats.pearsonr(X[:, v], Y[:, k])[0], abs=1e-6)
    assert found.masks[patches].all()
    np.testing.assert_allclose(
        correlation_map(X, Y, np.eye(3)[:2], rng=0).values, found.values
    )  # equal embeddings are one picture


def test_no_voxel_stands_out_by_chance_too_often():
    """Bound by the binomial, written before: of 100 maps of noise, p of more is below 1 in 1,000.

    Pictures repeat and share noise, so that trials that change places freely would not do.
    """
    most = stats.binom.ppf(1 - 1e-3, 100, 0.05)
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng([5, seed])
        items = np.repeat(np.arange(20), 3)
        X = rng.normal(size=(20, 6))[items] + 0.3 * rng.normal(size=(60, 6))
        Y = rng.normal(size=(20, 1))[items]
        hits += correlation_map(X, Y, [[1.0]], items=items, n_permutations=19, rng=rng).masks.any()
    assert hits <= most


def test_lasso_is_scikit_learns():
    from sklearn.linear_model import Lasso, MultiTaskLasso

    X, Y, items, _ = trials()
    X = X.astype(np.float32).astype(float)
    targets = (Y[:, :2] - Y[:, :2].mean(axis=0)) / Y[:, :2].std(axis=0)
    centred = X - X.mean(axis=0)
    found = lasso_map(X, Y, np.eye(3)[:2], items=items, penalty=0.2)
    for k in range(2):
        most = np.abs(centred.T @ targets[:, k]).max() / len(X)
        expected = Lasso(alpha=0.2 * most).fit(X, targets[:, k]).coef_
        np.testing.assert_allclose(found.values[k], expected, atol=1e-4)
    np.testing.assert_array_equal(found.masks, found.values != 0)
    grouped = lasso_map(X, Y, np.eye(3)[:2], items=items, penalty=0.2, grouped=True)
    most = np.sqrt(((centred.T @ targets) ** 2).sum(axis=1)).max() / len(X)
    expected = MultiTaskLasso(alpha=0.2 * most).fit(X, targets).coef_
    np.testing.assert_allclose(grouped.values, expected, atol=1e-4)
    np.testing.assert_array_equal(grouped.masks[0], grouped.masks[1])


@pytest.mark.parametrize("grouped", [False, True])
def test_the_penalty_decides_from_nothing_to_much(grouped):
    X, Y, items, patches = trials()
    sizes = [
        lasso_map(X, Y, np.eye(3)[:2], items=items, penalty=p, grouped=grouped).masks.sum()
        for p in (0.95, 0.5, 0.01)
    ]
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    chosen = lasso_map(X, Y, np.eye(3)[:2], items=items, grouped=grouped)
    assert (
        chosen.masks[patches].mean() >= 0.8
    )  # bound before: most of ten voxels as good as each other


def test_patterns_are_the_covariance_with_the_readouts():
    X, Y, _, patches = trials()
    Y = Y / np.linalg.norm(Y, axis=1, keepdims=True)
    decoder = RidgeDecoder(alphas=[10.0]).fit(X, Y)
    found = pattern_map(X, decoder, np.eye(3)[:1], sizes=5)
    read = X @ decoder.coef_[:, 0]
    expected = [np.cov(x, read)[0, 1] / read.var(ddof=1) for x in X.T]
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-3)
    np.testing.assert_array_equal(found.masks[0], patches[0])


def test_loadings_share_out_what_is_explained():
    """Of orthogonal scores: the regression's own shares, from every voxel's mean responses."""
    X, _, items, patches = trials(n_pictures=64)
    signs = np.array([[(i >> b & 1) * 2.0 - 1 for b in range(2)] for i in range(64)])[items]
    X = signs @ patches + 0.5 * X
    found = loading_map(X, signs, np.eye(2), items=items)
    means = np.array([X[items == i].mean(axis=0) for i in range(64)])
    of = np.array([signs[items == i][0] for i in range(64)])
    slopes = np.linalg.lstsq(np.column_stack([of, np.ones(64)]), means, rcond=None)[0][:2]
    expected = np.sign(slopes) * slopes**2 / (slopes**2).sum(axis=0)
    np.testing.assert_allclose(found.values, expected, atol=1e-4)
    np.testing.assert_array_equal(found.masks, slopes**2 > 0.5 * (slopes**2).sum(axis=0))
    np.testing.assert_array_equal(found.masks[:, :10], patches[:, :10])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shares_of_a_voxel_sum_to_one_and_at_most_one_is_above_half(seed):
    X, Y, items, _ = trials(seed)
    W = np.random.default_rng(seed).normal(size=(2, 3))
    found = loading_map(X, Y, W, items=items)
    np.testing.assert_allclose(np.abs(found.values).sum(axis=0), 1, atol=1e-6)
    assert (found.masks.sum(axis=0) <= 1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_top_voxels_by_sorting(seed):
    rng = np.random.default_rng(seed)
    values, sizes = rng.integers(-4, 5, (3, 10)).astype(float), rng.integers(0, 11, 3)
    found = top_voxels(values, sizes)
    assert found.sum(axis=1).tolist() == sizes.tolist()
    for row, mask in zip(np.abs(values), found, strict=True):
        assert not mask.any() or mask.all() or row[mask].min() >= row[~mask].max()


PEOPLE = trials()
GOOD = {"responses": PEOPLE[0], "embeddings": PEOPLE[1], "components": np.eye(3)[:2]}


@pytest.mark.parametrize("function", [lasso_map, correlation_map, loading_map])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"responses": 0 * PEOPLE[0]}, "15 of 15 voxels have one value"),
        ({"responses": np.full((120, 15), np.nan)}, "responses holds NaN"),
        ({"embeddings": np.ones((120, 3))}, "has one score"),
        ({"embeddings": PEOPLE[1][:5]}, "embeddings has shape"),
        ({"components": np.zeros((1, 3))}, "is zero, which has no direction"),
        ({"items": np.zeros(3, int)}, "items has shape"),
    ],
)
def test_bad_input(function, change, message):
    with pytest.raises(ValueError, match=message):
        function(**{**GOOD, **change})


def test_bad_parameters():
    pictures = np.arange(120) % 4
    for penalty in (0, 1, "much"):
        with pytest.raises(ValueError, match="penalty="):
            lasso_map(**GOOD, penalty=penalty)
    with pytest.raises(ValueError, match="items names 4 pictures; expected 5"):
        lasso_map(**GOOD, items=pictures)
    with pytest.raises(ValueError, match="alpha=0"):
        correlation_map(**GOOD, alpha=0)
    with pytest.raises(ValueError, match="n_permutations=18: expected an integer of 19"):
        correlation_map(**GOOD, n_permutations=18)
    with pytest.raises(ValueError, match="min_share=2"):
        loading_map(**GOOD, min_share=2)
    with pytest.raises(ValueError, match="items names 3 pictures for 2 components"):
        loading_map(**GOOD, items=np.arange(120) % 3)
    with pytest.raises(ValueError, match="linearly dependent"):
        loading_map(**{**GOOD, "components": np.eye(3)[[0, 0]]})
    decoder = (np.ones((15, 3)), np.zeros(3))
    for sizes, message in (
        (16, "sizes goes from 16"),
        ([1, 2, 3], "sizes has shape"),
        (-1, "from -1"),
    ):
        with pytest.raises(ValueError, match=message):
            pattern_map(GOOD["responses"], decoder, GOOD["components"], sizes)
    with pytest.raises(ValueError, match="the decoder has 3"):
        pattern_map(GOOD["responses"], decoder, np.eye(2), 1)
    with pytest.raises(ValueError, match="expected finite"):
        top_voxels([[np.nan]], 1)
