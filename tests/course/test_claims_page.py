"""The page of claims: every claim once, three kinds apart, no text out of its cell."""

from __future__ import annotations

import html
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.course import claims
from sdc_helpers.course.claims_page import claims_page, count
from sdc_helpers.course.statements import Statement
from sdc_helpers.measures import Interval


def claim(value=1.0, *, identifier="a.b", reason=None, data="simulated numbers", **changes):
    """Return a measured claim as a run record holds it."""
    fields = {"kind": "identity", "statement": "It is so.", "at_least": 0.0, **changes}
    statement = Statement.from_fields(identifier, fields, "a test")
    made = claims.measure(statement, value, data=data, reason=reason)
    return json.loads(json.dumps(made.to_dict()))


def record_of(*found, name="01_some", title="Some title", **changes):
    record = {"name": name, "title": title, "profile": "smoke", "seed": 3, "claims": list(found)}
    return record | changes


def rows(page):
    """Return the table rows of a page as {column: cell}, split where Markdown splits them."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    split = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    header, *_ = split
    return [dict(zip(header, row, strict=True)) for row in split if row != header]


def test_the_page_lists_every_claim_once_and_counts_the_states():
    first = claim(1, identifier="a.b"), claim(-1, identifier="a.c", reason="Why.")
    page = claims_page(
        [
            record_of(*first),
            record_of(name="02_none", title="No claims"),
            record_of(claim(2, identifier="b.a"), name="03_more", title="More", profile="full"),
        ]
    )
    assert "**2 held, 1 not held.**" in page
    assert [row["claim"] for row in rows(page)] == [
        f"It is so. `{i}`" for i in ("a.b", "a.c", "b.a")
    ]
    assert [list(row.values())[-1] for row in rows(page)] == ["held", "**not held**: Why.", "held"]
    assert "[More](03_more.ipynb)" in page
    assert "Profile `full`, seed 3" in page
    assert "No claims" not in page


def test_kinds_are_shown_apart_hypotheses_first():
    wide, narrow = Interval(0.2, -0.1, 0.5), Interval(0.2, 0.1, 0.3)
    page = claims_page(
        [
            record_of(
                claim(identifier="i"),
                claim(kind="regression", identifier="r"),
                claim(wide, kind="hypothesis", identifier="h1"),
                claim(narrow, kind="hypothesis", identifier="h2"),
            )
        ]
    )
    headings = re.findall(r"^## (.*)$", page, flags=re.M)
    assert headings == ["Hypotheses", "Numbers met again", "Identities"]
    assert [row["claim"].split("`")[1] for row in rows(page)] == ["h1", "h2", "r", "i"]
    assert "**1 held, 1 undecided.**" in page
    assert rows(page)[0]["here"] == "0.2 [-0.1, 0.5]"
    assert rows(page)[0]["expected"] == "&gt; 0"


def test_a_count_names_only_states_that_occur():
    assert count([claim(1), claim(2)]) == "2 held"
    assert count([]) == ""


def test_a_row_holds_what_was_published_expected_and_found():
    found = claim(
        0.2349, statement="s", source="murphy2024cka, Fig. 1", data="real fMRI",
        published=0.23, tolerance=0.04, at_least=0.1, unit="of 1",
    )  # fmt: skip
    (row,) = rows(claims_page([record_of(found)]))
    assert (row["published"], row["expected"]) == ("0.23", "0.23 ± 0.04, ≥ 0.1")
    assert row["here"] == "0.2349 of 1"
    assert row["source; data"] == "{cite:t}`murphy2024cka`, Fig. 1; real fMRI"
    (row,) = rows(claims_page([record_of(claim())]))
    assert (row["published"], row["expected"], row["here"]) == ("", "≥ 0", "1")
    assert row["source; data"] == "simulated numbers"


@settings(deadline=None)
@given(statement=st.text(), data=st.text(), reason=st.text(), source=st.text())
def test_no_text_breaks_out_of_its_cell(statement, data, reason, source):
    found = claim(
        -1.0, statement=statement, data=f"real {data}", reason=reason, source=f"a b {source}"
    )
    (row,) = rows(claims_page([record_of(found)]))
    assert "<" not in "".join(row.values())
    words = html.unescape(row["claim"].replace("\\|", "|")).removesuffix("`a.b`").split()
    assert words == statement.split()
