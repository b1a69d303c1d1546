"""What this process may use of the machine: cores and memory, as a container limits them.

A container sees the processors and the memory of its host. What it may use of them stands in the
files of its control group, of version 1 or 2, and in those of every group around it: the smallest
number holds. The one place that knows; nothing heavy is imported.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path, PurePosixPath

# Whoever sets one of these has decided how many threads there are.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Threads that wait for each other sleep; by default they spin, and take the time they wait for.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
_SAMPLE_S = 0.2


def usable_cores(root: Path = Path("/")) -> int:
    """Return the number of processor cores that this process may use.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    int
        At least 1: the least of the processors it may be scheduled on and the quotas of its
        control groups, part of a core counted as one.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for group in _groups("cpu", root):
        quota, period = _cpu_quota(group)
        if quota > 0 and period > 0:
            cores = min(cores, math.ceil(quota / period))
    return max(1, cores)


def memory_total(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may use at most.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are.
    """
    import psutil

    limits = (_memory_limit(group) for group in _groups("memory", root))
    return min([psutil.virtual_memory().total, *(n for n in limits if n is not None)])


def memory_available(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process could still get.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are.
    """
    import psutil

    free = [psutil.virtual_memory().available]
    for group in _groups("memory", root):
        limit = _memory_limit(group)
        if limit is not None:
            free.append(max(0, limit - _memory_used(group)))
    return min(free)


def free_cores() -> int:
    """Return how many of the usable cores nobody else is using, at least 1 (asks for 0.2 s)."""
    import psutil

    usable = usable_cores()
    if usable == 1:
        return 1
    busy = psutil.cpu_percent(interval=_SAMPLE_S, percpu=True)
    affinity = getattr(os, "sched_getaffinity", None)
    mine = affinity(0) if affinity else range(len(busy))
    idle = sum(1 - busy[core] / 100 for core in mine if core < len(busy))
    return max(1, min(usable, round(idle)))


def set_threads(environment: MutableMapping[str, str], cores: int | None = None) -> int | None:
    """Choose the number of threads that numerical libraries will start, and let them sleep.

    Two threads that share a small task wait for each other after every step. Where another
    process has the second core, each wait lasts until that process is put aside: a step of
    microseconds takes milliseconds. So there are only as many threads as cores are free.

    Parameters
    ----------
    environment : mutable mapping
        Changed in place: that of a process to be started, or ``os.environ`` for libraries that
        are not loaded yet. What is set there already stays.
    cores : int, optional
        Number of cores to use; by default as many as are free.

    Returns
    -------
    int or None
        The number of threads; None where it was set already, or all cores are free and the
        libraries' own number is right.
    """
    import psutil

    for name, value in PASSIVE.items():
        environment.setdefault(name, value)
    if any(environment.get(name) for name in THREAD_VARIABLES):
        return None
    cores = free_cores() if cores is None else cores
    if cores >= (os.cpu_count() or 1):
        return None
    cores = min(cores, psutil.cpu_count(logical=False) or cores)
    for name in THREAD_VARIABLES:
        environment[name] = str(cores)
    return cores


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control group and of those around it."""
    for mount, inside, unified, options in _mounts(root):
        if not unified and controller not in options:
            continue
        path = _own_path(controller, unified, root)
        if path is None:
            continue
        try:
            below = PurePosixPath(path).relative_to(inside)
        except ValueError:  # the group lies outside what is mounted here: the mount is the group
            below = PurePosixPath()
        if ".." in below.parts:
            below = PurePosixPath()
        for part in (below, *below.parents):
            yield mount / part


def _mounts(root: Path) -> Iterator[tuple[Path, str, bool, set[str]]]:
    """Yield (where, what of the tree, whether version 2, controllers) of each group tree."""
    for line in _lines(root / "proc/self/mountinfo"):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or not kind or kind[0] not in ("cgroup", "cgroup2"):
            continue
        where = _unescape(fields[4]).lstrip("/")
        options = set(kind[-1].split(","))
        yield root / where, _unescape(fields[3]), kind[0] == "cgroup2", options


def _own_path(controller: str, unified: bool, root: Path) -> str | None:
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if (number == "0" and not names) if unified else controller in names.split(","):
            return path
    return None


def _unescape(text: str) -> str:
    """Give the blanks back to a path of mountinfo."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _cpu_quota(group: Path) -> tuple[int, int]:
    """Return (microseconds of processor, of each so many); (0, 0) without a limit."""
    fields = _text(group / "cpu.max").split()
    if len(fields) == 2:
        return (int(fields[0]), int(fields[1])) if fields[0].isdigit() else (0, 0)
    quota = _number(group / "cpu.cfs_quota_us")
    return (quota or 0, _number(group / "cpu.cfs_period_us") or 0)


def _memory_limit(group: Path) -> int | None:
    """Return the least of the limits that a group sets; None where it sets none."""
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    limits = [_number(group / name) for name in names]
    return min((n for n in limits if n is not None), default=None)


def _memory_used(group: Path) -> int:
    """Return what a group holds, without the files that the system would drop for memory."""
    used = _number(group / "memory.current")
    key = "inactive_file"
    if used is None:
        used, key = _number(group / "memory.usage_in_bytes"), "total_inactive_file"
    for line in _lines(group / "memory.stat"):
        name, _, value = line.partition(" ")
        if name == key and value.isdigit():
            return max(0, (used or 0) - int(value))
    return used or 0


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.isdigit() else None


def _lines(file: Path) -> list[str]:
    return _text(file).splitlines()


def _text(file: Path) -> str:
    """Return what a file of the system says; nothing where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return ""
