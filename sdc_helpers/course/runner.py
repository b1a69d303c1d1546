"""Run notebooks: checked parameters in, a complete notebook and its record out."""

from __future__ import annotations

import json
import math
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

from sdc_helpers._files import private_path, remove_abandoned
from sdc_helpers.course import claims, provenance
from sdc_helpers.course.catalogue import Notebook, course_folder, find_notebook
from sdc_helpers.course.errors import CourseError, ParameterError, RunError, nearest
from sdc_helpers.course.notebook import PROFILES, START_MIME

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
        Called with (cells done, cells in all) before each cell and at the end.

    Returns
    -------
    RunResult

    Raises
    ------
    ParameterError
        Before any kernel starts: an unknown name, a wrong type, a value out of range.
    RunError
        Before any kernel starts: no such notebook, a folder that cannot be written. Later: a cell
        fails, the time is up or the kernel dies; then ``NAME.failed.ipynb`` is kept.
    """
    notebook = find_notebook(name)
    values = check_parameters(notebook, parameters or {}, profile)
    folder = Path(out).expanduser().resolve() if out else course_folder() / "build" / "runs"
    if folder / f"{notebook.name}.ipynb" == notebook.path:
        raise RunError(f"the run would replace {notebook.path} itself; choose another --out")
    watch = _Watch(TIME_LIMITS[profile] if time_limit is None else time_limit, on_cell)
    record = _new_record(notebook, values)
    with _scratch(folder, notebook.name) as scratch:
        executed = scratch / "notebook.ipynb"
        started = time.monotonic()
        try:
            _execute(notebook.path, executed, values, scratch, watch)
        except Exception as error:
            record["error"] = _describe(error, watch)
        else:
            watch.finished()
        record["seconds"] = round(time.monotonic() - started, 2)
        record.update(watch.usage)
        _finish_record(record, executed)
        _write_json(scratch / "run.json", record)
        return _publish(folder, notebook.name, scratch, record)


def check_parameters(
    notebook: Notebook, parameters: Mapping[str, Any], profile: str
) -> dict[str, Any]:
    """Check what a notebook is to be run with; nothing is started.

    Parameters
    ----------
    notebook : Notebook
        What is to be run.
    parameters : mapping
        Values for its parameters cell, without the profile.
    profile : str
        One of "smoke", "workshop" and "full".

    Returns
    -------
    dict
        The values to inject, the profile among them.

    Raises
    ------
    ParameterError
        Naming what is wrong, and what would be right.
    """
    if profile not in PROFILES:
        raise ParameterError(f"there is no profile {profile!r}: {nearest(profile, PROFILES)}")
    if "profile" in parameters:
        raise ParameterError("the profile is not given as a parameter: use --profile")
    values = {**parameters, "profile": profile}
    notebook.schema.validate(values)
    return values


class _Watch:
    """What the engine reports while a notebook runs, and what it is told."""

    def __init__(
        self, limit: float | None, on_cell: Callable[[int, int], None] | None = None
    ) -> None:
        if limit is not None and not limit > 0:
            raise ParameterError(f"the time limit is {limit:g} s; it must be above 0")
        self.limit = limit
        self.deadline = math.inf if limit is None else time.monotonic() + limit
        self.on_cell = on_cell
        self.total = 0
        self.source = ""
        self.number = 0
        self.usage: dict[str, Any] = {"peak_memory_mb": None, "gpu_peak_memory_mb": None}

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self.deadline

    def cell_timeout(self, cell: Any) -> int | None:
        remaining = self.deadline - time.monotonic()
        return None if remaining == math.inf else max(1, math.ceil(remaining))

    def cell_started(self, cell: Any, cell_index: int) -> None:
        # papermill's own cell is none of the notebook's: the number is that of the cell as written
        self.number += "injected-parameters" not in cell.metadata.get("tags", [])
        self.source = cell.source
        if self.is_late:
            raise TimeoutError
        if self.on_cell:
            self.on_cell(cell_index, self.total)

    def finished(self) -> None:
        if self.on_cell:
            self.on_cell(self.total, self.total)


def _execute(
    source: Path, target: Path, parameters: dict[str, Any], cwd: Path, watch: _Watch
) -> None:
    import papermill
    from papermill.engines import papermill_engines

    from sdc_helpers.course.engine import WatchedEngine

    papermill_engines.register("sdc", WatchedEngine)
    executed = papermill.execute_notebook(
        _literal(source),
        _literal(target),
        parameters=parameters,
        engine_name="sdc",
        kernel_name="python3",
        progress_bar=False,
        watch=watch,
        resources={"metadata": {"path": str(cwd)}},
    )
    if executed.metadata["papermill"]["exception"]:  # papermill takes sys.exit() for success
        raise RunError("the cell ended the notebook with sys.exit()")


def _literal(path: Path) -> str:
    """Write a path so that papermill, which fills in ``{names}``, leaves it as it is."""
    return str(path).replace("{", "{{").replace("}", "}}")


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


def _describe(error: Exception, watch: _Watch) -> str:
    """Say in one line which cell failed and how."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        what = f"{error.ename}: {error.evalue}"
    elif isinstance(error, DeadKernelError):
        what = "the kernel died (often: out of memory)"
    elif watch.is_late:
        what = f"the time limit of {watch.limit:g} s was reached"
    elif isinstance(error, CourseError):
        what = str(error)
    else:
        what = f"{type(error).__name__}: {error}"
    first = next((line.strip() for line in watch.source.splitlines() if line.strip()), "")
    where = f"cell {watch.number} ({first[:60]!r})" if watch.number else "the start of its kernel"
    return f"{where}: " + " ".join(what.split())


@contextmanager
def _scratch(folder: Path, name: str) -> Iterator[Path]:
    """Give a run a hidden folder of its own inside ``folder``; clear those of killed runs."""
    scratch = private_path(folder / name, ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder, suffix=".partial")
        scratch.mkdir()
    except OSError as error:
        reason = f"cannot write into {folder} ({error.strerror}); choose another --out"
        raise RunError(reason) from None
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
        for suffix in (".run.json", ".ipynb"):
            (folder / f"{name}.failed{suffix}").unlink(missing_ok=True)
        # without its record a notebook is no output: see load_record
        (folder / f"{stem}.run.json").unlink(missing_ok=True)
        if (scratch / "notebook.ipynb").is_file():
            (scratch / "notebook.ipynb").replace(target)
        (scratch / "run.json").replace(folder / f"{stem}.run.json")
    if failed:
        kept = f". The notebook so far: {target}" if target.is_file() else ""
        raise RunError(f"{name} failed in {record['error']}{kept}")
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
    remedy = f"run 'sdc run {name} --out {folder}'"
    if not (file.is_file() and notebook.is_file()):
        raise RunError(f"no complete run of {name} in {folder}; {remedy}")
    record = json.loads(file.read_text())
    if json.loads(notebook.read_text())["metadata"].get("sdc_run_id") != record["run_id"]:
        raise RunError(f"{notebook} and {file.name} come from different runs; {remedy}")
    return record


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
