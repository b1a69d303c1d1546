"""The race of the chapter on space partitioning at its full size: every method on every base.

A part is one base at one number of bins with one seed, which is that of the split and of every
method. All methods of a part see the same base, queries and truth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from sdc_helpers.neighbours import (
    Bins,
    HierarchicalPartition,
    PartitionEnsemble,
    RecallCurve,
    SpacePartition,
    balanced_kmeans_bins,
    hnsw_curve,
    hyperplane_bins,
    ivf_bins,
    kmeans_bins,
    neural_lsh_bins,
    tree_bins,
)
from sdc_helpers.neighbours.evaluation import ProbeCounts, probe_counts
from sdc_helpers.studies.partition_records import RecordedCurve
from sdc_helpers.studies.partition_study import (
    SearchTask,
    open_scene_pictures,
    sift_task,
    split_task,
)

_END = 0.55
"""Share of the base up to which curves are kept."""
_N_TOGETHER = 3
RECOMMENDED = SpacePartition()
"""Width 256 and 60 epochs, for SIFT and digits."""
FOR_PICTURES = SpacePartition(hidden=128, n_epochs=30)
"""Half of both, for 8,000 pictures."""
PUBLISHED = SpacePartition.published()
PARTS = (
    ("SIFT", 16),
    ("digits", 16),
    ("pictures", 16),
    ("captions", 16),
    ("more pictures", 16),
    ("more pictures (plain CLIP)", 16),
    ("SIFT", 256),
    ("pictures", 256),
)
"""Bases and numbers of bins that are recorded."""
_SCENES = {
    "pictures": (9_000, None),
    "captions": (9_000, None),
    "more pictures": (24_000, None),
    "more pictures (plain CLIP)": (24_000, "course-small"),
}
"""Scenes that a base is of, a thousand of which ask, and the network where it is another one."""
_LARGER = ("more pictures", "more pictures (plain CLIP)")


def run_part(base: str, n_bins: int, seed: int) -> list[RecordedCurve]:
    """Race every method on one base.

    Parameters
    ----------
    base : {"SIFT", "digits", "pictures", "captions", "more pictures", "more pictures (plain CLIP)"}
        What is searched; plain is a CLIP that was trained by its own loss alone.
    n_bins : int
        Number of bins, 16, or 256 for the methods that are meant for many.
    seed : int
        Of the split and of every method.

    Returns
    -------
    list of RecordedCurve
        One a method.

    Raises
    ------
    ValueError
        If the base is unknown.
    DataUnavailableError
        If the SIFT descriptors are neither on disk nor can be fetched.
    """
    task, captions = _open(base, seed)
    SpacePartition(2, hidden=4, n_epochs=1).fit(task.base[:20])  # importing counts as nobody's time
    unfitted = FOR_PICTURES if base in ("pictures", "captions") else RECOMMENDED
    run = Recorder(base, task, n_bins, seed)
    if base in _LARGER:
        return race_of_sizes(run, {"soft votes": unfitted, "soft votes, smaller": FOR_PICTURES})
    if base == "captions":
        return race_of_captions(run, captions, unfitted)
    return many_bins(run, unfitted) if n_bins > 16 else few_bins(run, unfitted, PUBLISHED)


def _open(base: str, seed: int) -> tuple[SearchTask, np.ndarray]:
    """Return a task, and captions to learn from where it is asked by captions."""
    none = np.empty((0, 0), dtype=np.float32)
    if base == "SIFT":
        return sift_task(500, seed), none
    if base == "digits":
        from sklearn.datasets import load_digits

        return split_task(load_digits().data.astype(np.float32), 297, "real", seed), none
    if base not in _SCENES:
        raise ValueError(f"base={base!r}: expected one of SIFT, digits, {', '.join(_SCENES)}.")
    by_picture, by_caption, captions = open_scene_pictures(*_SCENES[base]).tasks(1_000, seed)
    return (by_caption, captions) if base == "captions" else (by_picture, none)


class Recorder:
    """Builds, times, and keeps the curve of each method of a part.

    Parameters
    ----------
    base : str
        Name of the base.
    task : SearchTask
        Base, queries and truth.
    n_bins, seed : int
        Of every method.

    Attributes
    ----------
    rows : list of RecordedCurve
        One a method, in the order in which they ran.
    """

    def __init__(self, base: str, task: SearchTask, n_bins: int, seed: int) -> None:
        self.base, self.task, self.n_bins, self.seed = base, task, n_bins, seed
        self.rows: list[RecordedCurve] = []

    def keep(
        self, method: str, build: Callable[[], Any], curve_of: Callable[[Any], RecallCurve]
    ) -> Any:
        """Build, keep the curve, and return what was built."""
        start = time.process_time()
        built = build()
        seconds = time.process_time() - start
        curve = curve_of(built)
        n_kept = int((curve.candidates < _END).sum()) + 1
        labels = getattr(built, "bins_", getattr(built, "labels", None))
        filled = self.n_bins if labels is None else len(np.unique(labels))
        self.rows.append(
            RecordedCurve(
                base=self.base, kind=self.task.kind, n_bins=self.n_bins, seed=self.seed,
                method=method, n_base=len(self.task.base), n_parameters=_parameters(built),
                n_empty=self.n_bins - filled, seconds=round(seconds, 2),
                candidates=tuple(curve.candidates[:n_kept].round(5).tolist()),
                recall=tuple(curve.recall[:n_kept].round(5).tolist()),
            )
        )  # fmt: skip
        return built

    def learned(self, method: str, unfitted: Any, **more: Any) -> Any:
        """Fit an estimator of bins and keep its curve."""
        return self.keep(method, partial(unfitted.fit, self.task.base, **more), self.task.curve)

    def peer(self, method: str, make: Callable[..., Bins], **more: Any) -> Bins:
        """Make bins in another way and keep their curve."""
        build = partial(make, self.task.base, self.n_bins, random_state=100 * self.seed, **more)
        return self.keep(method, build, self._of_bins)

    def variant(self, unfitted: SpacePartition) -> Callable[..., SpacePartition]:
        """Return what clones a partition with this part's bins and seed, and with changes."""

        def changed(**changes: Any) -> SpacePartition:
            own = {"n_bins": self.n_bins, "random_state": 100 * self.seed}
            return clone(unfitted).set_params(**own, **changes)

        return changed

    def _of_bins(self, bins: Bins) -> RecallCurve:
        return bins.recall_curve(self.task.queries, self.task.truth)


