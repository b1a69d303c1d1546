"""The complete grid of the study: made by one command, kept as one file, read by the chapter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._files import atomic_path, write_json
from sdc_helpers.curriculum.comparison import across_seeds, paired_difference, smallest_effect
from sdc_helpers.curriculum.design import Cell, CellResult, StudyDesign, all_cells
from sdc_helpers.curriculum.results import Evaluation
from sdc_helpers.measures import Interval
from sdc_helpers.studies._records import reading_record
from sdc_helpers.training.processes import alone, world

_RECORDED = Path(__file__).with_name("recorded_grid.json")
_SAME_FOR_ALL = ("chance", "kinds", "units")
_WRITTEN = {"git": "GIT", "flamingo": "Flamingo"}

Conditions = Sequence[tuple[str, str]]
"""Families with their text, such as ``[("git", "C")]``."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Results of many cells.

    Attributes
    ----------
    design : StudyDesign
        Sizes of the study.
    results : dict of Cell to CellResult
        Result of each run, in the order of `all_cells`.
    made : dict
        When, on what, from which revision, in how many minutes.
    """

    design: StudyDesign
    results: dict[Cell, CellResult]
    made: dict[str, Any]

    def evaluations(self, family: str, text: str, order: str, task: str) -> list[Evaluation]:
        """Return what the seeds of one condition did in one task, by seed.

        Raises
        ------
        ValueError
            If there is no such condition or task.
        """
        results = [r for c, r in self.results.items() if (c.family, c.text, c.order) ==
                 (family, text, order)]  # fmt: skip
        if not results or task not in results[0].evaluations:
            raise ValueError(f"the grid holds no {family}, {text}, {order} with task {task!r}.")
        return [r.evaluations[task] for r in sorted(results, key=lambda r: r.cell)]

    @property
    def conditions(self) -> dict[tuple[str, str], str]:
        """What a reader calls each family with each text, such as ``"GIT, C"``."""
        found = dict.fromkeys((c.family, c.text) for c in self.results)
        return {(f, t): f"{_WRITTEN[f]}, {t}" for f, t in found}

    def pooled(
        self, order: str, task: str, conditions: Conditions | None = None, less: str = ""
    ) -> list[Evaluation]:
        """Return each seed's answers, averaged over conditions.

        Parameters
        ----------
        order : str
            Order of the captions.
        task : str
            Name of the task.
        conditions : sequence of (family, text), optional
            Conditions to average over; by default all.
        less : str, optional
            Order whose answers are subtracted.

        Returns
        -------
        list of Evaluation
            One for each seed.

        Raises
        ------
        ValueError
            If the grid holds no such order or task.
        """
        conditions = tuple(self.conditions if conditions is None else conditions)
        of_each = [self.evaluations(*condition, order, task) for condition in conditions]
        if less:
            others = [self.evaluations(*condition, less, task) for condition in conditions]
        found = []
        for number, first in enumerate(of_each[0]):
            correct = np.mean([seeds[number].correct for seeds in of_each], axis=0)
            if less:
                correct = correct - np.mean([seeds[number].correct for seeds in others], axis=0)
            found.append(replace(first, correct=correct))
        return found

    def score(self, order: str, task: str, conditions: Conditions | None = None) -> Interval:
        """Return the share of right answers with its interval for other items and seeds.

        Parameters are those of `pooled`.
        """
        return across_seeds(self.pooled(order, task, conditions))

    def difference(
        self, first: str, second: str, task: str, conditions: Conditions | None = None
    ) -> Interval:
        """Return the paired difference of two orders in a task, for other items and seeds.

        Parameters
        ----------
        first, second : str
            Orders; what is returned is the score of the first minus that of the second.
        task, conditions
            As in `pooled`.

        Returns
        -------
        Interval
        """
        ours, theirs = (self.pooled(order, task, conditions) for order in (first, second))
        return paired_difference(ours, theirs, n_flips=1).difference  # flips give p-values only

    def smallest_effect(
        self, first: str, second: str, task: str, conditions: Conditions | None = None
    ) -> float:
        """Return the smallest true difference that four in five such grids would have found.

        Parameters are those of `difference`; see `sdc_helpers.curriculum.smallest_effect`.
        """
        ours, theirs = (self.pooled(order, task, conditions) for order in (first, second))
        return smallest_effect(ours, theirs, rng=np.random.default_rng(0))

    def rise_with_wrong_picture(self) -> dict[Cell, float]:
        """Return by how much a wrong picture raises each run's held-out loss, nats a token."""
        return {c: r.losses["wrong"] - r.losses["right"] for c, r in self.results.items()}

    def mean_of(self, what: str) -> dict[str, float]:
        """Return ``"n_samples"`` or ``"n_words"`` of each order, averaged over its runs."""
        orders = dict.fromkeys(c.order for c in self.results)
        return {
            order: float(
                np.mean([getattr(r, what) for c, r in self.results.items() if c.order == order])
            )
            for order in orders
        }


