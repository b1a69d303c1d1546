"""Training in processes of its own: killed between steps and in mid-write, and two as one.

Run as a script this file trains; importing torch takes longer than all the training, so one script
imports it and each process is a fork of it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sdc_helpers.contrastive.losses import ContrastiveLoss
from sdc_helpers.training.loop import (
    CHECKPOINT_NAME,
    TensorPairs,
    TrainingOptions,
    TwoEncoders,
    train_pairs,
)
from sdc_helpers.training.state import read_metadata

OPTIONS = TrainingOptions(20, 8, lr=0.02, weight_decay=0.1, warmup_steps=3, checkpoint_every=5)
SECONDS = 200  # longest wait for anything


def train(out: Path, source=None, dropout: float = 0.0):
    """Train the model of these tests; return it, the loss and the history."""

    def encoder(n_inputs):
        return nn.Sequential(nn.Linear(n_inputs, 12), nn.Dropout(dropout), nn.Linear(12, 4))

    torch.manual_seed(5)
    model = TwoEncoders(encoder(6), encoder(3))
    loss = ContrastiveLoss.named("cuaxu", temperature=0.2, learn_temperature=True)
    history = train_pairs(model, loss, source or pairs(), OPTIONS, out=out)
    return model, loss, history.table.drop(columns="seconds")


def pairs() -> TensorPairs:
    generator = torch.Generator().manual_seed(1)
    x_u = torch.randn(30, 6, generator=generator)
    alternatives = x_u[:, None, :3] + 0.1 * torch.randn(30, 5, 3, generator=generator)
    return TensorPairs(x_u, alternatives, choices=True)


class Waiting(TensorPairs):
    """Waits to be killed when asked for its 13th batch."""

    def __init__(self, mark: Path):
        source = pairs()
        super().__init__(source.x_u, source.x_v, choices=True)
        self.mark, self.calls = mark, 0

    def batch(self, indices, rng):
        self.calls += 1
        if self.calls == 13:
            wait_to_be_killed(self.mark)
        return super().batch(indices, rng)


def wait_to_be_killed(mark: Path) -> None:
    mark.touch()
    time.sleep(10 * SECONDS)


def killed_between_steps(folder: Path) -> None:
    train(folder / "between", Waiting(folder / "between.ready"), dropout=0.3)


def killed_in_mid_write(folder: Path) -> None:
    import safetensors.torch

    whole = safetensors.torch.save_file
    written = []

    def half(tensors, path, metadata):
        whole(tensors, path, metadata)
        written.append(path)
        if len(written) == 3:
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            wait_to_be_killed(folder / "writing.ready")

    safetensors.torch.save_file = half
    train(folder / "writing", dropout=0.3)


def one_of_two(folder: Path, rank: int) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    model, loss, history = train(folder / "two")
    history.to_csv(folder / f"history{rank}.csv", index=False)
    tensors = {**model.state_dict(), **loss.state_dict()}
    np.savez(folder / f"weights{rank}.npz", **{k: v.numpy() for k, v in tensors.items()})
    torch.distributed.destroy_process_group()


def main(folder: Path) -> None:
    """Fork the processes, kill those that wait for it, report how each ended."""
    import accelerate  # noqa: F401 (what training imports, imported once)
    import pandas  # noqa: F401
    import torch._dynamo  # noqa: F401

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_WORLD_SIZE": "2"}
    tasks = {
        "between": lambda: killed_between_steps(folder),
        "writing": lambda: killed_in_mid_write(folder),
        "rank 0": lambda: one_of_two(folder, 0),
        "rank 1": lambda: one_of_two(folder, 1),
    }
    processes = {}
    for name, task in tasks.items():
        processes[name] = os.fork()
        if processes[name] == 0:
            os.environ["WORLD_SIZE"] = "2" if name.startswith("rank") else "1"
            task()
            os._exit(0)
    for name in ("between", "writing"):
        deadline = time.monotonic() + SECONDS
        while not (folder / f"{name}.ready").exists():
            assert time.monotonic() < deadline, f"{name} has not come to where it waits"
            time.sleep(0.02)
        os.kill(processes[name], signal.SIGKILL)
    ends = {n: os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for n, p in processes.items()}
    print(json.dumps(ends))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Folder that the processes left behind, all of them ended as they should."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    folder = tmp_path_factory.mktemp("processes")
    process = subprocess.Popen(
        [sys.executable, __file__, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=3 * SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # the group of the script and its forks
    assert process.returncode == 0, errors
    killed = -signal.SIGKILL
    ends = {"between": killed, "writing": killed, "rank 0": 0, "rank 1": 0}
    assert json.loads(output.splitlines()[-1]) == ends, errors
    return folder


@pytest.mark.parametrize(("name", "step"), [("between", 10), ("writing", 10)])
def test_a_killed_run_is_continued_to_the_same_end(folder, name, step):
    checkpoint = folder / name / CHECKPOINT_NAME
    assert read_metadata(checkpoint)["step"] == step
    n_torn = 1 if name == "writing" else 0
    assert len(list(checkpoint.parent.iterdir())) == 1 + n_torn
    model, loss, history = train(folder / name, dropout=0.3)
    expected, expected_loss, expected_history = train(folder / f"{name} whole", dropout=0.3)
    for again, module in ((model, expected), (loss, expected_loss)):
        for key, value in module.state_dict().items():
            assert torch.equal(again.state_dict()[key], value), key
    assert history.equals(expected_history)
    assert [path.name for path in checkpoint.parent.iterdir()] == [CHECKPOINT_NAME]


def test_two_processes_train_as_one(folder):
    import pandas as pd

    model, loss, history = train(folder / "one")
    expected = {**model.state_dict(), **loss.state_dict()}
    for rank in (0, 1):
        found = np.load(folder / f"weights{rank}.npz")
        assert set(found.files) == set(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value.numpy(), atol=1e-5, rtol=0, err_msg=key)
        recorded = pd.read_csv(folder / f"history{rank}.csv")
        pd.testing.assert_frame_equal(recorded, history, atol=1e-5, rtol=1e-5)


def test_a_run_of_two_processes_is_read_by_one(folder):
    model, loss, _ = train(folder / "two")
    found = np.load(folder / "weights0.npz")
    for key, value in {**model.state_dict(), **loss.state_dict()}.items():
        np.testing.assert_array_equal(found[key], value.numpy(), err_msg=key)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
