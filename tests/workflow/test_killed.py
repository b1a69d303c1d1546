"""Sweeps that are killed and started again, of real runs: minutes, so only where asked for.

``SDC_TEST_SWEEPS=1 python -m pytest tests/workflow``; `FIGURES` of the environment names a file
for what was measured.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from workflow.slurm import local_slurm, why_not

from sdc_helpers.sweeps import engine

CLAIM = """\
import time
import numpy as np
from sdc_helpers.measures import Interval
time.sleep(2)
values = np.random.default_rng(p.seed).normal(p.size, 1, size=5)
claims.declare("small.mean", kind="hypothesis", statement="It is large.", data="simulated numbers",
               at_least=0.5)
claims.record("small.mean", Interval.over_seeds(values))
if p.mode == "raise":
    raise ValueError("trouble")
"""
SECONDS = ("seconds", "peak_memory_mb", "run_id")


@pytest.fixture
def asked_for(needs_snakemake) -> None:
    if not os.environ.get("SDC_TEST_SWEEPS"):
        pytest.skip("minutes of killed sweeps: SDC_TEST_SWEEPS=1 asks for them")


@pytest.fixture
def grid(write_notebook, tmp_path) -> Path:
    write_notebook(tmp_path / "small.ipynb", CLAIM)
    file = tmp_path / "grid.yaml"
    file.write_text("notebook: small.ipynb\nprofile: smoke\ngrid: {seed: 0..3, size: [1, 2]}\n")
    return file


def start(grid: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sdc_helpers.cli", "sweep", str(grid), "--out", str(out)]
    with (out.parent / f"{out.name}.log").open("ab") as log:
        return subprocess.Popen(
            [*command, *more], stdout=log, stderr=log, start_new_session=True, cwd=out.parent
        )


def run_ids(out: Path) -> dict[str, str]:
    """Return the run of each point that is finished."""
    return {
        file.parent.name: json.loads(file.read_text(encoding="utf-8"))["run_id"]
        for file in out.glob("seed*/small.run.json")
    }


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "table.csv").drop(columns=[*SECONDS, "git_revision"])


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill with -9 what a sweep started and has not put into a session of its own."""
    listed = subprocess.run(
        ["ps", "-s", str(process.pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    for pid in (process.pid, *map(int, listed.stdout.split())):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@pytest.mark.slow
def test_a_sweep_killed_at_five_moments_ends_as_one_that_was_not(asked_for, grid, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    began = time.monotonic()
    assert start(grid, undisturbed).wait(600) == 0
    whole = time.monotonic() - began
    moments = random.Random(time.time_ns())  # any five will do
    finished: dict[str, str] = {}
    figures: list[dict[str, Any]] = []
    for _ in range(5):
        process = start(grid, killed)
        wait = moments.uniform(0.1, 0.6) * whole
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            kill_session(process)
        now = run_ids(killed)
        assert finished.items() <= now.items(), "a finished point was run again"
        finished = now
        figures.append({"killed after": round(wait, 1), "points finished": len(finished)})
    assert start(grid, killed).wait(600) == 0
    assert finished.items() <= run_ids(killed).items()
    assert len(run_ids(killed)) == 8
    pd.testing.assert_frame_equal(table(killed), table(undisturbed))
    assert len(table(killed)) == 8
    note({"undisturbed": round(whole, 1), "kills": figures})


@pytest.mark.slow
def test_a_point_that_fails_stops_no_other_and_is_a_row(asked_for, grid, tmp_path):
    out = tmp_path / "out"
    grid.write_text(grid.read_text().replace("0..3, size: [1, 2]", "[0, 1], mode: [well, raise]"))
    assert start(grid, out).wait(600) == 1
    rows = pd.read_csv(out / "table.csv").set_index("point")
    assert len(rows) == 4
    assert rows["state"].to_dict() == {
        f"seed~{seed}__mode~{mode}": state
        for seed in (0, 1)
        for mode, state in (("well", "complete"), ("raise", "failed"))
    }
    assert "ValueError: trouble" in rows.loc["seed~1__mode~raise", "error"]


@pytest.mark.slow
def test_runs_that_outlive_a_killed_snakemake_are_waited_for_and_kept(asked_for, grid, tmp_path):
    out = tmp_path / "out"
    process = start(grid, out)
    wait_for(lambda: list(out.glob("*/.small.*.partial")), 120)
    listed = subprocess.run(
        ["pgrep", "-f", f"snakemake --directory {out}"], capture_output=True, text=True, check=True
    )
    for pid in (process.pid, *map(int, listed.stdout.split())):
        os.kill(pid, signal.SIGKILL)  # not what it has started
    process.wait()
    running = [folder.parent.name for folder in out.glob("*/.small.*.partial")]
    killed = datetime.now(UTC).isoformat(timespec="seconds")
    assert start(grid, out).wait(600) == 0
    assert len(table(out)) == 8
    assert running
    for name in running:  # made by what was running then, not by the second Snakemake
        record = json.loads((out / name / "small.run.json").read_text(encoding="utf-8"))
        assert record["started"] <= killed


@pytest.mark.slow
@pytest.mark.slurm
def test_the_same_grid_on_slurm_with_killed_schedulers_is_one_table(asked_for, grid, tmp_path):
    if reason := why_not():
        pytest.skip(reason)
    grid.write_text(grid.read_text().replace("[1, 2]", "[1]"))
    here, there = tmp_path / "here", tmp_path / "there"
    assert start(grid, here).wait(600) == 0
    settings = engine.engine_profile("slurm")
    shutil.copytree(settings, tmp_path / "loopback")
    mine = yaml.safe_load((settings / "config.yaml").read_text(encoding="utf-8"))
    # no accounting here, and nobody else whose questions the controller has to answer
    mine |= {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 5}
    (tmp_path / "loopback" / "config.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    with local_slurm() as slurm:
        process = start(grid, there, "--on", str(tmp_path / "loopback"))
        wait_for(lambda: len(queue().split()) == 4 and "R" in queue(), 120)
        kill_session(process)  # Snakemake; its jobs live on
        slurm.kill_controller()  # and Slurm's own; its node lives on
        slurm.start_controller()
        wait_for(lambda: not queue(), 600)
        finished = run_ids(there)  # jobs that the controller had not saved yet are lost with it
        assert finished
        on = ("--on", str(tmp_path / "loopback"))
        assert start(grid, there, *on).wait(300) == 0
        assert finished.items() <= run_ids(there).items()
    note({"Slurm": len(finished), "of": 4})
    pd.testing.assert_frame_equal(table(there), table(here))


def queue() -> str:
    """Return the states of Slurm's jobs that have not ended."""
    command = ["squeue", "--noheader", "--format=%t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else "?"


def wait_for(is_so: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds} s"
        time.sleep(0.2)


def note(figures: Any) -> None:
    if file := os.environ.get("FIGURES"):
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(json.dumps(figures) + "\n")
