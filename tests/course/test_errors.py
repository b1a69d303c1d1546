"""Sentences for learners: no traceback, and the nearest name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers.course.errors import CourseError, ParameterError, RunError, nearest


def test_errors_are_what_a_caller_would_catch():
    assert issubclass(ParameterError, ValueError)
    assert issubclass(RunError, RuntimeError)
    assert issubclass(ParameterError, CourseError)
    assert issubclass(RunError, CourseError)


def test_a_notebook_shows_the_sentence_alone():
    assert RunError("do this")._render_traceback_() == ["RunError: do this"]


def test_the_nearest_names():
    known = ["n_stimuli", "n_seeds", "seed"]
    assert nearest("n_stimuly", known) == "did you mean 'n_stimuli'?"
    assert nearest("n_seed", known) == "did you mean 'n_seeds' or 'seed'?"
    assert nearest("zzz", known) == "known: n_seeds, n_stimuli, seed"


@given(st.text(), st.lists(st.text(min_size=1), min_size=1))
def test_it_never_suggests_what_does_not_exist(name, known):
    clause = nearest(name, known)
    if clause.startswith("known: "):
        assert clause == "known: " + ", ".join(sorted(known))
    else:
        suggestions = clause.removeprefix("did you mean ").removesuffix("?")
        pairs = {f"{a!r} or {b!r}" for a in known for b in known}
        assert suggestions in pairs | {repr(k) for k in known}
