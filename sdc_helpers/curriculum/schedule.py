"""The order in which a training sees its samples: standard, a curriculum, and their controls.

Everything about a plan follows from the difficulties and the seed. It is computed pass by pass when
it is asked for, so a training of any length costs the memory of one pass.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.curriculum.pacing import (
    BinnedPacing,
    Bins,
    LinearPacing,
    Pacing,
    RootPacing,
    Standard,
    check_difficulty,
    quantile_bins,
    threshold_bins,
)

__all__ = [
    "ORDERS",
    "BinnedPacing",
    "Bins",
    "LinearPacing",
    "Pacing",
    "Plan",
    "PlanBatches",
    "RootPacing",
    "Standard",
    "curriculum_plan",
    "quantile_bins",
    "samples_of_words",
    "threshold_bins",
]

ORDERS = ("curriculum", "anti", "random", "standard")
_SHUFFLE, _PERMUTE = range(2)  # streams of the seed
_KEPT = 2  # passes in memory: a batch can lie across two


class Plan:
    """The samples of a whole training, one after another; made by `curriculum_plan`.

    Attributes
    ----------
    order : str
        Order of the samples, one of `ORDERS`.
    n_distinct : int
        Samples there are to choose from.
    counts : int64 array of shape (n_passes,)
        Samples in each pass, before the plan is cut.
    seed : int
        Seed of the shuffling.
    identity : dict
        What distinguishes this plan from others, as JSON.
    """

    def __init__(
        self, order: str, ranking: np.ndarray, counts: np.ndarray, length: int, seed: int
    ) -> None:
        self.order, self.n_distinct, self.counts, self.seed = order, len(ranking), counts, seed
        self._ranking, self._length = ranking, length
        self._ends = np.cumsum(counts)
        self._passes: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        """Return how many samples are seen, repeated ones counted each time."""
        return self._length

    def indices(self, start: int, stop: int) -> np.ndarray:
        """Return the samples at positions ``start`` to ``stop - 1`` of the training.

        Parameters
        ----------
        start, stop : int
            ``0 <= start <= stop <= len(plan)``.

        Returns
        -------
        int64 array of shape (stop - start,)
            Samples at those positions, the same whatever was asked for before.

        Raises
        ------
        ValueError
            If the window is not inside the plan.
        """
        if not 0 <= start <= stop <= len(self):
            raise ValueError(f"positions {start} to {stop} are not inside a plan of {len(self)}.")
        parts = []
        while start < stop:
            number = self.phase(start)
            begin, end = self._ends[number] - self.counts[number], min(stop, self._ends[number])
            parts.append(self._pass(number)[start - begin : end - begin])
            start = int(end)
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def phase(self, position: int) -> int:
        """Return the number of the pass, from 0, to which a position of the training belongs.

        Raises
        ------
        ValueError
            If the position is not inside the plan.
        """
        if not 0 <= position < len(self):
            raise ValueError(f"position {position} is not inside a plan of {len(self)}.")
        return int(np.searchsorted(self._ends, position, side="right"))

    def exposure(self, stop: int | None = None) -> np.ndarray:
        """Return how many times each sample is seen before position `stop`, by default in all.

        Returns
        -------
        int64 array of shape (n_distinct,)

        Raises
        ------
        ValueError
            If `stop` is not inside the plan.
        """
        stop = len(self) if stop is None else stop
        if not 0 <= stop <= len(self):
            raise ValueError(f"stop={stop} is not inside a plan of {len(self)}.")
        n_whole = int(np.searchsorted(self._ends, stop, side="right"))
        times = np.zeros(self.n_distinct, dtype=np.int64)
        whole = self.counts[:n_whole]
        # the sample of rank r is in every whole pass over more than r samples
        times[self._ranking] = n_whole - np.searchsorted(
            np.sort(whole), np.arange(self.n_distinct), side="right"
        )
        begin = int(self._ends[n_whole - 1]) if n_whole else 0
        times[self.indices(begin, stop)] += 1  # no sample twice in one pass
        return times

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What distinguishes this plan from others, as JSON."""
        digest = hashlib.sha256()
        for array in (self._ranking, self.counts):
            digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return {
            "order": self.order,
            "plan_samples": len(self),
            "plan_seed": self.seed,
            "plan_sha256": digest.hexdigest()[:16],
        }

    def _pass(self, number: int) -> np.ndarray:
        """Return the samples of a pass, shuffled."""
        if number not in self._passes:
            entropy = np.random.SeedSequence(self.seed, spawn_key=(_SHUFFLE, number))
            shuffled = np.random.default_rng(entropy).permutation(
                self._ranking[: self.counts[number]]
            )
            while len(self._passes) >= _KEPT:
                del self._passes[next(iter(self._passes))]
            self._passes[number] = shuffled
        return self._passes[number]


