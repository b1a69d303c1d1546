"""What the chapter on shared concepts asks of the concepts that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.concepts import (
    SharedDBSCAN,
    best_overlaps,
    by_participant,
    choose_parameter,
    contiguity,
    hdbscan,
    ica,
    kmeans,
    nmf,
    plain_dbscan,
    recover,
)
from sdc_helpers.decoding import average_repetitions
from sdc_helpers.embeddings.clip import COURSE_MODEL, load_clip
from sdc_helpers.measures import Interval, NullTest
from sdc_helpers.studies.decoder import whiten
from sdc_helpers.studies.participants import embed_stimuli, load_participants
from sdc_helpers.studies.planted import MIN_F1, fresh_pictures, planted_in, rank_pictures
from sdc_helpers.studies.shared_concepts import EPS
from sdc_helpers.studies.source import Study, open_study
from sdc_helpers.studies.voxel_places import touching_reach, voxel_places

if TYPE_CHECKING:
    from sdc_helpers.concepts.patches import BestOverlap
    from sdc_helpers.concepts.recovery import PlantedVoxels, Recovery
    from sdc_helpers.embeddings.clip import ClipModel
    from sdc_helpers.embeddings.whitening import WhiteSpace
    from sdc_helpers.studies.participants import ImageEmbeddings, ParticipantData
    from sdc_helpers.studies.shared_concepts import FoundConcepts


@dataclass(frozen=True, eq=False)
class ConceptStudy:
    """Participants with embeddings to decode, and what was planted in them, if anything.

    Attributes
    ----------
    study : Study
        The open study.
    clip : ClipModel
        The network that embeds the pictures.
    embeddings, white : ImageEmbeddings
        Of every picture, as they are and whitened.
    space : WhiteSpace
        How they were whitened.
    data : dict of str to ParticipantData
        By participant.
    """

    study: Study
    clip: ClipModel
    embeddings: ImageEmbeddings
    white: ImageEmbeddings
    space: WhiteSpace
    data: dict[str, ParticipantData]

    @property
    def explained(self) -> float:
        """Share of the variance of the embeddings that the whitened components carry."""
        return float(self.space.explained)

    @cached_property
    def planted(self) -> PlantedVoxels | None:
        """The truth about every voxel, None on real data."""
        if self.study.truth is None:
            return None
        return planted_in(self.study.truth, self.data)

    @property
    def fresh_pictures(self) -> np.ndarray:
        """Ids of the test pictures that are no training or validation pictures of anybody."""
        return fresh_pictures(self.study.split)

    def readable(self, seed: int) -> dict[str, float]:
        """Return how much of each planted concept a linear readout of the embedding predicts.

        Parameters
        ----------
        seed : int
            Of the halves of the pictures: one fits, the other is held out.

        Returns
        -------
        dict of str to float
            Share of the variance of held-out pictures, by shared concept; empty on real data.
        """
        from sklearn.linear_model import RidgeCV

        truth = self.study.truth
        if truth is None:
            return {}
        names = [name for name, concept in truth.concepts.items() if concept.is_shared]
        columns = [f"concept_{name}" for name in names]
        values = truth.images.loc[self.embeddings.image_ids, columns].to_numpy()
        order = np.random.default_rng(seed).permutation(len(values))
        first, second = np.array_split(order, 2)
        vectors = self.embeddings.vectors
        probe = RidgeCV(np.logspace(-4, 2, 13)).fit(vectors[first], values[first])
        left = (values[second] - probe.predict(vectors[second])).var(axis=0)
        return dict(zip(names, 1 - left / values[second].var(axis=0), strict=True))

    def rankings(self, found: FoundConcepts, result: Recovery, seed: int) -> dict[str, Interval]:
        """Rank pictures that nobody trained on along each concept that matches a planted one.

        Parameters
        ----------
        found : FoundConcepts
            What was found.
        result : Recovery
            Which concept matches which planted one.
        seed : int
            Of the bootstrap over pictures.

        Returns
        -------
        dict of str to Interval
            AUC by planted concept, see `rank_pictures`.
        """
        assert self.study.truth is not None
        return rank_pictures(
            self.study.truth, self.white, self.fresh_pictures, found.concepts, result, seed
        )

    def recovery(self, labels: Any, participants: np.ndarray) -> Recovery:
        """Compare labels with the planted voxels.

        Parameters
        ----------
        labels : int array of shape (n_voxels,), or bool of shape (n_voxels, n_concepts)
            Concepts of the voxels.
        participants : array of shape (n_voxels,)
            Whose they are.
        """
        planted = self.planted
        assert planted is not None
        return recover(labels, participants, planted.masks, planted.kinds, min_f1=MIN_F1)

    def positions(self, name: str) -> np.ndarray:
        """Return where the decoded voxels of a participant lie, (n_voxels, 3) in millimetres."""
        return voxel_places(self.data[name].mask, self.study.reader.affine(name))

    def contiguity(
        self, name: str, found: FoundConcepts, n_draws: int, seed: int
    ) -> dict[int, NullTest]:
        """Test whether the voxels of each concept of a participant lie together."""
        rows = found.weights.participants == name
        return contiguity(
            self.positions(name), found.labels[rows], weights=found.weights.weights[rows],
            n_draws=n_draws, rng=np.random.default_rng([seed, 4]),
        )  # fmt: skip

    def overlaps(
        self, name: str, labels: np.ndarray, n_draws: int, seed: int
    ) -> dict[str, BestOverlap]:
        """Find the concept that overlaps each localised region most, against blobs.

        Parameters
        ----------
        name : str
            The participant.
        labels : int array of shape (n_voxels,)
            Concepts of the participant's decoded voxels, -1 for none.
        n_draws, seed : int
            Number and seed of the blobs.
        """
        nsd, mask = self.study.reader, self.data[name].mask
        everywhere, affine = nsd.brainmask(name), nsd.affine(name)
        regions = {
            roi: (nsd.roi(name, roi).volume > 0)[everywhere]
            for roi in nsd.rois(name)
            if roi.startswith("floc-")
        }
        where = np.full(everywhere.shape, -1)
        where[mask] = labels
        return best_overlaps(
            voxel_places(everywhere, affine), where[everywhere], regions,
            reach=touching_reach(affine), n_draws=n_draws, rng=np.random.default_rng([seed, 5]),
        )  # fmt: skip


def open_concepts(
    source: str, root: str, profile: str, seed: int, *, n_held_out: int, world: str,
    n_components: int, device: str = "cpu", clip_name: str = COURSE_MODEL,
) -> ConceptStudy:  # fmt: skip
    """Open a study, embed its pictures, whiten the embeddings and load every participant.

    Parameters
    ----------
    source, root, profile, seed, n_held_out, world
        See `open_study`.
    n_components : int
        Principal components of the embeddings that are decoded, at equal variance.
    device : str
        Where the CLIP embeds the pictures.
    clip_name : str
        One of the course's own CLIPs.

    Returns
    -------
    ConceptStudy
    """
    study = open_study(source, root, profile, seed, n_held_out=n_held_out, world=world)
    clip = load_clip(clip_name, device=device)
    embeddings = embed_stimuli(study.reader, clip, study.image_ids)
    white, space = whiten(embeddings, study.split, n_components)
    data = load_participants(study.reader, white, study.split)
    return ConceptStudy(study, clip, embeddings, white, space, data)


def nearest_of_others(rows: np.ndarray, participants: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Return the cosine distance of some voxels to the nearest voxel of another participant.

    Parameters
    ----------
    rows : array of shape (n_voxels, D)
        Directions of the voxels, of any length.
    participants : array of shape (n_voxels,)
        Whose they are.
    sample : int array of shape (n_sample,)
        Which voxels are asked.

    Returns
    -------
    array of shape (n_sample,)
    """
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = unit[sample] @ unit.T
    cosine[participants[sample][:, None] == participants] = -1
    return 1 - cosine.max(axis=1)


