"""What the THINGS-fMRI reader says about bad arguments and bad files."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from sdc_helpers.datasets.errors import DataAccessError, DataFormatError
from sdc_helpers.datasets.things import THINGSfMRI

P, N_VOXELS = "sub-01", 12
TEST_IMAGES = ("bat1_14s.jpg", "zebra_14s.jpg")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"roi": "v1"}, r"roi='v1' is unknown; the nearest of the 5 ROIs of sub-01 are .*V1"),
        ({"roi": ["V1", "lFAA"]}, r"roi='lFAA' is unknown; .*lFFA"),
        ({"roi": "lFFA"}, r"roi='lFFA' holds no voxel of sub-01"),
        ({"roi": np.zeros(N_VOXELS, bool)}, r"holds no voxel"),
        ({"roi": np.ones(5, bool)}, r"mask of 5 voxels; sub-01 has 12"),
        ({"roi": [-4]}, r"sub-01 has no voxel -4; its ids run from"),
        ({"roi": "twice"}, r"names a voxel id twice"),
        ({"roi": []}, r"roi=\[\]: expected the name of a ROI"),
        ({"roi": 0.5}, r"roi=0.5: expected"),
        ({"roi": np.ones((N_VOXELS, 2), bool)}, r"expected the name of a ROI"),
        ({"trial_type": "catch"}, r"trial_type='catch' .*'train', 'test', 'all'"),
        ({"bad_voxels": "zero"}, r"bad_voxels='zero' .*'raise', 'exclude', 'keep'"),
        ({"repeated": "mean"}, r"repeated='mean' .*'average', 'keep'"),
    ],
)
def test_bad_arguments(tree, options, match):
    if isinstance(options.get("roi"), str) and options["roi"] == "twice":
        options = {"roi": tree.ids[[3, 3]]}
    with pytest.raises(ValueError, match=match):
        tree.read(**options)


@pytest.mark.parametrize("method", ["rois", "voxels", "stimuli", "responses"])
def test_unknown_participant(tree, method):
    with pytest.raises(ValueError, match=r"participant='sub-1' is unknown; .* holds sub-01"):
        getattr(THINGSfMRI(tree.root), method)("sub-1")


@pytest.mark.parametrize(
    ("images", "match"),
    [
        ("zebra_01s.jpg", r"images='zebra_01s.jpg': expected a list"),
        ([], r"images=\[\]: expected a list"),
        ([1, 2], r"images=\[1, 2\]: expected a list"),
        (["zebra_01s.jpg"] * 2, r"images names 'zebra_01s.jpg' twice"),
        (["zebra/zebra_01s.jpg"], r"none of the 1 has a response.*without folders"),
    ],
)
def test_bad_image_lists(tree, images, match):
    with pytest.raises(ValueError, match=match):
        tree.read().align(images)


def test_kept_repetitions_cannot_be_aligned(tree):
    kept = tree.read(trial_type="test", repeated="keep")
    with pytest.raises(ValueError, match=r"6 trials show 2 images.*repeated='average'"):
        kept.align(list(TEST_IMAGES))


def test_no_trials_of_a_type(tree):
    tree.stimuli["trial_type"] = "train"
    tree.write()
    with pytest.raises(ValueError, match=r"trial_type='test': sub-01 has no such trial"):
        tree.read(trial_type="test")


def test_a_folder_without_files(tmp_path):
    with pytest.raises(DataFormatError, match=r"holds no file sub-01_ResponseData.h5"):
        THINGSfMRI(tmp_path)
    with pytest.raises(DataFormatError, match=r"nowhere holds no file"):
        THINGSfMRI(tmp_path / "nowhere")


H5, VOX, STIM = "ResponseData.h5", "VoxelMetadata.csv", "StimulusMetadata.csv"


def cut(kind, keep):
    def breakage(tree):
        content = tree.file(kind).read_bytes()
        tree.file(kind).write_bytes(content[: int(len(content) * keep)])

    return breakage


def replace(kind, content):
    return lambda tree: tree.file(kind).write_bytes(content)


def tables(**changes):
    """Change a table: ``voxels=...`` or ``stimuli=...``, functions of the old one."""

    def breakage(tree):
        for name, change in changes.items():
            setattr(tree, name, change(getattr(tree, name)))
        tree.write()

    return breakage


def responses(change):
    return lambda tree: tree.edit(lambda handle: change(handle["ResponseData"]))


def set_data(name, data):
    def change(group):
        if name in group:
            del group[name]
        group.create_dataset(name, data=data)

    return responses(change)


def rename_key(tree):
    tree.edit(lambda handle: handle.move("ResponseData", "betas"))


BROKEN = {
    "no response file": (lambda t: t.file(H5).unlink(), r"sub-01_ResponseData.h5 is not there"),
    "no voxel table": (lambda t: t.file(VOX).unlink(), r"sub-01_VoxelMetadata.csv is not there"),
    "no stimulus table": (lambda t: t.file(STIM).unlink(), r"StimulusMetadata.csv is not there"),
    "responses cut": (cut(H5, 0.6), r"sub-01_ResponseData.h5 cannot be opened as HDF5.*truncated"),
    "responses empty": (replace(H5, b""), r"cannot be opened as HDF5.*another kind"),
    "responses foreign": (
        replace(H5, b"PK\x03\x04 a zip file"),
        r"cannot be opened as HDF5.*another kind",
    ),
    "voxels empty": (replace(VOX, b""), r"VoxelMetadata.csv cannot be read as a CSV table"),
    "voxels binary": (replace(VOX, b"\x89HDF\r\n\xff\xfe"), r"VoxelMetadata.csv"),
    "voxels cut": (
        cut(VOX, 0.97),
        r"VoxelMetadata.csv: the last line .*has 8 fields where the header has 14.*cut short",
    ),
    "stimuli cut": (cut(STIM, 0.5), r"StimulusMetadata.csv"),
    "stimuli cut at a line": (
        tables(stimuli=lambda s: s[:-2]),
        r"ResponseData.h5 has 18 trials, but StimulusMetadata.csv has 16 rows",
    ),
    "stimuli too long": (
        tables(stimuli=lambda s: pd.concat([s, s[-1:].assign(trial_id=18)])),
        r"has 18 trials, but StimulusMetadata.csv has 19 rows",
    ),
    "stimuli without rows": (tables(stimuli=lambda s: s[:0]), r"a header and no rows"),
    "stimuli: a row lost": (tables(stimuli=lambda s: s.drop(4)), r"trial_id runs from 0 to 17 in"),
    "stimuli: trial twice": (
        tables(stimuli=lambda s: s.assign(trial_id=0, run=1)),
        r"repeats a trial_id of the same run",
    ),
    "stimuli: no column": (
        tables(stimuli=lambda s: s.drop(columns="stimulus")),
        r"StimulusMetadata.csv has no column 'stimulus'",
    ),
    "stimuli: no name": (
        tables(stimuli=lambda s: s.assign(stimulus=s.stimulus.where(s.index != 3))),
        r"StimulusMetadata.csv: line 5 has no stimulus",
    ),
    "stimuli: no concept": (
        tables(stimuli=lambda s: s.assign(stimulus=s.stimulus.str.replace("_", ""))),
        r"names no concept; expected names such as aardvark_01b.jpg",
    ),
    "stimuli: catch trial": (
        tables(stimuli=lambda s: s.assign(trial_type="catch")),
        r"trial_type holds 'catch'; expected train or test",
    ),
    "stimuli: session in words": (
        tables(stimuli=lambda s: s.assign(session="first")),
        r"column 'session' must hold whole numbers",
    ),
    "voxels: no column": (
        tables(voxels=lambda v: v.drop(columns="nc_testset")),
        r"VoxelMetadata.csv has no column 'nc_testset'",
    ),
    "voxels: semicolons": (
        lambda t: t.voxels.to_csv(t.file(VOX), sep=";"),
        r"no column 'voxel_id'.*comma-separated",
    ),
    "voxels: id twice": (
        tables(
            voxels=lambda v: v.assign(voxel_id=v.voxel_id.replace(v.voxel_id[1], v.voxel_id[0]))
        ),
        r"VoxelMetadata.csv: voxel_id \d+ occurs 2 times",
    ),
    "voxels: id not whole": (
        tables(voxels=lambda v: v.assign(voxel_id=v.voxel_id + 0.5)),
        r"column 'voxel_id' must hold whole numbers",
    ),
    "voxels: ROI in words": (
        tables(voxels=lambda v: v.assign(V2="yes")),
        r"column 'V2' holds 'yes' in line 2; .*must hold 0 or 1",
    ),
    "voxels: ROI with labels": (
        tables(voxels=lambda v: v.assign(V2=np.arange(N_VOXELS))),
        r"column 'V2' holds '2' in line 4",
    ),
    "voxels: ceiling in words": (
        tables(voxels=lambda v: v.assign(nc_testset="high")),
        r"column 'nc_testset' holds text",
    ),
    "voxels: rows lost": (
        tables(voxels=lambda v: v[:-2]),
        r"ResponseData.h5 has 12 voxels and VoxelMetadata.csv 10; 2 ids are in one of them only",
    ),
    "voxels: another participant": (
        tables(voxels=lambda v: v.assign(voxel_id=np.arange(2000, 2000 + N_VOXELS))),
        r"24 ids are in one of them only",
    ),
    "responses: a group for a block": (
        responses(lambda g: (g.pop("block1_values"), g.create_group("block1_values"))),
        r"one integer column voxel_id, got \{'block0'",
    ),
    "responses: id twice": (
        set_data("block1_values", np.zeros((N_VOXELS, 1), int)),
        r"ResponseData.h5: voxel_id 0 occurs 12 times",
    ),
    "responses: ids too few": (
        set_data("block1_values", np.zeros((3, 1), int)),
        r"12 rows of responses, but 3 voxel ids",
    ),
    "responses: no ids": (responses(lambda g: g.pop("block1_values")), r"one integer column"),
    "responses: integers": (
        set_data("block0_values", np.zeros((N_VOXELS, 18), int)),
        r"one block of floats \(voxels, trials\)",
    ),
    "responses: two float blocks": (set_data("block2_values", np.zeros((2, 2))), r"one block of"),
    "responses: pandas table": (
        set_data("table", np.zeros(3)),
        r"format 'table'; expected 'fixed'",
    ),
    "responses: other key": (rename_key, r"has no group 'ResponseData'; it holds \['betas'\]"),
    "responses: columns in another order": (
        set_data("block0_items", np.arange(18)[::-1]),
        r"the columns of block0 are \['17', '16', '15'\]",
    ),
    "responses: other column": (
        set_data("block1_items", np.array([b"subject"])),
        r"the columns of block1 are \['subject'\]",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(tree, case):
    breakage, match = BROKEN[case]
    breakage(tree)
    with pytest.raises(DataFormatError, match=match):
        tree.read()


def test_responses_that_are_a_link_to_another_file(tree, tmp_path):
    """Followed where the other file is there; named where it is not."""
    before, other = tree.read(roi="V1"), tmp_path / "other.h5"
    with h5py.File(other, "w") as handle:
        handle["values"] = tree.values

    def link(handle):
        del handle["ResponseData/block0_values"]
        handle["ResponseData/block0_values"] = h5py.ExternalLink(str(other), "/values")

    tree.edit(link)
    assert np.array_equal(tree.read(roi="V1").responses, before.responses)
    other.unlink()
    with pytest.raises(DataAccessError, match=r"'block0_values' is a link to .*other\.h5:"):
        tree.read(roi="V1")


@pytest.mark.parametrize("kind", [H5, VOX, STIM])
def test_a_file_that_is_whole_and_cannot_be_read(tree, assert_told, kind):
    assert_told(tree.file(kind), lambda: tree.read(roi="V1"), DataAccessError)


def test_names_of_the_system_are_no_participants(tree):
    before = THINGSfMRI(tree.root).participants
    (tree.root / "._sub-07_ResponseData.h5").write_bytes(b"\0\5\26\7")
    (tree.root / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    assert THINGSfMRI(tree.root).participants == before


@pytest.mark.parametrize("kind", [VOX, STIM])
def test_a_table_cut_in_its_last_field(tree, kind):
    file = tree.file(kind)
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(DataFormatError, match=rf"{kind}: the last line .*cut short"):
        tree.read(roi="V1")
