"""Simulated THINGS-MEG participants whose sensors follow two layers of a network, each in its time.

The simulation is written in the files of the release and read by the reader of the release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import as_array, check_count
from sdc_helpers.alignment.time import TimeResolvedCKA
from sdc_helpers.datasets.things_meg import GROUPS, THINGSMEG
from sdc_helpers.measures import Interval
from sdc_helpers.simulate.things_meg import (
    MEGTruth,
    ar_noise,
    ctf_helmet,
    load_meg_truth,
    write_things_meg,
)
from sdc_helpers.studies.things_study import same_geometry

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
    **options: object,
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
        sensors = meg.sensors(who)
    kept = np.ix_(rows.positions, rows.positions)
    random = np.random.default_rng([seed, 80]).normal(size=(len(rows.positions), UNRELATED_WIDTH))
    layers = {
        "low": as_array("low", module_grams[low])[kept],
        "high": as_array("high", module_grams[high])[kept],
        "unrelated": alignment.gram(random, centre=True),
    }
    places = sensors[["x", "y", "z"]].to_numpy()
    return MEGStudy(
        meg.participants, read.times, aligned, shown, layers, places, np.stack(evoked), truth
    )


@dataclass(frozen=True, eq=False)
class GrowingWindows:
    """CKA of an unrelated layer with windows of growing length.

    Attributes
    ----------
    ends : numpy.ndarray of shape (n_windows,)
        End of each window, seconds; all begin at 0.05.
    n_features : numpy.ndarray of int, shape (n_windows,)
        Sensors times samples.
    meg, random : dict of str to array of shape (n_windows, n_participants)
        "biased" and "debiased" CKA of the responses, and of random numbers in their place.
    """

    ends: np.ndarray
    n_features: np.ndarray
    meg: dict[str, np.ndarray]
    random: dict[str, np.ndarray]

    @property
    def growth(self) -> np.ndarray:
        """Biased CKA in the longest window over that in the shortest, of each participant."""
        return self.meg["biased"][-1] / self.meg["biased"][0]


def growing_windows(
    study: MEGStudy, ends: Sequence[float], *, seed: int, group: str = "O"
) -> GrowingWindows:
    """Compare an unrelated layer with all samples of windows that begin at 50 ms.

    Parameters
    ----------
    study : MEGStudy
        Responses and layers.
    ends : sequence of float
        End of each window, seconds.
    seed : int
        Of the random numbers.
    group : str, default="O"
        Group of sensors.

    Returns
    -------
    GrowingWindows
    """
    layer, sizes = study.layers["unrelated"], []
    found = {kind: {e: [] for e in ("biased", "debiased")} for kind in ("meg", "random")}
    rng = np.random.default_rng([seed, 81])
    for end in ends:
        windows = [study.window(group, 0.05, end, k) for k in range(len(study.participants))]
        flat = [window.reshape(len(window), -1) for window in windows]
        sizes.append(flat[0].shape[1])
        for kind, matrices in (("meg", flat), ("random", [rng.normal(size=X.shape) for X in flat])):
            grams = [alignment.gram(X, centre=True) for X in matrices]
            for e, rows in found[kind].items():
                rows.append([alignment.cka_from_grams(K, layer, e) for K in grams])
    as_arrays = {kind: {e: np.array(v) for e, v in of.items()} for kind, of in found.items()}
    return GrowingWindows(np.array(ends), np.array(sizes), as_arrays["meg"], as_arrays["random"])


def window_conditions(
    study: MEGStudy, layer: str, *, seed: int, group: str = "O", window: tuple = (0.1, 0.15)
) -> dict[str, dict[str, np.ndarray]]:
    """Compare a window's mean with a layer: original, rows shuffled, random numbers.

    Parameters
    ----------
    study : MEGStudy
        Responses and layers.
    layer : str
        Name of the layer.
    seed : int
        Of the shuffles, five a participant, and the random numbers.
    group : str, default="O"
        Group of sensors.
    window : tuple of two floats, default=(0.1, 0.15)
        First and last time, seconds.

    Returns
    -------
    dict of str to dict of str to array
        By estimator ("biased", "debiased") and condition ("original", "shuffled", "random"): a
        value a participant, or five.
    """
    L, rng = study.layers[layer], np.random.default_rng([seed, 82])
    found: dict[str, dict[str, list[float]]] = {
        e: {c: [] for c in ("original", "shuffled", "random")} for e in ("biased", "debiased")
    }
    for number in range(len(study.participants)):
        X = study.window(group, *window, number).mean(axis=2)
        K = alignment.gram(X, centre=True)
        orders = [rng.permutation(len(K)) for _ in range(5)]
        R = alignment.gram(rng.normal(size=X.shape), centre=True)
        for e, of in found.items():
            of["original"].append(alignment.cka_from_grams(K, L, e))
            of["shuffled"] += [alignment.cka_from_grams(K[np.ix_(o, o)], L, e) for o in orders]
            of["random"].append(alignment.cka_from_grams(R, L, e))
    return {e: {c: np.array(v) for c, v in of.items()} for e, of in found.items()}


def false_alarms(
    n_sets: int, *, n_images: int = 60, n_times: int = 121, n_permutations: int = 199, seed: int
) -> dict[str, Interval]:
    """Count how often each test finds something in noise that is correlated in time.

    Parameters
    ----------
    n_sets : int
        Data sets of noise over the occipital sensors.
    n_images, n_times, n_permutations : int
        Size of each, and its shuffles.
    seed : int
        Of all.

    Returns
    -------
    dict of str to Interval
        Share of data sets with p <= .05 at any time, exact binomial interval: "uncorrected", "max
        statistic", "cluster mass", and "cluster mass, each time alone" (shuffled on its own).
    """
    check_count("n_sets", n_sets, 1)
    names, places = ctf_helmet()
    places = places[[name[2] == "O" for name in names]]
    counts = dict.fromkeys(
        ("uncorrected", "max statistic", "cluster mass", "cluster mass, each time alone"), 0
    )
    for number in range(n_sets):
        rng = np.random.default_rng([seed, 83, number])
        field = ar_noise(n_images, n_times, places, rng)
        layer = {"layer": alignment.gram(rng.normal(size=(n_images, 50)), centre=True)}
        found = alignment.time_resolved_cka(
            {"O": [field]}, layer, np.arange(n_times), n_permutations, rng=rng
        )
        null = found.null[:, 0, 0]
        alone = np.stack([rng.permutation(null[:, time]) for time in range(n_times)], axis=1)
        broken = alignment.cluster_mass(found.values[0, 0], alone)
        smallest = (
            found.p_values.min(),
            found.p_values_fwe.min(),
            found.cluster_p("O", "layer"),
            min((c.p_value for c in broken), default=1.0),
        )
        for name, p_value in zip(counts, smallest, strict=True):
            counts[name] += int(p_value <= 0.05)
    return {name: Interval.of_share(count, n_sets) for name, count in counts.items()}
