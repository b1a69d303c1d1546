"""The Haxby reader against figures computed by hand elsewhere and a naive recomputation."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets import (
    DataUnavailableError,
    block_means,
    category_model,
    load_haxby,
    load_haxby_runs,
)

TR = 2.0
N_VOLUMES = 20


# --------------------------------------------------------------------- real files


def naive_cka(X: np.ndarray, Y: np.ndarray, debiased: bool) -> float:
    """CKA element by element, from the textbook definition."""
    n = len(X)

    def centred(features):
        K = [[float(np.dot(a, b)) for b in features] for a in features]
        if debiased:
            for i in range(n):
                K[i][i] = 0.0
        row = [sum(values) for values in K]
        total = sum(row)
        out = [[0.0] * n for _ in range(n)]
        for i in range(n):
            for j in range(n):
                if not debiased:
                    out[i][j] = K[i][j] - row[i] / n - row[j] / n + total / n**2
                elif i != j:
                    out[i][j] = K[i][j] - (row[i] + row[j]) / (n - 2) + total / ((n - 1) * (n - 2))
        return out

    def inner(A, B):
        return sum(a * b for u, v in zip(A, B, strict=True) for a, b in zip(u, v, strict=True))

    K, L = centred(X), centred(Y)
    return inner(K, L) / (inner(K, K) * inner(L, L)) ** 0.5


@pytest.fixture(scope="module")
def slice_blocks(_fetched):
    return load_haxby(root=_fetched / "real" / "haxby2001")


@pytest.mark.parametrize(
    ("n_blocks", "biased", "debiased"),
    [(24, 0.293, 0.027), (48, 0.293, 0.133), (96, 0.189, 0.101)],
)
def test_cka_with_the_category_model_meets_the_independent_figures(
    slice_blocks, n_blocks, biased, debiased
):
    X = slice_blocks.responses[:n_blocks]
    Y = category_model(slice_blocks.categories, slice_blocks.category_names)[:n_blocks]
    assert naive_cka(X, Y, debiased=False) == pytest.approx(biased, abs=6e-4)
    assert naive_cka(X, Y, debiased=True) == pytest.approx(debiased, abs=6e-4)


def test_real_slice_has_493_voxels_and_a_balanced_design(slice_blocks):
    assert slice_blocks.responses.shape == (96, 493)
    assert slice_blocks.responses.dtype == np.float64
    assert np.isfinite(slice_blocks.responses).all()
    assert slice_blocks.excluded.shape == (0, 3)
    assert (slice_blocks.runs == np.repeat(np.arange(1, 13), 8)).all()
    for run in range(1, 13):
        in_run = slice_blocks.categories[slice_blocks.runs == run]
        assert sorted(in_run) == sorted(slice_blocks.category_names)
    assert len(slice_blocks.category_names) == 8


@pytest.mark.parametrize(("mask", "n_voxels"), [(None, 600), ("brain", 129), ("gray", 28)])
def test_real_whole_brain(real_data, mask, n_voxels):
    blocks = load_haxby("whole_brain", mask=mask)
    assert blocks.responses.shape == (96, n_voxels)
    assert np.isfinite(blocks.responses).all()
    file = real_data / "real" / "haxby2001" / "sub001" / "masks" / "25mm" / f"{mask}.nii.gz"
    if mask is not None:
        drawn = np.isfinite(blocks.to_volume(np.ones(n_voxels)))
        assert (drawn == (np.asarray(nib.load(file).dataobj) > 0)).all()


def test_real_runs_have_121_volumes_every_two_and_a_half_seconds(real_data):
    runs = list(load_haxby_runs("slice"))
    assert [run.run for run in runs] == list(range(1, 13))
    assert {run.series.shape for run in runs} == {(121, 800)}
    assert {run.series.dtype for run in runs} == {np.dtype(np.int16)}
    assert {run.tr for run in runs} == {2.5}


def test_without_files_or_network_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailableError, match="sdc data fetch haxby2001"):
        load_haxby()
    with pytest.raises(DataUnavailableError, match="sdc data fetch haxby2001"):
        load_haxby_runs()


# --------------------------------------------------------------------- the computation


def test_responses_equal_a_loop_over_blocks_and_voxels(haxby):
    blocks = load_haxby(root=haxby.root, shift_s=3.0)
    row = 0
    for run in (1, 2, 3):
        data = haxby.signals["bold_1slice", run].astype(float)
        for onset, duration, category in haxby.events:
            assert (blocks.runs[row], blocks.categories[row]) == (run, category)
            for column, (x, y, z) in enumerate(blocks.voxels):
                series = data[x, y, z]
                mean = sum(series) / N_VOLUMES
                sd = (sum((value - mean) ** 2 for value in series) / N_VOLUMES) ** 0.5
                taken = [
                    (series[i] - mean) / sd
                    for i in range(N_VOLUMES)
                    if onset + 3.0 <= i * TR < onset + duration + 3.0
                ]
                assert blocks.responses[row, column] == pytest.approx(sum(taken) / len(taken))
            row += 1
    assert row == len(blocks.responses)


def test_gain_and_offset_of_a_voxel_do_not_matter(haxby):
    before = load_haxby(root=haxby.root).responses
    for run in (1, 2, 3):
        data = 3.5 * haxby.signals["bold_1slice", run].astype(np.float64) + 1000 * run
        haxby.write_bold(run, data)
    np.testing.assert_allclose(load_haxby(root=haxby.root).responses, before, atol=1e-10)


def test_events_out_of_order_in_the_file_come_in_order_of_onset(haxby):
    expected = load_haxby(root=haxby.root)
    for run in (1, 2, 3):
        haxby.write_events(run, haxby.events[::-1])
    shuffled = load_haxby(root=haxby.root)
    assert (shuffled.categories == expected.categories).all()
    assert (shuffled.responses == expected.responses).all()


@pytest.mark.parametrize("mean_run", [1, "last", "all"])
def test_threshold_uses_the_run_that_was_asked_for(haxby, mean_run):
    means = np.stack([haxby.signals["bold_1slice", run].mean(axis=-1) for run in (1, 2, 3)])
    reference = {1: means[0], "last": means[2], "all": means.mean(axis=0)}[mean_run]
    threshold = float(np.median(reference))
    blocks = load_haxby(root=haxby.root, min_mean=threshold, mean_run=mean_run)
    assert {tuple(v) for v in blocks.voxels} == set(
        zip(*map(list, np.nonzero(reference > threshold)), strict=True)
    )


def test_mask_selects_its_voxels(haxby):
    blocks = load_haxby("whole_brain", mask="vt", root=haxby.root)
    assert blocks.responses.shape == (9, 6)
    assert (blocks.voxels[:, 0] == 0).all()


def test_constant_voxels_are_excluded_and_listed(haxby):
    data = haxby.signals["bold_1slice", 2].copy()
    data[1, 2, 0] = 900
    haxby.write_bold(2, data)
    blocks = load_haxby(root=haxby.root)
    assert blocks.excluded.tolist() == [[1, 2, 0]]
    assert blocks.responses.shape == (9, 11)
    assert [1, 2, 0] not in blocks.voxels.tolist()


def test_all_voxels_constant(haxby):
    for run in (1, 2, 3):
        data = np.full((*haxby.grids["bold_1slice"], N_VOLUMES), 900, dtype=np.int16)
        haxby.write_bold(run, data)
    with pytest.raises(ValueError, match="12 selected voxels are constant"):
        load_haxby(root=haxby.root)


def test_to_volume_puts_values_where_they_came_from(haxby):
    blocks = load_haxby(root=haxby.root, min_mean=1000.0)
    assert 0 < len(blocks.voxels) < 12
    means = haxby.signals["bold_1slice", 3].mean(axis=-1)
    volume = blocks.to_volume(means[tuple(blocks.voxels.T)])
    np.testing.assert_array_equal(volume, np.where(means > 1000, means, np.nan))
    np.testing.assert_array_equal(blocks.affine, haxby.affine)
    with pytest.raises(ValueError, match="values has shape"):
        blocks.to_volume(np.ones(len(blocks.voxels) + 1))


def test_runs_are_as_recorded(haxby):
    runs = list(load_haxby_runs("slice", runs=[3, 1], root=haxby.root))
    assert [run.run for run in runs] == [3, 1]
    for run in runs:
        assert run.series.dtype == np.int16
        np.testing.assert_array_equal(
            run.series.T.reshape(*run.grid_shape, N_VOLUMES), haxby.signals["bold_1slice", run.run]
        )


@settings(deadline=None, max_examples=60)
@given(
    tr=st.sampled_from([0.72, 1.0, 2.0, 2.5]),
    onset_steps=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    length_steps=st.integers(4, 30),
    shift=st.sampled_from([0.0, 2.5, 5.0, 6.3]),
    seed=st.integers(0, 2**16),
)
def test_block_means_agree_with_a_loop(tr, onset_steps, length_steps, shift, seed):
    onsets = [0.5 * tr * step for step in onset_steps]
    duration = 0.5 * tr * length_steps
    series = np.random.default_rng(seed).normal(size=(64, 3))
    means = block_means(series, onsets, [duration] * len(onsets), tr, shift)
    for onset, mean in zip(onsets, means, strict=True):
        # A margin of a millionth of a volume, since onsets are sums of inexact fractions.
        taken = [
            series[i]
            for i in range(64)
            if onset + shift - 1e-6 * tr <= i * tr < onset + duration + shift - 1e-6 * tr
        ]
        np.testing.assert_allclose(mean, sum(taken) / len(taken))


@given(st.lists(st.sampled_from(["face", "house", "cat"]), min_size=1, max_size=20))
@settings(deadline=None)
def test_category_model_codes_each_block_once(categories):
    names = ["cat", "face", "house", "shoe"]
    model = category_model(categories, names)
    assert model.shape == (len(categories), 4)
    assert set(np.unique(model)) <= {0.0, 1.0}
    assert (model.sum(axis=1) == 1).all()
    assert [names[i] for i in model.argmax(axis=1)] == categories
    assert category_model(categories).shape == (len(categories), len(set(categories)))
