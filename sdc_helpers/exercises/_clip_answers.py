"""Solutions and common wrong answers of the exercises on what CLIP knows."""

from __future__ import annotations

import numpy as np


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _pairs(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of pairs that resemble each other, of very different lengths."""
    meaning = rng.normal(size=(n, d))
    sides = (meaning + 0.9 * rng.normal(size=(n, d)) for _ in range(2))
    first, second = (side * rng.uniform(0.3, 3.0, size=(n, 1)) for side in sides)
    return first, second


# --- 1. the loss ------------------------------------------------------------------------------


def contrastive_loss(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    """Ask rows for their column and columns for their row, and average the two losses."""
    S = u @ v.T / tau
    right = np.diag(S)  # the logit of each pair
    of_rows = np.log(np.exp(S).sum(axis=1)) - right
    of_columns = np.log(np.exp(S).sum(axis=0)) - right
    return float((of_rows.mean() + of_columns.mean()) / 2)


def _cross_entropy(S: np.ndarray, axis: int) -> np.ndarray:
    return np.log(np.exp(S).sum(axis=axis)) - np.diag(S)


def one_direction(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    return float(_cross_entropy(u @ v.T / tau, 1).mean())


def other_direction(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    return float(_cross_entropy(u @ v.T / tau, 0).mean())


def times_temperature(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    return contrastive_loss(u, v, 1 / tau)


def no_temperature(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    return contrastive_loss(u, v, 1.0)


def sum_of_directions(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    return 2 * contrastive_loss(u, v, tau)


def sum_over_pairs(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    return len(u) * contrastive_loss(u, v, tau)


def softmax_of_the_whole_table(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    S = u @ v.T / tau
    return float(np.log(np.exp(S).sum()) - np.diag(S).mean())


def pair_left_out(u: np.ndarray, v: np.ndarray, tau: float) -> float:
    S = u @ v.T / tau
    others = np.where(np.eye(len(S), dtype=bool), 0.0, np.exp(S))
    losses = [np.log(others.sum(axis=axis)) - np.diag(S) for axis in (0, 1)]
    return float(np.mean(losses))


def loss_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, float]]:
    cases = []
    for n, d, tau in ((6, 8, 0.1), (15, 20, 0.3)):
        first, second = _pairs(rng, n, d)
        cases.append((_unit(first), _unit(second), tau))
    return cases


# --- 2. ranks by cosine -----------------------------------------------------------------------


def ranks_of_own_picture(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """Count, for each caption, the pictures that are at least as near as its own."""
    u = images / np.linalg.norm(images, axis=1, keepdims=True)
    v = captions / np.linalg.norm(captions, axis=1, keepdims=True)
    cosines = v @ u.T  # a row a caption
    return (cosines >= np.diag(cosines)[:, None]).sum(axis=1)


def _ranks(scores: np.ndarray) -> np.ndarray:
    return (scores >= np.diag(scores)[:, None]).sum(axis=1)


def lengths_kept(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    return _ranks(captions @ images.T)


def over_captions(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    return _ranks(_unit(images) @ _unit(captions).T)


def from_zero(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    return ranks_of_own_picture(images, captions) - 1


def from_the_far_end(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    return len(images) + 1 - ranks_of_own_picture(images, captions)


def order_for_rank(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    order = np.argsort(-(_unit(captions) @ _unit(images).T), axis=1)
    return order[np.arange(len(order)), np.arange(len(order))] + 1


def distance_of_raw_vectors(images: np.ndarray, captions: np.ndarray) -> np.ndarray:
    return _ranks(-((captions[:, None] - images[None]) ** 2).sum(axis=2))


def pair_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [_pairs(rng, n, d) for n, d in ((12, 5), (25, 6), (30, 10))]


# --- 3. several sentences a class -------------------------------------------------------------


def class_scores(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Average the unit vectors of a class, scale to length 1, and take cosines."""
    sentences = prompts / np.linalg.norm(prompts, axis=2, keepdims=True)
    classes = sentences.mean(axis=1)
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    pictures = images / np.linalg.norm(images, axis=1, keepdims=True)
    return pictures @ classes.T


def mean_of_cosines(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    return _unit(images) @ _unit(prompts).mean(axis=1).T


def long_sentences_count_more(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    return _unit(images) @ _unit(prompts.mean(axis=1)).T


def best_sentence(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    return np.einsum("nd,ckd->nck", _unit(images), _unit(prompts)).max(axis=2)


def first_sentence(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    return _unit(images) @ _unit(prompts[:, 0]).T


def pictures_not_scaled(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    return images @ _unit(_unit(prompts).mean(axis=1)).T


def probabilities(images: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    scores = np.exp(class_scores(images, prompts))
    return scores / scores.sum(axis=1, keepdims=True)


def prompt_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for n, n_classes, n_sentences, d in ((7, 3, 4, 6), (10, 5, 3, 8)):
        classes = rng.normal(size=(n_classes, 1, d))
        prompts = classes + rng.normal(size=(n_classes, n_sentences, d))
        prompts *= rng.uniform(0.3, 3.0, size=(n_classes, n_sentences, 1))
        images = rng.normal(size=(n, d)) * rng.uniform(0.3, 3.0, size=(n, 1))
        cases.append((images, prompts))
    return cases


# --- 4. recall with several captions ----------------------------------------------------------


def recall_any_caption(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    """Share of pictures with one of their own captions among the k largest cosines."""
    nearest = np.argsort(-cosines, axis=1)[:, :k]  # captions, nearest first
    own = owner[nearest] == np.arange(len(cosines))[:, None]
    return float(own.any(axis=1).mean())


def _hits(cosines: np.ndarray, owner: np.ndarray, k: int) -> np.ndarray:
    nearest = np.argsort(-cosines, axis=1)[:, :k]
    return owner[nearest] == np.arange(len(cosines))[:, None]


def first_caption_only(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    pictures = np.arange(len(cosines))
    first = np.array([np.flatnonzero(owner == i)[0] for i in pictures])
    nearest = np.argsort(-cosines, axis=1)[:, :k]
    return float((nearest == first[:, None]).any(axis=1).mean())


def share_of_own_captions(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    n_own = np.bincount(owner, minlength=len(cosines))
    return float((_hits(cosines, owner, k).sum(axis=1) / n_own).mean())


def precision(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    return float(_hits(cosines, owner, k).mean())


def from_captions_to_pictures(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    nearest = np.argsort(-cosines, axis=0)[:k]
    return float((nearest == owner[None]).any(axis=0).mean())


def one_too_many(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    return recall_any_caption(cosines, owner, k + 1)


def smallest_first(cosines: np.ndarray, owner: np.ndarray, k: int) -> float:
    return recall_any_caption(-cosines, owner, k)


def recall_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, int]]:
    cases = []
    for n, n_captions, k in ((40, 5, 3), (60, 3, 4), (50, 5, 8)):
        owner = rng.permutation(np.repeat(np.arange(n), n_captions))
        images = _unit(rng.normal(size=(n, 6)))
        texts = _unit(images[owner] + 0.6 * rng.normal(size=(len(owner), 6)))
        cases.append((images @ texts.T, owner, k))
    return cases
