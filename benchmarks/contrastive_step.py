"""What the extra terms of a contrastive loss cost in a training step.

One step is: both encoders, loss, backward pass, AdamW. CLIP alone, CUA and CUAXU take turns, step
by step, each on a model of its own, so that other work on the machine meets all three alike.

--encoder mlp       512 -> 1024 -> 1024 -> dim, ReLU, once a side; features as input
--encoder vit-b-32  open_clip's ViT-B-32, both towers, random weights, dim outputs; for a GPU
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from _report import hardware, print_table, require_device

if TYPE_CHECKING:
    import torch

LOSSES = ("clip", "cua", "cuaxu")


def mlp_step(
    name: str, batch: int, dim: int, device: str
) -> tuple[list[torch.nn.Parameter], Callable[[], torch.Tensor]]:
    """Parameters of two MLP encoders, and a function that computes their loss on a batch."""
    import torch
    from torch import nn

    from sdc_helpers.contrastive import ContrastiveLoss

    sides = nn.ModuleList(
        nn.Sequential(
            nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, dim)
        )
        for _ in range(2)
    ).to(device)
    inputs = torch.randn(2, batch, 512, device=device)
    loss = ContrastiveLoss.named(name)

    def forward() -> torch.Tensor:
        u, v = (
            nn.functional.normalize(side(x), dim=-1) for side, x in zip(sides, inputs, strict=True)
        )
        return loss(u, v)

    return list(sides.parameters()), forward


def vit_step(
    name: str, batch: int, dim: int, device: str
) -> tuple[list[torch.nn.Parameter], Callable[[], torch.Tensor]]:
    """Like `mlp_step` for both towers of ViT-B-32, in bfloat16 autocast on a GPU."""
    import open_clip
    import torch

    from sdc_helpers.contrastive import ContrastiveLoss

    config = {**open_clip.get_model_config("ViT-B-32"), "embed_dim": dim}
    model = open_clip.CLIP(**config).to(device)
    images = torch.randn(batch, 3, 224, 224, device=device)
    tokens = torch.randint(1, 49_000, (batch, 77), device=device)
    loss = ContrastiveLoss.named(name)

    def forward() -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            u = model.encode_image(images, normalize=True)
            return loss(u, model.encode_text(tokens, normalize=True))

    return list(model.parameters()), forward


def training_step(encoder: str, batch: int, dim: int, device: str, repeats: int) -> None:
    """Print the median seconds of a step with each loss and its ratio to CLIP alone."""
    import torch

    torch.manual_seed(0)
    build = {"mlp": mlp_step, "vit-b-32": vit_step}[encoder]
    steps = {}
    for name in LOSSES:
        parameters, forward = build(name, batch, dim, device)
        optimizer = torch.optim.AdamW([p for p in parameters if p.requires_grad], lr=1e-5)
        steps[name] = _one_step(optimizer, forward, device)
    seconds: dict[str, list[float]] = {name: [] for name in LOSSES}
    for repeat in range(repeats + 3):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if repeat >= 3:  # the first are warming up
                seconds[name].append(time.perf_counter() - start)
    ratios = {
        name: statistics.median(a / b for a, b in zip(seconds[name], seconds["clip"], strict=True))
        for name in LOSSES
    }
    print(f"\ntraining step on {device}, {encoder}, batch {batch}, d = {dim}, {repeats} steps each")
    print_table(
        ("", "ms, median", "ratio, median over rounds"),
        [
            (name, f"{1e3 * statistics.median(seconds[name]):.2f}", f"{ratios[name]:.3f}")
            for name in LOSSES
        ],
    )


def _one_step(
    optimizer: torch.optim.Optimizer, forward: Callable[[], torch.Tensor], device: str
) -> Callable[[], None]:
    import torch

    def step() -> None:
        optimizer.zero_grad()
        forward().backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def main(arguments: list[str] | None = None) -> None:
    """Time the training step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--encoder", choices=["mlp", "vit-b-32"], default="mlp")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=30, help="steps to take the median of")
    options = parser.parse_args(arguments)
    require_device(parser, options.device)
    if options.encoder == "vit-b-32" and options.device == "cpu" and options.batch > 8:
        parser.error("--encoder vit-b-32 on the CPU takes minutes a step: give --batch 8 or less")
    print(hardware(options.device))
    training_step(options.encoder, options.batch, options.dim, options.device, options.repeats)


if __name__ == "__main__":
    main()
