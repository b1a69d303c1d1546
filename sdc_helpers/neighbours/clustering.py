"""A learned partition as a clustering: votes that travel along the graph of neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin

from sdc_helpers._checks import check_count
from sdc_helpers.neighbours.evaluation import as_vectors, exact_neighbours

_MOST = 5_000  # vectors; the walk is kept as a full matrix


class DiffusedClusters(ClusterMixin, BaseEstimator):
    """Clusters of any shape, of about equal size.

    A point's target is the mean probability of where a random walk along its neighbours ends, and
    not of the neighbours alone. The first quarter of the training learns a start: each point draws
    a vote at random, the votes travel the same walk, and each point takes the cluster that it then
    has more of than others have. A network's own first votes would vary along straight lines, and
    a straight cut across all clusters keeps itself alive. Of several starts the one is kept that
    leaves no cluster empty and separates the fewest pairs of neighbours; that needs no label. The
    balance term wants equal sizes: clusters that differ much in size are not found.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of clusters.
    n_steps : int, default=300
        Steps of the walk.
    eta : float, default=2.0
        Weight of the balance term.
    hidden : int, default=64
        Width of the network.
    n_neighbors : int, default=10
        Neighbours in the graph.
    n_epochs : int, default=200
        Steps of the training, each with all points; a quarter of them learns the start.
    lr : float, default=1e-2
        Learning rate.
    n_restarts : int, default=10
        Number of starts, at most: one that separates no neighbours is the last. About half of them
        find two moons or two rings.
    random_state : int, default=0
        Seed of the first start; the next counts on.

    Attributes
    ----------
    labels_ : int64 array of shape (n_samples,)
        Cluster of each point.
    cut_ : float
        Share of the pairs of neighbours that lie in different clusters.
    n_empty_ : int
        Clusters without a point, in the best start too.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sdc_helpers.neighbours import DiffusedClusters
    >>> X, moon = make_moons(100, noise=0.05, random_state=0)
    >>> found = DiffusedClusters(2, n_epochs=60, n_restarts=2).fit(X)
    >>> found.labels_.shape, 0 <= found.cut_ < 1
    ((100,), True)
    """

    def __init__(
        self,
        n_clusters: int = 2,
        *,
        n_steps: int = 300,
        eta: float = 2.0,
        hidden: int = 64,
        n_neighbors: int = 10,
        n_epochs: int = 200,
        lr: float = 1e-2,
        n_restarts: int = 10,
        random_state: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_steps = n_steps
        self.eta = eta
        self.hidden = hidden
        self.n_neighbors = n_neighbors
        self.n_epochs = n_epochs
        self.lr = lr
        self.n_restarts = n_restarts
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> DiffusedClusters:
        """Find the clusters.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Points, 5,000 at most.
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are too few or too many points, or one is not finite.
        """
        check_count("n_clusters", self.n_clusters, 2)
        check_count("n_steps", self.n_steps, 1)
        check_count("n_restarts", self.n_restarts, 1)
        X = as_vectors("X", X)
        if not max(self.n_clusters, self.n_neighbors + 1) <= len(X) <= _MOST:
            raise ValueError(
                f"X has {len(X)} points; expected from "
                f"{max(self.n_clusters, self.n_neighbors + 1)} to {_MOST}."
            )
        neighbours = exact_neighbours(X, k=self.n_neighbors)
        walk = _walk(neighbours, self.n_steps)
        best = None
        for restart in range(self.n_restarts):
            labels = self._once(X, walk, self.random_state + restart)
            cut = float((labels[neighbours] != labels[:, None]).mean())
            n_empty = self.n_clusters - len(np.unique(labels))
            if best is None or (n_empty, cut) < best[:2]:
                best = n_empty, cut, labels
            if best[:2] == (0, 0.0):
                break
        assert best is not None
        self.n_empty_, self.cut_, self.labels_ = best
        self.n_features_in_ = X.shape[1]
        return self

    def _once(self, X: np.ndarray, walk: np.ndarray, seed: int) -> np.ndarray:
        import torch

        from sdc_helpers.neighbours._training import Scaling, network
        from sdc_helpers.neighbours.losses import balance_term, vote_loss

        inputs = Scaling.of(X, by_feature=False).apply(X)
        steps, n_start = torch.from_numpy(walk), self.n_epochs // 4
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            travelled = steps @ torch.randn(len(X), self.n_clusters)
            start = _standardised(travelled).argmax(dim=1)
            net = network(X.shape[1], self.n_clusters, self.hidden, 0.0)
            optimiser = torch.optim.Adam(net.parameters(), self.lr)
            first = torch.nn.functional.one_hot(start, self.n_clusters).float()
            for epoch in range(self.n_epochs):
                probabilities = net(inputs).softmax(dim=1)
                if epoch < n_start:
                    loss = vote_loss(probabilities, first)
                else:
                    loss = vote_loss(probabilities, steps @ probabilities.detach())
                    loss = loss + self.eta * balance_term(probabilities)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            with torch.no_grad():
                return net(inputs).argmax(dim=1).numpy()


def _standardised(votes: Any) -> Any:
    """Return votes with mean 0 and spread 1 over the points, for each cluster."""
    return (votes - votes.mean(dim=0)) / votes.std(dim=0).clamp_min(1e-12)


def _walk(neighbours: np.ndarray, n_steps: int) -> np.ndarray:
    """Return where a random walk of so many steps ends: the graph is symmetric, with self-loops."""
    n = len(neighbours)
    graph = np.eye(n)
    graph[np.repeat(np.arange(n), neighbours.shape[1]), neighbours.ravel()] = 1
    graph = np.maximum(graph, graph.T)
    walk = graph / graph.sum(axis=1, keepdims=True)
    return np.linalg.matrix_power(walk, n_steps).astype(np.float32)
