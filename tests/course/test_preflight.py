"""Is this machine ready? Each answer, where all is well and where it is not."""

from __future__ import annotations

import json
import shutil
import sys
from collections import namedtuple
from importlib import metadata
from types import SimpleNamespace

import psutil
import pytest

from sdc_helpers._paths import checkout_root
from sdc_helpers.course import notebook, preflight
from sdc_helpers.course.errors import CourseError

PROFILES = ("smoke", "workshop", "full")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def checks_of(monkeypatch, tmp_path):
    """Return a function that runs all checks with a kernel that is not started."""

    def run(profile="smoke", data_folder=tmp_path, **options):
        with monkeypatch.context() as patch:
            patch.setattr(
                preflight, "_kernel", lambda: preflight.Check("kernel", "ok", "not asked")
            )
            found = preflight.run_checks(profile, data_folder=data_folder, **options)
        return {check.name: check for check in found}

    return run


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Return a function that makes ``python3`` another kernel than the one of this Python."""

    def replace(*argv):
        folder = tmp_path / "jupyter" / "kernels" / "python3"
        folder.mkdir(parents=True)
        spec = {
            "argv": [*argv, "-f", "{connection_file}"],
            "display_name": "x",
            "language": "python",
        }
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    return replace


def assert_fails(check, detail):
    assert check.state == "fail"
    assert detail in check.detail
    assert check.remedy
    assert not preflight.is_ready([check])


# --- where all is well ----------------------------------------------------------------------------


def test_a_real_kernel_is_asked_for_the_package():
    assert preflight._kernel() == preflight.Check(
        "kernel", "ok", "python3 starts and finds sdc_helpers"
    )


def test_this_environment_is_complete(checks_of, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2.1e9))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0.6e9))
    found = checks_of("smoke")
    assert list(found) == ["Python", "packages", "memory", "disk", "GPU", "kernel"]
    assert preflight.is_ready(found.values())
    required = metadata.requires("sdc-helpers")
    needed = [text for text in required if "extra ==" not in text]
    assert len(needed) < len(required)
    assert found["packages"].detail == f"{len(needed)} requirements met"


def test_what_fails_needs_something_done_and_a_note_does_not():
    ok, note = preflight.Check("a", "ok", ""), preflight.Check("b", "note", "")
    assert preflight.is_ready([])
    assert preflight.is_ready([ok, note])
    assert not preflight.is_ready([ok, preflight.Check("c", "fail", ""), note])


def test_data_are_noted_never_demanded(checks_of):
    rows = [("here", True, "fetch here"), ("away", False, "fetch away")]
    found = checks_of(data=lambda: iter(rows))
    assert found["data here"] == preflight.Check("data here", "ok", "present")
    assert found["data away"] == preflight.Check("data away", "note", "not here", "fetch away")
    assert preflight.is_ready(c for name, c in found.items() if name.startswith("data"))


# --- where it is not ------------------------------------------------------------------------------


def test_an_unknown_profile_is_refused(tmp_path):
    with pytest.raises(CourseError, match="no profile 'fast'; use one of smoke, workshop, full"):
        preflight.run_checks("fast", data_folder=tmp_path)


def test_an_old_python(checks_of, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    assert_fails(preflight._python(), "3.10.4")


@pytest.mark.parametrize("profile", PROFILES)
def test_memory_is_compared_with_what_the_profile_needs(monkeypatch, profile):
    for missing, state in ((-1e6, "ok"), (1e6, "fail")):
        free = preflight.MEMORY_GB[profile] * 1e9 - missing
        monkeypatch.setattr(psutil, "virtual_memory", lambda f=free: SimpleNamespace(available=f))
        check = preflight._memory(profile)
        assert check.state == state
        assert profile in check.detail
    assert_fails(check, "GB available")


@pytest.mark.parametrize("profile", PROFILES)
def test_disk_is_asked_where_the_data_will_lie(monkeypatch, tmp_path, profile):
    asked = []
    for missing, state in ((-1e6, "ok"), (1e6, "fail")):
        free = preflight.DISK_GB[profile] * 1e9 - missing
        monkeypatch.setattr(
            shutil, "disk_usage", lambda path, f=free: asked.append(path) or Usage(0, 0, f)
        )
        check = preflight._disk(profile, tmp_path / "not" / "yet")
        assert check.state == state
        assert str(tmp_path / "not" / "yet") in check.detail
    assert asked == [tmp_path, tmp_path]
    assert_fails(check, "GB free")
    assert "SDC_DATA" in check.remedy


def test_larger_profiles_need_more():
    for needs in (preflight.MEMORY_GB, preflight.DISK_GB):
        assert tuple(needs) == PROFILES
        assert list(needs.values()) == sorted(set(needs.values()))


def test_a_missing_package_and_a_wrong_version(monkeypatch):
    version = metadata.version

    def changed(name):
        if name == "papermill":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "numpy" else version(name)

    monkeypatch.setattr(metadata, "version", changed)
    check = preflight._packages()
    assert_fails(check, "papermill is missing")
    assert "numpy 0.0.1 is not >=" in check.detail
    assert "make env" in check.remedy


def test_the_course_itself_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert_fails(preflight._packages(), "sdc-helpers is not installed")


def test_torch_and_torchvision_that_do_not_match(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    check = preflight._packages()
    assert_fails(check, "torch and torchvision do not match")
    assert "operator torchvision::nms does not exist" in check.detail


@pytest.mark.parametrize(
    ("profile", "state"), [("smoke", "ok"), ("workshop", "ok"), ("full", "note")]
)
def test_no_gpu_is_never_a_failure(monkeypatch, profile, state):
    monkeypatch.setattr(notebook, "cuda_available", lambda: False)
    assert preflight._gpu(profile).state == state


def test_a_kernel_that_does_not_start(kernels):
    kernels(sys.executable, "-c", "raise SystemExit(3)")
    assert_fails(preflight._kernel(), "python3 does not start")


def test_a_kernel_whose_program_is_gone(kernels, tmp_path):
    kernels(str(tmp_path / "gone" / "python"))
    assert_fails(preflight._kernel(), "python3 does not start")


LAUNCH = "from ipykernel import kernelapp; kernelapp.launch_new_instance()"


def test_a_kernel_without_the_package_even_beside_its_source(kernels, monkeypatch, tmp_path):
    # The package is in the current folder, as in a clone, but not in the kernel's environment.
    (tmp_path / "sdc_helpers").mkdir()
    (tmp_path / "sdc_helpers" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    hide = f"import sys; sys.path = [p for p in sys.path if p != {str(checkout_root())!r}]; "
    kernels(sys.executable, "-c", hide + LAUNCH)
    check = preflight._kernel()
    assert_fails(check, "without sdc_helpers")
    assert sys.prefix in check.detail


def test_a_kernel_that_starts_and_then_does_not_answer(kernels, monkeypatch):
    from jupyter_client.blocking import BlockingKernelClient

    def silent(*_, **__):
        raise TimeoutError("no answer")

    monkeypatch.setattr(BlockingKernelClient, "execute_interactive", silent)
    assert_fails(preflight._kernel(), "does not answer: no answer")
