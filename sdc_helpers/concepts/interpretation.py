"""What a concept means: words that go with its pictures, and how good these words are as a name.

A name is given by a procedure, on training pictures, and scored on the measured responses to
held-out ones. So it can be wrong, and "no name" is a possible answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers._texts import text_groups, text_list
from sdc_helpers.concepts.ranking import ranking_auc
from sdc_helpers.measures import NullTest
from sdc_helpers.permutations import permutations_of

_WORD = re.compile(r"[a-z]+")


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


@dataclass(frozen=True, eq=False)
class NameScore:
    """How well names tell which held-out pictures a concept's voxels respond to.

    Attributes
    ----------
    auc : float array of shape (n_concepts, n_concepts)
        Row: name; column: responses of a concept. Probability that a picture that the name fits
        has a larger response than one it does not fit, mean over participants. NaN for a concept
        without a name.
    identified : bool array of shape (n_concepts,)
        Whether a name fits the responses of its own concept best.
    own : NullTest
        Mean AUC of names with their own concepts, against the same with the names dealt out by
        chance: what blind guessing reaches. NaN without a name.
    """

    auc: np.ndarray
    identified: np.ndarray
    own: NullTest


@dataclass(frozen=True)
class ConceptCard:
    """Everything that was read about one concept, on a card.

    Attributes
    ----------
    number : int
        Number of the concept: its column of the clustering.
    n_voxels, n_participants : int
        Size of the concept in voxels, and participants who have it.
    name, opposite : tuple of str
        Words enriched among its most and least associated pictures; empty if there are none.
    nearest : tuple of str
        Words whose text embeddings are nearest to it.
    name_auc : float
        AUC of the name on responses to held-out pictures; NaN without a name.
    negation : str
        Verdict of the negation test.
    notes : tuple of str
        Further sentences for the card.
    """

    number: int
    n_voxels: int
    n_participants: int
    name: tuple[str, ...]
    opposite: tuple[str, ...]
    nearest: tuple[str, ...]
    name_auc: float
    negation: str
    notes: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """The number and the first words of the name."""
        return f"{self.number}: {', '.join(self.name[:3]) or 'without a name'}"

    def to_markdown(self) -> str:
        """Write the card as Markdown."""
        auc = "no name to score" if np.isnan(self.name_auc) else f"AUC {self.name_auc:.2f}"
        lines = (
            f"**Concept {self.title}**",
            f"size: {self.n_voxels} voxels of {self.n_participants} participants",
            f"most associated: {', '.join(self.name) or 'no enriched word'}",
            f"least associated: {', '.join(self.opposite) or 'no enriched word'}",
            f"nearest texts: {', '.join(self.nearest) or 'not asked'}",
            f"name on held-out responses: {auc} (chance 0.5)",
            f"its negation: {self.negation}",
            *self.notes,
        )
        return lines[0] + "\n" + "".join(f"\n- {line}" for line in lines[1:])


def extremes(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the pictures that are most and least associated with a concept.

    Parameters
    ----------
    scores : array of shape (n_pictures,)
        Embeddings times the concept vector.
    n : int
        Number of pictures at each end.

    Returns
    -------
    top, bottom : int arrays of shape (n,)
        The highest first, and the lowest first; ties in the order of the pictures.

    Raises
    ------
    ValueError
        If the scores are not finite numbers, or the two ends would overlap.
    """
    scores = as_array("scores", scores)
    if scores.ndim != 1 or scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
        raise ValueError(
            f"scores has shape {scores.shape} and type {scores.dtype}; expected one finite number "
            "a picture."
        )
    check_count("n", n, 1)
    if 2 * n > len(scores):
        raise ValueError(f"n={n}: two ends of {n} overlap among {len(scores)} pictures.")
    return np.argsort(-scores, kind="stable")[:n], np.argsort(scores, kind="stable")[:n]


def words_of(captions: Sequence[str]) -> frozenset[str]:
    """Return the words of a picture's captions, lower case, each once."""
    texts = text_list(captions, "captions", empty=True)
    return frozenset(word for text in texts for word in _WORD.findall(text.lower()))


