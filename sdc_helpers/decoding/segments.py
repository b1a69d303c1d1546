"""People who saw one film: how alike their signals are, and which segment somebody is watching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_finite


@dataclass(frozen=True, eq=False)
class SegmentMatch:
    """Which segments of one participant are found in the signals of the others.

    Attributes
    ----------
    found : bool array of shape (n_segments,)
        Whether the segment that begins at each volume is found; ties count against it.
    chance : float
        Share of pairs of segments of different times that are matched when the right time is no
        candidate: what a guess finds in signals that are as slow as these. For slow signals that
        is near one over the number of segments that fit side by side, and far above one over the
        number of beginnings.
    """

    found: np.ndarray
    chance: float

    @property
    def share(self) -> float:
        """Share of segments that are found."""
        return float(self.found.mean())


def mean_of_others(series: Any) -> np.ndarray:
    """Average everybody else's signal, for each participant.

    Parameters
    ----------
    series : array of shape (n_participants, n_volumes, n_parcels)
        Signals of two participants or more.

    Returns
    -------
    float64 array of shape (n_participants, n_volumes, n_parcels)

    Raises
    ------
    ValueError
        If the series have another shape or are not finite.
    """
    series = _checked(series)
    return (series.sum(axis=0) - series) / (len(series) - 1)


def intersubject_correlation(series: Any) -> np.ndarray:
    """Correlate each participant's signal in time with the mean of the others.

    Parameters
    ----------
    series : array of shape (n_participants, n_volumes, n_parcels)
        Signals of two participants or more.

    Returns
    -------
    float64 array of shape (n_participants, n_parcels)
        NaN where a signal is constant.

    Raises
    ------
    ValueError
        If the series have another shape or are not finite.

    References
    ----------
    Hasson et al. (2004), Science 303, 1634-1640; Nastase et al. (2019), Social Cognitive and
    Affective Neuroscience 14, 667-685 (leave one out).

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.decoding import intersubject_correlation
    >>> film = np.sin(np.arange(12.0))[None, :, None]
    >>> intersubject_correlation(np.repeat(film, 3, axis=0)).round(6).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    series = _checked(series)
    own, others = (_standard(signal) for signal in (series, mean_of_others(series)))
    return (own * others).mean(axis=1)


def match_segments(own: Any, others: Any, n_volumes: int) -> SegmentMatch:
    """Find the segment that somebody watches by the signals of the others.

    Segments begin at every volume. Each of one's own is correlated, over volumes and parcels, with
    the segments of the others; it is right if its own time is nearest. Segments that overlap with
    it in part are no candidates: they are nearly the same film.

    Parameters
    ----------
    own : array of shape (n_total, n_parcels)
        Signal of one participant, z-scored in time.
    others : array of shape (n_total, n_parcels)
        Mean signal of the others, without that participant.
    n_volumes : int
        Length of a segment.

    Returns
    -------
    SegmentMatch

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, or the segments are too long for the series.

    References
    ----------
    Haxby et al. (2011), Neuron 72, 404-416 (segments of a film, overlapping ones left out).

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.decoding import match_segments
    >>> film = np.random.default_rng(0).normal(size=(40, 4))
    >>> match_segments(film, film, 6).share
    1.0
    """
    signals = [as_array(name, x, float) for name, x in (("own", own), ("others", others))]
    if signals[0].ndim != 2 or signals[0].shape != signals[1].shape:
        raise ValueError(
            f"own has shape {signals[0].shape}, others {signals[1].shape}; expected the same "
            "(n_total, n_parcels)."
        )
    for name, signal in zip(("own", "others"), signals, strict=True):
        check_finite(name, signal)
    check_count("n_volumes", n_volumes, 1)
    n_segments = len(signals[0]) - n_volumes + 1
    if n_segments < 4 * n_volumes:
        raise ValueError(
            f"n_volumes={n_volumes}: {len(signals[0])} volumes are too few for such segments; "
            f"expected at least {5 * n_volumes - 1}."
        )
    mine, theirs = (_segments(signal, n_volumes) for signal in signals)
    likeness = mine @ theirs.T
    found = np.diagonal(_beats_all_apart(likeness, n_volumes)).copy()
    starts = np.arange(n_segments)
    near = np.abs(starts[:, None] - starts) < n_volumes
    wrong = _beats_all_apart(np.where(near, -np.inf, likeness), n_volumes) & ~near
    return SegmentMatch(found, float(wrong.sum() / (~near).sum()))


def _beats_all_apart(likeness: np.ndarray, n_volumes: int) -> np.ndarray:
    """Whether each segment is nearer than all that do not overlap with it, of the same shape."""
    edge = np.full((len(likeness), n_volumes), -np.inf)
    before = np.maximum.accumulate(likeness, axis=1)[:, :-n_volumes]
    after = np.maximum.accumulate(likeness[:, ::-1], axis=1)[:, ::-1][:, n_volumes:]
    nearest_other = np.maximum(np.hstack([edge, before]), np.hstack([after, edge]))
    return likeness > nearest_other


def _segments(signal: np.ndarray, n_volumes: int) -> np.ndarray:
    """Segments as rows of mean 0 and length 1, (n_segments, n_volumes * n_parcels)."""
    windows = np.lib.stride_tricks.sliding_window_view(signal, n_volumes, axis=0)
    rows = windows.reshape(len(windows), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _standard(series: np.ndarray) -> np.ndarray:
    spread = series.std(axis=1, keepdims=True)
    return (series - series.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, np.nan)


def _checked(series: Any) -> np.ndarray:
    series = as_array("series", series, float)
    if series.ndim != 3 or len(series) < 2 or 0 in series.shape:
        raise ValueError(
            f"series has shape {series.shape}; expected (n_participants, n_volumes, n_parcels) of "
            "two participants or more."
        )
    check_finite("series", series)
    return series
