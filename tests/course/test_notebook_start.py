"""start(), say() and on_gpu(), as a notebook calls them: in a real kernel, and by hand."""

from __future__ import annotations

import sys

import pytest
from jupyter_client.manager import start_new_kernel

from sdc_helpers.course import notebook
from sdc_helpers.course.errors import ParameterError
from sdc_helpers.course.notebook import START_MIME, start

CELL = """\
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 7  # where the random numbers start [0, 100]
device: str = "auto"  # where to compute {auto, cpu, cuda}
n_draws: int | None = None  # how often; None: the profile decides [1, 1000]
"""
BY_PROFILE = {"n_draws": {"smoke": 5, "workshop": 50, "full": 500}}
DEFAULTS = {"profile": "workshop", "seed": 7, "device": "auto", "n_draws": None}


@pytest.fixture(autouse=True)
def no_profile_from_outside(monkeypatch):
    monkeypatch.delenv("SDC_PROFILE", raising=False)


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(notebook, "cuda_available", lambda: False)


@pytest.fixture
def with_cuda(monkeypatch):
    monkeypatch.setattr(notebook, "cuda_available", lambda: True)


class Kernel:
    """A kernel, and what it sends back for a cell."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", extra_arguments=["--log-level=ERROR"]
        )

    def run(self, source):
        """Run a cell; return its displays (mime bundles), its error (or None) and its streams."""
        sent = []
        self.client.execute_interactive(source, output_hook=sent.append, timeout=60)
        contents = [(m["header"]["msg_type"], m["content"]) for m in sent]
        errors = [c for kind, c in contents if kind == "error"]
        displays = [c["data"] for kind, c in contents if kind == "display_data"]
        streams = "".join(c["text"] for kind, c in contents if kind == "stream")
        return displays, errors[0] if errors else None, streams

    def started(self, source):
        """Run a cell that calls start(); return the parameters that it announced."""
        displays, error, streams = self.run(source)
        assert (error, streams) == (None, "")
        return displays[0][START_MIME]["parameters"]

    def refused(self, source):
        """Run a cell that must fail; return its sentence, with no traceback around it."""
        displays, error, streams = self.run(source)
        assert (displays, streams) == ([], "")
        assert error["ename"] == "ParameterError"
        assert error["traceback"] == [f"ParameterError: {error['evalue']}"]
        assert "\n" not in error["evalue"]
        return error["evalue"]

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def fresh_kernel():
    kernel = Kernel()
    yield kernel
    kernel.stop()


@pytest.fixture
def kernel(fresh_kernel):
    """The module's kernel, with a parameters cell just run, no GPU and a clean environment."""
    fresh_kernel.run(
        "import os; os.environ.pop('SDC_PROFILE', None)\n"
        "import sdc_helpers.course.notebook as machinery\n"
        "machinery.cuda_available = lambda: False"
    )
    fresh_kernel.run(CELL)
    return fresh_kernel


START = f"from sdc_helpers.course import start\np = start('small', {BY_PROFILE!r})"


def test_no_parameters_cell_has_been_run(fresh_kernel):
    assert "run the cell above" in fresh_kernel.refused(START)


def test_defaults_are_resolved_and_announced(kernel):
    values = kernel.started(START)
    assert values == {"profile": "workshop", "seed": 7, "device": "cpu", "n_draws": 50}
    displays, _, _ = kernel.run(f"{START}\nmachinery.say(f'p = {{p}}')")
    assert displays[0]["text/plain"].startswith("small: profile='workshop', seed=7")
    assert "n_draws=50" in displays[1]["text/markdown"]


def test_an_injected_cell_is_taken_and_its_unknown_names_are_refused(kernel):
    kernel.run("# Parameters\nprofile = 'smoke'\nseed = 3\n")
    assert kernel.started(START) == {
        "profile": "smoke", "seed": 3, "device": "cpu", "n_draws": 5,
    }  # fmt: skip
    kernel.run("# Parameters\nsead = 3\n")
    assert kernel.refused(START) == "there is no parameter 'sead': did you mean 'seed'?"


def test_a_value_set_by_hand_is_checked_wherever_it_was_set(kernel):
    kernel.run("seed = 101")
    assert "'seed' got 101 but takes int from 0 to 100" in kernel.refused(START)
    kernel.run(CELL.replace("= 7", "= -1"))
    assert "'seed' got -1" in kernel.refused(START)
    kernel.run(CELL.replace("= 7", "= '7'"))
    assert "'seed' got '7'" in kernel.refused(START)
    kernel.run(CELL + "oversight = 3\n")
    assert "'oversight = 3', not 'name: type = literal'" in kernel.refused(START)


