"""What chance gives: voxels captured by the clusters of others, and clusters of unrelated rows.

Two nulls that answer two questions. *Sharing*: does this participant have the concept that the
others have? One participant's rows are those of decoders of shuffled pairs, or unrelated rows of
the true rows' covariance; the others' are true.
*Alignment*: do directions of several participants agree at all? Each one's rows are rotated at
random, which keeps every cluster within a participant and all its distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.concepts._density import check_participants, label_voxels
from sdc_helpers.concepts._neighbour_pairs import pairs_within
from sdc_helpers.concepts._points import check_eps
from sdc_helpers.concepts.shared_dbscan import SharedDBSCAN

Grid = Sequence[tuple[int, float]]
"""Settings: min_participants and eps."""
_ROWS = 1024  # chance rows compared with all true ones at a time
_TYLER_STEPS = 20


@dataclass(frozen=True, eq=False)
class Clusters:
    """What one setting makes of the voxels.

    Attributes
    ----------
    labels : int array of shape (n_voxels,)
        Cluster, -1 for noise.
    core : bool array of shape (n_voxels,)
        Whether the voxel is core.
    """

    labels: np.ndarray
    core: np.ndarray


def cluster_all(weights: np.ndarray, participants: np.ndarray, grid: Grid) -> list[Clusters]:
    """Cluster at every setting, comparing the voxels once.

    Parameters
    ----------
    weights, participants
        As for `SharedDBSCAN.fit`.
    grid : sequence of (min_participants, eps)
        One at least.

    Returns
    -------
    list of Clusters
        In the order of the grid.
    """
    pairs = pairs_within(weights, participants, max(eps for _, eps in grid))
    for least, eps in grid:
        check_eps(eps)
        check_participants(least, pairs.points)
    labels, core, _ = label_voxels(pairs, pairs.max_eps, min(least for least, _ in grid))
    if not core.any():  # so none has any
        return [Clusters(labels, core)] * len(grid)
    found = (label_voxels(pairs, eps, least) for least, eps in grid)
    return [Clusters(labels, core) for labels, core, _ in found]


@dataclass(frozen=True, eq=False)
class Captured:
    """Voxels that chance puts into clusters, at one setting.

    Attributes
    ----------
    real : int array of shape (n_participants, n_clusters)
        Voxels of each participant in each cluster, with everybody's true pairs.
    chance : int array of shape (n_shuffles, n_participants, n_clusters)
        The same with chance rows for that participant and true ones for the others.
    sizes : int array of shape (n_participants,)
        Voxels of each participant.
    """

    real: np.ndarray
    chance: np.ndarray
    sizes: np.ndarray

    @property
    def has(self) -> np.ndarray:
        """Whether participants have clusters beyond chance, bool (n_participants, n_clusters).

        So it is where the share of a participant's voxels is larger than chance gave in any
        draw for any participant: with 20 of them, 1 in 21 would be by chance.
        """
        share = self.real / self.sizes[:, None]
        luck = (self.chance / self.sizes[:, None]).max(axis=(0, 1), initial=0)
        return share > luck


def captured_by_chance(
    weights: np.ndarray,
    nulls: Sequence[np.ndarray],
    participants: np.ndarray,
    grid: Grid,
    clusters: Sequence[Clusters],
) -> list[Captured]:
    """Count a participant's chance rows in the clusters of the others, one participant at a time.

    As a border voxel is, a row is captured by the cluster of the nearest core voxel of another
    participant that is closer than eps. All others keep their true rows.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Decoder weights of true pairs, participants stacked.
    nulls : sequence of arrays of shape (n_voxels, D)
        Rows that chance gives, such as of decoders of shuffled pairs.
    participants : array of shape (n_voxels,)
        Whose voxel it is.
    grid : sequence of (min_participants, eps)
        Settings.
    clusters : sequence of Clusters
        Of the true weights, at each setting.

    Returns
    -------
    list of Captured
        One a setting; participants in ascending order.
    """
    names, codes = np.unique(participants, return_inverse=True)
    sizes = np.bincount(codes)
    n_clusters = [c.labels.max(initial=-1) + 1 for c in clusters]
    chance = [np.zeros((len(nulls), len(names), n), dtype=np.intp) for n in n_clusters]
    reach = max(eps for _, eps in grid)
    for b, null in enumerate(nulls):
        row, near, distance = _near_others(null, weights, codes, reach)
        for table, found, (_, eps) in zip(chance, clusters, grid, strict=True):
            kept = np.flatnonzero((distance < eps) & found.core[near])
            voxels, first = np.unique(row[kept], return_index=True)  # the nearest comes first
            np.add.at(table[b], (codes[voxels], found.labels[near[kept[first]]]), 1)
    real = [np.zeros((len(names), n), dtype=np.intp) for n in n_clusters]
    for table, found in zip(real, clusters, strict=True):
        inside = found.labels >= 0
        np.add.at(table, (codes[inside], found.labels[inside]), 1)
    return [Captured(r, c, sizes) for r, c in zip(real, chance, strict=True)]


def _near_others(
    null: np.ndarray, weights: np.ndarray, codes: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a chance row and a true row of another participant: both, and their distance.

    Ordered by chance row, then distance.
    """
    left, right = _unit(null), _unit(weights)
    parts = []
    for start in range(0, len(left), _ROWS):
        distance = 1 - left[start : start + _ROWS] @ right.T
        i, j = np.nonzero(distance < reach)
        other = codes[start + i] != codes[j]
        i, j = i[other], j[other]
        parts.append((start + i, j, distance[i, j]))
    i, j, distance = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((distance, i))
    return i[order], j[order], distance[order]


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def rows_of_same_shape(
    weights: np.ndarray, n_draws: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw rows of no meaning that lean to the same directions as the true ones do.

    Decoders of shuffled pairs know nothing of voxels that mix several concepts: these lie among
    the decoded directions, nearer to each than a random row is. So normal rows are drawn with the
    second moment of the true unit rows. It counts every voxel as such a mixture and is strict.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Decoder weights of true pairs.
    n_draws : int
        How many arrays.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    list of arrays of shape (n_voxels, D)
    """
    rows = _unit(weights)
    shape = _square_root(rows.T.astype(np.float64) @ rows).astype(weights.dtype)
    return [
        rng.standard_normal(weights.shape).astype(weights.dtype) @ shape for _ in range(n_draws)
    ]


def beyond_chance(
    weights: np.ndarray,
    nulls: Sequence[np.ndarray],
    participants: np.ndarray,
    model: SharedDBSCAN,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the clusters that enough participants have beyond chance, and of these their voxels.

    Parameters
    ----------
    weights, nulls, participants
        As for `select_clustering`.
    model : SharedDBSCAN
        Fitted to the weights.
    rng : numpy.random.Generator
        Draws the unrelated rows; one in the state of the selection's gives what it counted.

    Returns
    -------
    labels : int array of shape (n_voxels,)
        From 0 in the order of the model's, -1 for noise.
    clusters : int array of shape (n_concepts,)
        The model's number of each.
    """
    participants, grid = (
        as_array("participants", participants),
        [(model.min_participants, model.eps)],
    )
    found = Clusters(model.labels_, model.core_)
    chance = chance_rows(weights, nulls, rng)
    (captured,) = captured_by_chance(weights, chance, participants, grid, [found])
    clusters = np.flatnonzero(is_shared(captured, model.min_participants))
    number = np.full(len(captured.has[0]) + 1, -1)  # the last is of noise
    number[clusters] = np.arange(len(clusters))
    codes = np.unique(participants, return_inverse=True)[1]
    inside = found.labels >= 0
    inside[inside] = captured.has[codes[inside], found.labels[inside]]
    return np.where(inside, number[found.labels], -1), clusters


def chance_rows(
    weights: np.ndarray, nulls: Sequence[np.ndarray], rng: np.random.Generator
) -> list[np.ndarray]:
    """Rows of shuffled pairs, then as many draws of unrelated rows."""
    return [*nulls, *rows_of_same_shape(weights, len(nulls), rng)]


def is_shared(captured: Captured, min_participants: int) -> np.ndarray:
    """Tell which clusters enough participants have beyond chance.

    Parameters
    ----------
    captured : Captured
        From ``captured_by_chance``.
    min_participants : int
        *Others* that a core voxel needed; one more must have the cluster.

    Returns
    -------
    bool array of shape (n_clusters,)
    """
    return captured.has.sum(axis=0) > min_participants


def false_voxels_bound(chance: np.ndarray, level: float = 0.95) -> float:
    """Bound from above how many voxels chance puts into clusters in one study.

    The counts of several shuffles are taken as Poisson counts with their variance multiplied by a
    dispersion: voxels are captured together, since rows of neighbours are alike. The bound is the
    exact one of Garwood (1936) for the mean, in units of the dispersion; with no captured voxel
    in B shuffles it is 3 / B.

    Parameters
    ----------
    chance : int array of shape (n_shuffles, n_participants)
        Voxels of each participant that are captured when it is shuffled.
    level : float, default=0.95
        One-sided confidence.

    Returns
    -------
    float
        Voxels of all participants together.
    """
    from scipy.stats import chi2

    chance = as_array("chance", chance, float)
    n_shuffles, means = len(chance), chance.mean(axis=0)
    dispersion = 1.0
    if n_shuffles > 1 and means.sum() > 0:
        dispersion = max(1.0, chance.var(axis=0, ddof=1).sum() / means.sum())
    events = chance.sum() / dispersion
    return float(dispersion * chi2.ppf(level, 2 * (events + 1)) / 2 / n_shuffles)


def random_rotations(
    participants: np.ndarray, n_dims: int, rng: np.random.Generator
) -> dict[object, np.ndarray]:
    """Draw a rotation or reflection (D, D) for each participant, uniformly (Haar)."""
    from scipy.stats import ortho_group

    return {
        name: ortho_group.rvs(n_dims, random_state=rng) if n_dims > 1 else np.eye(1)
        for name in np.unique(participants)
    }


def rotate_rows(
    weights: np.ndarray,
    participants: np.ndarray,
    rotations: dict[object, np.ndarray],
    shape: np.ndarray,
) -> np.ndarray:
    """Rotate each participant's rows in the space in which rows of no meaning are white.

    Parameters
    ----------
    weights, participants
        As for `SharedDBSCAN.fit`.
    rotations : dict of (D, D) arrays
        Of each participant.
    shape : array of shape (D, D)
        Symmetric square root of the second moment of rows of shuffled pairs, from `null_shape`.

    Returns
    -------
    array of shape (n_voxels, D)
    """
    inverse = np.linalg.pinv(shape, hermitian=True)
    rotated = np.empty_like(weights)
    for name, rotation in rotations.items():
        own = participants == name
        rotated[own] = weights[own] @ (inverse @ rotation @ shape).astype(weights.dtype)
    return rotated


def null_shape(nulls: Sequence[np.ndarray]) -> np.ndarray:
    """Symmetric square root of the shape of rows of no meaning, (D, D).

    The estimator of Tyler (1987): of normal rows of any lengths it is their covariance, up to a
    factor. With embeddings at equal variance it is about the identity; otherwise rows of shuffled
    pairs lean to the strong directions in every participant, which is no alignment of meaning.
    """
    rows = _unit(np.concatenate(nulls).astype(np.float64))
    rows = rows[rows.any(axis=1)]
    n_dims = rows.shape[1]
    shape = np.eye(n_dims)
    for _ in range(_TYLER_STEPS):
        inverse = np.linalg.pinv(shape, hermitian=True)
        weights = np.einsum("ij,ij->i", rows @ inverse, rows).clip(1e-9)
        shape = (rows / weights[:, None]).T @ rows
        shape *= n_dims / np.trace(shape)
    return _square_root(shape)


def _square_root(shape: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(shape)
    return (vectors * np.sqrt(values.clip(1e-9))) @ vectors.T
