"""The wheels that ``requirements.lock`` means on any system: which they are, and fetching them."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import subprocess
import tomllib
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging import tags
from packaging.markers import Marker
from packaging.utils import parse_wheel_filename

from sdc_helpers.course.errors import CourseError

PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_MACOS = (14, 0)
_BLOCK = 1 << 16
_TRIES = 4
_TIMEOUT_S = 60
OLDEST_GLIBC = 28  # 2.28: what PyTorch asks for
_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
SYSTEMS: dict[str, dict[str, str]] = {
    "linux": {**_LINUX, "platform_machine": "x86_64"},
    "linux-arm64": {**_LINUX, "platform_machine": "aarch64"},
    "macos": {
        "sys_platform": "darwin",
        "platform_system": "Darwin",
        "os_name": "posix",
        "platform_machine": "arm64",
    },
    "windows": {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "os_name": "nt",
        "platform_machine": "AMD64",
    },
}


@dataclass(frozen=True)
class Wheel:
    """One file of a package index.

    Attributes
    ----------
    name : str
        The file's name.
    url : str
        Address of the file, as the index that uv is set up with gave it.
    n_bytes : int
        Size of the file in bytes.
    sha256 : str
        Checksum of the file, 64 hexadecimal digits.
    """

    name: str
    url: str
    n_bytes: int
    sha256: str


def ask_index(uv: str, requirements: str, folder: Path) -> list[dict[str, Any]]:
    """Ask the package index which files there are of pinned packages.

    Parameters
    ----------
    uv : str
        The program uv.
    requirements : str
        Lines of pins, as in ``requirements.lock``.
    folder : pathlib.Path
        A folder for two temporary files.

    Returns
    -------
    list of dict
        The packages of a ``pylock.toml``: name, version, marker, and every wheel with its address,
        size and checksum.

    Raises
    ------
    CourseError
        When uv cannot say, with its own words.
    """
    pins, answer = folder / "pins.txt", folder / "pylock.toml"
    pins.write_text(requirements, encoding="utf-8")
    command = [uv, "pip", "compile", "--quiet", "--universal", "--no-deps", "--no-header"]
    command += ["--python-version", PYTHONS[0], "--format", "pylock.toml", "-o", str(answer)]
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    done = subprocess.run(
        [*command, str(pins)], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise CourseError(
            f"uv could not ask the package index for the files of the lock: {done.stderr.strip()}"
        )
    return tomllib.loads(answer.read_text(encoding="utf-8"))["packages"]


def choose_wheels(
    packages: Iterable[dict[str, Any]],
    system: str,
    pythons: Sequence[str] = PYTHONS,
    hashes: Container[str] | None = None,
) -> dict[str, Wheel]:
    """Choose the wheels that a system needs.

    Parameters
    ----------
    packages : iterable of dict
        Packages that :func:`ask_index` returned.
    system : {"linux", "linux-arm64", "macos", "windows"}
        macOS 14 or newer on arm64; Windows on x86_64; Linux with glibc 2.28 or newer.
    pythons : sequence of str
        Minor versions of Python, such as ``"3.12"``.
    hashes : container of str, optional
        The checksums that the lock allows; a file that was published after it is not taken.

    Returns
    -------
    dict of str to Wheel
        The best wheel of each package for each of the Pythons that it takes, by file name.

    Raises
    ------
    CourseError
        When a package has no wheel for one of them; every such package is named.
    """
    chosen: dict[str, Wheel] = {}
    lacking = []
    for python, package in itertools.product(pythons, packages):
        if not _is_wanted(package.get("marker"), system, python):
            continue
        rank = _ranks(system, python)
        wheels = [_wheel(entry) for entry in package.get("wheels", [])]
        allowed = [w for w in wheels if hashes is None or w.sha256 in hashes]
        fits = [(_best(wheel.name, rank), wheel) for wheel in allowed]
        usable = [(place, wheel) for place, wheel in fits if place is not None]
        if usable:
            _, best = min(usable, key=lambda pair: (pair[0], pair[1].name))
            chosen[best.name] = best
        else:
            lacking.append(f"{package['name']} {package['version']} (Python {python})")
    if lacking:
        raise CourseError(f"there is no wheel for {system} of {', '.join(lacking)}")
    return chosen


def download(wheel: Wheel, folder: Path, on_bytes: Callable[[int], None] = lambda n: None) -> Path:
    """Download one file, going on with what an earlier attempt left.

    Parameters
    ----------
    wheel : Wheel
        Wheel to download.
    folder : pathlib.Path
        Folder to download into.
    on_bytes : callable, optional
        Told the bytes of every block.

    Returns
    -------
    pathlib.Path
        The file, its checksum confirmed.

    Raises
    ------
    CourseError
        When the server cannot be reached, or sends something else.
    """
    target = folder / wheel.name
    partial = folder / f"{wheel.name}.partial"
    problem = ""
    for _ in range(_TRIES):
        problem = _receive(wheel, partial, on_bytes)
        if problem:
            continue
        if sha256_of(partial) == wheel.sha256:
            partial.replace(target)
            return target
        problem = "what was sent has another sha256 than the index says"
        partial.unlink()
    raise CourseError(
        f"{wheel.name} could not be downloaded ({problem}); the same command goes on from here"
    )


def _receive(wheel: Wheel, partial: Path, on_bytes: Callable[[int], None]) -> str:
    """Append what is missing of a file; return what went wrong, or nothing."""
    import requests

    there = partial.stat().st_size if partial.is_file() else 0
    if wheel.n_bytes and there == wheel.n_bytes:
        return ""
    headers = {"Range": f"bytes={there}-"} if there else {}
    try:
        with requests.get(wheel.url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            if not goes_on:
                partial.unlink(missing_ok=True)
            with partial.open("ab") as file:
                for block in answer.iter_content(_BLOCK):
                    file.write(block)
                    on_bytes(len(block))
    except requests.RequestException as error:
        return type(error).__name__ + (f": {error}" if str(error) else "")
    return ""


def sha256_of(file: Path) -> str:
    """Return a file's sha256 as hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _wheel(entry: dict[str, Any]) -> Wheel:
    name = entry.get("name") or entry["url"].rsplit("/", 1)[1].partition("#")[0]
    return Wheel(name, entry["url"], entry["size"], entry["hashes"]["sha256"])


