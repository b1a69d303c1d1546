"""How hard the simulated participants make it to find what is planted in them.

The easy world is the one that the course began with: signals are strong, noise is independent from
voxel to voxel, and a concept belongs to everybody or to one. The hard world has traps that a method
can fall into: concepts of two or three participants, noise that neighbours have in common, ceilings
as low as real ones (the median voxel of NSD has 14 % in single trials), and drift in voxels that
respond to pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class World:
    """What differs between worlds.

    Attributes
    ----------
    owners : mapping of str to tuple of int
        Numbers, from 1, of the participants who have a concept that not everybody has.
    ceiling, ceiling_sd : float
        Mean and standard deviation, over voxels of a concept, of the share of a single trial's
        variance that is signal.
    ceiling_range : (float, float)
        To which it is clipped.
    mixture_ceiling : (float, float)
        Range of the same for voxels that mix concepts.
    drift_ceiling : (float, float)
        Range of the same for drift voxels in visual cortex.
    driven : float
        Share of the concepts' voxels whose noise is drift to a tenth or more.
    poor_noise : float
        How many times larger the noise of the participant with poor data is.
    neighbour : float
        Weight in a voxel's noise of each of its six neighbours, against 1 of its own; noise of
        neighbours is then correlated by about 2 neighbour / (1 + 4 neighbour^2).
    """

    owners: Mapping[str, tuple[int, ...]]
    ceiling: float
    ceiling_sd: float
    ceiling_range: tuple[float, float]
    mixture_ceiling: tuple[float, float]
    drift_ceiling: tuple[float, float]
    driven: float
    poor_noise: float
    neighbour: float


WORLDS: Mapping[str, World] = MappingProxyType(
    {
        "easy": World(
            owners=MappingProxyType({"animals": (1,), "vehicles": (2,), "lighting": (3,)}),
            ceiling=0.34,
            ceiling_sd=0.10,
            ceiling_range=(0.08, 0.62),
            mixture_ceiling=(0.10, 0.35),
            drift_ceiling=(0.0, 0.0),
            driven=0.0,
            poor_noise=2.2,
            neighbour=0.0,
        ),
        "hard": World(
            owners=MappingProxyType(
                {"animals": (1, 2), "vehicles": (3, 4, 5), "lighting": (1, 3, 4)}
            ),
            ceiling=0.15,
            ceiling_sd=0.025,
            ceiling_range=(0.10, 0.20),
            mixture_ceiling=(0.10, 0.20),
            drift_ceiling=(0.10, 0.20),
            driven=0.25,
            poor_noise=1.3,
            neighbour=0.18,
        ),
    }
)


def find_world(name: str) -> World:
    """Return the world of a name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in WORLDS:
        raise ValueError(f"world={name!r} is unknown; expected one of {', '.join(WORLDS)}.")
    return WORLDS[name]
