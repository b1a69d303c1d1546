"""Training states: complete or absent, restored exactly, refused where they do not fit."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from sdc_helpers._files import private_path
from sdc_helpers.training import state as training_state
from sdc_helpers.training.state import (
    TrainingStateError,
    atomic_path,
    load_training_state,
    read_metadata,
    save_training_state,
)


def network(width: int = 5) -> nn.Module:
    shared = nn.Linear(width, width)  # twice in the state dict, once in memory
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), shared, nn.ReLU(), shared)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def step(module: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    module(x).square().mean().backward()
    optimizer.step()


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.9), weight_decay=0.2),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "plain": lambda p: torch.optim.SGD(p, lr=0.1),
    "groups": lambda p: torch.optim.AdamW(
        [{"params": p[:2], "lr": 0.3}, {"params": p[2:], "weight_decay": 0.0}]
    ),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_goes_on_as_if_nothing_had_been_between(kind, tmp_path):
    module = network()
    optimizer = OPTIMIZERS[kind](list(module.parameters()))
    for seed in range(3):
        step(module, optimizer, seed)
    path = save_training_state(tmp_path / "a.safetensors", {"m": module}, {"o": optimizer})

    again = network()
    optimizer_again = OPTIMIZERS[kind](list(again.parameters()))
    for group in optimizer_again.param_groups:
        group["lr"] = 99.0  # the saved one must come back
    load_training_state(path, {"m": again}, {"o": optimizer_again})
    for seed in range(3, 6):
        step(module, optimizer, seed)
        step(again, optimizer_again, seed)
    for key, value in module.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


def test_state_that_is_a_number_comes_back_as_one(tmp_path):
    def table():
        return nn.Embedding(6, 2, sparse=True)

    module = table()
    optimizer = torch.optim.SparseAdam(module.parameters(), lr=0.1)
    module(torch.tensor([1, 3])).sum().backward()
    optimizer.step()
    path = save_training_state(tmp_path / "a", {"m": module}, {"o": optimizer})
    again = table()
    restored = torch.optim.SparseAdam(again.parameters(), lr=0.1)
    load_training_state(path, {"m": again}, {"o": restored})
    old, new = (o.state_dict()["state"][0] for o in (optimizer, restored))
    assert old["step"] == new["step"] == 1
    assert torch.equal(old["exp_avg"], new["exp_avg"])


def test_every_type_of_tensor_comes_back(tmp_path):
    module = nn.Module()
    for i, dtype in enumerate(
        (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool)
    ):
        module.register_buffer(f"b{i}", torch.arange(6).reshape(2, 3).to(dtype).T)
    module.register_buffer("scalar", torch.tensor(math.pi))
    module.register_buffer("empty", torch.empty(0, 3))
    again = copy.deepcopy(module)
    for buffer in again.buffers():
        buffer.zero_()
    load_training_state(save_training_state(tmp_path / "a", {"m": module}), {"m": again})
    for key, value in module.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


def test_metadata_come_back(tmp_path):
    metadata = {
        "step": 3,
        "rows": [{"loss": 0.1 + 0.2, "nothing": math.nan}, {"loss": math.inf}],
        "name": "ä",
        "none": None,
    }
    path = save_training_state(tmp_path / "new" / "a", {}, metadata=metadata)
    found = read_metadata(path)
    assert math.isnan(found["rows"][0].pop("nothing"))
    del metadata["rows"][0]["nothing"]
    assert found == metadata
    assert read_metadata(tmp_path / "absent") is None


def test_weights_alone_can_be_read(tmp_path):
    module, other = network(), nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    path = save_training_state(tmp_path / "a", {"m": module, "other": other}, {"o": optimizer})
    again = network()
    load_training_state(path, {"m": again})
    assert torch.equal(again[0].weight, module[0].weight)


def test_the_file_holds_tensors_and_json(tmp_path):
    module = nn.Linear(2, 3)
    path = save_training_state(tmp_path / "a", {"m": module}, metadata={"step": 1})
    with safe_open(path, framework="pt") as file:
        assert set(file.keys()) == {"modules/m/weight", "modules/m/bias"}
        assert json.loads(file.metadata()["training_state"])["metadata"] == {"step": 1}


# Interrupted writes


@pytest.mark.parametrize("moment", ["save_file", "fsync", "replace"])
def test_a_failed_write_leaves_the_file_before(moment, tmp_path, monkeypatch):
    path = save_training_state(tmp_path / "a", {"m": nn.Linear(2, 2)}, metadata={"step": 1})
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError("the disk is full")

    target = "safetensors.torch.save_file" if moment == "save_file" else f"os.{moment}"
    with monkeypatch.context() as patch:
        patch.setattr(target, fail)
        with pytest.raises(OSError, match="disk is full"):
            save_training_state(path, {"m": nn.Linear(2, 2)}, metadata={"step": 2})
    assert path.read_bytes() == before
    assert names(tmp_path) == ["a"]
    save_training_state(path, {"m": nn.Linear(2, 2)}, metadata={"step": 2})
    assert read_metadata(path) == {"step": 2}


def test_what_a_killed_run_left_is_cleared_away(tmp_path):
    path = tmp_path / "a[1].csv"  # brackets mean something in patterns
    dead = f"{private_path('x').name.split('.')[2].split('-')[0]}-4194304-{'0' * 12}.tmp"
    (tmp_path / f".a[1].csv.{dead}").write_text("half")
    (tmp_path / f".b.csv.{dead}").write_text("of another file")
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == [f".b.csv.{dead}", "a[1].csv"]
    assert path.read_text() == "whole"


# Refusals


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_cut_file_is_refused(share, tmp_path):
    path = save_training_state(tmp_path / "a", {"m": nn.Linear(20, 20)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TrainingStateError, match=r"a is damaged .*Delete it"):
        read_metadata(path)
    with pytest.raises(TrainingStateError, match="damaged"):
        load_training_state(path, {"m": nn.Linear(20, 20)})


def test_other_files_are_refused(tmp_path, monkeypatch):
    save_file({"x": torch.ones(2)}, tmp_path / "weights")
    with pytest.raises(TrainingStateError, match="is no saved training state"):
        read_metadata(tmp_path / "weights")
    with pytest.raises(TrainingStateError, match="absent does not exist"):
        load_training_state(tmp_path / "absent", {})
    with monkeypatch.context() as patch:
        patch.setattr(training_state, "_FORMAT", 99)
        save_training_state(tmp_path / "new", {})
    with pytest.raises(TrainingStateError, match="has format 99"):
        read_metadata(tmp_path / "new")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (nn.Linear(4, 5), r"weight has shape \(3, 4\), the module \(5, 4\).*bias has shape"),
        (nn.Linear(4, 3, bias=False), "bias is unknown to the module"),
        (nn.Bilinear(4, 2, 3), r"weight has shape \(3, 4\), the module \(3, 4, 2\)"),
        (nn.Linear(4, 3).double(), r"weight has dtype torch.float32, the module torch.float64"),
        (nn.BatchNorm1d(3), "running_mean is missing.* and 1 more"),
    ],
)
def test_another_module_is_refused_and_not_touched(other, message, tmp_path):
    path = save_training_state(tmp_path / "a", {"m": nn.Linear(4, 3), "good": nn.Linear(1, 1)})
    good = nn.Linear(1, 1)
    before = [copy.deepcopy(m.state_dict()) for m in (good, other)]
    with pytest.raises(TrainingStateError, match=message):
        load_training_state(path, {"good": good, "m": other})
    for module, state in zip((good, other), before, strict=True):
        for key, value in module.state_dict().items():
            assert torch.equal(value, state[key])


def test_another_optimizer_is_refused(tmp_path):
    module = nn.Linear(4, 3)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    path = save_training_state(tmp_path / "a", {"m": module}, {"o": optimizer})
    weight, bias = module.weight, module.bias
    groups = torch.optim.AdamW([{"params": [weight]}, {"params": [bias]}])
    swapped = torch.optim.AdamW([bias, weight])
    for name, other, message in (
        ("o", groups, r"groups of \[2\] parameters, this one has groups of \[1, 1\]"),
        ("o", swapped, r"exp_avg of shape \(3, 4\) for parameter 0, which has shape \(3,\)"),
        ("p", optimizer, r"no optimizer 'p', only \['o'\]"),
    ):
        with pytest.raises(TrainingStateError, match=message):
            load_training_state(path, {"m": module}, {name: other})


def test_what_cannot_be_saved_is_said(tmp_path):
    class Strange(nn.Module):
        def get_extra_state(self):
            return {"not": "a tensor"}

        def set_extra_state(self, state):
            pass

    with pytest.raises(ValueError, match=r"'m' keeps more than tensors.*_extra_state"):
        save_training_state(tmp_path / "a", {"m": Strange()})
    with pytest.raises(ValueError, match=r"cannot be saved.*not JSON serializable"):
        save_training_state(tmp_path / "a", {}, metadata={"x": object()})
    module = nn.Linear(2, 2)
    optimizer = torch.optim.LBFGS(module.parameters())

    def closure():
        optimizer.zero_grad()
        value = module(torch.ones(3, 2)).square().sum()
        value.backward()
        return value

    optimizer.step(closure)
    with pytest.raises(ValueError, match="cannot be saved"):
        save_training_state(tmp_path / "a", {"m": module}, {"o": optimizer})
    assert names(tmp_path) == []
