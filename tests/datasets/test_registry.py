"""The registry, and fetching over a real local server, from a mirror, killed, and twice at once."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pooch
import pytest

from sdc_helpers.datasets import (
    DataUnavailableError,
    _download,
    available,
    dataset_folder,
    dataset_info,
    fetch,
    is_present,
    list_datasets,
    registry,
    verify,
)

FETCH_SCRIPT = """
import sys, time
from pathlib import Path
from sdc_helpers.datasets import catalogue, fetch
catalogue.REGISTRY_FILE = Path(sys.argv[1])
Path(sys.argv[2]).touch()
while not Path(sys.argv[3]).exists():
    time.sleep(0.005)
print(fetch("toy"))
"""


def start_fetch(toy, ready: Path, go: Path) -> subprocess.Popen:
    """Start a Python of its own that says it is ready, waits for `go`, then fetches."""
    command = [sys.executable, "-c", FETCH_SCRIPT, str(toy.registry_file), str(ready), str(go)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition, what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)


def assert_complete(toy) -> None:
    assert toy.names_on_disk() == set(toy.contents)
    for path, content in toy.contents.items():
        assert (toy.folder / path).read_bytes() == content


class TestCatalogue:
    def test_datasets_and_their_citation_keys(self):
        keys = {info.name: info.citation_key for info in list_datasets()}
        assert keys == {
            "haxby2001": "haxby2001",
            "objects92": "kriegeskorte2008",
            "clip_pairs": "radford2021",
            "sugar_crepe": "hsieh2023sugarcrepe",
            "blimp": "warstadt2020blimp",
            "sift5k": "jegou2011",
            "meg_evoked": "gramfort2013",
            "macaque_v4": "cowley2023",
            "studyforrest": "hanke2016",
            "nsd_shared1000": "conwell2024",
            "things_concepts": "hebart2023",
            "child_speech": "yang2025childes",
        }

    @pytest.mark.parametrize("info", list_datasets(), ids=lambda info: info.name)
    def test_every_entry_is_complete_and_pinned_to_a_commit(self, info):
        assert all((info.title, info.description, info.licence, info.citation))
        assert "\n" not in info.description
        assert re.search(r"/[0-9a-f]{40}/", info.base_url)
        assert info.base_url.endswith("/")
        assert len({file.path for file in info.files}) == len(info.files)
        for file in info.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert file.n_bytes > 0
            assert re.search(r"/[0-9a-f]{40}/", file.url)
            assert file.licence
            assert ".." not in Path(file.path).parts
            assert not file.path.startswith("/")
        assert info.n_bytes == sum(file.n_bytes for file in info.files)

    def test_registry_agrees_with_the_mirrors_manifest(self, mirror_folder):
        """A mirror is somebody else's: it may hold more or less, but what both name is the same."""
        manifest = mirror_folder / "MANIFEST.tsv"
        if not manifest.is_file():
            pytest.skip("the mirror has no MANIFEST.tsv")
        with manifest.open(encoding="utf-8", newline="") as lines:
            mirrored = {
                r["path"]: (int(r["bytes"]), r["sha256"], r["license"], r["public_url"])
                for r in csv.DictReader(lines, delimiter="\t")
            }
        registered = {
            f"{info.name}/{f.path}": (f.n_bytes, f.sha256, f.licence, f.url)
            for info in list_datasets()
            for f in info.files
        }
        shared = mirrored.keys() & registered.keys()
        if not shared:
            pytest.skip("the mirror's MANIFEST.tsv names no registered file")
        assert {path: mirrored[path] for path in shared} == {
            path: registered[path] for path in shared
        }

    @pytest.mark.parametrize("function", [dataset_info, fetch, verify, is_present, available])
    def test_unknown_name_gives_the_nearest(self, function):
        with pytest.raises(ValueError, match=r"name='haxby'.*Did you mean haxby2001\?"):
            function("haxby")

    def test_unknown_name_like_no_other_lists_all(self):
        with pytest.raises(ValueError, match=r"not a dataset. Known: haxby2001, objects92"):
            dataset_info("???")


