"""The notebooks are tests too: nbmake runs each of them, in profile smoke."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from sdc_helpers._paths import data_root
from sdc_helpers.course.catalogue import is_chapter

NOTEBOOKS = Path(__file__).resolve().parent / "notebooks"
RUN_ALREADY = "this session has run it from top to bottom already, in profile smoke"

NEEDS = {"smoke_runs": "notebook", "real_data_mirror": "real", "browser": "browser"}
"""Fixtures, and the mark of the tests that ask for them."""

ENVIRONMENT = pytest.StashKey[dict[str, str]]()
ALREADY_RUN = pytest.StashKey[set[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give notebooks a data folder of their own, filled from files on this machine only."""
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need, and let those that share something run in one process.

    With several processes (``-n 2 --dist loadgroup``) the tests of a file stay together, for its
    fixtures, and all that runs notebooks does, since each notebook is run once. That group takes
    longest, so it comes first.
    """
    for item in items:
        needs = set(getattr(item, "fixturenames", ()))
        for fixture, mark in NEEDS.items():
            if fixture in needs:
                item.add_marker(mark)
        if getattr(item, "nbmake", False):
            item.add_marker("notebook")
        runs_notebooks = item.get_closest_marker("notebook") is not None
        group = "notebooks" if runs_notebooks else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("notebook") is None)


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
