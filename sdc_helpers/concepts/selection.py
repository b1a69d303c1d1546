"""Choose how to cluster by what comes back and by what chance gives, never by eye.

Two things are known without any truth. What is found twice, in weights of two disjoint halves of
the decoder runs, is not an accident of the training. What is found in decoders that were fitted to
shuffled pairs of pictures and responses is false, and its share of what is found in the real ones
estimates the false-discovery proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_share
from sdc_helpers.concepts.shared_dbscan import sweep

SAME = 0.5
"""Two clusters are the same if more than this share of their union is in both."""


@dataclass(frozen=True)
class Setting:
    """What one setting of the clustering finds.

    Attributes
    ----------
    eps, min_participants : float, int
        The setting.
    n_concepts : int
        Clusters in the weights averaged over all runs.
    n_reproduced : int
        Of them, those that both halves of the runs have too.
    n_voxels : int
        Voxels in clusters.
    n_null : float
        The same with shuffled pairs, mean over the shuffles.
    false_discovery : float
        n_null / n_voxels, at most 1; NaN if nothing was found.
    agreement : float
        Adjusted Rand index of the two halves, noise as one label; NaN if neither finds anything.
    """

    eps: float
    min_participants: int
    n_concepts: int
    n_reproduced: int
    n_voxels: int
    n_null: float
    false_discovery: float
    agreement: float


@dataclass(frozen=True)
class Selection:
    """The settings that were tried, and the chosen one.

    Attributes
    ----------
    settings : tuple of Setting
        By min_participants, then eps.
    chosen : Setting or None
        None if no setting reproduces a concept at the false-discovery proportion allowed.
    max_false_discovery : float
        What was allowed.
    """

    settings: tuple[Setting, ...]
    chosen: Setting | None
    max_false_discovery: float


def select_clustering(
    weights: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray],
    nulls: Sequence[np.ndarray],
    participants: np.ndarray,
    eps_values: Sequence[float],
    min_participants: Sequence[int] = (3,),
    *,
    max_false_discovery: float = 0.05,
) -> Selection:
    """Choose eps and min_participants of `SharedDBSCAN`.

    Among the settings whose false-discovery proportion is allowed, the one with the most
    reproduced concepts; of equals the one with the most voxels in clusters, then the smaller eps.
    A small eps misses concepts, a large one merges them: either lowers their number.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Decoder weights averaged over all runs, participants stacked.
    halves : two arrays of shape (n_voxels, D)
        Averaged over either half of the runs.
    nulls : sequence of arrays of shape (n_voxels, D)
        Of decoders fitted to shuffled pairs (`shuffle_pairs`), as many runs as in `weights`.
    participants : array of shape (n_voxels,)
        Whose voxel it is.
    eps_values, min_participants : sequence of float, of int
        What to try.
    max_false_discovery : float, default=0.05
        In [0, 1].

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        If there is no null, shapes differ, max_false_discovery is out of range, or as `sweep`.
    """
    check_share("max_false_discovery", max_false_discovery, "both")
    if not len(nulls) or len(halves) != 2:
        raise ValueError(
            f"nulls has {len(nulls)} and halves {len(halves)} arrays; expected at least 1 and 2."
        )
    if not len(min_participants):
        raise ValueError("min_participants is empty; name at least one number.")
    weights = as_array("weights", weights)
    halves = tuple(as_array("halves", half) for half in halves)
    nulls = [as_array("nulls", null) for null in nulls]
    for name, others in (("halves", halves), ("nulls", nulls)):
        shapes = {np.shape(other) for other in others} - {np.shape(weights)}
        if shapes:
            raise ValueError(f"{name}: an array has shape {shapes.pop()}, weights {weights.shape}.")
    settings = []
    for least in sorted(set(min_participants)):
        found, first, second, *shuffled = (
            _labels(w, participants, eps_values, least) for w in (weights, *halves, *nulls)
        )
        settings += [
            _measure(
                eps, least, found[eps], first[eps], second[eps], [null[eps] for null in shuffled]
            )
            for eps in sorted(found)
        ]
    allowed = [s for s in settings if s.n_reproduced and s.false_discovery <= max_false_discovery]
    best = max(allowed, key=lambda s: (s.n_reproduced, s.n_voxels, -s.eps), default=None)
    return Selection(tuple(settings), best, float(max_false_discovery))


def _labels(
    weights: np.ndarray, participants: np.ndarray, eps_values: Sequence[float], least: int
) -> dict[float, np.ndarray]:
    models = sweep(weights, participants, eps_values, min_participants=least, expansion=None)
    return {eps: model.labels_ for eps, model in models.items()}


def _measure(
    eps: float,
    least: int,
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    nulls: Sequence[np.ndarray],
) -> Setting:
    in_first, in_second = reproduced(labels, first), reproduced(labels, second)
    n_voxels = int(np.sum(labels >= 0))
    n_null = float(np.mean([np.sum(null >= 0) for null in nulls]))
    return Setting(
        eps=float(eps),
        min_participants=int(least),
        n_concepts=int(labels.max(initial=-1)) + 1,
        n_reproduced=int(np.sum(in_first & in_second)),
        n_voxels=n_voxels,
        n_null=n_null,
        false_discovery=min(1.0, n_null / n_voxels) if n_voxels else np.nan,
        agreement=agreement(first, second),
    )


def reproduced(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which clusters of one clustering another has too.

    Parameters
    ----------
    labels, others : int arrays of shape (n_voxels,)
        Clusters from 0, -1 for noise.

    Returns
    -------
    bool array of shape (n_clusters,)
        Whether a cluster of `others` has more than `SAME` of the union in common with it. There
        can be one such cluster only.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    labels, others = _check_labels(labels, others)
    counts = np.zeros((labels.max(initial=-1) + 2, others.max(initial=-1) + 2))
    np.add.at(counts, (labels, others), 1)  # noise is the last row and column
    union = counts.sum(axis=1)[:-1, None] + counts.sum(axis=0)[None, :-1] - counts[:-1, :-1]
    shared = np.divide(counts[:-1, :-1], union, out=np.zeros_like(union), where=union > 0)
    return shared.max(axis=1, initial=0) > SAME


def agreement(labels: np.ndarray, others: np.ndarray) -> float:
    """Return the adjusted Rand index of two clusterings, noise as one label.

    Parameters
    ----------
    labels, others : int arrays of shape (n_voxels,)
        Clusters from 0, -1 for noise.

    Returns
    -------
    float
        NaN if both are noise throughout, where the index would be an empty 1.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    from sklearn.metrics import adjusted_rand_score

    labels, others = _check_labels(labels, others)
    if max(labels.max(initial=-1), others.max(initial=-1)) < 0:
        return float("nan")
    return float(adjusted_rand_score(labels, others))


def _check_labels(labels: Any, others: Any) -> tuple[np.ndarray, np.ndarray]:
    labels, others = as_array("labels", labels), as_array("others", others)
    if labels.ndim != 1 or labels.shape != others.shape:
        raise ValueError(
            f"labels have shapes {labels.shape} and {others.shape}; expected one label a voxel "
            "in both."
        )
    return labels, others
