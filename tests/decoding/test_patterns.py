from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.decoding import activation_patterns, patterns


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 12)) @ rng.standard_normal((12, 12)) + 3
    return X, rng.standard_normal((12, 4))


@pytest.mark.parametrize("ridge", [0, 1e-3])
def test_patterns_follow_the_formula_with_covariances(case, ridge):
    X, W = case
    inner = np.cov(X @ W, rowvar=False)
    inner = inner + ridge * np.trace(inner) / 4 * np.eye(4)
    expected = np.cov(X, rowvar=False) @ W @ np.linalg.inv(inner)
    np.testing.assert_allclose(activation_patterns(X, W, ridge=ridge), expected, rtol=1e-9)
    decoder = SimpleNamespace(coef_=W)
    np.testing.assert_allclose(activation_patterns(X, decoder, ridge=ridge), expected, rtol=1e-9)


def test_blocks_of_voxels_change_nothing(case, monkeypatch):
    X, W = case
    expected = activation_patterns(X, W)
    monkeypatch.setattr(patterns, "_BLOCK_BYTES", 8 * len(X) * 5)
    np.testing.assert_allclose(activation_patterns(X, W), expected, rtol=1e-9)


def test_a_voxel_that_only_cancels_noise_has_a_weight_but_no_pattern():
    """The two-channel example: x1 = s + d, x2 = d; the best weights are (1, -1)."""
    rng = np.random.default_rng(1)
    signal, distractor = rng.standard_normal((2, 20_000))
    X = np.column_stack([signal + distractor, distractor])
    W = np.array([[1.0], [-1.0]])
    pattern = activation_patterns(X, W)
    assert pattern[0, 0] == pytest.approx(1, abs=0.04)
    assert pattern[1, 0] == pytest.approx(0, abs=0.04)


def test_patterns_recover_the_forward_model(case):
    """With independent latents and weights that invert the model, A is the model."""
    rng = np.random.default_rng(2)
    latents = rng.standard_normal((500, 3))
    latents -= latents.mean(axis=0)
    latents = latents @ np.linalg.inv(np.linalg.cholesky(np.cov(latents, rowvar=False))).T
    A = rng.standard_normal((12, 3))
    X = latents @ A.T
    W = np.linalg.pinv(A).T
    np.testing.assert_allclose(activation_patterns(X, W, ridge=0), A, atol=1e-9)


def test_read_outs_of_few_directions_are_no_obstacle(case):
    X, W = case
    doubled = np.hstack([W, W])  # the covariance of the read-outs has rank 4 of 8
    half = activation_patterns(X, W, ridge=0) / 2
    np.testing.assert_allclose(
        activation_patterns(X, doubled, ridge=0), np.hstack([half, half]), rtol=1e-6
    )
    np.testing.assert_allclose(activation_patterns(X, doubled), np.hstack([half, half]), rtol=1e-3)


def test_bad_input_is_named(case):
    X, W = case
    with pytest.raises(ValueError, match=r"X has shape \(80, 11\).*the 12 voxels"):
        activation_patterns(X[:, :11], W)
    with pytest.raises(ValueError, match="at least 2 trials"):
        activation_patterns(X[:1], W)
    with pytest.raises(ValueError, match="X holds NaN"):
        activation_patterns(np.where(X > 3, np.nan, X), W)
    with pytest.raises(ValueError, match="weights must be a 2-D"):
        activation_patterns(X, W[:, 0])
    with pytest.raises(ValueError, match="ridge=-1"):
        activation_patterns(X, W, ridge=-1)
    with pytest.raises(ValueError, match="do not vary"):
        activation_patterns(np.ones((5, 12)), W)
