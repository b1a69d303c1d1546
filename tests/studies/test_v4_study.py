"""Components of V4 on made-up neurons in the layout of the real files."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers._checks import unit_rows
from sdc_helpers.concepts import Decodability
from sdc_helpers.datasets.macaque_v4 import V4_SESSIONS, V4Session
from sdc_helpers.studies import v4_study
from sdc_helpers.studies.v4_study import ONE_DAY, open_v4

N_PICTURES, N_NEURONS, N_DIMS = 240, 81, 12


class _Clip:
    """Embeds a picture by its first values."""

    dimension = N_DIMS


def _embed(clip, pictures, cache):
    vectors = pictures.reshape(len(pictures), -1)[:, :N_DIMS].astype(np.float32)
    return type("Embedded", (), {"vectors": unit_rows(vectors - 128)})


def _session(name, root):
    """Every neuron answers to one of four values of the picture, or to none of them.

    The last picture is the first again.
    """
    rng = np.random.default_rng(int(name))
    pictures = np.zeros((N_PICTURES, 112, 112, 3), np.uint8)
    pictures.reshape(N_PICTURES, -1)[:, :N_DIMS] = rng.integers(0, 256, (N_PICTURES, N_DIMS))
    pictures[-1] = pictures[0]
    cause = unit_rows(pictures.reshape(N_PICTURES, -1)[:, :N_DIMS].astype(float) - 128)
    strength = np.where(np.arange(N_NEURONS) < 36, 8.0, 0.0)  # the others say nothing
    answer = 5 + strength * cause[:, np.arange(N_NEURONS) % 4]
    trials = None
    if name == ONE_DAY:
        trials = answer[:, None] + rng.normal(size=(N_PICTURES, 4, N_NEURONS))
        trials[::3, 3] = np.nan
        answer = np.nanmean(trials, axis=1)
    else:
        answer = answer + rng.normal(size=answer.shape)
    answer[:, -1] = 2.0  # a neuron that never varies
    return V4Session(name, V4_SESSIONS[name], answer, pictures, trials)


@pytest.fixture(scope="module")
def v4():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(v4_study, "load_v4", _session)
        patch.setattr(v4_study, "embed_images", _embed)
        patch.setattr(v4_study, "N_COMPONENTS", N_DIMS)
        # With one direction to spare (5), one shuffle in three has an axis above the threshold.
        patch.setattr(v4_study, "V4_AXES", 8)
        yield open_v4(_Clip(), 1000, seed=0)  # whose subspace is found later


def test_each_picture_is_on_one_side_once(v4):
    assert set(v4.animals) == {"WE", "PE", "RA"}
    for one in (*v4.animals.values(), v4.one_day):
        rows = np.concatenate(list(one.rows.values()))
        assert sorted(rows) == list(range(N_PICTURES - 1))  # the last one is shown twice
        assert len(one.rows["train"]) == (N_PICTURES - 1) * 2 // 3


def test_responses_are_scored_by_training_pictures(v4):
    for one in v4.animals.values():
        responses, _ = one.fold("train")
        np.testing.assert_allclose(responses.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(responses.std(axis=0), 1)
        assert responses.shape[1] == N_NEURONS - 1  # one never varies


def test_single_trials_are_those_that_are_there(v4):
    responses, embeddings, pictures = v4.one_day.single_trials("test")
    rows = v4.one_day.rows["test"]
    assert len(responses) == (~np.isnan(v4.one_day.session.trials[rows, :, 0])).sum()
    assert np.isfinite(responses).all()
    means = [responses[pictures == row].mean(axis=0) for row in rows]
    np.testing.assert_allclose(means, v4.one_day.fold("test")[0])
    np.testing.assert_array_equal(embeddings, v4.one_day.embeddings[pictures])


def test_planted_axes_are_found_and_shuffled_ones_are_not(v4):
    axes = v4.axes()
    same = axes.reproduced()
    assert same.n_reproduced >= 3
    planted = v4.white.transform(np.eye(N_DIMS)[:4] + v4.white.mean)
    best = np.abs(planted @ axes.whole.components_.T)[:, same.is_reproduced].max(axis=1)
    assert best.min() > 0.8
    assert v4.shuffled(3, 0).max() < same.threshold


def test_axes_are_decoded_on_another_day(v4):
    found = v4.on_one_day(v4.axes().whole.components_, 0)
    assert isinstance(found, Decodability)
    assert sum(r.against(0.0) == "above" for r in found.r) >= 3
    assert (found.ceiling >= 0).all()
    assert found.n_pictures == len(v4.one_day.rows["test"])


def test_identification_is_above_chance(v4):
    for one in v4.animals.values():
        assert one.identified().low > 1 / len(one.rows["test"])


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match="n_pictures"):
        open_v4(_Clip(), 10, seed=0)
