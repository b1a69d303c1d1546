"""The Natural Scenes Dataset (Allen et al. 2022): trials, betas, pictures, captions and regions.

One reader for the released files, for part of them, and for simulated participants in the same
layout. Nothing is opened before it is asked for, and no session has to fit in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers._paths import cache_root
from sdc_helpers.datasets import _nsd_tables as tables
from sdc_helpers.datasets._nifti import Affine
from sdc_helpers.datasets._nsd_betas import inspect_session
from sdc_helpers.datasets._nsd_cache import cached_array, digest, entry_name
from sdc_helpers.datasets._nsd_ceilings import fill_ncsnr
from sdc_helpers.datasets._nsd_files import N_IMAGES, Tree, check_image_ids, nearest
from sdc_helpers.datasets._nsd_request import BetasRequest, ZScore, make_request
from sdc_helpers.datasets._nsd_stimuli import read_stimuli
from sdc_helpers.datasets._nsd_volumes import ROI, read_roi, read_volume
from sdc_helpers.datasets.errors import DataFormatError, is_folder, require_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NSD", "ROI"]


class NSD:
    """A folder with the files of the Natural Scenes Dataset, or with some of them.

    Parameters
    ----------
    root : path-like
        Folder that holds ``nsddata``, ``nsddata_betas``, ``nsddata_stimuli`` and, for captions,
        COCO's ``annotations``.
    cache : path-like or False, optional
        Where `betas` keeps its results. Default: ``nsd`` in the folder of caches, which is
        ``cache`` in the data folder unless ``SDC_CACHE`` names another. False keeps them in
        memory only. The folder may be deleted at any time.

    Raises
    ------
    ValueError
        If `root` is not a folder. Every method raises a ValueError for an argument that does not
        fit what is there, and a DataFormatError (a ValueError) for a file that is missing or is
        not what its name says; both say what was expected.

    See Also
    --------
    sdc_helpers.studies.open_study : Opens simulated participants, or real ones by this reader.

    References
    ----------
    Allen et al. (2022), Nature Neuroscience 25, 116-126.
    """

    def __init__(self, root: str | Path, cache: str | Path | Literal[False] | None = None) -> None:
        self.root = Path(root).expanduser()
        if not is_folder(self.root):
            raise ValueError(
                f"root={str(root)!r} is not a folder; expected the one that holds nsddata."
            )
        if cache is True:
            raise ValueError("cache=True: expected a folder, None for the default, or False.")
        self.cache = None if cache is False else Path(cache or cache_root() / "nsd")
        self._tree = Tree(self.root)
        self._captions: dict[str, dict[int, list[str]]] = {}

    def __repr__(self) -> str:
        return f"NSD({str(self.root)!r})"

    @property
    def participants(self) -> tuple[str, ...]:
        """Names of the participants of whom any file is there, ascending."""
        return self._tree.participants()

    def sessions(self, participant: str) -> tuple[int, ...]:
        """List the sessions of a participant whose betas are there, ascending; maybe none."""
        return tuple(self._tree.sessions(self._tree.check_participant(participant)))

    def trials(
        self,
        participant: str,
        sessions: Sequence[int] | None = None,
        with_betas: bool = False,
    ) -> pd.DataFrame:
        """Table of what was shown when, and what the participant answered.

        Parameters
        ----------
        participant : str
            Name of the participant, such as ``"subj01"``.
        sessions : sequence of int, optional
            Sessions, in the order wanted; all by default.
        with_betas : bool, default=False
            Keep only sessions whose betas are there, and check that these have as many trials.
            The rows are then those of ``betas(participant, sessions=sessions)``.

        Returns
        -------
        pandas.DataFrame
            One row a trial, in order of showing within a session: participant (str); session,
            run, trial (int, from 1); trial_index (int, from 0, place among all trials of the
            participant); image_id (int, the 73KID, from 1); repetition (1, 2, 3: how often the
            image had been shown, this time included, in any session); is_shared (bool, one of
            the 1000 images that all participants see); then every other column of
            ``responses.tsv`` in lower case.
        """
        file = self._tree.responses(self._tree.check_participant(participant))
        table = tables.read_responses(file, participant)
        info = tables.image_info(
            self._stim_info, table["image_id"].to_numpy(), self._tree.stim_info()
        )
        table.insert(7, "is_shared", info["is_shared"].to_numpy())
        if with_betas:
            self._check_trial_counts(participant, sessions, table)
            sessions = tuple(self._tree.session_files(participant, sessions))
        if sessions is None:
            return table
        return _select_sessions(table, sessions, file)

    def _check_trial_counts(
        self, participant: str, sessions: Sequence[int] | None, table: pd.DataFrame
    ) -> None:
        counts = table["session"].value_counts()
        for number, file in self._tree.session_files(participant, sessions).items():
            n_betas, n_rows = inspect_session(file).n_trials, int(counts.get(number, 0))
            if n_betas != n_rows:
                raise DataFormatError(
                    f"{self._tree.responses(participant)} has {n_rows} trials of session {number}, "
                    f"but {file} has {n_betas}; expected as many. One of the two is cut short or "
                    "of another release."
                )

    def betas(
        self,
        participant: str,
        voxels: Any = None,
        sessions: Sequence[int] | None = None,
        zscore: ZScore = None,
        train: Any = None,
        bad_voxels: Literal["raise", "exclude", "keep"] = "raise",
    ) -> np.ndarray:
        """Single-trial responses of some voxels.

        Parameters
        ----------
        participant : str
            Name of the participant, such as ``"subj01"``.
        voxels : array-like, optional
            A bool mask in the axis order of the NIfTI files, (X, Y, Z), whose voxels come in C
            order; or integers counted from 0, (n, 3) coordinates x, y, z or (n,) C-order
            indices, whose order is kept. Default: the voxels of ``brainmask``.
        sessions : sequence of int, optional
            Sessions, in the order wanted; all whose betas are there by default.
        zscore : {"session", "train"}, optional
            Z-score each voxel within each session, with the mean and population standard
            deviation (ddof=0) of all its trials, or of its training trials alone. Only the latter
            lets nothing of the test trials into the training data.
        train : array-like of bool, shape (n_trials,), optional
            The training trials among the rows of the result; for ``zscore="train"``, needed there.
        bad_voxels : {"raise", "exclude", "keep"}, default="raise"
            What to do if a voxel has one value in all (training) trials of a session; betas that
            could not be estimated are stored as 0. "exclude" leaves out the voxels that
            `bad_voxels` marks; "keep" leaves them in, as NaN where z-scores do not exist.

        Returns
        -------
        float32 array of shape (n_trials, n_voxels)
            Percent signal change, or z-scores. A read-only memory map of a file in the cache
            unless the reader was made with ``cache=False``. Beside the result, less than 300 MB
            are held in memory, however many the sessions (for files in which one compressed chunk
            is small, as all released ones).
        """
        _check_choice("bad_voxels", bad_voxels, ("raise", "exclude", "keep"))
        request = self._request(participant, voxels, sessions, zscore, train)
        if bad_voxels == "exclude":
            request = request.without(self._bad_voxels(request))
        strict = bad_voxels != "keep"
        return self._compute(
            request,
            {"kind": "betas", "strict": strict},
            request.shape,
            np.float32,
            lambda out: request.read(out, strict),
        )

    def bad_voxels(
        self,
        participant: str,
        voxels: Any = None,
        sessions: Sequence[int] | None = None,
        train: Any = None,
    ) -> np.ndarray:
        """Find the voxels that have no z-score in at least one session.

        Parameters
        ----------
        participant, voxels, sessions, train
            Parameters of `betas`, which describes them.

        Returns
        -------
        bool array of shape (n_voxels,)
            True where a voxel has one value in all (training) trials of one of the sessions.
        """
        zscore = None if train is None else "train"
        return self._bad_voxels(self._request(participant, voxels, sessions, zscore, train))

    def train_ncsnr(self, participant: str, voxels: Any, train: Any) -> np.ndarray:
        """Noise-ceiling SNR of z-scored betas in training trials alone, however many voxels.

        Parameters
        ----------
        participant, voxels, train
            As in `betas`; all sessions.

        Returns
        -------
        float64 array of shape (n_voxels,)
            As `sdc_helpers.datasets.ncsnr` estimates it, NaN where a voxel has one value in all
            trials of a session. It is kept in the cache, the betas that it needs are not.
        """
        request = self._request(participant, voxels, None, "session", None)
        ids = self.trials(participant, with_betas=True)["image_id"].to_numpy()
        used = as_array("train", train)
        options = {"kind": "ncsnr", "used": [digest(ids), digest(used)]}
        fill = partial(fill_ncsnr, request, ids, used)
        return self._compute(request, options, request.shape[1:], np.float64, fill)

    def _bad_voxels(self, request: BetasRequest) -> np.ndarray:
        options, shape = {"kind": "bad_voxels"}, request.shape[1:]
        return self._compute(request, options, shape, np.bool_, request.find_constant)

    def _compute(self, request, options, shape, dtype, fill) -> np.ndarray:
        if self.cache is None:
            result = np.empty(shape, dtype)
            fill(result)
            return result
        files = [session.file for session in request.sessions.values()]
        name = entry_name(self.root, files, request.identity() | options)
        return cached_array(self.cache, name, shape, dtype, fill)

    def _request(self, participant, voxels, sessions, zscore, train) -> BetasRequest:
        files = self._tree.session_files(self._tree.check_participant(participant), sessions)
        if voxels is None:
            voxels = self.brainmask(participant)
        return make_request(participant, files, voxels, zscore, train)

    def stimuli(self, ids: Any) -> np.ndarray:
        """Pictures by image id.

        Parameters
        ----------
        ids : array-like of int, shape (n,)
            73KIDs, from 1; any order, duplicates allowed.

        Returns
        -------
        uint8 array of shape (n, height, width, 3)
            Pictures in the order of `ids`; 425 x 425 pixels in the released file.

        Raises
        ------
        ValueError
            If an id is no image of the dataset.
        DataUnavailableError
            If the file of the stimuli is missing.
        DataFormatError
            If it is damaged.
        """
        return read_stimuli(self._tree.stimuli(), ids)

    def captions(self, ids: Any) -> list[list[str]]:
        """Captions by image id.

        Parameters
        ----------
        ids : array-like of int, shape (n,)
            73KIDs, from 1; any order, duplicates allowed.

        Returns
        -------
        list of list of str
            COCO's captions (mostly five) of each image, in the order of `ids`. They describe the
            whole COCO photograph, of which NSD shows a square part.

        Raises
        ------
        ValueError
            If an id is no image of the dataset.
        DataUnavailableError
            If the files of COCO's captions are missing.
        DataFormatError
            If a file is damaged, or has no caption of an image.
        """
        ids = check_image_ids(ids, N_IMAGES)
        info = tables.image_info(self._stim_info, ids, self._tree.stim_info())
        captions = []
        for image_id, coco_id, split in zip(ids, info["cocoId"], info["cocoSplit"], strict=True):
            file = self._tree.captions(split)
            if split not in self._captions:
                self._captions[split] = tables.read_captions(file)
            if coco_id not in self._captions[split]:
                raise DataFormatError(
                    f"{file} has no caption of image {image_id} (cocoId {coco_id}); expected "
                    "COCO's captions of 2017, complete."
                )
            captions.append(list(self._captions[split][coco_id]))
        return captions

    def rois(self, participant: str) -> tuple[str, ...]:
        """List the ROI volumes of a participant that are there, such as ``"lh.floc-faces"``."""
        return tuple(self._tree.rois(self._tree.check_participant(participant)))

    def roi(self, participant: str, name: str) -> ROI:
        """Regions of interest with the names of their labels.

        Every volume of a participant (ROIs, `ncsnr`, `brainmask`) is compared with the affine of
        the brain mask. One whose axes run otherwise is turned; one that lies elsewhere, by more
        than a tenth of a voxel, or does not say where it lies is refused.

        Parameters
        ----------
        participant : str
            Name of the participant, such as ``"subj01"``.
        name : str
            One of ``rois(participant)``; ``lh.`` and ``rh.`` volumes hold one hemisphere.

        Returns
        -------
        ROI

        Raises
        ------
        ValueError
            If the participant or the ROI does not exist.
        DataFormatError
            If the volume is damaged, or does not fit the betas.
        """
        files = self._tree.rois(self._tree.check_participant(participant))
        if name not in files:
            closest = f" The nearest is {nearest(name, tuple(files))!r}." if files else ""
            raise ValueError(
                f"name={name!r}: no such ROI of {participant}; there are {list(files)}.{closest}"
            )
        table = self._tree.label_table(participant, name)
        return read_roi(participant, name, files[name], table, self._tree.reference(participant))

    def ncsnr(self, participant: str) -> np.ndarray:
        """Released noise-ceiling signal-to-noise ratio, float32 (X, Y, Z); saw all trials."""
        file = self._tree.ncsnr(self._tree.check_participant(participant))
        volume = read_volume(file, "the noise-ceiling SNR", self._tree.reference(participant))
        return volume.astype(np.float32)

    def brainmask(self, participant: str) -> np.ndarray:
        """Liberal mask of the brain, bool (X, Y, Z); the betas outside it are 0."""
        file = self._tree.brainmask(self._tree.check_participant(participant))
        content = "a mask of the brain; or pass voxels yourself"
        return read_volume(file, content, self._tree.reference(participant)) > 0

    def affine(self, participant: str) -> Affine:
        """Affine from voxel indices (x, y, z) to millimetres, (4, 4), of the brain mask.

        Its attribute ``space`` is what the header says of those millimetres: "MNI", or for the
        released volumes the participant's own space.
        """
        file = self._tree.brainmask(self._tree.check_participant(participant))
        require_file(file, "the volume whose header has the affine")
        return self._tree.reference(participant).affine

    @cached_property
    def _stim_info(self) -> pd.DataFrame:
        return tables.read_stim_info(self._tree.stim_info())


def _select_sessions(table: pd.DataFrame, sessions: Sequence[int], file: Path) -> pd.DataFrame:
    import pandas as pd

    groups = dict(list(table.groupby("session")))
    missing = [s for s in sessions if s not in groups]
    if missing:
        raise ValueError(
            f"sessions={list(sessions)}: {file} has no trial of session {missing[0]}; it has "
            f"sessions {sorted(groups)}."
        )
    return pd.concat([groups[s] for s in sessions], ignore_index=True)


def _check_choice(argument: str, value: object, allowed: tuple) -> None:
    if value not in allowed:
        raise ValueError(f"{argument}={value!r} is unknown; expected one of {list(allowed)}.")
