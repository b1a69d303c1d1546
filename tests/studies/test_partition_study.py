"""The race: tasks that hold queries out, and every method on one base."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.neighbours import SpacePartition
from sdc_helpers.studies import partition_study
from sdc_helpers.studies.partition_study import PictureSearch


def test_queries_are_held_out(rng):
    vectors = rng.normal(size=(120, 5)).astype(np.float32)
    task = partition_study.split_task(vectors, 20, "simulated", seed=1)
    assert (len(task.base), len(task.queries)) == (100, 20)
    together = np.r_[task.base, task.queries]
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(vectors, axis=0))
    assert task.truth.shape == (20, 10)
    nearest = [((task.base - q) ** 2).sum(axis=1).argmin() for q in task.queries]
    np.testing.assert_array_equal(task.truth[:, 0], nearest)
    with pytest.raises(ValueError, match="too few are left"):
        partition_study.split_task(vectors, 115, "simulated", seed=0)


def test_captions_ask_for_the_same_base(rng):
    pictures, captions = rng.normal(size=(2, 50, 4)).astype(np.float32)
    search = PictureSearch("simulated", pictures, captions)
    by_picture, by_caption, more = search.tasks(10, seed=2)
    np.testing.assert_array_equal(by_picture.base, by_caption.base)
    rows = [np.flatnonzero((pictures == q).all(axis=1))[0] for q in by_picture.queries]
    np.testing.assert_array_equal(by_caption.queries, captions[rows])
    in_base = [np.flatnonzero((pictures == one).all(axis=1))[0] for one in by_picture.base]
    np.testing.assert_array_equal(more, captions[in_base])


def test_a_race_is_run_on_one_base_with_one_seed(rng):
    vectors = rng.normal(size=(300, 6)).astype(np.float32)
    task = partition_study.split_task(vectors, 30, "simulated", seed=0)
    quick = SpacePartition(4, hidden=16, n_epochs=3)
    race = partition_study.race(task, quick, seed=2)
    assert set(race.curves) == {"soft votes", "k-means", "graph (HNSW)"}
    alone = SpacePartition(4, hidden=16, n_epochs=3, random_state=200).fit(task.base)
    np.testing.assert_array_equal(race.partition.bins_, alone.bins_)
    np.testing.assert_array_equal(race["soft votes"].recall, task.curve(alone).recall)
    for name in ("soft votes", "k-means"):
        assert race[name].recall[-1] == race[name].candidates[-1] == 1


def test_real_descriptors_are_a_task(real_data_mirror, tmp_path, monkeypatch):
    if not (real_data_mirror / "sift5k").is_dir():
        pytest.skip("the mirror has no SIFT descriptors")
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(real_data_mirror))
    task = partition_study.sift_task(50, seed=0, n_vectors=400)
    assert (task.kind, task.base.shape) == ("real", (350, 128))


def test_scenes_are_pictures_and_captions_that_find_each_other():
    search = partition_study.open_scene_pictures(40)
    assert (search.kind, search.pictures.shape) == ("simulated", search.captions.shape)
    for vectors in (search.pictures, search.captions):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-4)
    similar = search.pictures @ search.captions.T
    own, other = np.diag(similar).mean(), similar[~np.eye(40, dtype=bool)].mean()
    assert own > other + 0.1
