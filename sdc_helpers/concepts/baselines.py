"""Other ways to group the same voxels, each with its parameter chosen by the same criterion.

Each method gives labels for the voxels, -1 for none. Its parameter is the value with the most
clusters that both halves of the data have (`sdc_helpers.concepts.selection.reproduced`); of equals
the one whose halves agree best. No truth enters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, unit_rows
from sdc_helpers.concepts.selection import agreement, reproduced

if TYPE_CHECKING:
    Labeller = Callable[[np.ndarray, float], np.ndarray]

_MIN_SAMPLES = 10  # voxels, itself included, that plain density asks for


@dataclass(frozen=True, eq=False)
class Baseline:
    """A method with its parameter chosen.

    Attributes
    ----------
    parameter : float
        The chosen value of the method's parameter.
    labels : int array of shape (n_voxels,)
        What it gives on the whole data, -1 for none.
    n_reproduced : int
        Clusters that both halves have.
    curve : dict of float to (int, float)
        The reproduced clusters and the agreement of the halves, by parameter.
    """

    parameter: float
    labels: np.ndarray
    n_reproduced: int
    curve: dict[float, tuple[int, float]]


def choose_parameter(
    label: Labeller,
    whole: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray],
    values: Sequence[float],
) -> Baseline:
    """Choose the parameter of a method by what both halves of the data reproduce.

    Parameters
    ----------
    label : callable
        Function of data and a parameter that returns labels.
    whole : array
        Data of all runs or trials, in the shape that the method takes.
    halves : two arrays
        Data of the same voxels, from disjoint halves of the runs or trials.
    values : sequence of float
        Values of the parameter to try.

    Returns
    -------
    Baseline

    Raises
    ------
    ValueError
        If there is no value to try.
    """
    if not len(values):
        raise ValueError("values is empty; name at least one parameter.")
    whole, halves = as_array("whole", whole), [as_array("halves", half) for half in halves]
    curve = {}
    for value in values:
        first, second = (label(half, value) for half in halves)
        agreed = agreement(first, second)
        curve[value] = (int(reproduced(first, second).sum()), -1.0 if np.isnan(agreed) else agreed)
    best = max(curve, key=curve.__getitem__)
    return Baseline(best, label(whole, best), curve[best][0], curve)


def by_participant(label: Labeller, participants: np.ndarray) -> Labeller:
    """Make a method work on each participant alone.

    Parameters
    ----------
    label : callable
        Takes data with a row a voxel and a parameter, returns labels.
    participants : array of shape (n_voxels,)
        Name or number of the participant of each voxel.

    Returns
    -------
    callable
        Method for the rows of all participants; no cluster has voxels of two of them.
    """
    participants = as_array("participants", participants)

    def labels(data: np.ndarray, value: float) -> np.ndarray:
        data = as_array("data", data)
        result = np.full(len(data), -1)
        for name in np.unique(participants):
            rows = participants == name
            own = label(data[rows], value)
            result[rows] = np.where(own >= 0, own + result.max(initial=-1) + 1, -1)
        return result

    return labels


def plain_dbscan(weights: np.ndarray, eps: float) -> np.ndarray:
    """Cluster with ordinary DBSCAN (cosine distance), density counted in voxels, ten of them.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Rows of decoder weights.
    eps : float
        Cosine distance.

    Returns
    -------
    int array of shape (n_voxels,)
    """
    from sklearn.cluster import DBSCAN

    radius = np.sqrt(2 * eps)  # of unit vectors at cosine distance eps
    return DBSCAN(eps=radius, min_samples=_MIN_SAMPLES).fit(_unit(weights)).labels_


def hdbscan(weights: np.ndarray, min_cluster_size: float) -> np.ndarray:
    """Cluster with HDBSCAN on unit rows.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Rows of decoder weights.
    min_cluster_size : float
        Voxels of the smallest cluster; rounded.

    Returns
    -------
    int array of shape (n_voxels,)
    """
    from sklearn.cluster import HDBSCAN

    model = HDBSCAN(min_cluster_size=round(min_cluster_size), min_samples=_MIN_SAMPLES, copy=True)
    return model.fit(_unit(weights)).labels_


def kmeans(weights: np.ndarray, n_clusters: float, random_state: int = 0) -> np.ndarray:
    """Cluster unit rows with k-means: every voxel belongs somewhere.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Rows of decoder weights.
    n_clusters : float
        Number of clusters; rounded.
    random_state : int, default=0
        Seed of the first centres.

    Returns
    -------
    int array of shape (n_voxels,)
    """
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters=round(n_clusters), n_init=3, random_state=random_state)
    return model.fit(_unit(weights)).labels_.astype(int)


def factorise(
    responses: np.ndarray, n_components: float, *, method: str = "nmf", random_state: int = 0
) -> np.ndarray:
    """Group voxels by the component of their responses that explains most of each.

    Embeddings do not enter.

    Parameters
    ----------
    responses : array of shape (n_voxels, n_trials)
        z-scored. For NMF the smallest response of each voxel is taken as its zero.
    n_components : float
        Number of components; rounded.
    method : {"nmf", "ica"}
        Non-negative matrix factorisation or independent components.
    random_state : int, default=0
        Seed of the start.

    Returns
    -------
    int array of shape (n_voxels,)
        Component with the largest loading (for ICA, in absolute value) relative to its mean over
        voxels.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    import warnings

    from sklearn.decomposition import NMF, FastICA
    from sklearn.exceptions import ConvergenceWarning

    responses, size = as_array("responses", responses, float), round(n_components)
    with warnings.catch_warnings():  # the grouping is read off after a fixed effort
        warnings.simplefilter("ignore", ConvergenceWarning)
        if method == "nmf":
            model = NMF(size, init="nndsvda", max_iter=60, random_state=random_state)
            loading = model.fit_transform(responses - responses.min(axis=1, keepdims=True))
        elif method == "ica":
            model = FastICA(size, whiten="unit-variance", max_iter=100, random_state=random_state)
            model.fit(responses.T)
            loading = np.abs(model.mixing_)
        else:
            raise ValueError(f"method={method!r}: expected 'nmf' or 'ica'.")
    scale = loading.mean(axis=0)
    return np.argmax(loading / np.where(scale > 0, scale, 1), axis=1)


nmf = partial(factorise, method="nmf")
ica = partial(factorise, method="ica")


def _unit(weights: Any) -> np.ndarray:
    return unit_rows(as_array("weights", weights, np.float32))
