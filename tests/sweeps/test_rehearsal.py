from __future__ import annotations

import numpy as np
import pytest

from sdc_helpers.sweeps import collect, count_states, shares_of, write_page
from sdc_helpers.sweeps.rehearsal import Rehearsal, claim, with_failures

GRID = {"seed": (0, 1), "setting": (5, 9)}


@pytest.fixture
def done(tmp_path):
    small = Rehearsal(tmp_path)
    small.run(small.plan(**GRID))
    return small


def test_before_the_first_run_everything_is_missing(tmp_path):
    small = Rehearsal(tmp_path)
    assert small.to_run(**GRID) == [point.name for point in small.plan(**GRID).points]


def test_files_decide_what_runs_and_a_revision_does_not(done):
    assert done.to_run(**GRID) == []
    assert done.to_run(**GRID | {"seed": (0, 1, 2)}) == ["seed~2__setting~5", "seed~2__setting~9"]
    assert done.to_run(**GRID | {"setting": (5, 7)}) == ["seed~0__setting~7", "seed~1__setting~7"]
    done.revise("Another title")
    assert done.to_run(**GRID) == []
    assert count_states(collect(done.folder)) == {"other code": 4}
    done.remove("seed~1__setting~5", ".ipynb")
    done.remove("seed~0__setting~9", ".run.json")
    assert done.to_run(**GRID) == ["seed~0__setting~9", "seed~1__setting~5"]
    assert done.files()["seed~1__setting~5"] == {"small.run.json"}


def test_a_failed_point_is_a_row_and_counts_among_all_points(tmp_path):
    small = Rehearsal(tmp_path)
    planned = small.plan(**GRID)
    values = dict(zip([p.name for p in planned.points], (0.1, 0.9, 0.8, 0.9), strict=True))
    claims = {name: [claim("a.b", value, 0.5)] for name, value in values.items()}
    small.run(planned, claims, failed=["seed~1__setting~9"])
    table = collect(small.folder)
    assert count_states(table) == {"complete": 3, "failed": 1}
    found = shares_of(table, "a.b")
    assert (found.n_held, found.n_finished, found.n_points) == (2, 3, 4)
    assert (found.of_finished.value, found.of_points.value) == (pytest.approx(2 / 3), 0.5)
    assert found.limits == (0.5, 0.75)
    page = write_page(table, small.folder).read_text(encoding="utf-8")
    assert "<td>2 of 3</td>" in page
    assert "<td>2 of 4</td>" in page
    assert small.to_run(**GRID) == ["seed~1__setting~9"]


def test_a_claim_that_nobody_recorded_has_no_share(done):
    found = shares_of(collect(done.folder), "a.b")
    assert (found.n_finished, found.n_points) == (0, 4)
    assert np.isnan(found.of_finished.value)
    assert found.limits == (0.0, 1.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_planted_share_lies_between_the_limits(tmp_path, seed):
    folder, planted = with_failures(tmp_path, np.random.default_rng(seed))
    found = shares_of(collect(folder), "it.works")
    assert found.n_points == 60
    assert found.n_finished < 60
    assert found.limits[0] <= planted <= found.limits[1]
