"""The book's page of all claims: three kinds, kept apart."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sdc_helpers.course.statements import KINDS

_HEADINGS = {
    "hypothesis": "Hypotheses",
    "regression": "Numbers met again",
    "identity": "Identities",
}
_EXPLAINED = {
    "hypothesis": (
        "Statements about data. One is *held* only if the whole interval over seeds (and items, "
        "where they vary) lies on the right side of its bound, *not held* if all of it lies on the "
        "wrong side, and *undecided* otherwise."
    ),
    "regression": "A number that was measured before, here or elsewhere, and is met again.",
    "identity": "Two ways to compute one thing agree. They test the program, not the world.",
}


def claims_page(records: Iterable[Mapping[str, Any]]) -> str:
    """Write the page of all claims, from run records.

    Parameters
    ----------
    records : iterable of mapping
        The ``.run.json`` records, in the order of the course.

    Returns
    -------
    str
        A MyST Markdown page.
    """
    records = [record for record in records if record["claims"]]
    lines = [
        "# Claims",
        "",
        "Every headline statement of the course, measured in the run that made this book; its "
        "bound was written down before. One that did not hold stays, with its reason. A published "
        "figure was measured on other data than ours: it is shown to compare with, and is the "
        "condition only where the column *expected* says so.",
        "",
    ]
    for kind in reversed(KINDS):
        every = [c for record in records for c in record["claims"] if c["kind"] == kind]
        if not every:
            continue
        lines += [f"## {_HEADINGS[kind]}", "", _EXPLAINED[kind], "", f"**{count(every)}.**", ""]
        for record in records:
            lines += _of_chapter(record, kind)
    return "\n".join(lines)


def count(claims: Iterable[Mapping[str, Any]]) -> str:
    """Say how many claims are in each state, such as "3 held, 1 undecided, 1 not held"."""
    states = Counter(claim["state"] for claim in claims)
    named = ("held", "undecided", "not held")
    return ", ".join(f"{states[state]} {state}" for state in named if states[state])


def _of_chapter(record: Mapping[str, Any], kind: str) -> list[str]:
    own = [claim for claim in record["claims"] if claim["kind"] == kind]
    if not own:
        return []
    return [
        f"### [{record['title']}]({record['name']}.ipynb)",
        "",
        f"Profile `{record['profile']}`, seed {record['seed']}.",
        "",
        "| claim | source; data | published | expected | here | |",
        "|---|---|---|---|---|---|",
        *map(_row, own),
        "",
    ]


def _row(claim: Mapping[str, Any]) -> str:
    published = "" if claim["published"] is None else f"{claim['published']:.4g}"
    verdict = "held" if claim["held"] else f"**{claim['state']}**"
    if not claim["held"] and claim["reason"]:
        verdict += f": {claim['reason']}"
    cells = [
        f"{claim['statement']} `{claim['identifier']}`",
        "; ".join(part for part in (_cite(claim["source"]), claim["data"]) if part),
        published,
        claim["condition"],
        claim["measured"],
        verdict,
    ]
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def _cell(text: str) -> str:
    """Make a text one cell of a Markdown table: one line, no bar, no tag."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _cite(source: str) -> str:
    key, comma, place = source.partition(",")
    if not key or " " in key:
        return source
    return f"{{cite:t}}`{key}`{comma}{place}"
