"""What chapter 18 measures on a user's own data: each section, or the reason why it is skipped."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import check_count, unit_rows
from sdc_helpers.alignment import cka_table
from sdc_helpers.concepts import decodability
from sdc_helpers.contrastive import gap_report
from sdc_helpers.datasets import ncsnr, noise_ceiling
from sdc_helpers.decoding import (
    RidgeDecoder,
    distinct_embeddings,
    permuted_score,
    score_decoding,
)
from sdc_helpers.embeddings import white_space
from sdc_helpers.measures import Interval
from sdc_helpers.studies.decoder import N_COMPONENTS
from sdc_helpers.studies.own_data import OwnData, open_own_data
from sdc_helpers.studies.own_rows import (
    SIDES,
    Exchange,
    OwnRows,
    exchange_of,
    gallery_order,
    merge_equal,
    rows_of,
    shifted_top_1,
    split_own,
    split_trials,
    to_fit,
)
from sdc_helpers.studies.participants import MIN_CEILING, ParticipantData

if TYPE_CHECKING:
    from sdc_helpers.alignment import CKATable
    from sdc_helpers.contrastive import GapReport
    from sdc_helpers.datasets.splits import ParticipantSplit
    from sdc_helpers.decoding import DecodingScore
    from sdc_helpers.embeddings import WhiteSpace
    from sdc_helpers.measures import NullTest

ALL = "all voxels"
_LEAST_VOXELS = 10  # above the ceiling, else all voxels are taken
_MOST_PAIRS = 2000


@dataclass(frozen=True, eq=False)
class OwnDecoding:
    """How well one participant's stimuli are decoded on held-out rows.

    Attributes
    ----------
    score : DecodingScore
        Scores with intervals and chance.
    test : NullTest
        Top-1 accuracy against items that change places.
    r, ceiling : float
        Correlation of true and decoded component on single trials, mean over components, and the
        correlation that a perfect embedding would have with this decoder's answers; NaN where no
        test stimulus is repeated.
    n_voxels : int
        Voxels that entered.
    """

    score: DecodingScore
    test: NullTest
    r: float
    ceiling: float
    n_voxels: int


@dataclass(frozen=True, eq=False)
class OwnStudy:
    """A user's data, split and ready to be measured.

    Attributes
    ----------
    data : OwnData
        The study's files.
    rows : dict of str to OwnRows
        Rows that are compared as they are, by participant.
    fit_rows : dict of str to OwnRows
        Rows that decoders get: the same, or of a time series means of stretches.
    splits : dict of str to ParticipantSplit
        Of `fit_rows`.
    white : WhiteSpace
        Of everybody's training rows.
    seed : int
        Of every draw.
    n_voxels : int or None
        Voxels of a participant that decoders get at most.
    """

    data: OwnData
    rows: dict[str, OwnRows]
    fit_rows: dict[str, OwnRows]
    splits: dict[str, ParticipantSplit]
    white: WhiteSpace
    seed: int
    n_voxels: int | None

    @property
    def skipped(self) -> dict[str, str]:
        """Sections that cannot be measured, and why, in a sentence without its full stop."""
        why = {}
        if self.data.design.time_ordered or not self.ceilings:
            why["ceiling"] = "no stimulus is repeated often enough, so nothing tells the noise"
        if self.data.texts is None:
            why["gap"] = "there are no embeddings of texts (embeddings.texts in study.toml)"
        if len(self.data.participants) < 2:
            why["concepts"] = "there is one participant, and nobody to share a concept with"
        return why

    @cached_property
    def exchanges(self) -> dict[str, Exchange]:
        """The permutations that fit each participant's rows, and why."""
        return {name: exchange_of(self.data, rows) for name, rows in self.rows.items()}

    @cached_property
    def ceilings(self) -> dict[str, np.ndarray]:
        """Noise ceiling of a single row in per cent, by participant and voxel, training rows."""
        if self.data.design.time_ordered:
            return {}
        found = {}
        for name, one in self.data.participants.items():
            trained = np.isin(self.data.rows_of(one.stimuli), self.splits[name].images("train"))
            counts = np.unique(one.stimuli[trained], return_counts=True)[1]
            n_repetitions = int(np.median(counts))
            if n_repetitions >= 2:
                total = one.responses[trained].var(axis=0, ddof=1)
                codes = self.data.rows_of(one.stimuli)
                ratio = ncsnr(one.responses, codes, trained, n_repetitions, total, "keep")
                found[name] = noise_ceiling(ratio)
        return found

    def voxels(self, name: str) -> np.ndarray:
        """Voxels that decoders get: above the course's least ceiling, all without a ceiling.

        Of more than `n_voxels` those with the highest ceilings; without ceilings a draw.
        """
        n = self.fit_rows[name].responses.shape[1]
        rank = np.random.default_rng([self.seed, 93]).random((n,))
        if name in self.ceilings and (self.ceilings[name] > MIN_CEILING).sum() >= _LEAST_VOXELS:
            rank = np.where(self.ceilings[name] > MIN_CEILING, self.ceilings[name], -np.inf)
        taken = np.zeros(n, bool)
        taken[np.argsort(-rank)[: min(self.n_voxels or n, int(np.isfinite(rank).sum()))]] = True
        return taken

    def fit_to(self, name: str, *, trials: bool = False) -> ParticipantData:
        """Return what a decoder is fitted to: the rows as split, or single trials."""
        rows, split = self.fit_rows[name], self.splits[name]
        if trials and not self.data.design.time_ordered:
            rows = rows_of(self.data, self.data.participants[name], trials=True)
            split = split_trials(split, rows.items)
        some = replace(rows, responses=rows.responses[:, self.voxels(name)])
        return to_fit(name, some, self.white.transform(rows.embeddings), split)

    def decode(self, name: str, n_permutations: int) -> OwnDecoding:
        """Decode one participant's held-out rows by ridge regression.

        Parameters
        ----------
        name : str
            The participant.
        n_permutations : int
            Permutations of the test; of a time series all shifts are taken.

        Returns
        -------
        OwnDecoding
        """
        one, rows = self.fit_to(name), self.fit_rows[name]
        train, validation, test = (one.fold(side) for side in SIDES)
        if self.data.design.time_ordered:  # stretches of one scene cannot be told apart
            validation, test = merge_equal(validation, -1), merge_equal(test)
        with warnings.catch_warnings():  # of few rows nothing is decoded: the largest is right
            warnings.filterwarnings("ignore", "The chosen penalty .* of alphas")
            decoder = RidgeDecoder().fit(*train[:2], items=train[2], validation=validation)
        predicted = decoder.predict_raw(test[0])
        against = (predicted, test[2], *distinct_embeddings(test[1], test[2]))
        score = score_decoding(*against, random_state=self.seed)
        if self.data.design.time_ordered:
            null = shifted_top_1(*against)
        else:
            held_out = one.split.trials("test")
            order = gallery_order(rows.items[held_out], rows.groups[held_out])
            null = permuted_score(
                *against, n_permutations=n_permutations, random_state=self.seed, permutations=order
            )
        r, ceiling = self._against_ceiling(name, decoder)
        return OwnDecoding(score, null, r, ceiling, one.responses.shape[1])

    def _against_ceiling(self, name: str, decoder: RidgeDecoder) -> tuple[float, float]:
        """Correlate true and decoded components of single trials, with what repeats allow."""
        if name not in self.ceilings:
            return np.nan, np.nan
        own = self.data.participants[name]
        codes = self.data.rows_of(own.stimuli)
        trials = np.isin(codes, self.splits[name].images("test"))
        decoded = decoder.predict_raw(own.responses[trials][:, self.voxels(name)])
        true = self.white.transform(self.data.embeddings[codes[trials]])
        found = decodability(
            true, decoded, np.eye(true.shape[1]), codes[trials], n_bootstrap=1, rng=self.seed
        )
        if found.ceiling is None:
            return np.nan, np.nan
        return float(np.mean([r.value for r in found.r])), float(np.mean(found.ceiling))

    def align(self, name: str, n_permutations: int) -> CKATable:
        """Compare the embeddings with all voxels and each region, by the permutations that fit.

        Parameters
        ----------
        name : str
            The participant.
        n_permutations : int
            Permutations, shared by the regions.

        Returns
        -------
        CKATable
            Debiased CKA; p-values corrected for the number of regions in `p_values_fwe`.
        """
        rows = self.rows[name]
        areas = {ALL: rows.responses}
        labels = self.data.participants[name].rois
        for label in sorted(set(() if labels is None else labels) - {""}):
            if (labels == label).sum() > 1:
                areas[str(label)] = rows.responses[:, labels == label]
        embeddings = {self.data.description.embeddings.label: rows.embeddings}
        return cka_table(
            embeddings, areas, n_permutations=n_permutations, rng=self.seed,
            **self.exchanges[name].options,
        )  # fmt: skip

    def gap(self) -> GapReport | None:
        """Measure the gap between the embeddings and those of the texts; None without texts."""
        if self.data.texts is None:
            return None
        n = min(_MOST_PAIRS, len(self.data.stimuli))
        some = np.random.default_rng([self.seed, 91]).permutation(len(self.data.stimuli))[:n]
        images, texts = self.data.embeddings[some], self.data.texts[some]
        sides = (unit_rows(side.astype(float)) for side in (images, texts))
        return gap_report(*sides, seed=self.seed, ks=[k for k in (1, 5, 10) if k < n])


