"""Bootstrap of means, correlations and pair statistics over images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def image_draws(n_images: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each image is drawn: first once each, then `n_draws` resamples.

    Returns
    -------
    float64 array of shape (1 + n_draws, n_images)
        How often each draw holds each image.
    """
    drawn = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=n_draws)
    return np.concatenate([np.ones((1, n_images)), drawn])


def group_sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum the rows of each image; rows sorted by image, `starts` its first row."""
    return np.add.reduceat(values, starts, axis=0)


def ratio_of_sums(draws: np.ndarray, numerator: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over trials in each draw, from sums and numbers of trials by image."""
    return (draws @ numerator) / (draws @ counts)


def fit_statistics(
    draws: np.ndarray, predicted: np.ndarray, true: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """R^2 and Pearson r by dimension, averaged over dimensions, in each draw.

    Returns
    -------
    r2, r : float64 arrays of shape (n_draws,)
        Dimensions in which a draw does not vary are left out; NaN if none is left.
    """
    counts = group_sums(np.ones(len(true)), starts)
    n = (draws @ counts)[:, None]
    p = predicted - predicted.mean(axis=0)  # moments about a near mean lose no digits
    t = true - true.mean(axis=0)
    mean_p, mean_t = (draws @ group_sums(v, starts) / n for v in (p, t))
    var_p = draws @ group_sums(p * p, starts) / n - mean_p**2
    var_t = draws @ group_sums(t * t, starts) / n - mean_t**2
    cov = draws @ group_sums(p * t, starts) / n - mean_p * mean_t
    mse = draws @ group_sums((predicted - true) ** 2, starts) / n
    around = var_t + mean_t**2  # the fold's mean stays the reference of all draws
    smallest = 1e-12 * np.maximum(var_t[0].max(), np.finfo(float).tiny)
    varies = var_t > smallest
    r2 = _mean_where(1 - mse / np.where(varies, around, 1), varies)
    both = varies & (var_p > 1e-12 * np.maximum(var_p[0].max(), np.finfo(float).tiny))
    r = _mean_where(cov / np.sqrt(np.where(both, var_t * var_p, 1)), both)
    return r2, r


def _mean_where(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    count = where.sum(axis=1)
    total = np.where(where, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def two_versus_two(
    draws: np.ndarray,
    correct_blocks: Iterator[tuple[slice, np.ndarray]],
    counts: np.ndarray,
) -> np.ndarray:
    """Accuracy over pairs of trials of different images, in each draw.

    Parameters
    ----------
    draws : array of shape (n_draws, n_images)
        How often each draw holds each image.
    correct_blocks : iterator of (slice, array of shape (n_images in slice, n_images))
        Numbers of correct pairs of trials of two images, 0 for an image with itself.
    counts : array of shape (n_images,)
        Number of trials of each image.

    Returns
    -------
    float64 array of shape (n_draws,)
        Accuracy in each draw; NaN where a draw holds only one image.
    """
    correct = np.zeros(len(draws))
    for block, pairs in correct_blocks:
        correct += np.einsum("ba,ba->b", draws[:, block], draws @ pairs.T)
    weighted = draws * counts
    n_pairs = weighted.sum(axis=1) ** 2 - (weighted**2).sum(axis=1)
    return np.where(n_pairs > 0, correct / np.maximum(n_pairs, 1), np.nan)
