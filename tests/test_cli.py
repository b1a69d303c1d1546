from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sdc_helpers import cli
from sdc_helpers.course import authoring, batch, book, catalogue, preflight
from sdc_helpers.course.catalogue import Notebook, list_notebooks
from sdc_helpers.datasets import catalogue as datasets

ROOT = Path(__file__).resolve().parent.parent
EVENTS = """\
what_happens = p.mode
if what_happens == "raise":
    raise ValueError("trouble")
"""


@dataclass
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one sentence of a command that failed."""
        return self._sentence(1)

    @property
    def refusal(self) -> str:
        """The one sentence of a command that started nothing: what was asked for cannot be."""
        return self._sentence(2)

    def _sentence(self, code: int) -> str:
        assert self.code == code, (self.code, self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("sdc: ")
        return lines[0]


@pytest.fixture
def sdc(monkeypatch, capsys) -> Callable[..., Answer]:
    """Return a function that runs `sdc` with arguments, its output not a terminal."""
    for name in ("FORCE_COLOR", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["sdc", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        answer = Answer(code, *capsys.readouterr())
        assert not {"\x1b", "\r"} & set(answer.out + answer.err)
        assert "Traceback" not in answer.out + answer.err
        return answer

    return call


@pytest.fixture
def no_kernel(monkeypatch):
    """Make the start of any kernel an error that is no sentence."""
    from jupyter_client.provisioning import LocalProvisioner

    async def refuse(*_, **__):
        raise KeyboardInterrupt("a kernel was started")

    monkeypatch.setattr(LocalProvisioner, "launch_kernel", refuse)


# sdc run


@pytest.fixture
def small(write_notebook, tmp_path, monkeypatch) -> list[Notebook]:
    """A course of two small notebooks; the second has a parameter of its own."""
    first = write_notebook(tmp_path / "notebooks" / "01_first.ipynb", EVENTS)
    lines = 'profile: str = "smoke"  # x\nseed: int = 1  # x\ndevice: str = "cpu"  # x\n'
    second = write_notebook(
        tmp_path / "notebooks" / "02_second.ipynb",
        parameters=lines + "n_draws: int = 3  # x\nonly_here: int = 3  # x",
    )
    course = [Notebook(first), Notebook(second)]
    for module in (catalogue, batch):
        monkeypatch.setattr(module, "list_notebooks", lambda: course)
    return course


def test_run_all_runs_every_notebook_and_ends_with_a_table(sdc, small, tmp_path):
    answer = sdc("run", "all", "--profile", "smoke", "--out", tmp_path / "out", "-p", "n_draws=4")
    assert answer.code == 0
    assert answer.err == ""
    for notebook in small:
        record = json.loads((tmp_path / "out" / f"{notebook.name}.run.json").read_text())
        assert record["parameters"]["n_draws"] == 4
        assert f"wrote {tmp_path / 'out' / notebook.name}.ipynb" in answer.out
        row = next(r for r in answer.out.splitlines() if r.startswith(f"│ {notebook.name}"))
        assert "smoke" in row
        assert f"{record['seconds']:.1f}" in row
        assert f"{record['peak_memory_mb']:.0f} MB" in row
        assert "0 / 0" in row


def test_a_failed_run_is_one_sentence(sdc, small, tmp_path):
    answer = sdc("run", "01", "--out", tmp_path / "out", "-p", "mode=raise")
    assert "01_first failed in cell 4 ('what_happens = p.mode'): ValueError" in answer.error
    assert str(tmp_path / "out" / "01_first.failed.ipynb") in answer.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["02_secund"], "there is no notebook '02_secund': did you mean '02_second'?"),
        (["nothing_like_it"], "known: 01_first, 02_second"),
        (["01", "-p", "sise=3"], "there is no parameter 'sise': did you mean 'size'?"),
        (["01", "-p", "size=many"], "'size' got 'many' but takes int from 1 to 100"),
        (["01", "-p", "size=0"], "'size' got 0 but takes int from 1 to 100"),
        (["01", "-p", "size"], "-p takes name=value, not 'size'"),
        (["01", "-p", "=3"], "-p takes name=value, not '=3'"),
        (["01", "-p", "si ze=3"], "-p takes name=value, not 'si ze=3'"),
        (["01", "-p", "profile=smoke"], "use --profile"),
        (["01", "--profile", "workshp"], "no profile 'workshp': did you mean 'workshop'?"),
        (["01", "--time-limit", "-1"], "the time limit is -1 s; it must be above 0"),
        (["all", "--time-limit", "-1"], "the time limit is -1 s; it must be above 0"),
        (["all", "-p", "only_here=3"], "there is no parameter 'only_here'"),
        (["01", "02", "-p", "only_here=3"], "there is no parameter 'only_here'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_kernel(
    sdc, small, tmp_path, no_kernel, arguments, message
):
    assert message in sdc("run", *arguments, "--out", tmp_path / "out").refusal
    assert not (tmp_path / "out").exists()


def test_a_missing_argument_is_a_usage_error(sdc):
    answer = sdc("run")
    assert answer.code == 2
    assert "names" in answer.err.lower()


def test_two_notebooks_of_one_name_are_refused_before_any_kernel(
    sdc, write_notebook, tmp_path, no_kernel
):
    paths = [write_notebook(tmp_path / who / "ps1.ipynb") for who in ("anna", "bert")]
    answer = sdc("run", *paths, "--out", tmp_path / "out")
    assert "would both be written as" in answer.refusal
    assert not (tmp_path / "out").exists()


def test_keep_runs_a_notebook_named_alone_only_where_it_is_not_made(sdc, small, tmp_path):
    asked = ("run", "01", "--profile", "smoke", "--out", tmp_path / "out")
    kept = [sdc(*asked, "--keep", "-p", f"size={size}").out for size in (3, 3, 4)]
    assert ["kept" in out for out in kept] == [False, True, False]
    failed = sdc(*asked, "--keep", "-p", "mode=raise")
    assert "ValueError" in failed.error  # one sentence, as without --keep


@pytest.mark.parametrize(
    "arguments",
    [
        ["clip", "train", "--out", "{out}", "--device", "gpu"],
        ["clip", "train", "--out", "{out}", "--recipe", "slow"],
        ["concepts", "settings", "--out", "{out}", "--seeds", "x"],
        ["concepts", "settings", "--out", "{out}", "--worlds", "flat"],
        ["concepts", "settings", "--out", "{out}", "--only", "nothing"],
        ["concepts", "settings", "--out", "{out}", "--profile", "tiny"],
        ["concepts", "components", "--out", "{out}", "--worlds", "flat"],
        ["curriculum", "grid", "--out", "{out}", "--seeds", "0,,1"],
        ["gap", "finetune", "--out", "{out}", "--seeds", "one"],
        ["partition", "race", "--out", "{out}", "--only", "stars"],
    ],
)
def test_an_experiment_refuses_what_it_does_not_know_before_it_starts(sdc, tmp_path, arguments):
    answer = sdc(*(a.format(out=tmp_path / "out") for a in arguments))
    assert answer.code == 2
    assert arguments[-1] in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "fetch", "toy"],
        ["data", "simulate", "--profile", "smoke"],
        ["notebooks", "figure", "{file}/a.ipynb", "--caption", "x", "--to", "a.png"],
        ["run", "00", "--out", "{file}/out"],
    ],
)
def test_a_folder_that_cannot_be_used_is_one_sentence(
    sdc, toy, tmp_path, monkeypatch, no_kernel, arguments
):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("SDC_DATA", str(file))
    answer = sdc(*(a.format(file=file) for a in arguments))
    assert answer.code == 1
    assert str(file) in answer.err.splitlines()[-1]


def test_check_is_not_ready_where_data_cannot_be_written(sdc, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "file" / "data"))
    monkeypatch.setattr(preflight, "_kernel", lambda: preflight.Check("kernel", "ok", ""))
    answer = sdc("check", "--profile", "smoke")
    assert answer.code == 1
    assert "is not a folder" in " ".join(answer.out.split())


def test_check_looks_where_computed_files_go(sdc, monkeypatch, tmp_path):
    """Data that are only read, and caches elsewhere."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "file" / "data"))
    monkeypatch.setenv("SDC_CACHE", str(tmp_path / "near"))
    monkeypatch.setattr(preflight, "_kernel", lambda: preflight.Check("kernel", "ok", ""))
    assert sdc("check", "--profile", "smoke").code == 0
    monkeypatch.setenv("SDC_CACHE", str(tmp_path / "file" / "near"))
    assert sdc("check", "--profile", "smoke").code == 1


