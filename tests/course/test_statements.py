"""What is claimed: complete, able to fail, and judged by the whole interval."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.course import claims
from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.errors import CourseError
from sdc_helpers.course.statements import Statement, read_statements

FINITE = st.floats(-1e6, 1e6)


def stated(**changes):
    fields = {"kind": "identity", "statement": "It is so.", "at_least": 0.0, **changes}
    return Statement.from_fields(
        "a.b", {k: v for k, v in fields.items() if v is not None}, "x.toml"
    )


@given(
    value=FINITE,
    published=st.none() | FINITE,
    tolerance=st.none() | st.floats(0, 1e6),
    at_least=st.none() | FINITE,
    at_most=st.none() | FINITE,
)
def test_a_number_holds_exactly_if_every_condition_does(
    value, published, tolerance, at_least, at_most
):
    given_ = {
        "published": published, "tolerance": tolerance, "at_least": at_least, "at_most": at_most,
    }  # fmt: skip
    try:
        statement = stated(**given_)
    except CourseError:
        lower = [x for x in (at_least,) if x is not None]
        upper = [x for x in (at_most,) if x is not None]
        if tolerance is not None and published is not None:
            lower.append(published - tolerance)
            upper.append(published + tolerance)
        impossible = bool(lower and upper) and max(lower) > min(upper)
        assert impossible or not (lower or upper) or (tolerance is not None and published is None)
        return
    met = []
    if tolerance is not None:
        exact = abs(Fraction(value) - Fraction(published))
        if abs(exact - Fraction(tolerance)) < 1e-6:  # the edge is a matter of rounding
            return
        met.append(exact < Fraction(tolerance))
    if at_least is not None:
        met.append(value >= at_least)
    if at_most is not None:
        met.append(value <= at_most)
    assert (statement.judge(value, value) == "held") is all(met)
    assert statement.condition.count(",") == len(met) - 1


@given(low=FINITE, width=st.floats(0, 1e6), bound=FINITE)
def test_a_hypothesis_needs_its_whole_interval_on_one_side(low, width, bound):
    high = low + width
    above = stated(kind="hypothesis", at_least=bound).judge(low, high)
    below = stated(kind="hypothesis", at_least=None, at_most=bound).judge(low, high)
    if low > bound:
        assert (above, below) == ("held", "not held")
    elif high < bound:
        assert (above, below) == ("not held", "held")
    else:
        assert (above, below) == ("undecided", "undecided")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_finite_number_never_holds(value):
    for bounds in ({"at_least": 0.0}, {"at_least": None, "at_most": 0.0}):
        assert stated(**bounds).judge(value, value) == "not held"
    assert stated(kind="hypothesis").judge(math.nan, math.nan) == "undecided"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at_least": None}, "give a tolerance, at_least or at_most"),
        ({"at_least": None, "published": 1.0}, "give a tolerance, at_least or at_most"),
        ({"at_most": -1.0}, "that can be met"),
        ({"tolerance": 0.1}, "around a published value"),
        ({"tolerance": -0.1, "published": 1.0}, "0 or more"),
        ({"at_least": -math.inf}, "at_least=-inf must be a finite number"),
        ({"at_most": "1"}, "at_most='1' must be a finite number"),
        ({"kind": "guess"}, "kind='guess'; expected one of"),
        ({"statement": None}, r"\['statement'\] missing"),
        ({"atleast": 1.0}, r"\['atleast'\] mean nothing"),
    ],
)
def test_a_statement_that_cannot_fail_is_refused_by_name_and_file(changes, message):
    with pytest.raises(CourseError, match=message) as caught:
        stated(**changes)
    assert "claim 'a.b' in x.toml" in str(caught.value)


def test_names_in_the_text_get_their_values():
    filled = stated(statement="At d = {d} it is.", data="{kind} NSD").filled(
        {"d": 8, "kind": "real"}
    )
    assert (filled.statement, filled.data) == ("At d = 8 it is.", "real NSD")
    with pytest.raises(CourseError, match="names 'd'"):
        stated(statement="At d = {d}.").filled({"kind": "real"})


def test_files_are_read_and_what_stands_twice_is_refused(tmp_path):
    text = '["a.b"]\nkind = "identity"\nstatement = "It is so: ä."\nat_most = 1\n'
    (tmp_path / "01_one.toml").write_text(text, encoding="utf-8")
    (tmp_path / "._01_one.toml").write_bytes(b"\x00\x05\x16\x07")  # macOS puts these there
    found = read_statements(tmp_path)
    assert found["a.b"].statement == "It is so: ä."
    assert found["a.b"].at_most == 1.0
    (tmp_path / "02_two.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=r"'a\.b' stands twice, the second in 02_two\.toml"):
        read_statements(tmp_path)
    (tmp_path / "02_two.toml").write_text("kind =", encoding="utf-8")
    with pytest.raises(CourseError, match=r"02_two\.toml is no TOML"):
        read_statements(tmp_path)


def test_every_file_of_statements_belongs_to_a_chapter():
    chapters = {notebook.name for notebook in list_notebooks()}
    assert {file.stem for file in claims.FOLDER.glob("[!.]*.toml")} <= chapters


def test_every_hypothesis_has_a_bound_that_would_matter():
    """A bare sign, "at least 0", is held by any noise whose interval is narrow enough."""
    weak = [
        s.identifier
        for s in read_statements(claims.FOLDER).values()
        if s.kind == "hypothesis" and s.allowed in ((0.0, math.inf), (-math.inf, 0.0))
    ]
    assert weak == []
