"""Runs in processes of their own: killed, interrupted, two at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from sdc_helpers import cli
from sdc_helpers.course.runner import load_record, run

EVENTS = """\
import os, time
if p.mode == "wait":  # say which process this is, then wait to be killed
    Path(p.folder, "new").write_text(str(os.getpid()))
    Path(p.folder, "new").rename(Path(p.folder, "pid"))
    time.sleep(300)
if p.mode == "meet":  # go on once another run has come as far as this one
    Path(p.folder, f"size {p.size}").touch()
    deadline = time.monotonic() + 60
    while len(list(Path(p.folder).iterdir())) < 2:
        assert time.monotonic() < deadline, "no other run came"
        time.sleep(0.02)
"""
PAIR = {"small.ipynb", "small.run.json"}


@pytest.fixture(scope="module")
def notebook(write_notebook, tmp_path_factory) -> Path:
    return write_notebook(tmp_path_factory.mktemp("notebooks") / "small.ipynb", EVENTS)


def start_run(notebook: Path, out: Path, **parameters: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sdc_helpers.cli", "run", str(notebook)]
    command += ["--profile", "smoke", "--out", str(out)]
    command += [f"-p{name}={value}" for name, value in parameters.items()]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a test started in the background would hand on that it ignores SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until(condition, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {seconds} s: {what}"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def waiting_run(notebook, tmp_path):
    """A run whose kernel waits in mid-notebook: the process, its kernel's pid, its folder."""
    marks, out = tmp_path / "marks", tmp_path / "out"
    marks.mkdir()
    process = start_run(notebook, out, mode="wait", folder=marks)
    kernel = None
    try:
        wait_until(
            lambda: (marks / "pid").exists() or process.poll() is not None, "the cell to begin"
        )
        assert process.poll() is None, process.communicate()
        kernel = int((marks / "pid").read_text())
        yield process, kernel, out
    finally:
        process.kill()
        process.communicate()
        if kernel is not None and not is_gone(kernel):
            psutil.Process(kernel).kill()


def visible(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if not p.name.startswith(".")}


def test_a_killed_run_leaves_no_output_and_the_next_run_clears_up(waiting_run, notebook):
    process, kernel, out = waiting_run
    process.kill()  # and not waited for: where nobody does, its number stays taken
    wait_until(lambda: is_gone(process.pid), "the run to end")
    wait_until(lambda: is_gone(kernel), "the killed run's kernel to end")
    assert visible(out) == set()

    (left,) = out.glob(".small.*.partial")
    no_process = 4194304  # above the largest number that Linux gives
    earlier = out / left.name.replace(f"-{process.pid}-", f"-{no_process}-")
    earlier.mkdir()
    elsewhere = out / f".small.00000000-{no_process}-0123456789ab.partial"
    elsewhere.mkdir()  # a process that cannot be seen from here may be using it
    run(notebook, profile="smoke", out=out)
    assert list(out.glob(".*.partial")) == [elsewhere]
    assert visible(out) == PAIR


def test_an_interrupted_run_leaves_nothing(waiting_run):
    process, kernel, out = waiting_run
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors
    assert visible(out) == set()
    assert not list(out.glob(".*.partial"))
    wait_until(lambda: is_gone(kernel), "the interrupted run's kernel to end")


def test_two_runs_at_once_both_succeed_and_are_not_mixed(notebook, tmp_path):
    marks, out = tmp_path / "marks", tmp_path / "out"
    marks.mkdir()
    sizes = (4, 6)
    runs = [start_run(notebook, out, mode="meet", folder=marks, size=size) for size in sizes]
    for process in runs:
        said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert f"wrote {out / 'small.ipynb'}" in said
        assert not {"\x1b", "\r"} & set(said + errors)  # not a terminal: plain text
    assert {p.name for p in marks.iterdir()} == {f"size {size}" for size in sizes}

    assert visible(out) == PAIR
    assert not list(out.glob(".*.partial"))
    record = load_record(out, "small")
    assert record["parameters"]["size"] in sizes
    executed = json.loads((out / "small.ipynb").read_text())
    injected = next(c for c in executed["cells"] if "injected" in str(c["metadata"].get("tags")))
    assert f"size = {record['parameters']['size']}" in "".join(injected["source"])


SERIES = """\
import os, time
from pathlib import Path
with Path("ran.txt").open("a") as file:
    file.write(Path("now.txt").read_text() + f" {NAME}\\n")
if Path(f"{NAME} waits").exists():
    Path("waiting").touch()
    time.sleep(300)
if Path(f"{NAME} fails").exists():
    raise ValueError("trouble")
"""


@pytest.fixture
def series(write_notebook, tmp_path, monkeypatch, capsys):
    """Three notebooks, and what runs them as one command in their folder: a process, or this one.

    What a command does once nobody kills it is the same here, without another start of Python.
    """
    monkeypatch.chdir(tmp_path)
    paths = [
        write_notebook(tmp_path / f"{name}.ipynb", f"NAME = {name!r}", SERIES) for name in "abc"
    ]

    def command(label: str, options: tuple[str, ...], n: int = 3) -> list[str]:
        (tmp_path / "now.txt").write_text(label)
        return ["run", *map(str, paths[:n]), "--profile", "smoke", "--out", "out", *options]

    def start(label: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sdc_helpers.cli", *command(label, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def here(label: str, *options: str, n: int = 3) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sdc", *command(label, options, n)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return SimpleNamespace(start=start, here=here)


def ran(folder: Path, label: str) -> str:
    """Return the notebooks that ran under a label, in order."""
    lines = (folder / "ran.txt").read_text().splitlines()
    return "".join(line.split()[1] for line in lines if line.startswith(label))


def test_what_is_made_is_not_made_again_and_what_fails_stops_no_other(series, tmp_path):
    (tmp_path / "b waits").touch()
    process = series.start("killed")
    wait_until((tmp_path / "waiting").exists, "the second notebook to begin")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert ran(tmp_path, "killed") == "ab"
    (tmp_path / "b waits").rename(tmp_path / "b fails")

    for label, expected, expected_code in (
        ("failing", "bc", 1), ("mended", "b", 0), ("done", "", 0)
    ):  # fmt: skip
        code, said, errors = series.here(label)
        assert code == expected_code, errors
        assert ran(tmp_path, label) == expected
        assert ("failed: b." in errors) is (label == "failing")
        assert f"kept {tmp_path / 'out' / 'a'}.ipynb" in said
        assert said.count("smoke") == (2 if label == "failing" else 3)  # rows of the table
        (tmp_path / "b fails").unlink(missing_ok=True)
    assert "ValueError: trouble" not in said


def test_other_parameters_are_another_run(series, tmp_path):
    for options, expected in (([], "ab"), (["-psize=3"], ""), (["-pseed=8", "--again"], "ab")):
        label = "".join(options) or "first"
        series.here(label, *options, n=2)
        assert ran(tmp_path, label) == expected


def test_two_commands_from_both_ends_run_each_notebook_once_and_keep_the_others(series, tmp_path):
    both = [series.start("together"), series.start("together", "--backwards")]
    said = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(ran(tmp_path, "together")) == ["a", "b", "c"]
    assert sum(out.count("kept ") for out, _ in said) == 3
    for out, _ in said:
        assert out.count("smoke") == 3  # each ends with the whole table
