"""Which picture a participant sees in which trial, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

N_REPETITIONS = 3
_TRIAL_DAYS = 4 / 86_400  # a picture every four seconds
_BREAK_DAYS = 60 / 86_400  # between runs


@dataclass(frozen=True, eq=False)
class Design:
    """The experiment.

    Attributes
    ----------
    images : int array of shape (n_participants, n_shared + n_own)
        0-based nsdId of the pictures of each participant, the shared ones first; the position in a
        row is the 0-based 10KID.
    order : int array of shape (n_trials,)
        Position in such a row of the picture of each trial; the same for all, as in NSD.
    session, run, trial : int array of shape (n_trials,)
        Counted from 1; trials within their run.
    n_shared : int
        Pictures that all see.
    """

    images: np.ndarray
    order: np.ndarray
    session: np.ndarray
    run: np.ndarray
    trial: np.ndarray
    n_shared: int

    @property
    def n_images(self) -> int:
        """Pictures in all."""
        n_participants, n_seen = self.images.shape
        return self.n_shared + n_participants * (n_seen - self.n_shared)


def make_design(
    n_participants: int,
    n_shared: int,
    n_own: int,
    n_sessions: int,
    n_runs: int,
    rng: np.random.Generator,
) -> Design:
    """Deal out the pictures and shuffle three showings of each over the sessions.

    Parameters
    ----------
    n_participants, n_shared, n_own : int
        Participants, pictures that all of them see, and pictures that only one sees, for each.
    n_sessions, n_runs : int
        Sessions, and runs of a session; 3 (n_shared + n_own) trials must divide by n_sessions.
    rng : numpy.random.Generator
        Decides both.

    Returns
    -------
    Design
        Runs of a session differ by one trial at most.
    """
    dealt = rng.permutation(n_shared + n_participants * n_own)
    shared = np.sort(dealt[:n_shared])
    own = np.sort(dealt[n_shared:].reshape(n_participants, n_own), axis=1)
    images = np.concatenate([np.tile(shared, (n_participants, 1)), own], axis=1)
    order = rng.permutation(np.repeat(np.arange(n_shared + n_own), N_REPETITIONS))
    n_trials = len(order) // n_sessions
    run = np.concatenate(
        [
            np.full(len(part), i + 1)
            for i, part in enumerate(np.array_split(np.arange(n_trials), n_runs))
        ]
    )
    trial = np.concatenate([np.arange(np.sum(run == r)) + 1 for r in range(1, n_runs + 1)])
    return Design(
        images,
        order,
        np.repeat(np.arange(n_sessions) + 1, n_trials),
        np.tile(run, n_sessions),
        np.tile(trial, n_sessions),
        n_shared,
    )


def behaviour(design: Design, participant: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate the recognition task: was this picture shown before.

    Parameters
    ----------
    design : Design
        The experiment.
    participant : int
        Number of the participant, from 1.
    rng : numpy.random.Generator
        Decides answers and reaction times.

    Returns
    -------
    pandas.DataFrame
        A row a trial, the columns of NSD's ``responses.tsv``. TIME is in days, RT in ms.
    """
    import pandas as pd

    n = len(design.order)
    first, recent, current = _lags(design.order), _lags(design.order, True), np.full(n, np.nan)
    for s in np.unique(design.session):
        rows = np.flatnonzero(design.session == s)
        current[rows] = _lags(design.order[rows])
    is_old, is_old_now = np.isfinite(first), np.isfinite(current)
    says_old = rng.random(n) < np.where(is_old, 0.55 + 0.35 * np.exp(-recent.clip(0) / 500), 0.15)
    answered = rng.random(n) > 0.01
    time = (
        (design.session - 1) * 7 + 10 / 24 + np.arange(n) % (n // design.session[-1]) * _TRIAL_DAYS
    )

    def if_answered(values: np.ndarray) -> np.ndarray:
        return np.where(answered, values, np.nan)

    return pd.DataFrame(
        {
            "SUBJECT": participant,
            "SESSION": design.session,
            "RUN": design.run,
            "TRIAL": design.trial,
            "73KID": design.images[participant - 1][design.order] + 1,
            "10KID": design.order + 1,
            "TIME": time + (design.run - 1) * _BREAK_DAYS,
            "ISOLD": is_old.astype(int),
            "ISCORRECT": if_answered(says_old == is_old),
            "RT": if_answered(np.round(rng.gamma(9.0, 110.0, n) + 150, 3)),
            "CHANGEMIND": if_answered(rng.random(n) < 0.03),
            "MEMORYRECENT": recent,
            "MEMORYFIRST": first,
            "ISOLDCURRENT": is_old_now.astype(int),
            "ISCORRECTCURRENT": if_answered(says_old == is_old_now),
            "TOTAL1": (answered & ~says_old).astype(int),
            "TOTAL2": (answered & says_old).astype(int),
            "BUTTON": if_answered(1 + says_old),
            "MISSINGDATA": 0,
        }
    )


def _lags(order: np.ndarray, to_most_recent: bool = False) -> np.ndarray:
    """Count the trials between each trial and an earlier one of its picture; NaN without one."""
    lags = np.full(len(order), np.nan)
    seen: dict[int, int] = {}
    for i, picture in enumerate(order.tolist()):
        if picture in seen:
            lags[i] = i - seen[picture] - 1
        if to_most_recent or picture not in seen:
            seen[picture] = i
    return lags
