"""Run notebooks: checked parameters in, a complete notebook and its record out."""

from __future__ import annotations

import json
import platform
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdc_helpers._machine import usable_cores
from sdc_helpers._paths import absolute, cache_root, data_root
from sdc_helpers.course import claims, left_files, made_by, outputs, provenance
from sdc_helpers.course.catalogue import Notebook, course_folder, find_notebook
from sdc_helpers.course.errors import CourseError, ParameterError, RunError, nearest
from sdc_helpers.course.kernel_clock import KernelClock
from sdc_helpers.course.notebook import PROFILES, START_MIME
from sdc_helpers.course.outputs import RunResult, load_record

__all__ = ["TIME_LIMITS", "RunResult", "check_parameters", "load_record", "output_folder", "run"]

TIME_LIMITS: dict[str, float | None] = {"smoke": 300, "workshop": 900, "full": None}


def run(
    name: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    profile: str = "workshop",
    out: str | Path | None = None,
    time_limit: float | None = None,
    on_cell: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Run one notebook in a fresh kernel, which works in the current folder.

    So a relative path means the same in the notebook as where the run is asked for: a parameter,
    a default, ``SDC_DATA``. A file that the notebook writes stays there, and is named in the record
    (``files``, relative to that folder).

    Parameters
    ----------
    name : str or pathlib.Path
        A notebook of the course (``"09"`` or ``"13_cka_pitfalls"``) or the path of an ``.ipynb``.
    parameters : mapping, optional
        Values for its parameters cell.
    profile : {"smoke", "workshop", "full"}
        How much to compute; also sets the time limit (300 s, 900 s, none). Seconds in which the
        kernel only waits for a processor that others are using do not count.
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
        Before any kernel starts: no such notebook, a folder that cannot be written, something
        else under the name of the output. Later: a cell fails, the time is up or the kernel dies;
        then ``NAME.failed.ipynb`` is kept. Or the disk is full by then: the files are kept where
        the message says.
    """
    notebook = find_notebook(name)
    values = check_parameters(notebook, parameters or {}, profile)
    folder = output_folder(out)
    outputs.require_names_of_their_own([notebook], folder)
    check_time_limit(time_limit)
    clock = KernelClock(TIME_LIMITS[profile] if time_limit is None else time_limit)
    watch = _Watch(clock, on_cell)
    record = _new_record(notebook, values, folder)
    with outputs.scratch_folder(folder, notebook.name) as scratch:
        here, apart = _current_folder(), (folder, data_root(), cache_root())
        before = left_files.snapshot(here, apart)
        started = time.monotonic()
        try:
            _execute(notebook.path, values, here, watch)
        except Exception as error:
            record["error"] = _describe(error, watch)
        else:
            watch.finished()
        record["seconds"] = round(time.monotonic() - started, 2)
        record["seconds_waited"] = round(clock.waited, 2)
        record["threads"] = int(watch.threads or usable_cores())
        record["files"] = left_files.written(before, left_files.snapshot(here, apart))
        record.update(watch.usage)
        executed = _finish_record(record, watch.notebook)
        return outputs.publish(folder, notebook.name, scratch, record, executed)


def output_folder(out: str | Path | None) -> Path:
    """Return where runs are written: ``out``, or ``build/runs`` of the course without it."""
    return absolute(out) if out else course_folder() / "build" / "runs"


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        reason = f"the current folder cannot be used ({error.strerror}); change to another"
        raise RunError(reason) from None


def check_time_limit(limit: float | None) -> None:
    """Refuse a time limit, in seconds, that is not above 0; None is no limit of one's own.

    Raises
    ------
    ParameterError
        Naming the limit.
    """
    if limit is not None and not limit > 0:
        raise ParameterError(f"the time limit is {limit:g} s; it must be above 0")


def check_parameters(
    notebook: Notebook, parameters: Mapping[str, Any], profile: str
) -> dict[str, Any]:
    """Check what a notebook is to be run with; nothing is started.

    Parameters
    ----------
    notebook : Notebook
        Notebook that is to be run.
    parameters : mapping
        Values for its parameters cell, without the profile.
    profile : str
        Profile: "smoke", "workshop" or "full".

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
        self, clock: KernelClock, on_cell: Callable[[int, int], None] | None = None
    ) -> None:
        self.clock = clock
        self.on_cell = on_cell
        self.notebook: Any = None
        self.threads: str | None = None
        self.source = ""
        self.number = 0
        self.usage: dict[str, Any] = {"peak_memory_mb": None, "gpu_peak_memory_mb": None}

    @property
    def total(self) -> int:
        return len(self.notebook.cells)

    def cell_started(self, cell: Any, cell_index: int) -> None:
        # papermill's own cell is none of the notebook's: the number is that of the cell as written
        self.number += "injected-parameters" not in cell.metadata.get("tags", [])
        self.source = cell.source
        if self.clock.check():
            raise TimeoutError
        if self.on_cell:
            self.on_cell(cell_index, self.total)

    def finished(self) -> None:
        if self.on_cell:
            self.on_cell(self.total, self.total)


