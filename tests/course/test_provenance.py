"""What a run record says of where it ran."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import metadata

import psutil
import pytest

from sdc_helpers.course import notebook, provenance

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with one commit, whatever repository the tests run in."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "repository"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / "a.txt").write_text("one")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@needs_git
def test_the_revision_of_a_clean_tree_is_its_commit(repository):
    commit = git(repository, "rev-parse", "HEAD")
    assert provenance.git_revision(repository) == commit
    assert provenance.git_revision(repository / "notebooks") == commit
    assert len(commit) >= 40


@needs_git
@pytest.mark.parametrize("file", ["notebooks/a.txt", "new.txt"])
def test_a_tree_with_changes_says_so(repository, file):
    (repository / file).write_text("two")
    commit = git(repository, "rev-parse", "HEAD")
    assert provenance.git_revision(repository / "notebooks") == f"{commit}+changes"


@needs_git
def test_there_is_no_revision_outside_git_or_before_a_commit(repository, tmp_path):
    assert provenance.git_revision(None) is None
    assert provenance.git_revision(tmp_path / "missing") is None
    bare = tmp_path / "empty"
    bare.mkdir()
    git(bare, "init", "--quiet")
    assert provenance.git_revision(bare) is None


def test_there_is_no_revision_where_git_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.git_revision(tmp_path) is None


def test_the_versions_are_those_installed():
    versions = provenance.package_versions()
    for name in ("sdc-helpers", "numpy", "torch", "scikit-learn", "papermill"):
        assert versions[name] == metadata.version(name)


def test_a_package_that_is_missing_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGES", ("numpy", "no-such-package"))
    assert set(provenance.package_versions()) == {"numpy"}


def test_the_hardware_is_this_machine(monkeypatch):
    monkeypatch.setattr(notebook, "cuda_available", lambda: False)
    found = json.loads(json.dumps(provenance.hardware()))
    assert found["memory_gb"] == pytest.approx(psutil.virtual_memory().total / 1e9, abs=0.06)
    assert 1 <= found["cores"] <= psutil.cpu_count()
    assert found["gpu"] is None
    assert found["processor"]
    assert sys.platform in found["system"].lower()


def test_peak_memory_is_measured_in_megabytes_and_stays_when_memory_is_freed():
    size = 200_000_000
    script = f"""
from sdc_helpers.course.provenance import kernel_usage
before = kernel_usage()
block = bytearray({size})
block[::4096] = b"x" * len(block[::4096])
during = kernel_usage()
del block
after = kernel_usage()
print([u["peak_memory_mb"] for u in (before, during, after)], before["gpu_peak_memory_mb"])
"""
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout.endswith(" None\n")
    before, during, after = json.loads(answer.stdout.removesuffix(" None\n"))
    for later in (during, after):  # the system counts in batches of pages
        assert 0.99 * size / 1e6 <= later - before <= 1.1 * size / 1e6


def test_peak_memory_is_that_of_this_process_not_of_the_one_that_started_it():
    ask = "from sdc_helpers.course.provenance import peak_memory_mb; print(peak_memory_mb())"
    script = f"""
import subprocess, sys
block = bytearray(300_000_000)
block[::4096] = b"x" * len(block[::4096])
print(subprocess.run([sys.executable, "-c", {ask!r}], capture_output=True, text=True).stdout)
"""
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert 5 < float(answer.stdout) < 200