def run_grid(
    design: StudyDesign,
    out: str | Path,
    *,
    cells: Sequence[Cell] | None = None,
    n_jobs: int = 1,
    device: str = "cpu",
    on_cell: Callable[[Cell, int, int], object] | None = None,
) -> dict[Cell, CellResult]:
    """Train and evaluate all cells; those that `out` holds already are read.

    Several processes that torchrun started make each cell together, one cell after the other.

    Parameters
    ----------
    design : StudyDesign
        Sizes of the study.
    out : path
        Folder of checkpoints and results, a file a cell. Started again, it goes on.
    cells : sequence of Cell, optional
        Runs to make; by default all with seeds 0, 1 and 2.
    n_jobs : int, default=1
        Processes, of one thread each if more than one.
    device : str
        Where to train.
    on_cell : callable, optional
        Called as ``on_cell(cell, n_done, n)`` after each.

    Returns
    -------
    dict of Cell to CellResult

    Raises
    ------
    ValueError
        If `out` was made with another design, or `n_jobs` is more than one under torchrun.
    """
    from joblib import Parallel, delayed

    if n_jobs > 1 and world().size > 1:
        raise ValueError(
            f"n_jobs={n_jobs} with {world().size} processes of torchrun, which divide every cell "
            "already: use n_jobs=1, or start it without torchrun."
        )
    out = Path(out)
    _check_design(design, out / "design.json")
    cells = list(all_cells() if cells is None else cells)
    # cells that share their text stage go to one process, one after the other
    groups: dict[tuple[str, str, int], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.family, cell.text, cell.seed), []).append(cell)
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    n_done = 0
    for done in parallel(
        delayed(_run_cells)(group, design, out, device, n_jobs > 1) for group in groups.values()
    ):
        for cell in done:
            n_done += 1
            if on_cell is not None:
                on_cell(cell, n_done, len(cells))
    return {cell: read_result(_file(out, cell)) for cell in cells}


def _run_cells(
    cells: list[Cell], design: StudyDesign, out: Path, device: str, one_thread: bool
) -> list[Cell]:
    import torch

    from sdc_helpers.curriculum.study import run_cell

    before = torch.get_num_threads()
    if one_thread:
        torch.set_num_threads(1)
    try:
        missing = [cell for cell in cells if not _file(out, cell).is_file()]
        materials = _materials(design, device) if missing else None
        for cell in missing:
            result = run_cell(cell, design, materials, out=out, device=device)
            alone(partial(save_result, result, _file(out, cell)))
    finally:
        torch.set_num_threads(before)
    return cells


@lru_cache(maxsize=1)
def _materials(design: StudyDesign, device: str) -> Any:
    """Make the materials once a process."""
    from sdc_helpers.embeddings.clip import load_clip
    from sdc_helpers.studies.curriculum_materials import make_materials

    return make_materials(design, load_clip(device=device))


def _file(out: Path, cell: Cell) -> Path:
    return out / f"{cell.name.replace('/', '-')}.json"


