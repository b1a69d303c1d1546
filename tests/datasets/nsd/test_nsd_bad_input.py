"""Every damaged, truncated, foreign or missing input is named, with what was expected."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest

from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.datasets.nsd import NSD

P = "subj01"
GRID = (6, 7, 5)
MASK = np.ones(GRID, dtype=bool)


def truncate(file, fraction=0.5):
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * fraction)])


# Files: (what was done to the tree, what was asked, the words of the message)


def truncated_betas(tree):
    truncate(tree.betas(P, 2), 0.9)


def text_named_hdf5(tree):
    tree.betas(P, 2).write_text("SESSION\t2\n")


def empty_hdf5(tree):
    tree.betas(P, 2).write_bytes(b"")


def hdf5_without_betas(tree):
    tree.write_hdf5(tree.betas(P, 2), "beta", tree.stored[P, 2])


def betas_as_group(tree):
    with h5py.File(tree.betas(P, 2), "w") as handle:
        handle.create_group("betas")


def float_betas(tree):
    tree.write_hdf5(tree.betas(P, 2), "betas", tree.stored[P, 2] / np.float32(300))


def unsigned_betas(tree):
    tree.write_hdf5(tree.betas(P, 2), "betas", tree.stored[P, 2].astype(np.uint16))


def flat_betas(tree):
    tree.write_hdf5(tree.betas(P, 2), "betas", tree.stored[P, 2].reshape(10, -1))


def betas_without_trials(tree):
    tree.write_hdf5(tree.betas(P, 2), "betas", tree.stored[P, 2][:0])


def betas_of_another_grid(tree):
    tree.write_hdf5(tree.betas(P, 2), "betas", tree.stored[P, 2][:, 1:])


def damaged_chunks(tree):
    """Overwrite the compressed data, not the header."""
    tree.write_betas(P, 2, tree.stored[P, 2], "gzip, one chunk a voxel")
    with h5py.File(tree.betas(P, 2)) as handle:
        start = handle["betas"].id.get_chunk_info(0).byte_offset
    with tree.betas(P, 2).open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 30)


def no_betas_at_all(tree):
    shutil.rmtree(tree.betas(P, 1).parent)


def no_brainmask(tree):
    (tree.functional(P) / "brainmask.nii.gz").unlink()


BETAS = [
    (truncated_betas, r"betas_session02.*cannot be opened as HDF5.*truncated.*download it again"),
    (text_named_hdf5, r"betas_session02.*cannot be opened as HDF5.*signature.*10 bytes"),
    (empty_hdf5, r"betas_session02.*cannot be opened as HDF5.*0 bytes"),
    (hdf5_without_betas, r"betas_session02.*no dataset 'betas', only \['beta'\]"),
    (betas_as_group, r"betas_session02.*no dataset 'betas'"),
    (float_betas, r"betas_session02.*float32, expected int16 holding 300 x percent"),
    (unsigned_betas, r"betas_session02.*uint16, expected int16"),
    (flat_betas, r"betas_session02.*shape \(10, 210\), expected \(trials, Z, Y, X\)"),
    (betas_without_trials, r"betas_session02.*shape \(0, 5, 7, 6\).*none of them 0"),
    (betas_of_another_grid, r"betas_session02.*\(6, 7, 4\), but betas_session01.* \(6, 7, 5\)"),
    (damaged_chunks, r"betas_session02.*cannot be read.*damaged; download it again"),
    (no_betas_at_all, r"holds no betas_session01.hdf5.*download the betas of subj01"),
]


@pytest.mark.parametrize(("damage", "message"), BETAS, ids=lambda v: getattr(v, "__name__", ""))
def test_damaged_betas(tree, tmp_path, damage, message):
    damage(tree)
    nsd = NSD(tree.root, cache=tmp_path / "cache")
    with pytest.raises(DataFormatError, match=message):
        nsd.betas(P, MASK)
    assert [p for p in tmp_path.glob("cache/*") if p.suffix != ".lock"] == []


def test_without_a_brain_mask_voxels_must_be_given(tree, nsd):
    no_brainmask(tree)
    with pytest.raises(DataFormatError, match=r"brainmask.nii.gz is not there.*pass voxels"):
        nsd.betas(P)
    assert nsd.betas(P, MASK).shape == (30, 210)


def change_rows(change):
    def damage(tree):
        rows = tree.response_rows(P)
        change(rows)
        tree.write_responses(P, rows)

    return damage


def lack_a_column(rows):
    for row in rows:
        del row["73KID"]


def set_image(value):
    def change(rows):
        rows[4]["73KID"] = value

    return change


def repeat_a_row(rows):
    rows[5]["TRIAL"] = rows[4]["TRIAL"]


def another_participant(rows):
    for row in rows:
        row["SUBJECT"] = 4


def no_session_number(rows):
    rows[0]["SESSION"] = ""


TRIALS = {
    "missing column": (
        change_rows(lack_a_column),
        r"responses.tsv lacks the column '73KID'.*found \['SUBJECT'",
    ),
    "text for an id": (
        change_rows(set_image("seventeen")),
        r"responses.tsv: 73KID is 'seventeen' in line 6, expected a whole number",
    ),
    "fractional id": (change_rows(set_image(2.5)), r"73KID is '2.5' in line 6"),
    "infinite id": (change_rows(set_image("inf")), r"73KID is 'inf' in line 6"),
    "id 0": (change_rows(set_image(0)), r"73KID is 0 in line 6, expected 1 to 73000"),
    "id 73001": (change_rows(set_image(73001)), r"73KID is 73001 in line 6"),
    "id without a row": (change_rows(set_image(70000)), r"stim_info.*no row for image 70000"),
    "repeated trial": (change_rows(repeat_a_row), r"line 7 repeats a session, run and trial"),
    "another participant": (
        change_rows(another_participant),
        r"SUBJECT is 4 in line 2, expected 1",
    ),
    "no session": (change_rows(no_session_number), r"SESSION is 'nan' in line 2"),
    "header alone": (
        lambda t: t.responses(P).write_text("SUBJECT\tSESSION\tRUN\tTRIAL\t73KID\n"),
        r"responses.tsv has no rows",
    ),
    "empty file": (
        lambda t: t.responses(P).write_text(""),
        r"responses.tsv cannot be read as a table",
    ),
    "binary file": (
        lambda t: t.responses(P).write_bytes(bytes(range(256)) * 9),
        r"responses.tsv(: the last line .*cut short| cannot be read| lacks the column)",
    ),
    "no file": (
        lambda t: t.responses(P).unlink(),
        r"responses.tsv is not there; expected the trials",
    ),
    "stim_info lacks a column": (
        lambda t: t.write_stim_info(drop="shared1000"),
        r"nsd_stim_info_merged.csv lacks the column 'shared1000'",
    ),
    "stim_info is not there": (
        lambda t: t.stim_info.unlink(),
        r"nsd_stim_info_merged.csv is not there",
    ),
    "stim_info has other words": (
        lambda t: t.stim_info.write_text(t.stim_info.read_text().replace("False", "perhaps")),
        r"shared1000 is 'perhaps' in line 3, expected True or False",
    ),
    "stim_info repeats an image": (
        lambda t: t.stim_info.write_text(t.stim_info.read_text() + "9,1,val2017,x,8,True\n"),
        r"nsdId 8 occurs twice",
    ),
}


@pytest.mark.parametrize("case", TRIALS)
def test_damaged_trials(tree, nsd, case):
    damage, message = TRIALS[case]
    damage(tree)
    with pytest.raises(DataFormatError, match=message):
        nsd.trials(P)


@pytest.mark.parametrize("change", ["too few", "too many"])
def test_as_many_trials_as_betas(tree, nsd, change):
    rows = tree.response_rows(P)
    if change == "too few":
        tree.write_responses(P, rows[:-3])
    else:
        tree.write_betas(P, 3, tree.stored[P, 3][:7], "contiguous")
    nsd.trials(P)
    counts = "7 trials of session 3.*has 10" if change == "too few" else "10 trials.*has 7"
    with pytest.raises(DataFormatError, match=counts):
        nsd.trials(P, with_betas=True)
    assert len(nsd.trials(P, sessions=[1, 2], with_betas=True)) == 20


STIMULI = {
    "no file": (lambda t: t.stimuli.unlink(), r"nsd_stimuli.hdf5 is not there"),
    "truncated": (lambda t: truncate(t.stimuli), r"nsd_stimuli.hdf5.*cannot be opened as HDF5"),
    "another name": (
        lambda t: t.write_hdf5(t.stimuli, "images", t.images),
        r"no dataset 'imgBrick', only \['images'\]",
    ),
    "floats": (
        lambda t: t.write_hdf5(t.stimuli, "imgBrick", t.images / 255),
        r"'imgBrick' is float64 .*expected uint8",
    ),
    "grey": (
        lambda t: t.write_hdf5(t.stimuli, "imgBrick", t.images[..., 0]),
        r"shape \(60, 4, 5\), expected .*\(images, height, width, 3\)",
    ),
}


@pytest.mark.parametrize("case", STIMULI)
def test_damaged_stimuli(tree, nsd, case):
    damage, message = STIMULI[case]
    damage(tree)
    with pytest.raises(DataFormatError, match=message):
        nsd.stimuli([1])


def write_json(content):
    def damage(tree):
        text = content if isinstance(content, str) else json.dumps(content)
        tree.captions("val2017").write_text(text)

    return damage


CAPTIONS = {
    "no file": (lambda t: t.captions("val2017").unlink(), r"captions_val2017.json is not there"),
    "truncated": (lambda t: truncate(t.captions("val2017")), r"cannot be read as JSON"),
    "a list": (write_json([]), r"no list 'annotations'"),
    "no annotations": (write_json({"images": []}), r"no list 'annotations'"),
    "no image_id": (
        write_json({"annotations": [{"id": 1, "caption": "a"}]}),
        r"annotation 0 is .*expected an 'image_id'",
    ),
    "no caption": (
        write_json({"annotations": [{"image_id": 1, "caption": None}]}),
        r"annotation 0 is .*a 'caption' \(text\)",
    ),
    "an id is missing": (
        write_json({"annotations": [{"image_id": 5, "caption": "a"}]}),
        r"no caption of image 1 \(cocoId 1000\)",
    ),
}


@pytest.mark.parametrize("case", CAPTIONS)
def test_damaged_captions(tree, nsd, case):
    damage, message = CAPTIONS[case]
    damage(tree)
    with pytest.raises(DataFormatError, match=message):
        nsd.captions([1])


def roi_file(tree):
    return tree.functional(P) / "roi" / "floc-faces.nii.gz"


def without_label(tree):
    tree.table(P, "floc-faces").write_text("0 Unknown\n1 OFA\n2 FFA-1\n")


ROIS = {
    "no folder": (
        lambda t: shutil.rmtree(roi_file(t).parent),
        r"roi is not there; expected ROI volumes.*Download",
    ),
    "no table": (
        lambda t: t.table(P, "floc-faces").unlink(),
        r"floc-faces.mgz.ctab is not there",
    ),
    "label without a name": (without_label, r"labels \[3\], which .*ctab does not name"),
    "table of words": (
        lambda t: t.table(P, "floc-faces").write_text("OFA 1\n"),
        r"ctab: expected lines `number name`",
    ),
    "empty table": (
        lambda t: t.table(P, "floc-faces").write_text("\n"),
        r"ctab names no label",
    ),
    "truncated volume": (lambda t: truncate(roi_file(t)), r"cannot be read as NIfTI"),
    "text": (lambda t: roi_file(t).write_text("1 OFA"), r"cannot be read as NIfTI"),
    "four dimensions": (
        lambda t: t.write_nifti(roi_file(t), np.zeros((2, 2, 2, 2), np.int16)),
        r"shape \(2, 2, 2, 2\), expected integer labels",
    ),
    "fractions": (
        lambda t: t.write_nifti(roi_file(t), np.full(GRID, 0.5, np.float32)),
        r"expected whole numbers",
    ),
    "not a number": (
        lambda t: t.write_nifti(roi_file(t), np.full(GRID, np.nan, np.float32)),
        r"expected whole numbers",
    ),
}


@pytest.mark.parametrize("case", ROIS)
def test_damaged_rois(tree, nsd, case):
    damage, message = ROIS[case]
    damage(tree)
    with pytest.raises(DataFormatError, match=message):
        nsd.roi(P, "floc-faces")


def test_missing_ncsnr(tree, nsd):
    tree.betas(P, 1).with_name("ncsnr.nii.gz").unlink()
    with pytest.raises(DataFormatError, match=r"ncsnr.nii.gz is not there"):
        nsd.ncsnr(P)


# Arguments: a ValueError that is not a DataFormatError

TRAIN = np.arange(30) % 2 == 0

ARGUMENTS = {
    "unknown participant": (
        lambda n: n.trials("subj1"),
        r"participant='subj1' is not in .*nearest is 'subj01'.*subj01, subj03",
    ),
    "participant by number": (lambda n: n.sessions(3), r"participant=3 .*nearest is 'subj03'"),
    "missing session": (
        lambda n: n.betas(P, MASK, sessions=[1, 4]),
        r"no betas of session 4 of subj01; expected .*betas_session04.hdf5.*there: 1, 2, 3",
    ),
    "session without betas": (
        lambda n: n.trials("subj03", sessions=[1], with_betas=True),
        r"no betas of session 1 of subj03.*there: 2",
    ),
    "session without trials": (
        lambda n: n.trials(P, sessions=[9]),
        r"no trial of session 9; it has sessions \[1, 2, 3\]",
    ),
    "session twice": (lambda n: n.betas(P, MASK, sessions=[1, 1]), r"names a session twice"),
    "session as text": (lambda n: n.betas(P, MASK, sessions=["1"]), r"expected whole numbers"),
    "no session": (lambda n: n.betas(P, MASK, sessions=[]), r"expected whole numbers"),
    "mask of another shape": (
        lambda n: n.betas(P, MASK[1:]),
        r"mask has shape \(5, 7, 5\), the betas have \(X, Y, Z\) = \(6, 7, 5\)",
    ),
    "mask with reversed axes": (
        lambda n: n.betas(P, MASK.T),
        r"shape \(5, 7, 6\), the axes of the betas reversed; .*transpose",
    ),
    "flat mask": (lambda n: n.betas(P, MASK.ravel()), r"mask has shape \(210,\)"),
    "mask of numbers": (
        lambda n: n.betas(P, MASK.astype(float)),
        r"voxels: float64 .*For a mask, pass it as bool: voxels > 0",
    ),
    "empty mask": (lambda n: n.betas(P, ~MASK), r"chooses no voxel"),
    "coordinates in two dimensions": (
        lambda n: n.betas(P, [[1, 2]]),
        r"shape \(1, 2\), expected \(n, 3\) coordinates",
    ),
    "coordinates outside": (
        lambda n: n.betas(P, [[0, 0, 0], [0, 0, 5]]),
        r"voxels\[1\] = \[0, 0, 5\] is outside the grid .*\(6, 7, 5\)",
    ),
    "negative index": (lambda n: n.betas(P, [3, -1]), r"voxels\[1\] = -1 is outside"),
    "index too large": (lambda n: n.betas(P, [210]), r"voxels\[0\] = 210 is outside"),
    "unknown zscore": (lambda n: n.betas(P, MASK, zscore="run"), r"zscore='run' is unknown"),
    "unknown bad_voxels": (
        lambda n: n.betas(P, MASK, bad_voxels="drop"),
        r"bad_voxels='drop' is unknown.*'raise', 'exclude', 'keep'",
    ),
    "zscore on training trials without them": (
        lambda n: n.betas(P, MASK, zscore="train"),
        r"train: .*together with zscore='train'.*missing",
    ),
    "training trials without their zscore": (
        lambda n: n.betas(P, MASK, zscore="session", train=TRAIN),
        r"zscore='session', and train is given",
    ),
    "training trials of another length": (
        lambda n: n.betas(P, MASK, zscore="train", train=TRAIN[1:]),
        r"train: bool of shape \(29,\), expected bool of shape \(30,\)",
    ),
    "training trials by number": (
        lambda n: n.betas(P, MASK, zscore="train", train=np.arange(30)),
        r"train: int64",
    ),
    "a session without training trials": (
        lambda n: n.betas(P, MASK, zscore="train", train=np.arange(30) < 21),
        r"session 3 of subj01 has 1 training trials; .*at least 2",
    ),
    "image 0": (
        lambda n: n.stimuli([4, 0]),
        r"ids holds 0, expected 1 to 60. 73KIDs count from 1; the 0-based nsdId",
    ),
    "image after the last": (lambda n: n.stimuli(np.array([61])), r"holds 61, expected 1 to 60"),
    "caption of image 73001": (lambda n: n.captions([73001]), r"73001, expected 1 to 73000"),
    "caption of image 0": (lambda n: n.captions([0]), r"ids holds 0, .*count from 1"),
    "negative image": (lambda n: n.stimuli([-1]), r"ids holds -1"),
    "fractional image": (lambda n: n.stimuli([1.5]), r"expected whole numbers.*dtype float64"),
    "image by name": (lambda n: n.stimuli(["1"]), r"expected whole numbers"),
    "mask for ids": (lambda n: n.stimuli(np.ones(60, bool)), r"whole numbers.*dtype bool"),
    "table for ids": (lambda n: n.captions([[1, 2]]), r"shape \(1, 2\)"),
    "unknown roi": (
        lambda n: n.roi(P, "floc-face"),
        r"name='floc-face'.*'floc-faces', 'lh.floc-faces', 'nsdgeneral'.*nearest is 'floc-faces'",
    ),
    "unknown label": (
        lambda n: n.roi(P, "floc-faces").mask("FFA1"),
        r"label='FFA1' is not in floc-faces of subj01; the nearest is 'FFA-1'",
    ),
    "label number without a name": (lambda n: n.roi(P, "floc-faces").mask(9), r"label=9 is not in"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_bad_arguments(nsd, case):
    call, message = ARGUMENTS[case]
    with pytest.raises(ValueError, match=message) as raised:
        call(nsd)
    assert not isinstance(raised.value, DataFormatError)


def test_root_that_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"root=.*is not a folder; expected the one that holds"):
        NSD(tmp_path / "nowhere")


def test_root_one_folder_too_deep(tree):
    with pytest.raises(ValueError, match=r"no participant under .*Point root at the folder"):
        NSD(tree.root / "nsddata").trials(P)


def test_cache_that_is_no_folder(tree, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cache=.*file.*cannot be used.*cache=False"):
        NSD(tree.root, cache=tmp_path / "file").betas(P, MASK)
    with pytest.raises(ValueError, match="cache=True: expected a folder"):
        NSD(tree.root, cache=True)


def test_all_voxels_constant(tree, nsd):
    tree.write_betas(P, 1, np.zeros_like(tree.stored[P, 1]), "contiguous")
    with pytest.raises(ValueError, match=r"bad_voxels='exclude' leaves no voxel of subj01"):
        nsd.betas(P, MASK, bad_voxels="exclude")


@pytest.mark.parametrize("table", ["responses", "stim_info"])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_table_cut_in_its_last_line(tree, nsd, table, cut):
    """The last field of responses.tsv may be a number, and a part of it is a number as well."""
    file = tree.responses(P) if table == "responses" else tree.stim_info
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(DataFormatError, match=rf"{file.name}: the last line .*cut short"):
        nsd.trials(P)
