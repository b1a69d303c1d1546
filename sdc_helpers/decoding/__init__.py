"""Decoders from responses to embeddings, and how well they decode.

The estimators load scikit-learn and torch only when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sdc_helpers.decoding.metrics import (
    DecodingScore,
    Estimate,
    PermutedScore,
    permuted_score,
    score_decoding,
)
from sdc_helpers.decoding.patterns import activation_patterns
from sdc_helpers.decoding.repetitions import average_repetitions, distinct_embeddings

if TYPE_CHECKING:
    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.decoding.ridge import RidgeDecoder

__all__ = [
    "ContrastiveDecoder",
    "DecodingScore",
    "Estimate",
    "PermutedScore",
    "RidgeDecoder",
    "activation_patterns",
    "average_repetitions",
    "distinct_embeddings",
    "permuted_score",
    "score_decoding",
]

_LAZY = {"ContrastiveDecoder": "decoders", "RidgeDecoder": "ridge"}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
