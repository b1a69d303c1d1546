"""What the chapter on layers in time measures on simulated MEG, and on noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import check_count
from sdc_helpers.alignment.time import TimeResolvedCKA
from sdc_helpers.measures import Interval
from sdc_helpers.simulate.things_meg import ar_noise, ctf_helmet
from sdc_helpers.studies.meg_study import MEGStudy


def peak_ms(curves: Sequence[TimeResolvedCKA], group: str, layer: str) -> np.ndarray:
    """Return when a curve is highest in each seed, in milliseconds."""
    return np.array([1e3 * c.times[c.values[c.at(group, layer)].argmax()] for c in curves])


def first_ms(curves: Sequence[TimeResolvedCKA], group: str, layer: str) -> np.ndarray:
    """Return the first significant time in each seed (ms), NaN where there is none."""
    times = [c.significant(group, layer) for c in curves]
    return np.array([1e3 * t[0] if len(t) else np.nan for t in times])


def order_ms(curves: Sequence[TimeResolvedCKA]) -> Interval:
    """Return how much later high is found in temporal than low in occipital sensors (ms).

    Parameters
    ----------
    curves : sequence of TimeResolvedCKA
        One a seed.

    Returns
    -------
    Interval
        Over seeds; without ends where an onset is missing in any of them.
    """
    later = first_ms(curves, "T", "high") - first_ms(curves, "O", "low")
    if np.isfinite(later).all():
        return Interval.over_seeds(later)
    return Interval(float("nan"), -np.inf, np.inf, by_seed=later)


def count_significant(curves: Sequence[TimeResolvedCKA], which: Sequence[tuple]) -> Interval:
    """Count the significant points of some curves.

    Parameters
    ----------
    curves : sequence of TimeResolvedCKA
        One a seed.
    which : sequence of (group, layer)
        Curves to count in.

    Returns
    -------
    Interval
        The count, mean over seeds.
    """
    counts = [sum(len(c.significant(*w)) for w in which) for c in curves]
    return Interval.over_seeds(np.array(counts))


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
    found: dict[str, dict[str, list[list[float]]]] = {
        kind: {e: [] for e in ("biased", "debiased")} for kind in ("meg", "random")
    }
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
    study: MEGStudy,
    layer: str,
    *,
    seed: int,
    group: str = "O",
    window: tuple[float, float] = (0.1, 0.15),
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
        X = study.window(group, window[0], window[1], number).mean(axis=2)
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
