"""When a time course of CKA rises and peaks, and how sure that is over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.alignment.grams import check_gram, check_rows
from sdc_helpers.alignment.kernels import unit_kernel
from sdc_helpers.alignment.time import kernels_over_time, layer_pairs
from sdc_helpers.measures import Interval

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor
    Rng = np.random.Generator | int | None


@dataclass(frozen=True, eq=False)
class Latency:
    """When a curve peaks, and when it has risen to half of its peak.

    Attributes
    ----------
    peak, rise : Interval
        Seconds from the onset of the image, with percentile intervals over images. The rise is
        NaN where the curve stands above half of its peak from the start.
    curve : numpy.ndarray of shape (T,)
        Debiased CKA over time, mean over participants.
    resampled : numpy.ndarray of shape (n_bootstrap, T)
        The curve for resampled images, up to a factor that no latency depends on.
    """

    peak: Interval
    rise: Interval
    curve: np.ndarray = field(repr=False)
    resampled: np.ndarray = field(repr=False)


def latencies(
    responses: Sequence[Array],
    layer: Array,
    times: np.ndarray,
    n_bootstrap: int = 499,
    window: tuple[float, float] | None = None,
    rng: Rng = None,
) -> Latency:
    """Measure when a group of sensors is most like a layer, with intervals over images.

    Images are drawn with replacement. A pair of images counts as often as both were drawn, and a
    pair of an image with its own copy not at all: it would look alike for no reason. The kernels
    are centred once, on all images.

    Parameters
    ----------
    responses : sequence of arrays of shape (n, n_sensors, T)
        Responses of each participant to the same n >= 4 images.
    layer : array of shape (n, n)
        Gram matrix of the layer for these images.
    times : array of shape (T,)
        Seconds from the onset of the image, increasing.
    n_bootstrap : int
        Number of draws.
    window : tuple of two floats, optional
        First and last time, in seconds, at which to look for the peak.
    rng : numpy.random.Generator or int, optional
        Source of the draws, or its seed.

    Returns
    -------
    Latency
        Peak and rise, each an interval.

    Raises
    ------
    ValueError
        In the cases that `time_resolved_cka` lists, and if the window holds no time.

    Notes
    -----
    A latency says when, not whether: of noise alone the peak has an interval as wide as the
    window. Ask `time_resolved_cka` first.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.alignment import gram, latencies
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.normal(size=(40, 5))
    >>> course = np.array([0.0, 0.5, 1.5, 0.4])
    >>> field = rng.normal(size=(40, 5, 4)) + layer[:, :, None] * course
    >>> found = latencies([field], gram(layer), [0.0, 0.1, 0.2, 0.3], 99, rng=0)
    >>> print(found.peak)
    0.2 [0.2, 0.2]
    """
    check_count("n_bootstrap", n_bootstrap, 1)
    times = as_array("times", times, float)
    L = check_gram(as_array("layer", layer), "layer")
    pairs = layer_pairs(unit_kernel(L, "debiased", "layer"))
    kernels: np.ndarray | float = 0.0
    for number, given in enumerate(responses):
        X = as_array(f"participant {number}", given)
        check_rows(**{f"participant {number}": X, "layer": L})
        kernels = kernels + kernels_over_time(X, name=f"participant {number}")
    if not isinstance(kernels, np.ndarray):
        raise ValueError("responses holds no participant.")
    if times.shape != (len(kernels),):
        raise ValueError(f"times has shape {times.shape}; expected ({len(kernels)},).")
    kernels = kernels / len(responses)
    low, high = (times[0], times[-1]) if window is None else window
    inside = np.flatnonzero((times >= low) & (times <= high))
    if len(inside) == 0:
        raise ValueError(
            f"window={window!r} holds none of the times {times[0]:g} to {times[-1]:g}."
        )
    curve = (kernels @ pairs).astype(float)
    resampled = _resampled(kernels, pairs, len(L), n_bootstrap, np.random.default_rng(rng))
    peaks = np.array([_peak_and_rise(c, times, inside) for c in (curve, *resampled)])
    return Latency(
        peak=Interval.from_resamples(peaks[0, 0], peaks[1:, 0]),
        rise=Interval.from_resamples(peaks[0, 1], peaks[1:, 1]),
        curve=curve,
        resampled=resampled,
    )


def _resampled(
    kernels: np.ndarray, pairs: np.ndarray, n: int, n_bootstrap: int, rng: np.random.Generator
) -> np.ndarray:
    """Curves (n_bootstrap, T) for images drawn with replacement."""
    first, second = np.triu_indices(n)
    apart = np.where(first == second, 0, pairs)
    curves = np.empty((n_bootstrap, len(kernels)))
    for draw in range(n_bootstrap):
        times_drawn = np.bincount(rng.integers(n, size=n), minlength=n).astype(pairs.dtype)
        curves[draw] = kernels @ (apart * times_drawn[first] * times_drawn[second])
    return curves


def _peak_and_rise(curve: np.ndarray, times: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Time of the largest value, and the last time before at which half of it was crossed."""
    top = inside[0] + int(np.argmax(curve[inside[0] : inside[-1] + 1]))
    half = curve[top] / 2
    below = np.flatnonzero(curve[:top] < half)
    if len(below) == 0 or half <= 0:
        return float(times[top]), float("nan")
    last = below[-1]
    share = (half - curve[last]) / (curve[last + 1] - curve[last])
    return float(times[top]), float(times[last] + share * (times[last + 1] - times[last]))
