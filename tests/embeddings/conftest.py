"""A CLIP of a moment's work, known to open_clip under a name of its own."""

from __future__ import annotations

import copy

import numpy as np
import pytest

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"layers": 1, "width": 64, "patch_size": 16, "image_size": 32},
    "text_cfg": {"layers": 1, "width": 32, "heads": 1, "context_length": 12},
}


@pytest.fixture(scope="session")
def _tiny_is_known():
    factory = pytest.importorskip("open_clip.factory")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(factory._MODEL_CONFIGS, "tiny", copy.deepcopy(TINY))
        patch.setitem(factory._MODEL_CONFIGS, "tiny-quickgelu", {**TINY, "quick_gelu": True})
        yield


@pytest.fixture(scope="session")
def tiny(_tiny_is_known):
    """Return an untrained CLIP that sees 32 x 32 pixels; tests must leave it as it is."""
    from sdc_helpers.embeddings import load_clip

    return load_clip("tiny", "random", seed=5)


@pytest.fixture
def pictures():
    """Return seven pictures of 32 x 32."""
    return np.random.default_rng(11).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
