"""The two files of a run, ``NAME.ipynb`` and ``NAME.run.json``: refused, written, kept, read."""

from __future__ import annotations

import json
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdc_helpers._files import private_path, remove_abandoned
from sdc_helpers.course.catalogue import Notebook
from sdc_helpers.course.errors import RefusedRunError, RunError
from sdc_helpers.course.made_by import source_identity


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes
    ----------
    notebook : pathlib.Path
        The executed notebook.
    record : dict
        Content of ``NAME.run.json``.
    """

    notebook: Path
    record: dict[str, Any]


def require_names_of_their_own(notebooks: Sequence[Notebook], folder: Path) -> None:
    """Refuse runs that would replace something that is not an earlier run of the same notebook.

    Parameters
    ----------
    notebooks : sequence of Notebook
        What is to be run into ``folder``, each once.
    folder : pathlib.Path
        Folder where the runs go.

    Raises
    ------
    RefusedRunError
        When two of them would be written under one name (names that differ in case alone are one
        on many disks), or a notebook is in the way that no run made, or one that was made from
        another notebook of this name.
    """
    taken: dict[str, Notebook] = {}
    for notebook in notebooks:
        for stem in (notebook.name, f"{notebook.name}.failed"):
            other = taken.setdefault(_folded(stem), notebook)
            if other is not notebook:
                raise RefusedRunError(
                    f"{other.path} and {notebook.path} would both be written as "
                    f"{folder / notebook.name}.ipynb; rename one, or run them one by one, each "
                    "with its own --out"
                )
    for notebook in notebooks:
        _require_nothing_else_there(notebook, folder)


def _require_nothing_else_there(notebook: Notebook, folder: Path) -> None:
    identity = source_identity(notebook, folder)
    for stem in (notebook.name, f"{notebook.name}.failed"):
        target = folder / f"{stem}.ipynb"
        if not target.exists():
            continue
        if target.samefile(notebook.path):
            raise RefusedRunError(
                f"the run would replace {notebook.path} itself; choose another --out"
            )
        if "sdc_run_id" not in (_read(target) or {}).get("metadata", {}):
            raise RefusedRunError(
                f"the run would replace {target}, which no run has made; choose another --out"
            )
        made_from = (_read(folder / f"{stem}.run.json") or {}).get("source", identity)
        if made_from != identity:
            raise RefusedRunError(
                f"{target} was made from another notebook named {notebook.name}; choose another "
                "--out, or remove it"
            )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


@contextmanager
def scratch_folder(folder: Path, name: str) -> Iterator[Path]:
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


def publish(
    folder: Path, name: str, scratch: Path, record: dict[str, Any], notebook: Any
) -> RunResult:
    """Write a run's two files, together, as no other run does so.

    Parameters
    ----------
    folder : pathlib.Path
        Folder where the files go.
    name : str
        The notebook's name.
    scratch : pathlib.Path
        The run's own folder inside ``folder``.
    record : dict
        Content for ``NAME.run.json``.
    notebook : dict or None
        The executed notebook as JSON; None where no kernel came as far as a notebook.

    Returns
    -------
    RunResult

    Raises
    ------
    RunError
        When the run failed, naming the notebook so far; or when ``folder`` cannot be written any
        more, naming the folder where the two files are instead.
    """
    failed = record["error"] is not None
    stem = f"{name}.failed" if failed else name
    outcome = f"{name} failed in {record['error']}" if failed else f"{name} ran to its end"
    try:
        _write_pair(scratch, "notebook", record, notebook)
        _move_pair(folder, name, stem, scratch)
    except OSError as error:
        there = _keep_elsewhere(stem, record, notebook)
        raise RunError(
            f"{outcome}; {folder} could not be written ({error.strerror or error}). "
            + (f"Its files are kept in {there}" if there else f"Nor could {_elsewhere()}")
            + "; free some space or choose another --out"
        ) from None
    if failed:
        so_far = f". The notebook so far: {folder / stem}.ipynb" if notebook is not None else ""
        raise RunError(outcome + so_far)
    return RunResult(folder / f"{stem}.ipynb", record)


def _write_pair(folder: Path, stem: str, record: dict[str, Any], notebook: Any) -> None:
    if notebook is not None:
        write_json(folder / f"{stem}.ipynb", notebook)
    write_json(folder / f"{stem}.run.json", record)


def _move_pair(folder: Path, name: str, stem: str, scratch: Path) -> None:
    from filelock import FileLock

    with FileLock(folder / f".{name}.lock"):
        for suffix in (".run.json", ".ipynb"):
            (folder / f"{name}.failed{suffix}").unlink(missing_ok=True)
        # without its record a notebook is no output: see load_record
        (folder / f"{stem}.run.json").unlink(missing_ok=True)
        if (scratch / "notebook.ipynb").is_file():
            (scratch / "notebook.ipynb").replace(folder / f"{stem}.ipynb")
        (scratch / "notebook.run.json").replace(folder / f"{stem}.run.json")


def _keep_elsewhere(stem: str, record: dict[str, Any], notebook: Any) -> Path | None:
    """Write the two files where temporary files go; None where that is impossible as well."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="sdc-run-"))
        _write_pair(folder, stem, record, notebook)
    except OSError:
        return None
    return folder


def _elsewhere() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "any folder for temporary files"


def load_record(folder: Path, name: str) -> dict[str, Any]:
    """Read the record of a complete run and check that it belongs to the notebook beside it.

    Parameters
    ----------
    folder : pathlib.Path
        Folder where :func:`sdc_helpers.course.runner.run` wrote.
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
    record, content = _read(file), _read(notebook)
    if record is None or content is None:
        broken = file if record is None else notebook
        raise RunError(f"{broken} is not what a run has written; {remedy}")
    if content.get("metadata", {}).get("sdc_run_id") != record.get("run_id"):
        raise RunError(f"{notebook} and {file.name} come from different runs; {remedy}")
    return record


def is_made(folder: Path, name: str, made_by: str) -> dict[str, Any] | None:
    """Return the record of a complete run that was made by what is there now, if there is one.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the runs.
    name : str
        The notebook's name.
    made_by : str
        The digest that a run would have now: :func:`sdc_helpers.course.made_by.digest`.

    Returns
    -------
    dict or None
    """
    try:
        record = load_record(folder, name)
    except RunError:
        return None
    complete = record.get("status") == "complete" and record.get("made_by") == made_by
    return record if complete else None


def write_json(path: Path, content: Any) -> None:
    """Write JSON as UTF-8, names of files that the locale could not read among it."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half a character, printed by a cell
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read(file: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; None where there is none, or it is something else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
