"""Simulated THINGS-MEG participants whose sensors follow known features at known times.

The files have the names, columns and number types of the release, and are split into parts as
these are, so that the same reader opens both. What was planted is in ``truth.json`` beside them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers._files import atomic_folder, check_unused, write_json
from sdc_helpers.datasets.things_meg_files import GROUPS
from sdc_helpers.simulate._things_meg_participant import (
    Plan,
    PlantedResponse,
    ar_noise,
    ctf_helmet,
    write_participant,
)
from sdc_helpers.simulate._things_participant import readout
from sdc_helpers.simulate.things import checked_images, things_images

__all__ = [
    "PLANTED_RESPONSES",
    "MEGTruth",
    "PlantedResponse",
    "ar_noise",
    "ctf_helmet",
    "load_meg_truth",
    "write_things_meg",
]

GENERATOR_VERSION = 1
PLANTED_RESPONSES: tuple[PlantedResponse, ...] = (
    PlantedResponse("low", "O", 0.100, 0.020, 0.050, 0.10),
    PlantedResponse("high", "T", 0.170, 0.030, 0.120, 0.05),
    PlantedResponse("high", "O", 0.190, 0.040, 0.100, 0.03),
)
"""Low features in occipital sensors, later high ones in temporal sensors, and weakly in occipital
ones. A squared signal-to-noise ratio of 0.1 is a noise ceiling of 55 % for 12 repeats."""


@dataclass(frozen=True)
class MEGTruth:
    """What was planted in simulated recordings.

    Attributes
    ----------
    seed, generator_version : int
        Seed of everything that was drawn, and the version of the code that drew it.
    participants : tuple of str
        Names of the participants.
    planted : tuple of PlantedResponse
        Which features which sensors follow, and when.
    n_features : dict of str to int
        Number of columns of each set of features.
    images, test_images : tuple of str
        File names; the image of index k has the THINGS number k + 1. Test images come last.
    sampling : tuple of three floats
        First and last sample, seconds from the onset of the image, and samples a second.
    field_spread : float
        Distance in metres over which neighbouring sensors share weights.
    """

    seed: int
    generator_version: int
    participants: tuple[str, ...]
    planted: tuple[PlantedResponse, ...]
    n_features: dict[str, int]
    images: tuple[str, ...]
    test_images: tuple[str, ...]
    sampling: tuple[float, float, float]
    field_spread: float


def write_things_meg(
    root: str | Path,
    features: Mapping[str, np.ndarray],
    planted: Sequence[PlantedResponse] = PLANTED_RESPONSES,
    images: Sequence[str] | None = None,
    n_participants: int = 4,
    n_sessions: int = 4,
    n_test: int = 10,
    n_catch: int = 20,
    window: tuple[float, float] = (-0.1, 0.5),
    sfreq: float = 200.0,
    sensors: Sequence[str] | None = None,
    field_spread: float = 0.03,
    split_size: str = "2GB",
    seed: int = 0,
) -> Path:
    """Write simulated participants in the files of THINGS-MEG.

    Sensor s of a group with planted features X (images, d) answers to image i at time t with

        field = e_s(t) + sqrt(snr2) a(t) x_i w_s + noise,    w ~ N(0, 1),

    where X is centred and scaled to a mean squared row norm of 1, a(t) is 1 at its peak, and e is
    the same for all images. Weights are drawn anew in each participant, and neighbouring sensors
    of the group share them over `field_spread`; other groups get nothing, though a real field
    would reach them. Noise has variance 1, comes from 40 sources that many sensors see, and is
    correlated in time. Then each trial and sensor is z-scored on its own baseline, as in the
    release.

    Images are shown once, dealt over the sessions in turn, and test images in every session, among
    catch trials, in an order of each participant's own.

    Parameters
    ----------
    root : path-like
        Folder to make; what is not there yet or is empty. It appears only when it is complete.
    features : mapping of str to array of shape (n_images, d)
        Features of the images under the names that `planted` uses, a row an image.
    planted : sequence of PlantedResponse, default=PLANTED_RESPONSES
        Which group of sensors follows which features, and when.
    images : sequence of str, optional
        File names such as ``dog_12s.jpg``; the last `n_test` are the test images. By default two
        images of each of as many concepts as the features have rows for.
    n_participants : int, default=4
        Participants.
    n_sessions : int, default=4
        Sessions, at least 2: the number of times a test image is shown.
    n_test : int, default=10
        Test images, at least 2.
    n_catch : int, default=20
        Catch trials.
    window : tuple of two floats, default=(-0.1, 0.5)
        First and last sample of a trial, seconds; the release ends at 1.3.
    sfreq : float, default=200.0
        Samples a second.
    sensors : sequence of str, optional
        Names of the sensors to write, such as ``MLO12-1609``; by default 271.
    field_spread : float, default=0.03
        Metres over which weights are shared, 0 for none.
    split_size : str, default="2GB"
        Largest size of a part; about 1 MB beside the data is the least that MNE can write.
    seed : int, default=0
        Seed of everything that is drawn: the same seed and arguments give the same responses.

    Returns
    -------
    pathlib.Path
        `root`, holding ``derivatives``, ``sourcedata`` and ``truth.json``.

    Raises
    ------
    ValueError
        If an argument is not one of the above, or `root` holds something already.

    See Also
    --------
    sdc_helpers.datasets.THINGSMEG : The reader of these files and of the release.
    load_meg_truth : What was planted.
    """
    root = Path(root)
    check_unused(root)
    for name, value, least in (
        ("n_participants", n_participants, 1),
        ("n_sessions", n_sessions, 2),
        ("n_test", n_test, 2),
        ("n_catch", n_catch, 0),
        ("seed", seed, 0),
    ):
        check_count(name, value, least)
    checked = _checked_features(features)
    n_images = len(next(iter(checked.values())))
    if images is None:
        images = things_images(max((n_images - n_test) // 2, 2), 2, n_test)
    images = checked_images(images, n_test)
    if len(images) != n_images:
        raise ValueError(f"features have {n_images} rows; expected one for each of {len(images)}.")
    names, places = _checked_sensors(sensors)
    plan = Plan(
        images=images,
        n_test=n_test,
        n_sessions=n_sessions,
        n_catch=n_catch,
        times=_checked_times(window, sfreq),
        names=names,
        places=places,
        readouts={name: readout(X) for name, X in checked.items()},
        planted=_checked_planted(planted, checked, names),
        field_spread=_not_negative("field_spread", field_spread),
        split_size=split_size,
        seed=seed,
    )
    with atomic_folder(root) as folder:
        for number in range(1, n_participants + 1):
            write_participant(folder, number, plan)
        widths = {name: X.shape[1] for name, X in checked.items()}
        write_json(folder / "truth.json", _truth(plan, n_participants, widths, sfreq))
    return root


def load_meg_truth(root: str | Path) -> MEGTruth:
    """Load what `write_things_meg` planted.

    Parameters
    ----------
    root : path-like
        The folder that it wrote.

    Returns
    -------
    MEGTruth
        What was planted.

    Raises
    ------
    ValueError
        If ``truth.json`` is missing or was not written by `write_things_meg`.
    """
    file = Path(root) / "truth.json"
    try:
        truth = json.loads(file.read_text(encoding="utf-8"))
        return MEGTruth(
            seed=truth["seed"],
            generator_version=truth["generator_version"],
            participants=tuple(truth["participants"]),
            planted=tuple(PlantedResponse(**planted) for planted in truth["planted"]),
            n_features=truth["n_features"],
            images=tuple(truth["images"]),
            test_images=tuple(truth["test_images"]),
            sampling=tuple(truth["sampling"]),
            field_spread=truth["field_spread"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} holds no truth of simulated MEG ({error!r}); expected the folder that "
            "write_things_meg wrote. The release has no truth."
        ) from error


def _truth(plan: Plan, n_participants: int, widths: dict[str, int], sfreq: float) -> dict:
    return {
        "simulated": True,
        "generator": "sdc_helpers.simulate.things_meg",
        "generator_version": GENERATOR_VERSION,
        "seed": plan.seed,
        "participants": [f"P{number}" for number in range(1, n_participants + 1)],
        "planted": [asdict(planted) for planted in plan.planted],
        "n_features": widths,
        "images": list(plan.images),
        "test_images": [plan.images[k] for k in plan.test_images],
        "sampling": [float(plan.times[0]), float(plan.times[-1]), float(sfreq)],
        "field_spread": plan.field_spread,
    }


def _checked_features(features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not features:
        raise ValueError("features is empty; expected features of the images under a name.")
    checked = {name: as_array(f"features[{name!r}]", X, float) for name, X in features.items()}
    rows = {name: X.shape[0] if X.ndim == 2 else X.shape for name, X in checked.items()}
    if len(set(rows.values())) > 1 or any(X.ndim != 2 for X in checked.values()):
        raise ValueError(f"features must all be (n_images, d) with one n_images; got {rows}.")
    for name, X in checked.items():
        if not np.isfinite(X).all() or not (X[:1] != X).any():
            raise ValueError(f"features[{name!r}] must be finite and differ between images.")
    return checked


def _checked_sensors(sensors: Sequence[str] | None) -> tuple[tuple[str, ...], np.ndarray]:
    names, places = ctf_helmet()
    if sensors is None:
        return names, places
    row = {name: k for k, name in enumerate(names)}
    unknown = [name for name in sensors if name not in row]
    if unknown or len(set(sensors)) < len(sensors) or not sensors:
        wrong = f"{unknown[0]!r}" if unknown else "a name twice, or none"
        raise ValueError(f"sensors holds {wrong}; expected names of the helmet, {names[0]} first.")
    chosen = [row[name] for name in sensors]
    return tuple(sensors), places[chosen]


def _checked_times(window: tuple[float, float], sfreq: float) -> np.ndarray:
    low, high = window
    if not (_not_negative("sfreq", sfreq) and low < -1 / sfreq and high > 0):
        raise ValueError(
            f"window={window!r} at {sfreq} samples a second: expected two samples or more before "
            "0, for the baseline, and some after it, in seconds."
        )
    return np.arange(round(low * sfreq), round(high * sfreq) + 1) / sfreq


def _checked_planted(
    planted: Sequence[PlantedResponse], features: Mapping[str, np.ndarray], names: Sequence[str]
) -> tuple[PlantedResponse, ...]:
    for response in planted:
        if response.features not in features or response.group not in GROUPS:
            raise ValueError(
                f"{response}: expected features out of {list(features)} and a group out of "
                f"{list(GROUPS)}."
            )
        if not any(name[2] == response.group for name in names):
            raise ValueError(f"{response}: there is no sensor of this group.")
        if not (response.rise > 0 and response.decay > 0 and response.snr2 >= 0):
            raise ValueError(f"{response}: expected rise and decay above 0, and snr2 of 0 or more.")
    return tuple(planted)


def _not_negative(name: str, value: float) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < np.inf:
        raise ValueError(f"{name}={value!r}: expected a number of 0 or more.")
    return float(value)
