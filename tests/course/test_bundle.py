from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import threading

import pytest

from sdc_helpers.course import CourseError, bundle, wheels
from sdc_helpers.course.bundle import DataFolder, Plan, course_files, require_space, write_bundle
from sdc_helpers.course.catalogue import course_folder
from sdc_helpers.course.wheels import PYTHONS, SYSTEMS, Wheel, choose_wheels, download

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def package(name, *files, marker=None, version="1.0"):
    entries = [
        {"url": f"https://host/{f}", "size": 10 + i, "hashes": {"sha256": f"{i:064x}"}}
        for i, f in enumerate(files)
    ]
    answer = {"name": name, "version": version, "wheels": entries}
    return {**answer, "marker": marker} if marker else answer


BUILT = package(
    "built",
    "built-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    "built-1.0-cp312-cp312-manylinux_2_34_x86_64.whl",
    "built-1.0-cp312-cp312-manylinux2014_aarch64.whl",
    "built-1.0-cp312-cp312-macosx_11_0_arm64.whl",
    "built-1.0-cp312-cp312-macosx_15_0_arm64.whl",
    "built-1.0-cp312-cp312-win_amd64.whl",
    "built-1.0-cp312-cp312-win32.whl",
    "built-1.0-cp313-cp313-win_amd64.whl",
)


# which wheels


@pytest.mark.parametrize(
    ("system", "tag"),
    [
        ("linux", "manylinux_2_28_x86_64"),
        ("linux-arm64", "manylinux2014_aarch64"),
        ("macos", "macosx_11_0_arm64"),
        ("windows", "win_amd64"),
    ],
)
def test_a_system_gets_the_wheel_that_its_oldest_version_can_use(system, tag):
    assert list(choose_wheels([BUILT], system, ["3.12"])) == [f"built-1.0-cp312-cp312-{tag}.whl"]


def test_the_most_specific_wheel_wins_and_a_stable_one_serves_later_pythons():
    answer = package(
        "p",
        "p-1.0-py3-none-any.whl",
        "p-1.0-cp39-abi3-win_amd64.whl",
        "p-1.0-cp38-cp38-win_amd64.whl",
    )
    assert list(choose_wheels([answer], "windows")) == ["p-1.0-cp39-abi3-win_amd64.whl"]
    assert list(choose_wheels([answer], "macos")) == ["p-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("marker", "systems", "pythons"),
    [
        ("sys_platform == 'win32'", {"windows"}, set(PYTHONS)),
        (
            "platform_machine == 'aarch64' and sys_platform == 'linux'",
            {"linux-arm64"},
            set(PYTHONS),
        ),
        ("python_full_version == '3.12.*'", set(SYSTEMS), {"3.12"}),
        ("python_full_version < '3.11.5'", set(SYSTEMS), {"3.11"}),
        ("python_full_version >= '3.11.5'", set(SYSTEMS), set(PYTHONS)),
        ("os_name != 'nt'", set(SYSTEMS) - {"windows"}, set(PYTHONS)),
    ],
)
def test_markers_are_read_for_the_other_machine_not_for_this_one(marker, systems, pythons):
    answer = [package("p", "p-1.0-py3-none-any.whl", marker=marker)]
    wanted = {(s, p) for s in SYSTEMS for p in PYTHONS if choose_wheels(answer, s, [p])}
    assert wanted == {(s, p) for s in systems for p in pythons}


def test_packages_without_a_wheel_are_all_named():
    other = package("source-only")
    with pytest.raises(CourseError, match=r"source-only 1\.0 .*built 1\.0 \(Python 3\.11\)"):
        choose_wheels([other, BUILT], "macos", ["3.11"])


def test_a_file_published_after_the_lock_is_not_taken():
    with pytest.raises(CourseError, match="no wheel for windows"):
        choose_wheels([BUILT], "windows", ["3.12"], hashes={f"{0:064x}"})
    assert choose_wheels([BUILT], "windows", ["3.12"], hashes={f"{5:064x}"})


