"""Folders that nilearn itself writes: a GLM's maps, and betas of single trials, read as they are.

Two participants look at simulated pictures in two runs; events, models, names of files and masks
are nilearn's. Figures of designs are not drawn: hundreds of them say nothing here.
"""

from __future__ import annotations

import functools
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pandas as pd
import pytest
from nilearn.glm import save_glm_to_bids
from nilearn.glm.first_level import FirstLevelModel, make_first_level_design_matrix
from nilearn.image import concat_imgs
from own_folders import write_table
from typer.testing import CliRunner

from sdc_helpers.cli import app
from sdc_helpers.studies.own_contract import BidsPart
from sdc_helpers.studies.own_data import read_own_data
from sdc_helpers.studies.own_study import ALL, open_own_study
from sdc_helpers.studies.own_volumes import read_bids

SHAPE, AFFINE, REPETITION_TIME = (5, 5, 3), np.diag([3.0, 3.0, 3.0, 1.0]), 2.0
NAMES = [f"picture_{k:02d}" for k in range(30)]  # a sixth of them tests: five
SUBJECTS, N_RUNS, N_DIMENSIONS = ("01", "02"), 2, 4
SPACE = "space-MNI152NLin2009cAsym"
pytestmark = pytest.mark.filterwarnings("ignore:.*Generation of a mask has been requested")


def save(file, values):
    nibabel.save(nibabel.Nifti1Image(values, AFFINE), file)
    return str(file)


def record(folder, subject, run, names, betas, rng):
    """Write a run and its brain mask as fMRIPrep does; return its file, mask and events."""
    onsets = 4 + 5.0 * np.arange(len(names))
    events = pd.DataFrame({"onset": onsets, "duration": 1.0, "trial_type": rng.permutation(names)})
    times = REPETITION_TIME * np.arange(int((onsets[-1] + 20) / REPETITION_TIME))
    design = make_first_level_design_matrix(times, events, drift_model=None)
    signal = design[list(names)].to_numpy() @ betas  # (volumes, voxels)
    volumes = 100 + signal + 0.05 * rng.standard_normal(signal.shape)
    stem = folder / f"sub-{subject}_task-look_run-{run}_{SPACE}"
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:4, 1:4] = 1
    file = save(Path(f"{stem}_desc-preproc_bold.nii.gz"), volumes.T.reshape(*SHAPE, -1))
    return file, save(Path(f"{stem}_desc-brain_mask.nii.gz"), mask), events


def planted(embeddings, rng):
    """Betas of all voxels of the volume, (stimuli, voxels): the embeddings through a matrix."""
    return embeddings @ rng.standard_normal((N_DIMENSIONS, int(np.prod(SHAPE))))


def model_of(mask):
    return FirstLevelModel(
        t_r=REPETITION_TIME, mask_img=mask, noise_model="ols", drift_model=None,
        signal_scaling=False, minimize_memory=False,
    )  # fmt: skip


def write_maps(model, contrasts, patch, **options):
    """Call nilearn's own writer, without the figures."""
    report = FirstLevelModel.generate_report
    blank = functools.wraps(report)(lambda *a, **k: SimpleNamespace(save_as_html=lambda f: None))
    patch.setattr("nilearn.glm.io.is_matplotlib_installed", lambda: False)
    patch.setattr(FirstLevelModel, "generate_report", blank)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that nilearn changes, and of clusters
        save_glm_to_bids(model, contrasts, plot_type="glass", **options)


