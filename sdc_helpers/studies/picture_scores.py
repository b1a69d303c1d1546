"""Differences of scores of pictures, between decoders and between participants.

Who saw which pictures decides what an interval has to hold. NSD's participants share some pictures
and see thousands alone: the test pictures are common to all, the validation pictures often to none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.curriculum.comparison import paired_difference
from sdc_helpers.curriculum.results import Evaluation
from sdc_helpers.measures import Interval

if TYPE_CHECKING:
    import pandas as pd


def difference_of_decoders(first: Iterable[pd.Series], second: Iterable[pd.Series]) -> Interval:
    """Return how far one decoder is ahead, for other participants and other pictures.

    Pictures that all participants saw are crossed with the participants, and the interval is that
    of min F' (Clark 1973) over these. Where no picture is common to all, each participant's mean
    holds the chance of the participant's own pictures, and Student's interval over the
    participants holds both.

    Parameters
    ----------
    first, second : iterable of pandas.Series
        Scores in percent of each participant's pictures, by image id; the participants in the
        same order on both sides, each with the same pictures.

    Returns
    -------
    Interval
        First less second, in percent points.

    Raises
    ------
    ValueError
        If the sides have other numbers of participants, or other pictures of one.

    Examples
    --------
    >>> import pandas as pd
    >>> from sdc_helpers.studies import difference_of_decoders
    >>> ridge = [pd.Series([0.0, 50.0], index=[1, 2]), pd.Series([0.0, 50.0], index=[3, 4])]
    >>> better = [scores + gain for scores, gain in zip(ridge, (10, 12))]
    >>> print(difference_of_decoders(better, ridge))
    11 [-1.71, 23.7]
    """
    first, second = list(first), list(second)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} participants against {len(second)}; expected as many.")
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        if set(one.index) != set(other.index):
            raise ValueError(f"participant {place} has other pictures in first than in second.")
    common = sorted(set.intersection(*(set(scores.index) for scores in first)))
    if not common:
        return Interval.over_seeds(
            np.array([(a - b).mean() for a, b in zip(first, second, strict=True)])
        )
    images, zeros, no_kinds = np.array(common), np.zeros(len(common)), np.full(len(common), "")
    of_first, of_second = (
        [Evaluation("", scores[common] / 100, zeros, 0.0, no_kinds, images) for scores in side]
        for side in (first, second)
    )
    return paired_difference(of_first, of_second, n_flips=1).difference.scaled(100)


def difference_of_participants(one: pd.Series, other: pd.Series) -> Interval:
    """Return how far one participant is ahead of another, for other pictures.

    Parameters
    ----------
    one, other : pandas.Series
        Scores of each one's pictures, by image id. Pictures that both saw are compared one by one;
        where there are none, the means of two samples are (Welch 1947).

    Returns
    -------
    Interval
        One less other, with its interval of 95 percent over pictures.

    Examples
    --------
    >>> import pandas as pd
    >>> from sdc_helpers.studies import difference_of_participants
    >>> one, other = pd.Series([1.0, 2.0, 4.0]), pd.Series([0.0, 0.0, 1.0])
    >>> print(difference_of_participants(one, other))
    2 [-0.484, 4.48]
    """
    common = one.index.intersection(other.index)
    if len(common):
        return Interval.over_seeds((one[common] - other[common]).to_numpy())
    from scipy.stats import ttest_ind

    low, high = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    return Interval(float(one.mean() - other.mean()), float(low), float(high))


def lowest(intervals: Iterable[Interval]) -> Interval:
    """Return the lowest value and the lowest ends: above a bound if all of the intervals are.

    Parameters
    ----------
    intervals : iterable of Interval
        One or more.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If there is none.
    """
    return _extreme(intervals, min)


def highest(intervals: Iterable[Interval]) -> Interval:
    """Return the highest value and the highest ends: below a bound if all of the intervals are.

    Parameters
    ----------
    intervals : iterable of Interval
        One or more.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If there is none.
    """
    return _extreme(intervals, max)


def _extreme(intervals: Iterable[Interval], of: Any) -> Interval:
    rows = [(one.value, one.low, one.high) for one in intervals]
    if not rows:
        raise ValueError("intervals is empty; expected one or more.")
    value, low, high = (float(of(ends)) for ends in zip(*rows, strict=True))
    return Interval(value, low, high)
