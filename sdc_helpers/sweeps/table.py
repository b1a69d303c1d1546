"""One table of a sweep: a row for every claim of every point, and for every point without a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers._paths import visible
from sdc_helpers.course.errors import RunError
from sdc_helpers.course.outputs import load_record
from sdc_helpers.sweeps.plan import load_plan

if TYPE_CHECKING:
    import pandas as pd

COMPLETE, OTHER_CODE, FAILED, NOT_RUN = "complete", "other code", "failed", "not run"
"""What became of a point; "other code" is a complete run of an earlier notebook or package."""
_OF_CLAIM = ("kind", "value", "low", "high", "unit", "condition", "at_least", "at_most", "held")
_TYPES = {
    **dict.fromkeys(("point", "state", "profile", "claim", "statement", "kind", "unit"), "string"),
    **dict.fromkeys(("data", "condition", "outcome", "git_revision", "run_id", "error"), "string"),
    **dict.fromkeys(("value", "low", "high", "at_least", "at_most", "seconds"), "Float64"),
    **{"seed": "Int64", "held": "boolean", "peak_memory_mb": "Float64"},
}


def collect(folder: Path) -> pd.DataFrame:
    """Read what came of every point of a sweep.

    Only the points of the sweep that ``sweep.json`` names are looked at: what an earlier grid left
    in the folder is not counted.

    Parameters
    ----------
    folder : pathlib.Path
        The sweep's folder.

    Returns
    -------
    pandas.DataFrame
        A row for each point and claim, in the order of the grid. A point that recorded no claim,
        failed or never ran has one row, whose ``claim`` is missing; its ``state`` says which, and
        ``error`` how it failed. Columns: ``point``, ``state``, ``seed``, ``p.NAME`` for every
        other swept parameter, ``claim`` (its identifier), ``value`` with ``low`` and ``high``,
        ``condition``, ``held``, ``outcome`` ("held", "not held", "undecided"), ``seconds`` and
        ``peak_memory_mb`` of the run, ``git_revision``, and more.

    Raises
    ------
    RefusedRunError
        When the folder holds no sweep.
    """
    import pandas as pd

    plan = load_plan(folder)
    digests = made_by_now(plan)
    rows: list[dict[str, Any]] = []
    for name, point in plan["points"].items():
        rows += _rows_of(folder / name, name, point["values"], plan, digests[name])
    swept = [f"p.{k}" for k in next(iter(plan["points"].values()))["values"] if k != "seed"]
    order = ["point", "state", "profile", "seed", *swept, "claim", "outcome", *_OF_CLAIM]
    order += ["statement", "data", "seconds", "peak_memory_mb", "git_revision", "run_id", "error"]
    columns = {name: [row.get(name) for row in rows] for name in order}
    return pd.DataFrame(
        {
            name: pd.array(values, dtype=_TYPES[name])
            if name in _TYPES
            else pd.Series(values, dtype=object).convert_dtypes()
            for name, values in columns.items()
        }
    )


def states(plan: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return what became of each point, by name, without reading what it measured."""
    digests = made_by_now(plan)
    return {name: _state(folder / name, plan["name"], digests[name])[0] for name in plan["points"]}


def to_run(plan: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the points that the next start of a sweep runs: those whose two files are not there.

    Parameters
    ----------
    plan : mapping
        Content of ``sweep.json``.
    folder : pathlib.Path
        The sweep's folder.

    Returns
    -------
    list of str
        Names of points, in the order of the grid. A complete run of other code is not among them.
    """
    found = states(plan, folder)
    return [name for name, state in found.items() if state in (FAILED, NOT_RUN)]


def made_by_now(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest that each point's run would have now, by the point's name."""
    from sdc_helpers.course.catalogue import find_notebook
    from sdc_helpers.course.made_by import digest

    try:
        notebook = find_notebook(plan["notebook"])
    except RunError:  # the table of a sweep may outlive its notebook
        return dict.fromkeys(plan["points"], "")
    profile = {"profile": plan["profile"]}
    return {
        name: digest(notebook, {**point["values"], **profile})
        for name, point in plan["points"].items()
    }


def remove_other_code(plan: Mapping[str, Any], folder: Path) -> None:
    """Remove the records of runs that other code has made, so that these are run anew."""
    for name, state in states(plan, folder).items():
        if state == OTHER_CODE:
            (folder / name / f"{plan['name']}.run.json").unlink()


def megabytes(folder: Path, names: Sequence[str]) -> float:
    """Return the mean size in MB of what lies in the folders of some points."""
    sizes = [file.stat().st_size for name in names for file in visible(folder / name)]
    return sum(sizes) / max(len(names), 1) / 1e6


def count_states(table: pd.DataFrame) -> dict[str, int]:
    """Return how many points are in each state, in a fixed order, zeros left out."""
    counts = Counter(table.drop_duplicates("point")["state"])
    return {s: counts[s] for s in (COMPLETE, OTHER_CODE, FAILED, NOT_RUN) if counts[s]}


def write_table(table: pd.DataFrame, folder: Path) -> Path:
    """Write ``table.csv`` into a sweep's folder, and return its path.

    Texts are as they are, numbers whole; what is missing is an empty cell.
    """
    from sdc_helpers._files import atomic_path

    with atomic_path(folder / "table.csv") as temporary:
        table.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    return folder / "table.csv"


def write_parquet(table: pd.DataFrame, folder: Path) -> Path:
    """Write ``table.parquet`` into a sweep's folder, and return its path.

    Each column keeps its type; what is missing is a null.
    """
    from sdc_helpers._files import atomic_path

    with atomic_path(folder / "table.parquet") as temporary:
        table.to_parquet(temporary, engine="pyarrow", index=False)
    return folder / "table.parquet"


def _rows_of(
    folder: Path, name: str, values: Mapping[str, Any], plan: Mapping[str, Any], digest: str
) -> list[dict[str, Any]]:
    state, record = _state(folder, plan["name"], digest)
    row: dict[str, Any] = {"point": name, "state": state, "profile": plan["profile"]}
    row["seed"] = record.get("seed", values.get("seed"))
    row |= {f"p.{k}": _cell(value) for k, value in values.items() if k != "seed"}
    for key in ("seconds", "peak_memory_mb", "git_revision", "run_id", "error"):
        row[key] = record.get(key)
    claims = record.get("claims", []) if state in (COMPLETE, OTHER_CODE) else []
    return [{**row, **_of_claim(claim)} for claim in claims] or [row]


def _of_claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: claim.get(key) for key in (*_OF_CLAIM, "statement", "data")}
    for key in ("value", "low", "high"):
        text = found[key]
        if isinstance(text, str):  # what is not finite is a text in a record
            found[key] = float(text)
    if claim.get("tolerance") is not None:  # a bound on either side of what was published
        found["at_least"] = claim["published"] - claim["tolerance"]
        found["at_most"] = claim["published"] + claim["tolerance"]
    return {**found, "claim": claim["identifier"], "outcome": claim["state"]}


def _state(folder: Path, name: str, digest: str) -> tuple[str, dict[str, Any]]:
    """Return what became of a point, and the record that says so."""
    try:
        record = load_record(folder, name)
    except RunError:
        failed = _read(folder / f"{name}.failed.run.json")
        return (FAILED, failed) if failed else (NOT_RUN, {"error": _last_words(folder)})
    return (COMPLETE if record.get("made_by") == digest else OTHER_CODE), record


def _last_words(folder: Path) -> str | None:
    """Return the last line of the log of a point that left no record."""
    try:
        lines = (folder / "sdc.log").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return None
    return next((line.strip()[:500] for line in reversed(lines) if line.strip()), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)
