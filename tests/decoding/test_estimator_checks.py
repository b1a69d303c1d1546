"""scikit-learn's own checks of estimators."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from sdc_helpers.decoding import ContrastiveDecoder, RidgeDecoder


def on_circle(y):
    """Turn the numbers that the checks predict into directions in the plane."""
    if y is None:
        return None
    angles = np.asarray(y, dtype=float).reshape(len(y), -1)[:, 0]
    return np.column_stack([np.cos(angles), np.sin(angles)])


class ContrastiveOnCircle(ContrastiveDecoder):
    def fit(self, X, y):
        return super().fit(X, on_circle(y))

    def score(self, X, y):
        return super().score(X, on_circle(y))


class RidgeOnCircle(RidgeDecoder):
    def fit(self, X, y):
        return super().fit(X, on_circle(y))

    def score(self, X, y):
        return super().score(X, on_circle(y))


@pytest.mark.parametrize(
    "decoder", [ContrastiveOnCircle(batch_size=4, n_steps=3, n_runs=2), RidgeOnCircle([1.0])]
)
def test_scikit_learns_checks(decoder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(decoder, on_fail=None, on_skip=None)
    failed = {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "failed"}
    assert failed == {}
    assert len(results) > 30


@pytest.mark.parametrize("decoder", [ContrastiveDecoder(4, n_runs=2), RidgeDecoder([2.0], cv=3)])
def test_clones_have_the_same_parameters(decoder):
    assert clone(decoder).get_params() == decoder.get_params()
