"""New projections on the features of a CLIP whose towers stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sdc_helpers.contrastive.finetuning import (
    ProjectionRecipe,
    TrunkFeatures,
    clip_trunk,
    finetune_clip,
    train_projections,
    trunk_features,
)
from sdc_helpers.contrastive.small_clip import scene_pairs
from sdc_helpers.contrastive.training import TrainingOptions
from sdc_helpers.embeddings import embed_images, embed_texts, load_clip

TEXTS = ["A red apple.", "Two dogs on the beach.", "A church in the snow."]
QUICK = ProjectionRecipe(n_epochs=60, batch_size=16, lr=1e-2, temperature=0.07)


@pytest.fixture(scope="module")
def clip():
    return load_clip()


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(1)
    meaning = rng.standard_normal((64, 6))
    images = meaning @ rng.standard_normal((6, 12)) + 1
    texts = np.repeat((meaning @ rng.standard_normal((6, 9)) - 1)[:, None], 2, axis=1)
    return TrunkFeatures(images.astype(np.float32), texts.astype(np.float32))


def test_trunk_and_own_projections_are_the_whole_network(clip, pictures):
    found = trunk_features(clip_trunk(clip), pictures, [[text] for text in TEXTS])
    projection = clip.model.visual.attnpool.c_proj
    images = found.images @ projection.weight.T.numpy() + projection.bias.numpy()
    texts = found.texts[:, 0] @ clip.model.text_projection.numpy()
    for ours, whole in (
        (images, embed_images(clip, pictures)),
        (texts, embed_texts(clip, TEXTS)),
    ):
        unit = ours / np.linalg.norm(ours, axis=1, keepdims=True)
        np.testing.assert_allclose(unit, whole.vectors, atol=1e-4)


def test_taking_the_trunk_leaves_the_clip_as_it_was(clip):
    before = clip.fingerprint
    clip_trunk(clip)
    assert clip.fingerprint == before


def test_projections_learn_and_a_seed_is_the_same_beside_others(features):
    both = train_projections(features, dimension=6, loss="cua", seeds=[2, 7], recipe=QUICK)
    alone = train_projections(features, dimension=6, loss="cua", seeds=[7], recipe=QUICK)
    np.testing.assert_allclose(alone.image_weight[0], both.image_weight[1], atol=1e-4)
    u, v = both.images(features.images), both.texts(features.texts[:, 0])
    assert u.shape == v.shape == (2, 64, 6)
    nearest = (u @ v.transpose(0, 2, 1)).argmax(axis=2)
    assert ((nearest == np.arange(64)).mean(axis=1) > 0.5).all()  # chance is 1 / 64


def test_the_whole_network_is_trained_and_the_given_one_is_left(clip):
    before = clip.fingerprint
    pairs, _ = scene_pairs(16, seed=4, tokenizer=clip._tokenizer)
    options = TrainingOptions(n_steps=2, batch_size=8, lr=1e-4)
    trained = finetune_clip(clip, pairs, dimension=8, loss="cuaxu", options=options, device="cpu")
    assert clip.fingerprint == before
    assert trained.dimension == 8
    assert embed_texts(trained, TEXTS).vectors.shape == (3, 8)
    start = dict(clip.model.named_parameters())
    moved = [
        not torch.equal(value, start[name])
        for name, value in trained.model.named_parameters()
        if start[name].shape == value.shape and name != "logit_scale"
    ]
    assert np.mean(moved) > 0.95


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": []}, "one seed or more"),
        ({"dimension": 0}, "at least 1"),
        ({"loss": "mse"}, "mse"),
        ({"recipe": ProjectionRecipe(batch_size=500)}, "batch"),
    ],
)
def test_bad_input(features, changes, message):
    given = {"dimension": 5, "loss": "clip", "seeds": [1], "recipe": QUICK, **changes}
    with pytest.raises(ValueError, match=message):
        train_projections(features, **given)
