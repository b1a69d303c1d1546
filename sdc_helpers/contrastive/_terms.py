"""The terms of `losses`, of checked tensors: float32 or float64, rows of length 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product in the precision of its factors, in autocast too."""
    with torch.autocast(a.device.type, enabled=False):
        return a @ b


def cross_entropy(products: Tensor, temperature: float | Tensor, same: Tensor | None) -> Tensor:
    """CLIP's loss of the products u v^T, without those between pairs of the same item."""
    if isinstance(temperature, torch.Tensor):
        temperature = temperature.to(products)[..., None, None]
    logits = products / temperature
    right = logits.diagonal(dim1=-2, dim2=-1).mean(-1)
    if same is not None:
        logits = logits.masked_fill(same, -math.inf)
    return (logits.logsumexp(-1).mean(-1) + logits.logsumexp(-2).mean(-1)) / 2 - right


def mean_squared_distance(u: Tensor, v: Tensor) -> Tensor:
    """Alignment."""
    squares = torch.nn.functional.mse_loss(u, v, reduction="none")
    return squares.sum((-2, -1)) / u.shape[-2]


def spread(x: Tensor) -> Tensor:
    """Uniformity of one side."""
    n = x.shape[-2]
    return _Spread.apply(x) - math.log(n * (n - 1))


def log_mean_kernel(products: Tensor, same: Tensor | None) -> Tensor:
    """Cross uniformity of the products u v^T, without those between pairs of the same item."""
    n = products.shape[-1]
    log_count: float | Tensor = math.log(n * (n - 1))
    if same is not None:
        count = n * (n - 1) - same.sum((-2, -1))
        if count.device.type == "cpu" and (count == 0).any():
            raise ValueError("All pairs of the batch show the same item; no negative is left.")
        log_count = count.clamp(min=1).to(products.dtype).log()
    return _LogSumKernel.apply(products, same) - log_count


def _kernel(products: Tensor, same: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return exp(-2 |a - b|^2) = exp(4 ab - 4), 0 on the diagonal and for same items; its sum.

    The exponents lie in [-8, 0], so that no maximum has to be taken out first.
    """
    kernel = (4 * products).sub_(4).exp_()
    kernel.diagonal(dim1=-2, dim2=-1).zero_()
    if same is not None:
        kernel.masked_fill_(same, 0)
    return kernel, kernel.sum((-2, -1))


class _LogSumKernel(torch.autograd.Function):
    """Log of the summed kernel, which is kept: but for a factor it is the gradient."""

    @staticmethod
    def forward(ctx: Any, products: Tensor, same: Tensor | None) -> Tensor:
        kernel, total = _kernel(products, same)
        ctx.save_for_backward(kernel, total)
        return total.log()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        _refuse_second_derivatives()
        kernel, total = ctx.saved_tensors
        return kernel * (4 * gradient / total)[..., None, None], None


class _Spread(torch.autograd.Function):
    """The same of x x^T. As the kernel is symmetric, its gradient needs one product, not two."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        kernel, total = _kernel(product(x, x.mT))
        ctx.save_for_backward(x, kernel, total)
        return total.log()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        _refuse_second_derivatives()
        x, kernel, total = ctx.saved_tensors
        return product(kernel, x).mul_((8 * gradient / total)[..., None, None])


def _refuse_second_derivatives() -> None:
    if torch.is_grad_enabled():  # in a backward pass: only with create_graph=True
        raise NotImplementedError("The uniformity terms have first derivatives only.")
