"""Figures that were measured by hand on the V4 recordings, against the same measured here.

By hand: 4 x 4 colours and orientation energy, ridge regression in ten parts with one penalty for
all neurons. Intervals are 95 %, over the ten held-out parts of the pictures.

Where ours differ. *Pictures found*: WE has .25 and by hand .27, which the interval holds; PE .53
(by hand .41), RA .24 (.20) and the other day of PE .45 (.36) are above. Here the picture is taken
whose predicted responses correlate most with the measured ones over neurons, which leaves out how
strongly a picture excites all of them; with the smallest distance and one penalty PE has .42 and
RA .19, as by hand. The other day has .47 by distance too, in parts that are drawn. In parts of
consecutive pictures, by name, it has .39: on that day, and not on the first of PE, responses to
neighbours are more alike, by 3 % of the mean squared distance.
*Alignment with edges*: another filter measures them, and PE has .16 in place of .19.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sdc_helpers.alignment import cka
from sdc_helpers.decoding import predict_responses
from sdc_helpers.measures import Interval
from sdc_helpers.studies import v4_decoding
from sdc_helpers.studies.v4_decoding import N_COLOURS, open_seen_pictures

SESSIONS = ("190923", "201025", "210621", "210325")  # WE, PE, RA, and another day of PE
FOUND = dict(zip(SESSIONS, (0.27, 0.41, 0.20, 0.36), strict=True))
ENERGY = dict(zip(SESSIONS, (0.18, 0.19, 0.17), strict=False))
PIXELS = dict(zip(SESSIONS, (0.18, 0.13, 0.11), strict=False))


def _no_embedding(clip, pictures, cache):
    return SimpleNamespace(vectors=np.ones((len(pictures), 1), np.float32))


@pytest.fixture(scope="module", params=SESSIONS)
def seen(request, real_data_mirror):
    folder = real_data_mirror / "macaque_v4"
    if not folder.is_dir():
        pytest.skip("the mirror has no V4 recordings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(v4_decoding, "embed_images", _no_embedding)
        return open_seen_pictures(None, 1200, 2024, str(folder), [request.param])[request.param]


def scaled(values, rows):
    spread = values[rows].std(axis=0)
    return (values - values[rows].mean(axis=0)) / np.where(spread > 0, spread, 1)


def over_parts(seen, X, Y):
    """Debiased CKA of each part, which does not depend on how many pictures it has."""
    return Interval.over_seeds(np.array([cka(X[part], Y[part]) for part in seen.folds]))


def test_the_seen_picture_is_found_no_less_often_than_by_hand(seen):
    found = seen.identified("statistics")
    assert found.high > FOUND[seen.session.session]
    assert found.low > 10 * found.chance
    size = 64 if seen.session.session == "210325" else 120
    assert found.chance == pytest.approx(1 / size, rel=0.01)


@pytest.mark.parametrize(
    ("seen", "in_order"),
    [("201025", False), ("210621", False), ("210325", True)],
    indirect=["seen"],
)
def test_by_distance_and_one_penalty_it_is_found_as_often_as_by_hand(seen, in_order):
    """Stated after a first look had shown that correlations and drawn parts find more."""
    shares, n = [], len(seen.session.responses)
    parts = np.array_split(np.arange(n), len(seen.folds)) if in_order else seen.folds
    for held_out in parts:
        train = np.setdiff1d(np.arange(n), held_out)
        X, R = (scaled(x, train) for x in (seen.features["statistics"], seen.session.responses))
        predicted = predict_responses(X[train], R[train], X[held_out], alphas=[100.0])
        nearest = cdist(R[held_out], predicted).argmin(axis=1)
        shares.append(np.mean(nearest == np.arange(len(held_out))))
    found = Interval.over_seeds(np.array(shares))
    assert found.low < FOUND[seen.session.session] < found.high


def test_neurons_are_predicted_as_well_as_by_hand(seen):
    """Medians of .38 to .47 and best neurons of .59 to .75: a hundredth more for the rounding."""
    r = seen.encoding_r
    rng = np.random.default_rng(0)
    medians = [np.median(rng.choice(r, len(r))) for _ in range(500)]
    low, high = np.quantile(medians, [0.025, 0.975])  # over neurons
    assert low < 0.48
    assert high > 0.37
    assert 0.58 < r.max() < 0.76


@pytest.mark.parametrize("seen", list(ENERGY), indirect=True)
def test_alignment_with_edges_and_pixels_is_as_by_hand(seen):
    name = seen.session.session
    responses = scaled(seen.session.responses, slice(None))
    edges = scaled(seen.features["statistics"][:, N_COLOURS:], slice(None))
    pixels = seen.session.pictures.reshape(len(responses), -1) / np.float32(255)
    of_edges, of_pixels = (over_parts(seen, X, responses) for X in (edges, pixels))
    assert of_pixels.low < PIXELS[name] < of_pixels.high
    # the tolerance of the chapter's claim, for another filter
    assert of_edges.low - 0.04 < ENERGY[name] < of_edges.high + 0.04
    assert of_edges.low > 0.1
    every = seen.alignment("debiased", 1200, 99, 0)
    assert np.abs(every.null).mean() < 0.002  # shuffled pictures
    assert every.p_value == 0.01
    few = {way: seen.alignment(way, 60, 1, 0).value for way in ("biased", "debiased")}
    assert few["biased"] == pytest.approx(0.31, abs=0.06)  # by hand .29 to .33
    assert few["debiased"] == pytest.approx(0.165, abs=0.075)  # by hand .13 to .20
