"""Claims: headline statements that are measured, not asserted.

A notebook calls :func:`record`; the claim is shown under the cell and travels in the cell's output,
so that it is found in the executed notebook however that was run.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sdc_helpers.course.errors import CourseError

MIME = "application/vnd.sdc.claim+json"


@dataclass(frozen=True)
class Claim:
    """One statement, where it was made, and what this run measured.

    Attributes
    ----------
    identifier : str
        Unique in the course, ``chapter.topic.detail``.
    statement : str
        The claim in one sentence.
    source : str
        BibTeX key and place (``murphy2024cka, Fig. 1``), or ``this course``.
    data : str
        What it was measured on; begins with "simulated" or "real".
    value : float
        Value that this run measured.
    published : float or None
        The figure in the source.
    tolerance : float or None
        Allowed absolute difference from ``published``.
    at_least, at_most : float or None
        Bounds on ``value``.
    held : bool
        Whether every condition given is met.
    reason : str
        Why it does not hold on this data; shown only then.
    """

    identifier: str
    statement: str
    source: str
    data: str
    value: float
    published: float | None
    tolerance: float | None
    at_least: float | None
    at_most: float | None
    held: bool
    reason: str

    @property
    def condition(self) -> str:
        """What had to be true, as a short formula."""
        parts = []
        if self.tolerance is not None:
            parts.append(f"{self.published:.4g} ± {self.tolerance:.2g}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:.4g}")
        if self.at_most is not None:
            parts.append(f"≤ {self.at_most:.4g}")
        return ", ".join(parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        mark, colour = ("held", "#117733") if self.held else ("not held", "#aa3377")
        shown = (
            f"{self.statement} Here {self.value:.4g}; expected {self.condition} "
            f"[{self.source}; {self.data}]."
        )
        if not self.held and self.reason:
            shown += f" {self.reason}"
        page = (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.5em 0">'
            f"<b>Claim <code>{html.escape(self.identifier)}</code>: "
            f'<span style="color:{colour}">{mark}</span></b><br>{html.escape(shown)}</div>'
        )
        fields = asdict(self)
        if not math.isfinite(self.value):  # JSON has no nan and no inf
            fields["value"] = str(self.value)
        text = f"Claim {self.identifier}: {mark}. {shown}"
        return {MIME: fields, "text/plain": text, "text/html": page}


def record(identifier: str, statement: str, value: float, **conditions: Any) -> None:
    """Measure a claim against its condition, and show and record whether it held.

    Takes what :func:`measure` takes. The claim is displayed under the cell, and found there by
    :func:`collect`.
    """
    from IPython import get_ipython

    claim = measure(identifier, statement, value, **conditions)
    if get_ipython() is not None:
        from IPython.display import display

        display(claim)


def measure(
    identifier: str,
    statement: str,
    value: float,
    *,
    source: str,
    data: str,
    published: float | None = None,
    tolerance: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    reason: str = "",
) -> Claim:
    """Measure a claim against its condition.

    Parameters
    ----------
    identifier : str
        Unique in the course, dots between words: ``cka.random.plateau``.
    statement : str
        The claim in one sentence.
    value : float
        Value that this run measured; nan never holds.
    source : str
        BibTeX key and place, or ``this course``.
    data : str
        What was measured on; must begin with ``simulated`` or ``real``.
    published : float, optional
        The figure in the source. Alone it is only shown; with ``tolerance`` it is the condition.
    tolerance : float, optional
        Allowed absolute difference from ``published``.
    at_least, at_most : float, optional
        Bounds on ``value``, both inclusive.
    reason : str, optional
        Why the claim does not hold here, written once it is known; shown only when it does not.

    Returns
    -------
    Claim
        Frozen; shows itself in a notebook.

    Raises
    ------
    CourseError
        When there is no condition that could fail, one that is not a finite number, or ``data``
        does not say if it is simulated.
    """
    if not data.startswith(("simulated", "real")):
        raise CourseError(f"claim {identifier!r}: data must begin with 'simulated' or 'real'")
    value = float(value)
    published, tolerance = _number(identifier, published), _number(identifier, tolerance)
    at_least, at_most = _number(identifier, at_least), _number(identifier, at_most)
    if tolerance is None and at_least is None and at_most is None:
        raise CourseError(f"claim {identifier!r}: give a tolerance, at_least or at_most to test it")
    conditions = [math.isfinite(value)]
    if tolerance is not None:
        if published is None or tolerance < 0:
            raise CourseError(
                f"claim {identifier!r}: a tolerance is 0 or more, around a published value"
            )
        conditions.append(abs(value - published) <= tolerance)
    if at_least is not None:
        conditions.append(value >= at_least)
    if at_most is not None:
        conditions.append(value <= at_most)
    return Claim(
        identifier=identifier,
        statement=statement,
        source=source,
        data=data,
        value=value,
        published=published,
        tolerance=tolerance,
        at_least=at_least,
        at_most=at_most,
        held=all(conditions),
        reason=reason,
    )


def _number(identifier: str, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise CourseError(f"claim {identifier!r}: a condition must be a finite number, not {value}")
    return None if value is None else float(value)


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


def claims_page(records: Iterable[Mapping[str, Any]]) -> str:
    """Write the book's page of all claims, from run records.

    Parameters
    ----------
    records : iterable of mapping
        The ``.run.json`` records, in the order of the course.

    Returns
    -------
    str
        A MyST Markdown page.
    """
    records = list(records)
    every = [c for r in records for c in r["claims"]]
    held = sum(c["held"] for c in every)
    lines = [
        "# Claims",
        "",
        "Every headline statement of the course, measured in the run that made this book. "
        f"**{held} of {len(every)} held.** One that did not hold stays, with its reason. "
        "A published figure was measured on other data than ours: it is shown to compare with, "
        "and is the condition only where the column *expected* says so.",
        "",
    ]
    for record in records:
        if not record["claims"]:
            continue
        lines += [
            f"## {record['title']}",
            "",
            f"Profile `{record['profile']}`, seed {record['seed']}; "
            f"chapter: [{record['title']}]({record['name']}.ipynb).",
            "",
            "| claim | source; data | published | expected | here | |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(c) for c in record["claims"]]
        lines.append("")
    return "\n".join(lines)


def _row(claim: Mapping[str, Any]) -> str:
    published = "" if claim["published"] is None else f"{claim['published']:.4g}"
    verdict = "held" if claim["held"] else "**not held**"
    if not claim["held"] and claim["reason"]:
        verdict += f": {claim['reason']}"
    condition = Claim(**claim).condition
    cells = [
        f"{claim['statement']} `{claim['identifier']}`",
        f"{_cite(claim['source'])}; {claim['data']}",
        published,
        condition,
        f"{float(claim['value']):.4g}",
        verdict,
    ]
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def _cell(text: str) -> str:
    """Make a text one cell of a Markdown table: one line, no bar, no tag."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _cite(source: str) -> str:
    key, comma, place = source.partition(",")
    if " " in key:
        return source
    return f"{{cite:t}}`{key}`{comma}{place}"
