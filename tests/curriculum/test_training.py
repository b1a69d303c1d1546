"""Both stages of training: what they use, what they leave, and that a kill costs nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sdc_helpers.curriculum.models import FAMILIES, Captioner, ModelConfig
from sdc_helpers.curriculum.schedule import BinnedPacing, PlanBatches, Standard, curriculum_plan
from sdc_helpers.curriculum.training import CaptionPairs, train_on_captions, train_on_text
from sdc_helpers.training.loop import TrainingOptions
from sdc_helpers.training.state import TrainingStateError

SMALL = ModelConfig(32, 2, 2, n_latents=3, max_tokens=16)
OPTIONS = TrainingOptions(5, 2, lr=5e-3, warmup_steps=5, schedule="constant", record_every=1)


@pytest.fixture(params=FAMILIES)
def family(request) -> str:
    return request.param


def model_of(family, world, seed=0):
    shape = tuple(world.pictures.shape[1:])
    return Captioner(family, SMALL, world.tokenizer.vocabulary_size, shape, seed=seed)


def pairs_of(world):
    return CaptionPairs(world.pictures, world.tokens, np.arange(len(world.tokens)))


def batches_of(world, n_epochs=2, order="standard"):
    pacing = Standard(n_epochs) if order == "standard" else BinnedPacing(2, n_epochs)
    plan = curriculum_plan(np.arange(len(world.tokens)), order, pacing, seed=3)
    return PlanBatches(plan, 16)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_right_picture_helps_after_training(family, seed, small_world):
    model = model_of(family, small_world, seed)
    pairs, batches = pairs_of(small_world), batches_of(small_world, n_epochs=40)
    history = train_on_captions(model, pairs, batches, OPTIONS).table
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    tokens = small_world.tokens
    wrong = torch.roll(torch.arange(len(tokens)), 1)
    with torch.no_grad():
        right = model.token_losses(small_world.pictures, tokens).sum(1)
        other = model.token_losses(small_world.pictures[wrong], tokens).sum(1)
    differs = torch.tensor(
        [small_world.captions[i] != small_world.captions[j] for i, j in enumerate(wrong)]
    )
    assert (other - right)[differs].mean() > 0.5  # nats a caption


@pytest.mark.parametrize("order", ["standard", "curriculum"])
def test_a_run_that_was_cut_off_ends_as_one_that_was_not(
    family, order, small_world, tmp_path, monkeypatch
):
    import sdc_helpers.training.loop as trainer

    batches, pairs = batches_of(small_world, 3, order), pairs_of(small_world)
    options = TrainingOptions(1, 2, lr=5e-3, schedule="constant", checkpoint_every=4)
    whole = model_of(family, small_world)
    train_on_captions(whole, pairs, batches, options, out=tmp_path / "whole")

    class KilledError(Exception):
        pass

    update = trainer._Run._update

    def dies(self, step, **keywords):
        if step == 7:
            raise KilledError
        return update(self, step, **keywords)

    cut = model_of(family, small_world)
    with monkeypatch.context() as patch:
        patch.setattr(trainer._Run, "_update", dies)
        with pytest.raises(KilledError):
            train_on_captions(cut, pairs, batches, options, out=tmp_path / "cut")
    resumed = model_of(family, small_world, seed=9)
    train_on_captions(resumed, pairs, batches, options, out=tmp_path / "cut")
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)


def test_a_checkpoint_of_another_order_is_refused(family, small_world, tmp_path):
    pairs = pairs_of(small_world)
    standard, curriculum = (batches_of(small_world, 2, o) for o in ("standard", "curriculum"))
    curriculum.n_steps = standard.n_steps = min(curriculum.n_steps, standard.n_steps)
    train_on_captions(model_of(family, small_world), pairs, standard, OPTIONS, out=tmp_path)
    with pytest.raises(TrainingStateError, match="order"):
        train_on_captions(model_of(family, small_world), pairs, curriculum, OPTIONS, out=tmp_path)


def test_text_comes_first_and_leaves_the_picture_s_part(family, small_world):
    model = model_of(family, small_world)
    before = {n: p.detach().clone() for n, p in model.image_parameters()}
    options = TrainingOptions(30, 16, lr=5e-3, schedule="constant", record_every=1)
    history = train_on_text(model, small_world.tokens, options).table
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    assert all(torch.equal(p, before[n]) for n, p in model.image_parameters())
    train_on_captions(model, pairs_of(small_world), batches_of(small_world), OPTIONS)
    assert not any(torch.equal(p, before[n]) for n, p in model.image_parameters())


def test_the_order_of_samples_is_the_plan_s(small_world):
    seen = []

    class Recording(CaptionPairs):
        def batch(self, indices, rng):
            seen.append(np.asarray(indices))
            return super().batch(indices, rng)

    batches = batches_of(small_world, 2, "curriculum")
    pairs = Recording(small_world.pictures, small_world.tokens, np.arange(64))
    train_on_captions(model_of("git", small_world), pairs, batches, OPTIONS)
    expected = [batches.indices(step) for step in range(batches.n_steps)]
    np.testing.assert_array_equal(np.stack(seen), np.stack(expected))


def test_a_batch_has_no_column_of_pads(small_world):
    tokens = torch.nn.functional.pad(small_world.tokens, (0, 5))
    pairs = CaptionPairs(small_world.pictures, tokens, np.arange(64))
    pictures, words, _ = pairs.batch(np.array([3, 1]), np.random.default_rng(0))
    assert words.shape[1] <= small_world.tokens.shape[1]
    torch.testing.assert_close(pictures, small_world.pictures[[3, 1]])


def test_bad_pairs(small_world):
    tokens = small_world.tokens
    with pytest.raises(ValueError, match="caption 2 is of picture 64"):
        CaptionPairs(small_world.pictures, tokens, np.array([0, 1, 64, *range(61)]))
    with pytest.raises(ValueError, match="expected"):
        CaptionPairs(small_world.pictures, tokens, np.arange(10))
