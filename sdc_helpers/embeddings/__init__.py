"""Representations of images by networks: activations of the modules of ResNet18."""

from __future__ import annotations

from ._checkpoints import WeightsError
from .network_layers import (
    RESNET18_LAYERS,
    iter_layer_activations,
    load_resnet18,
    preprocess,
)

__all__ = [
    "RESNET18_LAYERS",
    "WeightsError",
    "iter_layer_activations",
    "load_resnet18",
    "preprocess",
]
