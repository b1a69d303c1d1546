"""Cross-participant clustering of decoder weights against DBSCAN of scikit-learn.

(a) time and peak memory at n voxels x 512 dimensions, 8 participants, one eps; the six of a sweep;
(b) growth with n, pairs kept and, in memory that blocks of pairs bound, found in three passes.

The data: shared concepts of uneven purity in half of the voxels, private ones in a tenth, noise in
the rest. DBSCAN counts voxels where ours counts participants, so it finds the private ones too: the
work is comparable, the clusters are not the same. Every row is measured in a fresh process; on a
busy machine compare the CPU seconds (of the first run), not the wall time.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from _report import PeakMemory, hardware, median_seconds, print_table, require_device

EPS = 0.55
SWEEP = (0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
N_PARTICIPANTS = 8
LARGE = 128_000  # voxels of 8 participants x 16,000: computed from the growth, not run
CUDA = "SharedDBSCAN, cuda"
OURS = "SharedDBSCAN"
PASSES = "SharedDBSCAN, no pairs kept"
SWEPT = "sweep over six eps"
COSINE = "DBSCAN, metric='cosine'"
UNIT = {
    "DBSCAN, unit vectors, brute": {"algorithm": "brute"},
    "DBSCAN, unit vectors, brute, n_jobs=-1": {"algorithm": "brute", "n_jobs": -1},
    "DBSCAN, unit vectors, auto": {"algorithm": "auto", "n_jobs": -1},
}


@dataclass(frozen=True)
class Measured:
    """Seconds, those of all cores, peak MB beyond the data, and what came out."""

    seconds: float
    cpu_seconds: float
    mb: float
    n_clusters: int
    n_pairs: int


def make_weights(n: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make unit rows of n voxels in float32, and their participants."""
    rng = np.random.default_rng(seed)
    n_shared, n_private = 30, 6
    participants = rng.integers(0, N_PARTICIPANTS, n)
    centres = rng.standard_normal((n_shared + n_private, width), dtype=np.float32)
    kind = rng.random(n)
    concept = rng.integers(0, n_shared, n)
    private = (kind >= 0.5) & (kind < 0.6)
    concept[private] = n_shared + participants[private] % n_private
    weights = rng.standard_normal((n, width), dtype=np.float32)
    weights *= rng.uniform(0.5, 1.3, (n, 1)).astype(np.float32)
    planted = np.flatnonzero(kind < 0.6)
    for start in range(0, len(planted), 1000):
        rows = planted[start : start + 1000]
        weights[rows] += centres[concept[rows]]
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return weights, participants


def measure(what: str, n: int, width: int, repeats: int) -> Measured:
    """Measure one row: peak memory of the first run, median time of all."""
    from sklearn.cluster import DBSCAN

    from sdc_helpers.concepts import SharedDBSCAN, pairs_within, sweep

    weights, participants = make_weights(n, width)
    if what in (OURS, CUDA):
        model = SharedDBSCAN(EPS, device="cuda" if what == CUDA else "cpu")
    elif what == PASSES:
        model = SharedDBSCAN(EPS, max_pairs=1)
    elif what == COSINE:
        model = DBSCAN(eps=EPS, min_samples=4, metric="cosine")
    elif what in UNIT:
        model = DBSCAN(eps=np.sqrt(2 * EPS), min_samples=4, **UNIT[what])

    def run(first: int = n) -> int:
        rows, who = weights[:first], participants[:first]
        if what == SWEPT:
            fitted = sweep(rows, who, SWEEP)[EPS]
        else:
            ours = what in (OURS, CUDA, PASSES)
            fitted = model.fit(rows, who) if ours else model.fit(rows)
        return int(fitted.labels_.max()) + 1

    run(500)  # warm up: imports, threads, the device
    with PeakMemory() as memory:
        start, cpu = time.perf_counter(), time.process_time()
        n_clusters = run()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    if repeats > 1:
        seconds = median_seconds(run, repeats)
    n_pairs = 0
    if what == OURS:
        n_pairs = len(pairs_within(weights, participants, EPS, max_own_eps=EPS + 0.05))
    return Measured(seconds, cpu, memory.mb, n_clusters, n_pairs)


