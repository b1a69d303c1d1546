"""Where the participants of a chapter come from: simulated or real, opened by one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sdc_helpers.datasets import NSD, Split, split_sdc2025
from sdc_helpers.simulate import Truth, load_truth, simulated_nsd

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("simulated", "nsd")
"""Participants that a chapter can be run on."""
N_HELD_OUT = {"smoke": 30, "workshop": 200, "full": 200}
"""Test images of a participant in each profile, and as many validation images."""


@dataclass(frozen=True, eq=False)
class Study:
    """Participants, what they saw, and what is known about them.

    Attributes
    ----------
    reader : NSD
        Reads betas, pictures, captions, ROIs and volumes; the same class for both sources.
    kind : {"simulated", "real"}
        The word to be said wherever a number from these participants stands.
    truth : Truth or None
        What was planted in simulated participants; None for real ones.
    seed : int
        Seed of the split, and of simulated participants.
    n_held_out : int
        Test images of a participant, and as many validation images.
    """

    reader: NSD
    kind: Literal["simulated", "real"]
    truth: Truth | None
    seed: int
    n_held_out: int

    @property
    def participants(self) -> tuple[str, ...]:
        """Names of the participants."""
        return self.reader.participants

    @cached_property
    def trials(self) -> Mapping[str, pd.DataFrame]:
        """Trials with betas, a table for each participant, in the order of the betas."""
        reader = self.reader
        return {name: reader.trials(name, with_betas=True) for name in reader.participants}

    @cached_property
    def split(self) -> Split:
        """Training, validation and test images, by the rule of the 2025 study."""
        return split_sdc2025(self.trials, self.seed, self.n_held_out, self.n_held_out)

    @cached_property
    def image_ids(self) -> np.ndarray:
        """Every image that anybody saw, ascending, int64 (n_images,)."""
        return np.unique(np.concatenate([table.image_id for table in self.trials.values()]))


def open_study(
    source: str = "simulated",
    root: str | Path = "",
    profile: str = "workshop",
    seed: int = 0,
    *,
    n_held_out: int | None = None,
    progress: bool = False,
    world: str = "easy",
) -> Study:
    """Open the participants of a chapter; simulated ones are made the first time.

    Parameters
    ----------
    source : {"simulated", "nsd"}, default="simulated"
        Simulated participants with planted truth, or a tree of the Natural Scenes Dataset.
    root : path, default=""
        Folder of the real tree; not used for simulated participants.
    profile : {"smoke", "workshop", "full"}, default="workshop"
        Size of the simulation, and of the held-out sets.
    seed : int, default=0
        Seed of the simulated participants and of the split.
    n_held_out : int, optional
        Test images of a participant, and as many validation images; by default those of the
        profile, see `N_HELD_OUT`.
    progress : bool, default=False
        Whether to show a bar while participants are simulated.
    world : {"easy", "hard"}, default="easy"
        Of simulated participants: how hard it is to find what is planted in them, see
        ``sdc_helpers.simulate.WORLDS``; not used for real ones.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        If the source, the profile or the world is unknown, or a real source has no folder.
    DataUnavailableError
        If the folder holds no participants.

    Examples
    --------
    >>> study = open_study(profile="smoke")  # doctest: +SKIP
    >>> study.kind, len(study.participants)  # doctest: +SKIP
    ('simulated', 6)
    """
    if source not in SOURCES:
        raise ValueError(f"source={source!r}: expected one of {', '.join(SOURCES)}.")
    if profile not in N_HELD_OUT:
        raise ValueError(f"profile={profile!r}: expected one of {', '.join(N_HELD_OUT)}.")
    n_held_out = N_HELD_OUT[profile] if n_held_out is None else n_held_out
    if source == "simulated":
        reader = NSD(simulated_nsd(profile, seed, progress, world))
        return Study(reader, "simulated", load_truth(reader.root), seed, n_held_out)
    if not str(root):
        raise ValueError(
            f"source={source!r} needs root, the folder of the tree: the one that holds nsddata/ "
            "and nsddata_betas/."
        )
    return Study(NSD(root), "real", None, seed, n_held_out)
