"""The batch of all processes, where there are several."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from torch import Tensor


def in_several_processes() -> bool:
    """Whether torch.distributed runs with more than one process."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def gather_pairs(
    u: Tensor, v: Tensor, items: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Pairs of all processes in order of rank; u and v keep their gradients.

    The backward pass adds up what every process sends back. As each of them computes the loss of
    the whole batch, that is the gradient times their number, which DDP's average then removes.
    """
    from open_clip.loss import gather_features

    _check_same_size(u, items)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"torch\.distributed\.nn", FutureWarning)
        all_u, all_v = gather_features(
            u.movedim(-2, 0),
            v.movedim(-2, 0),
            gather_with_grad=True,
            rank=dist.get_rank(),
            world_size=dist.get_world_size(),
        )
    if items is not None:
        items = torch.cat(_gather(items), dim=-1)
    return all_u.movedim(0, -2), all_v.movedim(0, -2), items


def _check_same_size(u: Tensor, items: Tensor | None) -> None:
    """Without this, batches of unequal size hang or mix rows, depending on the backend."""
    mine = torch.tensor([u.shape[-2], int(items is not None)], device=u.device)
    everyone = [tuple(sizes.tolist()) for sizes in _gather(mine)]
    if len(set(everyone)) > 1:
        sizes = ", ".join(f"{n} {'with' if has else 'without'} items" for n, has in everyone)
        raise ValueError(
            f"Every process needs the same number of pairs, and all or none of them items; they "
            f"have {sizes}. Drop the last, short batch."
        )


def _gather(x: Tensor) -> list[Tensor]:
    parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, x.contiguous())
    return parts