# sdc list, sdc check


def test_list_shows_every_notebook_with_title_minutes_and_parameters(sdc):
    answer = sdc("list")
    assert answer.code == 0
    text = " ".join(answer.out.split())
    for notebook in list_notebooks():
        assert f"{notebook.name}: {notebook.title}" in text
        assert all(f"│ {p.name} " in answer.out for p in notebook.schema.parameters)
        minutes = [f"{t['seconds'] / 60:.1f} min" for t in notebook.timings.values()]
        assert all(m in text for m in minutes or ["not yet timed"])
    assert "where the random numbers start" in answer.out


def test_check_says_ready_on_this_machine(sdc, monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    answer = sdc("check", "--profile", "smoke")
    assert answer.code == 0, answer.out
    assert answer.out.splitlines()[-1] == "ready"
    for what in ("Python", "packages", "memory", "disk", "GPU", "kernel"):
        assert f" {what} " in answer.out
    assert "sdc data fetch haxby2001" in answer.out  # not in this data folder


def test_check_says_what_to_do_where_it_is_not_ready(sdc, monkeypatch):
    checks = [
        preflight.Check("Python", "ok", "3.11.7"),
        preflight.Check("memory", "fail", "1 GB available", "close other programs"),
    ]
    monkeypatch.setattr(preflight, "run_checks", lambda *_, **__: checks)
    answer = sdc("check")
    assert answer.code == 1
    assert "close other programs" in answer.out
    assert "not ready" in answer.out


def test_check_refuses_an_unknown_profile(sdc, no_kernel):
    assert "'fast'" in sdc("check", "--profile", "fast").refusal


# sdc data


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    """A registered dataset of one file and its mirror; return where the file will be."""
    content = b"a small file\n" * 100
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    (tmp_path / "mirror" / "toy" / "a.txt").write_bytes(content)
    entry = {
        "title": "Toy",
        "description": "One small file.",
        "licence": "CC0",
        "citation_key": "nobody2000",
        "citation": "Nobody (2000), https://doi.org/10.0000/a-long-address-of-nobodys-paper",
        "base_url": "https://nowhere.invalid/",
        "files": [
            {
                "path": "a.txt",
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
    }
    (tmp_path / "registry.json").write_text(json.dumps({"toy": entry}))
    monkeypatch.setattr(datasets, "REGISTRY_FILE", tmp_path / "registry.json")
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "mirror"))
    return tmp_path / "data" / "real" / "toy" / "a.txt"


def test_data_list_shows_what_is_here_and_whom_to_cite(sdc, toy):
    before = sdc("data", "list")
    assert before.code == 0
    (row,) = (r for r in before.out.splitlines() if "│ toy " in r)
    assert "│ no " in row
    assert "CC0" in row
    assert "One small file." in row
    assert "…" not in before.out  # no address is cut short
    sdc("data", "fetch", "toy")
    (row,) = (r for r in sdc("data", "list").out.splitlines() if "│ toy " in r)
    assert "│ yes " in row


def test_data_are_fetched_and_verified(sdc, toy):
    fetched = sdc("data", "fetch", "all")
    assert fetched.code == 0
    assert f"toy: {toy.parent}" in fetched.out
    verified = sdc("data", "verify", "toy")
    assert (verified.code, verified.out) == (0, "toy: 1 ok, 0 missing, 0 corrupted\n")


def test_a_corrupted_file_is_found_and_mended(sdc, toy):
    sdc("data", "fetch", "toy")
    good = toy.read_bytes()
    for bad in (b"A" + good[1:], good[:-10]):
        toy.write_bytes(bad)
        verified = sdc("data", "verify")
        assert verified.code == 1
        assert "0 ok, 0 missing, 1 corrupted" in verified.out
        assert "a.txt; mend with 'sdc data fetch toy'" in verified.out
        sdc("data", "fetch", "toy")
        assert toy.read_bytes() == good
        assert sdc("data", "verify").code == 0


def test_verify_counts_what_is_missing_only_where_asked_for(sdc, toy):
    assert sdc("data", "verify").code == 0
    asked = sdc("data", "verify", "toy")
    assert asked.code == 1
    assert "1 missing" in asked.out


@pytest.mark.parametrize("arguments", [["fetch", "toyy"], ["fetch", "toy", "toyy"]])
def test_an_unknown_dataset_is_refused_before_anything_is_fetched(sdc, toy, arguments):
    assert "'toyy' is not a dataset. Did you mean toy?" in sdc("data", *arguments).refusal
    assert not toy.exists()


def test_verify_refuses_an_unknown_dataset(sdc, toy):
    assert "'toyy' is not a dataset. Did you mean toy?" in sdc("data", "verify", "toyy").refusal


def test_data_that_cannot_be_had_are_one_sentence(sdc, toy, monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "empty"))
    answer = sdc("data", "fetch", "toy")
    assert answer.code == 1
    *progress, sentence = answer.err.splitlines()
    assert sentence.startswith("sdc: toy/a.txt is not available")
    assert "SDC_DATA_MIRROR" in sentence
    assert all(line.startswith("toy ") for line in progress)


