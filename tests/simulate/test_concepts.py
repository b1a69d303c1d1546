"""Concepts mean what they say, and can be told apart in the pictures there are."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.simulate import WORLDS
from sdc_helpers.simulate.concepts import (
    OWNED,
    SHARED,
    SIDE_WAYS,
    concept_values,
    concepts_of,
)


def test_values_have_unit_variance_and_zero_at_baseline(factors):
    values = concept_values(factors)
    np.testing.assert_allclose(values.std(ddof=0), 1.0)
    assert list(values) == [c.name for c in SHARED + OWNED] + [SIDE_WAYS]
    assert (values.loc[factors["face"] == 0, "faces"] == 0).all()
    assert (values.loc[factors["hand"] + factors["leg"] == 0, "hands_legs"] == 0).all()


@pytest.mark.parametrize("concept", SHARED + OWNED, ids=lambda c: c.name)
def test_negation_is_below_baseline_or_only_less(factors, concept):
    value = concept_values(factors)[concept.name]
    assert value.max() > 0
    assert value.min() < 0 if concept.negation == "below" else value.min() == 0


def test_warm_and_cold_round_and_long_food_have_opposite_signs(factors):
    values = concept_values(factors)
    assert (np.sign(values["food_colour"]) == np.sign(factors["food_warm"])).all()
    shape = np.sign(factors["food_round"] - factors["food_long"])
    assert (np.sign(values["food_shape"]) == shape).all()


def test_both_kinds_of_negation_are_planted():
    assert {c.negation for c in SHARED} == {"below", "less"}


def test_owned_concepts_have_their_owners_and_names_differ():
    names = [c.name for c in SHARED + OWNED]
    assert len(set(names)) == len(names)
    for world, sizes in (("easy", {1}), ("hard", {2, 3})):
        for concept in OWNED:
            having = tuple(p for p in range(1, 9) if concept in concepts_of(p, world))
            assert having == WORLDS[world].owners[concept.name][: len(having)]
            assert len(having) in sizes
    with pytest.raises(ValueError, match="world='harder'"):
        concepts_of(1, "harder")
    assert all(set(SHARED) <= set(concepts_of(p)) for p in range(1, 9))


def test_a_table_that_lacks_a_factor_is_refused(factors):
    with pytest.raises(ValueError, match="lacks the column 'near'"):
        concept_values(factors.drop(columns="near"))
    with pytest.raises(ValueError, match=r"'face'.*not finite"):
        concept_values(factors.assign(face=np.nan))
    with pytest.raises(ValueError, match="'words' is 0 in all"):
        concept_values(factors.assign(word=0.0))


def test_concepts_of_the_real_pictures_are_separate(truth):
    """No concept is nearly a linear function of the others: 1 - R^2 stays above 0.4."""
    names = list(truth.concepts)
    values = truth.images[[f"concept_{name}" for name in names]].to_numpy()
    centred = (values - values.mean(axis=0)) / values.std(axis=0)
    correlation = np.corrcoef(centred.T)
    assert np.abs(correlation - np.eye(len(names))).max() < 0.7
    for j, name in enumerate(names):
        others = np.delete(centred, j, axis=1)
        fitted = others @ np.linalg.lstsq(others, centred[:, j], rcond=None)[0]
        unique = np.var(centred[:, j] - fitted)
        assert unique > 0.4, name
