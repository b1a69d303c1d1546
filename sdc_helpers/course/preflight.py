"""Is this machine ready? One line a question, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from sdc_helpers._machine import memory_available
from sdc_helpers.course.errors import RefusedError
from sdc_helpers.course.provenance import QUIET

MEMORY_GB = {"smoke": 2.0, "workshop": 4.0, "full": 8.0}
DISK_GB = {"smoke": 0.5, "workshop": 1.0, "full": 10.0}


@dataclass(frozen=True)
class Check:
    """One answer.

    Attributes
    ----------
    name : str
        Name of what was looked at.
    state : {"ok", "note", "fail"}
        ``note`` limits what can be done; ``fail`` stops it.
    detail : str
        Sentence that says what was found.
    remedy : str
        What to do; empty when there is nothing.
    """

    name: str
    state: Literal["ok", "note", "fail"]
    detail: str
    remedy: str = ""


def run_checks(
    profile: str = "workshop",
    *,
    data_folder: Path,
    data: Callable[[], Iterable[tuple[str, bool, str]]] = tuple,
) -> list[Check]:
    """Look at everything a run needs.

    Parameters
    ----------
    profile : {"smoke", "workshop", "full"}
        Decides how much memory and disk is asked for.
    data_folder : pathlib.Path
        Folder where what is simulated and computed is kept.
    data : callable
        Returns (dataset, present, what to do) for each dataset; passed in, since the course
        machinery knows no dataset.

    Returns
    -------
    list of Check

    Raises
    ------
    RefusedError
        When there is no such profile.
    """
    if profile not in MEMORY_GB:
        raise RefusedError(f"there is no profile {profile!r}; use one of {', '.join(MEMORY_GB)}")
    checks = [_python(), _packages(), _memory(profile), _disk(profile, data_folder)]
    checks += [_gpu(profile), _kernel()]
    for name, present, remedy in data():
        state: Literal["ok", "note"] = "ok" if present else "note"
        checks.append(
            Check(
                f"data {name}",
                state,
                "present" if present else "not here",
                "" if present else remedy,
            )
        )
    return checks


def is_ready(checks: Iterable[Check]) -> bool:
    """Return whether nothing failed."""
    return all(c.state != "fail" for c in checks)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= (3, 11):  # noqa: UP036 (an installed package may be run elsewhere)
        return Check("Python", "ok", version)
    return Check("Python", "fail", version, "install Python 3.11 or newer, then run 'make env'")


def _packages() -> Check:
    from packaging.requirements import Requirement

    wrong = []
    try:
        texts = metadata.requires("sdc-helpers") or []
    except metadata.PackageNotFoundError:
        return Check("packages", "fail", "sdc-helpers is not installed", "run 'make env'")
    required = [
        requirement
        for requirement in map(Requirement, texts)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    for requirement in required:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if not wrong:
        wrong = _torch_pair()
    if wrong:
        return Check("packages", "fail", "; ".join(wrong), "run 'make env' in the course folder")
    return Check("packages", "ok", f"{len(required)} requirements met")


def _torch_pair() -> list[str]:
    try:
        import torchvision  # noqa: F401  (fails at import when it does not match torch)
    except Exception as error:
        return [f"torch and torchvision do not match ({type(error).__name__}: {error})"]
    return []


def _memory(profile: str) -> Check:
    free, need = memory_available() / 1e9, MEMORY_GB[profile]
    detail = f"{free:.1f} GB available, profile {profile} needs {need:g}"
    if free >= need:
        return Check("memory", "ok", detail)
    return Check("memory", "fail", detail, "close other programs, or use --profile smoke")


def _disk(profile: str, folder: Path) -> Check:
    existing = next(p for p in (folder, *folder.parents) if os.path.lexists(p))
    if not existing.is_dir():
        return Check("disk", "fail", f"{existing} is not a folder", "set SDC_DATA to a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        remedy = "set SDC_DATA to a folder that you can write into, or SDC_CACHE beside it"
        return Check("disk", "fail", f"{existing} cannot be written into", remedy)
    free, need = shutil.disk_usage(existing).free / 1e9, DISK_GB[profile]
    detail = f"{free:.1f} GB free for {folder}, profile {profile} needs {need:g}"
    if free >= need:
        return Check("disk", "ok", detail)
    return Check("disk", "fail", detail, "free some space, or set SDC_DATA to another disk")


def _gpu(profile: str) -> Check:
    from sdc_helpers.course.notebook import cuda_available

    if cuda_available():
        import torch

        return Check("GPU", "ok", torch.cuda.get_device_name())
    remedy = "nothing to do: cells for a GPU say what they would compute"
    return Check("GPU", "note" if profile == "full" else "ok", "no CUDA device", remedy)


def _kernel() -> Check:
    """Start a real kernel and ask it for the package."""
    from jupyter_client.manager import start_new_kernel

    remedy = "run 'make env'; if a kernel of your own is named python3, 'jupyter kernelspec list'"
    try:
        manager, client = start_new_kernel(
            startup_timeout=60,
            kernel_name="python3",
            extra_arguments=list(QUIET),
            cwd=tempfile.gettempdir(),  # not the course folder, whose files it would find anyway
        )
    except Exception as error:
        return Check("kernel", "fail", f"python3 does not start: {error}", remedy)
    try:
        ask = {"where": "__import__('sys').prefix", "package": "__import__('sdc_helpers').__name__"}
        reply = client.execute_interactive("", silent=True, user_expressions=ask, timeout=60)
        answers = reply["content"]["user_expressions"]
    except Exception as error:
        return Check("kernel", "fail", f"python3 starts but does not answer: {error}", remedy)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if answers["package"]["status"] != "ok":
        where = answers["where"].get("data", {}).get("text/plain", "?")
        return Check("kernel", "fail", f"python3 runs {where}, without sdc_helpers", remedy)
    return Check("kernel", "ok", "python3 starts and finds sdc_helpers")
