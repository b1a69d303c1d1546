"""Folds, scores and fits of the chapters on decoding, against loops over trials."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.studies import ImageEmbeddings, decoding_study
from sdc_helpers.studies.decoding_study import DecodingStudy

N_PICTURES, D = 12, 6
SETTINGS = {
    "temperature": 0.1,
    "lr": 1e-2,
    "batch_size": 128,
    "n_steps": 20,
    "input_noise": 0.5,
    "evaluate_every": 10,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def lab(rng):
    """A participant whose 30 voxels are a linear map of the embedding, with noise."""
    vectors = rng.normal(size=(N_PICTURES, D)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    embeddings = ImageEmbeddings(np.arange(100, 100 + N_PICTURES), vectors)
    ids = rng.permutation(np.repeat(embeddings.image_ids, 3))
    seen = embeddings.of(ids)
    responses = (seen @ rng.normal(size=(D, 30)) + 0.3 * rng.normal(size=(len(ids), 30))).astype(
        np.float32
    )
    fold = (responses, seen, ids)
    data = SimpleNamespace(responses=responses, fold=lambda side: fold)
    return DecodingStudy(SimpleNamespace(truth=None), embeddings, {"subj01": data}, SETTINGS)


def right_by_loops(predicted, fold):
    """Percent of each picture's trials for which no other picture is as near."""
    pictures = {}
    for prediction, own in zip(predicted, fold[2], strict=True):
        cosine = {i: float(prediction @ e) for e, i in zip(fold[1], fold[2], strict=True)}
        best = max(cosine, key=cosine.get)
        pictures.setdefault(int(own), []).append(best == own)
    return {i: 100 * np.mean(found) for i, found in pictures.items()}


def test_hits_are_those_of_a_loop(lab, rng):
    fold = lab.train("subj01")
    predicted = fold[1] + 0.5 * rng.normal(size=fold[1].shape)
    found = decoding_study.hits(predicted, fold)
    expected = right_by_loops(predicted, fold)
    assert 0 < found.mean() < 100
    assert found.to_dict() == pytest.approx(expected)
    scored = decoding_study.score(predicted, fold, ks=[1], n_bootstrap=2)
    assert found.mean() == pytest.approx(100 * scored.top_k[1].value)  # three showings of each
    with pytest.raises(ValueError, match="35 predictions of 36 trials"):
        decoding_study.hits(predicted[1:], fold)


def test_decoders_are_scored_on_the_side_that_is_asked(lab):
    fitted = {"subj01": lab.fit_ridge(lab.train("subj01"), alphas=[1.0])}
    found = lab.hits(fitted, "test")["subj01"]
    fold = lab.data["subj01"].fold("test")
    pd.testing.assert_series_equal(
        found, decoding_study.hits(fitted["subj01"].predict(fold[0]), fold)
    )
    assert lab.scores(fitted, ks=[1])["subj01"].top_k[1].value > 0.9


def test_one_run_has_batches_of_at_most_half_of_the_trials(lab):
    decoder = lab.fit_one_run(lab.train("subj01"), n_steps=5)
    assert (decoder.batch_size, decoder.n_runs, decoder.n_steps) == (18, 1, 5)


def test_means_are_those_of_each_picture(lab):
    responses, seen, ids = lab.train("subj01")
    means, mean_seen, pictures = lab.means(lab.train("subj01"))
    assert pictures.tolist() == sorted(set(ids.tolist()))
    for row, picture in enumerate(pictures):
        np.testing.assert_allclose(means[row], responses[ids == picture].mean(axis=0), atol=1e-5)
        np.testing.assert_array_equal(mean_seen[row], seen[ids == picture][0])


def test_first_runs_are_averaged_by_weights(lab):
    fold = lab.train("subj01")
    decoder = ContrastiveDecoder(**{**SETTINGS, "batch_size": 18}, n_runs=3)
    decoder.fit(*fold[:2], items=fold[2])
    for n_runs in (1, 2, 3):
        expected = sum(
            fold[0] @ decoder.coef_runs_[k] + decoder.intercept_runs_[k] for k in range(n_runs)
        )
        found = decoding_study.of_first_runs(decoder, fold[0], n_runs)
        np.testing.assert_allclose(found, expected / n_runs, atol=1e-4)
    with pytest.raises(ValueError, match="at most 3"):
        decoding_study.of_first_runs(decoder, fold[0], 4)


def test_a_gallery_of_one_picture_is_always_right_and_of_all_as_before(lab, rng):
    fold = lab.train("subj01")
    predicted = fold[1] + rng.normal(size=fold[1].shape)
    sizes = np.array([1, N_PICTURES])
    found = decoding_study.by_gallery(predicted, fold, sizes, n_draws=4, seed=0)
    np.testing.assert_array_equal(found[0], 100)
    np.testing.assert_allclose(found[1], decoding_study.hits(predicted, fold).mean())
    with pytest.raises(ValueError, match="from 1 to 12"):
        decoding_study.by_gallery(predicted, fold, np.array([13]), n_draws=1, seed=0)


def test_a_part_keeps_rows_together(lab):
    fold = lab.train("subj01")
    part = decoding_study.part_of(fold, fold[2] == 103, np.array([4, 2]))
    assert [len(rows) for rows in part] == [3, 3, 3]
    np.testing.assert_array_equal(part[0], fold[0][fold[2] == 103][:, [4, 2]])