def open_own_study(
    folder: str | Path,
    *,
    participants: Sequence[str] = (),
    n_stimuli: int | None = None,
    n_voxels: int | None = None,
    n_components: int = N_COMPONENTS,
    seed: int = 0,
) -> OwnStudy:
    """Open a folder with ``study.toml``, and split it.

    Parameters
    ----------
    folder : path
        The folder.
    participants : sequence of str
        Names of those to take; all without.
    n_stimuli : int, optional
        At most so many stimuli of each participant, drawn at random; not of a time series.
    n_voxels : int, optional
        At most so many voxels of each participant for decoders, see `OwnStudy.voxels`.
    n_components : int
        Principal components of the embeddings to decode; fewer where there are fewer.
    seed : int
        Of every draw.

    Returns
    -------
    OwnStudy

    Raises
    ------
    OwnDataError
        If anything is wrong in the folder.
    ValueError
        If there is no such participant, or too few stimuli to split.
    """
    data = open_own_data(folder)
    unknown = [name for name in participants if name not in data.participants]
    if unknown:
        raise ValueError(
            f"participants: there is no {unknown[0]!r}; {folder} has "
            f"{', '.join(data.participants)}."
        )
    if participants:
        data = replace(data, participants={n: data.participants[n] for n in participants})
    if n_stimuli is not None and not data.design.time_ordered:
        data = _fewer(data, check_count("n_stimuli", n_stimuli, 8), seed)
    rows = {name: rows_of(data, one) for name, one in data.participants.items()}
    fit_rows = {name: rows_of(data, one, stretches=True) for name, one in data.participants.items()}
    splits = split_own(data, fit_rows, seed)
    trained = np.unique(
        np.concatenate([r.embeddings[splits[n].trials("train")] for n, r in fit_rows.items()]),
        axis=0,
    )
    spread = np.linalg.svd(trained - trained.mean(axis=0), compute_uv=False)
    n_available = int((spread > 1e-4 * spread[0]).sum())
    white = white_space(trained, min(n_components, n_available, max(1, len(trained) // 2)))
    return OwnStudy(data, rows, fit_rows, splits, white, seed, n_voxels)


def over_participants(values: Sequence[float], chance: float | None = None) -> Interval:
    """Return the mean over participants with its interval for other participants."""
    return Interval.over_seeds(np.array(values, dtype=float), chance=chance)


def of_column(table: CKATable, column: int) -> tuple[float, float, float]:
    """Return value, mean of the shuffles and corrected p-value of one area of `OwnStudy.align`."""
    assert table.null is not None
    assert table.p_values_fwe is not None
    return (
        float(table.values[0, column]),
        float(table.null[:, 0, column].mean()),
        float(table.p_values_fwe[0, column]),
    )


def _fewer(data: OwnData, n_stimuli: int, seed: int) -> OwnData:
    """Leave each participant the first stimuli of one random order of all."""
    rank = np.random.default_rng([seed, 92]).permutation(len(data.stimuli))
    participants = {}
    for name, one in data.participants.items():
        own = rank[data.rows_of(one.stimuli)]
        kept = np.isin(own, np.unique(own)[:n_stimuli])
        parts: dict[str, Any] = {
            field: None if getattr(one, field) is None else getattr(one, field)[kept]
            for field in ("responses", "stimuli", "sessions", "runs")
        }
        participants[name] = replace(one, **parts)
    return replace(data, participants=participants)
