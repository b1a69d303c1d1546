"""Directions of planted voxels, by loops; their masks are tested with `recover`."""

from __future__ import annotations

import numpy as np

from sdc_helpers.studies.planted import average_directions


def test_a_direction_is_the_mean_of_unit_rows_of_its_voxels():
    weights = np.random.default_rng(0).normal(size=(9, 4)) * np.arange(1, 10)[:, None]
    masks = [np.arange(9) < 3, np.isin(np.arange(9), (4, 8))]
    labels, directions = average_directions(weights, masks)
    assert labels.tolist() == [0, 0, 0, -1, 1, -1, -1, -1, 1]
    for direction, members in zip(directions, ((0, 1, 2), (4, 8)), strict=True):
        mean = sum(weights[v] / np.sqrt((weights[v] ** 2).sum()) for v in members)
        np.testing.assert_allclose(direction, mean / np.sqrt((mean**2).sum()))
