from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.alignment import gram, gram_from_rdm


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 12),
    p=st.integers(1, 40),
    block=st.integers(1, 50),
    centre=st.booleans(),
)
def test_any_block_size_gives_the_plain_product(seed, n, p, block, centre):
    X = np.random.default_rng(seed).standard_normal((n, p))
    Z = X - X.mean(0) if centre else X
    np.testing.assert_allclose(gram(X, block=block, centre=centre), Z @ Z.T, atol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "float16", "float32"])
def test_every_dtype_is_summed_in_float64(rng, dtype):
    X = rng.integers(0, 2 if dtype == "bool" else 120, size=(6, 3000)).astype(dtype)
    K = gram(X, block=700)
    assert K.dtype == np.float64
    exact = [[sum(int(a) * int(b) for a, b in zip(r, s, strict=True)) for s in X] for r in X]
    np.testing.assert_array_equal(K, exact)


def test_memory_layouts_and_memory_maps_agree(rng, tmp_path):
    X = rng.standard_normal((20, 500)).astype(np.float32)
    X.tofile(tmp_path / "X.dat")
    mapped = np.memmap(tmp_path / "X.dat", dtype=np.float32, mode="r", shape=X.shape)
    expected = gram(X, block=64, centre=True)
    np.testing.assert_array_equal(gram(mapped, block=64, centre=True), expected)
    assert type(gram(mapped)) is np.ndarray
    for other in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(gram(other, block=64, centre=True), expected, atol=1e-10)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int32])
def test_torch_equals_numpy(rng, device, dtype):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    X = torch.from_numpy(10 * rng.standard_normal((15, 200))).to(device, dtype)
    K = gram(X, block=33, centre=True)
    assert K.dtype == torch.float64
    assert K.device == X.device
    expected = gram(X.cpu().to(torch.float64).numpy(), block=33, centre=True)
    np.testing.assert_allclose(K.cpu().numpy(), expected, rtol=1e-11, atol=1e-9)


def test_a_tensor_that_requires_grad_is_read_without_a_graph(rng):
    X = torch.from_numpy(rng.standard_normal((5, 7))).requires_grad_()
    assert not gram(X, centre=True).requires_grad


def test_input_is_left_as_it_was(rng):
    X = rng.standard_normal((9, 11))
    before = X.copy()
    gram(X, centre=True)
    np.testing.assert_array_equal(X, before)


def test_centring_columns_keeps_the_digits_that_a_large_mean_hides(rng):
    X = np.round(rng.standard_normal((30, 50)), 6)
    offset = X + 2.0**27  # exactly representable to 2**-25
    exact = gram(offset - 2.0**27, centre=True)
    np.testing.assert_allclose(gram(offset, centre=True), exact, rtol=0, atol=1e-9)
    late = gram(offset)
    late = late - late.mean(0) - late.mean(1)[:, None] + late.mean()
    assert np.abs(late - exact).max() > 1e-3


def test_constant_columns_centre_to_exactly_zero(rng):
    X = np.tile(rng.standard_normal(40) * 1e5 + 0.1, (7, 1))
    assert not gram(X, centre=True).any()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.arange(5.0), r"X must be 2-D.*\(5,\).*X\[:, None\]"),
        (np.zeros((4, 3, 2)), r"X must be 2-D"),
        (np.zeros((5, 0)), r"X is empty: shape \(5, 0\)"),
        (np.zeros((0, 5)), r"X is empty"),
        ({"x": 1.0}, "X must hold real numbers or text, got objects such as dict"),
        (np.ones((5, 3), complex), "X must hold real numbers, got complex128"),
        (np.full((5, 3), "a"), "real numbers"),
        (np.full((5, 3), None), "X has 15 missing values"),
        (np.full((5, 3), 1e200), "squares of X overflow"),
    ],
)
def test_bad_features(X, message):
    with pytest.raises(ValueError, match=message):
        gram(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy])
def test_missing_responses_are_named(rng, bad, centre, wrap):
    X = rng.standard_normal((6, 10))
    X[2, 7] = bad
    with pytest.raises(ValueError, match="NaN or infinite values, first in feature 7"):
        gram(wrap(X), block=4, centre=centre)


@pytest.mark.parametrize("block", [0, -3])
def test_bad_block(block):
    with pytest.raises(ValueError, match=f"block .*got {block}"):
        gram(np.ones((5, 3)), block=block)


def test_rdm_of_squared_distances_gives_the_centred_gram(rng):
    X = rng.standard_normal((12, 5))
    D = ((X[:, None] - X[None]) ** 2).sum(-1)
    expected = gram(X, centre=True)
    np.testing.assert_allclose(gram_from_rdm(D), expected, atol=1e-12)
    np.testing.assert_allclose(gram_from_rdm(np.sqrt(D), squared=False), expected, atol=1e-12)
    np.testing.assert_allclose(gram_from_rdm(torch.from_numpy(D)).numpy(), expected, atol=1e-12)


def test_correlation_distance_is_the_gram_of_z_scored_patterns(rng):
    X = rng.standard_normal((12, 30)) + 3
    Z = (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True)
    K = gram_from_rdm(1 - np.corrcoef(X))
    np.testing.assert_allclose(2 * 30 * K, gram(Z, centre=True), atol=1e-11)


@pytest.mark.parametrize(
    ("D", "message"),
    [
        (np.ones((5, 5)), "D must be 0 on its diagonal"),
        (np.zeros((5, 4)), "D must be square"),
        (np.zeros(10), "D must be 2-D"),
        (np.zeros((3, 3)), "D has 3 rows"),
        (np.triu(np.ones((5, 5)), 1), "D must be symmetric"),
        (np.where(np.eye(5), 0, np.nan), "D contains NaN"),
    ],
)
def test_bad_rdm(D, message):
    with pytest.raises(ValueError, match=message):
        gram_from_rdm(D)


PEAK = """
import sys
import numpy as np
from sdc_helpers.alignment import gram

def high_water():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

n, p = 200, 100_000
X = np.ones((n, p), dtype=np.float32)
X[0] = 2
gram(X[:, :300], block=100)  # the BLAS library takes its buffers now
before = high_water()
K = gram(X, block=1000, centre=True)
assert abs(K[0, 0] - p * (1 - 1 / n) ** 2) < 1e-6 * p
print(high_water() - before)
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads the Linux high-water mark"
)
def test_memory_beyond_the_input_is_a_few_blocks():
    """A float32 input of 76 MB: its float64 copy would be 153 MB, the block bound is 10 MB.

    The bound is three blocks (values, finite mask and one temporary) and three (n, n) results.
    `VmHWM` is the peak that `getrusage` reports, without what a parent process leaves in it.
    """
    bound = (3 * 200 * 1000 + 3 * 200 * 200) * 8 / 2**20 + 4
    result = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, timeout=120
    )
    assert float(result.stdout) < bound
