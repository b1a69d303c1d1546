"""A training that was interrupted goes on as if it had not been."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from sdc_helpers.decoding import ContrastiveDecoder, _runs
from sdc_helpers.training.state import TrainingStateError

OPTIONS = {
    "lr": 3e-3,
    "batch_size": 32,
    "n_steps": 60,
    "n_runs": 3,
    "evaluate_every": 7,
    "early_stopping": "top_1",
}


def fit(folds, *, options=OPTIONS, **given):
    train, validation = folds
    return ContrastiveDecoder(**options).fit(
        train.X, train.Y, items=train.items, validation=tuple(validation), **given
    )


def assert_same(one, other):
    for mine, yours in zip(one.layers_, other.layers_, strict=True):
        np.testing.assert_array_equal(mine[0], yours[0])
        np.testing.assert_array_equal(mine[1], yours[1])
    assert one.history_.equals(other.history_)
    assert one.best_step_.tolist() == other.best_step_.tolist()


class InterruptedTrainingError(Exception):
    pass


@pytest.mark.parametrize("options", [OPTIONS, {**OPTIONS, "hidden": 8, "early_stopping": None}])
def test_continued_equals_uninterrupted(folds, tmp_path, monkeypatch, options):
    monkeypatch.setattr(_runs, "runs_at_once", lambda *_: 2)  # two groups: 2 runs, then 1
    expected = fit(folds, options=options)

    def stop_at(done):
        def progress(step, total):
            assert total == 120
            if step >= done:
                raise InterruptedTrainingError

        return progress

    for done in (35, 56, 88):
        with pytest.raises(InterruptedTrainingError):
            fit(
                folds,
                options=options,
                checkpoint=tmp_path,
                checkpoint_every=10,
                progress=stop_at(done),
            )
    continued = fit(folds, options=options, checkpoint=tmp_path, checkpoint_every=10)
    assert_same(continued, expected)

    def never(*_):
        raise AssertionError("a finished training trains no more")

    assert_same(fit(folds, options=options, checkpoint=tmp_path, progress=never), expected)


CHILD = """
import os, signal, sys
import numpy as np, torch
from sdc_helpers.decoding import ContrastiveDecoder
torch.set_num_threads(int(sys.argv[3]))
data = np.load(sys.argv[1])
def progress(step, total):
    if step >= 42:
        os.kill(os.getpid(), signal.SIGKILL)
ContrastiveDecoder(**eval(sys.argv[4])).fit(
    data["X"], data["Y"], items=data["items"],
    validation=(data["Xv"], data["Yv"], data["items_v"]),
    checkpoint=sys.argv[2], checkpoint_every=4, progress=progress,
)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_process_loses_nothing(folds, tmp_path):
    (X, Y, items), (Xv, Yv, items_v) = folds
    np.savez(tmp_path / "d.npz", X=X, Y=Y, items=items, Xv=Xv, Yv=Yv, items_v=items_v)
    command = [sys.executable, "-c", CHILD, tmp_path / "d.npz", tmp_path / "state"]
    command += [str(torch.get_num_threads()), repr(OPTIONS)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    steps = []
    continued = fit(
        folds, checkpoint=tmp_path / "state", progress=lambda step, _: steps.append(step)
    )
    assert min(steps) == 42  # saved at step 40
    assert_same(continued, fit(folds))


def test_a_checkpoint_of_another_training_is_refused(folds, tmp_path):
    train, validation = folds
    small = {**OPTIONS, "n_steps": 3, "n_runs": 1}
    fit(folds, options=small, checkpoint=tmp_path)
    with pytest.raises(TrainingStateError, match=r"runs_0000.*another training: parameters differ"):
        fit(folds, options={**small, "lr": 1e-3}, checkpoint=tmp_path)
    with pytest.raises(TrainingStateError, match="seeds differ"):
        fit(folds, options={**small, "random_state": 1}, checkpoint=tmp_path)
    moved = type(train)(train.X + 1, train.Y, train.items)
    with pytest.raises(TrainingStateError, match="trials differ"):
        fit((moved, validation), options=small, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="checkpoint_every=0"):
        fit(folds, options=small, checkpoint=tmp_path, checkpoint_every=0)
