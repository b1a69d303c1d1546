"""What stands around the steps of a training run: the device, the optimizer, the checks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.training.state import TrainingStateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import torch
    from accelerate import Accelerator
    from torch import nn

    from sdc_helpers.training.options import TrainingOptions


@contextmanager
def accelerator_for(options: TrainingOptions, device: str | None) -> Iterator[Accelerator]:
    """Give an accelerator of its own to a run, whatever the process has used accelerate for.

    accelerate keeps device and precision in state shared by the whole process, set once. Two runs
    of a notebook may differ in both, and the notebook's own accelerator must stay as it is.
    """
    on_cpu = device_is_cpu(device, options)
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    kept = [(state, dict(state._shared_state)) for state in (PartialState, AcceleratorState)]
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        yield Accelerator(mixed_precision=options.mixed_precision, cpu=on_cpu)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        for state, content in kept:
            state._shared_state.update(content)


def device_is_cpu(device: str | None, options: TrainingOptions) -> bool:
    """Whether to train on the CPU; a ValueError if the device is unknown, absent or lacks fp16."""
    import torch

    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if device is not None and device not in present:
        raise ValueError(
            f"device must be 'cpu', 'cuda', 'mps' or None, got {device!r}. Choose among several "
            "GPUs with the environment variable CUDA_VISIBLE_DEVICES."
        )
    if device is not None and not present[device]:
        raise ValueError(f"device={device!r}: torch sees no such device here; use 'cpu'.")
    if options.mixed_precision == "fp16" and (device == "cpu" or not present["cuda"]):
        raise ValueError("mixed_precision='fp16' needs a CUDA device; use 'bf16' or 'no'.")
    # accelerate needs to be told: without a GPU it would not join several processes otherwise
    return device == "cpu" or not (present["cuda"] or present["mps"])


def part_of_batch(batch_size: int, accelerator: Accelerator) -> slice:
    """Return which rows of a batch are this process's."""
    n = accelerator.num_processes
    if batch_size % n:
        raise ValueError(
            f"batch_size={batch_size} is of all processes together and must divide by their "
            f"number, {n}: try {batch_size // n * n or n}."
        )
    size = batch_size // n
    return slice(accelerator.process_index * size, (accelerator.process_index + 1) * size)


def seed_torch(seeds: Sequence[int], device: torch.device) -> None:
    """Seed torch's generators of the CPU and of one device.

    ``torch.manual_seed`` does it for every device, and where a GPU has not been used yet it takes
    as long as a step of a small model.
    """
    import torch

    seed = int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0] >> np.uint64(1))
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def adamw(module: nn.Module, options: TrainingOptions) -> torch.optim.AdamW:
    """AdamW over what is trained in a module, weight decay on weight matrices alone."""
    import torch

    plain = set()  # parameters of layers that scale or shift what they normalise
    for layer in module.modules():
        if "Norm" in type(layer).__name__:
            plain.update(map(id, layer.parameters(recurse=False)))
    decayed, others = [], []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            last = name.rpartition(".")[2]
            exempt = parameter.ndim < 2 or id(parameter) in plain
            exempt = exempt or last in ("bias", "logit_scale")
            exempt = exempt and options.weight_decay > 0  # a group more costs time in every step
            (others if exempt else decayed).append(parameter)
    if not decayed and not others:
        raise ValueError("Neither the model nor the loss has a parameter that requires a gradient.")
    groups = [
        {"params": decayed, "weight_decay": options.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=options.lr, betas=tuple(options.betas))


def check_gradients(module: nn.Module) -> None:
    """Raise a ValueError if a trained parameter got no gradient: it took no part in the loss."""
    without = [
        name.removeprefix("model.")
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    if without:
        more = f" and {len(without) - 3} more" if len(without) > 3 else ""
        raise ValueError(
            f"{', '.join(without[:3])}{more} took no part in the loss, so nothing would train "
            "them. Call requires_grad_(False) on them, or leave them out of the model."
        )


def check_same_run(path: Path, saved: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise a TrainingStateError naming what differs between a checkpoint and this run."""

    def flat(identity: dict[str, Any]) -> dict[str, Any]:
        return {**identity.get("options", {}), "len(source)": identity.get("n_pairs")}

    old, new = flat(saved), flat(wanted)
    differences = [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}"
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ]
    if differences:
        raise TrainingStateError(
            f"{path} is of another run: {'; '.join(differences)}. Delete it, or choose another "
            "folder as out."
        )


def counted(steps: range, shown: bool) -> Iterable[int]:
    """Go through the steps, under a bar if it is to be shown."""
    if not shown:
        return steps
    from rich.progress import track

    return track(steps, "Training")
