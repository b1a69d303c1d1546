"""The contrastive loss of components, and the gradient steps that learn their rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from sdc_helpers.training.threads import one_thread

LEAK = 0.05
"""Slope of LeakyReLU below 0, as the 2023 study has it."""
_SMALL = 512  # trials of a batch that one thread takes sooner than two


def activate(scores: Tensor, activation: str) -> Tensor:
    """Apply the activation to scores."""
    return leaky_relu(scores, LEAK) if activation == "leaky_relu" else scores


def info_nce(a: Tensor, b: Tensor, temperature: float, items: Tensor) -> Tensor:
    """Symmetric InfoNCE on -|a_i - b_j|^2 / temperature, without pairs of one picture.

    Parameters
    ----------
    a, b : tensor of shape (n, K)
        Scores of true and decoded embeddings.
    temperature : float
        What squared distances are divided by.
    items : int64 tensor of shape (n,)
        Picture of each trial.
    """
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    logits = -squares / temperature
    right = logits.diagonal().mean()
    same = items[:, None] == items
    same.fill_diagonal_(False)
    logits = logits.masked_fill(same, -math.inf)
    return (logits.logsumexp(1).mean() + logits.logsumexp(0).mean()) / 2 - right


def learn_rows(
    true: np.ndarray, decoded: np.ndarray, items: np.ndarray, options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Train the rows by Adam on the CPU; every step takes a random batch of trials.

    The learning rate falls to 0 as half a cosine, or the rows would end where the last batches
    happened to push them.

    Parameters
    ----------
    true, decoded : float arrays of shape (n_trials, D)
        Centred embeddings.
    items : int array of shape (n_trials,)
        Picture of each trial.
    options : DecodableComponents
        The parameters.

    Returns
    -------
    rows : float64 array of shape (K, D)
    losses : float64 array of shape (n_steps,)
    """
    generator = torch.Generator().manual_seed(options.random_state)
    y, decoded_y = (torch.from_numpy(part.astype(np.float32)) for part in (true, decoded))
    pictures = torch.from_numpy(items)
    width = y.shape[1]
    start = torch.randn((options.n_components, width), generator=generator)
    rows = (start * (options.start_norm / math.sqrt(width))).requires_grad_()
    optimiser = torch.optim.Adam([rows], options.lr, fused=True)  # on the CPU
    losses = []
    with torch.enable_grad(), one_thread(options.batch_size <= _SMALL):
        for step in range(options.n_steps):
            fade = (1 + math.cos(math.pi * step / options.n_steps)) / 2
            optimiser.param_groups[0]["lr"] = options.lr * fade
            batch = torch.randperm(len(y), generator=generator)[: options.batch_size]
            a, b = (activate(x[batch] @ rows.T, options.activation) for x in (y, decoded_y))
            loss = info_nce(a, b, options.temperature, pictures[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise ValueError(
                    f"The loss became {losses[-1]} in step {step}; lower lr={options.lr} or "
                    f"start_norm={options.start_norm}."
                )
    return rows.detach().numpy().astype(np.float64), np.array(losses)
