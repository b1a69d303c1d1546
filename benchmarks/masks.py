"""Voxel masks: all components in one product against one after the other, as it is usually written.

Three ways to the same masks of one participant, linear decoder, 100 steps of all trials:

- together: `VoxelMask`, all components at once, the noise of a read-out drawn as one number;
- one by one: the same estimator, a component at a time;
- plain loop: a component at a time, noise drawn for every voxel, the whole embedding decoded. Where
  a read-out does not vary its r is NaN, and so are gates from then on: they count as closed.

Then the same for a network with one hidden layer, in batches of 100, where noise is drawn for every
voxel in each of them; and the memory at the size of the Natural Scenes Dataset, computed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from _report import hardware, print_table, require_device

from sdc_helpers.concepts import VoxelMask, score_regions

BETA, LOW, HIGH = 2 / 3, -0.1, 1.1
NSD = {"participants": 8, "voxels": 15_000, "trials": 3_000, "components": 10}
HIDDEN = 5_000  # of the 2023 study


def make_participant(n_trials: int, n_voxels: int, n_dims: int, n_components: int) -> Any:
    """Draw patches of a twentieth of the voxels, a linear decoder and a network of this shape."""
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((n_trials, n_dims), dtype=np.float32)
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    size = max(1, n_voxels // 20)
    patches = np.arange(n_voxels) // size == np.arange(n_components)[:, None]
    components = np.eye(n_components, n_dims, dtype=np.float32)
    X = np.sqrt(n_dims) * Y @ components.T @ patches
    X += 1.5 * rng.standard_normal(X.shape)
    weights = components.T @ patches + 0.1 * rng.standard_normal((n_dims, n_voxels))
    signs = np.concatenate([components, -components]).T  # of hidden units, in pairs
    hidden = np.ascontiguousarray((patches.T.astype(float) @ signs.T[:n_components] @ signs)[None])
    network = SimpleNamespace(
        layers_=[(hidden, np.zeros((1, hidden.shape[2]))), (signs.T[None], np.zeros((1, n_dims)))]
    )
    return SimpleNamespace(
        X=X, Y=Y, W=components, patches=patches, linear=(weights.T, np.zeros(n_dims)),
        network=network,
    )  # fmt: skip


def plain_loop(one: Any, decoder: Any, mask: VoxelMask) -> np.ndarray:
    """Fit a component after the other, as it is usually written; return the soft masks."""
    X, Y = (torch.from_numpy(np.float32(values)).to(mask.device) for values in (one.X, one.Y))
    layers = [decoder] if isinstance(decoder, tuple) else [(w[0], b[0]) for w, b in decoder.layers_]
    layers = [[torch.from_numpy(np.float32(v)).to(mask.device) for v in layer] for layer in layers]
    shift, gates = BETA * np.log(-LOW / HIGH), []
    torch.manual_seed(0)
    for w in torch.from_numpy(one.W).to(mask.device):
        logits = torch.zeros(X.shape[1], device=mask.device, requires_grad=True)
        optimizer = torch.optim.Adam([logits], lr=mask.lr)
        for _ in range(mask.n_steps):
            rows = torch.randperm(len(X))[: mask.batch_size].to(mask.device)
            u = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
            s = torch.sigmoid((u.log() - (1 - u).log() + logits) / BETA) * (HIGH - LOW) + LOW
            h = (X[rows] + mask.noise * torch.randn_like(X[rows])) * (1 - s.clamp(0, 1))
            for number, (weights, biases) in enumerate(layers):
                h = (torch.nn.functional.leaky_relu(h) if number else h) @ weights + biases
            r = torch.corrcoef(torch.stack([h @ w, Y[rows] @ w]))[0, 1]
            loss = r.clamp(min=0) + mask.sparsity * torch.sigmoid(logits - shift).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        gates.append(torch.sigmoid(logits).detach().cpu().numpy())
    return np.nan_to_num(np.stack(gates))


def together(one: Any, decoder: Any, mask: VoxelMask) -> np.ndarray:
    """Fit all components at once."""
    return mask.fit(one.X, one.Y, decoder, one.W).gates_


def one_by_one(one: Any, decoder: Any, mask: VoxelMask) -> np.ndarray:
    """Fit the same estimator to a component after the other."""
    return np.concatenate([mask.fit(one.X, one.Y, decoder, w[None]).gates_ for w in one.W])


def compare(one: Any, decoder: Any, mask: VoxelMask, repeats: int) -> None:
    """Print the three ways, which take turns; the first turn is not counted."""
    ways: dict[str, Callable[[Any, Any, VoxelMask], np.ndarray]] = {
        "together": together, "one by one": one_by_one, "plain loop": plain_loop,
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    clock = time.process_time if mask.device == "cpu" else time.perf_counter
    gates = {}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            start = clock()
            gates[name] = way(one, decoder, mask)
            if turn:
                seconds[name].append(clock() - start)
    regions = {str(k): patch for k, patch in enumerate(one.patches)}
    middle = {name: float(np.median(values)) for name, values in seconds.items()}
    rows = []
    for name, found in gates.items():
        dice = np.diag(score_regions(found, regions).dice).mean()
        ratio = middle[name] / middle["together"]
        rows.append((name, f"{middle[name]:.2f}", f"{ratio:.2f}", f"{dice:.2f}"))
    unit = "CPU s" if mask.device == "cpu" else "seconds"
    print_table(("", unit, "ratio to together", "Dice with the patches"), rows)


def nsd_memory() -> None:
    """Print what a fit holds at the size of NSD, one participant at a time, float32."""
    v, n, k = NSD["voxels"], NSD["trials"], NSD["components"]
    gates = 8 * k * v  # logits, their gradient, two moments, the step's gates and their gradients
    linear = {"responses": n * v, "gates": gates, "read-outs": 6 * k * n}
    network = {
        "responses": n * v,
        "gates": gates,
        "first layer": v * HIDDEN,
        "batch of 100, gated, with gradient": 2 * k * 100 * v,
        "batch of 100, hidden": 4 * k * 100 * HIDDEN,
    }
    print(
        f"\ncomputed, at the size of NSD: {NSD['participants']} participants one after the other, "
        f"{v:,} voxels, {n:,} trials, {k} components, float32"
    )
    rows = []
    for name, parts in (("linear", linear), (f"{HIDDEN:,} hidden units", network)):
        rows += [(f"{name}: {part}", f"{4 * size / 2**20:,.0f}") for part, size in parts.items()]
        rows.append((f"{name}: all", f"{4 * sum(parts.values()) / 2**20:,.0f}"))
    print_table(("", "MB"), rows)


def main(arguments: list[str] | None = None) -> None:
    """Compare with a linear decoder and with a network, and compute the memory at NSD's size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--voxels", type=int, default=1500)
    parser.add_argument("--trials", type=int, default=600)
    parser.add_argument("--dims", type=int, default=40)
    parser.add_argument("--components", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3, help="runs to take the median of")
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    print(f"{hardware(options.device)}; torch with {torch.get_num_threads()} threads")
    one = make_participant(options.trials, options.voxels, options.dims, options.components)
    steps = {"n_steps": options.steps, "device": options.device}
    shape = f"{options.trials} trials, {options.voxels} voxels, {options.components} components"
    print(f"\nlinear decoder of {options.dims} dimensions, {shape}")
    compare(one, one.linear, VoxelMask(**steps), options.repeats)
    print(f"\nnetwork of {2 * options.components} hidden units, {shape}, batches of 100")
    mask = VoxelMask(sparsity=3, noise=2, batch_size=100, **steps)
    compare(one, one.network, mask, options.repeats)
    nsd_memory()


if __name__ == "__main__":
    main()
