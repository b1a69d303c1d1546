"""Chapter 18 as a researcher runs it: from the command line, on folders of three kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from own_folders import Folder

from sdc_helpers.studies import own_export

QUICK = ("n_permutations=19", "n_shuffles=1", "n_voxels=30", "n_stimuli=60")


def run_chapter(folder, out, environment) -> dict:
    """Run ``sdc run 18 -p folder=...``; return the record of the run."""
    command = [sys.executable, "-m", "sdc_helpers.cli", "run", "18", "--profile", "smoke"]
    command += ["--out", str(out), "-p", f"folder={folder}", "-p", f"report={out / 'page.html'}"]
    command += [word for assignment in QUICK for word in ("-p", assignment)]
    answer = subprocess.run(
        command, cwd=out, env={**os.environ, **environment}, capture_output=True, text=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return json.loads((out / "18_your_own_data.run.json").read_text(encoding="utf-8"))


def claimed(record) -> set[str]:
    return {claim["identifier"] for claim in record["claims"]}


@pytest.mark.slow
@pytest.mark.notebook
def test_a_folder_of_two_participants(tmp_path, course_environment):
    record = run_chapter(Folder(tmp_path / "mine").root, tmp_path, course_environment)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert {"own.ceiling.share", "own.cka.debiased"} <= claimed(record)
    for heading in ("Noise ceiling", "Decoding", "Debiased CKA", "Gap", "Shared concepts"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count("What it does not say.") == 5


@pytest.mark.slow
@pytest.mark.notebook
def test_three_monkeys_who_saw_different_pictures(tmp_path, course_environment, real_data_mirror):
    if not (real_data_mirror / "macaque_v4").is_dir():
        pytest.skip("the mirror has no V4 recordings")
    folder = own_export.export_v4(tmp_path / "v4", 60, real_data_mirror / "macaque_v4")
    record = run_chapter(folder, tmp_path, course_environment)
    assert "own.ceiling.share" not in claimed(record)
    assert "own.decoding.top_1" in claimed(record)
    data = {c["data"] for c in record["claims"] if c["identifier"] == "own.cka.debiased"}
    assert data == {"real participants"}


@pytest.mark.slow
@pytest.mark.notebook
def test_a_film_is_shifted_and_never_shuffled(tmp_path, course_environment, real_data_mirror):
    if not (real_data_mirror / "studyforrest").is_dir():
        pytest.skip("the mirror has no studyforrest")
    folder = own_export.export_studyforrest(tmp_path / "film", real_data_mirror / "studyforrest")
    run_chapter(folder, tmp_path, course_environment)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "circular shifts, within each of 2 runs" in page
    assert "Skipped: no stimulus is repeated" in page
