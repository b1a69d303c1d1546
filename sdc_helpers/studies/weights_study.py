"""What the chapter on weights and patterns asks: which of the two leads to a concept's voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.decoding import activation_patterns
from sdc_helpers.studies.decoding_study import DecodingStudy, Fold
from sdc_helpers.studies.planted import planted_in

MAPS = ("weights", "patterns")
"""The two maps of a read-out that are compared."""
UNRELATED = "unexplained"
"""Planted voxels that respond reliably, each in its own way, to nothing that an embedding holds."""


@dataclass(frozen=True, eq=False)
class Directions:
    """Directions of an embedding that are read out of the voxels.

    Attributes
    ----------
    names : tuple of str
        What each direction stands for.
    vectors : array of shape (n_directions, n_dims)
        Unit length.
    """

    names: tuple[str, ...]
    vectors: np.ndarray


def directions_of(lab: DecodingStudy, fold: Fold, *, n_components: int = 8) -> Directions:
    """Find the direction of each shared concept in the embedding, by training pictures.

    Parameters
    ----------
    lab : DecodingStudy
        The study.
    fold : Fold
        Trials of one participant; each of their pictures counts once.
    n_components : int
        On real data, where no concept is known: the leading principal components to take instead.

    Returns
    -------
    Directions
        The covariance of the embedding with the planted value of the concept; on real data the
        principal components of the embedding.

    Raises
    ------
    ValueError
        If `n_components` is not a positive number.
    """
    check_count("n_components", n_components, 1)
    ids, rows = np.unique(fold[2], return_index=True)
    embeddings = fold[1][rows] - fold[1][rows].mean(axis=0)
    truth = lab.study.truth
    if truth is None:
        vectors = np.linalg.svd(embeddings, full_matrices=False)[2][:n_components]
        return Directions(tuple(f"component {k + 1}" for k in range(len(vectors))), vectors)
    columns = [f"concept_{name}" for name in truth.shared]
    values = truth.images.loc[ids, columns].to_numpy(float)
    vectors = (values - values.mean(axis=0)).T @ embeddings
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Directions(tuple(truth.shared), vectors)


def both_maps(responses: np.ndarray, decoder: Any, directions: Directions) -> dict[str, np.ndarray]:
    """Return the weights and the activation patterns of each direction, read out alone.

    Parameters
    ----------
    responses : array of shape (n_trials, n_voxels)
        Responses that trained the decoder.
    decoder : fitted linear decoder
        With `coef_` of shape (n_voxels, n_dims).
    directions : Directions
        Directions of the embedding.

    Returns
    -------
    dict of str to array of shape (n_voxels, n_directions)
        "weights" and "patterns".

    Raises
    ------
    ValueError
        As `activation_patterns` raises.
    """
    weights = decoder.coef_ @ directions.vectors.T
    patterns = [activation_patterns(responses, w[:, None])[:, 0] for w in weights.T]
    return dict(zip(MAPS, (weights, np.stack(patterns, axis=1)), strict=True))


def planted_voxels(lab: DecodingStudy) -> dict[str, dict[str, np.ndarray]]:
    """Return which voxels of each participant carry which planted concept.

    Parameters
    ----------
    lab : DecodingStudy
        Of simulated participants.

    Returns
    -------
    dict of str to dict of str to bool array of shape (n_voxels,)
        Masks by participant and by concept, or by kind of voxel without a concept.

    Raises
    ------
    ValueError
        If the participants are real: nothing is known to be planted.
    """
    if lab.study.truth is None:
        raise ValueError("nothing is planted in real participants; use source='simulated'.")
    planted = planted_in(lab.study.truth, lab.data)
    return {
        name: {what: mask[planted.participants == name] for what, mask in planted.masks.items()}
        for name in lab.data
    }


def auc_of_planted(
    values: np.ndarray, names: Sequence[str], planted: Mapping[str, np.ndarray]
) -> float:
    """Return how well the size of a map ranks the voxels of its concept above all others.

    Parameters
    ----------
    values : array of shape (n_voxels, n_concepts)
        A map, one column a concept; its sign does not count.
    names : sequence of str
        Concept of each column.
    planted : mapping of str to bool array of shape (n_voxels,)
        Voxels of each concept, from `planted_voxels`.

    Returns
    -------
    float
        AUC, mean over the concepts that have voxels here; 0.5 by chance.

    Raises
    ------
    ValueError
        If there is not one column a concept.
    """
    from sklearn.metrics import roc_auc_score

    values = _columns(values, names)
    present = [(n, planted[n]) for n in names if n in planted and 0 < planted[n].mean() < 1]
    at = {name: column for column, name in enumerate(names)}
    return float(np.mean([roc_auc_score(mask, np.abs(values[:, at[n]])) for n, mask in present]))


def place_of_unrelated(
    values: np.ndarray, names: Sequence[str], planted: Mapping[str, np.ndarray]
) -> float:
    """Return the mean place of reliable but unrelated voxels when voxels are ordered by size.

    Parameters
    ----------
    values : array of shape (n_voxels, n_concepts)
        A map, one column a concept; its sign does not count.
    names : sequence of str
        Concept of each column.
    planted : mapping of str to bool array of shape (n_voxels,)
        Voxels of each concept, and those of `UNRELATED`.

    Returns
    -------
    float
        From 0 (smallest) to 1 (largest), mean over concepts; 0.5 by chance. NaN without such
        voxels.

    Raises
    ------
    ValueError
        If there is not one column a concept.
    """
    from scipy.stats import rankdata

    values = _columns(values, names)
    if UNRELATED not in planted:
        return float("nan")
    places = rankdata(np.abs(values), axis=0) / len(values)
    return float(places[planted[UNRELATED]].mean())


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return how alike two maps of the same read-outs are.

    Parameters
    ----------
    first, second : array of shape (n_voxels, n_directions)
        Two estimates of a map.

    Returns
    -------
    float
        Correlation over voxels, mean over directions.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    first, second = as_array("first", first, float), as_array("second", second, float)
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            f"first has shape {first.shape}, second {second.shape}; expected the same two "
            "dimensions."
        )
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)]))


def _columns(values: Any, names: Sequence[str]) -> np.ndarray:
    values = as_array("values", values, float)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise ValueError(f"values has shape {values.shape}; expected {len(names)} columns.")
    return values
