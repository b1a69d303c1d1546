"""A page of a sweep: what was run, what held how often, and values with intervals over seeds."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdc_helpers.measures import Interval
from sdc_helpers.sweeps.plan import load_plan
from sdc_helpers.sweeps.shares import shares_of
from sdc_helpers.sweeps.table import COMPLETE, FAILED, NOT_RUN, OTHER_CODE, count_states

if TYPE_CHECKING:
    import pandas as pd

_MOST_DRAWN = 60  # settings in a figure
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } img { max-width: 100%; background: #fff }
th, td { border-bottom: 1px solid #ccc; padding: .2rem .8rem .2rem 0; text-align: left }
code { overflow-wrap: anywhere } .note { border-left: 4px solid #997700; padding-left: .8rem }
figure { margin: 1rem 0 } figcaption { font-size: .9rem }
"""
_OF_THE_LARGEST = (
    "Where a setting is singled out below because its value is the largest, the number of "
    "settings and points that were tried stands beside it: such a value is larger than it will be "
    "when it is measured again. Before you say it, measure that setting alone, on seeds that did "
    "not choose it."
)


@dataclass(frozen=True)
class Setting:
    """A claim at one combination of the swept parameters other than the seed.

    Attributes
    ----------
    name : str
        The combination, such as ``n_components=20``; "all" where nothing but the seed was swept.
    interval : Interval or None
        Mean of the seeds and Student's interval for other seeds; of a single run the interval that
        it measured itself. None where no run has a finite value.
    n_held, n_runs, n_points : int
        Runs in which the claim held, complete runs, and points of the grid.
    """

    name: str
    interval: Interval | None
    n_held: int
    n_runs: int
    n_points: int


def settings_of(table: pd.DataFrame, claim: str) -> list[Setting]:
    """Summarise one claim: for each combination of parameters its value over the seeds.

    Parameters
    ----------
    table : pandas.DataFrame
        The table of a sweep, see :func:`sdc_helpers.sweeps.collect`.
    claim : str
        Identifier of the claim.

    Returns
    -------
    list of Setting
        In the order of the grid.
    """
    return [_setting(name, rows, claim) for name, rows in _groups(table)]


def best_of(settings: Sequence[Setting]) -> str:
    """Say which setting has the largest value, and how many were tried for it.

    Parameters
    ----------
    settings : sequence of Setting
        Settings of one claim.

    Returns
    -------
    str
        One sentence; empty where there is nothing to choose from.
    """
    measured = [s for s in settings if s.interval is not None]
    if len(measured) < 2:
        return ""
    best = max(measured, key=lambda s: s.interval.value)  # type: ignore[union-attr]
    points = sum(s.n_points for s in settings)
    return (
        f"Largest mean: {best.name}, {best.interval}; the largest of {len(measured)} settings, "
        f"found by trying {points} points."
    )


