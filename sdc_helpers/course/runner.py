"""Run notebooks: checked parameters in, a complete notebook and its record out."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdc_helpers.course import claims, provenance
from sdc_helpers.course.catalogue import Notebook, course_folder, find_notebook
from sdc_helpers.course.errors import RunError
from sdc_helpers.course.notebook import START_MIME

TIME_LIMITS: dict[str, float | None] = {"smoke": 300, "workshop": 900, "full": None}


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes
    ----------
    notebook : pathlib.Path
        The executed notebook.
    record : dict
        What ``NAME.run.json`` holds.
    """

    notebook: Path
    record: dict[str, Any]


def run(
    name: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    profile: str = "workshop",
    out: str | Path | None = None,
    time_limit: float | None = None,
    on_cell: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Run one notebook in a fresh kernel.

    Parameters
    ----------
    name : str or pathlib.Path
        A notebook of the course (``"09"`` or ``"09_cka_pitfalls"``) or the path of an ``.ipynb``.
    parameters : mapping, optional
        Values for its parameters cell.
    profile : {"smoke", "workshop", "full"}
        How much to compute; also sets the time limit (300 s, 900 s, none).
    out : path, optional
        Folder for ``NAME.ipynb`` and ``NAME.run.json``; ``build/runs`` of the course by default.
    time_limit : float, optional
        Seconds for the whole notebook, instead of the profile's.
    on_cell : callable, optional
        Called with (cells done, cells in all) after each code or text cell.

    Returns
    -------
    RunResult

    Raises
    ------
    ParameterError
        Before any kernel starts: an unknown name, a wrong type, a value out of range.
    RunError
        When a cell fails, the time is up or the kernel dies. ``NAME.failed.ipynb`` is kept.
    """
    notebook = find_notebook(name)
    values = {**(parameters or {}), "profile": profile}
    notebook.schema.validate(values)
    folder = Path(out).expanduser().resolve() if out else course_folder() / "build" / "runs"
    limit = time_limit if time_limit is not None else TIME_LIMITS[profile]
    watch = _Watch(deadline=time.monotonic() + limit if limit else None, on_cell=on_cell)
    record = _new_record(notebook, values)
    with _scratch(folder, notebook.name) as scratch:
        executed = scratch / "notebook.ipynb"
        started = time.monotonic()
        try:
            _execute(notebook.path, executed, values, scratch, watch)
        except Exception as error:
            record["error"] = _describe(error, watch, limit)
        else:
            watch.finished()
        record["seconds"] = round(time.monotonic() - started, 2)
        record.update(watch.usage)
        _finish_record(record, executed)
        _write_json(scratch / "run.json", record)
        return _publish(folder, notebook.name, scratch, record)


class _Watch:
    """What the engine reports while a notebook runs, and what it is told."""

    def __init__(
        self, deadline: float | None, on_cell: Callable[[int, int], None] | None = None
    ) -> None:
        self.deadline = deadline
        self.on_cell = on_cell
        self.total = 0
        self.source = ""
        self.index = -1
        self.usage: dict[str, Any] = {"peak_memory_mb": None, "gpu_peak_memory_mb": None}

    def cell_timeout(self, cell: Any) -> int | None:
        if self.deadline is None:
            return None
        return max(1, int(self.deadline - time.monotonic()))

    def cell_started(self, cell: Any, cell_index: int) -> None:
        self.index, self.source = cell_index, cell.source

    def finished(self) -> None:
        if self.on_cell:
            self.on_cell(self.total, self.total)

    def cell_done(self, cell: Any, cell_index: int) -> None:
        if self.on_cell:
            self.on_cell(cell_index + 1, self.total)


def _execute(
    source: Path, target: Path, parameters: dict[str, Any], cwd: Path, watch: _Watch
) -> None:
    import papermill
    from papermill.engines import papermill_engines

    from sdc_helpers.course.engine import WatchedEngine

    papermill_engines.register("sdc", WatchedEngine)
    papermill.execute_notebook(
        str(source),
        str(target),
        parameters=parameters,
        engine_name="sdc",
        kernel_name="python3",
        progress_bar=False,
        watch=watch,
        resources={"metadata": {"path": str(cwd)}},
    )


def _new_record(notebook: Notebook, values: dict[str, Any]) -> dict[str, Any]:
    defaults = notebook.schema.validate(values).model_dump()
    return {
        "schema": 1,
        "name": notebook.name,
        "title": notebook.title,
        "run_id": uuid.uuid4().hex,
        "status": "running",
        "error": None,
        "profile": values["profile"],
        "seed": defaults["seed"],
        "parameters": defaults,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": provenance.package_versions(),
        "git_revision": provenance.git_revision(notebook.path.parent),
        "hardware": provenance.hardware(),
        "claims": [],
    }


def _finish_record(record: dict[str, Any], executed: Path) -> None:
    """Add what the executed notebook says of itself, and mark it with the run's identifier."""
    record["status"] = "failed" if record["error"] else "complete"
    if not executed.is_file():
        return
    content = json.loads(executed.read_text())
    record["claims"] = claims.collect(content)
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            if START_MIME in output.get("data", {}):
                record["parameters"] = output["data"][START_MIME]["parameters"]
    content["metadata"]["sdc_run_id"] = record["run_id"]
    for key in ("input_path", "output_path"):  # papermill's: folders of the machine it ran on
        content["metadata"].get("papermill", {}).pop(key, None)
    _write_json(executed, content)


def _describe(error: Exception, watch: _Watch, limit: float | None) -> str:
    """Say in one line which cell failed and how."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    source, index = watch.source, watch.index
    if isinstance(error, PapermillExecutionError):
        what = f"{error.ename}: {error.evalue}"
        source = error.source
    elif isinstance(error, CellTimeoutError):
        what = f"the time limit of {limit:.0f} s for this profile was reached"
    elif isinstance(error, DeadKernelError):
        what = "the kernel died (often: out of memory)"
    else:
        what = f"{type(error).__name__}: {error}"
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return f"cell {index + 1} ({first[:60]!r}): " + " ".join(what.split())


@contextmanager
def _scratch(folder: Path, name: str) -> Iterator[Path]:
    """Give a run a hidden folder of its own inside ``folder``; clear those of killed runs."""
    import psutil

    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".*.partial"):
        pid = left.name.split(".")[-2].split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    scratch = folder / f".{name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.partial"
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _publish(folder: Path, name: str, scratch: Path, record: dict[str, Any]) -> RunResult:
    """Move a run's two files to their names, together, as no other run does so."""
    from filelock import FileLock

    failed = record["error"] is not None
    stem = f"{name}.failed" if failed else name
    target = folder / f"{stem}.ipynb"
    with FileLock(folder / f".{name}.lock"):
        if not failed:
            for stale in (f"{name}.failed.ipynb", f"{name}.failed.run.json"):
                (folder / stale).unlink(missing_ok=True)
        (folder / f"{stem}.run.json").unlink(missing_ok=True)
        if (scratch / "notebook.ipynb").is_file():
            (scratch / "notebook.ipynb").replace(target)
        (scratch / "run.json").replace(folder / f"{stem}.run.json")
    if failed:
        raise RunError(f"{name} failed in {record['error']}. The notebook so far: {target}")
    return RunResult(target, record)


def load_record(folder: Path, name: str) -> dict[str, Any]:
    """Read the record of a complete run and check that it belongs to the notebook beside it.

    Parameters
    ----------
    folder : pathlib.Path
        Where :func:`run` wrote.
    name : str
        The notebook's name.

    Returns
    -------
    dict

    Raises
    ------
    RunError
        When there is no complete run, or notebook and record come from different runs.
    """
    file, notebook = folder / f"{name}.run.json", folder / f"{name}.ipynb"
    if not (file.is_file() and notebook.is_file()):
        raise RunError(
            f"no complete run of {name} in {folder}; run 'sdc run {name} --out {folder}'"
        )
    record = json.loads(file.read_text())
    if json.loads(notebook.read_text())["metadata"].get("sdc_run_id") != record["run_id"]:
        raise RunError(f"{notebook} and {file.name} come from different runs; run 'sdc run {name}'")
    return record


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
