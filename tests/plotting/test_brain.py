"""Maps on the cortex: right place, nothing invented, nothing loaded from elsewhere."""

from __future__ import annotations

import re
import warnings

import nibabel
import numpy as np
import pytest
from nilearn.datasets import load_fsaverage
from nilearn.surface import SurfaceImage

from sdc_helpers.datasets._nifti import Affine
from sdc_helpers.plotting import brain

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
AFFINE[:3, 3] = (-90, -126, -72)
SHAPE = (46, 55, 46)


def millimetres() -> np.ndarray:
    indices = np.indices(SHAPE)
    return np.einsum("ij,jxyz->ixyz", AFFINE[:3, :3], indices) + AFFINE[:3, 3][:, None, None, None]


def test_a_vertex_takes_the_value_of_the_voxel_that_it_lies_in():
    volume = millimetres()[1]  # each voxel holds its own position from back to front
    surface = brain.project_to_cortex(volume, AFFINE)
    meshes = load_fsaverage("fsaverage5")
    for side in ("left", "right"):
        found = surface.data.parts[side].ravel()
        between = (
            meshes["pial"].parts[side].coordinates + meshes["white_matter"].parts[side].coordinates
        ) / 2
        assert np.isfinite(found).all()
        # half a voxel, and the few millimetres between white and pial surface
        assert np.quantile(np.abs(found - between[:, 1]), 0.99) < 4


def test_left_stays_left():
    volume = np.where(millimetres()[0] < -4, 1.0, 2.0)
    surface = brain.project_to_cortex(volume, AFFINE)
    assert (surface.data.parts["left"] == 1).mean() > 0.9
    assert (surface.data.parts["right"] == 2).mean() > 0.9


def test_labels_are_not_mixed_and_unmeasured_cortex_stays_empty():
    volume = np.full(SHAPE, np.nan)
    behind = millimetres()[1] < -40
    volume[behind] = np.random.default_rng(0).integers(1, 4, SHAPE)[behind]
    data = brain.project_to_cortex(volume, AFFINE).data.parts["left"].ravel()
    assert set(np.unique(data[np.isfinite(data)])) == {1.0, 2.0, 3.0}
    front = load_fsaverage("fsaverage5")["pial"].parts["left"].coordinates[:, 1] > -30
    assert np.isnan(data[front]).all()


@pytest.mark.parametrize("measured", [0.5, 1.0])
def test_the_projection_is_that_of_nilearn_where_the_volume_covers_the_cortex(measured):
    rng = np.random.default_rng(1)
    volume = rng.integers(0, 3, SHAPE).astype(float)
    volume[rng.random(SHAPE) > measured] = np.nan
    found = brain.project_to_cortex(volume, AFFINE).data.parts
    meshes = load_fsaverage("fsaverage5")
    expected = SurfaceImage.from_volume(
        meshes["pial"],
        nibabel.Nifti1Image(volume.astype(np.float32), AFFINE),
        inner_mesh=meshes["white_matter"],
        interpolation="nearest_most_frequent",
    ).data.parts
    for side in ("left", "right"):
        np.testing.assert_array_equal(found[side].ravel(), expected[side].ravel())


@pytest.mark.parametrize(("axis", "first", "last"), [(0, 10, 35), (1, 20, 55), (2, 5, 15)])
def test_a_part_of_a_volume_is_read_where_it_is_and_nan_elsewhere(axis, first, last):
    place = millimetres()
    part = tuple(slice(first, last) if k == axis else slice(None) for k in range(3))
    affine = AFFINE.copy()
    affine[axis, 3] += 4.0 * first
    found = brain.project_to_cortex(place[axis][part], affine).data.parts
    whole = brain.project_to_cortex(place[axis], AFFINE).data.parts
    low, high = (AFFINE[axis, 3] + 4.0 * k for k in (first - 0.5, last - 0.5))
    for side in ("left", "right"):
        depths = [_meshes()[d].parts[side].coordinates[:, axis] for d in ("pial", "white_matter")]
        below, above = np.min(depths, axis=0), np.max(depths, axis=0)
        inside, outside = (below > low) & (above < high), (above < low) | (below > high)
        assert inside.any()
        assert outside.any()
        np.testing.assert_array_equal(found[side].ravel()[inside], whole[side].ravel()[inside])
        assert np.isnan(found[side].ravel()[outside]).all()


