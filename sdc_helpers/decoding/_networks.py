"""Decoders of several runs as one torch module, and the small torch functions around it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear, normalize

INITIAL, ORDER, NOISE = range(3)  # what a run draws from its seed


class DecoderRuns(nn.Module):
    """Decoders of one shape, one per seed: linear maps with LeakyReLU between, unit output.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of voxels, hidden units where there are any, and dimensions.
    seeds : sequence of int
        Seed of each run.
    """

    def __init__(self, sizes: tuple[int, ...], seeds: list[int]) -> None:
        super().__init__()
        generators = [seeded_generator(seed, INITIAL, "cpu") for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise(sizes):
            weight = torch.empty(len(seeds), n_out, n_in)
            bias = torch.empty(len(seeds), n_out, 1)
            bound = 1 / math.sqrt(n_in)  # as torch.nn.Linear
            for run, generator in enumerate(generators):
                weight[run].uniform_(-bound, bound, generator=generator)
                bias[run].uniform_(-bound, bound, generator=generator)
            self.weights.append(weight)
            self.biases.append(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Decode (n_runs, n, n_voxels) to (n_runs, n, n_dims), each run its own trials."""
        h = x.mT
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, weight, leaky_relu(h) if layer else h)
        return normalize(h.mT, dim=-1)

    def decode(self, run: int, x: Tensor) -> Tensor:
        """Decode (n, n_voxels) by one of the runs to (n, n_dims)."""
        h = x
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = linear(leaky_relu(h) if layer else h, weight[run], bias[run, :, 0])
        return normalize(h, dim=-1)


def nearest_is_own(predicted: Tensor, own: Tensor, gallery: Tensor) -> Tensor:
    """Tell whether the own row of the gallery is nearer than any other; a tie is a miss."""
    similar = predicted @ gallery.T
    true = similar.gather(1, own[:, None])
    others = similar.scatter(1, own[:, None], -math.inf)
    return others.amax(dim=1) < true[:, 0]


def seeded_generator(seed: int, purpose: int, device: torch.device | str) -> torch.Generator:
    """Return the generator of one of the things that a run draws."""
    state = np.random.SeedSequence([seed, purpose]).generate_state(1)[0]
    return torch.Generator(device).manual_seed(int(state))
