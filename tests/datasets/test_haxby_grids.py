"""Runs and masks of the Haxby dataset are brought onto the grid of the first run, or refused."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from sdc_helpers.datasets import DataFormatError, load_haxby, load_haxby_runs

RIGHT_TO_LEFT = np.array([[0, -1], [1, 1], [2, 1]])


def turn(file, turn=RIGHT_TO_LEFT):
    image = nib.load(file)
    image = nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    nib.save(image.as_reoriented(turn), file)


def mask_file(haxby, name="vt"):
    return haxby.root / "sub001" / "masks" / "25mm" / f"{name}.nii.gz"


def test_a_mask_that_runs_from_right_to_left(haxby):
    before = load_haxby("whole_brain", mask="vt", root=haxby.root)
    assert set(before.voxels[:, 0]) == {0}
    turn(mask_file(haxby))
    after = load_haxby("whole_brain", mask="vt", root=haxby.root)
    assert np.array_equal(after.voxels, before.voxels)
    assert np.array_equal(after.responses, before.responses)


@pytest.mark.parametrize("axes", [[[0, -1], [1, 1], [2, 1]], [[1, 1], [0, -1], [2, 1]]])
def test_a_run_with_other_axes(haxby, axes):
    before = load_haxby(root=haxby.root)
    turn(haxby.bold(2), np.array([*axes, [3, 1]])[:3])
    after = load_haxby(root=haxby.root)
    assert np.array_equal(after.responses, before.responses)
    assert np.array_equal(after.affine, haxby.affine)


def test_a_run_that_lies_elsewhere_is_refused_naming_both(haxby):
    image = nib.load(haxby.bold(3))
    moved = image.affine @ nib.affines.from_matvec(np.eye(3), [1, 0, 0])
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), moved, image.header), haxby.bold(3))
    with pytest.raises(DataFormatError, match=r"run003.*does not lie on the grid of .*run001"):
        list(load_haxby_runs("slice", root=haxby.root))


def test_a_mask_with_a_fourth_axis_of_length_one(haxby):
    before = load_haxby("whole_brain", mask="vt", root=haxby.root)
    image = nib.load(mask_file(haxby))
    data = np.asarray(image.dataobj)[..., None]
    nib.save(nib.Nifti1Image(data, image.affine), mask_file(haxby))
    assert np.array_equal(
        load_haxby("whole_brain", mask="vt", root=haxby.root).voxels, before.voxels
    )


def test_the_real_masks_and_runs_lie_on_one_grid(real_data):
    for name in ("brain", "gray", "vt"):
        assert len(load_haxby("whole_brain", mask=name).voxels) > 0
