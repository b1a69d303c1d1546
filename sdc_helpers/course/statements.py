"""What is claimed, as it is written down before anything is measured."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sdc_helpers.course.errors import CourseError

KINDS = ("identity", "regression", "hypothesis")
_NUMBERS = ("published", "tolerance", "at_least", "at_most")


@dataclass(frozen=True)
class Statement:
    """A claim and the condition under which it holds.

    Attributes
    ----------
    identifier : str
        Unique in the course, dots between words: ``cka.random.plateau``.
    kind : {"identity", "regression", "hypothesis"}
        An identity compares two ways to compute one thing; a regression meets a number again; a
        hypothesis says something about data, and is measured with an interval.
    statement : str
        One sentence.
    source : str
        BibTeX key and place (``murphy2024cka, Fig. 1``); empty where the course alone says it.
    data : str
        What it is measured on; begins with "simulated" or "real", unless the notebook says it.
    published : float or None
        The figure in the source. Alone it is only shown; with ``tolerance`` it is the condition.
    tolerance : float or None
        Allowed absolute difference from ``published``.
    at_least, at_most : float or None
        Bounds.
    unit : str
        Of the value, such as "points of accuracy".
    reason : str
        Why it may fail; shown only when it does.
    """

    identifier: str
    kind: str
    statement: str
    source: str = ""
    data: str = ""
    published: float | None = None
    tolerance: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    reason: str = ""

    @classmethod
    def from_fields(cls, identifier: str, given: Mapping[str, Any], where: str) -> Statement:
        """Check the fields of a statement and return it.

        Raises
        ------
        CourseError
            If a field is missing, unknown, or no condition could fail.
        """
        known = {field.name for field in fields(cls)} - {"identifier"}
        problem = f"claim {identifier!r} in {where}: "
        if unknown := set(given) - known:
            raise CourseError(f"{problem}{sorted(unknown)} mean nothing; known: {sorted(known)}")
        if missing := {"kind", "statement"} - set(given):
            raise CourseError(f"{problem}{sorted(missing)} missing")
        if given["kind"] not in KINDS:
            raise CourseError(f"{problem}kind={given['kind']!r}; expected one of {KINDS}")
        numbers = {name: _number(problem, name, given.get(name)) for name in _NUMBERS}
        made = cls(identifier, **{**given, **numbers})
        if made.tolerance is not None and (made.published is None or made.tolerance < 0):
            raise CourseError(f"{problem}a tolerance is 0 or more, around a published value")
        low, high = made.allowed
        if (low, high) == (-math.inf, math.inf) or low > high:
            raise CourseError(f"{problem}give a tolerance, at_least or at_most that can be met")
        return made

    @property
    def allowed(self) -> tuple[float, float]:
        """Smallest and largest value under which the claim holds."""
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        if self.tolerance is not None and self.published is not None:
            low = max(low, self.published - self.tolerance)
            high = min(high, self.published + self.tolerance)
        return low, high

    @property
    def condition(self) -> str:
        """What has to be true, as a short formula."""
        strict = self.kind == "hypothesis"
        parts = []
        if self.tolerance is not None:
            parts.append(f"{self.published:.4g} ± {self.tolerance:.2g}")
        if self.at_least is not None:
            parts.append(f"{'>' if strict else '≥'} {self.at_least:.4g}")
        if self.at_most is not None:
            parts.append(f"{'<' if strict else '≤'} {self.at_most:.4g}")
        return ", ".join(parts)

    def judge(self, low: float, high: float) -> str:
        """Say how a measured interval, or one number as both ends, stands to the condition.

        Returns
        -------
        {"held", "not held", "undecided"}
            Of a hypothesis the whole interval must lie inside the bounds, ends that touch them
            excluded; it fails if the whole interval lies outside. A number that is not finite
            holds nothing.
        """
        least, most = self.allowed
        if self.kind != "hypothesis":
            return "held" if math.isfinite(low) and least <= low and high <= most else "not held"
        if low > least and high < most:
            return "held"
        return "not held" if high < least or low > most else "undecided"

    def filled(self, details: Mapping[str, Any]) -> Statement:
        """Return the statement with the ``{names}`` in its texts replaced.

        Raises
        ------
        CourseError
            If a name has no value.
        """
        if not details:
            return self
        try:
            texts = {name: getattr(self, name).format(**details) for name in ("statement", "data")}
        except (KeyError, IndexError, ValueError) as error:
            raise CourseError(
                f"claim {self.identifier!r}: its text names {error}; give it to claims.record"
            ) from error
        return replace(self, **texts)


def read_statements(folder: Path) -> dict[str, Statement]:
    """Read the statements of all chapters.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``NAME.toml`` for the notebook NAME, a table for each identifier.

    Returns
    -------
    dict of str to Statement

    Raises
    ------
    CourseError
        If a file is no TOML, a statement is incomplete, or an identifier stands twice.
    """
    found: dict[str, Statement] = {}
    for file in sorted(folder.glob("[!.]*.toml")):
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise CourseError(f"{file.name} is no TOML: {error}") from error
        for identifier, given in content.items():
            if identifier in found:
                raise CourseError(f"claim {identifier!r} stands twice, the second in {file.name}")
            found[identifier] = Statement.from_fields(identifier, given, file.name)
    return found


def _number(problem: str, name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CourseError(f"{problem}{name}={value!r} must be a finite number")
    return float(value)
