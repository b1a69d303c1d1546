from .batches import (
    BatchOrder,
    EpochBatches,
    PairSource,
    TensorPairs,
)
from .loop import (
    TrainingDivergedError,
    train_pairs,
)
from .options import (
    History,
    TrainingOptions,
)
from .state import TrainingStateError
from .two_encoders import TwoEncoders

__all__ = [
    "BatchOrder",
    "EpochBatches",
    "History",
    "PairSource",
    "TensorPairs",
    "TrainingDivergedError",
    "TrainingOptions",
    "TrainingStateError",
    "TwoEncoders",
    "train_pairs",
]
