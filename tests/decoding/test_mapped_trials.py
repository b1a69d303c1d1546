"""Decoders that read batches from a file train as those that have all trials in memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sdc_helpers.decoding import ContrastiveDecoder, RidgeDecoder, mapped_trials
from sdc_helpers.decoding.mapped_trials import MappedTrials

OPTIONS = {"lr": 3e-3, "batch_size": 32, "n_steps": 12, "n_runs": 3, "evaluate_every": 5}


@pytest.fixture
def mapped(folds, tmp_path):
    """Both folds in one file, their trials mixed."""
    sizes = [len(fold.X) for fold in folds]
    place = np.random.default_rng(3).permutation(sum(sizes))
    everything = np.empty((sum(sizes), folds[0].X.shape[1]), dtype=np.float32)
    everything[place] = np.concatenate([fold.X for fold in folds])
    np.save(tmp_path / "responses.npy", everything)
    array = np.load(tmp_path / "responses.npy", mmap_mode="r")
    return [MappedTrials(array, rows) for rows in np.split(place, sizes[:1])]


def fit(folds, responses=None, decoder=None, **options):
    train, held_out = [tuple(fold) for fold in folds]
    if responses is not None:
        train, held_out = (responses[0], *train[1:]), (responses[1], *held_out[1:])
    decoder = decoder or ContrastiveDecoder(**OPTIONS)
    return decoder.fit(*train[:2], items=train[2], validation=held_out, **options)


@pytest.mark.parametrize(
    "changes",
    [{}, {"hidden": 6, "early_stopping": "top_1"}, {"input_noise": 0}, {"random_state": 5}],
)
def test_the_same_decoder_comes_out(folds, mapped, changes):
    one = fit(folds, decoder=ContrastiveDecoder(**OPTIONS, **changes))
    other = fit(folds, mapped, ContrastiveDecoder(**OPTIONS, **changes))
    for mine, yours in zip(one.layers_, other.layers_, strict=True):
        np.testing.assert_array_equal(mine[0], yours[0])
        np.testing.assert_array_equal(mine[1], yours[1])
    assert one.history_.equals(other.history_)
    assert one.n_features_in_ == other.n_features_in_ == 200


def test_a_kept_training_is_that_of_trials_in_memory(folds, mapped, tmp_path, monkeypatch):
    one = fit(folds, checkpoint=tmp_path / "kept")
    monkeypatch.setattr("sdc_helpers.decoding._runs.Training._train_step", None)
    other = fit(folds, mapped, checkpoint=tmp_path / "kept")
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_no_more_than_blocks_and_batches_are_in_memory(tmp_path, monkeypatch):
    """40 MB of responses; a block of 1 MB and what a fit needs without any: 8 MB at most."""
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((20_000, 500), dtype=np.float32)
    np.save(tmp_path / "responses.npy", responses)
    embeddings = np.eye(4, dtype=np.float32)[np.arange(20_000) % 4]
    del responses
    trials = MappedTrials(np.load(tmp_path / "responses.npy", mmap_mode="r"), np.arange(20_000))
    monkeypatch.setattr(mapped_trials, "_BLOCK_BYTES", 2**20)
    decoder = ContrastiveDecoder(n_runs=2, n_steps=20, batch_size=64)
    decoder.fit(trials, embeddings)  # imports
    tracemalloc.start()
    decoder.fit(trials, embeddings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_ridge_loads_them(folds, mapped):
    one, other = fit(folds, decoder=RidgeDecoder()), fit(folds, mapped, RidgeDecoder())
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_what_cannot_be_trained_on_is_refused(folds, mapped):
    array = np.zeros((10, 3), dtype=np.float32)
    for rows in (np.array([0, 10]), np.array([-1]), np.ones(9, bool), np.zeros((2, 2), int)):
        with pytest.raises(ValueError, match=r"rows has shape .* each of the 10 trials"):
            MappedTrials(array, rows)
    with pytest.raises(ValueError, match=r"array has shape \(10, 3\) and type float64"):
        MappedTrials(array.astype(float), np.arange(3))
    spoilt = np.array(folds[0].X)
    spoilt[7, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        fit(folds, [MappedTrials(spoilt, np.arange(len(spoilt))), mapped[1]])
    with pytest.raises(ValueError, match="validation fold has 3 voxels"):
        fit(folds, [mapped[0], MappedTrials(array, np.arange(180) % 10)])
    with pytest.raises(ValueError, match="X has 5 trials, Y has 720"):
        fit(folds, [MappedTrials(folds[0].X, np.arange(5)), mapped[1]])
