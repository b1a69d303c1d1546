from .arithmetic import (
    Arithmetic,
    arithmetic_answers,
    picture_arithmetic,
)
from .centring import centre_sides
from .finetuning import (
    ProjectionRecipe,
    Projections,
    TrunkFeatures,
    clip_trunk,
    finetune_clip,
    train_projections,
    trunk_features,
    with_new_projections,
)
from .gap import (
    GapReport,
    centroid_distance,
    effective_rank,
    gap_report,
    linear_separability,
    pair_recall,
    uniform_floor,
)
from .losses import (
    ContrastiveLoss,
    alignment,
    clip_loss,
    cross_uniformity,
    uniformity,
)
from .rotation import StartRotation
from .same_modality import (
    GapGrid,
    train_same_modality,
)

__all__ = [
    "Arithmetic",
    "ContrastiveLoss",
    "GapGrid",
    "GapReport",
    "ProjectionRecipe",
    "Projections",
    "StartRotation",
    "TrunkFeatures",
    "alignment",
    "arithmetic_answers",
    "centre_sides",
    "centroid_distance",
    "clip_loss",
    "clip_trunk",
    "cross_uniformity",
    "effective_rank",
    "finetune_clip",
    "gap_report",
    "linear_separability",
    "pair_recall",
    "picture_arithmetic",
    "train_projections",
    "train_same_modality",
    "trunk_features",
    "uniform_floor",
    "uniformity",
    "with_new_projections",
]
