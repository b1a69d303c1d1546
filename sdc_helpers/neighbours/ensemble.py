"""Several partitions: an ensemble that shares a query, and a hierarchy that shares a space."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.neighbours.evaluation import (
    ProbeCounts,
    RecallCurve,
    as_vectors,
    exact_neighbours,
    probe_counts,
)
from sdc_helpers.neighbours.partition import ProbableBins, SpacePartition

_TINY = 1e-9


class PartitionEnsemble(BaseEstimator):
    """Partitions of one space; each query is answered by the one that is surest of its bin.

    Parameters
    ----------
    partition : SpacePartition, optional
        What each member is a clone of, with a seed of its own; by default the course's.
    n_models : int, default=3
        Number of members.
    weights : {"plain", "published", "bounded"}, default="plain"
        What later members attend to. "plain": everything alike. "published": almost only the points
        that every earlier member separates from most of their neighbours. "bounded": those points
        more, by one plus the share of earlier members that separate them.

    Attributes
    ----------
    partitions_ : list of SpacePartition
        The members, fitted.

    References
    ----------
    Fahim, Ali and Cheema (2022), arXiv 2206.08091, for the published weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.neighbours import PartitionEnsemble, SpacePartition, exact_neighbours
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> quick = SpacePartition(4, hidden=16, n_epochs=3)
    >>> ensemble = PartitionEnsemble(quick, n_models=2).fit(X[20:])
    >>> curve = ensemble.recall_curve(X[:20], exact_neighbours(X[20:], X[:20], 5))
    >>> float(curve.recall[-1])
    1.0
    """

    def __init__(
        self,
        partition: SpacePartition | None = None,
        *,
        n_models: int = 3,
        weights: str = "plain",
    ) -> None:
        self.partition = partition
        self.n_models = n_models
        self.weights = weights

    def fit(
        self, X: np.ndarray, y: None = None, *, first: SpacePartition | None = None
    ) -> PartitionEnsemble:
        """Fit one member after the other.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The base.
        y : None
            Not used.
        first : SpacePartition, optional
            The first member, fitted to X already: it sees everything alike, whatever the weights.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `SpacePartition.fit`, or if `weights` is unknown.
        """
        check_count("n_models", self.n_models, 1)
        if self.weights not in ("plain", "published", "bounded"):
            raise ValueError(
                f"weights={self.weights!r}: expected one of plain, published, bounded."
            )
        X = as_vectors("X", X)
        base = SpacePartition() if self.partition is None else self.partition
        voters = None if self.weights == "plain" else exact_neighbours(X, k=base.n_neighbors)
        separated: list[np.ndarray] = []
        self.partitions_: list[SpacePartition] = []
        for number in range(self.n_models):
            member = clone(base).set_params(random_state=base.random_state + number)
            if number == 0 and first is not None:
                member = first
            else:
                member.fit(X, sample_weight=self._weights(separated))
            self.partitions_.append(member)
            if voters is not None:
                separated.append(is_separated(member.bins_, voters))
        return self

    def _weights(self, separated: list[np.ndarray]) -> np.ndarray | None:
        if not separated:
            return None
        if self.weights == "bounded":
            return 1 + np.mean(separated, axis=0)
        together = 1 - np.array(separated, dtype=float)
        weights = np.clip(-np.log(together + _TINY), _TINY, None).prod(axis=0)
        return weights * len(weights) / weights.sum()

    def surest(self, queries: np.ndarray) -> np.ndarray:
        """Return which member answers each query, int64 (n_queries,)."""
        check_is_fitted(self, "partitions_")
        sure = [member.predict_proba(queries).max(axis=1) for member in self.partitions_]
        return np.argmax(sure, axis=0)

    def recall_curve(self, queries: np.ndarray, truth: np.ndarray) -> RecallCurve:
        """Return recall against candidates, each query answered by its surest member.

        Parameters
        ----------
        queries : array of shape (n_queries, n_features)
            Queries.
        truth : int array of shape (n_queries, k)
            Their true neighbours in the base.

        Returns
        -------
        RecallCurve
        """
        answers, truth = self.surest(queries), as_array("truth", truth)
        counts = [probe_counts(m.probe_order(queries), m.bins_, truth) for m in self.partitions_]
        rows = np.arange(len(truth))
        candidates = np.stack([one.candidates for one in counts])[answers, rows]
        found = np.stack([one.found for one in counts])[answers, rows]
        return ProbeCounts(candidates, found, counts[0].n_base, truth.shape[1]).curve()


def is_separated(bins: np.ndarray, voters: np.ndarray) -> np.ndarray:
    """Return which points are in another bin than most of their neighbours.

    Parameters
    ----------
    bins : int array of shape (n,)
        Bin of each point.
    voters : int array of shape (n, k)
        Neighbours of each.

    Returns
    -------
    bool array of shape (n,)
        Of equally frequent bins the first counts.
    """
    bins, voters = as_array("bins", bins), as_array("voters", voters)
    counts = np.zeros((len(bins), bins.max() + 1), dtype=int)
    for column in bins[voters].T:
        counts[np.arange(len(bins)), column] += 1
    return counts.argmax(axis=1) != bins


class HierarchicalPartition(ProbableBins, BaseEstimator):
    """A partition whose bins are partitioned again.

    Parameters
    ----------
    partition : SpacePartition, optional
        What each node is a clone of; by default the course's.
    branching : int, default=16
        Bins of each node.
    levels : int, default=2
        Levels; there are ``branching ** levels`` leaves.

    Attributes
    ----------
    bins_ : int64 array of shape (n_samples,)
        Leaf of each vector of the base.
    n_parameters_ : int
        Numbers that all nodes have learned.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.neighbours import HierarchicalPartition, SpacePartition
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> quick = SpacePartition(hidden=16, n_epochs=3)
    >>> HierarchicalPartition(quick, branching=4, levels=2).fit(X).predict_proba(X).shape
    (300, 16)
    """

    def __init__(
        self, partition: SpacePartition | None = None, *, branching: int = 16, levels: int = 2
    ) -> None:
        self.partition = partition
        self.branching = branching
        self.levels = levels

    def fit(self, X: np.ndarray, y: None = None) -> HierarchicalPartition:
        """Fit the root, then a partition inside each of its bins, and so on.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The base.
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `SpacePartition.fit`; a bin that is too small for a partition of its own is not
            split, and its vectors are in its first leaf.
        """
        check_count("branching", self.branching, 2)
        check_count("levels", self.levels, 1)
        X = as_vectors("X", X)
        base = SpacePartition() if self.partition is None else self.partition
        self._root = _Node.fit(X, clone(base).set_params(n_bins=self.branching), self.levels)
        self.n_features_in_ = X.shape[1]
        self.n_parameters_ = self._root.n_parameters()
        self.bins_ = self.labels_ = self.predict(X)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of the leaves, the products along their paths.

        Parameters
        ----------
        X : array of shape (n, n_features)
            Vectors.

        Returns
        -------
        float array of shape (n, branching ** levels)
        """
        check_is_fitted(self, "n_parameters_")
        X = as_vectors("X", X, self.n_features_in_)
        return self._root.probabilities(X, self.branching, self.levels)


