"""Which picture did a monkey see? Neurons of V4, by models of every neuron and by decoding."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers import alignment
from sdc_helpers._checks import check_count, unit_rows
from sdc_helpers.datasets.macaque_v4 import V4_SESSIONS, V4Session, load_v4
from sdc_helpers.decoding import RidgeDecoder, predict_responses, score_decoding
from sdc_helpers.embeddings import embed_images, picture_statistics
from sdc_helpers.measures import Interval, NullTest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdc_helpers.embeddings.clip import ClipModel

N_FOLDS = 10
"""Parts of the pictures, each of which is held out once: 120 pictures of 1,200."""
N_COLOURS = 48
"""Columns of the picture statistics that are colours; the others are edges."""
_LEAST = 60  # pictures of a session: six in each part


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """One recording session, and what its pictures hold.

    Attributes
    ----------
    session : V4Session
        Distinct pictures alone.
    features : dict of str to float array of shape (n_pictures, n_features)
        "statistics" (colours and edges of 4 x 4 cells), "CLIP" (an embedding) and "both".
    folds : tuple of int arrays
        Pictures of each part.
    """

    session: V4Session
    features: dict[str, np.ndarray]
    folds: tuple[np.ndarray, ...]

    @property
    def chance(self) -> float:
        """Share of pictures that a guess finds among those of a part."""
        return float(np.mean([1 / len(part) for part in self.folds]))

    def identified(self, features: str, way: str = "encode") -> Interval:
        """Find the seen picture among those of its part.

        Parameters
        ----------
        features : {"statistics", "CLIP", "both"}
            By what pictures are known.
        way : {"encode", "decode"}
            "encode" predicts the responses to every picture, and takes the picture whose predicted
            responses correlate most with the measured ones, over neurons; "decode" predicts the
            features.

        Returns
        -------
        Interval
            Share of pictures found, mean and interval over parts; chance is one over the size of a
            part.
        """
        shares = [self._share_found(part, features, way) for part in range(len(self.folds))]
        return replace(Interval.over_seeds(np.array(shares)), chance=self.chance)

    def guesses(self, part: int, features: str = "both") -> np.ndarray:
        """Rank the pictures of a part by how well they fit each response, (n_part, n_part).

        Row i holds the pictures of `folds[part]`, best first, for the responses to picture i.
        """
        predicted, measured = self.predicted(part, features)
        likeness = unit_rows(_centred(measured)) @ unit_rows(_centred(predicted)).T
        return np.argsort(-likeness, axis=1, kind="stable")

    def predicted(self, part: int, features: str) -> tuple[np.ndarray, np.ndarray]:
        """Return predicted and measured responses of a part, z-scored by the other parts."""
        held_out, train = self.folds[part], self._others(part)
        X, R = _scaled(self.features[features], train), _scaled(self.session.responses, train)
        return predict_responses(X[train], R[train], X[held_out]), R[held_out]

    @cached_property
    def encoding_r(self) -> np.ndarray:
        """Correlation of predicted and measured responses, of each neuron, mean over parts."""
        values = []
        for part in range(len(self.folds)):
            predicted, measured = (_standard(x) for x in self.predicted(part, "statistics"))
            values.append((predicted * measured).mean(axis=0))
        return np.mean(values, axis=0)

    def alignment(
        self, estimator: str, n_pictures: int, n_permutations: int, seed: int
    ) -> NullTest:
        """Test the CKA of neurons and edges (orientation energy) on the first pictures.

        Parameters
        ----------
        estimator : {"biased", "debiased"}
            Of CKA.
        n_pictures : int
            How many; all, where there are fewer.
        n_permutations, seed : int
            Of the shuffles of pictures, which are exchangeable: no order in time is known.
        """
        rows = slice(0, n_pictures)
        edges = _standard(self.features["statistics"][:, N_COLOURS:])[rows]
        responses = _standard(self.session.responses)[rows]
        return alignment.permutation_test(
            responses, edges, n_permutations, estimator, rng=seed, groups=np.zeros(len(edges))
        )

    def _share_found(self, part: int, features: str, way: str) -> float:
        """Share of the pictures of a part that are found."""
        if way not in ("encode", "decode"):
            raise ValueError(f"way={way!r}: expected 'encode' or 'decode'.")
        if way == "encode":
            gallery, queries = map(_centred, self.predicted(part, features))
        else:
            queries, gallery = self._decoded(part, features)
        numbers = np.arange(len(queries))
        score = score_decoding(queries, numbers, unit_rows(gallery), numbers, ks=[1], n_bootstrap=1)
        return score.top_k[1].value

    def _decoded(self, part: int, features: str) -> tuple[np.ndarray, np.ndarray]:
        """Return decoded and true features of a part; the next part chooses the penalty."""
        held_out, chooses = self.folds[part], self.folds[(part + 1) % len(self.folds)]
        train = np.setdiff1d(self._others(part), chooses)
        X = _scaled(self.session.responses, train)
        Y = unit_rows(_scaled(self.features[features], train))
        with warnings.catch_warnings():  # of few pictures the smallest or the largest may be right
            warnings.filterwarnings("ignore", "The chosen penalty .* is the")
            decoder = RidgeDecoder().fit(X[train], Y[train], validation=(X[chooses], Y[chooses]))
        return decoder.predict(X[held_out]), Y[held_out]

    def _others(self, part: int) -> np.ndarray:
        return np.concatenate([one for i, one in enumerate(self.folds) if i != part])


def open_seen_pictures(
    clip: ClipModel,
    n_pictures: int,
    seed: int,
    root: str | None = None,
    sessions: Sequence[str] = tuple(V4_SESSIONS),
) -> dict[str, SeenPictures]:
    """Read the recordings, and measure and embed their pictures.

    Parameters
    ----------
    clip : ClipModel
        What embeds the pictures.
    n_pictures : int
        Distinct pictures of each session that enter, drawn at random; all, where it has fewer.
    seed : int
        Of the draw, and of the parts.
    root : str, optional
        Folder of the files; by default the registered ones.
    sessions : sequence of str
        Which of `V4_SESSIONS`.

    Returns
    -------
    dict of str to SeenPictures
        By session.

    Raises
    ------
    ValueError
        If n_pictures is below 60.
    DataUnavailableError
        If the recordings are neither on disk nor can be fetched.
    """
    check_count("n_pictures", n_pictures, _LEAST)
    opened = {}
    for number, name in enumerate(sessions):
        session = _distinct(load_v4(name, root), n_pictures, np.random.default_rng([seed, number]))
        edges = picture_statistics(session.pictures)
        vectors = embed_images(clip, session.pictures, cache=True).vectors
        features = {"statistics": edges, "CLIP": vectors.astype(np.float64)}
        features["both"] = np.concatenate(list(features.values()), axis=1)
        order = np.random.default_rng([seed, number, 1]).permutation(len(edges))
        opened[name] = SeenPictures(session, features, tuple(np.array_split(order, N_FOLDS)))
    return opened


def _distinct(session: V4Session, n_pictures: int, rng: np.random.Generator) -> V4Session:
    """Draw distinct pictures, of equal ones the first, and leave out neurons that never vary."""
    rows = np.sort(rng.permutation(session.distinct)[:n_pictures])
    responses = session.responses[rows]
    varies = responses.std(axis=0) > 0
    trials = None if session.trials is None else session.trials[rows][..., varies]
    return replace(
        session,
        responses=responses[:, varies],
        pictures=session.pictures[rows],
        trials=trials,
        names=tuple(session.names[row] for row in rows) if session.names else (),
    )


def _scaled(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Bring columns to mean 0 and variance 1 over some rows; constant ones to 0."""
    spread = values[rows].std(axis=0)
    return (values - values[rows].mean(axis=0)) / np.where(spread > 0, spread, 1)


def _centred(rows: np.ndarray) -> np.ndarray:
    """Take each row's mean off: cosines become correlations over neurons."""
    return rows - rows.mean(axis=1, keepdims=True)


def _standard(values: np.ndarray) -> np.ndarray:
    return _scaled(values, np.arange(len(values)))
