"""The files of a simulated dataset, read with h5py, nibabel and pandas alone."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache

import h5py
import nibabel
import numpy as np
import pandas as pd
import pytest
from nilearn.datasets import load_fsaverage
from nilearn.surface import vol_to_surf

from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.simulate import PROFILES, load_truth
from sdc_helpers.simulate.concepts import SHARED

SMOKE = PROFILES["smoke"]
PARTICIPANTS = [f"subj{n:02d}" for n in range(1, SMOKE.n_participants + 1)]
N_TRIALS = 3 * (SMOKE.n_shared + SMOKE.n_own)
BETAS = "nsddata_betas/ppdata/{}/func1pt8mm/betas_fithrf_GLMdenoise_RR"
PPDATA = "nsddata/ppdata/{}"


@cache
def read_betas(root, participant):
    """All betas as stored, (trials, X, Y, Z)."""
    parts = []
    for file in sorted((root / BETAS.format(participant)).glob("betas_session*.hdf5")):
        with h5py.File(file) as handle:
            parts.append(handle["betas"][:].transpose(0, 3, 2, 1))
    return np.concatenate(parts)


def read_responses(root, participant):
    return pd.read_csv(root / PPDATA.format(participant) / "behav" / "responses.tsv", sep="\t")


def read_roi(root, participant, name):
    file = root / PPDATA.format(participant) / "func1pt8mm" / "roi" / f"{name}.nii.gz"
    return np.asanyarray(nibabel.load(file).dataobj)


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_sessions_have_the_released_layout(simulated_tree, truth, participant):
    files = sorted((simulated_tree / BETAS.format(participant)).glob("*.hdf5"))
    n = N_TRIALS // SMOKE.n_sessions
    assert [f.name for f in files] == [f"betas_session{s:02d}.hdf5" for s in range(1, 5)]
    brain = truth.participants[participant].mask()
    for file in files:
        with h5py.File(file) as handle:
            dataset = handle["betas"]
            assert dataset.dtype == np.int16
            assert dataset.shape == (n, *brain.shape[::-1])
            assert dataset.chunks == (n, 1, 1, 1)
            assert dataset.id.get_num_chunks() == brain.sum()
    betas = read_betas(simulated_tree, participant)
    assert not betas[:, ~brain].any()
    assert (betas[:, brain].std(axis=0) > 0).all()
    assert np.abs(betas.astype(int)).max() < 32767  # nothing was clipped


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_volumes_agree_with_each_other_and_with_the_truth(simulated_tree, truth, participant):
    known = truth.participants[participant]
    folder = simulated_tree / PPDATA.format(participant) / "func1pt8mm"
    mask = nibabel.load(folder / "brainmask.nii.gz")
    np.testing.assert_allclose(mask.affine, known.affine, atol=1e-4)
    assert nibabel.aff2axcodes(mask.affine) == ("R", "A", "S")
    np.testing.assert_array_equal(mask.dataobj, known.mask())
    for file in [*folder.glob("roi/*.nii.gz"), *simulated_tree.glob(f"{BETAS}/*.nii.gz")]:
        image = nibabel.load(file)
        assert image.shape == known.shape
        np.testing.assert_allclose(image.affine, known.affine, atol=1e-4)


def test_participants_have_different_grids(truth):
    assert len({known.shape for known in truth.participants.values()}) >= 3


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_responses_have_the_columns_and_counts(simulated_tree, participant):
    table = read_responses(simulated_tree, participant)
    assert list(table)[:10] == [
        *("SUBJECT", "SESSION", "RUN", "TRIAL", "73KID", "10KID"),
        *("TIME", "ISOLD", "ISCORRECT", "RT"),
    ]
    assert len(table.columns) == 19
    assert (table["SUBJECT"] == int(participant[-2:])).all()
    assert (table.groupby("SESSION").size() == N_TRIALS // SMOKE.n_sessions).all()
    assert table["SESSION"].nunique() == SMOKE.n_sessions
    assert (table.groupby("SESSION")["RUN"].nunique() == SMOKE.n_runs).all()
    assert (table["73KID"].value_counts() == 3).all()
    assert table["73KID"].nunique() == SMOKE.n_shared + SMOKE.n_own
    assert table["73KID"].between(1, SMOKE.n_images).all()
    assert table.groupby("73KID")["SESSION"].nunique().mean() > 1.5  # spread over sessions


def test_stimulus_table_points_at_the_trials(simulated_tree):
    info = pd.read_csv(
        simulated_tree / "nsddata/experiments/nsd/nsd_stim_info_merged.csv", index_col=0
    )
    assert info["nsdId"].tolist() == list(range(SMOKE.n_images))
    assert info["cocoId"].is_unique
    assert set(info["cocoSplit"]) == {"train2017", "val2017"}
    assert info["shared1000"].sum() == SMOKE.n_shared
    shared = set(info.index[info["shared1000"]])
    for number, participant in enumerate(PARTICIPANTS, 1):
        shown = read_responses(simulated_tree, participant)["73KID"].to_numpy() - 1
        seen = info.index[info[f"subject{number}"] == 1]
        assert set(shown) == set(seen)
        assert shared < set(seen)
        for k in range(3):
            trials = info.loc[seen, f"subject{number}_rep{k}"].to_numpy()
            np.testing.assert_array_equal(shown[trials - 1], seen)
    assert not info[[f"subject{n}_rep{k}" for n in (6, 7, 8) for k in range(3)]].any(axis=None)


def test_stimuli_and_captions(simulated_tree):
    with h5py.File(simulated_tree / "nsddata_stimuli/stimuli/nsd/nsd_stimuli.hdf5") as handle:
        brick = handle["imgBrick"]
        assert brick.dtype == np.uint8
        assert brick.shape == (SMOKE.n_images, 64, 64, 3)
        assert (brick[:].reshape(SMOKE.n_images, -1).std(axis=1) > 0).all()
    info = pd.read_csv(simulated_tree / "nsddata/experiments/nsd/nsd_stim_info_merged.csv")
    ids = []
    for split, of_split in info.groupby("cocoSplit"):
        content = json.loads((simulated_tree / f"annotations/captions_{split}.json").read_text())
        counts = pd.Series([a["image_id"] for a in content["annotations"]]).value_counts()
        assert set(counts.index) == set(of_split["cocoId"])
        assert (counts == 5).all()
        assert all(a["caption"].strip() for a in content["annotations"])
        ids += [a["id"] for a in content["annotations"]]
    assert len(set(ids)) == len(ids)


def test_pictures_captions_and_factors_belong_together(simulated_tree, truth):
    """Image 73KID k is scene k - 1 of the seed, in every file."""
    from sdc_helpers import scenes

    picked = 431
    scene = scenes.generate_scenes(1, seed=0, start=picked)
    with h5py.File(simulated_tree / "nsddata_stimuli/stimuli/nsd/nsd_stimuli.hdf5") as handle:
        np.testing.assert_array_equal(handle["imgBrick"][picked], scenes.render(scene)[0])
    expected = scenes.factors(scene).iloc[0]
    assert truth.images.loc[picked + 1, "place"] == expected["place"]
    assert truth.images.loc[picked + 1, "brightness"] == pytest.approx(expected["brightness"])
    info = pd.read_csv(simulated_tree / "nsddata/experiments/nsd/nsd_stim_info_merged.csv")
    row = info.loc[picked]
    file = simulated_tree / f"annotations/captions_{row['cocoSplit']}.json"
    annotations = json.loads(file.read_text())["annotations"]
    texts = [a["caption"] for a in annotations if a["image_id"] == row["cocoId"]]
    assert texts == scenes.captions(scene, seed=0)[0]


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_rois_and_their_labels(simulated_tree, truth, participant):
    known = truth.participants[participant]
    brain = known.mask()
    for name in (
        *("nsdgeneral", "floc-faces", "floc-bodies", "floc-places", "floc-words"),
        *("prf-visualrois", "prf-eccrois", "streams"),
    ):
        both = read_roi(simulated_tree, participant, name)
        assert np.issubdtype(both.dtype, np.integer)
        assert ((both == -1) == ~brain).all()
        left, right = (read_roi(simulated_tree, participant, f"{h}.{name}") for h in ("lh", "rh"))
        np.testing.assert_array_equal(np.maximum(left, right), both)
        assert not ((left >= 0) & (right >= 0)).any()
        table = simulated_tree / f"nsddata/freesurfer/{participant}/label/{name}.mgz.ctab"
        labels = {}
        for line in table.read_text().splitlines():
            number, label = re.fullmatch(r"(\d+) (\S+) \d+ \d+ \d+ \d+", line).groups()
            labels[int(number)] = label
        assert labels[0] == "Unknown"
        assert set(np.unique(both)) - {-1} <= set(labels)
    x_of_left = np.argwhere(left >= 0) @ known.affine[0, :3] + known.affine[0, 3]
    assert x_of_left.mean() < -10


def test_nothing_is_planted_outside_visual_cortex(simulated_tree, truth):
    for participant, known in truth.participants.items():
        general = read_roi(simulated_tree, participant, "nsdgeneral") == 1
        responsive = np.nan_to_num(known.volume("signal_var")) > 0
        assert not (responsive & ~general).any()
        for kind in ("shared", "mixture", "unexplained"):
            assert known.mask(kind=kind).any()
            assert not (known.mask(kind=kind) & ~general).any()


def test_every_shared_concept_is_in_at_least_five_participants(truth):
    assert truth.shared == tuple(concept.name for concept in SHARED)
    for name in truth.shared:
        having = [p for p, known in truth.participants.items() if known.mask(name).sum() >= 10]
        assert len(having) >= 5
        assert set(having) == set(truth.concepts[name].participants)


def test_private_concepts_are_in_one(truth):
    private = set(truth.concepts) - set(truth.shared)
    assert private == {"animals", "vehicles", "lighting"}
    for name in private:
        having = [
            p for p, known in truth.participants.items() if name in set(known.voxels["concept"])
        ]
        assert len(having) == 1
        assert truth.concepts[name].participants == tuple(having)
        assert not truth.participants[having[0]].is_poor


def test_one_participant_is_poor(truth):
    median = {
        p: known.voxels.query("kind == 'shared'")["nc1"].median()
        for p, known in truth.participants.items()
    }
    poor = [p for p, known in truth.participants.items() if known.is_poor]
    assert poor == [min(median, key=median.get)]
    assert median[poor[0]] < 0.5 * min(value for p, value in median.items() if p != poor[0])


def test_patches_lie_near_their_sites(truth):
    """Every voxel's site is near, in millimetres computed from the affine alone."""
    for known in truth.participants.values():
        voxels = known.voxels[known.voxels["kind"] == "shared"]
        mm = voxels[["x", "y", "z"]].to_numpy() @ known.affine[:3, :3].T + known.affine[:3, 3]
        for concept in SHARED:
            for site in concept.sites:
                for side, sign in (("lh", -1), ("rh", 1)):
                    is_concept = (voxels["concept"] == concept.name).to_numpy()
                    rows = is_concept & (voxels["site"] == f"{side} {site.name}").to_numpy()
                    if rows.any():
                        away = np.linalg.norm(mm[rows] - np.array(site.mm) * [sign, 1, 1], axis=1)
                        assert away.mean() < 15, (concept.name, site.name)


