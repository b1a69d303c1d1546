"""Several seeds of training, and two ways of training, compared on the same items.

Items and seeds are both samples: an average is to hold for other items of the kind and for other
seeds. Scores form a table of seeds by units (pictures or pairs), whose mean varies with both.
Both mean squares enter its error (the min F' of Clark 1973). In simulations of right and wrong
answers, such a 95 % interval covers 93 to 98 % of the time with three seeds; resampling seeds and
units covers as little as 83 %, since three seeds come in few combinations. With two seeds neither
is to be relied on (87 % where seeds differ much).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import check_count, check_share
from sdc_helpers.curriculum.results import CaptionLikelihood, Evaluation, sums_by_unit
from sdc_helpers.measures import Interval

_BLOCK = 500  # sign flips at a time
_TIE = 1e-12  # the same flips summed in another order are still a tie

_Measured = Evaluation | CaptionLikelihood


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """One way of training minus another, on the same items and seeds.

    Attributes
    ----------
    difference : Interval
        Mean score of the first minus that of the second, with the difference at each seed. The
        interval is for other items and other seeds; with one seed for other items alone.
    p_value : float
        Two-sided, of no difference, for other items and other seeds: agrees with the interval. 1
        where nothing differs, 0 where every seed and unit differs by the same.
    p_items : float
        Two-sided, by flipping the sign of the difference of whole units, all seeds together:
        (1 + number of flips at least as large) / (1 + number of flips), never 0. Exact for other
        items answered by these very models, and silent about other seeds.
    """

    difference: Interval
    p_value: float
    p_items: float


def across_seeds(evaluations: Sequence[_Measured], level: float = 0.95) -> Interval:
    """Combine the same evaluation of several seeds of training.

    Parameters
    ----------
    evaluations : sequence of Evaluation or of CaptionLikelihood
        Evaluations of the same items, one for each seed of training.
    level : float, default=0.95
        Coverage of the interval, in (0, 1).

    Returns
    -------
    Interval
        The score over items and seeds (accuracy, or log-likelihood a word) and that of each seed.
        The interval is for other items and other seeds; with one seed for other items alone.

    Raises
    ------
    ValueError
        If there is no evaluation, they are not of the same items, there are fewer than two
        units, or the level is out of range.
    """
    table = _table(evaluations)
    first = evaluations[0]
    chance = first.chance if isinstance(first, Evaluation) else None
    return _interval(table, *_error(table), level, chance)


def paired_difference(
    first: Sequence[_Measured],
    second: Sequence[_Measured],
    level: float = 0.95,
    n_flips: int = 9999,
    seed: int = 0,
) -> PairedDifference:
    """Compare two ways of training, seed by seed and item by item.

    Parameters
    ----------
    first, second : sequence of Evaluation or of CaptionLikelihood
        Evaluations of the same items, one for each seed, in the same order of seeds in both.
    level : float, default=0.95
        Coverage of the interval, in (0, 1).
    n_flips : int, default=9999
        Number of random sign flips.
    seed : int, default=0
        Seed of the random flips.

    Returns
    -------
    PairedDifference

    Raises
    ------
    ValueError
        If `across_seeds` refuses one of them, numbers of seeds differ or `n_flips` is less than 1.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} seeds against {len(second)}; expected as many of both.")
    check_count("n_flips", n_flips, 1)
    table = _differences(first, second)
    error, df = _error(table)
    return PairedDifference(
        difference=_interval(table, error, df, level),
        p_value=_p_value(table.mean(), error, df),
        p_items=_p_flips(table.mean(axis=0), n_flips, np.random.default_rng(seed)),
    )


def smallest_effect(
    first: Sequence[_Measured],
    second: Sequence[_Measured],
    *,
    power: float = 0.8,
    level: float = 0.95,
    n_draws: int = 2000,
    rng: np.random.Generator,
) -> float:
    """Return the smallest true difference that such a comparison would mostly have found.

    How much seeds, units and the rest vary is estimated from the differences, and many tables of
    differences are drawn with these variances, as many seeds and units, and a mean of 0. A true
    difference moves a table's interval as a whole. So the smallest one whose interval lies above 0
    in a share `power` of the draws is that quantile of half the interval's width less the mean.

    Parameters
    ----------
    first, second : sequence of Evaluation or of CaptionLikelihood
        As for `paired_difference`, of two seeds or more.
    power : float, default=0.8
        Share of such studies that would find it, in (0, 1).
    level : float, default=0.95
        Coverage of the interval, in (0, 1).
    n_draws : int, default=2000
        Number of tables that are drawn.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    float
        In the unit of the score. 0 where nothing varies.

    Raises
    ------
    ValueError
        If `across_seeds` refuses one of them, numbers of seeds differ or are below 2, or a share is
        out of range.
    """
    from scipy.stats import t

    if not len(first) == len(second) > 1:
        raise ValueError(
            f"{len(first)} and {len(second)} seeds; expected as many of both, 2 or more."
        )
    check_share("power", power)
    check_share("level", level)
    check_count("n_draws", n_draws, 1)
    table = _differences(first, second)
    spreads = _spreads(table)
    needed = np.empty(n_draws)
    for i in range(n_draws):
        drawn = _draw_table(spreads, table.shape, rng)
        error, df = _error(drawn)
        needed[i] = t.ppf((1 + level) / 2, df) * error - drawn.mean() if error else 0.0
    return float(max(0.0, np.quantile(needed, power)))