def in_fresh_process(what: str, n: int, width: int, repeats: int) -> Measured:
    """`measure` in a process of its own, whose allocator holds nothing of earlier rows."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, what, n, width, repeats).result()


def compare(n: int, width: int, repeats: int, device: str) -> None:
    """Print (a)."""
    rows = [OURS, SWEPT, *UNIT, COSINE]
    if device == "cuda":
        rows.insert(1, CUDA)
    results = {what: in_fresh_process(what, n, width, repeats) for what in rows}
    ours = results[OURS]
    print(
        f"\n(a) {n:,} voxels x {width}, {N_PARTICIPANTS} participants, eps {EPS}, median of "
        f"{repeats}; {ours.n_pairs:,} pairs kept"
    )
    print_table(
        ("", "seconds", "ratio", "CPU s", "ratio", "peak MB", "ratio", "clusters"),
        [
            (
                what,
                f"{r.seconds:.2f}",
                f"{r.seconds / ours.seconds:.2f}",
                f"{r.cpu_seconds:.2f}",
                f"{r.cpu_seconds / ours.cpu_seconds:.2f}",
                f"{r.mb:.0f}",
                f"{r.mb / max(ours.mb, 0.1):.2f}",
                r.n_clusters,
            )
            for what, r in results.items()
        ],
    )


def growth(sizes: list[int], width: int, repeats: int, device: str) -> None:
    """Print (b)."""
    rows, logs = [], []
    for n in sizes:
        result = in_fresh_process(OURS, n, width, repeats)
        passes = in_fresh_process(PASSES, n, width, 1)
        row = [f"{n:,}", f"{result.seconds:.2f}", f"{result.cpu_seconds:.2f}"]
        row.append(f"{1e9 * result.cpu_seconds / n**2:.1f}")
        row += [f"{result.n_pairs:,}", f"{result.mb:.0f}"]
        row += [f"{passes.cpu_seconds:.2f}", f"{passes.mb:.0f}", f"{n * n * 4 / 2**20:,.0f}"]
        logs.append(np.log([n, result.cpu_seconds, passes.cpu_seconds]))
        if device == "cuda":
            row.append(f"{in_fresh_process(CUDA, n, width, repeats).seconds:.2f}")
        rows.append(row)
    header = [
        "voxels",
        "seconds",
        "CPU s",
        "CPU ns / n^2",
        "pairs kept",
        "peak MB",
        "in passes, CPU s",
        "peak MB",
        "n x n float32, MB",
    ]
    print(f"\n(b) growth, {width} dimensions, eps {EPS}, median of {repeats}")
    print_table(header + ["cuda, seconds"] * (device == "cuda"), rows)
    if len(logs) > 1:
        n, *seconds = np.transpose(logs)
        lines = [np.polyfit(n, values, 1) for values in seconds]
        kept, passes = (np.exp(np.polyval(line, np.log(LARGE))) for line in lines)
        n_pairs = result.n_pairs * (LARGE / sizes[-1]) ** 2
        print(
            f"CPU seconds grow as n to the power {lines[0][0]:.2f}, in passes {lines[1][0]:.2f}. "
            f"Computed for {LARGE:,} voxels: {kept:.0f} s, in passes {passes:.0f} s; "
            f"{n_pairs / 1e6:.0f} million pairs, {(16 * n_pairs + 4 * LARGE * width) / 2**20:,.0f} "
            "MB if they are kept."
        )


def main(arguments: list[str] | None = None) -> None:
    """Run both parts on the CPU, and on a CUDA device where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--voxels", type=int, default=20_000, help="in (a); 0 leaves it out")
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3, help="runs to take the median of")
    parser.add_argument(
        "--growth", type=int, nargs="*", default=[8_000, 16_000, 32_000, 64_000], help="in (b)"
    )
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    print(hardware(options.device))
    if options.voxels:
        compare(options.voxels, options.features, options.repeats, options.device)
    growth(options.growth, options.features, options.repeats, options.device)


if __name__ == "__main__":
    main()
