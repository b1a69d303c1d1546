"""How much of a voxel's variance can be explained at all, from repeated showings of an image."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sdc_helpers._checks import as_array, check_count

_BLOCK_BYTES = 8 * 2**20


def ncsnr(
    betas: np.ndarray,
    image_ids: np.ndarray,
    train: np.ndarray,
    n_repetitions: int = 3,
    total_variance: float | np.ndarray = 1.0,
    bad_voxels: Literal["raise", "keep"] = "raise",
) -> np.ndarray:
    """Estimate the noise-ceiling signal-to-noise ratio of each voxel.

    Over the training images shown at least `n_repetitions` times, of which the first
    `n_repetitions` showings are taken: the noise variance is the mean over images of the variance
    over showings (ddof=1), the signal variance is what is left of the total variance, 0 at least,
    and ncsnr = sqrt(signal variance / noise variance) (Allen et al. 2022, Methods, "Noise ceiling
    estimation").

    Parameters
    ----------
    betas : array of shape (n_trials, n_voxels)
        Responses in order of showing, z-scored unless `total_variance` says otherwise. A memory
        map is read once, a few images at a time, and only in its training rows.
    image_ids : int array of shape (n_trials,)
        Image of each trial.
    train : bool array of shape (n_trials,)
        The training trials. No other trial has any influence: a ceiling that has seen the test
        trials selects voxels by them.
    n_repetitions : int, default=3
        Showings of each image, at least 2.
    total_variance : float or array of shape (n_voxels,), default=1.0
        Variance of single trials. 1 for z-scored betas; for others pass it, for example
        ``betas[train].var(axis=0, ddof=1)``.
    bad_voxels : {"raise", "keep"}, default="raise"
        What to do with voxels that are not finite, or constant, in the trials used: raise, or
        give them NaN.

    Returns
    -------
    float64 array of shape (n_voxels,)
        Noise-ceiling SNR of each voxel, from 0 to infinity (no noise at all); NaN for bad voxels
        that are kept.

    Raises
    ------
    ValueError
        If an argument has another shape or type, there are no images with so many repetitions, or
        voxels are bad.

    See Also
    --------
    noise_ceiling : The same as a percentage of variance.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.datasets import ncsnr, noise_ceiling
    >>> rng, image_ids = np.random.default_rng(0), np.repeat(np.arange(50), 3)
    >>> signal, noise = rng.standard_normal(50)[image_ids], rng.standard_normal((2, 150))
    >>> betas = np.column_stack([signal + noise[0] / 2, noise[1]])
    >>> betas = (betas - betas.mean(axis=0)) / betas.std(axis=0, ddof=1)
    >>> ratio = ncsnr(betas, image_ids, np.ones(150, bool))
    >>> ratio.round(2)
    array([1.74, 0.2 ])
    >>> noise_ceiling(ratio, n=3).round()  # percent, of the mean of three showings
    array([90., 10.])
    """
    betas = as_array("betas", betas)
    rows = _repeated_rows(betas, image_ids, train, n_repetitions)
    total = _check_total_variance(total_variance, betas.shape[1])
    if bad_voxels not in ("raise", "keep"):
        raise ValueError(f"bad_voxels={bad_voxels!r} is unknown; expected 'raise' or 'keep'.")

    noise, constant = _noise_variance(betas, rows)
    bad = constant | ~np.isfinite(noise)
    if bad.any() and bad_voxels == "raise":
        raise ValueError(
            f"betas: {bad.sum()} of {len(bad)} voxels are not finite or constant in the training "
            f"trials, the first is {np.argmax(bad)}. Leave them out when reading "
            "(bad_voxels='exclude' of NSD.betas), or pass bad_voxels='keep' to give them NaN."
        )
    noise = np.where(bad, np.nan, noise)
    signal = np.maximum(0.0, total - noise)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(signal == 0, 0.0, np.sqrt(signal / noise))
    return np.where(bad, np.nan, ratio)


def noise_ceiling(ncsnr: np.ndarray, n: float = 1) -> np.ndarray:
    """Convert ncsnr to the percentage of variance that a perfect model explains.

    Parameters
    ----------
    ncsnr : array of float, any shape
        Noise-ceiling SNR, computed by `ncsnr` or read from the released volume.
    n : float, default=1
        Trials that are averaged: 1 for single trials, 3 for the mean of three showings.

    Returns
    -------
    float64 array of the same shape
        ``100 ncsnr^2 / (ncsnr^2 + 1/n)``, from 0 to 100 (Allen et al. 2022); NaN where ncsnr is.

    Raises
    ------
    ValueError
        If an ncsnr is negative, or `n` is not positive.

    See Also
    --------
    ncsnr : Estimates the ratio.

    Examples
    --------
    >>> from sdc_helpers.datasets import noise_ceiling
    >>> noise_ceiling([0.0, 0.5, 1.0], n=3).round(1)
    array([ 0. , 42.9, 75. ])
    """
    snr = as_array("ncsnr", ncsnr, np.float64)
    if np.any(snr < 0):
        raise ValueError(f"ncsnr holds {np.nanmin(snr):g}, expected 0 or more.")
    if not 0 < n < np.inf:
        raise ValueError(f"n={n!r}: expected a number of averaged trials, above 0.")
    with np.errstate(divide="ignore", over="ignore"):
        return 100.0 / (1.0 + 1.0 / (n * snr**2))


def _repeated_rows(betas, image_ids, train, n_repetitions: int) -> np.ndarray:
    """Rows of the first showings of each image shown often enough, (n_images, n_repetitions)."""
    if betas.ndim != 2:
        raise ValueError(f"betas has shape {betas.shape}, expected (n_trials, n_voxels).")
    if betas.dtype.kind not in "iuf":
        raise ValueError(f"betas holds {betas.dtype}, expected real numbers.")
    check_count("n_repetitions", n_repetitions, 2)  # one showing tells nothing of the noise
    image_ids, train = as_array("image_ids", image_ids), as_array("train", train)
    if image_ids.shape != betas.shape[:1]:
        raise ValueError(
            f"image_ids has shape {image_ids.shape}, expected ({len(betas)},), one a row of betas."
        )
    if train.dtype != bool or train.shape != betas.shape[:1]:
        raise ValueError(
            f"train: {train.dtype} of shape {train.shape}, expected bool of shape ({len(betas)},), "
            "True for the training trials."
        )
    used = np.flatnonzero(train)
    order = used[np.argsort(image_ids[used], kind="stable")]
    _, first, counts = np.unique(image_ids[order], return_index=True, return_counts=True)
    first = first[counts >= n_repetitions]
    if len(first) == 0:
        raise ValueError(
            f"n_repetitions={n_repetitions}: no image occurs so often among the {len(used)} "
            f"training trials (at most {counts.max(initial=0)} times)."
        )
    rows = order[first[:, None] + np.arange(n_repetitions)]
    return rows[np.argsort(rows[:, 0])]  # in the order of the file


def _noise_variance(betas: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over images of the variance over showings, and whether a voxel never changes."""
    n_voxels = betas.shape[1]
    total = np.zeros(n_voxels)
    reference = np.asarray(betas[rows[0, 0]])
    constant = np.ones(n_voxels, dtype=bool)
    n_images = max(1, _BLOCK_BYTES // (8 * rows.shape[1] * max(1, n_voxels)))
    for start in range(0, len(rows), n_images):
        block = betas[rows[start : start + n_images]]
        constant &= (block == reference).all(axis=(0, 1))
        with np.errstate(invalid="ignore", over="ignore"):
            total += block.astype(np.float64).var(axis=1, ddof=1).sum(axis=0)
    return total / len(rows), constant


def _check_total_variance(total_variance: float | np.ndarray, n_voxels: int) -> np.ndarray:
    total = as_array("total_variance", total_variance, np.float64)
    if total.shape not in ((), (n_voxels,)):
        raise ValueError(
            f"total_variance has shape {total.shape}, expected one number or ({n_voxels},)."
        )
    if not (np.isfinite(total) & (total >= 0)).all():
        raise ValueError("total_variance must be finite and not negative.")
    return total
