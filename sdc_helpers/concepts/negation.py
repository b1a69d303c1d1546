"""The negation of a concept: whether its voxels go below baseline, or only respond less.

Z-scored responses cannot say: they have no baseline but the mean over the session's pictures, and
something is always below the mean. So the test takes betas in percent signal change, whose zero is
the signal without a picture (in NSD, the baseline of the session's model; in the simulation, a
picture that has nothing to do with the voxel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.concepts.interpretation import extremes

Verdict = Literal["below", "less", "undecided"]


@dataclass(frozen=True, eq=False)
class NegationTest:
    """Responses to the least associated held-out pictures, against baseline.

    Attributes
    ----------
    top, middle, bottom : float arrays of shape (n_participants,)
        Mean response to the most associated pictures, to those in the middle of the ranking and to
        the least associated ones, in the unit of the responses.
    p_below : float
        One-sided p-value of "the bottom is not below zero", t-test over participants.
    p_less : float
        One-sided p-value of "the bottom is below minus `margin` times the top".
    p_lower_than_middle : float
        One-sided p-value of "the bottom is not lower than the middle": what people often test.
    margin, alpha : float
        The margin of equivalence and the level of the tests, as they were given.
    """

    top: np.ndarray
    middle: np.ndarray
    bottom: np.ndarray
    p_below: float
    p_less: float
    p_lower_than_middle: float
    margin: float
    alpha: float

    @property
    def verdict(self) -> Verdict:
        """Return "below" baseline, only "less", or "undecided".

        "Below" if the bottom is below zero; "less" if it can be said that it is not further below
        zero than a `margin` of the response to the top. Both may be true of a small dip: "below".
        """
        if self.p_below < self.alpha:
            return "below"
        return "less" if self.p_less < self.alpha else "undecided"


def response_by_rank(
    responses: Sequence[np.ndarray], scores: Sequence[np.ndarray], n_bins: int = 10
) -> np.ndarray:
    """Average responses in bins of the pictures' rank along the concept.

    Parameters
    ----------
    responses, scores : sequences of arrays of shape (n_pictures,)
        Response to each held-out picture and its place along the concept, an array for each
        participant.
    n_bins : int, default=10
        Bins of as equal numbers of pictures as possible.

    Returns
    -------
    float array of shape (n_bins, n_participants)
        Mean responses by bin, from the least associated pictures to the most.

    Raises
    ------
    ValueError
        If lengths differ, values are not finite, or there are fewer pictures than bins.
    """
    check_count("n_bins", n_bins, 1)
    pairs = _check_pairs(responses, scores, n_bins)
    columns = []
    for response, score in pairs:
        parts = np.array_split(response[np.argsort(score, kind="stable")], n_bins)
        columns.append([part.mean() for part in parts])
    return np.array(columns).T


def negation_test(
    responses: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    *,
    fraction: float = 0.1,
    margin: float = 0.1,
    alpha: float = 0.05,
) -> NegationTest:
    """Test whether the least associated pictures bring a concept's voxels below baseline.

    Participants are the sample: the test generalises to other people who see these pictures.

    Parameters
    ----------
    responses : sequence of arrays of shape (n_pictures,)
        Mean response of the concept's voxels to held-out pictures, an array for each participant,
        such that zero is baseline; not z-scored.
    scores : sequence of arrays of shape (n_pictures,)
        Place of the same pictures along the concept, from training data alone.
    fraction : float, default=0.1
        Share of the pictures at each end, at most a quarter; twice as many are the middle.
    margin : float, default=0.1
        Share of the response to the top: a smaller dip than this still counts as "not below".
    alpha : float, default=0.05
        Level of the verdict; divide it by the number of concepts where several are tested.

    Returns
    -------
    NegationTest

    Raises
    ------
    ValueError
        If there are fewer than two participants, lengths differ, values are not finite, or a
        number is out of range.

    See Also
    --------
    ranking_auc : How well a concept ranks pictures.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import negation_test
    >>> rng, scores = np.random.default_rng(0), np.linspace(-1, 1, 40)
    >>> responses = [scores + rng.standard_normal(40) for _ in range(6)]
    >>> negation_test(responses, [scores] * 6).verdict
    'below'
    """
    limits = {"fraction": (fraction, 0.25), "margin": (margin, 1), "alpha": (alpha, 0.5)}
    for name, (value, most) in limits.items():
        if not 0 < value <= most:
            raise ValueError(f"{name}={value!r}: expected a number above 0 and at most {most}.")
    if len(responses) < 2:
        raise ValueError(f"{len(responses)} participant: the spread over them needs at least 2.")
    values = np.array(
        [
            _three_means(response, score, fraction)
            for response, score in _check_pairs(responses, scores, round(1 / fraction))
        ]
    )
    top, middle, bottom = values.T
    return NegationTest(
        *(top, middle, bottom),
        p_below=_p_negative(bottom),
        p_less=_p_negative(-(bottom + margin * top)),
        p_lower_than_middle=_p_negative(bottom - middle),
        margin=margin,
        alpha=alpha,
    )


def _three_means(response: np.ndarray, score: np.ndarray, fraction: float) -> tuple[float, ...]:
    n = max(1, round(fraction * len(score)))
    top, bottom = extremes(score, n)
    half = len(score) // 2
    middle = np.argsort(score, kind="stable")[max(half - n, 0) : half + n]
    return tuple(float(response[rows].mean()) for rows in (top, middle, bottom))


def _p_negative(values: np.ndarray) -> float:
    """One-sided p-value of "the mean is not negative", from Student's t over participants."""
    from scipy.stats import t

    error = values.std(ddof=1) / np.sqrt(len(values))
    if error == 0:
        return 0.0 if values[0] < 0 else 1.0
    return float(t.cdf(values.mean() / error, len(values) - 1))


def _check_pairs(
    responses: Sequence[np.ndarray], scores: Sequence[np.ndarray], least: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    if len(responses) != len(scores) or not len(responses):
        raise ValueError(
            f"responses of {len(responses)} participants, scores of {len(scores)}; expected as "
            "many, at least one."
        )
    pairs = []
    for i, (response, score) in enumerate(zip(responses, scores, strict=True)):
        response = as_array("responses", response, float)
        score = as_array("scores", score, float)
        if response.ndim != 1 or response.shape != score.shape or len(score) < least:
            raise ValueError(
                f"participant {i}: responses {response.shape}, scores {score.shape}; expected one "
                f"of each a picture, and at least {least} pictures."
            )
        if not (np.isfinite(response).all() and np.isfinite(score).all()):
            raise ValueError(f"participant {i}: responses or scores are not finite.")
        pairs.append((response, score))
    return pairs
