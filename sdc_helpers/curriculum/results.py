"""What evaluations find: scores of sentences, items right or wrong, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.measures import Interval

_ROUNDING = 1e-6  # by how much single precision may exceed probability 1
_BLOCK = 200  # resamples at a time


@dataclass(frozen=True, eq=False)
class LogLikelihoods:
    """How likely a model finds some sentences.

    Attributes
    ----------
    total : float64 array of shape (n,)
        Natural logarithm of each sentence's probability, summed over its tokens.
    n_tokens : int64 array of shape (n,)
        Number of tokens that were summed for each sentence.

    Raises
    ------
    ValueError
        If lengths differ, a total is not finite or is positive, or a number is less than 1.
    """

    total: np.ndarray
    n_tokens: np.ndarray

    def __post_init__(self) -> None:
        total, n_tokens = as_array("total", self.total, float), as_array("n_tokens", self.n_tokens)
        if total.ndim != 1 or total.shape != n_tokens.shape:
            raise ValueError(
                f"total has shape {total.shape} and n_tokens {n_tokens.shape}; expected (n,) both."
            )
        refuse(~np.isfinite(total), "total", total, "a finite log-likelihood.")
        refuse(total > _ROUNDING, "total", total, "0 or less: log-likelihoods, not losses.")
        if n_tokens.dtype.kind not in "iu":
            raise ValueError(f"n_tokens has dtype {n_tokens.dtype}; expected whole numbers.")
        refuse(n_tokens < 1, "n_tokens", n_tokens, "1 or more.")
        object.__setattr__(self, "total", total)
        object.__setattr__(self, "n_tokens", n_tokens.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Items that a model got right or wrong.

    Attributes
    ----------
    name : str
        Name of the evaluation.
    correct : float64 array of shape (n_items,)
        1 where the right option scored highest, 0 where another did. Where k options tie at the
        top and the right one is among them, 1 / k: what guessing between them is worth. A model
        that says the same of everything therefore scores chance, exactly.
    margin : float64 array of shape (n_items,)
        Score of the right option minus that of the best wrong one, in nats.
    chance : float
        Expected accuracy of guessing.
    kinds : str array of shape (n_items,)
        What each item asks, "" where there is one kind only.
    units : int array of shape (n_items,)
        Items of the same unit (a picture, a pair of pictures) are resampled together.

    Raises
    ------
    ValueError
        If there is no item, or lengths differ.
    """

    name: str
    correct: np.ndarray
    margin: np.ndarray
    chance: float
    kinds: np.ndarray
    units: np.ndarray

    def __post_init__(self) -> None:
        for name in ("correct", "margin", "kinds", "units"):
            object.__setattr__(self, name, as_array(name, getattr(self, name)))
        shapes = {np.shape(v) for v in (self.correct, self.margin, self.kinds, self.units)}
        if len(shapes) != 1 or np.ndim(self.correct) != 1 or not len(self.correct):
            raise ValueError(
                f"{self.name}: arrays have shapes {shapes}; expected one length, 1 or more."
            )

    @property
    def accuracy(self) -> float:
        """Mean of `correct`."""
        return float(np.mean(self.correct))

    @property
    def weights(self) -> np.ndarray:
        """How much each item counts: the same."""
        return np.ones(len(self.correct))

    @property
    def values(self) -> np.ndarray:
        """What is averaged: `correct`."""
        return self.correct

    def interval(self, level: float = 0.95, n_draws: int = 2000, seed: int = 0) -> Interval:
        """Return the accuracy of this one model with a percentile bootstrap interval.

        Units are resampled, so it tells what other items would have given, not other seeds of
        training (see `across_seeds`). Where all items are right, or all wrong, it has no width.

        Parameters
        ----------
        level : float, default=0.95
            Coverage, in (0, 1).
        n_draws : int, default=2000
            Resamples.
        seed : int, default=0
            Seed of the resampling.
        """
        return _bootstrap(self, self.accuracy, self.chance, level, n_draws, seed)

    def of_kind(self, kind: str) -> Evaluation:
        """Return the items of one kind.

        Raises
        ------
        ValueError
            If there is none.
        """
        which = self.kinds == kind
        if not which.any():
            raise ValueError(f"{self.name} has no {kind!r}; it has {sorted(set(self.kinds))}.")
        arrays = (v[which] for v in (self.correct, self.margin, self.kinds, self.units))
        correct, margin, kinds, units = arrays
        return Evaluation(f"{self.name}: {kind}", correct, margin, self.chance, kinds, units)

    def by_kind(self) -> dict[str, Evaluation]:
        """Return the evaluation of every kind, by name."""
        return {str(kind): self.of_kind(kind) for kind in np.unique(self.kinds)}


@dataclass(frozen=True, eq=False)
class CaptionLikelihood:
    """How likely held-out captions are.

    Attributes
    ----------
    total : float64 array of shape (n,)
        Log-likelihood of each caption, nats.
    n_tokens, n_words : int64 arrays of shape (n,)
        Number of tokens of each caption as the model counts them, and of words between spaces.
    units : int array of shape (n,)
        Picture of each caption: captions of a picture are resampled together.
    """

    total: np.ndarray
    n_tokens: np.ndarray
    n_words: np.ndarray
    units: np.ndarray
    name: str = "caption likelihood"

    @property
    def per_token(self) -> float:
        """Nats a token over all captions; comparable within one tokenizer only."""
        return float(self.total.sum() / self.n_tokens.sum())

    @property
    def per_word(self) -> float:
        """Nats a word over all captions; comparable across tokenizers."""
        return float(self.total.sum() / self.n_words.sum())

    @property
    def weights(self) -> np.ndarray:
        """How much each caption counts: its words."""
        return self.n_words.astype(float)

    @property
    def values(self) -> np.ndarray:
        """What is summed, and divided by the sum of `weights`: `total`."""
        return self.total

    def interval(self, level: float = 0.95, n_draws: int = 2000, seed: int = 0) -> Interval:
        """Return `per_word` with a percentile bootstrap interval, see `Evaluation.interval`."""
        return _bootstrap(self, self.per_word, None, level, n_draws, seed)


def sums_by_unit(measured: Evaluation | CaptionLikelihood) -> tuple[np.ndarray, np.ndarray]:
    """Sum values and weights over the items of each unit.

    Parameters
    ----------
    measured : Evaluation or CaptionLikelihood
        n_units units.

    Returns
    -------
    values, weights : float64 arrays of shape (n_units,)
        The sum of the first over that of the second is the accuracy, or the likelihood a word.
    """
    _, unit = np.unique(measured.units, return_inverse=True)
    return np.bincount(unit, measured.values), np.bincount(unit, measured.weights)


def refuse(bad: np.ndarray, name: str, values: np.ndarray, expected: str) -> None:
    """Raise ValueError for the first value that is bad."""
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{name}[{row}] is {values[row]}; expected {expected}")


def _bootstrap(
    measured: Evaluation | CaptionLikelihood,
    value: float,
    chance: float | None,
    level: float,
    n_draws: int,
    seed: int,
) -> Interval:
    if not 0 < level < 1 or n_draws < 1:
        raise ValueError(f"level={level} must lie in (0, 1) and n_draws={n_draws} be 1 or more.")
    values, weights = sums_by_unit(measured)
    n = len(values)
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, n_draws, _BLOCK):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(_BLOCK, n_draws - start))
        means.append((drawn @ values) / (drawn @ weights))
    return Interval.from_resamples(value, np.concatenate(means), level=level, chance=chance)
