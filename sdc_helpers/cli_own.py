"""``sdc data check`` and ``sdc data export-own``: data that users bring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdc_helpers._files import check_unused
from sdc_helpers._paths import absolute
from sdc_helpers.course.errors import RefusedError

EXPORTS = ("simulated", "v4", "studyforrest")


def check_own_command(
    folder: Annotated[Path, typer.Argument(help="The folder that holds study.toml.")],
) -> None:
    """Say in one page what is in a folder of your own, what is missing, and how to mend it.

    Ends with 1 where there are problems.
    """
    from sdc_helpers.studies.own_check import check_own_data

    check = check_own_data(absolute(folder))
    typer.echo(check.to_text())
    raise typer.Exit(1 if check.problems else 0)


def export_own_command(
    folder: Annotated[Path, typer.Argument(help="Folder to write: not there yet, or empty.")],
    source: Annotated[str, typer.Option(help="simulated, v4 or studyforrest.")] = "simulated",
    profile: Annotated[str, typer.Option(help="Size of the simulation.")] = "smoke",
    seed: Annotated[int, typer.Option(help="Of the simulation.", min=0)] = 0,
) -> None:
    """Write a study in the form that chapter 18 reads, as an example to compare with."""
    from sdc_helpers.simulate import PROFILES
    from sdc_helpers.studies import own_export

    if source not in EXPORTS:
        raise RefusedError(f"there is no source {source!r}; use one of {', '.join(EXPORTS)}")
    if profile not in PROFILES:
        raise RefusedError(f"there is no profile {profile!r}; use one of {', '.join(PROFILES)}")
    target = absolute(folder)
    try:
        check_unused(target)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    if source == "simulated":
        written = own_export.export_simulated(target, profile, seed)
    elif source == "v4":
        written = own_export.export_v4(target)
    else:
        written = own_export.export_studyforrest(target)
    typer.echo(f"wrote {written}; look at {written / 'study.toml'}, then: sdc data check {written}")
