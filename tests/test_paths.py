"""Where computed files lie: beside the data, or where SDC_CACHE says."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sdc_helpers._paths import absolute_paths, cache_root, data_root, simulated_root
from sdc_helpers.embeddings._embedding_cache import cache_folder

CHILD = """
import sys
import numpy as np
from sdc_helpers.datasets.nsd import NSD
from sdc_helpers.simulate import simulated_nsd
nsd = NSD(simulated_nsd("smoke"))
name = nsd.participants[0]
betas = nsd.betas(name, np.argwhere(nsd.brainmask(name))[:50], zscore="session")
print(nsd.root, betas.filename, float(np.sum(betas, dtype=float)), sep="\\n")
"""
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_FOWNER = 24, 1, 3


def obey_permissions() -> None:
    """In a child before its program starts: let permissions hold for root too (Linux)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_FOWNER):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                os._exit(77)


def start(data: Path, cache: Path | None) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if k not in ("SDC_DATA", "SDC_CACHE")}
    environment |= {"SDC_DATA": str(data), "OMP_NUM_THREADS": "1"}
    environment |= {} if cache is None else {"SDC_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=obey_permissions,
    )


@pytest.fixture
def read_only(tmp_path, simulated_tree):
    """A data folder that holds a simulated dataset and cannot be written to."""
    if os.name == "nt" or (os.geteuid() == 0 and sys.platform != "linux"):
        pytest.skip("no folder is read-only for this user")
    data = tmp_path / "data"
    (data / "simulated").mkdir(parents=True)
    (data / "simulated" / simulated_tree.name).symlink_to(simulated_tree)
    folders = [data / "simulated", data]
    for folder in folders:
        folder.chmod(0o555)
    yield data
    for folder in folders:
        folder.chmod(0o755)


def test_one_variable_moves_every_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SDC_CACHE", raising=False)
    assert cache_root() == tmp_path / "data" / "cache"
    assert simulated_root("one", "whole") == tmp_path / "data" / "simulated" / "one"
    monkeypatch.setenv("SDC_CACHE", str(tmp_path / "near"))
    assert data_root() == tmp_path / "data"
    assert cache_root() == tmp_path / "near"
    assert cache_folder(True) == tmp_path / "near" / "embeddings"
    assert simulated_root("one", "whole") == tmp_path / "near" / "simulated" / "one"
    there = tmp_path / "data" / "simulated" / "one"
    there.mkdir(parents=True)
    (there / "whole").touch()
    assert simulated_root("one", "whole") == there


def test_it_means_the_same_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_paths({"SDC_CACHE": "near"}) == {"SDC_CACHE": str(tmp_path / "near")}
    monkeypatch.setenv("SDC_CACHE", "~/near")
    assert cache_root() == Path.home().resolve() / "near"


def test_two_processes_share_a_cache_beside_data_that_are_read_only(read_only, tmp_path):
    cache = tmp_path / "near"
    before = sorted(read_only.rglob("*"))
    processes = [start(read_only, cache) for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    root, betas, total = answers[0][0].splitlines()
    assert Path(root).parent == read_only / "simulated"
    assert [Path(betas)] == list((cache / "nsd").glob("*.npy"))
    assert float(np.sum(np.load(betas), dtype=float)) == float(total)
    assert sorted(read_only.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(read_only, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    process = start(read_only, closed)
    assert f"cache='{closed}/nsd' cannot be used" in (said := process.communicate(timeout=120)[1])
    assert "SDC_CACHE moves the default" in said
    (read_only / "simulated").chmod(0o755)
    next((read_only / "simulated").iterdir()).unlink()  # now the dataset has to be made, too
    (read_only / "simulated").chmod(0o555)
    process = start(read_only, closed)
    said = process.communicate(timeout=120)[1]
    assert f"ValueError: {closed}/simulated cannot be written to (Permission denied). Set" in said
    assert process.returncode == 1