def describe(root, embeddings, names, more=""):
    np.save(root / "embeddings.npy", embeddings)
    write_table(root / "stimuli.tsv", stimulus=names)
    (root / "study.toml").write_text(
        'name = "A GLM"\nkind = "simulated"\n[embeddings]\nfile = "embeddings.npy"\n'
        f'stimuli = "stimuli.tsv"\n[bids]\nfolder = "glm"\n{more}', encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A study with the maps of `save_glm_to_bids`, and the planted betas by participant."""
    root = tmp_path_factory.mktemp("glm")
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((len(NAMES), N_DIMENSIONS))
    betas = {}
    with pytest.MonkeyPatch.context() as patch:
        for subject in SUBJECTS:
            func = root / "fmriprep" / f"sub-{subject}" / "func"
            func.mkdir(parents=True)
            betas[f"sub-{subject}"] = planted(embeddings, rng)
            runs = [
                record(func, subject, run, NAMES, betas[f"sub-{subject}"], rng)
                for run in range(1, N_RUNS + 1)
            ]
            files, masks, events = map(list, zip(*runs, strict=True))
            model = model_of(masks[0]).fit(files, events)
            write_maps(model, NAMES, patch, out_dir=root / "glm")
    describe(root, embeddings, NAMES)
    return root, betas


@pytest.fixture
def copy(written, tmp_path):
    shutil.copytree(written[0], tmp_path / "copy")
    return tmp_path / "copy"


def effect_maps(root, subject="*"):
    return sorted(root.glob(f"glm/sub-{subject}/*_stat-effect_statmap.nii.gz"))


def test_the_betas_of_a_glm_come_out_under_their_names(written):
    root, betas = written
    assert len(effect_maps(root)) == len(SUBJECTS) * len(NAMES)
    inside = np.zeros(SHAPE, bool)
    inside[1:4, 1:4] = True
    participants = read_own_data(root).data.participants
    assert list(participants) == [f"sub-{subject}" for subject in SUBJECTS]
    for name, one in participants.items():
        assert sorted(one.stimuli) == NAMES
        true = betas[name][[NAMES.index(s) for s in one.stimuli]][:, inside.ravel()]
        true = (true - true.mean(axis=0)) / true.std(axis=0)
        # noise of .05 on betas of about 2: fitted betas are the planted ones within a few per cent
        assert np.mean(true * one.responses) > 0.98


def test_the_folder_is_checked_and_the_study_runs_on_it(written):
    root, _ = written
    answer = CliRunner().invoke(app, ["data", "check", str(root)])
    assert answer.exit_code == 0, answer.output
    assert "30 rows of 30 stimuli" in answer.output
    study = open_own_study(root)
    table = study.align("sub-02", 99)
    assert table.columns == (ALL,)
    assert table.p_values_fwe[0, 0] == 0.01
    found = study.decode("sub-02", 99)
    assert found.score.top_k[1].value > 0.5  # of five pictures: chance is a fifth


def test_with_a_prefix_maps_lie_deeper_and_are_read_too(copy):
    for subject in SUBJECTS:  # prefix="sub-01_task-look", out_dir="glm/sub-01": a folder in it
        inner = copy / "glm" / f"sub-{subject}" / f"sub-{subject}"
        inner.mkdir()
        for file in inner.parent.glob("sub-*.nii.gz"):
            file.rename(inner / file.name.replace(f"_{SPACE}", ""))
    assert len(read_own_data(copy).data.participants) == len(SUBJECTS)


def fitted(tmp_path, names):
    rng = np.random.default_rng(5)
    betas = planted(rng.standard_normal((len(names), N_DIMENSIONS)), rng)
    trial_types = [f"trial{k}" for k in range(len(names))]
    file, mask, events = record(tmp_path, "7", 1, trial_types, betas, rng)
    return model_of(mask).fit(file, events)


def test_signs_that_nilearn_writes_as_words_are_read_back(tmp_path, monkeypatch):
    names = ["nsd-01", "nsd_02", "A+b", "a > b", "cat.jpg", "été 3", "X<y", "plain"]
    model = fitted(tmp_path, names)
    contrasts = {name: f"trial{k}" for k, name in enumerate(names)}
    write_maps(model, contrasts, monkeypatch, out_dir=tmp_path / "glm")
    assert "contrast-nsdMinus01" in "".join(file.name for file in effect_maps(tmp_path))
    describe(tmp_path, np.random.default_rng(0).standard_normal((8, 3)), names)
    reading = read_own_data(tmp_path)
    assert reading.problems == ()
    assert sorted(reading.data.participants["sub-7"].stimuli) == sorted(names)


def test_names_that_files_cannot_tell_apart_are_a_problem(copy):
    names = [*NAMES[:-2], "picture_0_0", "other"]
    write_table(copy / "stimuli.tsv", stimulus=names)
    problems = read_own_data(copy).problems
    ambiguous, strangers = problems[:2]
    assert "'picture00' may be 'picture_00' or 'picture_0_0'" in ambiguous.found
    assert "tell them apart" in ambiguous.remedy
    assert "2 stimuli have no embedding, such as 'picture28'" in strangers.found
    assert "move their maps to another folder" in strangers.remedy
    assert len(problems) == 2 * len(SUBJECTS)


def test_maps_that_do_not_say_whose_they_are_are_told_the_prefix(tmp_path, monkeypatch):
    names = ["trial0", "trial1"]
    model = fitted(tmp_path, names)
    write_maps(model, names, monkeypatch, out_dir=tmp_path / "glm", prefix="")
    describe(tmp_path, np.eye(2), names)
    (problem,) = read_own_data(tmp_path).problems
    assert problem.file.startswith("glm/contrast-trial0")
    assert 'prefix="sub-LABEL' in problem.remedy


def test_what_is_wrong_with_many_maps_is_said_once_for_each_participant(copy):
    (copy / "glm" / "sub-01" / f"sub-01_task-look_{SPACE}_mask.nii.gz").unlink()
    broken = effect_maps(copy, "02")[4]
    values = nibabel.load(broken).get_fdata()
    values[2, 2] = np.nan
    save(broken, values)
    no_mask, not_finite = read_own_data(copy).problems
    assert "no brain mask" in no_mask.found
    assert "29 others" in no_mask.found
    assert not_finite.file == str(broken.relative_to(copy))
    assert "3 of 27 voxels" in not_finite.found
    assert "out of the mask" in not_finite.remedy


def test_two_spaces_are_not_taken_for_repetitions(copy):
    for file in (copy / "glm" / "sub-01").glob("sub-*.nii.gz"):
        shutil.copy(file, file.with_name(file.name.replace(SPACE, "space-T1w")))
    (problem,) = read_own_data(copy).problems
    assert "MNI152NLin2009cAsym, T1w" in problem.found
    text = (copy / "study.toml").read_text(encoding="utf-8")
    (copy / "study.toml").write_text(f'{text}space = "T1w"\n', encoding="utf-8")
    assert list(read_own_data(copy).data.participants) == ["sub-01"]
    (copy / "study.toml").write_text(f'{text}space = "T2w"\n', encoding="utf-8")
    (problem,) = read_own_data(copy).problems
    assert "MNI152NLin2009cAsym, T1w" in problem.found


def test_masks_of_as_many_but_other_voxels_are_told(copy):
    """Maps of two runs, each fitted under its run's own mask."""
    func = copy / "glm" / "sub-01"
    for file in effect_maps(copy, "01"):
        shutil.copy(file, file.with_name(file.name.replace(f"_{SPACE}", f"_run-1_{SPACE}")))
        file.rename(file.with_name(file.name.replace(f"_{SPACE}", f"_run-2_{SPACE}")))
    mask = func / f"sub-01_task-look_{SPACE}_mask.nii.gz"
    assert len(read_own_data(copy).data.participants["sub-01"].stimuli) == 2 * len(NAMES)
    values = np.asarray(nibabel.load(mask).dataobj)
    save(func / f"sub-01_task-look_run-2_{SPACE}_mask.nii.gz", np.roll(values, 1, axis=0))
    (problem,) = read_own_data(copy).problems
    assert "2 masks that differ, of 27 voxels" in problem.found
    shutil.copy(mask, func / f"sub-01_task-look_{SPACE}_label-V1_mask.nii.gz")
    found = " ".join(problem.found for problem in read_own_data(copy).problems)
    assert "several masks fit it alike" in found


def single_trials(file, mask, events):
    """Betas of single trials, least squares separate, as nilearn's example of beta series."""
    maps = []
    for trial in range(len(events)):
        separate = events.copy()
        own = np.arange(len(events)) == trial
        separate["trial_type"] = np.where(own, "this", "others")
        model = model_of(mask).fit(file, separate)
        maps.append(model.compute_contrast("this", output_type="effect_size"))
    return concat_imgs(maps)


def test_betas_of_single_trials_lie_beside_their_events(tmp_path):
    rng = np.random.default_rng(4)
    names = NAMES[:9]
    embeddings = rng.standard_normal((len(names), N_DIMENSIONS))
    betas = planted(embeddings, rng)
    func = tmp_path / "glm" / "sub-01" / "func"
    func.mkdir(parents=True)
    order = []
    for run in (1, 2):
        file, mask, events = record(func, "01", run, names, betas, rng)
        stem = func / f"sub-01_task-look_run-{run}"
        single_trials(file, mask, events).to_filename(f"{stem}_{SPACE}_desc-betas_statmap.nii.gz")
        events.to_csv(f"{stem}_events.tsv", sep="\t", index=False)
        order += events["trial_type"].tolist()
    problems = []
    (raw,) = read_bids(tmp_path, BidsPart(folder="glm", maps="betas"), problems)
    assert problems == []
    assert raw.rows["stimulus"].tolist() == order
    describe(tmp_path, embeddings, names, more='maps = "betas"\n[design]\nzscore = "run"\n')
    one = read_own_data(tmp_path).data.participants["sub-01"]
    assert sorted(set(one.runs)) == ["1", "2"]
    inside = np.asarray(nibabel.load(mask).dataobj).astype(bool).ravel()
    true = betas[[names.index(s) for s in one.stimuli]][:, inside]
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(true.T, one.responses.T, strict=True)]
    assert np.median(r) > 0.8  # trials 5 s apart overlap: separate betas mix with their neighbours
    events.iloc[1:].to_csv(f"{stem}_events.tsv", sep="\t", index=False)
    (problem,) = read_own_data(tmp_path).problems
    assert "8 rows" in problem.found
    assert "for each of the 9 betas" in problem.found
