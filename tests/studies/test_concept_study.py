"""What is asked of found concepts, against loops and on made-up outcomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdc_helpers.studies import concept_study, recorded_outcomes
from sdc_helpers.studies.settings_study import chosen_decoders


def test_the_nearest_voxel_of_another_participant_by_loops():
    rng = np.random.default_rng(0)
    rows, who = rng.normal(size=(20, 3)), rng.integers(0, 3, 20).astype(str)
    found = concept_study.nearest_of_others(rows, who, np.array([2, 5, 11]))
    for distance, voxel in zip(found, (2, 5, 11), strict=True):
        others = [
            1 - rows[voxel] @ rows[o] / np.linalg.norm(rows[voxel]) / np.linalg.norm(rows[o])
            for o in range(20)
            if who[o] != who[voxel]
        ]
        assert distance == pytest.approx(min(others), abs=1e-12)


def test_one_cluster_swallows_all_at_a_large_eps_and_none_at_a_small_one():
    rng = np.random.default_rng(1)
    who = np.repeat(list("abcd"), 10)
    directions = np.array([[1, 0], [np.sqrt(0.5), np.sqrt(0.5)]])  # a cosine distance of 0.29
    axes = np.tile(np.repeat(directions, 5, axis=0), (4, 1))
    weights = axes + 0.01 * rng.normal(size=axes.shape)
    np.testing.assert_array_equal(concept_study.share_of_largest(weights, who, 0.5), np.ones(4))
    np.testing.assert_allclose(concept_study.share_of_largest(weights, who, 0.02), 0.5)
    np.testing.assert_array_equal(concept_study.share_of_largest(weights, who, 1e-9), np.zeros(4))


def outcomes(name, reproduced, recovered, is_allowed=True):
    some = [o for o in recorded_outcomes() if o.world == "easy"][:3]
    return [
        replace(o, name=name, n_reproduced=reproduced, n_recovered=recovered, is_allowed=is_allowed)
        for o in some
    ]


def test_a_decoder_is_chosen_by_what_is_reproduced_and_of_equals_the_worst():
    table = {
        "the course's": outcomes("the course's", 6, 8),
        "input noise 4": outcomes("input noise 4", 6, 7),
        "D = 15": outcomes("D = 15", 5, 9),
        "input noise 1": outcomes("input noise 1", 9, 9, is_allowed=False),
        "embedding holds all": outcomes("embedding holds all", 10, 10),
        "noise doubled": outcomes("noise doubled", 10, 10),
    }
    assert chosen_decoders(table) == ("input noise 4", "D = 15")
    with pytest.raises(ValueError, match="none of the decoders"):
        chosen_decoders({"input noise 1": table["input noise 1"]})
