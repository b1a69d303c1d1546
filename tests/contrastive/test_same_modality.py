"""Two perceptrons on the same rows: runs beside each other equal runs alone."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.contrastive import gap
from sdc_helpers.contrastive.same_modality import train_same_modality

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
    assert grid.at_end("learned", "recall_1")[0] > grid.at_start("learned", "recall_1")[0] + 0.2
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
        ({"mismatched": 1.5}, "share from 0 to 1"),
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
