"""The stick for a workshop without a network: packages, real data, the course, where to start."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from types import ModuleType

from sdc_helpers import __version__
from sdc_helpers.course.catalogue import course_folder
from sdc_helpers.course.errors import CourseError, RefusedError, nearest
from sdc_helpers.course.wheels import (
    PYTHONS,
    SYSTEMS,
    Wheel,
    ask_index,
    choose_wheels,
    download,
    sha256_of,
)

_MARGIN_BYTES = 50_000_000


@dataclass(frozen=True)
class DataFolder:
    """A dataset that may go onto the stick, or the reason why it does not.

    Attributes
    ----------
    name, licence, citation : str
        What it is called, under which licence its files are, and whose they are.
    folder : pathlib.Path or None
        Where its verified files are; None where they stay behind.
    files : tuple of str
        The files inside that folder, with forward slashes.
    reason : str
        Why it stays behind; empty where it does not.
    """

    name: str
    licence: str
    citation: str
    folder: Path | None
    files: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """What a stick will hold, decided before anything is downloaded.

    Attributes
    ----------
    folder : pathlib.Path
        Folder of the stick.
    wheels : dict of str to dict of str to Wheel
        Wheels of each system by file name, uv's among them.
    uv : dict of str to str
        File name of uv's wheel for each system.
    pythons : tuple of str
        The minor versions of Python that it serves.
    """

    folder: Path
    wheels: dict[str, dict[str, Wheel]]
    uv: dict[str, str]
    pythons: tuple[str, ...]

    @property
    def files(self) -> dict[str, Wheel]:
        """Every wheel once, by file name, the largest last."""
        together = {name: w for wheels in self.wheels.values() for name, w in wheels.items()}
        return dict(sorted(together.items(), key=lambda pair: pair[1].n_bytes))

    @property
    def missing(self) -> dict[str, Wheel]:
        """The wheels that are not on the stick yet; a file has its name only when it is whole."""
        there = self.folder / "wheels"
        return {name: wheel for name, wheel in self.files.items() if not (there / name).is_file()}


def plan_bundle(folder: Path, systems: Sequence[str], pythons: Sequence[str] = PYTHONS) -> Plan:
    """Decide what a stick holds, and ask the index how large it is.

    Parameters
    ----------
    folder : pathlib.Path
        The stick, or a folder on it.
    systems : sequence of str
        Systems to take wheels for: "windows", "macos", "linux" and "linux-arm64".
    pythons : sequence of str
        Minor versions of Python.

    Returns
    -------
    Plan

    Raises
    ------
    CourseError
        When a system is unknown, the index cannot be asked, or a package has no wheel.
    """
    for name, known in [(s, SYSTEMS) for s in systems] + [(p, PYTHONS) for p in pythons]:
        if name not in known:
            raise RefusedError(f"a stick cannot be made for {name!r}: {nearest(name, known)}")
    script = course_script()
    uv = script.find_uv()
    if uv is None:
        raise CourseError("uv is neither on the path nor in .tools; run 'python course.py env'")
    lock = (course_folder() / "requirements.lock").read_text(encoding="utf-8")
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock))
    with tempfile.TemporaryDirectory() as temporary:
        packages = ask_index(uv, lock, Path(temporary))
        installer = ask_index(uv, f"uv=={script.UV_VERSION}\n", Path(temporary))
    wheels, uv_wheels = {}, {}
    for system in systems:
        [own] = choose_wheels(installer, system, pythons).values()
        wheels[system] = {**choose_wheels(packages, system, pythons, hashes), own.name: own}
        uv_wheels[system] = own.name
    return Plan(folder.resolve(), wheels, uv_wheels, tuple(pythons))


def write_bundle(
    plan: Plan, data: Iterable[DataFolder], on_bytes: Callable[[int], None] = lambda n: None
) -> Path:
    """Write a stick, or go on with one that was interrupted.

    A file gets its name when it is whole and its checksum right, so that a stick that was
    interrupted is completed by the same call. ``bundle.json``, by which `course.py env` knows a
    stick, is written last. Wheels that an earlier one lists and this plan does not are removed.

    Parameters
    ----------
    plan : Plan
        Plan made by :func:`plan_bundle`.
    data : iterable of DataFolder
        The datasets, with those that stay behind.
    on_bytes : callable, optional
        Told the bytes of every block that was downloaded.

    Returns
    -------
    pathlib.Path
        The page to start from.

    Raises
    ------
    CourseError
        When there is too little space, or a file is not available.
    """
    data = list(data)
    marker = plan.folder / "bundle.json"
    wheels = plan.folder / "wheels"
    if marker.is_file():
        earlier = json.loads(marker.read_text(encoding="utf-8"))["wheels"]
        for name in set(earlier) - set(plan.files):
            (wheels / name).unlink(missing_ok=True)
    require_space(plan, data)
    marker.unlink(missing_ok=True)
    wheels.mkdir(parents=True, exist_ok=True)
    for wheel in plan.missing.values():
        download(wheel, wheels, on_bytes)
    course = plan.folder / "course"
    for file in course_files(course_folder()):
        copy_whole(course_folder() / file, course / file)
    for dataset in data:
        if dataset.folder is None:
            continue
        for name in dataset.files:
            target = course / "data" / "real" / dataset.name / name
            copy_whole(dataset.folder / name, target)
    page = plan.folder / "START_HERE.html"
    _write(page, start_page(plan, data))
    _write(marker, json.dumps(_record(plan), indent=1) + "\n")
    return page


def require_space(plan: Plan, data: Iterable[DataFolder] = ()) -> int:
    """Check that a stick has room for what is still missing.

    Parameters
    ----------
    plan : Plan
        Plan of what the stick will hold.
    data : iterable of DataFolder
        The datasets that go onto it.

    Returns
    -------
    int
        The bytes that are missing.

    Raises
    ------
    CourseError
        When they are more than are free.
    """
    existing = plan.folder
    while not existing.exists():
        existing = existing.parent
    missing = sum(wheel.n_bytes for wheel in plan.missing.values())
    for dataset in data:
        if dataset.folder:
            missing += sum((dataset.folder / name).stat().st_size for name in dataset.files)
    free = shutil.disk_usage(existing).free
    if missing + _MARGIN_BYTES > free:
        raise CourseError(
            f"{plan.folder} has {free / 1e9:.2f} GB free, and {missing / 1e9:.2f} GB are still to "
            "be written; choose fewer systems with --for, fewer Pythons with --python, or a larger "
            "stick"
        )
    return missing


def course_files(root: Path) -> list[str]:
    """List the files of the course: what git tracks, or without git what it does not ignore.

    Parameters
    ----------
    root : pathlib.Path
        The course folder.

    Returns
    -------
    list of str
        Relative paths with forward slashes, sorted.
    """
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"]
    names: list[str] = []
    if (root / ".git").exists() and shutil.which("git"):
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        names = [name for name in done.stdout.split("\0") if name]
    if not names:
        lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
        ignored = [line.strip("/") for line in lines if line and not line.startswith("#")]
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
        names = [name for name in names if not _is_ignored(name, [*ignored, ".git"])]
    return sorted(name for name in names if (root / name).is_file())


def _is_ignored(name: str, patterns: Iterable[str]) -> bool:
    parts = name.split("/")
    starts = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return any(fnmatch.fnmatch(text, p) for p in patterns for text in (*parts, *starts))


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file under a temporary name first; one that is there with the same bytes stays."""
    same_size = target.is_file() and target.stat().st_size == source.stat().st_size
    if same_size and sha256_of(target) == sha256_of(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    shutil.copyfile(source, partial)
    if sys.platform != "win32":
        shutil.copymode(source, partial)
    partial.replace(target)


def course_script() -> ModuleType:
    """Return ``course.py`` of the course folder, which knows uv and its version, as a module."""
    file = course_folder() / "course.py"
    spec = importlib.util.spec_from_file_location("course_script", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise CourseError(f"{file} is missing; get the course anew")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _record(plan: Plan) -> dict[str, object]:
    lock = course_folder() / "requirements.lock"
    return {
        "course": __version__,
        "made": date.today().isoformat(),
        "systems": list(plan.wheels),
        "pythons": list(plan.pythons),
        "lock_sha256": course_script().sha256_of_text(lock),
        "uv": plan.uv,
        "wheels": {name: wheel.sha256 for name, wheel in sorted(plan.files.items())},
    }


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Start here</title>
<style>body {{ font: 18px/1.5 sans-serif; max-width: 42em; margin: 2em auto; padding: 0 1em }}
code, pre {{ background: #eee; padding: .1em .3em }} pre {{ padding: .6em; overflow: auto }}</style>
</head>
<body>
<h1>Brains, CLIP and honest comparison</h1>
<p>This stick holds the course, its packages and its data. No network is needed.
It is for: {systems}. Python {pythons} must be on the laptop.</p>
<ol>
<li>Copy the folder <code>course</code> to the laptop, and leave the stick in.
(Or copy everything on the stick: then the next step needs no <code>--bundle</code>.)</li>
<li>Open a terminal in that folder and make the environment, once, in a minute or a few:
<pre>Windows:        py course.py env --bundle E:\\
macOS:          python3 course.py env --bundle /Volumes/STICK
Linux:          python3 course.py env --bundle /media/STICK</pre>
with the place where the stick is. The stick may go when that is done.</li>
<li>Is the laptop ready? <code>python3 course.py sdc check</code> says so, and what to do where not
(on Windows, <code>py</code> in place of <code>python3</code>).</li>
<li>Start: <code>python3 course.py lab</code>, then open <code>00_start_here.ipynb</code>.</li>
</ol>
<h2>Data</h2>
<ul>
{data}
</ul>
<p>Made on {made}, version {version} of the course.</p>
</body>
</html>
"""


def start_page(plan: Plan, data: Iterable[DataFolder]) -> str:
    """Write the page that a learner opens first.

    Parameters
    ----------
    plan : Plan
        Plan of what the stick holds.
    data : iterable of DataFolder
        The datasets, with those that stay behind.

    Returns
    -------
    str
        A page that needs nothing else.
    """
    names = {
        "linux": "Linux",
        "linux-arm64": "Linux on arm64",
        "macos": "macOS 14 or newer with an Apple chip",
        "windows": "Windows",
    }
    lines = [
        f"<li>{escape(d.name)} ({escape(d.licence)}). {escape(d.citation)}"
        + (f" <strong>Not on the stick</strong>: {escape(d.reason)}" if d.reason else "")
        + "</li>"
        for d in data
    ]
    return _PAGE.format(
        systems=", ".join(names[system] for system in plan.wheels),
        pythons=" or ".join(plan.pythons),
        data="\n".join(lines),
        made=date.today().isoformat(),
        version=__version__,
    )


def _write(file: Path, text: str) -> None:
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
