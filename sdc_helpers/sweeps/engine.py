"""Start Snakemake on a sweep: its own environment, one sweep a folder at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sdc_helpers._machine import memory_available
from sdc_helpers._paths import absolute_paths, visible
from sdc_helpers.course.catalogue import course_folder
from sdc_helpers.course.errors import CourseError, RefusedError, nearest

LOCK = ".sweep.lock"


def sdc_command() -> list[str]:
    """Return how the command ``sdc`` of this environment is called from any folder."""
    return [sys.executable, "-P", "-m", "sdc_helpers.cli"]


def sweep_python() -> Path | None:
    """Return the Python of the sweeps' own environment, None where that has not been made."""
    folder = course_folder() / ".venv-sweep"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return python if python.is_file() else None


def engine_profile(name: str) -> Path:
    """Return the folder of settings that say where a sweep runs.

    Parameters
    ----------
    name : str
        ``local``, ``slurm``, ``kubernetes``, or a folder of one's own that holds ``config.yaml``.

    Raises
    ------
    RefusedError
        When there is none.
    """
    profiles = course_folder() / "workflow" / "profiles"
    for folder in (profiles / name, Path(name).expanduser().absolute()):
        if (folder / "config.yaml").is_file():
            return folder
    known = [folder.name for folder in visible(profiles)]
    raise RefusedError(f"there is nothing to run a sweep on in {name!r}: {nearest(name, known)}")


def run_engine(
    folder: Path, profile: Path, slots: int | None = None, more: Sequence[str] = ()
) -> int:
    """Run what is missing of a sweep; return Snakemake's exit code.

    Parameters
    ----------
    folder : pathlib.Path
        The sweep's folder, which holds ``sweep.json``.
    profile : pathlib.Path
        Folder of settings, see :func:`engine_profile`.
    slots : int, optional
        Runs at a time; by default what the profile says.
    more : sequence of str
        Further arguments for Snakemake.

    Raises
    ------
    CourseError
        When Snakemake's environment has not been made, or the sweep is being run already.
    """
    python = sweep_python()
    if python is None:
        raise CourseError(
            "sweeps have an environment of their own, which is not there: make it with 'make "
            "sweep-env' or 'python course.py sweep-env'"
        )
    command = [str(python), "-m", "snakemake", "--directory", str(folder)]
    command += ["--snakefile", str(course_folder() / "workflow" / "Snakefile")]
    command += ["--workflow-profile", str(profile), "--nolock"]  # ours ends with its owner
    if slots is not None:
        command += ["--cores", str(slots), "--jobs", str(slots)]
    if profile.name == "local":  # a cluster knows its own machines
        command += ["--resources", f"mem_mb={memory_available() // 1_000_000}"]
    with _alone(folder) as handles:
        environment = {**absolute_paths(os.environ), "PYTHONUTF8": "1"}
        done = subprocess.run(
            [*command, *more], cwd=folder, env=environment, pass_fds=handles, check=False
        )
    return done.returncode


@contextmanager
def _alone(folder: Path) -> Iterator[tuple[int, ...]]:
    """Hold a sweep's lock; yield what Snakemake inherits, so that it holds it as well.

    The system frees the lock when the last of both has ended, however that was.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where Snakemake's own lock has to do
        yield ()
        return
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CourseError(f"another process is running the sweep in {folder}") from None
        except OSError:
            pass  # a folder on a network without locks
        yield (handle,)
    finally:
        os.close(handle)
