"""What masks keep, leave and cover, by loops over components and pairs of voxels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import gaussian_filter

from sdc_helpers.concepts import (
    localiser_overlap,
    read_through,
    retained,
    score_regions,
)
from sdc_helpers.decoding import ContrastiveDecoder

SHAPE = (8, 8, 4)
GRID = np.argwhere(np.ones(SHAPE)) * 1.8


def trials(seed=0, n=80, n_voxels=12):
    """Responses, embeddings, weights and biases of a linear decoder, two components."""
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(n, 3))
    X = Y @ rng.normal(size=(3, n_voxels)) + rng.normal(size=(n, n_voxels))
    weights = np.linalg.lstsq(X, Y, rcond=None)[0]
    return X, Y, (weights, rng.normal(size=3)), rng.normal(size=(2, 3))


def r_through(X, Y, decoder, w, gates):
    read = [(x * gates) @ decoder[0] @ w + decoder[1] @ w for x in X]
    return 0.0 if np.ptp(read) < 1e-12 else np.corrcoef(read, Y @ w)[0, 1]


def test_reading_through_masks_by_loops():
    X, Y, decoder, W = trials()
    masks = np.random.default_rng(1).random((4, 12))
    found = read_through(X, Y, decoder, W, masks)
    expected = [[r_through(X, Y, decoder, w, m) for m in masks] for w in W]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    hard = read_through(X, Y, decoder, W, masks > 0.5)
    np.testing.assert_allclose(hard, read_through(X, Y, decoder, W, (masks > 0.5) * 1.0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1), st.floats(0.1, 10))
def test_r_is_free_of_the_scale_of_gates_and_components(seed, scale, length):
    """The published penalty can be lowered for nothing: all gates at .1 read as well as open."""
    X, Y, decoder, W = trials()
    gates = np.random.default_rng(seed).random((1, 12))
    plain = read_through(X, Y, decoder, W, gates)
    np.testing.assert_allclose(
        read_through(X, Y, decoder, length * W, scale * gates), plain, atol=1e-4
    )
    np.testing.assert_allclose(read_through(X, Y, decoder, -W, gates), plain, atol=1e-6)


def test_retained_by_loops():
    X, Y, decoder, W = trials()
    masks = np.random.default_rng(1).random((2, 12)) > 0.5
    result = retained(X, Y, decoder, W, masks, n_draws=3, rng=7)
    whole = [r_through(X, Y, decoder, w, np.ones(12)) for w in W]
    np.testing.assert_allclose(result.unmasked, whole, atol=1e-5)
    for i, j in np.ndindex(2, 2):
        kept, left = (r_through(X, Y, decoder, W[i], m) / whole[i] for m in (masks[j], ~masks[j]))
        assert result.kept[i, j] == pytest.approx(kept, abs=1e-4)
        assert result.left[i, j] == pytest.approx(left, abs=1e-4)
    assert result.sizes.tolist() == masks.sum(axis=1).tolist()
    assert result.own.tolist() == [result.kept[0, 0], result.kept[1, 1]]
    assert result.own_left.tolist() == [result.left[0, 0], result.left[1, 1]]
    assert result.others.tolist() == [[result.kept[0, 1]], [result.kept[1, 0]]]
    for k, test in enumerate(result.tests):
        assert test.value == result.r_kept[k, k]
        np.testing.assert_array_equal(test.null, result.r_random[:, k])


def test_random_masks_have_the_size_of_the_own():
    """Of voxels that all say the same with independent noise, r depends on the size alone."""
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(4000, 1))
    X = Y + 2 * rng.normal(size=(4000, 30))
    masks = np.arange(30)[None] < 7
    result = retained(X, Y, (np.ones((30, 1)), [0.0]), [[1.0]], masks, n_draws=10)
    of_seven = np.sqrt(1 / (1 + 4 / 7))
    np.testing.assert_allclose(result.r_random, of_seven, atol=0.05)
    np.testing.assert_allclose(result.r_kept, of_seven, atol=0.05)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_all_voxels_keep_all_and_leave_nothing_and_none_the_reverse(seed):
    X, Y, decoder, W = trials(seed)
    full = np.ones((2, 12), bool)
    result = retained(X, Y, decoder, W, full, n_draws=1)
    readable = result.unmasked > 0
    assert readable.any()
    for shares in (result.kept, result.random.T):
        np.testing.assert_allclose(shares[readable], 1, rtol=1e-6)
    np.testing.assert_array_equal(result.r_left, 0)
    empty = retained(X, Y, decoder, W, ~full, n_draws=1)
    np.testing.assert_array_equal(empty.r_kept, 0)
    np.testing.assert_array_equal(empty.r_random, 0)
    np.testing.assert_allclose(empty.left[readable], 1, rtol=1e-6)


def test_what_is_not_read_has_no_shares():
    X, Y, decoder, _ = trials()
    W = np.eye(3)[:2]
    wrong = (decoder[0] * [1, -1, 1], decoder[1])  # the second dimension upside down
    result = retained(X, Y, wrong, W, np.ones((2, 12), bool), n_draws=1)
    assert result.unmasked[0] > 0 > result.unmasked[1]
    assert np.isfinite(result.kept[0]).all()
    assert np.isnan(result.kept[1]).all()
    assert np.isfinite(result.r_kept).all()


def test_a_network_is_read_as_well():
    X, Y, _, W = trials(n=120)
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    decoder = ContrastiveDecoder(
        hidden=8, n_runs=1, n_steps=200, batch_size=40, lr=0.02, temperature=0.2, input_noise=0.1
    ).fit(X, Y)
    result = retained(X, Y, decoder, W, np.ones((2, 12), bool), n_draws=1)
    (w1, b1), (w2, b2) = decoder.layers_
    h = X @ w1[0] + b1[0]
    read = np.where(h > 0, h, 0.01 * h) @ w2[0] + b2[0]
    expected = [np.corrcoef(read @ w, Y @ w)[0, 1] for w in W]
    np.testing.assert_allclose(result.unmasked, expected, atol=1e-4)
    np.testing.assert_allclose(result.kept, 1, rtol=1e-6)


def test_masks_against_regions_by_pairs_of_voxels():
    rng = np.random.default_rng(0)
    gates = rng.integers(0, 5, (3, 40)) / 4
    regions = {"a": rng.random(40) < 0.3, "b": rng.random(40) < 0.5}
    scores = score_regions(gates, regions)
    assert scores.names == ("a", "b")
    for i, j in np.ndindex(3, 2):
        region, hard = regions["ab"[j]], gates[i] >= 0.5
        both = sum(h and r for h, r in zip(hard, region, strict=True))
        assert scores.dice[i, j] == pytest.approx(2 * both / (hard.sum() + region.sum()))
        pairs = gates[i][region][:, None] - gates[i][~region][None]
        assert scores.auc[i, j] == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    np.testing.assert_array_equal(score_regions(-gates, regions, mask=gates >= 0.5).auc, scores.auc)
    assert (score_regions(np.zeros((1, 40)), regions).dice == 0).all()


def smooth(rng, width=1.2):
    return gaussian_filter(rng.normal(size=SHAPE), width).ravel()


def test_smooth_masks_overlap_smooth_localisers_by_chance_as_often_as_they_should():
    """Bound by the binomial, written before: 9 or more of 60 reject once in 1,000 repetitions.

    Voxels that change places freely, as if they were independent, reject much more often.
    """
    most = stats.binom.ppf(1 - 1e-3, 60, 0.05)
    rejected, naive = 0, 0
    for seed in range(60):
        rng = np.random.default_rng([9, seed])
        field, localiser = smooth(rng), smooth(rng)
        mask, region = field > np.quantile(field, 0.85), localiser > np.quantile(localiser, 0.85)
        found = localiser_overlap(GRID, mask, localiser, region, n_draws=39, rng=rng)
        rejected += found.auc.p_value <= 0.05
        naive += (
            stats.mannwhitneyu(localiser[mask], localiser[~mask], alternative="greater")[1] <= 0.05
        )
    assert rejected <= most
    assert naive > most


def test_a_mask_on_its_region_is_found():
    rng = np.random.default_rng(0)
    field = smooth(rng)
    localiser = field + 0.5 * field.std() * rng.normal(size=len(field))
    mask, region = field > np.quantile(field, 0.85), localiser > np.quantile(localiser, 0.85)
    found = localiser_overlap(GRID, mask, localiser, region, n_draws=99, rng=rng)
    both = (mask & region).sum()
    assert found.dice.value == pytest.approx(2 * both / (mask.sum() + region.sum()))
    pairs = localiser[mask][:, None] - localiser[~mask][None]
    assert found.auc.value == pytest.approx(np.mean(pairs > 0))
    assert max(found.dice.p_value, found.auc.p_value) <= 0.05
    assert found.dice.scheme == "masks of smooth noise"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": np.zeros(len(GRID), bool)}, "mask has 0 of 256 voxels"),
        ({"mask": np.zeros(3, bool)}, "mask has shape"),
        ({"region": np.zeros(len(GRID))}, "region has type float64"),
        ({"localiser": np.full(len(GRID), np.nan)}, "localiser is not finite"),
        ({"positions": GRID[:, :2]}, "positions has shape"),
        ({"positions": 0 * GRID}, "at the same place"),
        ({"n_draws": 0}, "n_draws=0"),
    ],
)
def test_bad_input_of_the_localiser(change, message):
    region = (GRID < 3).all(axis=1)
    given_well = {"positions": GRID, "mask": region, "localiser": GRID[:, 0], "region": region}
    with pytest.raises(ValueError, match=message):
        localiser_overlap(**{**given_well, **change}, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.ones((2, 5), bool), r"masks has shape \(2, 5\); expected \(n_masks, 12\)"),
        (np.ones(12, bool), "masks has shape"),
        (np.full((2, 12), 1.5), "masks goes from 1.5 to 1.5"),
        (np.full((2, 12), np.nan), "masks holds NaN"),
    ],
)
def test_bad_masks(masks, message):
    X, Y, decoder, W = trials()
    for function in (read_through, retained):
        with pytest.raises(ValueError, match=message):
            function(X, Y, decoder, W, masks)


def test_retained_takes_a_hard_mask_for_each_component():
    X, Y, decoder, W = trials()
    for masks in (np.ones((3, 12), bool), np.ones((2, 12))):
        with pytest.raises(ValueError, match="expected 2 masks of bool"):
            retained(X, Y, decoder, W, masks)
    with pytest.raises(ValueError, match="n_draws=0"):
        retained(X, Y, decoder, W, np.ones((2, 12), bool), n_draws=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gates": np.zeros(4)}, "gates has shape"),
        ({"gates": [[np.nan, 0, 0, 0]]}, "expected finite"),
        ({"regions": {}}, "regions is empty"),
        ({"regions": {"a": np.ones(4, bool)}}, "has 4 of 4 voxels"),
        ({"regions": {"a": np.ones(3, bool)}}, "'a'. has shape"),
        ({"regions": {"a": np.ones(4)}}, "of float64; expected bool"),
        ({"mask": np.ones((1, 3), bool)}, "mask has shape"),
    ],
)
def test_bad_regions(change, message):
    given_well = {"gates": [[0.1, 0.2, 0.9, 0.4]], "regions": {"a": np.arange(4) > 1}}
    with pytest.raises(ValueError, match=message):
        score_regions(**{**given_well, **change})
