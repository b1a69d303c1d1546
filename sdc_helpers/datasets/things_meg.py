"""THINGS-MEG: magnetic fields over the heads of four participants who saw 22,448 images.

Every participant saw 22,248 images (12 of each of 1,854 concepts) once and 200 test images in each
of 12 sessions (Hebart et al. 2023, eLife 12:e82580). The preprocessed epochs have 271 sensors of a
CTF helmet and 281 samples a trial, 8.2 GB a participant; they are read 100 trials at a time.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sdc_helpers.datasets import things_meg_files as files
from sdc_helpers.datasets._things_meg_responses import THINGSMEGAlignment, THINGSMEGResponses
from sdc_helpers.datasets.errors import unreadable
from sdc_helpers.datasets.things_meg_files import CATCH, GROUPS

if TYPE_CHECKING:
    import mne
    import pandas as pd

__all__ = ["CATCH", "GROUPS", "THINGSMEG", "THINGSMEGAlignment", "THINGSMEGResponses"]

_SLICE = 100  # trials that are read at once
_SLACK = 1e-6  # seconds by which a sample may lie outside of a window


class THINGSMEG:
    """Reader of the preprocessed epochs of THINGS-MEG, or a simulation of them.

    A participant has ``derivatives/preprocessed/preprocessed_P1-epo.fif``, which may go on in
    ``preprocessed_P1-epo-1.fif`` and so on, and ``sourcedata/sample_attributes_P1.csv``, the same
    table as the metadata of the epochs. Files of participants that are not asked for are not
    opened.

    Parameters
    ----------
    root : path-like
        The folder of the release, or the one that holds the epochs.

    Raises
    ------
    DataFormatError
        If there is no such file.

    Examples
    --------
    >>> meg = THINGSMEG("THINGS-MEG")  # doctest: +SKIP
    >>> occipital = meg.responses("P1", group="O", window=(0.1, 0.15))  # doctest: +SKIP
    >>> occipital.align(image_names, one_per_concept=True)  # doctest: +SKIP

    References
    ----------
    Hebart et al. (2023), "THINGS-data, a multimodal collection of large-scale datasets for
    investigating object representations in human brain and behavior", eLife 12:e82580.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.folder = files.find_folder(self.root)
        self._participants = files.find_participants(self.folder)
        self._opened: dict[str, _Recording] = {}

    @property
    def participants(self) -> tuple[str, ...]:
        """Names of the participants, sorted."""
        return self._participants

    def sensors(self, participant: str) -> pd.DataFrame:
        """List the sensors.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "P1".

        Returns
        -------
        pandas.DataFrame
            A row a sensor in the order of the file: ``name``, ``group`` (O occipital, T temporal,
            P parietal, C central, F frontal), ``side`` (L, R, Z the midline), and its position
            ``x``, ``y``, ``z`` in metres. Reference sensors are left out.

        Raises
        ------
        ValueError
            If there is no such participant.
        DataFormatError
            If the recording is damaged, incomplete or of another system; the message names it.
        """
        return self._recording(participant).sensors.copy()

    def stimuli(self, participant: str) -> pd.DataFrame:
        """List what was shown in each trial.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "P1".

        Returns
        -------
        pandas.DataFrame
            A row a trial in the order shown: ``trial`` (from 0), ``trial_type`` ("exp", "test" or
            "catch"), ``session``, ``run`` (as in the file, from 1), ``number`` (of THINGS, from 1;
            999999 in catch trials), ``image``, ``concept``.

        Raises
        ------
        ValueError
            If there is no such participant.
        DataFormatError
            If trials and metadata do not fit each other, or the recording is damaged or
            incomplete; the message names the file.
        """
        table = self._recording(participant).stimuli.copy()
        table.insert(0, "trial", np.arange(len(table)))
        return table

    def times(self, participant: str) -> np.ndarray:
        """List the samples of a trial.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "P1".

        Returns
        -------
        numpy.ndarray of float, shape (n_times,)
            Seconds from the onset of the image.
        """
        return self._recording(participant).epochs.times.copy()

    def responses(
        self,
        participant: str,
        group: str | Sequence[str] | None = None,
        window: tuple[float, float] | None = None,
        trial_type: Literal["exp", "test", "catch"] = "exp",
        repeated: Literal["average", "keep"] = "average",
        bad: Literal["raise", "exclude"] = "raise",
    ) -> THINGSMEGResponses:
        """Read the responses of some sensors in some trials.

        Besides the result, 100 trials of all sensors and samples are in memory at once.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "P1".
        group : str or sequence of str, optional
            A group of sensors by its letter ("O", "T", "P", "C", "F"), or several; by default all.
        window : tuple of two floats, optional
            First and last time in seconds from the onset of the image, both included: 0.1 to 0.15
            are 11 samples at 200 Hz. By default the whole trial.
        trial_type : {"exp", "test", "catch"}, default="exp"
            Images that were shown once, test images, which were shown in every session, or trials
            without an image of THINGS.
        repeated : {"average", "keep"}, default="average"
            "average": one row an image, the mean over its trials, sorted by image number, so that
            participants have the same order. "keep": one row a trial, in the order shown.
        bad : {"raise", "exclude"}, default="raise"
            What to do with trials that hold NaN or infinity, and with sensors that have the same
            value in every trial and sample read: raise an error that names them, or leave them
            out. The result names them.

        Returns
        -------
        THINGSMEGResponses
            Responses, images, sensors and times.

        Raises
        ------
        ValueError
            If an argument is not one of the above, no sensor, sample or trial is left, or trials
            or sensors are bad.
        DataFormatError
            If a file is missing, damaged or not what its name says, or trials and metadata do not
            fit each other.
        """
        _check_choice("trial_type", trial_type, files.TRIAL_TYPES)
        _check_choice("repeated", repeated, ("average", "keep"))
        _check_choice("bad", bad, ("raise", "exclude"))
        recording = self._recording(participant)
        sensors = recording.sensors[_of_group(recording.sensors, group)]
        samples = _in_window(recording.epochs.times, window)
        stimuli = recording.stimuli
        trials = np.flatnonzero(stimuli["trial_type"] == trial_type)
        if len(trials) == 0:
            raise ValueError(f"trial_type={trial_type!r}: {participant} has no such trial.")
        numbers = stimuli["number"].to_numpy()[trials]
        rows = np.arange(len(trials))
        if repeated == "average":
            rows = np.unique(numbers, return_inverse=True)[1]
        names = sensors["name"].tolist()
        read = _read(recording, trials, rows, names, samples)
        if bad == "raise":
            _check_good(read, trials, names, participant)
        kept, good = read.counts > 0, ~read.is_constant
        if not kept.any() or not good.any():
            raise ValueError(
                f"Of {participant} no trial or no sensor is left without the bad ones."
            )
        first = trials[np.unique(rows, return_index=True)[1]][kept]
        responses = read.means
        if not (kept.all() and good.all()):
            responses = responses[kept][:, good]
        return THINGSMEGResponses(
            responses=responses,
            numbers=stimuli["number"].to_numpy()[first],
            images=stimuli["image"].to_numpy(dtype=str)[first],
            concepts=stimuli["concept"].to_numpy(dtype=str)[first],
            n_averaged=read.counts[kept],
            trials=first if repeated == "keep" else None,
            sensors=sensors["name"].to_numpy(dtype=str)[good],
            groups=sensors["group"].to_numpy(dtype=str)[good],
            times=recording.epochs.times[samples],
            nan_trials=read.nan_trials,
            constant_sensors=tuple(np.array(names)[~good].tolist()),
        )

    def _recording(self, participant: str) -> _Recording:
        """Open a participant's recording once."""
        if participant not in self._participants:
            raise ValueError(
                f"participant={participant!r} is unknown; {self.folder} holds "
                f"{', '.join(self._participants)}."
            )
        if participant not in self._opened:
            file = self.folder / files.epochs_file(participant)
            epochs = files.open_epochs(file)
            csv = self.root / files.TABLES / files.attributes_file(participant)
            sensors = files.sensor_table(epochs, file)
            stimuli = files.stimulus_table(epochs, file, csv)
            self._opened[participant] = _Recording(file, epochs, sensors, stimuli)
        return self._opened[participant]


