"""CKA without a matrix of stimuli by stimuli: the same numbers, in bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.alignment import _rows, cka, feature_side, permutation_test

COSINES = ["biased", "debiased", "rv2"]


def related(seed, n, p, q):
    """Two sets of features that share three latents, with offsets far from 0."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, 3))
    X = Z @ rng.standard_normal((3, p)) + rng.standard_normal((n, p)) + 20
    Y = Z @ rng.standard_normal((3, q)) + rng.standard_normal((n, q)) - 5
    return X, Y


def in_traces(X, Y, estimator):
    """The estimators by their textbook definitions, with matrices of n x n."""
    n = len(X)
    K, L = X @ X.T, Y @ Y.T
    if estimator == "debiased":  # Song et al. 2012
        one = np.ones(n)

        def f(A, B):
            A, B = A - np.diag(np.diag(A)), B - np.diag(np.diag(B))
            whole = (one @ A @ one) * (one @ B @ one) / ((n - 1) * (n - 2))
            return np.trace(A @ B) + whole - 2 / (n - 2) * (one @ A @ B @ one)
    else:
        H = np.eye(n) - 1 / n
        off = 1 - np.eye(n) if estimator == "rv2" else np.ones((n, n))

        def f(A, B):
            return np.sum((H @ A @ H) * off * (H @ B @ H))

    return f(K, L) / np.sqrt(f(K, K) * f(L, L))


@pytest.mark.parametrize("estimator", COSINES)
@settings(max_examples=25, deadline=None)
@given(
    st.integers(5, 60),
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
)
def test_features_give_the_value_of_gram_matrices(estimator, n, p, q, rows, seed):
    X, Y = related(seed, n, p, q)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rows, "BLOCK_BYTES", 8 * p * rows)
        value = cka(X, Y, estimator, route="features")
    assert value == pytest.approx(cka(X, Y, estimator, route="gram"), abs=1e-10)
    assert value == pytest.approx(in_traces(X, Y, estimator), abs=1e-9)


@pytest.mark.parametrize("estimator", COSINES)
@pytest.mark.parametrize(("n", "p", "q"), [(4, 1, 2), (4, 30, 7), (2000, 60, 5)])
def test_ends_of_the_range(estimator, n, p, q):
    X, Y = related(1, n, p, q)
    difference = cka(X, Y, estimator, route="features") - cka(X, Y, estimator, route="gram")
    assert abs(difference) < 1e-10


@pytest.mark.parametrize("estimator", COSINES)
@pytest.mark.parametrize("kind", ["float32", "int16", "torch", "memmap"])
def test_every_kind_of_array(estimator, kind, tmp_path):
    X, Y = related(2, 50, 6, 9)
    X, Y = ((100 * Z).astype("int16" if kind == "int16" else "float32") for Z in (X, Y))
    expected = cka(X, Y, estimator, route="gram")
    if kind == "torch":
        X, Y = torch.from_numpy(X), torch.from_numpy(Y)
    if kind == "memmap":
        np.save(tmp_path / "X.npy", X)
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert cka(X, Y, estimator, route="features") == pytest.approx(expected, abs=1e-10)
    null = permutation_test(X, Y, 5, estimator, rng=0, route="features").null
    expected = permutation_test(X, Y, 5, estimator, rng=0, route="gram").null
    np.testing.assert_allclose(null, expected, atol=1e-10)


@pytest.mark.parametrize("estimator", COSINES)
@pytest.mark.parametrize(
    "options", [{}, {"groups": np.arange(60) % 4}, {"scheme": "circular", "min_lag": 5}]
)
def test_same_shuffles_same_p_values(estimator, options):
    X, Y = related(3, 60, 4, 5)
    Y += 12 * np.random.default_rng(4).standard_normal(Y.shape)  # p-values that are not all 1/100
    seen = []
    tests = [
        permutation_test(
            X, Y, 99, estimator, 7, lambda *at: seen.append(at), route=route, **options
        )
        for route in ("features", "gram")
    ]
    np.testing.assert_allclose(tests[0].null, tests[1].null, atol=1e-10)
    assert tests[0].p_value == tests[1].p_value
    assert tests[0].scheme == tests[1].scheme
    assert seen == [(k, 99) for k in range(1, 100)] * 2