def _spreads(table: np.ndarray) -> tuple[float, float, float]:
    """Estimate the standard deviations of seeds, of units, and of what is left."""
    n_seeds, n_units = table.shape
    of_seeds, of_units = table.mean(axis=1), table.mean(axis=0)
    left = table - of_seeds[:, None] - of_units + table.mean()
    rest = float((left**2).sum() / ((n_seeds - 1) * (n_units - 1)))
    seeds = max(0.0, float(of_seeds.var(ddof=1)) - rest / n_units)
    units = max(0.0, float(of_units.var(ddof=1)) - rest / n_seeds)
    return math.sqrt(seeds), math.sqrt(units), math.sqrt(rest)


def _draw_table(
    spreads: tuple[float, float, float], shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    seeds, units, rest = spreads
    n_seeds, n_units = shape
    return (
        rng.normal(scale=seeds, size=(n_seeds, 1))
        + rng.normal(scale=units, size=n_units)
        + rng.normal(scale=rest, size=shape)
    )


def _differences(first: Sequence[_Measured], second: Sequence[_Measured]) -> np.ndarray:
    """Return the first less the second by seed and unit, (n_seeds, n_units)."""
    both = _table([*first, *second])
    return both[: len(first)] - both[len(first) :]


def _table(evaluations: Sequence[_Measured]) -> np.ndarray:
    """Return what each unit says of each seed's score, of shape (n_seeds, n_units).

    A row's mean is the score over items. Where units have different numbers of items or words,
    that is a ratio of sums, and what a unit adds to it is linearised.
    """
    if not len(evaluations):
        raise ValueError("there is no evaluation to combine.")
    one = evaluations[0]
    for number, other in enumerate(evaluations):
        alike = type(other) is type(one) and other.name == one.name
        for name in ("units", "weights", "kinds"):
            alike = alike and np.array_equal(getattr(other, name, 0), getattr(one, name, 0))
        if not alike:
            raise ValueError(
                f"evaluation {number} ({other.name}, {len(other.units)} items) is not of the same "
                f"items as evaluation 0 ({one.name}, {len(one.units)} items)."
            )
    sums, weights = zip(*map(sums_by_unit, evaluations), strict=True)
    if len(weights[0]) < 2:
        raise ValueError(f"{one.name} has one unit only; nothing tells how others would vary.")
    share = weights[0] / weights[0].mean()
    scores = [total.sum() / weights[0].sum() for total in sums]
    return np.stack(
        [
            score + total / weights[0].mean() - score * share
            for score, total in zip(scores, sums, strict=True)
        ]
    )


def _error(table: np.ndarray) -> tuple[float, float]:
    """Return the standard error of the mean over both seeds and units, and its degrees of freedom.

    Mean squares between seeds and between units each contain the residual once, so that their sum
    contains it twice: a little too large, never too small (Clark 1973).
    """
    n_seeds, n_units = table.shape
    squares, freedoms = [], []
    for axis, n, each in ((0, n_units, n_seeds), (1, n_seeds, n_units)):
        if n > 1:
            squares.append(each * float(np.var(table.mean(axis=axis), ddof=1)))
            freedoms.append(n - 1)
    total = sum(squares)
    if total == 0:
        return 0.0, math.inf
    df = total**2 / sum(square**2 / n for square, n in zip(squares, freedoms, strict=True))
    return math.sqrt(total / table.size), df


def _interval(
    table: np.ndarray, error: float, df: float, level: float, chance: float | None = None
) -> Interval:
    from scipy.stats import t

    check_share("level", level)
    half = float(t.ppf((1 + level) / 2, df)) * error if error else 0.0
    mean = float(table.mean())
    return Interval(mean, mean - half, mean + half, level, chance, table.mean(axis=1))


def _p_value(mean: float, error: float, df: float) -> float:
    from scipy.stats import t

    if error == 0:
        return float(mean == 0)
    return float(2 * t.sf(abs(mean) / error, df))


def _p_flips(differences: np.ndarray, n_flips: int, rng: np.random.Generator) -> float:
    size = np.abs(differences).sum()
    least = abs(differences.sum()) - _TIE * size
    n_as_large = 0
    for start in range(0, n_flips, _BLOCK):
        shape = min(_BLOCK, n_flips - start), len(differences)
        flipped = rng.choice((-1.0, 1.0), size=shape) @ differences
        n_as_large += int((np.abs(flipped) >= least).sum())
    return (1 + n_as_large) / (1 + n_flips)
