"""Every wrong argument of `cka` and `cka_from_grams` is named."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from sdc_helpers.alignment import cka, cka_from_grams, feature_corrected_cka

ESTIMATORS = [
    *(partial(cka, estimator=name) for name in ("biased", "debiased", "rv2")),
    feature_corrected_cka,
]
GOOD = np.random.default_rng(1).standard_normal((8, 3))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (GOOD[:7], "X has 8, Y has 7|X has 7, Y has 8"),
        (np.full((8, 4), 3.3), "{name} has no structure"),
        (np.where(GOOD > 0, np.nan, GOOD), "{name} contains NaN"),
        (np.full((8, 4), np.inf), "{name} contains NaN or infinite"),
        (GOOD[:, 0], "{name} must be 2-D"),
        (GOOD[:, :0], "{name} is empty"),
        (np.ma.masked_less(GOOD, 0), "{name} has 9 masked values"),
        (torch.from_numpy(GOOD), "one library.*is torch on cpu"),
        (GOOD.astype(complex), "{name} must hold real numbers"),
    ],
)
def test_every_door_names_the_bad_argument(estimator, bad, message):
    with pytest.raises(ValueError, match=message.format(name="X")):
        estimator(bad, GOOD)
    with pytest.raises(ValueError, match=message.format(name="Y")):
        estimator(GOOD, bad)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_fewer_than_four_stimuli(estimator):
    with pytest.raises(ValueError, match="X has 3 rows; CKA needs at least 4"):
        estimator(GOOD[:3], GOOD[:3])


def test_debiased_of_equally_similar_stimuli_is_undefined():
    with pytest.raises(ValueError, match=r"Y has no structure.*equally similar"):
        cka(GOOD, np.eye(8))


def test_unknown_estimator():
    with pytest.raises(ValueError, match="Unknown estimator 'unbiased'; choose from biased"):
        cka(GOOD, GOOD, "unbiased")
    for call in (
        lambda: cka(GOOD, GOOD, "feature_corrected"),
        lambda: cka_from_grams(GOOD @ GOOD.T, GOOD @ GOOD.T, "feature_corrected"),
    ):
        with pytest.raises(ValueError, match=r"call feature_corrected_cka\(X, Y\)"):
            call()


def test_feature_corrected_needs_two_features():
    with pytest.raises(ValueError, match="Y has 1 feature"):
        feature_corrected_cka(GOOD, GOOD[:, :1])


def test_features_too_large_for_fourth_powers():
    with pytest.raises(ValueError, match="overflow float64; rescale"):
        feature_corrected_cka(GOOD * 1e120, GOOD)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (GOOD, "{name} must be square"),
        (np.triu(GOOD @ GOOD.T), "{name} must be symmetric"),
        (np.full((8, 8), np.nan), "{name} contains NaN"),
        (np.ones((8, 8)), "{name} has no structure"),
        (np.zeros((8, 8)), "{name} has no structure"),
        (np.eye(7), "K has 8, L has 7|K has 7, L has 8"),
        (np.eye(3), "{name} has 3 rows"),
        (torch.eye(8), "one library"),
        (np.float64(3.0), "{name} must be 2-D"),
    ],
)
def test_bad_grams(bad, message):
    K = GOOD @ GOOD.T
    with pytest.raises(ValueError, match=message.format(name="K")):
        cka_from_grams(bad, K)
    with pytest.raises(ValueError, match=message.format(name="L")):
        cka_from_grams(K, bad)
