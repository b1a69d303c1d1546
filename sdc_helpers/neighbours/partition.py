"""A learned partition of space into bins, so that near neighbours share one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from sdc_helpers._checks import as_array, check_count, check_device, check_share
from sdc_helpers._files import atomic_path
from sdc_helpers.neighbours.evaluation import as_vectors, exact_neighbours

_FROM_KMEANS = 64
"""From so many bins on, ``init="auto"`` starts from k-means: otherwise bins stay empty."""
_BLOCK = 65_536
"""Vectors whose probabilities are in memory together where only the bins are wanted."""
_CHOICES = {
    "target": ("soft", "majority"),
    "votes_from": ("memory", "network"),
    "init": ("auto", "random", "kmeans"),
    "scaling": ("one", "feature"),
    "schedule": ("cosine", "constant"),
}


class ProbableBins:
    """What follows for all that say how probable each bin is."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of the bins, (n, n_bins)."""
        raise NotImplementedError

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable bin of each vector, int64 (n,); see `predict_proba`."""
        X = as_vectors("X", X)
        blocks = (X[start : start + _BLOCK] for start in range(0, len(X), _BLOCK))
        return np.concatenate([self.predict_proba(block).argmax(axis=1) for block in blocks])

    def probe_order(self, X: np.ndarray) -> np.ndarray:
        """Return the bins in the order in which a query probes them, int64 (n, n_bins)."""
        return np.argsort(-self.predict_proba(X), axis=1, kind="stable")


class SpacePartition(ProbableBins, ClusterMixin, BaseEstimator):
    """Bins found by a small network that is trained without labels.

    Its loss has two aims: a point's probabilities should agree with the votes of its nearest
    neighbours, and all bins should be filled. The defaults are the method that the course
    recommends, with soft votes; `published` gives that of the paper.

    Parameters
    ----------
    n_bins : int, default=16
        Number of bins.
    target : {"soft", "majority"}, default="soft"
        The neighbours' mean probabilities, or the bin in which most of them are.
    votes_from : {"memory", "network"}, default="memory"
        Whether neighbours vote with the probabilities that they had when they were last in a batch,
        or with a pass through the network as it is, which takes longer.
    hidden : int, default=256
        Width of the two hidden blocks; 0 for a linear network.
    dropout : float, default=0.4
        Share of the last hidden units that are left out in training.
    input_noise : float, default=0.3
        Standard deviation of noise on the scaled inputs in training.
    eta : float, default=7.0
        Weight of the balance term. At 1 bins stay empty.
    n_neighbors : int, default=10
        Neighbours that vote.
    temperature : float, default=1.0
        The logits are divided by it in training.
    n_epochs, batch_size : int, default=60, 1024
        Passes over the base, and points a step. The base is dealt into equal steps of at most so
        many.
    lr : float, default=3e-3
        Learning rate of Adam.
    schedule : {"cosine", "constant"}, default="cosine"
        Whether the rate falls along half a cosine.
    scaling : {"one", "feature"}, default="one"
        Whether features are divided by one number, or each by its own spread.
    init : {"auto", "random", "kmeans"}, default="auto"
        Where it starts: "auto" from k-means with 64 bins or more.
    device : str, default="cpu"
        Torch device to train on.
    random_state : int, default=0
        Seed of initial values, batches and noise.

    Attributes
    ----------
    bins_ : int64 array of shape (n_samples,)
        Bin of each vector of the base; `labels_` is the same.
    n_parameters_ : int
        Numbers that the network has learned.
    history_ : list of float
        Loss of each epoch.
    n_features_in_ : int
        Length of the vectors.

    References
    ----------
    Fahim, Ali and Cheema (2022), arXiv 2206.08091.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.neighbours import SpacePartition
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4)) + np.repeat(6 * np.eye(4), 50, axis=0)
    >>> bins = SpacePartition(4, n_epochs=30).fit(X).bins_
    >>> len(set(bins.tolist()))
    4
    """

    def __init__(
        self,
        n_bins: int = 16,
        *,
        target: str = "soft",
        votes_from: str = "memory",
        hidden: int = 256,
        dropout: float = 0.4,
        input_noise: float = 0.3,
        eta: float = 7.0,
        n_neighbors: int = 10,
        temperature: float = 1.0,
        n_epochs: int = 60,
        batch_size: int = 1024,
        lr: float = 3e-3,
        schedule: str = "cosine",
        scaling: str = "one",
        init: str = "auto",
        device: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.n_bins = n_bins
        self.target = target
        self.votes_from = votes_from
        self.hidden = hidden
        self.dropout = dropout
        self.input_noise = input_noise
        self.eta = eta
        self.n_neighbors = n_neighbors
        self.temperature = temperature
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.schedule = schedule
        self.scaling = scaling
        self.init = init
        self.device = device
        self.random_state = random_state

    @classmethod
    def published(cls, n_bins: int = 16, **changes: Any) -> SpacePartition:
        """Return an estimator with the loss, network and training of the paper.

        Parameters
        ----------
        n_bins : int, default=16
            Number of bins.
        **changes
            Parameters that are to be others.

        Returns
        -------
        SpacePartition
            Unfitted. The paper's single cut of the learning rate and its choice of the epoch with
            the lowest loss are left out.
        """
        options: dict[str, Any] = {
            "target": "majority", "votes_from": "network", "hidden": 128, "dropout": 0.1,
            "input_noise": 0.0,
            "n_epochs": 100, "lr": 1e-3, "schedule": "constant", "scaling": "feature",
            "init": "random",
        }  # fmt: skip
        return cls(n_bins, **{**options, **changes})

    def fit(
        self,
        X: np.ndarray,
        y: None = None,
        *,
        sample_weight: np.ndarray | None = None,
        queries: np.ndarray | None = None,
    ) -> SpacePartition:
        """Learn the bins.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The base: vectors to be found again.
        y : None
            Not used.
        sample_weight : array of shape (n_samples,), optional
            Weight of each vector's votes.
        queries : array of shape (n_queries, n_features), optional
            Vectors from elsewhere, such as captions where the base is pictures. Their neighbours
            in the base vote for them too; they fill no bin.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer vectors than bins or neighbours, one is not finite, all are the same,
            or a parameter is out of range.
        """
        import torch

        from sdc_helpers.neighbours._training import Lessons, Scaling, learn, network

        self._check_parameters()
        X = as_vectors("X", X)
        least = max(self.n_bins, self.n_neighbors + 1)
        if len(X) < least:
            raise ValueError(
                f"X has {len(X)} vectors; {self.n_bins} bins and {self.n_neighbors} neighbours "
                f"need {least} or more. Ask for fewer bins."
            )
        if not np.ptp(X, axis=0).any():
            raise ValueError("X: all vectors are the same, and cannot be told apart.")
        device = check_device(self.device)
        others = np.empty((0, X.shape[1]), np.float32)
        if queries is not None:
            others = as_vectors("queries", queries, X.shape[1])
        weights = np.ones(len(X), np.float32)
        if sample_weight is not None:
            weights = as_array("sample_weight", sample_weight, float).astype(np.float32)
            if weights.shape != (len(X),) or not (weights >= 0).all() or not weights.any():
                raise ValueError(f"sample_weight: expected {len(X)} numbers of 0 or more.")
        voters = exact_neighbours(X, k=self.n_neighbors)
        if len(others):
            voters = np.r_[voters, exact_neighbours(X, others, self.n_neighbors)]
        self._scaling = Scaling.of(X, self.scaling == "feature")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            net = network(X.shape[1], self.n_bins, self.hidden, self.dropout).to(device).train()
            lessons = Lessons(
                self._scaling.apply(np.r_[X, others]).to(device),
                torch.from_numpy(voters).to(device),
                torch.from_numpy(np.r_[weights, np.ones(len(others), np.float32)]).to(device),
                len(X),
                self._start(X),
            )
            generator = torch.Generator().manual_seed(self.random_state)
            self.history_ = learn(net, lessons, self, generator)
        self._network = net.cpu().eval()
        self.n_features_in_ = X.shape[1]
        self.n_parameters_ = sum(p.numel() for p in net.parameters())
        self.bins_ = self.labels_ = self.predict(X)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of the bins.

        Parameters
        ----------
        X : array of shape (n, n_features)
            Vectors of the base, or queries; scaled by the base.

        Returns
        -------
        float32 array of shape (n, n_bins)

        Raises
        ------
        ValueError
            If X is not finite or has other features than the base.
        """
        check_is_fitted(self, "n_parameters_")
        from sdc_helpers.neighbours._training import look

        X = as_vectors("X", X, self.n_features_in_)
        return look(self._network, self._scaling.apply(X)).numpy()

    def save(self, path: str | Path) -> None:
        """Write the partition to a safetensors file, atomically.

        Parameters
        ----------
        path : path
            The file; an older one is replaced.
        """
        from safetensors.torch import save_file
        from torch import from_numpy

        check_is_fitted(self, "n_parameters_")
        tensors = {f"network.{k}": v.contiguous() for k, v in self._network.state_dict().items()}
        tensors["scaling.mean"] = from_numpy(self._scaling.mean.copy())
        tensors["scaling.spread"] = from_numpy(self._scaling.spread.copy())
        tensors["bins"] = from_numpy(self.bins_.copy())
        about = {"partition": json.dumps(self.get_params())}
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, metadata=about)

    @classmethod
    def load(cls, path: str | Path) -> SpacePartition:
        """Read a partition that `save` wrote.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        SpacePartition
            Fitted; without the history of its training.

        Raises
        ------
        ValueError
            If the file is cut off or holds something else.
        """
        from safetensors import SafetensorError, safe_open

        from sdc_helpers.neighbours._training import Scaling, network

        try:
            with safe_open(path, framework="pt") as file:
                parameters = json.loads((file.metadata() or {})["partition"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            found = cls(**parameters)
            mean, spread = (tensors[f"scaling.{key}"].numpy() for key in ("mean", "spread"))
            net = network(len(mean), found.n_bins, found.hidden, found.dropout)
            net.load_state_dict(
                {k.removeprefix("network."): v for k, v in tensors.items() if "network." in k}
            )
            found.bins_ = found.labels_ = tensors["bins"].numpy()
        except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{path} is no saved partition, or is cut off ({error}); save it again."
            ) from error
        found._scaling, found._network = Scaling(mean, spread), net.eval()
        found.n_features_in_ = len(mean)
        found.n_parameters_ = sum(p.numel() for p in net.parameters())
        return found

    def _check_parameters(self) -> None:
        check_count("n_bins", self.n_bins, 2)
        for name in ("n_neighbors", "n_epochs"):
            check_count(name, getattr(self, name), 1)
        check_count("batch_size", self.batch_size, 2)
        check_count("hidden", self.hidden, 0)
        check_share("dropout", self.dropout, "both")
        for name in ("eta", "input_noise"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: expected 0 or more.")
        for name in ("temperature", "lr"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: expected a number above 0.")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: expected one of {', '.join(known)}."
                )

    def _start(self, X: np.ndarray) -> Any:
        is_asked = self.init == "kmeans" or (self.init == "auto" and self.n_bins >= _FROM_KMEANS)
        if not is_asked:
            return None
        import torch

        from sdc_helpers.neighbours.peers import kmeans_bins

        labels = kmeans_bins(X, self.n_bins, n_init=1, random_state=self.random_state).labels
        return torch.from_numpy(labels).to(check_device(self.device))
