"""CLIP's loss and the terms that can be added to it to close the gap between its two sides.

u and v are (..., n, d) tensors of unit rows, row i of both being pair i. Leading dimensions are
independent runs: every function returns one value each, in shape (...). With S = u v^T / tau:

=================  =============================================================
clip               (CE(S) + CE(S^T)) / 2, the diagonal being right, mean over rows
alignment          mean_i |u_i - v_i|^2
uniformity         U(x) = log mean_{i<j} exp(-2 |x_i - x_j|^2), mean of both sides
cross_uniformity   log mean_{i != j} exp(-2 |u_i - v_j|^2)
=================  =============================================================

Alignment and uniformity are those of Wang & Isola (2020, arXiv 2005.10242); their use against the
gap, and the cross term, of Fahim, Murphy & Fyshe (2024, arXiv 2405.18570).

Products are computed in float32 at least, in autocast too. The length of the rows is checked on
the CPU only: elsewhere the check would make the processor wait for the device in every step. The
uniformity terms have first derivatives only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sdc_helpers._checks import as_tensor, check_unit_rows
from sdc_helpers.contrastive._gather import gather_pairs, in_several_processes
from sdc_helpers.contrastive._terms import (
    cross_entropy,
    log_mean_kernel,
    mean_squared_distance,
    product,
    spread,
)

if TYPE_CHECKING:
    from torch import Tensor

_NAMED = {
    "clip": {},
    "cua": {"alignment": 1.0, "uniformity": 1.0},
    "cuaxu": {"alignment": 1.0, "uniformity": 1.0, "cross_uniformity": 1.0},
}
_MAX_LOGIT_SCALE = math.log(100)  # Radford et al. (2021)


def clip_loss(
    u: Tensor, v: Tensor, *, temperature: float | Tensor, items: Tensor | None = None
) -> Tensor:
    """Symmetric cross-entropy over the pairs of a batch (Radford et al. 2021).

    Parameters
    ----------
    u, v : tensor of shape (..., n, d)
        Unit rows of n >= 2 pairs.
    temperature : float or tensor that broadcasts to (...)
        Temperature tau > 0, by which the cosines are divided.
    items : integer tensor of shape (n,) or (..., n), optional
        Number of the item that each pair shows, in all runs or in each. A pair of the same item is
        not a negative: its logit is left out of both softmaxes.

    Returns
    -------
    tensor of shape (...)
        Loss of each run, in float32, or in float64 if u or v is.

    Raises
    ------
    ValueError
        If u and v differ in shape or hold fewer than 2 pairs, if their rows are not of length 1
        (CPU only), if the temperature is not positive, or if `items` are not n integers.

    Examples
    --------
    >>> u = torch.eye(4)
    >>> clip_loss(u, u, temperature=0.1) < 0.001
    tensor(True)
    >>> clip_loss(u, u.roll(1, 0), temperature=0.1) > 9  # every pair is mismatched
    tensor(True)
    """
    u, v = _check_pair(u, v)
    temperature = _check_temperature(temperature, u.shape[:-2])
    return cross_entropy(product(u, v.mT), temperature, _same_item(items, u))


def alignment(u: Tensor, v: Tensor) -> Tensor:
    """Mean squared distance within pairs.

    Parameters
    ----------
    u, v : tensor of shape (..., n, d)
        Unit rows of n >= 2 pairs.

    Returns
    -------
    tensor of shape (...)
        Mean of each run, from 0 to 4.

    Raises
    ------
    ValueError
        In the cases that `clip_loss` lists.
    """
    return mean_squared_distance(*_check_pair(u, v))


def uniformity(x: Tensor) -> Tensor:
    """Log of the mean Gaussian kernel between different rows: the lower, the more spread out.

    Parameters
    ----------
    x : tensor of shape (..., n, d)
        At least 2 unit rows.

    Returns
    -------
    tensor of shape (...)
        Uniformity of each run, from -8 to 0; `uniform_floor` is its value for rows spread evenly
        over the sphere.

    Raises
    ------
    ValueError
        In the cases that `clip_loss` lists.
    """
    return spread(_check_rows(as_tensor("x", x), "x"))


def cross_uniformity(u: Tensor, v: Tensor, items: Tensor | None = None) -> Tensor:
    """Log of the mean Gaussian kernel between rows of u and rows of v of other pairs.

    Parameters
    ----------
    u, v : tensor of shape (..., n, d)
        Unit rows of n >= 2 pairs.
    items : integer tensor of shape (n,), optional
        Number of the item that each pair shows: two pairs of the same item are not pushed apart.

    Returns
    -------
    tensor of shape (...)
        Uniformity across the sides of each run, from -8 to 0.

    Raises
    ------
    ValueError
        In the cases that `clip_loss` lists, and if all pairs show the same item (CPU only,
        elsewhere -inf).
    """
    u, v = _check_pair(u, v)
    return log_mean_kernel(product(u, v.mT), _same_item(items, u))


class ContrastiveLoss(nn.Module):
    """CLIP's loss plus weighted terms; one product u v^T serves all of them.

    In several processes (torch.distributed) each passes its part of the batch and gets the loss
    of the whole. Gradients come out as DistributedDataParallel needs them: after its average over
    processes they are those of one process with the whole batch. A learned temperature has the
    same gradient in every process, inside DDP or not.

    Parameters
    ----------
    alignment, uniformity, cross_uniformity : float
        Weights of these terms beside the CLIP loss. A term of weight 0 is not computed.
    temperature : float or tensor that broadcasts to (...)
        Temperature tau, fixed or at the start. A tensor with one entry a run makes a grid.
    learn_temperature : bool
        Whether to learn ``logit_scale`` = log(1 / tau), which is brought back to [0, log 100]
        before each use.
    gather : {"auto", "never"}
        Whether to use the batch of all processes where there are several.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, if the temperature is not positive (to be learned:
        not in [0.01, 1]), or if `gather` is unknown.

    Examples
    --------
    >>> loss = ContrastiveLoss.named("cua", temperature=0.07)
    >>> loss.weights
    {'clip': 1.0, 'alignment': 1.0, 'uniformity': 1.0, 'cross_uniformity': 0.0}
    """

    def __init__(
        self,
        *,
        alignment: float = 0.0,
        uniformity: float = 0.0,
        cross_uniformity: float = 0.0,
        temperature: float | Tensor = 0.01,
        learn_temperature: bool = False,
        gather: str = "auto",
    ) -> None:
        super().__init__()
        self.weights = {
            "clip": 1.0,
            "alignment": float(alignment),
            "uniformity": float(uniformity),
            "cross_uniformity": float(cross_uniformity),
        }
        for name, weight in self.weights.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"The weight {name} must be finite and at least 0, got {weight}.")
        if gather not in ("auto", "never"):
            raise ValueError(f"gather must be 'auto' or 'never', got {gather!r}.")
        self.gather = gather
        temperature = _check_temperature(temperature)
        self.logit_scale: nn.Parameter | None = None
        if learn_temperature:
            scale = -torch.as_tensor(temperature, dtype=torch.float32).log()
            if not ((scale > -1e-6) & (scale < _MAX_LOGIT_SCALE + 1e-6)).all():
                raise ValueError(
                    f"A temperature to be learned must lie in [0.01, 1], got {temperature}."
                )
            self.logit_scale = nn.Parameter(scale.clamp(0, _MAX_LOGIT_SCALE))
        elif isinstance(temperature, torch.Tensor):
            self.register_buffer("_temperature", temperature.detach().clone(), persistent=False)
        else:
            self._temperature = temperature

    @classmethod
    def named(cls, name: str, **options: Any) -> ContrastiveLoss:
        """Return a published combination, each weight 1.

        Parameters
        ----------
        name : {"clip", "cua", "cuaxu"}
            CLIP alone; with uniformity and alignment; with the cross term as well.
        **options
            Arguments of the constructor, weights included.

        Returns
        -------
        ContrastiveLoss
            The loss with these weights.

        Raises
        ------
        ValueError
            If the name is unknown, or the constructor refuses an option.
        """
        if name not in _NAMED:
            raise ValueError(f"Expected one of {', '.join(_NAMED)}, got {name!r}.")
        return cls(**{**_NAMED[name], **options})

    @property
    def temperature(self) -> float | Tensor:
        """Tau as the next call will use it, without gradient."""
        if self.logit_scale is None:
            return self._temperature
        return (-self.logit_scale.detach().clamp(0, _MAX_LOGIT_SCALE)).exp()

    def forward(self, u: Tensor, v: Tensor, items: Tensor | None = None) -> Tensor:
        """Return the weighted sum of the terms.

        Parameters
        ----------
        u, v : tensor of shape (..., n, d)
            Unit rows of n pairs (of this process's part of the batch).
        items : integer tensor of shape (n,), optional
            Number of the item that each pair shows, as for `clip_loss` and `cross_uniformity`.

        Returns
        -------
        tensor of shape (...)
            Loss of each run.

        Raises
        ------
        ValueError
            In the cases that `clip_loss` lists, and if processes differ in n.
        """
        wanted = {name: weight for name, weight in self.weights.items() if weight}
        terms = self._compute(u, v, items, wanted)
        return sum(weight * terms[name] for name, weight in wanted.items())

    def terms(self, u: Tensor, v: Tensor, items: Tensor | None = None) -> dict[str, Tensor]:
        """Return every term, unweighted, whatever its weight; parameters as for `forward`.

        Returns
        -------
        dict of str to tensor of shape (...)
            "clip", "alignment", "uniformity" and "cross_uniformity".
        """
        return self._compute(u, v, items, self.weights)

    def extra_repr(self) -> str:
        """Describe the weights and the temperature."""
        weights = ", ".join(f"{name}={weight:g}" for name, weight in self.weights.items())
        learned = "" if self.logit_scale is None else " (learned)"
        return f"{weights}, temperature={self.temperature}{learned}"

    def _compute(self, u: Tensor, v: Tensor, items: Any, wanted: Any) -> dict[str, Tensor]:
        if self.gather == "auto" and in_several_processes():
            u, v = _check_shapes(u, v)
            u, v, items = gather_pairs(u, v, _check_items(items, u))
        u, v = _check_pair(u, v)
        temperature = _check_temperature(self._current_temperature(), u.shape[:-2])
        same, products = _same_item(items, u), product(u, v.mT)
        terms = {}
        if "clip" in wanted:
            terms["clip"] = cross_entropy(products, temperature, same)
        if "alignment" in wanted:
            terms["alignment"] = mean_squared_distance(u, v)
        if "uniformity" in wanted:
            terms["uniformity"] = (spread(u) + spread(v)) / 2
        if "cross_uniformity" in wanted:
            terms["cross_uniformity"] = log_mean_kernel(products, same)
        return terms

    def _current_temperature(self) -> float | Tensor:
        if self.logit_scale is None:
            return self._temperature
        with torch.no_grad():  # clamping in the graph would leave no gradient to come back by
            self.logit_scale.clamp_(0, _MAX_LOGIT_SCALE)
        return (-self.logit_scale).exp()


def _same_item(items: Tensor | None, u: Tensor) -> Tensor | None:
    """Return (..., n, n) or (n, n), True between different pairs of one item."""
    items = _check_items(items, u)
    if items is None:
        return None
    same = items[..., :, None] == items[..., None, :]
    same.diagonal(dim1=-2, dim2=-1).fill_(False)
    return same


def _check_items(items: Tensor | None, u: Tensor) -> Tensor | None:
    if items is None:
        return None
    items = as_tensor("items", items).to(u.device)
    shapes = (u.shape[-2:-1], u.shape[:-1])
    if items.is_floating_point() or items.is_complex() or items.shape not in shapes:
        raise ValueError(
            f"items must be {u.shape[-2]} integers, one a pair, got shape {tuple(items.shape)} of "
            f"{items.dtype}."
        )
    return items


def _check_temperature(
    temperature: float | Tensor, runs: torch.Size | None = None
) -> float | Tensor:
    """Positive, and where `runs` is given broadcasting to that shape."""
    if not isinstance(temperature, torch.Tensor):
        temperature = float(temperature)
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be positive and finite, got {temperature}.")
        return temperature
    if temperature.device.type == "cpu" and not (temperature > 0).all():
        raise ValueError(f"temperature must be positive, got {temperature.tolist()}.")
    shape = temperature.shape
    if runs is not None and (
        len(shape) > len(runs)
        or any(a not in (1, b) for a, b in zip(shape[::-1], runs[::-1], strict=False))
    ):
        raise ValueError(
            f"A temperature of shape {tuple(shape)} does not broadcast to the {tuple(runs)} runs."
        )
    return temperature


def _check_shapes(u: Any, v: Any) -> tuple[Tensor, Tensor]:
    u, v = as_tensor("u", u), as_tensor("v", v)
    if u.ndim < 2 or u.shape != v.shape:
        raise ValueError(
            f"u and v must both be (..., n, d), one row a pair, got {tuple(u.shape)} and "
            f"{tuple(v.shape)}."
        )
    return u, v


def _check_pair(u: Any, v: Any) -> tuple[Tensor, Tensor]:
    u, v = _check_shapes(u, v)
    u, v = _check_rows(u, "u"), _check_rows(v, "v")
    dtype = torch.promote_types(u.dtype, v.dtype)
    return u.to(dtype), v.to(dtype)


def _check_rows(x: Tensor, name: str) -> Tensor:
    """In float32, or float64 if it is: 2 rows or more, of length 1."""
    if x.ndim < 2 or x.shape[-2] < 2 or x.numel() == 0:
        raise ValueError(
            f"{name} must be (..., n, d) with at least 2 rows, got {tuple(x.shape)}: a single pair "
            f"has no other to be compared with."
        )
    if x.is_complex() or not x.is_floating_point():
        raise ValueError(f"{name} must hold floating-point numbers, got {x.dtype}.")
    full = x if x.dtype == torch.float64 else x.float()
    if full.device.type == "cpu":
        check_unit_rows(name, full.detach(), x.dtype)
    return full
