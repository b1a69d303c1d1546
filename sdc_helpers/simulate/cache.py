"""Simulated datasets that are made once and kept in the data folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from sdc_helpers._paths import data_root
from sdc_helpers.simulate import truth
from sdc_helpers.simulate.profiles import find_profile, generator_version
from sdc_helpers.simulate.write_nsd import write_nsd


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
        Its sizes.
    seed : int, default=0
        Its seed.
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
    import filelock

    if not isinstance(profile, str):
        raise ValueError(f"profile={profile!r}: expected a name; write_nsd takes other sizes.")
    sizes = find_profile(profile, world)
    folder = data_root() / "simulated"
    name = profile if world == "easy" else f"{profile}-{world}"
    root = folder / f"nsd-{name}-{seed}-{generator_version(sizes)}"
    if (root / truth.FILE).is_file():
        return root
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / f".{root.name}.lock"):
        if not (root / truth.FILE).is_file():
            for rest in folder.glob(f".{root.name}-*"):  # of a writer that was killed
                shutil.rmtree(rest, ignore_errors=True)
            shutil.rmtree(root, ignore_errors=True)  # without its truth it is not whole
            write_nsd(root, seed=seed, profile=sizes, progress=progress)
    return root