def test_a_patch_can_be_drawn_on_the_cortex(simulated_tree, truth):
    """Places fall on the parahippocampal cortex of fsaverage5, and not on the lateral side."""
    known = truth.participants["subj01"]
    image = nibabel.Nifti1Image(known.mask("places").astype(np.float32), known.affine)
    surfaces = load_fsaverage("fsaverage5")
    for side, sign in (("left", -1), ("right", 1)):
        pial, white = (surfaces[name].parts[side] for name in ("pial", "white_matter"))
        surface = vol_to_surf(image, pial, inner_mesh=white)
        near = np.linalg.norm(pial.coordinates - [26 * sign, -48, -9], axis=1) < 10
        lateral = np.linalg.norm(pial.coordinates - [50 * sign, -60, 5], axis=1) < 8
        assert np.nanmean(surface[near]) > 0.2
        assert np.nanmax(surface[lateral]) < 0.05


def test_planted_noise_ceilings_come_back(simulated_tree, truth):
    """A plain estimate from the files: no bias, and the scatter that chance gives."""
    errors, estimates, planted = [], [], []
    for participant, known in truth.participants.items():
        betas = read_betas(simulated_tree, participant)
        voxels = known.voxels
        series = betas[:, voxels["x"], voxels["y"], voxels["z"]].astype(float) / 300
        table = read_responses(simulated_tree, participant)
        for session in table["SESSION"].unique():
            rows = (table["SESSION"] == session).to_numpy()
            series[rows] = (series[rows] - series[rows].mean(0)) / series[rows].std(0)
        by_image = [series[rows] for rows in table.groupby("73KID").indices.values()]
        noise = np.mean([part.var(axis=0, ddof=1) for part in by_image], axis=0)
        estimate = 100 * (1 - noise)
        errors.append(np.mean(estimate - voxels["nc1"]))
        estimates.append(estimate)
        planted.append(voxels["nc1"])
        file = simulated_tree / BETAS.format(participant) / "ncsnr.nii.gz"
        stored = np.asanyarray(nibabel.load(file).dataobj)[voxels["x"], voxels["y"], voxels["z"]]
        np.testing.assert_allclose(stored, np.sqrt((1 - noise).clip(0) / noise), atol=1e-3)
    assert np.abs(errors).max() < 1.0
    assert np.corrcoef(np.concatenate(estimates), np.concatenate(planted))[0, 1] > 0.9


