"""The small CLIP's training, on a few pictures: same seed same weights, and it learns."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sdc_helpers.contrastive.towers import TwoTowers
from sdc_helpers.embeddings import load_clip
from sdc_helpers.embeddings.small_clip import build_small_clip
from sdc_helpers.studies.clip_training import (
    ScenePairs,
    SmallClipRecipe,
    scene_pairs,
    train_small_clip,
)

TINY = SmallClipRecipe(n_pictures=48, n_steps=6, batch_size=16, warmup_steps=1, lr=1e-3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small_clip")
    record = train_small_clip(folder, TINY, progress=False, measure=False)
    return folder, record


def test_training_leaves_what_load_clip_reads(trained):
    folder, record = trained
    clip = load_clip("course-fine", folder / "weights.safetensors")
    assert clip.dimension == 256
    assert json.loads((folder / "metrics.json").read_text()) == record
    assert record["recipe"]["n_steps"] == 6
    assert np.isfinite(record["final_loss"])
    assert record["minutes"] >= 0


def test_learned_temperature_ends_up_in_the_weights(trained):
    folder, _ = trained
    start = 1 / TINY.temperature
    scale = load_clip("course-fine", folder / "weights.safetensors").logit_scale
    assert scale != pytest.approx(start, rel=1e-4)  # it has moved
    assert scale == pytest.approx(start, rel=0.2)  # and not far, in six steps


def test_a_second_call_reads_the_finished_run(trained):
    folder, record = trained
    before = (folder / "weights.safetensors").read_bytes()
    again = train_small_clip(folder, TINY, progress=False, measure=False)
    assert (folder / "weights.safetensors").read_bytes() == before
    assert again["final_loss"] == record["final_loss"]


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(trained, tmp_path):
    folder, record = trained
    again = train_small_clip(tmp_path / "again", TINY, progress=False, measure=False)
    weights = (folder / "weights.safetensors").read_bytes()
    assert (tmp_path / "again" / "weights.safetensors").read_bytes() == weights
    assert again["final_loss"] == record["final_loss"]
    train_small_clip(tmp_path / "other", replace(TINY, seed=1), progress=False, measure=False)
    assert (tmp_path / "other" / "weights.safetensors").read_bytes() != weights


def test_pairs_are_the_scenes_of_the_seed_and_their_captions():
    from sdc_helpers.scenes import captions, generate_scenes, render

    pairs, tokenizer = scene_pairs(6, seed=4)
    scenes = generate_scenes(6, seed=4)
    np.testing.assert_array_equal(pairs.pictures, render(scenes))
    texts = captions(scenes, seed=4)
    assert torch.equal(pairs.tokens[2], tokenizer(texts[2]))


def test_a_batch_draws_each_caption_now_and_then():
    pairs, _ = scene_pairs(6, seed=4)
    rng = np.random.default_rng(0)
    drawn = [pairs.batch(np.array([3]), rng)[1][0] for _ in range(60)]
    found = {next(k for k in range(5) if torch.equal(row, pairs.tokens[3, k])) for row in drawn}
    assert len(found) == len({tuple(row.tolist()) for row in pairs.tokens[3]})


def test_items_of_a_batch_are_its_pictures():
    pairs, _ = scene_pairs(6, seed=4)
    items = pairs.batch(np.array([5, 0, 2]), np.random.default_rng(0))[2]
    assert items.tolist() == [5, 0, 2]


def test_both_towers_get_gradients_and_have_unit_length():
    pairs, tokenizer = scene_pairs(6, seed=4)
    clip = build_small_clip(len(tokenizer.words))
    clip.logit_scale.requires_grad_(False)
    u, v = TwoTowers(clip)(*pairs.batch(np.arange(6), np.random.default_rng(0))[:2])
    torch.testing.assert_close(u.norm(dim=1), torch.ones(6))
    torch.testing.assert_close(v.norm(dim=1), torch.ones(6))
    (u * v.roll(1, 0)).sum().backward()
    without = [n for n, p in clip.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []


def test_captions_of_other_pictures_are_refused():
    with pytest.raises(ValueError, match="of 3 pictures"):
        ScenePairs(np.zeros((3, 64, 64, 3), np.uint8), torch.zeros(2, 5, 32, dtype=torch.int64))
