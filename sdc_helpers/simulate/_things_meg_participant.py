"""One simulated participant of THINGS-MEG: helmet, noise, planted responses, and the two files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets.things_meg_files import (
    CATCH,
    DERIVATIVES,
    TABLES,
    attributes_file,
    concept_of,
    epochs_file,
)

if TYPE_CHECKING:
    import mne
    import pandas as pd

_MISSING = ("MRO11", "MLO41", "MRT37", "MLF14")  # the first as in the release, the others made up
_SUFFIX = "-1609"
_RADIUS, _EDGE = 0.11, 1.9  # of the helmet in metres, and its lowest sensors in radians from above
_N_SOURCES = 40
_SOURCE_SHARE, _SOURCE_AR, _SENSOR_AR = 0.8, 0.9, 0.5
_TRIALS_A_RUN = 227  # of the release: 27,048 trials in 120 runs, rounded up
_EVOKED = ((0.1, 0.02, 0.05, 1.0), (0.17, 0.03, 0.12, 0.7))  # peak, rise, decay (s), height (sd)
_LAYOUT, _NOISE, _COMMON, _SIGNAL = range(4)  # streams of random numbers


@dataclass(frozen=True)
class PlantedResponse:
    """Features of the images that a group of sensors follows, and when.

    Attributes
    ----------
    features : str
        Name of the features.
    group : str
        Letter of the group of sensors: O, T, P, C or F.
    peak : float
        Time of the largest response, seconds from the onset of the image.
    rise : float
        Standard deviation of the Gaussian rise before the peak, seconds.
    decay : float
        Time constant of the exponential decay after it, seconds.
    snr2 : float
        Variance of the response over images at its peak, over that of the noise of one trial; mean
        over the sensors of the group.
    """

    features: str
    group: str
    peak: float
    rise: float
    decay: float
    snr2: float

    def course(self, times: np.ndarray) -> np.ndarray:
        """Return the time course, 1 at its peak.

        Parameters
        ----------
        times : array of shape (n_times,)
            Seconds from the onset of the image.

        Returns
        -------
        array of shape (n_times,)
        """
        return time_course(times, self.peak, self.rise, self.decay)


@dataclass(frozen=True, eq=False)
class Plan:
    """What all participants have in common.

    `readouts` maps the name of features to a matrix (n_images, k) whose product with standard
    normal weights (k, n_sensors) has variance 1 on average.
    """

    images: tuple[str, ...]
    n_test: int
    n_sessions: int
    n_catch: int
    times: np.ndarray
    names: tuple[str, ...]
    places: np.ndarray
    readouts: dict[str, np.ndarray]
    planted: tuple[PlantedResponse, ...]
    field_spread: float
    split_size: str
    seed: int

    @property
    def test_images(self) -> range:
        """Indices of the images that are shown in every session."""
        return range(len(self.images) - self.n_test, len(self.images))

    def stream(self, participant: int, *index: int) -> np.random.Generator:
        """Random numbers of one purpose, of one participant."""
        return np.random.default_rng([self.seed, participant, *index])


def time_course(times: np.ndarray, peak: float, rise: float, decay: float) -> np.ndarray:
    """Rise as a Gaussian to 1 at the peak, and decay exponentially after it; all in seconds."""
    late = times - peak
    with np.errstate(over="ignore"):
        return np.where(late < 0, np.exp(-(late**2) / (2 * rise**2)), np.exp(-late / decay))


def ctf_helmet() -> tuple[tuple[str, ...], np.ndarray]:
    """Name 271 sensors, and place them in metres on a helmet that MNE's flat layout is bent to.

    Returns
    -------
    names : tuple of str
        Such as MLO11-1609, in the order of the layout.
    places : numpy.ndarray of shape (271, 3)
        x to the right, y to the front, z up, from the middle of the head.
    """
    import mne

    layout = mne.channels.read_layout("CTF-275")
    names = np.array([name.split("-")[0] for name in layout.names])
    kept = ~np.isin(names, _MISSING)
    flat = layout.pos[:, :2] - layout.pos[:, :2].mean(axis=0)
    radius = np.linalg.norm(flat, axis=1)
    angle = _EDGE * radius / radius.max()
    around = flat / radius[:, None]
    places = _RADIUS * np.column_stack([np.sin(angle)[:, None] * around, np.cos(angle)])
    return tuple(name + _SUFFIX for name in names[kept]), places[kept]


def write_participant(root: Path, number: int, plan: Plan) -> None:
    """Write the epochs, in as many parts as they need, and the table of a participant."""
    import mne

    table, shown = _metadata(plan, plan.stream(number, _LAYOUT))
    codes = table["things_image_nr"].fillna(CATCH).to_numpy(int)
    n = len(codes)
    participant = f"P{number}"
    onsets = 300 * np.arange(1, n + 1)  # samples; a trial every 1.5 s
    epochs = mne.EpochsArray(
        responses(number, plan, shown),
        _info(plan),
        np.column_stack([onsets, np.zeros(n, int), codes]),
        tmin=float(plan.times[0]),
        metadata=table,
        baseline=None,
        verbose="error",
    )
    file = root / DERIVATIVES / epochs_file(participant)
    file.parent.mkdir(parents=True, exist_ok=True)
    epochs.save(file, split_size=plan.split_size, verbose="error")
    csv = root / TABLES / attributes_file(participant)
    csv.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(csv, index=False)


def responses(number: int, plan: Plan, shown: np.ndarray) -> np.ndarray:
    """Responses (n_trials, n_sensors, n_times) in standard deviations of each trial's baseline.

    `shown` holds the index of each trial's image, -1 where there is none.
    """
    n_times = len(plan.times)
    field = ar_noise(len(shown), n_times, plan.places, plan.stream(number, _NOISE))
    field += _common(plan, plan.stream(number, _COMMON))
    has_image = shown >= 0
    for index, planted in enumerate(plan.planted):
        of_group = np.array([name[2] == planted.group for name in plan.names])
        rng = plan.stream(number, _SIGNAL, index)
        readout = plan.readouts[planted.features]
        weights = rng.standard_normal((readout.shape[1], int(of_group.sum())))
        pattern = readout @ weights @ _blur(plan.places[of_group], plan.field_spread).T
        signal = np.sqrt(planted.snr2) * pattern[shown[has_image]].astype(np.float32)
        course = planted.course(plan.times).astype(np.float32)
        where = np.ix_(has_image, of_group)
        field[where] += signal[:, :, None] * course
    return z_score(field, plan.times <= 0)


def z_score(field: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Subtract the mean of each trial's and sensor's baseline, and divide by its deviation."""
    before = field[:, :, baseline]
    mean = before.mean(axis=2, keepdims=True, dtype=float)
    deviation = before.std(axis=2, keepdims=True, dtype=float)
    return (field - mean) / deviation


