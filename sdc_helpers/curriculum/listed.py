"""An order that was written down sample by sample, as a plan that a training can follow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.curriculum.schedule import Plan


class ListedPlan(Plan):
    """A plan of passes that are given, in place of a difficulty and a pacing.

    Parameters
    ----------
    passes : sequence of int arrays
        Samples of each pass in the order in which they are seen; a pass may leave samples out. An
        array of shape (n_passes, n_samples) holds passes of one length.

    Raises
    ------
    ValueError
        If there is no pass, a pass is empty, or a sample is not a whole number of 0 or more.

    See Also
    --------
    curriculum_plan : Makes the passes from difficulties.

    Examples
    --------
    >>> from sdc_helpers.curriculum import ListedPlan
    >>> plan = ListedPlan([[0, 1, 2], [2, 1, 0]])
    >>> plan.indices(2, 5), plan.exposure(4)
    (array([2, 2, 1]), array([1, 1, 2]))
    """

    def __init__(self, passes: Sequence[np.ndarray]) -> None:
        self._listed = [as_array("passes", samples) for samples in passes]
        if not self._listed:
            raise ValueError("there is no pass.")
        for number, samples in enumerate(self._listed):
            if samples.ndim != 1 or not len(samples) or samples.dtype.kind not in "iu":
                raise ValueError(
                    f"pass {number} is {samples.dtype} of shape {samples.shape}; expected the "
                    "numbers of one sample or more."
                )
            if samples.min() < 0:
                raise ValueError(f"pass {number} holds sample {samples.min()}; expected 0 or more.")
        counts = np.array([len(samples) for samples in self._listed])
        n_distinct = 1 + max(int(samples.max()) for samples in self._listed)
        super().__init__("listed", np.arange(n_distinct), counts, int(counts.sum()), seed=0)

    def exposure(self, stop: int | None = None) -> np.ndarray:
        """Return how many times each sample is seen before position `stop`, by default in all."""
        seen = self.indices(0, len(self) if stop is None else stop)
        return np.bincount(seen, minlength=self.n_distinct)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What distinguishes this plan from others, as JSON."""
        listed = np.concatenate(self._listed).astype("<i8")
        digest = hashlib.sha256(listed.tobytes()).hexdigest()[:16]
        return super().identity | {"listed_sha256": digest}

    def _pass(self, number: int) -> np.ndarray:
        return self._listed[number].astype(np.int64)
