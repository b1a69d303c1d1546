"""The benchmarks run, at toy sizes; what they measure is for a person to read.

``shared_dbscan.py`` and ``sweep.py`` are not among them: they measure every row in fresh processes.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RUNS = {
    "cka_permutations.py": (
        "--shuffles 3 --timed 2 --repeats 1 --n-pair 40 --features 30 --n-table 30",
        ["permutation_test, Gram matrices included", "20 x 12 table"],
    ),
    "cka_gram.py": ("--stimuli 20 --features 500 --repeats 1", ["one-shot float64"]),
    "cka_scale.py": (
        "--sizes 30 60 90 --largest 60 --features 5 6 --n-table 20 --areas 4 --layers 2 "
        "--shuffles 3",
        ["time grows as n", "4 areas x 2 layers x 3 shuffles"],
    ),
    "contrastive_step.py": ("--batch 8 --dim 8 --repeats 1", ["cuaxu"]),
    "embedding.py": ("--images 20 --batch 8 --repeats 1", ["embed_images, from its cache"]),
    "curriculum_step.py": (
        "--samples 50 --batch 4 --steps 1",
        ["PlanBatches and CaptionPairs", "CurriculumSampler"],
    ),
    "gpu_scale.py": (
        "--device cpu --participants 4 --voxels 20 --trials 300 --dims 8 --runs 2 --steps 2",
        ["2 runs together", "one by one", "80 rows x 8"],
    ),
    "partition.py": (
        "--sizes 300 --width 6 --queries 20 --epochs 1",
        ["300 x 6, 16 bins", "learned bins", "faiss HNSW"],
    ),
    "masks.py": (
        "--voxels 60 --trials 40 --dims 6 --components 2 --steps 2 --repeats 1",
        ["together", "one by one", "plain loop", "network of 4 hidden units", "size of NSD"],
    ),
    "decoder_runs.py": (
        "--voxels 20 --dims 4 --images 50 --runs 2 --steps 2 --repeats 1",
        ["together", "one by one", "plain loop", "parts of a step of 2 runs"],
    ),
}


@pytest.mark.parametrize("script", RUNS)
def test_benchmark_runs(script, tmp_path, monkeypatch, capsys):
    options, expected = RUNS[script]
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "argv", [script, *options.split()])
    runpy.run_path(str(BENCHMARKS / script), run_name="__main__")
    printed = capsys.readouterr().out
    for text in expected:
        assert text in printed
