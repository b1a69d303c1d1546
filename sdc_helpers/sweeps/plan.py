"""What a sweep will do: its points, checked and named, what each needs first, and what it costs."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdc_helpers._files import write_json
from sdc_helpers.course.catalogue import Notebook, find_notebook
from sdc_helpers.course.errors import ParameterError, RefusedRunError
from sdc_helpers.course.runner import check_parameters
from sdc_helpers.sweeps.grid import Grid

PLAN = "sweep.json"
"""The file in a sweep's folder that says what the sweep is."""
START_SECONDS = 3
"""What every run takes before its kernel starts: imports of the command, measured on 2 cores."""
_RUNNER_MB = 150  # of the command around the kernel
_SPARE = 1.5  # memory that is asked for, over what was measured
_UNMEASURED = {"seconds": 3600, "memory_mb": 4000}
_PLAIN = re.compile(r"-?[A-Za-z0-9._]([A-Za-z0-9._-]*[A-Za-z0-9_-])?")
_LONGEST_VALUE, _LONGEST_NAME = 24, 150


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes
    ----------
    name : str
        Name of its folder: letters, digits, ``~``, ``_``, ``-`` and ``.`` only.
    values : dict of str to object
        Values of the swept parameters.
    arguments : tuple of str
        The same for ``sdc run``.
    needs : tuple of str
        Commands of ``sdc`` that have to run first.
    """

    name: str
    values: dict[str, Any]
    arguments: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True)
class SweepPlan:
    """A sweep whose every point can be run.

    Attributes
    ----------
    notebook : Notebook
        What is run.
    profile : str
        Profile of every run.
    points : tuple of Point
        The points, in the order of the grid.
    seconds, memory_mb : float
        What one run takes, measured with the notebook's own parameters or as the grid says.
    measured : str
        Day on which that was measured; empty where it was not.
    """

    notebook: Notebook
    profile: str
    points: tuple[Point, ...]
    seconds: float
    memory_mb: float
    measured: str

    @property
    def swept(self) -> dict[str, list[Any]]:
        """Values of each swept parameter, in order."""
        names = self.points[0].values
        return {
            name: list({repr(p.values[name]): p.values[name] for p in self.points}.values())
            for name in names
        }

    @property
    def commands(self) -> list[str]:
        """Commands of ``sdc`` that run before the points, each once."""
        return list(dict.fromkeys(need for point in self.points for need in point.needs))

    def to_dict(self, sdc: list[str]) -> dict[str, Any]:
        """Return what ``workflow/Snakefile`` and the table of the sweep read.

        Parameters
        ----------
        sdc : list of str
            How the command ``sdc`` is called.
        """
        commands = {_digest(command): command for command in self.commands}
        keys = {command: key for key, command in commands.items()}
        return {
            "schema": 1,
            "notebook": _way_to(self.notebook),
            "name": self.notebook.name,
            "title": self.notebook.title,
            "profile": self.profile,
            "sdc": sdc,
            "mem_mb": 100 * math.ceil((self.memory_mb + _RUNNER_MB) * _SPARE / 100),
            "runtime": 2 + math.ceil(3 * (self.seconds + START_SECONDS) / 60),
            "prepare": {key: shlex.split(command) for key, command in commands.items()},
            "points": {
                point.name: {
                    "values": point.values,
                    "arguments": list(point.arguments),
                    "needs": [keys[need] for need in point.needs],
                }
                for point in self.points
            },
        }


def plan_sweep(grid: Grid) -> SweepPlan:
    """Check every value of a grid and name its points; nothing is started.

    Parameters
    ----------
    grid : Grid
        The sweep; where its values are texts, they are read as ``sdc run`` reads them.

    Returns
    -------
    SweepPlan

    Raises
    ------
    ParameterError
        Naming every value that the notebook does not take.
    RefusedRunError
        When there is no such notebook.
    """
    notebook = find_notebook(grid.notebook)
    values = {
        name: _checked(notebook, name, given, grid.profile) for name, given in grid.values.items()
    }
    check_parameters(notebook, {}, grid.profile)
    order = sorted(values, key=lambda name: (name != "seed", name))
    points: dict[str, Point] = {}
    for combination in itertools.product(*(values[name] for name in order)):
        point = _point(notebook, grid, dict(zip(order, combination, strict=True)))
        if other := points.get(point.name.casefold()):
            raise ParameterError(
                f"the points {other.values} and {point.values} would lie in one folder, "
                f"{point.name}, on many disks; sweep them apart, each with its own --out"
            )
        points[point.name.casefold()] = point
    cost = notebook.timings.get(grid.profile, {})
    seconds = cost.get("seconds") if grid.minutes is None else 60 * grid.minutes
    memory = cost.get("peak_memory_mb") if grid.memory_gb is None else 1000 * grid.memory_gb
    return SweepPlan(
        notebook,
        grid.profile,
        tuple(points.values()),
        _UNMEASURED["seconds"] if seconds is None else seconds,
        _UNMEASURED["memory_mb"] if memory is None else memory,
        "" if grid.minutes is not None else str(cost.get("date", "")),
    )


def point_name(values: Mapping[str, Any]) -> str:
    """Return a name that every file system, shell and scheduler takes as it is.

    Parameters
    ----------
    values : mapping of str to object
        Values of the swept parameters, in order.

    Returns
    -------
    str
        ``seed~1__n_permutations~99``; a value that is long, or holds anything but letters, digits,
        ``.``, ``-`` and ``_``, becomes a short hash, and so does a name that is too long.

    Examples
    --------
    >>> from sdc_helpers.sweeps import point_name
    >>> point_name({"seed": 1, "eps": 0.5, "root": "/my data"})
    'seed~1__eps~0.5__root~sha.17227114cf'
    """
    name = "__".join(f"{key}~{_value_name(value)}" for key, value in values.items()) or "defaults"
    return name if len(name) <= _LONGEST_NAME and name.isascii() else f"sha.{_digest(name)}"


def require_the_same_sweep(plan: SweepPlan, folder: Path) -> None:
    """Refuse a folder that holds the sweep of another notebook, or in another profile.

    Raises
    ------
    RefusedRunError
        Naming what is there.
    """
    file = folder / PLAN
    if not file.is_file():
        return
    there = load_plan(folder)
    if (there["name"], there["profile"]) != (plan.notebook.name, plan.profile):
        raise RefusedRunError(
            f"{folder} holds a sweep of {there['name']} in profile {there['profile']}; choose "
            "another --out"
        )


def write_plan(plan: SweepPlan, folder: Path, sdc: list[str]) -> None:
    """Write ``sweep.json`` into the folder of a sweep."""
    write_json(folder / PLAN, plan.to_dict(sdc))


def load_plan(folder: Path) -> dict[str, Any]:
    """Read ``sweep.json``.

    Raises
    ------
    RefusedRunError
        When no sweep has been written there.
    """
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        if plan["schema"] == 1:
            return plan
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise RefusedRunError(f"{folder} holds no sweep that can be read: there is no {PLAN} of one")


def _checked(notebook: Notebook, name: str, given: tuple[Any, ...], profile: str) -> list[Any]:
    """Return the values of one parameter as the notebook will have them."""
    found, wrong = [], []
    for value in given:
        read = notebook.schema.from_text({name: value})[name] if isinstance(value, str) else value
        try:
            check_parameters(notebook, {name: read}, profile)
        except ParameterError as error:
            wrong.append(str(error))
            if name not in notebook.schema.names:
                break
        else:
            found.append(getattr(notebook.schema.validate({name: read}), name))
            _require_absolute(name, found[-1])
    if wrong:
        more = f"; and {len(wrong) - 3} more of its values" if len(wrong) > 3 else ""
        raise ParameterError("; ".join(wrong[:3]) + more)
    texts = [repr(value) for value in found]
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise ParameterError(f"{name!r} has {', '.join(twice)} twice: a point is run once")
    return found


def _require_absolute(name: str, value: Any) -> None:
    """Refuse a path that means something here: each point is run in a folder of its own."""
    if isinstance(value, str) and value and not value.startswith(("/", "~")):
        path = Path(value)
        if (len(path.parts) > 1 or path.suffix) and path.exists():
            raise ParameterError(
                f"parameter {name!r} got {value!r}, a path that means something else in the folder "
                f"of a point; write {str(path.resolve())!r}"
            )


def _point(notebook: Notebook, grid: Grid, values: dict[str, Any]) -> Point:
    texts = {k: v if isinstance(v, str) else repr(v) for k, v in values.items()}
    said = notebook.schema.from_text(texts)
    for name, value in values.items():
        if said[name] != value:
            raise ParameterError(f"parameter {name!r} cannot be given as {value!r} on a command")
    arguments = tuple(word for k, text in texts.items() for word in ("-p", f"{k}={text}"))
    complete = notebook.schema.validate({**values, "profile": grid.profile}).model_dump()
    needs = (*grid.prepare, *_simulation(complete))
    return Point(point_name(values), values, arguments, needs)


def _simulation(values: Mapping[str, Any]) -> list[str]:
    """Return the command that makes a chapter's simulated participants, where it has some."""
    if values.get("source") != "simulated":
        return []
    world = f" --world {values['world']}" if "world" in values else ""
    return [f"data simulate --profile {values['profile']} --seed {values['seed']}{world}"]


def _value_name(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    is_plain = _PLAIN.fullmatch(text) and len(text) <= _LONGEST_VALUE and "__" not in text
    if is_plain and not text.startswith("sha."):
        return text
    return f"sha.{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:10]


def _way_to(notebook: Notebook) -> str:
    from sdc_helpers.course.catalogue import is_chapter

    return notebook.name if is_chapter(notebook.path) else str(notebook.path.resolve())
