"""``sdc sweep`` and ``sdc collect``, with a stand-in for Snakemake."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from made_up_runs import write_run

from sdc_helpers import cli
from sdc_helpers.sweeps import engine
from sdc_helpers.sweeps.table import made_by_now

Sdc = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sdc(monkeypatch, capsys) -> Sdc:
    """Return a function that runs `sdc`; it returns exit code, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sdc", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return call


@pytest.fixture
def started(monkeypatch) -> list[tuple[Path, int | None]]:
    """Stand in for Snakemake: run the points of seed 1 alone; return what was asked for."""
    asked: list[tuple[Path, int | None]] = []

    def run_engine(folder: Path, profile: Path, slots: int | None = None) -> int:
        asked.append((folder, slots))
        assert (profile / "config.yaml").is_file()
        plan = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
        digests = made_by_now(plan)
        for name, point in plan["points"].items():
            if point["values"]["seed"] == 1 and not (folder / name / "small.run.json").exists():
                write_run(folder / name, "small", digests[name], [], seed=1)
        return 1

    monkeypatch.setattr(engine, "run_engine", run_engine)
    return asked


@pytest.fixture
def notebook(write_notebook, tmp_path) -> Path:
    return write_notebook(tmp_path / "small.ipynb")


def test_check_says_jobs_hours_and_gigabytes_and_starts_nothing(sdc, started, tmp_path):
    (tmp_path / "grid.yaml").write_text(
        "notebook: 10\nprofile: full\ngrid:\n  seed: 0..9\n  n_components: [20, 40]\n"
        "minutes: 29.95\nmemory_gb: 8\nprepare: [data fetch haxby2001]\n"
    )
    code, out, _ = sdc("sweep", "check", tmp_path / "grid.yaml", "--slots", 4, "--out", tmp_path)
    assert code == 0
    assert "20 points of 10_shared_concepts, full: 10 of seed; 2 of n_components" in out
    assert "10.00 hours of one core" in out
    assert "150.0 minutes for 4 at a time" in out
    assert "12.3 GB of memory a run, 49.2 GB for 4" in out
    assert "first: sdc data fetch haxby2001" in out
    assert out.count("first: sdc data simulate --profile full --seed") == 10
    assert started == []
    assert [file.name for file in tmp_path.iterdir()] == ["grid.yaml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "size=5,0"], "'size' got 0 but takes int from 1 to 100"),
        (["-p", "sise=5"], "no parameter 'sise'"),
        (["-p", "seed=3..1"], "run from 3 to 1"),
        (["-p", "seed"], "-p takes name=value"),
        (["-p", "seed=1", "-p", "seed=2"], "gives 'seed' twice"),
        (["--profile", "tiny"], "no profile 'tiny'"),
        (["--on", "the moon"], "nothing to run a sweep on in 'the moon'"),
    ],
)
def test_a_sweep_with_one_bad_value_starts_nothing_and_ends_with_2(
    sdc, started, notebook, tmp_path, arguments, message
):
    code, _, err = sdc("sweep", notebook, *arguments, "--out", tmp_path / "out")
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert started == []
    assert not (tmp_path / "out").exists()


def test_a_grid_says_its_values_itself(sdc, tmp_path):
    (tmp_path / "g.yaml").write_text("notebook: 13\ngrid: {seed: 1}\n")
    code, _, err = sdc("sweep", tmp_path / "g.yaml", "-p", "seed=2")
    assert (code, "write values and profile there" in err) == (2, True)


def test_a_sweep_ends_with_its_table_and_with_1_where_points_lack(sdc, started, notebook, tmp_path):
    out = tmp_path / "out"
    asked = ("sweep", notebook, "-p", "seed=1,2", "--profile", "smoke", "--out", out)
    code, said, err = sdc(*asked, "--slots", 3)
    assert code == 1
    assert "1 of 2 points have no result" in err
    assert "2 rows of 2 points: 1 complete, 1 not run" in said
    assert started == [(out, 3)]
    assert pd.read_csv(out / "table.csv")["state"].tolist() == ["complete", "not run"]
    assert "1 complete, 1 not run" in (out / "index.html").read_text(encoding="utf-8")
    # the grid that it wrote is the same sweep, and goes on where it was
    grid = out / "grid.yaml"
    code, said, _ = sdc("sweep", "check", grid, "--out", out)
    assert (code, "1 are there, 0 of these by other code; 1 to run" in said) == (0, True)
    made = (out / "seed~1" / "small.run.json").read_text(encoding="utf-8")
    sdc("sweep", "start", grid, "--out", out)
    assert (out / "seed~1" / "small.run.json").read_text(encoding="utf-8") == made
    # by other code: left alone, and anew where that is asked for
    write_run(out / "seed~1", "small", "another", [], seed=1)
    assert "1 of these by other code" in sdc("sweep", grid, "--out", out)[1]
    assert "1 other code, 1 not run" in sdc("collect", out)[1]
    sdc("sweep", grid, "--out", out, "--again")
    assert (out / "seed~1" / "small.run.json").read_text(encoding="utf-8") == made
    # another notebook or profile does not mix with it
    code, _, err = sdc("sweep", notebook, "-p", "seed=1", "--profile", "workshop", "--out", out)
    assert (code, "holds a sweep of small in profile smoke" in err) == (2, True)


def test_without_its_environment_a_sweep_says_how_to_make_it(sdc, notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "sweep_python", lambda: None)
    out = tmp_path / "out"
    code, _, err = sdc("sweep", notebook, "-p", "seed=1", "--profile", "smoke", "--out", out)
    assert (code, "make sweep-env" in err) == (1, True)


def test_collect_needs_a_sweep(sdc, tmp_path):
    code, _, err = sdc("collect", tmp_path)
    assert (code, "holds no sweep" in err) == (2, True)
