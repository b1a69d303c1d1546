from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "course.py"
# Stands in for uv: writes down what it is asked for, and makes an environment that runs.
UV = f"""#!{sys.executable}
import os, sys
from pathlib import Path
with open(os.environ["ASKED"], "a", encoding="utf-8") as file:
    file.write(repr(sys.argv[1:]) + "\\n")
if sys.argv[1] == "venv":
    programs = Path(sys.argv[-1], "bin")
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
sys.exit(int(os.environ.get("FAILS") == sys.argv[2]))
"""
posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in for uv is a POSIX script")


def load(path: Path):
    spec = importlib.util.spec_from_file_location("course_script_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clone(tmp_path) -> Path:
    """A course in a folder whose name has a blank, a quote and an umlaut."""
    folder = tmp_path / "USB DISK's Übung" / "course"
    folder.mkdir(parents=True)
    for name in ("course.py", "Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text(UV, encoding="utf-8")
    (programs / "uv").chmod(0o755)
    outer = ("MAKE", "MFLAGS", "ARGS", "SDC_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(outer)}
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "ASKED": str(tmp_path / "asked"), "PYTHON": sys.executable}


def start(command, folder, environment):
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def asked(environment) -> list[list[str]]:
    file = Path(environment["ASKED"])
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    file.unlink(missing_ok=True)
    return [ast.literal_eval(line) for line in lines]


def test_an_old_python_can_read_it_and_it_needs_the_standard_library_alone():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        else:
            continue
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_make_and_course_py_know_the_same_commands():
    script = load(SCRIPT)
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    [line] = [li for li in text.splitlines() if li.startswith("COMMANDS :=")]
    assert set(line.split(":=")[1].split()) == set(script.command_help()) - {
        "help",
        "sdc",
        "python",
    }


@posix
@pytest.mark.parametrize("command", [["make", "env"], [sys.executable, "course.py", "env"]])
def test_the_environment_is_made_once_and_again_when_the_lock_is_newer(clone, environment, command):
    if shutil.which(command[0]) is None:
        pytest.skip("make is not installed")
    done = start(command, clone, environment)
    assert done.returncode == 0, done.stderr
    steps = asked(environment)
    assert [step[0] for step in steps] == ["venv", "pip", "pip"]
    assert steps[1] == ["pip", "sync", "--quiet", "--require-hashes", "requirements.lock"]
    assert steps[2][-2:] == ["-e", "."]
    start(command, clone, environment)
    assert asked(environment) == []
    stamp = clone / ".venv" / ".installed"
    os.utime(clone / "requirements.lock", (stamp.stat().st_mtime + 5,) * 2)
    start(command, clone, environment)
    assert [step[:2] for step in asked(environment)] == [["pip", "sync"], ["pip", "install"]]


@posix
def test_what_it_starts_may_keep_bytecode(clone, environment):
    start([sys.executable, "course.py", "env"], clone, environment)
    python = clone / ".venv" / "bin" / "python"
    python.unlink(missing_ok=True)
    python.symlink_to(sys.executable)
    script = "import sys; print('kept:', not sys.dont_write_bytecode)"
    command = [sys.executable, "course.py", "python", "-c", script]
    done = start(command, clone, environment | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert "kept: True" in done.stdout, done.stderr


@posix
def test_sweeps_have_an_environment_of_their_own_that_is_made_once(clone, environment):
    lock = clone / "workflow" / "requirements.lock"
    lock.parent.mkdir()
    shutil.copy(ROOT / "workflow" / "requirements.lock", lock)
    command = [sys.executable, "course.py", "sweep-env"]
    done = start(command, clone, environment)
    assert done.returncode == 0, done.stderr
    venv, sync = asked(environment)
    assert venv[-1] == str(clone / ".venv-sweep")
    assert sync == ["pip", "sync", "--quiet", "--require-hashes", str(lock)]
    assert not (clone / ".venv").exists()
    start(command, clone, environment)
    assert asked(environment) == []
    stamp = clone / ".venv-sweep" / ".installed"
    os.utime(lock, (stamp.stat().st_mtime + 5,) * 2)
    (clone / ".venv-sweep" / "pyvenv.cfg").touch()
    start(command, clone, environment)
    assert asked(environment) == [sync]


@posix
def test_without_course_py_make_asks_uv_for_the_same_and_has_all_compiled(clone, environment):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    start([sys.executable, "course.py", "env"], clone, environment)
    with_script = asked(environment)
    shutil.rmtree(clone / ".venv")
    (clone / "course.py").unlink()
    done = start(["make", "env"], clone, environment)
    assert done.returncode == 0, done.stderr
    there = asked(environment)
    there[1].remove("--compile-bytecode")  # a container's users may not write beside the packages
    assert there == with_script


@posix
def test_a_failed_install_is_one_sentence_and_leaves_no_stamp(clone, environment):
    done = start([sys.executable, "course.py", "env"], clone, {**environment, "FAILS": "sync"})
    assert done.returncode == 1
    assert "the same command again goes on" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv" / ".installed").exists()


@posix
@pytest.mark.parametrize("way", ["beside", "argument", "variable"])
def test_a_stick_is_found_and_installed_from_without_an_index(clone, environment, tmp_path, way):
    stick = clone.parent if way == "beside" else tmp_path / "my stick"
    write_stick(stick)
    arguments = ["--bundle", str(stick)] if way == "argument" else []
    if way == "variable":
        environment = {**environment, "SDC_BUNDLE": str(stick)}
    done = start([sys.executable, "course.py", "env", *arguments], clone, environment)
    assert done.returncode == 0, done.stderr
    venv, *installs = asked(environment)
    assert "--offline" in venv
    assert ">=3.11,<3.14" in venv
    for step in installs:
        assert {"--offline", "--no-index", "--find-links", str(stick / "wheels")} <= set(step)


def write_stick(stick: Path, **changed) -> None:
    script = load(SCRIPT)
    wheels = stick / "wheels"
    wheels.mkdir(parents=True)
    with zipfile.ZipFile(wheels / "uv.whl", "w") as archive:
        archive.writestr("uv-1.data/scripts/uv", "#!/bin/sh\nexit 0\n")
    record = {
        "systems": [script.this_system()],
        "pythons": ["3.11", "3.13"],
        "lock_sha256": script.sha256_of_text(ROOT / "requirements.lock"),
        "uv": {script.this_system(): "uv.whl"},
    }
    (stick / "bundle.json").write_text(json.dumps({**record, **changed}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"systems": ["amiga"]}, "is for amiga"),
        ({"lock_sha256": "0" * 64}, "another requirements.lock"),
        (None, "holds no bundle.json"),
    ],
)
def test_a_stick_that_does_not_fit_is_refused_in_a_sentence(
    clone, environment, tmp_path, changed, words
):
    if changed is not None:
        write_stick(tmp_path / "stick", **changed)
    command = [sys.executable, "course.py", "env", "--bundle", str(tmp_path / "stick")]
    done = start(command, clone, environment)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert asked(environment) == []


@posix
def test_uv_comes_out_of_the_sticks_wheel_ready_to_run(clone, tmp_path):
    write_stick(tmp_path / "stick")
    script = load(clone / "course.py")
    script.find_bundle(tmp_path / "stick").unpack_uv()
    program = clone / ".tools" / "bin" / "uv"
    assert program.stat().st_mode & stat.S_IXUSR
    assert subprocess.run([program], check=False).returncode == 0


def test_the_windows_names_of_programs(monkeypatch):
    script = load(SCRIPT)
    monkeypatch.setattr(script, "IS_WINDOWS", True)
    assert script.in_venv("python").parts[-3:] == (".venv", "Scripts", "python.exe")


def test_a_lock_with_windows_line_ends_is_the_same_lock(tmp_path):
    script = load(SCRIPT)
    for name, end in (("unix", b"\n"), ("windows", b"\r\n")):
        (tmp_path / name).write_bytes(b"a==1" + end + b"b==2" + end)
    assert script.sha256_of_text(tmp_path / "unix") == script.sha256_of_text(tmp_path / "windows")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["dance"], "no command 'dance'"), (["clean", "all"], "clean takes no arguments")],
)
def test_a_wrong_command_is_one_sentence(arguments, words):
    done = start([sys.executable, str(SCRIPT), *arguments], ROOT, dict(os.environ))
    assert done.returncode == 2
    assert words in done.stdout + done.stderr


