"""Two encoders into one space, as a torch module."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class TwoEncoders(nn.Module):
    """Two encoders whose outputs are set to unit length.

    Parameters
    ----------
    encode_u, encode_v : torch.nn.Module
        Encoders of a batch of inputs, (b, ...), to outputs (b, d). The same module may be given
        twice.

    Examples
    --------
    >>> model = TwoEncoders(nn.Linear(5, 3), nn.Linear(7, 3))
    >>> u, v = model(torch.ones(2, 5), torch.ones(2, 7))
    >>> u.shape, v.shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """

    def __init__(self, encode_u: nn.Module, encode_v: nn.Module) -> None:
        super().__init__()
        self.encode_u, self.encode_v = encode_u, encode_v

    def forward(self, x_u: torch.Tensor, x_v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode pairs.

        Parameters
        ----------
        x_u, x_v : tensors of shape (b, ...)
            Inputs of the two encoders.

        Returns
        -------
        u, v : tensors of shape (b, d)
            Rows of unit length (a row of zeros stays one), float32 if the encoders' outputs are
            of half precision, as in mixed precision.

        Raises
        ------
        ValueError
            If an encoder does not return (b, d), or the two differ in d.
        """
        u, v = self.encode_u(x_u), self.encode_v(x_v)
        if u.ndim != 2 or v.ndim != 2 or u.shape[1] != v.shape[1]:
            raise ValueError(
                "The encoders must return (b, d) with the same d; encode_u returned "
                f"{tuple(u.shape)}, encode_v {tuple(v.shape)}."
            )
        return _unit_rows(u), _unit_rows(v)


class PairLoss(nn.Module):
    """Model and loss as one module: what is wrapped for several processes sees every parameter."""

    def __init__(self, model: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(
        self, x_u: torch.Tensor, x_v: torch.Tensor, items: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the loss of a batch, a scalar."""
        u, v = self.model(x_u, x_v)
        value = self.loss(u, v) if items is None else self.loss(u, v, items=items)
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            got = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            raise ValueError(f"loss(u, v) must return one number as a tensor, got {got}.")
        return value.reshape(())


def _unit_rows(x: torch.Tensor) -> torch.Tensor:
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()
    return functional.normalize(x, dim=-1)
