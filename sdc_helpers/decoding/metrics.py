"""How well embeddings are decoded: identification, fit by dimension, chance and intervals.

The gallery is the fold's distinct true embeddings, and every prediction, of a single trial or of
the mean over an image's repetitions, is a query. Ties count against the decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_count, check_share, check_unit_rows, unit_rows
from sdc_helpers.decoding._bootstrap import (
    fit_statistics,
    group_sums,
    image_draws,
    ratio_of_sums,
    two_versus_two,
)
from sdc_helpers.decoding._inputs import check_items, check_matrix
from sdc_helpers.measures import Interval, NullTest
from sdc_helpers.permutations import Permutations, permutations_of

if TYPE_CHECKING:
    import pandas as pd

KS = (1, 5, 10, 50, 100, 500)
_TIE = 1e-12  # two cosines of equal embeddings, summed in another order, are still a tie
_BLOCK_BYTES = 64e6


@dataclass(frozen=True)
class DecodingScore:
    """How well one fold is decoded.

    Every score is an `Interval`: its value over all trials, the percentile bootstrap over images
    (all trials of an image are drawn together), and as chance what predictions that know nothing
    of the image are expected to score.

    Attributes
    ----------
    n_trials, n_images, n_gallery : int
        Number of queries, of distinct images among them, and of images to choose from.
    top_k : dict of int to Interval
        Fraction of queries whose own image is among the k nearest of the gallery (cosine). The
        gallery stays as it is in the bootstrap; chance is k over its size.
    two_versus_two : Interval
        Share of pairs of trials of different images for which the right assignment of the two
        predictions to the two embeddings has the larger sum of cosines. Chance is one half.
    cosine : Interval
        Mean cosine of prediction and own embedding; chance is the mean cosine with the other
        images of the gallery, which is not 0 where embeddings fill a cone.
    r2, r : Interval
        Coefficient of determination (its reference, the mean of the fold, is 0) and Pearson
        correlation over trials, by dimension, averaged over the dimensions that vary.
    """

    n_trials: int
    n_images: int
    n_gallery: int
    top_k: dict[int, Interval]
    two_versus_two: Interval
    cosine: Interval
    r2: Interval
    r: Interval

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a score: value, low, high, chance."""
        import pandas as pd

        rows = {f"top_{k}": score for k, score in self.top_k.items()}
        rows |= {name: getattr(self, name) for name in ("two_versus_two", "cosine", "r2", "r")}
        columns = ["value", "low", "high", "chance"]
        return pd.DataFrame(
            [[getattr(score, column) for column in columns] for score in rows.values()],
            index=pd.Index(rows, name="score"),
            columns=columns,
        )