def _meshes():
    return load_fsaverage("fsaverage5")


def test_a_map_of_nothing_near_is_empty_and_says_so():
    affine = AFFINE.copy()
    affine[:3, 3] += 1000
    with pytest.warns(UserWarning, match="No voxel with a value lies near the cortex"):
        surface = brain.project_to_cortex(np.ones((5, 5, 5)), affine)
    assert all(np.isnan(part).all() for part in surface.data.parts.values())


DRAWINGS = {
    "map": lambda v, a: brain.plot_cortex(v, a, label="x", panels=(("left", "lateral"),)),
    "shared": lambda v, a: brain.plot_shared_cortex(
        {"subj01": v > 0}, {"subj01": a}, panels=(("left", "lateral"),)
    ),
    "turning": lambda v, a: brain.show_turning_cortex(v, a, "caption"),
}


@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("space", ["MNI", None, "scanner", "aligned", "unknown"])
def test_another_space_than_mni_is_said(drawing, space, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda data, raw: None)
    affine = AFFINE if space is None else Affine(AFFINE, space)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DRAWINGS[drawing](np.ones(SHAPE), affine)
    said = [str(w.message) for w in caught if "not in MNI space" in str(w.message)]
    if space in ("MNI", None):
        assert said == []
    else:
        assert len(said) == 1
        assert repr(space) in said[0]


def test_an_affine_that_is_none_is_refused():
    with pytest.raises(ValueError, match="expected an invertible matrix"):
        brain.project_to_cortex(np.ones(SHAPE), np.zeros((4, 4)))


def test_a_volume_without_three_axes_is_refused():
    with pytest.raises(ValueError, match=r"shape \(5, 4\); expected three axes"):
        brain.project_to_cortex(np.zeros((5, 4)), AFFINE)


@pytest.mark.parametrize("panels", [brain.PANELS, (("left", "ventral"), ("right", "ventral"))])
def test_a_map_has_its_panels_and_a_labelled_colour_bar(panels):
    figure = brain.plot_cortex(millimetres()[1], AFFINE, label="mm", title="test", panels=panels)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [f"{side}, {view}" for side, view in panels]
    assert "mm" in {axes.get_xlabel() for axes in figure.axes}


def test_the_turning_cortex_needs_no_network(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    brain.show_turning_cortex(
        np.where(millimetres()[1] < -40, 1.0, np.nan), AFFINE, "turn <me> round"
    )
    page = shown[0]["text/html"]
    assert "turn &lt;me&gt; round" in page
    assert "<iframe" in page
    inner = page.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="https?://[^"]*\.(?:js|css)', inner)


def test_a_shared_cortex_has_each_participants_colour_and_white_where_they_overlap():
    x = millimetres()[0]
    masks = {"a": x < 8, "b": x > -8}
    surface, colormap, limits = brain._shared_surface(masks, dict.fromkeys(masks, AFFINE))
    left, right = (surface.data.parts[side] for side in ("left", "right"))
    assert {1, 3} >= set(np.unique(left[np.isfinite(left)]))
    assert {2, 3} >= set(np.unique(right[np.isfinite(right)]))
    assert (left == 1).mean() > 0.5
    assert (left == 3).any()
    assert limits == (0.5, 3.5)
    assert colormap.N == 3
    assert colormap(2) == (1, 1, 1, 1)


def test_a_shared_cortex_leaves_what_nobody_has_empty_and_needs_somebody():
    surface = brain._shared_surface({"a": np.zeros(SHAPE, bool)}, {"a": AFFINE})[0]
    assert np.isnan(surface.data.parts["left"]).all()
    with pytest.raises(ValueError, match="no participant"):
        brain.plot_shared_cortex({}, {})
    ax = np.array([None])
    with pytest.raises(ValueError, match="one for each"):
        brain.plot_shared_cortex({"a": np.ones(SHAPE, bool)}, {"a": AFFINE}, ax)
