#!/usr/bin/env python3
"""What the course can do, on Linux, macOS and Windows: ``python course.py COMMAND``.

The Makefile calls this file; nothing but Python 3.9 or newer and its standard library is needed to
start it. ``-n`` in front of the command only prints what would be run.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UV_VERSION = "0.13.8"
PYTHONS = ">=3.11"
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / ".installed"
SWEEP_VENV = ROOT / ".venv-sweep"
SWEEP_LOCK = ROOT / "workflow" / "requirements.lock"
TOOLS = ROOT / ".tools"
LOCK = ROOT / "requirements.lock"
RUNS = "build/runs"
BOOK = "build/book"
IS_WINDOWS = os.name == "nt"
QUICK = "not slow and not real and not notebook and not network and not browser"
SYSTEMS = {
    ("Linux", "x86_64"): "linux",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "arm64"): "macos",
    ("Windows", "AMD64"): "windows",
}


class CourseStop(Exception):  # noqa: N818 (it is the end of a command, not of the program)
    """One sentence for the person at the keyboard."""


class Commands:
    """Each public method is a command; the first line of its docstring is its help.

    Parameters
    ----------
    dry_run : bool
        Print the steps and run none.
    """

    def __init__(self, dry_run: bool = False) -> None:
        self.dry_run = dry_run
        self._env_made = False

    def course(self, *more: str) -> int:
        """Environment, every notebook (profile workshop), the book; ends with its first page."""
        self.env()
        self._say(f"running every notebook (profile workshop) into {RUNS}")
        every = ["run", "all", "--profile", "workshop", "--out", RUNS, *more]
        if os.environ.get("AGAIN"):
            failed = self._sdc(*every, "--again")
        else:
            with self._from_the_other_end(*every):
                failed = self._sdc(*every)
        if failed < 0 or failed > 128:  # stopped from outside, not by a chapter
            return failed
        return self.book() or failed

    def test(self, *more: str) -> int:
        """Environment if needed, lint, and every test."""
        return self.lint() or self._pytest(*in_two_processes(), *more)

    def check(self, *more: str) -> int:
        """Environment if needed, lint, and the quick tests: no notebook, real data or network."""
        return self.lint() or self._pytest("-m", QUICK, *in_two_processes(), "tests", *more)

    def env(self, *more: str) -> int:
        """Make the environment in .venv, nothing else; --bundle FOLDER takes it from a stick."""
        parser = argparse.ArgumentParser(prog="python course.py env")
        parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="of `sdc bundle`")
        bundle = find_bundle(parser.parse_args(more).bundle)
        if self._env_made or is_installed():
            return 0
        uv = self._uv(bundle)
        source = "the index" if bundle is None else str(bundle.folder)
        self._say(f"making the environment in .venv from {source}, as requirements.lock pins it")
        for step in environment_steps(uv, bundle):
            if self._run(*step, env={"VIRTUAL_ENV": str(VENV)}):
                raise CourseStop(
                    "the environment is not complete; what uv says is above. It needs Python 3.11, "
                    "3.12 or 3.13 (python.org has it for every system) and, without a stick, the "
                    "network. The same command again goes on where it stopped"
                )
        self._env_made = True
        if not self.dry_run:
            STAMP.touch()
        return 0

    def sweep_env(self) -> int:
        """Make the environment of sweeps in .venv-sweep: Snakemake, apart from the course's own."""
        stamp = SWEEP_VENV / ".installed"
        if stamp.is_file() and stamp.stat().st_mtime_ns >= SWEEP_LOCK.stat().st_mtime_ns:
            return 0
        self._say("making the environment of sweeps in .venv-sweep")
        for step in sweep_steps(self._uv(None)):
            if self._run(*step, env={"VIRTUAL_ENV": str(SWEEP_VENV)}):
                raise CourseStop(
                    "the environment of sweeps is not complete; what uv says is above. The same "
                    "command again goes on where it stopped"
                )
        if not self.dry_run:
            stamp.touch()
        return 0

    def sweep(self, *more: str) -> int:
        """Run a notebook at every point of a grid: make sweep GRID=FILE.yaml; then one table."""
        self.env()
        self.sweep_env()
        grid = os.environ.get("GRID") or "workflow/sweep.yaml"
        return self._sdc("sweep", *(more or [grid]))

    def lab(self, *more: str) -> int:
        """Start JupyterLab; notebooks/source opens as notebooks too."""
        self.env()
        return self._sdc("lab", *more)

    def lint(self) -> int:
        """Ruff, the direction of imports, types, notebooks against their sources."""
        self.env()
        self._say("linting")
        return (
            self._python("-m", "ruff", "check", ".")
            or self._python("-m", "ruff", "format", "--check", ".")
            or self._script("lint-imports")
            or self._python("tests/type_ratchet.py")
            or self._sdc("notebooks", "check")
        )

    def notebooks(self) -> int:
        """Generate notebooks/*.ipynb from notebooks/source/*.py."""
        self.env()
        return self._sdc("notebooks", "build")

    def book(self) -> int:
        """Build the book from the notebooks that `course` ran."""
        self.env()
        self._say(f"building the book into {BOOK}")
        return self._sdc("book", "build", "--runs", RUNS, "--out", BOOK)

    def sdc(self, *more: str) -> int:
        """Run the course's own command, as in `python course.py sdc run 13` or `sdc check`."""
        self.env()
        return self._sdc(*more)

    def python(self, *more: str) -> int:
        """Run the environment's Python, as in `python course.py python -m ruff check`."""
        self.env()
        return self._python(*more)

    def bench(self) -> int:
        """Run the benchmarks: ours against a peer, ratios printed."""
        self.env()
        scripts = sorted((ROOT / "benchmarks").glob("[a-z]*.py"))
        return max(self._python(f"benchmarks/{script.name}") for script in scripts)

    def time(self) -> int:
        """For authors: measure every notebook, write the minutes into their title cells."""
        self.env()
        for profile in ("smoke", "workshop"):
            runs = f"build/timing-{profile}"
            every = ["run", "all", "--again", "--cold", "--profile", profile, "--out", runs]
            failed = self._sdc(*every)
            failed = failed or self._sdc("notebooks", "time", "--runs", runs)
            if failed:
                return failed
        figure = ["build/timing-workshop/13_cka_pitfalls.ipynb", "--caption", "With 24 blocks"]
        to = ["--to", "book/images/cka_real_fmri.png"]
        return self._sdc("notebooks", "figure", *figure, *to)

    def lock(self) -> int:
        """For authors: pin the dependencies anew, those of sweeps apart."""
        pin = (self._uv(None), "pip", "compile", "--quiet", "--universal", "--generate-hashes")
        pin += ("--no-emit-index-url", "--no-header", "--upgrade")
        wanted = str(SWEEP_LOCK.with_suffix(".in"))
        return self._run(*pin, "--extra", "dev", "pyproject.toml", "-o", LOCK.name) or self._run(
            *pin, "--python-version", "3.11", wanted, "-o", str(SWEEP_LOCK)
        )

    def clean(self) -> int:
        """Remove what was built; data and the environment stay."""
        caches = (".pytest_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache")
        for name in ("build", *caches, ".mypy_cache"):
            if self.dry_run:
                self._say(f"removing {name}")
            else:
                shutil.rmtree(ROOT / name, ignore_errors=True)
        return 0

    def help(self) -> int:
        """List what there is."""
        for name, sentence in command_help().items():
            print(f"  {name:10s} {sentence}")
        return 0

    def _pytest(self, *arguments: str) -> int:
        self._say("testing")
        return self._python("-m", "pytest", *arguments)

    @contextmanager
    def _from_the_other_end(self, *arguments: str) -> Iterator[None]:
        """Let a second process run the same from the last chapter to the first meanwhile.

        Most of a chapter keeps one core busy. Whichever process comes to a chapter that is made,
        or that the other is making, keeps it, so the two meet in the middle.
        """
        if self.dry_run or (os.cpu_count() or 1) < 2:
            yield
            return
        said = ROOT / RUNS / "other_end.log"
        said.parent.mkdir(parents=True, exist_ok=True)
        self._say(f"a second process begins at the last chapter; what it says is in {said}")
        command = [str(in_venv("python")), "-m", "sdc_helpers.cli", *arguments, "--backwards"]
        with said.open("w", encoding="utf-8") as log:
            other = subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdout=log, stderr=subprocess.STDOUT
            )
            try:
                yield
            finally:  # all is made, or the command was stopped: it ends its kernel itself
                other.terminate()
                other.wait()

    def _python(self, *arguments: str) -> int:
        return self._run(str(in_venv("python")), *arguments)

    def _sdc(self, *arguments: str) -> int:
        return self._python("-m", "sdc_helpers.cli", *arguments)

    def _script(self, name: str, *arguments: str) -> int:
        """Run a program of the environment; by python, as its first line cannot hold a blank."""
        script = str(in_venv(name))
        return self._run(script, *arguments) if IS_WINDOWS else self._python(script, *arguments)

    def _uv(self, bundle: Bundle | None) -> str:
        """Return the uv on PATH, else the one in .tools, fetched where it is missing."""
        found = find_uv()
        if found is None and bundle is not None and not self.dry_run:
            bundle.unpack_uv()
        elif found is None:
            self._say(f"getting uv {UV_VERSION} into .tools")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            if self._run(*pip, "--target", str(TOOLS), f"uv=={UV_VERSION}"):
                raise CourseStop(
                    f"uv {UV_VERSION}, which installs the packages, could not be fetched by pip; "
                    "install uv in any other way, and run the same command again"
                )
        return found or find_uv() or str(TOOLS / "bin" / executable("uv"))

    def _run(self, *command: str, env: dict[str, str] | None = None) -> int:
        if self.dry_run:
            print(" ".join(shlex.quote(relative(word)) for word in command))
            return 0
        sys.stdout.flush()
        variables = {**environment(), **(env or {})}
        return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode

    @staticmethod
    def _say(what: str) -> None:
        print(f"== {what}", flush=True)


