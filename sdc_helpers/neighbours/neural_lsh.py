"""Neural LSH, small: the graph of neighbours is cut into equal parts, and a network learns them.

Dong, Indyk, Razenshteyn and Wagner (2020), arXiv 1901.08544. There the graph is cut by KaHIP; here
by spectral bisection and moves of single points, which needs no further library.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh

from sdc_helpers._checks import check_count
from sdc_helpers.neighbours.evaluation import as_vectors, exact_neighbours
from sdc_helpers.neighbours.partition import SpacePartition
from sdc_helpers.neighbours.peers import Bins, enough_vectors

_SLACK = 0.05
"""Parts may differ from equal shares by so much of a share."""
_N_PASSES = 20
_FEW = 32
"""Graphs this small are solved densely."""


def neural_lsh_bins(
    X: np.ndarray,
    n_bins: int = 16,
    *,
    n_neighbors: int = 10,
    hidden: int = 256,
    n_epochs: int = 60,
    random_state: int = 0,
) -> Bins:
    """Make bins of equal size that cut few neighbours apart, and teach a network to choose them.

    Parameters
    ----------
    X : array of shape (n, D)
        The base.
    n_bins : int, default=16
        Number of bins.
    n_neighbors : int, default=10
        Neighbours in the graph.
    hidden : int, default=256
        Width of the network, which is that of `SpacePartition`, with its dropout and noise.
    n_epochs : int, default=60
        Passes over the base.
    random_state : int, default=0
        Seed of the cuts and of the network.

    Returns
    -------
    Bins
        A vector of the base is in its part of the graph; a query probes the parts in the order in
        which the network finds them probable. The network learns the share of the neighbours in
        each part.

    Raises
    ------
    ValueError
        If there are fewer vectors than bins or neighbours, or one is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.neighbours import neural_lsh_bins
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> bool(np.bincount(neural_lsh_bins(X, 4, hidden=16, n_epochs=3).labels).min() >= 47)
    True
    """
    check_count("n_epochs", n_epochs, 1)
    X = enough_vectors(X, n_bins)
    neighbours = exact_neighbours(X, k=n_neighbors)
    labels = graph_parts(neighbours, n_bins, np.random.default_rng(random_state))
    shares = (labels[neighbours][:, :, None] == np.arange(n_bins)).mean(axis=1)
    net, scaling = _taught(X, shares.astype(np.float32), hidden, n_epochs, random_state)

    def order(queries: np.ndarray) -> np.ndarray:
        from sdc_helpers.neighbours._training import look

        queries = as_vectors("queries", queries, X.shape[1])
        probabilities = look(net, scaling.apply(queries)).numpy()
        return np.argsort(-probabilities, axis=1, kind="stable")

    return Bins(labels, order, sum(p.numel() for p in net.parameters()))


def _taught(
    X: np.ndarray, shares: np.ndarray, hidden: int, n_epochs: int, seed: int
) -> tuple[Any, Any]:
    """Return a network that has learned the shares by cross-entropy, and the inputs' scaling."""
    import torch

    from sdc_helpers.neighbours._training import Scaling, network
    from sdc_helpers.neighbours.losses import vote_loss

    own = SpacePartition()
    scaling = Scaling.of(X, by_feature=False)
    inputs, targets = scaling.apply(X), torch.from_numpy(shares)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = network(X.shape[1], shares.shape[1], hidden, own.dropout).train()
        optimiser = torch.optim.Adam(net.parameters(), own.lr)
        n_batches = -(-len(X) // own.batch_size)
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_epochs * n_batches)
        for _ in range(n_epochs):
            for rows in torch.randperm(len(X), generator=generator).tensor_split(n_batches):
                noise = own.input_noise * torch.randn(inputs[rows].shape, generator=generator)
                loss = vote_loss(net(inputs[rows] + noise).softmax(dim=1), targets[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                rate.step()
    return net.eval(), scaling


def graph_parts(neighbours: np.ndarray, n_parts: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a graph of neighbours into parts of about equal size, with few edges between them.

    Parameters
    ----------
    neighbours : int array of shape (n, k)
        Neighbours of each point; an edge has no direction.
    n_parts : int
        Number of parts.
    rng : numpy.random.Generator
        Where the search for eigenvectors starts.

    Returns
    -------
    int64 array of shape (n,)
        Part of each point. Halves come from the second eigenvector of the graph, again and again;
        then points go over to the part where more of their neighbours are, while sizes stay within
        a twentieth of equal shares.
    """
    n, k = neighbours.shape
    ones = np.ones(n * k)
    graph = sparse.csr_matrix((ones, (np.repeat(np.arange(n), k), neighbours.ravel())), (n, n))
    graph = graph.maximum(graph.T).tocsr()
    labels = np.zeros(n, dtype=np.int64)
    _halve(graph, np.arange(n), 0, n_parts, labels, rng)
    _move(graph, labels, n_parts)
    return labels


def _halve(
    graph: Any, rows: np.ndarray, first: int, n_parts: int, labels: np.ndarray, rng: Any
) -> None:
    """Give rows the parts from `first` on, in place, by cutting along the second eigenvector."""
    if n_parts == 1:
        labels[rows] = first
        return
    below = n_parts // 2
    order = np.argsort(_second_eigenvector(graph[rows][:, rows], rng), kind="stable")
    n_below = round(len(rows) * below / n_parts)
    _halve(graph, rows[order[:n_below]], first, below, labels, rng)
    _halve(graph, rows[order[n_below:]], first + below, n_parts - below, labels, rng)


def _second_eigenvector(graph: Any, rng: np.random.Generator) -> np.ndarray:
    """Return the second eigenvector of the normalised graph, by which its halves are told."""
    n = graph.shape[0]
    degree = np.maximum(np.ravel(graph.sum(axis=1)), 1.0)
    scale = sparse.diags(degree**-0.5)
    normal = scale @ graph @ scale
    if n <= _FEW:
        vectors = np.linalg.eigh(normal.toarray())[1][:, ::-1]
        return vectors[:, 1] if n > 1 else np.zeros(n)
    values, vectors = eigsh(normal, k=2, which="LA", v0=rng.normal(size=n), tol=1e-4)
    return vectors[:, np.argsort(values)[0]] / np.sqrt(degree)


def _move(graph: Any, labels: np.ndarray, n_parts: int) -> None:
    """Send points over to the part of more of their neighbours, in place, where sizes allow."""
    n = len(labels)
    least, most = np.floor((1 - _SLACK) * n / n_parts), np.ceil((1 + _SLACK) * n / n_parts)
    sizes = np.bincount(labels, minlength=n_parts)
    member = sparse.csr_matrix((np.ones(n), (np.arange(n), labels)), (n, n_parts))
    inside = (graph @ member).toarray()  # edges from each point into each part
    for _ in range(_N_PASSES):
        gain = inside.max(axis=1) - inside[np.arange(n), labels]
        moved = 0
        for point in np.argsort(-gain, kind="stable")[: (gain > 0).sum()]:
            own, best = labels[point], inside[point].argmax()
            if inside[point, best] <= inside[point, own]:
                continue
            if sizes[own] <= least or sizes[best] >= most:
                continue
            near = graph.indices[graph.indptr[point] : graph.indptr[point + 1]]
            inside[near, own] -= 1
            inside[near, best] += 1
            labels[point], moved = best, moved + 1
            sizes[own] -= 1
            sizes[best] += 1
        if not moved:
            return
