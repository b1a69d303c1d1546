"""Figures of components: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.concepts import Decodability, Reproduction
from sdc_helpers.measures import Interval
from sdc_helpers.plotting import COLOURS, figure
from sdc_helpers.plotting.component_figures import (
    plot_decodability,
    plot_found,
    plot_reproduction,
)


@pytest.fixture
def ax():
    return figure()[1]


def test_agreement_of_halves_falls_and_every_null_is_the_mean_of_its_ranks(ax):
    own = np.array([0.2, 0.95, 0.4])
    draws = np.array([[0.1, 0.5, 0.3], [0.7, 0.2, 0.1]])
    reproduction = Reproduction(own, np.zeros((3, 2), int), 0.9)
    plot_reproduction(ax, reproduction, {"shuffled": draws, "rotated": draws / 2}, "halves")
    measured, shuffled, rotated = ax.lines[:3]
    np.testing.assert_allclose(measured.get_ydata(), [0.95, 0.4, 0.2])
    np.testing.assert_allclose(shuffled.get_ydata(), [0.6, 0.25, 0.1])  # by hand, of sorted draws
    np.testing.assert_allclose(rotated.get_ydata(), [0.3, 0.125, 0.05])
    assert (shuffled.get_linestyle(), rotated.get_linestyle()) == ("-", "--")
    written = " ".join(text.get_text() for text in ax.texts)
    assert all(word in written for word in ("halves", "shuffled", "rotated", "reproduced"))


@pytest.mark.parametrize("is_repeated", [True, False])
def test_components_stand_in_the_order_given_below_their_ceilings(ax, is_repeated):
    r = tuple(Interval(v, v - 0.1, v + 0.1, chance=0.0) for v in (0.3, 0.6, 0.1))
    repeatability = np.array([0.25, 0.81, 0.36]) if is_repeated else None
    read = Decodability(r, repeatability, n_pictures=9, n_repeated=9 * is_repeated)
    order = np.array([1, 0])
    plot_decodability(ax, read, order)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2"]
    ceilings = [
        line for line in ax.lines if line.get_marker() == "_" and line.get_markersize() > 12
    ]
    assert len(ceilings) == is_repeated
    if is_repeated:
        np.testing.assert_allclose(ceilings[0].get_ydata(), read.ceiling[order])
    values = np.concatenate([np.ravel(line.get_ydata()) for line in ax.lines])
    assert {0.6, 0.3} <= set(values.round(6))
    assert 0.1 not in values.round(6)


def test_the_last_kind_of_components_is_blue_and_each_concept_is_a_dot(ax):
    found = {"PCA": {"places": (3, 0.4), "food": (0, 0.7)}, "axes": {"places": (1, 0.9)}}
    plot_found(ax, found, 0.8)
    first, last = ax.lines[:2]
    np.testing.assert_allclose(first.get_xdata(), [0.4, 0.7])
    np.testing.assert_allclose(last.get_xdata(), [0.9])
    assert (first.get_color(), last.get_color()) == (COLOURS["grey"], COLOURS["blue"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["PCA", "axes"]
    assert any(set(line.get_xdata()) == {0.8} for line in ax.lines[2:])