def test_a_chapter_that_fails_does_not_stop_the_book_and_is_not_forgotten(monkeypatch):
    script = load(SCRIPT)
    codes = {"run": 1, "book": 0}
    started = []

    def run(_self, *command, **_more):
        [what] = [word for word in command if word in codes]
        started.append((what, "--again" in command))
        return codes[what]

    monkeypatch.setattr(script.Commands, "_run", run)
    monkeypatch.setattr(script, "is_installed", lambda: True)
    monkeypatch.setenv("AGAIN", "1")
    assert script.main(["course"]) == 1
    assert started == [("run", True), ("book", False)]
    monkeypatch.delenv("AGAIN")
    monkeypatch.setattr(script.os, "cpu_count", lambda: 1)
    started.clear()
    assert script.main(["course"]) == 1
    assert started == [("run", False), ("book", False)]
    codes["run"] = -9
    started.clear()
    assert script.main(["course"]) == -9
    assert [what for what, _ in started] == ["run"]


def test_a_second_process_begins_at_the_last_chapter_and_ends_with_the_first(monkeypatch, tmp_path):
    """A stand-in for the environment's Python writes down how it is started, and waits."""
    script = load(SCRIPT)
    program = tmp_path / "python"
    program.write_text(
        f"#!{sys.executable}\nimport sys, time\nprint(*sys.argv[1:], flush=True)\ntime.sleep(60)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "in_venv", lambda name: program)
    monkeypatch.setattr(script.os, "cpu_count", lambda: 2)
    log = tmp_path / script.RUNS / "other_end.log"
    began = time.monotonic()
    with script.Commands()._from_the_other_end("run", "all", "--out", "here"):
        while not (log.exists() and log.read_text().endswith("\n")):
            assert time.monotonic() - began < 30
            time.sleep(0.05)
    assert log.read_text().split()[2:] == ["run", "all", "--out", "here", "--backwards"]
    assert time.monotonic() - began < 30  # it has ended with the block, before its own minute
