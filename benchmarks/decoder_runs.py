"""Contrastive decoders: runs trained together against the same runs one after the other.

Three ways to the same number of linear decoders, seconds a training step of all runs:

- together: `ContrastiveDecoder(n_runs=R)`, as many runs at once as it chooses for the device;
- one by one: R fits of `ContrastiveDecoder(n_runs=1)`;
- plain loop: R trainings of a torch.nn.Linear with torch's default Adam, noise drawn anew.

Then what one joint step is made of, each part timed alone. Everything is float32.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from _report import hardware, median_seconds, print_table, require_device

from sdc_helpers.contrastive.losses import clip_loss
from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.decoding._inputs import Fold
from sdc_helpers.decoding._runs import Training, runs_at_once

Trials = tuple[np.ndarray, np.ndarray, np.ndarray]


def make_trials(n_images: int, n_voxels: int, n_dims: int) -> Trials:
    """Three noisy trials an image."""
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((n_images, n_dims))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    items = rng.permutation(np.repeat(np.arange(n_images), 3))
    X = embeddings[items] @ rng.standard_normal((n_dims, n_voxels))
    X += rng.standard_normal(X.shape)
    return X.astype(np.float32), embeddings[items].astype(np.float32), items


def synchronise(device: str) -> None:
    """Wait for the device."""
    if device == "cuda":
        torch.cuda.synchronize()


def plain_loop(trials: Trials, n_runs: int, n_steps: int, device: str) -> None:
    """Train one torch.nn.Linear after the other, as it is usually written."""
    X, Y, items = (torch.from_numpy(a).to(device) for a in trials)
    for run in range(n_runs):
        torch.manual_seed(run)
        model = torch.nn.Linear(X.shape[1], Y.shape[1]).to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
        order = torch.randperm(len(X), device=device)
        n_batches = len(X) // 128
        for step in range(n_steps):
            rows = order[128 * (step % n_batches) : 128 * (step % n_batches + 1)]
            x = X[rows]
            decoded = torch.nn.functional.normalize(model(x + torch.randn_like(x)), dim=1)
            loss = clip_loss(decoded, Y[rows], temperature=0.03, items=items[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    synchronise(device)


def interleaved(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each way, the ways taking turns; one turn before is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def compare(trials: Trials, n_runs: int, n_steps: int, repeats: int, device: str) -> None:
    """Print the three ways."""
    X, Y, items = trials
    options = {"n_steps": n_steps, "evaluate_every": n_steps, "device": device}

    def fit(**changes: object) -> None:
        ContrastiveDecoder(**options, **changes).fit(X, Y, items=items)
        synchronise(device)

    ways = {
        "together": lambda: fit(n_runs=n_runs),
        "one by one": lambda: [fit(n_runs=1, random_state=[run]) for run in range(n_runs)],
        "plain loop": lambda: plain_loop(trials, n_runs, n_steps, device),
    }
    seconds = interleaved(ways, repeats)
    print_table(
        ("", "ms a step of all runs", "ratio to together"),
        [
            (name, f"{1e3 * s / n_steps:.2f}", f"{s / seconds['together']:.2f}")
            for name, s in seconds.items()
        ],
    )


def parts(trials: Trials, n_runs: int, repeats: int, device: str) -> None:
    """Print what a joint step spends its time on."""
    plan = ContrastiveDecoder(n_runs=n_runs)._plan(False)
    where = torch.device(device)
    at_once = min(n_runs, runs_at_once(trials[0].shape[1], trials[1].shape[1], plan, where))
    training = Training(Fold(*trials), None, plan, list(range(at_once)), where)
    rows = training._batch()
    x = training._fill_inputs(rows)
    weight = training.runs.weights[0].detach()
    decoded = training.runs(x).detach()
    gradient = torch.randn_like(decoded).mT

    def noise() -> None:
        for own, generator in zip(x, training.generators, strict=True):
            own.normal_(generator=generator)

    def loss() -> None:
        u = decoded.requires_grad_()
        clip_loss(
            u, training.Y[rows], temperature=0.03, items=training.items[rows]
        ).sum().backward()
        u.grad = None

    training._train_step()
    pieces: dict[str, Callable[[], object]] = {
        "whole step": training._train_step,
        "noise": noise,
        "responses of the batch": lambda: x.copy_(training.X[rows]),
        "two matrix products": lambda: (weight @ x.mT, gradient @ x),
        "loss and its gradient": loss,
        "Adam": training.optimizer.step,
    }

    def waited(piece: Callable[[], object]) -> Callable[[], None]:
        def call() -> None:
            piece()
            synchronise(device)

        return call

    seconds = {name: median_seconds(waited(piece), repeats) for name, piece in pieces.items()}
    print(f"\nparts of a step of {at_once} runs at once")
    print_table(
        ("", "ms", "share"),
        [
            (name, f"{1e3 * s:.2f}", f"{100 * s / seconds['whole step']:.0f} %")
            for name, s in seconds.items()
        ],
    )


def main(arguments: list[str] | None = None) -> None:
    """Compare at one or more numbers of voxels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--voxels", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--dims", type=int, default=64)
    parser.add_argument("--images", type=int, default=1000, help="with three trials each")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=50, help="of each training")
    parser.add_argument("--repeats", type=int, default=5, help="to take the median of")
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    print(f"{hardware(options.device)}; torch with {torch.get_num_threads()} threads")
    for n_voxels in options.voxels:
        trials = make_trials(options.images, n_voxels, options.dims)
        print(
            f"\n{options.runs} runs on {options.device}, {n_voxels} voxels, {options.dims} "
            f"dimensions, batches of 128 of {len(trials[0])} trials"
        )
        compare(trials, options.runs, options.steps, options.repeats, options.device)
        parts(trials, options.runs, 4 * options.repeats, options.device)


if __name__ == "__main__":
    main()
