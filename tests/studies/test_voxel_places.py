"""Places of voxels, against the matrix written out."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.studies.voxel_places import touching_reach, voxel_places


def test_places_are_those_of_the_matrix(rng):
    mask = rng.random((3, 4, 2)) < 0.5
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [2, 2.5, 3], [-9, 4, 1]
    expected = [affine @ [*index, 1] for index in np.argwhere(mask)]
    np.testing.assert_allclose(voxel_places(mask, affine), np.array(expected)[:, :3])


def test_neighbours_over_a_corner_are_within_reach_and_the_next_are_not(rng):
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn * [2, 2, 2]
    places = voxel_places(np.ones((3, 3, 3), bool), affine).reshape(3, 3, 3, 3)
    corner, beyond = places[1, 1, 1] - places[0, 0, 0], places[2, 0, 0] - places[0, 0, 0]
    assert np.linalg.norm(corner) < touching_reach(affine) < np.linalg.norm(beyond)
    assert touching_reach(affine) == pytest.approx(1.01 * np.sqrt(12))
