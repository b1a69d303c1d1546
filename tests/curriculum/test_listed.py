"""Orders that are written down: the passes as given, what was seen, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.curriculum import BinnedPacing, ListedPlan, PlanBatches, curriculum_plan


def passes_of(plan):
    ends = np.cumsum(plan.counts)
    return [plan.indices(int(e - n), int(e)) for e, n in zip(ends, plan.counts, strict=True)]


def test_a_plan_that_is_written_down_again_is_the_same_order():
    plan = curriculum_plan(np.arange(12) // 2, "curriculum", BinnedPacing(4, 2), seed=3)
    listed = ListedPlan(passes_of(plan))
    assert len(listed) == len(plan)
    assert np.array_equal(listed.indices(0, len(plan)), plan.indices(0, len(plan)))
    for stop in (0, 1, 5, 13, len(plan), None):
        assert np.array_equal(listed.exposure(stop), plan.exposure(stop))
    assert [listed.phase(i) for i in range(len(plan))] == [plan.phase(i) for i in range(len(plan))]


def test_batches_go_through_it():
    batches = PlanBatches(ListedPlan([[0, 1, 2], [2, 0, 1]]), 2)
    assert [batches.indices(step).tolist() for step in range(batches.n_steps)] == [
        [0, 1],
        [2, 2],
        [0, 1],
    ]


def test_other_passes_have_another_identity():
    names = {
        ListedPlan(p).identity["listed_sha256"] for p in ([[0, 1]], [[1, 0]], [[0, 1], [0, 1]])
    }
    assert len(names) == 3


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ([], "no pass"),
        ([[0, 1], []], "pass 1"),
        ([[0.5, 1.0]], "pass 0 is float64"),
        ([[0, -1]], "sample -1"),
        ([[[0, 1]]], "shape"),
    ],
)
def test_what_is_no_order_is_refused(passes, message):
    with pytest.raises(ValueError, match=message):
        ListedPlan(passes)
