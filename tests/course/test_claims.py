"""Claims: when they hold, how they travel in a notebook, and the page that lists them."""

from __future__ import annotations

import html
import json
import math
import re
from fractions import Fraction

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdc_helpers.course import claims
from sdc_helpers.course.errors import CourseError

FINITE = st.floats(-1e6, 1e6)
SOURCE = {"source": "this course", "data": "simulated numbers"}


def measured(value=1.0, *, identifier="a.b", statement="It is so.", **changes):
    return claims.measure(identifier, statement, value, **{**SOURCE, "at_least": 0.0, **changes})


# --- when a claim holds ---------------------------------------------------------------------------


@settings(deadline=None)
@given(
    value=FINITE,
    published=st.none() | FINITE,
    tolerance=st.none() | st.floats(0, 1e6),
    at_least=st.none() | FINITE,
    at_most=st.none() | FINITE,
)
def test_a_claim_holds_exactly_if_every_condition_does(
    value, published, tolerance, at_least, at_most
):
    conditions = {"tolerance": tolerance, "at_least": at_least, "at_most": at_most}
    arguments = {**SOURCE, "published": published, **conditions}
    no_condition = all(c is None for c in conditions.values())
    if no_condition or (tolerance is not None and published is None):
        with pytest.raises(CourseError, match=r"'a\.b'"):
            claims.measure("a.b", "s", value, **arguments)
        return
    claim = claims.measure("a.b", "s", value, **arguments)
    met = []
    if tolerance is not None:
        met.append(abs(value - published) <= tolerance)
        exact = abs(Fraction(value) - Fraction(published))
        if abs(exact - Fraction(tolerance)) > 1e-9:  # away from the edge, whatever the rounding
            assert met[-1] == (exact < Fraction(tolerance))
    if at_least is not None:
        met.append(not value < at_least)
    if at_most is not None:
        met.append(not value > at_most)
    assert claim.held is (False not in met)
    assert (claim.value, claim.published) == (value, published)
    assert claim.condition.count(",") == len(met) - 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "condition", [{"at_least": 0.0}, {"at_most": 0.0}, {"published": 0.0, "tolerance": 1.0}]
)
def test_what_is_not_a_finite_number_never_holds(value, condition):
    assert claims.measure("a.b", "s", value, **SOURCE, **condition).held is False


@pytest.mark.parametrize("one", [np.float32(0.5), np.float64(0.5), np.array(0.5), Fraction(1, 2)])
def test_numbers_of_other_kinds_become_plain_ones(one):
    claim = claims.measure("a.b", "s", one, **SOURCE, published=one, tolerance=one, at_most=one)
    assert claim.held is True
    for number in (claim.value, claim.published, claim.tolerance, claim.at_most):
        assert type(number) is float
        assert number == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at_least": None}, "give a tolerance, at_least or at_most"),
        ({"at_least": None, "published": 1.0}, "give a tolerance, at_least or at_most"),
        ({"tolerance": 0.1}, "around a published value"),
        ({"tolerance": -0.1, "published": 1.0}, "0 or more"),
        ({"at_least": -math.inf}, "must be a finite number, not -inf"),
        ({"at_most": math.nan}, "must be a finite number, not nan"),
        ({"tolerance": math.inf, "published": 1.0}, "must be a finite number, not inf"),
        ({"published": math.nan}, "must be a finite number, not nan"),
        ({"data": "numbers, simulated"}, "must begin with 'simulated' or 'real'"),
        ({"data": ""}, "must begin with 'simulated' or 'real'"),
    ],
)
def test_a_claim_that_cannot_fail_or_hides_its_data_is_refused(changes, message):
    with pytest.raises(CourseError, match=message) as caught:
        measured(**changes)
    assert "claim 'a.b'" in str(caught.value)


# --- how it is shown ------------------------------------------------------------------------------


def test_the_reason_is_shown_only_when_the_claim_does_not_hold():
    for value, shown in ((1.0, False), (-1.0, True)):
        bundle = measured(value, reason="Too few stimuli.")._repr_mimebundle_()
        assert ("Too few stimuli." in bundle["text/plain"]) is shown
        assert ("Too few stimuli." in bundle["text/html"]) is shown
        assert ("not held" in bundle["text/plain"]) is shown


def test_text_from_a_claim_is_escaped_in_html():
    tag = "<script>alert('x') & \"y\"</script>"
    claim = measured(identifier=tag, statement=tag, source=tag, data=f"real {tag}")
    page = claim._repr_mimebundle_()["text/html"]
    assert "<script>" not in page
    assert page.count(html.escape(tag)) == 4
    text = claim._repr_mimebundle_()["text/plain"]
    assert text.startswith(f"Claim {tag}: held. {tag} Here 1; expected ≥ 0 [")


