"""Both families: they see the picture, not the future and not the pads, and all of them trains."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from sdc_helpers.curriculum.models import FAMILIES, SIZES, Captioner, ModelConfig, TokenMean
from sdc_helpers.curriculum.tokenizer import END, IMAGE, PAD, START

SHAPE, VOCABULARY = (6, 2, 2), 300
SMALL = ModelConfig(16, 2, 2, n_latents=3, max_tokens=16)


def inputs(n=4, length=10):
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, VOCABULARY, (n, length), generator=generator)
    tokens[:, 0], tokens[:, -1] = START, END
    return torch.randn(n, *SHAPE, generator=generator), tokens


@pytest.fixture(params=FAMILIES)
def family(request) -> str:
    return request.param


@pytest.fixture(params=[False, True], ids=["features", "pixels"])
def model(family, request) -> Captioner:
    shape = (3, 32, 32) if request.param else SHAPE
    return Captioner(family, SMALL, VOCABULARY, shape, train_image_encoder=request.param, seed=1)


def pictures_of(model, n=4):
    return torch.randn(n, *model.picture_shape, generator=torch.Generator().manual_seed(1))


def test_every_parameter_gets_gradient(model):
    _, tokens = inputs()
    TokenMean()(*model(pictures_of(model), tokens)).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # a class token's position, and keys' biases, that softmax takes out, move nothing
    assert [n for n in without if not n.endswith(("key.bias", "k_proj.bias"))] == []
    assert all(p.requires_grad for p in model.parameters())


def test_closed_gates_hide_the_picture_and_open_by_training():
    closed = replace(SMALL, open_gates=False)
    model = Captioner("flamingo", closed, VOCABULARY, SHAPE)
    pictures, tokens = inputs()
    first = model.token_losses(pictures, tokens)
    torch.testing.assert_close(first, model.token_losses(pictures.flip(0), tokens))
    TokenMean()(*model(pictures, tokens)).backward()
    gates = [p.grad for n, p in model.named_parameters() if "alpha" in n]
    assert gates
    assert all(g.abs().min() > 0 for g in gates)


def test_the_picture_matters(model):
    _, tokens = inputs()
    model.double()  # little, in an untrained model: more than rounding explains
    pictures = pictures_of(model).double()
    own = model.token_losses(pictures, tokens)
    other = model.token_losses(pictures.flip(0), tokens)
    assert (own - other).abs().max() > 1e-5
    assert (own - model.token_losses(None, tokens)).abs().max() > 1e-5


def test_no_token_sees_a_later_one(model):
    _, tokens = inputs()
    pictures = pictures_of(model)
    changed = tokens.clone()
    changed[:, 6:] = 7
    before = model.token_losses(pictures, tokens)[:, :5]
    torch.testing.assert_close(before, model.token_losses(pictures, changed)[:, :5])


def test_pads_cost_nothing_and_change_nothing(model):
    _, tokens = inputs()
    pictures = pictures_of(model)
    padded = nn.functional.pad(tokens, (0, 4), value=PAD)
    losses = model.token_losses(pictures, padded)
    assert not losses[:, tokens.shape[1] - 1 :].any()
    torch.testing.assert_close(
        losses[:, : tokens.shape[1] - 1], model.token_losses(pictures, tokens)
    )
    sums, counts = model(pictures, padded)
    torch.testing.assert_close(sums, losses.sum(1))
    assert counts.tolist() == [tokens.shape[1] - 1] * len(tokens)


def test_an_untrained_model_is_close_to_guessing(family):
    model = Captioner(family, SMALL, VOCABULARY, SHAPE)
    pictures, tokens = inputs()
    sums, counts = model(pictures, tokens)
    assert TokenMean()(sums, counts).item() == pytest.approx(math.log(VOCABULARY), rel=0.05)


def test_the_placeholder_stands_where_flamingo_is_shown_a_picture(monkeypatch):
    model = Captioner("flamingo", SMALL, VOCABULARY, SHAPE)
    seen = []
    embed = model.decoder.model.embed_tokens
    embed.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    pictures, tokens = inputs()
    model.token_losses(pictures, tokens)
    model.token_losses(None, tokens)
    with_picture, without = seen
    assert (with_picture[:, 0] == IMAGE).all()
    assert (without[:, 0] == START).all()
    assert (with_picture[:, 1:] == tokens[:, 1:]).all()


def test_text_trains_everything_but_what_a_picture_trains(model):
    _, tokens = inputs()
    of_images = {name for name, _ in model.image_parameters()}
    assert of_images
    with model.without_images():
        TokenMean()(*model(torch.empty(len(tokens), 0), tokens)).backward()
    trained = {n for n, p in model.named_parameters() if p.grad is not None}
    assert trained == {n for n, _ in model.named_parameters()} - of_images
    assert all(p.requires_grad for p in model.parameters())


def test_initial_values_follow_the_seed_and_leave_torchs_own_alone(family):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (Captioner(family, SMALL, VOCABULARY, SHAPE, seed=s) for s in (1, 1, 2))
    torch.testing.assert_close(torch.rand(3), expected)
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)


def test_sizes_grow(family):
    n = [
        sum(p.numel() for p in Captioner(family, size, VOCABULARY, SHAPE).parameters())
        for size in ("tiny", "small")
    ]
    assert n[0] < n[1]
    assert set(SIZES) == {"tiny", "small", "base"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bert", "tiny", 300, SHAPE), "family='bert'"),
        (("git", "huge", 300, SHAPE), "size='huge'"),
        (("git", "tiny", 300, (6, 2)), r"pictures=\(6, 2\)"),
    ],
)
def test_bad_configurations(arguments, message):
    with pytest.raises(ValueError, match=message):
        Captioner(*arguments)


def test_bad_inputs(family):
    model = Captioner(family, SMALL, VOCABULARY, SHAPE)
    pictures, tokens = inputs()
    with pytest.raises(ValueError, match=r"pictures have shape \(5, 2, 2\)"):
        model.token_losses(pictures[:, :5], tokens)
    with pytest.raises(ValueError, match="sentences of 20 tokens"):
        model.token_losses(pictures, tokens.repeat(1, 2))
    with pytest.raises(ValueError, match="side"):
        Captioner(family, SMALL, VOCABULARY, (3, 30, 30), train_image_encoder=True)