# fetching


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, by ranges where it is asked; breaks off as often as `breaks` says."""

    breaks = 0
    ranges = True
    asked: list[str | None]

    def do_GET(self):
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and self.ranges else 0
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if type(self).breaks:
            type(self).breaks -= 1
            body = body[: len(body) // 3]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Handler", (Server,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        handler.address = f"http://127.0.0.1:{running.server_port}"
        yield handler
        running.shutdown()


def wheel_at(server, name="p-1.0-py3-none-any.whl", sha256=SHA256):
    return Wheel(name, f"{server.address}/{name}", len(CONTENT), sha256)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_and_is_whole_in_the_end(server, tmp_path, monkeypatch, ranges):
    server.breaks, server.ranges = 2, ranges
    monkeypatch.setattr(wheels, "_BLOCK", 1000)
    received = []
    file = download(wheel_at(server), tmp_path, received.append)
    assert file.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == [file.name]
    assert server.asked[0] is None
    assert server.asked[1].startswith("bytes=")
    if ranges:
        assert sum(received) == len(CONTENT)


def test_what_a_killed_run_left_is_not_asked_for_again(server, tmp_path):
    wheel = wheel_at(server)
    (tmp_path / f"{wheel.name}.partial").write_bytes(CONTENT[:5000])
    download(wheel, tmp_path)
    assert server.asked == ["bytes=5000-"]


def test_a_file_with_another_content_is_refused_and_not_kept(server, tmp_path):
    with pytest.raises(CourseError, match=r"p-1\.0.*sha256"):
        download(wheel_at(server, sha256="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    wheel = Wheel("p.whl", "http://127.0.0.1:9/p.whl", 1, "0" * 64)
    with pytest.raises(CourseError, match=r"p\.whl could not be downloaded .*goes on from here"):
        download(wheel, tmp_path)


# the stick


@pytest.fixture
def plan(server, tmp_path) -> Plan:
    one, two, uv = (wheel_at(server, f"{name}-1.0-py3-none-any.whl") for name in ("a", "b", "uv"))
    by_system = {"macos": {one.name: one, uv.name: uv}, "windows": {two.name: two, uv.name: uv}}
    return Plan(tmp_path / "stick", by_system, dict.fromkeys(by_system, uv.name), ("3.11", "3.12"))


@pytest.fixture
def data(tmp_path) -> list[DataFolder]:
    folder = tmp_path / "fetched"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "x.bin").write_bytes(CONTENT)
    return [
        DataFolder("open", "MIT", "A. (2000).", folder, ("deep/x.bin",)),
        DataFolder("closed", "none <given>", "B. (2001).", None, reason="no copies"),
    ]


def test_a_stick_holds_packages_data_and_course_and_says_where_to_start(plan, data):
    page = write_bundle(plan, data)
    stick = plan.folder
    assert {f.name for f in (stick / "wheels").iterdir()} == plan.files.keys()
    assert (stick / "course" / "data" / "real" / "open" / "deep" / "x.bin").read_bytes() == CONTENT
    assert not (stick / "course" / "data" / "real" / "closed").exists()
    for name in ("course.py", "requirements.lock", "notebooks/00_start_here.ipynb"):
        assert (stick / "course" / name).read_bytes() == (course_folder() / name).read_bytes()
    assert not (stick / "course" / ".venv").exists()
    text = page.read_text(encoding="utf-8")
    for words in (
        "macOS 14",
        "Windows",
        "3.11 or 3.12",
        "course.py env",
        "no copies",
        "&lt;given&gt;",
    ):
        assert words in text
    assert "Linux" not in text.split("<ol>")[0]
    record = json.loads((stick / "bundle.json").read_text(encoding="utf-8"))
    assert record["systems"] == ["macos", "windows"]
    script = bundle.course_script()
    assert record["lock_sha256"] == script.sha256_of_text(course_folder() / "requirements.lock")
    assert not list(stick.rglob("*.partial"))


def test_an_interrupted_stick_is_no_stick_and_the_same_call_completes_it(
    plan, data, server, monkeypatch
):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bundle, "copy_whole", stop)
        with pytest.raises(KeyboardInterrupt):
            write_bundle(plan, data)
    assert not (plan.folder / "bundle.json").exists()
    assert plan.missing == {}
    n_asked = len(server.asked)
    write_bundle(plan, data)
    assert (plan.folder / "bundle.json").is_file()
    assert len(server.asked) == n_asked


def test_wheels_of_an_earlier_stick_go_and_files_that_are_none_of_ours_stay(plan, data):
    write_bundle(plan, data)
    mine = plan.folder / "wheels" / "mine.whl"
    mine.write_bytes(b"")
    smaller = Plan(plan.folder, {"macos": plan.wheels["macos"]}, plan.uv, plan.pythons)
    write_bundle(smaller, data)
    left = {f.name for f in (plan.folder / "wheels").iterdir()}
    assert left == smaller.files.keys() | {"mine.whl"}


def test_too_little_space_is_said_before_anything_is_written(plan, data, server, monkeypatch):
    needed = 3 * len(CONTENT) + len(CONTENT)
    assert require_space(plan, data) == needed
    usage = bundle.shutil.disk_usage(plan.folder.parent)._replace(free=needed)
    monkeypatch.setattr(bundle.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(CourseError, match=r"0\.00 GB free.*--for.*--python"):
        write_bundle(plan, data)
    assert server.asked == []


@pytest.mark.parametrize(
    ("systems", "pythons", "words"),
    [(["window"], ["3.12"], "'window'.*windows"), (["linux"], ["3.9"], r"'3\.9'")],
)
def test_an_unknown_system_or_python_is_refused(tmp_path, systems, pythons, words):
    with pytest.raises(CourseError, match=words):
        bundle.plan_bundle(tmp_path, systems, pythons)


@pytest.mark.parametrize("with_git", [True, False])
def test_the_course_is_what_git_tracks_or_does_not_ignore(tmp_path, with_git):
    for name in ("a.py", "sub/b.py", ".venv/x", "data/real/set/y", "sub/__pycache__/z.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    ignore = ".venv/\ndata/real/\n__pycache__/\n"
    (tmp_path / ".gitignore").write_text(ignore, encoding="utf-8")
    if with_git:
        for command in (["init", "-q"], ["add", "."]):
            subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert course_files(tmp_path) == [".gitignore", "a.py", "sub/b.py"]


def test_the_systems_have_the_same_names_where_they_are_read():
    assert set(bundle.course_script().SYSTEMS.values()) == set(SYSTEMS)


def test_what_uv_says_reaches_the_reader(tmp_path):
    uv = bundle.course_script().find_uv()
    if uv is None:
        pytest.skip("uv is neither on the path nor in .tools")
    with pytest.raises(CourseError, match="uv could not ask"):
        wheels.ask_index(uv, "numpy==nothing at all\n", tmp_path)
