"""Two encoders of the same pictures, to see whether the loss opens a gap by itself.

Both encoders are perceptrons of three layers that start from different values and see the same
rows: no second modality, no mismatched pair. The gap of the start is removed by `StartRotation`
and the rows trained on are the rows measured. Each of these can be undone by a switch, to see how
much it matters (Fahim, Murphy & Fyshe 2024, arXiv 2405.18570; the explanations that are switched
off are those of Liang et al. 2022, arXiv 2203.02053).

All runs of a call, temperatures times seeds, are trained at once as stacked weights. A run is the
same whatever is trained beside it: Adam treats each weight by itself, and every run has its own
initial values and batches, which follow from its seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from sdc_helpers._checks import as_array, can_fuse, check_device, check_finite, check_share
from sdc_helpers.contrastive.gap import gap_report
from sdc_helpers.contrastive.losses import clip_loss
from sdc_helpers.contrastive.rotation import StartRotation
from sdc_helpers.training.batches import EpochBatches
from sdc_helpers.training.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

LEARNED = "learned"
"""In place of a temperature: start at 0.07 and learn it, within [0.01, 1] (Radford et al. 2021)."""

_FIRST_TEMPERATURE = 0.07
_MAX_LOGIT_SCALE = math.log(100)
_WEIGHTS, _MISMATCH = 1, 2  # last parts of seeds
_COMPARED = 512  # rows whose recall, uniformity and separability are measured
_SMALL_BATCH = 128  # of products that a second thread does not speed up


@dataclass(frozen=True, eq=False)
class GapGrid:
    """Results of `train_same_modality`; runs are ordered by temperature, then seed.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a run and recorded step:

        - ``dimension``, ``setting`` (the temperature asked for, as text, or "learned"),
          ``batch_size``, ``seed``, ``step`` (updates done), ``temperature`` (at that step);
        - ``centroid_distance``, ``paired_cosine``: over all rows measured;
        - ``linear_separability``, ``uniformity``, ``cross_uniformity``, ``recall_1`` (mean of both
          directions): as in `gap_report`, of the first 512 rows, after the last update; NaN before.
    start, end : float32 arrays of shape (n_runs, 2, n, dimension)
        Both sides before the first update and after the last.
    """

    table: pd.DataFrame
    start: np.ndarray
    end: np.ndarray

    def course(
        self, temperature: float | str, column: str = "centroid_distance"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return one temperature's recorded steps and a column of the table at each.

        Parameters
        ----------
        temperature : float or "learned"
            One of the temperatures asked for.
        column : str
            Name of a column of the table.

        Returns
        -------
        steps : int array of shape (n_recorded,)
            Number of updates done.
        values : float array of shape (n_recorded, n_seeds)
            Value of the column at these steps, for each seed.

        Raises
        ------
        ValueError
            If there was no run of this temperature.
        """
        setting = _setting(temperature)
        rows = self.table[self.table.setting == setting]
        if rows.empty:
            known = ", ".join(dict.fromkeys(self.table.setting))
            raise ValueError(f"No run has temperature {setting}; there are {known}.")
        wide = rows.pivot(index="step", columns="seed", values=column)
        return wide.index.to_numpy(), wide.to_numpy()

    def at_end(self, temperature: float | str, column: str = "centroid_distance") -> np.ndarray:
        """Return a column of the table after the last update, one value a seed."""
        return self.course(temperature, column)[1][-1]

    def at_start(self, temperature: float | str, column: str = "centroid_distance") -> np.ndarray:
        """Return a column of the table before the first update, one value a seed."""
        return self.course(temperature, column)[1][0]


