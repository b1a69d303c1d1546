"""The race: tasks that hold queries out, and every method on one base."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.neighbours import RecallCurve, SpacePartition
from sdc_helpers.studies import partition_study
from sdc_helpers.studies.partition_study import PictureSearch, Race


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


def test_every_method_runs_and_ends_at_all(rng):
    vectors = rng.normal(size=(300, 6)).astype(np.float32)
    task = partition_study.split_task(vectors, 30, "simulated", seed=0)
    quick = SpacePartition(4, hidden=16, n_epochs=3)
    whole = partition_study.race(task, quick, seed=0)
    assert len(whole.curves) == 6
    for name, curve in whole.curves.items():
        if "graph" not in name:
            assert curve.recall[-1] == curve.candidates[-1] == 1
    short = partition_study.race(task, quick, seed=0, is_whole=False)
    assert set(short.curves) == {"soft votes", "k-means", "graph (HNSW)"}
    np.testing.assert_array_equal(short["soft votes"].recall, whole["soft votes"].recall)
    np.testing.assert_array_equal(short.partition.bins_, whole.partition.bins_)


def test_a_lead_is_the_difference_at_one_share():
    def curve(recall):
        return RecallCurve(np.array([0.5, 1.0]), np.array([recall, 1.0]))

    races = [Race({"a": curve(first), "b": curve(0.6)}, SpacePartition()) for first in (0.8, 0.6)]
    lead = partition_study.ahead(races, "a", "b", 0.25)
    np.testing.assert_allclose(lead.by_seed, [0.1, 0.0])


def test_real_descriptors_are_a_task(real_data_mirror, tmp_path, monkeypatch):
    if not (real_data_mirror / "sift5k").is_dir():
        pytest.skip("the mirror has no SIFT descriptors")
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(real_data_mirror))
    task = partition_study.sift_task(50, seed=0, n_vectors=400)
    assert (task.kind, task.base.shape) == ("real", (350, 128))