class Bundle:
    """What `sdc bundle` wrote: a folder of wheels and ``bundle.json``, which says what they are.

    Parameters
    ----------
    folder : pathlib.Path
        The folder that holds ``bundle.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.wheels = self.folder / "wheels"
        self.record = json.loads((self.folder / "bundle.json").read_text(encoding="utf-8"))

    def require(self, system: str) -> None:
        """Stop where the stick is not for this machine or not for this lock."""
        made_for = self.record["systems"]
        if system not in made_for:
            raise CourseStop(
                f"the stick at {self.folder} is for {', '.join(made_for)}, and this machine is "
                f"{system}; make one for it with `sdc bundle --for {system}`, or set "
                "SDC_BUNDLE=none for the network"
            )
        if self.record["lock_sha256"] != sha256_of_text(LOCK):
            raise CourseStop(
                f"the stick at {self.folder} was made for another requirements.lock than this "
                "course's; use the course that is on it, or set SDC_BUNDLE=none for the network"
            )

    @property
    def pythons(self) -> str:
        """The Python versions that there are wheels for, as a version specifier."""
        minors = [int(version.split(".")[1]) for version in self.record["pythons"]]
        return f">=3.{min(minors)},<3.{max(minors) + 1}"

    def unpack_uv(self) -> None:
        """Put the stick's uv into .tools/bin; a wheel is a zip archive."""
        wheel = self.wheels / self.record["uv"][this_system()]
        target = TOOLS / "bin" / executable("uv")
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            [member] = [n for n in archive.namelist() if n.endswith(f"/scripts/{target.name}")]
            partial = target.with_suffix(".partial")
            partial.write_bytes(archive.read(member))
        partial.chmod(0o755)
        partial.replace(target)


