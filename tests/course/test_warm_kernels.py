"""Kernels that are forks of one process: each its own, and none left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from sdc_helpers.course import warm_kernels
from sdc_helpers.course.errors import RunError
from sdc_helpers.course.runner import run

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.path.exists("/dev/nvidiactl"),  # noqa: PTH110
    reason="kernels are forked on Linux alone, and not beside a GPU",
)
TELL = """\
import json, os, random, sys
import numpy as np
import threadpoolctl
tell = {"threads": [pool["num_threads"] for pool in threadpoolctl.threadpool_info()],
        "pid": os.getpid(), "parent": os.getppid(), "here": os.getcwd(), "path": sys.path[0],
        "is_imported": "nilearn" in sys.modules, "mark": os.environ.get("MARK"),
        "is_new": "left_behind" not in dir(np), "session": os.getsid(0),
        "drawn": [random.random(), float(np.random.random())]}
np.left_behind = True
print(json.dumps(tell))
"""


@pytest.fixture(autouse=True)
def few_libraries(monkeypatch):
    """What is imported first, so that a test can see it and need not wait for torch."""
    monkeypatch.setattr(warm_kernels, "LIBRARIES", ("numpy", "nilearn", "not_a_library"))


def told(result) -> dict:
    cells = nbformat.read(result.notebook, as_version=4).cells
    [text] = [o.text for c in cells for o in c.get("outputs", []) if "parent" in o.get("text", "")]
    return json.loads(text)


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(condition, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_each_kernel_is_a_process_of_its_own_with_the_libraries_there(
    write_notebook, tmp_path, monkeypatch
):
    path = write_notebook(tmp_path / "tell.ipynb", TELL)
    monkeypatch.setenv("MARK", "before")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with warm_kernels.several():
        first = told(run(path, profile="smoke", out=tmp_path / "1"))
        monkeypatch.setenv("MARK", "after")
        monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the other core is no longer free
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        second = told(run(path, profile="smoke", out=tmp_path / "2"))
    monkeypatch.delenv("MARK")
    alone = told(run(path, profile="smoke", out=tmp_path / "3"))
    assert set(first["threads"]) == {min(2, os.cpu_count())}
    assert set(second["threads"]) == {1}
    assert first["parent"] == second["parent"] != os.getpid() == alone["parent"]
    assert first["pid"] != second["pid"]
    assert (first["mark"], second["mark"], alone["mark"]) == ("before", "after", None)
    assert second["here"] == str(tmp_path / "elsewhere")
    assert [kernel["is_imported"] for kernel in (first, second, alone)] == [True, True, False]
    for kernel in (first, second, alone):
        assert kernel["is_new"]
        assert kernel["path"] == alone["path"]
        assert kernel["session"] == kernel["pid"]
        assert not is_running(kernel["pid"])
    for one, other in zip(first["drawn"], second["drawn"], strict=True):
        assert one != other
    assert not is_running(first["parent"])


def test_a_kernel_that_dies_or_takes_too_long_is_named_and_the_next_runs(write_notebook, tmp_path):
    dies = write_notebook(tmp_path / "dies.ipynb", "import os\nos._exit(3)")
    sleeps = write_notebook(tmp_path / "sleeps.ipynb", "import time\ntime.sleep(300)")
    tells = write_notebook(tmp_path / "tells.ipynb", TELL)
    with warm_kernels.several():
        with pytest.raises(RunError, match="the kernel died"):
            run(dies, profile="smoke", out=tmp_path / "out")
        with pytest.raises(RunError, match="the time limit of 1 s was reached"):
            run(sleeps, profile="smoke", out=tmp_path / "out", time_limit=1)
        before = told(run(tells, profile="smoke", out=tmp_path / "out"))
        os.kill(before["parent"], signal.SIGKILL)
        assert wait_until(lambda: not is_running(before["parent"]))
        after = told(run(tells, profile="smoke", out=tmp_path / "out"))
    assert after["parent"] != before["parent"]
    assert after["is_imported"]


def test_nothing_is_left_where_the_owner_is_killed(write_notebook, tmp_path):
    wait = "import os\nfrom pathlib import Path\nimport time\n"
    wait += f"Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{os.getppid()}}')\n"
    path = write_notebook(tmp_path / "waits.ipynb", wait + "time.sleep(300)")
    script = "import sys\nfrom sdc_helpers.course import runner, warm_kernels\n"
    script += "warm_kernels.LIBRARIES = ()\n"
    script += "with warm_kernels.several():\n    runner.run(sys.argv[1], profile='smoke', "
    script += "out=sys.argv[2])\n"
    command = [sys.executable, "-c", script, str(path), str(tmp_path / "out")]
    owner = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    file = tmp_path / "pids"
    assert wait_until(lambda: file.exists() and len(file.read_text().split()) == 2)
    kernel, parent = map(int, file.read_text().split())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert wait_until(lambda: not is_running(kernel))
    assert wait_until(lambda: not is_running(parent))


def test_elsewhere_and_beside_a_gpu_kernels_start_as_always(monkeypatch):
    assert warm_kernels.provisioner(None) is None
    for system, has_gpu in (("darwin", False), ("win32", False), ("linux", True)):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(warm_kernels.Path, "exists", lambda path, there=has_gpu: there)
        with warm_kernels.several():
            assert warm_kernels.provisioner(None) is None
        monkeypatch.undo()