@dataclass(frozen=True, eq=False)
class _Recording:
    """An open recording, its sensors and what was shown."""

    file: Path
    epochs: mne.BaseEpochs
    sensors: pd.DataFrame
    stimuli: pd.DataFrame


@dataclass(frozen=True, eq=False)
class _Read:
    """Means of shape (n_rows, n_sensors, n_samples), the trials in each, and what was bad."""

    means: np.ndarray
    counts: np.ndarray
    nan_trials: np.ndarray
    is_constant: np.ndarray


def _read(
    recording: _Recording, trials: np.ndarray, rows: np.ndarray, names: list[str], samples: slice
) -> _Read:
    """Read trials in slices; means are taken in float64 where a row has several trials."""
    counts = np.zeros(rows.max() + 1, dtype=int)
    several = len(counts) < len(rows)
    n_samples = samples.stop - samples.start
    sums = np.zeros((len(counts), len(names), n_samples), dtype=float if several else np.float32)
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    nan_trials: list[int] = []
    for start in range(0, len(trials), _SLICE):
        chosen, to = trials[start : start + _SLICE], rows[start : start + _SLICE]
        block = _block(recording, chosen, names)[:, :, samples]
        finite = np.isfinite(block).all(axis=(1, 2))
        nan_trials += chosen[~finite].tolist()
        if not finite.all():
            block, to = block[finite], to[finite]
        if len(block):
            low, high = np.minimum(low, block.min((0, 2))), np.maximum(high, block.max((0, 2)))
        for row, response in zip(to, block, strict=True):
            sums[row] += response
        np.add.at(counts, to, 1)
    if several:
        sums /= np.maximum(counts, 1)[:, None, None]
    is_constant = (low >= high) & (len(trials) * n_samples > 1)
    return _Read(
        sums.astype(np.float32, copy=False), counts, np.array(nan_trials, int), is_constant
    )


