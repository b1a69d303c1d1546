"""What a model of captions can do, asked by likelihood alone.

A model is seen only through a scorer: a function of sentences and pictures that returns how likely
each sentence is. Nothing here trains, and nothing depends on the order of items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers._texts import text_list
from sdc_helpers.curriculum.results import CaptionLikelihood, Evaluation, LogLikelihoods, refuse

if TYPE_CHECKING:
    from sdc_helpers.scenes.pairs import MinimalPair
    from sdc_helpers.scenes.questions import Question

_TIE = 1e-9  # the same words summed in another order are still a tie


class Scorer(Protocol):
    """What evaluations ask of a model."""

    def __call__(self, sentences: Sequence[str], pictures: np.ndarray | None) -> LogLikelihoods:
        """Score each sentence with the picture of its row, or text alone for None."""


@dataclass(frozen=True, eq=False)
class TextScore:
    """Which of two captions belongs to which of two pictures.

    Attributes
    ----------
    each : Evaluation
        Two items a pair: is a picture's own caption likelier than the other one; chance 1/2.
        Without looking at pictures it is 1/2 as well, and neither more nor less.
    both : Evaluation
        One item a pair: are both right (the text score of Winoground); chance 1/4. Without looking
        at pictures it is 0, unless the two captions tie.
    """

    each: Evaluation
    both: Evaluation


@dataclass(frozen=True, eq=False)
class VQAScore:
    """The same questions with the right picture, with a wrong one and with none.

    Attributes
    ----------
    right, wrong, none : Evaluation
        `right` minus `wrong` is what looking at the picture is worth. `none` is what words alone
        give away, as far as the model knows what to do without a picture.
    """

    right: Evaluation
    wrong: Evaluation
    none: Evaluation


def caption_likelihood(
    score: Scorer, sentences: Sequence[str], pictures: np.ndarray | None = None
) -> CaptionLikelihood:
    """Score held-out captions with their pictures.

    Parameters
    ----------
    score : Scorer
        The model.
    sentences : sequence of str
        n captions.
    pictures : int array of shape (n,), optional
        Row of the picture of each; None scores text alone, every caption a unit of its own.

    Returns
    -------
    CaptionLikelihood

    Raises
    ------
    ValueError
        If there is no caption, or as the other evaluations.
    """
    sentences = text_list(sentences, "sentences", empty=True)
    found = _ask(score, sentences, pictures)
    n_words = np.array([len(sentence.split()) for sentence in sentences])
    units = np.arange(len(sentences)) if pictures is None else as_array("pictures", pictures)
    return CaptionLikelihood(found.total, found.n_tokens, n_words, units)


def text_score(score: Scorer, pairs: Sequence[MinimalPair]) -> TextScore:
    """Ask which of two captions made of the same words is that of a picture.

    As the text score of Winoground (Thrush et al. 2022), and for each picture by itself ("unpaired
    captions").

    Parameters
    ----------
    score : Scorer
        The model. Its pictures 2 k and 2 k + 1 are those of pair k, as `pictures_of` orders them.
    pairs : sequence of MinimalPair
        n pairs.

    Returns
    -------
    TextScore
        The scores of 2 n and of n items; their units are pairs, their kinds "relation" and
        "attribute".

    Raises
    ------
    ValueError
        If there is no pair, or the scorer returns another number of scores than asked for.
    """
    sentences = [caption for pair in pairs for caption in (*pair.captions, *pair.captions)]
    pictures = np.repeat(np.arange(2 * len(pairs)), 2)
    totals = _ask(score, sentences, pictures).total.reshape(-1, 2)
    own = np.tile((0, 1), len(pairs))
    numbers = np.arange(len(pairs))
    kinds = np.array([pair.kind for pair in pairs])
    each = _choose("text score", totals, own, np.repeat(kinds, 2), np.repeat(numbers, 2))
    correct, margin = each.correct.reshape(-1, 2), each.margin.reshape(-1, 2)
    both = Evaluation(
        "text score, both pictures", correct.prod(1), margin.min(1), 0.25, kinds, numbers
    )
    return TextScore(each, both)


def vqa_score(score: Scorer, questions: Sequence[Question], seed: int = 0) -> VQAScore:
    """Ask questions: the answer is the likeliest of the eight sentences.

    Sentences of a question differ in the answer, and likelihoods of whole sentences rank answers
    as their likelihoods given the rest of the sentence do.

    Parameters
    ----------
    score : Scorer
        The model. Its pictures are those of the scenes that `questions` were asked about.
    questions : sequence of Question
        n questions.
    seed : int, default=0
        Seed of the wrong pictures: each is that of another question of the same kind with another
        answer.

    Returns
    -------
    VQAScore
        Chance is one over the number of options.

    Raises
    ------
    ValueError
        If there is no question, a kind of question has one answer only, questions have different
        numbers of options, or the scorer returns another number of scores than asked for.
    """
    if not len(questions):
        raise ValueError("there is no question to ask.")
    n_options = {len(question.sentences) for question in questions}
    if len(n_options) > 1:
        raise ValueError(f"questions have {sorted(n_options)} options; expected one number.")
    sentences = [sentence for question in questions for sentence in question.sentences]
    shown = np.array([question.picture for question in questions])
    other = _wrong_pictures(questions, np.random.default_rng(seed))
    right = np.array([question.right for question in questions])
    kinds = np.array([question.kind for question in questions])

    def ask(name: str, pictures: np.ndarray | None) -> Evaluation:
        rows = None if pictures is None else np.repeat(pictures, *n_options)
        totals = _ask(score, sentences, rows).total.reshape(len(questions), -1)
        return _choose(name, totals, right, kinds, shown)

    return VQAScore(
        right=ask("VQA", shown),
        wrong=ask("VQA, wrong picture", other),
        none=ask("VQA, no picture", None),
    )


def acceptability(
    score: Scorer, pairs: Sequence[Sequence[str]], name: str = "acceptability"
) -> Evaluation:
    """Ask whether the grammatical sentence of each pair is the likelier one.

    Sums of log-likelihoods are compared, as BLiMP does (Warstadt et al. 2020), without a picture.

    Parameters
    ----------
    score : Scorer
        The model.
    pairs : sequence of (good, bad) or (good, bad, paradigm)
        Pairs from `acceptability_pairs`, or from BLiMP by paradigm: ``[(*pair, name) for name,
        pairs in load_blimp().items() for pair in pairs]``.
    name : str, optional
        Name of the evaluation.

    Returns
    -------
    Evaluation
        Chance 1/2; kinds are paradigms.

    Raises
    ------
    ValueError
        If there is no pair, one is none, or the scorer returns another number of scores than asked.
    """
    for number, pair in enumerate(pairs):
        if isinstance(pair, str) or not 2 <= len(pair) <= 3:
            raise ValueError(f"pair {number} is {pair!r}; expected (good, bad[, paradigm]).")
    totals = _ask(score, [text for pair in pairs for text in pair[:2]], None).total.reshape(-1, 2)
    kinds = np.array([pair[2] if len(pair) == 3 else "" for pair in pairs])
    return _choose(name, totals, np.zeros(len(pairs), int), kinds, np.arange(len(pairs)))


def _ask(score: Scorer, sentences: Sequence[str], pictures: np.ndarray | None) -> LogLikelihoods:
    """Score sentences, and check what is asked and what comes back."""
    sentences = text_list(sentences, "sentences", empty=True)
    if not sentences:
        raise ValueError("there is no sentence to score.")
    if pictures is not None:
        pictures = as_array("pictures", pictures)
        if pictures.shape != (len(sentences),) or pictures.dtype.kind not in "iu":
            raise ValueError(
                f"pictures are {pictures.dtype} of shape {pictures.shape}; expected "
                f"{len(sentences)} whole numbers, one a sentence."
            )
        refuse(pictures < 0, "pictures", pictures, "0 or more.")
    found = score(sentences, pictures)
    if not isinstance(found, LogLikelihoods) or len(found.total) != len(sentences):
        what = len(found.total) if isinstance(found, LogLikelihoods) else type(found).__name__
        raise ValueError(f"the scorer returned {what}; expected {len(sentences)} LogLikelihoods.")
    return found


def _choose(
    name: str, totals: np.ndarray, right: np.ndarray, kinds: np.ndarray, units: np.ndarray
) -> Evaluation:
    """Compare the right option of each item with the others; totals (n_items, n_options)."""
    rows = np.arange(len(totals))
    own = totals[rows, right]
    others = totals.copy()
    others[rows, right] = -np.inf
    margin = own - others.max(axis=1)
    tie = _TIE * np.abs(totals).max(axis=1)
    n_tied = (np.abs(totals - own[:, None]) <= tie[:, None]).sum(axis=1)
    correct = np.where(margin > tie, 1.0, np.where(margin < -tie, 0.0, 1.0 / n_tied))
    return Evaluation(name, correct, margin, 1 / totals.shape[1], kinds, units)


def _wrong_pictures(questions: Sequence[Question], rng: np.random.Generator) -> np.ndarray:
    pictures = np.array([question.picture for question in questions])
    kinds = np.array([question.kind for question in questions])
    answers = np.array([question.answers[question.right] for question in questions])
    wrong = np.empty_like(pictures)
    for row, (kind, answer) in enumerate(zip(kinds, answers, strict=True)):
        others = np.flatnonzero((kinds == kind) & (answers != answer) & (pictures != pictures[row]))
        if not len(others):
            raise ValueError(f"all questions about {kind} have the answer '{answer}'; ask more.")
        wrong[row] = pictures[rng.choice(others)]
    return wrong
