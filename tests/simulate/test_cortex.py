"""The voxel grid lies on the cortex, and patches grow where they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.datasets import load_fsaverage

from sdc_helpers.simulate.cortex import Cortex, grow_patches, make_cortex


@pytest.fixture(scope="module")
def cortex() -> Cortex:
    return make_cortex(4.0, np.random.default_rng(3))


def test_every_voxel_touches_grey_matter(cortex):
    """Each centre is near a line from a white to a pial vertex or to a neighbour of it."""
    surfaces = load_fsaverage("fsaverage5")
    vertices = np.concatenate(
        [
            surfaces[name].parts[side].coordinates
            for name in ("pial", "white_matter")
            for side in ("left", "right")
        ]
    )
    some = cortex.mm[:: len(cortex.mm) // 200]
    nearest = np.linalg.norm(some[:, None] - vertices[None], axis=2).min(axis=1)
    assert nearest.max() < 5.0  # half an edge of fsaverage5, the reach, half the thickness


def test_positions_follow_from_indices(cortex):
    homogeneous = np.c_[cortex.voxels, np.ones(len(cortex.voxels))]
    np.testing.assert_allclose(homogeneous @ cortex.affine.T[:, :3], cortex.mm, atol=1e-9)
    flat = np.ravel_multi_index(tuple(cortex.voxels.T), cortex.shape)
    assert (np.diff(flat) > 0).all()  # C order, each once


def test_hemispheres_are_apart(cortex):
    assert (cortex.is_right == (cortex.mm[:, 0] > 0))[np.abs(cortex.mm[:, 0]) > 4].all()
    assert 0.45 < cortex.is_right.mean() < 0.55


def test_visual_cortex_is_posterior_and_of_the_size_of_nsdgeneral(cortex):
    assert 2000 < cortex.is_visual.sum() < 3000
    assert cortex.mm[cortex.is_visual, 1].max() < -30
    frontal = cortex.mm[:, 1] > -36
    assert not cortex.is_visual[frontal].any()


def test_participants_differ_in_grid_and_offset():
    made = [make_cortex(6.0, np.random.default_rng(seed)) for seed in range(6)]
    assert len({cortex.shape for cortex in made}) >= 4
    offsets = {tuple(np.round(cortex.affine[:3, 3] % 6, 2)) for cortex in made}
    assert len(offsets) == 6


def test_volume_puts_values_where_the_voxels_are(cortex):
    values = np.arange(len(cortex.voxels), dtype=float)
    grid = cortex.volume(values, outside=-1)
    assert grid.shape == cortex.shape
    for row in (0, 17, len(values) - 1):
        assert grid[tuple(cortex.voxels[row])] == row
    assert (grid == -1).sum() == grid.size - len(values)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_patches_are_disjoint_visual_and_of_their_size(cortex, data):
    n = data.draw(st.integers(1, 8))
    rows = data.draw(st.lists(st.integers(0, len(cortex.mm) - 1), min_size=n, max_size=n))
    sizes = np.array(data.draw(st.lists(st.integers(1, 40), min_size=n, max_size=n)))
    sides = cortex.is_right[rows]
    patches = grow_patches(cortex, cortex.mm[rows], sides, sizes)
    assert [len(patch) for patch in patches] == sizes.tolist()
    together = np.concatenate(patches)
    assert len(np.unique(together)) == len(together)
    assert cortex.is_visual[together].all()
    for patch, side in zip(patches, sides, strict=True):
        assert (cortex.is_right[patch] == side).all()


def test_a_lone_patch_is_the_nearest_voxels(cortex):
    centre = np.array([40.0, -60, -14])
    (patch,) = grow_patches(cortex, centre[None], np.array([True]), np.array([20]))
    distance = np.linalg.norm(cortex.mm - centre, axis=1)
    allowed = cortex.is_visual & cortex.is_right
    outside = allowed.copy()
    outside[patch] = False
    assert distance[patch].max() <= distance[outside].min()


def test_a_used_up_hemisphere_gives_what_is_left(cortex):
    n = int((cortex.is_visual & ~cortex.is_right).sum())
    centres, sides = np.array([[-40.0, -70, 0]] * 2), np.array([False, False])
    patches = grow_patches(cortex, centres, sides, np.array([n, n]))
    assert sum(map(len, patches)) == n