def find_bundle(chosen: Path | None = None) -> Bundle | None:
    """Return the stick to install from: the one chosen, SDC_BUNDLE's, or the one around us."""
    named = str(chosen or os.environ.get("SDC_BUNDLE", ""))
    if named == "none":
        return None
    folder = Path(named).expanduser() if named else ROOT.parent
    if not (folder / "bundle.json").is_file():
        if named:
            raise CourseStop(f"there is no stick at {folder}: it holds no bundle.json")
        return None
    bundle = Bundle(folder)
    bundle.require(this_system())
    return bundle


def environment_steps(uv: str, bundle: Bundle | None) -> list[list[str]]:
    """Return the commands that make the environment; the Makefile has the same three.

    Only the Makefile's, for containers, whose packages nobody may write beside, compile them all:
    that takes longer than installing them, and three quarters of them are never imported.
    """
    pythons = PYTHONS if bundle is None else bundle.pythons
    offline = []
    if bundle is not None:
        offline = ["--offline", "--no-index", "--find-links", str(bundle.wheels)]
    steps = []
    if not in_venv("python").is_file():
        old = ["--clear"] if VENV.exists() else []
        make = [uv, "venv", "--quiet", *old, *offline[:1], "--no-managed-python"]
        steps.append([*make, "--python", pythons, ".venv"])
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes"]
    steps.append([*sync, *offline, LOCK.name])
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *offline]
    return [*steps, [*install, "-e", "."]]


