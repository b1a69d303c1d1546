"""Simulated datasets that are made once and kept in the data folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from sdc_helpers._files import one_at_a_time, private_path
from sdc_helpers._paths import data_root
from sdc_helpers.simulate import truth
from sdc_helpers.simulate.nsd import write_nsd
from sdc_helpers.simulate.profiles import find_profile, generator_version


def simulated_nsd(
    profile: str = "workshop", seed: int = 0, progress: bool = False, world: str = "easy"
) -> Path:
    """Return the folder of a simulated dataset, which is written if it is not there.

    It lies in ``<data folder>/simulated/nsd-<profile>-<seed>-<generator version>``, for the hard
    world ``nsd-<profile>-hard-<seed>-...``: when the
    generator changes, so does the name, and the dataset is made anew. Processes that ask at the
    same time wait for the first.

    Parameters
    ----------
    profile : {"smoke", "workshop", "full"}, default="workshop"
        Name of the profile, which decides the sizes.
    seed : int, default=0
        Seed of everything that is drawn.
    progress : bool, default=False
        Whether to show a progress bar while it is written.
    world : {"easy", "hard"}, default="easy"
        How hard it is to find what is planted, see `worlds`.

    Returns
    -------
    pathlib.Path
        A folder that `NSD` and `load_truth` read.

    Raises
    ------
    ValueError
        If there is no such profile or world, or the seed is not a whole number from 0.
    """
    if not isinstance(profile, str):
        raise ValueError(f"profile={profile!r}: expected a name; write_nsd takes other sizes.")
    sizes = find_profile(profile, world)
    folder = data_root() / "simulated"
    name = profile if world == "easy" else f"{profile}-{world}"
    root = folder / f"nsd-{name}-{seed}-{generator_version(sizes)}"
    if (root / truth.FILE).is_file():
        return root
    folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder / f".{root.name}.lock"):
        if not (root / truth.FILE).is_file():
            _put_aside(root)
            try:
                write_nsd(root, seed=seed, profile=sizes, progress=progress)
            except ValueError:
                if not (root / truth.FILE).is_file():  # else another was first
                    raise
    return root


def _put_aside(root: Path) -> None:
    """Remove a tree without its truth, which is not whole; never one that has just come."""
    aside = private_path(root)
    try:
        root.rename(aside)
    except FileNotFoundError:
        return
    if (aside / truth.FILE).is_file():
        aside.rename(root)
    else:
        shutil.rmtree(aside, ignore_errors=True)
