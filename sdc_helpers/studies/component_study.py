"""What the chapter on components and masks asks of decoded participants."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sdc_helpers.concepts import (
    CortexAxes,
    VoxelMask,
    fit_halves,
    loading_map,
    retained,
    score_regions,
)
from sdc_helpers.decoding import average_repetitions, distinct_embeddings
from sdc_helpers.embeddings.retrieval import recall_at_k
from sdc_helpers.studies.participants import fit_decoders

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.concepts import AxesOfHalves, Retained
    from sdc_helpers.concepts.recovery import Recovery
    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.studies.concept_study import ConceptStudy
    from sdc_helpers.studies.participants import ParticipantData

SAME = 0.8
"""Absolute correlation of a component's score and a concept's readout from which they are one."""


@contextmanager
def unsettled() -> Iterator[None]:
    """Let a rotation end unsettled, without a word: halves tell which axes are to be believed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


class Pairs(NamedTuple):
    """Trials of one side of the split, of one participant or stacked over several.

    Attributes
    ----------
    true, decoded : array of shape (n_trials, D)
        Embedding of the picture of each trial, and what was decoded from the responses to it.
    items : int array of shape (n_trials,)
        Picture of each trial.
    """

    true: np.ndarray
    decoded: np.ndarray
    items: np.ndarray