def _parameters(built: Any) -> int:
    if isinstance(built, PartitionEnsemble):
        return sum(member.n_parameters_ for member in built.partitions_)
    if isinstance(built, list):
        return sum(one.n_parameters for one in built)
    return int(getattr(built, "n_parameters_", getattr(built, "n_parameters", 0)))


def few_bins(
    run: Recorder, unfitted: SpacePartition, published: SpacePartition
) -> list[RecordedCurve]:
    """Race the learned bins, their ensembles and every peer.

    Parameters
    ----------
    run : Recorder
        Of the part.
    unfitted, published : SpacePartition
        What the recommended and the published networks are clones of.

    Returns
    -------
    list of RecordedCurve
        One a method. A weight of balance of 1 and bounded weights are tried on SIFT alone.
    """
    task, is_sift = run.task, run.base == "SIFT"
    soft, hard = run.variant(unfitted), run.variant(published)
    first = run.learned("soft votes", soft())
    run.learned("soft votes, linear", soft(hidden=0))
    if is_sift:
        run.learned("soft votes, eta 1", soft(eta=1.0))
    run.learned("as published", hard())
    run.learned("as published, linear", hard(hidden=0))
    run.peer("k-means", kmeans_bins)
    run.peer("faiss IVF", ivf_bins)
    run.peer("balanced k-means", balanced_kmeans_bins)
    same = {"hidden": unfitted.hidden, "n_epochs": unfitted.n_epochs}
    run.peer("Neural LSH", neural_lsh_bins, **same)
    run.peer("two-means tree", tree_bins)
    run.peer("PCA tree", tree_bins, cut="pca")
    run.peer("random hyperplanes", hyperplane_bins)
    _graph(run)
    for weights in ("plain", "published", "bounded") if is_sift else ("plain", "published"):
        name = "ensemble" if weights == "plain" else f"ensemble, {weights} weights"
        ensemble = PartitionEnsemble(soft(), n_models=_N_TOGETHER, weights=weights)
        build = partial(ensemble.fit, task.base, first=first)
        run.keep(name, build, lambda found: found.recall_curve(task.queries, task.truth))
    lone, seed = partial(kmeans_bins, task.base, run.n_bins), 100 * run.seed
    run.keep(
        "three k-means",
        lambda: [lone(random_state=seed + number) for number in range(_N_TOGETHER)],
        partial(together_curve, task),
    )
    return run.rows