def sweep_steps(uv: str) -> list[list[str]]:
    """Return the commands that make the environment of sweeps."""
    make = [uv, "venv", "--quiet", "--clear", "--no-managed-python", "--python", PYTHONS]
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes"]
    there = [] if (SWEEP_VENV / "pyvenv.cfg").is_file() else [[*make, str(SWEEP_VENV)]]
    return [*there, [*sync, str(SWEEP_LOCK)]]


def is_installed() -> bool:
    """Whether the environment is there and newer than what it is made from."""
    if not (STAMP.is_file() and in_venv("python").is_file()):
        return False
    sources = (LOCK, ROOT / "pyproject.toml")
    return all(STAMP.stat().st_mtime_ns >= file.stat().st_mtime_ns for file in sources)


def find_uv() -> str | None:
    """Return the uv on PATH, else the one in .tools, else None."""
    own = [TOOLS / folder / executable("uv") for folder in ("bin", "Scripts")]
    return shutil.which("uv") or next((str(file) for file in own if file.is_file()), None)


def executable(name: str) -> str:
    """Return what a program's file is called here."""
    return f"{name}.exe" if IS_WINDOWS else name


def in_venv(name: str) -> Path:
    """Return the path of a program of the environment."""
    return VENV / ("Scripts" if IS_WINDOWS else "bin") / executable(name)


def this_system() -> str:
    """Return the name that a stick has for this machine: linux, linux-arm64, macos, windows."""
    machine = (platform.system(), platform.machine())
    return SYSTEMS.get(machine, " ".join(machine))


def in_two_processes() -> list[str]:
    """Return pytest's options for two processes, where there are two cores for them."""
    if (os.cpu_count() or 1) < 2:
        return []
    return ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def environment() -> dict[str, str]:
    """Return the variables for what is started: UTF-8 everywhere, and real data beside us.

    It may keep compiled bytecode: else each of its hundreds of processes compiles PyTorch anew.
    """
    found = {**os.environ, "PYTHONUTF8": "1"}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    beside = ROOT.parent / "shared" / "data"
    if "SDC_DATA_MIRROR" not in found and (beside / "MANIFEST.tsv").is_file():
        found["SDC_DATA_MIRROR"] = str(beside)
    return found


def sha256_of_text(file: Path) -> str:
    """Return a text file's sha256, the same whichever way its lines end."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def relative(word: str) -> str:
    """Return a path inside the course as a person would type it."""
    return word.replace(str(ROOT) + os.sep, "")


def command_help() -> dict[str, str]:
    """Return the commands, each with a sentence."""
    methods = {n: m for n, m in vars(Commands).items() if not n.startswith("_")}
    return {
        name.replace("_", "-"): (method.__doc__ or "").splitlines()[0]
        for name, method in methods.items()
    }


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    dry_run = arguments[:1] == ["-n"]
    name, *more = arguments[dry_run:] or ["help"]
    known = command_help()
    if name in ("-h", "--help"):
        name = "help"
    if name not in known:
        print(f"course.py: there is no command {name!r}; there are {', '.join(known)}")
        return 2
    command = getattr(Commands(dry_run), name.replace("-", "_"))
    if more and not inspect.signature(command).parameters:
        print(f"course.py: {name} takes no arguments, not {' '.join(more)}", file=sys.stderr)
        return 2
    try:
        return command(*more)
    except CourseStop as stop:
        print(f"course.py: {stop}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if sys.version_info < (3, 9):  # noqa: UP036 (whatever Python a laptop has)
        sys.exit("course.py: this Python is too old; start it with Python 3.11, 3.12 or 3.13.")
    sys.exit(main(sys.argv[1:]))
