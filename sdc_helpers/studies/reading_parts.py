"""Parts of reading a concept: labels of voxels, directions, responses to test pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sdc_helpers._checks import unit_rows


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Responses of each concept's voxels to test pictures, means over voxels and repetitions.

    Attributes
    ----------
    pictures : dict of str to int64 array of shape (n_pictures,)
        Image ids by participant.
    percent, z_scored : dict of str to array of shape (n_pictures, n_concepts)
        In percent signal change, and z-scored within sessions; NaN where a participant has too few
        voxels of a concept.
    """

    pictures: dict[str, np.ndarray]
    percent: dict[str, np.ndarray]
    z_scored: dict[str, np.ndarray]

    def along(
        self, concept: int, unit: Literal["percent", "z_scored"] = "percent"
    ) -> dict[str, np.ndarray]:
        """Return the responses of one concept's voxels, for each participant who has them."""
        columns = {name: rows[:, concept] for name, rows in getattr(self, unit).items()}
        return {name: values for name, values in columns.items() if np.isfinite(values).all()}


def keep_owned(
    labels: np.ndarray, directions: np.ndarray, participants: np.ndarray, min_voxels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the concepts of which at least two participants have enough voxels, and renumber them.

    Parameters
    ----------
    labels : int array of shape (n_voxels,)
        Concept of each voxel, -1 for none.
    directions : array of shape (n_concepts, n_dims)
        Direction of each concept.
    participants : array of shape (n_voxels,)
        Whose the voxels are.
    min_voxels : int
        What is enough.

    Returns
    -------
    labels : int array of shape (n_voxels,)
    directions : array of shape (n_kept, n_dims)
    """
    owners = [
        sum((labels[participants == name] == k).sum() >= min_voxels for name in set(participants))
        for k in range(len(directions))
    ]
    kept = np.flatnonzero(np.array(owners, dtype=int) >= 2)
    number = np.full(len(directions) + 1, -1)  # the last is for voxels of none
    number[kept] = np.arange(len(kept))
    return number[labels], directions[kept]


def directions_of(
    weights: np.ndarray, masks: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Label voxels by masks, and average the unit directions of each.

    Parameters
    ----------
    weights : array of shape (n_voxels, n_dims)
        Directions of the voxels, of any length.
    masks : sequence of bool arrays of shape (n_voxels,)
        Voxels of each concept.

    Returns
    -------
    labels : int array of shape (n_voxels,)
        -1 for voxels of no mask.
    directions : array of shape (n_masks, n_dims)
        Unit length.
    """
    rows, labels = unit_rows(weights, "weights"), np.full(len(weights), -1)
    for number, mask in enumerate(masks):
        labels[mask] = number
    means = np.array([rows[labels == number].mean(axis=0) for number in range(len(masks))])
    return labels, unit_rows(means, "means")