def test_record_shows_the_claim_in_a_notebook_and_nothing_elsewhere(capsys):
    assert claims.record("a.b", "s", 1.0, **SOURCE, at_least=0.0) is None
    assert capsys.readouterr().out == ""
    with pytest.raises(CourseError):
        claims.record("a.b", "s", 1.0, **SOURCE)


# --- how it travels -------------------------------------------------------------------------------


def notebook_with(*outputs):
    """Return an executed notebook, one code cell a bundle, as JSON holds it."""
    v4 = nbformat.v4
    cells = [
        v4.new_markdown_cell("# A"),
        v4.new_code_cell("1", outputs=[v4.new_output("stream", text="1")]),
        *(v4.new_code_cell(outputs=[v4.new_output("display_data", data=o)]) for o in outputs),
        v4.new_code_cell(outputs=[v4.new_output("error", ename="E", evalue="", traceback=[])]),
    ]
    return json.loads(nbformat.writes(v4.new_notebook(cells=cells)))


def bundle(value, **changes):
    return measured(value, **changes)._repr_mimebundle_()


def test_claims_are_collected_in_order_the_last_of_a_repeated_one():
    notebook = notebook_with(
        bundle(1, identifier="a.b"),
        {"text/plain": "no claim"},
        bundle(2, identifier="a.c"),
        bundle(3, identifier="a.b"),
    )
    found = claims.collect(notebook)
    assert [(c["identifier"], c["value"]) for c in found] == [("a.b", 3), ("a.c", 2)]
    assert claims.collect(notebook_with()) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_json_cannot_hold_survives_the_way_to_the_page(value):
    sent = json.dumps(bundle(value), allow_nan=False)  # what a kernel does
    (found,) = claims.collect(notebook_with(json.loads(sent)))
    assert found["held"] is False
    assert f"| {value:.4g} | **not held** |" in claims.claims_page([record_of(found)])


# --- the page -------------------------------------------------------------------------------------


def record_of(*found, name="01_some", title="Some title", **changes):
    record = {"name": name, "title": title, "profile": "smoke", "seed": 3, "claims": list(found)}
    return record | changes


def collected(*measured_claims):
    return claims.collect(notebook_with(*(c._repr_mimebundle_() for c in measured_claims)))


def rows(page):
    """Return the table rows of a page as {column: cell}, split where Markdown splits them."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    split = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    header, *_ = split
    return [dict(zip(header, row, strict=True)) for row in split if row != header]


def test_the_page_lists_every_claim_once_and_counts_those_that_held():
    first = collected(measured(1, identifier="a.b"), measured(-1, identifier="a.c", reason="Why."))
    second = collected(measured(2, identifier="b.a"))
    page = claims.claims_page(
        [
            record_of(*first),
            record_of(name="02_none", title="No claims"),
            record_of(*second, name="03_more", title="More", profile="full", seed=9),
        ]
    )
    assert "**2 of 3 held.**" in page
    assert [row["claim"] for row in rows(page)] == [
        f"It is so. `{i}`" for i in ("a.b", "a.c", "b.a")
    ]
    assert [list(row.values())[-1] for row in rows(page)] == ["held", "**not held**: Why.", "held"]
    assert "## Some title" in page
    assert "[More](03_more.ipynb)" in page
    assert "Profile `full`, seed 9" in page
    assert "No claims" not in page


def test_a_row_holds_what_was_published_expected_and_found():
    claim = claims.measure(
        "a.b", "s", 0.2349, source="murphy2024cka, Fig. 1", data="real fMRI",
        published=0.23, tolerance=0.04, at_least=0.1,
    )  # fmt: skip
    (row,) = rows(claims.claims_page([record_of(*collected(claim))]))
    assert (row["published"], row["expected"], row["here"]) == (
        "0.23",
        "0.23 ± 0.04, ≥ 0.1",
        "0.2349",
    )
    assert "{cite:t}`murphy2024cka`, Fig. 1" in "".join(row.values())
    assert "real fMRI" in "".join(row.values())
    (row,) = rows(claims.claims_page([record_of(*collected(measured()))]))
    assert (row["published"], row["expected"], row["here"]) == ("", "≥ 0", "1")
    assert "this course" in "".join(row.values())
    assert "cite" not in "".join(row.values())


@settings(deadline=None)
@given(statement=st.text(), data=st.text(), reason=st.text(), source=st.text())
def test_no_text_breaks_out_of_its_cell(statement, data, reason, source):
    claim = measured(
        -1.0, statement=statement, data=f"real {data}", reason=reason, source=f"a b {source}"
    )
    (found,) = json.loads(json.dumps([claim._repr_mimebundle_()[claims.MIME]]))
    page = claims.claims_page([record_of(found)])
    (row,) = rows(page)
    assert "<" not in "".join(row.values())
    words = html.unescape(row["claim"].replace("\\|", "|")).removesuffix("`a.b`").split()
    assert words == statement.split()
