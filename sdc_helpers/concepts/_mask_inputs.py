"""What voxel masks, their measures and their baselines take, checked in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_finite, unit_rows

_LEAST_TRIALS = 3  # of two, every correlation is 1 or -1
_CONSTANT = 1e-6  # of the largest value: a spread below that is rounding


@dataclass(frozen=True, eq=False)
class Trials:
    """Responses and what the components say of the pictures that were seen.

    Attributes
    ----------
    X : float32 array of shape (n_trials, n_voxels)
        Responses.
    scores : float64 array of shape (n_components, n_trials)
        True embedding of each trial's picture times each component.
    components : float64 array of shape (n_components, n_dims)
        Unit rows.
    """

    X: np.ndarray
    scores: np.ndarray
    components: np.ndarray


def check_trials(responses: Any, embeddings: Any, components: Any) -> Trials:
    """Return trials that masks can be fitted to or measured on, or say what is wrong with them."""
    X, components = check_responses(responses), check_components(components)
    Y = _matrix("embeddings", embeddings, "an embedding for each trial")
    if Y.shape != (len(X), components.shape[1]):
        raise ValueError(
            f"embeddings has shape {Y.shape}; expected ({len(X)}, {components.shape[1]}): a row "
            "for each trial of responses, and as many dimensions as components."
        )
    scores = components @ Y.T
    flat = np.flatnonzero(np.ptp(scores, axis=1) <= _CONSTANT * np.abs(scores).max(axis=1))
    if len(flat):
        raise ValueError(
            f"components: row {flat[0]} has one score, {scores[flat[0], 0]:.3g}, on all {len(X)} "
            "trials, so nothing correlates with it. Leave it out, or give trials of pictures that "
            "differ in it."
        )
    return Trials(X, scores, components)


def check_responses(responses: Any) -> np.ndarray:
    """Return responses as float32, trials by voxels, every voxel with some variance."""
    X = _matrix("responses", responses, "a response for each trial and voxel", np.float32)
    if len(X) < _LEAST_TRIALS:
        raise ValueError(
            f"responses has {len(X)} trials; expected {_LEAST_TRIALS} or more, for a correlation "
            "over trials."
        )
    dead = np.flatnonzero(np.ptp(X, axis=0) == 0)
    if len(dead):
        raise ValueError(
            f"responses: {len(dead)} of {X.shape[1]} voxels have one value in all trials, the "
            f"first is voxel {dead[0]}. Leave them out of responses and of the decoder."
        )
    return np.require(X, requirements=["C", "W"])  # torch wants to be able to write


def check_components(components: Any) -> np.ndarray:
    """Return components as unit rows."""
    rows = _matrix("components", components, "a direction of the embedding for each component")
    return unit_rows(rows, "components")


def check_gates(name: str, gates: Any, n_voxels: int | None = None) -> np.ndarray:
    """Return masks as an array of masks by voxels, bool or numbers from 0 to 1."""
    gates = as_array(name, gates)
    if gates.ndim != 2 or 0 in gates.shape or n_voxels not in (None, gates.shape[1]):
        expected = "n_voxels" if n_voxels is None else n_voxels
        raise ValueError(f"{name} has shape {gates.shape}; expected (n_masks, {expected}).")
    if gates.dtype == bool:
        return gates
    gates = as_array(name, gates, float)
    check_finite(name, gates)
    if gates.min() < 0 or gates.max() > 1:
        raise ValueError(
            f"{name} goes from {gates.min():.3g} to {gates.max():.3g}; expected bool, or numbers "
            "from 0, a closed gate, to 1, an open one."
        )
    return gates


def check_masks(name: str, masks: Any, n_masks: int | None = None) -> np.ndarray:
    """Return hard masks, (n_masks, n_voxels) bool."""
    masks = check_gates(name, masks)
    if masks.dtype != bool or n_masks not in (None, len(masks)):
        expected = "a mask" if n_masks is None else f"{n_masks} masks"
        raise ValueError(
            f"{name} has {len(masks)} rows of {masks.dtype}; expected {expected} of bool, such as "
            "VoxelMask.mask_."
        )
    return masks


def linear_weights(decoder: Any, n_voxels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights, (n_voxels, n_dims), and biases, (n_dims,), of a linear decoder or a pair."""
    if hasattr(decoder, "coef_"):
        weights, biases = decoder.coef_, getattr(decoder, "intercept_", 0.0)
    elif isinstance(decoder, (tuple, list)) and len(decoder) == 2:
        weights, biases = decoder
    else:
        raise ValueError(
            f"decoder={type(decoder).__name__}: expected a fitted decoder with coef_ and "
            "intercept_, or a pair (weights, biases). Call its fit first."
        )
    weights = _matrix("decoder weights", weights, "a row of weights for each voxel")
    if len(weights) != n_voxels:
        raise ValueError(
            f"decoder weights has shape {weights.shape}; expected ({n_voxels}, n_dims), a row for "
            "each voxel of responses. The coef_ of scikit-learn's linear models is the transpose."
        )
    biases = np.broadcast_to(as_array("decoder biases", biases, float), weights.shape[1])
    check_finite("decoder biases", biases)
    return weights, biases


def _matrix(name: str, values: Any, expected: str, dtype: type = float) -> np.ndarray:
    values = as_array(name, values, dtype)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name} has shape {values.shape}; expected two axes: {expected}.")
    check_finite(name, values, "Leave these rows out, or the voxels that have no number.")
    return values
