"""What Snakemake makes of a sweep: on this machine, where its environment is made."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from sdc_helpers.course.errors import CourseError
from sdc_helpers.sweeps import engine, plan_sweep, read_grid

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflow"


def test_the_grid_that_is_shipped_can_be_run():
    planned = plan_sweep(read_grid(WORKFLOW / "sweep.yaml"))
    assert len(planned.points) == 12


@pytest.mark.parametrize("name", ["local", "slurm", "kubernetes"])
def test_every_profile_lets_points_fail_and_trusts_what_is_there(name):
    profile = engine.engine_profile(name)
    settings = yaml.safe_load((profile / "config.yaml").read_text(encoding="utf-8"))
    assert settings["keep-going"] is True
    assert settings["ignore-incomplete"] is True
    assert settings["rerun-triggers"] == ["mtime"]
    assert settings.get("executor", "local") == name


def test_every_pin_of_the_lock_has_hashes_and_no_line_an_address():
    text = (WORKFLOW / "requirements.lock").read_text(encoding="utf-8")
    pins = [line for line in text.replace("\\\n", " ").splitlines() if line[:1].isalnum()]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    assert "://" not in text
    wanted = (WORKFLOW / "requirements.in").read_text(encoding="utf-8")
    for line in (li for li in wanted.splitlines() if not li.startswith("#")):
        name = re.match(r"[\w-]+", line)[0]
        assert any(pin.startswith(f"{name}==") for pin in pins), name


def test_the_course_has_no_snakemake_of_its_own():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "\nsnakemake==" not in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not any(line.startswith("snakemake") for line in project["dependencies"])


@pytest.mark.slow
def test_each_point_runs_once_what_failed_again_and_a_new_seed_alone(
    needs_snakemake, asked, write_sweep, tmp_path
):
    folder, local = tmp_path / "my sweep's", engine.engine_profile("local")
    write_sweep(folder, 0, 1, 2, failing=1)
    assert engine.run_engine(folder, local, 2) == 1
    first, *runs = asked()
    assert first[1] == ["data", "fetch", "it's all"]
    assert sorted(where for where, *_ in runs) == ["seed~0", "seed~1", "seed~1", "seed~2"]
    assert {threads for *_, threads in runs} == {"1"}
    expected = ["run", "small", "--profile", "smoke", "--out", ".", "--keep", "-p", "seed=2"]
    [words] = [words for where, words, _ in runs if where == "seed~2"]
    assert words[:9] == expected
    assert "sdc: trouble" in (folder / "seed~1" / "sdc.log").read_text(encoding="utf-8")

    write_sweep(folder, 0, 1, 2, 3)  # mended, and one more seed
    (folder / "seed~0" / "small.ipynb").unlink()
    assert engine.run_engine(folder, local, 2) == 0
    assert sorted(where for where, *_ in asked()) == ["seed~0", "seed~1", "seed~3"]


def test_a_folder_has_one_sweep_at_a_time_and_a_killed_one_holds_nothing(
    needs_snakemake, write_sweep, tmp_path
):
    fcntl = pytest.importorskip("fcntl", reason="locks of POSIX")
    write_sweep(tmp_path / "s", 0)
    with (tmp_path / "s" / engine.LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CourseError, match="another process is running the sweep"):
            engine.run_engine(tmp_path / "s", engine.engine_profile("local"))
    with engine._alone(tmp_path / "s") as handles:  # the system has freed it
        sleeper = subprocess.Popen(["sleep", "60"], pass_fds=handles)
    try:  # Snakemake lives on without its parent, and holds it still
        with pytest.raises(CourseError, match="another process"), engine._alone(tmp_path / "s"):
            pass
    finally:
        sleeper.kill()
        sleeper.wait()
    with engine._alone(tmp_path / "s"):
        pass
