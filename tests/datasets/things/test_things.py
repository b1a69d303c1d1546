"""The THINGS-fMRI reader against small trees written by hand in the release's layout."""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets._things_files import open_responses
from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.datasets.things import THINGSfMRI, THINGSResponses

P, N_VOXELS = "sub-01", 12
V1 = [0, 2, 5]  # rows of the voxel table
STORAGE = {
    "contiguous": {},
    "chunked": {"chunks": (5, 4)},
    "compressed": {"chunks": (1, 18), "compression": "gzip"},
}


@pytest.mark.parametrize("storage", STORAGE)
@pytest.mark.parametrize("labels", ["pickled", "text", "absent"])
def test_trials_are_the_columns_of_the_file(tree, storage, labels):
    tree.storage, tree.labels = STORAGE[storage], labels
    tree.write()
    got = tree.read(roi="V1", trial_type="all", repeated="keep")
    assert got.responses.dtype == np.float32
    np.testing.assert_allclose(got.responses, tree.values[V1].T, rtol=1e-6)
    assert got.images.tolist() == tree.stimuli["stimulus"].tolist()
    assert got.voxel_ids.tolist() == tree.ids[V1].tolist()
    assert got.trials.tolist() == list(range(18))
    assert got.n_averaged.tolist() == [1] * 18


@pytest.mark.parametrize("trial_type", ["train", "test", "all"])
@pytest.mark.parametrize("repeated", ["average", "keep"])
def test_rows_against_a_loop(tree, trial_type, repeated):
    kept = [k for k, t in enumerate(tree.stimuli["trial_type"]) if trial_type in (t, "all")]
    images = [tree.stimuli["stimulus"][k] for k in kept]
    got = tree.read(trial_type=trial_type, repeated=repeated)
    if repeated == "keep":
        expected = {k: tree.values[:, k] for k in kept}
        assert got.images.tolist() == images
        assert got.trials.tolist() == kept
    else:
        expected = {i: np.mean([tree.values[:, k] for k in tree.trials(i)], 0) for i in images}
        expected = dict(sorted(expected.items()))
        assert got.images.tolist() == list(expected)
        assert got.n_averaged.tolist() == [len(tree.trials(image)) for image in expected]
        assert got.trials is None
    np.testing.assert_allclose(got.responses, np.array(list(expected.values())), rtol=1e-5)
    assert got.concepts.tolist() == [name.rsplit("_", 1)[0] for name in got.images]


@pytest.mark.parametrize(
    ("roi", "rows"),
    [
        (None, range(N_VOXELS)),
        ("LO1 (prf)", (9,)),
        (["V2", "V1"], (0, 2, 5, 7)),
        (("rFFA", "lFFA"), (10, 11)),
        (np.arange(N_VOXELS) % 5 == 1, (1, 6, 11)),
        ("ids", (8, 3, 4)),
    ],
)
def test_voxel_selection(tree, roi, rows):
    rows = list(rows)
    roi = tree.ids[rows] if isinstance(roi, str) and roi == "ids" else roi
    got = tree.read(roi=roi, trial_type="all", repeated="keep")
    assert got.voxel_ids.tolist() == tree.ids[rows].tolist()
    np.testing.assert_allclose(got.responses, tree.values[rows].T, rtol=1e-6)
    np.testing.assert_allclose(got.nc_singletrial, tree.voxels["nc_singletrial"][rows])
    np.testing.assert_allclose(got.nc_testset, tree.voxels["nc_testset"][rows])


def test_voxels_are_matched_by_id_not_by_row(tree):
    before = tree.read(roi="V1")
    order = np.random.default_rng(1).permutation(N_VOXELS)
    tree.ids, tree.values = tree.ids[order], tree.values[order]
    tree.write()
    np.testing.assert_array_equal(tree.read(roi="V1").responses, before.responses)


