"""What a run record says of where it ran: packages, revision, hardware, memory."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from sdc_helpers._machine import memory_total, usable_cores

__all__ = [
    "QUIET",
    "git_revision",
    "hardware",
    "kernel_usage",
    "package_versions",
    "peak_memory_mb",
    "processor_name",
    "usable_cores",
]
# For a kernel that we start: nothing of its own log on our terminal; errors come as messages.
QUIET = ("--log-level=CRITICAL",)
_PACKAGES = (
    "sdc-helpers",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "torch",
    "torchvision",
    "nilearn",
    "matplotlib",
    "papermill",
    "nbclient",
    "open_clip_torch",
)


def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages that decide a result."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_revision(folder: Path | None) -> str | None:
    """Return the commit of a folder, ``+changes`` added when the tree differs from it.

    Parameters
    ----------
    folder : pathlib.Path or None
        Any folder of a git work tree.

    Returns
    -------
    str or None
        None outside git, or where git is not installed.
    """
    if folder is None:
        return None
    try:
        revision = _git(folder, "rev-parse", "HEAD")
        return revision + ("+changes" if _git(folder, "status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=True, timeout=20
    ).stdout.strip()


def hardware() -> dict[str, Any]:
    """Return the processor, cores, memory (GB) and GPU that this process may use."""
    from sdc_helpers.course.notebook import cuda_available

    gpu = None
    if cuda_available():
        import torch

        gpu = torch.cuda.get_device_name()
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "memory_gb": round(memory_total() / 1e9, 1),
        "gpu": gpu,
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor_name() -> str:
    """Return what the processor calls itself."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def peak_memory_mb() -> float:
    """Return the highest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # unlike getrusage, not inherited from the process that started this one
        for line in status.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
    if sys.platform != "win32":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (peak if sys.platform == "darwin" else peak * 1024) / 1e6
    import psutil

    return psutil.Process().memory_info().peak_wset / 1e6


def kernel_usage() -> dict[str, float | None]:
    """Return this process's peak memory, and the GPU's where torch used one, in MB."""
    torch = sys.modules.get("torch")
    gpu = None
    if torch is not None and torch.cuda.is_initialized():
        gpu = torch.cuda.max_memory_allocated() / 1e6
    return {"peak_memory_mb": round(peak_memory_mb(), 1), "gpu_peak_memory_mb": gpu}