def test_rows_that_were_centred_within_runs_are_found_from_features_too(monkeypatch):
    X, Y = related(5, 60, 4, 5)
    for Z in (X, Y):
        Z -= np.repeat(Z.reshape(10, 6, -1).mean(axis=1), 6, axis=0)
    monkeypatch.setattr(_rows, "BLOCK_BYTES", 8 * 4 * 7)  # blocks that end within a run
    with pytest.warns(UserWarning, match="consecutive groups of 6") as caught:
        test = permutation_test(X, Y, 19, rng=0, route="features")
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="consecutive groups of 6"):
        expected = permutation_test(X, Y, 19, rng=0, route="gram")
    assert test.scheme == expected.scheme == "rows within 10 groups"
    np.testing.assert_allclose(test.null, expected.null, atol=1e-10)


GOOD = np.random.default_rng(1).standard_normal((12, 3))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((12, 4), 3.3), "{name} has no structure"),
        (np.where(GOOD > 1, np.nan, GOOD), "{name} contains NaN or infinite values, first in fea"),
        (np.full((12, 4), np.inf), "{name} contains NaN or infinite"),
        (GOOD * 1e200, "squares of {name} overflow"),
        (GOOD[:, :0], "{name} is empty"),
        (np.eye(12), "{name} has no structure"),
    ],
)
@pytest.mark.parametrize("route", ["auto", "features", "gram"])
def test_bad_features_are_refused_alike(bad, message, route):
    for call in (cka, lambda X, Y, **given: permutation_test(X, Y, 3, **given)):
        with pytest.raises(ValueError, match=message.format(name="X")):
            call(bad, GOOD, route=route)
        with pytest.raises(ValueError, match=message.format(name="Y")):
            call(GOOD, bad, route=route)


def test_an_unknown_route_is_refused():
    for call in (cka, lambda X, Y, route: permutation_test(X, Y, 3, route=route)):
        with pytest.raises(ValueError, match="route='grams' is unknown; choose from auto, fea"):
            call(GOOD, GOOD, route="grams")


def test_gram_matrices_take_over_where_sums_lose_digits():
    X, Y = related(6, 60, 4, 5)
    X[0] *= 1e6  # one stimulus far from all others
    assert cka(X, Y) == cka(X, Y, route="gram")
    with pytest.raises(ValueError, match=r"farther from the mean.*route='gram' finds it"):
        cka(X, Y, route="features")


def test_size_chooses_the_route():
    def chosen(n, p, q, n_permutations=0):
        return feature_side.takes_features("auto", *map(np.empty, ((n, p), (n, q))), n_permutations)

    assert chosen(100, 40, 59)
    assert not chosen(100, 40, 60)
    assert chosen(2000, 500, 512)
    assert not chosen(2000, 500, 512, 999)  # a gathered Gram matrix is the cheaper shuffle
    assert chosen(17_000, 500, 512, 999)  # and does not fit


def test_memory_is_that_of_blocks_and_products(monkeypatch):
    n, p, q = 6000, 20, 30
    X, Y = (Z.astype(np.float32) for Z in related(7, n, p, q))
    monkeypatch.setattr(_rows, "BLOCK_BYTES", 2**17)
    tracemalloc.start()
    try:
        permutation_test(X, Y, 2, rng=0, groups=np.zeros(n))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    vectors = 8 * n * 8  # lengths of rows and orders of them
    assert peak < vectors + 8 * 2**17 + 8 * (p + q) ** 2
    assert peak < 8 * n * n / 50
