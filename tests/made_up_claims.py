"""Claims for tests that read the records of runs."""

from __future__ import annotations

from typing import Any


def claim(identifier: str, value: float, **changed: Any) -> dict[str, Any]:
    """A claim as a run's record holds it; it holds where its interval lies above 0.5."""
    return {
        "identifier": identifier,
        "kind": "hypothesis",
        "statement": "It is large.",
        "data": "simulated numbers",
        "unit": "",
        "condition": "> 0.5",
        "at_least": 0.5,
        "at_most": None,
        "published": None,
        "tolerance": None,
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "state": "held" if value - 0.1 > 0.5 else "undecided",
        "held": value - 0.1 > 0.5,
        **changed,
    }
