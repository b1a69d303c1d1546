"""``sdc sweep`` and ``sdc collect``: many runs of one notebook, and one table of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from sdc_helpers.sweeps import Grid, SweepPlan


_SHOWN = 10  # points whose errors are printed


class _StartIsMeant(TyperGroup):
    """Takes ``sdc sweep 10`` and ``sdc sweep my.yaml`` for ``sdc sweep start ...``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["start", *args]
        return super().resolve_command(ctx, args)


sweep_app = typer.Typer(
    cls=_StartIsMeant, no_args_is_help=True, help="Many runs of one notebook: a grid of values."
)

What = Annotated[str, typer.Argument(help="A grid (FILE.yaml), or a notebook with -p.")]
Values = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", help="name=values, as in seed=0..9 or n_bins=8,16."),
]
Profile = Annotated[
    str | None, typer.Option(help="smoke, workshop or full; of a notebook with -p.")
]
Out = Annotated[Path | None, typer.Option(help="Its folder; build/sweeps/NAME by default.")]
Slots = Annotated[int | None, typer.Option(help="Runs at a time; all cores by default.", min=1)]


@sweep_app.command("start")
def start_command(
    what: What,
    parameter: Values = None,
    profile: Profile = None,
    out: Out = None,
    slots: Slots = None,
    on: Annotated[
        str, typer.Option(help="local, slurm, kubernetes, or a folder with a config.yaml.")
    ] = "local",
    again: Annotated[
        bool, typer.Option("--again", help="Also anew: runs that other code has made.")
    ] = False,
) -> None:
    """Run every point that is missing, then make the table. The word 'start' may be left out."""
    from sdc_helpers.course.errors import CourseError
    from sdc_helpers.sweeps import engine, plan, table

    grid, planned, folder = _plan(what, parameter, profile, out)
    settings = engine.engine_profile(on)
    folder.mkdir(parents=True, exist_ok=True)
    plan.write_plan(planned, folder, engine.sdc_command())
    _write_grid(grid, planned, folder)
    _print_costs(planned, folder, slots)
    if again:
        table.remove_other_code(plan.load_plan(folder), folder)
    code = engine.run_engine(folder, settings, slots)
    counts = _collect(folder)
    lacking = sum(n for state, n in counts.items() if state in (table.FAILED, table.NOT_RUN))
    if lacking:
        raise CourseError(
            f"{lacking} of {len(planned.points)} points have no result; the table says why, and "
            "the same command runs these again"
        )
    if code:
        raise CourseError(f"Snakemake ended with {code}, though every point has its run")


@sweep_app.command("check")
def check_command(
    what: What,
    parameter: Values = None,
    profile: Profile = None,
    out: Out = None,
    slots: Slots = None,
) -> None:
    """Check every point and say what the sweep takes: jobs, hours, gigabytes. Starts nothing."""
    _, planned, folder = _plan(what, parameter, profile, out)
    _print_costs(planned, folder, slots)


def collect_command(
    folder: Annotated[Path, typer.Argument(help="The folder of a sweep.")],
) -> None:
    """Write table.csv, table.parquet and a page of a sweep: a row for every point and claim."""
    _collect(folder)


def _plan(
    what: str, parameter: list[str] | None, profile: str | None, out: Path | None
) -> tuple[Grid, SweepPlan, Path]:
    """Read and check a grid; return it, its plan and the folder where it belongs."""
    from sdc_helpers._paths import absolute
    from sdc_helpers.course.catalogue import course_folder
    from sdc_helpers.course.errors import ParameterError
    from sdc_helpers.course.parameters import assignments
    from sdc_helpers.sweeps import grid_from_words, plan, plan_sweep, read_grid

    if what.endswith((".yaml", ".yml")):
        if parameter or profile:
            raise ParameterError(f"{what} says what is swept; write values and profile there")
        grid = read_grid(absolute(what))
        name = Path(what).stem
    else:
        grid = grid_from_words(what, profile or "workshop", assignments(parameter or []))
        name = ""
    planned = plan_sweep(grid)
    name = name or f"{planned.notebook.name}-{planned.profile}"
    folder = absolute(out or course_folder() / "build" / "sweeps" / name)
    plan.require_the_same_sweep(planned, folder)
    return grid, planned, folder


def _write_grid(grid: Grid, planned: SweepPlan, folder: Path) -> None:
    """Keep what was swept beside the runs, as a file that can be started again."""
    from dataclasses import replace

    from sdc_helpers.sweeps import write_grid

    values = {name: tuple(found) for name, found in planned.swept.items()}
    write_grid(replace(grid, values=values), folder / "grid.yaml")
    typer.echo(f"the grid is in {folder / 'grid.yaml'}")


def _print_costs(planned: SweepPlan, folder: Path, slots: int | None) -> None:
    """Say how many runs there are, how many are missing, and what these take."""
    from sdc_helpers.course.provenance import usable_cores
    from sdc_helpers.sweeps import table
    from sdc_helpers.sweeps.plan import START_SECONDS

    states = table.states(planned.to_dict([]), folder)
    made = [n for n, state in states.items() if state in (table.COMPLETE, table.OTHER_CODE)]
    old = sum(state == table.OTHER_CODE for state in states.values())
    n_left, at_once = len(states) - len(made), slots or usable_cores()
    told = "; ".join(f"{len(v)} of {name}" for name, v in planned.swept.items())
    typer.echo(f"{len(states)} points of {planned.notebook.name}, {planned.profile}: {told}")
    typer.echo(f"{len(made)} are there, {old} of these by other code; {n_left} to run")
    each = planned.seconds + START_SECONDS
    when = f"measured {planned.measured}" if planned.measured else "not measured: an estimate"
    typer.echo(
        f"{n_left * each / 3600:.2f} hours of one core ({each:.0f} s each, {when}, with the "
        f"notebook's own parameters); {math.ceil(n_left / at_once) * each / 60:.1f} minutes for "
        f"{at_once} at a time, if none takes longer than the others"
    )
    gigabytes = planned.to_dict([])["mem_mb"] / 1000
    line = (
        f"{gigabytes:.1f} GB of memory a run, {gigabytes * at_once:.1f} GB for {at_once} at a time"
    )
    if made:
        each_mb = table.megabytes(folder, made[:10])
        line += f"; {each_mb:.1f} MB of disk a run, {each_mb * len(states) / 1000:.2f} GB in all"
    typer.echo(line)
    for command in planned.commands:
        typer.echo(f"first: sdc {command}")


def _collect(folder: Path) -> dict[str, int]:
    """Write table and page; return how many points are in each state."""
    from sdc_helpers._paths import absolute
    from sdc_helpers.sweeps import collect
    from sdc_helpers.sweeps.page import write_page
    from sdc_helpers.sweeps.table import FAILED, NOT_RUN, count_states, write_parquet, write_table

    folder = absolute(folder)
    table = collect(folder)
    counts = count_states(table)
    files = [write(table, folder) for write in (write_table, write_parquet, write_page)]
    typer.echo(
        f"{len(table)} rows of {sum(counts.values())} points: "
        + ", ".join(f"{n} {state}" for state, n in counts.items())
    )
    typer.echo("wrote " + ", ".join(str(file) for file in files))
    failed = table[table["state"].isin([FAILED, NOT_RUN]) & table["error"].notna()]
    for _, row in failed.head(_SHOWN).iterrows():
        typer.echo(f"{row['point']}: {row['error']}", err=True)
    return counts
