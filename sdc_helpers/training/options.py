"""What decides a training run, and what it leaves behind."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers._files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

SCHEDULES = ("cosine", "constant")
PRECISIONS = ("no", "bf16", "fp16")
COLUMNS = ("step", "epoch", "loss", "lr", "grad_norm", "temperature", "samples_seen", "seconds")


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training run with AdamW.

    Attributes
    ----------
    n_steps : int
        Number of updates of the weights.
    batch_size : int
        Number of pairs in an update, over all processes; at least 2.
    lr : float
        Peak learning rate.
    weight_decay : float
        Weight decay of weight matrices; biases, normalisation layers, other parameters with fewer
        than two dimensions and a learned ``logit_scale`` are not decayed.
    betas : (float, float)
        Decay rates of AdamW's moments.
    warmup_steps : int
        Number of steps in which the learning rate rises linearly to `lr`.
    schedule : {"cosine", "constant"}
        Course of the learning rate after the warm-up: half a cosine towards 0, or constant.
    gradient_clip : float or None
        Largest norm of the gradient of all parameters together; None does not clip.
    seed : int
        Seed of the batches, the draws of the source, and dropout.
    mixed_precision : {"no", "bf16", "fp16"}
        Type of the matrix products; fp16 needs a GPU.
    checkpoint_every : int
        Number of steps between checkpoints; 0 leaves only the one at the end.
    record_every : int
        Number of steps between rows of the history.

    Raises
    ------
    ValueError
        If a value is of the wrong type or out of range; all of them are named.
    """

    n_steps: int
    batch_size: int
    lr: float = 1e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    warmup_steps: int = 0
    schedule: str = "cosine"
    gradient_clip: float | None = None
    seed: int = 0
    mixed_precision: str = "no"
    checkpoint_every: int = 0
    record_every: int = 10

    def __post_init__(self) -> None:
        problems = [
            _problem(name, getattr(self, name), Integral, low)
            for name, low in (
                ("n_steps", 1),
                ("batch_size", 2),
                ("warmup_steps", 0),
                ("seed", 0),
                ("checkpoint_every", 0),
                ("record_every", 1),
            )
        ]
        problems.append(_problem("lr", self.lr, Real, 0, open_below=True))
        problems.append(_problem("weight_decay", self.weight_decay, Real, 0))
        if self.gradient_clip is not None:
            problems.append(_problem("gradient_clip", self.gradient_clip, Real, 0, open_below=True))
        if not isinstance(self.betas, tuple | list) or len(self.betas) != 2:
            problems.append(f"betas must be two numbers, got {self.betas!r}")
        else:
            problems += [_problem("betas", beta, Real, 0, below=1) for beta in self.betas]
        for name, allowed in (("schedule", SCHEDULES), ("mixed_precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                problems.append(
                    f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}"
                )
        problems = [problem for problem in problems if problem]
        if not problems and self.warmup_steps > self.n_steps:
            problems.append(f"warmup_steps={self.warmup_steps} is more than n_steps={self.n_steps}")
        if problems:
            raise ValueError(f"TrainingOptions: {'; '.join(problems)}.")

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        step : int
            Number of the step, from 0 to n_steps - 1.

        Returns
        -------
        float
            ``lr (step + 1) / warmup_steps`` during the warm-up; then `lr`, for the cosine times
            (1 + cos(pi t)) / 2 where t rises from 0 towards 1.
        """
        if step < self.warmup_steps:
            return self.lr * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.lr
        progress = (step - self.warmup_steps) / (self.n_steps - self.warmup_steps)
        return self.lr * 0.5 * (1 + math.cos(math.pi * progress))

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON gives them back."""
        plain = {name: _plain(value) for name, value in asdict(self).items()}
        return plain | {"betas": [float(beta) for beta in self.betas]}


@dataclass(frozen=True, eq=False)
class History:
    """Course of a training run.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per recorded step, ascending: ``step`` (updates done; row 0, before the first, only
        with `evaluate`), ``epoch`` (from 0), ``loss`` (of that step's batch), ``lr``,
        ``grad_norm`` (before clipping), ``temperature`` (after the update; only if the loss has
        one), ``samples_seen``, ``seconds`` (wall time of the run, evaluations included, without
        the time between an interruption and its continuation), then whatever `evaluate` returned.
        NaN where there is nothing to say.
    """

    table: pd.DataFrame

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, float]]) -> History:
        """Make a history of the recorded rows, each a mapping from column to number."""
        import pandas as pd

        rows = list(rows)
        names = dict.fromkeys(name for row in rows for name in row)
        columns = [name for name in COLUMNS if name in names]
        columns += [name for name in names if name not in COLUMNS]
        return cls(pd.DataFrame(rows, columns=columns))

    def to_csv(self, path: str | Path) -> Path:
        """Write the table, atomically and without loss of digits; return the path."""
        with atomic_path(path) as temporary:
            self.table.to_csv(temporary, index=False)
        return Path(path)

    @classmethod
    def read_csv(cls, path: str | Path) -> History:
        """Read what `to_csv` wrote.

        Raises
        ------
        ValueError
            If the file has no column ``step``.
        """
        import pandas as pd

        table = pd.read_csv(path, engine="python")  # the engine that loses no digit
        if "step" not in table.columns:
            raise ValueError(f"{path} is no training history: it has no column 'step'.")
        return cls(table)


def _plain(value: Any) -> Any:
    """Turn a numpy number into Python's."""
    return value.item() if hasattr(value, "item") else value


def _problem(
    name: str,
    value: Any,
    kind: type,
    low: float,
    *,
    open_below: bool = False,
    below: float = math.inf,
) -> str:
    """Say what is wrong with a number; empty if nothing is."""
    what = "an integer" if kind is Integral else "a number"
    bounds = f"> {low}" if open_below else f">= {low}"
    bounds += f" and < {below}" if below < math.inf else ""
    right = isinstance(value, kind) and not isinstance(value, bool)
    right = right and (low < value if open_below else low <= value) and value < below
    return "" if right else f"{name} must be {what} {bounds}, got {value!r}"
