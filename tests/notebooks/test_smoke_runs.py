"""What the records of one run of the whole course say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.runner import load_record, run

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = [notebook.name for notebook in list_notebooks()]
PEAK_MEMORY_MB = 4000


@pytest.fixture(params=NAMES)
def record(request, smoke_runs) -> dict:
    return load_record(smoke_runs, request.param)


def values_of(record: dict) -> dict[str, float]:
    return {claim["identifier"]: claim["value"] for claim in record["claims"]}


def test_every_claim_held_or_says_why_not(record):
    assert record["claims"]
    unexplained = [c for c in record["claims"] if not (c["held"] or c["reason"])]
    assert unexplained == []


def test_it_fits_the_memory_of_a_laptop(record):
    assert record["profile"] == "smoke"
    assert 0 < record["peak_memory_mb"] < PEAK_MEMORY_MB


def test_it_runs_without_a_warning(record, smoke_runs):
    executed = json.loads((smoke_runs / f"{record['name']}.ipynb").read_text())
    errors = [
        "".join(output["text"])
        for cell in executed["cells"]
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert errors == []


def test_claims_have_names_of_their_own_in_the_whole_course(smoke_runs):
    names = [c["identifier"] for n in NAMES for c in load_record(smoke_runs, n)["claims"]]
    assert len(names) == len(set(names)) > 1


def test_the_record_names_the_revision(smoke_runs):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    # a few, since a commit may be made while the tests run
    command = ["git", "-C", str(ROOT), "rev-list", "--max-count=5", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        pytest.skip(f"not a git repository: {answer.stderr.strip()}")
    revision = load_record(smoke_runs, "00_start_here")["git_revision"]
    assert revision.removesuffix("+changes") in answer.stdout.split()


def test_a_second_run_measures_the_same(smoke_runs, tmp_path):
    again = run("00_start_here", profile="smoke", out=tmp_path).record
    first = load_record(smoke_runs, "00_start_here")
    assert values_of(again) == pytest.approx(values_of(first), rel=1e-9)


def test_claims_on_real_recordings_are_there_with_the_data(smoke_runs, real_data_mirror):
    for name, recording in (("13_cka_pitfalls", "haxby"), ("14_brains_and_layers", "it")):
        claims = load_record(smoke_runs, name)["claims"]
        real = [c["identifier"] for c in claims if c["data"].startswith("real")]
        assert any(identifier.split(".")[1] == recording for identifier in real), name


def test_without_real_data_the_rest_of_the_chapter_runs(smoke_runs, tmp_path):
    sizes = {"n_stimuli": 64, "max_features": 1000, "n_permutations": 19, "n_seeds": 2}
    quick = {"real_data": False, **sizes}
    claims = run("13_cka_pitfalls", quick, profile="smoke", out=tmp_path).record["claims"]
    whole = load_record(smoke_runs, "13_cka_pitfalls")["claims"]
    simulated = [c["identifier"] for c in whole if c["data"].startswith("simulated")]
    assert [c["identifier"] for c in claims] == simulated
    assert len(claims) > 1


PROBE = """\
import os
assert p.profile == "smoke" and p.n_draws == 5, p
assert "sdc-tests-" in os.environ["SDC_DATA"]
"""


def test_nbmake_runs_notebooks_in_profile_smoke(write_notebook, tmp_path):
    notebook = write_notebook(tmp_path / "probe.ipynb", PROBE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "conftest"]
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-o", "pythonpath=."]
    command.append(str(notebook))  # the conftest.py is the course's, not that of tests/
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SDC_", "PYTEST_"))}
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "1 passed" in answer.stdout, answer.stdout + answer.stderr
