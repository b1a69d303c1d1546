"""A small notebook, its sweep, and runs of it that are written down without being run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up_runs
import pytest

from sdc_helpers.sweeps import Grid, SweepPlan, plan_sweep, write_plan
from sdc_helpers.sweeps.table import made_by_now


@pytest.fixture
def notebook(write_notebook, tmp_path) -> Path:
    return write_notebook(tmp_path / "notebooks" / "small.ipynb")


@pytest.fixture
def planned(notebook) -> SweepPlan:
    """Three seeds and two sizes."""
    return plan_sweep(Grid(str(notebook), "smoke", {"size": (5, 9), "seed": (0, 1, 2)}))


@pytest.fixture
def folder(planned, tmp_path) -> Path:
    folder = tmp_path / "sweep"
    write_plan(planned, folder, ["sdc"])
    return folder


@pytest.fixture
def write_run(planned, folder) -> Callable[..., None]:
    """Return a function that writes what a run of a point leaves behind."""
    digests = made_by_now(planned.to_dict(["sdc"]))

    def write(point: str, claims: list[dict[str, Any]], **changed: Any) -> None:
        made_up_runs.write_run(
            folder / point, "small", claims=claims, **{"made_by": digests[point], **changed}
        )

    return write
