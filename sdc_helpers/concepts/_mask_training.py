"""The objective of voxel masks, their gates, and the loop that opens and closes them.

Every draw (of gates, noise and batches) is the same for all components, and the objective is a sum
over them: a component's mask does not depend on which others are fitted beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sdc_helpers._checks import can_fuse
from sdc_helpers.concepts._frozen_decoders import Readout, correlate, least_variance, read_unmasked

_BETA, _LOW, _HIGH = 2 / 3, -0.1, 1.1  # temperature and ends of the stretched gates


class Gates(Protocol):
    """Trained numbers, and the gates that they make."""

    values: Tensor
    """Trained numbers, (n_components, n_voxels)."""

    def sample(self, generator: torch.Generator) -> Tensor:
        """Return the gates of a step."""

    def open_share(self) -> Tensor:
        """Return the share of open gates that is expected, (n_components,)."""

    def settle(self) -> None:
        """Bring the numbers back to where they may be, after a step."""

    def soft(self) -> Tensor:
        """Return the soft mask."""


class HardConcreteGates:
    """Gates that are exactly 0 or 1 with some probability (Louizos, Welling, Kingma 2018).

    Parameters
    ----------
    n_components, n_voxels : int
        Number of masks, and of gates in each.
    device : torch.device or str
        Where they are kept.
    """

    def __init__(self, n_components: int, n_voxels: int, device: torch.device | str) -> None:
        self.values = torch.zeros(n_components, n_voxels, device=device, requires_grad=True)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw gates: one uniform number a voxel, for all components; see `Gates`."""
        u = torch.rand(self.values.shape[1], generator=generator).clamp(1e-6, 1 - 1e-6)
        logistic = (torch.log(u) - torch.log1p(-u)).to(self.values)
        stretched = torch.sigmoid((logistic + self.values) / _BETA) * (_HIGH - _LOW) + _LOW
        return stretched.clamp(0, 1)

    def open_share(self) -> Tensor:
        """Return the mean probability that a gate is not 0; see `Gates`."""
        return torch.sigmoid(self.values - _BETA * math.log(-_LOW / _HIGH)).mean(dim=1)

    def settle(self) -> None:
        """Leave the logits as they are; see `Gates`."""

    def soft(self) -> Tensor:
        """Return the sigmoid of the logits; see `Gates`."""
        return torch.sigmoid(self.values.detach())


class ClampedGates:
    """Gates that are the trained numbers themselves, cut to 0 and 1 after every step.

    Parameters
    ----------
    n_components, n_voxels, device
        As of `HardConcreteGates`.
    """

    def __init__(self, n_components: int, n_voxels: int, device: torch.device | str) -> None:
        self.values = torch.full((n_components, n_voxels), 0.5, device=device, requires_grad=True)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Return the numbers, which are not random; see `Gates`."""
        return self.values

    def open_share(self) -> Tensor:
        """Return the mean gate; see `Gates`."""
        return self.values.mean(dim=1)

    @torch.no_grad()
    def settle(self) -> None:
        """Cut to 0 and 1; see `Gates`."""
        self.values.clamp_(0, 1)

    def soft(self) -> Tensor:
        """Return the numbers; see `Gates`."""
        return self.values.detach().clone()


@dataclass(frozen=True, eq=False)
class Terms:
    """What an objective is of, (n_components,) each.

    Attributes
    ----------
    loss : tensor
        The objective without the penalty.
    kept, left : tensor or None
        Correlation through the gates, and through what they close, where the objective has them.
    """

    loss: Tensor
    kept: Tensor | None
    left: Tensor | None


@dataclass(frozen=True, eq=False)
class Problem:
    """A frozen decoder and the trials that masks are fitted to.

    Attributes
    ----------
    readout : Readout
        The decoder with its components.
    x : tensor of shape (n_trials, n_voxels)
        Responses.
    scores : tensor of shape (n_components, n_trials)
        True embeddings times components.
    objective : {"remove", "keep", "both", "published"}
        See `sdc_helpers.concepts.VoxelMask`.
    least : tensor of shape (n_components,)
        Variance at or below which a read-out counts as constant.
    """

    readout: Readout
    x: Tensor
    scores: Tensor
    objective: str
    least: Tensor

    @classmethod
    def of(cls, readout: Readout, x: Tensor, scores: Tensor, objective: str) -> Problem:
        """Make a problem; refuse a component that the decoder never reads."""
        whole = read_unmasked(readout, x, len(scores))
        return cls(readout, x, scores, objective, least_variance(whole).to(x))

    def terms(self, gates: Tensor, rows: Tensor | slice, noise: Tensor | None) -> Terms:
        """Return the objective of some trials, differentiable in the gates."""
        x, scores = self.x[rows], self.scores[:, rows]

        def correlation(doors: Tensor) -> Tensor:
            return correlate(self.readout(x, doors, noise), scores, self.least)

        if self.objective == "published":
            out = torch.relu(self.readout(x, gates, noise))
            r = correlate(out, torch.relu(scores), self.least)
            return Terms(-r, r, None)
        loss, kept, left = torch.zeros(len(gates)).to(gates), None, None
        if self.objective in ("keep", "both"):
            kept = correlation(gates)
            loss = loss - kept
        if self.objective in ("remove", "both"):
            left = correlation(1 - gates)
            loss = loss + torch.relu(left)
        return Terms(loss, kept, left)


def train(
    problem: Problem,
    gates: Gates,
    *,
    sparsity: float,
    noise: float,
    n_steps: int,
    lr: float,
    batch_size: int | None,
    seed: int,
) -> list[dict[str, Tensor]]:
    """Train the gates in place, and return what each step saw, (n_components,) each.

    Parameters
    ----------
    problem : Problem
        What the masks are fitted to.
    gates : Gates
        What is trained.
    sparsity, noise, n_steps, lr, batch_size, seed
        Parameters of `sdc_helpers.concepts.VoxelMask`.
    """
    generator = torch.Generator().manual_seed(seed)
    fused = can_fuse(gates.values.device)
    optimizer = torch.optim.Adam([gates.values], lr=lr, fused=fused)
    batches = _batches(len(problem.x), batch_size, generator)
    history = []
    for _ in range(n_steps):
        rows = next(batches)
        n = len(problem.x) if isinstance(rows, slice) else len(rows)
        drawn = problem.readout.draw_noise(n, noise, generator)
        terms = problem.terms(gates.sample(generator), rows, drawn)
        share = gates.open_share()
        loss = terms.loss + sparsity * share
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        gates.settle()
        seen = {"loss": loss, "r_kept": terms.kept, "r_left": terms.left, "open": share}
        history.append({k: v.detach() for k, v in seen.items() if v is not None})
    return history


def _batches(n: int, size: int | None, generator: torch.Generator) -> Iterator[Tensor | slice]:
    """Go through the trials again and again; a last short batch is dropped."""
    if size is None or size >= n:
        while True:
            yield slice(None)
    while True:
        order = torch.randperm(n, generator=generator)
        yield from order[: n // size * size].split(size)
