"""Real evoked fields of one participant, which come with MNE-Python: a check of what reads MEG.

Responses to tones and checkerboards, the mean of only three to six trials; no images. One of the
sensors is bad, and is not marked as such: its noise is thirty times that of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET, FILE = "meg_evoked", "test-ave.fif.gz"
REGIONS = tuple(
    f"{side}-{lobe}" for side in ("Left", "Right")
    for lobe in ("temporal", "parietal", "occipital", "frontal")
)  # fmt: skip
"""Regions of the helmet that `MEGEvoked.in_region` knows."""


@dataclass(frozen=True, eq=False)
class MEGEvoked:
    """Evoked fields of several conditions.

    Attributes
    ----------
    conditions : tuple of str
        Names of the conditions, such as "Right visual": the half of the visual field.
    n_averaged : tuple of int
        Trials that each is the mean of.
    fields : numpy.ndarray of shape (n_conditions, n_sensors, n_times)
        Mean of the samples before 0 subtracted; tesla per metre (gradiometers) or tesla.
    times : numpy.ndarray of shape (n_times,)
        Seconds from the onset of the stimulus.
    sensors : tuple of str
        Names of the 306 sensors, such as "MEG 0113".
    is_gradiometer : numpy.ndarray of bool, shape (n_sensors,)
        Two thirds of the sensors; the others are magnetometers.
    places : numpy.ndarray of shape (n_sensors, 3)
        Places in metres: x to the right, y to the front, z up.
    """

    conditions: tuple[str, ...]
    n_averaged: tuple[int, ...]
    fields: np.ndarray
    times: np.ndarray
    sensors: tuple[str, ...]
    is_gradiometer: np.ndarray
    places: np.ndarray

    def in_region(self, region: str) -> np.ndarray:
        """Say which sensors lie in a region.

        Parameters
        ----------
        region : str
            One of `REGIONS`, such as "Right-occipital".

        Returns
        -------
        numpy.ndarray of bool, shape (n_sensors,)

        Raises
        ------
        ValueError
            If there is no such region.
        """
        import mne

        if region not in REGIONS:
            raise ValueError(f"region={region!r} is unknown; expected one of {list(REGIONS)}.")
        return np.isin(self.sensors, mne.read_vectorview_selection(region))


def load_meg_evoked(root: str | Path | None = None) -> MEGEvoked:
    """Load the evoked fields of all MEG sensors, none left out.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        Folder that holds ``test-ave.fif.gz``. By default the registered file, fetched if
        necessary.

    Returns
    -------
    MEGEvoked
        Four conditions, 306 sensors, 421 samples.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the file is neither on disk nor can be fetched.
    DataFormatError
        If the file is missing in `root` or cannot be read.

    References
    ----------
    Gramfort et al. (2013), "MEG and EEG data analysis with MNE-Python", Frontiers in Neuroscience
    7:267.
    """
    file = (fetch(DATASET) if root is None else Path(root).expanduser()) / FILE
    require_file(file, f"the evoked fields (`sdc data fetch {DATASET}`)")
    import mne

    try:
        evoked = mne.read_evokeds(file, proj=False, baseline=None, verbose="error")
    except Exception as error:  # MNE's readers raise whatever a wrong byte leads to
        raise unreadable(file, error, "read as MNE evoked responses") from error
    picks = mne.pick_types(evoked[0].info, meg=True, exclude=())
    if len(picks) == 0:
        raise DataFormatError(f"{file} holds no MEG sensor; expected 306.")
    grad = mne.pick_types(evoked[0].info, meg="grad", exclude=())
    fields = np.stack([one.data[picks] for one in evoked])
    times = evoked[0].times
    return MEGEvoked(
        conditions=tuple(one.comment for one in evoked),
        n_averaged=tuple(int(one.nave) for one in evoked),
        fields=fields - fields[:, :, times < 0].mean(axis=2, keepdims=True),
        times=times,
        sensors=tuple(evoked[0].ch_names[k] for k in picks),
        is_gradiometer=np.isin(picks, grad),
        places=np.array([evoked[0].info["chs"][k]["loc"][:3] for k in picks]),
    )