def curriculum_plan(
    difficulty: np.ndarray,
    order: str,
    pacing: Pacing,
    *,
    n_samples: int | None = None,
    seed: int,
) -> Plan:
    """Plan in which order a training sees its samples.

    A curriculum sees fewer samples than the standard order in as many passes: compare it with the
    standard order at the same number of samples too, ``n_samples=len(curriculum)``.

    Parameters
    ----------
    difficulty : array of shape (n_distinct,)
        Finite numbers, such as those of `image_difficulty`.
    order : {"curriculum", "anti", "random", "standard"}
        - "curriculum": the easiest samples first, others let in by the pacing;
        - "anti": the hardest first, by the same rule on minus the difficulty. Where there are
          ties the passes are not of the same size as the curriculum's;
        - "random": difficulties permuted among the samples, so passes of the curriculum's sizes
          that mean nothing;
        - "standard": all samples in each of the pacing's passes.
    pacing : Pacing
        `BinnedPacing`, `LinearPacing`, `RootPacing` or `Standard`.
    n_samples : int, optional
        Cut the plan after so many samples, repeated ones counted each time.
    seed : int
        Seed of the shuffling inside every pass and of "random".

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If a difficulty is not finite, the order is unknown, the pacing's first bin is empty or
        difficulties do not differ, or `n_samples` is more than the plan has.

    See Also
    --------
    CurriculumSampler : Gives the plan to a data loader of torch.
    PlanBatches : Gives it to ``train_on_captions``.

    Examples
    --------
    >>> from sdc_helpers.curriculum import BinnedPacing, curriculum_plan
    >>> pacing = BinnedPacing(n_bins=2, epochs_per_bin=1)
    >>> plan = curriculum_plan([1, 3, 2, 4], "curriculum", pacing, seed=0)
    >>> plan.counts  # the easier half, then all
    array([2, 4])
    >>> plan.indices(0, len(plan))
    array([2, 0, 1, 0, 3, 2])
    >>> plan.exposure()
    array([2, 1, 2, 1])
    """
    difficulty = check_difficulty(difficulty)
    seed = check_count("seed", seed)
    if order not in ORDERS:
        raise ValueError(f"order={order!r}: expected one of {', '.join(ORDERS)}.")
    if order == "anti":
        difficulty = -difficulty
    elif order == "random":
        entropy = np.random.SeedSequence(seed, spawn_key=(_PERMUTE,))
        difficulty = np.random.default_rng(entropy).permutation(difficulty)
    if order == "standard":
        ranking = np.arange(len(difficulty))
        counts = Standard(pacing.n_epochs).counts(ranking)
    else:
        ranking = np.argsort(difficulty, kind="stable")
        counts = pacing.counts(difficulty[ranking], hardest_first=order == "anti")
    length = int(counts.sum())
    if n_samples is not None:
        n_samples = check_count("n_samples", n_samples, least=1)
        if n_samples > length:
            raise ValueError(
                f"n_samples={n_samples} is more than the {length} of this plan; ask for fewer, or "
                "for more passes."
            )
        length = n_samples
    return Plan(order, ranking, counts, length, seed)


def samples_of_words(plan: Plan, n_words: np.ndarray, total: int) -> int:
    """Return after how many samples of a plan a number of words has been seen, as near as can be.

    Parameters
    ----------
    plan : Plan
        Plan over n_distinct samples.
    n_words : int array of shape (n_distinct,)
        Words of each sample.
    total : int
        Words that shall be seen; at most those of the whole plan.

    Returns
    -------
    int
        1 or more.

    Raises
    ------
    ValueError
        If there is not a number of words for each sample, or the plan has fewer words.
    """
    n_words = as_array("n_words", n_words)
    if n_words.shape != (plan.n_distinct,):
        raise ValueError(
            f"n_words has shape {n_words.shape}; expected ({plan.n_distinct},), the words of each "
            "sample of the plan."
        )
    seen = np.cumsum(n_words[plan.indices(0, len(plan))])
    if total > seen[-1]:
        raise ValueError(f"total={total} words are more than the {seen[-1]} of this plan.")
    return int(np.abs(seen - total).argmin()) + 1


class PlanBatches:
    """A plan in batches, for ``train_pairs``.

    A batch can lie across two passes, and then hold a sample twice; no sample is left out between
    passes. Only what is too short for a batch at the end of the plan is dropped.

    Parameters
    ----------
    plan : Plan
        Plan of the samples, made by `curriculum_plan`.
    batch_size : int
        Samples in a batch, over all processes.

    Attributes
    ----------
    n_pairs : int
        Samples there are.
    n_steps : int
        Batches; ``plan.exposure(n_steps * batch_size)`` is what they hold.
    identity : dict
        What distinguishes this order from others, as JSON.

    Raises
    ------
    ValueError
        If `batch_size` is not 1 or more, or the plan has fewer samples than one batch.
    """

    def __init__(self, plan: Plan, batch_size: int) -> None:
        self.plan, self.batch_size = plan, check_count("batch_size", batch_size, least=1)
        self.n_pairs, self.n_steps = plan.n_distinct, len(plan) // self.batch_size
        self.identity: dict[str, Any] = plan.identity
        if not self.n_steps:
            raise ValueError(
                f"the plan has {len(plan)} samples, fewer than batch_size={batch_size}."
            )

    def epoch(self, step: int) -> int:
        """Return the pass in which a step begins; both count from 0."""
        return self.plan.phase(step * self.batch_size)

    def indices(self, step: int) -> np.ndarray:
        """Return the samples of a step as an int64 array of shape (batch_size,).

        Raises
        ------
        ValueError
            If there is no such step.
        """
        if not 0 <= step < self.n_steps:
            raise ValueError(f"step {step}: these batches have steps 0 to {self.n_steps - 1}.")
        return self.plan.indices(step * self.batch_size, (step + 1) * self.batch_size)
