"""THINGS-fMRI, table form: responses of three participants to photographs of 720 object concepts.

Every participant saw 8,640 training images (12 a concept) once each and 100 test images in each of
12 sessions (Hebart et al. 2023, eLife 12:e82580). The table form has one row a voxel and one column
a trial, about 211,000 x 9,840 numbers or 16 GB a participant; only the voxels asked for are read.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sdc_helpers.datasets import _things_files as files
from sdc_helpers.datasets._things_files import KEY, RESPONSES, STIMULI, VOXELS
from sdc_helpers.datasets._things_responses import THINGSAlignment, THINGSResponses
from sdc_helpers.datasets.errors import DataFormatError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "KEY",
    "RESPONSES",
    "STIMULI",
    "VOXELS",
    "THINGSAlignment",
    "THINGSResponses",
    "THINGSfMRI",
]


class THINGSfMRI:
    """Reader of a folder with THINGS-fMRI in table form, or a simulation of it.

    A participant has three files, ``sub-01_ResponseData.h5``, ``sub-01_VoxelMetadata.csv`` and
    ``sub-01_StimulusMetadata.csv``. Files of participants that are not asked for are not opened,
    and no pickle in any of them is ever loaded.

    Parameters
    ----------
    root : path-like
        The folder of the files, or the one that holds them as ``betas_csv``.

    Raises
    ------
    DataFormatError
        If there is no such file.

    Examples
    --------
    >>> things = THINGSfMRI("betas_csv")  # doctest: +SKIP
    >>> v1 = things.responses("sub-01", roi="V1")  # doctest: +SKIP
    >>> v1.align(image_names, one_per_concept=True)  # doctest: +SKIP

    References
    ----------
    Hebart et al. (2023), "THINGS-data, a multimodal collection of large-scale datasets for
    investigating object representations in human brain and behavior", eLife 12:e82580.
    """

    def __init__(self, root: str | Path) -> None:
        self.folder = files.find_folder(Path(root))
        self._participants = files.find_participants(self.folder)
        self._tables: dict[tuple[str, str], pd.DataFrame] = {}

    @property
    def participants(self) -> tuple[str, ...]:
        """Names of the participants, sorted."""
        return self._participants

    def voxels(self, participant: str) -> pd.DataFrame:
        """List what is known about each voxel.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "sub-01".

        Returns
        -------
        pandas.DataFrame
            The voxel table with the file's rows and columns: ``voxel_id``, position in the volume
            (``voxel_x``, ``voxel_y``, ``voxel_z``), noise ceilings in percent
            (``nc_singletrial``, ``nc_testset``), and a boolean column a ROI.

        Raises
        ------
        ValueError
            If there is no such participant.
        DataFormatError
            If the file is not a voxel table; the message names it.
        """
        return self._table(participant, files.VOXELS).copy()

    def stimuli(self, participant: str) -> pd.DataFrame:
        """List what was shown in each trial.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "sub-01".

        Returns
        -------
        pandas.DataFrame
            A row a trial in the order of the response columns: ``trial`` (from 0), ``trial_type``
            ("train" or "test"), ``session``, ``run`` (as in the file, from 1), ``image``,
            ``concept``.

        Raises
        ------
        ValueError
            If there is no such participant.
        DataFormatError
            If the file is not a stimulus table; the message names it.
        """
        table = self._table(participant, files.STIMULI).copy()
        table.insert(0, "trial", np.arange(len(table)))
        return table

    def rois(self, participant: str) -> dict[str, int]:
        """List the regions of interest and their sizes.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "sub-01".

        Returns
        -------
        dict of str to int
            Number of voxels of each ROI, in the order of the file. ROIs may overlap or be empty.

        Raises
        ------
        ValueError
            If there is no such participant.
        DataFormatError
            If the file is not a voxel table; the message names it.
        """
        table = self._table(participant, files.VOXELS)
        return {name: int(table[name].sum()) for name in files.roi_names(table)}

    def responses(
        self,
        participant: str,
        roi: str | Sequence[str] | Sequence[int] | np.ndarray | None = None,
        trial_type: Literal["train", "test", "all"] = "train",
        repeated: Literal["average", "keep"] = "average",
        bad_voxels: Literal["raise", "exclude", "keep"] = "raise",
    ) -> THINGSResponses:
        """Read the responses of some voxels.

        Besides the result, or twice the result where voxels are excluded, this takes about 100 MB.

        Parameters
        ----------
        participant : str
            Name of the participant, such as "sub-01".
        roi : str, sequence of str, boolean mask or voxel ids, optional
            A ROI, several (their union), a boolean mask over the rows of `voxels`, or voxel ids,
            whose order is kept. Default: every voxel of the brain.
        trial_type : {"train", "test", "all"}, default="train"
            Training images were shown once, test images in every session.
        repeated : {"average", "keep"}, default="average"
            "average": one row an image, the mean over its trials, sorted by file name, so that
            participants have the same order. "keep": one row a trial, in the order shown.
        bad_voxels : {"raise", "exclude", "keep"}, default="raise"
            What to do with voxels that hold NaN or infinity, or the same value in every row: raise
            an error that counts them, leave them out, or keep them as they are. The result names
            them either way.

        Returns
        -------
        THINGSResponses
            Responses, images, voxels and their noise ceilings.

        Raises
        ------
        ValueError
            If an argument is not one of the above, no voxel or trial is left, or voxels are bad.
        DataFormatError
            If a file is missing, damaged or not what its name says, or the three files disagree
            about the voxels or the number of trials.
        """
        _check_choice("trial_type", trial_type, (*files.TRIAL_TYPES, "all"))
        _check_choice("repeated", repeated, ("average", "keep"))
        _check_choice("bad_voxels", bad_voxels, ("raise", "exclude", "keep"))
        voxels = self._table(participant, files.VOXELS)
        stimuli = self._table(participant, files.STIMULI)
        chosen = voxels.iloc[_select_voxels(voxels, roi, participant)]
        voxel_ids = chosen["voxel_id"].to_numpy()
        trials = np.flatnonzero((stimuli["trial_type"] == trial_type) | (trial_type == "all"))
        if len(trials) == 0:
            raise ValueError(f"trial_type={trial_type!r}: {participant} has no such trial.")
        rows = _group_trials(stimuli["image"].to_numpy(dtype=str), trials, repeated)
        with files.open_responses(self._file(participant, files.RESPONSES)) as table:
            _check_agreement(table, voxels, stimuli)
            responses, is_nan, is_constant = _read(table, voxel_ids, rows)
        is_bad = is_nan | is_constant
        if is_bad.any() and (bad_voxels == "raise" or (bad_voxels == "exclude" and is_bad.all())):
            raise ValueError(
                f"bad_voxels={bad_voxels!r}: of the {len(is_bad)} voxels read of {participant} "
                f"{is_nan.sum()} are not finite and {is_constant.sum()} constant, the first has "
                f"id {voxel_ids[is_bad][0]}. Pass 'exclude' to leave such voxels out (some must "
                "be left), or 'keep'."
            )
        if is_bad.any() and bad_voxels == "exclude":
            chosen, responses = chosen[~is_bad], responses[:, ~is_bad]
        return THINGSResponses(
            responses=responses,
            images=stimuli["image"].to_numpy(dtype=str)[rows.first],
            concepts=stimuli["concept"].to_numpy(dtype=str)[rows.first],
            n_averaged=rows.counts,
            trials=trials if repeated == "keep" else None,
            voxel_ids=chosen["voxel_id"].to_numpy(),
            nc_singletrial=chosen["nc_singletrial"].to_numpy(dtype=float),
            nc_testset=chosen["nc_testset"].to_numpy(dtype=float),
            nan_voxels=voxel_ids[is_nan],
            constant_voxels=voxel_ids[is_constant],
        )

    def _file(self, participant: str, kind: str) -> Path:
        return self.folder / f"{participant}_{kind}"

    def _table(self, participant: str, kind: str) -> pd.DataFrame:
        """Voxel or stimulus table, read once."""
        if participant not in self._participants:
            raise ValueError(
                f"participant={participant!r} is unknown; {self.folder} holds "
                f"{', '.join(self._participants)}."
            )
        if (participant, kind) not in self._tables:
            read = files.read_voxels if kind == files.VOXELS else files.read_stimuli
            self._tables[participant, kind] = read(self._file(participant, kind))
        return self._tables[participant, kind]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which trials make up each row of a result.

    Row r is the mean of the trials ``trials[starts[r] : starts[r] + counts[r]]``.
    """

    trials: np.ndarray
    starts: np.ndarray
    counts: np.ndarray

    @property
    def first(self) -> np.ndarray:
        return self.trials[self.starts]


