"""A sweep without its work: files as runs leave them, to see what the next start would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._files import write_json
from sdc_helpers._paths import visible
from sdc_helpers.sweeps.grid import Grid
from sdc_helpers.sweeps.plan import SweepPlan, plan_sweep, write_plan
from sdc_helpers.sweeps.table import made_by_now, to_run

NAME = "small"
"""Name of the notebook that is rehearsed."""
_PARAMETERS = """\
profile: str = "smoke"  # how much to compute {smoke, workshop, full}
seed: int = 0  # where the random numbers start [0, 4294967295]
device: str = "cpu"  # where to compute {auto, cpu, cuda}
setting: int = 1  # what is tried [1, 1000]"""


class Rehearsal:
    """A small notebook and the folder of its sweep; nothing in it is ever computed.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where notebook and sweep are written; a folder of its own.

    Attributes
    ----------
    folder : pathlib.Path
        Folder of the sweep.
    """

    def __init__(self, folder: str | Path) -> None:
        self._notebook = Path(folder) / f"{NAME}.ipynb"
        self.folder = Path(folder) / "sweep"
        self.revise("A small notebook")

    def revise(self, title: str) -> None:
        """Write the notebook with another title, as an author does who mends a sentence.

        Parameters
        ----------
        title : str
            Its first heading.
        """
        import nbformat

        from sdc_helpers._files import atomic_path

        v4 = nbformat.v4
        cells = [
            v4.new_markdown_cell(f"# {title}", id="title"),
            v4.new_code_cell(_PARAMETERS, id="parameters", metadata={"tags": ["parameters"]}),
        ]
        with atomic_path(self._notebook) as temporary:
            nbformat.write(v4.new_notebook(cells=cells), temporary)

    def plan(self, **values: Iterable[Any]) -> SweepPlan:
        """Plan a sweep over ``seed`` and ``setting``, as ``sdc sweep`` does.

        Parameters
        ----------
        **values : iterable
            Values of each swept parameter.
        """
        swept = {name: tuple(found) for name, found in values.items()}
        return plan_sweep(Grid(str(self._notebook), "smoke", swept))

    def to_run(self, **values: Iterable[Any]) -> list[str]:
        """Return the points that the next start of a sweep over these values would run."""
        return to_run(self.plan(**values).to_dict([]), self.folder)

    def run(
        self,
        planned: SweepPlan,
        claims: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        failed: Iterable[str] = (),
    ) -> None:
        """Leave the files that the runs of a sweep would leave.

        Parameters
        ----------
        planned : SweepPlan
            The sweep, whose ``sweep.json`` is written too.
        claims : mapping of str to sequence of mappings, optional
            Claims of a point as :func:`claim` makes them, by the point's name.
        failed : iterable of str
            Points whose run ends in an error: these leave a record that says so.
        """
        write_plan(planned, self.folder, ["sdc"])
        digests, failed = made_by_now(planned.to_dict([])), set(failed)
        for point in planned.points:
            error = "cell 4: the loss is not finite" if point.name in failed else None
            record = {
                "run_id": point.name,
                "status": "failed" if error else "complete",
                "error": error,
                "made_by": digests[point.name],
                "seed": point.values.get("seed"),
                "claims": list((claims or {}).get(point.name, ())),
            }
            stem = self.folder / point.name / (f"{NAME}.failed" if error else NAME)
            write_json(stem.with_name(f"{stem.name}.run.json"), record)
            content = {"cells": [], "metadata": {"sdc_run_id": point.name}}
            write_json(stem.with_name(f"{stem.name}.ipynb"), content)

    def files(self) -> dict[str, set[str]]:
        """Return the names of the files in the folder of each point that has one."""
        folders = [path for path in visible(self.folder) if path.is_dir()]
        return {path.name: {file.name for file in visible(path)} for path in folders}

    def remove(self, point: str, ending: str) -> None:
        """Remove a file of a point, such as its ``.ipynb``.

        Parameters
        ----------
        point : str
            The point's name.
        ending : {".ipynb", ".run.json"}
            Which of its two files.
        """
        (self.folder / point / f"{NAME}{ending}").unlink()


def claim(identifier: str, value: float, at_least: float) -> dict[str, Any]:
    """Return a claim as the record of a run holds it, for a rehearsal.

    Parameters
    ----------
    identifier : str
        Its name.
    value : float
        What was "measured".
    at_least : float
        Its bound.
    """
    held = bool(value >= at_least)
    return {
        "identifier": identifier,
        "kind": "regression",
        "statement": "It is large.",
        "data": "simulated numbers",
        "condition": f">= {at_least:g}",
        "at_least": at_least,
        "value": float(value),
        "state": "held" if held else "not held",
        "held": held,
    }


def with_failures(folder: str | Path, rng: np.random.Generator) -> tuple[Path, float]:
    """Leave a sweep of 6 settings and 10 seeds, of which the hard points fail more often.

    A point's value is 1 - setting / 6, and normal noise of 0.5. Its claim ``it.works`` asks for
    0.25 or more. A run in which it would not hold fails in 6 of 10 cases, any other in 1 of 10.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder of its own.
    rng : numpy.random.Generator
        Source of noise and failures.

    Returns
    -------
    folder : pathlib.Path
        Folder of the sweep, for :func:`sdc_helpers.sweeps.collect`.
    planted : float
        Share of all points in which the claim would hold, the failed ones too.
    """
    sweep = Rehearsal(folder)
    planned = sweep.plan(seed=range(10), setting=range(1, 7))
    names = np.array([point.name for point in planned.points])
    hard = np.array([point.values["setting"] for point in planned.points])
    values = rng.normal(1 - hard / 6, 0.5)
    works = values >= 0.25
    fails = rng.random(len(names)) < np.where(works, 0.1, 0.6)
    claims = [[claim("it.works", value, 0.25)] for value in values]
    sweep.run(planned, dict(zip(names.tolist(), claims, strict=True)), names[fails].tolist())
    return sweep.folder, float(works.mean())
