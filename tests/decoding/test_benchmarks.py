"""The benchmark runs, at toy size; what it measures is for a person to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "decoder_runs.py"


def test_benchmark_runs(tmp_path):
    options = "--voxels 20 --dims 4 --images 50 --runs 2 --steps 2 --repeats 1"
    result = subprocess.run(
        [sys.executable, SCRIPT, *options.split()],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for text in ("together", "one by one", "plain loop", "parts of a step of 2 runs"):
        assert text in result.stdout
