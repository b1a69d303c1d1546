from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.alignment import (
    MinibatchCKA,
    biased_null,
    cka,
    cka_from_grams,
    feature_corrected_cka,
    gram,
    gram_from_rdm,
    minibatch_cka,
)

COSINES = ["biased", "debiased", "rv2"]
ESTIMATORS = [*COSINES, "feature_corrected"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def related(rng, n=40, p=12, q=9, latents=3):
    """Two sets of features that share latents, each with noise and an offset of its own."""
    Z = rng.standard_normal((n, latents))
    X = Z @ rng.standard_normal((latents, p)) + rng.standard_normal((n, p)) + rng.normal(size=p)
    Y = Z @ rng.standard_normal((latents, q)) + rng.standard_normal((n, q)) + rng.normal(size=q)
    return X, Y


def value_of(X, Y, estimator):
    if estimator == "feature_corrected":
        return feature_corrected_cka(X, Y).value
    return cka(X, Y, estimator)


# Oracles: textbook formulas, written without the centred matrices of the package.


def song_hsic(K, L):
    """Unbiased HSIC in traces and sums (Song et al. 2012)."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    return (
        np.trace(K @ L)
        + (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (one @ K @ L @ one)
    ) / (n * (n - 3))


def quadruple_hsic(K, L):
    """The same as a mean over all ordered quadruples of different stimuli."""
    terms = [
        K[i, j] * (L[i, j] + L[q, r] - 2 * L[i, q])
        for i, j, q, r in itertools.permutations(range(len(K)), 4)
    ]
    return np.mean(terms)


def ratio(f, K, L):
    return f(K, L) / math.sqrt(f(K, K) * f(L, L))


def feature_space_biased(X, Y):
    """Kornblith et al. (2019): |Y^T X|^2 / (|X^T X| |Y^T Y|) of centred features."""
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return np.sum((Y.T @ X) ** 2) / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y))


def looped_rv2(X, Y):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    pairs = list(itertools.permutations(range(len(X)), 2))
    k = np.array([X[i] @ X[j] for i, j in pairs])
    m = np.array([Y[i] @ Y[j] for i, j in pairs])
    return k @ m / math.sqrt((k @ k) * (m @ m))


def pairwise_feature_corrected(X, Y):
    """Mean HSIC over pairs of features, different ones in the self terms."""

    def mean(pairs):
        return np.mean([song_hsic(np.outer(a, a), np.outer(b, b)) for a, b in pairs])

    cross = mean(itertools.product(X.T, Y.T))
    return cross, mean(itertools.permutations(X.T, 2)), mean(itertools.permutations(Y.T, 2))


# Values


def test_published_values_of_random_matrices():
    state = np.random.RandomState(2024)
    reference = state.rand(1024, 1024)
    biased = {10: 0.06992, 100: 0.21164, 1000: 0.49714, 10000: 0.67477}
    debiased = {10: 0.000336, 100: 0.000403, 1000: -0.000885, 10000: 0.003018}
    K = gram(reference, centre=True)
    for p in biased:
        L = gram(state.rand(1024, p), centre=True)
        assert cka_from_grams(L, K, "biased") == pytest.approx(biased[p], abs=1e-5)
        assert cka_from_grams(L, K, "debiased") == pytest.approx(debiased[p], abs=1e-5)
        assert cka_from_grams(L, K, "rv2") == pytest.approx(0, abs=0.01)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(5, 15),
    p=st.integers(1, 20),
    q=st.integers(1, 20),
)
def test_agreement_with_textbook_formulas(seed, n, p, q):
    X, Y = related(np.random.default_rng(seed), n, p, q)
    assert cka(X, Y) == pytest.approx(ratio(song_hsic, X @ X.T, Y @ Y.T), abs=1e-8)
    assert cka(X, Y, "biased") == pytest.approx(feature_space_biased(X, Y), abs=1e-10)
    assert cka(X, Y, "rv2") == pytest.approx(looped_rv2(X, Y), abs=1e-8)


def test_debiased_is_the_mean_over_quadruples(rng):
    X, Y = related(rng, n=6)
    assert cka(X, Y) == pytest.approx(ratio(quadruple_hsic, X @ X.T, Y @ Y.T), abs=1e-12)


@pytest.mark.parametrize(("n", "p", "q"), [(4, 2, 3), (7, 5, 4), (30, 3, 6)])
def test_feature_corrected_is_the_mean_over_pairs_of_features(rng, n, p, q):
    X, Y = related(rng, n, p, q)
    result = feature_corrected_cka(X, Y)
    cross, self_x, self_y = pairwise_feature_corrected(X, Y)
    assert result.numerator == pytest.approx(cross, rel=1e-9)
    assert result.norm_x == pytest.approx(self_x, rel=1e-9)
    assert result.norm_y == pytest.approx(self_y, rel=1e-9)
    if self_x > 0 and self_y > 0:
        assert result.value == pytest.approx(cross / math.sqrt(self_x * self_y), rel=1e-9)


@pytest.mark.parametrize("estimator", COSINES)
def test_grams_and_features_agree_centred_or_not(rng, estimator):
    X, Y = related(rng)
    for centre in (False, True):
        K, L = gram(X, centre=centre), gram(Y, centre=centre)
        assert cka_from_grams(K, L, estimator) == pytest.approx(cka(X, Y, estimator), abs=1e-10)


def test_rv2_without_column_centring_would_be_near_one(rng):
    X, Y = rng.random((100, 50)) + 1, rng.random((100, 60)) + 1
    off = ~np.eye(100, dtype=bool)
    k, m = (X @ X.T)[off], (Y @ Y.T)[off]
    assert k @ m / math.sqrt((k @ k) * (m @ m)) > 0.99
    assert abs(cka(X, Y, "rv2")) < 0.1
    assert abs(cka_from_grams(X @ X.T, Y @ Y.T, "rv2")) < 0.1


def test_debiased_ignores_what_turns_features_into_distances(rng):
    """-D/2 differs from X X^T by a row and a column term alone, and U-centring removes those."""
    X, Y = related(rng)
    D = ((X[:, None] - X[None]) ** 2).sum(-1)
    expected = cka(X, Y)
    assert cka_from_grams(-D / 2, Y @ Y.T) == pytest.approx(expected, abs=1e-10)
    assert cka_from_grams(gram_from_rdm(D), Y @ Y.T) == pytest.approx(expected, abs=1e-10)


# Invariances


@pytest.mark.parametrize("estimator", COSINES)
@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(6, 20),
    p=st.integers(1, 25),
    log_scale=st.floats(-100, 100),
    shift=st.floats(-1e6, 1e6),
)
def test_invariance_to_rotation_scale_and_shift(estimator, seed, n, p, log_scale, shift):
    rng = np.random.default_rng(seed)
    X, Y = related(rng, n, p)
    Q, _ = np.linalg.qr(rng.standard_normal((p, p)))
    value = cka(X, Y, estimator)
    assert cka(X @ Q, Y, estimator) == pytest.approx(value, abs=1e-8)
    assert cka(X * 10**log_scale, Y, estimator) == pytest.approx(value, abs=1e-8)
    assert cka(X + shift * rng.standard_normal(p), Y, estimator) == pytest.approx(value, abs=1e-5)


def test_feature_corrected_is_invariant_to_scale_and_shift_but_not_rotation(rng):
    X, Y = related(rng, n=200)
    value = feature_corrected_cka(X, Y).value
    moved = feature_corrected_cka(3 * X + rng.standard_normal(X.shape[1]), Y).value
    assert moved == pytest.approx(value, rel=1e-9)
    U, S, _ = np.linalg.svd(X - X.mean(0), full_matrices=False)
    principal = feature_corrected_cka(U * S, Y)  # features that share nothing with each other
    assert not principal.valid


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_symmetry_and_common_row_order(rng, estimator):
    X, Y = related(rng)
    order = rng.permutation(len(X))
    value = value_of(X, Y, estimator)
    assert value_of(Y, X, estimator) == pytest.approx(value, abs=1e-12)
    assert value_of(X[order], Y[order], estimator) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("estimator", COSINES)
def test_self_alignment_is_one(rng, estimator):
    X, _ = related(rng)
    assert cka(X, X, estimator) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_large_common_mean_does_not_spoil_the_value(rng, estimator):
    X, Y = related(rng, n=60)
    far = value_of(X + 1e6, Y - 1e6, estimator)
    assert far == pytest.approx(value_of(X, Y, estimator), abs=1e-7)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_torch_equals_numpy(rng, estimator, device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    X, Y = related(rng)
    tensors = [torch.from_numpy(Z).to(device) for Z in (X, Y)]
    expected = value_of(X, Y, estimator)
    assert value_of(*tensors, estimator) == pytest.approx(expected, abs=1e-11)
    if estimator in COSINES:
        K, L = (Z @ Z.T for Z in tensors)
        assert cka_from_grams(K, L, estimator) == pytest.approx(expected, abs=1e-11)


def test_a_few_constant_features_among_others_change_nothing(rng):
    X, Y = related(rng)
    padded = np.hstack([X, np.full((len(X), 3), 5.0)])
    for estimator in COSINES:
        expected = cka(X, Y, estimator)
        assert cka(padded, Y, estimator) == pytest.approx(expected, abs=1e-12)


# Statistics


def test_debiased_is_zero_on_average_for_unrelated_features_and_biased_meets_its_closed_form(rng):
    n, p, q, repeats = 30, 60, 45, 300
    draws = [(rng.standard_normal((n, p)), rng.standard_normal((n, q))) for _ in range(repeats)]
    debiased = np.array([cka(X, Y) for X, Y in draws])
    assert abs(debiased.mean()) < 4.5 * debiased.std() / math.sqrt(repeats)
    assert debiased.min() < 0  # negative values are kept
    biased = np.mean([cka(X, Y, "biased") for X, Y in draws])
    assert biased == pytest.approx(biased_null(n, p, q), abs=0.01)


def test_closed_form_of_the_biased_null():
    n = 1024
    assert biased_null(n, 10**9, 10**9) == pytest.approx(1, abs=1e-5)
    assert biased_null(n, 10**9, n) == pytest.approx(1 / math.sqrt(2), abs=1e-3)
    p = np.array([10, 100])
    scalars = [biased_null(n, 10, n), biased_null(n, 100, n)]
    np.testing.assert_allclose(biased_null(n, p, n), scalars)
    with pytest.raises(ValueError, match="p1=0"):
        biased_null(n, 0, 5)


def sampled_features(rng, n, p, q, spread_x, spread_y):
    """Random linear read-outs of common latents: a sample of two populations of features.

    The population value is tr(A B) / sqrt(tr(A A) tr(B B)), A and B the covariances of the
    read-out weights.
    """
    Z = rng.standard_normal((n, len(spread_x)))
    X = Z @ (rng.standard_normal((p, len(spread_x))) * np.sqrt(spread_x)).T
    Y = Z @ (rng.standard_normal((q, len(spread_y))) * np.sqrt(spread_y)).T
    return X, Y


def test_feature_corrected_terms_are_unbiased_and_closer_to_the_population(rng):
    a, b = np.linspace(1, 0.2, 20), np.tile([0.5, 1], 10)
    population = (a @ b) / math.sqrt((a @ a) * (b @ b))
    repeats = 400
    corrected, debiased = [], []
    for _ in range(repeats):
        X, Y = sampled_features(rng, 60, 20, 15, a, b)
        result = feature_corrected_cka(X, Y)
        corrected.append((result.numerator, result.norm_x, result.norm_y))
        debiased.append(cka(X, Y))
    terms = np.array(corrected)
    standard_error = terms.std(axis=0) / math.sqrt(repeats)
    assert np.all(np.abs(terms.mean(axis=0) - [a @ b, a @ a, b @ b]) < 4.5 * standard_error)
    values = terms[:, 0] / np.sqrt(terms[:, 1] * terms[:, 2])
    assert population - np.mean(debiased) > 0.2
    assert abs(np.mean(values) - population) < 0.25 * abs(np.mean(debiased) - population)


def test_feature_corrected_says_when_it_cannot_be_believed(rng):
    runs = [
        feature_corrected_cka(rng.standard_normal((20, 200)), rng.standard_normal((20, 200)))
        for _ in range(40)
    ]
    undefined = [run for run in runs if min(run.norm_x, run.norm_y) <= 0]
    assert undefined
    for run in undefined:
        assert math.isnan(run.value)
        assert not run.valid
        assert "not positive" in run.reason
    X, _ = related(rng, n=100)
    itself = feature_corrected_cka(X, X)
    assert itself.value > 1
    assert not itself.valid
    assert "outside [-1, 1]" in itself.reason


def test_feature_corrected_is_valid_on_a_sample_of_a_population(rng):
    a, b = np.array([1, 0.5, 0.25]), np.array([0.25, 0.5, 1])
    X, Y = sampled_features(rng, 300, 100, 80, a, b)
    result = feature_corrected_cka(X, Y)
    assert result.valid
    assert result.reason == ""
    assert result.value == pytest.approx((a @ b) / (a @ a), abs=0.15)


# Minibatches


def test_minibatches_pool_unbiased_terms(rng):
    X, Y = related(rng, n=50)
    batches = [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10)]
    terms = np.array(
        [[song_hsic(K @ K.T, L @ L.T) for K, L in ((x, y), (x, x), (y, y))] for x, y in batches]
    ).mean(axis=0)
    assert minibatch_cka(batches) == pytest.approx(terms[0] / math.sqrt(terms[1] * terms[2]))
    assert minibatch_cka([(X, Y)]) == pytest.approx(cka(X, Y), abs=1e-12)
    accumulator = MinibatchCKA()
    for x, y in batches:
        assert accumulator.update(torch.from_numpy(x), torch.from_numpy(y)) is accumulator
    assert accumulator.n_batches == 5
    assert accumulator.compute() == pytest.approx(minibatch_cka(batches), abs=1e-12)


def test_minibatches_of_unequal_size_count_by_pairs(rng):
    X, Y = related(rng, n=30)
    parts = [(X[:20], Y[:20]), (X[20:26], Y[20:26]), (X[26:], Y[26:])]
    sizes = np.array([20, 6, 4])
    weights = sizes * (sizes - 3)
    terms = weights @ np.array(
        [[song_hsic(a @ a.T, b @ b.T) for a, b in ((x, y), (x, x), (y, y))] for x, y in parts]
    )
    assert minibatch_cka(parts) == pytest.approx(terms[0] / math.sqrt(terms[1] * terms[2]))


def test_minibatch_is_free_of_the_bias_that_averaging_keeps(rng):
    X, Y = rng.standard_normal((800, 100)), rng.standard_normal((800, 100))
    batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 800, 8)]
    assert np.mean([cka(x, y, "biased") for x, y in batches]) > 0.8
    assert abs(minibatch_cka(batches)) < 0.1


def test_minibatch_bad_input(rng):
    with pytest.raises(ValueError, match="no batch yet"):
        minibatch_cka([])
    with pytest.raises(ValueError, match="X has 3 rows"):
        minibatch_cka([(rng.random((3, 2)), rng.random((3, 2)))])
    constant = np.ones((8, 3))
    good = rng.random((8, 3))
    with pytest.raises(ValueError, match=r"Y has no structure.*every batch"):
        minibatch_cka([(good, constant)])
    assert math.isfinite(minibatch_cka([(good, constant), (good, rng.random((8, 3)))]))
