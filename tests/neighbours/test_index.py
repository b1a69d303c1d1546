"""Own bins inside faiss find what our own count says."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.neighbours import PartitionIndex, SpacePartition, exact_neighbours, recall_curve


@pytest.fixture(scope="module")
def fitted(cloud):
    return SpacePartition(8, hidden=32, n_epochs=15, batch_size=128).fit(cloud[0])


def test_recall_is_that_of_our_own_count(fitted, cloud):
    base, queries = cloud
    index = PartitionIndex(fitted, base)
    assert len(index) == len(base)
    truth = exact_neighbours(base, queries, 10)
    curve = recall_curve(fitted.probe_order(queries), fitted.bins_, truth)
    for n_probes in range(1, 9):
        distances, rows = index.search(queries, 10, n_probes)
        share = np.mean([np.isin(t, r).mean() for t, r in zip(truth, rows, strict=True)])
        assert share == pytest.approx(curve.recall[n_probes - 1], abs=1e-6)
    exact = ((base[rows] - queries[:, None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances, exact, rtol=1e-4)


def test_a_bin_with_too_few_says_so(fitted, cloud):
    base, queries = cloud
    small = PartitionIndex(fitted, base[:20])
    distances, rows = small.search(queries, 20, 1)
    assert (rows[:, -1] == -1).all()
    assert np.isinf(distances[:, -1]).all()


def test_what_is_saved_comes_back_and_cut_files_are_named(fitted, cloud, tmp_path):
    base, queries = cloud
    index = PartitionIndex(fitted, base)
    index.save(tmp_path / "mine")
    again = PartitionIndex.load(tmp_path / "mine")
    for one, other in zip(index.search(queries, 5, 3), again.search(queries, 5, 3), strict=True):
        np.testing.assert_array_equal(one, other)
    file = tmp_path / "mine" / "index.faiss"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"index\.faiss is missing, cut off"):
        PartitionIndex.load(tmp_path / "mine")


def test_what_does_not_fit_is_refused(fitted, cloud):
    base, queries = cloud
    index = PartitionIndex(fitted, base)
    with pytest.raises(ValueError, match="n_probes=9"):
        index.search(queries, 10, 9)
    with pytest.raises(ValueError, match="queries has 3 columns"):
        index.search(queries[:, :3])