class TestFetch:
    def test_brings_all_files_and_leaves_good_ones_alone(self, toy):
        assert not is_present("toy")
        assert available("toy")
        assert fetch("toy") == toy.folder == dataset_folder("toy")
        assert_complete(toy)
        assert is_present("toy")
        assert fetch("toy") == toy.folder
        assert set(toy.server.requests.values()) == {1}

    def test_files_can_be_read_by_others(self, toy):
        fetch("toy")
        assert all((toy.folder / path).stat().st_mode & 0o044 == 0o044 for path in toy.contents)

    def test_progress_is_shown_on_standard_error(self, toy, capsys):
        fetch("toy", progress=True)
        shown = capsys.readouterr()
        assert "toy" in shown.err
        assert shown.out == ""

    def test_is_silent_otherwise(self, toy, capfd):
        fetch("toy")
        shown = capfd.readouterr()
        assert (shown.out, shown.err) == ("", "")

    @pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
    def test_a_damaged_file_is_detected_and_replaced(self, toy, damage):
        fetch("toy")
        file = toy.folder / "a.bin"
        content = file.read_bytes()
        damaged = {"truncate": content[:-7], "flip": b"\xff" + content[1:], "empty": b""}[damage]
        file.write_bytes(damaged)

        assert not is_present("toy")
        assert {s.path: s.state for s in verify("toy")} == {
            "a.bin": "corrupted",
            "sub/b.txt": "ok",
            "sub/deeper/c.txt": "ok",
        }
        fetch("toy")
        assert_complete(toy)
        assert toy.server.requests["a.bin"] == 2
        assert toy.server.requests["sub/b.txt"] == 1

    def test_a_damaged_file_is_never_used_when_it_cannot_be_replaced(self, toy):
        fetch("toy")
        (toy.folder / "sub/b.txt").write_bytes(b"x")
        toy.server.modes["sub/b.txt"] = [404]
        with pytest.raises(DataUnavailableError, match=r"toy/sub/b\.txt"):
            fetch("toy")

    def test_damage_with_the_same_size_and_mtime_is_detected(self, toy):
        file = fetch("toy") / "a.bin"
        assert is_present("toy")
        before = file.stat()
        file.write_bytes(b"\xff" + toy.contents["a.bin"][1:])
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert not is_present("toy")

    def test_hashes_once_per_process_unless_a_file_changes(self, toy, monkeypatch):
        hashed = []
        original = pooch.file_hash
        monkeypatch.setattr(pooch, "file_hash", lambda f: hashed.append(Path(f)) or original(f))
        fetch("toy")
        fetch("toy")
        assert len(hashed) == len(toy.contents)
        hashed.clear()
        fetch("toy")
        assert is_present("toy")
        assert hashed == []
        os.utime(toy.folder / "a.bin")
        fetch("toy")
        assert hashed == [toy.folder / "a.bin"]

    def test_verify_always_hashes(self, toy, monkeypatch):
        fetch("toy")
        hashed = []
        original = pooch.file_hash
        monkeypatch.setattr(pooch, "file_hash", lambda f: hashed.append(f) or original(f))
        verify("toy")
        verify("toy")
        assert len(hashed) == 2 * len(toy.contents)

    def test_verify_without_a_name_covers_all_and_fetches_nothing(self, toy):
        statuses = verify()
        assert {(s.dataset, s.state) for s in statuses} == {
            ("toy", "missing"),
            ("toybox", "missing"),
        }
        assert {s.path: s.file for s in statuses if s.dataset == "toy"} == {
            path: toy.folder / path for path in toy.contents
        }
        assert not toy.server.requests
        assert not toy.data.exists()

    def test_a_folder_in_the_place_of_a_file(self, toy):
        (toy.folder / "a.bin").mkdir(parents=True)
        with pytest.raises(DataUnavailableError, match="it is a folder, where a file is expected"):
            fetch("toy")

    def test_a_data_folder_that_cannot_be_made(self, toy, tmp_path, monkeypatch):
        (tmp_path / "blocked").write_text("a file, not a folder")
        monkeypatch.setenv("SDC_DATA", str(tmp_path / "blocked"))
        assert not available("toy")
        with pytest.raises(DataUnavailableError, match="Set SDC_DATA to a folder"):
            fetch("toy")

    def test_complete_data_in_a_read_only_folder_are_used(self, toy, monkeypatch):
        fetch("toy")

        def refuse(*_, **__):
            raise PermissionError("read-only")

        monkeypatch.setattr(Path, "mkdir", refuse)
        assert fetch("toy") == toy.folder