def _check_design(design: StudyDesign, path: Path) -> None:
    """Write the design beside the results, or see that those there have the same."""
    if not path.is_file():
        if world().is_first:
            write_json(path, asdict(design), indent=None)
        return
    with reading_record(path, "design of a grid", "sdc curriculum grid") as found:
        differ = [k for k, v in asdict(design).items() if found.get(k) != v]
    if differ:
        raise ValueError(
            f"{path} is of another design: {differ[0]} was {found.get(differ[0])!r} and is "
            f"{asdict(design)[differ[0]]!r}. Choose another folder, or delete this one."
        )


def save_result(result: CellResult, path: str | Path) -> None:
    """Write the result of one cell as JSON, atomically."""
    write_json(path, _as_json(result), indent=None)


def read_result(path: str | Path) -> CellResult:
    """Read what `save_result` wrote."""
    with reading_record(path, "result of a cell", "sdc curriculum grid") as content:
        return _from_json(content)


def save_grid(grid: Grid, path: str | Path) -> None:
    """Write a grid as one JSON file, atomically; what all cells share is written once.

    Raises
    ------
    ValueError
        If the cells were not evaluated on the same items.
    """
    cells = [_as_json(result) for result in grid.results.values()]
    shared = {
        task: {key: evaluation[key] for key in _SAME_FOR_ALL}
        for task, evaluation in cells[0]["evaluations"].items()
    }
    for cell in cells:
        for task, evaluation in cell["evaluations"].items():
            if any(evaluation.pop(key) != shared[task][key] for key in _SAME_FOR_ALL):
                raise ValueError(f"{cell['cell']}: other items in {task!r} than the first cell.")
    content = {"made": grid.made, "design": asdict(grid.design), "tasks": shared, "cells": cells}
    with atomic_path(path) as temporary:
        text = json.dumps(content, separators=(",", ":")).replace('{"cell"', '\n{"cell"')
        temporary.write_text(text + "\n", encoding="utf-8")


def load_grid(path: str | Path | None = None) -> Grid:
    """Read a grid; by default the one that the course records.

    Raises
    ------
    ValueError
        If the file does not hold such a grid.
    """
    return _load(Path(path) if path is not None else _RECORDED)


@lru_cache(maxsize=2)
def _load(path: Path) -> Grid:
    results = {}
    with reading_record(path, "grid", "sdc curriculum grid") as content:
        for cell in content["cells"]:
            for task, evaluation in cell["evaluations"].items():
                evaluation.update(content["tasks"][task])
            result = _from_json(cell)
            results[result.cell] = result
        return Grid(StudyDesign(**content["design"]), results, content["made"])


def _as_json(result: CellResult) -> dict[str, Any]:
    return {
        "cell": result.cell.name,
        "n_samples": result.n_samples,
        "n_words": result.n_words,
        "losses": {k: round(v, 5) for k, v in result.losses.items()},
        "curve": [[n, round(v, 5)] for n, v in result.curve],
        "seconds": round(result.seconds, 1),
        "evaluations": {
            task: {
                "correct": [_plain(v) for v in e.correct],
                "chance": e.chance,
                "kinds": list(map(str, e.kinds)),
                "units": list(map(int, e.units)),
            }
            for task, e in result.evaluations.items()
        },
    }


def _plain(value: float) -> float | int:
    """Return 0 and 1 as integers: a file of a third of the size."""
    return int(value) if value in (0, 1) else round(float(value), 6)


def _from_json(content: dict[str, Any]) -> CellResult:
    evaluations = {
        task: Evaluation(
            name=task,
            correct=np.array(e["correct"], dtype=float),
            margin=np.full(len(e["correct"]), np.nan),  # not kept
            chance=e["chance"],
            kinds=np.array(e["kinds"]),
            units=np.array(e["units"]),
        )
        for task, e in content["evaluations"].items()
    }
    return CellResult(
        cell=Cell.from_name(content["cell"]),
        n_samples=content["n_samples"],
        n_words=content["n_words"],
        evaluations=evaluations,
        losses=content["losses"],
        curve=tuple((n, v) for n, v in content["curve"]),
        seconds=content["seconds"],
    )
