"""Words that go with the pictures of a concept, or whose embeddings are near to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers._texts import text_groups, text_list

_WORD = re.compile(r"[a-z]+")
MIN_PICTURES = 3
"""Words of fewer pictures are left out of a comparison."""


@dataclass(frozen=True, eq=False)
class WordEnrichment:
    """How much more often words go with some pictures than with others.

    Attributes
    ----------
    words : tuple of str
        Words of enough pictures, most enriched first; at equal z in alphabetical order.
    z : float array of shape (n_words,)
        Log odds ratio of being in a caption, over its standard error; negative for words of the
        other pictures.
    bound : float
        What |z| must exceed (two-sided 5 % over all these words, Bonferroni).
    """

    words: tuple[str, ...]
    z: np.ndarray
    bound: float

    def top(self, n: int) -> tuple[str, ...]:
        """Return up to n words that are enriched beyond the bound; maybe none."""
        return tuple(w for w, z in zip(self.words[:n], self.z, strict=False) if z > self.bound)

    def bottom(self, n: int) -> tuple[str, ...]:
        """Return up to n words of the other pictures beyond the bound, strongest first."""
        last = range(len(self.words) - 1, max(len(self.words) - 1 - n, -1), -1)
        return tuple(self.words[i] for i in last if self.z[i] < -self.bound)


def words_of(captions: Sequence[str]) -> frozenset[str]:
    """Return the words of a picture's captions, lower case, each once."""
    texts = text_list(captions, "captions", empty=True)
    return frozenset(word for text in texts for word in _WORD.findall(text.lower()))


def enriched_words(
    top: Sequence[Sequence[str]],
    bottom: Sequence[Sequence[str]],
    vocabulary: Collection[str],
    *,
    min_pictures: int = MIN_PICTURES,
) -> WordEnrichment:
    """Compare the words of two sets of pictures.

    A word counts once a picture, however many of its captions use it. With a and b of A and B
    pictures, z = (log((a + .5)/(A - a + .5)) - log((b + .5)/(B - b + .5))) / se, where se^2 is the
    sum of the reciprocals of these four numbers.

    Parameters
    ----------
    top, bottom : sequences of sequences of str
        The captions of each picture.
    vocabulary : collection of str
        Words that count, such as nouns and adjectives; lower case.
    min_pictures : int, default=3
        Words of fewer pictures in all are left out.

    Returns
    -------
    WordEnrichment

    Raises
    ------
    ValueError
        If a set of pictures is empty, captions are bare strings, or no word of the vocabulary is
        in enough pictures.

    See Also
    --------
    nearest_words : Words by their embeddings, without captions.
    fits_name : Which pictures such words fit.

    References
    ----------
    Monroe, Colaresi and Quinn (2008), Political Analysis 16, 372-403 (log odds with a prior).

    Examples
    --------
    >>> from sdc_helpers.concepts import enriched_words
    >>> words = enriched_words([["a dog"]] * 20, [["a cat"]] * 20, ["dog", "cat"])
    >>> words.top(3), words.bottom(3)
    (('dog',), ('cat',))
    """
    check_count("min_pictures", min_pictures, 1)
    vocabulary = _word_set(vocabulary, "vocabulary")
    top, bottom = text_groups(top, "top", empty=True), text_groups(bottom, "bottom", empty=True)
    counts = [_count_words(pictures, vocabulary) for pictures in (top, bottom)]
    both = counts[0].keys() | counts[1].keys()
    words = sorted(w for w in both if counts[0].get(w, 0) + counts[1].get(w, 0) >= min_pictures)
    if not words:
        raise ValueError(
            f"no word of the vocabulary is in {min_pictures} captioned pictures; give more "
            "pictures, a larger vocabulary or a smaller min_pictures."
        )
    a, b = (np.array([count.get(word, 0) for word in words]) for count in counts)
    return compare_counts(words, a, b, len(top), len(bottom))


def compare_counts(
    words: Sequence[str], a: np.ndarray, b: np.ndarray, n_top: int, n_bottom: int
) -> WordEnrichment:
    """Compare how many pictures of two sets have each word, see `enriched_words`.

    Parameters
    ----------
    words : sequence of n_words str
        In alphabetical order.
    a, b : int arrays of shape (n_words,)
        Pictures at the top, and at the bottom, that have the word.
    n_top, n_bottom : int
        Pictures in all.

    Returns
    -------
    WordEnrichment
    """
    from scipy.stats import norm

    a, b = as_array("a", a), as_array("b", b)
    cells = np.stack([a, n_top - a, b, n_bottom - b]) + 0.5
    log_odds = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
    z = log_odds / np.sqrt((1 / cells).sum(axis=0))
    order = np.argsort(-z, kind="stable")
    bound = float(norm.isf(0.025 / len(words)))
    return WordEnrichment(tuple(words[i] for i in order), z[order], bound)


def _word_set(words: Collection[str], name: str) -> set[str]:
    if isinstance(words, str):
        raise ValueError(f"{name} is the string {words!r}; expected a collection of words.")
    return set(words)


def _count_words(pictures: Sequence[Sequence[str]], vocabulary: set[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for captions in pictures:
        for word in words_of(captions) & vocabulary:
            counts[word] = counts.get(word, 0) + 1
    return counts


def nearest_words(
    concept: np.ndarray, vectors: np.ndarray, words: Sequence[str], n: int = 5
) -> tuple[str, ...]:
    """Find the words whose text embeddings point the way of a concept.

    The mean of all words is taken out first: it is where texts lie as against pictures, and says
    nothing about any of them.

    Parameters
    ----------
    concept : array of shape (D,)
        Direction among picture embeddings.
    vectors : array of shape (n_words, D)
        Text embeddings.
    words : sequence of n_words str
        Word of each embedding.
    n : int, default=5
        Number of words to return.

    Returns
    -------
    tuple of str
        Nearest words, the nearest first.

    Raises
    ------
    ValueError
        If shapes do not fit each other or values are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import nearest_words
    >>> vectors = np.array([[2, 1], [0, 1], [1, 1]])
    >>> nearest_words(np.array([1, 0]), vectors, ["dog", "cat", "tree"], n=1)
    ('dog',)
    """
    words = text_list(words, "words", empty=True)
    concept, vectors = as_array("concept", concept, float), as_array("vectors", vectors, float)
    if vectors.ndim != 2 or concept.shape != vectors.shape[1:] or len(words) != len(vectors):
        raise ValueError(
            f"concept {concept.shape}, vectors {vectors.shape} and {len(words)} words do not fit; "
            "expected (D,), (n_words, D) and n_words."
        )
    if not (np.isfinite(concept).all() and np.isfinite(vectors).all()):
        raise ValueError("concept or vectors hold values that are not finite.")
    check_count("n", n, 1)
    centred = vectors - vectors.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1)
    cosine = centred @ concept / np.where(lengths > 0, lengths, 1)
    return tuple(words[i] for i in np.argsort(-cosine, kind="stable")[:n])


def fits_name(captions: Sequence[Sequence[str]], name: Collection[str]) -> np.ndarray:
    """Say for which pictures any caption has any word of a name, bool (n_pictures,)."""
    words = _word_set(name, "name")
    return np.array([bool(words_of(own) & words) for own in captions], dtype=bool)
