"""The command ``sdc``: run notebooks, check the machine, fetch data, build notebooks and book."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from sdc_helpers._paths import absolute, absolute_paths
from sdc_helpers.cli_bundle import bundle_command
from sdc_helpers.cli_experiments import EXPERIMENTS
from sdc_helpers.cli_own import check_own_command, export_own_command
from sdc_helpers.cli_sweep import collect_command, sweep_app
from sdc_helpers.course.errors import CourseError, RefusedError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
data_app = typer.Typer(no_args_is_help=True, help="Data: list, fetch, verify; check your own.")
notebooks_app = typer.Typer(no_args_is_help=True, help="For authors: from sources to notebooks.")
book_app = typer.Typer(no_args_is_help=True, help="The book.")
app.add_typer(data_app, name="data")
app.add_typer(notebooks_app, name="notebooks")
app.add_typer(book_app, name="book")
app.add_typer(sweep_app, name="sweep")
app.command("collect")(collect_command)
app.command("bundle")(bundle_command)
data_app.command("check")(check_own_command)
data_app.command("export-own")(export_own_command)
for name, experiment in EXPERIMENTS.items():
    app.add_typer(experiment, name=name)

Profile = Annotated[str, typer.Option(help="smoke, workshop or full.")]
Runs = Annotated[Path | None, typer.Option(help="Folder of the runs; build/runs by default.")]


def main() -> None:
    """Run the command line; an error that a user can mend is one sentence, not a traceback."""
    from sdc_helpers.datasets.errors import DataFormatError, DataUnavailableError
    from sdc_helpers.embeddings import WeightsError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what the terminal cannot show stops nothing
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except RefusedError as error:  # nothing was started: another try is of no use
        _fail(str(error), 2)
    except (CourseError, DataFormatError, DataUnavailableError, WeightsError) as error:
        _fail(str(error))
    except BrokenPipeError:  # whoever read the output has seen enough, as with "| head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(_what_the_system_says(error))
    except Exception as error:
        if isinstance(error, ValueError) and isinstance(error.__cause__, OSError):
            _fail(str(error))  # of a folder: the package has said which, and what to do
        if type(error).__name__ != "SafetensorError":  # its writer has no class for a full disk
            raise
        _fail(f"{error}; free some space, or choose another folder")


def _fail(sentence: str, code: int = 1) -> None:
    typer.secho(f"sdc: {sentence}", err=True, fg="red")
    sys.exit(code)


def _what_the_system_says(error: OSError) -> str:
    """Return one sentence: which file, what is wrong with it, and what to do."""
    where = " and ".join(str(n) for n in (error.filename, error.filename2) if n is not None)
    what = " ".join((error.strerror or str(error) or type(error).__name__).split())
    remedy = "choose another folder with --out, or SDC_DATA for data"
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in what:
        remedy = f"free some space, or {remedy}"
    return f"{where}: {what}; {remedy}" if where else f"{what}; {remedy}"


@app.command("run")
def run_command(
    names: Annotated[list[str], typer.Argument(help="Notebooks (09, 13_cka_pitfalls) or 'all'.")],
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="name=value; may be repeated.")
    ] = None,
    profile: Profile = "workshop",
    out: Runs = None,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds for each notebook, without waiting for busy processors."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Run also what would be made the same way again.")
    ] = False,
    backwards: Annotated[
        bool, typer.Option("--backwards", help="The last first: beside another run, the two meet.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what is made also of one notebook named alone.")
    ] = False,
    cold: Annotated[
        bool, typer.Option("--cold", help="Of several: import the libraries anew for each kernel.")
    ] = False,
) -> None:
    """Run notebooks in fresh kernels; write NAME.ipynb and NAME.run.json.

    One that fails stops no other. Of several, a notebook is not run where its complete run is
    there, made by the same code, parameters and profile. One named alone is always run.
    """
    from sdc_helpers.course.batch import run_batch
    from sdc_helpers.course.catalogue import number_before
    from sdc_helpers.course.parameters import assignments

    for before in filter(None, map(number_before, names)):
        typer.echo(f"note: {before}")
    batch = run_batch(
        names,
        assignments(parameter or []),
        profile=profile,
        out=out,
        time_limit=time_limit,
        again=again,
        backwards=backwards,
        keep=keep,
        cold=cold,
        say=typer.echo,
        progress=_progress,
    )
    if batch.records:
        _print_records(batch.records)
    if batch.failures:
        failed = ", ".join(batch.failures)
        raise CourseError(f"failed: {failed}. The same command runs again only what is missing")


@app.command("list")
def list_command() -> None:
    """List the notebooks with title, minutes and parameters."""
    from rich.table import Table

    from sdc_helpers.course.catalogue import list_notebooks

    for notebook in list_notebooks():
        minutes = [
            f"{profile} {timing['seconds'] / 60:.1f} min"
            for profile, timing in notebook.timings.items()
        ]
        title = f"{notebook.name}: {notebook.title} ({', '.join(minutes) or 'not yet timed'})"
        table = Table("parameter", "default", "what it is", "takes", title=title)
        for p in notebook.schema.parameters:
            table.add_row(p.name, repr(p.default), p.description, p.allowed)
        _console().print(table)


@app.command("check")
def check_command(profile: Profile = "workshop") -> None:
    """Say whether this machine is ready, and what to do where it is not."""
    from rich.table import Table

    from sdc_helpers._paths import cache_root
    from sdc_helpers.course import preflight

    checks = preflight.run_checks(profile, data_folder=cache_root(), data=_data_lines)
    table = Table("", "what", "found", "what to do")
    for check in checks:
        table.add_row(check.state, check.name, check.detail, check.remedy)
    _console().print(table)
    ready = preflight.is_ready(checks)
    typer.echo("ready" if ready else "not ready: see the lines marked 'fail'")
    raise typer.Exit(0 if ready else 1)


def _data_lines() -> Iterator[tuple[str, bool, str]]:
    from sdc_helpers.datasets import registry

    for info in registry.list_datasets():
        yield info.name, registry.is_present(info.name), f"sdc data fetch {info.name}"


@data_app.command("list")
def data_list() -> None:
    """List the datasets with size, licence and what they are."""
    from rich.table import Table

    from sdc_helpers.datasets import registry

    table = Table("dataset", "here", "MB", "licence", "what it is", "cite")
    table.columns[-1].overflow = "fold"  # never half an address
    for info in registry.list_datasets():
        here = "yes" if registry.is_present(info.name) else "no"
        size = f"{info.n_bytes / 1e6:.1f}"
        table.add_row(info.name, here, size, info.licence, info.description, info.citation)
    _console().print(table)


@data_app.command("fetch")
def data_fetch(
    names: Annotated[list[str], typer.Argument(help="Datasets, or 'all'.")],
) -> None:
    """Fetch datasets (from SDC_DATA_MIRROR where that is set) and verify every file."""
    from sdc_helpers.datasets import registry

    for name in _datasets(None if "all" in names else names):
        typer.echo(f"{name}: {registry.fetch(name, progress=True)}")


@data_app.command("verify")
def data_verify(
    name: Annotated[
        str | None, typer.Argument(help="One dataset; all that are here without.")
    ] = None,
) -> None:
    """Compare every file here with its checksum."""
    from sdc_helpers.datasets import registry

    wrong = 0
    for dataset in _datasets([name] if name else None):
        statuses = registry.verify(dataset)
        count = {s: sum(f.state == s for f in statuses) for s in ("ok", "missing", "corrupted")}
        typer.echo(f"{dataset}: " + ", ".join(f"{n} {state}" for state, n in count.items()))
        for status in statuses:
            if status.state == "corrupted":
                typer.echo(f"  corrupted: {status.path}; mend with 'sdc data fetch {dataset}'")
            if status.state == "unreadable":
                typer.echo(f"  unreadable: {status.detail}")
                wrong += 1
        wrong += count["corrupted"]
        wrong += count["missing"] if name else 0
    raise typer.Exit(1 if wrong else 0)


def _datasets(names: list[str] | None) -> list[str]:
    """Return the names, all of them known; every dataset's without."""
    from sdc_helpers.datasets import registry

    if names is None:
        return [info.name for info in registry.list_datasets()]
    for name in names:
        try:
            registry.dataset_info(name)
        except ValueError as error:
            raise RefusedError(str(error)) from None
    return names


