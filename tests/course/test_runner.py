from __future__ import annotations

import json
import os
import platform
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from sdc_helpers.course import ParameterError, RunError, outputs
from sdc_helpers.course.runner import load_record, run

CLAIM = """\
import numpy as np
draws = np.random.default_rng(p.seed).normal(size=p.size)
claims.declare("small.mean", kind="identity", statement="A mean is small.",
               data="simulated normal numbers", at_most=100.0)
claims.record("small.mean", draws.mean())
"""
FILES = """\
from pathlib import Path
here = Path.cwd()
import os
Path("left_behind.txt").write_text("für")
print("text:", Path("left_behind.txt").read_bytes().decode("utf-8"))
os.chdir("/")
for name in ("SDC_DATA", "SDC_DATA_MIRROR", "XDG_CACHE_HOME", "OMP_WAIT_POLICY"):
    print(f"{name}: {os.environ.get(name, 'not set')}")
os.chdir(here)
print("working folder:", Path.cwd())
"""
EVENTS = """\
what_happens = p.mode
import os, signal, sys, time
if what_happens == "raise":
    raise ValueError("trouble\\non two lines")
if what_happens == "exit":
    sys.exit()
if what_happens == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if what_happens == "sleep":
    Path(p.folder, "pid").write_text(str(os.getpid()))
    time.sleep(300)
"""
EVENTS_CELL = 6  # title, parameters, start, claim, files, events
PAIR = {"small.ipynb", "small.run.json"}
FAILED_PAIR = {"small.failed.ipynb", "small.failed.run.json"}


