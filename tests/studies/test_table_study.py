"""A study's whole table equals its tests one by one, also after a kill."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sdc_helpers import studies
from sdc_helpers.alignment import TableBlocks, cka, gram, permutation_test
from sdc_helpers.studies import table_study

N = 24


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    layers = {f"conv{i}": rng.standard_normal((N, 5 + 40 * i)) for i in range(3)}
    areas = {f"S{s} V{i}": rng.standard_normal((N, 6)) for s in (1, 2) for i in (1, 4)}
    areas["S1 V1"] = areas["S1 V1"] + layers["conv0"][:, :1]
    return layers, areas


class Killed(BaseException):
    pass


@pytest.mark.parametrize("estimator", ["biased", "debiased", "rv2"])
def test_table_is_that_of_single_tests(data, estimator, tmp_path):
    layers, areas = data
    groups = np.arange(N) % 2
    table = studies.study_table(
        layers,
        areas,
        tmp_path,
        n_permutations=30,
        seed=4,
        estimator=estimator,
        groups=groups,
        block=7,
    )
    for r, layer in enumerate(layers):
        for c, area in enumerate(areas):
            one = permutation_test(areas[area], layers[layer], 30, estimator, rng=4, groups=groups)
            np.testing.assert_allclose(table.null[:, r, c], one.null, atol=1e-10)
            assert table.values[r, c] == pytest.approx(one.value, abs=1e-10)
            assert table.p_values[r, c] == one.p_value
    assert table.rows == tuple(layers)
    assert table.columns == tuple(areas)
    assert table.scheme == "rows within 2 groups"


@pytest.mark.parametrize("after", [1, 4, 8, 10])
def test_a_killed_table_goes_on(data, after, tmp_path, monkeypatch):
    layers, areas = data
    whole = studies.study_table(layers, areas, tmp_path / "whole", n_permutations=20, block=6)
    save, written = table_study._save, []

    def mortal(path, array):
        if len(written) == after:
            raise Killed
        save(path, array)
        written.append(path)

    monkeypatch.setattr(table_study, "_save", mortal)
    with pytest.raises(Killed):
        studies.study_table(layers, areas, tmp_path / "killed", n_permutations=20, block=6)
    first = list(written)
    monkeypatch.setattr(table_study, "_save", lambda p, a: (save(p, a), written.append(p)))
    table = studies.study_table(layers, areas, tmp_path / "killed", n_permutations=20, block=6)
    np.testing.assert_array_equal(table.null, whole.null)
    np.testing.assert_array_equal(table.p_values_fwe, whole.p_values_fwe)
    assert len(written) == len(set(written)) == 7 + 4  # nothing twice
    assert written[: len(first)] == first


PROCESS = """
import sys, time
import numpy as np
from sdc_helpers import studies
def progress(done, of):
    print(done, flush=True)
    time.sleep(0.02)
with np.load(sys.argv[1]) as given:
    layers = {name: given[name] for name in given if name[0] == "c"}
    areas = {name: given[name] for name in given if name[0] == "S"}
table = studies.study_table(
    layers, areas, sys.argv[2], n_permutations=240, block=4, progress=progress
)
np.savez(sys.argv[3], null=table.null, values=table.values, p_values_fwe=table.p_values_fwe)
"""


def _state(folder):
    """Every file of a table with what changes when it is written anew."""
    stats = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*.npy")}
    return {name: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats.items()}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_process_killed_with_sigkill_goes_on(tmp_path):
    """Killed twice after some blocks, at a moment that chance decides; then started again."""
    rng = np.random.default_rng(0)
    layers = {f"conv{i}": rng.standard_normal((150, 20)) for i in range(3)}
    areas = {f"S{s} V{i}": rng.standard_normal((150, 20)) for s in range(5) for i in range(4)}
    folder, result = tmp_path / "killed", tmp_path / "result.npz"
    np.savez(tmp_path / "given.npz", **layers, **areas)
    command = [sys.executable, "-c", PROCESS, tmp_path / "given.npz", folder, result]
    n_grams, n_blocks, known = 3 + 20, 60, {}
    for _ in range(2):
        n_known = max(0, len(known) - n_grams)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(n_known + 4):
                assert process.stdout.readline().strip(), "it ended before it could be killed"
            time.sleep(random.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert not result.exists()
        state = _state(folder)
        assert n_grams + n_known + 4 <= len(state) < n_grams + n_blocks
        assert known.items() <= state.items()
        known = state
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    done = _state(folder)
    assert known.items() <= done.items()  # nothing that was finished was written again
    assert len(done) == n_grams + n_blocks
    assert not [path for path in folder.rglob(".*") if path.is_file()]  # nothing half-written
    whole = studies.study_table(layers, areas, tmp_path / "whole", n_permutations=240, block=4)
    with np.load(result) as table:
        for name in table:
            np.testing.assert_array_equal(table[name], getattr(whole, name))


def test_features_are_not_asked_for_again_and_other_shuffles_are_other_files(data, tmp_path):
    layers, areas = data
    one = studies.study_table(layers, areas, tmp_path, n_permutations=9, seed=1)
    names = dict.fromkeys(layers), dict.fromkeys(areas)  # no features at all
    again = studies.study_table(*names, tmp_path, n_permutations=9, seed=1)
    np.testing.assert_array_equal(one.null, again.null)
    other = studies.study_table(*names, tmp_path, n_permutations=9, seed=2)
    assert not np.array_equal(one.null, other.null)


def test_a_damaged_file_is_named(data, tmp_path):
    studies.study_table(*data, tmp_path, n_permutations=3)
    next(tmp_path.glob("gram-area-S1-V1*")).write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"gram-area-S1-V1.*cannot be read.*remove it"):
        studies.study_table(*data, tmp_path, n_permutations=3)


def test_blocks_take_any_orders(data):
    layers, areas = ({name: gram(X) for name, X in side.items()} for side in data)
    blocks = TableBlocks(layers, areas)
    order = np.random.default_rng(3).permutation(N)
    expected = cka(data[0]["conv1"][order], data[1]["S2 V4"])
    assert blocks.cka(order[None])[0, 1, 3] == pytest.approx(expected, abs=1e-10)
    with pytest.raises(ValueError, match="permutations of 24 stimuli"):
        blocks.cka(np.zeros((1, N), int))
    with pytest.raises(ValueError, match="layers must be a mapping"):
        TableBlocks({}, areas)
    with pytest.raises(ValueError, match="conv0 has 24, small has 5"):
        TableBlocks(layers, {"small": gram(data[0]["conv1"][:5])})