@data_app.command("simulate")
def data_simulate(
    profile: Profile = "workshop",
    seed: Annotated[int, typer.Option(help="Of the generator.", min=0)] = 0,
    world: Annotated[str, typer.Option(help="easy, or hard: traps that trap.")] = "easy",
) -> None:
    """Make the simulated participants now (notebooks make them when they are missing)."""
    from sdc_helpers.simulate import PROFILES, WORLDS, simulated_nsd

    if profile not in PROFILES:
        raise RefusedError(f"there is no profile {profile!r}; use one of {', '.join(PROFILES)}")
    if world not in WORLDS:
        raise RefusedError(f"there is no world {world!r}; use one of {', '.join(WORLDS)}")
    typer.echo(f"simulated NSD: {simulated_nsd(profile, seed, progress=True, world=world)}")


@notebooks_app.command("build")
def notebooks_build() -> None:
    """Generate notebooks/*.ipynb from notebooks/source/*.py."""
    from sdc_helpers.course import authoring

    changed = authoring.build()
    typer.echo("\n".join(f"wrote {p}" for p in changed) or "every notebook is up to date")


@notebooks_app.command("check")
def notebooks_check() -> None:
    """Fail when a notebook differs from what its source generates."""
    from sdc_helpers.course import authoring

    problems = authoring.check()
    if problems:
        raise CourseError("; ".join(problems) + ". Mend with 'sdc notebooks build'")
    typer.echo("every notebook is what its source generates")