def test_trials_are_matched_by_trial_id_not_by_row(tree):
    before = tree.read()
    tree.stimuli = tree.stimuli.sort_values("stimulus")
    tree.write()
    np.testing.assert_array_equal(tree.read().responses, before.responses)


def test_trial_ids_that_restart_in_every_run_leave_the_order_of_the_rows(tree):
    before = tree.read()
    tree.stimuli["trial_id"] = tree.stimuli.groupby(["session", "run"]).cumcount()
    tree.write()
    np.testing.assert_array_equal(tree.read().responses, before.responses)


def test_tables(tree):
    things = THINGSfMRI(tree.root)
    assert things.participants == (P,)
    assert things.rois(P) == {"V1": 3, "V2": 2, "LO1 (prf)": 1, "lFFA": 0, "rFFA": 2}
    stimuli = things.stimuli(P)
    columns = ["trial", "trial_type", "session", "run", "image", "concept"]
    assert stimuli.columns.tolist() == columns
    assert stimuli["image"].tolist() == tree.stimuli["stimulus"].tolist()
    assert set(stimuli["concept"]) == {"aardvark", "bat1", "t_shirt", "zebra"}
    assert stimuli["trial"].tolist() == list(range(18))
    voxels = things.voxels(P)
    assert voxels["voxel_id"].tolist() == tree.ids.tolist()
    assert voxels["V1"].dtype == bool
    voxels.loc[:, "V1"] = True  # a copy: the reader's own stays
    assert things.rois(P)["V1"] == 3


def test_the_concept_column_of_a_later_release_is_used(tree):
    tree.stimuli["concept"] = "thing"
    tree.write()
    assert set(THINGSfMRI(tree.root).stimuli(P)["concept"]) == {"thing"}


def test_folder_above_the_files(tree):
    tree.root.rename(tree.root.parent / "betas_csv")
    assert THINGSfMRI(tree.root.parent).rois(P)["V2"] == 2


def test_only_the_participant_asked_for_is_opened(tree):
    (tree.root / "sub-02_ResponseData.h5").write_bytes(b"nothing")
    (tree.root / "sub-03_VoxelMetadata.csv").write_text("")
    (tree.root / "sub-3b_VoxelMetadata.csv").write_text("")
    assert THINGSfMRI(tree.root).participants == (P, "sub-02", "sub-03")
    assert tree.read().responses.shape == (12, N_VOXELS)


class Bomb:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_pickles_are_never_loaded(tree, tmp_path):
    exploded = tmp_path / "exploded"
    pickle.loads(pickle.dumps(Bomb(exploded)))  # noqa: S301
    assert exploded.exists(), "the bomb works"
    exploded.unlink()
    bomb = pickle.dumps(Bomb(exploded))

    def plant(handle):
        group = handle["ResponseData"]
        for node in (group, *group.values()):
            node.attrs["name"] = np.void(bomb)
        for name in ("axis0", "block0_items", "block1_items"):
            group[name][0] = np.frombuffer(bomb, dtype=np.uint8)

    tree.edit(plant)
    assert tree.read(roi="V1").responses.shape == (12, 3)
    assert not exploded.exists()


def test_rows_not_asked_for_are_not_read(tree):
    tree.storage = STORAGE["compressed"]
    tree.write()
    with h5py.File(tree.file("ResponseData.h5")) as handle:
        chunk = handle["ResponseData/block0_values"].id.get_chunk_info(3)
    with tree.file("ResponseData.h5").open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    file = tree.file("ResponseData.h5")
    with open_responses(file) as table:
        read = dict(_rows(table, np.array([0, 2, 4]), max_bytes=1))
        np.testing.assert_array_equal([read[k] for k in (0, 1, 2)], tree.values[[0, 2, 4]])
    with pytest.raises(
        DataFormatError, match=r"sub-01_ResponseData.h5 cannot be read in rows .*damaged"
    ):
        tree.read()


