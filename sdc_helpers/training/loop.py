"""Training two encoders on pairs with a contrastive loss: devices, processes, checkpoints.

Everything random about a step follows from the seed and the number of the step, not from what ran
before it. So a run that is interrupted and continued makes the same updates as one that is not.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.training._setup import (
    accelerator_for,
    adamw,
    check_gradients,
    check_same_run,
    counted,
    part_of_batch,
    seed_torch,
)
from sdc_helpers.training.batches import (
    BatchOrder,
    EpochBatches,
    PairSource,
    TensorPairs,
    check_pairs,
)
from sdc_helpers.training.options import COLUMNS, History, TrainingOptions
from sdc_helpers.training.state import load_training_state, read_metadata, save_training_state

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from accelerate import Accelerator
    from torch import nn

    from sdc_helpers.training.two_encoders import TwoEncoders

__all__ = [
    "CHECKPOINT_NAME",
    "BatchOrder",
    "EpochBatches",
    "History",
    "PairSource",
    "TensorPairs",
    "TrainingDivergedError",
    "TrainingOptions",
    "TwoEncoders",
    "train_pairs",
]

CHECKPOINT_NAME = "checkpoint.safetensors"
_LOOK_EVERY = 20  # steps after which losses are read, at the latest: reading them waits for a GPU
_DRAWS, _DROPOUT = 1, 2  # last parts of the seeds; the permutations have none


class TrainingDivergedError(ValueError):
    """The loss, or the gradient, is no longer a finite number."""


def __getattr__(name: str) -> Any:
    if name == "TwoEncoders":  # a torch module: imports torch
        from sdc_helpers.training.two_encoders import TwoEncoders

        return TwoEncoders
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def train_pairs(
    model: nn.Module,
    loss: nn.Module,
    source: PairSource,
    options: TrainingOptions,
    *,
    batches: BatchOrder | None = None,
    out: str | Path | None = None,
    device: str | None = "cpu",
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    evaluate_every: int = 0,
    progress: bool = False,
) -> History:
    """Train a model of pairs, in place, with AdamW.

    Started in several processes (``torchrun``), each takes an equal part of every batch, gradients
    are averaged and batch normalisation is over all of them; with a loss that gathers the others'
    embeddings the updates are those of one process. torch's own random state is the same after as
    before.

    Parameters
    ----------
    model : torch.nn.Module
        The model, called as ``model(x_u, x_v) -> (u, v)``, such as `TwoEncoders`. Parameters with
        ``requires_grad=False`` stay as they are. It is left on the device, in evaluation mode.
    loss : torch.nn.Module
        The loss, called as ``loss(u, v) -> scalar``, or ``loss(u, v, items=items)`` where the
        source has items. Its parameters are trained too.
    source : PairSource
        The pairs, such as `TensorPairs`.
    options : TrainingOptions
        Number of steps, batch size, learning rate and the other options.
    batches : BatchOrder, optional
        Order of the pairs, batch by batch; by default `EpochBatches`.
    out : path, optional
        Folder for the checkpoint (`CHECKPOINT_NAME`), the same for all processes. A checkpoint of
        the same run that is found there is continued, or, of a finished run, read.
    device : {"cpu", "cuda", "mps"} or None
        Device to train on; None takes a GPU where there is one.
    evaluate : callable, optional
        Function whose call ``evaluate(model)`` returns numbers by name for the history. It is
        called in evaluation mode, without gradients, before the first step and after the last, by
        every process.
    evaluate_every : int
        Number of steps between further calls of `evaluate`; 0 for none.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    History
        The recorded steps.

    Raises
    ------
    ValueError
        If the source has too few pairs or returns something other than was asked for, nothing can
        be trained, a parameter takes no part in the loss, the device is not there, or the batch
        does not divide by the number of processes.
    TrainingDivergedError
        If the loss or the gradient is not finite; no checkpoint is written after that.
    sdc_helpers.training.state.TrainingStateError
        If `out` holds a checkpoint of other options, data or weights' shapes.

    Examples
    --------
    >>> import torch
    >>> from sdc_helpers.contrastive import ContrastiveLoss
    >>> from sdc_helpers.training import TensorPairs, TrainingOptions, TwoEncoders, train_pairs
    >>> x = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
    >>> model = TwoEncoders(torch.nn.Linear(5, 3), torch.nn.Linear(5, 3))
    >>> options = TrainingOptions(n_steps=60, batch_size=32, lr=0.05, record_every=1)
    >>> loss = ContrastiveLoss(temperature=0.1)
    >>> history = train_pairs(model, loss, TensorPairs(x, 2 * x), options)
    >>> losses = history.table["loss"].to_numpy()
    >>> len(losses), bool(losses[-1] < losses[0] / 2)
    (60, True)
    """
    import torch

    from sdc_helpers.training._batch_norm import normalised_over_all

    if not isinstance(evaluate_every, int) or evaluate_every < 0:
        raise ValueError(f"evaluate_every must be an integer >= 0, got {evaluate_every!r}.")
    if batches is None:
        batches = EpochBatches(len(source), options.batch_size, options.seed)
    elif batches.n_pairs != len(source):
        raise ValueError(f"batches are of {batches.n_pairs} pairs, the source has {len(source)}.")
    with accelerator_for(options, device) as accelerator:
        where = accelerator.device
        devices = [where] if where.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            run = _Run(model, loss, source, options, batches, accelerator, out)
            run.evaluate, run.evaluate_every = evaluate, evaluate_every
            try:
                with normalised_over_all(run.pair_loss):
                    return run.train(progress)
            finally:
                run.pair_loss.eval()


class _Run:
    """State of a run between its steps."""

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        source: PairSource,
        options: TrainingOptions,
        batches: BatchOrder,
        accelerator: Accelerator,
        out: str | Path | None,
    ) -> None:
        import torch

        from sdc_helpers.training.two_encoders import PairLoss

        self.source, self.options, self.batches = source, options, batches
        self.accelerator = accelerator
        self.path = None if out is None else Path(out) / CHECKPOINT_NAME
        self.modules = {"model": model, "loss": loss}
        self.pair_loss = PairLoss(model, loss).to(accelerator.device)
        self.part = part_of_batch(options.batch_size, accelerator)
        self.optimizer = adamw(self.pair_loss, options)
        self.rows: list[dict[str, float]] = []
        self.step, self.seconds = 0, 0.0
        if self.path is not None:
            self._restore()
        self.prepared, scaled = accelerator.prepare(self.pair_loss, self.optimizer)
        # accelerate's own are for the scaling of fp16; without it they are a tenth of a small step
        plain = accelerator.scaler is None
        self.backward = torch.Tensor.backward if plain else accelerator.backward
        self.optimizer_step = (self.optimizer if plain else scaled).step
        self.unread: list[torch.Tensor] = []  # losses that are still on the device
        self.last_finite: tuple[int, float] | None = None
        self.evaluate: Callable[[nn.Module], dict[str, float]] | None = None
        self.evaluate_every = 0

    def train(self, progress: bool) -> History:
        """Make the steps that are left."""
        options, n_steps = self.options, self.options.n_steps
        start, before = time.perf_counter(), self.seconds
        if self.step == 0 and self.evaluate is not None:
            self.rows.append(
                {"step": 0, "epoch": 0, "samples_seen": 0, **self._temperature(), "seconds": 0.0}
                | self._evaluation()
            )
        self.pair_loss.train()
        self.optimizer.zero_grad()
        for step in counted(range(self.step, n_steps), progress and self._is_main):
            done = step + 1
            last = done == n_steps
            recorded = last or done % options.record_every == 0
            evaluated = self.evaluate is not None and (
                last or (self.evaluate_every > 0 and done % self.evaluate_every == 0)
            )
            saved = self.path is not None and (
                last or (options.checkpoint_every > 0 and done % options.checkpoint_every == 0)
            )
            norm = self._update(step, with_norm=recorded or evaluated or saved)
            self.step = done
            if norm is not None or len(self.unread) == _LOOK_EVERY:
                row = self._look(step, norm)
            self.seconds = before + time.perf_counter() - start
            if recorded or evaluated:
                row["seconds"] = self.seconds
                self.rows.append(row | (self._evaluation() if evaluated else {}))
            if saved:
                self._save()
        return History.from_rows(self.rows)

    def _update(self, step: int, with_norm: bool) -> torch.Tensor | None:
        """Make one step; return the norm of the gradient if it is asked for or clipped by."""
        options, accelerator = self.options, self.accelerator
        inputs = self._batch(step)
        seed_torch([options.seed, step, _DROPOUT, accelerator.process_index], accelerator.device)
        value = self.prepared(*inputs)
        self.backward(value)
        if step == 0:  # a later one would fail too
            check_gradients(self.pair_loss)
        self.unread.append(value.detach())
        norm = None
        if options.gradient_clip is not None or with_norm:
            parameters = [p for p in self.pair_loss.parameters() if p.requires_grad]
            limit = math.inf if options.gradient_clip is None else options.gradient_clip
            norm = accelerator.clip_grad_norm_(parameters, limit)
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate(step)
        self.optimizer_step()
        self.optimizer.zero_grad()
        return norm if with_norm else None

    def _batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        indices = self.batches.indices(step)[self.part]
        rng = np.random.default_rng([self.options.seed, step, _DRAWS])
        batch = self.source.batch(indices, rng)
        if not isinstance(batch, tuple | list) or len(batch) != 3:
            raise ValueError("source.batch(indices, rng) must return (x_u, x_v, items or None).")
        check_pairs(*batch, "source.batch(indices, rng)", len(indices))
        device = self.accelerator.device
        x_u, x_v, items = batch
        return (
            x_u.to(device, non_blocking=True),
            x_v.to(device, non_blocking=True),
            None if items is None else items.to(device, non_blocking=True),
        )

    def _look(self, step: int, norm: torch.Tensor | None) -> dict[str, float]:
        """Read the losses since the last look, stop at one that is not finite; return a row."""
        import torch

        losses = self.accelerator.reduce(torch.stack(self.unread), "mean").tolist()
        first = step + 1 - len(losses)
        for number, value in enumerate(losses, start=first):
            if not math.isfinite(value):
                raise self._diverged("loss", value, number)
            self.last_finite = (number, value)
        self.unread = []
        row = {
            "step": step + 1,
            "epoch": self.batches.epoch(step),
            "loss": losses[-1],
            "lr": self.options.learning_rate(step),
            **self._temperature(),
            "samples_seen": (step + 1) * self.options.batch_size,
        }
        if norm is not None:
            row["grad_norm"] = float(norm)
            if not math.isfinite(float(norm)) and self.options.mixed_precision != "fp16":
                raise self._diverged("norm of the gradient", float(norm), step)
        return row

    def _diverged(self, what: str, value: float, step: int) -> TrainingDivergedError:
        last = "no earlier loss of this run was finite"
        if self.last_finite is not None:
            number, finite = self.last_finite
            last = f"the last finite loss was {finite:.6g} in step {number + 1}"
        return TrainingDivergedError(
            f"The {what} is {value} in step {step + 1} of {self.options.n_steps}; {last}. Look for "
            "values that are not finite in the inputs, lower lr, warm up longer or set "
            "gradient_clip."
        )

    def _temperature(self) -> dict[str, float]:
        """Temperature of the loss, exp(-logit_scale) where the loss does not name it."""
        loss = self.modules["loss"]
        value, scale = getattr(loss, "temperature", None), getattr(loss, "logit_scale", None)
        value = scale if value is None else value
        if value is None:
            return {}
        numbers = value.reshape(-1).tolist() if hasattr(value, "tolist") else [float(value)]
        if len(numbers) != 1:
            return {}
        return {"temperature": math.exp(-numbers[0]) if value is scale else numbers[0]}

    def _evaluation(self) -> dict[str, float]:
        import torch

        self.pair_loss.eval()
        with torch.no_grad():
            answer = self.evaluate(self.modules["model"])
        self.pair_loss.train()
        numbers = {str(name): float(value) for name, value in answer.items()}
        clash = sorted(set(numbers) & set(COLUMNS))
        if clash:
            raise ValueError(
                f"evaluate(model) returned {', '.join(clash)}: columns that the history has "
                "already. Give them other names."
            )
        return numbers

    @property
    def _is_main(self) -> bool:
        return self.accelerator.is_main_process

    def _save(self) -> None:
        """Write the checkpoint; every process waits until it is there."""
        if self._is_main:
            scaler = self.accelerator.scaler
            metadata = self._identity() | {
                "step": self.step,
                "seconds": self.seconds,
                "rows": self.rows,
                "scaler": None if scaler is None else scaler.state_dict(),
            }
            save_training_state(self.path, self.modules, {"adamw": self.optimizer}, metadata)
        self.accelerator.wait_for_everyone()

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same for a checkpoint to be continued."""
        options = self.options.as_json()
        del options["checkpoint_every"]  # no update depends on it
        options |= self.batches.identity
        return {"options": options, "n_pairs": self.batches.n_pairs}

    def _restore(self) -> None:
        metadata = read_metadata(self.path)
        if metadata is None:
            return
        check_same_run(self.path, metadata, self._identity())
        load_training_state(self.path, self.modules, {"adamw": self.optimizer})
        if metadata["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(metadata["scaler"])
        self.step, self.seconds = metadata["step"], metadata["seconds"]
        self.rows = metadata["rows"]
