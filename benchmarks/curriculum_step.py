"""What the order of samples and the collation of a batch cost, beside the training step.

Two ways of feeding the same order: `PlanBatches` with `CaptionPairs`, as the course's trainer does,
and a torch DataLoader over `CurriculumSampler` with a collate function, as in other trainers. The
peer is a DataLoader that shuffles everything. Steps and feeds take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from _report import hardware, print_table, require_device


def main(arguments: list[str] | None = None) -> None:
    """Print milliseconds a step and shares of a training step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--family", choices=["git", "flamingo"], default="git")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    print(hardware(options.device))
    print(f"\n{options.family}, {options.size}, batches of {options.batch} of {options.samples}\n")
    compare(options)


def compare(options: argparse.Namespace) -> None:
    """Time the step and the three feeds in turn."""
    import torch

    from sdc_helpers.curriculum import Captioner, TokenMean

    pairs, feeds = make_feeds(options)
    model = Captioner(options.family, options.size, 800, tuple(pairs.pictures.shape[1:]))
    model.to(options.device)
    optimizer, loss = torch.optim.AdamW(model.parameters()), TokenMean()

    def step(pictures: torch.Tensor, tokens: torch.Tensor) -> None:
        loss(*model(pictures.to(options.device), tokens.to(options.device))).backward()
        optimizer.step()
        optimizer.zero_grad()
        if options.device == "cuda":
            torch.cuda.synchronize()

    seconds: dict[str, list[float]] = {name: [] for name in ["training step", *feeds]}
    for number in range(options.steps + 1):
        for name, feed in feeds.items():
            start = time.perf_counter()
            batch = feed(number)
            seconds[name].append(time.perf_counter() - start)
        start = time.perf_counter()
        step(*batch)
        seconds["training step"].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    whole = medians["training step"]
    print_table(
        ["", "ms a step", "share of a training step"],
        [
            [name, f"{1e3 * value:.2f}", f"{100 * value / whole:.1f} %"]
            for name, value in medians.items()
        ],
    )


def make_feeds(options: argparse.Namespace) -> tuple[object, dict[str, Callable[[int], tuple]]]:
    """Return the pairs and, by name, what gives the batch of a step."""
    import torch
    from torch.utils.data import DataLoader

    from sdc_helpers.curriculum import (
        BinnedPacing,
        CaptionPairs,
        CurriculumSampler,
        PlanBatches,
        curriculum_plan,
    )

    rng = np.random.default_rng(0)
    n, images = options.samples, max(1, options.samples // 5)
    lengths = rng.integers(5, 30, n)
    tokens = torch.from_numpy(rng.integers(4, 800, (n, 32)))
    tokens[torch.arange(32) >= torch.from_numpy(lengths)[:, None]] = 0
    pictures = torch.randn(images, 640, 2, 2).half()
    pairs = CaptionPairs(pictures, tokens, np.arange(n) % images)
    passes = -(-2 * (options.steps + 2) * options.batch // n) + 1
    plan = curriculum_plan(lengths, "curriculum", BinnedPacing(4, passes), seed=0)
    batches = PlanBatches(plan, options.batch)

    def collate(indices: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return pairs.batch(np.array(indices), rng)[:2]

    def of_loader(**how: object) -> Callable[[int], tuple]:
        loader = DataLoader(range(n), batch_size=options.batch, collate_fn=collate, **how)
        stream = iter(loader)
        return lambda _: next(stream)

    replacement = torch.utils.data.RandomSampler(
        range(n), replacement=True, num_samples=(options.steps + 2) * options.batch
    )
    return pairs, {
        "PlanBatches and CaptionPairs": lambda k: pairs.batch(batches.indices(k), rng)[:2],
        "DataLoader, CurriculumSampler": of_loader(sampler=CurriculumSampler(plan)),
        "DataLoader, random samples": of_loader(sampler=replacement),
    }


if __name__ == "__main__":
    main()
