"""The reader on a tree that the simulator wrote: as on one written by hand."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from sdc_helpers import simulate
from sdc_helpers.datasets.ceilings import ncsnr
from sdc_helpers.datasets.nsd import NSD
from sdc_helpers.datasets.splits import check_split, split_sdc2025, split_strict


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    sizes = simulate.Profile(3, 12, 24, n_sessions=3, n_runs=2, voxel_mm=8.0, picture_size=16)
    return simulate.write_nsd(tmp_path_factory.mktemp("simulated") / "nsd", profile=sizes, n_jobs=1)


def naive(root, participant, sessions, mask):
    folder = f"nsddata_betas/ppdata/{participant}/func1pt8mm/betas_fithrf_GLMdenoise_RR"
    volumes = []
    for session in sessions:
        with h5py.File(root / folder / f"betas_session{session:02d}.hdf5") as handle:
            volumes.append(handle["betas"][...].transpose(0, 3, 2, 1))
    return np.concatenate(volumes)[:, mask].astype(np.float32) / np.float32(300)


def test_simulated_participants_are_read_as_real_ones(root):
    nsd = NSD(root, cache=False)
    assert nsd.participants == ("subj01", "subj02", "subj03")
    for participant in nsd.participants:
        assert nsd.sessions(participant) == (1, 2, 3)
        file = root / "nsddata" / "ppdata" / participant / "func1pt8mm" / "brainmask.nii.gz"
        mask = np.asarray(nib.load(file).dataobj) > 0
        assert np.array_equal(nsd.betas(participant), naive(root, participant, (1, 2, 3), mask))
        # chunks outside the brain were never written
        everywhere = nsd.betas(participant, np.ones_like(mask), bad_voxels="keep")
        assert np.array_equal(everywhere, naive(root, participant, (1, 2, 3), np.ones_like(mask)))
        assert nsd.ncsnr(participant).shape == mask.shape
        assert np.array_equal(nsd.affine(participant), nib.load(file).affine)
        for name in nsd.rois(participant):
            roi = nsd.roi(participant, name)
            assert roi.volume.shape == mask.shape
            assert all(roi.mask(label).any() <= roi.mask().any() for label in roi.labels if label)


def test_what_was_shown(root):
    nsd = NSD(root, cache=False)
    trials = nsd.trials("subj02", with_betas=True)
    assert len(trials) == 3 * 36
    assert trials.groupby("image_id")["repetition"].apply(sorted).map(tuple).unique().tolist() == [
        (1, 2, 3)
    ]
    shared = trials.loc[trials["is_shared"], "image_id"].unique()
    assert len(shared) == 12
    assert set(shared) <= set(nsd.trials("subj01")["image_id"])
    assert nsd.stimuli(shared).shape == (12, 16, 16, 3)
    assert {len(texts) for texts in nsd.captions(shared)} == {5}


def test_splits_and_ceiling_run_on_simulated_trials(root):
    nsd = NSD(root, cache=False)
    trials = pd.concat([nsd.trials(p, with_betas=True) for p in nsd.participants])
    for split in (split_sdc2025(trials, 0, 16, 4), split_strict(trials, 0, 16, 4)):
        assert check_split(split).is_strict  # every simulated image is shown three times
        sides = split["subj01"]
        betas = nsd.betas("subj01", zscore="train", train=sides.train_trials)
        ids = trials.loc[trials["participant"] == "subj01", "image_id"].to_numpy()
        ratio = ncsnr(betas, ids, sides.train_trials)
        assert ratio.shape == betas.shape[1:]
        assert (ratio >= 0).all()