def many_bins(run: Recorder, unfitted: SpacePartition) -> list[RecordedCurve]:
    """Race ways to make many bins: from k-means, from nothing, in two levels.

    Parameters
    ----------
    run : Recorder
        Of the part; its number of bins is a square.
    unfitted : SpacePartition
        What the networks are clones of.

    Returns
    -------
    list of RecordedCurve
        One a method.
    """
    soft, branching = run.variant(unfitted), round(run.n_bins**0.5)
    run.learned("soft votes from k-means", soft(init="kmeans"))
    run.learned("soft votes from nothing", soft(init="random"))
    run.learned("hierarchy", HierarchicalPartition(soft(), branching=branching, levels=2))
    run.peer("k-means", kmeans_bins)
    run.peer("faiss IVF", ivf_bins)
    _graph(run)
    return run.rows


def race_of_sizes(run: Recorder, unfitted: dict[str, SpacePartition]) -> list[RecordedCurve]:
    """Race networks of several sizes, and k-means, on a larger base.

    Parameters
    ----------
    run : Recorder
        Of the part.
    unfitted : dict of str to SpacePartition
        What the networks are clones of, by the name of the method.

    Returns
    -------
    list of RecordedCurve
        One a method.
    """
    for name, one in unfitted.items():
        run.learned(name, run.variant(one)())
    run.peer("k-means", kmeans_bins)
    return run.rows


def race_of_captions(
    run: Recorder, captions: np.ndarray, unfitted: SpacePartition
) -> list[RecordedCurve]:
    """Race k-means and bins that learned with and without captions, asked by other captions.

    Parameters
    ----------
    run : Recorder
        Of the part: a base of pictures, and captions as queries.
    captions : array of shape (n_captions, D)
        Captions to learn from.
    unfitted : SpacePartition
        What the networks are clones of.

    Returns
    -------
    list of RecordedCurve
        One a method.
    """
    soft = run.variant(unfitted)
    run.peer("k-means", kmeans_bins)
    run.learned("learned on pictures", soft())
    run.learned("and on captions", soft(), queries=captions)
    return run.rows


def _graph(run: Recorder) -> None:
    task = run.task
    run.keep(
        "graph (HNSW)",
        lambda: hnsw_curve(task.base, task.queries, task.truth),
        lambda curve: curve,
    )


def together_curve(task: SearchTask, several: Sequence[Bins]) -> RecallCurve:
    """Return the curve of several k-means that share the queries.

    Parameters
    ----------
    task : SearchTask
        Base, queries and truth.
    several : sequence of Bins
        Bins that queries probe by the distance of the centroids.

    Returns
    -------
    RecallCurve
        Each query is answered where the nearest centroid is nearest against the second: where the
        difference of the squared distances is largest.
    """
    margins, counts = [], []
    for bins in several:
        order = bins.probe_order(task.queries)
        means = np.stack([
            task.base[bins.labels == b].mean(axis=0) if (bins.labels == b).any()
            else np.full(task.base.shape[1], np.inf) for b in range(order.shape[1])
        ])  # fmt: skip
        distances = ((task.queries[:, None] - means[order[:, :2]]) ** 2).sum(axis=2)
        margins.append(distances[:, 1] - distances[:, 0])
        counts.append(probe_counts(order, bins.labels, task.truth))
    answers, rows = np.argmax(margins, axis=0), np.arange(len(task.queries))
    return ProbeCounts(
        np.stack([one.candidates for one in counts])[answers, rows],
        np.stack([one.found for one in counts])[answers, rows],
        len(task.base),
        task.truth.shape[1],
    ).curve()
