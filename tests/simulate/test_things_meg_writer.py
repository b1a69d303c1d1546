"""Simulated THINGS-MEG: the files, what is planted in them, and that the reader gets it back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.datasets.things_meg import THINGSMEG
from sdc_helpers.simulate import PlantedResponse, load_meg_truth, write_things_meg
from sdc_helpers.simulate import _things_meg_participant as participant

HELMET, PLACES = participant.ctf_helmet()
SENSORS = tuple(name for letter in "OTPCF" for name in [n for n in HELMET if n[2] == letter][:6])
LOW = np.random.default_rng(1).standard_normal((46, 5)) + 3
PLANTED = (
    PlantedResponse("low", "O", 0.10, 0.02, 0.05, 4.0),
    PlantedResponse("high", "T", 0.17, 0.03, 0.12, 2.0),
)
FEATURES = {"low": LOW, "high": np.random.default_rng(2).standard_normal((46, 60))}
SMALL = {
    "n_participants": 2, "n_test": 6, "n_catch": 5, "window": (-0.1, 0.25), "sfreq": 100.0,
    "sensors": SENSORS,
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "meg"
    return write_things_meg(folder, FEATURES, PLANTED, seed=5, **SMALL)


@pytest.fixture(scope="module")
def meg(root) -> THINGSMEG:
    return THINGSMEG(root)


# Layout ----------------------------------------------------------------------------------------


def test_files_are_those_of_the_release(root):
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    epochs = {f"derivatives/preprocessed/preprocessed_P{k}-epo.fif" for k in (1, 2)}
    tables = {f"sourcedata/sample_attributes_P{k}.csv" for k in (1, 2)}
    assert found == {*epochs, *tables, "truth.json"}


def test_the_helmet_has_271_sensors_39_of_them_occipital():
    assert len(HELMET) == 271
    counts = pd.Series([name[2] for name in HELMET]).value_counts().to_dict()
    assert counts == {"O": 39, "T": 67, "P": 45, "C": 52, "F": 68}
    assert "MRO11-1609" not in HELMET
    np.testing.assert_allclose(np.linalg.norm(PLACES, axis=1), 0.11)
    middle = {letter: PLACES[[name[2] == letter for name in HELMET]].mean(0) for letter in "OFC"}
    assert middle["O"][1] < middle["C"][1] < middle["F"][1]  # from the back to the front
    left = PLACES[[name[1] == "L" for name in HELMET], 0]
    assert left.mean() < -0.03


def test_trials(root, meg):
    stimuli = meg.stimuli("P1")
    assert stimuli["trial_type"].value_counts().to_dict() == {"exp": 40, "test": 24, "catch": 5}
    assert (stimuli.query("trial_type == 'test'").groupby("image").size() == 4).all()
    assert stimuli.query("trial_type == 'test'").groupby("session").size().tolist() == [6] * 4
    truth = load_meg_truth(root)
    shown = stimuli.query("trial_type != 'catch'")
    assert shown["image"].tolist() == [truth.images[number - 1] for number in shown["number"]]
    assert stimuli["number"].tolist() != meg.stimuli("P2")["number"].tolist()
    assert meg.times("P1")[[0, 10, -1]] == pytest.approx([-0.1, 0.0, 0.25], abs=1e-9)


def test_a_long_recording_is_split_and_reads_as_one(tmp_path):
    one = write_things_meg(tmp_path / "one", FEATURES, PLANTED, seed=5, **SMALL)
    split = write_things_meg(
        tmp_path / "split", FEATURES, PLANTED, seed=5, split_size="1.15MB", **SMALL
    )
    parts = list((split / "derivatives" / "preprocessed").glob("preprocessed_P1*"))
    assert len(parts) > 1
    whole, again = (THINGSMEG(root).responses("P1") for root in (one, split))
    np.testing.assert_array_equal(whole.responses, again.responses)
    np.testing.assert_array_equal(whole.numbers, again.numbers)


def test_mne_alone_writes_what_reads_identically(root, meg, tmp_path):
    """A file whose numbers MNE read and wrote anew gives the same images, sensors and values."""
    import mne

    file = root / "derivatives" / "preprocessed" / "preprocessed_P2-epo.fif"
    epochs = mne.read_epochs(file, verbose="error")
    info = mne.create_info(epochs.ch_names, epochs.info["sfreq"], "mag")
    alone = mne.EpochsArray(
        epochs.get_data(), info, epochs.events, epochs.tmin, metadata=epochs.metadata,
        baseline=None, verbose="error",
    )  # fmt: skip
    alone.save(tmp_path / "preprocessed_P2-epo.fif", verbose="error")
    for kind in ("exp", "test"):
        ours = meg.responses("P2", trial_type=kind)
        theirs = THINGSMEG(tmp_path).responses("P2", trial_type=kind)
        for name in ("responses", "images", "numbers", "sensors", "groups", "n_averaged"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
        np.testing.assert_allclose(ours.times, theirs.times, atol=1e-12)


# What is planted -------------------------------------------------------------------------------


def test_truth_comes_back(root):
    truth = load_meg_truth(root)
    assert truth.planted == PLANTED
    assert truth.participants == ("P1", "P2")
    assert truth.n_features == {"low": 5, "high": 60}
    assert truth.test_images == truth.images[-6:]
    assert truth.sampling == (-0.1, 0.25, 100.0)
    assert json.loads((root / "truth.json").read_text())["simulated"] is True


def test_no_truth(tmp_path):
    with pytest.raises(ValueError, match=r"truth.json holds no truth"):
        load_meg_truth(tmp_path)


def test_a_time_course_rises_and_decays_as_said():
    times = np.array([0.08, 0.10, 0.15])
    np.testing.assert_allclose(PLANTED[0].course(times), np.exp([-0.5, 0, -1]), rtol=1e-12)


def test_each_baseline_is_z_scored(meg):
    field = meg.responses("P1").responses
    baseline = field[:, :, meg.times("P1") <= 1e-9]
    np.testing.assert_allclose(baseline.mean(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose(baseline.std(axis=2), 1, atol=1e-5)


def test_noise_has_variance_1_and_is_correlated_in_time_and_over_sensors():
    rng = np.random.default_rng(3)
    field = participant.ar_noise(3000, 8, PLACES[:40], rng)
    assert field.var() == pytest.approx(1, abs=0.03)
    lag = (field[:, :, 1:] * field[:, :, :-1]).mean()
    assert lag == pytest.approx(0.8 * 0.9 + 0.2 * 0.5, abs=0.03)
    correlation = np.corrcoef(field[:, :, 0].T)
    distance = np.linalg.norm(PLACES[:40, None] - PLACES[:40], axis=2)
    near = correlation[(distance > 0) & (distance < 0.025)]
    assert near.mean() > 0.4
    assert near.max() < 0.85  # a fifth of the variance is each sensor's own


@pytest.mark.parametrize("response", PLANTED, ids=lambda response: response.features)
def test_the_planted_variance_is_in_its_group_at_its_time(response, monkeypatch):
    """Without z-scores: the variance over images beyond that of noise, by sensors and samples."""
    plan = _plan(response, n=4000)
    shown = np.arange(4000)
    silent = participant.Plan(**{**vars(plan), "planted": ()})
    monkeypatch.setattr(participant, "z_score", lambda field, _: field)
    signal = participant.responses(1, plan, shown) - participant.responses(1, silent, shown)
    variance = signal.var(axis=0)
    own = np.array([name[2] == response.group for name in SENSORS])
    assert (variance[~own] == 0).all()
    expected = response.snr2 * response.course(plan.times) ** 2
    # weights of 6 sensors and 60 features scatter, by about 10 %
    np.testing.assert_allclose(variance[own].mean(axis=0), expected, rtol=0.35, atol=1e-9)


def _plan(response: PlantedResponse, n: int) -> participant.Plan:
    from sdc_helpers.simulate._things_participant import readout

    X = np.random.default_rng(9).standard_normal((n, 60))
    places = PLACES[[HELMET.index(name) for name in SENSORS]]
    times = np.arange(-10, 26) / 100
    return participant.Plan(
        images=tuple(f"a_{k}" for k in range(n)), n_test=0, n_sessions=1, n_catch=0, times=times,
        names=SENSORS, places=places, readouts={response.features: readout(X)},
        planted=(response,), field_spread=0.0, split_size="2GB", seed=3,
    )  # fmt: skip


def test_neighbouring_sensors_share_weights():
    blur = participant._blur(PLACES, 0.03)
    np.testing.assert_allclose((blur**2).sum(axis=1), 1)
    shared = blur @ blur.T
    distance = np.linalg.norm(PLACES[:, None] - PLACES, axis=2)
    assert shared[(distance > 0) & (distance < 0.03)].mean() > 0.7
    assert shared[distance > 0.15].max() < 0.01
    np.testing.assert_array_equal(participant._blur(PLACES, 0), np.eye(271))


def test_the_same_seed_gives_the_same_responses_and_another_others(root, meg, tmp_path):
    again = THINGSMEG(write_things_meg(tmp_path / "a", FEATURES, PLANTED, seed=5, **SMALL))
    other = THINGSMEG(write_things_meg(tmp_path / "b", FEATURES, PLANTED, seed=6, **SMALL))
    own = meg.responses("P1").responses
    np.testing.assert_array_equal(own, again.responses("P1").responses)
    assert abs(np.corrcoef(own.ravel(), other.responses("P1").responses.ravel())[0, 1]) < 0.3
    assert abs(np.corrcoef(own.ravel(), meg.responses("P2").responses.ravel())[0, 1]) < 0.3


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"features": {}}, "features is empty"),
        ({"features": {"low": LOW[:, 0]}}, "must all be"),
        ({"features": {**FEATURES, "more": LOW[:5]}}, "with one n_images"),
        ({"features": {"low": np.ones((46, 2))}}, "differ between images"),
        ({"features": {"high": LOW}}, "expected features out of"),
        ({"planted": [PlantedResponse("low", "X", 0.1, 0.1, 0.1, 1)]}, "a group out of"),
        ({"planted": [PlantedResponse("low", "O", 0.1, 0.0, 0.1, 1)]}, "rise and decay above 0"),
        ({"sensors": SENSORS[:3], "planted": PLANTED[1:]}, "no sensor of this group"),
        ({"sensors": ["MRO11-1609"]}, "sensors holds 'MRO11-1609'"),
        ({"window": (0.0, 0.3)}, "for the baseline"),
        ({"field_spread": -1}, "field_spread=-1"),
        ({"n_test": 1}, "n_test=1"),
        ({"images": ["dog"] * 46}, "images holds 'dog'"),
    ],
)
def test_bad_arguments(tmp_path, changes, match):
    arguments = {"features": FEATURES, "planted": PLANTED, **SMALL, **changes}
    with pytest.raises(ValueError, match=match):
        write_things_meg(tmp_path / "meg", **arguments)
    assert not (tmp_path / "meg").exists()


def test_a_folder_that_holds_something_is_left_alone(root):
    with pytest.raises(ValueError, match="holds something already"):
        write_things_meg(root, FEATURES, PLANTED, **SMALL)