def score_decoding(
    predicted: np.ndarray,
    items: np.ndarray,
    gallery: np.ndarray,
    gallery_items: np.ndarray,
    *,
    ks: Sequence[int] = KS,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    random_state: int | np.random.Generator = 0,
) -> DecodingScore:
    """Score predicted embeddings of trials.

    Parameters
    ----------
    predicted : array of shape (n_trials, D)
        Predicted embeddings. Their length matters for R^2 alone: give the raw predictions of a
        ridge decoder for it. A prediction of length 0 has cosine 0 with everything.
    items : array of shape (n_trials,)
        Image of each trial.
    gallery : array of shape (n_gallery, D)
        The fold's distinct true embeddings, unit length (see `distinct_embeddings`).
    gallery_items : array of shape (n_gallery,)
        Image of each row of the gallery, each once; all of `items` are among them.
    ks : sequence of int
        Numbers k of nearest images. Those not smaller than the gallery are left out: everything is
        among them.
    n_bootstrap : int
        Number of bootstrap resamples of the images.
    confidence : float
        Confidence of the intervals, between 0 and 1.
    random_state : int or numpy.random.Generator
        Source of the resamples, or its seed.

    Returns
    -------
    DecodingScore
        Every score with its interval and its chance level.

    Raises
    ------
    ValueError
        If an array has a wrong shape or is not finite, gallery rows are not unit length, an image
        is twice in the gallery or a trial's image is not in it, or an option is out of range.

    See Also
    --------
    permuted_score : A test of the top-k accuracy against permuted images.
    distinct_embeddings : The gallery of a fold.

    Notes
    -----
    Memory is bounded by blocks of trials, besides an (n_bootstrap, n_images) matrix and some
    float64 copies of `predicted`.

    Examples
    --------
    A perfect decoder of four images, two trials each:

    >>> import numpy as np
    >>> from sdc_helpers.decoding import score_decoding
    >>> gallery, images = np.eye(4), np.array([11, 12, 13, 14])
    >>> trials = np.repeat(images, 2)
    >>> predicted = gallery[np.repeat(np.arange(4), 2)]
    >>> score = score_decoding(predicted, trials, gallery, images, ks=[1], n_bootstrap=10)
    >>> score.top_k[1].value, score.top_k[1].chance
    (1.0, 0.25)
    >>> list(score.to_frame().index)
    ['top_1', 'two_versus_two', 'cosine', 'r2', 'r']
    """
    ks = _check_ks(ks)
    check_share("confidence", confidence)
    check_count("n_bootstrap", n_bootstrap, 1)
    raw, unit, own, gallery = _checked(predicted, items, gallery, gallery_items)

    order = np.argsort(own, kind="stable")  # trials of one image side by side
    raw, unit, own = raw[order], unit[order], own[order]
    images, starts, counts = np.unique(own, return_index=True, return_counts=True)
    draws = image_draws(len(images), n_bootstrap, np.random.default_rng(random_state))
    ranks, cosines, other_cosine = _ranks_and_cosines(unit, own, gallery)

    def interval(values: np.ndarray, chance: float) -> Interval:
        return Interval.from_resamples(values[0], values[1:], level=confidence, chance=chance)

    def mean(values: np.ndarray, chance: float) -> Interval:
        sums = group_sums(values.astype(float), starts)
        return interval(ratio_of_sums(draws, sums, counts), chance)

    blocks = _correct_pairs(unit, own, gallery, starts)
    r2, r = fit_statistics(draws, raw, gallery[own], starts)
    return DecodingScore(
        n_trials=len(own),
        n_images=len(images),
        n_gallery=len(gallery),
        top_k={k: mean(ranks <= k, k / len(gallery)) for k in ks if k < len(gallery)},
        two_versus_two=interval(two_versus_two(draws, blocks, counts), 0.5),
        cosine=mean(cosines, other_cosine),
        r2=interval(r2, 0.0),
        r=interval(r, 0.0),
    )


def permuted_score(
    predicted: np.ndarray,
    items: np.ndarray,
    gallery: np.ndarray,
    gallery_items: np.ndarray,
    *,
    k: int = 1,
    n_permutations: int = 1000,
    random_state: int | np.random.Generator = 0,
    permutations: Permutations | None = None,
) -> NullTest:
    """Test top-k accuracy by giving images each other's embeddings.

    The embeddings are permuted over the images of the gallery, and all repetitions of an image
    get the same wrong one: single trials of one image are not independent.

    Parameters
    ----------
    predicted, items, gallery, gallery_items, random_state
        Arguments of `score_decoding`.
    k : int
        Number of nearest images that count as a hit, smaller than the gallery.
    n_permutations : int
        Number of permutations.
    permutations : Permutations, optional
        Which rows of the gallery may change places, from `permutations_of`; any by default. Of
        stretches of a time series, circular shifts.

    Returns
    -------
    NullTest
        Top-k accuracy, and the same with the images' embeddings permuted; that is on average k
        over the size of the gallery.

    Raises
    ------
    ValueError
        In the cases that `score_decoding` lists.

    See Also
    --------
    score_decoding : All scores with their intervals.
    """
    (k,) = _check_ks([k])
    check_count("n_permutations", n_permutations, 1)
    _, unit, own, gallery = _checked(predicted, items, gallery, gallery_items)
    if k >= len(gallery):
        raise ValueError(f"k={k}: expected less than the {len(gallery)} images of the gallery.")
    rng = np.random.default_rng(random_state)
    drawn_from = permutations_of(len(gallery)) if permutations is None else permutations
    if drawn_from.n != len(gallery):
        raise ValueError(
            f"permutations are of {drawn_from.n} rows; expected the {len(gallery)} of the gallery."
        )
    shuffles = np.stack([np.arange(len(gallery)), *drawn_from.draw(n_permutations, rng)])
    hits = np.zeros(len(shuffles))
    for rows in _blocks(len(unit), len(gallery)):
        similar = unit[rows] @ gallery.T
        hit = _ranks_of_all(similar) <= k
        hits += [hit[np.arange(len(hit)), shuffle[own[rows]]].sum() for shuffle in shuffles]
    shares = hits / len(unit)
    scheme = "images of the gallery" if permutations is None else drawn_from.name
    return NullTest.from_null(shares[0], shares[1:], scheme=scheme)