class Masks(NamedTuple):
    """Masks of the same components in every participant.

    Attributes
    ----------
    gates : dict of str to array of shape (n_components, n_voxels)
        How open the gate of each voxel is, or how much a map says it belongs.
    hard : dict of str to bool array of shape (n_components, n_voxels)
        Voxels of each mask.
    """

    gates: dict[str, np.ndarray]
    hard: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ComponentStudy:
    """Participants, and a decoder for each.

    Attributes
    ----------
    concepts : ConceptStudy
        The participants, their embeddings and what was planted in them.
    decoders : dict of str to ContrastiveDecoder
        Fitted to the training pictures of each.
    """

    concepts: ConceptStudy
    decoders: dict[str, ContrastiveDecoder]

    @property
    def data(self) -> dict[str, ParticipantData]:
        """Participants by name."""
        return self.concepts.data

    def pairs(self, side: str = "validation", names: Sequence[str] | None = None) -> Pairs:
        """Return true and decoded embeddings of single trials.

        Parameters
        ----------
        side : {"train", "validation", "test"}
            Which trials; the decoders were trained on those of "train".
        names : sequence of str, optional
            Participants; by default all, stacked.

        Returns
        -------
        Pairs
        """
        folds = {name: self.data[name].fold(side) for name in names or self.data}
        decoded = [self.decoders[name].predict(fold[0]) for name, fold in folds.items()]
        true, items = (np.concatenate([fold[k] for fold in folds.values()]) for k in (1, 2))
        return Pairs(true, np.concatenate(decoded), items)

    @cached_property
    def pictures(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Embeddings of each participant's training pictures, and the mean responses to them."""
        both = {name: self.mean_responses(one) for name, one in self.data.items()}
        embeddings, responses = ({name: part[k] for name, part in both.items()} for k in (0, 1))
        return embeddings, responses

    def mean_responses(self, one: ParticipantData) -> tuple[np.ndarray, np.ndarray]:
        """Return the embeddings of somebody's training pictures, and the mean responses to them.

        Parameters
        ----------
        one : ParticipantData
            A participant of the study, or with half of the pictures.

        Returns
        -------
        embeddings : array of shape (n_pictures, D)
        responses : array of shape (n_pictures, n_voxels)
        """
        trials, _, ids = one.fold("train")
        means, distinct = average_repetitions(trials, ids)
        return self.concepts.white.of(distinct), means

    def top_1(self, model: Any = None, side: str = "test") -> np.ndarray:
        """Identify the picture of single trials by the scores of components.

        Parameters
        ----------
        model : fitted transformer, optional
            What scores true and decoded embeddings; without it they are compared as they are.
        side : {"train", "validation", "test"}
            Whose trials are asked; the distinct pictures of that side are the gallery.

        Returns
        -------
        array of shape (n_participants,)
            Share of trials whose own picture has the nearest scores, by cosine.
        """
        of_true = model.transform if model is not None else np.asarray
        of_decoded = model.transform_decoded if model is not None else np.asarray
        shares = []
        for name in self.data:
            true, decoded, items = self.pairs(side, [name])
            gallery, ids = distinct_embeddings(true, items)
            own = np.searchsorted(ids, items)
            found = recall_at_k(of_decoded(decoded), of_true(gallery), own, [1])
            shares.append(float(found[0]))
        return np.array(shares)

    @cached_property
    def readouts(self) -> pd.DataFrame:
        """What a linear readout of the embedding says of each planted concept.

        Fitted on pictures that somebody trained on, evaluated on those that nobody did: a column a
        concept, shared ones first, a row a picture. What the embedding does not hold, no component
        can have; this is the most that one could be correlated with.
        """
        import pandas as pd
        from sklearn.linear_model import RidgeCV

        truth, white = self.concepts.study.truth, self.concepts.white
        assert truth is not None
        names = sorted(truth.concepts, key=lambda name: not truth.concepts[name].is_shared)
        values = truth.images[[f"concept_{name}" for name in names]]
        fresh = self.concepts.fresh_pictures
        others = np.setdiff1d(white.image_ids, fresh)
        probe = RidgeCV(np.logspace(-4, 2, 13)).fit(white.of(others), values.loc[others])
        return pd.DataFrame(probe.predict(white.of(fresh)), index=fresh, columns=names)

    def planted_r(self, directions: np.ndarray) -> pd.DataFrame:
        """Correlate components with the planted concepts, as far as the embedding holds these.

        Parameters
        ----------
        directions : array of shape (n_components, D)
            Directions of the white embeddings.

        Returns
        -------
        pandas.DataFrame of shape (n_components, n_concepts)
            Absolute correlation of score and readout (see `readouts`), over pictures that nobody
            trained on; a column a concept, shared ones first.
        """
        import pandas as pd

        readouts = self.readouts
        scores = self.concepts.white.of(readouts.index.to_numpy()) @ np.asarray(directions).T
        r = np.corrcoef(scores, readouts, rowvar=False)[: len(directions), len(directions) :]
        return pd.DataFrame(np.abs(r), columns=readouts.columns)

    def found(self, directions: np.ndarray) -> dict[str, tuple[int, float]]:
        """Match components with planted shared concepts, one to one.

        Parameters
        ----------
        directions : array of shape (n_components, D)
            Directions of the white embeddings.

        Returns
        -------
        dict of str to (int, float)
            Number of the component and its absolute correlation, by concept; concepts without a
            component (where there are fewer) are left out.
        """
        from scipy.optimize import linear_sum_assignment

        truth = self.concepts.study.truth
        assert truth is not None
        r = self.planted_r(directions)
        r = r[[name for name in r.columns if truth.concepts[name].is_shared]]
        pairs = zip(*linear_sum_assignment(-r.to_numpy()), strict=True)
        return {r.columns[j]: (int(i), float(r.iloc[i, j])) for i, j in pairs}

    def components_of(self, directions: np.ndarray) -> dict[str, int]:
        """Return which component each planted shared concept is, of those that are one by .8.

        Parameters
        ----------
        directions : array of shape (n_components, D)
            Directions of the white embeddings.

        Returns
        -------
        dict of str to int
            Number of the component by concept.
        """
        return {name: k for name, (k, r) in self.found(directions).items() if r >= SAME}

    def n_found(self, directions: np.ndarray) -> int:
        """Count planted shared concepts that are a component, by an absolute correlation of .8."""
        return len(self.components_of(directions))

    # --- axes -------------------------------------------------------------------------------------

    def axes(self, subspace: np.ndarray) -> AxesOfHalves:
        """Find cortex axes of all participants and of two halves of them.

        Parameters
        ----------
        subspace : array of shape (k, D)
            Rows that span what can be decoded.

        Returns
        -------
        AxesOfHalves
        """
        with unsettled():
            return fit_halves(CortexAxes(), *self.pictures, subspace)

    # --- masks ------------------------------------------------------------------------------------

    def fit_masks(
        self, estimator: VoxelMask, directions: np.ndarray, names: Sequence[str] | None = None
    ) -> Masks:
        """Fit masks in every participant, on validation trials.

        Parameters
        ----------
        estimator : VoxelMask
            Unfitted; clones of it are fitted.
        directions : array of shape (n_components, D)
            Components.
        names : sequence of str, optional
            Participants to fit; by default all.

        Returns
        -------
        Masks
        """
        gates, hard = {}, {}
        for name in names or self.decoders:
            responses, embeddings, _ = self.data[name].fold("validation")
            fitted = clone(estimator).fit(responses, embeddings, self.decoders[name], directions)
            gates[name], hard[name] = fitted.gates_, fitted.mask_
        return Masks(gates, hard)

    def loading_masks(self, directions: np.ndarray) -> Masks:
        """Give each voxel to the component that explains most of it, on training trials.

        Parameters
        ----------
        directions : array of shape (n_components, D)
            Components.

        Returns
        -------
        Masks
        """
        maps = {}
        for name, one in self.data.items():
            responses, embeddings, ids = one.fold("train")
            maps[name] = loading_map(responses, embeddings, directions, items=ids)
        return Masks(
            {name: np.abs(own.values) for name, own in maps.items()},
            {name: own.masks for name, own in maps.items()},
        )

    def against_planted(self, masks: Masks, directions: np.ndarray) -> pd.DataFrame:
        """Hold masks against the planted patches of the concepts that their components are.

        Parameters
        ----------
        masks : Masks
            Of some participants.
        directions : array of shape (n_components, D)
            Their components.

        Returns
        -------
        pandas.DataFrame
            One row a participant and concept that a component is correlated with by .8:
            participant, concept, component, auc, dice, size, planted (voxels of the patch).
        """
        import pandas as pd

        planted = self.concepts.planted
        assert planted is not None
        mine = self.components_of(directions)
        rows = []
        for name, gates in masks.gates.items():
            patches = {c: planted.masks[c][planted.participants == name] for c in mine}
            patches = {c: patch for c, patch in patches.items() if patch.any()}
            scores = score_regions(gates, patches, mask=masks.hard[name])
            for column, (concept, patch) in enumerate(patches.items()):
                k = mine[concept]
                auc, dice = scores.auc[k, column], scores.dice[k, column]
                rows.append([name, concept, k, auc, dice, scores.sizes[k], patch.sum()])
        columns = ["participant", "concept", "component", "auc", "dice", "size", "planted"]
        return pd.DataFrame(rows, columns=columns)

    def retained(self, masks: Masks, directions: np.ndarray, seed: int) -> dict[str, Retained]:
        """Measure on test trials what masks keep and leave, see `retained`."""
        kept = {}
        for number, (name, hard) in enumerate(masks.hard.items()):
            responses, embeddings, _ = self.data[name].fold("test")
            kept[name] = retained(
                responses, embeddings, self.decoders[name], directions, hard,
                rng=np.random.default_rng([seed, 61, number]),
            )  # fmt: skip
        return kept

    def recovery(self, masks: Masks) -> Recovery:
        """Compare masks of all participants with the planted voxels, as chapter 10 does."""
        planted = self.concepts.planted
        assert planted is not None
        stacked = np.concatenate([masks.hard[name].T for name in self.data])
        return self.concepts.recovery(stacked, planted.participants)


def open_components(concepts: ConceptStudy, decoder: ContrastiveDecoder) -> ComponentStudy:
    """Fit everybody's decoder, or find it where another chapter has left it.

    Parameters
    ----------
    concepts : ConceptStudy
        From ``open_concepts``.
    decoder : ContrastiveDecoder
        Unfitted.

    Returns
    -------
    ComponentStudy
    """
    return ComponentStudy(concepts, fit_decoders(concepts.data, decoder))
