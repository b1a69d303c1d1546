"""What single components are worth: which of them identification needs, and how well each is read.

Held-out trials only: components that were fitted on the trials they are scored on look better than
they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_share
from sdc_helpers.concepts._component_inputs import as_items, as_pairs, as_rows
from sdc_helpers.measures import Interval


@dataclass(frozen=True, eq=False)
class Pruning:
    """Components in the order in which identification needs them.

    Attributes
    ----------
    ranking : int array of shape (K,)
        Components, the one that was left at last first, the one that was removed first last.
    top_1 : float array of shape (K,)
        Top-1 accuracy of the first 1, 2, ..., K of the ranking, from 0 to 1. A single component
        has one cosine with everything on its side, so that its accuracy is 0.
    """

    ranking: np.ndarray
    top_1: np.ndarray


@dataclass(frozen=True, eq=False)
class Decodability:
    """How well the score of each component is decoded.

    Attributes
    ----------
    r : tuple of Interval
        Correlation of true and decoded scores over trials, by component; the percentile bootstrap
        is over pictures, all trials of a picture together. Chance is 0.
    repeatability : float array of shape (K,) or None
        Intraclass correlation of the decoded scores of trials of one picture (one-way, single
        trials); None where no picture is repeated.
    n_pictures, n_repeated : int
        Number of pictures, and of those with two trials or more.
    """

    r: tuple[Interval, ...]
    repeatability: np.ndarray | None
    n_pictures: int
    n_repeated: int

    @property
    def ceiling(self) -> np.ndarray | None:
        """Largest correlation that anything known of the pictures can have with the decoded scores.

        The square root of the repeatability, 0 where that is below 0; None without repetitions.
        """
        if self.repeatability is None:
            return None
        return np.sqrt(np.maximum(self.repeatability, 0))


def prune_components(
    true: np.ndarray, decoded: np.ndarray, items: np.ndarray | None = None
) -> Pruning:
    """Remove components one by one, each time the one that top-1 accuracy misses least.

    Among equals the last goes first. The gallery are the distinct true scores, all trials are
    queries, nearness is the cosine, and ties are misses: what ``score_decoding`` calls top-1.

    Parameters
    ----------
    true, decoded : array of shape (n_trials, K)
        Scores of the true and the decoded embeddings of validation trials, as of ``transform``.
    items : array of shape (n_trials,), optional
        Picture of each trial; without it, trials with equal rows of `true` show one picture.

    Returns
    -------
    Pruning

    Raises
    ------
    ValueError
        If arrays do not match or are not finite, trials of a picture differ in their true scores,
        all show one picture, or all scores of a trial are 0.

    Notes
    -----
    K (K + 1) / 2 rankings of the gallery: seconds for 32 components of a thousand trials.

    References
    ----------
    Efird, Murphy, Zylberberg, Fyshe (2023), arXiv 2306.03375, rank components so.

    Examples
    --------
    Of four components, two are decoded:

    >>> import numpy as np
    >>> from sdc_helpers.concepts import prune_components
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(size=(60, 4))
    >>> decoded = np.column_stack([rng.normal(size=(60, 2)), true[:, 2:]])
    >>> pruning = prune_components(true, decoded)
    >>> sorted(pruning.ranking[:2].tolist())
    [2, 3]
    """
    from sdc_helpers.decoding import distinct_embeddings
    from sdc_helpers.embeddings.retrieval import recall_at_k

    true, decoded = as_pairs(true, decoded)
    codes = as_items("items", items, true)
    if codes.max() == 0:
        raise ValueError("items: all trials show one picture; there is no other to tell from.")
    gallery, _ = distinct_embeddings(true, codes)

    def top_1(kept: list[int]) -> float:
        return float(recall_at_k(decoded[:, kept], gallery[:, kept], codes, [1])[0])

    kept = list(range(true.shape[1]))
    removed, curve = [], [top_1(kept)]
    while len(kept) > 1:
        without = [top_1([other for other in kept if other != one]) for one in kept[::-1]]
        best = int(np.argmax(without))
        removed.append(kept.pop(len(kept) - 1 - best))
        curve.append(without[best])
    return Pruning(np.array(kept + removed[::-1]), np.array(curve[::-1]))


def decodability(
    true: np.ndarray,
    decoded: np.ndarray,
    components: np.ndarray,
    image_ids: np.ndarray,
    *,
    confidence: float = 0.95,
    n_bootstrap: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> Decodability:
    """Correlate true and decoded scores of each component on held-out trials.

    Parameters
    ----------
    true, decoded : array of shape (n_trials, D)
        Embedding of the picture of each trial, and what was decoded from the responses to it.
    components : array of shape (K, D)
        Directions of any length.
    image_ids : array of shape (n_trials,)
        Picture of each trial. Trials of one picture count as its repetitions, whoever saw it: give
        one participant at a time.
    confidence : float, default=0.95
        Coverage of the intervals, in (0, 1).
    n_bootstrap : int, default=1000
        Resamples of the pictures, all trials of a picture together.
    rng : numpy.random.Generator or int, optional
        Source of the resamples, or its seed.

    Returns
    -------
    Decodability

    Raises
    ------
    ValueError
        If arrays do not match or are not finite, there are fewer than three pictures, an option is
        out of range, or a component's true or decoded score is the same in all trials.

    References
    ----------
    Shrout and Fleiss (1979), Psychological Bulletin 86, 420, for the intraclass correlation.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import decodability
    >>> rng = np.random.default_rng(0)
    >>> pictures = np.repeat(np.arange(100), 3)
    >>> true = rng.normal(size=(100, 2))[pictures]
    >>> decoded = true + rng.normal(size=(300, 2)) * [1, 2]
    >>> found = decodability(true, decoded, np.eye(2), pictures, n_bootstrap=200, rng=0)
    >>> [r.against(r.chance) for r in found.r]
    ['above', 'above']
    >>> found.ceiling.round(1).tolist()
    [0.7, 0.3]
    """
    check_share("confidence", confidence)
    check_count("n_bootstrap", n_bootstrap, 1)
    true, decoded = as_pairs(true, decoded)
    components = as_rows("components", components, true.shape[1])
    codes = as_items("image_ids", as_array("image_ids", image_ids), true)
    n_pictures = int(codes.max()) + 1
    if n_pictures < 3:
        raise ValueError(f"image_ids holds {n_pictures} pictures; expected 3 or more.")
    t, d = (part @ components.T for part in (true, decoded))
    t, d = t - t.mean(axis=0), d - d.mean(axis=0)
    for name, part, scores in (("true", true, t), ("decoded", decoded, d)):
        flat = np.flatnonzero(np.abs(scores).max(axis=0) <= 1e-10 * np.abs(part).max())
        if len(flat):
            raise ValueError(
                f"components: the {name} score of row {flat[0]} is the same in all trials; leave "
                "the row out."
            )
    draws = np.random.default_rng(rng).multinomial(
        n_pictures, np.full(n_pictures, 1 / n_pictures), n_bootstrap
    )
    draws = np.concatenate([np.ones((1, n_pictures)), draws])
    r = _correlations(draws, t, d, codes)
    counts = np.bincount(codes)
    return Decodability(
        tuple(
            Interval.from_resamples(one[0], one[1:], level=confidence, chance=0.0) for one in r.T
        ),
        repeatability=_intraclass(d, codes) if (counts > 1).any() else None,
        n_pictures=n_pictures,
        n_repeated=int((counts > 1).sum()),
    )


def _correlations(draws: np.ndarray, t: np.ndarray, d: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Correlation of each column in each draw of pictures, (n_draws, K); NaN where one is flat."""
    n = (draws @ np.bincount(codes))[:, None]
    mean_t, mean_d, tt, dd, td = (
        draws @ _sums(values, codes) / n for values in (t, d, t * t, d * d, t * d)
    )
    spread = (tt - mean_t**2) * (dd - mean_d**2)
    floor = 1e-20 * spread[0]
    return np.divide(
        td - mean_t * mean_d, np.sqrt(np.maximum(spread, floor)),
        out=np.full_like(spread, np.nan), where=spread > floor,
    )  # fmt: skip


def _intraclass(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """One-way intraclass correlation of single trials, from pictures that are repeated, (K,)."""
    counts = np.bincount(codes)
    repeated = counts[codes] > 1
    scores, codes = scores[repeated], np.unique(codes[repeated], return_inverse=True)[1]
    counts = np.bincount(codes)
    n, n_pictures = len(codes), len(counts)
    if n_pictures < 2:
        raise ValueError(
            "image_ids: one picture alone is repeated; its trials cannot be held against those of "
            "others. Leave its repetitions out."
        )
    means = _sums(scores, codes) / counts[:, None]
    within = ((scores - means[codes]) ** 2).sum(axis=0) / (n - n_pictures)
    between = (counts[:, None] * (means - scores.mean(axis=0)) ** 2).sum(axis=0) / (n_pictures - 1)
    per_picture = (n - (counts**2).sum() / n) / (n_pictures - 1)
    total = between + (per_picture - 1) * within
    return np.divide(between - within, total, out=np.zeros_like(total), where=total > 0)


def _sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sum of the rows of each picture."""
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums
