"""Names of outputs, what is in their way, and a disk that fills up."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.course import RunError, outputs
from sdc_helpers.course.catalogue import Notebook
from sdc_helpers.course.left_files import snapshot, written
from sdc_helpers.course.made_by import digest, source_identity

NAMES = st.text("aAßéE\u0301_1.", min_size=1, max_size=4).filter(lambda n: not n.startswith("."))


def record_of(notebook: Path, folder: Path, error: str | None = None) -> dict:
    source = source_identity(Notebook(notebook), folder)
    return {"run_id": "1", "error": error, "source": source, "status": "complete"}


def publish(notebook: Path, folder: Path, error: str | None = None) -> None:
    """Leave what a run of `notebook` leaves, without running it."""
    with outputs.scratch_folder(folder, notebook.stem) as scratch:
        content = {"metadata": {"sdc_run_id": "1"}, "cells": []}
        outputs.publish(folder, notebook.stem, scratch, record_of(notebook, folder, error), content)


@pytest.fixture
def two(write_notebook, tmp_path) -> list[Path]:
    """Two notebooks of one name."""
    return [write_notebook(tmp_path / who / "ps1.ipynb") for who in ("anna", "bert")]


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_notebooks_are_refused_exactly_where_a_disk_could_take_their_files_for_one(names):
    first, second = (Notebook(Path(f"/somewhere/{i}/{n}.ipynb")) for i, n in enumerate(names))
    folded = [outputs._folded(n.name) for n in (first, second)]
    one = folded[0] == folded[1] or f"{folded[0]}.failed" == folded[1]
    one = one or f"{folded[1]}.failed" == folded[0]
    with tempfile.TemporaryDirectory() as folder:
        if one:
            with pytest.raises(RunError, match="would both be written as"):
                outputs.require_names_of_their_own([first, second], Path(folder))
        else:
            outputs.require_names_of_their_own([first, second], Path(folder))


@pytest.mark.parametrize(("one", "other"), [("PS1", "ps1"), ("x", "x.failed"), ("é", "e\u0301")])
def test_names_that_differ_on_some_disks_only_are_refused(one, other, tmp_path):
    pair = [Notebook(tmp_path / "1" / f"{one}.ipynb"), Notebook(tmp_path / f"2/{other}.ipynb")]
    with pytest.raises(RunError, match="each with its own --out"):
        outputs.require_names_of_their_own(pair, tmp_path)


@pytest.mark.parametrize("error", [None, "cell 3"])
def test_the_output_of_another_notebook_of_this_name_is_not_replaced(two, tmp_path, error):
    anna, bert = two
    out = tmp_path / "out"
    try:
        publish(anna, out, error)
    except RunError:
        assert error
    outputs.require_names_of_their_own([Notebook(anna)], out)  # its own may be
    with pytest.raises(RunError, match="made from another notebook named ps1"):
        outputs.require_names_of_their_own([Notebook(bert)], out)


def test_notebooks_and_outputs_may_be_moved_together(two, tmp_path):
    publish(two[0], tmp_path / "anna" / "out")
    (tmp_path / "anna").rename(tmp_path / "moved")
    moved = Notebook(tmp_path / "moved" / "ps1.ipynb")
    outputs.require_names_of_their_own([moved], tmp_path / "moved" / "out")


def test_a_notebook_that_no_run_made_is_not_replaced(two, tmp_path):
    anna, bert = two
    before = bert.read_bytes()
    with pytest.raises(RunError, match="no run has made; choose another --out"):
        outputs.require_names_of_their_own([Notebook(anna)], bert.parent)
    link = tmp_path / "link"
    link.symlink_to(bert.parent)
    with pytest.raises(RunError, match=r"would replace .* itself"):
        outputs.require_names_of_their_own([Notebook(bert)], link)
    assert bert.read_bytes() == before


@pytest.fixture(params=["gone", "full"])
def failing_folder(request, tmp_path):
    """A folder, and a function after which nothing can be written there."""
    folder = tmp_path / "out"
    folder.mkdir()
    if request.param == "gone":
        yield folder, lambda: [p.rmdir() for p in folder.iterdir()]
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder, lambda: _fill(folder / "filler")
    subprocess.run(["umount", str(folder)], check=True)


def _fill(file: Path) -> None:
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as handle:
        while True:
            handle.write(b"x" * 1024)


@pytest.mark.parametrize("error", [None, "cell 3 ('x'): ValueError: trouble"])
def test_what_cannot_be_written_is_kept_in_a_place_that_is_named(
    failing_folder, tmp_path, monkeypatch, error
):
    folder, break_it = failing_folder
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = {"metadata": {"sdc_run_id": "1"}, "cells": []}
    with outputs.scratch_folder(folder, "small") as scratch:
        break_it()
        record = {"run_id": "1", "error": error}
        with pytest.raises(RunError) as caught:
            outputs.publish(folder, "small", scratch, record, content)
    said = str(caught.value)
    assert "\n" not in said
    assert f"{folder} could not be written" in said
    assert (error or "small ran to its end") in said
    (kept,) = tmp_path.glob("sdc-run-*")
    assert f"kept in {kept}" in said
    stem = "small.failed" if error else "small"
    assert json.loads((kept / f"{stem}.ipynb").read_text(encoding="utf-8")) == content
    assert json.loads((kept / f"{stem}.run.json").read_text(encoding="utf-8")) == record


def test_where_nothing_can_be_written_at_all_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with outputs.scratch_folder(tmp_path / "out", "small") as scratch:
        scratch.rmdir()
        with pytest.raises(RunError, match=r"Nor could .*nowhere; free some space"):
            outputs.publish(tmp_path / "out", "small", scratch, {"error": None}, {"cells": []})


@pytest.mark.parametrize("text", ["für ∞", "k\udcc3\udca4se", "half \ud800"])
def test_json_is_utf8_and_any_text_can_be_written(tmp_path, text):
    outputs.write_json(tmp_path / "a.json", {"text": text})
    read = json.loads((tmp_path / "a.json").read_bytes().decode("utf-8"))["text"]
    assert read == {"k\udcc3\udca4se": "käse"}.get(text, text)


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "{}"])
@pytest.mark.parametrize("suffix", [".ipynb", ".run.json"])
def test_a_damaged_output_is_no_complete_run(two, tmp_path, suffix, content):
    publish(two[0], tmp_path / "out")
    assert outputs.load_record(tmp_path / "out", "ps1")["run_id"] == "1"
    (tmp_path / "out" / f"ps1{suffix}").write_text(content)
    with pytest.raises(RunError, match="run 'sdc run ps1 --out"):
        outputs.load_record(tmp_path / "out", "ps1")
    assert outputs.is_made(tmp_path / "out", "ps1", "any") is None


def test_the_digest_is_of_source_and_parameters_not_of_outputs(two):
    path = two[0]
    before = digest(Notebook(path), {"profile": "smoke"})
    assert digest(Notebook(path), {"profile": "smoke", "size": 3}) == before  # the default
    assert digest(Notebook(path), {"profile": "smoke", "size": 4}) != before
    assert digest(Notebook(path), {"profile": "full"}) != before
    content = nbformat.read(path, as_version=4)
    content.cells[2].outputs = [nbformat.v4.new_output("stream", text="of an earlier run")]
    content.cells[2].execution_count = 3
    nbformat.write(content, path)
    assert digest(Notebook(path), {"profile": "smoke"}) == before
    content.cells[2].source += "\n1"
    nbformat.write(content, path)
    assert digest(Notebook(path), {"profile": "smoke"}) != before


def test_new_and_changed_files_are_found_the_nearest_and_no_hidden_ones(tmp_path):
    for name in ("old.txt", "changed.txt", "out/mine.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a")
    before = snapshot(tmp_path, [tmp_path / "out"])
    for name in ("changed.txt", "deep/er/new.csv", "out/new.ipynb", ".hidden/a", "__pycache__/b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("ab")
    after = snapshot(tmp_path, [tmp_path / "out"])
    assert written(before, after) == ["changed.txt", "deep/er/new.csv"]
