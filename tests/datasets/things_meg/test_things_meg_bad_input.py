"""What the reader of THINGS-MEG says about bad arguments and bad files: each its own."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.datasets.things_meg import THINGSMEG


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"group": "occipital"}, r"group='occipital' is unknown; .*O occipital, T temporal"),
        ({"group": ["O", "X"]}, r"group='X' is unknown"),
        ({"window": (100, 150)}, r"expected seconds from -0.1 to 0.345.*in milliseconds"),
        ({"window": (0.1, 0.5)}, r"expected seconds from -0.1 to 0.345"),
        ({"window": (0.2, 0.1)}, r"the first before the last"),
        ({"trial_type": "train"}, r"trial_type='train' .*'exp', 'test', 'catch'"),
        ({"repeated": "mean"}, r"repeated='mean' .*'average', 'keep'"),
        ({"bad": "zero"}, r"bad='zero' .*'raise', 'exclude'"),
    ],
)
def test_bad_arguments(tree, options, match):
    with pytest.raises(ValueError, match=match):
        tree.read(**options)


@pytest.mark.parametrize("method", ["sensors", "stimuli", "times", "responses"])
def test_unknown_participant(tree, method):
    with pytest.raises(ValueError, match=r"participant='sub-01' is unknown; .* holds P1"):
        getattr(THINGSMEG(tree.root), method)("sub-01")


@pytest.mark.parametrize(
    ("images", "match"),
    [
        ("zebra_01b.jpg", r"expected a list"),
        ([], r"expected a list"),
        (["zebra_01b.jpg"] * 2, r"names 'zebra_01b.jpg' twice"),
        (["zebra/zebra_01b.jpg"], r"none of the 1 has a response.*without folders"),
        ([0, 1], r"number 0; THINGS counts images from 1"),
        ([3, 3], r"number 3 twice"),
        ([1234], r"none of the 1 has a response, 1234 .*numbers such as 3"),
    ],
)
def test_bad_image_lists(tree, images, match):
    with pytest.raises(ValueError, match=match):
        tree.read().align(images)


def test_rows_of_repeats_are_not_aligned(tree):
    with pytest.raises(ValueError, match=r"8 trials show 2 images.*repeated='average'"):
        tree.read(trial_type="test", repeated="keep").align(["bat1_14s.jpg"])


def test_no_files(tmp_path):
    with pytest.raises(DataFormatError, match=r"holds no file preprocessed_P1-epo.fif"):
        THINGSMEG(tmp_path)


@pytest.mark.parametrize("cut", [1, 16, 3000, 30_000, 200_000])
@pytest.mark.parametrize("part", ["-epo.fif", "-epo-1.fif"])
def test_a_truncated_part_is_named(parts, cut, part):
    # MNE itself opens the parts before a cut one as if they were the whole recording
    file = parts.folder / f"preprocessed_P1{part}"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(DataFormatError, match=rf"{part} ends at byte \d+, before its last tag"):
        parts.read()


@pytest.mark.parametrize("part", ["-epo-1.fif", "-epo-2.fif"])
def test_a_missing_part_is_named(parts, part):
    (parts.folder / f"preprocessed_P1{part}").unlink()
    with pytest.raises(DataFormatError, match=rf"{part} is not there, but the recording of prep"):
        parts.read()


def test_no_fif_file(tree):
    tree.file.write_bytes(b"a page that says 404" * 1000)
    with pytest.raises(DataFormatError, match="truncated, or no FIF file"):
        tree.read()


def test_foreign_sensors(tree):
    tree.names[4] = "MEG 0113"
    tree.write()
    with pytest.raises(DataFormatError, match=r"1 of 26 sensors, 'MEG 0113' first.*CTF helmet"):
        tree.read()


def test_metadata_of_another_length(tree):
    n = len(tree.table)
    tree.table[:-2].to_csv(tree.attributes, index=False)
    with pytest.raises(
        DataFormatError,
        match=rf"sample_attributes_P1.csv has {n - 2} rows, but .* holds {n} trials",
    ):
        tree.read()


def test_metadata_without_a_column(tree):
    tree.table.drop(columns="run_nr").to_csv(tree.attributes, index=False)
    with pytest.raises(DataFormatError, match="has no column 'run_nr'"):
        tree.read()


def test_metadata_of_another_participant(tree):
    other = tree.table.copy()
    other.loc[0, "run_nr"] = 99
    other.to_csv(tree.attributes, index=False)
    with pytest.raises(DataFormatError, match="differ, first in trial 0"):
        tree.read()


def test_numbers_that_start_from_0(tree):
    tree.codes = tree.table["things_image_nr"].fillna(1_000_000).to_numpy(int) - 1
    tree.write()
    with pytest.raises(DataFormatError, match=r"things_image_nr of trial .* but the event code"):
        tree.read()


def test_a_number_with_two_names(tree):
    shown = tree.table["trial_type"] == "exp"
    tree.table.loc[shown.idxmax(), "image_path"] = "images_meg/zebra/zebra_99b.jpg"
    tree.table.loc[shown.idxmax(), "things_image_nr"] = 9
    tree.write()
    with pytest.raises(DataFormatError, match="image number 9 stands with"):
        tree.read()


def test_an_unknown_kind_of_trial(tree):
    tree.table.loc[3, "trial_type"] = "train"
    tree.write()
    with pytest.raises(DataFormatError, match="trial_type holds 'train'"):
        tree.read()


def test_no_metadata_at_all(tree):
    tree.table, whole = None, tree.table
    tree.codes, tree.csv = whole["things_image_nr"].fillna(999_999).to_numpy(int), False
    with pytest.raises(DataFormatError, match=r"no metadata and .*sample_attributes_P1.csv is not"):
        _without_metadata(tree).read()


def _without_metadata(tree):
    import mne

    info = mne.create_info(tree.names, 200.0, "mag")
    n = len(tree.codes)
    events = np.column_stack([np.arange(n), np.zeros(n, int), tree.codes])
    epochs = mne.EpochsArray(tree.values, info, events, tmin=-0.1, baseline=None, verbose="error")
    epochs.save(tree.file, overwrite=True, verbose="error")
    tree.attributes.unlink()
    return tree


def test_a_nan_trial(tree):
    [trial] = tree.trials("zebra_01b.jpg")
    tree.values[trial, 3, 40] = np.nan
    tree.write()
    with pytest.raises(ValueError, match=rf"23 trials read of P1 1 hold NaN.*trial {trial} first"):
        tree.read()
    assert tree.read(group="T").responses.shape[0] == 23  # not among the sensors read


def test_a_constant_sensor(tree):
    tree.values[:, 5] = 2.0
    tree.write()
    with pytest.raises(ValueError, match=r"1 of 26 sensors of P1 have the same value .*MLP11"):
        tree.read()
