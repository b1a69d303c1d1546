"""CKA at the size of a study: features against Gram matrices, and a table against bare products.

(a) one pair, p = 500 and q = 512 features, without shuffles: seconds from features and from Gram
    matrices, and how both grow with the number of stimuli;
(b) a part of a table of 8 participants x 30 areas x 50 layers x 1,000 shuffles, n = 1,000: seconds
    of ``TableBlocks.cka`` over those of its matrix products alone, with pairs gathered already.

Seconds are of CPU (``OMP_NUM_THREADS=1`` for one thread): other work on the machine makes them
larger, on both sides.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
from _report import hardware, print_table

from sdc_helpers.alignment import TableBlocks, cka

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu_seconds(function: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of some calls."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return min(seconds)


def one_pair(sizes: list[int], p: int, q: int, largest: int, repeats: int) -> None:
    """Print (a); Gram matrices up to the largest number of stimuli only."""
    rng = np.random.default_rng(0)
    rows, measured = [], []
    for route in ("features", "gram"):  # warm up
        cka(*rng.standard_normal((2, 60, 5)), route=route)
    for n in sizes:
        X, Y = (rng.standard_normal((n, width), dtype=np.float32) for width in (p, q))
        features = cpu_seconds(lambda X=X, Y=Y: cka(X, Y, route="features"), repeats)
        if n > largest:
            rows.append((n, f"{features:.3f}", "", ""))
            continue
        gram = cpu_seconds(lambda X=X, Y=Y: cka(X, Y, route="gram"), 1)
        difference = cka(X, Y, route="features") - cka(X, Y, route="gram") if n < 5000 else 0.0
        np.testing.assert_allclose(difference, 0, atol=1e-10)
        rows.append((n, f"{features:.3f}", f"{gram:.3f}", f"{gram / features:.1f}"))
        measured.append((n, features, gram))
    print(f"\n(a) one pair, {p} and {q} features, float32")
    print_table(("n", "features, CPU s", "Gram matrices, CPU s", "ratio"), rows)
    if len(measured) > 1:
        n, *both = np.log(np.array(measured).T)
        exponents = [np.polyfit(n, seconds, 1)[0] for seconds in both]
        print("time grows as n to the power {:.2f} and {:.2f}".format(*exponents))


def table(n: int, n_areas: int, n_layers: int, n_shuffles: int, repeats: int) -> None:
    """Print (b)."""
    rng = np.random.default_rng(0)

    class Drawn(dict):  # a Gram matrix when it is asked for, none kept
        def __missing__(self, name: str) -> np.ndarray:
            X = rng.standard_normal((n, 60))
            return X @ X.T

        def __getitem__(self, name: str) -> np.ndarray:
            return self.__missing__(name)

    blocks = TableBlocks(
        Drawn.fromkeys(map(str, range(n_layers))), Drawn.fromkeys(map(str, range(n_areas)))
    )
    orders = np.stack([rng.permutation(n) for _ in range(n_shuffles)])
    n_pairs = n * (n + 1) // 2
    many, few = np.ones((n_areas, n_pairs)), np.ones((n_layers, n_pairs))

    def products() -> None:
        for _ in orders:
            few @ many.T

    ours = cpu_seconds(lambda: blocks.cka(orders), repeats)
    bare = cpu_seconds(products, repeats)
    print(f"\n(b) {n_areas} areas x {n_layers} layers x {n_shuffles} shuffles, n = {n}, float64")
    print_table(
        ("", "CPU s", "ratio"),
        [
            ("matrix products alone", f"{bare:.2f}", "1.00"),
            ("TableBlocks.cka", f"{ours:.2f}", f"{ours / bare:.2f}"),
        ],
    )


def main(arguments: list[str] | None = None) -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 4000, 8000, 73_000])
    parser.add_argument("--largest", type=int, default=8000, help="stimuli of a Gram matrix")
    parser.add_argument("--features", type=int, nargs=2, default=[500, 512])
    parser.add_argument("--n-table", type=int, default=1000)
    parser.add_argument("--areas", type=int, default=240)
    parser.add_argument("--layers", type=int, default=5, help="a tenth of 50")
    parser.add_argument("--shuffles", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args(arguments)
    print(hardware())
    one_pair(options.sizes, *options.features, options.largest, options.repeats)
    table(options.n_table, options.areas, options.layers, options.shuffles, options.repeats)


if __name__ == "__main__":
    main()
