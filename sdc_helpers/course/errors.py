"""Errors that a learner reads: one sentence, no traceback inside a notebook."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CourseError(Exception):
    """What went wrong and what to do about it, in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook (IPython calls this)."""
        return [f"{type(self).__name__}: {self}"]


class RefusedError(CourseError):
    """What was asked for is not there or cannot be used, and nothing was started.

    The command line ends with 2 then, and with 1 where something was started and failed: who
    started it knows whether another try is of use.
    """


class ParameterError(RefusedError, ValueError):
    """A notebook was given a parameter that it does not have, or a value it cannot use."""


class RunError(CourseError, RuntimeError):
    """A notebook could not be found, started or finished."""


class RefusedRunError(RefusedError, RunError):
    """There is no such notebook, or its run may not go where it was asked to."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a clause naming the known names nearest to a misspelt one.

    Parameters
    ----------
    name : str
        Name that was asked for.
    known : iterable of str
        Names that exist.

    Returns
    -------
    str
        ``"did you mean 'a' or 'b'?"``, or ``"known: a, b, c"`` when nothing is near.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    return "known: " + ", ".join(known)
