"""Simulated MEG, written and read in the release's files: what was planted is found, no more."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers import alignment
from sdc_helpers.simulate import PlantedResponse, things_images
from sdc_helpers.simulate.things_meg import ctf_helmet
from sdc_helpers.studies import meg_measures, meg_study

NAMES, _ = ctf_helmet()
SENSORS = [name for letter in "OTP" for name in [n for n in NAMES if n[2] == letter][:14]]
PLANTED = (  # strong, for 60 images and two participants
    PlantedResponse("low", "O", 0.10, 0.02, 0.05, 2.0),
    PlantedResponse("high", "T", 0.17, 0.03, 0.05, 2.0),
)
IMAGES = things_images(30, 2, 6)
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def studies():
    found = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        features = {name: rng.standard_normal((66, 8)) for name in ("early", "late")}
        grams = {name: alignment.gram(X, centre=True) for name, X in features.items()}
        found[seed] = meg_study.simulate_meg(
            grams, IMAGES, "early", "late", n_participants=2, n_test=6, seed=seed, groups="OTP",
            planted=PLANTED, sensors=SENSORS, window=(-0.1, 0.3), sfreq=100.0, n_catch=4,
            field_spread=0.01,
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def curves(studies):
    return {seed: study.over_time(499, seed) for seed, study in studies.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_responses_are_found_where_and_when_they_are(curves, seed):
    found = curves[seed]
    for group, layer, peak, within in (("O", "low", 0.10, 0.015), ("T", "high", 0.17, 0.02)):
        curve = found.values[found.at(group, layer)]
        assert abs(found.times[curve.argmax()] - peak) < within
        times = found.significant(group, layer)
        assert len(times)
        assert times.min() > 0
        assert found.cluster_p(group, layer) <= 0.05
        before = curve[found.times < 0]
        assert abs(before.mean()) < 0.02
    first = [found.significant(*which).min() for which in (("O", "low"), ("T", "high"))]
    assert first[1] - first[0] >= 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_an_unrelated_layer_is_never_found(curves, seed):
    found = curves[seed]
    for group in found.groups:
        assert len(found.significant(group, "unrelated")) == 0
        assert found.cluster_p(group, "unrelated") > 0.05
    assert len(found.significant("P", "low")) == len(found.significant("P", "high")) == 0


def test_rows_as_shown_lose_everything(studies, curves):
    for seed, study in studies.items():
        shown = study.over_time(199, seed, as_shown=True)
        for group, layer in (("O", "low"), ("T", "high")):
            assert len(shown.significant(group, layer)) == 0
            place = shown.at(group, layer)
            peak = curves[seed].values[place].argmax()
            assert shown.values[place][peak] < 0.3 * curves[seed].values[place][peak]


def test_rows_as_shown_are_the_same_rows(studies):
    study = studies[0]
    for group in "OTP":
        for aligned, shown in zip(study.responses[group], study.as_shown[group], strict=True):
            assert not np.array_equal(aligned, shown)
            one, other = (X.reshape(len(X), -1) for X in (aligned, shown))
            np.testing.assert_array_equal(one[one[:, 0].argsort()], other[other[:, 0].argsort()])


def test_the_study_holds_all_sensors_and_their_mean(studies):
    study = studies[1]
    assert study.evoked.shape == (2, 42, 41)
    assert study.places.shape == (42, 3)
    mean = study.responses["O"][1].mean(axis=0)
    np.testing.assert_allclose(study.evoked[1][:14], mean, atol=1e-5)


def test_longer_windows_raise_biased_cka_of_an_unrelated_layer(studies):
    found = meg_measures.growing_windows(studies[0], (0.08, 0.3), seed=0)
    assert found.n_features.tolist() == [56, 364]
    X = studies[0].window("O", 0.05, 0.3, 1).reshape(60, -1)
    expected = alignment.cka_from_grams(alignment.gram(X), studies[0].layers["unrelated"], "biased")
    assert found.meg["biased"][1, 1] == pytest.approx(expected)
    assert (found.growth > 1).all()
    assert np.abs(found.meg["debiased"]).max() < 0.1
    assert (found.random["biased"] > found.meg["biased"]).all()


def test_conditions_of_a_window(studies):
    found = meg_measures.window_conditions(studies[0], "low", seed=0, window=(0.08, 0.12))
    biased, debiased = found["biased"], found["debiased"]
    assert [len(v) for v in biased.values()] == [2, 10, 2]
    assert debiased["original"].min() > 0.1
    assert abs(debiased["shuffled"].mean()) < 0.05
    grams = [alignment.gram(studies[0].window("O", 0.08, 0.12, k).mean(axis=2)) for k in (0, 1)]
    kept = np.mean([alignment.mean_of_shuffles(K, studies[0].layers["low"]) for K in grams])
    assert biased["shuffled"].mean() == pytest.approx(kept, abs=0.03)
    X = studies[0].window("O", 0.08, 0.12).mean(axis=2)
    assert debiased["original"][0] == pytest.approx(
        alignment.cka_from_grams(alignment.gram(X), studies[0].layers["low"])
    )


def test_false_alarms_are_counted():
    found = meg_measures.false_alarms(6, n_images=20, n_times=30, n_permutations=39, seed=0)
    assert list(found) == [
        "uncorrected", "max statistic", "cluster mass", "cluster mass, each time alone"
    ]  # fmt: skip
    assert found["uncorrected"].value >= found["max statistic"].value
    assert all(0 <= share.value <= 1 for share in found.values())


def test_times_and_counts_over_seeds(curves):
    found = list(curves.values())
    assert meg_measures.peak_ms(found, "O", "low") == pytest.approx([100] * 3, abs=15)
    first = meg_measures.first_ms(found, "T", "high") - meg_measures.first_ms(found, "O", "low")
    order = meg_measures.order_ms(found)
    assert order.value == pytest.approx(first.mean())
    assert order.low < order.value < order.high
    nowhere = meg_measures.count_significant(found, [(g, "unrelated") for g in "OTP"])
    assert (nowhere.value, nowhere.low, nowhere.high) == (0, 0, 0)
    [one] = {len(c.significant("O", "low")) for c in found[:1]}
    assert meg_measures.count_significant(found[:1], [("O", "low")]).value == one > 0


def test_an_onset_that_is_missing_leaves_the_order_open(curves):
    from dataclasses import replace

    silent = replace(curves[0], p_values_fwe=np.ones_like(curves[0].p_values_fwe))
    order = meg_measures.order_ms([curves[1], silent])
    assert np.isnan(order.value)
    assert order.against(40) == "undecided"
