"""Write a simulated dataset with the files of the Natural Scenes Dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._files import atomic_folder, check_unused
from sdc_helpers._machine import usable_cores
from sdc_helpers.simulate import _files as files
from sdc_helpers.simulate import truth
from sdc_helpers.simulate.concepts import OWNED, SHARED, concept_values
from sdc_helpers.simulate.cortex import make_cortex, neighbour_mixing
from sdc_helpers.simulate.design import Design, behaviour, make_design
from sdc_helpers.simulate.profiles import Profile, find_profile, generator_version
from sdc_helpers.simulate.worlds import find_world

if TYPE_CHECKING:
    import pandas as pd

_FIRST_POOR = 5  # with fewer participants, none has poor data: all are needed
_BLOCK = 100  # pictures drawn at once, whatever the number of processes
_FEW_IMAGES = 2000  # below, starting processes costs more than they save

# One random stream for each purpose and participant, so that none depends on another.
_DESIGN, _STIMULI, _CORTEX, _TUNING, _ROIS, _SIGNALS, _NOISE, _BEHAVIOUR, _MOTION = range(9)


def write_nsd(
    root: str | Path,
    n_participants: int | None = None,
    seed: int = 0,
    profile: str | Profile = "workshop",
    progress: bool = False,
    n_jobs: int | None = None,
    world: str | None = None,
) -> Path:
    """Write simulated participants, their stimuli and the truth about them.

    The tree has the paths, formats and ids of NSD (see ``load_truth`` for what is known of it
    besides). Its differences are those of size: voxels of 4 mm, a slab that ends in front of visual
    cortex, fewer sessions, pictures of 64 pixels, and as many images as were shown instead of
    73,000. ``ncsnr.nii.gz`` is estimated from all trials, as the released one is.

    Parameters
    ----------
    root : path-like
        Folder to make; what is not there yet or is empty. It appears only when it is complete.
    n_participants : int, optional
        1 to 8; by default as many as the profile says (smoke 5, workshop 6, full 8). From 5 on,
        the last one has poor data.
    seed : int, default=0
        Seed of everything that is drawn: the same seed and profile give the same files, whatever
        the number of processes.
    profile : {"smoke", "workshop", "full"} or Profile, default="workshop"
        All other sizes.
    progress : bool, default=False
        Whether to show a progress bar.
    n_jobs : int, optional
        Processes; by default one for few pictures and otherwise one a processor.
    world : {"easy", "hard"}, optional
        How hard it is to find what is planted, see `worlds`; by default the profile's, which is
        the easy one for the named profiles.

    Returns
    -------
    pathlib.Path
        `root`.

    Raises
    ------
    ValueError
        If an argument is not one of the above, or `root` holds something already.
    """
    root, sizes = Path(root), find_profile(profile, world)
    if n_participants is not None:
        sizes = replace(sizes, n_participants=n_participants)
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed={seed!r}: expected a whole number, 0 or more.")
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs < 1):
        raise ValueError(f"n_jobs={n_jobs!r}: expected 1 or more processes, or None.")
    check_unused(root)
    run = _Runner(_n_jobs(n_jobs, sizes.n_images), progress)
    try:
        with atomic_folder(root) as folder:
            _write_tree(folder, sizes, int(seed), run)
    except FileExistsError as error:
        raise ValueError(
            f"root={root} {error.strerror}; another process wrote it. Use that one, or remove it "
            "and try again."
        ) from error
    return root


def _write_tree(folder: Path, sizes: Profile, seed: int, run: _Runner) -> None:
    design = make_design(
        *(sizes.n_participants, sizes.n_shared, sizes.n_own, sizes.n_sessions, sizes.n_runs),
        np.random.default_rng([seed, _DESIGN]),
    )
    factors, captions = _write_pictures(folder, sizes, seed, run)
    stimuli = files.stimulus_table(design, np.random.default_rng([seed, _STIMULI]))
    info = folder / "nsddata" / "experiments" / "nsd" / "nsd_stim_info_merged.csv"
    info.parent.mkdir(parents=True)
    stimuli.to_csv(info, lineterminator="\n")
    files.write_captions(folder / "annotations", stimuli, captions)

    values = concept_values(factors)
    table = factors.reset_index(drop=True).join(values.add_prefix("concept_"))
    table.insert(0, "73KID", np.arange(len(table)) + 1)
    truth.image_file(folder).parent.mkdir()
    table.to_csv(truth.image_file(folder), sep="\t", index=False, lineterminator="\n")

    numbers = range(1, sizes.n_participants + 1)
    tasks = [(folder, number, sizes, seed, design, values) for number in numbers]
    described = list(run(_write_participant, tasks, "participants"))
    _write_truth(folder, sizes, seed, described)


def _write_pictures(
    folder: Path, sizes: Profile, seed: int, run: _Runner
) -> tuple[pd.DataFrame, list[list[str]]]:
    """Draw all pictures into the file of stimuli; return their factors and captions."""
    import pandas as pd

    starts = range(0, sizes.n_images, _BLOCK)
    tasks = [
        (start, min(_BLOCK, sizes.n_images - start), seed, sizes.picture_size) for start in starts
    ]
    factors: list[pd.DataFrame] = []
    captions: list[list[str]] = []

    def pictures() -> Iterator[np.ndarray]:
        for drawn, table, texts in run(_draw, tasks, "pictures"):
            factors.append(table)
            captions.extend(texts)
            yield drawn

    file = folder / "nsddata_stimuli" / "stimuli" / "nsd" / "nsd_stimuli.hdf5"
    files.write_stimuli(file, sizes.n_images, sizes.picture_size, pictures())
    return pd.concat(factors, ignore_index=True), captions


def _draw(
    start: int, n: int, seed: int, size: int
) -> tuple[np.ndarray, pd.DataFrame, list[list[str]]]:
    from sdc_helpers import scenes

    made = scenes.generate_scenes(n, seed=seed, start=start)
    return scenes.render(made, size=size), scenes.factors(made), scenes.captions(made, seed=seed)


def _write_participant(
    folder: Path, number: int, sizes: Profile, seed: int, design: Design, values: pd.DataFrame
) -> dict[str, Any]:
    """Write all files of one participant; return what ``truth.json`` says of it."""
    from sdc_helpers.simulate import responses, rois

    def stream(purpose: int) -> np.random.Generator:
        return np.random.default_rng([seed, purpose, number])

    name, names = f"subj{number:02d}", list(values)
    is_poor = number == sizes.n_participants >= _FIRST_POOR
    seen = values.to_numpy()[design.images[number - 1]]
    cortex = make_cortex(sizes.voxel_mm, stream(_CORTEX))
    tuning = responses.make_tuning(cortex, number, names, is_poor, stream(_TUNING), sizes.world)
    signals = responses.make_signals(tuning, seen, stream(_SIGNALS))
    course = responses.motion(design, np.random.default_rng([seed, _MOTION]), stream(_MOTION))
    weight = find_world(sizes.world).neighbour
    mixing = neighbour_mixing(cortex, weight) if weight else None
    betas = responses.make_betas(tuning, signals, design, course, stream(_NOISE), mixing)

    own = folder / "nsddata" / "ppdata" / name
    functional = own / files.SPACE
    beta_folder = folder / "nsddata_betas" / "ppdata" / name / files.SPACE / files.BETAS
    for session in range(1, sizes.n_sessions + 1):
        file = beta_folder / f"betas_session{session:02d}.hdf5"
        files.write_betas(file, betas[:, design.session == session], cortex)
    brain = cortex.volume(np.ones(len(cortex.voxels), dtype=np.uint8))
    files.write_volume(functional / "brainmask.nii.gz", brain, cortex.affine)
    ncsnr = cortex.volume(files.estimate_ncsnr(betas, design))
    files.write_volume(beta_folder / "ncsnr.nii.gz", ncsnr, cortex.affine)
    labels = folder / "nsddata" / "freesurfer" / name / "label"
    regions = rois.make_rois(cortex, tuning, stream(_ROIS))
    files.write_rois(functional / "roi", labels, cortex, regions)
    table = behaviour(design, number, stream(_BEHAVIOUR))
    files.write_responses(own / "behav" / "responses.tsv", table)
    voxels = responses.truth_table(cortex, tuning, signals, seen, names)
    voxels.to_csv(
        truth.voxel_file(folder, name),
        sep="\t",
        index=False,
        float_format="%.6g",
        lineterminator="\n",
    )
    return {
        "name": name,
        "is_poor": is_poor,
        "shape": list(cortex.shape),
        "affine": cortex.affine.tolist(),
        "centres": tuning.centres,
    }


def _write_truth(
    folder: Path, sizes: Profile, seed: int, participants: list[dict[str, Any]]
) -> None:
    from sdc_helpers.simulate.responses import kinds_of

    centres = {entry["name"]: entry.pop("centres") for entry in participants}
    concepts = [
        {
            "name": concept.name,
            "meaning": concept.meaning,
            "opposite": concept.opposite,
            "formula": concept.formula,
            "negation": concept.negation,
            "is_shared": concept.is_shared,
            "centres": {
                name: of[concept.name] for name, of in centres.items() if concept.name in of
            },
        }
        for concept in SHARED + OWNED
    ]
    content = {
        "seed": seed,
        "generator_version": generator_version(sizes),
        "world": sizes.world,
        "sizes": {name: size for name, size in asdict(sizes).items() if name != "world"},
        "participants": participants,
        "concepts": [concept for concept in concepts if concept["centres"]],
        "kinds": kinds_of(sizes.world),
        "ncsnr.nii.gz": "estimated from all trials; the planted values are in truth/*_voxels.tsv",
    }
    text = json.dumps(content, indent=1) + "\n"
    (folder / truth.FILE).write_text(text, encoding="utf-8")


def _n_jobs(n_jobs: int | None, n_images: int) -> int:
    if n_jobs is not None:
        return int(n_jobs)
    return 1 if n_images < _FEW_IMAGES else usable_cores()


class _Runner:
    """Call a function on many tasks in some processes; results in the order of the tasks."""

    def __init__(self, n_jobs: int, progress: bool) -> None:
        self.n_jobs, self.progress = n_jobs, progress

    def __call__(
        self, function: Callable[..., Any], tasks: list[tuple], what: str
    ) -> Iterable[Any]:
        import joblib
        from rich.progress import track

        parallel = joblib.Parallel(n_jobs=min(self.n_jobs, len(tasks)), return_as="generator")
        results = parallel(joblib.delayed(function)(*task) for task in tasks)
        return track(results, f"Simulating {what}", len(tasks), disable=not self.progress)
