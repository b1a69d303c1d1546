"""Tables and claims of recorded components: each number from the outcomes that it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sdc_helpers
from sdc_helpers.course.statements import read_statements
from sdc_helpers.studies import (
    headline_intervals,
    hidden_rows,
    recorded_components,
    way_rows,
)

WAYS = ("clusters", "loadings", "masks")


@pytest.fixture
def outcomes():
    """Two seeds of either world, with numbers of their own where tables and claims look."""
    first = recorded_components()[0]
    made = []
    for world, offset in (("easy", 0), ("hard", 4)):
        for seed in (1, 2):
            n = offset + seed
            made.append(replace(
                first, world=world, seed=seed, chance_draws=seed - 1, n_draws=10,
                found={**first.found, "cortex axes": n, "contrastive": 0},
                top_1={**first.top_1, "contrastive": 0.3, "PCA of true": 0.1 * seed},
                recovered={way: n + k for k, way in enumerate(WAYS)},
                traps=dict.fromkeys(WAYS, seed),
                not_counted={**first.not_counted, "recovered": 10 + n, "traps": 20 + n},
            ))  # fmt: skip
    return made


def test_a_way_has_a_row_a_world_and_a_number_a_seed(outcomes):
    rows = way_rows(outcomes)
    assert len(rows) == 2 * (len(WAYS) + 1)
    assert [row[0] for row in rows] == ["easy"] * 4 + ["hard"] * 4
    of_hard = {row[1]: row[2:] for row in rows[4:]}
    assert of_hard["clusters of weights (chapter 10)"] == ["5, 6", "1, 2"]
    assert of_hard["axes and joint loadings"] == ["6, 7", "1, 2"]
    assert of_hard["axes and masks"] == ["7, 8", "1, 2"]
    assert of_hard["axes and masks, people not counted"] == ["15, 16", "25, 26"]


def test_a_claim_is_of_its_world_and_every_draw_counts_for_chance(outcomes):
    found = headline_intervals(outcomes)
    easy, hard = found["components.axes.found"], found["components.axes.hard"]
    assert (easy.value, hard.value) == pytest.approx((0.15, 0.55))
    gain = found["components.gain.true"]
    assert gain.value == pytest.approx(np.mean([0.3 - 0.1, 0.3 - 0.2]))
    assert gain.low < gain.value < gain.high
    chance = found["components.halves.chance"]
    assert chance.value == pytest.approx(2 / 40)
    assert chance.low < 2 / 40 < chance.high
    assert found["components.rows.found"].value == 0


def test_the_claims_are_those_of_the_chapter():
    stated = read_statements(Path(sdc_helpers.__file__).parent / "claims")
    assert set(headline_intervals(recorded_components())) <= set(stated)


def test_a_hidden_layer_is_shown_with_what_was_chosen_and_its_gain(outcomes):
    gains = [0.01, 0.02, 0.06]
    chosen = {"hidden": 512, "input_noise": 2.0, "n_steps": 50}
    linear = {"hidden": None, "input_noise": 4.0, "n_steps": 300}
    settings = {"hidden": chosen, "linear": linear, "gains": gains}
    world, seed, own, other, gain = hidden_rows([replace(outcomes[3], hidden_settings=settings)])[0]
    assert (world, seed) == ("hard", "2")
    assert own == "512 units, noise 2, 50 steps"
    assert other == "noise 4, 300 steps"
    assert gain.value == pytest.approx(0.03)
    assert gain.low < 0.03 < gain.high
