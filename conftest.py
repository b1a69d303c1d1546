"""The notebooks are tests too: nbmake runs each of them, in profile smoke."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from sdc_helpers._paths import data_root

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> object:
    """Run a notebook that nbmake collected in profile smoke, on that data folder."""
    if not getattr(item, "nbmake", False):
        return (yield)
    if item.path.resolve() in item.config.stash[ALREADY_RUN]:
        pytest.skip("this session has run it from top to bottom already, in profile smoke")
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
