"""Representations by networks: activations of ResNet18, embeddings of CLIP, what they hold."""

from __future__ import annotations

from ._checkpoints import WeightsError
from .clip import ClipModel, load_clip
from .encode import (
    Embeddings,
    RawEmbeddings,
    UnitEmbeddings,
    caption_average,
    caption_features,
    embed_captions,
    embed_images,
    embed_texts,
    image_features,
    text_features,
)
from .network_layers import (
    RESNET18_LAYERS,
    iter_layer_activations,
    load_resnet18,
    preprocess,
)
from .picture_statistics import picture_statistics
from .probes import LinearProbe, linear_probe
from .retrieval import Retrieval, recall_at_k, retrieval, target_ranks
from .whitening import WhiteSpace, white_space
from .zero_shot import ZeroShot, nearest_class, zero_shot

__all__ = [
    "RESNET18_LAYERS",
    "ClipModel",
    "Embeddings",
    "LinearProbe",
    "RawEmbeddings",
    "Retrieval",
    "UnitEmbeddings",
    "WeightsError",
    "WhiteSpace",
    "ZeroShot",
    "caption_average",
    "caption_features",
    "embed_captions",
    "embed_images",
    "embed_texts",
    "image_features",
    "iter_layer_activations",
    "linear_probe",
    "load_clip",
    "load_resnet18",
    "nearest_class",
    "picture_statistics",
    "preprocess",
    "recall_at_k",
    "retrieval",
    "target_ranks",
    "text_features",
    "white_space",
    "zero_shot",
]
