"""Sweeps that Snakemake really runs, of notebooks and of a stand-in for ``sdc``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdc_helpers.sweeps.engine import sweep_python

# Writes down what it is asked for; a point with fails=True fails, every other leaves its two files.
STAND_IN = f"""#!{sys.executable} -IS
import json, os, sys, time
from pathlib import Path
here, words = Path.cwd(), sys.argv[1:]
with open({{log!r}}, "a", encoding="utf-8") as log:
    log.write(json.dumps([here.name, words, os.environ["OMP_NUM_THREADS"]]) + "\\n")
if "fails=True" in words:
    sys.exit("sdc: trouble")
if words[0] == "run":
    (here / "small.ipynb").write_text("{{{{}}}}", encoding="utf-8")
    (here / "small.run.json").write_text("{{{{}}}}", encoding="utf-8")
"""


@pytest.fixture
def needs_snakemake() -> None:
    """Skip where sweeps have no environment."""
    if sweep_python() is None:
        pytest.skip("no .venv-sweep here: make sweep-env makes it")


@pytest.fixture
def asked(tmp_path) -> Callable[[], list[Any]]:
    """Return a function that returns what the stand-in was asked for since it was last asked."""
    log = tmp_path / "asked.jsonl"
    (tmp_path / "stand_in").write_text(STAND_IN.format(log=str(log)), encoding="utf-8")

    def read() -> list[Any]:
        if not log.is_file():
            return []
        lines = log.read_text(encoding="utf-8").splitlines()
        log.unlink()
        return [json.loads(line) for line in lines]

    return read


@pytest.fixture
def stand_in(asked, tmp_path) -> list[str]:
    """How the stand-in for ``sdc`` is called."""
    return [sys.executable, "-IS", str(tmp_path / "stand_in")]


@pytest.fixture
def write_sweep(stand_in) -> Callable[..., None]:
    """Return a function that writes the plan of a sweep whose points the stand-in runs."""

    def write(folder: Path, *seeds: int, failing: int = -1) -> None:
        points = {
            f"seed~{seed}": {
                "values": {"seed": seed},
                "arguments": ["-p", f"seed={seed}", "-p", f"fails={seed == failing}"],
                "needs": ["0123456789"],
            }
            for seed in seeds
        }
        plan = {
            "schema": 1,
            "notebook": "small",
            "name": "small",
            "title": "Small",
            "profile": "smoke",
            "sdc": stand_in,
            "mem_mb": 100,
            "runtime": 1,
            "prepare": {"0123456789": ["data", "fetch", "it's all"]},
            "points": points,
        }
        folder.mkdir(exist_ok=True)
        (folder / "sweep.json").write_text(json.dumps(plan), encoding="utf-8")

    return write
