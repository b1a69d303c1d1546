"""Simulated THINGS-fMRI: the files, what is planted in them, and that the reader gets it back."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.alignment import permutation_test
from sdc_helpers.datasets.things import THINGSfMRI
from sdc_helpers.simulate import things as writer
from sdc_helpers.simulate._things_participant import readout
from sdc_helpers.simulate.things import ROI_SIZES, things_images, write_things

SMALL = {"n_participants": 2, "n_concepts": 30, "n_sessions": 4, "n_test": 6, "scale": 0.1}
IMAGES = things_images(30, 4, 6)
RELEASED_ROIS = """V1 V2 V3 hV4 VO1 VO2 LO1_(prf) LO2_(prf) TO1 TO2 V3b V3a lEBA rEBA lFFA rFFA lOFA
rOFA lSTS rSTS lPPA rPPA lRSC rRSC lTOS rTOS lLOC rLOC"""


def features(seed: int, d: int = 30, n: int = len(IMAGES)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)) + 3.0


PLANTED = {"V1": features(1), "rPPA": features(2, d=400)}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return write_things(
        tmp_path_factory.mktemp("simulated") / "things",
        roi_features=PLANTED,
        noise_ceiling={"V1": 40.0, "rPPA": 60.0},
        feature_names={"V1": "maxpool"},
        seed=5,
        **SMALL,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Layout ----------------------------------------------------------------------------------------


def test_files(root):
    kinds = ("ResponseData.h5", "VoxelMetadata.csv", "StimulusMetadata.csv")
    expected = {f"sub-{k:02d}_{kind}" for k in (1, 2) for kind in kinds}
    assert set(contents(root)) == {*expected, "truth.json"}
    assert [path.name for path in root.parent.iterdir()] == ["things"]


def test_tables_have_the_columns_of_the_release(root):
    stimuli = pd.read_csv(root / "sub-02_StimulusMetadata.csv")
    columns = ["trial_type", "session", "run", "subject_id", "trial_id", "stimulus"]
    assert stimuli.columns.tolist() == columns
    voxels = pd.read_csv(root / "sub-02_VoxelMetadata.csv")
    columns = ["voxel_id", "subject_id", "voxel_x", "voxel_y", "voxel_z"]
    columns += ["nc_singletrial", "nc_testset", "splithalf_uncorrected", "splithalf_corrected"]
    columns += ["prf-eccentricity", "prf-polarangle", "prf-rsquared", "prf-size"]
    columns += [name.replace("_", " ") for name in RELEASED_ROIS.split()]
    assert voxels.columns.tolist() == columns
    assert voxels["subject_id"].eq(2).all()
    assert not voxels.duplicated(["voxel_x", "voxel_y", "voxel_z"]).any()
    assert voxels.loc[:, "V1":].to_numpy().sum(axis=1).max() == 1


def test_responses_have_the_structure_of_a_pandas_fixed_frame(root):
    n_voxels = len(pd.read_csv(root / "sub-01_VoxelMetadata.csv"))
    n_trials = len(pd.read_csv(root / "sub-01_StimulusMetadata.csv"))
    with h5py.File(root / "sub-01_ResponseData.h5") as handle:
        assert list(handle) == ["ResponseData"]
        group = handle["ResponseData"]
        assert group["block0_values"].shape == (n_voxels, n_trials)
        assert group["block0_values"].dtype == np.float64
        assert group["block1_values"].shape == (n_voxels, 1)
        assert group["block1_values"].dtype == np.int64
        trials = [str(k).encode() for k in range(n_trials)]
        assert group["axis0"][:].tolist() == [b"voxel_id", *trials]
        assert group["block0_items"][:].tolist() == trials
        assert group["block1_items"][:].tolist() == [b"voxel_id"]
        assert group["axis1"][:].tolist() == list(range(n_voxels))
        text = {k: v.decode() for k, v in group.attrs.items() if isinstance(v, bytes)}
        assert (text["pandas_type"], text["encoding"]) == ("frame", "UTF-8")
        assert (group.attrs["nblocks"], group.attrs["ndim"]) == (2, 2)
        for axis in ("axis0", "axis1", "block0_items", "block1_items"):
            assert text[f"{axis}_variety"] == "regular"
        assert group["axis0"].attrs["kind"] == b"string"
        assert group["axis1"].attrs["kind"] == b"integer"
        assert all(node.attrs["transposed"] for node in group.values())


def test_nothing_in_the_files_is_a_pickle(root):
    with h5py.File(root / "sub-01_ResponseData.h5") as handle:
        nodes = [handle, handle["ResponseData"], *handle["ResponseData"].values()]
        values = [v for node in nodes for v in node.attrs.values()]
        assert not any(node.dtype.kind in "OV" for node in nodes[2:])
    assert values
    assert all(isinstance(v, bytes | np.integer) for v in values)


def test_trials(root):
    stimuli = THINGSfMRI(root).stimuli("sub-01")
    train = stimuli[stimuli["trial_type"] == "train"]
    assert sorted(train["image"]) == sorted(IMAGES[:-6])
    assert train.groupby(["session", "concept"]).size().eq(1).all()
    test = stimuli[stimuli["trial_type"] == "test"]
    assert test.groupby(["session", "image"]).size().tolist() == [1] * (4 * 6)
    assert set(test["image"]) == set(IMAGES[-6:])
    assert stimuli["session"].is_monotonic_increasing
    assert stimuli.groupby(["session", "run"]).size().max() <= 82


def test_sizes_of_the_rois(tmp_path):
    sizes = {"V1": 997, "TO1": 112, "lLOC": 4}
    write_things(tmp_path / "t", roi_sizes=sizes, n_other_voxels=7, **{**SMALL, "scale": 0.05})
    things = THINGSfMRI(tmp_path / "t")
    found = {roi: n for roi, n in things.rois("sub-01").items() if n}
    assert found == {"V1": 50, "TO1": 10, "lLOC": 4}
    assert len(things.voxels("sub-01")) == 50 + 10 + 4 + 7
    assert (min(ROI_SIZES.values()), max(ROI_SIZES.values())) == (112, 997)


def test_image_names():
    assert things_images(3, 2, 2) == (
        *("concept000_01s.jpg", "concept000_02s.jpg", "concept001_01s.jpg", "concept001_02s.jpg"),
        *("concept002_01s.jpg", "concept002_02s.jpg", "concept000_03s.jpg", "concept002_03s.jpg"),
    )


# What is planted -------------------------------------------------------------------------------


def test_truth(root):
    truth = json.loads((root / "truth.json").read_text())
    assert truth["simulated"] is True
    assert truth["images"] == list(IMAGES)
    assert truth["test_images"] == list(IMAGES[-6:])
    assert truth["rois"]["V1"]["reads"] == "maxpool"
    assert truth["rois"]["V1"]["n_features"] == 30
    assert truth["rois"]["V1"]["snr"] == pytest.approx((0.4 / 0.6) ** 0.5)
    assert truth["rois"]["V1"]["noise_ceiling_testset"] == pytest.approx(100 * 0.4 / (0.4 + 0.15))
    assert truth["rois"]["rPPA"]["reads"] == "features of rPPA"
    silent = truth["rois"]["V2"]
    assert (silent["reads"], silent["n_features"], silent["snr"]) == (None, 0, 0)


@pytest.mark.parametrize("participant", ["sub-01", "sub-02"])
def test_only_the_planted_features_are_in_a_roi(root, participant):
    things = THINGSfMRI(root)
    for roi in ("V1", "rPPA", "V3"):
        aligned = things.responses(participant, roi).align(IMAGES)
        assert aligned.missing == IMAGES[-6:]
        for planted, X in PLANTED.items():
            X = X[aligned.positions]
            p_value = permutation_test(X, aligned.responses, 200, "debiased", rng=0).p_value
            if planted == roi:
                assert p_value < 0.01
            else:  # noise: any p-value above 0 may occur; this one is rarer than 1 in 200
                assert p_value > 1 / 201


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 12), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_readout_has_the_gram_matrix_of_the_features(n, d, seed):
    X = np.random.default_rng(seed).standard_normal((n, d)) * 5 + 2
    H = np.eye(n) - 1 / n
    expected = H @ X @ X.T @ H
    expected *= n / np.trace(expected)
    got = readout(X)
    assert got.shape == (n, min(n, d))
    np.testing.assert_allclose(got @ got.T, expected, atol=1e-9)


def test_share_of_variance(tmp_path):
    """Signal variance of a voxel, from pairs of repetitions: their covariance is unbiased."""
    n_test = 400
    images = things_images(n_test, 2, n_test)
    X = features(0, d=300, n=len(images))
    write_things(
        tmp_path / "t",
        images=images,
        roi_features={"V1": X},
        n_participants=1,
        n_sessions=2,
        n_test=n_test,
        noise_ceiling=30.0,
        roi_sizes={"V1": 300, "V2": 300},
    )
    things = THINGSfMRI(tmp_path / "t")
    for roi, expected in (("V1", 30.0), ("V2", 0.0)):
        got = things.responses("sub-01", roi, "test", repeated="keep")
        pairs = [got.responses[got.images == image] for image in images[-n_test:]]
        first, second = np.moveaxis(np.array(pairs, dtype=float), 1, 0)
        first, second = first - first.mean(axis=0), second - second.mean(axis=0)
        covariance, variance = (first * second).mean(), (first**2).mean()
        # 300 voxels x 400 images with 300 features: relative standard error below 2 %
        assert 100 * covariance / variance == pytest.approx(expected, abs=3)
        assert variance == pytest.approx(0.07**2, rel=0.1)
        ceilings = things.voxels("sub-01").loc[lambda v, roi=roi: v[roi], "nc_singletrial"]
        assert ceilings.mean() == pytest.approx(expected, abs=4)  # clipping at 0 biases upwards


def test_reliabilities_are_estimated_from_the_test_trials(root):
    things = THINGSfMRI(root)
    table = things.voxels("sub-01").set_index("voxel_id")
    got = things.responses("sub-01", "V1", "test", repeated="keep")
    session = things.stimuli("sub-01")["session"].to_numpy()[got.trials]
    for column in range(0, 100, 25):
        voxel = table.loc[got.voxel_ids[column]]
        z = np.array(
            [
                [got.responses[(session == s) & (got.images == i), column][0] for i in IMAGES[-6:]]
                for s in (1, 2, 3, 4)
            ],
            dtype=float,
        )
        z = np.array([(row - np.mean(row)) / np.std(row) for row in z])
        noise = np.mean([np.var(z[:, i], ddof=1) for i in range(6)])
        snr2 = max(1 - noise, 0) / noise
        assert voxel["nc_singletrial"] == pytest.approx(100 * snr2 / (snr2 + 1), abs=1e-3)
        assert voxel["nc_testset"] == pytest.approx(100 * snr2 / (snr2 + 1 / 4), abs=1e-3)
        r = np.corrcoef(z[0] + z[2], z[1] + z[3])[0, 1]
        assert voxel["splithalf_uncorrected"] == pytest.approx(r, abs=1e-4)
        assert voxel["splithalf_corrected"] == pytest.approx(2 * r / (1 + r), rel=1e-3)


# Repeatability and atomicity -------------------------------------------------------------------


def test_same_seed_same_files(tmp_path):
    roots = [
        write_things(tmp_path / name, roi_features=PLANTED, seed=seed, **SMALL)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, again, other = (contents(root) for root in roots)
    assert first == again
    assert all(first[name] != other[name] for name in first)
    assert first["sub-01_ResponseData.h5"] != first["sub-02_ResponseData.h5"]


def test_features_of_one_roi_leave_the_others_alone(root, tmp_path):
    changed = {**PLANTED, "V1": features(9)}
    ceilings = {"V1": 40.0, "rPPA": 60.0}
    other = write_things(
        tmp_path / "t", roi_features=changed, noise_ceiling=ceilings, seed=5, **SMALL
    )
    here, there = THINGSfMRI(root), THINGSfMRI(other)
    for roi, same in (("V1", False), ("V2", True), ("rPPA", True)):
        pair = [reader.responses("sub-02", roi).responses for reader in (here, there)]
        assert np.array_equal(*pair) == same


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    written = writer.write_participant

    def fails_at_the_second(prefix, number, plan):
        if number == 2:
            raise OSError("no space left")
        written(prefix, number, plan)

    monkeypatch.setattr(writer, "write_participant", fails_at_the_second)
    with pytest.raises(OSError, match="no space left"):
        write_things(tmp_path / "things", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_used_and_a_full_one_is_not(tmp_path):
    (tmp_path / "things").mkdir()
    root = write_things(tmp_path / "things", **SMALL)
    before = contents(root)
    with pytest.raises(ValueError, match=r"things holds something already"):
        write_things(root, **SMALL)
    assert contents(root) == before


BAD = {
    "n_participants": [
        ({"n_participants": 0}, r"n_participants=0: expected an integer of 1 or more")
    ],
    "n_sessions": [({"n_sessions": 1}, r"n_sessions=1"), ({"n_sessions": 2.5}, r"n_sessions=2.5")],
    "n_test": [
        ({"n_test": 1}, r"n_test=1: .*of 2 or more"),
        ({"n_test": 31}, r"n_test=31 exceeds n_concepts=30"),
    ],
    "seed": [({"seed": -1}, r"seed=-1"), ({"seed": True}, r"seed=True")],
    "scale": [({"scale": 0}, r"scale=0"), ({"scale": float("nan")}, r"scale=nan")],
    "images": [
        ({"images": ["a_01s.jpg"] * 9}, r"images holds 'a_01s.jpg', 9 times"),
        ({"images": ["dog.jpg"]}, r"images holds 'dog.jpg'.*dog_12s.jpg"),
        ({"images": IMAGES[:7]}, r"images holds 7 names; .*besides n_test=6"),
    ],
    "roi_sizes": [
        ({"roi_sizes": {}}, r"roi_sizes is empty"),
        ({"roi_sizes": {"V9": 3}}, r"roi_sizes names the ROI 'V9'.*nearest are V3, V2, V1"),
        ({"roi_sizes": {"V1": 0}}, r"roi_sizes\['V1'\]=0"),
    ],
    "roi_features": [
        ({"roi_features": {"FFA": features(0)}}, r"ROI 'FFA', .*nearest are [lr]FFA"),
        ({"roi_features": {"V1": features(0)[1:]}}, r"roi_features\['V1'\] is .*\(126, d\)"),
        ({"roi_features": {"V1": np.zeros(126)}}, r"shape \(126,\); expected"),
        ({"roi_features": {"V1": np.full((126, 2), "a")}}, r"expected numbers"),
        ({"roi_features": {"V1": np.full((126, 2), np.nan)}}, r"must be finite"),
        ({"roi_features": {"V1": np.ones((126, 2))}}, r"differ between images"),
    ],
    "noise_ceiling": [
        ({"noise_ceiling": 0}, r"noise_ceiling=0 of all ROIs"),
        ({"noise_ceiling": 100.0}, r"noise_ceiling=100.0"),
        ({"roi_features": PLANTED, "noise_ceiling": {"V1": 1}}, r"no entry for 'rPPA'"),
        ({"noise_ceiling": {"V1": 1}}, r"ROI 'V1', which is unknown here.*roi_features is empty"),
    ],
    "feature_names": [({"feature_names": {"V1": "x"}}, r"feature_names names the ROI 'V1'")],
}


@pytest.mark.parametrize(("options", "match"), [case for cases in BAD.values() for case in cases])
def test_bad_arguments(tmp_path, options, match):
    with pytest.raises(ValueError, match=match):
        write_things(tmp_path / "things", **{**SMALL, **options})
    assert list(tmp_path.iterdir()) == []


def test_images_of_any_number_are_dealt_over_the_sessions(tmp_path):
    images = [f"thing{k}_01b.jpg" for k in range(25)]
    write_things(tmp_path / "t", images, n_participants=1, n_sessions=3, n_test=4, scale=0.01)
    stimuli = THINGSfMRI(tmp_path / "t").stimuli("sub-01")
    train = stimuli[stimuli["trial_type"] == "train"]
    assert sorted(train["image"]) == sorted(images[:21])
    assert train.groupby("session").size().tolist() == [7, 7, 7]
