"""What is asked of a participant's betas, checked against the files, and how it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sdc_helpers.datasets._nsd_betas import Session, inspect_session, read_session, standardise
from sdc_helpers.datasets._nsd_cache import digest
from sdc_helpers.datasets._nsd_volumes import voxel_indices
from sdc_helpers.datasets.errors import DataFormatError

ZScore = Literal["session", "train"] | None
_SCAN_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class BetasRequest:
    """Some voxels of a participant in some sessions.

    Attributes
    ----------
    participant : str
        Name of the participant, such as ``"subj01"``.
    sessions : dict of int to Session
        The sessions, in the order of the rows.
    voxels : int64 array of shape (n_voxels,)
        C-order indices into the (X, Y, Z) grid that all sessions have.
    zscore : {"session", "train"} or None
        How betas are standardised, see `sdc_helpers.datasets.nsd.NSD.betas`.
    train : bool array of shape (n_trials,) or None
        The training trials, at least two in each session.
    """

    participant: str
    sessions: dict[int, Session]
    voxels: np.ndarray
    zscore: ZScore
    train: np.ndarray | None

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the result, (n_trials, n_voxels)."""
        return sum(session.n_trials for session in self.sessions.values()), len(self.voxels)

    def identity(self) -> dict[str, object]:
        """Return what the result depends on besides the files, as JSON can hold it."""
        return {
            "voxels": digest(self.voxels),
            "zscore": self.zscore,
            "train": digest(self.train),
        }

    def without(self, bad: np.ndarray) -> BetasRequest:
        """Leave out the voxels that are marked."""
        if bad.all():
            raise ValueError(
                f"bad_voxels='exclude' leaves no voxel of {self.participant}: all {len(bad)} are "
                "constant in some session."
            )
        return replace(self, voxels=self.voxels[~bad])

    def read(self, out: np.ndarray, strict: bool) -> None:
        """Fill a float32 array, session by session; if strict, no voxel may be constant."""
        constant = {}
        for number, session, rows, train in self._parts():
            read_session(session, self.voxels, out[rows])
            constant[number] = np.zeros(len(self.voxels), dtype=bool)
            standardise(out[rows], self.zscore is not None, train, constant[number])
        if strict:
            self._raise_if_any(constant)

    def find_constant(self, out: np.ndarray) -> None:
        """Fill a bool array, (n_voxels,): whether a voxel is constant in some session."""
        out[:] = False
        for _, session, _, train in self._parts():
            width = max(1, _SCAN_BYTES // (4 * session.n_trials))
            for first in range(0, len(out), width):
                part = slice(first, first + width)
                betas = np.empty((session.n_trials, len(out[part])), dtype=np.float32)
                read_session(session, self.voxels[part], betas)
                standardise(betas, False, train, out[part])

    def _parts(self) -> Iterator[tuple[int, Session, slice, np.ndarray | None]]:
        """Yield each session's number, its file, its rows, and which of them are for training."""
        first = 0
        for number, session in self.sessions.items():
            rows = slice(first, first + session.n_trials)
            yield number, session, rows, None if self.train is None else self.train[rows]
            first = rows.stop

    def _check_train(self) -> None:
        for number, _, _, train in self._parts():
            if train is not None and train.sum() < 2:
                raise ValueError(
                    f"train: session {number} of {self.participant} has {train.sum()} training "
                    "trials; a mean and a standard deviation need at least 2."
                )

    def _raise_if_any(self, constant: dict[int, np.ndarray]) -> None:
        bad = np.any(list(constant.values()), axis=0)
        if not bad.any():
            return
        where = [number for number, flags in constant.items() if flags.any()]
        grid = next(iter(self.sessions.values())).grid
        first = tuple(int(i) for i in np.unravel_index(self.voxels[bad][0], grid))
        raise ValueError(
            f"{bad.sum()} of {len(bad)} voxels of {self.participant} have one value in all "
            f"{'' if self.train is None else 'training '}trials of a session (sessions {where}; "
            f"the first voxel is {first}), so that they have no z-score; NSD stores 0 where a beta "
            "could not be estimated. Leave them out with bad_voxels='exclude' (of NSD.betas and "
            "load_participants; NSD.bad_voxels tells which)."
        )


def make_request(
    participant: str, files: dict[int, Path], voxels: Any, zscore: ZScore, train: Any
) -> BetasRequest:
    """Check a request against the files, of which only the headers are read."""
    if zscore not in (None, "session", "train"):
        raise ValueError(f"zscore={zscore!r} is unknown; expected None, 'session' or 'train'.")
    sessions = {number: inspect_session(file) for number, file in files.items()}
    first = next(iter(sessions.values()))
    for session in sessions.values():
        if session.grid != first.grid:
            raise DataFormatError(
                f"{session.file} has the grid (X, Y, Z) = {session.grid}, but {first.file.name} "
                f"has {first.grid}; expected one grid a participant."
            )
    index = voxel_indices(voxels, first.grid)
    n_trials = sum(session.n_trials for session in sessions.values())
    flags = _train_flags(train, zscore, n_trials)
    request = BetasRequest(participant, sessions, index, zscore, flags)
    request._check_train()
    return request


def _train_flags(train: Any, zscore: ZScore, n_trials: int) -> np.ndarray | None:
    if (train is None) == (zscore == "train"):
        raise ValueError(
            "train: pass the training trials together with zscore='train', and only then; got "
            f"zscore={zscore!r}, and train is {'missing' if train is None else 'given'}."
        )
    if train is None:
        return None
    flags = np.asarray(train)
    if flags.dtype != bool or flags.shape != (n_trials,):
        raise ValueError(
            f"train: {flags.dtype} of shape {flags.shape}, expected bool of shape ({n_trials},), "
            "one flag a row of the result. Take the same sessions in NSD.trials."
        )
    return flags
