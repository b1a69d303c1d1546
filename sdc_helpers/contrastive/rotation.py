"""Start two encoders without a gap, or with a chosen one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import nn

from sdc_helpers._checks import as_tensor

if TYPE_CHECKING:
    from torch import Tensor

_TOLERANCE = 1e-3
_MAX_STEPS = 50


class StartRotation(nn.Module):
    """Lay the second side of two untrained encoders over the first.

    Untrained encoders each map everything into a narrow cone of their own, so training starts
    with a gap. This removes it: v is rotated onto u (orthogonal Procrustes: W = A B^T from the SVD
    A S B^T of u^T v), shifted, and normalised again:

        v' = normalise(v W^T + shift)

    The shift is solved for so that it is the centroid after normalising that arrives where it
    should: at distance `gap` from that of u, in the direction in which v lay before. All of it
    are buffers, so that it is saved and loaded with the model; new, it changes nothing.

    Parameters
    ----------
    dimension : int
        Number of dimensions d of both sides.
    runs : tuple of int
        Shape of the leading dimensions, which are independent runs.

    Attributes
    ----------
    rotation : tensor of shape (*runs, d, d)
        The orthogonal matrix W.
    shift : tensor of shape (*runs, d)
        Vector that is added after rotating.
    reached_gap : tensor of shape (*runs)
        Centroid distance that `fit` ended with; NaN before.

    Raises
    ------
    ValueError
        If the dimension is not positive.

    See Also
    --------
    gap_report : Measures of the gap.

    Examples
    --------
    Two untrained sides in opposite cones:

    >>> import numpy as np
    >>> from sdc_helpers.contrastive import StartRotation, centroid_distance
    >>> rng = np.random.default_rng(0)
    >>> u, v = rng.normal(2, 1, size=(200, 8)), rng.normal(-2, 1, size=(200, 8))
    >>> u, v = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (u, v))
    >>> round(centroid_distance(u, v), 1)
    1.8
    >>> rotation = StartRotation(dimension=8).fit(u, v)
    >>> centroid_distance(u, rotation(v)) < 0.001
    True
    """

    def __init__(self, dimension: int, runs: tuple[int, ...] = ()) -> None:
        super().__init__()
        if dimension < 1:
            raise ValueError(f"dimension must be at least 1, got {dimension}.")
        self.register_buffer("rotation", torch.eye(dimension).repeat(*runs, 1, 1))
        self.register_buffer("shift", torch.zeros(*runs, dimension))
        self.register_buffer("reached_gap", torch.full(runs, torch.nan))

    @torch.no_grad()
    def fit(self, u: Tensor, v: Tensor, gap: float = 0.0) -> StartRotation:
        """Choose rotation and shift for the outputs of both encoders on the same pairs.

        Parameters
        ----------
        u, v : tensor of shape (*runs, n, d)
            Unit rows of n >= 2 pairs.
        gap : float
            Centroid distance to start with, from 0 to below 2.

        Returns
        -------
        StartRotation
            The module itself; `reached_gap` tells the distance reached.

        Raises
        ------
        ValueError
            If u or v is not (*runs, n, d) and finite, if `gap` is not from 0 to below 2, or if it
            is positive and both centroids already coincide, which leaves no direction.

        Warns
        -----
        UserWarning
            If the distance reached is off by more than 1e-3: a cone cannot be shifted everywhere.
        """
        u, v = as_tensor("u", u), as_tensor("v", v)
        runs, d = self.shift.shape[:-1], self.shift.shape[-1]
        if u.ndim < 2 or u.shape != v.shape or u.shape[:-2] != runs or u.shape[-1] != d:
            raise ValueError(
                f"u and v must be {(*runs, 'n', d)}, got {tuple(u.shape)} and {tuple(v.shape)}."
            )
        if u.shape[-2] < 2 or not (u.isfinite().all() and v.isfinite().all()):
            raise ValueError("u and v must hold at least 2 pairs and only finite values.")
        if not 0 <= gap < 2:
            raise ValueError(f"gap must be from 0 to below 2, got {gap}.")
        u, v = (x.detach().cpu().double().reshape(-1, *x.shape[-2:]) for x in (u, v))
        fitted = [_fit(*pairs, gap) for pairs in zip(u, v, strict=True)]
        for buffer, values in zip(self.buffers(), zip(*fitted, strict=True), strict=True):
            buffer.copy_(torch.stack(values).reshape(buffer.shape))
        missed = float((self.reached_gap - gap).abs().max())
        if missed > _TOLERANCE:
            warnings.warn(
                f"A gap of {gap:g} was asked for; the one reached is off by {missed:.2g}.",
                stacklevel=2,
            )
        return self

    def forward(self, v: Tensor) -> Tensor:
        """Rotate, shift and normalise the second side.

        Parameters
        ----------
        v : tensor of shape (*runs, n, d)
            Rows of the second side.

        Returns
        -------
        tensor of shape (*runs, n, d)
            Unit rows, in float32 or float64.
        """
        v = as_tensor("v", v)
        with torch.autocast(v.device.type, enabled=False):
            v = v if v.dtype == torch.float64 else v.float()
            return _moved(v @ self.rotation.mT.to(v), self.shift[..., None, :].to(v))


def _moved(x: Tensor, shift: Tensor) -> Tensor:
    return nn.functional.normalize(x + shift, dim=-1)


def _fit(u: Tensor, v: Tensor, gap: float) -> tuple[Tensor, Tensor, Tensor]:
    """Rotation, shift and gap reached of one run, by Newton's method on the shift."""
    left, _, right = torch.linalg.svd(u.mT @ v)
    rotation = left @ right
    goal = u.mean(0)
    if gap:
        away = v.mean(0) - goal
        if away.norm() < 1e-9:
            raise ValueError(f"u and v share their centroid: no direction for a gap of {gap:g}.")
        goal = goal + gap * away / away.norm()
    x = v @ rotation.mT
    shift = torch.zeros_like(goal)
    miss = goal - _moved(x, shift).mean(0)
    for _ in range(_MAX_STEPS):
        if miss.norm() < _TOLERANCE / 10:
            break
        shift, miss, improved = _newton_step(x, shift, miss, goal)
        if not improved:
            break
    return rotation, shift, (goal - miss - u.mean(0)).norm()


def _newton_step(
    x: Tensor, shift: Tensor, miss: Tensor, goal: Tensor
) -> tuple[Tensor, Tensor, bool]:
    """Move the shift so that the centroid comes nearer to its goal, halving steps too long."""
    lengths = (x + shift).norm(dim=-1)
    rows = _moved(x, shift)
    slope = torch.diag((1 / lengths).mean().expand(len(shift))) - (rows / lengths[:, None]).mT @ (
        rows / len(x)
    )  # of the centroid with respect to the shift
    step = torch.linalg.solve(slope + 1e-9 * torch.eye(len(shift)).to(slope), miss)
    for halvings in range(30):
        new_shift = shift + step / 2**halvings
        new_miss = goal - _moved(x, new_shift).mean(0)
        if new_miss.norm() < miss.norm():
            return new_shift, new_miss, True
    return shift, miss, False
