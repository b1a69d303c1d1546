"""The last linear maps of a CLIP's towers: where they are, and new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sdc_helpers.embeddings.clip import ClipModel

_WEIGHTS = 3  # last part of seeds


def projections_of(clip: ClipModel) -> tuple[Tensor, Tensor]:
    """Return the weights (width, d) of both projections, or raise a ValueError."""
    visual, text = clip.model.visual, getattr(clip.model, "text_projection", None)
    image = getattr(visual, "proj", None)
    if hasattr(visual, "attnpool"):
        image = visual.attnpool.c_proj.weight.T
    if not isinstance(image, torch.Tensor) or not isinstance(text, torch.Tensor):
        raise ValueError(
            f"{clip.name} ({clip.weights}) has no projections that are known here: take a CLIP "
            "of open_clip with a residual network or a vision transformer, as load_clip gives it."
        )
    return image, text


def new_projections(
    p: int, q: int, d: int, seeds: Sequence[int], device: str | torch.device
) -> list[Tensor]:
    """Draw values as open_clip does: uniform for pictures, normal for sentences."""
    drawn = []
    for seed in seeds:
        state = np.random.SeedSequence([seed, _WEIGHTS]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        uniform = [2 * torch.rand(shape, generator=generator) - 1 for shape in ((p, d), (1, d))]
        normal = torch.randn(q, d, generator=generator)
        drawn.append([*(part * p**-0.5 for part in uniform), normal * q**-0.5])
    return [torch.stack(parts).to(device).requires_grad_() for parts in zip(*drawn, strict=True)]
