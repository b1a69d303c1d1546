"""What runs leave behind, for tests that read it: nothing is run."""

from __future__ import annotations

import json
from pathlib import Path
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


def write_run(
    folder: Path,
    name: str,
    made_by: str,
    claims: list[dict[str, Any]],
    *,
    error: str = "",
    **changed: Any,
) -> None:
    """Write the record and the notebook of a run; of a failed one where there is an error."""
    stem = f"{name}.failed" if error else name
    record = {
        "run_id": f"{folder.name} {made_by}",
        "status": "failed" if error else "complete",
        "error": error or None,
        "made_by": made_by,
        "seed": 0,
        "seconds": 1.5,
        "peak_memory_mb": 100.0,
        "git_revision": "abc",
        "claims": claims,
    }
    folder.mkdir(parents=True, exist_ok=True)
    notebook = {"cells": [], "metadata": {"sdc_run_id": record["run_id"]}}
    for ending, content in ((".run.json", record | changed), (".ipynb", notebook)):
        (folder / f"{stem}{ending}").write_text(json.dumps(content), encoding="utf-8")
