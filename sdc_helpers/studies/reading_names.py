"""How well names say what was planted, against names of random directions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.concepts import both_ends, fits_name, ranking_auc
from sdc_helpers.concepts.words import MIN_PICTURES, compare_counts
from sdc_helpers.measures import NullTest

if TYPE_CHECKING:
    from sdc_helpers.studies.reading_study import ReadingStudy


def name_directions(
    reading: ReadingStudy, directions: np.ndarray, n_end: int, n_words: int
) -> list[tuple[str, ...]]:
    """Name directions by the words that are enriched at their top.

    Parameters
    ----------
    reading : ReadingStudy
        Whose training pictures, and their captions, are ranked.
    directions : array of shape (n_directions, D)
        In the whitened embedding, of any length.
    n_end : int
        Training pictures at the top, held against all others.
    n_words : int
        Words of a name, at most.

    Returns
    -------
    list of tuples of str
        One for each direction; empty where no word passes the bound.
    """
    has = reading.word_counts(reading.training) > 0
    common = has.sum(axis=0) >= MIN_PICTURES
    has, words = has[:, common], np.array(reading.vocabulary)[common].tolist()
    tops, _ = both_ends(reading.white.of(reading.training), directions, n_end)
    names, total = [], has.sum(axis=0)
    for top in tops:
        own = has[top].sum(axis=0)
        found = compare_counts(words, own, total - own, n_end, len(has) - n_end)
        names.append(found.top(n_words))
    return names


def names_against_random(
    reading: ReadingStudy,
    names: Sequence[Collection[str]],
    *,
    n_end: int,
    n_words: int,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[int, NullTest]:
    """Hold each name against names of random directions, on the planted value of its concept.

    Any direction of an embedding has pictures at its top, and they have words in common. So a name
    is worth something if it tells more of the concept than the name of a random direction, made
    by the same procedure, does. Pictures are those that nobody was trained on.

    Parameters
    ----------
    reading : ReadingStudy
        Of simulated participants.
    names : sequence of n_concepts collections of str
        Name of each concept.
    n_end, n_words : int
        How names were made, see `name_directions`.
    n_draws : int
        Random directions, drawn evenly from all directions of the whitened embedding.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    dict of int to NullTest
        AUC of the planted value by whether the name fits, by number of the concept. A random
        direction without a name, or whose name fits all pictures or none, scores 0.5. Concepts that
        are no planted one are left out, as are all of real participants.
    """
    values = reading.planted_values(reading.fresh)
    captions = reading.captions(reading.fresh)
    random = rng.normal(size=(n_draws, reading.directions.shape[1]))
    fits_random = [
        fits_name(captions, name) for name in name_directions(reading, random, n_end, n_words)
    ]
    tests = {}
    for number, name in enumerate(names):
        value = values[:, number]
        if np.isfinite(value).all():
            null = np.array([_auc(value, fits) for fits in fits_random])
            own = _auc(value, fits_name(captions, name))
            tests[number] = NullTest.from_null(own, null, scheme="random directions")
    return tests


def _auc(values: np.ndarray, fits: np.ndarray) -> float:
    if not 0 < fits.sum() < len(fits):
        return 0.5
    return float(ranking_auc(values, fits, n_bootstrap=1).value)
