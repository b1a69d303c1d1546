"""``sdc bundle``: the stick for a workshop without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sdc_helpers.course.bundle import DataFolder, Plan

ALL_PYTHONS = "3.11,3.12,3.13"


def bundle_command(
    out: Annotated[Path, typer.Option(help="The stick, or a folder on it.")],
    systems: Annotated[
        str, typer.Option("--for", help="Of windows, macos, linux and linux-arm64.")
    ] = "windows,macos,linux",
    pythons: Annotated[str, typer.Option("--python", help="Python versions.")] = ALL_PYTHONS,
    plan_only: Annotated[bool, typer.Option("--plan", help="Say how large, and stop.")] = False,
) -> None:
    """Write a stick for laptops without a network; the same command goes on after a stop."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from sdc_helpers.course.bundle import plan_bundle, require_space, write_bundle

    typer.echo("asking the package index what there is")
    plan = plan_bundle(out.expanduser(), _words(systems), _words(pythons))
    _print_plan(plan)
    data = list(_data())
    for dataset in data:
        if dataset.reason:
            typer.echo(f"not on the stick: {dataset.name} ({dataset.reason})")
    missing = require_space(plan, data)
    typer.echo(f"still to be written: {missing / 1e9:.2f} GB of packages and data")
    if plan_only:
        return
    columns = ("downloading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=sum(wheel.n_bytes for wheel in plan.missing.values()))
        page = write_bundle(plan, data, lambda n_bytes: bar.advance(task, n_bytes))
    typer.echo(f"The stick is complete; it opens at {page}")


def _print_plan(plan: Plan) -> None:
    for system, wheels in plan.wheels.items():
        size = sum(wheel.n_bytes for wheel in wheels.values()) / 1e9
        typer.echo(f"{system}: {len(wheels)} wheels, {size:.2f} GB")
    total = sum(wheel.n_bytes for wheel in plan.files.values()) / 1e9
    typer.echo(f"together: {len(plan.files)} wheels, {total:.2f} GB (some serve several systems)")


def _data() -> Iterator[DataFolder]:
    """Yield every registered dataset, fetched and verified where its licence allows a copy."""
    from sdc_helpers.course.bundle import DataFolder
    from sdc_helpers.datasets import registry
    from sdc_helpers.datasets.errors import DataUnavailableError

    for info in registry.list_datasets():
        folder, reason = None, "its licence does not allow copies, or does not say so"
        if info.may_be_copied:
            try:
                folder, reason = registry.fetch(info.name), ""
            except DataUnavailableError as error:
                reason = str(error)
        files = tuple(file.path for file in info.files) if folder else ()
        yield DataFolder(info.name, info.licence, info.citation, folder, files, reason)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
