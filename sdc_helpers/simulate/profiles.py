"""Sizes of the simulated dataset, and the version of what generates it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from sdc_helpers._paths import visible
from sdc_helpers.simulate.design import N_REPETITIONS
from sdc_helpers.simulate.worlds import find_world


@dataclass(frozen=True)
class Profile:
    """How large a simulated dataset is.

    Attributes
    ----------
    n_participants : int
        1 to 8. From 5 on, the last one has poor data.
    n_shared, n_own : int
        Pictures that all participants see, and pictures that each alone sees; all three times.
    n_sessions, n_runs : int
        Sessions, and runs of each; the trials must divide by the sessions.
    voxel_mm : float
        Edge of a voxel.
    picture_size : int
        Height and width of the stimuli in pixels.
    world : {"easy", "hard"}
        How hard it is to find what is planted, see `worlds`.
    """

    n_participants: int
    n_shared: int
    n_own: int
    n_sessions: int
    n_runs: int
    voxel_mm: float
    picture_size: int = 64
    world: str = "easy"

    def __post_init__(self) -> None:
        for name, least in (
            *(("n_participants", 1), ("n_shared", 1), ("n_own", 1), ("n_sessions", 1)),
            *(("n_runs", 1), ("picture_size", 8)),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: expected a whole number, {least} or more.")
        if self.n_participants > 8:
            raise ValueError(f"n_participants={self.n_participants}: NSD has room for 8 at most.")
        if not 2 <= self.voxel_mm <= 8:
            raise ValueError(f"voxel_mm={self.voxel_mm!r}: expected 2 to 8 mm.")
        find_world(self.world)
        n_trials = N_REPETITIONS * (self.n_shared + self.n_own)
        if n_trials % self.n_sessions or n_trials // self.n_sessions < self.n_runs:
            raise ValueError(
                f"n_sessions={self.n_sessions}: {n_trials} trials (3 of each of {self.n_shared} "
                f"+ {self.n_own} pictures) do not divide into that many equal sessions of "
                f"{self.n_runs} runs."
            )

    @property
    def n_images(self) -> int:
        """Pictures in all."""
        return self.n_shared + self.n_participants * self.n_own


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "smoke": Profile(5, 60, 140, n_sessions=4, n_runs=3, voxel_mm=6.0),
        "workshop": Profile(6, 200, 900, n_sessions=10, n_runs=6, voxel_mm=4.0),
        "full": Profile(8, 200, 900, n_sessions=10, n_runs=6, voxel_mm=4.0),
    }
)


def find_profile(profile: str | Profile, world: str | None = None) -> Profile:
    """Return the profile of a name, or the profile itself, in its own world or another.

    Raises
    ------
    ValueError
        If there is no profile or no world of that name.
    """
    if not isinstance(profile, Profile):
        if profile not in PROFILES:
            raise ValueError(f"profile={profile!r} is unknown; expected one of {sorted(PROFILES)}.")
        profile = PROFILES[profile]
    return profile if world is None else replace(profile, world=world)


_ASKS = ("__init__", "changes", "grammar", "pairs", "questions", "tagger")
"""Modules of ``scenes`` that draw nothing: an edit of them makes no other participants."""


def generator_version(profile: str | Profile) -> str:
    """Hash what the data depend on besides the seed: the generator's source and the sizes.

    Parameters
    ----------
    profile : str or Profile
        The sizes.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    content = [source_digest(Path(__file__).resolve().parent.parent), asdict(find_profile(profile))]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


@lru_cache(maxsize=4)
def source_digest(package: Path) -> str:
    """Hash the modules that generate NSD trees.

    Parameters
    ----------
    package : pathlib.Path
        Folder that holds ``simulate``, whose modules for THINGS do not count, and ``scenes``, of
        which those that only ask about scenes do not count.

    Returns
    -------
    str
        sha256 of names and content.
    """
    sources = [p for p in visible(package / "simulate", "*.py") if "things" not in p.name]
    sources += [p for p in visible(package / "scenes", "*.py") if p.stem not in _ASKS]
    digest = hashlib.sha256()
    for file in sorted(sources, key=lambda p: (p.parent.name, p.name)):
        digest.update(f"{file.parent.name}/{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()
