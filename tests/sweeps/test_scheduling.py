from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.sweeps import schedule

JOBS = st.lists(st.floats(0, 1000), max_size=20)


@given(JOBS, st.integers(1, 7), st.floats(0, 50))
def test_every_job_runs_once_whole_and_alone_on_its_slot(jobs, slots, start):
    found = schedule(jobs, slots, start)
    np.testing.assert_allclose(found.end - found.begin, np.array(jobs) + start, atol=1e-9)
    assert set(found.slot) <= set(range(slots))
    for slot in range(slots):
        mine = found.slot == slot
        assert (found.begin[mine][1:] >= found.end[mine][:-1] - 1e-9).all()
    assert (np.diff(found.begin) >= 0).all()  # they begin in their order


@given(JOBS, st.integers(1, 7))
def test_no_slot_idles_while_a_job_waits(jobs, slots):
    found = schedule(jobs, slots)
    for begin in found.begin[found.begin > 0]:
        before = [found.end[found.slot == slot] for slot in range(slots)]
        assert all((ends >= begin - 1e-9).any() for ends in before)


@given(JOBS, st.integers(1, 7))
def test_it_lies_between_what_nothing_beats_and_grahams_bound(jobs, slots):
    found = schedule(jobs, slots)
    assert found.least <= found.seconds * (1 + 1e-12) + 1e-9
    assert found.seconds <= (2 - 1 / slots) * found.least + 1e-9


def test_what_nothing_beats_is_beaten_by_no_division_of_a_few_jobs():
    jobs, slots = [3, 5, 7, 2, 6], 2
    best = min(
        max(sum(j for j, s in zip(jobs, where, strict=True) if s == slot) for slot in range(slots))
        for where in itertools.product(range(slots), repeat=len(jobs))
    )
    assert schedule(jobs, slots).least <= best <= schedule(jobs, slots).seconds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], 0), "slots=0: expected an integer of 1 or more"),
        (([-1.0], 1), "0 or more a job"),
        (([1.0], 1, -2.0), "0 or more a job"),
        (([[1.0]], 1), r"shape \(1, 1\)"),
        (([np.inf], 1), "seconds"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        schedule(*arguments)
