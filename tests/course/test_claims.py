"""Claims: how they are measured and shown, and how they travel in a notebook."""

from __future__ import annotations

import html
import json
import math
from fractions import Fraction

import nbformat
import numpy as np
import pytest

from sdc_helpers.course import claims
from sdc_helpers.course.errors import CourseError
from sdc_helpers.course.statements import Statement
from sdc_helpers.measures import Interval


def stated(identifier="a.b", **changes):
    fields = {
        "kind": "identity", "statement": "It is so.", "data": "simulated numbers", "at_least": 0.0,
    }  # fmt: skip
    return Statement.from_fields(identifier, {**fields, **changes}, "a test")


def measured(value=1.0, *, reason=None, data=None, **changes):
    return claims.measure(stated(**changes), value, reason=reason, data=data)


# --- how it is measured ---------------------------------------------------------------------------


@pytest.mark.parametrize("one", [np.float32(0.5), np.float64(0.5), np.array(0.5), Fraction(1, 2)])
def test_numbers_of_other_kinds_become_plain_ones(one):
    claim = measured(one, published=0.5, tolerance=0.0, at_most=0.5)
    assert claim.held
    assert type(claim.value) is float


@pytest.mark.parametrize(
    ("interval", "state"),
    [((0.2, 0.1, 0.3), "held"), ((0.2, -0.1, 0.3), "undecided"), ((-0.2, -0.3, -0.1), "not held")],
)
def test_a_hypothesis_is_measured_by_its_interval(interval, state):
    claim = measured(Interval(*interval), kind="hypothesis")
    assert claim.state == state
    assert claim.held is (state == "held")
    assert claim.measured == "{:.4g} [{:.4g}, {:.4g}]".format(*interval)


def test_a_hypothesis_without_an_interval_is_refused():
    with pytest.raises(CourseError, match=r"'a\.b' is a hypothesis: give an Interval"):
        measured(1.0, kind="hypothesis")


def test_data_must_say_whether_they_are_simulated():
    for data in ("numbers, simulated", ""):
        with pytest.raises(CourseError, match="must begin with 'simulated' or 'real'"):
            measured(data=data)
    assert measured(data="real fMRI").data == "real fMRI"


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
    assert text.startswith(f"Claim {tag}: held. {tag} Here 1; expected ≥ 0 [identity; ")


def test_a_notebook_of_ones_own_states_its_claims_first(capsys, monkeypatch):
    monkeypatch.setattr(claims, "_declared", {})
    with pytest.raises(CourseError, match=r"'own\.sum' is stated in no file"):
        claims.record("own.sum", 1.0)
    claims.declare("own.sum", kind="identity", statement="It adds up.", at_most=1, data="real sums")
    assert claims.record("own.sum", 1.0) is None
    assert capsys.readouterr().out == ""  # there is no notebook to show it in
    with pytest.raises(CourseError, match=r"'own\.sun'.*did you mean 'own\.sum'"):
        claims.record("own.sun", 1.0)


def test_a_claim_of_the_course_is_not_stated_anew(monkeypatch):
    monkeypatch.setattr(claims, "_stated", lambda: {"a.b": stated()})
    with pytest.raises(CourseError, match="a chapter of the course states it already"):
        claims.declare("a.b", kind="identity", statement="Something else.", at_most=1)


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
def test_a_value_that_json_cannot_hold_survives_the_way(value):
    sent = json.dumps(bundle(value), allow_nan=False)  # what a kernel does
    (found,) = claims.collect(notebook_with(json.loads(sent)))
    assert found["held"] is False
    assert found["measured"] == f"{value:.4g}"
