"""The simulated files through the readers of the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.datasets.ceilings import ncsnr, noise_ceiling
from sdc_helpers.datasets.nsd import NSD
from sdc_helpers.datasets.splits import check_split, split_sdc2025


@pytest.fixture(scope="module")
def nsd(simulated_tree) -> NSD:
    return NSD(simulated_tree, cache=False)


def test_participants_sessions_and_trials(nsd, truth):
    assert nsd.participants == tuple(truth.participants)
    trials = nsd.trials("subj02", with_betas=True)
    assert trials["image_id"].isin(truth.images.index).all()
    assert (trials.groupby("image_id")["repetition"].max() == 3).all()
    assert trials["is_shared"].mean() == pytest.approx(60 / 200)


def test_betas_of_a_patch_follow_its_concept(nsd, truth):
    for participant, known in truth.participants.items():
        betas = nsd.betas(participant, voxels=known.mask("faces"), zscore="session")
        image = nsd.trials(participant)["image_id"]
        value = truth.images.loc[image, "concept_faces"].to_numpy()
        here = np.corrcoef(betas.mean(axis=1), value)[0, 1]
        other = truth.images.loc[image, "concept_words"].to_numpy()
        assert here > 0.5
        assert abs(np.corrcoef(betas.mean(axis=1), other)[0, 1]) < here / 2


def test_noise_ceiling_on_training_trials_recovers_what_was_planted(nsd, truth):
    estimated, planted = [], []
    for participant, known in truth.participants.items():
        mask = nsd.roi(participant, "nsdgeneral").mask()
        betas = nsd.betas(participant, voxels=mask, zscore="session")
        image = nsd.trials(participant)["image_id"].to_numpy()
        estimated.append(noise_ceiling(ncsnr(betas, image, np.ones(len(betas), dtype=bool))))
        planted.append(known.volume("nc1")[mask])
        assert abs(np.mean(estimated[-1] - planted[-1])) < 2
    assert np.corrcoef(np.concatenate(estimated), np.concatenate(planted))[0, 1] > 0.9


def test_rois_have_names(nsd):
    roi = nsd.roi("subj01", "floc-faces")
    assert set(roi.labels.values()) >= {"OFA", "FFA-1", "FFA-2"}
    assert roi.mask("FFA-1").any()
    left = nsd.roi("subj01", "lh.floc-faces").mask("FFA-1")
    assert left.any()
    assert not (left & ~roi.mask("FFA-1")).any()
    assert nsd.ncsnr("subj01")[roi.mask()].mean() > 0.3


def test_stimuli_and_captions_by_id(nsd, truth):
    assert nsd.stimuli([1, len(truth.images)]).shape == (2, 64, 64, 3)
    assert all(len(texts) == 5 for texts in nsd.captions([1, 2, 3]))


def test_the_split_of_the_study_exists(nsd):
    trials = {p: nsd.trials(p, with_betas=True) for p in nsd.participants}
    split = split_sdc2025(trials, n_test=60, n_validation=40)
    assert check_split(split).is_clean
    shared = trials["subj01"].query("is_shared")["image_id"].unique()
    assert set(split["subj01"].images("test")) == set(shared)
