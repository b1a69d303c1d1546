"""CKA of sensors with layers at each time after the onset of an image.

The debiased CKA of a group of sensors at time t with a layer is the inner product of two unit
kernels, hence linear in each. So the kernels of participants are averaged once, and then any
number of shuffles costs one gather of the layer's kernel and one product with all times:

    c(t) = < mean over participants of K_p(t), P' L P >

with *one* permutation P of the images for all participants, groups, times and layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array, check_count
from sdc_helpers.alignment._shuffles import product_of_pairs
from sdc_helpers.alignment.grams import check_gram, check_rows, gram
from sdc_helpers.alignment.kernels import check_estimator, unit_kernel
from sdc_helpers.alignment.time_tests import (
    Cluster,
    clusters_of,
    each_alone,
    largest_of_all,
    z_of_null,
)
from sdc_helpers.permutations import permutations_of

if TYPE_CHECKING:
    Array = Any  # a numpy array or a torch tensor
    Progress = Callable[[int, int], None]
    Rng = np.random.Generator | int | None

_PRECISION = np.float32  # of kernels: half the memory, and an error of 1e-7


@dataclass(frozen=True, eq=False)
class TimeResolvedCKA:
    """CKA of groups of sensors with layers over time, against shuffled images.

    Attributes
    ----------
    groups, layers : tuple of str
        Names of the G groups of sensors and the L layers.
    times : numpy.ndarray of shape (T,)
        Seconds from the onset of the image.
    values : numpy.ndarray of shape (G, L, T)
        CKA, mean over participants.
    by_participant : numpy.ndarray of shape (n_participants, G, L, T)
        CKA of each participant.
    null : numpy.ndarray of shape (n_permutations, G, L, T)
        Mean over participants under shuffles that groups, layers, times and participants share.
    z : numpy.ndarray of shape (G, L, T)
        The value in standard deviations of its null, from the mean of its null.
    p_values : numpy.ndarray of shape (G, L, T)
        One-sided p-value of each point by itself: **not** corrected for looking at many.
    p_values_fwe : numpy.ndarray of shape (G, L, T)
        Corrected over all points by the max statistic, see `max_statistic`.
    clusters : tuple of Cluster
        Runs of times, see `cluster_mass`; their curve is (group, layer).
    estimator : str
        Name of the estimator, see `cka`.
    """

    groups: tuple[str, ...]
    layers: tuple[str, ...]
    times: np.ndarray
    values: np.ndarray
    by_participant: np.ndarray
    null: np.ndarray = field(repr=False)
    z: np.ndarray
    p_values: np.ndarray
    p_values_fwe: np.ndarray
    clusters: tuple[Cluster, ...]
    estimator: str

    def at(self, group: str, layer: str) -> tuple[int, int]:
        """Return the place of a group and a layer in the arrays."""
        return self.groups.index(group), self.layers.index(layer)

    def significant(self, group: str, layer: str, level: float = 0.05) -> np.ndarray:
        """Return the times at which a curve is significant by the max statistic.

        Parameters
        ----------
        group, layer : str
            Which curve.
        level : float, default=0.05
            Largest corrected p-value.

        Returns
        -------
        numpy.ndarray
            Seconds from the onset of the image; the first of them is the onset of the effect.
        """
        return self.times[self.p_values_fwe[self.at(group, layer)] <= level]

    def cluster_p(self, group: str, layer: str) -> float:
        """Return the smallest p-value of a curve's clusters, 1 where it has none."""
        own = [c.p_value for c in self.clusters if c.curve == self.at(group, layer)]
        return min(own, default=1.0)


