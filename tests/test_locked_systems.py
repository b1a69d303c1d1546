"""The lock can be installed on every system of a workshop, as far as an index can tell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sdc_helpers.course import CourseError
from sdc_helpers.course.bundle import course_script
from sdc_helpers.course.wheels import PYTHONS, SYSTEMS, ask_index, choose_wheels

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
TARGETS = {
    "linux": "x86_64-unknown-linux-gnu",
    "linux-arm64": "aarch64-unknown-linux-gnu",
    "macos": "aarch64-apple-darwin",
    "windows": "x86_64-pc-windows-msvc",
}
pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def uv() -> str:
    found = course_script().find_uv()
    if found is None:
        pytest.skip("uv is neither on the path nor in .tools")
    return found


@pytest.fixture(scope="module")
def packages(uv, tmp_path_factory):
    """What the index has of the locked packages; skip where it cannot be reached."""
    folder = tmp_path_factory.mktemp("index")
    try:
        ask_index(uv, "packaging\n", folder)
    except CourseError as error:
        pytest.skip(f"the package index cannot be reached: {error}")
    return ask_index(uv, LOCK.read_text(encoding="utf-8"), folder)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_locked_package_has_a_wheel_for_every_system(packages, system):
    for python in PYTHONS:
        assert len(choose_wheels(packages, system, [python])) > 150


@pytest.mark.parametrize("system", TARGETS)
def test_uv_would_install_the_lock_there(uv, packages, system, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    environment["MACOSX_DEPLOYMENT_TARGET"] = "14.0"
    for python in PYTHONS:
        command = [uv, "pip", "install", "--dry-run", "--require-hashes", "--no-deps"]
        command += ["--only-binary", ":all:", "--python-platform", TARGETS[system]]
        command += ["--python-version", python, "--target", str(tmp_path), "-r", str(LOCK)]
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, f"{system}, Python {python}: {done.stderr[-2000:]}"
        assert "Would install" in done.stderr


def test_a_lock_that_fits_only_some_systems_is_noticed(uv, packages, tmp_path):
    [only_windows] = [p for p in packages if p["name"] == "pywinpty"]
    without_marker = {k: v for k, v in only_windows.items() if k != "marker"}
    without_marker["wheels"] = [w for w in only_windows["wheels"] if "win" in w["url"]]
    assert choose_wheels([without_marker], "windows")
    with pytest.raises(CourseError, match="no wheel for linux of pywinpty"):
        choose_wheels([without_marker], "linux")
