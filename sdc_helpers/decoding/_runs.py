"""Train several decoders that differ in their seed alone, at once.

Every parameter has a leading dimension of runs, so that one batched product serves them all. Each
run has its own initial weights, order of trials and input noise, all derived from its seed: it is
the same run whatever other runs share the products.
"""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from sdc_helpers._checks import as_array, can_fuse
from sdc_helpers.contrastive.losses import clip_loss
from sdc_helpers.decoding._inputs import first_rows
from sdc_helpers.decoding._networks import (
    NOISE,
    ORDER,
    DecoderRuns,
    nearest_is_own,
    seeded_generator,
)
from sdc_helpers.decoding.mapped_trials import MappedTrials, blocks_of
from sdc_helpers.training.state import (
    TrainingStateError,
    load_training_state,
    read_metadata,
    save_training_state,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sdc_helpers.decoding._inputs import Fold

_CPU_BYTES, _GPU_BYTES = 16e6, 16e9
_NUMBERS = ("step", "history", "best_score", "best_step", "stopped", "_loss_steps")
_SCORES = {"top_1": "validation_top_1", "loss": "validation_loss"}


@dataclass(frozen=True)
class TrainingPlan:
    """Checked parameters of a training; see `sdc_helpers.decoding.ContrastiveDecoder`."""

    hidden: int | None
    temperature: float
    lr: float
    batch_size: int
    n_steps: int
    input_noise: float
    early_stopping: str | None
    patience: int
    evaluate_every: int


class Training:
    """One training of several runs: made, perhaps continued from a file, run to its end.

    Parameters
    ----------
    train, validation : Fold
        Checked trials; without a validation fold there is no early stopping.
    plan : TrainingPlan
        Parameters of the training.
    seeds : list of int
        Seed of each run.
    device : torch.device
        Device to compute on.
    data_checksum : int, optional
        Checksum of both folds: a file of other trials is not continued.
    """

    def __init__(
        self,
        train: Fold,
        validation: Fold | None,
        plan: TrainingPlan,
        seeds: list[int],
        device: torch.device,
        data_checksum: int | None = None,
    ) -> None:
        self.plan, self.seeds, self.device = plan, seeds, device
        self.X, self.Y, self.items = _on_device(train, device)
        self.validation = None if validation is None else _Validation(validation, plan, device)
        sizes = layer_sizes(self.X.shape[1], self.Y.shape[1], plan)
        self.runs = DecoderRuns(sizes, seeds).to(device)
        self.best = copy.deepcopy(self.runs) if plan.early_stopping else None
        self.optimizer = torch.optim.Adam(
            self.runs.parameters(), lr=plan.lr, fused=can_fuse(device)
        )
        self.generators = [seeded_generator(seed, NOISE, device) for seed in seeds]
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.best_score = [-math.inf] * len(seeds)
        self.best_step = [0] * len(seeds)
        self.stopped = [False] * len(seeds)
        self._loss = torch.zeros(len(seeds), device=device)  # summed since the last record
        self._loss_steps = 0
        self._epoch = -1
        self._inputs = torch.empty(len(seeds), plan.batch_size, self.X.shape[1], device=device)
        self._fingerprint = {
            "parameters": asdict(plan),
            "seeds": seeds,
            "sizes": list(sizes),
            "trials": data_checksum,
            "versions": [torch.__version__, device.type],
        }

    def run(
        self,
        path: Path | None = None,
        checkpoint_every: int = 1000,
        progress: Callable[[int], object] | None = None,
    ) -> DecoderRuns:
        """Train to the end and return the kept weights: the last, or the best of each run.

        With a path the state is kept there, and what it holds is continued; `progress` is called
        with the number of steps done.
        """
        if path is not None:
            self._restore(path)
        n_steps = self.plan.n_steps
        while self.step < n_steps and not all(self.stopped):
            self._train_step()
            if self.step % self.plan.evaluate_every == 0 or self.step == n_steps:
                self._record()
                if progress is not None:
                    progress(self.step)
            finished = self.step == n_steps or all(self.stopped)
            if path is not None and (self.step % checkpoint_every == 0 or finished):
                self._save(path)
        return self.runs if self.best is None else self.best

    def summary(self) -> tuple[list[dict[str, float]], list[int]]:
        """Return the rows of the history, and the step of each run's kept weights."""
        early = self.plan.early_stopping is not None
        return self.history, self.best_step if early else [self.step] * len(self.seeds)

    def _train_step(self) -> None:
        rows = self._batch()
        x = self._fill_inputs(rows)
        tau, items = self.plan.temperature, self.items[rows]
        loss = clip_loss(self.runs(x), self.Y[rows], temperature=tau, items=items)
        self.optimizer.zero_grad()
        loss.sum().backward()
        self.optimizer.step()
        self.step += 1
        self._loss += loss.detach()
        self._loss_steps += 1

    def _fill_inputs(self, rows: Tensor) -> Tensor:
        """Return the responses of the trials with fresh noise, (n_runs, batch_size, n_voxels)."""
        x, noise = self._inputs, self.plan.input_noise  # the step before is done with them
        if not noise:
            return x.copy_(self.X[rows])
        on_cpu = self.device.type == "cpu"
        for own, generator, chosen in zip(x, self.generators, rows, strict=True):
            own.normal_(0, noise, generator=generator)
            if on_cpu:
                own += self.X[chosen]  # while this run's noise is in the processor's cache
        return x if on_cpu else x.add_(self.X[rows])

    def _batch(self) -> Tensor:
        """Return the trials of the next step, (n_runs, batch_size)."""
        size = self.plan.batch_size
        per_epoch = len(self.X) // size  # the last short batch is dropped
        epoch, number = divmod(self.step, per_epoch)
        if epoch != self._epoch:
            orders = [
                np.random.default_rng([seed, ORDER, epoch]).permutation(len(self.X))
                for seed in self.seeds
            ]
            self._order = torch.from_numpy(np.stack(orders)).to(self.device)
            self._epoch = epoch
        return self._order[:, number * size : (number + 1) * size]

    def _record(self) -> None:
        """Add a row a run to the history, and keep the weights of the runs that improved."""
        losses = (self._loss / self._loss_steps).tolist()
        self._loss.zero_()
        self._loss_steps = 0
        if not all(map(math.isfinite, losses)):
            raise ValueError(
                f"The loss of run {[math.isfinite(v) for v in losses].index(False)} is not finite "
                f"at step {self.step}. Lower lr={self.plan.lr} or raise "
                f"temperature={self.plan.temperature}."
            )
        names = ("validation_top_1", "validation_loss", "validation_cosine")
        improved = []
        for run, loss in enumerate(losses):
            values = dict.fromkeys(names, math.nan)
            if self.validation is not None:
                values = dict(zip(names, self.validation.evaluate(self.runs, run), strict=True))
            self.history.append({"run": run, "step": self.step, "loss": loss, **values})
            if self._improves(run, values):
                improved.append(run)
        if improved:
            with torch.no_grad():
                for kept, live in zip(self.best.parameters(), self.runs.parameters(), strict=True):
                    kept[improved] = live[improved]

    def _improves(self, run: int, values: dict[str, float]) -> bool:
        kind = self.plan.early_stopping
        if kind is None or self.stopped[run]:
            return False
        score = values[_SCORES[kind]] * (-1 if kind == "loss" else 1)
        if score > self.best_score[run]:
            self.best_score[run], self.best_step[run] = score, self.step
            return True
        waited = (self.step - self.best_step[run]) / self.plan.evaluate_every
        self.stopped[run] = waited >= self.plan.patience
        return False

    def _modules(self) -> dict[str, nn.Module]:
        state = nn.Module()
        state.register_buffer("loss", self._loss)
        state.register_buffer("noise", torch.stack([g.get_state() for g in self.generators]))
        modules = {"runs": self.runs, "state": state}
        return modules if self.best is None else {**modules, "best": self.best}

    def _save(self, path: Path) -> None:
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        metadata = {"fingerprint": self._fingerprint, "numbers": numbers}
        save_training_state(path, self._modules(), {"adam": self.optimizer}, metadata)

    def _restore(self, path: Path) -> None:
        metadata = read_metadata(path)
        if metadata is None:
            return
        if metadata.get("fingerprint") != self._fingerprint:
            saved = metadata.get("fingerprint", {})
            differ = [k for k, v in self._fingerprint.items() if saved.get(k) != v]
            raise TrainingStateError(
                f"{path} belongs to another training: {', '.join(differ)} differ. Give another "
                "folder, or the same trials, parameters and an integer random_state."
            )
        if set(metadata.get("numbers", ())) != set(_NUMBERS):
            raise TrainingStateError(
                f"{path} was written by another version of sdc_helpers. Delete it and train again."
            )
        modules = self._modules()
        load_training_state(path, modules, {"adam": self.optimizer})
        for generator, state in zip(self.generators, modules["state"].noise, strict=True):
            generator.set_state(state.clone())
        for name in _NUMBERS:
            setattr(self, name, metadata["numbers"][name])


class _Validation:
    """The fold that decides when a run was best."""

    def __init__(self, fold: Fold, plan: TrainingPlan, device: torch.device) -> None:
        self.X, self.Y, self.items = _on_device(fold, device)
        distinct, first = first_rows(fold.Y, fold.items, "validation Y")
        self.gallery = self.Y[torch.from_numpy(first).to(device)]
        self.own = torch.from_numpy(np.searchsorted(distinct, fold.items)).to(device)
        self.temperature = plan.temperature
        self.batch_size = min(plan.batch_size, len(fold.X))

    @torch.no_grad()
    def evaluate(self, runs: DecoderRuns, run: int) -> tuple[float, float, float]:
        """Top-1 accuracy, mean loss over batches in the given order, mean cosine of one run."""
        predicted = torch.cat([runs.decode(run, x) for x in self.X.split(8192)])
        hits = torch.cat(
            [
                nearest_is_own(p, own, self.gallery)
                for p, own in zip(predicted.split(8192), self.own.split(8192), strict=True)
            ]
        )
        n = len(predicted) // self.batch_size * self.batch_size
        u, v, items = (
            t[:n].unflatten(0, (-1, self.batch_size)) for t in (predicted, self.Y, self.items)
        )
        loss = clip_loss(u, v, temperature=self.temperature, items=items).mean()
        cosine = (predicted * self.Y).sum(dim=1).mean()
        return tuple(torch.stack([hits.float().mean(), loss, cosine]).tolist())


def _on_device(fold: Fold, device: torch.device) -> Iterator[Any]:
    """Tensors of a fold on a device; responses that stay on disk are sent there when read."""
    for array in (fold.X, fold.Y, fold.items):
        if isinstance(array, MappedTrials):
            yield array.on(device)
        else:
            yield torch.from_numpy(array).to(device)


def checksum(*folds: Fold | None) -> int:
    """Return a checksum of the trials of some folds."""
    total = 0
    for fold in folds:
        for array in () if fold is None else (fold.X, fold.Y, fold.items):
            for block in blocks_of(array):
                total = zlib.crc32(block, total)
    return total


def layer_sizes(n_voxels: int, n_dims: int, plan: TrainingPlan) -> tuple[int, ...]:
    """Return the numbers of inputs, of hidden units where there are any, and of outputs."""
    hidden = () if plan.hidden is None else (plan.hidden,)
    return (n_voxels, *hidden, n_dims)


def runs_at_once(n_voxels: int, n_dims: int, plan: TrainingPlan, device: torch.device) -> int:
    """Return how many runs to train together: as many as their state has room for.

    On a CPU the weights, their gradient, two moments and a batch of all these runs should stay in
    the cache, or the products wait for memory; a GPU is best filled.
    """
    sizes = layer_sizes(n_voxels, n_dims, plan)
    n_weights = sum(a * b for a, b in pairwise(sizes))
    floats = 4 * n_weights + 2 * plan.batch_size * n_voxels
    return max(1, int((_GPU_BYTES if device.type == "cuda" else _CPU_BYTES) / (4 * floats)))


def run_seeds(random_state: Any, n_runs: int) -> list[int]:
    """Seed of each run; of an integer, the first do not depend on how many there are."""
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**31 - 1, size=n_runs).tolist()
    if random_state is None or isinstance(random_state, (int, np.integer)):
        return np.random.SeedSequence(random_state).generate_state(n_runs).tolist()
    seeds = as_array("random_state", random_state)
    if seeds.shape != (n_runs,) or seeds.dtype.kind not in "iu" or seeds.min() < 0:
        raise ValueError(
            f"random_state={random_state!r}: expected an integer, or one seed of 0 or more for "
            f"each of the n_runs={n_runs} runs."
        )
    return seeds.tolist()
