"""A plan as a sampler of torch's data loaders, for trainings other than ``train_pairs``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import Sampler

from sdc_helpers._checks import check_count
from sdc_helpers.curriculum.schedule import Plan

_BLOCK = 4096  # samples asked of the plan at a time


class CurriculumSampler(Sampler[int]):
    """The samples of a plan, for one process of one or several, from where training stands.

    One iteration is the whole training, not one pass. Process r of R takes positions r, r + R,
    r + 2 R and so on. So with b samples in each process's batches, batch j of all processes
    together holds the positions from j b R to (j + 1) b R - 1: what one process with a batch size
    of b R has. Positions at the end that are too few for every process are left out.

    A data loader asks for samples before the training has used them. How far training has come is
    therefore not what was asked for but what the training says with `advance`, after each update.
    The state is a position in the plan: it is the same in all processes, and can be loaded by
    another number of them.

    Parameters
    ----------
    plan : Plan
        Plan of the samples, made by ``curriculum_plan``.
    rank : int, default=0
        Number of this process, from 0.
    num_replicas : int, default=1
        Processes. Leave both alone where a library divides batches among processes itself, as
        ``accelerate`` does with a prepared data loader.

    Raises
    ------
    ValueError
        If `rank` is not one of the processes, or the plan has no sample for each.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.curriculum.schedule import BinnedPacing, curriculum_plan
    >>> plan = curriculum_plan(np.arange(8), "curriculum", BinnedPacing(4, 1), seed=0)
    >>> sampler = CurriculumSampler(plan)
    >>> len(sampler), sorted(list(sampler)[:2])
    (20, [0, 1])
    >>> sampler.advance(18)
    >>> len(sampler)
    2
    """

    def __init__(self, plan: Plan, *, rank: int = 0, num_replicas: int = 1) -> None:
        self.num_replicas = check_count("num_replicas", num_replicas, least=1)
        self.rank = check_count("rank", rank)
        if rank >= num_replicas:
            raise ValueError(f"rank={rank}: with num_replicas={num_replicas} it is less than that.")
        if len(plan) < num_replicas:
            raise ValueError(f"a plan of {len(plan)} samples has none for each of {num_replicas}.")
        self.plan, self.position = plan, 0

    def __len__(self) -> int:
        """Return how many samples this process has left."""
        return (len(self.plan) - self.position) // self.num_replicas

    def __iter__(self) -> Iterator[int]:
        """Go through the samples that are left, from the position at this moment on."""
        begin, end = self.position, self.position + len(self) * self.num_replicas
        for start in range(begin, end, _BLOCK * self.num_replicas):
            stop = min(start + _BLOCK * self.num_replicas, end)
            yield from self.plan.indices(start, stop)[self.rank :: self.num_replicas].tolist()

    def advance(self, n: int) -> None:
        """Record that this process, and each of the others, has trained on `n` more samples.

        Raises
        ------
        ValueError
            If fewer are left.
        """
        if check_count("n", n) > len(self):
            raise ValueError(f"n={n}: this process has only {len(self)} samples left.")
        self.position += n * self.num_replicas

    def state_dict(self) -> dict[str, Any]:
        """Return how far training has come, as JSON: the position, and which plan it is of."""
        return {"position": self.position, "plan": self.plan.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; iterations that have begun stay where they are.

        Raises
        ------
        ValueError
            If it is of another plan, or is no state.
        """
        if not isinstance(state, dict) or set(state) != {"position", "plan"}:
            raise ValueError(f"{state!r} is no state of a CurriculumSampler.")
        if state["plan"] != self.plan.identity:
            raise ValueError(
                f"the state is of another plan: {state['plan']}, this one is {self.plan.identity}."
            )
        position = check_count("position", state["position"])
        if position > len(self.plan):
            raise ValueError(f"position {position} is not inside a plan of {len(self.plan)}.")
        self.position = position
