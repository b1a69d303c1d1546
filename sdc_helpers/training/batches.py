"""Pairs to train on, and which of them make up a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sdc_helpers._checks import as_tensor

if TYPE_CHECKING:
    import torch

    Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]


class PairSource(Protocol):
    """Paired inputs of two encoders, held in memory or read on demand."""

    def __len__(self) -> int:
        """Return the number of pairs."""
        ...

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """Return some pairs.

        Parameters
        ----------
        indices : int64 array of shape (b,)
            Rows of the pairs; with several processes, the rows of this one.
        rng : numpy.random.Generator
            Source of draws such as which caption of an image to take. Every process has it in the
            same state: a draw that shall not depend on their number is made for all pairs, then
            indexed.

        Returns
        -------
        x_u, x_v : tensors of shape (b, ...)
            Inputs of the two encoders, on any device.
        items : int64 tensor of shape (b,) or None
            Identity of each pair, where several pairs can show the same one.
        """
        ...


class BatchOrder(Protocol):
    """Which pairs make up the batch of each step, known from the number of the step alone.

    Attributes
    ----------
    n_pairs : int
        Number of pairs there are.
    identity : dict
        Description of this order that no other shares, as JSON; a checkpoint of another order is
        refused.
    """

    n_pairs: int
    identity: dict[str, Any]

    def epoch(self, step: int) -> int:
        """Return the epoch of a step; both count from 0."""
        ...

    def indices(self, step: int) -> np.ndarray:
        """Return the pairs of a step as an int64 array of shape (batch_size,)."""
        ...


class TensorPairs:
    """Pairs held in memory.

    Parameters
    ----------
    x_u : tensor of shape (n, ...)
        Inputs of the first encoder.
    x_v : tensor of shape (n, ...), or (n, k, ...) with `choices`
        Inputs of the second encoder.
    items : integer tensor of shape (n,), optional
        Identity of each pair; pairs of the same identity are no negatives of one another.
    choices : bool
        Whether x_v holds k alternatives per pair, such as 5 captions of an image, of which one is
        drawn, uniformly, each time that the pair is used.

    Raises
    ------
    ValueError
        If there is no pair, lengths differ, `items` are no integers, or `choices` without k.

    See Also
    --------
    train_pairs : Trains two encoders on such pairs.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sdc_helpers.training import TensorPairs
    >>> pairs = TensorPairs(torch.arange(6.0)[:, None], torch.zeros(6, 3))
    >>> x_u, x_v, items = pairs.batch(np.array([4, 1]), np.random.default_rng(0))
    >>> len(pairs), x_u.flatten().tolist(), x_v.shape, items
    (6, [4.0, 1.0], torch.Size([2, 3]), None)
    """

    def __init__(
        self,
        x_u: torch.Tensor,
        x_v: torch.Tensor,
        items: torch.Tensor | None = None,
        *,
        choices: bool = False,
    ) -> None:
        self.x_u, self.x_v = as_tensor("x_u", x_u), as_tensor("x_v", x_v)
        self.choices = choices
        self.items = None if items is None else as_tensor("items", items)
        check_pairs(self.x_u, self.x_v, self.items, "TensorPairs(x_u, x_v)")
        if len(self) == 0:
            raise ValueError("TensorPairs holds no pair: x_u and x_v have length 0.")
        if choices and (self.x_v.ndim < 2 or self.x_v.shape[1] == 0):
            raise ValueError(
                "choices=True needs x_v of shape (n, k, ...) with k >= 1, got "
                f"{tuple(self.x_v.shape)}."
            )

    def __len__(self) -> int:
        return len(self.x_u)

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """Return the pairs at `indices`, see `PairSource.batch`."""
        import torch

        index = torch.from_numpy(np.asarray(indices, dtype=np.int64)).to(self.x_u.device)
        index_v = index.to(self.x_v.device)
        if self.choices:
            # For all pairs: what a pair gets must not depend on how a batch is divided.
            chosen = rng.integers(self.x_v.shape[1], size=len(self), dtype=np.int32)[indices]
            x_v = self.x_v[index_v, torch.from_numpy(chosen).to(self.x_v.device).long()]
        else:
            x_v = self.x_v[index_v]
        items = None if self.items is None else self.items[index.to(self.items.device)]
        return self.x_u[index], x_v, items


class EpochBatches:
    """Which pairs make up the batch of each step: a new permutation every epoch.

    Permutation e is that of ``numpy.random.default_rng([seed, e])``, so a batch follows from the
    seed and its step alone. Pairs left over at the end of an epoch, too few for a batch, are not
    used in it.

    Parameters
    ----------
    n_pairs : int
        Number of pairs.
    batch_size : int
        Number of pairs in a batch, over all processes.
    seed : int
        Seed of the permutations, >= 0.

    Attributes
    ----------
    steps_per_epoch : int
        Number of whole batches in an epoch.

    Raises
    ------
    ValueError
        If there are fewer pairs than make one batch.
    """

    def __init__(self, n_pairs: int, batch_size: int, seed: int) -> None:
        if n_pairs < batch_size:
            raise ValueError(
                f"The source has {n_pairs} pairs, fewer than batch_size={batch_size}: choose a "
                "smaller batch or give more pairs."
            )
        self.n_pairs, self.batch_size, self.seed = n_pairs, batch_size, seed
        self.identity: dict[str, Any] = {}  # all of it is in the options
        self.steps_per_epoch = n_pairs // batch_size
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def epoch(self, step: int) -> int:
        """Return the epoch of a step; both count from 0."""
        return step // self.steps_per_epoch

    def indices(self, step: int) -> np.ndarray:
        """Return the pairs of a step (from 0) as an int64 array of shape (batch_size,)."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self.seed, epoch]).permutation(self.n_pairs)
        return self._order[position * self.batch_size : (position + 1) * self.batch_size]


def check_pairs(x_u: Any, x_v: Any, items: Any, origin: str, n: int | None = None) -> None:
    """Hold the parts of a batch, or of a whole source, against one another.

    Parameters
    ----------
    x_u, x_v : tensor
        Inputs, which must have the same length: `n`, if given.
    items : tensor or None
        Numbers of the items, which must be integers of shape (n,).
    origin : str
        Name of the source for error messages.
    n : int, optional
        Length that is expected.

    Raises
    ------
    ValueError
        If a part does not fit; the message says which and how.
    """
    import torch

    parts = {"x_u": x_u, "x_v": x_v} | ({} if items is None else {"items": items})
    for name, part in parts.items():
        if not isinstance(part, torch.Tensor) or part.ndim == 0:
            got = f"shape {tuple(part.shape)}" if hasattr(part, "shape") else type(part).__name__
            raise ValueError(f"{origin}: {name} must be a tensor with a row per pair, got {got}.")
    n = len(x_u) if n is None else n
    lengths = {name: len(part) for name, part in parts.items()}
    if set(lengths.values()) != {n}:
        raise ValueError(f"{origin}: expected {n} rows in each part, got {lengths}.")
    if items is None:
        return
    integers = not (items.is_floating_point() or items.is_complex() or items.dtype == torch.bool)
    if items.ndim != 1 or not integers:
        raise ValueError(
            f"{origin}: items must be integers of shape ({n},), got {items.dtype} of shape "
            f"{tuple(items.shape)}."
        )