def _group_trials(images: np.ndarray, trials: np.ndarray, repeated: str) -> _Rows:
    if repeated == "keep":
        return _Rows(trials, np.arange(len(trials)), np.ones(len(trials), dtype=int))
    ordered = trials[np.argsort(images[trials], kind="stable")]
    _, starts, counts = np.unique(images[ordered], return_index=True, return_counts=True)
    return _Rows(ordered, starts, counts)


def _read(
    table: files.ResponseTable, voxel_ids: np.ndarray, rows: _Rows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses (rows of the result, voxels), averaged in float64; which are NaN or constant."""
    sorter = np.argsort(table.voxel_ids)
    wanted = sorter[np.searchsorted(table.voxel_ids, voxel_ids, sorter=sorter)]
    n_rows, n_voxels = len(rows.starts), len(voxel_ids)
    responses = np.empty((n_rows, n_voxels), dtype=np.float32)
    is_nan, is_constant = np.empty(n_voxels, dtype=bool), np.empty(n_voxels, dtype=bool)
    for columns, block in table.iter_rows(wanted):
        sums = np.add.reduceat(block[:, rows.trials], rows.starts, axis=1, dtype=float)
        means = (sums / rows.counts).astype(np.float32)
        responses[:, columns] = means.T
        is_nan[columns] = ~np.isfinite(means).all(axis=1)
        is_constant[columns] = n_rows > 1 and (means == means[:, :1]).all(axis=1)
    return responses, is_nan, is_constant


def _check_agreement(
    table: files.ResponseTable, voxels: pd.DataFrame, stimuli: pd.DataFrame
) -> None:
    if table.n_trials != len(stimuli):
        raise DataFormatError(
            f"{table.file} has {table.n_trials} trials, but {files.STIMULI} has {len(stimuli)} "
            "rows; expected one a trial. One of the two is cut off or of another participant."
        )
    differ = np.setxor1d(table.voxel_ids, voxels["voxel_id"].to_numpy())
    if len(differ):
        raise DataFormatError(
            f"{table.file} has {len(table.voxel_ids)} voxels and {files.VOXELS} {len(voxels)}; "
            f"{len(differ)} ids are in one of them only, {differ[:3].tolist()} first. One of the "
            "two is cut off or of another participant."
        )


def _select_voxels(voxels: pd.DataFrame, roi: object, participant: str) -> np.ndarray:
    """Rows of the voxel table that `roi` asks for."""
    if roi is None:
        return np.arange(len(voxels))
    asked = np.atleast_1d(np.asarray(roi))
    if asked.ndim == 1 and asked.dtype.kind == "b":
        if len(asked) != len(voxels):
            raise ValueError(
                f"roi is a mask of {len(asked)} voxels; {participant} has {len(voxels)}."
            )
        rows = np.flatnonzero(asked)
    elif asked.ndim == 1 and asked.dtype.kind in "iu" and len(asked):
        rows = _rows_of_ids(voxels, asked, participant)
    elif asked.ndim == 1 and asked.dtype.kind in "UTO" and len(asked):
        rows = np.flatnonzero(np.any([_roi_mask(voxels, n, participant) for n in asked], axis=0))
    else:
        raise ValueError(
            f"roi={reprlib.repr(roi)}: expected the name of a ROI, a list of names, a boolean "
            "mask over the voxels, or a list of voxel ids."
        )
    if len(rows) == 0:
        raise ValueError(f"roi={reprlib.repr(roi)} holds no voxel of {participant}.")
    return rows


def _rows_of_ids(voxels: pd.DataFrame, ids: np.ndarray, participant: str) -> np.ndarray:
    import pandas as pd

    if len(np.unique(ids)) < len(ids):
        raise ValueError("roi names a voxel id twice; expected each once.")
    rows = pd.Index(voxels["voxel_id"]).get_indexer(ids)
    if (rows < 0).any():
        known = voxels["voxel_id"]
        raise ValueError(
            f"roi: {participant} has no voxel {ids[rows < 0][0]}; its ids run from {known.min()} "
            f"to {known.max()}."
        )
    return rows


def _roi_mask(voxels: pd.DataFrame, name: object, participant: str) -> np.ndarray:
    known = files.roi_names(voxels)
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or known[:5]
        raise ValueError(
            f"roi={str(name)!r} is unknown; the nearest of the {len(known)} ROIs of {participant} "
            f"are {', '.join(near)}."
        )
    return voxels[name].to_numpy()


def _check_choice(argument: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{argument}={value!r} is unknown; expected one of {list(allowed)}.")
