"""Two perceptrons on the same rows: runs beside each other equal runs alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sdc_helpers.contrastive import gap
from sdc_helpers.contrastive.same_modality import (
    _partners,
    _stacked_weights,
    train_same_modality,
)
from sdc_helpers.training.batches import EpochBatches

SMALL = {"dimension": 6, "batch_size": 16, "n_steps": 12, "hidden": 10}


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).standard_normal((96, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def together(rows):
    return train_same_modality(rows, temperatures=[0.05, "learned"], seeds=[3, 8], **SMALL)


@pytest.mark.parametrize(("place", "temperature", "seed"), [(0, 0.05, 3), (3, "learned", 8)])
def test_a_run_is_the_same_whatever_is_trained_beside_it(rows, together, place, temperature, seed):
    alone = train_same_modality(rows, temperatures=[temperature], seeds=[seed], **SMALL)
    np.testing.assert_allclose(alone.end[0], together.end[place], atol=2e-5)


def perceptron(seed, side, widths):
    """Return torch's own layers with the initial values of a run."""
    weights = _stacked_weights([seed], side, widths, torch.device("cpu"))
    layers = []
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        layer = nn.Linear(weight.shape[1], weight.shape[2])
        layer.weight.data, layer.bias.data = weight.detach()[0].T.clone(), bias.detach()[0, 0]
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def test_a_run_is_what_torch_makes_of_two_plain_perceptrons(rows):
    """Cross-entropy, modules and optimizer of torch; the batches are those of the seed."""
    x = torch.from_numpy(rows)
    first, second = (perceptron(8, side, (5, 10, 10, 6)) for side in (0, 1))
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-3)
    batches = EpochBatches(96, 16, 8)
    for step in range(12):
        rows_of_batch = torch.from_numpy(batches.indices(step))
        u, v = (functional.normalize(net(x[rows_of_batch])) for net in (first, second))
        logits, right = u @ v.T / 0.05, torch.arange(16)
        loss = functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)
        optimizer.zero_grad()
        (loss / 2).backward()
        optimizer.step()
    grid = train_same_modality(rows, temperatures=[0.05], seeds=[3, 8], start_gap=None, **SMALL)
    with torch.no_grad():
        expected = [functional.normalize(net(x)).numpy() for net in (first, second)]
    np.testing.assert_allclose(grid.end[1], expected, atol=2e-5)


def test_switches_change_what_they_say(rows):
    share = 0.25
    partners = _partners(96, share, seed=1)
    assert sorted(partners) == list(range(96))
    assert (partners != np.arange(96)).sum() == 24
    given = {"temperatures": [0.05], "seeds": [1], **SMALL}
    wide = np.random.default_rng(3).standard_normal((96, 7))
    assert train_same_modality(rows, x_v=wide, **given).end.shape == (1, 2, 96, 6)
    new = train_same_modality(rows, x_measured=rows[:20] + 1, **given)
    usual = train_same_modality(rows, x_measured=rows[:20], **given)
    assert new.end.shape == (1, 2, 20, 6)
    plain = train_same_modality(rows, **given)
    np.testing.assert_allclose(usual.end, plain.end[:, :, :20], atol=1e-6)
    with pytest.raises(ValueError, match="leave out x_v"):
        train_same_modality(rows, x_measured=rows, mismatched=0.5, **given)


def test_a_fixed_temperature_stays_and_a_learned_one_keeps_within_its_bounds(rows):
    steps = SMALL | {"n_steps": 40, "lr": 0.2, "record_every": 1}
    grid = train_same_modality(rows, temperatures=[0.005, "learned"], seeds=[3], **steps)
    np.testing.assert_allclose(grid.course(0.005, "temperature")[1], 0.005, rtol=1e-5)
    learned = grid.course("learned", "temperature")[1]
    assert learned.min() >= 0.01 - 1e-7
    assert learned.max() <= 1 + 1e-6
    assert np.ptp(learned) > 0.01
    with pytest.raises(ValueError, match=r"there are 0\.005, learned"):
        grid.course(0.07)


def test_the_start_gap_is_what_was_asked_for(rows):
    for wanted in (0.0, 0.4):
        grid = train_same_modality(
            rows, temperatures=[0.05], seeds=[3, 8], start_gap=wanted, **SMALL
        )
        np.testing.assert_allclose(grid.at_start(0.05), wanted, atol=0.02)
    cold = train_same_modality(rows, temperatures=[0.05], seeds=[3, 8], start_gap=None, **SMALL)
    assert (cold.at_start(0.05) > 0.1).all()  # two cones


def test_the_table_says_what_the_rows_show(together):
    table = together.table
    for place, (setting, seed) in enumerate(
        (setting, seed) for setting in ("0.05", "learned") for seed in (3, 8)
    ):
        last = table[(table.setting == setting) & (table.seed == seed)].iloc[-1]
        u, v = together.end[place]
        assert last.step == 12
        assert last.centroid_distance == pytest.approx(gap.centroid_distance(u, v), abs=1e-5)
        assert last.paired_cosine == pytest.approx((u * v).sum(1).mean(), abs=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together.end, axis=-1), 1, atol=1e-5)


def test_training_brings_pairs_together_and_learns_a_temperature(rows):
    grid = train_same_modality(
        rows, temperatures=["learned"], seeds=[1], **(SMALL | {"n_steps": 150, "lr": 1e-2})
    )
    assert grid.at_end("learned", "recall_1")[0] > 10 / 96  # ten times chance
    temperatures = grid.course("learned", "temperature")[1]
    assert temperatures[-1] != temperatures[0]


def test_the_published_setting_opens_a_gap_from_nothing():
    """Low temperature, many dimensions; measured on the rows trained on."""
    rows = np.random.default_rng(5).standard_normal((512, 64)).astype(np.float32)
    settings = {"dimension": 128, "temperatures": [0.01], "seeds": [0, 1], "n_steps": 100}
    grid = train_same_modality(rows, **settings)
    assert (grid.at_start(0.01) < 0.05).all()
    assert (grid.at_end(0.01) > 0.15).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mismatched": 1.5}, "expected a number from 0 to 1"),
        ({"x_v": np.zeros((50, 5))}, "50"),
        ({"seeds": [1, 1]}, "seed"),
        ({"seeds": []}, "seed"),
        ({"batch_size": 500}, "batch"),
    ],
)
def test_bad_input(rows, changes, message):
    given = {"temperatures": [0.05], "seeds": [3], **SMALL, **changes}
    with pytest.raises(ValueError, match=message):
        train_same_modality(rows, **given)


def test_rows_that_are_not_finite_are_refused(rows):
    rows = rows.copy()
    rows[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        train_same_modality(rows, temperatures=[0.05], seeds=[3], **SMALL)
