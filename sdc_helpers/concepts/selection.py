"""Choose how to cluster by what comes back and by what chance gives, never by eye.

Three things are known without any truth. What is found twice, by decoders of two disjoint halves of
the pictures, is no accident of the pictures. How many voxels of a participant chance puts into the
clusters of the others, and into which, is seen with chance rows for that one participant: the null
of *sharing*. Its rows are those of decoders of shuffled pairs, or unrelated rows that lean to the
same directions as the true ones. (Were everybody shuffled at once, the clusters that capture
voxels would be gone.) And how many clusters there would be if no direction meant the same in two
participants is seen after a random rotation of each one's rows, which keeps all that is true within
participants: the null of *alignment*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_share
from sdc_helpers.concepts._points import check_points
from sdc_helpers.concepts.chance import (
    Captured,
    Grid,
    captured_by_chance,
    chance_rows,
    cluster_all,
    false_voxels_bound,
    is_shared,
    null_shape,
    random_rotations,
    rotate_rows,
)

SAME = 0.5
"""Two clusters are the same if more than this share of their union is in both."""
N_ROTATIONS = 39
"""Rotations of the alignment null: enough for a test at 5 % that two draws may equal or exceed."""


@dataclass(frozen=True)
class Setting:
    """What one setting of the clustering finds.

    Attributes
    ----------
    eps, min_participants : float, int
        The setting.
    n_clusters : int
        Clusters in the weights averaged over all runs.
    n_concepts : int
        Of them, those that more than `min_participants` participants have beyond chance.
    n_reproduced : int
        Of these, those that decoders of either half of the pictures have too.
    n_voxels : int
        Voxels of these concepts, of participants who have them beyond chance.
    n_chance : float
        Voxels that chance puts into the concepts: mean over the draws, one participant at a time,
        summed over participants; the larger of shuffled pairs and unrelated rows.
    false_discovery : float
        Upper bound (one-sided, 95 %) of false voxels over `n_voxels`, at most 1; NaN without
        voxels. Every voxel counts as one that could be false.
    false_clusters : float
        Upper bound (one-sided, 95 %) of the clusters that both halves have when rows are rotated,
        over `n_reproduced`, at most 1; NaN without them.
    alignment_p : float
        Share of rotations, the data counted as one, in which any setting whose false voxels are
        bounded as they should be reproduces as many clusters; 1 for settings that are not.
    agreement : float
        Adjusted Rand index of the two halves, noise as one label; NaN if neither finds anything.
    """

    eps: float
    min_participants: int
    n_clusters: int
    n_concepts: int
    n_reproduced: int
    n_voxels: int
    n_chance: float
    false_discovery: float
    false_clusters: float
    alignment_p: float
    agreement: float


@dataclass(frozen=True)
class Selection:
    """The settings that were tried, and the chosen one.

    Attributes
    ----------
    settings : tuple of Setting
        By min_participants, then eps.
    chosen : Setting or None
        None if no setting reproduces a concept within what is allowed.
    max_false_discovery : float
        What was allowed, of voxels and of clusters.
    """

    settings: tuple[Setting, ...]
    chosen: Setting | None
    max_false_discovery: float

    def is_allowed(self, setting: Setting) -> bool:
        """Tell whether a setting keeps to what is allowed, in voxels, clusters and alignment."""
        return bool(
            setting.n_reproduced > 0
            and setting.false_discovery <= self.max_false_discovery
            and setting.false_clusters <= self.max_false_discovery
            and setting.alignment_p <= 0.05
        )


def select_clustering(
    weights: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray],
    nulls: Sequence[np.ndarray],
    participants: np.ndarray,
    eps_values: Sequence[float],
    min_participants: Sequence[int] = (3,),
    *,
    max_false_discovery: float = 0.05,
    n_rotations: int = N_ROTATIONS,
    rng: np.random.Generator | int = 0,
) -> Selection:
    """Choose eps and min_participants of `SharedDBSCAN`.

    Allowed is a setting whose upper bounds of false voxels and of false clusters are, and whose
    number of reproduced concepts at most one rotation of twenty reaches at any setting: a test of
    all settings together, so that trying many of them allows none more often by chance. Of those
    allowed, the one with the most reproduced concepts is chosen; of equals the one with the most
    voxels, then the smaller eps. A small eps misses concepts, a large one merges them: either
    lowers their number.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Decoder weights averaged over all runs, participants stacked.
    halves : two arrays of shape (n_voxels, D)
        Of decoders of two disjoint halves of the training pictures.
    nulls : sequence of arrays of shape (n_voxels, D)
        Of decoders fitted to shuffled pairs (`shuffle_pairs`), five or more.
    participants : array of shape (n_voxels,)
        Whose voxel it is.
    eps_values, min_participants : sequence of float, of int
        What to try.
    max_false_discovery : float, default=0.05
        In [0, 1].
    n_rotations : int, default=39
        Draws of the alignment null, 19 or more.
    rng : numpy.random.Generator or int, default=0
        Of the rotations and the unrelated rows.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        If there is no null, shapes differ, a number is out of range, or as `SharedDBSCAN.fit`.
    """
    check_share("max_false_discovery", max_false_discovery, "both")
    check_count("n_rotations", n_rotations, 19)
    weights, halves, nulls, participants, grid = _check(
        weights, halves, nulls, participants, eps_values, min_participants
    )
    clusters, *in_halves = (cluster_all(w, participants, grid) for w in (weights, *halves))
    rng = np.random.default_rng(rng)
    captured = captured_by_chance(
        weights, chance_rows(weights, nulls, rng), participants, grid, clusters
    )
    tables = [
        _sharing(c, g, found.labels, [half[s].labels for half in in_halves])
        for s, (g, found, c) in enumerate(zip(grid, clusters, captured, strict=True))
    ]
    candidates = np.array([t["false_discovery"] <= max_false_discovery for t in tables])
    rotated = np.zeros((n_rotations, len(grid)), dtype=np.intp)
    if candidates.any():
        kept = [g for g, is_kept in zip(grid, candidates, strict=True) if is_kept]
        rotated[:, candidates] = _reproduced_when_rotated(
            (weights, *halves), participants, kept, null_shape(nulls), n_rotations, rng
        )
    most = rotated.max(axis=1)
    settings = tuple(
        Setting(**table, **_alignment(table["n_reproduced"], rotated[:, s], most, candidates[s]))
        for s, table in enumerate(tables)
    )
    selection = Selection(settings, None, float(max_false_discovery))
    allowed = [s for s in settings if selection.is_allowed(s)]
    best = max(allowed, key=lambda s: (s.n_reproduced, s.n_voxels, -s.eps), default=None)
    return Selection(settings, best, float(max_false_discovery))


def _check(
    weights: np.ndarray,
    halves: Sequence[np.ndarray],
    nulls: Sequence[np.ndarray],
    participants: np.ndarray,
    eps_values: Sequence[float],
    min_participants: Sequence[int],
) -> tuple[np.ndarray, tuple[np.ndarray, ...], list[np.ndarray], np.ndarray, Grid]:
    """Return all arrays, checked, and every setting."""
    if not len(nulls) or len(halves) != 2:
        raise ValueError(
            f"nulls has {len(nulls)} and halves {len(halves)} arrays; expected at least 1 and 2."
        )
    if not len(min_participants):
        raise ValueError("min_participants is empty; name at least one number.")
    if not len(eps_values):
        raise ValueError("eps_values is empty; name at least one eps.")
    weights = as_array("weights", weights)
    halves = tuple(as_array("halves", half) for half in halves)
    nulls = [as_array("nulls", null) for null in nulls]
    for name, others in (("halves", halves), ("nulls", nulls)):
        shapes = {np.shape(other) for other in others} - {np.shape(weights)}
        if shapes:
            raise ValueError(f"{name}: an array has shape {shapes.pop()}, weights {weights.shape}.")
    participants = as_array("participants", participants)
    check_points(weights, participants)
    grid = [(m, eps) for m in sorted(set(min_participants)) for eps in sorted(set(eps_values))]
    return weights, halves, nulls, participants, grid


def _sharing(
    captured: Captured, setting: tuple[int, float], labels: np.ndarray, halves: list[np.ndarray]
) -> dict[str, Any]:
    """Say what a setting finds and what chance puts into it; the fields of `Setting` so far."""
    least, eps = setting
    shared = is_shared(captured, least)
    n_voxels = int((captured.real * captured.has)[:, shared].sum())
    chance = captured.chance[:, :, shared].sum(axis=2)
    in_both = np.logical_and(*(reproduced(labels, half) for half in halves))
    half = len(chance) // 2  # shuffled pairs, then unrelated rows
    bound = max(map(false_voxels_bound, (chance[:half], chance[half:])))
    return {
        "eps": float(eps),
        "min_participants": int(least),
        "n_clusters": len(shared),
        "n_concepts": int(shared.sum()),
        "n_reproduced": int(np.sum(shared & in_both)),
        "n_voxels": n_voxels,
        "n_chance": float(max(part.sum(axis=1).mean() for part in (chance[:half], chance[half:]))),
        "false_discovery": min(1.0, bound / n_voxels) if n_voxels else np.nan,
        "agreement": agreement(*halves),
    }


def _alignment(
    n_reproduced: int, rotated: np.ndarray, most: np.ndarray, is_candidate: bool
) -> dict[str, float]:
    from scipy.stats import chi2

    at_most = chi2.ppf(0.95, 2 * (rotated.sum() + 1)) / 2 / len(rotated)
    return {
        "false_clusters": min(1.0, at_most / n_reproduced) if n_reproduced else np.nan,
        "alignment_p": (1 + np.sum(most >= n_reproduced)) / (1 + len(most))
        if is_candidate
        else 1.0,
    }


def _reproduced_when_rotated(
    stacked: Sequence[np.ndarray],
    participants: np.ndarray,
    grid: Grid,
    shape: np.ndarray,
    n_rotations: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Count the clusters that both halves have, (n_rotations, n_settings)."""
    counts = np.zeros((n_rotations, len(grid)), dtype=np.intp)
    for row in counts:
        rotations = random_rotations(participants, stacked[0].shape[1], rng)
        turned = [rotate_rows(w, participants, rotations, shape) for w in stacked]
        found = cluster_all(turned[0], participants, grid)
        if not any(one.core.any() for one in found):
            continue
        first, second = (cluster_all(half, participants, grid) for half in turned[1:])
        row[:] = [
            np.sum(reproduced(a.labels, b.labels) & reproduced(a.labels, c.labels))
            for a, b, c in zip(found, first, second, strict=True)
        ]
    return counts


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
