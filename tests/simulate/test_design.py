"""The order of trials and the behaviour table, against counts done by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.simulate.design import behaviour, make_design


@settings(deadline=None, max_examples=30)
@given(
    n_participants=st.integers(1, 8),
    n_shared=st.integers(1, 12),
    n_own=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_each_sees_each_of_its_pictures_three_times(n_participants, n_shared, n_own, seed):
    design = make_design(n_participants, n_shared, n_own, 3, 2, np.random.default_rng(seed))
    assert (np.bincount(design.order) == 3).all()
    seen = [set(row.tolist()) for row in design.images]
    assert all(len(pictures) == n_shared + n_own for pictures in seen)
    assert set.union(*seen) == set(range(n_shared + n_participants * n_own))
    times = Counter(picture for pictures in seen for picture in pictures)
    if n_participants > 1:
        assert sorted(times.values()) == [1] * n_participants * n_own + [n_participants] * n_shared
        assert all(times[p] == n_participants for p in design.images[0, :n_shared].tolist())
    assert design.n_images == n_shared + n_participants * n_own
    assert (np.bincount(design.session)[1:] == n_shared + n_own).all()


def test_trials_count_from_one_within_runs():
    design = make_design(2, 4, 7, 3, 2, np.random.default_rng(0))
    for session in (1, 2, 3):
        rows = design.session == session
        assert design.run[rows].tolist() == [1] * 6 + [2] * 5
        assert design.trial[rows].tolist() == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5]


def test_behaviour_counts_what_was_shown_before():
    design = make_design(2, 5, 10, 3, 2, np.random.default_rng(4))
    table = behaviour(design, 2, np.random.default_rng(5))
    shown = table["73KID"].tolist()
    for i, row in table.iterrows():
        before = [j for j in range(i) if shown[j] == shown[i]]
        assert row["ISOLD"] == bool(before)
        if before:
            assert row["MEMORYFIRST"] == i - before[0] - 1
            assert row["MEMORYRECENT"] == i - before[-1] - 1
        else:
            assert np.isnan(row["MEMORYFIRST"])
            assert np.isnan(row["MEMORYRECENT"])
        in_session = [j for j in before if table["SESSION"][j] == row["SESSION"]]
        assert row["ISOLDCURRENT"] == bool(in_session)
        if np.isfinite(row["BUTTON"]):
            assert row["ISCORRECT"] == ((row["BUTTON"] == 2) == bool(before))
    assert (np.diff(table["TIME"]) > 0).all()
    assert (table["SUBJECT"] == 2).all()
