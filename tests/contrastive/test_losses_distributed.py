"""Two real processes against one with the whole batch.

Run as a script this file makes the two; importing torch takes longer than all they do, so the
script imports it and both are forks of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sdc_helpers.contrastive import ContrastiveLoss, clip_loss

N, D = 8, 5
SECONDS = 300  # longest wait for anything
CASES = [
    (name, with_items, learned)
    for name in ("clip", "cua", "cuaxu")
    for with_items, learned in ((False, False), (True, True))
]


def build(name, learned):
    torch.manual_seed(1)
    encoders = nn.ModuleList(
        nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, D)) for _ in "uv"
    )
    loss = ContrastiveLoss.named(name, temperature=0.2, learn_temperature=learned)
    return Both(encoders.double()), loss.double()


class Both(nn.Module):
    def __init__(self, encoders):
        super().__init__()
        self.encoders = encoders

    def forward(self, x):
        return [
            nn.functional.normalize(encoder(part), dim=-1)
            for encoder, part in zip(self.encoders, x, strict=True)
        ]


def batch():
    x = torch.randn(2, N, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    return x, torch.tensor([0, 1, 2, 3, 0, 4, 1, 5])  # equal items in different halves


def results(rank=0, world_size=1):
    """Losses and gradients of all cases, as arrays by name, from one part of the batch."""
    x, items = batch()
    mine = slice(rank * N // world_size, (rank + 1) * N // world_size)
    found = {}
    for name, with_items, learned in CASES:
        model, loss = build(name, learned)
        wrapped = nn.parallel.DistributedDataParallel(model) if world_size > 1 else model
        value = loss(*wrapped(x[:, mine]), items[mine] if with_items else None)
        value.backward()
        case = f"{name} {with_items} {learned}"
        found[f"{case} loss"] = value.detach().numpy()
        for key, parameter in [*model.named_parameters(), *loss.named_parameters()]:
            found[f"{case} {key}"] = parameter.grad.numpy()
    return found


def runs():
    """Two runs in leading dimensions; and one that is not gathered."""
    x, items = batch()
    u = nn.functional.normalize(x, dim=-1)
    return torch.stack([u[0], u[1]]), torch.stack([u[1], u[0]]), items


def process(rank, folder):
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=SECONDS),
    )
    found = results(rank, 2)
    u, v, items = runs()
    half = slice(rank * N // 2, (rank + 1) * N // 2)
    loss = ContrastiveLoss.named("cuaxu", temperature=0.2)
    found["runs"] = loss(u[:, half], v[:, half], items[half]).numpy()
    local = ContrastiveLoss(temperature=0.2, gather="never")
    found["local"] = local(u[0, half], v[0, half]).numpy()
    one_pair_each = loss(u[0, [rank]], v[0, [rank]])
    found["one pair each"] = one_pair_each.numpy()
    for name, n, ids in (("size", 3 + rank, None), ("items", 3, items[:3] if rank else None)):
        try:
            loss(u[0, :n], v[0, :n], ids)
        except ValueError as error:
            found[f"error {name}"] = np.array(str(error))
    np.savez(Path(folder) / f"{rank}.npz", **found)
    torch.distributed.destroy_process_group()


def main(folder):
    """Fork both processes; end the other where one fails."""
    import torch._dynamo  # noqa: F401 (what DistributedDataParallel imports, imported once)

    running = []
    for rank in range(2):
        running.append(os.fork())
        if running[-1] == 0:
            process(rank, folder)
            os._exit(0)
    while running:
        ended, status = os.wait()
        running.remove(ended)
        if status:
            for other in running:
                os.kill(other, signal.SIGKILL)
            sys.exit(1)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    folder = tmp_path_factory.mktemp("two_processes")
    script = subprocess.Popen(
        [sys.executable, __file__, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = script.communicate(timeout=2 * SECONDS)
    finally:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGKILL)  # the group of the script and its forks
    assert script.returncode == 0, output
    assert "Warning" not in output
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(2)]


def test_loss_and_gradients_are_those_of_one_process(two_processes):
    expected = results()
    assert len(expected) == len(CASES) * 9 + 3
    for found in two_processes:
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)
            assert np.abs(value).max() > 1e-6


def test_items_count_across_processes(two_processes):
    for case in ("clip", "cuaxu"):
        with_items, without = (
            float(two_processes[0][f"{case} {flags} loss"])
            for flags in ("True True", "False False")
        )
        assert abs(with_items - without) > 1e-3


def test_independent_runs_and_small_parts_are_gathered(two_processes):
    u, v, items = runs()
    loss = ContrastiveLoss.named("cuaxu", temperature=0.2)
    for found in two_processes:
        np.testing.assert_allclose(found["runs"], loss(u, v, items), rtol=1e-12)
        np.testing.assert_allclose(found["one pair each"], loss(u[0, :2], v[0, :2]), rtol=1e-12)


def test_gathering_can_be_turned_off(two_processes):
    u, v, _ = runs()
    for rank, found in enumerate(two_processes):
        half = slice(rank * N // 2, (rank + 1) * N // 2)
        expected = clip_loss(u[0, half], v[0, half], temperature=0.2)
        np.testing.assert_allclose(found["local"], expected, rtol=1e-12)


def test_batches_that_do_not_match_are_refused_in_every_process(two_processes):
    for found in two_processes:
        assert "3 without items, 4 without items" in str(found["error size"])
        assert "Drop the last, short batch" in str(found["error size"])
        assert "3 without items, 3 with items" in str(found["error items"])


if __name__ == "__main__":
    main(sys.argv[1])
