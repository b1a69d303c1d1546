"""When the jobs of a sweep run: each begins in turn, as soon as a slot is free."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_finite


@dataclass(frozen=True, eq=False)
class Schedule:
    """Jobs on slots.

    Attributes
    ----------
    slot : int array of shape (n_jobs,)
        Slot of each job, from 0.
    begin, end : float arrays of shape (n_jobs,)
        Seconds from the begin of the sweep at which each job begins and ends.
    n_slots : int
        Number of slots.
    """

    slot: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    n_slots: int

    @property
    def seconds(self) -> float:
        """Seconds until the last job has ended; 0 without jobs."""
        return float(self.end.max(initial=0.0))

    @property
    def least(self) -> float:
        """Seconds that no order can beat: a slot's share of all work, or the longest job."""
        work = self.end - self.begin
        return float(max(work.sum() / self.n_slots, work.max(initial=0.0)))


def schedule(seconds: Sequence[float] | np.ndarray, slots: int, start: float = 0.0) -> Schedule:
    """Place jobs on slots in their order, as Snakemake and a cluster's queue do.

    Parameters
    ----------
    seconds : array of shape (n_jobs,)
        Seconds of each job, in the order in which they begin.
    slots : int
        Jobs at a time.
    start : float
        Seconds that every job takes before its own work, such as imports.

    Returns
    -------
    Schedule
        Never longer than ``2 - 1 / slots`` times its `Schedule.least` (Graham, 1969).

    Raises
    ------
    ValueError
        If there is no slot, or a number of seconds is negative or not finite.

    Examples
    --------
    Four minutes of work on two slots, the longest job last or first:

    >>> from sdc_helpers.sweeps import schedule
    >>> schedule([60, 60, 120], slots=2).seconds, schedule([120, 60, 60], slots=2).seconds
    (180.0, 120.0)
    """
    slots = check_count("slots", slots, 1)
    work = as_array("seconds", seconds, float) + float(start)
    check_finite("seconds", work)
    if work.ndim != 1 or (work < 0).any() or start < 0:
        raise ValueError(
            f"seconds has shape {work.shape}, start={start!r}: expected one number of 0 or more a "
            "job, and a start of 0 or more."
        )
    free = [(0.0, number) for number in range(slots)]  # when, and which slot
    slot, begin = np.zeros(len(work), int), np.zeros(len(work))
    for job, own in enumerate(work):
        begin[job], slot[job] = heapq.heappop(free)
        heapq.heappush(free, (begin[job] + own, int(slot[job])))
    return Schedule(slot, begin, begin + work, slots)


def by_order(rng: np.random.Generator, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """Compare lists of 40 jobs, a few of them long, in a random order and with the longest first.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the jobs: 200 lists of log-normal seconds, whose logarithms spread by 1.
    slots : int
        Jobs at a time.

    Returns
    -------
    share : float array of shape (200,)
        Length of each schedule in random order, as a share of Graham's bound.
    gain : float array of shape (200,)
        Share of that length that is saved by beginning with the longest.
    """
    shares, gains = [], []
    for jobs in rng.lognormal(3, 1, size=(200, 40)):
        drawn, longest_first = schedule(jobs, slots), schedule(np.sort(jobs)[::-1], slots)
        shares.append(drawn.seconds / ((2 - 1 / slots) * drawn.least))
        gains.append(1 - longest_first.seconds / drawn.seconds)
    return np.array(shares), np.array(gains)
