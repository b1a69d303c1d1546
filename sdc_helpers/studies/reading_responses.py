"""Responses of each concept's voxels to test pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from sdc_helpers.decoding import average_repetitions

if TYPE_CHECKING:
    from sdc_helpers.studies.reading_study import ReadingStudy


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


def held_out_responses(reading: ReadingStudy) -> HeldOut:
    """Average the responses of each concept's voxels to test pictures.

    Parameters
    ----------
    reading : ReadingStudy
        The concepts and the participants.

    Returns
    -------
    HeldOut
        Means over voxels, then over the repetitions of a picture.
    """
    held = HeldOut({}, {}, {})
    for name, one in reading.data.items():
        test = one.split.trials("test")
        raw = reading.study.reader.betas(name, one.mask)[test]
        members = [reading.own[name] == k for k in range(reading.n_concepts)]
        few = [m.sum() < reading.min_voxels for m in members]
        for kept, betas in ((held.percent, raw), (held.z_scored, one.responses[test])):
            means = [
                np.zeros(len(betas)) if is_few else betas[:, m].mean(axis=1)
                for m, is_few in zip(members, few, strict=True)
            ]
            kept[name], held.pictures[name] = average_repetitions(
                np.column_stack(means), one.image_ids[test]
            )
            kept[name][:, few] = np.nan
    return held


def responses_of(
    reading: ReadingStudy, name: str, held: HeldOut
) -> tuple[dict[str, np.ndarray], Literal["cluster", "planted voxels"]]:
    """Return the held-out responses of a planted concept's cluster, or of its planted voxels.

    Parameters
    ----------
    reading : ReadingStudy
        The concepts.
    name : str
        A planted concept.
    held : HeldOut
        Responses of the clusters.

    Returns
    -------
    responses : dict of str to array of shape (n_pictures,)
        In percent signal change, by participant; without those who have too few of the voxels.
    origin : {"cluster", "planted voxels"}
        Which voxels they are: the clustering may have missed the concept.

    Raises
    ------
    ValueError
        If no voxel was planted so.
    """
    planted = reading.planted
    if planted is None or name not in planted.masks:
        raise ValueError(f"name={name!r} was not planted in these participants.")
    if name in reading.identity and not reading.stands_in:
        return held.along(reading.identity.index(name)), "cluster"
    alone = replace(
        reading, labels=np.where(planted.masks[name], 0, -1), directions=reading.directions[:1]
    )
    return alone.held_out().along(0), "planted voxels"
