"""Claims: statements that are measured, not asserted, and written before the value is seen.

What is claimed stands in one file a chapter, ``sdc_helpers/claims/NAME.toml``: the sentence, its
source, the bound and the reason why it may fail. A notebook says only what it measured, by
:func:`record`. The claim is shown under the cell and travels in the cell's output, so that it is
found in the executed notebook however that was run.

Three kinds are kept apart. An *identity* compares two ways to compute one thing. A *regression*
meets a number again that was measured before. A *hypothesis* says something about data, and holds
only if the whole interval of what was measured lies on the right side of the bound.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sdc_helpers.course.errors import CourseError, nearest
from sdc_helpers.course.statements import Statement, read_statements
from sdc_helpers.measures import Interval

MIME = "application/vnd.sdc.claim+json"
FOLDER = Path(__file__).resolve().parent.parent / "claims"
"""Files of statements, one a chapter."""
_COLOURS = {"held": "#117733", "not held": "#aa3377", "undecided": "#997700"}
_declared: dict[str, Statement] = {}  # of a notebook of one's own


@dataclass(frozen=True)
class Claim:
    """A statement and what this run measured.

    Attributes
    ----------
    statement : Statement
        What is claimed.
    value : float
        Measured here.
    low, high : float or None
        Ends of its interval; None where one number is compared.
    data : str
        What it was measured on; begins with "simulated" or "real".
    state : {"held", "not held", "undecided"}
        A hypothesis is undecided where its interval holds the bound.
    reason : str
        Why it does not hold on this data; shown only then.
    """

    statement: Statement
    value: float
    low: float | None
    high: float | None
    data: str
    state: str
    reason: str

    @property
    def held(self) -> bool:
        """Whether it holds."""
        return self.state == "held"

    @property
    def measured(self) -> str:
        """The value with its interval and unit."""
        interval = "" if self.low is None else f" [{self.low:.4g}, {self.high:.4g}]"
        return f"{self.value:.4g}{interval} {self.statement.unit}".strip()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON; numbers that are not finite as text."""
        fields = {**asdict(self.statement), **asdict(self), "held": self.held}
        fields["statement"] = self.statement.statement
        fields |= {"condition": self.statement.condition, "measured": self.measured}
        for name in ("value", "low", "high"):
            number = fields[name]
            if number is not None and not math.isfinite(number):
                fields[name] = str(number)
        return fields

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        of = self.statement
        told = "; ".join(part for part in (of.kind, of.source, self.data) if part)
        shown = f"{of.statement} Here {self.measured}; expected {of.condition} [{told}]."
        if not self.held and self.reason:
            shown += f" {self.reason}"
        colour = _COLOURS[self.state]
        page = (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.5em 0">'
            f"<b>Claim <code>{html.escape(of.identifier)}</code>: "
            f'<span style="color:{colour}">{self.state}</span></b><br>{html.escape(shown)}</div>'
        )
        text = f"Claim {of.identifier}: {self.state}. {shown}"
        return {MIME: self.to_dict(), "text/plain": text, "text/html": page}


def record(
    identifier: str,
    value: float | Interval,
    *,
    data: str | None = None,
    reason: str | None = None,
    **details: Any,
) -> None:
    """Measure a claim against its bound, and show and record how it came out.

    Parameters
    ----------
    identifier : str
        As in the chapter's file of statements, or as given to :func:`declare`.
    value : float or Interval
        What this run measured: an `Interval` for a hypothesis, one number for the other kinds.
    data : str, optional
        What it was measured on, where that differs from the file; begins with "simulated" or
        "real".
    reason : str, optional
        Why it does not hold in this run, where that differs from the file.
    **details
        Values for the ``{names}`` in the statement and in the data.

    Raises
    ------
    CourseError
        If nothing of that name was stated, a hypothesis has no interval, or the data do not say
        whether they are simulated.
    """
    from IPython import get_ipython

    claim = measure(_find(identifier), value, data=data, reason=reason, **details)
    if get_ipython() is not None:
        from IPython.display import display

        display(claim)


def declare(identifier: str, **fields: Any) -> None:
    """State a claim in a notebook of one's own, before it is measured.

    Parameters
    ----------
    identifier : str
        Words with dots between them.
    **fields
        As in a file of statements, see `Statement`.

    Raises
    ------
    CourseError
        If a field is missing, unknown or without a meaning, or the course has this identifier.
    """
    if identifier in _stated():
        raise CourseError(f"claim {identifier!r}: a chapter of the course states it already")
    _declared[identifier] = Statement.from_fields(identifier, fields, "this notebook")


def measure(
    statement: Statement,
    value: float | Interval,
    *,
    data: str | None = None,
    reason: str | None = None,
    **details: Any,
) -> Claim:
    """Measure a claim against its bound; see :func:`record`.

    Returns
    -------
    Claim
        Frozen; shows itself in a notebook.
    """
    statement = statement.filled(details)
    data = statement.data if data is None else data
    if not data.startswith(("simulated", "real")):
        raise CourseError(
            f"claim {statement.identifier!r}: data={data!r} must begin with 'simulated' or 'real'"
        )
    if isinstance(value, Interval):
        low, high, number = float(value.low), float(value.high), float(value.value)
        state = statement.judge(low, high)
    elif statement.kind == "hypothesis":
        raise CourseError(
            f"claim {statement.identifier!r} is a hypothesis: give an Interval over seeds or items "
            "(sdc_helpers.measures), not one number"
        )
    else:
        low, high, number = None, None, float(value)
        state = statement.judge(number, number)
    reason = statement.reason if reason is None else reason
    return Claim(statement, number, low, high, data, state, reason)


def collect(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find the claims in an executed notebook.

    Parameters
    ----------
    notebook : mapping
        An nbformat 4 notebook.

    Returns
    -------
    list of dict
        One per identifier, the last recorded, in order of first appearance.
    """
    latest: dict[str, dict[str, Any]] = {}
    for bundle in _bundles(notebook):
        if MIME in bundle:
            latest[bundle[MIME]["identifier"]] = dict(bundle[MIME])
    return list(latest.values())


def _bundles(notebook: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            yield output.get("data", {})


@cache
def _stated() -> dict[str, Statement]:
    """Statements of all chapters, by identifier."""
    return read_statements(FOLDER)


def _find(identifier: str) -> Statement:
    stated = {**_declared, **_stated()}
    if identifier not in stated:
        hint = nearest(identifier, stated)
        raise CourseError(f"claim {identifier!r} is stated in no file of {FOLDER.name}/; {hint}")
    return stated[identifier]
