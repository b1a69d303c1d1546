"""A sweep against the same runs one after the other, each started as a user starts it.

Wall time decides; on a busy machine compare the CPU seconds as well, which say what the sweep
itself costs. Needs `make sweep-env`, and says so where that is missing.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _report import hardware, print_table

from sdc_helpers.sweeps.engine import sweep_python

SDC = [sys.executable, "-P", "-m", "sdc_helpers.cli"]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def measured(*commands: list[str]) -> tuple[float, float]:
    """Run commands one after the other; return seconds of the clock and of all cores."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*SDC, *command], check=True, env={**os.environ, **ONE_THREAD}, **quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", default="00")
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--slots", type=int, default=2)
    options = parser.parse_args()
    if sweep_python() is None:
        print("no environment for sweeps here: make sweep-env")
        return
    what = [options.notebook, "--profile", options.profile]
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            ["run", *what, "-p", f"seed={seed}", "--out", str(Path(folder, "loop", str(seed)))]
            for seed in range(options.runs)
        ]
        loop = measured(*runs)
        values = ["-p", f"seed=0..{options.runs - 1}", "--slots", str(options.slots)]
        sweep = measured(["sweep", *what, *values, "--out", str(Path(folder, "sweep"))])
    print(hardware())
    print(f"{options.runs} runs of {' '.join(what)}, {options.slots} at a time")
    rows = [
        [name, f"{wall:.0f}", f"{wall / loop[0]:.2f}", f"{cpu:.0f}", f"{cpu / loop[1]:.2f}"]
        for name, (wall, cpu) in {"sdc run, one by one": loop, "sdc sweep": sweep}.items()
    ]
    print_table(["", "seconds", "ratio", "CPU s", "ratio"], rows)


if __name__ == "__main__":
    main()