def train_same_modality(
    x: Any,
    *,
    dimension: int,
    temperatures: Sequence[float | str],
    seeds: Sequence[int],
    batch_size: int = 64,
    n_steps: int = 300,
    start_gap: float | None = 0.0,
    x_v: Any = None,
    mismatched: float = 0.0,
    x_measured: Any = None,
    hidden: int = 128,
    lr: float = 1e-3,
    record_every: int | None = None,
    device: str | torch.device = "cpu",
) -> GapGrid:
    """Train two perceptrons on the same rows with CLIP's loss and measure the gap.

    Parameters
    ----------
    x : array of shape (n, p)
        Inputs of both encoders, such as pictures reduced to principal components.
    dimension : int
        Number of dimensions d of the outputs.
    temperatures : sequence of float or "learned"
        Temperature tau of each group of runs.
    seeds : sequence of int
        Seeds of initial values and batches, >= 0 and all different; each runs with every
        temperature.
    batch_size : int
        Number of pairs in a batch.
    n_steps : int
        Number of updates with Adam.
    start_gap : float or None
        Centroid distance to start with, reached by rotating and shifting the second side as
        `StartRotation` does; None leaves the initial values as they are.
    x_v : array of shape (n, q), optional
        Inputs of the second encoder instead of `x`: a second modality.
    mismatched : float
        Share of rows, from 0 to 1, whose partner is that of another of them, in training and
        measuring alike.
    x_measured : array of shape (m, p), optional
        Rows to measure instead of those trained on; only without `x_v` and `mismatched`.
    hidden : int
        Number of units of each of the two hidden layers.
    lr : float
        Learning rate of Adam.
    record_every : int, optional
        Number of updates between recorded steps; by default only the start and the end are
        recorded.
    device : str or torch.device
        Device to compute on.

    Returns
    -------
    GapGrid
        The recorded measures of all runs, and both sides at the start and the end.

    Raises
    ------
    ValueError
        If an array is not (n, p) and finite, arrays do not fit together, there are fewer rows
        than a batch, or a number is out of its range.
    """
    x, x_v, x_measured = _check_inputs(x, x_v, x_measured, mismatched)
    seeds, record_every = _check_numbers(
        seeds, temperatures, n_steps, hidden, dimension, record_every
    )
    device = check_device(device)
    runs = [(temperature, seed) for temperature in temperatures for seed in seeds]
    trainer = _Runs(runs, x, x_v, mismatched, dimension, hidden, lr, device)
    if start_gap is not None:
        trainer.remove_start_gap(start_gap)
    measured = None if x_measured is None else torch.from_numpy(x_measured).to(device)
    batches = [EpochBatches(len(x), batch_size, seed) for _, seed in runs]
    constant = {"dimension": dimension, "batch_size": batch_size}
    start = trainer.outputs(measured)
    rows = trainer.measure(start, 0, constant, complete=False)
    with one_thread(batch_size <= _SMALL_BATCH):
        for step in range(n_steps):
            trainer.update(np.stack([order.indices(step) for order in batches]))
            done = step + 1
            if done < n_steps and done % record_every == 0:
                rows += trainer.measure(trainer.outputs(measured), done, constant, complete=False)
    end = trainer.outputs(measured)
    rows += trainer.measure(end, n_steps, constant, complete=True)
    return GapGrid(_table(rows), start, end)


class _Runs:
    """Stacked encoders of all runs, their second inputs and the optimizer."""

    def __init__(
        self,
        runs: list[tuple[float | str, int]],
        x: np.ndarray,
        x_v: np.ndarray,
        mismatched: float,
        dimension: int,
        hidden: int,
        lr: float,
        device: torch.device,
    ) -> None:
        self.runs = runs
        self.x, self.x_v = (torch.from_numpy(a).to(device) for a in (x, x_v))
        partners = np.stack([_partners(len(x), mismatched, seed) for _, seed in runs])
        self.partners = torch.from_numpy(partners).to(device)
        seeds = [seed for _, seed in runs]
        self.u = _stacked_weights(seeds, 0, (x.shape[1], hidden, hidden, dimension), device)
        self.v = _stacked_weights(seeds, 1, (x_v.shape[1], hidden, hidden, dimension), device)
        self.rotation = StartRotation(dimension, (len(runs),)).to(device)
        taus = [_FIRST_TEMPERATURE if t == LEARNED else t for t, _ in runs]
        self.learned = torch.tensor([float(t == LEARNED) for t, _ in runs], device=device)
        scale = -torch.tensor(taus, dtype=torch.float64, device=device).log().float()
        self.logit_scale = scale.requires_grad_()
        parameters = [*self.u, *self.v, self.logit_scale]
        self.optimizer = torch.optim.Adam(parameters, lr=lr, fused=can_fuse(device))

    @torch.no_grad()
    def remove_start_gap(self, gap: float) -> None:
        """Rotate and shift the second side so that training starts with this gap."""
        u, v = _encode(self.u, self._all(self.x)), _encode(self.v, self.x_v[self.partners])
        self.rotation.fit(u, v, gap)

    def update(self, indices: np.ndarray) -> None:
        """Make a step with its own batch for every run, indices being (n_runs, b)."""
        index = torch.from_numpy(indices).to(self.x.device)
        u = _encode(self.u, self.x[index])
        v = self.rotation(_encode(self.v, self.x_v[self.partners.gather(1, index)]))
        # the sum over runs gives each its own gradient
        clip_loss(u, v, temperature=(-self.logit_scale).exp()).sum().backward()
        self.logit_scale.grad *= self.learned
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            clamped = self.logit_scale.clamp(0, _MAX_LOGIT_SCALE)
            self.logit_scale.copy_(torch.where(self.learned > 0, clamped, self.logit_scale))

    @torch.no_grad()
    def outputs(self, measured: Tensor | None) -> np.ndarray:
        """Return both sides as (n_runs, 2, n, d)."""
        if measured is None:
            x_u, x_v = self._all(self.x), self.x_v[self.partners]
        else:
            x_u = x_v = self._all(measured)
        u, v = _encode(self.u, x_u), self.rotation(_encode(self.v, x_v))
        return torch.stack([u, v], dim=1).cpu().numpy()

    def measure(
        self, sides: np.ndarray, step: int, constant: dict[str, float], *, complete: bool
    ) -> list[dict[str, Any]]:
        """Return a row of the table for each run."""
        taus = (-self.logit_scale.detach()).exp().cpu().tolist()
        rows = []
        for (temperature, seed), tau, (u, v) in zip(self.runs, taus, sides, strict=True):
            means = u.mean(0, dtype=np.float64), v.mean(0, dtype=np.float64)
            row = constant | {
                "setting": _setting(temperature),
                "seed": seed,
                "step": step,
                "temperature": tau,
                "centroid_distance": float(np.linalg.norm(means[0] - means[1])),
                "paired_cosine": float(np.einsum("ij,ij->i", u, v, dtype=np.float64).mean()),
            }
            if complete:
                report = gap_report(u[:_COMPARED], v[:_COMPARED], ks=(1,))
                recalls = report.recall_u_to_v[1], report.recall_v_to_u[1]
                row |= {
                    "linear_separability": report.linear_separability,
                    "uniformity": report.uniformity,
                    "cross_uniformity": report.cross_uniformity,
                    "recall_1": sum(recalls) / 2,
                }
            rows.append(row)
        return rows

    def _all(self, x: Tensor) -> Tensor:
        return x.expand(len(self.runs), *x.shape)