def _block(recording: _Recording, trials: np.ndarray, names: list[str]) -> np.ndarray:
    try:
        return recording.epochs[trials].get_data(picks=names, copy=False, verbose="error")
    except Exception as error:  # whatever MNE's reader raises
        where = f"read in trials {trials[0]} to {trials[-1]}"
        raise unreadable(recording.file, error, where) from error


def _check_good(read: _Read, trials: np.ndarray, names: list[str], participant: str) -> None:
    if len(read.nan_trials):
        raise ValueError(
            f"bad='raise': of the {len(trials)} trials read of {participant} "
            f"{len(read.nan_trials)} hold NaN or infinity, trial {read.nan_trials[0]} first. Pass "
            "'exclude' to leave such trials out; never fill them."
        )
    if read.is_constant.any():
        constant = np.array(names)[read.is_constant].tolist()
        raise ValueError(
            f"bad='raise': {len(constant)} of {len(names)} sensors of {participant} have the same "
            f"value in all trials and samples read: {reprlib.repr(constant)}. Such a sensor was "
            "off; pass 'exclude' to leave it out."
        )


def _of_group(sensors: pd.DataFrame, group: str | Sequence[str] | None) -> np.ndarray:
    asked = list(GROUPS) if group is None else [group] if isinstance(group, str) else list(group)
    for letter in asked:
        if letter not in GROUPS:
            known = ", ".join(f"{key} {name}" for key, name in GROUPS.items())
            raise ValueError(f"group={letter!r} is unknown; expected a letter: {known}.")
    mask = sensors["group"].isin(asked).to_numpy()
    if not mask.any():
        raise ValueError(f"group={group!r}: no sensor of this group was recorded.")
    return mask


def _in_window(times: np.ndarray, window: tuple[float, float] | None) -> slice:
    low, high = (times[0], times[-1]) if window is None else window
    inside = np.flatnonzero((times >= low - _SLACK) & (times <= high + _SLACK))
    outside = low < times[0] - _SLACK or high > times[-1] + _SLACK
    if len(inside) == 0 or outside:
        hint = " It seems to be in milliseconds." if max(abs(low), abs(high)) > 10 else ""
        raise ValueError(
            f"window={window!r}: expected seconds from {times[0]:g} to {times[-1]:g}, the first "
            f"before the last, with a sample between them.{hint}"
        )
    return slice(int(inside[0]), int(inside[-1]) + 1)


def _check_choice(argument: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{argument}={value!r} is unknown; expected one of {list(allowed)}.")
