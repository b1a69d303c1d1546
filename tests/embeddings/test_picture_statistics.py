"""Colours and edges of a picture, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.embeddings import picture_statistics


def test_colours_are_the_means_of_the_cells():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 12, 8, 3), dtype=np.uint8)
    statistics = picture_statistics(pictures, grid=2, n_orientations=1)
    assert statistics.shape == (3, 2 * 2 * 4)
    cell = pictures[1, 6:, :4].mean(axis=(0, 1)) / 255  # below, left: the third cell
    np.testing.assert_allclose(statistics[1, 6:9], cell, rtol=1e-5)


@pytest.mark.parametrize(("turned", "k"), [(False, 0), (True, 2)])
def test_an_edge_has_energy_at_its_own_orientation(turned, k):
    picture = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    picture[:, :, 8:] = 200
    if turned:
        picture = picture.transpose(0, 2, 1, 3)
    energy = picture_statistics(picture, grid=1, n_orientations=4)[0, 3:]
    assert energy.argmax() == k
    assert energy[(k + 2) % 4] == pytest.approx(0, abs=1e-6)


def test_opposite_contrast_is_the_same_orientation():
    picture = np.random.default_rng(1).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    first, second = (picture_statistics(p, grid=2) for p in (picture, 255 - picture))
    np.testing.assert_allclose(first[:, 12:], second[:, 12:], rtol=1e-4)


def test_blocks_do_not_matter():
    pictures = np.random.default_rng(2).integers(0, 256, (258, 4, 4, 3), dtype=np.uint8)
    whole = picture_statistics(pictures, grid=2)
    np.testing.assert_array_equal(whole[255:], picture_statistics(pictures[255:], grid=2))
    assert picture_statistics(pictures[:0], grid=2).shape == (0, whole.shape[1])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 8, 8, 3)), "float64"),
        (np.zeros((8, 8, 3), np.uint8), "shape"),
        (np.zeros((1, 3, 8, 3), np.uint8), "too small"),
    ],
)
def test_what_is_no_picture_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        picture_statistics(images)