class TestServerFaults:
    def assert_refused(self, toy, match: str) -> None:
        with pytest.raises(DataUnavailableError, match=match) as caught:
            fetch("toy")
        assert (caught.value.dataset, caught.value.path) == ("toy", "a.bin")
        assert caught.value.source == toy.server.url + "a.bin"
        message = str(caught.value)
        for part in (toy.server.url + "a.bin", "sdc data fetch toy", "SDC_DATA_MIRROR", "SDC_DATA"):
            assert part in message
        assert toy.names_on_disk() == set()
        assert set(toy.server.requests) <= {"a.bin"}, "the first failure must end the attempt"

    def test_truncated_twice_is_refused_and_removed(self, toy):
        toy.server.modes["a.bin"] = ["truncate"]
        self.assert_refused(toy, r"toy/a\.bin is not available")
        assert toy.server.requests["a.bin"] == 2

    def test_truncated_once_is_retried(self, toy):
        toy.server.modes["a.bin"] = ["truncate", "ok"]
        fetch("toy")
        assert_complete(toy)

    def test_wrong_content_is_refused_and_removed(self, toy):
        toy.server.modes["a.bin"] = ["wrong"]
        self.assert_refused(toy, "its content is not the registered one")
        assert toy.server.requests["a.bin"] == 2

    def test_server_error_is_retried_once(self, toy):
        toy.server.modes["a.bin"] = [503]
        self.assert_refused(toy, "503")
        assert toy.server.requests["a.bin"] == 2

    def test_missing_on_the_server_is_not_retried(self, toy):
        toy.server.modes["a.bin"] = [404]
        self.assert_refused(toy, "404")
        assert toy.server.requests["a.bin"] == 1
        assert not available("toy")

    @pytest.mark.parametrize("mode", ["hang", "half_then_wait"])
    def test_a_server_that_hangs_is_given_up_without_a_retry(self, toy, monkeypatch, mode):
        monkeypatch.setattr(_download, "READ_TIMEOUT_S", 0.3)
        toy.server.modes["a.bin"] = [mode]
        self.assert_refused(toy, "timed out")
        assert toy.server.requests["a.bin"] == 1

    def test_no_server_at_all(self, toy, monkeypatch):
        import socket

        with socket.socket() as unused:  # bound but not listening: connections are refused
            unused.bind(("127.0.0.1", 0))
            dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            text = toy.registry_file.read_text().replace(toy.server.url, dead)
            other = toy.registry_file.with_name("dead.json")
            other.write_text(text)
            monkeypatch.setattr("sdc_helpers.datasets.catalogue.REGISTRY_FILE", other)
            assert not available("toy")
            with pytest.raises(DataUnavailableError, match="no connection") as caught:
                fetch("toy")
        assert caught.value.source == dead + "a.bin"
        assert toy.names_on_disk() == set()


class TestMirror:
    @pytest.fixture(autouse=True)
    def _use_mirror(self, toy, monkeypatch):
        monkeypatch.setenv("SDC_DATA_MIRROR", str(toy.source))

    def test_is_read_instead_of_the_network(self, toy):
        assert available("toy")
        fetch("toy")
        assert_complete(toy)
        assert not toy.server.requests
        assert {s.state for s in verify("toy")} == {"ok"}

    def test_is_copied_not_linked_and_left_as_it_was(self, toy):
        fetch("toy")
        (toy.folder / "a.bin").write_bytes(b"changed")
        assert (toy.source / "toy" / "a.bin").read_bytes() == toy.contents["a.bin"]

    def test_lacks_a_file(self, toy):
        (toy.source / "toy" / "sub" / "b.txt").unlink()
        assert not available("toy")
        with pytest.raises(DataUnavailableError, match="the mirror does not have") as caught:
            fetch("toy")
        assert caught.value.path == "sub/b.txt"
        assert caught.value.source == str(toy.source / "toy" / "sub" / "b.txt")
        assert toy.names_on_disk() == {"a.bin"}
        assert not toy.server.requests

    def test_holds_more_than_the_registry_knows(self, toy):
        (toy.source / "MANIFEST.tsv").write_text("path\tbytes\n")
        (toy.source / "toy" / "sub" / "more.txt").write_text("another file of this dataset")
        (toy.source / "others").mkdir()
        assert available("toy")
        fetch("toy")
        assert_complete(toy)

    def test_is_asked_only_for_what_is_not_there(self, toy):
        fetch("toy")
        (toy.source / "toy" / "a.bin").unlink()
        (toy.folder / "sub" / "b.txt").unlink()
        assert available("toy")
        fetch("toy")
        assert_complete(toy)

    def test_holds_a_corrupted_file(self, toy):
        (toy.source / "toy" / "a.bin").write_bytes(toy.contents["a.bin"][::-1])
        assert not available("toy")
        with pytest.raises(DataUnavailableError, match="not the registered one") as caught:
            fetch("toy")
        assert str(toy.source / "toy" / "a.bin") in str(caught.value)
        assert toy.names_on_disk() == set()

    def test_does_not_exist(self, toy, monkeypatch, tmp_path):
        monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
        assert not available("toy")
        with pytest.raises(DataUnavailableError, match="nowhere"):
            fetch("toy")

    def test_is_not_needed_once_the_files_are_there(self, toy, monkeypatch, tmp_path):
        fetch("toy")
        monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "nowhere"))
        assert available("toy")
        assert fetch("toy") == toy.folder


