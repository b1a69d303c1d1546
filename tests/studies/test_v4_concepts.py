"""Directions that animals share, on made-up neurons that share four and that share none."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers._checks import unit_rows
from sdc_helpers.datasets.macaque_v4 import V4_SESSIONS, V4Session
from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.embeddings.whitening import white_space
from sdc_helpers.studies import v4_concepts
from sdc_helpers.studies.v4_concepts import find_v4_concepts
from sdc_helpers.studies.v4_study import V4Neurons, V4Study

N_PICTURES, N_DIMS, N_EACH = 660, 24, 6
ENDS = (600, 630)


def _neurons(name, number, is_shared):
    """Six neurons for each of four axes; of one's own, unless shared, and as many of noise."""
    rng = np.random.default_rng([1, number])
    seen = unit_rows(rng.normal(size=(N_PICTURES, N_DIMS)))
    first = 0 if is_shared else 4 * number
    axes = np.repeat(first + np.arange(4), N_EACH)
    answers = np.hstack([12 * seen[:, axes], np.zeros((N_PICTURES, len(axes)))])
    answers = answers + rng.normal(size=answers.shape)
    pictures = np.zeros((N_PICTURES, 2, 2, 3), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(N_PICTURES) % 256
    rows = dict(
        zip(("train", "validation", "test"), np.split(np.arange(N_PICTURES), ENDS), strict=True)
    )
    session = V4Session(name, V4_SESSIONS[name], answers, pictures, None)
    train = answers[rows["train"]]
    return V4Neurons(session, rows, seen.astype(np.float32), train.mean(0), train.std(0))


def _study(is_shared):
    sessions = ("190923", "201025", "210621")
    animals = {V4_SESSIONS[s]: _neurons(s, k, is_shared) for k, s in enumerate(sessions)}
    white = white_space(next(iter(animals.values())).embeddings, N_DIMS)
    return V4Study(animals, animals["WE"], white)


@pytest.fixture(scope="module", params=[True, False], ids=["shared", "private"])
def found(request, tmp_path_factory):
    decoder = ContrastiveDecoder(
        temperature=0.1, lr=2e-2, batch_size=100, input_noise=2.0, n_steps=150, n_runs=2,
        random_state=0,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDC_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setattr(v4_concepts, "course_decoder", lambda profile: decoder)
        return request.param, find_v4_concepts(_study(request.param), "smoke", n_shuffles=7, seed=0)


def test_what_is_shared_is_found_and_what_is_not_is_not(found):
    is_shared, concepts = found
    assert concepts.is_allowed == is_shared
    if is_shared:
        assert len(concepts.neurons()) == 4
        assert all(set(of.values()) == {N_EACH} for of in concepts.neurons())
        assert concepts.excess.low > 0.3
    else:
        assert concepts.excess.high < 0.3


def test_neurons_are_nearer_to_other_animals_only_where_they_share(found):
    is_shared, concepts = found
    test = concepts.nearness(39, seed=0)
    assert (test.p_value <= 0.05) == is_shared
    assert test.null.shape == (39,)
    if is_shared:
        assert test.value > concepts.shuffled_nearness().max()


def test_the_axis_of_the_others_leaves_an_animal_out(found):
    is_shared, concepts = found
    weights, who = concepts.found.weights.weights.astype(float), concepts.found.weights.participants
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    means = [(weights / lengths)[who == name].mean(axis=0) for name in ("PE", "RA")]
    expected = sum(means) / np.linalg.norm(sum(means))
    np.testing.assert_allclose(concepts.axis(without="WE"), expected, rtol=1e-5)
    lows = [r.low for r in concepts.carried_over(0).values()]
    assert (min(lows) > 0.3) == is_shared
    high, low = concepts.pictures("WE", concepts.axis(), n=3)
    assert high.shape == low.shape == (3, 2, 2, 3)
