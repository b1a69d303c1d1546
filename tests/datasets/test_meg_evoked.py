"""The real evoked fields: where and when they peak, and the sensor that is bad."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets import DataFormatError
from sdc_helpers.datasets.meg_evoked import REGIONS, load_meg_evoked


@pytest.fixture(scope="module")
def evoked(mirror_folder):
    folder = mirror_folder / "meg_evoked"
    if not (folder / "test-ave.fif.gz").is_file():
        pytest.skip("the mirror has no evoked fields")
    return load_meg_evoked(folder)


def rms(fields):
    return np.sqrt((fields**2).mean(axis=0))


def test_the_file(evoked):
    assert evoked.conditions == ("Left Auditory", "Right Auditory", "Left visual", "Right visual")
    assert evoked.n_averaged == (3, 6, 6, 6)
    assert evoked.fields.shape == (4, 306, 421)
    assert evoked.is_gradiometer.sum() == 204
    assert evoked.times[[0, -1]] == pytest.approx([-0.2, 0.5], abs=1e-3)
    np.testing.assert_allclose(evoked.fields[:, :, evoked.times < 0].mean(axis=2), 0, atol=1e-18)
    assert np.abs(evoked.places).max() < 0.2  # metres


def test_a_visual_response_peaks_over_the_back_of_the_head(evoked):
    back = evoked.in_region("Right-occipital") & evoked.is_gradiometer
    course = rms(evoked.fields[3, back])
    late = evoked.times > 0.1
    peak = evoked.times[late][course[late].argmax()]
    assert 0.15 < peak < 0.19  # 175 ms, without the bad sensor, which lies elsewhere
    assert course.max() > 3 * course[evoked.times < 0].mean()
    assert evoked.places[back, 1].mean() < -0.03 < evoked.places[:, 1].mean()


def test_one_sensor_is_bad_and_makes_a_peak_of_its_own(evoked):
    fields = evoked.fields[3, evoked.is_gradiometer]
    names = np.array(evoked.sensors)[evoked.is_gradiometer]
    spread = fields[:, evoked.times < 0].std(axis=1)
    assert names[spread.argmax()] == "MEG 2443"
    assert spread.max() > 20 * np.median(spread)
    assert np.sort(spread)[-2] < 2 * np.median(spread)
    late = evoked.times > 0.1
    with_bad, without = (
        evoked.times[late][rms(part)[late].argmax()]
        for part in (fields, fields[names != "MEG 2443"])
    )
    assert with_bad == pytest.approx(0.166, abs=0.002)
    assert abs(without - with_bad) > 0.01


def test_regions(evoked):
    assert all(evoked.in_region(region).sum() > 20 for region in REGIONS)
    with pytest.raises(ValueError, match="region='occipital' is unknown"):
        evoked.in_region("occipital")


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataFormatError, match="the evoked fields"):
        load_meg_evoked(tmp_path)
    (tmp_path / "test-ave.fif.gz").write_bytes(b"no gzip")
    with pytest.raises(DataFormatError, match=r"test-ave\.fif\.gz cannot be read"):
        load_meg_evoked(tmp_path)
