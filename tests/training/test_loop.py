"""The trainer: against a loop written out by hand, interrupted, and given bad input."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from sdc_helpers.training._setup import part_of_batch
from sdc_helpers.training.loop import (
    CHECKPOINT_NAME,
    EpochBatches,
    History,
    TensorPairs,
    TrainingDivergedError,
    TrainingOptions,
    TwoEncoders,
    train_pairs,
)
from sdc_helpers.training.state import TrainingStateError


class SmallLoss(nn.Module):
    """Symmetric cross entropy with a learned temperature."""

    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, u, v, items=None):
        logits = u @ v.T * self.logit_scale.exp()
        if items is not None:
            same = items[:, None] == items[None, :]
            logits = logits.masked_fill(same & ~torch.eye(len(u), dtype=torch.bool), -torch.inf)
        target = torch.arange(len(u))
        return (
            functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
        ) / 2


def encoder(n_inputs: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.Linear(n_inputs, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(dropout), nn.Linear(16, 4)
    )


def fresh(dropout: float = 0.0) -> tuple[TwoEncoders, SmallLoss]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TwoEncoders(encoder(6, dropout), encoder(5, dropout)), SmallLoss()


def pairs(n: int = 50, **options) -> TensorPairs:
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(n, 3, generator=generator)
    x_u, x_v = (z @ torch.randn(3, d, generator=generator) for d in (6, 5))
    return TensorPairs(x_u, x_v, **options)


def weights(*modules: nn.Module) -> dict[str, torch.Tensor]:
    return {
        f"{i}.{key}": value.clone()
        for i, module in enumerate(modules)
        for key, value in module.state_dict().items()
    }


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for key, value in left.items():
        assert torch.equal(value, right[key]), key


class Interrupting:
    """A source that stops the run at one of its steps, as an interrupted notebook would."""

    def __init__(self, source, calls):
        self.source, self.calls = source, calls

    def __len__(self):
        return len(self.source)

    def batch(self, indices, rng):
        if self.calls == 0:
            raise KeyboardInterrupt
        self.calls -= 1
        return self.source.batch(indices, rng)


class Changed:
    """A source whose batches are changed by a function of the batch and its number."""

    def __init__(self, change, source=None):
        self.source, self.change, self.number = source or pairs(), change, 0

    def __len__(self):
        return len(self.source)

    def batch(self, indices, rng):
        self.number += 1
        return self.change(*self.source.batch(indices, rng), self.number)


# The parts


def test_both_outputs_have_unit_length_in_float32():
    model, _ = fresh()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        u, v = model(1e3 * torch.randn(7, 6), torch.randn(7, 5))
    assert u.shape == v.shape == (7, 4)
    for side in (u, v):
        assert side.dtype == torch.float32
        torch.testing.assert_close(side.norm(dim=1), torch.ones(7), atol=1e-6, rtol=0)
    u, _ = model.double()(torch.randn(2, 6).double(), torch.randn(2, 5).double())
    assert u.dtype == torch.float64


def test_encoders_of_different_spaces_are_refused():
    with pytest.raises(ValueError, match=r"encode_u returned \(2, 3\), encode_v \(2, 4\)"):
        TwoEncoders(nn.Linear(1, 3), nn.Linear(1, 4))(torch.ones(2, 1), torch.ones(2, 1))


@given(
    n=st.integers(1, 40),
    batch=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    epoch=st.integers(0, 5),
)
def test_an_epoch_uses_each_pair_at_most_once(n, batch, seed, epoch):
    if n < batch:
        with pytest.raises(ValueError, match=f"{n} pairs, fewer than batch_size={batch}"):
            EpochBatches(n, batch, seed)
        return
    batches = EpochBatches(n, batch, seed)
    first = epoch * batches.steps_per_epoch
    steps = range(first, first + batches.steps_per_epoch)
    used = np.concatenate([batches.indices(step) for step in steps])
    assert {batches.epoch(step) for step in steps} == {epoch}
    assert len(used) == n - n % batch
    np.testing.assert_array_equal(
        used, np.random.default_rng([seed, epoch]).permutation(n)[: len(used)]
    )
    # whatever was asked for before
    np.testing.assert_array_equal(EpochBatches(n, batch, seed).indices(first), used[:batch])


def test_one_alternative_of_the_pair_itself_is_drawn():
    x_v = torch.arange(30).reshape(10, 3)  # 3 i + j for alternative j of pair i
    source = TensorPairs(torch.arange(10), x_v, items=torch.arange(10) // 2, choices=True)
    indices = np.array([7, 0, 3, 3])
    rng = np.random.default_rng(0)
    seen = np.zeros((4, 3))
    for _ in range(600):
        x_u, chosen, items = source.batch(indices, rng)
        assert x_u.tolist() == [7, 0, 3, 3]
        assert items.tolist() == [3, 0, 1, 1]
        assert (chosen // 3).tolist() == [7, 0, 3, 3]
        seen[np.arange(4), (chosen % 3).numpy()] += 1
    # 200 expected of 600, standard deviation 11.5
    assert np.abs(seen - 200).max() < 60


def test_what_is_drawn_does_not_depend_on_how_a_batch_is_divided():
    x_v = torch.arange(300).reshape(100, 3)
    source = TensorPairs(torch.arange(100), x_v, choices=True)
    indices = np.random.default_rng(1).permutation(100)[:20]
    whole = source.batch(indices, np.random.default_rng(5))[1]
    halves = [source.batch(part, np.random.default_rng(5))[1] for part in np.split(indices, 2)]
    assert torch.equal(whole, torch.cat(halves))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((torch.ones(3, 2), torch.ones(4, 2)), {}, r"'x_u': 3, 'x_v': 4"),
        ((torch.ones(0, 2), torch.ones(0, 2)), {}, "holds no pair"),
        ((torch.ones(()), torch.ones(2)), {}, r"x_u must be a tensor with a row.*shape \(\)"),
        ((torch.ones(3), torch.ones(3)), {"choices": True}, r"x_v of shape \(n, k, ...\)"),
        ((torch.ones(3), torch.ones(3, 0)), {"choices": True}, r"got \(3, 0\)"),
        ((torch.ones(3), torch.ones(3), torch.ones(3)), {}, "items must be integers.*float32"),
        ((torch.ones(3), torch.ones(3), torch.ones(2).long()), {}, "'items': 2"),
        ((torch.ones(3), torch.ones(3), torch.ones(3, 1).long()), {}, r"of shape \(3, 1\)"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        TensorPairs(*arguments, **options)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("warmup", [0, 4, 20])
def test_learning_rate(schedule, warmup):
    options = TrainingOptions(20, 2, lr=0.5, warmup_steps=warmup, schedule=schedule)
    expected = []
    for step in range(20):
        if step < warmup:
            expected.append(0.5 * (step + 1) / warmup)
        elif schedule == "constant":
            expected.append(0.5)
        else:
            expected.append(0.25 + 0.25 * math.cos(math.pi * (step - warmup) / (20 - warmup)))
    assert [options.learning_rate(step) for step in range(20)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps must be an integer >= 1, got 0"),
        ({"n_steps": 2.0}, "n_steps must be an integer >= 1, got 2.0"),
        ({"n_steps": True}, "n_steps must be an integer"),
        ({"batch_size": 1}, "batch_size must be an integer >= 2, got 1"),
        ({"lr": 0}, "lr must be a number > 0, got 0"),
        ({"lr": math.nan}, "lr must be a number > 0, got nan"),
        ({"lr": math.inf}, "lr must be a number > 0, got inf"),
        ({"weight_decay": -1}, "weight_decay must be a number >= 0, got -1"),
        ({"betas": (0.9, 1.0)}, "betas must be a number >= 0 and < 1, got 1.0"),
        ({"betas": 0.9}, "betas must be two numbers, got 0.9"),
        ({"warmup_steps": 11}, "warmup_steps=11 is more than n_steps=10"),
        ({"schedule": "linear"}, "schedule must be one of cosine, constant, got 'linear'"),
        ({"gradient_clip": 0}, "gradient_clip must be a number > 0, got 0"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"mixed_precision": "fp8"}, "mixed_precision must be one of no, bf16, fp16, got 'fp8'"),
        ({"checkpoint_every": -1}, "checkpoint_every must be an integer >= 0"),
        ({"record_every": 0}, "record_every must be an integer >= 1"),
        ({"lr": -1, "seed": "x"}, "seed must be an integer >= 0, got 'x'; lr must be"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TrainingOptions(**({"n_steps": 10, "batch_size": 4} | options))


# The updates


def test_updates_are_those_of_a_plain_loop():
    options = TrainingOptions(
        12, 8, lr=0.02, weight_decay=0.3, betas=(0.8, 0.95), warmup_steps=3, gradient_clip=0.5,
        seed=4, record_every=1,
    )  # fmt: skip
    source = pairs(items=torch.arange(50) // 3)
    model, loss = fresh()
    history = train_pairs(model, loss, source, options).table

    plain, plain_loss = fresh()
    sides = (plain.encode_u, plain.encode_v)
    matrices = [side[i].weight for side in sides for i in (0, 4)]
    others = [p for side in sides for p in (side[0].bias, *side[1].parameters(), side[4].bias)]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": 0.3},
            {"params": [*others, plain_loss.logit_scale], "weight_decay": 0.0},
        ],
        betas=(0.8, 0.95),
    )
    everything = [*matrices, *others, plain_loss.logit_scale]
    inputs = [(plain.encode_u, source.x_u), (plain.encode_v, source.x_v)]
    losses, norms = [], []
    for step in range(12):
        epoch, position = divmod(step, 6)
        order = np.random.default_rng([4, epoch]).permutation(50)
        index = torch.from_numpy(order[position * 8 : position * 8 + 8])
        u, v = (functional.normalize(s(x[index])) for s, x in inputs)
        value = plain_loss(u, v, items=source.items[index])
        optimizer.zero_grad()
        value.backward()
        norms.append(float(nn.utils.clip_grad_norm_(everything, 0.5)))
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate(step)
        optimizer.step()
        losses.append(value.item())
    for key, value in weights(plain, plain_loss).items():
        torch.testing.assert_close(weights(model, loss)[key], value, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(history["loss"], losses, atol=1e-6)
    np.testing.assert_allclose(history["grad_norm"], norms, rtol=1e-4)
    assert max(norms) > 0.5  # it was clipped
    assert history["step"].tolist() == list(range(1, 13))
    assert history["epoch"].tolist() == [0] * 6 + [1] * 6
    assert history["samples_seen"].tolist() == [8 * step for step in range(1, 13)]
    assert history["lr"].tolist() == [options.learning_rate(step) for step in range(12)]
    assert history["temperature"].iloc[-1] == pytest.approx(math.exp(-loss.logit_scale.item()))
    assert (history["seconds"].diff().iloc[1:] > 0).all()


def test_it_learns_pairs_it_has_not_seen():
    source = pairs(400)
    train = TensorPairs(source.x_u[:300], source.x_v[:300])
    model, loss = fresh()

    def accuracy() -> float:
        with torch.no_grad():
            u, v = model(source.x_u[300:], source.x_v[300:])
        return float(((u @ v.T).argmax(1) == torch.arange(100)).float().mean())

    before = accuracy()
    train_pairs(model, loss, train, TrainingOptions(300, 50, lr=1e-2, warmup_steps=20))
    assert before < 0.1
    assert accuracy() > 0.5  # chance is 0.01


def test_every_parameter_is_trained():
    model, loss = fresh()
    before = weights(model, loss)
    train_pairs(model, loss, pairs(), TrainingOptions(2, 10))
    for key, value in weights(model, loss).items():
        assert not torch.equal(value, before[key]), key


def test_frozen_parameters_stay_and_all_frozen_is_an_error():
    model, loss = fresh()
    model.encode_u.requires_grad_(False)
    before = weights(model.encode_u)
    train_pairs(model, loss, pairs(), TrainingOptions(3, 10, weight_decay=0.5))
    assert_same(weights(model.encode_u), before)
    model.requires_grad_(False)
    loss.requires_grad_(False)
    with pytest.raises(ValueError, match="Neither the model nor the loss has a parameter"):
        train_pairs(model, loss, pairs(), TrainingOptions(3, 10))


def test_a_parameter_outside_the_loss_is_named():
    model, loss = fresh()
    model.encode_v.extra = nn.Linear(2, 2)
    model.encode_v.forward = model.encode_v[0:5].forward
    with pytest.raises(
        ValueError, match=r"encode_v.extra.weight, encode_v.extra.bias took no part"
    ):
        train_pairs(model, loss, pairs(), TrainingOptions(3, 10))


def test_bf16_keeps_the_weights_in_float32():
    runs = {}
    for precision in ("no", "bf16"):
        model, loss = fresh()
        options = TrainingOptions(20, 10, mixed_precision=precision)
        runs[precision] = train_pairs(model, loss, pairs(), options).table["loss"].iloc[-1]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert runs["bf16"] == pytest.approx(runs["no"], rel=0.02)
    assert runs["bf16"] != runs["no"]


# What a run leaves as it was


def test_nothing_outside_changes_a_run_and_a_run_changes_nothing_outside():
    def ends_at(evaluate=None, evaluate_every=0):
        model, loss = fresh(dropout=0.3)
        source = pairs()
        source = TensorPairs(source.x_u, source.x_v[:, None] * torch.ones(1, 3, 1), choices=True)
        options = TrainingOptions(10, 10, record_every=2)
        train_pairs(model, loss, source, options, evaluate=evaluate, evaluate_every=evaluate_every)
        return weights(model, loss)

    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (the state that must not be touched)
    states = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    first = ends_at()
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    torch.manual_seed(99)
    assert_same(ends_at(lambda model: {"noise": torch.rand(3).sum()}, 3), first)


def test_dropout_is_drawn_anew_in_each_step():
    masks = []

    class Spy(nn.Dropout):
        def forward(self, x):
            y = super().forward(x)
            masks.append(y == 0)
            return y

    model, loss = fresh()
    model.encode_u[3] = Spy(0.5)
    train_pairs(model, loss, pairs(), TrainingOptions(4, 10))
    assert len(masks) == 4
    assert not any(torch.equal(masks[i], masks[j]) for i in range(4) for j in range(i))


def test_an_accelerator_of_the_caller_stays_as_it_is():
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        own = Accelerator(cpu=True, mixed_precision="no")
        model, loss = fresh()
        train_pairs(model, loss, pairs(), TrainingOptions(2, 10, mixed_precision="bf16"))
        assert own.state.mixed_precision == "no"
        assert own.device.type == "cpu"
        assert Accelerator(cpu=True).mixed_precision == "no"
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


# Interruption


@pytest.mark.parametrize("calls", [1, 7, 13, 22])
def test_a_run_continued_is_the_run_uninterrupted(calls, tmp_path):
    options = TrainingOptions(
        23, 8, lr=0.02, weight_decay=0.1, warmup_steps=9, gradient_clip=0.5, checkpoint_every=6,
        record_every=4,
    )  # fmt: skip

    def evaluate(model):
        assert not model.training
        return {"norm": model.encode_u[0].weight.norm()}

    def run(out, source):
        model, loss = fresh(dropout=0.2)
        history = train_pairs(
            model, loss, source, options, out=out, evaluate=evaluate, evaluate_every=5
        )
        return weights(model, loss), history.table.drop(columns="seconds")

    expected, expected_history = run(None, pairs())
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Interrupting(pairs(), calls))
    assert (tmp_path / CHECKPOINT_NAME).exists() == (calls >= 6)
    again, history = run(tmp_path, Interrupting(pairs(), 23 - calls // 6 * 6))  # and no step more
    assert_same(again, expected)
    assert history.equals(expected_history)
    assert history["step"].tolist() == [0, 4, 5, 8, 10, 12, 15, 16, 20, 23]
    assert history["norm"].notna().tolist() == [s % 5 == 0 or s == 23 for s in history["step"]]


def test_a_finished_run_is_read(tmp_path):
    options = TrainingOptions(6, 10)
    model, loss = fresh()
    history = train_pairs(model, loss, pairs(), options, out=tmp_path)
    again, loss_again = fresh()

    def evaluate(model):
        raise AssertionError("nothing is left to do")

    read = train_pairs(
        again, loss_again, Interrupting(pairs(), 0), options, out=tmp_path, evaluate=evaluate
    )
    assert_same(weights(again, loss_again), weights(model, loss))
    assert read.table.equals(history.table)
    assert not again.training


def test_one_encoder_for_both_sides_is_continued(tmp_path):
    def run(out, source):
        model, loss = fresh()
        model.encode_v = model.encode_u
        train_pairs(model, loss, source, TrainingOptions(6, 10, checkpoint_every=2), out=out)
        return weights(model, loss)

    x = pairs().x_u
    source = TensorPairs(x, x)
    expected = run(None, source)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Interrupting(source, 3))
    assert_same(run(tmp_path, source), expected)


@pytest.mark.parametrize(
    ("changed", "n", "message"),
    [
        ({"lr": 0.5}, 50, "lr was 0.001 and is 0.5"),
        ({"n_steps": 7, "seed": 2}, 50, "n_steps was 6 and is 7; seed was 0 and is 2"),
        ({}, 49, r"len\(source\) was 50 and is 49"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(changed, n, message, tmp_path):
    options = {"n_steps": 6, "batch_size": 10}
    train_pairs(*fresh(), pairs(), TrainingOptions(**options), out=tmp_path)
    with pytest.raises(TrainingStateError, match=message):
        train_pairs(*fresh(), pairs(n), TrainingOptions(**options | changed), out=tmp_path)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    options = TrainingOptions(6, 10)
    train_pairs(*fresh(), pairs(), options, out=tmp_path)
    model, loss = fresh()
    model.encode_u[4] = nn.Linear(16, 5)
    with pytest.raises(TrainingStateError, match=r"encode_u.4.weight has shape \(4, 16\)"):
        train_pairs(model, loss, pairs(), options, out=tmp_path)


def test_how_often_checkpoints_are_written_may_change(tmp_path):
    train_pairs(*fresh(), pairs(), TrainingOptions(6, 10), out=tmp_path)
    train_pairs(*fresh(), pairs(), TrainingOptions(6, 10, checkpoint_every=1), out=tmp_path)


# What goes wrong


@pytest.mark.parametrize("bad", [0, 4, 31])
def test_a_loss_that_is_no_number_stops_the_run(bad, tmp_path):
    def poison(x_u, x_v, items, number):
        return (x_u * torch.nan if number == bad + 1 else x_u), x_v, items

    last = "no earlier loss" if bad == 0 else rf"the last finite loss was \d\S+ in step {bad}"
    options = TrainingOptions(40, 10, record_every=100, checkpoint_every=3)
    with pytest.raises(
        TrainingDivergedError, match=rf"loss is nan in step {bad + 1} of 40; {last}"
    ):
        train_pairs(*fresh(), Changed(poison), options, out=tmp_path)
    if bad >= 3:  # the last checkpoint before it can be used
        model, loss = fresh()
        train_pairs(model, loss, pairs(), options, out=tmp_path)
        assert all(p.isfinite().all() for p in model.parameters())


def test_a_gradient_that_is_no_number_stops_the_run_before_it_is_saved(tmp_path):
    class Steep(SmallLoss):
        def forward(self, u, v, items=None):
            return super().forward(u, v) + (self.logit_scale - self.logit_scale).abs().sqrt()

    model, _ = fresh()
    options = TrainingOptions(4, 10, checkpoint_every=1)
    with pytest.raises(TrainingDivergedError, match="norm of the gradient is nan in step 1 of 4"):
        train_pairs(model, Steep(), pairs(), options, out=tmp_path)
    assert not (tmp_path / CHECKPOINT_NAME).exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda u, v, i, n: (u[:9], v, i), r"expected 10 rows in each part.*'x_u': 9, 'x_v': 10"),
        (lambda u, v, i, n: (u[:9], v[:9], i), "expected 10 rows in each part"),
        (lambda u, v, i, n: (u, v, torch.arange(9)), "'items': 9"),
        (lambda u, v, i, n: (u, v, torch.ones(10)), "items must be integers"),
        (lambda u, v, i, n: (u.numpy(), v, i), "x_u must be a tensor"),
        (lambda u, v, i, n: (u, None, i), "x_v must be a tensor with a row per pair, got NoneType"),
        (lambda u, v, i, n: (u, v), r"must return \(x_u, x_v, items or None\)"),
    ],
)
def test_a_source_that_returns_something_else_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        train_pairs(*fresh(), Changed(change), TrainingOptions(3, 10))


def test_bad_arguments_are_refused(monkeypatch):
    options = TrainingOptions(3, 10)

    def refused(message, source=None, **arguments):
        with pytest.raises(ValueError, match=message):
            train_pairs(*fresh(), source or pairs(), arguments.pop("options", options), **arguments)

    refused("The source has 9 pairs, fewer than batch_size=10", pairs(9))
    refused("device must be 'cpu', 'cuda', 'mps' or None, got 'cuda:1'", device="cuda:1")
    refused("'fp16' needs a CUDA device", options=TrainingOptions(3, 10, mixed_precision="fp16"))
    refused("evaluate_every must be an integer >= 0, got -1", evaluate_every=-1)
    refused("evaluate.* returned loss, step: columns", evaluate=lambda m: {"loss": 0, "step": 1})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused("'cuda': torch sees no such device", device="cuda")
    model, _ = fresh()
    with pytest.raises(ValueError, match=r"must return one number as a tensor, got \(10,\)"):
        train_pairs(model, nn.CosineSimilarity(), pairs(), options)


@pytest.mark.parametrize(("rank", "part"), [(0, slice(0, 4)), (2, slice(8, 12))])
def test_each_process_takes_its_part(rank, part):
    assert part_of_batch(12, SimpleNamespace(num_processes=3, process_index=rank)) == part
    with pytest.raises(ValueError, match="must divide by their number, 3: try 12"):
        part_of_batch(13, SimpleNamespace(num_processes=3, process_index=rank))


# History


def test_a_history_survives_a_csv_file(tmp_path):
    history = train_pairs(
        *fresh(), pairs(), TrainingOptions(9, 10, record_every=2), evaluate=lambda m: {"x": 1 / 3},
        progress=True,
    )  # fmt: skip
    read = History.read_csv(history.to_csv(tmp_path / "new" / "history.csv"))
    assert read.table.equals(history.table)
    assert read.table.columns.tolist() == [
        "step", "epoch", "loss", "lr", "grad_norm", "temperature", "samples_seen", "seconds", "x"
    ]  # fmt: skip
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no column 'step'"):
        History.read_csv(tmp_path / "other.csv")
