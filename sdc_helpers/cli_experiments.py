"""Commands of ``sdc`` that make what the course ships: weights, grids, tables. Minutes to hours.

Each can be stopped and started again, or writes what it has after each part. torchrun divides the
training of the small CLIP, of the fine-tuning and of the curriculum among processes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdc_helpers.course.errors import CourseError, RefusedError
from sdc_helpers.training.processes import ProcessLostError, alone, started_together, together

if TYPE_CHECKING:
    from sdc_helpers.studies.settings_study import Outcome, Variation
    from sdc_helpers.training.processes import World


def _by_one_process() -> None:
    """Refuse to be started several times at once by torchrun: all would write the same file."""
    if started_together():
        raise RefusedError(
            "torchrun divides sdc clip train, gap finetune and curriculum grid; not this command."
        )


_Undivided = partial(typer.Typer, no_args_is_help=True, callback=_by_one_process)
clip_app = typer.Typer(no_args_is_help=True, help="The course's own small CLIP.")
concepts_app = _Undivided(help="Shared concepts: what finding them needs.")
curriculum_app = typer.Typer(no_args_is_help=True, help="The complete grid of chapter 07.")
gap_app = typer.Typer(no_args_is_help=True, help="The contrastive gap: what is recorded of it.")
nulls_app = _Undivided(help="Null distributions: how often tests err.")
partition_app = _Undivided(help="Learned bins against other searches.")
EXPERIMENTS = {
    "clip": clip_app,
    "concepts": concepts_app,
    "curriculum": curriculum_app,
    "gap": gap_app,
    "nulls": nulls_app,
    "partition": partition_app,
}


def _known_device(name: str) -> str:
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise typer.BadParameter(f"{name!r}: expected cpu, cuda or mps.")
    return name


def _known_profile(name: str) -> str:
    from sdc_helpers.course.notebook import PROFILES

    return _words(name, PROFILES, "--profile")[0]


@contextmanager
def _processes(device: str) -> Iterator[World]:
    """Join the processes of torchrun, if it started several; one that died costs a sentence."""
    try:
        with together(device) as here:
            yield here
    except ProcessLostError as error:
        raise CourseError(str(error)) from error


Device = Annotated[str, typer.Option(help="cpu, cuda or mps.", callback=_known_device)]
Size = Annotated[str, typer.Option(help="Size of the simulation.", callback=_known_profile)]


@clip_app.command("train")
def clip_train(
    out: Annotated[Path, typer.Option(help="Where weights, tokenizer and metrics go.")],
    recipe: Annotated[
        str,
        typer.Option(help="course-fine (an hour), course-small (13 minutes) or quick (ten)."),
    ] = "course-fine",
    seed: Annotated[int, typer.Option(help="Of initial values and batches.", min=0)] = 0,
    device: Device = "cpu",
) -> None:
    """Train the small CLIP from scratch on the scenes; run again, it goes on where it stopped."""
    from sdc_helpers.course.provenance import processor_name, usable_cores
    from sdc_helpers.studies.clip_training import RECIPES, train_small_clip

    if recipe not in RECIPES:
        raise typer.BadParameter(f"{recipe!r}: expected one of {', '.join(RECIPES)}.")
    machine = f"{processor_name()}, {usable_cores()} cores"
    chosen = replace(RECIPES[recipe], seed=seed)
    with _processes(device):
        record = train_small_clip(out, chosen, device=device, hardware=machine)
        _print_metrics(record["metrics"])
        typer.echo(f"{record['minutes']} minutes; weights, tokenizer and metrics are in {out}")


@clip_app.command("measure")
def clip_measure(
    name: Annotated[
        str | None,
        typer.Argument(help="course-fine (the default), course-small or one of open_clip's."),
    ] = None,
    weights: Annotated[str, typer.Option(help="course, random, a published tag or a path.")] = (
        "course"
    ),
    series: Annotated[int, typer.Option(help="Series of held-out scenes.", min=1)] = 1,
) -> None:
    """Measure a CLIP on scenes it was not trained on: minutes a series."""
    from sdc_helpers.embeddings.clip import COURSE_MODEL, load_clip
    from sdc_helpers.studies.scene_metrics import measure_series

    for measured in measure_series(load_clip(name or COURSE_MODEL, weights), series):
        _print_metrics(measured.to_dict())


@concepts_app.command("settings")
def concepts_settings(
    out: Annotated[Path, typer.Option(help="JSON file for the outcomes.")],
    seeds: Annotated[str, typer.Option(help="Of the simulated participants.")] = "3,4,5",
    profile: Size = "workshop",
    worlds: Annotated[str, typer.Option(help="Which worlds.")] = "easy,hard",
    only: Annotated[str, typer.Option(help="Settings, by name; all if empty.")] = "",
    clip: Annotated[
        str | None, typer.Option(help="course-fine (the default) or course-small.")
    ] = None,
    parts: Annotated[
        list[Path] | None, typer.Option(help="Files whose rows are taken over.")
    ] = None,
    device: Device = "cpu",
) -> None:
    """Find shared concepts in simulated participants; run again, it goes on where it stopped."""
    from sdc_helpers.studies.settings_study import BY_WORLD, load_outcomes, save_outcomes

    numbers, made = _numbers(seeds), _provenance()
    chosen = _words(worlds, BY_WORLD, "--worlds")
    _words(only, {v.name for world in chosen for v in BY_WORLD[world]}, "--only")
    kept: dict[tuple[str, int, str], Outcome] = {}
    for file in [*(parts or ()), *([out] if out.is_file() else ())]:
        kept |= {(o.world, o.seed, o.name): o for o in load_outcomes(file)}
    wanted = [
        (world, seed, variation.name)
        for world in chosen
        for seed in numbers
        for variation in BY_WORLD[world]
        if only in ("", variation.name)
    ]

    def keep(outcome: Outcome) -> None:
        kept[outcome.world, outcome.seed, outcome.name] = outcome
        save_outcomes([kept[key] for key in wanted if key in kept], out, made)
        typer.echo(
            f"{outcome.world} seed {outcome.seed}  {outcome.name:20} eps {outcome.eps:.2f}  "
            f"reproduced {outcome.n_reproduced:2}  recovered {outcome.n_recovered:2} of "
            f"{outcome.n_planted}  adjusted Rand {outcome.adjusted_rand:.2f}"
        )

    for world in chosen:
        for seed in numbers:
            left = [v for v in BY_WORLD[world] if (world, seed, v.name) in {*wanted} - {*kept}]
            if left:
                _run_settings(world, seed, profile, left, device, clip, keep)
    save_outcomes([kept[key] for key in wanted if key in kept], out, made)
    typer.echo(f"wrote {out}")


def _run_settings(
    world: str,
    seed: int,
    profile: str,
    variations: list[Variation],
    device: str,
    clip: str | None,
    keep: Callable[[Outcome], None],
) -> None:
    from sdc_helpers.embeddings.clip import COURSE_MODEL, load_clip
    from sdc_helpers.studies.participants import embed_stimuli
    from sdc_helpers.studies.settings_study import run_variations
    from sdc_helpers.studies.source import open_study

    study = open_study(profile=profile, seed=seed, world=world)
    assert study.truth is not None  # simulated
    network = load_clip(clip or COURSE_MODEL, device=device)
    embeddings = embed_stimuli(study.reader, network, study.image_ids)
    run_variations(
        study.reader, study.truth, embeddings, study.split, variations,
        profile=profile, seed=seed, device=device, on_outcome=keep,
    )  # fmt: skip


@concepts_app.command("components")
def concepts_components(
    out: Annotated[Path, typer.Option(help="JSON file for the outcomes.")],
    seeds: Annotated[str, typer.Option(help="Of the simulated participants.")] = "5,6,7",
    profile: Size = "workshop",
    worlds: Annotated[str, typer.Option(help="Which worlds.")] = "easy,hard",
    device: Device = "cpu",
) -> None:
    """Find components and masks in simulated participants; run again, it goes on."""
    from sdc_helpers.simulate import WORLDS
    from sdc_helpers.studies.component_outcomes import measure
    from sdc_helpers.studies.component_records import load_components, save_components

    made = _provenance()
    done = {(o.world, o.seed): o for o in (load_components(out) if out.is_file() else ())}
    chosen = _words(worlds, WORLDS, "--worlds")
    wanted = [(world, seed) for world in chosen for seed in _numbers(seeds)]
    for world, seed in wanted:
        if (world, seed) in done:
            continue
        outcome = done[world, seed] = measure(world, seed, profile, device)
        save_components([done[key] for key in wanted if key in done], out, made)
        typer.echo(
            f"{world} seed {seed}  found {outcome.found['cortex axes']:2} by axes, "
            f"{outcome.found['contrastive']:2} by rows  reproduced {outcome.n_reproduced:2}  "
            f"recovered {outcome.recovered['masks']:2} by masks, {outcome.recovered['loadings']:2} "
            "by loadings"
        )
    typer.echo(f"wrote {out}")


@concepts_app.command("discovery")
def concepts_discovery(
    out: Annotated[Path, typer.Option(help="JSON file for the outcomes.")],
    studies: Annotated[int, typer.Option(help="Simulated studies of each world.", min=1)] = 100,
    pairs: Annotated[int, typer.Option(help="Studies run whole, on shuffled pairs.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Of the first study.", min=0)] = 0,
) -> None:
    """Check what is said of false discovery on simulated studies whose truth is known."""
    from sdc_helpers.studies.discovery_study import (
        run_shuffled_pairs,
        run_studies,
        save_studies,
        summarise,
    )

    outcomes = run_shuffled_pairs(pairs, first_seed=seed) + run_studies(studies, first_seed=seed)
    save_studies(outcomes, out, _provenance())
    _print_metrics(summarise(outcomes))
    typer.echo(f"wrote {out}")


@curriculum_app.command("grid")
def curriculum_grid(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, results and grid.json.")],
    jobs: Annotated[
        int | None, typer.Option(help="Cells at a time: 2, or 1 under torchrun.", min=1)
    ] = None,
    seeds: Annotated[str, typer.Option(help="Of training.")] = "0,1,2",
    device: Device = "cpu",
) -> None:
    """Train and evaluate every cell of the study; run again, it goes on where it stopped."""
    from sdc_helpers.curriculum.design import GRID_DESIGN, all_cells
    from sdc_helpers.studies.curriculum_grid import Grid, run_grid, save_grid

    design, cells = GRID_DESIGN, all_cells(_numbers(seeds))
    with _processes(device) as here:
        jobs = jobs or (1 if here.size > 1 else 2)
        results = run_grid(
            design,
            out,
            cells=cells,
            n_jobs=jobs,
            device=device,
            on_cell=lambda cell, done, n: typer.echo(f"{done} of {n}: {cell.name}"),
        )
        minutes = sum(result.seconds for result in results.values()) / 60
        made = {"minutes_of_training": round(minutes, 1), "processes": jobs * here.size}
        grid = Grid(design, results, {**_provenance(), **made})
        alone(lambda: save_grid(grid, out / "grid.json"))
        typer.echo(f"wrote {out / 'grid.json'}; {minutes:.0f} minutes of training on captions")


@gap_app.command("finetune")
def gap_finetune(
    out: Annotated[Path, typer.Option(help="JSON file for the scores.")],
    seeds: Annotated[str, typer.Option(help="Of projections, batches and captions.")] = "0,1,2",
    scenes: Annotated[int, typer.Option(help="Training scenes.", min=64)] = 1024,
    epochs: Annotated[int, typer.Option(help="Passes through them.", min=1)] = 6,
    dimension: Annotated[int, typer.Option(help="Of the new projections.", min=2)] = 128,
    device: Device = "cpu",
) -> None:
    """Fine-tune the whole small CLIP with each loss; run again, it goes on where it stopped."""
    from sdc_helpers.studies.gap_finetuning import (
        FinetuneDesign,
        finetune_runs,
        load_finetuning,
        save_finetuning,
    )

    design = FinetuneDesign(dimension=dimension, n_scenes=scenes, n_epochs=epochs)
    done: list[dict[str, Any]] = []
    if out.exists():
        done, before, _ = load_finetuning(out)
        if before != design:
            raise typer.BadParameter(f"{out} holds runs of {before}; choose another file.")

    def save(rows: list[dict[str, Any]]) -> None:
        save_finetuning(rows, design, _provenance(), out)
        for row in rows[-2:]:
            typer.echo(
                f"seed {row['seed']}  {row['arm']:12} gap {row['centroid_distance']:.3f}  "
                f"recall@10 {row['recall_10']:.3f}  arithmetic {row['arithmetic']:.3f}"
            )

    wanted = _numbers(seeds)
    with _processes(device):
        finetune_runs(design, wanted, device=device, done=done, on_run=save)
        typer.echo(f"wrote {out}")


@nulls_app.command("type-one")
def nulls_type_one(
    out: Annotated[Path, typer.Option(help="JSON file for the table.")],
    nulls: Annotated[int, typer.Option(help="Data sets of each kind.", min=1)] = 1000,
    permutations: Annotated[int, typer.Option(help="Shuffles a test.", min=19)] = 99,
    seed: Annotated[int, typer.Option(help="Of data and shuffles.", min=0)] = 0,
) -> None:
    """Measure the type I error of shuffle tests: kinds of rows by schemes of shuffling."""
    from sdc_helpers.studies.type_one import save_type_one, type_one_errors

    def show(kind: str, row: Any) -> None:
        cells = ", ".join(f"{name} {error:.3f}" for name, error in row.items())
        typer.echo(f"{kind}: {cells}")

    errors = type_one_errors(nulls, permutations, seed, on_kind=show)
    made = {**_provenance(), "n_nulls": nulls, "n_permutations": permutations, "seed": seed}
    save_type_one(errors, made, out)
    typer.echo(f"wrote {out}")


@partition_app.command("race")
def partition_race(
    out: Annotated[Path, typer.Option(help="JSON file for the curves.")],
    seeds: Annotated[str, typer.Option(help="Of splits and methods.")] = "0,1,2",
    only: Annotated[str, typer.Option(help="Bases, by name; all if empty.")] = "",
) -> None:
    """Race learned bins against every peer; run again, it goes on where it stopped."""
    from sdc_helpers.studies.partition_race import PARTS, run_part
    from sdc_helpers.studies.partition_records import save_curves, to_go_on

    numbers = _numbers(seeds)
    bases = _words(only, {base for base, _ in PARTS}, "--only")
    rows, made = to_go_on(out, _provenance())
    done = {(row.base, row.n_bins, row.seed) for row in rows}
    for base, n_bins in PARTS:
        for seed in numbers:
            if (base, n_bins, seed) in done or base not in (bases or [base]):
                continue
            part = run_part(base, n_bins, seed)
            rows += part
            save_curves(rows, out, made)
            share = 1 / 16 if n_bins <= 16 else 1 / 100
            found = ", ".join(f"{row.method} {row.at(share):.3f}" for row in part)
            typer.echo(f"{base}, {n_bins} bins, seed {seed}, recall at {share:.4g}: {found}")
    typer.echo(f"wrote {out}")


def _numbers(text: str) -> list[int]:
    """Return the seeds of an option; what is no number is refused."""
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"--seeds {text}: expected numbers such as 0,1,2.") from None


def _words(text: str, known: Iterable[str], option: str) -> list[str]:
    """Return the words of an option, all of them known; none where it is empty."""
    words, names = (text.split(",") if text else []), list(known)
    for word in words:
        if word not in names:
            raise typer.BadParameter(f"{option} {word}: expected {', '.join(sorted(names))}.")
    return words


def _provenance() -> dict[str, Any]:
    from sdc_helpers.course.catalogue import course_folder
    from sdc_helpers.course.provenance import (
        git_revision,
        package_versions,
        processor_name,
        usable_cores,
    )

    return {
        "date": date.today().isoformat(),
        "git_revision": git_revision(course_folder()),
        "hardware": f"{processor_name()}, {usable_cores()} cores",
        "packages": package_versions(),
    }


def _print_metrics(metrics: dict[str, float]) -> None:
    for name, value in metrics.items():
        typer.echo(f"{name:32} {value:7.3f}")
