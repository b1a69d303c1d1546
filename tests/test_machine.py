"""What this process may use of the machine, as control groups of both versions limit it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sdc_helpers import _machine

GIB = 2**30
MOUNTS = {
    "v1": "30 24 0:1 {inside} {root}/sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n",
    "v2": "30 24 0:1 {inside} {root}/sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n",
}


def machine(root: Path, version: str, own: str, groups: dict, inside: str = "/") -> Path:
    """Write the files of /proc and /sys of a process in group `own`; return their root."""
    process = root / "proc" / "self"
    process.mkdir(parents=True)
    names = ("cpu", "memory") if version == "v1" else ("",)
    mounts = "".join(MOUNTS[version].format(inside=inside, root="", name=n) for n in names)
    (process / "mountinfo").write_text("20 1 0:2 / / rw - ext4 /dev/sda rw\n" + mounts)
    lines = [f"{i}:{n}:{own}" for i, n in enumerate(names, start=version == "v1")]
    (process / "cgroup").write_text("\n".join(lines) + "\n")
    for path, content in groups.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


@pytest.mark.parametrize(
    ("version", "own", "inside", "groups", "expected"),
    [
        ("v2", "/a/b", "/", {"a/memory.max": f"{GIB}\n", "a/b/memory.max": "max\n"}, GIB),
        ("v2", "/a/b", "/", {"a/memory.max": f"{2 * GIB}", "a/b/memory.max": f"{GIB}"}, GIB),
        ("v2", "/a/b", "/", {"a/b/memory.high": f"{GIB}", "a/b/memory.max": "max"}, GIB),
        ("v2", "/", "/", {"memory.max": f"{GIB}"}, GIB),  # a namespace of its own
        ("v2", "/pod/x", "/pod", {"x/memory.max": f"{GIB}"}, GIB),  # a part of the tree is mounted
        ("v2", "/../other", "/", {"memory.max": f"{GIB}"}, GIB),
        ("v2", "/a", "/", {"a/memory.max": "max"}, None),
        ("v1", "/d/x", "/", {"memory/d/x/memory.limit_in_bytes": f"{GIB}"}, GIB),
        ("v1", "/d/x", "/", {"memory/d/memory.limit_in_bytes": f"{GIB}"}, GIB),
        ("v1", "/d/x", "/d/x", {"memory/memory.limit_in_bytes": f"{GIB}"}, GIB),  # docker
        ("v1", "/d", "/", {"memory/d/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_the_least_limit_of_memory_holds(tmp_path, version, own, inside, groups, expected):
    root = machine(tmp_path, version, own, groups, inside)
    assert _machine.memory_total(root) == (expected or psutil.virtual_memory().total)


@pytest.mark.parametrize(
    ("version", "groups"),
    [
        (
            "v2",
            {
                "a/memory.max": f"{GIB}",
                "a/memory.current": f"{GIB - 300}",
                "a/memory.stat": "anon 5\ninactive_file 200\n",
            },
        ),
        (
            "v1",
            {
                "memory/a/memory.limit_in_bytes": f"{GIB}",
                "memory/a/memory.usage_in_bytes": f"{GIB - 300}",
                "memory/a/memory.stat": "inactive_file 7\ntotal_inactive_file 200\n",
            },
        ),
    ],
)
def test_files_that_can_be_dropped_are_free_memory(tmp_path, version, groups):
    assert _machine.memory_available(machine(tmp_path, version, "/a", groups)) == 500


@pytest.mark.parametrize(
    ("version", "groups", "limit"),
    [
        ("v2", {"a/cpu.max": "100000 100000"}, 1),
        ("v2", {"a/cpu.max": "max 100000", "cpu.max": "50000 100000"}, 1),
        ("v2", {"a/cpu.max": "max 100000"}, None),
        ("v1", {"cpu/a/cpu.cfs_quota_us": "100000", "cpu/a/cpu.cfs_period_us": "100000"}, 1),
        ("v1", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, None),
    ],
)
def test_the_least_quota_of_cores_holds(tmp_path, version, groups, limit):
    root = machine(tmp_path, version, "/a", groups)
    assert _machine.usable_cores(root) == (limit or len(os.sched_getaffinity(0)))


def test_a_system_without_control_groups_has_all_it_has(tmp_path):
    assert _machine.memory_total(tmp_path) == psutil.virtual_memory().total
    assert _machine.usable_cores(tmp_path) == len(os.sched_getaffinity(0))


def test_a_process_that_is_pinned_to_one_core_has_one():
    script = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from sdc_helpers.course.provenance import hardware
print(hardware()["cores"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"1\n"


@pytest.mark.parametrize(("controller", "limit"), [("memory", GIB), ("cpu", 1)])
def test_a_real_control_group_limits_a_real_process(controller, limit):
    """Version 1, where this process may make a group; the run's record says what is measured."""
    group = Path(f"/sys/fs/cgroup/{controller}/sdc_tests_{os.getpid()}")
    files = {
        "memory": {"memory.limit_in_bytes": str(GIB)},
        "cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"},
    }[controller]
    try:
        group.mkdir()
        for name, value in files.items():
            (group / name).write_text(value)
    except OSError as error:
        pytest.skip(f"no control group of version 1 can be made here: {error.strerror}")
    script = f"""
import os
open({str(group / "cgroup.procs")!r}, "w").write(str(os.getpid()))
from sdc_helpers.course.provenance import hardware
from sdc_helpers._machine import memory_available, memory_total
print(memory_total(), memory_available(), hardware()["cores"])
"""
    try:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    finally:
        group.rmdir()
    total, available, cores = map(int, done.stdout.split())
    if controller == "memory":
        assert 0 < available <= total == limit
    else:
        assert cores == limit


@pytest.fixture
def busy():
    """Two busy processes on every core."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(2 * len(os.sched_getaffinity(0)))
    ]
    time.sleep(0.3)
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


def test_where_every_core_is_busy_one_thread_is_started(busy):
    assert _machine.free_cores() == 1
    environment = {}
    threads = _machine.set_threads(environment)
    if (os.cpu_count() or 1) > 1:
        assert threads == 1
        assert {environment[name] for name in _machine.THREAD_VARIABLES} == {"1"}
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setattr(_machine, "free_cores", lambda: 1)
    mine = {"OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "ACTIVE"}
    assert _machine.set_threads(mine) is None
    assert mine == {"OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "ACTIVE", "KMP_BLOCKTIME": "0"}


def test_threads_may_be_given():
    environment = {}
    assert _machine.set_threads(environment, 1) == (1 if (os.cpu_count() or 1) > 1 else None)
    assert environment.get("OMP_NUM_THREADS", "1") == "1"


def test_where_all_cores_are_free_the_libraries_decide(monkeypatch):
    monkeypatch.setattr(_machine, "free_cores", lambda: os.cpu_count())
    environment = {}
    assert _machine.set_threads(environment) is None
    assert environment == _machine.PASSIVE
