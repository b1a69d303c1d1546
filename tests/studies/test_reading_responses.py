"""Responses of concepts' voxels to test pictures, by loops over trials and voxels."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sdc_helpers.studies.reading_responses import HeldOut, held_out_responses, responses_of


def mean_response(reading, name, image, voxels, *, is_percent=True):
    """Mean over the test trials of a picture and over voxels."""
    one = reading.data[name]
    betas = reading.study.reader.betas(name, one.mask) if is_percent else one.responses
    values = [
        betas[trial, voxel]
        for trial in range(8, 16)
        if one.image_ids[trial] == image
        for voxel in np.flatnonzero(voxels)
    ]
    assert len(values) == 2 * voxels.sum()
    return np.mean(values)


def test_responses_are_means_over_voxels_and_repetitions(reading):
    held = held_out_responses(reading)
    for name in "ab":
        assert set(held.pictures[name]) == set(reading.data[name].image_ids[8:])
        for row, image in enumerate(held.pictures[name]):
            for concept in (0, 1):
                voxels = reading.own[name] == concept
                for unit in ("percent", "z_scored"):
                    found = getattr(held, unit)[name][row, concept]
                    if name == "b" and concept == 1:  # one voxel, where two are asked for
                        assert np.isnan(found)
                        continue
                    is_percent = unit == "percent"
                    by_loops = mean_response(reading, name, image, voxels, is_percent=is_percent)
                    assert found == pytest.approx(by_loops, abs=1e-6)


def test_participants_without_the_voxels_are_left_out():
    rows = np.array([[1.0, np.nan], [2.0, np.nan]])
    held = HeldOut({}, {"a": rows, "b": rows[:, ::-1]}, {"a": 3 * rows, "b": rows})
    assert {name: v.tolist() for name, v in held.along(0).items()} == {"a": [1, 2]}
    assert {name: v.tolist() for name, v in held.along(1).items()} == {"b": [1, 2]}
    both = held.along(0, "z_scored")
    assert {name: v.tolist() for name, v in both.items()} == {"a": [3, 6], "b": [1, 2]}


def test_a_found_concept_is_read_from_its_cluster(reading):
    held = held_out_responses(reading)
    responses, origin = responses_of(reading, "number", held)
    assert origin == "cluster"
    assert list(responses) == ["a", "b"]
    for name, values in responses.items():
        np.testing.assert_array_equal(values, held.percent[name][:, 0])


@pytest.mark.parametrize(("concept", "stands_in"), [("food_shape", False), ("number", True)])
def test_one_that_was_missed_or_stands_in_is_read_from_its_planted_voxels(
    reading, concept, stands_in
):
    reading_here = replace(reading, stands_in=stands_in)
    reading_here.__dict__["planted"] = reading.planted
    held = held_out_responses(reading_here)
    responses, origin = responses_of(reading_here, concept, held)
    assert origin == "planted voxels"
    mask = reading.planted.masks[concept]
    for name, voxels in (("a", mask[:10]), ("b", mask[10:])):
        by_loops = [mean_response(reading, name, i, voxels) for i in held.pictures[name]]
        np.testing.assert_allclose(responses[name], by_loops, atol=1e-6)


def test_what_was_not_planted_cannot_be_read(reading):
    held = held_out_responses(reading)
    with pytest.raises(ValueError, match="'dogs' was not planted"):
        responses_of(reading, "dogs", held)
    real = replace(reading, study=SimpleNamespace(truth=None, reader=reading.study.reader))
    with pytest.raises(ValueError, match="'number' was not planted"):
        responses_of(real, "number", held)
