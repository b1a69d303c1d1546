"""Simulated THINGS-MEG participants whose sensors follow two layers of a network, each in its time.

The simulation is written in the files of the release and read by the reader of the release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import as_array
from sdc_helpers.alignment.time import TimeResolvedCKA
from sdc_helpers.datasets.things_meg import GROUPS, THINGSMEG
from sdc_helpers.simulate.things import things_images
from sdc_helpers.simulate.things_meg import (
    MEGTruth,
    load_meg_truth,
    write_things_meg,
)
from sdc_helpers.studies.things_study import same_geometry, scene_grams

if TYPE_CHECKING:
    import pandas as pd

UNRELATED_WIDTH = 512
"""Columns of the random matrix that stands for a layer that nothing follows."""


@dataclass(frozen=True, eq=False)
class MEGStudy:
    """MEG of participants who saw the same images, and layers for these images.

    Attributes
    ----------
    participants : tuple of str
        Who there is.
    times : numpy.ndarray of shape (T,)
        Seconds from the onset of the image.
    responses : dict of str to list of arrays of shape (n, n_sensors, T)
        By group of sensors the responses of each participant, in standard deviations of the
        baseline, a row an image in the order of the layers' rows.
    as_shown : dict of str to list of arrays of shape (n, n_sensors, T)
        The same rows in the order in which each participant saw the images.
    layers : dict of str to array of shape (n, n)
        Gram matrices of "low", "high" and "unrelated".
    places : numpy.ndarray of shape (271, 3)
        Places of all sensors in metres, in the order of `evoked`.
    evoked : numpy.ndarray of shape (n_participants, n_sensors, T)
        Mean over images.
    trials : pandas.DataFrame
        What the first participant was shown in each trial, as `THINGSMEG.stimuli` says.
    truth : MEGTruth
        What was planted.
    """

    participants: tuple[str, ...]
    times: np.ndarray
    responses: dict[str, list[np.ndarray]]
    as_shown: dict[str, list[np.ndarray]]
    layers: dict[str, np.ndarray]
    places: np.ndarray
    evoked: np.ndarray
    trials: pd.DataFrame
    truth: MEGTruth

    def over_time(
        self, n_permutations: int, seed: int, *, as_shown: bool = False
    ) -> TimeResolvedCKA:
        """Compare all groups of sensors with all layers over time.

        Parameters
        ----------
        n_permutations : int
            Shuffles of the images.
        seed : int
            Of the shuffles.
        as_shown : bool, default=False
            Leave the rows of the MEG in the order shown, as if nobody had aligned them.

        Returns
        -------
        TimeResolvedCKA
        """
        responses = self.as_shown if as_shown else self.responses
        return alignment.time_resolved_cka(
            responses, self.layers, self.times, n_permutations, rng=seed
        )

    def window(self, group: str, first: float, last: float, participant: int = 0) -> np.ndarray:
        """Return responses (n, n_sensors, n_samples) of one participant between two times (s)."""
        inside = (self.times >= first - 1e-6) & (self.times <= last + 1e-6)
        return self.responses[group][participant][:, :, inside]


def simulate_meg(
    module_grams: Mapping[str, np.ndarray],
    image_names: Sequence[str],
    low: str,
    high: str,
    *,
    n_participants: int = 4,
    n_test: int = 10,
    seed: int,
    groups: Sequence[str] = tuple(GROUPS),
    **options: Any,
) -> MEGStudy:
    """Write simulated MEG in the files of THINGS-MEG, and read it with its reader.

    Parameters
    ----------
    module_grams : mapping of str to array of shape (n_images, n_images)
        Gram matrix of each module for all images, as `simulate_things` has them.
    image_names : sequence of str
        The images, in the order of the rows; the last `n_test` are test images.
    low, high : str
        Module that the early and the late planted responses follow.
    n_participants : int, default=4
        Number of participants.
    n_test : int, default=10
        Number of test images, which the study does not use.
    seed : int
        Of participants, and of the unrelated layer.
    groups : sequence of str, default=("O", "T", "P", "C", "F")
        Groups of sensors to read.
    **options : object
        Further arguments of `write_things_meg`, such as ``sensors`` or ``window``.

    Returns
    -------
    MEGStudy
    """
    features = {
        "low": same_geometry(module_grams[low]), "high": same_geometry(module_grams[high])
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        root = write_things_meg(
            Path(folder) / "meg", features, images=image_names, n_participants=n_participants,
            n_test=n_test, seed=seed, **options,
        )  # fmt: skip
        meg, truth = THINGSMEG(root), load_meg_truth(root)
        aligned: dict[str, list[np.ndarray]] = {group: [] for group in groups}
        shown: dict[str, list[np.ndarray]] = {group: [] for group in groups}
        evoked = []
        for who in meg.participants:
            read = meg.responses(who, repeated="keep")  # once: in the order shown
            rows = read.align(image_names)
            evoked.append(rows.responses.mean(axis=0))
            for group in groups:
                own = read.groups == group
                aligned[group].append(rows.responses[:, own])
                shown[group].append(read.responses[:, own])
        sensors, trials = meg.sensors(who), meg.stimuli(meg.participants[0])
    kept = np.ix_(rows.positions, rows.positions)
    random = np.random.default_rng([seed, 80]).normal(size=(len(rows.positions), UNRELATED_WIDTH))
    layers = {
        "low": as_array("low", module_grams[low])[kept],
        "high": as_array("high", module_grams[high])[kept],
        "unrelated": alignment.gram(random, centre=True),
    }
    places = sensors[["x", "y", "z"]].to_numpy()
    return MEGStudy(
        participants=meg.participants,
        times=read.times,
        responses=aligned,
        as_shown=shown,
        layers=layers,
        places=places,
        evoked=np.stack(evoked),
        trials=trials,
        truth=truth,
    )


def simulate_seeds(
    n_pictures: int,
    low: str,
    high: str,
    *,
    n_participants: int,
    n_seeds: int,
    seed: int,
    device: str = "cpu",
) -> tuple[list[MEGStudy], float]:
    """Simulate MEG of several sets of participants who all saw the same scenes.

    Parameters
    ----------
    n_pictures : int
        Number of scenes that are shown once; ten more are test pictures.
    low, high : str
        Modules of a ResNet18 of random weights that the planted responses follow.
    n_participants, n_seeds : int
        Participants of each seed, and seeds.
    seed : int
        Of the scenes and the first set of participants.
    device : str
        Where the network runs.

    Returns
    -------
    studies : list of MEGStudy
        One a seed.
    alike : float
        Debiased CKA of the two modules on these scenes.
    """
    names = things_images(n_concepts=n_pictures // 2, n_sessions=2, n_test=10)
    grams = scene_grams(len(names), seed=seed, device=device, modules=(low, high))
    studies = [
        simulate_meg(grams, names, low, high, n_participants=n_participants, seed=seed + number)
        for number in range(n_seeds)
    ]
    return studies, alignment.cka_from_grams(grams[low], grams[high])
