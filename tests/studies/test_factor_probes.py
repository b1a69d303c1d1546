"""What several sources hold of a factor: known where it was planted, and differences with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.embeddings import linear_probe
from sdc_helpers.studies import probe_sources

N = 400
FIT, TEST = np.arange(250), np.arange(250, N)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    place = rng.choice(["beach", "forest", "room"], N, p=(0.5, 0.3, 0.2))
    place[[0, 300]] = "rare"
    return pd.DataFrame({"size": rng.normal(size=N), "place": place, "night": rng.random(N) < 0.4})


@pytest.fixture(scope="module")
def found(table):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(2, N, 6))
    codes = pd.get_dummies(table.place).to_numpy(float)
    knows = np.column_stack([table["size"], table.night, codes, noise[0]])
    return probe_sources({"knows": knows, "noise": noise[1]}, table, FIT, TEST, seed=2)


def test_what_is_planted_is_read_and_what_is_not_is_at_chance(found):
    assert min(score.value for score in found.kept["knows"].values()) > 0.95
    assert max(score.value for score in found.kept["noise"].values()) < 0.15
    assert {score.chance for score in found.kept["noise"].values()} == {0.0}


def test_classes_that_are_rare_on_either_side_are_left_out(found):
    assert 300 not in found.rows["place"]
    assert set(found.truth["place"]) == {"beach", "forest", "room"}
    np.testing.assert_array_equal(found.rows["size"], TEST)


def test_a_score_is_that_of_the_probe_such_that_chance_is_zero(found, table):
    score = found.probes["noise"]["place"].score
    assert found.kept["noise"]["place"].value == pytest.approx((score.value - 1 / 3) / (2 / 3))
    for factor in table:  # with every picture once, the same from the predictions
        again = found._score("noise", factor, np.ones(N))
        assert again == pytest.approx(found.kept["noise"][factor].value)


def test_numbers_are_probed_as_by_hand(table):
    x = np.random.default_rng(3).normal(size=(N, 4)) + table[["size"]].to_numpy()
    y = table["size"].to_numpy()
    found = probe_sources({"x": x}, table[["size"]], FIT, TEST, seed=5)
    options = {"penalties": (10, 1000), "n_bootstrap": 200, "random_state": 5}
    by_hand = linear_probe(x[FIT], y[FIT], x[TEST], y[TEST], **options)
    assert found.kept["x"]["size"].value == pytest.approx(by_hand.score.value)
    assert found.kept["x"]["size"].low == pytest.approx(by_hand.score.low)


def test_differences_have_a_sign_and_an_interval(found):
    more = found.difference("knows", "noise", ["size", "place"])
    less = found.difference("noise", "knows", ["size", "place"])
    assert more.low > 0.7
    assert more.value == pytest.approx(-less.value)
    nothing = found.difference("knows", "knows", ["night"])
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


def test_below_chance_there_is_nothing_to_lose(found):
    worse = {"bad": {"size": -3.0}, "chance": {"size": 0.0}}
    scored = type(found)(found.kept, found.probes, found.rows, found.truth, found.test)
    object.__setattr__(scored, "_score", lambda source, factor, weights: worse[source][factor])
    assert scored.difference("chance", "bad", ["size"]).value == 0


def test_an_unknown_factor_is_refused(found):
    with pytest.raises(KeyError):
        found.difference("knows", "noise", ["weather"])
