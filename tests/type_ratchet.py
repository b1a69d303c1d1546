"""Compare the number of type errors with the recorded one, which may only fall.

Run by ``make lint``. The number stands in ``pyproject.toml``, as ``type-errors`` under
``[tool.sdc]``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def judge(found: int, recorded: int) -> str:
    """Say what is wrong with a number of errors, nothing where it is the recorded one."""
    if found > recorded:
        return f"{found} type errors, {found - recorded} more than the {recorded} recorded."
    if found < recorded:
        return f"{found} type errors, fewer than recorded: set type-errors = {found}."
    return ""


def main() -> int:
    """Run mypy over the package, print what is new, return 1 unless the number is as recorded."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    recorded = tomllib.loads(text)["tool"]["sdc"]["type-errors"]
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--no-color-output"]
    # On a busy machine mypy's workers may not start within the 3 s that it gives them: then alone.
    for workers in ("2", "0"):
        done = subprocess.run(
            [*command, "--num-workers", workers],
            cwd=ROOT, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        if done.returncode in (0, 1) and not done.stderr:
            break
    else:  # no mypy at all is no success either
        print(done.stdout + done.stderr)
        return 1
    errors = [line for line in done.stdout.splitlines() if re.search(r": error: ", line)]
    verdict = judge(len(errors), recorded)
    if verdict:
        print("\n".join([*errors, verdict]))
    return int(bool(verdict))


if __name__ == "__main__":
    sys.exit(main())
