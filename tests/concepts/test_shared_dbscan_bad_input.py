from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.concepts import SharedDBSCAN, pairs_within, sweep

WHO = np.repeat([1, 2, 3, 4], 3)


@pytest.fixture
def weights():
    return np.random.default_rng(0).standard_normal((12, 5))


def with_row(weights, value):
    weights = weights.copy()
    weights[7, 2] = value
    return weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: with_row(w, np.nan), r"NaN or infinity, first in row 7 \(participant 3\)"),
        (lambda w: with_row(w, np.inf), "first in row 7"),
        (lambda w: np.empty((0, 5)), r"shape \(0, 5\): there is nothing to cluster"),
        (lambda w: np.empty((12, 0)), r"shape \(12, 0\)"),
        (lambda w: w[0], r"shape \(5,\)"),
        (lambda w: w[None], r"expected a real array of shape \(n_voxels, D\)"),
        (lambda w: w.astype(complex), "complex128"),
        (lambda w: w > 0, "type bool"),
        (lambda w: w.astype(str), "expected a real array"),
        (
            lambda w: [*w[:6].tolist(), *w[6:, :4].tolist()],
            "weights cannot be read.*rows differ in length",
        ),
    ],
)
def test_weights(weights, change, message):
    with pytest.raises(ValueError, match=message):
        SharedDBSCAN().fit(change(weights), WHO)


@pytest.mark.parametrize(
    ("who", "message"),
    [
        (WHO[:-1], r"participants has shape \(11,\); expected \(12,\)"),
        (WHO[:, None], r"participants has shape \(12, 1\)"),
        (1, r"participants has shape \(\)"),
        (WHO.astype(float), "names or whole numbers"),
        ([None, "a"] * 6, "participants has 6 missing values"),
        (np.ones(12, dtype=int), "names 1: .* at least 4"),
        (np.repeat([1, 2, 3], 4), "names 3: .* min_participants=3 others"),
    ],
)
def test_participants(weights, who, message):
    with pytest.raises(ValueError, match=message):
        SharedDBSCAN().fit(weights, who)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"eps": 0}, "eps=0: expected a cosine distance above 0 and below 1"),
        ({"eps": 1.0}, "eps=1.0"),
        ({"eps": -0.1}, "eps=-0.1"),
        ({"eps": float("nan")}, "eps=nan"),
        ({"eps": "0.5"}, "eps='0.5'"),
        ({"eps": True}, "eps=True"),
        ({"min_participants": 0}, "min_participants=0"),
        ({"min_participants": 2.5}, "min_participants=2.5"),
        ({"expansion": -0.05}, "expansion=-0.05"),
        ({"expansion": "no"}, "expansion='no'"),
        ({"expansion_limit": 1}, "expansion_limit=1"),
        ({"block": 0}, "block=0"),
        ({"max_pairs": 1.5}, "max_pairs=1.5"),
    ],
)
def test_parameters(weights, parameters, message):
    with pytest.raises(ValueError, match=message):
        SharedDBSCAN(**parameters).fit(weights, WHO)


def test_pairs_of_something_else(weights):
    pairs = pairs_within(weights, WHO, 0.5)
    for other, who in ((weights + 1e-9, WHO), (weights[:, :4], WHO), (weights, WHO[::-1])):
        with pytest.raises(ValueError, match="other weights or participants"):
            SharedDBSCAN(0.4).fit(other, who, pairs)
    with pytest.raises(ValueError, match="other weights or participants"):
        SharedDBSCAN(0.4).fit(weights, WHO + 1, pairs)
    for eps in (0.51, 0.46):  # of all participants, of the expansion within one
        with pytest.raises(ValueError, match=r"these reach 0\.5 and 0\.5"):
            SharedDBSCAN(eps).fit(weights, WHO, pairs)
    SharedDBSCAN(0.45).fit(weights, WHO, pairs)
    with pytest.raises(ValueError, match=r"eps=0\.6 is beyond these pairs"):
        pairs.closer_than(0.6)
    with pytest.raises(ValueError, match=r"max_own_eps=0\.4: expected at least max_eps=0\.5"):
        pairs_within(weights, WHO, 0.5, max_own_eps=0.4)


def test_too_many_pairs():
    weights = np.abs(np.random.default_rng(0).standard_normal((400, 6)))
    who = np.arange(400) % 4
    n_pairs = len(pairs_within(weights, who, 0.6))
    assert len(pairs_within(weights, who, 0.6, max_pairs=n_pairs)) == n_pairs
    with pytest.raises(
        ValueError, match=f"{n_pairs:,} pairs after 100%.* in all, and max_pairs=1,000"
    ):
        pairs_within(weights, who, 0.6, max_pairs=1000)
    with pytest.raises(ValueError, match=r"Take a smaller eps \(about 0\.\d\d would fit\)"):
        pairs_within(weights, who, 0.6, block=32, max_pairs=10_000)


def test_the_smaller_eps_that_is_suggested_fits():
    weights = np.abs(np.random.default_rng(0).standard_normal((400, 6)))
    who = np.arange(400) % 4
    with pytest.raises(ValueError, match="max_pairs") as error:
        pairs_within(weights, who, 0.6, block=40, max_pairs=20_000)
    suggested = float(str(error.value).split("(about ")[1].split(" would")[0])
    n_pairs = len(pairs_within(weights, who, suggested))
    assert 15_000 < n_pairs < 25_000  # an estimate, from a part of the pairs


def test_sweep(weights):
    with pytest.raises(ValueError, match="eps_values is empty"):
        sweep(weights, WHO, [])
    with pytest.raises(ValueError, match=r"eps=1\.2"):
        sweep(weights, WHO, [0.5, 1.2])
    with pytest.raises(ValueError, match=r"names 4: .* at least 5"):
        sweep(weights, WHO, [0.5], min_participants=4)
