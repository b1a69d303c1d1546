"""Learned bins against faiss' own k-means IVF and its graph index, built and asked in one run.

Vectors are drawn round many centres, with queries of the same kind. Bins: about the square root of
the base, a power of two. Queries are answered in batches by one thread; recall@10 at the number of
probes (or the effort) that looks at no more than one twentieth of the base. The first neighbours,
which a network learns from, are found by brute force and counted in its building. Seconds are those
of the processor, on one thread: they mean something on a machine with other work too.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import faiss
import numpy as np
import torch
from _report import PeakMemory, hardware, print_table, require_device

from sdc_helpers.neighbours import PartitionIndex, SpacePartition, exact_neighbours

SHARE = 1 / 20  # of the base, as candidates


def make_vectors(n: int, width: int, n_queries: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a base and queries round n / 100 centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(10, n // 100), width), dtype=np.float32)
    rows = centres[rng.integers(0, len(centres), n + n_queries)]
    rows += rng.standard_normal(rows.shape, dtype=np.float32)
    return rows[:n], rows[n:]


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of the true neighbours that were found."""
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))


def main() -> None:
    """Print one table for each size of the base."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    require_device(parser, arguments.device)
    print(hardware(arguments.device))
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    warm_up(arguments)
    building: dict[str, list[float]] = {}
    for n in arguments.sizes:
        base, queries = make_vectors(n, arguments.width, arguments.queries)
        truth = exact_neighbours(base, queries, 10)
        n_bins = 2 ** round(np.log2(np.sqrt(n)))
        n_probes = max(1, round(SHARE * n_bins))
        rows, reference = [], None
        builders = {
            "faiss IVF, k-means": partial(ivf, base, n_bins, n_probes),
            "learned bins": partial(learned, base, n_bins, n_probes, arguments),
            "faiss HNSW": partial(graph, base),
        }
        for name, build in builders.items():
            with PeakMemory() as memory:
                start = time.process_time()
                ask = build()
                built = time.process_time() - start
            start = time.process_time()
            found = ask(queries)
            asked = time.process_time() - start
            reference = reference or (built, asked)
            building.setdefault(name, []).append(built)
            rows.append([
                name, f"{built:.2f}", f"{built / reference[0]:.1f}",
                f"{1000 * asked / len(queries):.3f}", f"{asked / reference[1]:.2f}",
                f"{recall(found, truth):.3f}", f"{memory.mb:.0f}",
            ])  # fmt: skip
        print(f"\n{n:,} x {arguments.width}, {n_bins} bins, {n_probes} probed")
        heads = ["", "build CPU s", "ratio", "CPU ms a query", "ratio", "recall@10", "MB"]
        print_table(heads, rows)
    for name, seconds in building.items():
        if len(seconds) > 1:
            power = np.polyfit(np.log(arguments.sizes), np.log(np.maximum(seconds, 1e-3)), 1)[0]
            print(f"{name}: building grows as n to the power of {power:.2f}")
    for n, width, n_bins in ((arguments.sizes[-1], arguments.width, 256), (1_000_000, 128, 1024)):
        gb = memory_gb(n, width, n_bins)
        print(f"computed: {n:,} x {width}, {n_bins} bins: {gb:.2f} GB to learn")


def memory_gb(n: int, width: int, n_bins: int, k: int = 10) -> float:
    """Compute what learning keeps beside the base: rows, scaled rows, neighbours, probabilities.

    Two more copies of the rows are there while they are scaled, before there are probabilities.
    """
    while_scaling = n * (4 * 4 * width + 8 * k)
    while_learning = n * (2 * 4 * width + 8 * k + 4 * n_bins)
    return max(while_scaling, while_learning) / 1e9


def warm_up(arguments: argparse.Namespace) -> None:
    """Import what is imported at the first use, so that nobody's building counts it."""
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    PartitionIndex(SpacePartition(2, n_epochs=1, hidden=4, device=arguments.device).fit(rows), rows)


def ivf(base, n_bins, n_probes):
    """Build the inverted lists of k-means; return what answers queries."""
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(base.shape[1]), base.shape[1], n_bins)
    index.train(base)
    index.add(base)
    index.nprobe = n_probes
    return lambda queries: index.search(queries, 10)[1]


def learned(base, n_bins, n_probes, arguments):
    """Learn bins and build their inverted lists; return what answers queries."""
    partition = SpacePartition(n_bins, n_epochs=arguments.epochs, device=arguments.device)
    index = PartitionIndex(partition.fit(base), base)
    return lambda queries: index.search(queries, 10, n_probes)[1]


def graph(base):
    """Build a graph of neighbours; return what answers queries."""
    index = faiss.IndexHNSWFlat(base.shape[1], 16)
    index.add(base)
    index.hnsw.efSearch = 64
    return lambda queries: index.search(queries, 10)[1]


if __name__ == "__main__":
    main()
