"""Density clustering of decoder weights in which density is counted in participants, not voxels.

The method of the 2025 study of shared decodable concepts, with one rule made independent of order:
a border voxel joins the cluster of its nearest core voxel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from sdc_helpers.concepts._density import check_participants, label_voxels
from sdc_helpers.concepts._neighbour_pairs import (
    BLOCK,
    MAX_PAIRS,
    NeighbourPairs,
    PairsInPasses,
    TooManyPairsError,
    find_pairs,
)
from sdc_helpers.concepts._points import Points, check_eps, check_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csc_array

    Array = Any  # a numpy array or a torch tensor

EXPANSION = 0.05
EXPANSION_LIMIT = 0.65
_FIXED_POINT = 2.0**40


class SharedDBSCAN(ClusterMixin, BaseEstimator):
    """Clusters of voxels whose decoder weights are alike in several participants.

    A voxel is the direction of its row of weights; distances are 1 - cosine, "near" is closer than
    `eps`. A voxel is *core* if at least `min_participants` other participants have a voxel near
    it. Core voxels that are near, in the same participant or not, are of one *cluster*. A voxel
    that is not core but near core voxels is a *border* voxel of the cluster of the nearest of them
    (the lowest number at equal distance). All else is noise. Positions in the brain do not enter.

    Parameters
    ----------
    eps : float, default=0.55
        Cosine distance in (0, 1).
    min_participants : int, default=3
        Other participants that a core voxel needs a neighbour in.
    expansion : float or None, default=0.05
        Within each participant, voxels closer than min(eps + expansion, expansion_limit) to a
        clustered voxel join the expanded cluster. None: the expanded clusters are the clusters.
    expansion_limit : float, default=0.65
        Largest such distance. Where `eps` is larger, the expansion is narrower than the clusters.
    block : int, default=1024
        Rows and columns of the distances in memory at a time.
    device : str, default="cpu"
        Where torch multiplies: "cpu", or a GPU such as "cuda".
    max_pairs : int, default=100,000,000
        Pairs of near voxels that are kept, at 16 bytes each. Where there are more, none is: they
        are found anew in three passes, block by block, and the result is the same.

    Attributes
    ----------
    labels_ : int array of shape (n_voxels,)
        Cluster of each voxel, -1 for noise. Clusters are numbered by their core voxels, most first;
        at equal numbers by the smaller of their smallest rows of core weights. So the order of the
        voxels does not matter.
    core_ : bool array of shape (n_voxels,)
        Whether each voxel is a core voxel.
    expanded_ : scipy.sparse.csc_array of bool, shape (n_voxels, n_concepts)
        The expanded clusters, which may overlap; each contains its cluster.
    concepts_ : array of shape (n_concepts, D)
        Mean direction of the voxels of each cluster, unit length; zeros if they cancel.
    participants_per_concept_ : int array of shape (n_concepts, n_participants)
        Number of voxels that the cluster has in each participant.
    participant_names_ : array of shape (n_participants,)
        Names of the participants, ascending: the columns of `participants_per_concept_`.
    n_features_in_ : int
        Number of dimensions D of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.repeat(np.eye(3), 4, axis=0)[:9]
    >>> SharedDBSCAN(eps=0.5).fit(weights, [1, 2, 3, 4, 1, 2, 3, 4, 1]).labels_
    array([ 1,  1,  1,  1,  0,  0,  0,  0, -1])
    """

    def __init__(
        self,
        eps: float = 0.55,
        min_participants: int = 3,
        expansion: float | None = EXPANSION,
        expansion_limit: float = EXPANSION_LIMIT,
        block: int = BLOCK,
        device: str = "cpu",
        max_pairs: int = MAX_PAIRS,
    ):
        self.eps = eps
        self.min_participants = min_participants
        self.expansion = expansion
        self.expansion_limit = expansion_limit
        self.block = block
        self.device = device
        self.max_pairs = max_pairs

    def fit(
        self, weights: Array, participants: Array, pairs: NeighbourPairs | None = None
    ) -> SharedDBSCAN:
        """Cluster the voxels.

        Parameters
        ----------
        weights : array of shape (n_voxels, D)
            Decoder weights of all participants, stacked; a row a voxel, of any length. A row of
            zeros is never near anything: noise.
        participants : array of shape (n_voxels,)
            Name or number of the participant of each voxel.
        pairs : NeighbourPairs, optional
            Near pairs of these very voxels, from `pairs_within` at no smaller distances; then
            `block`, `device` and `max_pairs` are not used. See `sweep` for many values of eps.

        Returns
        -------
        SharedDBSCAN
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If an argument is malformed (see `pairs_within`), there are not more participants than
            `min_participants`, or the pairs are of other voxels or do not reach far enough.
        """
        points = check_points(weights, participants)
        radius = self._check_parameters(points)
        if pairs is None:
            return self._fit(_find(points, self, max(self.eps, radius)), radius)
        _check_pairs(pairs, points, self.eps, radius)
        return self._fit(pairs, radius)

    def fit_predict(
        self, weights: Array, participants: Array, pairs: NeighbourPairs | None = None
    ) -> np.ndarray:
        """Cluster the voxels, see `fit`.

        Returns
        -------
        int array of shape (n_voxels,)
            Cluster of each voxel, `labels_`.
        """
        return self.fit(weights, participants, pairs).labels_

    def _check_parameters(self, points: Points) -> float:
        """Radius of the expansion, of parameters that suit the participants."""
        check_participants(self.min_participants, points)
        return expansion_radius(self.eps, self.expansion, self.expansion_limit)

    def _fit(self, pairs: NeighbourPairs | PairsInPasses, radius: float) -> SharedDBSCAN:
        points = pairs.points
        labels, core, n_concepts = label_voxels(pairs, self.eps, self.min_participants)
        self.n_features_in_ = points.weights.shape[1]
        self.participant_names_ = points.names
        self.core_ = core
        self.labels_ = labels
        self.expanded_ = _expand(labels, n_concepts, pairs, radius)
        self.concepts_ = _mean_directions(points, labels, n_concepts)
        counts = np.zeros((n_concepts, len(points.names)), dtype=np.intp)
        member = labels >= 0
        np.add.at(counts, (labels[member], points.codes[member]), 1)
        self.participants_per_concept_ = counts
        return self


def expansion_radius(
    eps: float, expansion: float | None = EXPANSION, expansion_limit: float = EXPANSION_LIMIT
) -> float:
    """Distance within which a cluster takes in voxels of the same participant.

    Parameters
    ----------
    eps, expansion, expansion_limit
        Parameters of `SharedDBSCAN`, which describes them.

    Returns
    -------
    float
        min(eps + expansion, expansion_limit); 0 without an expansion.

    Raises
    ------
    ValueError
        If eps or expansion_limit is not in (0, 1), or the expansion is negative.
    """
    check_eps(eps)
    check_eps(expansion_limit, "expansion_limit")
    if expansion is None:
        return 0.0
    if isinstance(expansion, bool) or not isinstance(expansion, int | float) or not expansion >= 0:
        raise ValueError(f"expansion={expansion!r}: expected a distance of at least 0, or None.")
    return min(eps + expansion, expansion_limit)


def sweep(
    weights: Array, participants: Array, eps_values: Sequence[float], **parameters: Any
) -> dict[float, SharedDBSCAN]:
    """Cluster at several values of eps, comparing the voxels once.

    Parameters
    ----------
    weights, participants
        Decoder weights and participants of the voxels, see `SharedDBSCAN.fit`.
    eps_values : sequence of float
        Cosine distances to try, such as (0.45, 0.5, 0.55, 0.6, 0.65, 0.7).
    **parameters
        Other parameters of `SharedDBSCAN`, the same for every eps.

    Returns
    -------
    dict of float to SharedDBSCAN
        Fitted estimators by eps, in the order given.

    Raises
    ------
    ValueError
        If `SharedDBSCAN.fit` refuses the arguments, or there is no eps.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import sweep
    >>> weights = np.repeat(np.eye(3), 4, axis=0)
    >>> fits = sweep(weights, [1, 2, 3, 4] * 3, eps_values=[0.4, 0.5])
    >>> {eps: len(fit.concepts_) for eps, fit in fits.items()}
    {0.4: 3, 0.5: 3}
    """
    models = {eps: SharedDBSCAN(eps, **parameters) for eps in eps_values}
    if not models:
        raise ValueError("eps_values is empty; name at least one eps.")
    points = check_points(weights, participants)
    radii = {eps: model._check_parameters(points) for eps, model in models.items()}
    largest = models[max(models)]
    reach = max(largest.eps, *radii.values())
    pairs = _find(points, largest, reach)
    return {eps: model._fit(pairs, radii[eps]) for eps, model in models.items()}


def _find(points: Points, model: SharedDBSCAN, reach: float) -> NeighbourPairs | PairsInPasses:
    """Find the pairs for a model, `reach` far within participants, and keep them if they fit."""
    eps, block, device = model.eps, model.block, model.device
    try:
        return find_pairs(points, eps, reach, block, device, model.max_pairs)
    except TooManyPairsError:
        return PairsInPasses(points, eps, reach, block, device)


def _check_pairs(pairs: NeighbourPairs, points: Points, eps: float, radius: float) -> None:
    of = pairs.points
    if (
        not np.array_equal(of.weights, points.weights)
        or not np.array_equal(of.codes, points.codes)
        or not np.array_equal(of.names, points.names)
    ):
        raise ValueError(
            "pairs are of other weights or participants; find them again with pairs_within."
        )
    if eps > pairs.max_eps or radius > pairs.max_own_eps:
        raise ValueError(
            f"eps={eps} needs pairs up to {eps}, and up to {max(eps, radius)} within participants; "
            f"these reach {pairs.max_eps} and {pairs.max_own_eps}."
        )


def _expand(
    labels: np.ndarray, n_concepts: int, pairs: NeighbourPairs | PairsInPasses, radius: float
) -> csc_array:
    """Add to each cluster the voxels of the same participant within the radius."""
    from scipy.sparse import csc_array

    members = np.flatnonzero(labels >= 0)
    places = [members * n_concepts + labels[members]]  # of voxel and concept, counted through
    for block in pairs.blocks(own=True) if radius > 0 and n_concepts else ():
        left, right = block.left, block.right
        keep = np.flatnonzero((labels[left] != labels[right]) & block.is_own)
        keep = keep[block.closer_than(radius)[keep]]
        voxel = np.concatenate([left[keep], right[keep]]).astype(np.int64)
        concept = np.concatenate([labels[right[keep]], labels[left[keep]]])
        places.append(np.unique((voxel * n_concepts + concept)[concept >= 0]))
    voxel, concept = np.divmod(np.unique(np.concatenate(places)), max(1, n_concepts))
    return csc_array(
        (np.ones(len(voxel), dtype=bool), (voxel, concept)), shape=(len(labels), n_concepts)
    )


def _mean_directions(points: Points, labels: np.ndarray, n_concepts: int) -> np.ndarray:
    """Mean directions of the clusters, in the dtype of the weights.

    Summed as integers: those add up to the same in any order, so that the order of the voxels does
    not show even in the last digit.
    """
    sums = np.zeros((n_concepts, points.weights.shape[1]), dtype=np.int64)
    members = np.argsort(labels, kind="stable")[np.count_nonzero(labels < 0) :]
    for start in range(0, len(members), points.chunk):
        rows = members[start : start + points.chunk]
        clusters, first = np.unique(labels[rows], return_index=True)
        fixed = np.rint(points.unit(rows) * _FIXED_POINT).astype(np.int64)
        sums[clusters] += np.add.reduceat(fixed, first, axis=0)
    means = sums / _FIXED_POINT
    lengths = np.sqrt((means * means).sum(axis=1, keepdims=True))
    return (means / np.where(lengths < 1e-9, np.inf, lengths)).astype(points.weights.dtype)
