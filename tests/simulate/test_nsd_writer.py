"""A dataset appears whole or not at all, once, and the same each time."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sdc_helpers.simulate import (
    PROFILES,
    Profile,
    cache,
    generator_version,
    simulated_nsd,
    write_nsd,
)
from sdc_helpers.simulate.profiles import source_digest

SMALL = Profile(2, 60, 120, n_sessions=3, n_runs=2, voxel_mm=8.0, picture_size=16)
CALL = f"""
from sdc_helpers.simulate import Profile, profiles, simulated_nsd
profiles.PROFILES = {{"smoke": {SMALL}}}
print(simulated_nsd("smoke"))
"""


def digest(root: Path) -> dict[str, str]:
    """Hash every file under a folder."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def start(data: Path) -> subprocess.Popen:
    environment = {**os.environ, "SDC_DATA": str(data), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", CALL], env=environment, stdout=subprocess.PIPE, text=True
    )


def test_a_killed_writer_leaves_nothing_and_two_writers_make_one(tmp_path):
    """What the two make is also, byte for byte, what one process made with another setting."""
    folder = tmp_path / "simulated"
    killed = start(tmp_path)
    try:
        deadline = time.monotonic() + 60
        while not list(folder.glob(".nsd-smoke-*/*")) and time.monotonic() < deadline:
            assert killed.poll() is None, "the writer ended before it could be killed"
            time.sleep(0.02)
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
    assert list(folder.glob(".nsd-smoke-*/*"))
    assert not list(folder.glob("nsd-*"))

    writers = [start(tmp_path), start(tmp_path)]
    printed = {writer.communicate(timeout=120)[0].strip() for writer in writers}
    assert [writer.returncode for writer in writers] == [0, 0]
    (root,) = printed
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [Path(root).name]
    alone = write_nsd(tmp_path / "alone", profile=SMALL, n_jobs=1)
    assert digest(Path(root)) == digest(alone)


TINY = Profile(2, 30, 60, n_sessions=3, n_runs=2, voxel_mm=8.0, picture_size=16)


def test_another_seed_gives_other_data(tmp_path):
    made = [write_nsd(tmp_path / str(seed), seed=seed, profile=TINY, n_jobs=1) for seed in (0, 1)]
    first, second = (digest(root) for root in made)
    betas = [name for name in first if name.endswith(".hdf5")]
    assert len(betas) == 2 * 3 + 1
    assert all(first[name] != second[name] for name in betas)
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(ValueError, match="holds something already"):
        write_nsd(made[0], profile=TINY)


def test_the_number_of_processes_changes_nothing(tmp_path):
    one, two = (write_nsd(tmp_path / str(n), profile=TINY, n_jobs=n) for n in (1, 2))
    assert digest(one) == digest(two)


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    module = sys.modules["sdc_helpers.simulate.nsd"]

    def fail(*arguments):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(module, "_write_truth", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        write_nsd(tmp_path / "nsd", profile=TINY, n_jobs=1)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_appears_meanwhile_is_kept(tmp_path, monkeypatch):
    module = sys.modules["sdc_helpers.simulate.nsd"]
    root = tmp_path / "nsd"

    def other_writer(folder, *arguments):
        root.mkdir()
        (root / "theirs").write_text("1")

    monkeypatch.setattr(module, "_write_tree", other_writer)
    with pytest.raises(ValueError, match="appeared while it was being written"):
        write_nsd(root, profile=TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["nsd"]
    assert (root / "theirs").read_text() == "1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "huge"}, "profile='huge'.*smoke"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": True}, "seed=True"),
        ({"n_participants": 9}, "n_participants=9.*8 at most"),
        ({"n_participants": 0}, "n_participants=0"),
        ({"n_jobs": 0}, "n_jobs=0"),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_nsd(tmp_path / "nsd", **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_sessions": 7}, "n_sessions=7.*do not divide"),
        ({"n_runs": 151}, "do not divide"),
        ({"voxel_mm": 20.0}, "voxel_mm=20"),
        ({"n_own": 0}, "n_own=0"),
        ({"picture_size": 64.5}, "picture_size=64.5"),
    ],
)
def test_impossible_profiles_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        replace(PROFILES["smoke"], **sizes)


@pytest.fixture
def written(tmp_path, monkeypatch) -> list[Path]:
    """Data go to a folder of the test, and writing only leaves a mark."""
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    roots: list[Path] = []

    def write(root, seed, profile, progress):
        root.mkdir()
        (root / "truth.json").write_text("{}")
        roots.append(root)
        return root

    monkeypatch.setattr(cache, "write_nsd", write)
    return roots


def test_cached_by_profile_seed_and_generator(written, tmp_path, monkeypatch):
    first = simulated_nsd("smoke")
    assert first.parent == tmp_path / "simulated"
    assert first.name == f"nsd-smoke-0-{generator_version('smoke')}"
    assert simulated_nsd("smoke") == first
    assert len(written) == 1
    assert simulated_nsd("smoke", seed=1) != first
    monkeypatch.setattr(cache, "generator_version", lambda profile: "changed")
    assert simulated_nsd("smoke").name == "nsd-smoke-0-changed"
    assert len(written) == 3
    with pytest.raises(ValueError, match="profile='none'"):
        simulated_nsd("none")


def test_an_incomplete_folder_is_made_anew(written):
    root = simulated_nsd("smoke")
    (root / "truth.json").unlink()
    (root / "rest").write_text("half")
    assert simulated_nsd("smoke") == root
    assert len(written) == 2
    assert not (root / "rest").exists()


def test_the_version_follows_sizes_and_source(tmp_path):
    assert generator_version("smoke") != generator_version("workshop")
    assert generator_version("smoke") == generator_version(PROFILES["smoke"])
    digests = []
    for number, (name, text) in enumerate(
        [
            ("simulate/a.py", "1"),
            ("simulate/a.py", "2"),
            ("scenes/a.py", "2"),
            ("simulate/things.py", "2"),
            ("simulate/notes.txt", "2"),
        ]
    ):
        for folder in ("simulate", "scenes"):
            (tmp_path / str(number) / folder).mkdir(parents=True)
        (tmp_path / str(number) / name).write_text(text)
        digests.append(source_digest(tmp_path / str(number)))
    assert len(set(digests[:3])) == 3
    assert digests[3] == digests[4]  # neither counts
    assert digests[3] not in digests[:3]
