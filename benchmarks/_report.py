"""The hardware line and the table that every benchmark prints."""

from __future__ import annotations

import os
import platform
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.course.provenance import processor_name, usable_cores

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence


def hardware(device: str = "cpu") -> str:
    """Describe the machine: processor, cores this process may use, load, library versions."""
    parts = [processor_name(), f"{usable_cores()} cores", f"load {os.getloadavg()[0]:.1f}"]
    parts.append(f"Python {platform.python_version()}, numpy {np.__version__}")
    if device != "cpu":
        import torch

        parts.append(f"torch {torch.__version__}, {torch.cuda.get_device_name(device)}")
    return "; ".join(parts)


def require_device(parser: argparse.ArgumentParser, device: str) -> None:
    """End with a usage error if a CUDA device is asked for and there is none."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            parser.error("--device cuda: torch sees no CUDA device here")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header, the first column to the left and the others to the right."""
    table = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    for number, row in enumerate(table):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def median_seconds(function: Callable[[], object], repeats: int) -> float:
    """Median wall time of some calls; the caller waits for the device inside `function`."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


class PeakMemory:
    """Peak of this process's own (anonymous) memory over its level at entry, in MB; Linux only.

    Pages of a memory-mapped file are not counted: the system may drop them at any time.
    """

    mb: float = float("nan")

    def __enter__(self) -> PeakMemory:
        self._base = self._peak = _anonymous_mb()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def _sample(self) -> None:
        while not self._stop.wait(0.002):
            self._peak = max(self._peak, _anonymous_mb())

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.mb = self._peak - self._base


def _anonymous_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    for line in status.read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return float("nan")
