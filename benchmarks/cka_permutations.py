"""Shuffle tests of CKA: one gathered inner product a shuffle against recomputing the estimator.

(a) one pair: 1,000 shuffles at n = 1,000 stimuli and 5,000 features a side;
(b) a table: 20 layers x 12 ROIs x 1,000 shuffles at n = 720 stimuli, Gram matrices given.

Everything is float64. The recomputed shuffles are too slow to run in full; the table says how
many were timed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from _report import hardware, median_seconds, print_table, require_device

from sdc_helpers.alignment import (
    cka,
    cka_from_grams,
    cka_table_from_grams,
    gram,
    permutation_test,
    permutation_test_from_grams,
)


def textbook_debiased(X: np.ndarray, Y: np.ndarray) -> float:
    """Debiased CKA as it is usually written, from features, with nothing kept between calls."""

    def centred(features: np.ndarray) -> np.ndarray:
        K = features @ features.T
        n = len(K)
        np.fill_diagonal(K, 0)
        sums = K.sum(0) / (n - 2)
        K = K - sums - sums[:, None] + sums.sum() / (n - 1)
        np.fill_diagonal(K, 0)
        return K

    K, L = centred(X), centred(Y)
    return np.vdot(K, L) / np.sqrt(np.vdot(K, K) * np.vdot(L, L))


def on_device(array: np.ndarray, device: str) -> Any:
    """Return the array, or a tensor of it on the device."""
    if device == "cpu":
        return array
    import torch

    return torch.from_numpy(array).to(device)


def one_pair(n: int, p: int, n_shuffles: int, n_timed: int, repeats: int, device: str) -> None:
    """Print (a): seconds per shuffle and the ratio to the package's shuffle."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((n, p)), rng.standard_normal((n, p))
    x, y = on_device(X, device), on_device(Y, device)
    K, L = gram(x, centre=True), gram(y, centre=True)
    permutation_test_from_grams(K, L, 3, rng=0)  # warm up

    totals = []
    for _ in range(repeats):
        start = time.perf_counter()
        test = permutation_test(x, y, n_shuffles, rng=0)
        totals.append(time.perf_counter() - start)
    ours = statistics.median(totals) / n_shuffles
    grams_given = median_seconds(
        lambda: permutation_test_from_grams(K, L, n_shuffles, rng=0), repeats
    )
    shuffles = np.random.default_rng(0)
    drawn = [shuffles.permutation(n) for _ in range(n_timed)]

    def timed(one_shuffle: Any) -> float:
        seconds, values = [], []
        for order in drawn:
            start = time.perf_counter()
            values.append(one_shuffle(order))
            seconds.append(time.perf_counter() - start)
        np.testing.assert_allclose(values, test.null[:n_timed], atol=1e-9)
        return statistics.median(seconds)

    def from_grams(order: np.ndarray) -> float:
        index = on_device(order, device)
        return cka_from_grams(K, L[index][:, index])

    whole = f"{n_shuffles} x {repeats}"
    rows = [
        ("permutation_test, Gram matrices included", ours, whole),
        ("permutation_test_from_grams", grams_given / n_shuffles, whole),
        (
            "recomputed: cka(X, Y[shuffle])",
            timed(lambda s: cka(x, y[on_device(s, device)])),
            n_timed,
        ),
        ("recomputed: cka_from_grams, L gathered", timed(from_grams), n_timed),
    ]
    if device == "cpu":
        plain = timed(lambda s: textbook_debiased(X, Y[s]))
        rows.append(("recomputed: textbook numpy", plain, n_timed))
    print(f"\n(a) one pair on {device}, n = {n}, {p} features a side, {n_shuffles} shuffles")
    print_table(
        ("", "ms a shuffle", "ratio", "shuffles timed"),
        [(name, f"{1e3 * s:.3f}", f"{s / ours:.1f}", count) for name, s, count in rows],
    )


def table(n: int, n_layers: int, n_rois: int, n_shuffles: int, repeats: int, device: str) -> None:
    """Print (b): seconds for the whole table."""
    rng = np.random.default_rng(0)
    grams = [
        {
            str(i): gram(on_device(rng.standard_normal((n, 300)), device), centre=True)
            for i in range(count)
        }
        for count in (n_layers, n_rois)
    ]
    cka_table_from_grams(*grams, n_permutations=3, rng=0)  # warm up
    shared = median_seconds(
        lambda: cka_table_from_grams(*grams, n_permutations=n_shuffles, rng=0), repeats
    )
    K, L = grams[0]["0"], grams[1]["0"]
    single = median_seconds(lambda: permutation_test_from_grams(K, L, n_shuffles, rng=0), repeats)
    n_pairs = n_layers * n_rois
    print(f"\n(b) {n_layers} x {n_rois} table on {device}, n = {n}, {n_shuffles} shuffles")
    print_table(
        ("", "seconds", "ratio"),
        [
            (f"cka_table_from_grams, median of {repeats}", f"{shared:.2f}", "1.0"),
            (
                f"one pair, median of {repeats}, times {n_pairs}",
                f"{single * n_pairs:.2f}",
                f"{single * n_pairs / shared:.1f}",
            ),
        ],
    )


def main(arguments: list[str] | None = None) -> None:
    """Run both parts on the CPU, and on a CUDA device where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--shuffles", type=int, default=1000)
    parser.add_argument("--timed", type=int, default=20, help="recomputed shuffles to time")
    parser.add_argument("--repeats", type=int, default=3, help="runs to take the median of")
    parser.add_argument("--n-pair", type=int, default=1000, help="stimuli in (a)")
    parser.add_argument("--features", type=int, default=5000, help="features a side in (a)")
    parser.add_argument("--n-table", type=int, default=720, help="stimuli in (b)")
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    devices = ["cpu"] if options.device == "cpu" else ["cpu", "cuda"]
    print(hardware(devices[-1]))
    for device in devices:
        one_pair(
            options.n_pair,
            options.features,
            options.shuffles,
            min(options.timed, options.shuffles),
            options.repeats,
            device,
        )
        table(options.n_table, 20, 12, options.shuffles, options.repeats, device)


if __name__ == "__main__":
    main()