def _checked(
    predicted: Any, items: Any, gallery: Any, gallery_items: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return raw and unit predictions, each trial's row of the gallery, and the gallery."""
    predicted = check_matrix(predicted, "predicted")
    gallery = check_matrix(gallery, "gallery")
    check_unit_rows("gallery", gallery)
    if predicted.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"predicted has {predicted.shape[1]} dimensions, gallery has {gallery.shape[1]}."
        )
    if len(gallery) < 2:
        raise ValueError("gallery holds one image: there is nothing to tell it from.")
    items = check_items(items, len(predicted))
    gallery_items = check_items(gallery_items, len(gallery), "gallery_items")
    sorter = np.argsort(gallery_items, kind="stable")
    ascending = gallery_items[sorter]
    twice = np.flatnonzero(ascending[1:] == ascending[:-1])
    if len(twice):
        raise ValueError(
            f"gallery_items holds {ascending[twice[0]].item()!r} twice; see distinct_embeddings."
        )
    place = np.searchsorted(ascending, items).clip(max=len(ascending) - 1)
    unknown = ascending[place] != items
    if unknown.any():
        raise ValueError(
            f"{unknown.sum()} trials show images that the gallery lacks, such as "
            f"{items[unknown][0].item()!r}."
        )
    return predicted, unit_rows(predicted), sorter[place], unit_rows(gallery)


def _ranks_and_cosines(
    unit: np.ndarray, own: np.ndarray, gallery: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Rank of each trial's own image, its cosine, and the mean cosine with the other images."""
    ranks, cosines = np.empty(len(unit), dtype=np.int64), np.empty(len(unit))
    total = 0.0
    for rows in _blocks(len(unit), len(gallery)):
        similar = unit[rows] @ gallery.T
        cosines[rows] = similar[np.arange(len(similar)), own[rows]]
        ranks[rows] = (similar >= cosines[rows, None] - _TIE).sum(axis=1)  # itself is the 1
        total += similar.sum()
    return ranks, cosines, float(total - cosines.sum()) / (len(unit) * (len(gallery) - 1))


def _ranks_of_all(similar: np.ndarray) -> np.ndarray:
    """Rank of every gallery image for each trial, ties counted against it."""
    order = np.sort(similar, axis=1)
    return np.stack(
        [
            len(ascending) - np.searchsorted(ascending, cosines - _TIE)
            for ascending, cosines in zip(order, similar, strict=True)
        ]
    )


def _correct_pairs(
    unit: np.ndarray, own: np.ndarray, gallery: np.ndarray, starts: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Count correct pairs of trials for blocks of images; trials sorted by image."""
    n_images = len(starts)
    ends = np.append(starts[1:], len(own))
    true = gallery[own[starts]]  # one row an image
    image = np.repeat(np.arange(n_images), ends - starts)
    own_cosine = np.einsum("td,td->t", unit, true[image])
    per_block = max(1, int(_BLOCK_BYTES / (8 * len(own) * np.mean(ends - starts) * 3)))
    for first in range(0, n_images, per_block):
        block = slice(first, min(first + per_block, n_images))
        rows = slice(starts[block.start], ends[block.stop - 1])
        other = (unit[rows] @ true.T)[:, image]  # my prediction with your embedding
        swapped = (unit @ true[block].T).T[image[rows] - first]
        gain = own_cosine[rows, None] + own_cosine - other - swapped
        correct = group_sums((gain > _TIE).astype(float), starts[block] - starts[block.start])
        pairs = np.add.reduceat(correct, starts, axis=1)
        pairs[np.arange(len(pairs)), np.arange(first, first + len(pairs))] = 0
        yield block, pairs


def _blocks(n: int, width: int) -> Iterator[slice]:
    size = max(1, int(_BLOCK_BYTES / (8 * width)))
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _check_ks(ks: Sequence[int]) -> list[int]:
    if len(ks) == 0 or not all(
        isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 1 for k in ks
    ):
        raise ValueError(f"ks={ks!r}: expected numbers of images, whole and 1 or more.")
    return sorted({int(k) for k in ks})