def share_of_largest(weights: np.ndarray, participants: np.ndarray, eps: float) -> np.ndarray:
    """Return how much of each participant's clustered voxels one cluster has, at an eps.

    Parameters
    ----------
    weights : array of shape (n_voxels, D)
        Directions of the voxels.
    participants : array of shape (n_voxels,)
        Whose they are.
    eps : float
        Cosine distance.

    Returns
    -------
    array of shape (n_participants,)
        0 where a participant has no clustered voxel.
    """
    labels = SharedDBSCAN(eps, 3).fit(weights, participants).labels_
    if not (labels >= 0).any():
        return np.zeros(len(np.unique(participants)))
    largest = np.bincount(labels[labels >= 0]).argmax()
    clustered = [labels[(participants == name) & (labels >= 0)] for name in np.unique(participants)]
    return np.array([np.mean(own == largest) if len(own) else 0.0 for own in clustered])


def other_methods(
    study: ConceptStudy, found: FoundConcepts, *, seed: int, quick: bool
) -> dict[str, np.ndarray]:
    """Label the same voxels by other methods, each with its parameter chosen by both halves.

    Parameters
    ----------
    study : ConceptStudy
        The participants.
    found : FoundConcepts
        Their weights, and those of either half of the pictures.
    seed : int
        Of NMF and ICA.
    quick : bool
        Whether to try fewer parameters.

    Returns
    -------
    dict of str to int array of shape (n_voxels,)
        Labels by method, "shared DBSCAN" first.
    """
    weights, who = found.weights.weights, found.weights.participants
    choices: dict[str, tuple[Any, Sequence[float]]] = {
        "DBSCAN, pooled": (plain_dbscan, EPS[::2]),
        "DBSCAN, alone": (by_participant(plain_dbscan, who), EPS[::2]),
        "HDBSCAN, pooled": (hdbscan, (20,) if quick else (20, 60)),
        "k-means, pooled": (kmeans, (10,) if quick else (8, 12, 16)),
    }
    labels = {"shared DBSCAN": found.labels}
    for name, (method, values) in choices.items():
        labels[name] = choose_parameter(method, weights, found.weights.halves, values).labels
    for name, method in (("NMF, alone", nmf), ("ICA, alone", ica)):
        limited = partial(method, random_state=seed % 2**31)
        parts = []
        for one in study.data.values():
            whole, first, second = (_images_by_voxel(one, half) for half in (2, 0, 1))
            tried = (10,) if quick else (10, 14)
            parts.append(choose_parameter(limited, whole, (first, second), tried).labels)
        labels[name] = np.concatenate(parts)
    return labels


