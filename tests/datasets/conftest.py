"""Shared fixtures: the real files, where a mirror is given, and a toy dataset with a server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sdc_helpers.datasets import catalogue, fetch


@pytest.fixture(scope="session")
def mirror_folder() -> Path:
    """The folder named by SDC_DATA_MIRROR; skips where there is none."""
    chosen = os.environ.get("SDC_DATA_MIRROR")
    if not chosen:
        pytest.skip("SDC_DATA_MIRROR is not set: no real files to read")
    if not Path(chosen).is_dir():
        pytest.skip(f"SDC_DATA_MIRROR={chosen} is not a folder: no real files to read")
    return Path(chosen)


@pytest.fixture(scope="session")
def _fetched(mirror_folder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sdc_data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDC_DATA", str(folder))
        patch.setenv("SDC_DATA_MIRROR", str(mirror_folder))
        for name in ("haxby2001", "objects92"):
            fetch(name)
    return folder


@pytest.fixture
def real_data(_fetched, mirror_folder, monkeypatch) -> Path:
    """A data folder into which the real files were fetched from the mirror."""
    monkeypatch.setenv("SDC_DATA", str(_fetched))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(mirror_folder))
    return _fetched


@dataclass
class Server:
    """A web server on this machine that can be told to misbehave, file by file.

    ``modes[path]`` is a list of what to do with the next requests of a file, the last one for
    good: "ok", "truncate", "wrong", "hang", "half_then_wait", or an HTTP status code.
    """

    contents: dict[str, bytes]
    modes: dict[str, list] = field(default_factory=dict)
    requests: Counter = field(default_factory=Counter)
    sent_half: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next_mode(self, path: str):
        queue = self.modes.get(path, ["ok"])
        return queue.pop(0) if len(queue) > 1 else queue[0]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_HEAD(self):
            mode = server.next_mode(self.path[1:])
            found = self.path[1:] in server.contents and not isinstance(mode, int)
            self.send_response(200 if found else 404)
            self.end_headers()

        def do_GET(self):
            path = self.path[1:]
            server.requests[path] += 1
            mode = server.next_mode(path)
            body = server.contents.get(path)
            if mode == "hang":
                server.release.wait(30)
                return
            if isinstance(mode, int) or body is None:
                self.send_error(mode if isinstance(mode, int) else 404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            if mode == "truncate":
                self.wfile.write(body[:half])
            elif mode == "wrong":
                self.wfile.write(body[::-1])
            elif mode == "half_then_wait":
                self.wfile.write(body[:half])
                self.wfile.flush()
                server.sent_half.set()
                server.release.wait(30)
                with contextlib.suppress(OSError):  # the client may be gone
                    self.wfile.write(body[half:])
            else:
                self.wfile.write(body)

    return Handler


@dataclass
class Toy:
    """A dataset of three small files named "toy", registered in a file of its own."""

    registry_file: Path
    data: Path
    source: Path
    server: Server
    contents: dict[str, bytes]

    @property
    def folder(self) -> Path:
        return self.data / "real" / "toy"

    def names_on_disk(self) -> set[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in files}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy dataset: its server runs, nothing is fetched yet, no mirror is set."""
    # a.bin is large: half of it is more than one chunk of the downloader.
    contents = {
        "a.bin": bytes(range(256)) * 2000,
        "sub/b.txt": b"second file, second line\n" * 50,
        "sub/deeper/c.txt": b"third\n",
    }
    source = tmp_path / "mirror"
    for path, content in contents.items():
        (source / "toy" / path).parent.mkdir(parents=True, exist_ok=True)
        (source / "toy" / path).write_bytes(content)

    state = Server(contents)
    http_server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    http_server.daemon_threads = True
    state.url = f"http://127.0.0.1:{http_server.server_port}/"
    thread = threading.Thread(target=http_server.serve_forever, args=(0.02,), daemon=True)
    thread.start()

    registry_file = tmp_path / "registry.json"
    files = [
        {"path": p, "bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()}
        for p, c in contents.items()
    ]
    entry = {
        "title": "Toy",
        "description": "Three small files.",
        "licence": "CC0",
        "citation_key": "nobody2000",
        "citation": "Nobody (2000).",
        "base_url": state.url,
        "files": files,
    }
    registry_file.write_text(json.dumps({"toy": entry, "toybox": {**entry, "files": files[:1]}}))
    monkeypatch.setattr(catalogue, "REGISTRY_FILE", registry_file)
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SDC_DATA_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield Toy(registry_file, tmp_path / "data", source, state, contents)
    state.release.set()
    http_server.shutdown()
    http_server.server_close()
    thread.join()


class HaxbyFiles:
    """Three small runs in the layout of haxby2001; tests damage them.

    TR 2 s, 20 volumes; a slice of 4 x 3 x 1 voxels, a whole brain of 2 x 2 x 3. The masks hold
    the voxels with x = 0.
    """

    grids = {"bold_1slice": (4, 3, 1), "bold_25mm": (2, 2, 3)}  # noqa: RUF012
    events = ((4.0, 6.0, "face"), (14.0, 6.0, "house"), (24.0, 6.0, "cat"))
    affine = np.diag([3.0, 3.0, 4.0, 1.0])

    def __init__(self, root: Path) -> None:
        self.root = root
        self.condition_key = root / "models" / "model001" / "condition_key.txt"
        self.condition_key.parent.mkdir(parents=True)
        self.condition_key.write_text(
            "task001 cond001 house\ntask001 cond002 cat\ntask001 cond003 face\n"
        )
        (root / "scan_key.txt").write_text("TR 2.0\n")
        rng = np.random.default_rng(7)
        self.signals: dict[tuple[str, int], np.ndarray] = {}
        for run in (1, 2, 3):
            for view, grid in self.grids.items():
                data = rng.integers(500, 1500, size=(*grid, 20)).astype(np.int16)
                self.signals[view, run] = data
                self.write_nifti(self.run(run) / f"{view}.nii.gz", data)
            self.write_events(run, self.events)
        mask = np.zeros(self.grids["bold_25mm"], dtype=np.int16)
        mask[0] = 1
        for name in ("brain", "gray", "vt"):
            self.write_mask(name, mask)

    def run(self, run: int) -> Path:
        return self.root / "sub001" / "BOLD" / f"task001_run{run:03d}"

    def bold(self, run: int) -> Path:
        return self.run(run) / "bold_1slice.nii.gz"

    def write_bold(self, run: int, data: np.ndarray, tr: float = 2.0) -> None:
        self.write_nifti(self.bold(run), data, tr)

    def write_mask(self, name: str, data: np.ndarray) -> None:
        self.write_nifti(self.root / "sub001" / "masks" / "25mm" / f"{name}.nii.gz", data)

    def write_events(self, run: int, events, header=("onset", "duration", "trial_type")) -> None:
        text = "".join("\t".join(map(str, row)) + "\n" for row in (header, *events))
        (self.run(run) / "bold_events.tsv").write_text(text)

    def write_nifti(self, file: Path, data: np.ndarray, tr: float = 2.0) -> None:
        import nibabel as nib

        image = nib.Nifti1Image(data, self.affine)
        if data.ndim == 4:
            image.header.set_zooms((3.0, 3.0, 4.0, tr))
        file.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image, file)


