"""In how many people a component is: counted on made-up correlations and participants."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sdc_helpers._checks import unit_rows
from sdc_helpers.studies.component_people import MIN_PEOPLE, count_people, people_with, read_in

N_PEOPLE, N_PICTURES, N_DIMS = 6, 200, 5


class _Study:
    """Dimension k of the embedding is decoded in the first ``owners[k]`` participants alone."""

    def __init__(self, owners, seed=0):
        rng = np.random.default_rng(seed)
        self.data, self._pairs = {}, {}
        for number in range(N_PEOPLE):
            true = unit_rows(rng.normal(size=(N_PICTURES, N_DIMS)))
            has = number < np.asarray(owners)
            decoded = true * has + 0.3 * rng.normal(size=true.shape)
            items = np.arange(N_PICTURES)
            fold = (None, true, items)
            self.data[f"subj{number}"] = SimpleNamespace(fold=lambda side, fold=fold: fold)
            self._pairs[f"subj{number}"] = SimpleNamespace(true=true, decoded=decoded, items=items)

    def pairs(self, side, names):
        return self._pairs[names[0]]


@pytest.mark.parametrize("seed", range(3))
def test_owners_are_counted(seed):
    owners = [6, 5, 4, 3, 1]
    counted = people_with(_Study(owners, seed), np.eye(N_DIMS))
    assert counted.tolist() == owners
    assert (counted >= MIN_PEOPLE).tolist() == [True, True, True, False, False]


def test_what_another_component_says_does_not_count():
    """A direction between two concepts is decoded wherever one of them is; its own part is not."""
    study = _Study([6, 3, 6, 6, 6])
    leaning = np.eye(N_DIMS)
    leaning[1] = np.array([1.0, 0.5, 0, 0, 0]) / np.sqrt(1.25)  # mostly the first, which all have
    read = read_in(study, leaning)
    plain = []
    for name in study.data:
        pair = study.pairs("", [name])
        plain.append(np.corrcoef(pair.true @ leaning[1], pair.decoded @ leaning[1]))
    assert min(r[0, 1] for r in plain) > 0.5  # in everybody, as it seems
    assert count_people(read, N_PICTURES)[1] == 3


def test_the_residual_is_that_of_a_regression():
    study = _Study([6, 6, 6, 6, 6], 3)
    directions = np.random.default_rng(1).normal(size=(3, N_DIMS))
    read = read_in(study, directions)
    pair = study.pairs("", ["subj2"])
    true, decoded = pair.true @ directions.T, pair.decoded @ directions.T
    design = np.column_stack([np.ones(N_PICTURES), true[:, [0, 2]]])
    left = true[:, 1] - design @ np.linalg.pinv(design) @ true[:, 1]
    assert read.loc[1, "subj2"] == pytest.approx(np.corrcoef(left, decoded[:, 1])[0, 1])


def test_noise_is_in_nobody():
    """Half of the best is no bar where the best is chance."""
    read = pd.DataFrame([[0.05, 0.04, 0.03, 0.05], [0.5, 0.4, 0.2, -0.6]])
    assert count_people(read, 200).tolist() == [0, 2]


def test_a_constant_score_is_read_in_nobody():
    study = _Study([6] * N_DIMS)
    for pair in study._pairs.values():
        pair.true[:, 4] = 0.2
    assert read_in(study, np.eye(N_DIMS)).iloc[4].abs().max() < 1e-6
