"""The two aims of a learned partition: neighbours in one bin, and bins of equal size.

Fahim, Ali and Cheema (2022), arXiv 2206.08091. All functions take and return torch tensors and pass
gradients, except through votes: a point is pulled to where its neighbours are, not they to it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sdc_helpers._checks import as_tensor


def soft_votes(neighbours: Tensor) -> Tensor:
    """Return the mean of the neighbours' probabilities.

    Parameters
    ----------
    neighbours : tensor of shape (n, k, n_bins)
        Probabilities of the bins, of the k neighbours of each point.

    Returns
    -------
    tensor of shape (n, n_bins)
        What share of the neighbours' probability each bin has; without gradient.
    """
    return _probabilities("neighbours", neighbours, 3).detach().mean(dim=1)


def majority_votes(neighbours: Tensor) -> Tensor:
    """Return the bin in which most neighbours are, as probabilities of 0 and 1.

    Parameters
    ----------
    neighbours : tensor of shape (n, k, n_bins)
        Probabilities of the bins, of the k neighbours of each point. A neighbour is in its most
        probable bin.

    Returns
    -------
    tensor of shape (n, n_bins)
        1 at the most frequent bin, of equally frequent ones the first; without gradient.
    """
    neighbours = _probabilities("neighbours", neighbours, 3).detach()
    n_bins = neighbours.shape[-1]
    votes = torch.nn.functional.one_hot(neighbours.argmax(dim=-1), n_bins).sum(dim=1)
    return torch.nn.functional.one_hot(votes.argmax(dim=1), n_bins).to(neighbours.dtype)


def vote_loss(probabilities: Tensor, votes: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the cross-entropy of the points' bins and their neighbours' votes.

    Parameters
    ----------
    probabilities : tensor of shape (n, n_bins)
        Of each point, positive.
    votes : tensor of shape (n, n_bins)
        From `soft_votes` or `majority_votes`.
    weights : tensor of shape (n,), optional
        Weight of each point; by default 1.

    Returns
    -------
    tensor of shape ()
        Mean over the points of w_i times -sum_b votes_ib log p_ib.
    """
    probabilities = _probabilities("probabilities", probabilities, 2)
    votes = as_tensor("votes", votes)
    if votes.shape != probabilities.shape:
        raise ValueError(
            f"votes has shape {tuple(votes.shape)}; expected {tuple(probabilities.shape)}, as "
            "probabilities."
        )
    tiny = torch.finfo(probabilities.dtype).tiny
    losses = -(votes * probabilities.clamp_min(tiny).log()).sum(dim=1)
    return (losses if weights is None else losses * as_tensor("weights", weights)).mean()


def balance_term(probabilities: Tensor) -> Tensor:
    """Return how well the points of a batch fill the bins: -1 where all are full.

    Parameters
    ----------
    probabilities : tensor of shape (n, n_bins)
        Of each point of the batch.

    Returns
    -------
    tensor of shape ()
        Minus the sum over bins of their floor(n / n_bins) largest probabilities (one at least),
        over n. It asks every bin for so many points that are sure of it.
    """
    probabilities = _probabilities("probabilities", probabilities, 2)
    n, n_bins = probabilities.shape
    largest = probabilities.topk(max(1, n // n_bins), dim=0).values
    return -largest.sum() / n


def _probabilities(name: str, values: Tensor, n_axes: int) -> Tensor:
    values = as_tensor(name, values)
    if values.ndim != n_axes or not values.numel():
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}; expected {n_axes} axes, not empty."
        )
    return values
