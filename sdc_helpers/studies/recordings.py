"""How sure CKA is on one participant's recordings: tests within runs, jackknife over runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from sdc_helpers import alignment
from sdc_helpers.measures import Interval, NullTest


class Recordings:
    """One participant's responses to eight categories (Haxby et al. 2001), one slice.

    Parameters
    ----------
    n_permutations : int
        Shuffles a test.
    seed : int
        Of the shuffles.
    """

    def __init__(self, n_permutations: int, seed: int) -> None:
        from sdc_helpers.datasets import category_model, load_haxby

        self.n_permutations, self.seed = n_permutations, seed
        self.blocks = load_haxby(view="slice")
        self.model = category_model(list(self.blocks.categories), self.blocks.category_names)

    def categories_test(self, n_blocks: int, estimator: str = "debiased") -> NullTest:
        """Test the first blocks against the categories, shuffled within runs."""
        rows = np.arange(n_blocks)
        return self._test(self.blocks.responses, self.model, self.blocks.runs, rows, estimator)

    def bias_share(self) -> Interval:
        """Return what is left of biased CKA after shuffles: of four separate sets of three runs."""
        remaining = []
        for rows in np.split(np.arange(len(self.model)), 4):
            test = self._test(self.blocks.responses, self.model, self.blocks.runs, rows, "biased")
            remaining.append(test.null.mean() / test.value)
        return Interval.over_seeds(np.array(remaining))

    def categories(self) -> Interval:
        """Return debiased CKA with the categories above its shuffles, jackknife over runs."""
        blocks = self.blocks
        return self._jackknife(
            lambda rows: self._above(blocks.responses, self.model, blocks.runs, rows), blocks.runs
        )

    def odd_even(self) -> Interval:
        """Return agreement of odd and even runs above its shuffles, jackknife over their pairs."""
        odd, even, runs, _ = self._halves
        return self._jackknife(lambda rows: self._above(odd, even, runs, rows), runs)

    def odd_even_test(self, free: bool) -> NullTest:
        """Test odd against even runs: any row with any (not valid here), or within runs."""
        odd, even, runs, _ = self._halves
        groups = np.zeros(len(runs)) if free else runs
        return self._test(odd, even, groups, np.arange(len(runs)), "debiased")

    def eight_rows(self) -> Interval:
        """Return the mean of biased CKA's shuffles after averaging to a row a category."""
        odd, even, runs, kinds = self._halves
        names = self.blocks.category_names

        def mean_of_shuffles(rows: np.ndarray) -> float:
            sides = [
                np.stack([side[rows & (kinds == name)].mean(0) for name in names])
                for side in (odd, even)
            ]
            return alignment.mean_of_shuffles(*(X @ X.T for X in sides))

        return self._jackknife(mean_of_shuffles, runs)

    @cached_property
    def _halves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Blocks of odd runs, those of the same kind in the next run, their runs, their kinds."""
        blocks = self.blocks
        keys = zip(blocks.runs, blocks.categories, strict=True)
        at = {key: i for i, key in enumerate(keys)}
        odd_runs = [run for run in np.unique(blocks.runs) if run % 2]
        pairs = [(run, kind) for run in odd_runs for kind in blocks.category_names]
        odd = blocks.responses[[at[run, kind] for run, kind in pairs]]
        even = blocks.responses[[at[run + 1, kind] for run, kind in pairs]]
        return odd, even, np.array([r for r, _ in pairs]), np.array([k for _, k in pairs])

    def _test(
        self, X: np.ndarray, Y: np.ndarray, groups: np.ndarray, rows: np.ndarray, estimator: str
    ) -> NullTest:
        return alignment.permutation_test(
            X[rows], Y[rows], self.n_permutations, estimator, rng=self.seed, groups=groups[rows]
        )

    def _above(self, X: np.ndarray, Y: np.ndarray, runs: np.ndarray, rows: np.ndarray) -> float:
        test = self._test(X, Y, runs, rows, "debiased")
        return float(test.value - test.null.mean())

    def _jackknife(self, of: Callable[[np.ndarray], float], runs: np.ndarray) -> Interval:
        less_a_run = [of(runs != run) for run in np.unique(runs)]
        return Interval.jackknife(of(np.ones(len(runs), bool)), less_a_run)
