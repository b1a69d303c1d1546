"""Maps of sensors: front above, left on the left, values where their sensors are."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.plotting import figure, plot_topography
from sdc_helpers.plotting.topography import flatten_helmet
from sdc_helpers.simulate.things_meg import ctf_helmet

NAMES, PLACES = ctf_helmet()


def of_group(letter, place=2):
    return np.array([name[place] == letter for name in NAMES])


def test_front_is_above_and_left_on_the_left():
    flat = flatten_helmet(PLACES)
    assert np.linalg.norm(flat, axis=1).max() == pytest.approx(1)
    assert flat[of_group("F"), 1].mean() > 0.3 > flat[of_group("O"), 1].mean()
    assert flat[of_group("L", place=1), 0].mean() < -0.3
    assert abs(flat[of_group("Z", place=1), 0]).max() < 0.1


def test_the_scale_of_the_places_does_not_matter():
    np.testing.assert_allclose(flatten_helmet(PLACES), flatten_helmet(1000 * PLACES))


@pytest.mark.parametrize(("letter", "above"), [("O", False), ("F", True)])
def test_values_are_drawn_where_their_sensors_are(letter, above):
    _, ax = figure()
    assert plot_topography(of_group(letter).astype(float), PLACES, ax, limit=1) is ax
    drawn = np.ma.filled(ax.images[0].get_array().astype(float), 0.0)
    rows = len(drawn)
    if ax.images[0].origin == "upper":
        drawn = drawn[::-1]
    upper, lower = drawn[rows // 2 :].sum(), drawn[: rows // 2].sum()
    assert (upper > lower) == above
    assert ax.images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ("values", "places", "match"),
    [
        (np.ones(3), PLACES, "values has shape"),
        (np.full(271, np.nan), PLACES, "values holds NaN"),
        (np.ones(271), PLACES[:, :2], "places has shape"),
        (np.ones(3), PLACES[:3], "four or more"),
    ],
)
def test_what_is_no_map(values, places, match):
    with pytest.raises(ValueError, match=match):
        plot_topography(values, places)