def enriched_words(
    top: Sequence[Sequence[str]],
    bottom: Sequence[Sequence[str]],
    vocabulary: Collection[str],
    *,
    min_pictures: int = 3,
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

    References
    ----------
    Monroe, Colaresi and Quinn (2008), Political Analysis 16, 372-403 (log odds with a prior).
    """
    from scipy.stats import norm

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
    cells = np.stack([a, len(top) - a, b, len(bottom) - b]) + 0.5
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


def score_names(
    responses: Sequence[np.ndarray],
    fits: Sequence[np.ndarray],
    *,
    n_permutations: int = 9999,
    rng: np.random.Generator | int | None = None,
) -> NameScore:
    """Score names on measured responses to held-out pictures.

    Parameters
    ----------
    responses : sequence of arrays of shape (n_pictures, n_concepts)
        Mean response of each concept's voxels, an array for each participant; NaN where there is no
        voxel.
    fits : sequence of bool arrays of the same shapes
        Whether the name of each concept fits each picture, from `fits_name`.
    n_permutations : int, default=9999
        Ways of dealing the names out by chance.
    rng : numpy.random.Generator or int, optional
        Source of these deals, or its seed.

    Returns
    -------
    NameScore
        NaN and False for names that fit all or no pictures of every participant.

    Raises
    ------
    ValueError
        If there is no participant, or shapes differ.
    """
    if not len(responses) or len(responses) != len(fits):
        raise ValueError(
            f"{len(responses)} participants' responses and {len(fits)} of fits; expected as many, "
            "and at least one."
        )
    check_count("n_permutations", n_permutations, 1)
    auc = _nanmean([_auc_table(r, f) for r, f in zip(responses, fits, strict=True)])
    named = np.flatnonzero(np.isfinite(np.diag(auc)))
    identified = np.zeros(len(auc), dtype=bool)
    if not len(named):
        unknown = NullTest(np.nan, np.full(n_permutations, np.nan), np.nan, "names")
        return NameScore(auc, identified, unknown)
    identified[named] = [np.nanargmax(auc[i]) == i for i in named]
    table, rng = auc[np.ix_(named, named)], np.random.default_rng(rng)
    own = float(np.diag(table).mean())
    dealt = np.zeros((n_permutations, 1), dtype=int)  # one name can only be dealt to itself
    if len(named) > 1:
        dealt = np.stack(list(permutations_of(len(named)).draw(n_permutations, rng)))
    blind = np.nanmean(table[np.arange(len(named)), dealt], axis=1)
    return NameScore(auc, identified, NullTest.from_null(own, blind, scheme="names"))


def _auc_table(responses: np.ndarray, fits: np.ndarray) -> np.ndarray:
    responses, fits = as_array("responses", responses, float), as_array("fits", fits)
    if responses.ndim != 2 or fits.shape != responses.shape or fits.dtype != bool:
        raise ValueError(
            f"responses {responses.shape} and fits {fits.shape} ({fits.dtype}); expected both "
            "(n_pictures, n_concepts), fits bool."
        )
    table = np.full((fits.shape[1],) * 2, np.nan)
    for i, fit in enumerate(fits.T):
        for j, values in enumerate(responses.T):
            if 0 < fit.sum() < len(fit) and np.isfinite(values).all():
                table[i, j] = ranking_auc(values, fit, n_bootstrap=1).value
    return table


def _nanmean(tables: Sequence[np.ndarray]) -> np.ndarray:
    stacked = np.array(tables)
    n = np.isfinite(stacked).sum(axis=0)
    return np.where(n > 0, np.nansum(stacked, axis=0) / np.maximum(n, 1), np.nan)


def partial_correlations(values: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Correlate values with each factor, the other factors regressed out of both.

    Parameters
    ----------
    values : array of shape (n_pictures,)
        Values to explain, such as the mean response of a concept's voxels.
    factors : array of shape (n_pictures, n_factors)
        Factors that may explain the values, confounds included.

    Returns
    -------
    float array of shape (n_factors,)

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, there are not more pictures than factors + 2,
        or a factor is constant or given by the others.
    """
    values, factors = as_array("values", values, float), as_array("factors", factors, float)
    if factors.ndim != 2 or values.shape != factors.shape[:1]:
        raise ValueError(
            f"values {values.shape} and factors {factors.shape}; expected (n_pictures,) and "
            "(n_pictures, n_factors)."
        )
    if not (np.isfinite(values).all() and np.isfinite(factors).all()):
        raise ValueError("values or factors hold numbers that are not finite.")
    n, n_factors = factors.shape
    design = np.column_stack([np.ones(n), factors])
    if n <= n_factors + 2 or np.linalg.matrix_rank(design) <= n_factors:
        raise ValueError(
            f"factors: {n_factors} over {n} pictures; expected more pictures than that, and no "
            "factor that is constant or given by the others."
        )
    found = np.empty(n_factors)
    for j in range(n_factors):
        others = np.delete(design, j + 1, axis=1)
        pair = np.column_stack([values, factors[:, j]])
        left, right = (pair - others @ np.linalg.lstsq(others, pair, rcond=None)[0]).T
        found[j] = left @ right / np.sqrt((left @ left) * (right @ right))
    return found