def scores_within(
    study: ConceptStudy, labels: Mapping[str, np.ndarray], participants: np.ndarray
) -> dict[str, np.ndarray]:
    """Score methods that cannot link people: within each participant.

    Parameters
    ----------
    study : ConceptStudy
        With planted truth.
    labels : mapping of str to int array of shape (n_voxels,)
        Labels by method.
    participants : array of shape (n_voxels,)
        Whose the voxels are.

    Returns
    -------
    dict of str to array of shape (2, n_participants)
        Planted concepts recovered, and percent of trap voxels in a cluster.
    """
    planted = study.planted
    assert planted is not None
    scores = {}
    for method, given in labels.items():
        columns = []
        for name in study.data:
            rows = participants == name
            masks = {k: m[rows] for k, m in planted.masks.items() if m[rows].any()}
            of = recover(given[rows], participants[rows], masks, planted.kinds, min_f1=MIN_F1)
            shared = np.any([m for k, m in masks.items() if planted.kinds[k] == "shared"], axis=0)
            columns.append((len(of.recovered), 100 * np.mean(given[rows][~shared] >= 0)))
        scores[method] = np.array(columns).T
    return scores


def _images_by_voxel(one: ParticipantData, half: int) -> np.ndarray:
    """Mean training responses (voxels, images): all (2), or one half of the images (0, 1)."""
    responses, _, ids = one.fold("train")
    means, _ = average_repetitions(responses, ids)
    return (means if half == 2 else means[half::2]).T.astype(np.float32)
