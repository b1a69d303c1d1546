"""New projections on the features of a CLIP whose towers stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from open_clip import CLIP
from torch import nn
from torch.nn import functional

from sdc_helpers.contrastive import centroid_distance, clip_loss
from sdc_helpers.contrastive._projections import new_projections
from sdc_helpers.contrastive.finetuning import (
    ProjectionRecipe,
    TrunkFeatures,
    clip_trunk,
    finetune_clip,
    train_projections,
    trunk_features,
)
from sdc_helpers.embeddings import embed_images, embed_texts, load_clip
from sdc_helpers.studies.clip_training import scene_pairs
from sdc_helpers.training.batches import EpochBatches
from sdc_helpers.training.loop import TrainingOptions

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


def test_the_trunk_of_a_vision_transformer(clip, pictures):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = CLIP(
            embed_dim=8,
            vision_cfg={
                "layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 64
            },
            text_cfg={
                "context_length": 32, "vocab_size": len(clip._tokenizer.words), "width": 16,
                "heads": 2, "layers": 1,
            },
        )  # fmt: skip
    vit = replace(clip, model=network.eval().requires_grad_(False), dimension=8)
    found = trunk_features(clip_trunk(vit), pictures, [[text] for text in TEXTS])
    images = found.images @ network.visual.proj.numpy()
    unit = images / np.linalg.norm(images, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, embed_images(vit, pictures).vectors, atol=1e-4)
    with pytest.raises(ValueError, match="no projections"):
        clip_trunk(clip_trunk(vit))


def test_taking_the_trunk_leaves_the_clip_as_it_was(clip):
    before = clip.fingerprint
    clip_trunk(clip)
    assert clip.fingerprint == before


def test_a_run_is_what_torch_makes_of_two_linear_layers(features):
    """Modules, loss, optimizer and schedule of torch; both captions of a picture are the same."""
    recipe = ProjectionRecipe(n_epochs=3, batch_size=16, lr=1e-2, temperature=0.07)
    weights = new_projections(12, 9, 6, [4], "cpu")
    image, text = nn.Linear(12, 6), nn.Linear(9, 6, bias=False)
    for parameter, value in (
        (image.weight, weights[0].mT), (image.bias, weights[1][:, 0]), (text.weight, weights[2].mT)
    ):  # fmt: skip
        parameter.data = value.detach()[0].clone()
    optimizer = torch.optim.AdamW(
        [
            {"params": [image.weight, text.weight], "weight_decay": recipe.weight_decay},
            {"params": [image.bias], "weight_decay": 0.0},
        ],
        lr=recipe.lr,
    )
    x_image, x_text = torch.from_numpy(features.images), torch.from_numpy(features.texts[:, 0])
    batches = EpochBatches(64, 16, 4)
    for step in range(12):
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * (1 + np.cos(np.pi * step / 12)) / 2
        rows = torch.from_numpy(batches.indices(step))
        u = functional.normalize(image(x_image[rows]))
        v = functional.normalize(text(x_text[rows]))
        logits, right = u @ v.T / 0.07, torch.arange(16)
        clip = functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)
        spread = sum(torch.pdist(side).square().mul(-2).exp().mean().log() for side in (u, v))
        loss = clip / 2 + spread / 2 + (u - v).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = train_projections(features, dimension=6, loss="cua", seeds=[4], recipe=recipe)
    np.testing.assert_allclose(found.image_weight[0], image.weight.detach().T, atol=2e-4)
    np.testing.assert_allclose(found.image_bias[0, 0], image.bias.detach(), atol=2e-4)
    np.testing.assert_allclose(found.text_weight[0], text.weight.detach().T, atol=2e-4)


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


def test_centred_features_are_those_that_were_centred_before(features):
    """Also for pictures that were not trained on, which take the training rows' means."""
    fit, new = features[:48], features[48:]
    means = fit.images.mean(axis=0), fit.texts.mean(axis=(0, 1))
    by_hand = TrunkFeatures(fit.images - means[0], fit.texts - means[1])
    given = {"dimension": 6, "loss": "clip", "seeds": [2]}
    ours = train_projections(fit, recipe=replace(QUICK, centred=True), **given)
    theirs = train_projections(by_hand, recipe=QUICK, **given)
    np.testing.assert_allclose(
        ours.images(new.images), theirs.images(new.images - means[0]), atol=1e-5
    )
    np.testing.assert_allclose(
        ours.texts(new.texts[:, 0]), theirs.texts(new.texts[:, 0] - means[1]), atol=1e-5
    )


def test_the_gap_of_features_that_are_not_centred_is_inherited():
    """One meaning on both sides and an offset of each: only what was brought along is left."""
    rng = np.random.default_rng(3)
    meaning = rng.standard_normal((128, 64))
    offsets = 8 * rng.standard_normal((2, 64))
    images, texts = (meaning + offset for offset in offsets)
    features = TrunkFeatures(images.astype(np.float32), texts[:, None].astype(np.float32))
    recipe = replace(QUICK, n_epochs=10, lr=1e-3)
    gaps = []
    for centred in (False, True):
        run = train_projections(
            features, dimension=64, loss="clip", seeds=[1],
            recipe=replace(recipe, centred=centred),
        )  # fmt: skip
        gaps.append(centroid_distance(run.images(images)[0], run.texts(texts)[0]))
    assert gaps[0] > 0.5
    assert gaps[1] < 0.2


def test_equal_captions_are_no_negatives_of_each_other(clip, pictures):
    """Every sentence twice: a run that is told so differs from one that is not."""
    texts = [[TEXTS[0], TEXTS[1]], [TEXTS[1], TEXTS[2]], [TEXTS[0], TEXTS[0]]]
    found = trunk_features(clip_trunk(clip), pictures, texts)
    flat = np.ravel(texts)
    same = flat[:, None] == flat
    np.testing.assert_array_equal(found.items.ravel()[:, None] == found.items.ravel(), same)
    np.testing.assert_array_equal(found[[2, 0]].items, found.items[[2, 0]])

    rng = np.random.default_rng(2)
    images = np.repeat(rng.standard_normal((8, 12)), 2, axis=0).astype(np.float32)
    texts = np.repeat(rng.standard_normal((8, 1, 9)), 2, axis=0).astype(np.float32)
    told = TrunkFeatures(images, texts, np.repeat(np.arange(8), 2)[:, None])
    given = {"dimension": 8, "loss": "clip", "seeds": [1], "recipe": replace(QUICK, n_epochs=200)}
    losses = []
    for features in (told, TrunkFeatures(images, texts)):
        run = train_projections(features, **given)
        u, v = run.images(images)[0], run.texts(texts[:, 0])[0]
        items = torch.tensor(told.items[:, 0])
        losses.append(
            float(clip_loss(torch.tensor(u), torch.tensor(v), temperature=0.07, items=items))
        )
    assert losses[0] < losses[1]


@pytest.mark.parametrize("items", [np.zeros((64, 1), int), np.zeros((64, 2))])
def test_items_are_integers_one_a_caption(features, items):
    with pytest.raises(ValueError, match="one a caption"):
        TrunkFeatures(features.images, features.texts, items)


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
