"""Contrastive learning of two encoders: its losses, its training, and the gap it leaves."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdc_helpers.contrastive.gap import (
        GapReport,
        centroid_distance,
        effective_rank,
        gap_report,
        linear_separability,
        recall_at_k,
        uniform_floor,
    )
    from sdc_helpers.contrastive.losses import (
        ContrastiveLoss,
        alignment,
        clip_loss,
        cross_uniformity,
        uniformity,
    )
    from sdc_helpers.contrastive.rotation import StartRotation
    from sdc_helpers.contrastive.training import (
        History,
        TensorPairs,
        TrainingDivergedError,
        TrainingOptions,
        TwoEncoders,
        train_pairs,
    )

__all__ = [
    "ContrastiveLoss",
    "GapReport",
    "History",
    "StartRotation",
    "TensorPairs",
    "TrainingDivergedError",
    "TrainingOptions",
    "TwoEncoders",
    "alignment",
    "centroid_distance",
    "clip_loss",
    "cross_uniformity",
    "effective_rank",
    "gap_report",
    "linear_separability",
    "recall_at_k",
    "train_pairs",
    "uniform_floor",
    "uniformity",
]

_MODULES = {
    "gap": (
        "GapReport",
        "centroid_distance",
        "effective_rank",
        "gap_report",
        "linear_separability",
        "recall_at_k",
        "uniform_floor",
    ),
    "losses": ("ContrastiveLoss", "alignment", "clip_loss", "cross_uniformity", "uniformity"),
    "rotation": ("StartRotation",),
    "training": (
        "History",
        "TensorPairs",
        "TrainingDivergedError",
        "TrainingOptions",
        "TwoEncoders",
        "train_pairs",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for, and torch with it, only then (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
