"""The NSD reader against naive readings of a tree written by hand."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets import _nsd_betas, ncsnr
from sdc_helpers.datasets.nsd import NSD

LAYOUTS = [
    "one chunk a voxel",
    "contiguous",
    "odd chunks",
    "gzip, one chunk a voxel",
    "one chunk a trial",
]


def random_mask(grid, seed=0, fraction=0.3):
    return np.random.default_rng(seed).random(grid) < fraction


def zscore(x):
    """Textbook z-score of columns, population standard deviation."""
    x = x.astype(float)
    mean = x.sum(axis=0) / len(x)
    return (x - mean) / np.sqrt(((x - mean) ** 2).sum(axis=0) / len(x))


# What is there


def test_lists_what_lies_there(tree, nsd):
    assert nsd.participants == ("subj01", "subj03")
    assert nsd.sessions("subj01") == (1, 2, 3)
    assert nsd.sessions("subj03") == (2,)
    assert nsd.rois("subj03") == ("floc-faces", "lh.floc-faces", "nsdgeneral")


def test_an_empty_root_has_no_participants(tmp_path):
    assert NSD(tmp_path).participants == ()


@pytest.mark.parametrize("part", ["betas", "responses"])
def test_a_part_of_the_tree_is_enough_for_what_it_holds(tree, tmp_path, part):
    root = tmp_path / "part"
    keep = [tree.betas("subj03", 2)] if part == "betas" else [tree.responses("subj03")]
    keep += [tree.stim_info] if part == "responses" else []
    for file in keep:
        target = root / file.relative_to(tree.root)
        target.parent.mkdir(parents=True)
        shutil.copy(file, target)
    nsd = NSD(root, cache=False)
    assert nsd.participants == ("subj03",)
    if part == "betas":
        mask = random_mask(tree.grids["subj03"])
        assert np.array_equal(nsd.betas("subj03", mask), tree.naive("subj03", [2], mask))
    else:
        assert len(nsd.trials("subj03")) == 24
        assert nsd.sessions("subj03") == ()


def test_what_is_not_asked_for_is_not_opened(tree):
    for file in (tree.stimuli, tree.stim_info, tree.responses("subj01"), tree.betas("subj01", 2)):
        file.write_bytes(b"junk")
    nsd = NSD(tree.root, cache=False)
    mask = random_mask(tree.grids["subj01"])
    assert nsd.participants == ("subj01", "subj03")
    assert np.array_equal(
        nsd.betas("subj01", mask, sessions=[1, 3]), tree.naive("subj01", [1, 3], mask)
    )


# Betas


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("participant", ["subj01", "subj03"])
def test_betas_equal_the_naive_reading(tree, nsd, participant, layout):
    sessions = nsd.sessions(participant)
    for session in sessions:
        tree.write_betas(participant, session, tree.stored[participant, session], layout)
    for mask in (random_mask(tree.grids[participant]), np.ones(tree.grids[participant], bool)):
        betas = nsd.betas(participant, mask)
        assert betas.dtype == np.float32
        assert np.array_equal(betas, tree.naive(participant, sessions, mask))


def test_a_chunk_that_was_never_written_is_the_fill_value(tree, nsd):
    file = tree.betas("subj01", 1)
    with h5py.File(file, "w") as handle:
        betas = handle.create_dataset(
            "betas", (10, 5, 7, 6), "i2", chunks=(10, 1, 1, 1), fillvalue=6
        )
        betas[:, 2, 3, 1] = np.arange(10)
    read = nsd.betas("subj01", [[1, 3, 2], [0, 0, 0]], sessions=[1], bad_voxels="keep")
    assert np.allclose(read[:, 0], np.arange(10) / 300)
    assert np.allclose(read[:, 1], 6 / 300)


def test_chunks_that_compression_made_small(tree, nsd):
    """A compressed chunk fits where a plain one was expected, and must not be taken for one."""
    data = np.zeros((200, 5, 7, 6), dtype=np.int16)
    data[::50] = np.arange(210).reshape(5, 7, 6)
    data[1] = 1
    tree.write_betas("subj01", 1, data, "gzip, one chunk a voxel")
    mask = random_mask(tree.grids["subj01"])
    read = nsd.betas("subj01", mask, sessions=[1])
    assert np.array_equal(read, tree.naive("subj01", [1], mask))


def test_bytes_stored_the_other_way_round(tree, nsd):
    mask = random_mask(tree.grids["subj01"])
    for options in ({}, {"chunks": (10, 1, 1, 1)}):
        swapped = tree.stored["subj01", 2].astype(">i2")
        tree.write_hdf5(tree.betas("subj01", 2), "betas", swapped, **options)
        read = nsd.betas("subj01", mask, sessions=[2])
        assert np.array_equal(read, tree.naive("subj01", [2], mask))


def test_small_buffers_change_nothing(tree, nsd, monkeypatch):
    mask = np.ones(tree.grids["subj01"], bool)
    for layout in ("one chunk a voxel", "contiguous"):
        tree.write_betas("subj01", 1, tree.stored["subj01", 1], layout)
        whole = nsd.betas("subj01", mask, sessions=[1], zscore="session")
        with monkeypatch.context() as patch:
            patch.setattr(_nsd_betas, "_BUFFER_BYTES", 700)
            patch.setattr(_nsd_betas, "_GAP_BYTES", 6)
            patch.setattr(_nsd_betas, "_TILE", 4)
            assert np.array_equal(nsd.betas("subj01", mask, sessions=[1], zscore="session"), whole)
            sparse = random_mask(mask.shape, fraction=0.1)
            assert np.array_equal(
                nsd.betas("subj01", sparse, sessions=[1]), tree.naive("subj01", [1], sparse)
            )


def test_masks_coordinates_and_indices_name_the_same_voxels(tree, nsd):
    mask = random_mask(tree.grids["subj01"])
    by_mask = nsd.betas("subj01", mask)
    assert np.array_equal(by_mask, nsd.betas("subj01", np.argwhere(mask)))
    assert np.array_equal(by_mask, nsd.betas("subj01", np.flatnonzero(mask)))


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_integer_voxels_keep_their_order(tree, nsd, data):
    n = int(np.prod(tree.grids["subj03"]))
    ids = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=30))
    layout = data.draw(st.sampled_from(LAYOUTS))
    tree.write_betas("subj03", 2, tree.stored["subj03", 2], layout)
    everything = tree.naive("subj03", [2], np.ones(tree.grids["subj03"], bool))
    assert np.array_equal(nsd.betas("subj03", ids), everything[:, ids])


def test_by_default_the_voxels_of_the_brain_mask(tree, nsd):
    inside = tree.brain("subj01") == 1
    assert np.array_equal(nsd.betas("subj01"), tree.naive("subj01", [1, 2, 3], inside))


def test_sessions_come_in_the_order_asked_for_in_betas_and_trials(tree, nsd):
    mask = random_mask(tree.grids["subj01"])
    assert np.array_equal(
        nsd.betas("subj01", mask, sessions=[3, 1]), tree.naive("subj01", [3, 1], mask)
    )
    trials = nsd.trials("subj01", sessions=[3, 1], with_betas=True)
    assert trials["session"].tolist() == [3] * 10 + [1] * 10


def test_zscore_by_session(tree, nsd):
    mask = random_mask(tree.grids["subj01"])
    expected = [zscore(tree.naive("subj01", [s], mask)) for s in (1, 2, 3)]
    read = nsd.betas("subj01", mask, zscore="session")
    assert np.allclose(read, np.concatenate(expected), atol=1e-5)


def test_zscore_by_training_trials_ignores_the_others(tree, nsd):
    mask = random_mask(tree.grids["subj01"])
    train = np.random.default_rng(5).random(30) < 0.6
    read = nsd.betas("subj01", mask, zscore="train", train=train)
    for s in (1, 2, 3):
        rows = slice(10 * (s - 1), 10 * s)
        x, t = tree.naive("subj01", [s], mask).astype(float), train[rows]
        assert np.allclose(read[rows], (x - x[t].mean(axis=0)) / x[t].std(axis=0), atol=1e-4)
        assert np.allclose(read[rows][t], zscore(x[t]), atol=1e-5)

    changed = tree.stored["subj01", 2].copy()
    changed[~train[10:20]] += 500
    tree.write_betas("subj01", 2, changed, "one chunk a voxel")
    again = nsd.betas("subj01", mask, zscore="train", train=train)
    assert np.array_equal(again[train], read[train])
    assert not np.allclose(again[~train], read[~train])


# Voxels without variance


@pytest.fixture
def dead_voxel(tree):
    """Voxel (2, 3, 1) of subj01 is 0 in session 2, constant in the first trials of session 3."""
    data = tree.stored["subj01", 2].copy()
    data[:, 1, 3, 2] = 0
    tree.write_betas("subj01", 2, data, "one chunk a voxel")
    data = tree.stored["subj01", 3].copy()
    data[:4, 2, 4, 3] = 7
    tree.write_betas("subj01", 3, data, "one chunk a voxel")
    return (2, 3, 1)


def test_constant_voxels_are_never_passed_over(tree, nsd, dead_voxel):
    mask = np.ones(tree.grids["subj01"], bool)
    assert nsd.betas("subj01", mask, sessions=[1]).shape == (10, 210)
    with pytest.raises(
        ValueError, match=r"1 of 210 voxels.*sessions \[2\].*\(2, 3, 1\).*'exclude'"
    ):
        nsd.betas("subj01", mask)
    kept = nsd.betas("subj01", mask, zscore="session", bad_voxels="keep")
    raw = nsd.betas("subj01", mask, bad_voxels="keep")
    assert np.array_equal(raw, tree.naive("subj01", [1, 2, 3], mask))
    bad = nsd.bad_voxels("subj01", mask)
    assert [tuple(v) for v in np.argwhere(mask)[bad]] == [dead_voxel]
    assert np.array_equal(np.isnan(kept), np.outer(np.arange(30) // 10 == 1, bad))
    excluded = nsd.betas("subj01", mask, zscore="session", bad_voxels="exclude")
    assert np.array_equal(excluded, kept[:, ~bad])


def test_with_training_trials_a_voxel_must_vary_among_them(tree, nsd, dead_voxel):
    mask = np.ones(tree.grids["subj01"], bool)
    train = np.tile(np.arange(10) < 4, 3)
    with pytest.raises(ValueError, match=r"2 of 210 voxels.*all training trials.*\[2, 3\]"):
        nsd.betas("subj01", mask, zscore="train", train=train)
    bad = nsd.bad_voxels("subj01", mask, train=train)
    assert [tuple(v) for v in np.argwhere(mask)[bad]] == [dead_voxel, (3, 4, 2)]


# Trials


def test_trials(tree, nsd):
    trials = nsd.trials("subj01")
    ids = tree.image_ids["subj01"]
    assert list(trials)[:8] == [
        "participant", "session", "run", "trial", "trial_index", "image_id", "repetition",
        "is_shared",
    ]  # fmt: skip
    assert list(trials)[8:] == ["10kid", "rt", "isold"]
    assert trials["image_id"].tolist() == ids.tolist()
    assert trials["trial_index"].tolist() == list(range(30))
    assert trials["session"].tolist() == [1] * 10 + [2] * 10 + [3] * 10
    assert trials["repetition"].tolist() == [
        1 + sum(ids[j] == ids[i] for j in range(i)) for i in range(30)
    ]
    # nsdId is image_id - 1, and every third is shared
    assert trials["is_shared"].tolist() == [(i - 1) % 3 == 0 for i in ids]
    assert np.isnan(trials["rt"][0])
    assert trials["rt"][1] == 701.5


def test_repetitions_count_showings_in_sessions_that_are_left_out(tree, nsd):
    trials = nsd.trials("subj03")
    with_betas = nsd.trials("subj03", with_betas=True)
    assert with_betas["session"].unique().tolist() == [2]
    assert with_betas["trial_index"].tolist() == list(range(12, 24))
    assert with_betas["repetition"].tolist() == trials["repetition"].tolist()[12:]
    assert trials["repetition"][13] >= 3  # image 17, shown twice in session 1


def test_rows_out_of_order_are_sorted_by_time(tree, nsd):
    expected = nsd.trials("subj01")
    rows = tree.response_rows("subj01")
    tree.write_responses("subj01", rows[::-1])
    assert nsd.trials("subj01").equals(expected)


# Pictures and captions


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ids=st.lists(st.integers(1, 60), min_size=0, max_size=80))
def test_stimuli_come_in_the_order_asked_for(tree, nsd, ids):
    images = nsd.stimuli(ids)
    assert images.dtype == np.uint8
    assert images.shape == (len(ids), 4, 5, 3)
    assert all(
        np.array_equal(image, tree.images[i - 1]) for image, i in zip(images, ids, strict=True)
    )


def test_captions_come_through_the_coco_id(nsd):
    ids = [6, 1, 60, 6]
    assert nsd.captions(ids) == [[f"image {i - 1}, text {k}" for k in range(5)] for i in ids]


def test_one_split_of_captions_is_enough_for_its_images(tree, nsd):
    tree.captions("train2017").unlink()
    assert nsd.captions([1])[0][0] == "image 0, text 0"


# Volumes


def test_roi_and_its_labels(tree, nsd):
    import nibabel as nib

    for name in ("floc-faces", "lh.floc-faces"):
        volume = np.asarray(nib.load(tree.functional("subj01") / "roi" / f"{name}.nii.gz").dataobj)
        roi = nsd.roi("subj01", name)
        assert np.array_equal(roi.volume, volume)
        assert roi.labels == {0: "Unknown", 1: "OFA", 2: "FFA-1", 3: "FFA-2"}
        assert np.array_equal(roi.mask("FFA-1"), volume == 2)
        assert np.array_equal(roi.mask(2), volume == 2)
        assert np.array_equal(roi.mask(), volume > 0)


def test_a_table_with_colours_is_read_too(tree, nsd):
    tree.table("subj01", "floc-faces").write_text(
        "# a comment\n0  Unknown 0 0 0 0\n1  OFA 255 0 0 0\n2  FFA-1 0 9 0 0\n3  FFA-2 0 0 9 0\n"
    )
    assert nsd.roi("subj01", "floc-faces").labels[2] == "FFA-1"


def test_a_roi_of_one_label_needs_no_table(nsd):
    assert nsd.roi("subj01", "nsdgeneral").labels == {0: "Unknown", 1: "nsdgeneral"}


def test_volumes(tree, nsd):
    assert nsd.ncsnr("subj03").shape == (4, 5, 9)
    assert nsd.ncsnr("subj03").dtype == np.float32
    assert np.array_equal(nsd.brainmask("subj03"), tree.brain("subj03") == 1)
    assert np.allclose(nsd.affine("subj03"), tree.affine)


# Noise ceilings of many voxels


@pytest.mark.parametrize("block_bytes", [1, 4 * 30 * 50, 2**28])
def test_ncsnr_of_training_trials_whatever_the_blocks(tree, nsd, monkeypatch, block_bytes):
    monkeypatch.setattr("sdc_helpers.datasets._nsd_ceilings._BLOCK_BYTES", block_bytes)
    train = np.arange(30) != 4
    mask = np.ones(tree.grids["subj01"], bool)
    spoilt = tree.stored["subj01", 3][:, 2, 1, 0]  # (Z, Y, X): in session 3, where nothing repeats
    with h5py.File(nsd._tree.sessions("subj01")[3], "r+") as handle:
        handle["betas"][:, 2, 1, 0] = spoilt[0]
    z = nsd.betas("subj01", mask, zscore="session", bad_voxels="keep")
    expected = ncsnr(z, tree.image_ids["subj01"], train, bad_voxels="keep")
    found = nsd.train_ncsnr("subj01", mask, train)
    lost = np.ravel_multi_index((0, 1, 2), mask.shape)
    assert np.flatnonzero(np.isnan(found)).tolist() == [lost]
    assert np.isfinite(expected[lost])
    kept = np.arange(mask.size) != lost
    np.testing.assert_allclose(found[kept], expected[kept], rtol=1e-6)


def test_ncsnr_is_kept_and_its_betas_are_not(tree, cached, monkeypatch):
    train, mask = np.ones(30, bool), np.ones(tree.grids["subj01"], bool)
    first = cached.train_ncsnr("subj01", mask, train)
    (entry,) = cached.cache.glob("*.npy")
    assert np.load(entry).shape == (mask.size,)
    other = cached.train_ncsnr("subj01", mask, np.arange(30) != 4)
    forbid_reading(monkeypatch)
    assert np.array_equal(cached.train_ncsnr("subj01", mask, list(train)), first)
    assert np.array_equal(cached.train_ncsnr("subj01", mask, np.arange(30) != 4), other)
    assert len(entries(cached)) == 2


# Cache


@pytest.fixture
def cached(tree, tmp_path) -> NSD:
    return NSD(tree.root, cache=tmp_path / "cache")


def entries(nsd):
    return sorted(path.name for path in nsd.cache.glob("*.npy"))


def forbid_reading(monkeypatch):
    def fail(*_):
        raise AssertionError("betas were read although they are in the cache")

    monkeypatch.setattr("sdc_helpers.datasets._nsd_request.read_session", fail)


def test_the_cache_returns_the_same_as_a_read_only_map(tree, nsd, cached, monkeypatch):
    mask = random_mask(tree.grids["subj01"])
    first = cached.betas("subj01", mask, zscore="session")
    forbid_reading(monkeypatch)
    again = cached.betas("subj01", np.argwhere(mask), zscore="session")
    assert isinstance(first, np.memmap)
    assert isinstance(again, np.memmap)
    assert not again.flags.writeable
    assert np.array_equal(first, again)
    monkeypatch.undo()
    assert np.array_equal(again, nsd.betas("subj01", mask, zscore="session"))


def test_every_part_of_a_request_has_its_own_entry(tree, cached):
    mask = random_mask(tree.grids["subj01"])
    train = np.arange(30) % 3 > 0
    results = [
        cached.betas("subj01", mask),
        cached.betas("subj01", ~mask),
        cached.betas("subj01", mask, sessions=[1]),
        cached.betas("subj01", mask, sessions=[2, 1]),
        cached.betas("subj01", mask, sessions=[1, 2]),
        cached.betas("subj01", mask, zscore="session"),
        cached.betas("subj01", mask, zscore="train", train=train),
        cached.betas("subj01", mask, zscore="train", train=~train),
        cached.betas("subj01", mask, bad_voxels="keep"),
    ]
    results += [cached.bad_voxels("subj01", mask), cached.bad_voxels("subj01", mask, train=train)]
    assert len(entries(cached)) == len({result.filename for result in results}) == len(results)


def test_two_trees_that_agree_in_paths_sizes_and_times_share_nothing(tree, cached, tmp_path):
    shutil.copytree(tree.root, tmp_path / "other")
    other = NSD(tmp_path / "other", cache=cached.cache)
    tree.write_betas("subj03", 2, tree.stored["subj03", 2] + 1, "one chunk a voxel")
    for root in (tree.root, other.root):
        os.utime(root / tree.betas("subj03", 2).relative_to(tree.root), ns=(1, 1))
    assert not np.array_equal(cached.betas("subj03"), other.betas("subj03"))


def test_a_changed_file_is_read_again(tree, cached):
    mask = random_mask(tree.grids["subj01"])
    before = cached.betas("subj01", mask)
    tree.write_betas("subj01", 2, tree.stored["subj01", 2] + 1, "one chunk a voxel")
    os.utime(tree.betas("subj01", 2), ns=(1, 1))
    after = cached.betas("subj01", mask)
    assert np.array_equal(after, tree.naive("subj01", [1, 2, 3], mask))
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("damage", ["truncate", "junk", "pickle"])
def test_a_damaged_entry_is_computed_again(tree, cached, damage):
    mask = random_mask(tree.grids["subj01"])
    expected = np.array(cached.betas("subj01", mask))
    (entry,) = (cached.cache / name for name in entries(cached))
    if damage == "truncate":
        entry.write_bytes(entry.read_bytes()[:-8])
    elif damage == "junk":
        entry.write_bytes(b"not an array")
    else:
        np.save(entry, np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    assert np.array_equal(cached.betas("subj01", mask), expected)


def test_nothing_partial_is_left_behind(tree, cached):
    mask = np.ones(tree.grids["subj01"], bool)
    data = tree.stored["subj01", 3].copy()
    data[:, 0, 0, 0] = 0
    tree.write_betas("subj01", 3, data, "one chunk a voxel")
    with pytest.raises(ValueError, match="one value in all trials"):
        cached.betas("subj01", mask)
    left = {path.suffix for path in cached.cache.iterdir()}
    assert left <= {".lock"}


def test_no_room_is_said_before_anything_is_written(tree, cached, monkeypatch):
    usage = shutil._ntuple_diskusage(10, 10, 100)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(ValueError, match=r"cache=.*0 MB are free.*cache=False"):
        cached.betas("subj01", random_mask(tree.grids["subj01"]))
    assert entries(cached) == []


def test_the_default_cache_is_in_the_data_folder(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    nsd = NSD(tree.root)
    nsd.betas("subj03")
    assert nsd.cache == tmp_path / "data" / "cache" / "nsd"
    assert len(entries(nsd)) == 1


def _read_and_sum(root, cache, queue):
    queue.put(float(np.sum(NSD(root, cache=cache).betas("subj01"), dtype=np.float64)))


def test_two_writers_at_once(tree, nsd, cached):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [
        context.Process(target=_read_and_sum, args=(tree.root, cached.cache, queue))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    sums = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    expected = float(np.sum(nsd.betas("subj01"), dtype=np.float64))
    assert sums == [expected, expected]
    assert len(entries(cached)) == 1


HANG = """
import sys, time
import sdc_helpers.datasets._nsd_request as request
from sdc_helpers.datasets.nsd import NSD
true_read = request.read_session
def read_then_hang(session, voxels, out):
    true_read(session, voxels, out)
    print("read", flush=True)
    time.sleep(60)
