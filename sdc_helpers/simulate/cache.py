"""Simulated datasets that are made once and kept in the data folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sdc_helpers._files import one_at_a_time, private_path
from sdc_helpers._paths import simulated_root, unwritable
from sdc_helpers.simulate import truth
from sdc_helpers.simulate.nsd import write_nsd
from sdc_helpers.simulate.profiles import find_profile, generator_version


def simulated_nsd(
    profile: str = "workshop", seed: int = 0, progress: bool = False, world: str = "easy"
) -> Path:
    """Return the folder of a simulated dataset, which is written if it is not there.

    It lies in ``<data folder>/simulated/nsd-<profile>-<seed>-<generator version>``, for the hard
    world ``nsd-<profile>-hard-<seed>-...``: when the
    generator changes, so does the name, and the dataset is made anew. Where ``SDC_CACHE`` is set,
    what the data folder does not hold is made in ``simulated`` of that folder. Processes that ask
    at the same time wait for the first.

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
        If there is no such profile or world, the seed is not a whole number from 0, or the folder
        cannot be written to.
    """
    if not isinstance(profile, str):
        raise ValueError(f"profile={profile!r}: expected a name; write_nsd takes other sizes.")
    sizes = find_profile(profile, world)
    name = profile if world == "easy" else f"{profile}-{world}"
    root = simulated_root(f"nsd-{name}-{seed}-{generator_version(sizes)}", truth.FILE)
    if (root / truth.FILE).is_file():
        return root
    with locked(root):
        if not (root / truth.FILE).is_file():
            _put_aside(root)
            try:
                write_nsd(root, seed=seed, profile=sizes, progress=progress)
            except ValueError:
                if not (root / truth.FILE).is_file():  # else another was first
                    raise
    return root


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Wait for others who write a simulated dataset.

    Parameters
    ----------
    root : pathlib.Path
        Its folder; the one around it is made.

    Raises
    ------
    ValueError
        If the folder around it cannot be written to.
    """
    with ExitStack() as stack:
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(one_at_a_time(root.parent / f".{root.name}.lock"))
        except OSError as error:
            raise ValueError(unwritable(root.parent, error)) from error
        yield


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