def _rows(table, rows, max_bytes):
    for positions, block in table.iter_rows(rows, max_bytes):
        yield from zip(positions.tolist(), block, strict=True)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 40)),
    chunks=st.sampled_from([None, 1, 7]),
    max_rows=st.integers(1, 50),
    data=st.data(),
)
def test_row_blocks_partition_the_rows(tmp_path_factory, shape, chunks, max_rows, data):
    n_voxels, n_trials = shape
    rows = np.array(data.draw(st.lists(st.integers(0, n_voxels - 1), unique=True)), dtype=int)
    values = np.arange(n_voxels * n_trials, dtype=float).reshape(shape)
    file = tmp_path_factory.mktemp("rows") / "responses.h5"
    with h5py.File(file, "w") as handle:
        group = handle.create_group("ResponseData")
        chunked = (min(chunks, n_voxels), n_trials) if chunks else None
        group.create_dataset("block0_values", data=values, chunks=chunked)
        group.create_dataset("block1_values", data=np.arange(n_voxels)[:, None])
    with open_responses(file) as table:
        read = list(_rows(table, rows, max_bytes=max_rows * n_trials * 8))
    assert sorted(position for position, _ in read) == list(range(len(rows)))
    for position, row in read:
        np.testing.assert_array_equal(row, values[rows[position]])


def test_memory_stays_far_below_the_file(tree):
    n_voxels, n_trials = 20_000, 2_000  # 320 MB, never written: unallocated rows read as zeros
    tree.stimuli = pd.DataFrame(
        {
            "trial_type": np.where(np.arange(n_trials) < 10, "test", "train"),
            "session": 1,
            "run": 1,
            "subject_id": 1,
            "trial_id": np.arange(n_trials),
            "stimulus": [f"thing_{k:04d}s.jpg" for k in range(n_trials)],
        }
    )
    tree.ids = np.arange(n_voxels)
    tree.voxels = tree.voxels.sample(n_voxels, replace=True).assign(voxel_id=tree.ids)
    tree.values, tree.labels = np.zeros((1, n_trials)), "absent"
    tree.write()

    def enlarge(handle):
        del handle["ResponseData/block0_values"]
        handle["ResponseData"].create_dataset("block0_values", (n_voxels, n_trials), dtype=float)

    tree.edit(enlarge)
    tracemalloc.start()
    got = tree.read(trial_type="test", bad_voxels="keep")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.responses.shape == (10, n_voxels)
    assert peak < 100e6


def test_bad_voxels_are_refused_excluded_or_kept_and_named(tree):
    tree.values[2, 4] = np.nan
    tree.values[5] = 0.25
    tree.values[7, 1] = np.inf
    tree.write()
    options = {"roi": ["V1", "V2"], "trial_type": "all"}
    with pytest.raises(ValueError, match=rf"4 voxels .* 2 are not finite and 1 .*{tree.ids[2]}\."):
        tree.read(**options)
    kept = tree.read(**options, bad_voxels="keep")
    assert kept.nan_voxels.tolist() == tree.ids[[2, 7]].tolist()
    assert kept.constant_voxels.tolist() == tree.ids[[5]].tolist()
    assert kept.responses.shape == (14, 4)
    assert np.isnan(kept.responses[:, 1]).any(), "not filled"
    left = tree.read(**options, bad_voxels="exclude")
    assert left.voxel_ids.tolist() == tree.ids[[0]].tolist()
    np.testing.assert_array_equal(left.responses, kept.responses[:, :1])
    np.testing.assert_array_equal(left.nc_testset, kept.nc_testset[:1])
    assert left.nan_voxels.tolist() == kept.nan_voxels.tolist()
    assert left.constant_voxels.tolist() == kept.constant_voxels.tolist()
    with pytest.raises(ValueError, match=r"bad_voxels='exclude': of the 2 voxels.*must be left"):
        tree.read(roi="V2", trial_type="all", bad_voxels="exclude")


