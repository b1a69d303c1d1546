"""The reader of THINGS-MEG on files that MNE wrote: every number is where it should be."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets.things_meg import CATCH, THINGSMEG

EXP_IMAGES = ["aardvark_03s.jpg", "bat1_02s.jpg", "zebra_01b.jpg"]


def sensors(tree, letter: str) -> list[int]:
    return [k for k, name in enumerate(tree.names) if name[2] == letter]


def expected(tree, image: str, columns=slice(None)) -> np.ndarray:
    return tree.values[tree.trials(image)][:, columns].mean(axis=0)


def test_sensors_are_grouped_by_name_and_the_trigger_is_none(tree):
    table = THINGSMEG(tree.root).sensors("P1")
    assert table["name"].tolist() == tree.names
    assert table["group"].tolist() == [name[2] for name in tree.names]
    assert table["side"].tolist() == [name[1] for name in tree.names]
    np.testing.assert_allclose(table["x"], 0.01 * np.arange(len(tree.names)), atol=1e-6)


def test_stimuli(tree):
    table = THINGSMEG(tree.root).stimuli("P1")
    catch = (tree.table["trial_type"] == "catch").to_numpy()
    assert table["trial_type"].tolist() == tree.table["trial_type"].tolist()
    assert (table["number"][catch] == CATCH).all()
    assert (table["number"][~catch] == tree.table["things_image_nr"][~catch]).all()
    assert set(table["image"][catch]) == {""}
    by_image = dict(zip(table["image"], table["concept"], strict=True))
    assert by_image["zebra_01b.jpg"] == "zebra"
    assert by_image["t_shirt_14s.jpg"] == "t_shirt"  # a test image, which has no folder
    assert table["session"].max() == 4


def test_images_come_by_number_without_catch_and_test_trials(tree):
    found = tree.read(group="O")
    assert found.numbers.tolist() == sorted(found.numbers)
    assert len(found.numbers) == 23
    assert found.images[:3].tolist() == EXP_IMAGES
    assert set(found.groups) == {"O"}
    assert (found.n_averaged == 1).all()
    for row, image in enumerate(EXP_IMAGES):
        own = expected(tree, image, sensors(tree, "O"))
        np.testing.assert_allclose(found.responses[row], own, atol=1e-5)


def test_repeats_are_averaged_or_kept(tree):
    mean = tree.read(trial_type="test")
    assert mean.images.tolist() == ["bat1_14s.jpg", "t_shirt_14s.jpg"]
    assert mean.n_averaged.tolist() == [4, 4]
    assert mean.trials is None
    np.testing.assert_allclose(mean.responses[1], expected(tree, "t_shirt_14s.jpg"), atol=1e-5)
    kept = tree.read(trial_type="test", repeated="keep")
    assert kept.trials.tolist() == sorted(
        tree.trials("bat1_14s.jpg") + tree.trials("shirt_14s.jpg")
    )
    np.testing.assert_allclose(kept.responses, tree.values[kept.trials], atol=1e-5)


@pytest.mark.parametrize(("window", "n"), [((0.1, 0.15), 11), ((-0.1, 0.0), 21), ((0.2, 0.2), 1)])
def test_a_window_is_in_seconds_and_has_both_ends(tree, window, n):
    found = tree.read(window=window)
    assert found.responses.shape[2] == n
    np.testing.assert_allclose(found.times[[0, -1]], window, atol=1e-9)
    start = round((window[0] + 0.1) * 200)
    own = expected(tree, "zebra_01b.jpg")[:, start : start + n]
    np.testing.assert_allclose(found.responses[2], own, atol=1e-5)


def test_parts_are_one_recording(tree, parts):
    assert parts.read().responses.shape[0] == 23  # not twice as many
    whole = [parts.read(trial_type=kind, repeated="keep") for kind in ("exp", "test", "catch")]
    trials = np.concatenate([part.trials for part in whole])
    values = np.concatenate([part.responses for part in whole])
    assert sorted(trials) == list(range(len(parts.table)))
    np.testing.assert_allclose(values, parts.values[trials], atol=1e-5)


def test_trials_are_read_in_slices(tree, monkeypatch):
    whole = tree.read(trial_type="test")
    monkeypatch.setattr("sdc_helpers.datasets.things_meg._SLICE", 3)
    sliced = tree.read(trial_type="test")
    np.testing.assert_array_equal(whole.responses, sliced.responses)


def test_align_by_name_and_by_number(tree):
    found = tree.read(group="T")
    names = ["zebra_01b.jpg", "nothing_01b.jpg", "aardvark_03s.jpg"]
    by_name, by_number = found.align(names), found.align([9, 12345, 3])
    for aligned in (by_name, by_number):
        assert aligned.images.tolist() == ["zebra_01b.jpg", "aardvark_03s.jpg"]
        assert aligned.numbers.tolist() == [9, 3]
        assert aligned.positions.tolist() == [0, 2]
        own = expected(tree, "zebra_01b.jpg", sensors(tree, "T"))
        np.testing.assert_allclose(aligned.responses[0], own, atol=1e-5)
    assert by_name.missing == ("nothing_01b.jpg",)
    assert by_number.missing == (12345,)
    one = found.align(np.array([9, 3, 5]), one_per_concept=True)
    assert one.numbers.tolist() == [9, 3, 5]


def test_either_table_is_enough(tree):
    both = THINGSMEG(tree.root).stimuli("P1")
    tree.attributes.unlink()
    assert THINGSMEG(tree.root).stimuli("P1").equals(both)
    assert THINGSMEG(tree.folder).stimuli("P1").equals(both)


def test_what_is_bad_can_be_left_out_and_is_named(tree):
    [trial] = tree.trials("zebra_01b.jpg")
    [repeat, *others] = tree.trials("bat1_14s.jpg")
    tree.values[trial, 3, 40] = np.nan
    tree.values[repeat, 0, 0] = np.inf
    tree.values[:, 5] = 2.0
    tree.write()
    found = tree.read(bad="exclude")
    assert found.nan_trials.tolist() == [trial]
    assert found.constant_sensors == (tree.names[5],)
    assert tree.names[5] not in found.sensors
    assert found.images[:3].tolist() == [*EXP_IMAGES[:2], "thing00_01b.jpg"]
    test = tree.read(trial_type="test", bad="exclude")
    assert test.n_averaged.tolist() == [3, 4]
    good = np.delete(np.arange(len(tree.names)), 5)
    np.testing.assert_allclose(
        test.responses[0], tree.values[others][:, good].mean(axis=0), atol=1e-5
    )
