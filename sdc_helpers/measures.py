"""What a measured value looks like everywhere: with its interval, or with its null."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sdc_helpers._checks import as_array

_TIE = 1e-12  # relative; the same numbers summed in another order are still a tie


@dataclass(frozen=True, eq=False)
class Interval:
    """A measured value and the interval in which it would lie for other samples.

    Attributes
    ----------
    value : float
        The value that was measured, over all data.
    low, high : float
        Ends of the interval; the function that makes it says what was resampled.
    level : float
        Confidence of the interval, 0.95 unless it was asked for otherwise.
    chance : float or None
        Score that is expected of a guess, where there is such a value.
    by_seed : float array of shape (n_seeds,) or None
        The value of each seed or repetition, where there were several.

    See Also
    --------
    NullTest : A value with its null distribution.

    Examples
    --------
    >>> from sdc_helpers.measures import Interval
    >>> accuracy = Interval(0.62, 0.55, 0.69, chance=0.5)
    >>> accuracy.against(accuracy.chance)
    'above'
    >>> print(accuracy.scaled(100))
    62 [55, 69]
    """

    value: float
    low: float
    high: float
    level: float = 0.95
    chance: float | None = None
    by_seed: np.ndarray | None = None

    @classmethod
    def over_seeds(
        cls, by_seed: np.ndarray, *, level: float = 0.95, chance: float | None = None
    ) -> Interval:
        """Return the mean of several seeds with Student's interval for other seeds.

        Parameters
        ----------
        by_seed : array of shape (n_seeds,)
            Values, one a seed, or a participant, or whatever was drawn anew. With a single one the
            ends of the interval are infinite: one seed says nothing about others.
        level : float
            Confidence of the interval, in (0, 1).
        chance : float, optional
            Score that is expected of a guess.

        Returns
        -------
        Interval
            The mean of the seeds, its interval, and the values of the seeds.

        Raises
        ------
        ValueError
            If there is no value, one is not finite, or the level is out of range.
        """
        from scipy.stats import t

        values = np.asarray(by_seed, dtype=float).ravel()
        if not len(values) or not np.isfinite(values).all():
            raise ValueError(f"by_seed={by_seed!r}: expected finite values, one or more.")
        if not 0 < level < 1:
            raise ValueError(f"level={level!r}: expected a number between 0 and 1.")
        mean, half = float(values.mean()), np.inf
        if len(values) > 1:
            error = values.std(ddof=1) / np.sqrt(len(values))
            half = float(t.ppf((1 + level) / 2, len(values) - 1) * error)
        return cls(mean, mean - half, mean + half, level, chance, values)

    @classmethod
    def of_share(cls, n_hits: int, n: int, *, level: float = 0.95) -> Interval:
        """Return a share with the exact interval of Clopper and Pearson.

        Parameters
        ----------
        n_hits, n : int
            How many of how many; with n = 0 nothing is known, and all numbers are NaN.
        level : float
            Confidence of the interval, in (0, 1).

        Returns
        -------
        Interval

        Raises
        ------
        ValueError
            If n_hits is not from 0 to n.

        Examples
        --------
        >>> from sdc_helpers.measures import Interval
        >>> print(Interval.of_share(9, 10))
        0.9 [0.555, 0.997]
        """
        from scipy.stats import binomtest

        if not 0 <= n_hits <= n:
            raise ValueError(f"n_hits={n_hits!r}: expected a number from 0 to n={n!r}.")
        if n == 0:
            return cls(float("nan"), float("nan"), float("nan"), level)
        ends = binomtest(int(n_hits), int(n)).proportion_ci(level)
        return cls(n_hits / n, float(ends.low), float(ends.high), level)

    @classmethod
    def jackknife(
        cls, value: float, *left_out: np.ndarray | list[float], level: float = 0.95
    ) -> Interval:
        """Return an interval for other items, from values that each leave out one item.

        Where several kinds of item vary, such as participants and pictures, the variances of the
        kinds are added, with degrees of freedom by Satterthwaite (1946). Of a mean of one kind of
        item it is Student's interval.

        Parameters
        ----------
        value : float
            The value over all items.
        *left_out : array of shape (n_items,)
            For each kind of item the values that leave out one item of it. A kind with a single
            item says nothing about others: the ends of the interval are infinite then.
        level : float
            Confidence of the interval, in (0, 1).

        Returns
        -------
        Interval

        Raises
        ------
        ValueError
            If there is no kind of item, a value is not finite, or the level is out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from sdc_helpers.measures import Interval
        >>> items = np.arange(1.0, 11)
        >>> print(Interval.jackknife(items.mean(), (items.sum() - items) / 9))
        5.5 [3.33, 7.67]
        >>> print(Interval.over_seeds(items))
        5.5 [3.33, 7.67]
        """
        from scipy.stats import t

        kinds = [as_array("left_out", values, float) for values in left_out]
        if not kinds or not all(np.isfinite(values).all() and values.size for values in kinds):
            raise ValueError("left_out: expected finite values, one for each item of each kind.")
        if not 0 < level < 1:
            raise ValueError(f"level={level!r}: expected a number between 0 and 1.")
        if min(map(len, kinds)) < 2:
            return cls(float(value), -np.inf, np.inf, level)
        freedom = np.array([len(values) - 1 for values in kinds])
        variances = freedom * np.array([values.var() for values in kinds])
        if not variances.any():
            return cls(float(value), float(value), float(value), level)
        degrees = variances.sum() ** 2 / (variances**2 / freedom).sum()
        half = float(t.ppf((1 + level) / 2, degrees) * np.sqrt(variances.sum()))
        return cls(float(value), float(value) - half, float(value) + half, level)

    @classmethod
    def from_resamples(
        cls,
        value: float,
        resampled: np.ndarray,
        *,
        level: float = 0.95,
        chance: float | None = None,
    ) -> Interval:
        """Make the percentile interval of a bootstrap.

        Parameters
        ----------
        value : float
            The measured value.
        resampled : array of shape (n_draws,)
            The same measure of resampled data; draws in which it is undefined (NaN) are left out.
        level : float
            Confidence of the interval, between 0 and 1.
        chance : float, optional
            Score that is expected of a guess.

        Returns
        -------
        Interval
            The value with its percentile interval; both ends are NaN where no draw has a value.

        Examples
        --------
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> heights = rng.normal(170, 10, size=100)
        >>> means = [rng.choice(heights, 100).mean() for _ in range(500)]
        >>> interval = Interval.from_resamples(heights.mean(), means)
        >>> bool(interval.low < 170 < interval.high)
        True
        """
        resampled = as_array("resampled", resampled, float)
        resampled = resampled[np.isfinite(resampled)]
        low = high = float("nan")
        if len(resampled):
            low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        chance = None if chance is None else float(chance)
        return cls(float(value), float(low), float(high), level, chance)

    def scaled(self, factor: float) -> Interval:
        """Express the value and its interval in another unit, such as percent.

        Parameters
        ----------
        factor : float
            Number above 0 to multiply by; 100 turns a share into percent.

        Returns
        -------
        Interval
            The value, the ends, chance and the values of the seeds, times the factor.

        Raises
        ------
        ValueError
            If the factor is not above 0.
        """
        if not factor > 0:
            raise ValueError(f"factor={factor!r}: expected a number above 0.")
        return replace(
            self,
            value=factor * self.value,
            low=factor * self.low,
            high=factor * self.high,
            chance=None if self.chance is None else factor * self.chance,
            by_seed=None if self.by_seed is None else factor * np.asarray(self.by_seed),
        )

    def against(self, bound: float) -> Literal["above", "below", "undecided"]:
        """Say on which side of a bound the whole interval lies.

        Parameters
        ----------
        bound : float
            The bound, written down before the value was seen.

        Returns
        -------
        {"above", "below", "undecided"}
            "undecided" where the bound lies inside the interval or at one of its ends, or an end
            is not a number.
        """
        if self.low > bound:
            return "above"
        return "below" if self.high < bound else "undecided"

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True, eq=False)
class NullTest:
    """A measured value held against the values that chance gives.

    Attributes
    ----------
    value : float
        The value of the data in their own order.
    null : float array of shape (n_draws,)
        Values of data in which the tested relation is broken: one a shuffle, or a draw.
    p_value : float
        (1 + number of draws at or beyond the value) / (1 + n_draws), never 0 (Phipson & Smyth
        2010). It is a probability only where the shuffled rows are exchangeable.
    scheme : str
        Rows that were exchanged, such as "rows", "within groups" or "circular shift".

    See Also
    --------
    Interval : A value with its confidence interval.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.measures import NullTest
    >>> null = np.linspace(-0.2, 0.2, 99)
    >>> NullTest.from_null(0.3, null).p_value
    0.01
    >>> NullTest.from_null(0.0, null).p_value
    0.51
    """

    value: float
    null: np.ndarray
    p_value: float
    scheme: str = ""

    @classmethod
    def from_null(
        cls,
        value: float,
        null: np.ndarray,
        *,
        side: Literal["greater", "less"] = "greater",
        scheme: str = "",
    ) -> NullTest:
        """Count how many null values are at least as extreme as a value.

        Parameters
        ----------
        value : float
            The measured value.
        null : array of shape (n_draws,)
            Values that chance gives, one draw or more.
        side : {"greater", "less"}
            Whether large values are extreme, or small ones.
        scheme : str
            Rows that were exchanged, for the reader.

        Returns
        -------
        NullTest
            The value, the null distribution and the p-value.
        """
        null = as_array("null", null, float)
        slack = _TIE * max(1.0, abs(value))
        beyond = null >= value - slack if side == "greater" else null <= value + slack
        return cls(float(value), null, float((1 + beyond.sum()) / (1 + len(null))), scheme)