def write_page(table: pd.DataFrame, folder: Path) -> Path:
    """Write ``index.html`` into a sweep's folder, and return its path.

    Parameters
    ----------
    table : pandas.DataFrame
        The table of the sweep.
    folder : pathlib.Path
        The sweep's folder, which holds ``sweep.json``.

    Returns
    -------
    pathlib.Path
        A page that needs nothing beside itself.
    """
    from sdc_helpers._files import atomic_path

    plan = load_plan(folder)
    parts = [*_head(table, plan), *_of_points(table)]
    for claim in table["claim"].dropna().unique():
        parts += _of_claim(table, str(claim))
    page = f"<!doctype html>\n<html lang='en'>{''.join(parts)}</html>\n"
    with atomic_path(folder / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / "index.html"


def _head(table: pd.DataFrame, plan: Mapping[str, Any]) -> Iterator[str]:
    title = f"{plan['title'].partition(':')[0]}: a sweep"
    yield f"<head><meta charset='utf-8'><title>{_text(title)}</title><style>{_STYLE}</style></head>"
    points = plan["points"].values()
    swept = {
        name: list(dict.fromkeys(repr(point["values"][name]) for point in points))
        for name in next(iter(points))["values"]
    }
    yield f"<h1>{_text(title)}</h1><p>Notebook <code>{_text(plan['name'])}</code>, profile "
    yield f"<code>{_text(plan['profile'])}</code>: {len(points)} points. "
    yield "; ".join(f"<code>{_text(k)}</code>: {_text(', '.join(v))}" for k, v in swept.items())
    states = ", ".join(f"{n} {state}" for state, n in count_states(table).items())
    yield f"</p><p id='states'><b>{states}.</b> {len(table)} rows in <a href='table.csv'>table.csv"
    yield "</a>.</p>"
    done = table["state"].isin([COMPLETE, OTHER_CODE])
    revisions = table[done]["git_revision"].dropna().unique()
    n_old = table[table["state"] == OTHER_CODE]["point"].nunique()
    if n_old or len(revisions) > 1:
        yield f"<p class='note'>{n_old} of the runs were made by another notebook or package than "
        yield "is here now; <code>sdc sweep --again</code> makes them anew. Revisions in the table:"
        yield f" {_text(', '.join(revisions))}.</p>"


def _of_points(table: pd.DataFrame) -> Iterator[str]:
    lacking = table[table["state"].isin([FAILED, NOT_RUN])].drop_duplicates("point")
    if len(lacking):
        yield "<h2>Points without a result</h2>"
        head = ("point", "state", "what was said last")
        yield _table(head, lacking[["point", "state", "error"]].fillna("").to_numpy().tolist())
    claims = table["claim"].dropna().unique()
    if not len(claims):
        return
    yield "<h2>How often each claim held</h2>"
    rows = []
    for claim in claims:
        found = shares_of(table, str(claim))
        first = table[table["claim"] == claim].iloc[0]
        held = f"{found.n_held} of {found.n_finished}"
        share = f"{found.n_held} of {found.n_points}"
        row = [claim, first["kind"], first["condition"], held, str(found.of_finished), share]
        rows.append(row)
    head = ("claim", "kind", "expected", "held in", "share of runs [95 %]", "of all points")
    yield _table(head, rows)
    yield "<p>The intervals of shares are exact for runs that were drawn independently: seeds are, "
    yield "settings of one seed are not. Points without a result are no runs; if they failed where "
    yield f"it was hard, the share of runs is too large. {_OF_THE_LARGEST}</p>"


def _of_claim(table: pd.DataFrame, claim: str) -> Iterator[str]:
    first = table[table["claim"] == claim].iloc[0]
    settings = settings_of(table, claim)
    expected = f"{first['condition']} {_or_empty(first['unit'])}".strip()
    yield f"<h2><code>{_text(claim)}</code></h2><p>{_text(first['statement'])} Expected: "
    yield f"{_text(expected)}.</p>"
    if picture := _forest(first, settings):
        caption = (
            f"{str(first['data']).capitalize()}. A row a setting: the small dots are its seeds, "
            "the stroke is their mean and the line the 95 % interval for other seeds; broken lines "
            "are the bounds."
        )
        yield f"<figure><img alt='{_text(caption)}' src='data:image/png;base64,{picture}'>"
        yield f"<figcaption>{_text(caption)}</figcaption></figure>"
    rows = [
        [s.name, "–" if s.interval is None else str(s.interval), f"{s.n_held} of {s.n_runs}",
         f"{s.n_runs} of {s.n_points}"]
        for s in settings
    ]  # fmt: skip
    yield _table(("setting", "value [95 %]", "held in", "runs of points"), rows)
    if note := best_of(settings):
        yield f"<p class='note'>{_text(note)}</p>"


def _forest(first: Mapping[str, Any], settings: Sequence[Setting]) -> str:
    """Draw a claim's values, a row a setting; return a PNG in base64, or nothing."""
    import pandas as pd

    from sdc_helpers.plotting import figure, plot_intervals, plot_reference
    from sdc_helpers.plotting.captions import picture

    shown = [s for s in settings if s.interval is not None][:_MOST_DRAWN]
    if not shown:
        return ""
    fig, ax = figure(width=7.0, height=1.1 + 0.3 * len(shown))
    intervals = [s.interval for s in shown if s.interval is not None]
    plot_intervals([s.name for s in shown], intervals, ax, horizontal=True)
    for bound in ("at_least", "at_most"):
        if not pd.isna(first[bound]):
            plot_reference(ax, float(first[bound]), bound.replace("_", " "), vertical=True)
    unit = _or_empty(first["unit"])
    ax.set(xlabel=f"value ({unit})" if unit else "value", ylabel="setting")
    ax.set_ylim(len(shown) - 0.5, -0.5)
    return picture(fig)


def _groups(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each combination of parameters other than the seed, with its name."""
    swept = [column for column in table.columns if column.startswith("p.")]
    if not swept:
        yield "all", table
        return
    for values, rows in table.groupby(swept, sort=False, dropna=False):
        pairs = zip(swept, values, strict=True)
        yield ", ".join(f"{name.removeprefix('p.')}={value}" for name, value in pairs), rows


def _setting(name: str, rows: pd.DataFrame, claim: str) -> Setting:
    counts, rows = shares_of(rows, claim), rows[rows["claim"] == claim]
    values = [float(v) for v in rows["value"].dropna() if math.isfinite(v)]
    interval = Interval.over_seeds(values) if values else None  # type: ignore[arg-type]
    if len(values) == 1 and rows["low"].notna().any():
        low, high = (float(rows[end].dropna().iloc[0]) for end in ("low", "high"))
        interval = Interval(values[0], low, high)
    return Setting(name, interval, counts.n_held, counts.n_finished, counts.n_points)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = "".join(f"<th>{_text(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    return html.escape(str(value), quote=True)


def _or_empty(value: Any) -> str:
    return value if isinstance(value, str) else ""
