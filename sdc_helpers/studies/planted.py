"""What was planted in simulated participants, laid beside the voxels that were clustered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array, unit_rows
from sdc_helpers.concepts.ranking import ranking_auc
from sdc_helpers.concepts.recovery import TO_FIND, PlantedVoxels
from sdc_helpers.simulate.truth import PlantedConcept, Truth

if TYPE_CHECKING:
    from sdc_helpers.concepts.recovery import Recovery
    from sdc_helpers.datasets.splits import Split
    from sdc_helpers.measures import Interval
    from sdc_helpers.studies.participants import ImageEmbeddings, ParticipantData

MIN_F1 = 0.6
"""F1 of its voxels from which a planted concept counts as recovered."""


def truth_masks(truth: Truth, voxels: Mapping[str, np.ndarray]) -> PlantedVoxels:
    """Stack what was planted in a simulated dataset, as `recover` takes it.

    Parameters
    ----------
    truth : Truth
        Truth of the simulated participants, see ``sdc_helpers.simulate``.
    voxels : mapping of str to bool array of shape (X, Y, Z)
        Voxels of each participant, as passed to ``NSD.betas``. The rows of the result are the
        participants in the order of the mapping, each in C order.

    Returns
    -------
    PlantedVoxels
        A mask for each concept of these participants and for each kind of voxel without a concept.

    Raises
    ------
    ValueError
        If a participant is unknown, its mask is not a bool array of the shape of its volumes, or
        there is no participant.
    """
    if not voxels:
        raise ValueError("voxels names no participant.")
    rows: dict[str, list[np.ndarray]] = {"participant": [], "kind": [], "concept": []}
    for participant, mask in voxels.items():
        if participant not in truth.participants:
            raise ValueError(
                f"voxels: {participant!r} is not among {', '.join(truth.participants)}."
            )
        planted = truth.participants[participant]
        mask = as_array(f"voxels[{participant!r}]", mask)
        if mask.dtype != bool or mask.shape != planted.shape:
            raise ValueError(
                f"voxels[{participant!r}] has type {mask.dtype} and shape {mask.shape}; expected "
                f"bool and {planted.shape}."
            )
        row = np.full(planted.shape, -1)
        row[tuple(planted.voxels[["x", "y", "z"]].to_numpy().T)] = np.arange(len(planted.voxels))
        row = row[mask]
        rows["participant"].append(np.full(len(row), participant, dtype=object))
        for column in ("kind", "concept"):  # "" outside the brain
            rows[column].append(np.append(planted.voxels[column].to_numpy(dtype=object), "")[row])
    stacked = {column: np.concatenate(parts).astype(str) for column, parts in rows.items()}

    masks, kinds = {}, {}
    for name, concept in truth.concepts.items():
        mask = stacked["concept"] == name
        if mask.any():
            masks[name] = mask
            kinds[name] = TO_FIND if concept.is_shared else _kind_of_owned(concept)
    for kind in truth.kinds:
        mask = (stacked["kind"] == kind) & (stacked["concept"] == "")
        if mask.any():
            masks[kind] = mask
            kinds[kind] = kind
    return PlantedVoxels(stacked["participant"], masks, kinds)


def planted_in(truth: Truth, data: Mapping[str, ParticipantData]) -> PlantedVoxels:
    """Stack what was planted in the voxels of participants that were read.

    Parameters
    ----------
    truth : Truth
        Truth of the simulated participants.
    data : mapping of str to ParticipantData
        By participant, from ``load_participants``.

    Returns
    -------
    PlantedVoxels
        The rows are the participants in the order of the mapping, see `truth_masks`.

    Raises
    ------
    ValueError
        As `truth_masks`.
    """
    return truth_masks(truth, {name: one.mask for name, one in data.items()})


def fresh_pictures(split: Split) -> np.ndarray:
    """Return the ids of test pictures that are no training or validation pictures of anybody.

    Parameters
    ----------
    split : Split
        Sides of every participant.

    Returns
    -------
    int64 array of shape (n_pictures,)
        In ascending order.
    """
    sides = split.participants.values()
    trained = np.concatenate([np.r_[s.train_images, s.validation_images] for s in sides])
    return np.setdiff1d(np.concatenate([s.test_images for s in sides]), trained)


def rank_pictures(
    truth: Truth,
    embeddings: ImageEmbeddings,
    pictures: np.ndarray,
    concepts: np.ndarray,
    result: Recovery,
    seed: int,
) -> dict[str, Interval]:
    """Rank pictures along each concept that matches a planted one.

    A picture has the planted concept above half of its largest value, and lacks it at or below
    baseline; those between are left out.

    Parameters
    ----------
    truth : Truth
        Gives the planted value of each picture.
    embeddings : ImageEmbeddings
        In the space that was decoded.
    pictures : int array of shape (n_pictures,)
        Ids of pictures on which nothing was trained.
    concepts : array of shape (n_concepts, D)
        Directions that were found.
    result : Recovery
        Which concept matches which planted one.
    seed : int
        Of the bootstrap over pictures.

    Returns
    -------
    dict of str to Interval
        AUC by planted concept, without those that no concept matches or that no picture has.
    """
    aucs = {}
    for match in result.matches:
        value = truth.images.loc[pictures, f"concept_{match.planted}"].to_numpy()
        has, lacks = value > value.max() / 2, value <= 0
        if match.found is None or not has.any() or not lacks.any():
            continue
        scores = embeddings.of(pictures[has | lacks]) @ concepts[match.found]
        aucs[match.planted] = ranking_auc(scores, has[has | lacks], n_bootstrap=300, rng=seed)
    return aucs


def average_directions(
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


def _kind_of_owned(concept: PlantedConcept) -> str:
    return "private" if len(concept.participants) == 1 else "few"