class TestProcesses:
    def test_a_killed_fetch_leaves_no_file_under_its_final_name(self, toy, tmp_path):
        toy.server.modes["a.bin"] = ["half_then_wait", "ok"]
        process = start_fetch(toy, tmp_path / "ready", tmp_path / "ready")
        try:
            assert toy.server.sent_half.wait(30), process.communicate(timeout=5)
            unfinished = [p for p in toy.folder.iterdir() if p.name.startswith("tmp")]
            assert len(unfinished) == 1
            wait_for(lambda: unfinished[0].stat().st_size > 0, "bytes on disk")
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL

        assert unfinished[0].exists(), "killed in mid-download, as intended"
        assert not any((toy.folder / path).exists() for path in toy.contents)
        assert {s.state for s in verify("toy")} == {"missing"}

        a_day = 24 * 3600 + 60  # until then it may be another machine's that still writes
        fetch("toy")
        assert unfinished[0].exists()
        old = time.time() - a_day
        os.utime(unfinished[0], (old, old))
        (toy.folder / "a.bin").unlink()
        fetch("toy")
        assert_complete(toy)  # the leftover is gone as well

    def test_two_fetches_at_once_download_every_file_once(self, toy, tmp_path):
        go = tmp_path / "go"
        ready = [tmp_path / "ready0", tmp_path / "ready1"]
        toy.server.modes["a.bin"] = ["half_then_wait"]
        processes = [start_fetch(toy, path, go) for path in ready]
        try:
            wait_for(lambda: all(path.exists() for path in ready), "both processes")
            go.touch()
            assert toy.server.sent_half.wait(30)
            time.sleep(0.3)  # let the second reach the lock while the first is downloading
        finally:
            go.touch()
            toy.server.release.set()
            results = [process.communicate(timeout=60) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], results
        assert toy.server.requests == dict.fromkeys(toy.contents, 1)
        assert_complete(toy)


def test_lock_that_is_never_released_gives_up(toy, monkeypatch):
    import filelock

    monkeypatch.setattr(registry, "_LOCK_TIMEOUT_S", 0.1)
    toy.folder.mkdir(parents=True)
    with (
        filelock.FileLock(toy.folder.with_name(".toy.lock")),
        pytest.raises(DataUnavailableError, match=r"\.toy\.lock"),
    ):
        fetch("toy")


def test_toy_oracle(toy):
    """The toy registry itself tells the truth, or the tests above would show nothing."""
    for file in dataset_info("toy").files:
        assert hashlib.sha256(toy.contents[file.path]).hexdigest() == file.sha256


class TestFilesThatCannotBeRead:
    """They may be whole: never replaced, and the true cause is said."""

    def test_a_link_to_nothing(self, toy):
        file = fetch("toy") / "a.bin"
        file.unlink()
        file.symlink_to("nowhere")
        assert not available("toy")
        assert {s.state for s in verify("toy")} == {"ok", "unreadable"}
        with pytest.raises(DataUnavailableError, match=r"a link to nowhere, which is not there"):
            fetch("toy")
        assert file.is_symlink()
        assert toy.server.requests["a.bin"] == 1

    def test_no_permission(self, toy):
        file = fetch("toy") / "a.bin"
        verify("toy")  # forget that it was verified
        user = os.geteuid()
        try:
            file.chmod(0)
            if user == 0:
                os.seteuid(65534)
            with pytest.raises(DataUnavailableError, match=r"no permission to read it") as caught:
                fetch("toy")
        finally:
            os.seteuid(user)
            file.chmod(0o644)
        assert "SDC_DATA_MIRROR" not in str(caught.value)
        assert fetch("toy") == toy.folder
        assert toy.server.requests["a.bin"] == 1

    def test_a_full_disk(self, toy, monkeypatch):
        """A device that is always full stands for the file to be written."""
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        real_open = open

        def on_a_full_disk(file, mode="r", *args, **kwargs):
            is_temporary = Path(str(file)).name.startswith("tmp") and "w" in mode
            return real_open("/dev/full" if is_temporary else file, mode, *args, **kwargs)

        monkeypatch.setattr("builtins.open", on_a_full_disk)
        with pytest.raises(DataUnavailableError, match=r"the disk is full. Free some") as caught:
            fetch("toy")
        assert "where there is a network" not in str(caught.value)

    def test_a_mirror_that_may_not_be_read(self, toy, monkeypatch):
        monkeypatch.setenv("SDC_DATA_MIRROR", str(toy.source))
        (toy.source / "toy" / "a.bin").unlink()
        (toy.source / "toy" / "a.bin").mkdir()
        with pytest.raises(DataUnavailableError, match=r"toy/a\.bin cannot be used: it is a"):
            fetch("toy")
