"""Blocked Gram matrix of a memory map: memory beyond the input, and time against one product.

The features lie in a float32 file, (n, p) by rows. The default size also fits in memory in
float64, so that one-shot products can run beside it; ``--full`` is 1,000 x 800,000 (3.2 GB on
disk), where only the blocked one runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _report import PeakMemory, hardware, print_table, require_device

from sdc_helpers.alignment import gram

if TYPE_CHECKING:
    from collections.abc import Callable


def write_features(path: Path, n: int, p: int) -> np.memmap:
    """Write random features with non-zero means, a few rows at a time, and map them."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for _ in range(n):
            (rng.standard_normal(p, dtype=np.float32) + 1).tofile(file)
    return np.memmap(path, dtype=np.float32, mode="r", shape=(n, p))


def one_shot(dtype: type) -> Callable[[np.memmap], np.ndarray]:
    """Return the plain product in a given precision, its copy of the input included."""

    def product(X: np.memmap) -> np.ndarray:
        Z = np.array(X, dtype=dtype)
        Z -= Z.mean(axis=0)
        return Z @ Z.T

    return product


def on_cuda(X: np.memmap) -> np.ndarray:
    """Copy the features to a CUDA device and take the blocked product there."""
    import torch

    return gram(torch.from_numpy(np.array(X)).to("cuda"), centre=True).cpu().numpy()


def measure(function: Callable[[Any], np.ndarray], X: np.memmap, repeats: int) -> tuple:
    """Return the last result, the median of the seconds, and the highest peak in MB."""
    seconds, peaks = [], []
    for _ in range(repeats):
        with PeakMemory() as peak:
            start = time.perf_counter()
            K = function(X)
            seconds.append(time.perf_counter() - start)
        peaks.append(peak.mb)
    return K, float(np.median(seconds)), max(peaks)


def main(arguments: list[str] | None = None) -> None:
    """Run the blocked product, and the one-shot ones where they fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="1,000 x 800,000, blocked only")
    parser.add_argument("--stimuli", type=int, default=1000)
    parser.add_argument("--features", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3, help="runs to take the median of")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--folder", type=Path, help="where to put the features for a while")
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    n, p = (1000, 800_000) if options.full else (options.stimuli, options.features)
    repeats = 1 if options.full else options.repeats
    candidates = {"gram(X, centre=True)": lambda X: gram(X, centre=True)}
    if not options.full:
        candidates["one-shot float64"] = one_shot(np.float64)
        candidates["one-shot float32"] = one_shot(np.float32)
    if options.device == "cuda":
        candidates["gram on cuda, copy included"] = on_cuda

    print(hardware(options.device))
    print(f"{n} x {p} float32 memory map, {4e-6 * n * p:.0f} MB; median of {repeats}, warm cache")
    gram(np.ones((4, 4)))  # start the BLAS threads
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        X = write_features(Path(folder) / "features.f32", n, p)
        results = {name: measure(function, X, repeats) for name, function in candidates.items()}
        del X
    reference, base, _ = results["gram(X, centre=True)"]
    scale = np.abs(reference).max()
    print_table(
        ("", "seconds", "ratio", "peak MB beyond the map", "largest difference"),
        [
            (
                name,
                f"{s:.2f}",
                f"{s / base:.2f}",
                f"{mb:.0f}",
                f"{np.abs(K - reference).max() / scale:.0e}",
            )
            for name, (K, s, mb) in results.items()
        ],
    )


if __name__ == "__main__":
    main()
