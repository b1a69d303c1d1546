"""Words and edges beside CLIP's loss: right by independent oracles, and nothing else goes in."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from sdc_helpers.contrastive import ContrastiveLoss
from sdc_helpers.studies.clip_objectives import DescribedPairs, edges

N_WORDS = 7
TOKENS = torch.tensor([[[1, 2, 0], [1, 3, 0]], [[4, 0, 0], [4, 5, 6]], [[1, 6, 0], [2, 0, 0]]])


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def make(pictures, **options):
    options = {"word_weight": 0.5, "edge_weight": 2.0} | options
    contrastive = ContrastiveLoss(temperature=0.1, learn_temperature=True)
    return DescribedPairs(
        contrastive, pictures, TOKENS, n_words=N_WORDS, dimension=4, **options
    )  # fmt: skip


def unit(seed):
    rows = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(rows, dim=1)


def waves(degrees, n=32):
    """Lines that run along this direction, counterclockwise from horizontal."""
    angle = math.radians(degrees) + math.pi / 2
    y, x = np.mgrid[:n, :n]
    value = np.sin(0.9 * (math.cos(angle) * x - math.sin(angle) * y))
    return np.repeat((127 + 100 * value)[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 45, 90, 135])
def test_lines_of_a_direction_have_their_edges_across(degrees):
    shares = edges(torch.from_numpy(waves(degrees)[None]))[0, :128].reshape(8, 16).mean(1)
    across = (180 - degrees + 90) % 180  # rows count downwards
    assert int(shares.argmax()) == round(across / 22.5) % 8
    assert float(shares.max()) > 0.5


def test_edges_by_a_loop_over_pixels():
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    grey = picture.astype(float).mean(2) / 255
    histogram = np.zeros((8, 4, 4))
    for y in range(8):
        for x in range(8):
            dx = grey[y, x + 1] - grey[y, x - 1] if 0 < x < 7 else 0.0
            dy = grey[y + 1, x] - grey[y - 1, x] if 0 < y < 7 else 0.0
            place = (math.atan2(dy, dx) % math.pi) * 8 / math.pi
            low = int(place)
            for k, share in ((low % 8, 1 - place + low), ((low + 1) % 8, place - low)):
                histogram[k, y // 2, x // 2] += share * math.hypot(dx, dy) / 4
    shares = histogram / (histogram.sum(0) + 0.01)
    colours = picture.reshape(4, 2, 4, 2, 3).mean((1, 3)).transpose(2, 0, 1) / 255
    expected = np.concatenate([shares.ravel(), colours.ravel()])
    found = edges(torch.from_numpy(picture[None]))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_without_weights_it_is_clips_loss(pictures):
    loss = make(pictures, word_weight=0.0, edge_weight=0.0)
    u, v = unit(0), unit(1)
    expected = loss.contrastive(u, v)
    assert torch.equal(loss(u, v, items=torch.arange(3)), expected)


def test_loss_is_the_sum_that_it_says(pictures):
    loss = make(pictures)
    u, v, items = unit(0), unit(1), torch.tensor([2, 0, 1])
    with torch.no_grad():
        logits = (2 * u @ loss.words.weight.T + loss.words.bias).numpy()
        read = (2 * u @ loss.edges.weight.T + loss.edges.bias).numpy()
        found = float(loss(u, v, items=items))
        contrastive = float(loss.contrastive(u, v))
    words = 0.0
    for row, picture in enumerate(items.tolist()):
        present = set(TOKENS[picture].flatten().tolist())
        for word in range(N_WORDS):
            p = 1 / (1 + math.exp(-logits[row, word]))
            words -= math.log(p if word in present else 1 - p) / 3
    described = edges(torch.from_numpy(pictures)).numpy()
    standard = (described - described.mean(0)) / np.maximum(described.std(0, ddof=1), 1e-3)
    squared = np.mean((read - standard[items.numpy()]) ** 2)
    assert found == pytest.approx(contrastive + 0.5 * words + 2.0 * squared, rel=1e-4)


def test_words_start_at_their_rates(pictures):
    rates = torch.sigmoid(make(pictures).words.bias.detach())
    assert rates[:4].tolist() == pytest.approx([1 - 1e-4, 2 / 3, 2 / 3, 1 / 3], abs=1e-3)


def test_seed_decides_the_initial_values_and_nothing_else(pictures):
    state = torch.get_rng_state()
    first, same, other = (make(pictures, seed=seed).words.weight for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_parameter_is_trained(pictures):
    loss = make(pictures)
    loss(unit(0).requires_grad_(), unit(1), items=torch.arange(3)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in loss.parameters())
