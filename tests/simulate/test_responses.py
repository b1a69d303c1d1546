"""Voxels have the signal and the noise that the truth says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdc_helpers.simulate import responses
from sdc_helpers.simulate.concepts import concept_values
from sdc_helpers.simulate.cortex import make_cortex
from sdc_helpers.simulate.design import make_design
from sdc_helpers.simulate.rois import LABELS, make_rois


@pytest.fixture(scope="module")
def world(factors):
    """A participant with 400 pictures in 6 sessions."""
    rng = np.random.default_rng(8)
    values = concept_values(factors)
    cortex = make_cortex(6.0, rng)
    tuning = responses.make_tuning(cortex, 2, list(values), False, rng)
    design = make_design(1, 100, 300, 6, 2, rng)
    signals = responses.make_signals(tuning, values.to_numpy(), rng)
    return cortex, tuning, design, signals, values


def test_signals_have_the_planned_variance(world):
    _, tuning, _, signals, _ = world
    np.testing.assert_allclose(signals.std(axis=1), tuning.ncsnr * tuning.noise_sd, rtol=1e-3)
    assert (signals[np.isin(tuning.kind, ("noise", "drift"))] == 0).all()


def test_a_patch_follows_its_concept_and_voxels_differ(world):
    _, tuning, _, signals, values = world
    for name in ("faces", "places", "number", "vehicles"):
        patch = signals[tuning.concept == name]
        correlation = [np.corrcoef(row, values[name])[0, 1] for row in patch]
        assert min(correlation) > 0.6
        assert np.mean(correlation) > 0.85
        among = np.corrcoef(patch)[np.triu_indices(len(patch), 1)]
        assert among.max() < 0.999


def test_below_and_less_show_in_the_responses(world):
    """The mean response to the opposite is below zero for one, about zero for the other."""
    _, tuning, _, signals, values = world
    opposite = (values["places"] < -0.5).to_numpy()
    assert signals[tuning.concept == "places"][:, opposite].mean() < -0.2
    without = (values["words"] == 0).to_numpy()
    words = signals[tuning.concept == "words"]
    assert abs(words[:, without].mean()) < 0.1 * words[:, ~without].mean()


def test_mixtures_belong_to_no_concept(world):
    _, tuning, _, signals, values = world
    mixed = signals[tuning.kind == "mixture"]
    shared = values.iloc[:, :10].to_numpy()
    correlation = np.corrcoef(mixed, shared.T)[: len(mixed), len(mixed) :]
    assert np.abs(correlation).max() < 0.8
    assert (tuning.concept[tuning.kind == "mixture"] == "").all()


def test_noise_without_pictures_has_its_variance(world):
    _, tuning, design, signals, _ = world
    rng = np.random.default_rng(1)
    course = responses.motion(design, np.random.default_rng(2), np.random.default_rng(3))
    betas = responses.make_betas(tuning, 0 * signals, design, course, rng) / 300
    within = np.mean(
        [betas[:, design.session == s].var(axis=1, ddof=1) for s in range(1, 7)], axis=0
    )
    ratio = within / tuning.noise_sd**2
    assert abs(ratio.mean() - 1) < 0.02
    assert ratio.std() < 0.08


def test_motion_is_shared_between_participants_and_standardised(world):
    design = world[2]
    courses = [
        responses.motion(design, np.random.default_rng(0), np.random.default_rng(seed))
        for seed in (1, 2, 3)
    ]
    for s in range(1, 7):
        part = courses[0][design.session == s]
        assert abs(part.mean()) < 1e-9
        assert part.std() == pytest.approx(1)
    assert np.corrcoef(courses)[np.triu_indices(3, 1)].min() > 0.3
    assert np.corrcoef(courses)[0, 1] < 0.999


def test_poor_data_are_noisier_not_weaker():
    cortex = make_cortex(6.0, np.random.default_rng(0))
    names = list(_names())
    good, poor = (
        responses.make_tuning(cortex, 4, names, is_poor, np.random.default_rng(1))
        for is_poor in (False, True)
    )
    np.testing.assert_allclose(good.ncsnr * good.noise_sd, poor.ncsnr * poor.noise_sd)
    assert (poor.noise_sd > 2 * good.noise_sd).all()


def test_betas_are_clipped_to_the_range_of_int16(world):
    _, tuning, design, signals, _ = world
    loud = replace(tuning, noise_sd=tuning.noise_sd + 200)
    course = np.zeros(len(design.order))
    betas = responses.make_betas(loud, signals, design, course, np.random.default_rng(0))
    assert betas.dtype == np.int16
    assert betas.min() == -32768
    assert betas.max() == 32767


def test_localisers_overlap_their_patches_imperfectly():
    """Dice between 0.3 and 0.9, at the resolution of the workshop."""
    pairs = {"floc-faces": "faces", "floc-bodies": "bodies"}
    pairs |= {"floc-places": "places", "floc-words": "words"}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        cortex = make_cortex(4.0, rng)
        tuning = responses.make_tuning(cortex, 4, list(_names()), False, rng)
        rois = make_rois(cortex, tuning, rng)
        for roi, concept in pairs.items():
            found, patch = rois[roi] > 0, tuning.concept == concept
            dice = 2 * np.sum(found & patch) / (found.sum() + patch.sum())
            assert 0.3 < dice < 0.9, (roi, seed)
        for name, numbers in rois.items():
            assert numbers.min() == 0
            assert numbers.max() <= len(LABELS[name])
            assert cortex.is_visual[numbers > 0].all()


def _names():
    from sdc_helpers.simulate.concepts import OWNED, SHARED, SIDE_WAYS

    return (*(c.name for c in SHARED + OWNED), SIDE_WAYS)