class _Node:
    """A partition and what is below each of its bins; a bin that is not split has None."""

    def __init__(self, partition: SpacePartition, below: list[_Node | None]) -> None:
        self.partition, self.below = partition, below

    @classmethod
    def fit(cls, X: np.ndarray, unfitted: SpacePartition, levels: int) -> _Node:
        """Fit a partition, and nodes inside those of its bins that are large enough."""
        partition = clone(unfitted).fit(X)
        least = max(unfitted.n_bins, unfitted.n_neighbors + 1)
        below: list[Any] = [None] * unfitted.n_bins
        for number in range(unfitted.n_bins) if levels > 1 else ():
            inside = X[partition.bins_ == number]
            if len(inside) >= least and np.ptp(inside, axis=0).any():
                below[number] = cls.fit(inside, unfitted, levels - 1)
        return cls(partition, below)

    def n_parameters(self) -> int:
        """Count what this node and those below it have learned."""
        return self.partition.n_parameters_ + sum(n.n_parameters() for n in self.below if n)

    def probabilities(self, X: np.ndarray, branching: int, levels: int) -> np.ndarray:
        """Return the probabilities of the leaves, (n, branching ** levels)."""
        own = self.partition.predict_proba(X).astype(float)
        if levels == 1:
            return own
        parts = []
        for number, node in enumerate(self.below):
            inside = np.zeros((len(X), branching ** (levels - 1)))
            if node is None:
                inside[:, 0] = 1
            else:
                inside = node.probabilities(X, branching, levels - 1)
            parts.append(own[:, [number]] * inside)
        return np.concatenate(parts, axis=1)