def test_a_registered_dataset_comes_from_the_mirror(sdc, real_data_mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(real_data_mirror))
    assert sdc("data", "fetch", "objects92").code == 0
    verified = sdc("data", "verify", "objects92")
    assert verified.code == 0
    assert "0 missing, 0 corrupted" in verified.out


# sdc notebooks, sdc book


@pytest.fixture
def copied_course(tmp_path, monkeypatch) -> Path:
    """A course folder with copies of two notebooks and their sources."""

    def others(_: str, names: list[str]) -> list[str]:
        return [n for n in names if n[:2].isdigit() and not n.startswith(("00_", "13_"))]

    shutil.copytree(ROOT / "notebooks", tmp_path / "course" / "notebooks", ignore=others)
    monkeypatch.setattr(authoring, "course_folder", lambda: tmp_path / "course")
    return tmp_path / "course"


def test_notebooks_are_checked_against_their_sources_and_built(sdc, copied_course):
    assert sdc("notebooks", "build").code == 0
    assert sdc("notebooks", "check").code == 0

    source = copied_course / "notebooks" / "source" / "00_start_here.py"
    source.write_text(source.read_text() + "\n# %% [markdown]\n# One more sentence.\n")
    error = sdc("notebooks", "check").error
    assert "00_start_here.ipynb differs" in error
    assert "sdc notebooks build" in error

    built = sdc("notebooks", "build")
    assert built.out == f"wrote {copied_course / 'notebooks' / '00_start_here.ipynb'}\n"
    assert sdc("notebooks", "check").code == 0
    assert "up to date" in sdc("notebooks", "build").out


