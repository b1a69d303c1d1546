"""How much of each factor of the scenes several descriptions of their pictures hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.embeddings.probes import LinearProbe, linear_probe
from sdc_helpers.measures import Interval
from sdc_helpers.training.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

_PENALTIES = (10, 1000)
_N_FIT_CLASSES = 600  # logistic regressions take longer
_MIN_OF_A_CLASS = 5  # rarer classes cannot be scored
_N_DRAWS = 500


@dataclass(frozen=True, eq=False)
class FactorProbes:
    """What linear probes read from several sources, on the same held-out pictures.

    Attributes
    ----------
    kept : dict of str to dict of str to Interval
        For each source and factor the score, such that 0 is chance and 1 perfect: R2 of numbers;
        of classes the balanced accuracy, scaled. The interval is for other test pictures.
    probes : dict of str to dict of str to LinearProbe
        The probes themselves.
    rows : dict of str to int array
        For each factor the pictures on which it was read.
    truth : dict of str to array
        For each factor its value on these.
    test : int array of shape (n_test,)
        All test pictures.
    """

    kept: dict[str, dict[str, Interval]]
    probes: dict[str, dict[str, LinearProbe]]
    rows: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]
    test: np.ndarray

    def difference(
        self, first: str, second: str, factors: Sequence[str], *, seed: int = 0
    ) -> Interval:
        """Measure how much more of some factors the first source holds than the second.

        Both were read on the same pictures, so these are drawn anew for both at once. A score
        below chance counts as chance: there is nothing that could be held less.

        Parameters
        ----------
        first, second : str
            Names of the sources.
        factors : sequence of str
            Factors over which the difference is averaged.
        seed : int
            Seed of the draws.

        Returns
        -------
        Interval
            For other test pictures, from 500 draws with replacement.

        Raises
        ------
        KeyError
            If a source or a factor is unknown.
        """

        def mean_difference(weights: np.ndarray) -> float:
            scores = [[self._score(s, f, weights) for s in (first, second)] for f in factors]
            return float(np.subtract(*np.maximum(scores, 0).T).mean())

        rng, n = np.random.default_rng([seed, 50]), int(self.test.max()) + 1
        draws = [rng.choice(self.test, len(self.test)) for _ in range(_N_DRAWS)]
        drawn = [mean_difference(np.bincount(rows, minlength=n)) for rows in draws]
        return Interval.from_resamples(mean_difference(np.ones(n)), np.array(drawn))

    def _score(self, source: str, factor: str, weights: np.ndarray) -> float:
        """Score above chance; pictures count as often as they were drawn."""
        y, predicted = self.truth[factor], self.probes[source][factor].predictions
        w = weights[self.rows[factor]]
        if y.dtype.kind == "U":
            classes, code = np.unique(y, return_inverse=True)
            with np.errstate(invalid="ignore"):  # a class that was not drawn: no score
                hits = np.bincount(code, w * (predicted == y)) / np.bincount(code, w)
            return float((hits.mean() * len(classes) - 1) / (len(classes) - 1))
        left = w @ (y - predicted) ** 2
        return float(1 - left / (w @ (y - np.average(y, weights=w)) ** 2))


@one_thread()
def probe_sources(
    sources: Mapping[str, Any],
    table: pd.DataFrame,
    fit: np.ndarray,
    test: np.ndarray,
    *,
    seed: int = 0,
) -> FactorProbes:
    """Read every factor from every source by a linear model.

    Parameters
    ----------
    sources : mapping of str to array of shape (n, d)
        Descriptions of the same n pictures, by name; d may differ.
    table : pandas.DataFrame of n rows
        Factors of the pictures; a column of numbers is regressed, one of names classified.
    fit, test : int arrays of shape (n_fit,), (n_test,)
        Pictures that the models are fitted on, and pictures that score them. Classes are fitted
        on the first 600, and only those that are there five times on either side.
    seed : int
        Seed of the folds and of the intervals.

    Returns
    -------
    FactorProbes

    Raises
    ------
    ValueError
        If rows do not fit, or a factor is constant.
    """
    vectors = {name: as_array("sources", given) for name, given in sources.items()}
    fit, test = as_array("fit", fit), as_array("test", test)
    probes: dict[str, dict[str, LinearProbe]] = {name: {} for name in vectors}
    held_out, truth = {}, {}
    for factor in table.columns:
        y = table[factor].to_numpy()
        fitted, held = fit, test
        if y.dtype.kind in "fiub":
            y = y.astype(float)
        else:
            y, fitted = y.astype(str), fit[:_N_FIT_CLASSES]
            usual = [c for c in np.unique(y) if _rarest(y, c, fitted, test) >= _MIN_OF_A_CLASS]
            fitted, held = (rows[np.isin(y[rows], usual)] for rows in (fitted, test))
        held_out[factor], truth[factor] = held, y[held]
        for name, x in vectors.items():
            probes[name][factor] = linear_probe(
                x[fitted], y[fitted], x[held], y[held],
                penalties=_PENALTIES, n_bootstrap=200, random_state=seed,
            )  # fmt: skip
    kept = {
        name: {factor: _above_chance(probe.score) for factor, probe in of_source.items()}
        for name, of_source in probes.items()
    }
    return FactorProbes(kept, probes, held_out, truth, test)


def _rarest(y: np.ndarray, label: str, *sides: np.ndarray) -> int:
    return min(int(np.sum(y[rows] == label)) for rows in sides)


def _above_chance(score: Interval) -> Interval:
    """Move chance to 0 and leave a perfect score at 1."""
    ends = np.array([score.value, score.low, score.high])
    value, low, high = (ends - (score.chance or 0)) / (1 - (score.chance or 0))
    return Interval(value, low, high, chance=0.0)
