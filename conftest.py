"""The notebooks are tests too: nbmake runs each of them, in profile smoke."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from sdc_helpers._machine import set_threads, usable_cores
from sdc_helpers._paths import data_root
from sdc_helpers.course.catalogue import is_chapter

NOTEBOOKS = Path(__file__).resolve().parent / "notebooks"
RUN_ALREADY = "this session has run it from top to bottom already, in profile smoke"

NEEDS = {"smoke_runs": "notebook", "real_data_mirror": "real", "browser": "browser"}
"""Fixtures, and the mark of the tests that ask for them."""

RUN_NOTEBOOKS = ("notebooks/", "tests/notebooks/", "tests/course/test_book", "tests/test_cli.py")
"""Where the tests are that run notebooks or read their runs: one process has them all."""

TAKE_LONG = ("tests/training/", "tests/studies/", "tests/concepts/", "tests/curriculum/")
"""Where one file may take half a minute or more."""

OWNER = "COURSE_TESTS_OF"
ENVIRONMENT = pytest.StashKey[dict[str, str]]()
VISIBLE = pytest.StashKey[set[str]]()
ALREADY_RUN = pytest.StashKey[set[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give notebooks a data folder of their own, filled from files on this machine only."""
    if not hasattr(config, "workerinput"):
        os.environ[OWNER] = f"{os.getpid()} {time.time()}"  # inherited by all that tests start
        _share_cores(getattr(config.option, "numprocesses", None))
    config.stash[VISIBLE] = _visible()
    folder = tempfile.TemporaryDirectory(prefix="sdc-tests-")
    config.add_cleanup(folder.cleanup)
    config.stash[ALREADY_RUN] = set()
    config.stash[ENVIRONMENT] = {
        "SDC_DATA": folder.name,
        "SDC_DATA_MIRROR": os.environ.get("SDC_DATA_MIRROR") or str(data_root() / "real"),
    }


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out copies and hidden files beside the course's notebooks."""
    is_other = collection_path.suffix == ".ipynb" and not is_chapter(collection_path)
    return True if is_other and collection_path.parent == NOTEBOOKS else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep the tests of a file in one process, and in one too all that runs notebooks.

    Fixtures of a file are made once so, and each notebook is run once. The groups of
    ``--dist loadgroup`` would say the same, but pytest-xdist 3.8 loses them under pytest 9.2.
    """
    from xdist.scheduler import LoadFileScheduling

    class OneProcessForNotebooks(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "notebooks" if nodeid.startswith(RUN_NOTEBOOKS) else super()._split_scope(nodeid)

    return OneProcessForNotebooks(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they need; those that run notebooks take longest and come first.

    Then come those that take long otherwise: at the end two processes should have small files left.
    """
    is_one_of_several = hasattr(config, "workerinput")
    for item in items:
        needs = set(getattr(item, "fixturenames", ()))
        for fixture, mark in NEEDS.items():
            if fixture in needs:
                item.add_marker(mark)
        if getattr(item, "nbmake", False):
            item.add_marker("notebook")
        is_known = item.nodeid.startswith(RUN_NOTEBOOKS) or not item.get_closest_marker("notebook")
        if is_one_of_several and not is_known:
            raise pytest.UsageError(
                f"{item.nodeid} runs notebooks, in a file that RUN_NOTEBOOKS of conftest.py does "
                "not name: two processes would run all of them. Add the file there."
            )
    items.sort(
        key=lambda item: (
            item.get_closest_marker("notebook") is None, not item.nodeid.startswith(TAKE_LONG)
        )
    )  # fmt: skip


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> object:
    """Fail, and name it, where a test leaves a process running or a file beside the course."""
    result = yield
    if hasattr(session.config, "workerinput"):
        return result
    left = _processes_of_these_tests()
    for process in left:
        with contextlib.suppress(psutil.Error):
            print(f"\nleft running by a test: {' '.join(process.cmdline())[:200]}", file=sys.stderr)
            process.kill()
    if new := _visible() - session.config.stash[VISIBLE]:
        print(f"\nleft beside the course by a test: {', '.join(sorted(new))}", file=sys.stderr)
    if left or new:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return result


def _share_cores(n_processes: object) -> None:
    """Let each process of several have its part of the cores: threads that wait cost most."""
    if isinstance(n_processes, int) and n_processes > 1:
        set_threads(os.environ, max(1, usable_cores() // n_processes))


def _visible() -> set[str]:
    """Names in the course's folder, less where builds go."""
    return {path.name for path in NOTEBOOKS.parent.glob("[!.]*")} - {"build"}


def _processes_of_these_tests(seconds: float = 5.0) -> list[psutil.Process]:
    """Return what this session started, directly or not, and what does not end by itself."""
    deadline = time.monotonic() + seconds
    while True:
        left = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # ended meanwhile, or is somebody else's
                is_ours = process.environ().get(OWNER) == os.environ[OWNER]
                if is_ours and process.pid != os.getpid() and process.is_running():
                    left.append(process)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> object:
    """Say last what this run has not tried: how many tests were skipped, for which reason."""
    result = yield
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        words = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        reasons[str(words).removeprefix("Skipped: ")] += 1
    del reasons[RUN_ALREADY]
    if reasons:
        terminalreporter.section("not tried here")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count} test{'s' * (count > 1)}: {reason}")
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> object:
    """Run a notebook that nbmake collected in profile smoke, on that data folder."""
    if not getattr(item, "nbmake", False):
        return (yield)
    if item.path.resolve() in item.config.stash[ALREADY_RUN]:
        pytest.skip(RUN_ALREADY)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in item.config.stash[ENVIRONMENT].items():
            patch.setenv(name, value)
        patch.setenv("SDC_PROFILE", "smoke")
        return (yield)


@pytest.fixture(scope="session")
def course_environment(pytestconfig: pytest.Config) -> dict[str, str]:
    """Return the variables under which the course's own notebooks run in tests."""
    return pytestconfig.stash[ENVIRONMENT]


@pytest.fixture(scope="session")
def already_run(pytestconfig: pytest.Config) -> set[Path]:
    """Return the notebooks that need not be run again, to be filled by whoever runs them."""
    return pytestconfig.stash[ALREADY_RUN]


@pytest.fixture(scope="session")
def real_data_mirror(course_environment: dict[str, str]) -> Path:
    """Return the folder that real data are read from; skip where there is none."""
    mirror = Path(course_environment["SDC_DATA_MIRROR"])
    if not mirror.is_dir():
        pytest.skip("no real data here: SDC_DATA_MIRROR is not set and none have been fetched")
    return mirror
