"""Batch normalisation over the batch of all processes, on the CPU too.

Half a batch has other means and variances than the whole, so each process on its own would train
another network than one process does. torch's ``SyncBatchNorm`` is for GPUs alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from sdc_helpers.training.processes import world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


@contextmanager
def normalised_over_all(module: nn.Module) -> Iterator[None]:
    """Let the batch normalisations inside a module use what all processes see, for a while.

    Every process must have an equal part of the batch. In one process nothing changes.

    Parameters
    ----------
    module : torch.nn.Module
        Module whose layers of batch normalisation, if it has any, are changed.
    """
    layers = []
    if world().size > 1:
        layers = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    for layer in layers:
        layer.__dict__["forward"] = partial(_forward, layer)  # found before the class's method
    try:
        yield
    finally:
        for layer in layers:
            del layer.__dict__["forward"]


def _forward(layer: _BatchNorm, x: Tensor) -> Tensor:
    if not layer.training:
        return type(layer).forward(layer, x)
    y, mean, variance, n = _Normalised.apply(x, layer.weight, layer.bias, layer.eps)
    kept = layer.running_mean, layer.running_var, layer.num_batches_tracked
    if kept[0] is not None and kept[1] is not None and kept[2] is not None:
        with torch.no_grad():
            kept[2].add_(1)
            share = 1 / float(kept[2]) if layer.momentum is None else layer.momentum
            kept[0].lerp_(mean.to(kept[0].dtype), share)
            kept[1].lerp_((variance * n / (n - 1)).to(kept[1].dtype), share)
    return y


class _Normalised(torch.autograd.Function):
    """Rows to mean 0 and variance 1 over all processes, times weight, plus bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Any:
        """Return the result, the mean and variance of all, and of how many numbers they are."""
        others = [k for k in range(x.ndim) if k != 1]
        full = x if x.dtype == torch.float64 else x.float()
        own = torch.stack(torch.var_mean(full, others, correction=0))
        parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, own)
        variances, means = torch.stack(parts, dim=1)
        mean = means.mean(0)
        variance = variances.mean(0) + means.var(0, correction=0)  # parts are equally large
        n = len(parts) * (x.numel() // x.shape[1])
        y = functional.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        ctx.others, ctx.n = others, n
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance, n

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return gradients: of x for all processes' losses, of weight and bias for this one's."""
        x, weight, mean, scale = ctx.saved_tensors
        shape = [1, -1] + [1] * (x.ndim - 2)
        full = gradients[0].to(mean.dtype)
        standard = (x.to(mean.dtype) - mean.view(shape)) * scale.view(shape)
        own = torch.stack([full.sum(ctx.others), (full * standard).sum(ctx.others)])
        of_all = own.clone()
        dist.all_reduce(of_all)
        along, across = (of_all / ctx.n).unbind()
        dx = full - along.view(shape) - standard * across.view(shape)
        factor = scale if weight is None else scale * weight
        dx = (dx * factor.view(shape)).to(x.dtype)
        if weight is None:
            return dx, None, None, None
        return dx, own[1].to(weight.dtype), own[0].to(weight.dtype), None