@pytest.fixture(scope="module")
def notebook(write_notebook, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("notebooks") / "small.ipynb"
    return write_notebook(path, CLAIM, FILES, EVENTS, "print('reached the end')")


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory):
    """Run in a folder of its own: the notebook leaves a file where it works."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        yield


@pytest.fixture(scope="module")
def good(notebook, tmp_path_factory):
    """One complete run, started in another folder with a relative output folder."""
    cwd, progress = tmp_path_factory.mktemp("elsewhere"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setenv("SDC_DATA", "my data")
        patch.setenv("SDC_DATA_MIRROR", "../elsewhere0/mirror")
        patch.setenv("XDG_CACHE_HOME", "cache")
        result = run(
            notebook,
            {"seed": 11, "size": 5},
            profile="smoke",
            out="runs/{here}",
            on_cell=lambda done, total: progress.append((done, total)),
        )
    return SimpleNamespace(
        result=result,
        record=result.record,
        cwd=cwd,
        out=cwd / "runs" / "{here}",
        notebook=json.loads(result.notebook.read_text()),
        progress=progress,
    )


def visible(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if not p.name.startswith(".")}


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(".*.partial"))


def outputs_text(notebook: dict) -> str:
    return "".join(
        "".join(output.get("text", ""))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
    )


def values_of(record: dict) -> dict[str, float]:
    return {claim["identifier"]: claim["value"] for claim in record["claims"]}


def test_a_complete_run_writes_the_notebook_and_its_record_and_nothing_else(good):
    assert good.result.notebook == good.out / "small.ipynb"
    assert visible(good.out) == PAIR
    assert not leftovers(good.out)
    assert visible(good.cwd) == {"runs", "left_behind.txt"}  # the notebook's own
    assert json.loads((good.out / "small.run.json").read_text()) == good.record


def test_the_record_says_what_was_run(good):
    record = good.record
    assert (record["name"], record["title"]) == ("small", "A small notebook")
    assert (record["status"], record["error"]) == ("complete", None)
    assert (record["profile"], record["seed"]) == ("smoke", 11)
    parameters = dict(record["parameters"])
    assert parameters.pop("device") in {"cpu", "cuda"}  # "auto" resolved
    assert parameters == {
        "profile": "smoke",
        "seed": 11,
        "size": 5,
        "n_draws": 5,  # None in the cell: the profile decided
        "mode": "well",
        "folder": "",
    }
    expected = np.random.default_rng(11).normal(size=5).mean()
    assert values_of(record) == {"small.mean": pytest.approx(expected, abs=1e-12)}


def test_the_record_says_where_and_how_long_it_ran(good):
    record = good.record
    assert datetime.fromisoformat(record["started"]).utcoffset().total_seconds() == 0
    assert record["python"] == platform.python_version()
    assert record["packages"]["numpy"] == np.__version__
    assert "sdc-helpers" in record["packages"]
    assert record["git_revision"] is None  # the notebook lies outside any git repository
    assert record["hardware"]["cores"] == len(os.sched_getaffinity(0))
    assert {"processor", "memory_gb", "gpu", "system"} <= record["hardware"].keys()
    assert record["seconds"] > 0
    assert 1 < record["peak_memory_mb"] < psutil.virtual_memory().total / 1e6
    assert "gpu_peak_memory_mb" in record


def test_the_executed_notebook_carries_its_run_and_no_folder_of_this_machine(good):
    assert good.notebook["metadata"]["sdc_run_id"] == good.record["run_id"]
    assert not {"input_path", "output_path"} & good.notebook["metadata"]["papermill"].keys()
    assert "reached the end" in outputs_text(good.notebook)


def test_the_notebook_works_where_the_run_is_asked_for_and_its_files_are_named(good):
    said = re.search(r"working folder: (.+)", outputs_text(good.notebook)).group(1)
    assert Path(said) == good.cwd
    assert (good.cwd / "left_behind.txt").is_file()
    assert good.record["files"] == ["left_behind.txt"]


def test_folders_of_the_environment_mean_the_same_in_the_notebook_wherever_it_goes(good):
    said = dict(re.findall(r"^([A-Z_]+): (.+)$", outputs_text(good.notebook), re.MULTILINE))
    assert said == {
        "SDC_DATA": str(good.cwd / "my data"),
        "SDC_DATA_MIRROR": str(good.cwd.parent / "elsewhere0" / "mirror"),
        "XDG_CACHE_HOME": str(good.cwd / "cache"),
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def test_every_parameter_is_known_to_papermill_as_the_course_writes_it(write_notebook, tmp_path):
    import papermill

    from sdc_helpers.course import engine

    lines = ["a: int | None = None  # x", "b: list[int] = [1, 2]  # x", "c: float | str = 0.5  # x"]
    always = ['profile: str = "smoke"  # x', "seed: int = 1  # x", 'device: str = "cpu"  # x']
    path = write_notebook(tmp_path / "typed.ipynb", parameters="\n".join([*always, *lines]))
    engine.register()
    found = papermill.inspect_notebook(str(path))
    assert {name: (p["inferred_type_name"], p["default"]) for name, p in found.items()} == {
        "profile": ("str", "'smoke'"),
        "seed": ("int", "1"),
        "device": ("str", "'cpu'"),
        "a": ("int | None", "None"),
        "b": ("list[int]", "[1, 2]"),
        "c": ("float | str", "0.5"),
    }


def test_progress_goes_from_no_cell_to_all_of_them(good):
    n_cells = len(good.notebook["cells"])
    assert good.progress == [(done, n_cells) for done in range(n_cells + 1)]


@pytest.fixture(scope="module")
def story(notebook, tmp_path_factory):
    """Four runs into one folder: one that raises, a good one, one that exits, one that dies."""
    folder, chapters = tmp_path_factory.mktemp("story"), {}
    for mode, seed in {"raise": 12, "well": 11, "exit": 11, "die": 11}.items():
        error = None
        try:
            run(notebook, {"seed": seed, "size": 5, "mode": mode}, profile="smoke", out=folder)
        except RunError as caught:
            error = str(caught)
        files = {p.name: p.read_text() for p in folder.iterdir() if not p.name.startswith(".")}
        chapters[mode] = SimpleNamespace(error=error, files=files)
        assert not leftovers(folder)
    return chapters


def test_a_failing_cell_is_named_in_one_line(story):
    error = story["raise"].error
    assert f"cell {EVENTS_CELL} ('what_happens = p.mode')" in error
    assert "ValueError: trouble on two lines" in error
    assert "small.failed.ipynb" in error
    assert "\n" not in error


def test_a_failed_run_keeps_the_notebook_so_far_under_another_name(story):
    files = story["raise"].files
    assert files.keys() == FAILED_PAIR
    record = json.loads(files["small.failed.run.json"])
    assert record["status"] == "failed"
    assert record["error"] in story["raise"].error
    assert values_of(record).keys() == {"small.mean"}  # recorded before the failure
    text = outputs_text(json.loads(files["small.failed.ipynb"]))
    assert "working folder" in text
    assert "reached the end" not in text


def test_a_later_success_removes_what_the_failure_left(story):
    assert story["well"].error is None
    assert story["well"].files.keys() == PAIR


@pytest.mark.parametrize("mode", ["exit", "die"])
def test_a_failure_leaves_an_earlier_complete_output_alone(story, mode):
    files = story[mode].files
    assert files.keys() == PAIR | FAILED_PAIR
    assert {name: files[name] for name in PAIR} == story["well"].files


def test_a_notebook_that_exits_early_is_not_complete(story):
    assert f"cell {EVENTS_CELL} " in story["exit"].error
    assert "sys.exit()" in story["exit"].error


def test_a_kernel_that_dies_is_reported(story):
    assert f"cell {EVENTS_CELL} " in story["die"].error
    assert "the kernel died" in story["die"].error


def test_the_same_seed_gives_the_same_claims_and_another_seed_others(good, story):
    again = json.loads(story["well"].files["small.run.json"])
    other = json.loads(story["raise"].files["small.failed.run.json"])
    assert values_of(again) == pytest.approx(values_of(good.record), rel=1e-9)
    assert values_of(other) != pytest.approx(values_of(good.record), rel=1e-3)


def test_a_cell_that_takes_too_long_is_stopped(notebook, tmp_path):
    with pytest.raises(RunError, match=r"cell \d+ .*: the time limit of 4 s was reached"):
        run(notebook, {"mode": "sleep", "folder": str(tmp_path)}, out=tmp_path / "o", time_limit=4)
    assert visible(tmp_path / "o") == FAILED_PAIR
    if (tmp_path / "pid").exists():  # the kernel had come as far as the long cell
        assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_many_short_cells_cannot_outlast_the_time_limit(write_notebook, tmp_path):
    cells = [f"import time; time.sleep(0.4)  # cell {i}" for i in range(30)]
    notebook = write_notebook(tmp_path / "small.ipynb", *cells)
    with pytest.raises(RunError, match="the time limit of 3 s was reached"):
        run(notebook, out=tmp_path / "out", time_limit=3)
    assert visible(tmp_path / "out") == FAILED_PAIR


@pytest.fixture
def no_kernel(monkeypatch):
    """Make the start of any kernel an error."""
    from jupyter_client.provisioning import LocalProvisioner

    async def refuse(*_, **__):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(LocalProvisioner, "launch_kernel", refuse)


@pytest.mark.parametrize(
    ("parameters", "options", "message"),
    [
        ({"sise": 4}, {}, "no parameter 'sise': did you mean 'size'"),
        ({"size": "four"}, {}, "'size' got 'four' but takes int from 1 to 100"),
        ({"size": 4.5}, {}, "'size' got 4.5 but takes int from 1 to 100"),
        ({"size": 101}, {}, "'size' got 101 but takes int from 1 to 100"),
        ({"profile": "smoke"}, {}, "use --profile"),
        ({}, {"profile": "smoky"}, "no profile 'smoky': did you mean 'smoke'"),
        ({}, {"time_limit": 0}, "time limit is 0 s; it must be above 0"),
    ],
)
def test_bad_parameters_are_refused_before_any_kernel(
    notebook, tmp_path, no_kernel, parameters, options, message
):
    with pytest.raises(ParameterError) as caught:
        run(notebook, parameters, out=tmp_path / "out", **options)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_kernel_that_does_not_start_is_a_failed_run(notebook, tmp_path, no_kernel):
    with pytest.raises(RunError, match=r"the start of its kernel: .*a kernel was started"):
        run(notebook, out=tmp_path)
    assert visible(tmp_path) == FAILED_PAIR


def test_an_unknown_notebook_is_answered_with_the_nearest(tmp_path, no_kernel):
    with pytest.raises(RunError, match="'00_start_hear': did you mean '00_start_here'"):
        run("00_start_hear", out=tmp_path)
    with pytest.raises(RunError, match=r"there is no notebook at .*nowhere"):
        run(tmp_path / "nowhere.ipynb", out=tmp_path)


def test_a_file_that_is_no_notebook_is_refused(tmp_path, no_kernel):
    (tmp_path / "small.ipynb").write_text("not a notebook")
    with pytest.raises(RunError, match=r"small\.ipynb is not a notebook"):
        run(tmp_path / "small.ipynb", out=tmp_path / "out")


def test_a_run_never_replaces_the_notebook_it_runs(notebook, no_kernel):
    before = notebook.read_bytes()
    with pytest.raises(RunError, match="would replace"):
        run(notebook, out=notebook.parent)
    assert notebook.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(notebook, tmp_path, no_kernel):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot write into .*file/runs .* another --out"):
        run(notebook, out=tmp_path / "file" / "runs")


def test_load_record_accepts_the_pair_of_one_run(good):
    assert load_record(good.out, "small") == good.record


@pytest.mark.parametrize("missing", sorted(PAIR))
def test_load_record_refuses_half_a_pair(good, tmp_path, missing):
    (other,) = PAIR - {missing}
    (tmp_path / other).write_bytes((good.out / other).read_bytes())
    with pytest.raises(RunError, match=r"no complete run of small .*'sdc run small --out"):
        load_record(tmp_path, "small")


def test_load_record_refuses_files_of_different_runs(good, story, tmp_path):
    (tmp_path / "small.ipynb").write_bytes((good.out / "small.ipynb").read_bytes())
    (tmp_path / "small.run.json").write_text(story["well"].files["small.run.json"])
    with pytest.raises(RunError, match="come from different runs; run 'sdc run small --out"):
        load_record(tmp_path, "small")


def test_runs_that_finish_at_the_same_moment_are_not_mixed(tmp_path):
    n_runs, out = 4, tmp_path / "out"
    out.mkdir()
    barrier = threading.Barrier(n_runs)

    def finish(run_id: str) -> None:
        scratch = tmp_path / run_id
        scratch.mkdir()
        content = {"metadata": {"sdc_run_id": run_id}}
        barrier.wait()
        outputs.publish(out, "small", scratch, {"run_id": run_id, "error": None}, content)

    with ThreadPoolExecutor(n_runs) as pool:
        for turn in range(15):
            ids = [f"{turn}-{i}" for i in range(n_runs)]
            list(pool.map(finish, ids))
            assert load_record(out, "small")["run_id"] in ids
