"""The exercises of the chapter on decoding pictures."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


# --- 1. top-k with the right gallery ----------------------------------------------------------


def top_k(predicted: np.ndarray, Y: np.ndarray, items: np.ndarray, k: int) -> float:
    """Ask of every trial whether its own picture is among the k nearest distinct pictures."""
    pictures, first = np.unique(items, return_index=True)
    gallery = Y[first]  # each picture once
    cosines = predicted @ (gallery / np.linalg.norm(gallery, axis=1, keepdims=True)).T
    nearest = np.argsort(-cosines, axis=1)[:, :k]
    return float((pictures[nearest] == items[:, None]).any(axis=1).mean())


def _hits(cosines: np.ndarray, of: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return (of[nearest] == items[:, None]).any(axis=1)


def _gallery_of_trials(predicted: np.ndarray, Y: np.ndarray, items: np.ndarray, k: int) -> float:
    return float(_hits(predicted @ _unit(Y).T, items, items, k).mean())


def _farthest(predicted: np.ndarray, Y: np.ndarray, items: np.ndarray, k: int) -> float:
    return top_k(-predicted, Y, items, k)


def _lengths_of_gallery_kept(
    predicted: np.ndarray, Y: np.ndarray, items: np.ndarray, k: int
) -> float:
    pictures, first = np.unique(items, return_index=True)
    return float(_hits(predicted @ Y[first].T, pictures, items, k).mean())


def _only_the_nearest(predicted: np.ndarray, Y: np.ndarray, items: np.ndarray, k: int) -> float:
    return top_k(predicted, Y, items, 1)


def _by_picture(predicted: np.ndarray, Y: np.ndarray, items: np.ndarray, k: int) -> float:
    pictures, first = np.unique(items, return_index=True)
    hits = _hits(predicted @ _unit(Y[first]).T, pictures, items, k)
    return float(np.mean([hits[items == picture].mean() for picture in pictures]))


def _fold_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    cases = []
    for n_pictures, k in ((20, 2), (30, 4), (25, 3), (40, 6)):
        embeddings = rng.normal(size=(n_pictures, 12)) * rng.uniform(0.4, 2.5, size=(n_pictures, 1))
        items = rng.permutation(np.repeat(np.arange(n_pictures), rng.integers(1, 5, n_pictures)))
        Y = embeddings[items]
        cases.append((_unit(_unit(Y) + 0.5 * rng.normal(size=Y.shape)), Y, 100 + items, k))
    return cases


# --- 2. repeated pictures in a batch ----------------------------------------------------------


def contrastive_loss(P: np.ndarray, Y: np.ndarray, items: np.ndarray, tau: float) -> float:
    """Leave other trials of the same picture out of both softmaxes."""
    S = P @ Y.T / tau
    repeated = (items[:, None] == items) & ~np.eye(len(S), dtype=bool)
    weights = np.where(repeated, 0.0, np.exp(S))
    of_rows = np.log(weights.sum(axis=1)) - np.diag(S)
    of_columns = np.log(weights.sum(axis=0)) - np.diag(S)
    return float((of_rows.mean() + of_columns.mean()) / 2)


def _repeats_as_negatives(P: np.ndarray, Y: np.ndarray, items: np.ndarray, tau: float) -> float:
    return contrastive_loss(P, Y, np.arange(len(items)), tau)


def _own_pair_left_out(P: np.ndarray, Y: np.ndarray, items: np.ndarray, tau: float) -> float:
    S = P @ Y.T / tau
    weights = np.where(items[:, None] == items, 0.0, np.exp(S))
    losses = [np.log(weights.sum(axis=axis)) - np.diag(S) for axis in (0, 1)]
    return float(np.mean(losses))


def _repeats_at_logit_zero(P: np.ndarray, Y: np.ndarray, items: np.ndarray, tau: float) -> float:
    S = P @ Y.T / tau
    repeated = (items[:, None] == items) & ~np.eye(len(S), dtype=bool)
    weights = np.exp(np.where(repeated, 0.0, S))
    losses = [np.log(weights.sum(axis=axis)) - np.diag(S) for axis in (0, 1)]
    return float(np.mean(losses))


def _rows_only(P: np.ndarray, Y: np.ndarray, items: np.ndarray, tau: float) -> float:
    S = P @ Y.T / tau
    repeated = (items[:, None] == items) & ~np.eye(len(S), dtype=bool)
    weights = np.where(repeated, 0.0, np.exp(S))
    return float((np.log(weights.sum(axis=1)) - np.diag(S)).mean())


def _times_temperature(P: np.ndarray, Y: np.ndarray, items: np.ndarray, tau: float) -> float:
    return contrastive_loss(P, Y, items, 1 / tau)


def _batch_cases(
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    cases = []
    for n, tau in ((8, 0.2), (20, 0.4)):
        items = np.append(rng.integers(0, n // 2, n - 2), [n, n])  # the last picture comes twice
        Y = _unit(rng.normal(size=(n + 1, 10)))[items]
        cases.append((_unit(Y + 0.4 * rng.normal(size=Y.shape)), Y, items, tau))
    return cases


EXERCISES = (
    Exercise(
        identifier="decoding.top_k",
        title="Top-k with the right gallery",
        minutes=15,
        difficulty=2,
        solution=top_k,
        cases=_fold_cases,
        wrong_answers=(
            WrongAnswer(
                "gallery of trials",
                "Your gallery holds a picture once for each of its showings, so that repetitions "
                "of one wrong picture fill several of the k places. The gallery is the distinct "
                "pictures.",
                _gallery_of_trials,
            ),
            WrongAnswer(
                "farthest first",
                "You took the k smallest cosines. argsort is ascending: sort the negative.",
                _farthest,
            ),
            WrongAnswer(
                "inner product",
                "The embeddings of the gallery differ in length here, and long ones win an inner "
                "product whatever they show. Divide by their lengths.",
                _lengths_of_gallery_kept,
            ),
            WrongAnswer(
                "only the nearest",
                "This is top-1. A hit is a trial whose picture is anywhere among the k nearest.",
                _only_the_nearest,
            ),
            WrongAnswer(
                "averaged by picture",
                "You averaged hits by picture first. Every single trial is a query, and all count "
                "the same.",
                _by_picture,
            ),
        ),
        hints=(
            "np.unique(items, return_index=True) gives the distinct pictures and a row of each.",
            "Cosines: (trials, D) times the unit gallery's transpose. The k nearest of a row: "
            "np.argsort(-cosines, axis=1)[:, :k].",
            "(pictures[nearest] == items[:, None]).any(axis=1).mean()",
        ),
    ),
    Exercise(
        identifier="decoding.repeats",
        title="A picture is not its own negative",
        minutes=15,
        difficulty=2,
        solution=contrastive_loss,
        cases=_batch_cases,
        wrong_answers=(
            WrongAnswer(
                "repetitions as negatives",
                "Another trial of the same picture has the same embedding: as a negative it is "
                "pushed away from what it should be near. Leave it out of the sum.",
                _repeats_as_negatives,
            ),
            WrongAnswer(
                "own pair left out",
                "You left out the trial's own pair too. It belongs into the sum: the softmax is "
                "over the right answer and the wrong ones.",
                _own_pair_left_out,
            ),
            WrongAnswer(
                "logit zero",
                "You set the logits of repetitions to 0, but exp(0) is 1: they still count. Their "
                "logit is minus infinity, or their term 0.",
                _repeats_at_logit_zero,
            ),
            WrongAnswer(
                "rows only",
                "This asks each prediction for its picture. The loss also asks each picture for "
                "its prediction, and averages the two.",
                _rows_only,
            ),
            WrongAnswer(
                "temperature the wrong way",
                "Cosines are divided by the temperature, not multiplied.",
                _times_temperature,
            ),
        ),
        hints=(
            "Begin with the table of logits S = P @ Y.T / tau; the right answers are its diagonal.",
            "repeated = (items[:, None] == items) & ~np.eye(n, dtype=bool) are the pairs to leave "
            "out.",
            "For rows: log of the sum of exp(S) without these, less the diagonal. The same for "
            "columns; then the mean of both.",
        ),
    ),
)
