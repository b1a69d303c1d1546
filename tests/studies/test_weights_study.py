"""Maps of read-outs: on made-up voxels, of which the truth is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sdc_helpers.studies import weights_study
from sdc_helpers.studies.weights_study import Directions


def study_with(truth):
    return SimpleNamespace(study=SimpleNamespace(truth=truth))


def test_a_direction_is_where_the_embedding_moves_with_the_concept(rng):
    ids = np.arange(60)
    values = rng.normal(size=60)
    embeddings = rng.normal(size=(60, 4))
    embeddings[:, 2] += 5 * values
    images = pd.DataFrame({"concept_dog": values}, index=ids)
    truth = SimpleNamespace(shared=("dog",), images=images)
    seen = np.repeat(ids, 2)  # a picture that is shown more often counts once
    seen = np.r_[seen, np.zeros(40, int)]
    fold = (np.zeros((len(seen), 1)), embeddings[seen], seen)
    found = weights_study.directions_of(study_with(truth), fold)
    assert found.names == ("dog",)
    expected = np.array([np.cov(column, values)[0, 1] for column in embeddings.T])
    np.testing.assert_allclose(found.vectors[0], expected / np.linalg.norm(expected))


def test_without_a_truth_principal_components_are_read(rng):
    embeddings = rng.normal(size=(50, 6)) * np.array([1, 9, 1, 1, 4, 1])
    fold = (np.zeros((50, 1)), embeddings, np.arange(50))
    found = weights_study.directions_of(study_with(None), fold, n_components=2)
    assert found.names == ("component 1", "component 2")
    assert np.abs(found.vectors).argmax(axis=1).tolist() == [1, 4]


def test_a_voxel_of_noise_has_a_weight_and_no_pattern(rng):
    signal, noise = rng.normal(size=(2, 4000))
    X = np.c_[signal + noise, noise + 0.1 * rng.normal(size=4000), rng.normal(size=4000)]
    W = np.linalg.lstsq(X, np.c_[signal, rng.normal(size=4000)], rcond=None)[0]
    directions = Directions(("signal",), np.array([[1.0, 0.0]]))
    found = weights_study.both_maps(X, SimpleNamespace(coef_=W), directions)
    assert abs(found["weights"][1, 0]) > 0.8
    assert abs(found["patterns"][1, 0]) < 0.1
    readout = X @ W[:, 0]
    slopes = [np.polyfit(readout, voxel, 1)[0] for voxel in X.T]
    np.testing.assert_allclose(found["patterns"][:, 0], slopes, rtol=1e-4, atol=1e-5)


def test_auc_and_place_count_voxels(rng):
    values = rng.normal(size=(30, 2))
    planted = {
        "dog": rng.random(30) < 0.3,
        "cat": rng.random(30) < 0.3,
        weights_study.UNRELATED: rng.random(30) < 0.2,
    }
    pairs = []
    for column, name in enumerate(("dog", "cat")):
        size, mask = np.abs(values[:, column]), planted[name]
        wins = [a > b for a in size[mask] for b in size[~mask]]
        pairs.append(np.mean(wins))
    found = weights_study.auc_of_planted(values, ("dog", "cat"), planted)
    assert found == pytest.approx(np.mean(pairs))
    places = [
        np.mean([(np.abs(values[:, k]) <= abs(values[v, k])).mean() for k in range(2)])
        for v in np.flatnonzero(planted[weights_study.UNRELATED])
    ]
    place = weights_study.place_of_unrelated(values, ("dog", "cat"), planted)
    assert place == pytest.approx(np.mean(places))
    without = {"dog": planted["dog"]}
    assert weights_study.auc_of_planted(values, ("dog", "cat"), without) == pytest.approx(pairs[0])
    assert np.isnan(weights_study.place_of_unrelated(values, ("dog", "cat"), without))
    with pytest.raises(ValueError, match="expected 1 columns"):
        weights_study.auc_of_planted(values, ("dog",), planted)


def test_agreement_is_the_mean_correlation(rng):
    one, other = rng.normal(size=(2, 40, 3))
    expected = [pd.Series(a).corr(pd.Series(b)) for a, b in zip(one.T, other.T, strict=True)]
    assert weights_study.agreement(one, other) == pytest.approx(np.mean(expected))
    assert weights_study.agreement(one, 2 * one + 1) == pytest.approx(1)
    with pytest.raises(ValueError, match=r"\(40, 3\).*\(39, 3\)"):
        weights_study.agreement(one, other[1:])


def test_nothing_is_planted_in_real_participants():
    with pytest.raises(ValueError, match="nothing is planted"):
        weights_study.planted_voxels(study_with(None))
