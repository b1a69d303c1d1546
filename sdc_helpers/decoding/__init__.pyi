from .decoders import ContrastiveDecoder
from .encoding import ENCODING_ALPHAS, predict_responses
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
from .segments import (
    SegmentMatch,
    intersubject_correlation,
    match_segments,
    mean_of_others,
)

__all__ = [
    "ENCODING_ALPHAS",
    "ContrastiveDecoder",
    "DecodingScore",
    "RidgeDecoder",
    "SegmentMatch",
    "activation_patterns",
    "average_repetitions",
    "distinct_embeddings",
    "intersubject_correlation",
    "match_segments",
    "mean_of_others",
    "permuted_score",
    "predict_responses",
    "score_decoding",
]
