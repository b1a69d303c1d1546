"""A small notebook, its sweep, and runs of it that are written down without being run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdc_helpers.sweeps import Grid, Plan, plan_sweep, write_plan
from sdc_helpers.sweeps.table import made_by_now


@pytest.fixture
def notebook(write_notebook, tmp_path) -> Path:
    return write_notebook(tmp_path / "notebooks" / "small.ipynb")


@pytest.fixture
def planned(notebook) -> Plan:
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

    def write(point: str, claims: list[dict[str, Any]], *, error: str = "", **changed: Any) -> None:
        stem = "small.failed" if error else "small"
        record = {
            "run_id": point,
            "status": "failed" if error else "complete",
            "error": error or None,
            "made_by": digests[point],
            "seed": planned.points[0].values["seed"],
            "seconds": 1.5,
            "peak_memory_mb": 100.0,
            "git_revision": "abc",
            "claims": claims,
            **changed,
        }
        (folder / point).mkdir(exist_ok=True)
        file = folder / point / f"{stem}.run.json"
        file.write_text(json.dumps(record), encoding="utf-8")
        content = {"cells": [], "metadata": {"sdc_run_id": point}}
        file.with_name(f"{stem}.ipynb").write_text(json.dumps(content), encoding="utf-8")

    return write