def _execute(source: Path, parameters: dict[str, Any], cwd: Path, watch: _Watch) -> None:
    """Run the cells; ``watch.notebook`` has what came of them, also where this raises."""
    import papermill

    from sdc_helpers.course import engine

    engine.register()
    executed = papermill.execute_notebook(
        _literal(source),
        None,  # written once, at the end: a disk that fills up takes no cell with it
        parameters=parameters,
        engine_name="sdc",
        kernel_name="python3",
        language="python",
        progress_bar=False,
        watch=watch,
        resources={"metadata": {"path": str(cwd)}},
    )
    if executed.metadata["papermill"]["exception"]:  # papermill takes sys.exit() for success
        raise RunError("the cell ended the notebook with sys.exit()")


def _literal(path: Path) -> str:
    """Write a path so that papermill, which fills in ``{names}``, leaves it as it is."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _new_record(notebook: Notebook, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    defaults = notebook.schema.validate(values).model_dump()
    return {
        "schema": 1,
        "name": notebook.name,
        "title": notebook.title,
        "source": made_by.source_identity(notebook, folder),
        "made_by": made_by.digest(notebook, values),
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


def _finish_record(record: dict[str, Any], executed: Any) -> Any:
    """Add what the executed notebook says of itself; return it marked with the run's identifier."""
    import nbformat

    record["status"] = "failed" if record["error"] else "complete"
    if executed is None:
        return None
    content = json.loads(nbformat.writes(executed))
    record["claims"] = claims.collect(content)
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            if START_MIME in output.get("data", {}):
                record["parameters"] = output["data"][START_MIME]["parameters"]
    content["metadata"]["sdc_run_id"] = record["run_id"]
    for key in ("input_path", "output_path"):  # papermill's: folders of the machine it ran on
        content["metadata"].get("papermill", {}).pop(key, None)
    return content


def _describe(error: Exception, watch: _Watch) -> str:
    """Say in one line which cell failed and how."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        what = f"{error.ename}: {error.evalue}"
    elif watch.clock.is_over:
        what = f"the time limit of {watch.clock.limit:g} s was reached"
        if watch.clock.waited >= 1:
            what += f", without {watch.clock.waited:.0f} s of waiting for busy processors"
    elif isinstance(error, DeadKernelError):
        what = "the kernel died (often: out of memory)"
    elif isinstance(error, CourseError):
        what = str(error)
    else:
        what = f"{type(error).__name__}: {error}"
    first = next((line.strip() for line in watch.source.splitlines() if line.strip()), "")
    where = f"cell {watch.number} ({first[:60]!r})" if watch.number else "the start of its kernel"
    return f"{where}: " + " ".join(what.split())