def _is_wanted(marker: str | None, system: str, python: str) -> bool:
    """Whether a marker holds for the first or the last of a minor version's releases."""
    if marker is None:
        return True
    fixed = {
        **SYSTEMS[system],
        "python_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }
    return any(
        Marker(marker).evaluate(
            {**fixed, "python_full_version": full, "implementation_version": full}
        )
        for full in (f"{python}.0", f"{python}.99")
    )


def _best(name: str, rank: dict[tags.Tag, int]) -> int | None:
    *_, wheel_tags = parse_wheel_filename(name)
    return min((rank[tag] for tag in wheel_tags if tag in rank), default=None)


@functools.cache
def _ranks(system: str, python: str) -> dict[tags.Tag, int]:
    """Return the tags that a Python on a system takes, the best first."""
    major, minor = map(int, python.split("."))
    interpreter, platforms = f"cp{major}{minor}", _platforms(system)
    ordered = [
        *tags.cpython_tags((major, minor), abis=[interpreter], platforms=platforms),
        *tags.compatible_tags((major, minor), interpreter, platforms),
    ]
    return {tag: place for place, tag in reversed(list(enumerate(ordered)))}


def _platforms(system: str) -> list[str]:
    machine = SYSTEMS[system]["platform_machine"]
    if system == "macos":
        return list(tags.mac_platforms(OLDEST_MACOS, machine))
    if system == "windows":
        return ["win_amd64"]
    newest_first = [f"manylinux_2_{minor}_{machine}" for minor in range(OLDEST_GLIBC, 4, -1)]
    old_names = [f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")]
    return [*newest_first, *old_names, f"linux_{machine}"]