@pytest.fixture
def haxby(tmp_path) -> HaxbyFiles:
    return HaxbyFiles(tmp_path / "haxby2001")


@contextlib.contextmanager
def _a_folder(file: Path):
    content = file.read_bytes()
    file.unlink()
    file.mkdir()
    yield "it is a folder, where a file is expected"
    file.rmdir()
    file.write_bytes(content)


@contextlib.contextmanager
def _a_dangling_link(file: Path):
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("nowhere")
    yield "it is a link to nowhere, which is not there"
    file.unlink()
    file.with_name("elsewhere").rename(file)


@contextlib.contextmanager
def _no_permission(file: Path):
    user = os.geteuid()
    file.chmod(0)
    try:
        if user == 0:  # whom no permission stops: be somebody else for the moment
            os.seteuid(65534)
        yield "there is no permission to read it"
    finally:
        os.seteuid(user)
        file.chmod(0o644)


@contextlib.contextmanager
def _too_many_files(file: Path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        yield "too many files are open"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


_HINDRANCES = (_a_folder, _a_dangling_link, _no_permission, _too_many_files)


@pytest.fixture(params=_HINDRANCES, ids=lambda hindrance: hindrance.__name__.strip("_"))
def hindrance(request):
    """A context in which a file that is whole cannot be read; gives the words for the cause."""
    return request.param


@pytest.fixture
def assert_told(hindrance, tmp_path):
    """Read a file well, then hindered: the cause is named, and nothing is said of damage."""

    whole_process = hindrance in (_no_permission, _too_many_files)

    def check(file: Path, read, error: type[Exception]) -> None:
        read()  # it is whole, and what reading imports is imported
        with hindrance(file) as cause, pytest.raises(error) as caught:
            read()
        said = str(caught.value)
        assert cause in said
        named = Path(said.split(" cannot be ")[0])  # may be a folder that is looked into before
        assert named.is_relative_to(tmp_path) if whole_process else named == file
        assert "damaged" not in said
        assert "again" not in said.replace("try again", "")
        read()

    return check