request.read_session = read_then_hang
NSD(sys.argv[1], cache=sys.argv[2]).betas("subj01")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_writer_leaves_nothing_that_is_taken_for_a_result(tree, nsd, cached):
    command = [sys.executable, "-c", HANG, str(tree.root), str(cached.cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "read\n"
        process.kill()
    assert entries(cached) == []
    assert np.array_equal(cached.betas("subj01"), nsd.betas("subj01"))
    assert not list(cached.cache.glob("*.tmp"))


# Memory and the benchmark


def test_memory_does_not_grow_with_the_volume_or_the_sessions(tree, nsd):
    """A 24 MB session and few voxels: nothing near the size of the file is allocated."""
    n_trials, grid = 60, (40, 50, 100)
    data = np.ones((n_trials, *grid[::-1]), dtype=np.int16)
    data[::2] = 2
    for session in (1, 2, 3):
        tree.write_betas("subj01", session, data, "contiguous")
    voxels = np.arange(0, np.prod(grid), 400)
    nsd.betas("subj01", voxels[:5])  # imports
    tracemalloc.start()
    try:
        result = nsd.betas("subj01", voxels, zscore="session")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert set(np.unique(result)) == {-1.0, 1.0}
    assert peak - result.nbytes < data.nbytes / 4


def test_the_benchmark_runs(tmp_path):
    script = Path(__file__).parents[3] / "benchmarks" / "nsd_reading.py"
    options = [
        "--trials=20",
        "--grid",
        "8",
        "9",
        "10",
        "--voxels=50",
        "--sessions=2",
        "--repeats=1",
    ]
    result = subprocess.run(
        [sys.executable, script, *options],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "read everything, then mask" in result.stdout
    assert "NSD.betas" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_json_of_captions_is_not_read_twice(nsd, tree):
    nsd.captions([1])
    tree.captions("val2017").write_text(json.dumps({"annotations": []}))
    assert nsd.captions([1])[0][0] == "image 0, text 0"


def test_importing_the_readers_imports_nothing_heavy():
    code = (
        "import sys, sdc_helpers.datasets.nsd, sdc_helpers.datasets.splits, "
        "sdc_helpers.datasets.ceilings; "
        "print({'pandas', 'h5py', 'nibabel', 'scipy'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"
