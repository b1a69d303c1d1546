"""How difficult a caption is: its nouns, its words, how rare they are, or a model's loss.

A *measure* is called with captions and returns a number for each, larger for more difficult ones:
``measure(captions) -> float array of shape (n_captions,)``. All of them count words, never word
pieces: what a tokenizer cuts up is no property of the language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers._texts import text_groups, text_list
from sdc_helpers.curriculum._taggers import Tagger, check_tags, tagger_named
from sdc_helpers.curriculum.results import LogLikelihoods
from sdc_helpers.measures import Interval

NOUN_TAGS = ("NN", "NNP")
"""Singular nouns and names (Penn Treebank): what the study counts."""
PLURAL_TAGS = ("NNS", "NNPS")
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")


class Measure(Protocol):
    """What gives captions a difficulty."""

    def __call__(self, captions: Sequence[str]) -> np.ndarray:
        """Return the difficulty of each caption, shape (n_captions,)."""
        ...


def words_of(caption: str) -> list[str]:
    """Return the words of a caption in lower case, without punctuation."""
    return [word.lower() for word in _WORD.findall(caption)]


@dataclass(frozen=True)
class NounCount:
    """Number of nouns in a caption, repeated ones counted each time.

    Parameters
    ----------
    tagger : {"textblob", "spacy"} or callable, default="textblob"
        Part-of-speech tagger that tells nouns from other words:

        - "textblob": Brill's rules (1992) for any English; ``pip install textblob``.
        - "spacy": the model en_core_web_sm, where it is installed.
        - a callable, ``tagger(sentence) -> [(word, tag), ...]`` with Penn Treebank tags, such as
          ``sdc_helpers.scenes.tag_by_lexicon``, which knows every word of the picture world.
    plurals : bool, default=True
        True counts NN, NNP and the plurals NNS and NNPS. False counts NN and NNP alone: the
        study's choice, in which "two dogs" has no noun.

    Raises
    ------
    ValueError
        If the tagger's name is unknown. When called: if a tagger returns something else than
        pairs, or a caption is no string.
    ImportError
        When called: if the tagger is not installed.

    See Also
    --------
    WordCount : Number of words.
    WordRarity : How rare the words are.
    image_difficulty : Difficulty of an image with several captions.

    References
    ----------
    Marcus, Santorini and Marcinkiewicz (1993), Computational Linguistics 19(2), for the tags.

    Examples
    --------
    >>> from sdc_helpers.curriculum import NounCount
    >>> from sdc_helpers.scenes import tag_by_lexicon
    >>> captions = ["Two red apples on a table.", "A dog."]
    >>> NounCount(tagger=tag_by_lexicon)(captions)
    array([2., 1.])
    >>> NounCount(tagger=tag_by_lexicon, plurals=False)(captions)
    array([1., 1.])
    """

    tagger: str | Tagger = "textblob"
    plurals: bool = True

    def __post_init__(self) -> None:
        if not callable(self.tagger):
            tagger_named(self.tagger)  # raises if there is none

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that count."""
        return NOUN_TAGS + PLURAL_TAGS if self.plurals else NOUN_TAGS

    def __call__(self, captions: Sequence[str]) -> np.ndarray:
        """Count the nouns of each caption, float64 (n_captions,); 0 without a noun."""
        captions = text_list(captions, "captions", empty=True)
        tagger = self.tagger if callable(self.tagger) else tagger_named(self.tagger)
        counts = np.zeros(len(captions))
        for number, caption in enumerate(captions):
            tags = check_tags(tagger(caption), number)
            # signs and smileys that a tagger guesses to be nouns are no words
            counts[number] = sum(
                tag in self.tags and any(map(str.isalpha, word)) for word, tag in tags
            )
        return counts


@dataclass(frozen=True)
class WordCount:
    """Number of words in a caption; punctuation is none."""

    def __call__(self, captions: Sequence[str]) -> np.ndarray:
        """Count the words of each caption, float64 (n_captions,)."""
        captions = text_list(captions, "captions", empty=True)
        return np.array([len(words_of(caption)) for caption in captions], dtype=float)


class WordRarity:
    """Mean of -log p(w) over the words of a caption, natural logarithm; 0 without a word.

    Probabilities are frequencies in the training text with one added to each count:
    ``p(w) = (count(w) + 1) / (n_words + n_different_words + 1)``, the last 1 being for all words
    that do not occur. Platanios et al. (2019) take the sum, which grows with length.

    Parameters
    ----------
    training_sentences : iterable of str
        Training text, read once; no held-out text, which would leak into the order of training.

    Raises
    ------
    ValueError
        If it has no word, or holds something else than strings.

    Examples
    --------
    >>> from sdc_helpers.curriculum import WordRarity
    >>> WordRarity(["a dog", "a cat"])(["a dog", "a zebra"]).round(2)
    array([1.18, 1.53])
    """

    def __init__(self, training_sentences: Iterable[str]) -> None:
        if isinstance(training_sentences, str):
            raise ValueError("training_sentences is a string; give a list of sentences.")
        counts: Counter[str] = Counter()
        for number, sentence in enumerate(training_sentences):
            if not isinstance(sentence, str):
                raise ValueError(
                    f"training_sentences[{number}] is {sentence!r}; expected a string."
                )
            counts.update(words_of(sentence))
        if not counts:
            raise ValueError("training_sentences holds no word: no frequency can be counted.")
        total = counts.total() + len(counts) + 1
        self._rarity = {word: float(np.log(total / (n + 1))) for word, n in counts.items()}
        self._unseen = float(np.log(total))

    def __call__(self, captions: Sequence[str]) -> np.ndarray:
        """Return the mean rarity of each caption's words, float64 (n_captions,)."""
        captions = text_list(captions, "captions", empty=True)
        return np.array([self._mean(words_of(caption)) for caption in captions])

    def _mean(self, words: list[str]) -> float:
        return sum(self._rarity.get(w, self._unseen) for w in words) / len(words) if words else 0.0