def _stacked_weights(
    seeds: list[int], side: int, widths: tuple[int, ...], device: torch.device
) -> list[Tensor]:
    """Weights (n_runs, a, b) and biases (n_runs, 1, b), drawn as torch.nn.Linear draws them."""
    by_run = []
    for seed in seeds:
        state = np.random.SeedSequence([seed, side, _WEIGHTS]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        drawn = []
        for a, b in itertools.pairwise(widths):
            for shape in ((a, b), (1, b)):
                drawn.append((2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(a))
        by_run.append(drawn)
    stacked = [torch.stack(parts).to(device) for parts in zip(*by_run, strict=True)]
    return [part.requires_grad_() for part in stacked]


def _encode(weights: list[Tensor], x: Tensor) -> Tensor:
    """Turn inputs (n_runs, n, p) into unit rows (n_runs, n, d)."""
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    for weight, bias in layers[:-1]:
        x = torch.baddbmm(bias, x, weight).relu()
    weight, bias = layers[-1]
    return functional.normalize(torch.baddbmm(bias, x, weight), dim=-1)


def _partners(n: int, mismatched: float, seed: int) -> np.ndarray:
    """Which row of the second input goes with each of the first; a share of them turned round."""
    partners = np.arange(n)
    rng = np.random.default_rng([seed, _MISMATCH])
    wrong = rng.permutation(n)[: round(mismatched * n)]
    partners[wrong] = np.roll(wrong, 1)
    return partners


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    first = ["dimension", "setting", "batch_size", "seed", "step"]
    table = pd.DataFrame(rows)
    return table[first + [name for name in table.columns if name not in first]]


def _setting(temperature: float | str) -> str:
    return temperature if temperature == LEARNED else f"{float(temperature):g}"


def _check_inputs(
    x: Any, x_v: Any, x_measured: Any, mismatched: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    x = _check_rows(x, "x")
    check_share("mismatched", mismatched, "both")
    if x_measured is not None:
        if x_v is not None or mismatched:
            raise ValueError(
                "x_measured holds rows for both encoders: leave out x_v and mismatched."
            )
        x_measured = _check_rows(x_measured, "x_measured")
        if x_measured.shape[1] != x.shape[1]:
            raise ValueError(
                f"x_measured needs the {x.shape[1]} columns of x, got {x_measured.shape[1]}."
            )
    x_v = x if x_v is None else _check_rows(x_v, "x_v")
    if len(x_v) != len(x):
        raise ValueError(f"x_v needs a row for each of the {len(x)} of x, got {len(x_v)}.")
    return x, x_v, x_measured


def _check_rows(x: Any, name: str) -> np.ndarray:
    x = as_array(name, x)
    if x.ndim != 2 or x.dtype.kind not in "fiu" or len(x) < 5 or x.shape[1] == 0:
        raise ValueError(
            f"{name} must hold numbers, (n, p) with n >= 5, got {x.dtype} of shape {x.shape}."
        )
    check_finite(name, x)
    return np.ascontiguousarray(x, dtype=np.float32)


def _check_numbers(
    seeds: Sequence[int],
    temperatures: Sequence[float | str],
    n_steps: int,
    hidden: int,
    dimension: int,
    record_every: int | None,
) -> tuple[list[int], int]:
    seeds = [int(seed) for seed in seeds]
    if not seeds or min(seeds) < 0 or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be different whole numbers of at least 0, got {seeds}.")
    if not temperatures or len({_setting(t) for t in temperatures}) != len(temperatures):
        raise ValueError(f"temperatures must be one or more, all different, got {temperatures}.")
    for temperature in temperatures:
        if temperature != LEARNED and not 0 < float(temperature) < math.inf:
            raise ValueError(f"A temperature is positive or {LEARNED!r}, got {temperature!r}.")
    record_every = n_steps if record_every is None else record_every
    sizes = {
        "dimension": dimension,
        "n_steps": n_steps,
        "hidden": hidden,
        "record_every": record_every,
    }
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    return seeds, record_every
