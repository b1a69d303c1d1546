"""A limit that counts what a kernel had, on real processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from sdc_helpers.course.kernel_clock import KernelClock

PIN = "import os, time; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
needs_schedstat = pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="this system does not count waiting"
)


@pytest.fixture
def processes():
    """Return a function that starts Python code; it is killed in the end, and its children too."""
    started = []

    def start(code: str) -> int:
        started.append(subprocess.Popen([sys.executable, "-c", code]))
        return started[-1].pid

    yield start
    for process in started:
        family = [*psutil.Process(process.pid).children(recursive=True), process]
        for member in family:  # a parent that is killed leaves its children running
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def watched(pid: int, seconds: float) -> tuple[float, float]:
    """Return how long a process was watched, and how much of that did not count."""
    clock = KernelClock(None)
    before = time.monotonic()
    clock.watch(pid, lambda: None)
    time.sleep(seconds)
    clock.stop()
    return time.monotonic() - before, clock.waited


@needs_schedstat
@pytest.mark.parametrize("where", ["itself", "a child"])
def test_waiting_for_a_busy_core_does_not_count(processes, where):
    for _ in range(4):
        processes(PIN + "exec('while True: pass')")
    loop = PIN + "exec('while True: pass')"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {loop!r}])"
    pid = processes(loop if where == "itself" else child)
    time.sleep(0.5)
    elapsed, waited = watched(pid, 2)
    # five share a core: each waits four fifths of the time
    assert 0.4 * elapsed < waited < elapsed


def test_sleep_counts(processes):
    elapsed, waited = watched(processes("import time; time.sleep(60)"), 1)
    assert waited < 0.2 * elapsed


def test_the_end_is_called_once_when_the_limit_is_reached(processes):
    clock, over, calls = KernelClock(0.6), threading.Event(), []
    clock.watch(processes("import time; time.sleep(60)"), lambda: (calls.append(1), over.set()))
    assert over.wait(30)
    time.sleep(0.6)
    clock.stop()
    assert calls == [1]
    assert clock.is_over
    assert clock.counted >= 0.6


def test_without_a_limit_nothing_ends(processes):
    clock, calls = KernelClock(None), []
    clock.watch(processes("import time; time.sleep(60)"), lambda: calls.append(1))
    time.sleep(0.6)
    clock.stop()
    assert (calls, clock.check()) == ([], False)


def test_a_process_that_is_gone_is_no_trouble(processes):
    elapsed, waited = watched(2**22 + 1, 0.6)
    assert waited == 0.0
    assert elapsed >= 0.6
