"""What a decoder would answer: the nearest pictures of the gallery, trial by trial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.decoding import distinct_embeddings
from sdc_helpers.measures import Interval
from sdc_helpers.studies.decoding_study import Fold


@dataclass(frozen=True, eq=False)
class Guesses:
    """Which pictures come nearest to what was decoded from each trial.

    Attributes
    ----------
    predicted : array of shape (n_trials, n_dims)
        Decoded embeddings, unit length.
    fold : Fold
        The trials that were decoded.
    """

    predicted: np.ndarray
    fold: Fold

    @cached_property
    def _distinct(self) -> tuple[np.ndarray, np.ndarray]:
        return distinct_embeddings(*self.fold[1:])

    @property
    def gallery(self) -> np.ndarray:
        """Image ids of the distinct pictures, (n_gallery,)."""
        return self._distinct[1]

    @cached_property
    def likeness(self) -> np.ndarray:
        """Cosine of each trial's decoded embedding with each picture's, (n_trials, n_gallery)."""
        return self.predicted @ self._distinct[0].T

    @cached_property
    def own(self) -> np.ndarray:
        """Column of each trial's own picture, (n_trials,)."""
        return np.searchsorted(self.gallery, self.fold[2])

    @property
    def own_likeness(self) -> np.ndarray:
        """Cosine of each trial's decoded embedding with its own picture's, (n_trials,)."""
        return self.likeness[np.arange(len(self.own)), self.own]

    @cached_property
    def ranks(self) -> np.ndarray:
        """Rank of each trial's own picture, 1 where it is the nearest, (n_trials,)."""
        return (self.likeness >= self.own_likeness[:, None]).sum(axis=1)

    def examples(self) -> np.ndarray:
        """Return six trials, chosen by rank: the two best, the two median and the two worst.

        Returns
        -------
        int array of shape (6,)
            Rows of the fold. Trials of one rank are ordered by the cosine with their picture.
        """
        order = np.lexsort((-self.own_likeness, self.ranks))
        middle = len(order) // 2
        return order[[0, 1, middle, middle + 1, -2, -1]]

    def nearest(self, trials: np.ndarray, n: int) -> np.ndarray:
        """Return the columns of the n nearest pictures of some trials, nearest first.

        Parameters
        ----------
        trials : int array of shape (n_some,)
            Rows of the fold.
        n : int
            How many pictures.

        Returns
        -------
        int array of shape (n_some, n)
        """
        return np.argsort(-self.likeness[trials], axis=1, kind="stable")[:, :n]

    def misses_alike(self, labels: np.ndarray) -> Interval:
        """Return how much more often than chance a wrong first guess has the label of the picture.

        Parameters
        ----------
        labels : array of shape (n_gallery,)
            A label of each picture of the gallery, such as the kind of place.

        Returns
        -------
        Interval
            Percent points above a random wrong picture, mean over the pictures that were missed.

        Raises
        ------
        ValueError
            If there is not one label a picture.
        """
        import pandas as pd

        labels = as_array("labels", labels)
        if labels.shape != self.gallery.shape:
            raise ValueError(
                f"{len(labels)} labels of {len(self.gallery)} pictures; expected one each."
            )
        missed = np.flatnonzero(self.ranks > 1)
        own = self.own[missed]
        same = labels[self.likeness[missed].argmax(axis=1)] == labels[own]
        by_chance = ((labels[own, None] == labels).sum(axis=1) - 1) / (len(labels) - 1)
        return Interval.over_seeds(pd.Series(100 * (same - by_chance)).groupby(own).mean())