def test_a_nan_outside_the_trials_read_does_not_count(tree):
    test_trial = tree.trials("bat1_14s.jpg")[0]
    tree.values[2, test_trial] = np.nan
    tree.write()
    assert tree.read(roi="V1", trial_type="train").nan_voxels.size == 0
    assert tree.read(roi="V1", trial_type="test", bad_voxels="keep").nan_voxels == tree.ids[2]


def test_voxels_are_not_constant_for_want_of_a_second_row(tree):
    tree.stimuli.loc[tree.stimuli["stimulus"] == "zebra_14s.jpg", "trial_type"] = "train"
    tree.write()
    got = tree.read(trial_type="test")
    assert got.images.tolist() == ["bat1_14s.jpg"]
    assert got.constant_voxels.size == 0


def test_align_keeps_the_order_given_and_names_what_is_missing(tree):
    responses = tree.read(roi="V1")
    wanted = ["zebra_02s.jpg", "dodo_01s.jpg", "aardvark_03s.jpg", "bat1_14s.jpg", "bat1_01s.jpg"]
    aligned = responses.align(wanted)
    assert aligned.images.tolist() == ["zebra_02s.jpg", "aardvark_03s.jpg", "bat1_01s.jpg"]
    assert aligned.concepts.tolist() == ["zebra", "aardvark", "bat1"]
    assert aligned.positions.tolist() == [0, 2, 4]
    assert aligned.missing == ("dodo_01s.jpg", "bat1_14s.jpg")
    for row, image in zip(aligned.responses, aligned.images, strict=True):
        (trial,) = tree.trials(image)
        np.testing.assert_allclose(row, tree.values[V1, trial], rtol=1e-6)


def test_one_image_of_each_concept_is_the_first_with_a_response(tree):
    responses = tree.read(roi="V1")
    wanted = ["zebra_03s.jpg", "bat1_00s.jpg", "bat1_02s.jpg", "zebra_01s.jpg", "bat1_01s.jpg"]
    aligned = responses.align(wanted, one_per_concept=True)
    assert aligned.images.tolist() == ["zebra_03s.jpg", "bat1_02s.jpg"]
    assert aligned.positions.tolist() == [0, 2]
    assert aligned.missing == ("bat1_00s.jpg",)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 19), unique=True, min_size=1), st.booleans())
def test_align_matches_features_by_position(numbers, one_per_concept):
    names = np.array([f"c{k % 6}_{k:02d}s.jpg" for k in range(15)])
    responses = np.arange(15, dtype=np.float32)[:, None]
    ids = np.array([0])
    concepts = np.array([f"c{k % 6}" for k in range(15)])
    given_ = THINGSResponses(
        responses, names, concepts, np.ones(15), None, ids, ids * 1.0, ids * 1.0, ids[:0], ids[:0]
    )
    wanted = [f"c{k % 6}_{k:02d}s.jpg" for k in numbers]
    if min(numbers) >= 15:
        with pytest.raises(ValueError, match="none of the"):
            given_.align(wanted, one_per_concept)
        return
    aligned = given_.align(wanted, one_per_concept)
    features = np.array(numbers)
    np.testing.assert_array_equal(aligned.responses[:, 0], features[aligned.positions])
    assert set(aligned.missing) == {w for w, k in zip(wanted, numbers, strict=True) if k >= 15}
    matched = [k for k in numbers if k < 15]
    assert len(aligned.images) == (
        len({k % 6 for k in matched}) if one_per_concept else len(matched)
    )


def test_participants_have_the_same_images_in_the_same_order(tree):
    other = np.random.default_rng(3).permutation(18)
    tree.participant = "sub-02"
    tree.stimuli = tree.stimuli.iloc[other].assign(trial_id=np.arange(18))
    tree.write()
    things = THINGSfMRI(tree.root)
    orders = [things.responses(p, "V1").images.tolist() for p in things.participants]
    assert orders[0] == orders[1]
