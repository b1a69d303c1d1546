"""Volumes of a participant lie on one grid: turned onto it without loss, or refused by name."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.datasets._nifti import Affine, Grid, on_grid
from sdc_helpers.datasets.errors import DataFormatError

P = "subj01"
TURNS = [
    np.column_stack([axes, signs])
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]
DOORS = {
    "roi": lambda n: n.roi(P, "floc-faces").volume,
    "ncsnr": lambda n: n.ncsnr(P),
    "brain mask": lambda n: n.brainmask(P),
}


def file_of(tree, door):
    return {
        "roi": tree.functional(P) / "roi" / "floc-faces.nii.gz",
        "ncsnr": tree.betas(P, 1).with_name("ncsnr.nii.gz"),
        "brain mask": tree.functional(P) / "brainmask.nii.gz",
    }[door]


def save_again(file, change):
    image = nib.load(file)
    image = nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    nib.save(change(image), file)


@pytest.mark.parametrize("turn", TURNS[1::7], ids=lambda t: str(t.tolist()))
@pytest.mark.parametrize("door", DOORS)
def test_turned_axes_are_turned_back(tree, nsd, door, turn):
    before = DOORS[door](nsd)
    save_again(file_of(tree, door), lambda image: image.as_reoriented(turn))
    assert np.array_equal(DOORS[door](nsd), before)
    assert np.allclose(nsd.affine(P), tree.affine)


@pytest.mark.parametrize("door", DOORS)
def test_another_place_is_refused_naming_both(tree, nsd, door):
    affine = tree.affine.copy()
    affine[0, 3] += 1.8
    save_again(file_of(tree, door), lambda i: nib.Nifti1Image(np.asarray(i.dataobj), affine))
    asked = "roi" if door == "brain mask" else door
    with pytest.raises(DataFormatError, match=r"does not lie on the grid of") as caught:
        DOORS[asked](nsd)
    said = str(caught.value)
    assert str(file_of(tree, door)) in said
    assert "brainmask.nii.gz" in said
    assert "-8.2" in said
    assert "-10.0" in said


@pytest.mark.parametrize("shift", [0.05, -0.09])
def test_rounding_of_affines_is_no_other_place(tree, nsd, shift):
    before, affine = nsd.ncsnr(P), tree.affine.copy()
    affine[1, 3] += 1.8 * shift
    file = file_of(tree, "ncsnr")
    save_again(file, lambda i: nib.Nifti1Image(np.asarray(i.dataobj), affine))
    assert np.array_equal(nsd.ncsnr(P), before)


def without_affine(image):
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    return image


def test_a_volume_that_does_not_say_where_it_lies_is_refused(tree, nsd):
    save_again(file_of(tree, "roi"), without_affine)
    with pytest.raises(DataFormatError, match=r"floc-faces.*code 0.*says nothing of where"):
        nsd.roi(P, "floc-faces")


def test_a_tree_without_affines_is_read_as_stored(tree, nsd):
    before = {door: read(nsd) for door, read in DOORS.items()}
    for door in DOORS:
        save_again(file_of(tree, door), without_affine)
    for door, read in DOORS.items():
        assert np.array_equal(read(nsd), before[door])
    assert nsd.affine(P).space == "unknown"


def test_a_tree_of_other_axes_that_agree_is_read_as_stored(tree, nsd):
    before = {door: read(nsd) for door, read in DOORS.items()}
    affine = tree.affine @ np.diag([-1, 1, 1, 1])
    for door in DOORS:
        save_again(file_of(tree, door), lambda i: nib.Nifti1Image(np.asarray(i.dataobj), affine))
    for door, read in DOORS.items():
        assert np.array_equal(read(nsd), before[door])


def test_two_files_that_differ_and_neither_of_the_released_axes(tree, nsd):
    """Which of the two the betas follow, nobody can tell."""
    affine = tree.affine @ np.diag([-1, 1, 1, 1])
    for door in DOORS:
        save_again(file_of(tree, door), lambda i: nib.Nifti1Image(np.asarray(i.dataobj), affine))
    save_again(file_of(tree, "roi"), lambda i: i.as_reoriented(TURNS[2]))
    with pytest.raises(DataFormatError, match=r"floc-faces.*brainmask.*neither can be trusted"):
        nsd.roi(P, "floc-faces")


def test_without_a_reference_a_volume_has_the_released_axes(tree, nsd):
    before = nsd.roi(P, "floc-faces").volume
    for door in ("brain mask", "ncsnr"):
        file_of(tree, door).unlink()
    assert np.array_equal(nsd.roi(P, "floc-faces").volume, before)
    save_again(file_of(tree, "roi"), lambda i: i.as_reoriented(TURNS[7]))
    assert np.array_equal(nsd.roi(P, "floc-faces").volume, before)


def test_an_axis_of_length_one_and_scaled_labels(tree, nsd):
    before, file = nsd.roi(P, "floc-faces").volume, file_of(tree, "roi")
    image = nib.Nifti1Image((before[..., None] * 85).astype(np.int16), tree.affine)
    image.header.set_slope_inter(np.float32(1 / 85), 0)  # as programs store labels in 255 steps
    nib.save(image, file)
    assert np.array_equal(nsd.roi(P, "floc-faces").volume, before)
    image.header.set_slope_inter(0.01, 0)
    nib.save(image, file)
    with pytest.raises(DataFormatError, match=r"expected whole numbers.*scl_slope"):
        nsd.roi(P, "floc-faces")


def test_an_affine_that_lays_all_voxels_in_a_plane_is_refused(tree, nsd):
    def flatten(image):
        flat = nib.Nifti1Image(np.asarray(image.dataobj), None)
        flat.header["sform_code"] = 2  # srow_x and so on stay 0
        return flat

    save_again(file_of(tree, "ncsnr"), flatten)
    with pytest.raises(DataFormatError, match=r"ncsnr.*lays all voxels in one plane"):
        nsd.ncsnr(P)


@pytest.mark.parametrize(
    ("code", "space"), [("mni", "MNI"), ("scanner", "scanner"), ("aligned", "aligned")]
)
def test_the_affine_knows_its_space(tree, nsd, code, space):
    def mark(image):
        image.set_sform(tree.affine, code=code)
        return image

    save_again(file_of(tree, "brain mask"), mark)
    assert nsd.affine(P).space == space
    assert type(nsd.affine(P)[:3, 3]) is type(nsd.affine(P) @ np.eye(4)) is np.ndarray


@given(
    turn=st.sampled_from(TURNS),
    angle=st.floats(0, 2 * np.pi),
    shape=st.tuples(*[st.integers(1, 4)] * 3),
)
def test_any_turn_of_any_oblique_grid_is_undone(turn, angle, shape):
    """Each voxel keeps its value and its place in millimetres."""
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([1.8, 2.0, 2.5])
    affine[:3, 3] = (-5, 3, 11)
    data = np.arange(np.prod(shape)).reshape(shape)
    image = nib.Nifti1Image(data.astype(np.int32), affine).as_reoriented(turn)
    reference = Grid("reference", shape, Affine(affine), True)
    other = Grid("other", image.shape, Affine(image.affine), True)
    assert np.array_equal(on_grid(np.asarray(image.dataobj), other, reference), data)
