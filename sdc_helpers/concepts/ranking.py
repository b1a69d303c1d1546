"""How well a concept ranks held-out pictures by a factor."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_share
from sdc_helpers.measures import Interval

_RESAMPLED_VALUES = 2**21


def ranking_auc(
    scores: np.ndarray,
    factor: np.ndarray,
    *,
    sign: Literal[1, -1] = 1,
    confidence: float = 0.95,
    n_bootstrap: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> Interval:
    """Measure how well a concept ranks pictures with a factor above those without.

    Parameters
    ----------
    scores : array of shape (n_pictures,)
        Score of each picture, such as the embeddings of held-out pictures times the concept vector.
    factor : bool array of shape (n_pictures,)
        Whether the picture has the factor.
    sign : {1, -1}, default=1
        -1 asks whether the lowest scores go with the factor: the concept's negation. Choose it on
        other pictures; the better of both on the same pictures is above 0.5 by chance.
    confidence : float, default=0.95
        Coverage of the interval, in (0, 1).
    n_bootstrap : int, default=1000
        Resamples of the pictures, of those with and those without the factor apart, so that every
        resample has as many of each.
    rng : numpy.random.Generator or int, optional
        Source of the resamples, or its seed.

    Returns
    -------
    Interval
        Probability that a random picture with the factor scores higher (lower, for sign -1) than
        one without, ties counting half; chance is 0.5. The percentile bootstrap is over pictures.

    Raises
    ------
    ValueError
        If scores are not finite numbers, the factor is not bool (or 0 and 1) of their length, all
        or no pictures have it, or another argument is out of range.

    See Also
    --------
    negation_test : Whether the least associated pictures lower the response.

    Examples
    --------
    >>> from sdc_helpers.concepts import ranking_auc
    >>> ranking_auc([3, 2, 1, 0], [True, False, True, False], rng=0).value
    0.75
    """
    scores, factor = _check_ranking(scores, factor)
    if sign not in (1, -1):
        raise ValueError(f"sign={sign!r}: expected 1 for the concept or -1 for its negation.")
    check_share("confidence", confidence)
    check_count("n_bootstrap", n_bootstrap, 1)
    rng = np.random.default_rng(rng)
    # Below, a row is a sample of pictures, and a column one of the scores that occur, ascending.
    levels, level = np.unique(sign * scores, return_inverse=True)
    present, absent = level[factor], level[~factor]

    def auc(high: np.ndarray, low: np.ndarray) -> np.ndarray:
        below = np.cumsum(low, axis=1) - low / 2
        return (high * below).sum(axis=1) / (high.sum(axis=1) * low.sum(axis=1))

    def counts(level: np.ndarray) -> np.ndarray:
        return np.bincount(level, minlength=len(levels))[None].astype(float)

    def resampled(level: np.ndarray, n: int) -> np.ndarray:
        drawn = rng.choice(level, size=(n, len(level)))
        drawn += len(levels) * np.arange(n)[:, None]
        return np.bincount(drawn.ravel(), minlength=n * len(levels)).reshape(n, -1).astype(float)

    size = max(1, _RESAMPLED_VALUES // len(scores))
    values = np.concatenate(
        [
            auc(resampled(present, n), resampled(absent, n))
            for n in (min(size, n_bootstrap - start) for start in range(0, n_bootstrap, size))
        ]
    )
    value = auc(counts(present), counts(absent))[0]
    return Interval.from_resamples(value, values, level=confidence, chance=0.5)


def _check_ranking(scores: np.ndarray, factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, factor = as_array("scores", scores), as_array("factor", factor)
    if scores.ndim != 1 or scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
        raise ValueError(
            f"scores has shape {scores.shape} and type {scores.dtype}; expected one finite number "
            "a picture."
        )
    if factor.shape != scores.shape or not np.isin(factor, (0, 1)).all():
        raise ValueError(
            f"factor has shape {factor.shape} and type {factor.dtype}; expected a bool for each of "
            f"{len(scores)} pictures. Compare a graded factor with a threshold first."
        )
    factor = factor.astype(bool)
    if factor.all() or not factor.any():
        raise ValueError(
            f"factor: {factor.sum()} of {len(factor)} pictures have it; AUC needs both kinds."
        )
    return scores.astype(np.float64), factor
