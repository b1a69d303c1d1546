"""The benchmarks run, at toy sizes; what they measure is for a person to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "options", "expected"),
    [
        (
            "cka_permutations.py",
            "--shuffles 3 --timed 2 --repeats 1 --n-pair 40 --features 30 --n-table 30",
            ["permutation_test, Gram matrices included", "20 x 12 table"],
        ),
        ("cka_gram.py", "--stimuli 20 --features 500 --repeats 1", ["one-shot float64"]),
    ],
)
def test_benchmark_runs(script, options, expected, tmp_path):
    command = [sys.executable, BENCHMARKS / script, *options.split()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for text in expected:
        assert text in result.stdout