@notebooks_app.command("measure")
def notebooks_measure(
    names: Annotated[list[str] | None, typer.Argument(help="Notebooks; all by default.")] = None,
) -> None:
    """Hold notebooks against the limits of what a learner can read; fail where one is passed."""
    from sdc_helpers.course.catalogue import find_notebook, list_notebooks
    from sdc_helpers.course.standard import LIMITS, Standard

    notebooks = [find_notebook(name) for name in names] if names else list_notebooks()
    problems = []
    for standard in map(Standard, notebooks):
        measured = ", ".join(f"{v:.0f} {k} ({LIMITS[k]})" for k, v in standard.measured.items())
        typer.echo(f"{standard.notebook.name}: {measured}")
        problems += standard.problems
    if problems:
        raise CourseError("\n".join(problems))


@notebooks_app.command("time")
def notebooks_time(runs: Runs = None) -> None:
    """Store the seconds and memory of runs for the notebooks' title cells; then build."""
    from sdc_helpers.course import authoring

    typer.echo(f"wrote {authoring.update_timings(_runs(runs))}")
    notebooks_build()


@notebooks_app.command("figure")
def notebooks_figure(
    notebook: Annotated[Path, typer.Argument(help="An executed notebook.")],
    caption: Annotated[str, typer.Option(help="Words of the figure's caption.")],
    to: Annotated[Path, typer.Option(help="The PNG to write.")],
) -> None:
    """Save a figure of an executed notebook, for README.md."""
    from sdc_helpers.course import authoring

    typer.echo(f"wrote {authoring.save_figure(notebook, caption, to)}")


@book_app.command("build")
def book_command(
    runs: Runs = None,
    out: Annotated[Path | None, typer.Option(help="build/book by default.")] = None,
) -> None:
    """Build the book from executed notebooks, warnings as errors.

    A chapter that has no complete run gets a page that says so, and the command fails.
    """
    from sdc_helpers.course.book import build_book, find_chapters
    from sdc_helpers.course.catalogue import course_folder

    folder = _runs(runs)
    page = build_book(folder, absolute(out or course_folder() / "build" / "book"))
    chapters = find_chapters(folder)
    _print_records(chapters.records)
    for name in chapters.stale:
        typer.echo(f"{name}: the latest run failed; the book shows an earlier one", err=True)
    typer.echo(f"The book opens at {page}")
    if chapters.missing:
        raise CourseError(
            f"the book lacks {', '.join(chapters.missing)}: "
            + "; ".join(dict.fromkeys(chapters.missing.values()))
        )


@app.command("lab")
def lab_command() -> None:
    """Open JupyterLab in the course's notebooks; folders in SDC_DATA mean the same there."""
    from sdc_helpers.course.catalogue import course_folder

    environment = absolute_paths(os.environ)
    notebooks = str(course_folder() / "notebooks")
    command = [sys.executable, "-m", "jupyterlab", "--notebook-dir", notebooks]
    os.execve(sys.executable, command, environment)


def _runs(runs: Path | None) -> Path:
    from sdc_helpers.course.catalogue import course_folder

    return absolute(runs or course_folder() / "build" / "runs")


def _print_records(records: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("notebook", "profile", "seconds", "peak memory", "claims held / recorded")
    for r in records:
        memory = "?" if r["peak_memory_mb"] is None else f"{r['peak_memory_mb']:.0f} MB"
        claims = f"{sum(c['held'] for c in r['claims'])} / {len(r['claims'])}"
        table.add_row(r["name"], r["profile"], f"{r['seconds']:.1f}", memory, claims)
    _console().print(table)


@contextmanager
def _progress(name: str) -> Iterator[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console()) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _console() -> Any:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=120)


if __name__ == "__main__":
    main()