def test_noise_ceilings_have_the_range_of_nsd(truth):
    for known in truth.participants.values():
        if not known.is_poor:
            nc = known.voxels.loc[known.voxels["is_visual"] == 1, "nc1"]
            assert 5 < nc.median() < 15
            assert 40 < nc.max() < 65


def test_single_trial_noise_of_a_patch_is_about_one_and_a_half_signals(truth):
    for known in truth.participants.values():
        if not known.is_poor:
            patch = known.voxels[known.voxels["kind"] == "shared"]
            ratio = np.sqrt(patch["noise_var"] / patch["signal_var"])
            assert 1.1 < ratio.median() < 1.8


def test_drift_voxels_follow_no_picture_but_other_participants(simulated_tree, truth):
    series = []
    for participant in PARTICIPANTS[:3]:
        betas = read_betas(simulated_tree, participant)[
            :, truth.participants[participant].mask(kind="drift")
        ]
        series.append(betas.mean(axis=1))
    n = N_TRIALS // SMOKE.n_sessions
    within = [np.concatenate([p - p.mean() for p in s.reshape(-1, n)]) for s in series]
    assert np.corrcoef(within)[np.triu_indices(3, 1)].min() > 0.2
    for known in truth.participants.values():
        assert not known.volume("signal_var")[known.mask(kind="drift")].any()


