"""Writers of one file or folder: real processes that are held in the middle, killed, or many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from sdc_helpers._files import (
    STALE_S,
    atomic_folder,
    atomic_path,
    is_abandoned,
    private_path,
    remove_abandoned,
    write_json,
)
from sdc_helpers.datasets._nsd_cache import cached_array

NO_PROCESS = 4194304  # above the largest number that Linux gives
HELD = {
    "file": """
from sdc_helpers._files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("first")
    wait()
""",
    "folder": """
from sdc_helpers._files import atomic_folder
with atomic_folder(sys.argv[1]) as temporary:
    (temporary / "part").write_text("first")
    wait()
""",
    "betas": """
from sdc_helpers.datasets._nsd_cache import cached_array
def fill(array):
    array[:] = 1
    wait()
cached_array(Path(sys.argv[1]).parent, Path(sys.argv[1]).stem, (3,), np.float32, fill)
""",
}
PRELUDE = """
import sys
from pathlib import Path
import numpy as np
def wait():
    print("writing", flush=True)
    input()
"""


@contextmanager
def held_writer(kind, path):
    """Start a process that is in the middle of writing to a path."""
    command = [sys.executable, "-c", PRELUDE + HELD[kind], str(path)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout.readline() == "writing\n", process.stderr.read()
        try:
            yield process
        finally:
            process.kill()


def release(process):
    _, errors = process.communicate("\n", timeout=60)
    return process.returncode, errors


def hidden(folder):
    return sorted(p.name for p in folder.glob(".*") if p.suffix != ".lock")


def test_a_second_writer_leaves_the_first_alone(tmp_path):
    file = tmp_path / "a.json"
    with held_writer("file", file) as first:
        with atomic_path(file) as temporary:
            temporary.write_text("second")
        assert file.read_text() == "second"
        assert release(first) == (0, "")
    assert file.read_text() == "first"  # the last wins
    assert hidden(tmp_path) == []


def test_two_writers_of_a_cached_array_that_share_no_lock(tmp_path):
    with held_writer("betas", tmp_path / "entry.npy") as first:
        (tmp_path / ".entry.lock").unlink()  # as a folder whose locks other machines do not see
        mine = cached_array(tmp_path, "entry", (3,), np.float32, lambda a: a.fill(2))
        assert mine.tolist() == [2, 2, 2]
        assert release(first) == (0, "")
    assert np.load(tmp_path / "entry.npy").tolist() == [1, 1, 1]
    assert hidden(tmp_path) == []


def test_the_second_writer_of_a_folder_is_told_and_loses_nothing_of_the_first(tmp_path):
    root = tmp_path / "tree"
    with held_writer("folder", root) as first:
        with atomic_folder(root) as temporary:
            (temporary / "part").write_text("second")
        code, errors = release(first)
    assert code == 1
    assert "FileExistsError" in errors
    assert (root / "part").read_text() == "second"
    assert hidden(tmp_path) == []


def test_many_writers_and_a_reader_see_whole_files_only(tmp_path):
    file = tmp_path / "a.txt"
    code = """
import sys
from sdc_helpers._files import atomic_path
for number in range(60):
    with atomic_path(sys.argv[1]) as temporary:
        temporary.write_text(sys.argv[2] * 100_000)
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(file), x]) for x in "abc"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if file.exists():
            content = file.read_text()
            assert len(content) == 100_000
            assert len(set(content)) == 1
            seen.add(content[0])
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert seen <= set("abc")
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_of_this_machine_left_goes_at_once(kind, tmp_path):
    target = tmp_path / "a"
    with held_writer(kind, target) as process:
        process.kill()
        process.wait()
        assert len(hidden(tmp_path)) == 1
        with atomic_path(target) as temporary:
            temporary.write_text("whole")
    assert hidden(tmp_path) == []
    assert target.read_text() == "whole"


@pytest.fixture
def elsewhere(tmp_path):
    """Temporaries of another container, whose process numbers mean nothing here."""
    mine = private_path(tmp_path / "a").name
    space = mine.split(".")[2].split("-")[0]
    other = "0" * 8 if space != "0" * 8 else "1" * 8
    folder = tmp_path / mine.replace(space, other)
    folder.mkdir()
    (folder / "part").write_text("half")
    file = tmp_path / mine.replace(f"{space}-{os.getpid()}", f"{other}-{NO_PROCESS}")
    file.write_text("half")
    return folder, file


def make_old(path, seconds=STALE_S + 3600):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_others_write_stays_for_a_day(elsewhere, tmp_path):
    folder, file = elsewhere
    remove_abandoned(tmp_path)
    assert folder.exists()
    assert file.exists()
    make_old(file)
    make_old(folder)  # but not what is being written in it
    remove_abandoned(tmp_path, "another")
    assert file.exists()
    remove_abandoned(tmp_path)
    assert not file.exists()
    assert (folder / "part").exists()
    make_old(folder / "part")
    remove_abandoned(tmp_path)
    assert not folder.exists()


def test_a_living_writer_of_this_machine_is_never_stale(tmp_path):
    slow = private_path(tmp_path / "a")
    slow.write_text("half")
    make_old(slow, 10 * STALE_S)
    assert not is_abandoned(slow)
    slow.rename(tmp_path / slow.name.replace(f"-{os.getpid()}-", f"-{NO_PROCESS}-"))
    remove_abandoned(tmp_path)
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("name", [".mine.tmp", ".a.123.tmp", "a.tmp", ".a.0-1-2.partial"])
def test_files_of_others_are_not_looked_at(name, tmp_path):
    (tmp_path / name).write_text("mine")
    make_old(tmp_path / name)
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / name).read_text() == "mine"


def test_names_of_any_length_and_with_brackets(tmp_path):
    for name in ("n" * 240, "[a*?].csv", "ü b.csv"):
        with atomic_path(tmp_path / name) as temporary:
            assert temporary.parent == tmp_path
            temporary.write_text(name)
        assert (tmp_path / name).read_text() == name
    assert hidden(tmp_path) == []


def test_json_is_whole_or_not_there(tmp_path):
    file = tmp_path / "folder" / "record.json"
    write_json(file, {"seed": 0, "names": ["a"]})
    assert file.read_text(encoding="utf-8") == '{\n "seed": 0,\n "names": [\n  "a"\n ]\n}\n'
    with pytest.raises(TypeError):
        write_json(file, {"seed": object()})
    assert json.loads(file.read_text(encoding="utf-8"))["seed"] == 0
    assert [path.name for path in file.parent.iterdir()] == ["record.json"]
