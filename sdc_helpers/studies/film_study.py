"""Eight people and a film: who is like whom, which segment is seen, what a setting explains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.stats import rankdata

from sdc_helpers import alignment
from sdc_helpers.datasets.studyforrest import (
    FILM_RUNS,
    FilmRun,
    load_studyforrest,
    volume_labels,
    volume_shares,
)
from sdc_helpers.decoding import (
    intersubject_correlation,
    match_segments,
    mean_of_others,
)
from sdc_helpers.measures import Interval, NullTest
from sdc_helpers.permutations import Scheme

DELAY_S = 5.0
"""Haemodynamic delay, seconds: a volume answers to the film this much earlier."""
SEGMENT = 6
"""Volumes of a segment: 12 s."""
FEATURES = {
    "outside": ("locations", "int_or_ext", "ext"),
    "music": ("music", "artist", None),
    "Forrest shows a feeling": ("emotions", "character", "FORREST"),
    "Jenny shows a feeling": ("emotions", "character", "JENNY"),
}
"""Annotated features: kind, column and value; None for any value."""
_PENALTY = 1000.0  # of ridge regression on 278 z-scored parcels
_FEW = 20  # volumes with a feature, and without it, that a run has to have


@dataclass(frozen=True, eq=False)
class FeatureRow:
    """Whether a feature of the film can be read from one volume, in the run that trained nobody.

    Attributes
    ----------
    feature : str
        One of `FEATURES`.
    own, others : Interval
        AUC by weights of the same participant's other run, and by the mean weights of the other
        participants' other run. Mean over runs; intervals over participants.
    p_value : float
        Of `others`, mean over participants, against circular shifts of the feature, all of them;
        the larger one of the two runs.
    """

    feature: str
    own: Interval
    others: Interval
    p_value: float

    def verdict(self, bound: float) -> str:
        """Say whether the feature is read across people: AUC above a bound and p <= .05."""
        side = self.others.against(bound)
        if side == "above" and self.p_value <= 0.05:
            return "held"
        return "not held" if side == "below" else "undecided"


class FilmStudy:
    """Two runs of the film, read from the registered files.

    Parameters
    ----------
    root : str, optional
        Folder of the files; by default the registered ones.
    """

    def __init__(self, root: str | None = None) -> None:
        self.runs: dict[int, FilmRun] = {run: load_studyforrest(run, root) for run in FILM_RUNS}

    @cached_property
    def isc(self) -> dict[int, np.ndarray]:
        """Inter-subject correlation of each parcel, mean over participants, by run."""
        return {
            number: intersubject_correlation(run.series).mean(axis=0)
            for number, run in self.runs.items()
        }

    @property
    def map_r(self) -> float:
        """Correlation of the two runs' maps of inter-subject correlation."""
        return float(np.corrcoef(np.stack(list(self.isc.values())))[0, 1])

    def parcels(self, run: int, n: int) -> np.ndarray:
        """Return the parcels of the highest inter-subject correlation in a run."""
        return np.argsort(-self.isc[run], kind="stable")[:n]

    def matched(self, run: int = 8, n_parcels: int = 60, n_volumes: int = SEGMENT) -> Interval:
        """Share of a run's segments found from one person's brain against the mean of the others.

        Parameters
        ----------
        run : {2, 8}
            Which is matched; the other one chooses the parcels.
        n_parcels, n_volumes : int
            How many parcels, and how long a segment is.

        Returns
        -------
        Interval
            Over participants, with chance.
        """
        chosen = self.parcels(self._other(run), n_parcels)
        series = self.runs[run].series[:, :, chosen]
        pairs = zip(series, mean_of_others(series), strict=True)
        matches = [match_segments(own, others, n_volumes) for own, others in pairs]
        chance = float(np.mean([match.chance for match in matches]))
        return replace(Interval.over_seeds(np.array([m.share for m in matches])), chance=chance)

    def setting_model(self, run: int) -> np.ndarray:
        """Return one column a setting of the film, 1 in the volumes that answer to it."""
        film = self.runs[run]
        labels = volume_labels(
            film.annotations["locations"], "setting", film.series.shape[1], delay_s=DELAY_S
        )
        return (labels[:, None] == np.unique(labels[labels != ""])).astype(float)

    def setting_test(self, run: int, scheme: Scheme, n_permutations: int, seed: int) -> NullTest:
        """Test the debiased CKA of the group's mean signal and the settings.

        Parameters
        ----------
        run : {2, 8}
            Which.
        scheme : {"rows", "circular"}
            Whether single volumes change places (wrong: neighbours are alike) or all are shifted.
        n_permutations, seed : int
            Number and seed of the draws.
        """
        X, Y = self.runs[run].series.mean(axis=0), self.setting_model(run)
        groups = np.zeros(len(X)) if scheme == "rows" else None  # any volume with any
        return alignment.permutation_test(
            X, Y, n_permutations, "debiased", rng=seed, scheme=scheme, groups=groups
        )

    def worth(self, run: int, n_lags: int = 30) -> float:
        """Return how many independent volumes would say as much of brain and setting.

        Bartlett's (1946) number, n / (1 + 2 sum_k r_x(k) r_y(k)), with the autocorrelations of the
        group's mean signal and of the settings, each averaged over its columns by their variance.
        """
        sides = self.runs[run].series.mean(axis=0), self.setting_model(run)
        together = np.prod([_autocorrelation(side, n_lags) for side in sides], axis=0).sum()
        return float(len(sides[0]) / (1 + 2 * together))

    def feature(self, name: str, run: int) -> np.ndarray:
        """Return in which volumes of a run a feature is on for half of the time or more."""
        kind, column, value = FEATURES[name]
        film = self.runs[run]
        found = volume_shares(film.annotations[kind], column, film.series.shape[1], delay_s=DELAY_S)
        if value is None:
            return found.shares.sum(axis=1) >= 0.5
        if value not in found.values:
            return np.zeros(len(found.shares), dtype=bool)
        return found.shares[:, found.values.index(value)] >= 0.5

    def read_feature(self, name: str) -> FeatureRow | None:
        """Read a feature from single volumes, own and other people's weights; None where too rare.

        Parameters
        ----------
        name : str
            One of `FEATURES`.
        """
        labels = {run: self.feature(name, run) for run in FILM_RUNS}
        if min(min(on.sum(), (~on).sum()) for on in labels.values()) < _FEW:
            return None
        own, others, p_values = [], [], []
        for run in FILM_RUNS:
            trained = self._other(run)
            weights = np.stack([_ridge(x, labels[trained]) for x in self.runs[trained].series])
            series = self.runs[run].series
            own.append(_auc(np.einsum("pvk,pk->pv", series, weights), labels[run]))
            read = np.einsum("pvk,pk->pv", series, (weights.sum(axis=0) - weights))
            others.append(_auc(read, labels[run]))
            shifted = [_auc(read, np.roll(labels[run], k)).mean() for k in range(len(labels[run]))]
            p_values.append(np.mean(np.array(shifted) >= shifted[0] - 1e-12))
        within, between = (
            replace(Interval.over_seeds(np.mean(x, axis=0)), chance=0.5) for x in (own, others)
        )
        return FeatureRow(name, within, between, float(max(p_values)))

    def _other(self, run: int) -> int:
        return next(other for other in FILM_RUNS if other != run)


def _autocorrelation(columns: np.ndarray, n_lags: int) -> np.ndarray:
    """Autocorrelation at lags 1 to n_lags, all columns together, (n_lags,)."""
    z = columns - columns.mean(axis=0)
    return np.array([(z[:-lag] * z[lag:]).sum() for lag in range(1, n_lags + 1)]) / (z**2).sum()


def _ridge(signal: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Weights of ridge regression from z-scored parcels to a label, (n_parcels,)."""
    X, y = signal - signal.mean(axis=0), label - label.mean()
    return np.linalg.solve(X.T @ X + _PENALTY * np.eye(X.shape[1]), X.T @ y)


def _auc(scores: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Area under the curve of each participant's scores (n_participants, n_volumes)."""
    n_on = label.sum()
    ranks = rankdata(scores, axis=1)
    above = ranks[:, label].sum(axis=1) - n_on * (n_on + 1) / 2
    return above / (n_on * (len(label) - n_on))
