"""Inputs of two encoders of the same pictures: whitened, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.studies.gap_materials import gap_inputs


@pytest.fixture(scope="module")
def inputs():
    return gap_inputs(80, 20, seed=3)


def test_components_are_white_over_the_training_scenes(inputs):
    for rows in (inputs.pictures, inputs.words):
        assert rows.shape == (80, 64)
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.cov(inputs.pictures.T), np.eye(64), atol=1e-4)
    assert 0.8 < inputs.explained <= 1


def test_new_pictures_are_others_in_the_same_components(inputs):
    assert inputs.new_pictures.shape == (20, 64)
    distances = np.abs(inputs.new_pictures[:, None] - inputs.pictures[None]).max(axis=2)
    assert distances.min() > 0.1


def test_the_same_seed_gives_the_same_pictures(inputs):
    again = gap_inputs(80, 20, seed=3)
    np.testing.assert_array_equal(again.pictures, inputs.pictures)


def test_too_few_scenes_are_refused():
    with pytest.raises(ValueError, match="n_scenes must be more than 64, got 64"):
        gap_inputs(64, 20, seed=3)