def test_truth_volumes_and_bad_requests(truth):
    known = truth.participants["subj01"]
    volume = known.volume("nc1")
    assert np.isnan(volume[~known.mask()]).all()
    assert np.isfinite(volume[known.mask()]).all()
    both = known.mask("faces", kind="shared")
    np.testing.assert_array_equal(both, known.mask("faces"))
    with pytest.raises(ValueError, match=r"concept='hats'.*faces"):
        known.mask("hats")
    with pytest.raises(ValueError, match="kind='odd'"):
        known.mask(kind="odd")
    with pytest.raises(ValueError, match=r"column='kind'.*nc1"):
        known.volume("kind")


def test_truth_of_a_real_or_damaged_dataset(simulated_tree, tmp_path):
    with pytest.raises(DataFormatError, match="simulated datasets only"):
        load_truth(tmp_path)
    (tmp_path / "truth.json").write_text("{")
    with pytest.raises(DataFormatError, match="not JSON"):
        load_truth(tmp_path)
    (tmp_path / "truth.json").write_text("[]")
    with pytest.raises(DataFormatError, match="holds a list"):
        load_truth(tmp_path)
    (tmp_path / "truth.json").write_text('{"seed": 0}')
    with pytest.raises(DataFormatError, match="not the truth"):
        load_truth(tmp_path)
    shutil.copy(simulated_tree / "truth.json", tmp_path / "truth.json")
    with pytest.raises(DataFormatError, match=r"subj01_voxels\.tsv is not there"):
        load_truth(tmp_path)
    shutil.copytree(simulated_tree / "truth", tmp_path / "truth")
    (tmp_path / "truth" / "images.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(DataFormatError, match=r"images\.tsv lacks the column '73KID'"):
        load_truth(tmp_path)