def ar_noise(
    n_trials: int, n_times: int, places: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw noise of variance 1 that is correlated in time and between neighbouring sensors.

    Parameters
    ----------
    n_trials, n_times : int
        Trials, and samples of each.
    places : array of shape (n_sensors, 3)
        Places of the sensors, metres.
    rng : numpy.random.Generator
        Source of all.

    Returns
    -------
    float32 array of shape (n_trials, n_sensors, n_times)
        80 % of the variance from 40 sources whose fields are spread over the sensors (first-order
        autoregression, 0.9 from sample to sample), 20 % each sensor's own (0.5).
    """
    sources = places[rng.integers(len(places), size=_N_SOURCES)]
    distance = np.linalg.norm(places[:, None] - sources, axis=2)
    fields = np.exp(-(distance**2) / (2 * (_RADIUS / 3) ** 2)) * rng.choice([-1, 1], _N_SOURCES)
    fields *= np.sqrt(_SOURCE_SHARE) / np.linalg.norm(fields, axis=1, keepdims=True)
    activity = _autoregression((n_times, n_trials, _N_SOURCES), _SOURCE_AR, rng)
    total = _autoregression((n_times, n_trials, len(places)), _SENSOR_AR, rng)
    total *= np.float32(np.sqrt(1 - _SOURCE_SHARE))
    total += activity @ fields.T.astype(np.float32)
    return np.ascontiguousarray(np.moveaxis(total, 0, 2))


def _autoregression(
    shape: tuple[int, int, int], coefficient: float, rng: np.random.Generator
) -> np.ndarray:
    """Stationary series along the first axis, variance 1."""
    series = rng.standard_normal(shape, dtype=np.float32)
    fresh = np.float32(np.sqrt(1 - coefficient**2))
    for step in range(1, shape[0]):
        series[step] *= fresh
        series[step] += np.float32(coefficient) * series[step - 1]
    return series


def _blur(places: np.ndarray, spread: float) -> np.ndarray:
    """Weights (n_sensors, n_sensors) that spread independent values, and keep their variance."""
    if spread == 0:
        return np.eye(len(places))
    distance = np.linalg.norm(places[:, None] - places, axis=2)
    weights = np.exp(-(distance**2) / (2 * spread**2))
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _common(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Response (n_sensors, n_times) that every trial has, whatever is shown."""
    blur = _blur(plan.places, max(plan.field_spread, _RADIUS / 3))
    total = np.zeros((len(plan.names), len(plan.times)), np.float32)
    for peak, rise, decay, height in _EVOKED:
        pattern = height * (blur @ rng.standard_normal(len(plan.names)))
        total += np.outer(pattern, time_course(plan.times, peak, rise, decay)).astype(np.float32)
    return total


def _metadata(plan: Plan, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Table of the trials in the release's columns, and the index of the image of each."""
    import pandas as pd

    test = np.array(plan.test_images)
    per_session = np.array_split(np.full(plan.n_catch, -1), plan.n_sessions)
    shown, sessions, runs = [], [], []
    for session, catch in enumerate(per_session, start=1):
        once = np.arange(session - 1, test[0], plan.n_sessions)
        trials = rng.permutation(np.concatenate([once, test, catch]))
        shown.append(trials)
        sessions.append(np.full(len(trials), session))
        runs.append(np.arange(len(trials)) // _TRIALS_A_RUN + 1)
    order = np.concatenate(shown)
    names = [plan.images[k] for k in order]
    is_test, is_catch = order >= test[0], order < 0
    concepts = [concept_of(name) or name for name in plan.images]
    numbers = {concept: k for k, concept in enumerate(sorted(set(concepts)), start=1)}
    paths = [
        f"images_catch_meg/catch{k % 10:02d}.jpg" if catch
        else f"images_test_meg/{name}" if tested
        else f"images_meg/{concept_of(name)}/{name}"
        for k, (name, tested, catch) in enumerate(zip(names, is_test, is_catch, strict=True))
    ]  # fmt: skip
    category = np.array([numbers[concept] for concept in concepts])[order]
    table = pd.DataFrame(
        {
            "trial_type": np.select([is_catch, is_test], ["catch", "test"], "exp"),
            "session_nr": np.concatenate(sessions),
            "run_nr": np.concatenate(runs),
            "image_path": paths,
            "things_image_nr": np.where(is_catch, np.nan, order + 1),
            "things_category_nr": np.where(is_catch, np.nan, category),
            "category_nr": np.where(is_catch, np.nan, category),
            "test_image_nr": np.where(is_test, order - test[0] + 1, np.nan),
        }
    )
    return table, order


def _info(plan: Plan) -> mne.Info:
    """Measurement information: CTF gradiometers that look away from the middle of the head."""
    import mne
    from mne.io.constants import FIFF

    step = float(np.mean(np.diff(plan.times)))
    info = mne.create_info(list(plan.names), 1 / step, "mag", verbose="error")
    for channel, place in zip(info["chs"], plan.places, strict=True):
        out = place / np.linalg.norm(place)
        across = np.cross(out, [0.0, 0.0, 1.0] if abs(out[2]) < 0.9 else [1.0, 0.0, 0.0])
        across /= np.linalg.norm(across)
        channel["coil_type"] = FIFF.FIFFV_COIL_CTF_GRAD
        channel["loc"][:] = np.concatenate([place, across, np.cross(out, across), out])
    return info