def test_the_book_needs_runs(sdc, tmp_path):
    answer = sdc("book", "build", "--runs", tmp_path / "none", "--out", tmp_path / "book")
    assert "no complete run of 00_start_here" in answer.error
    assert "sdc run 00_start_here" in answer.error
    assert not (tmp_path / "book").exists()


def test_the_book_ends_with_the_table_and_its_first_page(sdc, smoke_runs, tmp_path, monkeypatch):
    page = tmp_path / "book" / "index.html"
    monkeypatch.setattr(book, "build_book", lambda runs, out: page)
    answer = sdc("book", "build", "--runs", smoke_runs, "--out", tmp_path / "book")
    assert answer.code == 0
    assert all(f"│ {notebook.name} " in answer.out for notebook in list_notebooks())
    assert answer.out.splitlines()[-1] == f"The book opens at {page}"


# sdc data simulate


def test_simulate_makes_a_tree_once_and_says_where(sdc, tmp_path, monkeypatch):
    from sdc_helpers.datasets import NSD
    from sdc_helpers.simulate import Profile, profiles

    tiny = Profile(4, 12, 24, n_sessions=3, n_runs=2, voxel_mm=8.0, picture_size=16)
    monkeypatch.setattr(profiles, "PROFILES", {"smoke": tiny})
    monkeypatch.setenv("SDC_DATA", str(tmp_path))
    first = sdc("data", "simulate", "--profile", "smoke", "--seed", "3")
    assert first.code == 0
    root = Path(first.out.split("simulated NSD: ")[1].strip())
    assert tmp_path in root.parents
    assert len(NSD(root).participants) >= 4
    written = (root / "truth.json").stat().st_mtime_ns
    again = sdc("data", "simulate", "--profile", "smoke", "--seed", "3")
    assert again.out.strip().endswith(str(root))
    assert (root / "truth.json").stat().st_mtime_ns == written


def test_simulate_refuses_a_profile_that_there_is_not(sdc):
    answer = sdc("data", "simulate", "--profile", "huge")
    assert "smoke, workshop, full" in answer.refusal
