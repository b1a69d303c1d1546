"""Contrastive learning of two encoders: its losses, its training, and the gap it leaves."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdc_helpers.contrastive.arithmetic import (
        Arithmetic,
        SceneChanges,
        arithmetic_answers,
        picture_arithmetic,
        scene_changes,
    )
    from sdc_helpers.contrastive.finetuning import (
        ProjectionRecipe,
        Projections,
        TrunkFeatures,
        clip_trunk,
        finetune_clip,
        train_projections,
        trunk_features,
    )
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
    from sdc_helpers.contrastive.same_modality import (
        GapGrid,
        train_same_modality,
    )
    from sdc_helpers.contrastive.scene_scores import (
        SceneScores,
        SceneTest,
        scene_test,
        score_on_scenes,
    )
    from sdc_helpers.contrastive.training import (
        History,
        TensorPairs,
        TrainingDivergedError,
        TrainingOptions,
        TwoEncoders,
        train_pairs,
    )

__all__ = [
    "Arithmetic",
    "ContrastiveLoss",
    "GapGrid",
    "GapReport",
    "History",
    "ProjectionRecipe",
    "Projections",
    "SceneChanges",
    "SceneScores",
    "SceneTest",
    "StartRotation",
    "TensorPairs",
    "TrainingDivergedError",
    "TrainingOptions",
    "TrunkFeatures",
    "TwoEncoders",
    "alignment",
    "arithmetic_answers",
    "centroid_distance",
    "clip_loss",
    "clip_trunk",
    "cross_uniformity",
    "effective_rank",
    "finetune_clip",
    "gap_report",
    "linear_separability",
    "picture_arithmetic",
    "recall_at_k",
    "scene_changes",
    "scene_test",
    "score_on_scenes",
    "train_pairs",
    "train_projections",
    "train_same_modality",
    "trunk_features",
    "uniform_floor",
    "uniformity",
]

_MODULES = {
    "arithmetic": (
        "Arithmetic",
        "SceneChanges",
        "arithmetic_answers",
        "picture_arithmetic",
        "scene_changes",
    ),
    "finetuning": (
        "ProjectionRecipe",
        "Projections",
        "TrunkFeatures",
        "clip_trunk",
        "finetune_clip",
        "train_projections",
        "trunk_features",
    ),
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
    "same_modality": ("GapGrid", "train_same_modality"),
    "scene_scores": ("SceneScores", "SceneTest", "scene_test", "score_on_scenes"),
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