def time_resolved_cka(
    responses: Mapping[str, Sequence[Array]],
    layers: Mapping[str, Array],
    times: np.ndarray,
    n_permutations: int = 999,
    estimator: str = "debiased",
    rng: Rng = None,
    progress: Progress | None = None,
    *,
    groups: np.ndarray | None = None,
) -> TimeResolvedCKA:
    """Compare groups of sensors with layers at each time, and test all of it together.

    A group is asked of the mapping when its turn comes, and its kernels are dropped before the
    next: 121 times of 1,854 images are 0.8 GB. The null has n_permutations x G x L x T numbers.

    Parameters
    ----------
    responses : mapping of str to sequence of arrays of shape (n, n_sensors, T)
        For each group of sensors the responses of each participant to the same n >= 4 images, in
        the same order. Participants may differ in their sensors.
    layers : mapping of str to array of shape (n, n)
        Gram matrix of each layer for these images, in this order, see `gram`.
    times : array of shape (T,)
        Seconds from the onset of the image.
    n_permutations : int
        Number of shuffles, at least 19.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `cka` describes each.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.
    progress : callable, optional
        Called as ``progress(done, n_permutations * G)``.
    groups : array of shape (n,), optional
        Label of each image's run or session: images change places within it only.

    Returns
    -------
    TimeResolvedCKA
        The values, their null, and p-values with both corrections.

    Raises
    ------
    ValueError
        In the cases that `cka` lists, naming group, participant and time, and if there is no
        group, participant or layer, or shapes do not fit.

    See Also
    --------
    latencies : When a curve peaks, with an interval.
    max_statistic, cluster_mass : The two corrections.

    Examples
    --------
    Sensors that follow a layer at the second of three times only:

    >>> import numpy as np
    >>> from sdc_helpers.alignment import gram, time_resolved_cka
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.normal(size=(30, 5))
    >>> field = rng.normal(size=(30, 5, 3))
    >>> field[:, :, 1] += 2 * layer
    >>> found = time_resolved_cka({"O": [field]}, {"conv1": gram(layer)}, [0, 0.1, 0.2], 99, rng=0)
    >>> found.significant("O", "conv1")
    array([0.1])
    """
    check_count("n_permutations", n_permutations, 19)
    check_estimator(estimator)
    times = as_array("times", times, float)
    for name, given in (("responses", responses), ("layers", layers)):
        if not isinstance(given, Mapping) or not given:
            raise ValueError(f"{name} must be a mapping of names to arrays, with one or more.")
    kernels = {name: _layer_kernel(layers[name], name, estimator) for name in layers}
    n = len(next(iter(kernels.values())))
    check_rows(**{f"layer {name!r}": kernel for name, kernel in kernels.items()})
    flat = np.stack([kernel.ravel() for kernel in kernels.values()]).astype(_PRECISION)
    drawn = permutations_of(n, groups=groups).draw(n_permutations, rng)
    orders = np.stack([np.arange(n), *drawn])
    by_participant, curves = [], []
    for number, group in enumerate(responses):
        own, mean = _participants(responses[group], group, flat, (n, len(times)), estimator)
        by_participant.append(own)
        report = _offset(progress, number, n_permutations, len(responses))
        curves.append(product_of_pairs(mean, flat, orders, report))
    if len({len(own) for own in by_participant}) > 1:
        raise ValueError("All groups need the same participants; got different numbers of them.")
    values, null = np.stack([c[0] for c in curves]), np.stack([c[1:] for c in curves], axis=1)
    z, z_null = z_of_null(values, null)
    return TimeResolvedCKA(
        groups=tuple(responses),
        layers=tuple(layers),
        times=times,
        values=values,
        by_participant=np.stack(by_participant, axis=1),
        null=null,
        z=z,
        p_values=each_alone(z, z_null),
        p_values_fwe=largest_of_all(z, z_null),
        clusters=clusters_of(z, z_null),
        estimator=estimator,
    )


def kernels_over_time(
    responses: Array, estimator: str = "debiased", *, name: str = "responses"
) -> np.ndarray:
    """Return the unit kernels of all times, as rows of pairs of images.

    Parameters
    ----------
    responses : array of shape (n, n_sensors, T)
        Responses to n >= 4 images.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA the kernels are for.
    name : str
        Name of the responses for error messages.

    Returns
    -------
    float32 array of shape (T, n (n + 1) / 2)
        For each time the upper triangle of the kernel, the entries off the diagonal twice: its
        product with the upper triangle of a layer's kernel is the CKA.

    Raises
    ------
    ValueError
        If the responses have another shape, are not finite, or are the same for all images.
    """
    X = as_array(name, responses)
    if X.ndim != 3 or 0 in X.shape:
        raise ValueError(f"{name} must be (images, sensors, times), got shape {X.shape}.")
    n, _, n_times = X.shape
    check_rows(**{name: X})
    pairs = np.triu_indices(n)
    twice = np.where(pairs[0] == pairs[1], 1.0, 2.0)
    upper = np.ravel_multi_index(pairs, (n, n))
    rows = np.empty((n_times, len(upper)), dtype=_PRECISION)
    for time in range(n_times):
        label = f"{name} at sample {time}"
        kernel = unit_kernel(gram(X[:, :, time], centre=True, name=label), estimator, label)
        rows[time] = kernel.ravel()[upper] * twice
    return rows


def layer_pairs(kernel: np.ndarray) -> np.ndarray:
    """Return the upper triangle of a unit kernel, ordered as `kernels_over_time` does."""
    return kernel[np.triu_indices(len(kernel))].astype(_PRECISION)


def _layer_kernel(K: Array, name: str, estimator: str) -> np.ndarray:
    label = f"layer {name!r}"
    return unit_kernel(check_gram(as_array(label, K), label), estimator, label)


def _participants(
    arrays: Sequence[Array], group: str, flat: np.ndarray, shape: tuple[int, int], estimator: str
) -> tuple[np.ndarray, np.ndarray]:
    """CKA of each participant (n_participants, L, T), and the mean of their kernels."""
    if len(arrays) == 0:
        raise ValueError(f"group {group!r} holds no participant.")
    upper = np.ravel_multi_index(np.triu_indices(shape[0]), (shape[0], shape[0]))
    own, mean = [], np.zeros((shape[1], len(upper)), dtype=_PRECISION)
    for number, X in enumerate(arrays):
        label = f"group {group!r}, participant {number}"
        if np.ndim(X) != 3 or (np.shape(X)[0], np.shape(X)[2]) != shape:
            raise ValueError(
                f"{label} has shape {np.shape(X)}; expected ({shape[0]} images, sensors, "
                f"{shape[1]} times), as the layers and the times say."
            )
        kernels = kernels_over_time(X, estimator, name=label)
        own.append(flat[:, upper] @ kernels.T)
        mean += kernels
    mean /= len(arrays)
    return np.stack(own).astype(float), mean


def _offset(
    progress: Progress | None, number: int, each: int, n_groups: int
) -> Callable[[int], None]:
    def report(done: int) -> None:
        if progress is not None:
            progress(number * each + done, n_groups * each)

    return report
