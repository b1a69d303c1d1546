"""Decoders and clustering at the size of the Natural Scenes Dataset, made on the device.

(a) for one participant after another: contrastive decoders, all runs as one batched product, and a
    few of them one by one for the ratio; with a profile of the parts of a step
(b) `SharedDBSCAN` over the rows of all participants

The defaults are the study's sizes: 8 participants of 15,000 voxels, 20,000 trials, 512 dimensions,
50 runs. Give smaller ones on a CPU.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from _report import hardware, print_table, require_device
from decoder_runs import make_trials, parts, synchronise


def main(arguments: list[str] | None = None) -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--participants", type=int, default=8)
    parser.add_argument("--voxels", type=int, default=15_000, help="a participant")
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--dims", type=int, default=512)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--alone", type=int, default=2, help="runs trained one by one")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--eps", type=float, default=0.55)
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    print(hardware(options.device))
    decoders(options)
    clustering(options)


def decoders(options: argparse.Namespace) -> None:
    """Train the runs of one participant together and some alone; print the ratio."""
    from sdc_helpers.decoding import ContrastiveDecoder

    trials = make_trials(options.trials // 3, options.voxels, options.dims)

    def seconds(n_runs: int) -> float:
        decoder = ContrastiveDecoder(
            n_runs=n_runs, n_steps=options.steps, device=options.device, random_state=0
        )
        start = time.perf_counter()
        decoder.fit(trials[0], trials[1], items=trials[2])
        synchronise(options.device)
        return time.perf_counter() - start

    seconds(1)  # the device's first products
    together = seconds(options.runs) / options.runs
    alone = sum(seconds(1) for _ in range(options.alone)) / options.alone
    whole = together * options.runs * options.participants * 5001 / options.steps
    print(
        f"\n(a) {options.voxels:,} voxels x {options.dims}, {options.trials:,} trials, "
        f"{options.steps} steps"
    )
    print_table(
        ["", "seconds a run", "ratio"],
        [
            [f"{options.runs} runs together", f"{together:.2f}", "1.00"],
            ["one by one", f"{alone:.2f}", f"{alone / together:.2f}"],
        ],
    )
    print(
        f"5,001 steps of {options.runs} runs for {options.participants} participants, from these "
        f"figures: {whole / 3600:.2f} hours"
    )
    parts(trials, options.runs, 5, options.device)


def clustering(options: argparse.Namespace) -> None:
    """Cluster rows of which a tenth share directions; print the seconds."""
    from sdc_helpers.concepts import SharedDBSCAN

    rng = np.random.default_rng(1)
    n = options.participants * options.voxels
    rows = rng.standard_normal((n, options.dims), dtype=np.float32)
    shared = rng.choice(n, n // 10, replace=False)
    centres = rng.standard_normal((20, options.dims), dtype=np.float32)
    rows[shared] += 1.5 * centres[rng.integers(20, size=len(shared))]
    owner = np.repeat(np.arange(options.participants), options.voxels)
    start = time.perf_counter()
    model = SharedDBSCAN(options.eps, device=options.device).fit(rows, owner)
    print(
        f"\n(b) {n:,} rows x {options.dims}, {options.participants} participants, eps "
        f"{options.eps}: {time.perf_counter() - start:.1f} s, {model.labels_.max() + 1} clusters"
    )


if __name__ == "__main__":
    main()
