"""NIfTI under a mask and BIDS derivative folders, as nilearn names their files."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from own_folders import write_table

from sdc_helpers.studies.own_contract import BidsPart
from sdc_helpers.studies.own_data import read_own_data
from sdc_helpers.studies.own_files import OwnDataError
from sdc_helpers.studies.own_volumes import read_bids, read_volumes

SHAPE, AFFINE = (4, 3, 2), np.diag([3.0, 3.0, 3.0, 1.0])
NAMES = [f"picture_{k:02d}" for k in range(9)]


def save(file, values, affine=AFFINE):
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.asarray(values, dtype=np.float32), affine), file)
    return file


@pytest.fixture
def mask():
    inside = np.zeros(SHAPE)
    inside[1:3, :2] = 1
    return inside


@pytest.fixture
def bids(tmp_path, mask):
    """Maps of two participants, named as save_glm_to_bids of nilearn 0.14 names them."""
    rng = np.random.default_rng(0)
    maps = {}
    for name in ("sub-01", "sub-02"):
        folder = tmp_path / "derivatives" / name
        save(folder / f"{name}_task-look_mask.nii.gz", mask)
        for stimulus in NAMES:
            label = stimulus.replace("_", "")  # nilearn leaves the underscore out
            stem = f"{name}_task-look_contrast-{label}"
            maps[name, stimulus] = rng.standard_normal(SHAPE)
            save(folder / f"{stem}_stat-effect_statmap.nii.gz", maps[name, stimulus])
            save(folder / f"{stem}_stat-z_statmap.nii.gz", np.zeros(SHAPE))
    np.save(tmp_path / "embeddings.npy", rng.standard_normal((9, 3)))
    write_table(tmp_path / "stimuli.tsv", stimulus=NAMES)
    (tmp_path / "study.toml").write_text(
        'name = "A GLM"\n[embeddings]\nfile = "embeddings.npy"\nstimuli = "stimuli.tsv"\n'
        '[bids]\nfolder = "derivatives"\n', encoding="utf-8",
    )  # fmt: skip
    return tmp_path, maps


def test_voxels_come_in_the_order_of_the_mask(tmp_path, mask):
    volumes = np.random.default_rng(1).standard_normal((*SHAPE, 5))
    found = read_volumes(
        save(tmp_path / "betas.nii.gz", volumes), save(tmp_path / "mask.nii.gz", mask)
    )
    np.testing.assert_allclose(found, volumes[mask > 0].T, rtol=1e-5)


def test_a_mask_that_lies_elsewhere_is_named_with_its_remedy(tmp_path, mask):
    volumes = save(tmp_path / "betas.nii.gz", np.ones((*SHAPE, 2)))
    with pytest.raises(OwnDataError, match=r"mask\.nii\.gz.*resample_to_img"):
        read_volumes(volumes, save(tmp_path / "mask.nii.gz", mask, 2 * AFFINE))
    with pytest.raises(OwnDataError, match="0 everywhere"):
        read_volumes(volumes, save(tmp_path / "mask.nii.gz", 0 * mask))


def test_maps_of_a_glm_are_read_as_nilearn_names_them(bids, mask):
    root, maps = bids
    data = read_own_data(root).data
    assert list(data.participants) == ["sub-01", "sub-02"]
    for name, one in data.participants.items():
        assert sorted(one.stimuli) == NAMES
        raw = np.stack([maps[name, stimulus][mask > 0] for stimulus in one.stimuli])
        expected = (raw - raw.mean(axis=0)) / raw.std(axis=0)
        np.testing.assert_allclose(one.responses, expected, atol=1e-4)


def test_betas_are_named_by_their_events_and_their_run(tmp_path, mask):
    func = tmp_path / "sub-7" / "ses-a" / "func"
    rng = np.random.default_rng(2)
    save(func / "sub-7_ses-a_task-look_space-T1w_desc-brain_mask.nii.gz", mask)
    for run in ("1", "2"):
        stem = f"sub-7_ses-a_task-look_run-{run}"
        save(func / f"{stem}_space-T1w_desc-betas_bold.nii.gz", rng.random((*SHAPE, 9)))
        write_table(func / f"{stem}_events.tsv", onset=list(range(9)), stim_file=NAMES)
    problems = []
    (one,) = read_bids(tmp_path, BidsPart(maps="betas"), problems)
    assert (one.name, problems) == ("sub-7", [])
    assert one.responses.shape == (18, int(mask.sum()))
    assert one.rows["stimulus"].tolist() == 2 * NAMES
    assert one.rows["run"].tolist() == ["1"] * 9 + ["2"] * 9
    assert set(one.rows["session"]) == {"a"}


def test_what_is_missing_of_a_bids_folder_is_named(bids):
    root, _ = bids
    (root / "derivatives" / "sub-02" / "sub-02_task-look_mask.nii.gz").unlink()
    (problem,) = read_own_data(root).problems  # one for the participant, not one a map
    assert "no brain mask" in problem.found
    assert f"{len(NAMES) - 1} others" in problem.found
    for part, said in (
        (BidsPart(folder="derivatives", task="listen"), "of task listen"),
        (BidsPart(folder="derivatives", maps="betas"), "no file sub-*_desc-betas"),
        (BidsPart(folder="derivative"), "no such folder"),
    ):
        problems = []
        assert read_bids(root, part, problems) == []
        assert said in problems[0].found
        assert "[bids]" in problems[0].remedy
