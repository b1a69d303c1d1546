"""Several notebooks in a row: what is there already is kept, and what fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdc_helpers._files import one_at_a_time
from sdc_helpers.course import warm_kernels
from sdc_helpers.course.catalogue import Notebook, find_notebook, list_notebooks
from sdc_helpers.course.errors import CourseError
from sdc_helpers.course.made_by import digest
from sdc_helpers.course.outputs import is_made, require_names_of_their_own
from sdc_helpers.course.runner import check_parameters, check_time_limit, output_folder, run

Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
_SHOWN = 10
_MANY = 4  # notebooks from which on it pays to import the libraries once for all


@dataclass
class Batch:
    """What came of several runs.

    Attributes
    ----------
    records : list of dict
        Records of the complete runs, made now or kept, in order.
    failures : dict of str to Exception
        Error of each notebook that failed, by name.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)


def choose(names: Sequence[str]) -> list[Notebook]:
    """Return the notebooks that are named, each once; ``all`` names every chapter."""
    notebooks: dict[Path, Notebook] = {}
    for name in names:
        for notebook in list_notebooks() if name == "all" else [find_notebook(name)]:
            notebooks.setdefault(notebook.path, notebook)
    return list(notebooks.values())


def run_batch(
    names: Sequence[str],
    texts: Mapping[str, str],
    *,
    profile: str,
    out: Path | None,
    time_limit: float | None,
    again: bool,
    backwards: bool = False,
    keep: bool = False,
    cold: bool = False,
    say: Callable[[str], None],
    progress: Progress,
) -> Batch:
    """Run notebooks; everything about them is checked before the first kernel.

    Parameters
    ----------
    names : sequence of str
        Names, numbers, paths, or ``all``.
    texts : mapping of str to str
        Values for their parameters, as typed.
    profile, out, time_limit
        Passed to :func:`sdc_helpers.course.runner.run`, which describes them.
    again : bool
        Run also those of which ``out`` has a complete run that would be made the same way again
        (:mod:`sdc_helpers.course.made_by` has the rule). A notebook named alone is always run.
    backwards : bool
        Begin with the last. Beside another command with the same folder, the two then meet: what
        the other is running is waited for, and kept.
    keep : bool
        Treat a notebook that is named alone as one of several: kept where it is made, waited for
        where another command is running it. For whoever starts many commands, one a notebook.
    cold : bool
        Start each kernel anew, as that of a notebook that is run alone, also where several can be
        forks of one process (:mod:`sdc_helpers.course.warm_kernels`): to measure their seconds.
    say : callable
        Gets one line for each notebook.
    progress : callable
        Gives a context for a notebook's name, and in it what is told of its cells.

    Returns
    -------
    Batch

    Raises
    ------
    CourseError
        When something cannot be run as asked for, or the only notebook fails.
    """
    notebooks, folder = choose(names), output_folder(out)
    values = {n.path: n.schema.from_text(texts) for n in notebooks}
    check_time_limit(time_limit)
    complete = {n.path: check_parameters(n, values[n.path], profile) for n in notebooks}
    require_names_of_their_own(notebooks, folder)
    batch, alone = Batch(), len(notebooks) == 1
    always = alone and not keep
    with warm_kernels.several() if len(notebooks) >= _MANY and not cold else nullcontext():
        for notebook in reversed(notebooks) if backwards else notebooks:
            made_by = digest(notebook, complete[notebook.path])
            try:
                with nullcontext() if always else _running(folder, notebook.name):
                    kept = None if again or always else is_made(folder, notebook.name, made_by)
                    if kept is not None:
                        where = f"{folder / notebook.name}.ipynb"
                        say(f"kept {where}: made as it would be now (--again: anew)")
                        batch.records.append(kept)
                        continue
                    with progress(notebook.name) as on_cell:
                        result = run(
                            notebook.path,
                            values[notebook.path],
                            profile=profile,
                            out=folder,
                            time_limit=time_limit,
                            on_cell=on_cell,
                        )
            except (CourseError, OSError) as error:
                if alone:
                    raise
                say(f"{notebook.name}: {error}")
                batch.failures[notebook.name] = error
            else:
                say(f"wrote {result.notebook}{_and_files(result.record['files'])}")
                batch.records.append(result.record)
    return batch


def _running(folder: Path, name: str) -> AbstractContextManager[None]:
    """Wait for another batch that runs a notebook into the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return one_at_a_time(folder / f".{name}.running")


def _and_files(files: Sequence[str]) -> str:
    if not files:
        return ""
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f"; while it ran, new or changed in {Path.cwd()}: {', '.join(files[:_SHOWN])}{more}"
