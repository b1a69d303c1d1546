"""Splits: what the rules promise, for random designs, against plain set arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.datasets.splits import SIDES, check_split, split_sdc2025, split_strict

SPLITS = pytest.mark.parametrize("split", [split_sdc2025, split_strict])


def design(seed=0, n_participants=3, n_shared=30, n_own=40, p_incomplete=0.3, n_borrowed=0):
    """Trials of an NSD-like design, by participant; some images are shown fewer than three times.

    The shared images are 1 ... n_shared. `n_borrowed` own images of each participant are also
    shown, three times, to the next one.
    """
    rng = np.random.default_rng(seed)
    own = [1000 * (p + 1) + rng.permutation(500)[:n_own] for p in range(n_participants)]
    tables = {}
    for p in range(n_participants):
        borrowed = own[(p + 1) % n_participants][:n_borrowed]
        images = np.concatenate([np.arange(1, n_shared + 1), own[p], borrowed])
        counts = np.where(
            rng.random(len(images)) < p_incomplete, rng.integers(1, 3, len(images)), 3
        )
        counts[len(images) - n_borrowed :] = 3
        ids = rng.permutation(np.repeat(images, counts))
        tables[f"subj{p + 1:02d}"] = pd.DataFrame({"image_id": ids, "is_shared": ids <= n_shared})
    return tables


def thrice(table):
    return {i for i, n in table["image_id"].value_counts().items() if n >= 3}


@SPLITS
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), n_test=st.integers(1, 20), n_validation=st.integers(1, 5))
def test_every_trial_is_on_one_side_and_every_image_follows_its_trials(
    split, seed, n_test, n_validation
):
    tables = design(seed, p_incomplete=0.2)
    result = split(tables, seed, n_test, n_validation)
    common = set.intersection(*(thrice(t) & set(range(1, 31)) for t in tables.values()))
    assert set(result.common_images) == common
    for participant, table in tables.items():
        sides = result[participant]
        masks = np.stack([sides.trials(side) for side in SIDES])
        assert np.array_equal(masks.sum(axis=0), np.ones(len(table)))
        for side in SIDES:
            ids = table["image_id"].to_numpy()[sides.trials(side)]
            assert set(ids) == set(sides.images(side))
        assert len(sides.test_images) == n_test
        assert len(sides.validation_images) == n_validation
        held_out = set(sides.test_images) | set(sides.validation_images)
        assert held_out <= thrice(table)
        test_common = common & set(sides.test_images)
        assert len(test_common) == min(n_test, len(common))  # common images come first
        others = result[next(p for p in tables if p != participant)]
        assert test_common == common & set(others.test_images)
    check = check_split(result)
    assert check.is_clean
    if split is split_strict:
        assert check.is_strict
        assert set(check.held_out_in_training.values()) == {0.0}


@SPLITS
def test_the_order_of_rows_and_participants_does_not_matter(split):
    tables = design(4)
    expected = split(tables, seed=1, n_test=20, n_validation=8)
    rng = np.random.default_rng(0)
    orders = {p: rng.permutation(len(t)) for p, t in tables.items()}
    shuffled = {p: tables[p].iloc[orders[p]] for p in reversed(tables)}
    result = split(shuffled, seed=1, n_test=20, n_validation=8)
    for p in tables:
        for side in SIDES:
            assert np.array_equal(result[p].images(side), expected[p].images(side))
            assert np.array_equal(result[p].trials(side), expected[p].trials(side)[orders[p]])


@SPLITS
def test_a_table_of_all_participants_is_as_good_as_one_each(split):
    tables = design(2)
    whole = pd.concat([t.assign(participant=p) for p, t in tables.items()])
    one, other = split(whole, 0, 20, 8), split(tables, 0, 20, 8)
    for p in tables:
        assert np.array_equal(one[p].test_trials, other[p].test_trials)
        assert np.array_equal(one[p].validation_images, other[p].validation_images)


@SPLITS
def test_the_seed_draws(split):
    tables = design(2)
    one, again, other = (split(tables, seed, 20, 8) for seed in (0, 0, 1))
    p = "subj02"
    assert np.array_equal(one[p].test_images, again[p].test_images)
    assert not np.array_equal(one[p].test_images, other[p].test_images)


def test_draws_differ_between_participants_and_do_not_depend_on_the_others():
    tables = design(2, n_shared=0, n_own=100, p_incomplete=0)
    # the same own images for both, so that only the draw can differ
    tables = {"subj01": tables["subj01"], "subj02": tables["subj01"]}
    both = split_sdc2025(tables, 0, 30, 10)
    assert not np.array_equal(both["subj01"].test_images, both["subj02"].test_images)
    alone = split_sdc2025({"subj02": tables["subj02"]}, 0, 30, 10)
    assert np.array_equal(alone["subj02"].test_images, both["subj02"].test_images)


def test_sdc2025_puts_test_images_of_one_into_the_training_of_another():
    tables = design(0, n_shared=60, n_own=60)
    loose = check_split(split_sdc2025(tables, 0, 35, 10))
    strict = check_split(split_strict(tables, 0, 35, 10))
    assert loose.is_clean
    assert not loose.is_strict
    assert max(loose.held_out_in_training.values()) > 0
    assert strict.is_strict


def test_without_images_in_common_but_the_complete_ones_the_rules_agree():
    tables = design(0, p_incomplete=0)
    one, other = split_sdc2025(tables, 3, 40, 10), split_strict(tables, 3, 40, 10)
    for p in tables:
        assert np.array_equal(one[p].test_images, other[p].test_images)
        assert np.array_equal(one[p].train_trials, other[p].train_trials)


def test_strict_holds_out_no_borrowed_image():
    tables = design(1, n_borrowed=15)
    split = split_strict(tables, 0, 20, 5)
    assert check_split(split).is_strict
    seen = {p: set(t["image_id"]) for p, t in tables.items()}
    for p in tables:
        others = set.union(*(seen[q] for q in tables if q != p))
        filled = set(split[p].test_images) - set(split.common_images)
        assert not filled & others


def test_more_common_images_than_test_images():
    tables = design(0, n_shared=30, p_incomplete=0)
    for split in (split_sdc2025, split_strict):
        result = split(tables, 0, n_test=12, n_validation=6)
        assert len({tuple(s.test_images) for s in result.participants.values()}) == 1
        assert set(result["subj01"].validation_images) <= set(range(1, 31))
        assert check_split(result).is_strict


def test_check_split_counts_overlaps():
    split = split_sdc2025(design(0, p_incomplete=0), 0, 40, 10)
    p = split["subj01"]
    object.__setattr__(p, "test_images", np.append(p.test_images, p.train_images[:2]))
    check = check_split(split)
    assert not check.is_clean
    assert check.within["subj01"].tolist() == p.train_images[:2].tolist()
    assert len(check.within["subj02"]) == 0


def test_held_out_in_training_is_a_fraction_of_the_test_images():
    split = split_strict(design(0, p_incomplete=0), 0, 40, 10)
    other = split["subj02"]
    taken = split["subj01"].test_images[:10]
    object.__setattr__(other, "train_images", np.append(other.train_images, taken))
    assert check_split(split).held_out_in_training["subj01"] == 10 / 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_test": 500}, r"n_test=500 .*subj01 has only \d+ images with 3 repetitions"),
        ({"n_test": 0}, "n_test=0: expected a whole number"),
        ({"n_test": 2.0}, "n_test=2.0: expected a whole number"),
        ({"n_validation": True}, "n_validation=True: expected a whole number"),
        ({"trials": {}}, "trials holds no participant"),
        ({"trials": design()["subj01"]}, "trials lacks the column 'participant'"),
        (
            {"trials": {"subj01": design()["subj01"].drop(columns="is_shared")}},
            r"trials of subj01: .*no column \['is_shared'\]",
        ),
        ({"trials": {"subj01": design()["subj01"][:0]}}, r"trials of subj01: .*got 0 rows"),
    ],
)
def test_bad_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        split_sdc2025(**{"trials": design(), "n_test": 20, "n_validation": 5} | change)


def test_unknown_participant_and_side():
    split = split_sdc2025(design(), 0, 20, 5)
    with pytest.raises(ValueError, match="participant='subj09' is not in the split; it has subj01"):
        split["subj09"]
    with pytest.raises(ValueError, match=r"side='dev' is unknown; expected .*'train'"):
        split["subj01"].images("dev")
