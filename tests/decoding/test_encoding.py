"""Encoding models against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sdc_helpers.decoding import predict_responses


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 8)) + 2
    weights = rng.normal(size=(8, 5)) * np.array([3.0, 1.0, 0.3, 0.1, 0.0])
    responses = features @ weights + rng.normal(size=(60, 5)) + 7
    return features, responses, rng.normal(size=(9, 8)) + 2


def test_one_penalty_is_ridge_regression(data):
    features, responses, new = data
    expected = Ridge(3.0).fit(features, responses).predict(new)
    np.testing.assert_allclose(predict_responses(features, responses, new, alphas=[3.0]), expected)


def test_each_neuron_has_the_penalty_that_left_out_pictures_choose(data):
    features, responses, new = data
    alphas = [0.1, 10.0, 1000.0]
    expected = np.empty((9, 5))
    chosen = []
    for neuron in range(5):
        errors = []
        for alpha in alphas:
            left = 0.0
            for i in range(60):
                some = np.arange(60) != i
                model = Ridge(alpha).fit(features[some], responses[some, neuron])
                left += (model.predict(features[i : i + 1])[0] - responses[i, neuron]) ** 2
            errors.append(left)
        chosen.append(alphas[int(np.argmin(errors))])
        expected[:, neuron] = Ridge(chosen[-1]).fit(features, responses[:, neuron]).predict(new)
    assert len(set(chosen)) > 1
    np.testing.assert_allclose(predict_responses(features, responses, new, alphas=alphas), expected)


def test_more_features_than_pictures_are_fitted():
    rng = np.random.default_rng(1)
    features, responses = rng.normal(size=(12, 40)), rng.normal(size=(12, 2))
    expected = Ridge(50.0).fit(features, responses).predict(features[:3])
    found = predict_responses(features, responses, features[:3], alphas=[50.0])
    np.testing.assert_allclose(found, expected)


def test_what_does_not_fit_is_refused(data):
    features, responses, new = data
    with pytest.raises(ValueError, match="row a picture"):
        predict_responses(features[:-1], responses, new)
    with pytest.raises(ValueError, match="same columns"):
        predict_responses(features, responses, new[:, :-1])
    with pytest.raises(ValueError, match="above 0"):
        predict_responses(features, responses, new, alphas=[0.0, 1.0])
