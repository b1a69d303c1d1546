"""The grid of a sweep: a notebook, a profile and the values of its parameters, from a YAML file.

::

    notebook: 13_cka_pitfalls
    profile: smoke
    grid:
      seed: 0..9                 # ten seeds
      n_permutations: [99, 999]  # every value with every seed
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdc_helpers.course.errors import ParameterError, nearest

_RANGE = re.compile(r"\s*(-?\d+)\.\.(-?\d+)\s*")
_LONGEST_RANGE = 100_000
_KEYS = ("notebook", "profile", "grid", "prepare", "minutes", "memory_gb")


@dataclass(frozen=True)
class Grid:
    """What is to be swept, as it was written down.

    Attributes
    ----------
    notebook : str
        Name or number of a chapter, or the path of an ``.ipynb``.
    profile : str
        Profile of every run.
    values : dict of str to tuple
        Values of each parameter; every value is combined with every other parameter's.
    prepare : tuple of str
        Commands of ``sdc`` that run before the first point, such as ``data fetch haxby2001``.
    minutes, memory_gb : float or None
        What a run takes, where the course has not measured it in this profile.
    """

    notebook: str
    profile: str = "workshop"
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    minutes: float | None = None
    memory_gb: float | None = None

    @property
    def n_points(self) -> int:
        """Number of combinations."""
        n = 1
        for values in self.values.values():
            n *= len(values)
        return n


def read_grid(file: Path) -> Grid:
    """Read a grid from a YAML file.

    Parameters
    ----------
    file : pathlib.Path
        Holds ``notebook`` and ``grid``, and may hold ``profile``, ``prepare`` (commands of
        ``sdc``), ``minutes`` and ``memory_gb`` (of one run).

    Returns
    -------
    Grid

    Raises
    ------
    ParameterError
        When there is no such file, it is not YAML, or it says something that a grid does not have.
    """
    content = _read_yaml(file)
    if not isinstance(content, dict) or not {"notebook", "grid"} <= set(content):
        raise ParameterError(f"{file} is no grid: it needs 'notebook' and 'grid'")
    for key in content:
        if key not in _KEYS:
            raise ParameterError(f"{file}: a grid has no {key!r}: {nearest(str(key), _KEYS)}")
    written = content["grid"] or {}
    if not isinstance(written, dict):
        raise ParameterError(f"{file}: 'grid' holds {written!r}; it takes lines of 'name: values'")
    prepare = content.get("prepare") or []
    if not isinstance(prepare, list) or not all(isinstance(line, str) for line in prepare):
        raise ParameterError(f"{file}: 'prepare' is {prepare!r}; it takes a list of commands")
    notebook = str(content["notebook"])
    if notebook.endswith(".ipynb"):
        notebook = str(file.parent / Path(notebook).expanduser())
    return Grid(
        notebook,
        str(content.get("profile", "workshop")),
        {str(name): spread(name, values) for name, values in written.items()},
        tuple(prepare),
        _amount(file, "minutes", content.get("minutes")),
        _amount(file, "memory_gb", content.get("memory_gb")),
    )


def grid_from_words(notebook: str, profile: str, words: Mapping[str, str]) -> Grid:
    """Make a grid from what was typed after ``-p``: ``seed=0..9``, ``n_components=20,40``.

    Parameters
    ----------
    notebook : str
        Name or number of a chapter, or the path of an ``.ipynb``.
    profile : str
        Profile of every run.
    words : mapping of str to str
        For each parameter its values, a comma between two of them.

    Returns
    -------
    Grid
        Values are texts yet, which :func:`sdc_helpers.sweeps.plan_sweep` reads as the notebook's
        parameters take them.

    Raises
    ------
    ParameterError
        When a value is empty or stands twice.
    """
    for name, text in words.items():
        if not all(text.split(",")):
            raise ParameterError(f"{name}={text}: there is nothing before or behind a comma")
    values = {name: spread(name, text.split(",")) for name, text in words.items()}
    return Grid(notebook, profile, values)


def write_grid(grid: Grid, file: Path) -> None:
    """Write a grid so that :func:`read_grid` reads the same."""
    import yaml

    from sdc_helpers._files import atomic_path

    content: dict[str, Any] = {"notebook": grid.notebook, "profile": grid.profile}
    content["grid"] = {name: list(values) for name, values in grid.values.items()}
    if grid.prepare:
        content["prepare"] = list(grid.prepare)
    for name in ("minutes", "memory_gb"):
        if getattr(grid, name) is not None:
            content[name] = getattr(grid, name)
    with atomic_path(file) as temporary:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")


def spread(name: str, values: Any) -> tuple[Any, ...]:
    """Return the values of one parameter: ``0..3`` becomes 0, 1, 2, 3.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    values : object
        One value, or a list of values; each may be a range.

    Returns
    -------
    tuple

    Raises
    ------
    ParameterError
        When there is no value, a range runs backwards, or one value stands twice.
    """
    found: list[Any] = []
    for value in values if isinstance(values, list) else [values]:
        match = _RANGE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            found.append(value)
            continue
        first, last = map(int, match.groups())
        if not 0 <= last - first < _LONGEST_RANGE:
            raise ParameterError(f"the values of {name!r} run from {first} to {last}: {value!r}")
        found += range(first, last + 1)
    texts = [repr(value) for value in found]
    if not found:
        raise ParameterError(f"{name!r} has no value; leave the line out for the notebook's own")
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise ParameterError(f"{name!r} has {', '.join(twice)} twice: a point is run once")
    return tuple(found)


def _read_yaml(file: Path) -> Any:
    import yaml

    class OnceEach(yaml.SafeLoader):
        """Refuses a key that stands twice, of which YAML would silently take the last."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            if twice := [key for key in keys if keys.count(key) > 1]:
                raise yaml.YAMLError(f"{twice[0]!r} stands twice")
            return super().construct_mapping(node, deep=True)

    try:
        return yaml.load(file.read_text(encoding="utf-8"), OnceEach)
    except FileNotFoundError:
        raise ParameterError(f"there is no grid at {file}") from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ParameterError(f"{file} cannot be read as YAML: {reason}") from None


def _amount(file: Path, name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ParameterError(f"{file}: {name!r} is {value!r}; it takes a number above 0")
    return float(value)
