"""Commands of ``sdc`` that make what the course ships: weights, grids, tables. Minutes to hours.

Each can be stopped and started again, or writes what it has after each part.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sdc_helpers.studies.settings_study import Outcome, Variation

clip_app = typer.Typer(no_args_is_help=True, help="The course's own small CLIP.")
concepts_app = typer.Typer(no_args_is_help=True, help="Shared concepts: what finding them needs.")
curriculum_app = typer.Typer(no_args_is_help=True, help="The complete grid of chapter 04.")
EXPERIMENTS = {"clip": clip_app, "concepts": concepts_app, "curriculum": curriculum_app}


@clip_app.command("train")
def clip_train(
    out: Annotated[Path, typer.Option(help="Where weights, tokenizer and metrics go.")],
    steps: Annotated[int, typer.Option(help="Updates.", min=100)] = 800,
    pictures: Annotated[int, typer.Option(help="Training pictures.", min=256)] = 40_000,
    seed: Annotated[int, typer.Option(help="Of initial values and batches.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Train the small CLIP from scratch on the scenes; run again, it goes on where it stopped."""
    from sdc_helpers.course.provenance import processor_name, usable_cores
    from sdc_helpers.studies.clip_training import SmallClipRecipe, train_small_clip

    recipe = SmallClipRecipe(n_pictures=pictures, n_steps=steps, seed=seed)
    machine = f"{processor_name()}, {usable_cores()} cores"
    record = train_small_clip(out, recipe, device=device, hardware=machine)
    _print_metrics(record["metrics"])
    typer.echo(f"{record['minutes']} minutes; weights, tokenizer and metrics are in {out}")


@clip_app.command("measure")
def clip_measure(
    name: Annotated[str, typer.Argument(help="course-small or an open_clip architecture.")] = (
        "course-small"
    ),
    weights: Annotated[str, typer.Option(help="course, random, a published tag or a path.")] = (
        "course"
    ),
) -> None:
    """Measure a CLIP on scenes it was not trained on."""
    from sdc_helpers.embeddings.clip import load_clip
    from sdc_helpers.studies.scene_metrics import measure_on_scenes

    _print_metrics(measure_on_scenes(load_clip(name, weights)).to_dict())


@concepts_app.command("settings")
def concepts_settings(
    out: Annotated[Path, typer.Option(help="JSON file for the outcomes.")],
    seeds: Annotated[str, typer.Option(help="Of the simulated participants.")] = "0,1,2",
    profile: Annotated[str, typer.Option(help="Size of the simulation.")] = "workshop",
    worlds: Annotated[str, typer.Option(help="Which worlds.")] = "easy,hard",
    parts: Annotated[
        list[Path] | None, typer.Option(help="Files whose rows are taken over.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Find shared concepts in simulated participants; run again, it goes on where it stopped."""
    from sdc_helpers.studies.settings_study import BY_WORLD, load_outcomes, save_outcomes

    numbers, made = [int(seed) for seed in seeds.split(",")], _provenance()
    kept = {}
    for file in [*(parts or ()), *([out] if out.is_file() else ())]:
        kept |= {(o.world, o.seed, o.name): o for o in load_outcomes(file)}
    wanted = [
        (world, seed, variation.name)
        for world in worlds.split(",")
        for seed in numbers
        for variation in BY_WORLD[world]
    ]

    def keep(outcome: Outcome) -> None:
        kept[outcome.world, outcome.seed, outcome.name] = outcome
        save_outcomes([kept[key] for key in wanted if key in kept], out, made)
        typer.echo(
            f"{outcome.world} seed {outcome.seed}  {outcome.name:20} eps {outcome.eps:.2f}  "
            f"reproduced {outcome.n_reproduced:2}  recovered {outcome.n_recovered:2} of "
            f"{outcome.n_planted}  adjusted Rand {outcome.adjusted_rand:.2f}"
        )

    for world in worlds.split(","):
        for seed in numbers:
            left = [v for v in BY_WORLD[world] if (world, seed, v.name) not in kept]
            if left:
                _run_settings(world, seed, profile, left, device, keep)
    save_outcomes([kept[key] for key in wanted if key in kept], out, made)
    typer.echo(f"wrote {out}")


def _run_settings(
    world: str,
    seed: int,
    profile: str,
    variations: list[Variation],
    device: str,
    keep: Callable[[Outcome], None],
) -> None:
    from sdc_helpers.embeddings.clip import load_clip
    from sdc_helpers.studies.participants import embed_stimuli
    from sdc_helpers.studies.settings_study import run_variations
    from sdc_helpers.studies.source import open_study

    study = open_study(profile=profile, seed=seed, world=world)
    embeddings = embed_stimuli(study.reader, load_clip(device=device), study.image_ids)
    run_variations(
        study.reader, study.truth, embeddings, study.split, variations,
        profile=profile, seed=seed, device=device, on_outcome=keep,
    )  # fmt: skip


@concepts_app.command("discovery")
def concepts_discovery(
    out: Annotated[Path, typer.Option(help="JSON file for the outcomes.")],
    studies: Annotated[int, typer.Option(help="Simulated studies of each world.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of the first study.", min=0)] = 0,
) -> None:
    """Check what is said of false discovery on simulated decoder rows whose truth is known."""
    from sdc_helpers.studies.discovery_study import run_studies, save_studies, summarise

    outcomes = run_studies(studies, first_seed=seed)
    save_studies(outcomes, out, _provenance())
    _print_metrics(summarise(outcomes))
    typer.echo(f"wrote {out}")


@curriculum_app.command("grid")
def curriculum_grid(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, results and grid.json.")],
    jobs: Annotated[int, typer.Option(help="Processes, of one thread each.", min=1)] = 2,
    seeds: Annotated[str, typer.Option(help="Of training.")] = "0,1,2",
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Train and evaluate every cell of the study; run again, it goes on where it stopped."""
    from sdc_helpers.curriculum.study import StudyDesign, all_cells
    from sdc_helpers.studies.curriculum_grid import Grid, run_grid, save_grid

    design = StudyDesign()
    results = run_grid(
        design,
        out,
        cells=all_cells([int(seed) for seed in seeds.split(",")]),
        n_jobs=jobs,
        device=device,
        on_cell=lambda cell, done, n: typer.echo(f"{done} of {n}: {cell.name}"),
    )
    minutes = sum(result.seconds for result in results.values()) / 60
    made = {**_provenance(), "minutes_of_training": round(minutes, 1), "processes": jobs}
    save_grid(Grid(design, results, made), out / "grid.json")
    typer.echo(f"wrote {out / 'grid.json'}; {minutes:.0f} minutes of training on captions")


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
