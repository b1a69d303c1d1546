"""Where the files of the Natural Scenes Dataset lie under its root, and which of them are there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets._nifti import Grid, read_grid
from sdc_helpers.datasets.errors import DataFormatError, is_folder, is_there, listed

SPACE = "func1pt8mm"
AXES = "RAS"  # of the released volumes and betas: from left, back and bottom
BETAS = "betas_fithrf_GLMdenoise_RR"
N_IMAGES = 73_000
_PARTICIPANT = re.compile(r"subj\d{2}")
_SESSION = re.compile(r"betas_session(\d{2})\.hdf5")
_HEMISPHERE = re.compile(r"^[lr]h\.")


@dataclass(frozen=True)
class Tree:
    """The folder that holds ``nsddata``, ``nsddata_betas`` and ``nsddata_stimuli``, or some of it.

    Asking for a path opens nothing.
    """

    root: Path

    def participants(self) -> tuple[str, ...]:
        """Names of the participants of whom anything is there, ascending."""
        folders = (self.root / top / "ppdata" for top in ("nsddata", "nsddata_betas"))
        names = {path.name for folder in folders for path in listed(folder, "subj*")}
        return tuple(sorted(name for name in names if _PARTICIPANT.fullmatch(name)))

    def check_participant(self, participant: str) -> str:
        """Return the name if the participant is there; otherwise say who is."""
        known = self.participants()
        if participant in known:
            return participant
        if not known:
            raise ValueError(
                f"participant={participant!r}: there is no participant under {self.root}; expected "
                "nsddata/ppdata/subj01 or nsddata_betas/ppdata/subj01. Point root at the folder "
                "that holds nsddata and nsddata_betas."
            )
        raise ValueError(
            f"participant={participant!r} is not in {self.root}; the nearest is "
            f"{nearest(participant, known)!r}, and there are {', '.join(known)}."
        )

    def sessions(self, participant: str) -> dict[int, Path]:
        """Map the sessions whose betas are there, ascending, to their files."""
        files = listed(self.betas(participant), "betas_*")
        matches = ((_SESSION.fullmatch(file.name), file) for file in files)
        return dict(sorted((int(match[1]), path) for match, path in matches if match))

    def session_files(self, participant: str, sessions: Sequence[int] | None) -> dict[int, Path]:
        """Map the sessions asked for, in that order, to their files of betas."""
        known = self.sessions(participant)
        there = ", ".join(map(str, known)) or "none"
        folder = self.betas(participant)
        if sessions is None:
            if not known:
                raise DataFormatError(
                    f"{folder} holds no betas_session01.hdf5 or the like; download the betas of "
                    f"{participant} there."
                )
            return known
        wanted = np.atleast_1d(np.asarray(sessions))
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu" or len(wanted) == 0:
            raise ValueError(f"sessions={sessions!r}: expected whole numbers such as [1, 2].")
        if len(np.unique(wanted)) != len(wanted):
            raise ValueError(f"sessions={wanted.tolist()} names a session twice.")
        missing = [int(s) for s in wanted if int(s) not in known]
        if missing:
            raise ValueError(
                f"sessions={wanted.tolist()}: no betas of session {missing[0]} of {participant}; "
                f"expected {folder / f'betas_session{missing[0]:02d}.hdf5'}. Sessions there: "
                f"{there}."
            )
        return {int(s): known[int(s)] for s in wanted}

    def betas(self, participant: str) -> Path:
        """Folder of a participant's betas."""
        return self.root / "nsddata_betas" / "ppdata" / participant / SPACE / BETAS

    def functional(self, participant: str) -> Path:
        """Folder of a participant's volumes."""
        return self.root / "nsddata" / "ppdata" / participant / SPACE

    def ncsnr(self, participant: str) -> Path:
        """Released noise-ceiling signal-to-noise ratio."""
        return self.betas(participant) / "ncsnr.nii.gz"

    def brainmask(self, participant: str) -> Path:
        """Mask outside which the betas are 0."""
        return self.functional(participant) / "brainmask.nii.gz"

    def reference(self, participant: str) -> Grid | None:
        """Return the grid that a participant's volumes are laid onto; None if no file has it.

        It is that of the brain mask, or of the released ncsnr where that one has the released
        axes and the mask has not.
        """
        files = (self.brainmask(participant), self.ncsnr(participant))
        grids = [read_grid(file, "a volume of the participant") for file in files if is_there(file)]
        return min(grids, key=lambda g: (not g.is_placed, g.axes != AXES), default=None)

    def responses(self, participant: str) -> Path:
        """Behaviour, one row a trial."""
        return self.root / "nsddata" / "ppdata" / participant / "behav" / "responses.tsv"

    def stim_info(self) -> Path:
        """One row an image."""
        return self.root / "nsddata" / "experiments" / "nsd" / "nsd_stim_info_merged.csv"

    def stimuli(self) -> Path:
        """All images."""
        return self.root / "nsddata_stimuli" / "stimuli" / "nsd" / "nsd_stimuli.hdf5"

    def captions(self, split: str) -> Path:
        """COCO captions of a split such as ``train2017``."""
        return self.root / "annotations" / f"captions_{split}.json"

    def rois(self, participant: str) -> dict[str, Path]:
        """Map the names of the ROI volumes that are there, ascending, to their files."""
        folder = self.functional(participant) / "roi"
        if not is_folder(folder):
            raise DataFormatError(
                f"{folder} is not there; expected ROI volumes such as nsdgeneral.nii.gz. Download "
                f"nsddata/ppdata/{participant}/{SPACE}/roi."
            )
        return {p.name.removesuffix(".nii.gz"): p for p in listed(folder, "*.nii.gz")}

    def label_table(self, participant: str, roi: str) -> Path:
        """Names of the labels of a ROI volume; both hemispheres share one table."""
        name = f"{_HEMISPHERE.sub('', roi)}.mgz.ctab"
        return self.root / "nsddata" / "freesurfer" / participant / "label" / name


def nearest(value: object, known: Sequence[str]) -> str:
    """Return the entry of `known` that is spelt most like `value`."""
    return difflib.get_close_matches(str(value), known, n=1, cutoff=0.0)[0]


def check_image_ids(ids: object, n_images: int, argument: str = "ids") -> np.ndarray:
    """Return 1-based image ids as int64 of shape (n,), or name the one that cannot be one."""
    array = np.atleast_1d(np.asarray(ids))
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{argument}: expected whole numbers of shape (n,), 73KIDs from 1 to {n_images}; got "
            f"dtype {array.dtype} and shape {array.shape}."
        )
    bad = (array < 1) | (array > n_images)
    if bad.any():
        value = int(array[bad][0])
        hint = "73KIDs count from 1; the 0-based nsdId is one less. " if value == 0 else ""
        raise ValueError(
            f"{argument} holds {value}, expected 1 to {n_images}. {hint}"
            f"{int(bad.sum())} of {len(array)} ids are outside."
        )
    return array.astype(np.int64)
