"""One page on a user's folder: what is there, what is missing, each problem and its remedy."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from sdc_helpers.studies.own_contract import FILE
from sdc_helpers.studies.own_data import read_own_data
from sdc_helpers.studies.own_files import Problem
from sdc_helpers.studies.own_study import open_own_study

_WIDTH = 100


@dataclass(frozen=True)
class OwnCheck:
    """What `check_own_data` found.

    Attributes
    ----------
    folder : pathlib.Path
        The folder.
    parts : tuple of (str, str)
        What is there and what is not: a name and a sentence.
    problems : tuple of Problem
        Everything that is wrong; empty if the study can be run.
    """

    folder: Path
    parts: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]

    def to_text(self) -> str:
        """Write the page as plain text."""
        width = max((len(name) for name, _ in self.parts), default=0)
        lines = [str(self.folder), ""]
        lines += [
            textwrap.fill(f"  {name:<{width}}  {said}", _WIDTH, subsequent_indent=" " * (width + 4))
            for name, said in self.parts
        ]
        for number, problem in enumerate(self.problems, 1):
            lines += ["", f"Problem {number}: {problem.file}"]
            for word, said in (("found", problem.found), ("remedy", problem.remedy)):
                lines.append(
                    textwrap.fill(f"  {word:<6}  {said}.", _WIDTH, subsequent_indent=" " * 10)
                )
        n = len(self.problems)
        plural = "s" if n > 1 else ""
        end = f"{n} problem{plural}; nothing is run until none is left."
        if not n:
            end = f"Everything fits. Next: sdc run 18 -p folder={self.folder}"
        return "\n".join([*lines, "", end])


def check_own_data(folder: str | Path, seed: int = 0) -> OwnCheck:
    """Read a folder, and say in one go what is there and all that is wrong.

    Parameters
    ----------
    folder : path
        Folder with ``study.toml``.
    seed : int
        Of the split that is tried.

    Returns
    -------
    OwnCheck
        With the permutations that the tests will use and the sections that will be skipped, each
        with its reason.
    """
    reading = read_own_data(folder)
    parts, problems = list(reading.parts), list(reading.problems)
    if reading.data is not None:
        try:
            study = open_own_study(folder, seed=seed)
        except ValueError as error:
            said = str(error)
            found, _, remedy = said.partition(". ")
            problems.append(Problem(FILE, found.rstrip("."), remedy.rstrip(".") or "See above"))
        else:
            whys = list(dict.fromkeys(exchange.why for exchange in study.exchanges.values()))
            parts += [("shuffled", why) for why in whys]
            parts += [(f"no {what}", why) for what, why in study.skipped.items()]
    return OwnCheck(Path(folder), tuple(parts), tuple(problems))
