from .decoders import ContrastiveDecoder
from .metrics import (
    DecodingScore,
    permuted_score,
    score_decoding,
)
from .patterns import activation_patterns
from .repetitions import (
    average_repetitions,
    distinct_embeddings,
)
from .ridge import RidgeDecoder

__all__ = [
    "ContrastiveDecoder",
    "DecodingScore",
    "RidgeDecoder",
    "activation_patterns",
    "average_repetitions",
    "distinct_embeddings",
    "permuted_score",
    "score_decoding",
]
