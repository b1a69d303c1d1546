from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sdc_helpers.contrastive import (
    ContrastiveLoss,
    alignment,
    clip_loss,
    cross_uniformity,
    uniformity,
)


def unit_rows(rng, *shape, dtype=torch.float64):
    x = rng.standard_normal(shape)
    return torch.from_numpy(x / np.linalg.norm(x, axis=-1, keepdims=True)).to(dtype)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda u, v: (u, v[:-1]), r"one row a pair, got \(6, 5\) and \(5, 5\)"),
        (lambda u, v: (u, v[:, :-1]), r"got \(6, 5\) and \(6, 4\)"),
        (lambda u, v: (u[0], v[0]), "must both be"),
        (lambda u, v: (u[:1], v[:1]), "at least 2 rows"),
        (lambda u, v: (u[:, :0], v[:, :0]), r"got \(6, 0\)"),
        (lambda u, v: (2 * u, v), "u must have rows of unit length"),
        (lambda u, v: (u, torch.zeros_like(v)), "v must have rows of unit length"),
        (lambda u, v: (u * 1.01, v), r"row 0 has length 1\.01"),
        (lambda u, v: ((u * 1.05).half(), v), r"within 0\.01"),
        (lambda u, v: (u.long(), v), "floating-point"),
        (lambda u, v: (u, v.to(torch.complex128)), "floating-point"),
    ],
)
def test_bad_rows(rng, change, message):
    u, v = change(unit_rows(rng, 6, 5), unit_rows(rng, 6, 5))
    for function in (
        alignment,
        cross_uniformity,
        ContrastiveLoss.named("cua"),
        ContrastiveLoss().terms,
        lambda u, v: clip_loss(u, v, temperature=0.1),
    ):
        with pytest.raises(ValueError, match=message):
            function(u, v)


def test_uniformity_checks_its_rows(rng):
    with pytest.raises(ValueError, match="at least 2 rows"):
        uniformity(unit_rows(rng, 1, 5))
    with pytest.raises(ValueError, match="unit length"):
        uniformity(3 * unit_rows(rng, 4, 5))


def test_a_diverged_run_does_not_stop_the_others(rng):
    u, v = unit_rows(rng, 2, 6, 5), unit_rows(rng, 2, 6, 5)
    u[0, 3, 1] = torch.nan
    loss = ContrastiveLoss.named("cuaxu")(u, v)
    assert loss.isnan().tolist() == [True, False]
    torch.testing.assert_close(loss[1], ContrastiveLoss.named("cuaxu")(u[1], v[1]))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (torch.arange(5), "6 integers"),
        (torch.zeros(6), "torch.float32"),
        (torch.zeros(6, 1, dtype=torch.long), r"\(6, 1\)"),
    ],
)
def test_bad_items(rng, items, message):
    u, v = unit_rows(rng, 6, 5), unit_rows(rng, 6, 5)
    with pytest.raises(ValueError, match=message):
        clip_loss(u, v, temperature=0.1, items=items)
    with pytest.raises(ValueError, match=message):
        ContrastiveLoss()(u, v, items)
    with pytest.raises(ValueError, match="no negative is left"):
        cross_uniformity(u, v, torch.zeros(6, dtype=torch.long))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "must be positive"),
        ({"temperature": math.nan}, "must be positive"),
        ({"temperature": torch.tensor([0.1, -1.0])}, "must be positive"),
        ({"temperature": 0.001, "learn_temperature": True}, r"\[0.01, 1\]"),
        ({"temperature": 2.0, "learn_temperature": True}, r"\[0.01, 1\]"),
        ({"alignment": -1}, "weight alignment"),
        ({"uniformity": math.nan}, "weight uniformity"),
        ({"cross_uniformity": math.inf}, "weight cross_uniformity"),
        ({"gather": "always"}, "'auto' or 'never'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ContrastiveLoss(**options)


def test_unknown_name_and_temperature_of_the_wrong_shape(rng):
    with pytest.raises(ValueError, match="clip, cua, cuaxu, got 'cuax'"):
        ContrastiveLoss.named("cuax")
    u, v = unit_rows(rng, 2, 6, 5), unit_rows(rng, 2, 6, 5)
    for temperature in (torch.tensor([0.1, 0.1, 0.1]), torch.full((1, 2), 0.1)):
        with pytest.raises(ValueError, match="does not broadcast"):
            clip_loss(u, v, temperature=temperature)