def test_an_edited_parameters_cell_replaces_the_earlier_ones(kernel):
    kernel.run("# Parameters\nseed = 3\nunknown = 1\n")
    kernel.run(CELL.replace("= 7", "= 8").replace("[0, 100]", "[0, 8]"))
    assert kernel.started(START)["seed"] == 8
    kernel.run("seed = 9")
    assert "from 0 to 8" in kernel.refused(START)


def test_the_environment_chooses_the_profile_unless_it_was_injected(kernel):
    kernel.run("os.environ['SDC_PROFILE'] = 'smoke'")
    assert kernel.started(START)["n_draws"] == 5
    kernel.run("# Parameters\nprofile = 'full'\n")
    assert kernel.started(START)["n_draws"] == 500


def test_a_gpu_that_is_not_there_is_refused(kernel):
    kernel.run("device = 'cuda'")
    assert "no usable CUDA device; use 'auto' or 'cpu'" in kernel.refused(START)


def test_cells_with_magics_and_errors_do_not_disturb(kernel):
    kernel.run("%precision 3\n!true")
    kernel.run("this is not Python")
    kernel.run("class Some: pass\nSome.value: int = 3\nSome.other = a, b = 1, 2")
    assert kernel.started(START)["seed"] == 7


# --- the same by hand -----------------------------------------------------------------------------


def start_with(*later, by_profile=BY_PROFILE, **values):
    return start(
        "small", by_profile, cells=[CELL, *later, "start()"], namespace={**DEFAULTS, **values}
    )


@pytest.mark.parametrize(("profile", "n_draws"), [("smoke", 5), ("workshop", 50), ("full", 500)])
def test_the_profile_fills_what_is_none(profile, n_draws, without_cuda):
    assert start_with(profile=profile).n_draws == n_draws


@pytest.mark.parametrize("profile", ["smoke", "full"])
def test_an_explicit_value_beats_the_profile(profile, without_cuda):
    assert start_with(profile=profile, n_draws=51).n_draws == 51


def test_a_value_of_a_profile_is_checked_as_well(without_cuda):
    with pytest.raises(ParameterError, match="'n_draws' got 1001"):
        start_with(by_profile={"n_draws": {"workshop": 1001}})
    with pytest.raises(ParameterError, match=r"'n_draws' is None and has no value for .* 'smoke'"):
        start_with(by_profile={"n_draws": {"workshop": 5}}, profile="smoke")
    with pytest.raises(ParameterError, match="no parameter 'n_draw'"):
        start_with(by_profile={"n_draw": {"workshop": 5}})


def test_device_auto_takes_the_gpu_where_there_is_one(with_cuda):
    assert start_with().device == "cuda"
    assert start_with(device="cpu").device == "cpu"
    assert start_with(device="cuda").device == "cuda"


def test_the_environments_profile_must_exist(monkeypatch, without_cuda):
    monkeypatch.setenv("SDC_PROFILE", "fast")
    with pytest.raises(ParameterError, match="SDC_PROFILE is 'fast'; use one of smoke, workshop"):
        start_with()
    assert start_with("# Parameters\nprofile = 'smoke'", profile="smoke").profile == "smoke"


def test_a_profile_set_after_the_parameters_cell_beats_the_environment(monkeypatch, without_cuda):
    monkeypatch.setenv("SDC_PROFILE", "smoke")
    assert start_with(profile="full").profile == "full"


def test_only_a_cell_that_papermill_wrote_counts_as_injected(without_cuda):
    assert start_with("# Parameters of the model\nwidth = 3").seed == 7
    with pytest.raises(ParameterError, match="no parameter 'width'"):
        start_with("# Parameters\nwidth = 3")


def test_a_parameter_that_was_deleted_has_its_default(without_cuda):
    namespace = {name: value for name, value in DEFAULTS.items() if name != "seed"}
    assert start("small", BY_PROFILE, cells=[CELL], namespace=namespace).seed == 7


def test_outside_a_notebook_start_says_where_it_belongs():
    with pytest.raises(ParameterError, match="call it in a notebook"):
        start("small")


def test_on_gpu_without_a_gpu_in_a_notebook(kernel):
    displays, error, _ = kernel.run(
        "machinery.on_gpu('a large table', estimate='2 min on an A100', recorded='README.md')"
    )
    assert error is None
    sentence = displays[0]["text/markdown"]
    for part in ("No CUDA device", "a large table", "2 min on an A100", "README.md"):
        assert part in sentence


def test_on_gpu_with_a_gpu_says_nothing(with_cuda, capsys):
    assert notebook.on_gpu("a large table", estimate="2 min", recorded="README.md")
    assert capsys.readouterr().out == ""


def test_asking_for_a_gpu_does_not_import_torch_without_a_driver(monkeypatch):
    def no_driver(name):
        raise OSError(name)

    monkeypatch.setattr(notebook.ctypes, "CDLL", no_driver)
    monkeypatch.setitem(sys.modules, "torch", None)  # an import would raise
    assert notebook.cuda_available() is False
