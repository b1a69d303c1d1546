"""The network of a partition and its training: batches of points, a memory of all probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sdc_helpers.neighbours.losses import balance_term, majority_votes, soft_votes, vote_loss

N_START_EPOCHS = 15
"""Epochs of cross-entropy on the labels of k-means, where it starts from them."""
VOTES = {"soft": soft_votes, "majority": majority_votes}


def network(n_features: int, n_bins: int, hidden: int, dropout: float) -> nn.Module:
    """Return two hidden blocks and a linear layer; with ``hidden=0`` the linear layer alone."""
    if not hidden:
        return nn.Sequential(nn.Linear(n_features, n_bins))
    blocks: list[nn.Module] = []
    for width in (n_features, hidden):
        blocks += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
    return nn.Sequential(*blocks, nn.Dropout(dropout), nn.Linear(hidden, n_bins))


@dataclass(frozen=True)
class Scaling:
    """What is taken off the features of the base, and what they are divided by."""

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, by_feature: bool) -> Scaling:
        """Measure the base: one spread a feature, or one for all; a constant feature stays 0."""
        centred = X - X.mean(axis=0)
        spread = centred.std(axis=0) if by_feature else np.full(X.shape[1], centred.std())
        return cls(X.mean(axis=0), np.where(spread > 0, spread, 1).astype(np.float32))

    def apply(self, X: np.ndarray) -> Tensor:
        """Return scaled vectors as a tensor."""
        return torch.from_numpy((X - self.mean) / self.spread)


@dataclass(frozen=True)
class Lessons:
    """What a network learns from: points of the base first, other queries after them.

    Attributes
    ----------
    inputs : tensor of shape (n_base + n_queries, D)
        Scaled vectors.
    neighbours : int64 tensor of shape (n_base + n_queries, k)
        Rows of the base.
    weights : tensor of shape (n_base + n_queries,)
        Weight of each one's votes.
    n_base : int
        Only these fill bins.
    start : int64 tensor of shape (n_base,) or None
        Labels to start from.
    """

    inputs: Tensor
    neighbours: Tensor
    weights: Tensor
    n_base: int
    start: Tensor | None


def learn(
    net: nn.Module, lessons: Lessons, options: Any, generator: torch.Generator
) -> list[float]:
    """Train a network in place; return the mean loss of each epoch.

    The votes come from a memory of the last probabilities of every point, or from a pass of all
    neighbours of a batch through the network as it is then.
    """
    n_base, n_all = lessons.n_base, len(lessons.inputs)
    n_batches = -(-n_base // options.batch_size)
    epochs = options.n_epochs + (N_START_EPOCHS if lessons.start is not None else 0)
    optimiser = torch.optim.Adam(net.parameters(), options.lr)
    falls = options.schedule == "cosine"
    total = epochs * n_batches
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 * (1 + np.cos(np.pi * step / total)) if falls else 1.0
    )
    memory = look(net, lessons.inputs[:n_base]) if options.votes_from == "memory" else None
    history = []
    for epoch in range(epochs):
        start = lessons.start if epoch < N_START_EPOCHS else None
        losses = []
        base = torch.randperm(n_base, generator=generator).tensor_split(n_batches)
        others = n_base + torch.randperm(n_all - n_base, generator=generator)
        for rows, more in zip(base, others.tensor_split(n_batches), strict=True):
            both = torch.cat([rows, more])
            inputs = lessons.inputs[both]
            if options.input_noise:
                inputs = inputs + options.input_noise * torch.randn(
                    inputs.shape, generator=generator
                )
            probabilities = (net(inputs) / options.temperature).softmax(dim=1)
            if start is not None:
                labels = start[rows]
                loss = -probabilities[: len(rows)].log().gather(1, labels[:, None]).mean()
            else:
                voters = _of_voters(net, lessons, memory, lessons.neighbours[both])
                votes = VOTES[options.target](voters)
                loss = vote_loss(probabilities, votes, lessons.weights[both])
                loss = loss + options.eta * balance_term(probabilities[: len(rows)])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
            if memory is not None:
                memory[rows] = probabilities[: len(rows)].detach()
            losses.append(loss.item())
        history.append(float(np.mean(losses)))
    return history


def _of_voters(
    net: nn.Module, lessons: Lessons, memory: Tensor | None, neighbours: Tensor
) -> Tensor:
    """Return the probabilities of neighbours, (n, k, n_bins), as remembered or as they are now."""
    if memory is not None:
        return memory[neighbours]
    rows, places = torch.unique(neighbours, return_inverse=True)
    return look(net, lessons.inputs[rows])[places]


@torch.no_grad()
def look(net: nn.Module, inputs: Tensor, block: int = 8192) -> Tensor:
    """Return probabilities without dropout and with the statistics of the base."""
    was_training = net.training
    net.eval()
    parts = (net(part).softmax(dim=1) for part in inputs.split(block))
    first = next(parts)
    found = first.new_empty(len(inputs), first.shape[1])  # one copy of all probabilities, not two
    found[: len(first)] = first
    for number, part in enumerate(parts, start=1):
        found[number * block : number * block + len(part)] = part
    net.train(was_training)
    return found