@dataclass(frozen=True, eq=False)
class ModelLoss:
    """Loss a token of a trained model, in nats: what that model finds unlikely.

    Parameters
    ----------
    score : callable
        ``score(captions, pictures) -> LogLikelihoods``, such as a ``Scorer``.
    pictures : int array of shape (n_captions,), optional
        Row of the picture of each caption, in the order in which captions come; None for a model
        of text alone.

    Raises
    ------
    ValueError
        When called: if lengths differ, or `score` returns something else.
    """

    score: Callable[[Sequence[str], np.ndarray | None], LogLikelihoods]
    pictures: np.ndarray | None = None

    def __call__(self, captions: Sequence[str]) -> np.ndarray:
        """Return the loss a token of each caption, float64 (n_captions,)."""
        captions = text_list(captions, "captions", empty=True)
        if self.pictures is not None and len(self.pictures) != len(captions):
            raise ValueError(
                f"pictures has {len(self.pictures)} rows for {len(captions)} captions."
            )
        rows = None if self.pictures is None else as_array("pictures", self.pictures, np.int64)
        likelihoods = self.score(captions, rows)
        if not isinstance(likelihoods, LogLikelihoods) or len(likelihoods.total) != len(captions):
            raise ValueError(
                f"score returned {likelihoods!r}; expected LogLikelihoods of {len(captions)} "
                "captions."
            )
        return -likelihoods.total / likelihoods.n_tokens


def image_difficulty(captions: Sequence[Sequence[str]], measure: Measure) -> np.ndarray:
    """Return the difficulty of each image: the largest one among its captions.

    Parameters
    ----------
    captions : sequence of sequence of str
        Captions of each image, at least one.
    measure : callable
        ``measure(captions) -> array``, called once with the captions of all images, image by
        image.

    Returns
    -------
    numpy.ndarray of float64, shape (n_images,)
        0 for an image whose captions have none of what is counted, such as nouns.

    Raises
    ------
    ValueError
        If there is no image, one has no caption, or the measure returns another number of values
        or one that is not finite.

    See Also
    --------
    curriculum_plan : The order of training that follows from difficulties.

    Examples
    --------
    >>> from sdc_helpers.curriculum import WordCount, image_difficulty
    >>> image_difficulty([["A dog.", "A big dog."], ["A cat."]], WordCount())
    array([3., 2.])
    """
    captions = text_groups(captions)
    flat = [caption for own in captions for caption in own]
    values = as_array("measure(captions)", measure(flat), float)
    if values.shape != (len(flat),):
        raise ValueError(f"measure returned shape {values.shape} for {len(flat)} captions.")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            f"measure gave {values[bad[0]]} for {flat[bad[0]]!r}; expected finite numbers."
        )
    starts = np.cumsum([0, *(len(own) for own in captions[:-1])])
    return np.maximum.reduceat(values, starts)


def rank_agreement(
    first: np.ndarray,
    second: np.ndarray,
    groups: np.ndarray,
    *,
    n_draws: int = 200,
    seed: int | Sequence[int] = 0,
) -> Interval:
    """Compare two measures of difficulty by how they rank the same captions.

    Captions of one picture are alike, so whole pictures are drawn anew for the interval.

    Parameters
    ----------
    first, second : array of shape (n_captions,)
        Difficulties by one measure and by the other.
    groups : int array of shape (n_captions,)
        Picture of each caption.
    n_draws : int, default=200
        Resamples of the pictures.
    seed : int or sequence of int, default=0
        Seed of the resampling.

    Returns
    -------
    Interval
        Spearman's rank correlation, with its percentile interval for other pictures.

    Raises
    ------
    ValueError
        If lengths differ, there are fewer than two pictures or draws are fewer than 1.

    Examples
    --------
    >>> from sdc_helpers.curriculum import rank_agreement
    >>> round(rank_agreement([1, 2, 3, 4], [1, 3, 2, 4], [0, 0, 1, 1]).value, 6)
    0.8
    """
    from scipy.stats import spearmanr

    named = {"first": first, "second": second, "groups": groups}
    x, y, groups = (as_array(name, values) for name, values in named.items())
    shapes = {x.shape, y.shape, groups.shape}
    if len(shapes) != 1 or x.ndim != 1:
        raise ValueError(f"arrays have shapes {shapes}; expected (n_captions,) of all.")
    codes = np.unique(groups, return_inverse=True)[1]
    n = int(codes.max(initial=-1)) + 1
    if n < 2:
        raise ValueError(f"captions are of {n} picture(s); others cannot be told from so few.")
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    rng, values = np.random.default_rng(seed), []
    for _ in range(check_count("n_draws", n_draws, least=1)):
        drawn = np.concatenate([members[i] for i in rng.integers(n, size=n)])
        values.append(float(spearmanr(x[drawn], y[drawn])[0]))
    return Interval.from_resamples(float(spearmanr(x, y)[0]), np.array(values))
