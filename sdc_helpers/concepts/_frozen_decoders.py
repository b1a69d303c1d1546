"""Decoders that stay as they are while voxels are closed.

A *read-out* is what a decoder says of a component: its output times the component, before the
output is brought to unit length. (At unit length a decoder that is left with one patch would say
little more than a sign.)
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from sdc_helpers._checks import as_array, check_finite
from sdc_helpers.concepts._mask_inputs import Trials, linear_weights

_FLAT = 1e-6  # of the unmasked standard deviation: a read-out that varies less is constant
_BLOCK = 2**24  # numbers of gated responses at a time, where no gradient is asked


class Readout(Protocol):
    """A frozen decoder with some components, differentiable in the gates."""

    def draw_noise(self, n: int, sigma: float, generator: torch.Generator) -> Tensor | None:
        """Draw what `__call__` takes as the noise of n trials; None without noise."""

    def __call__(self, x: Tensor, gates: Tensor, noise: Tensor | None = None) -> Tensor:
        """Read each component through its own gates.

        Parameters
        ----------
        x : tensor of shape (n_trials, n_voxels)
            Responses.
        gates : tensor of shape (n_components, n_voxels)
            Factors of the responses.
        noise : tensor, optional
            What `draw_noise` returned for so many trials.

        Returns
        -------
        tensor of shape (n_components, n_trials)
        """


class LinearReadout:
    """Read-outs of a linear decoder: one product for all components.

    Independent noise of standard deviation sigma at every voxel adds to a read-out a normal number
    of standard deviation sigma |gates * weights|. So one number a trial is drawn, not one a voxel:
    the same distribution, at a fraction of the cost, and gradients with less variance.

    Parameters
    ----------
    weights : tensor of shape (n_components, n_voxels)
        Decoder weights times components.
    biases : tensor of shape (n_components, 1)
        Decoder biases times components.
    """

    def __init__(self, weights: Tensor, biases: Tensor) -> None:
        self.weights, self.biases = weights, biases

    def draw_noise(self, n: int, sigma: float, generator: torch.Generator) -> Tensor | None:
        """Draw a number for each trial; see `Readout`."""
        return None if sigma == 0 else sigma * torch.randn(n, generator=generator)

    def __call__(self, x: Tensor, gates: Tensor, noise: Tensor | None = None) -> Tensor:
        """Read each component through its own gates; see `Readout`."""
        open_weights = gates * self.weights
        read = open_weights @ x.T + self.biases
        if noise is None:
            return read
        length = torch.linalg.vector_norm(open_weights, dim=1, keepdim=True)
        return read + length * noise.to(read)


class LayeredReadout:
    """Read-outs of a network with LeakyReLU between its layers, mean of its runs.

    Parameters
    ----------
    hidden : list of (weights, biases)
        All layers but the last, of shape (n_runs, n_in, n_out) and (n_runs, n_out).
    weights : tensor of shape (n_runs, n_components, n_hidden)
        The last layer's weights times components.
    biases : tensor of shape (n_runs, n_components, 1)
        The last layer's biases times components.
    """

    def __init__(self, hidden: list[tuple[Tensor, Tensor]], weights: Tensor, biases: Tensor):
        self.hidden, self.weights, self.biases = hidden, weights, biases

    def draw_noise(self, n: int, sigma: float, generator: torch.Generator) -> Tensor | None:
        """Draw a number for each trial and voxel; see `Readout`."""
        n_voxels = self.hidden[0][0].shape[1]
        return None if sigma == 0 else sigma * torch.randn(n, n_voxels, generator=generator)

    def __call__(self, x: Tensor, gates: Tensor, noise: Tensor | None = None) -> Tensor:
        """Read each component through its own gates; see `Readout`."""
        x = x if noise is None else x + noise.to(x)
        seen = gates[:, None, :] * x
        read = torch.zeros(len(gates), len(x)).to(x)
        for run, (last, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = seen
            for weights, biases in self.hidden:
                h = leaky_relu(h @ weights[run] + biases[run])
            read = read + (h @ last[:, :, None])[:, :, 0] + bias
        return read / len(self.weights)


def freeze(
    decoder: Any,
    components: np.ndarray,
    n_voxels: int,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Readout:
    """Return the read-outs of a fitted decoder.

    Parameters
    ----------
    decoder : fitted decoder, or pair of arrays
        See `sdc_helpers.concepts.VoxelMask.fit`.
    components : array of shape (n_components, n_dims)
        Unit rows.
    n_voxels : int
        Number of voxels of the responses.
    device, dtype
        Where and in which type the read-outs are computed.

    Raises
    ------
    ValueError
        If the decoder is not fitted, or has other voxels or dimensions.
    """

    def tensor(values: np.ndarray) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=device)

    layers: list[tuple[np.ndarray, np.ndarray]] = getattr(decoder, "layers_", [])
    if len(layers) < 2:
        weights, biases = linear_weights(decoder, n_voxels)
        _check_dimensions(weights.shape[1], components)
        return LinearReadout(tensor(components @ weights.T), tensor(components @ biases)[:, None])
    if layers[0][0].shape[1] != n_voxels:
        raise ValueError(
            f"decoder has {layers[0][0].shape[1]} voxels, and responses has {n_voxels}; expected "
            "the voxels that the decoder was fitted to."
        )
    weights, biases = (as_array("layers_", values, float) for values in layers[-1])
    _check_dimensions(weights.shape[2], components)
    for values in (values for layer in layers for values in layer):
        check_finite("decoder layers_", values)
    hidden = [(tensor(w), tensor(b)[:, None]) for w, b in layers[:-1]]
    last = np.einsum("rhd,kd->rkh", weights, components)
    return LayeredReadout(hidden, tensor(last), tensor(biases @ components.T)[:, :, None])


def read(readout: Readout, x: Tensor, gates: Tensor) -> Tensor:
    """Read each component through its own gates, without gradient, in blocks of trials.

    Parameters
    ----------
    readout : Readout
        The frozen decoder.
    x : tensor of shape (n_trials, n_voxels)
        Responses.
    gates : tensor of shape (n_components, n_voxels)
        Numbers from 0 to 1.

    Returns
    -------
    float64 tensor of shape (n_components, n_trials)
    """
    size = max(1, _BLOCK // gates.numel())
    with torch.no_grad():
        return torch.cat([readout(part, gates).double() for part in x.split(size)], dim=1)


def read_unmasked(readout: Readout, x: Tensor, n_components: int) -> Tensor:
    """Read each component from all voxels, see `read`; refuse one that is never read.

    Raises
    ------
    ValueError
        If a read-out is the same on all trials.
    """
    whole = read(readout, x, torch.ones(n_components, x.shape[1]).to(x))
    spread, size = whole.std(dim=1, correction=0), whole.square().mean(dim=1).sqrt()
    flat = torch.nonzero(spread <= _FLAT * size)
    if len(flat):
        raise ValueError(
            f"decoder says the same of component {int(flat[0])} on all {len(x)} trials, so there "
            "is nothing to mask. Leave the component out, or fit the decoder longer."
        )
    return whole


def least_variance(unmasked: Tensor) -> Tensor:
    """Return the variance at or below which a read-out is constant, from the unmasked ones."""
    return _FLAT**2 * unmasked.var(dim=1, correction=0)


def correlate(read: Tensor, scores: Tensor, least: Tensor) -> Tensor:
    """Correlate read-outs with scores, row by row; 0 where a read-out or a score is constant.

    Parameters
    ----------
    read, scores : tensors of shape (n_components, n_trials)
        Read-outs, and what they should be.
    least : tensor of shape (n_components,)
        Variance at or below which a read-out is constant.

    Returns
    -------
    tensor of shape (n_components,)
        Without gradient where it is 0 for that reason.
    """
    a = scores - scores.mean(dim=1, keepdim=True)
    b = read - read.mean(dim=1, keepdim=True)
    aa, bb = a.square().mean(dim=1), b.square().mean(dim=1)
    defined = (bb > least) & (aa > 0)
    below = torch.where(defined, aa * bb, 1).sqrt()
    return torch.where(defined, (a * b).mean(dim=1) / below, 0)


class Reader:
    """How well components are read through gates, on trials that are only measured on.

    Parameters
    ----------
    trials : Trials
        Responses, and scores of the components.
    decoder : fitted decoder, or pair of arrays
        See `sdc_helpers.concepts.VoxelMask.fit`.
    """

    def __init__(self, trials: Trials, decoder: Any) -> None:
        self._readout = freeze(decoder, trials.components, trials.X.shape[1])
        self._x, self._scores = torch.from_numpy(trials.X), torch.from_numpy(trials.scores)
        whole = read_unmasked(self._readout, self._x, len(trials.scores))
        self._least = least_variance(whole)
        self.unmasked = correlate(whole, self._scores, self._least).numpy()

    def through(self, gates: np.ndarray) -> np.ndarray:
        """Return the correlation of each component, float64 (n_components,).

        Parameters
        ----------
        gates : array of shape (n_components, n_voxels)
            Gates of each component, or (1, n_voxels) for all of them.
        """
        doors = np.empty((len(self._scores), gates.shape[1]), dtype=np.float32)
        doors[:] = gates
        found = read(self._readout, self._x, torch.from_numpy(doors))
        return correlate(found, self._scores, self._least).numpy()


def _check_dimensions(n_dims: int, components: np.ndarray) -> None:
    if n_dims != components.shape[1]:
        raise ValueError(
            f"components has {components.shape[1]} dimensions, and the decoder has {n_dims}; "
            "expected directions of the space that is decoded."
        )
