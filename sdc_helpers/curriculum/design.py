"""The complete design: order x text x family, with controls and several seeds, cell by cell.

A *cell* is one training run: a family, with or without text first, in one order, from one seed.
Orders are the standard one, the curriculum, and controls: the standard order cut to the number
of words or of samples that the curriculum sees, and the curriculum from the hardest on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from sdc_helpers.curriculum.results import Evaluation
from sdc_helpers.curriculum.schedule import (
    BinnedPacing,
    Plan,
    Standard,
    curriculum_plan,
    samples_of_words,
)

FAMILIES = ("git", "flamingo")
TEXTS = ("C", "T+C")
ORDERS = ("standard", "curriculum", "cut", "cut_samples", "anti")
"""Of the captions; "cut" is the standard order at as many words as the curriculum sees, and
"cut_samples" at as many captions, which are longer words for words."""
GRID_ORDERS = ("standard", "curriculum", "cut", "anti")
"""Those of the recorded grid: at equal samples the standard order reads more words, and nothing is
learnt of the order there."""


@dataclass(frozen=True)
class StudyDesign:
    """Sizes of the study.

    Attributes
    ----------
    n_images, n_captions : int
        Training pictures, and captions of each; a sample is one caption with its picture.
    n_sentences : int
        Sentences of the text stage: captions of other pictures, which nobody sees.
    n_test : int
        Number of test pictures, and as many minimal pairs and questions.
    size : str
        Name of the models' size, see ``SIZES``.
    n_bins, epochs_per_bin : int
        Cumulative bins of the curriculum, and passes over each; the standard order makes
        ``n_bins * epochs_per_bin`` passes over everything.
    text_epochs, text_batch_size : int
        Passes over the text, and sentences in a batch, of the text stage.
    batch_size, lr, warmup_steps : int, float, int
        Pairs in a batch, learning rate and warm-up of the captions stage; AdamW at a constant rate.
    vocabulary_size : int
        Largest vocabulary of the tokenizer.
    n_curve : int
        Points of the learning curve.
    data_seed : int
        Seed of pictures and captions, the same for every cell.
    """

    n_images: int = 1000
    n_captions: int = 5
    n_sentences: int = 10_000
    n_test: int = 400
    size: str = "tiny"
    n_bins: int = 4
    epochs_per_bin: int = 2
    text_epochs: int = 2
    text_batch_size: int = 128
    batch_size: int = 32
    lr: float = 2e-3
    warmup_steps: int = 50
    vocabulary_size: int = 800
    n_curve: int = 10
    data_seed: int = 0


GRID_DESIGN = StudyDesign(epochs_per_bin=1)
"""That of the recorded grid: four passes over everything in the standard order."""


@dataclass(frozen=True, order=True)
class Cell:
    """One training run of the design."""

    family: str
    text: str
    order: str
    seed: int

    @property
    def name(self) -> str:
        """As it is called in files and on the command line."""
        return f"{self.family}/{self.text}/{self.order}/{self.seed}"

    @classmethod
    def from_name(cls, name: str) -> Cell:
        """Read a name.

        Raises
        ------
        ValueError
            If the name is not family/text/order/seed of the design.
        """
        *parts, seed = name.split("/")
        if len(parts) != 3 or not seed.isdigit() or tuple(parts) not in _CONDITIONS:
            raise ValueError(
                f"{name!r} is no cell; expected family/text/order/seed, such as "
                f"git/T+C/curriculum/0, of {', '.join(FAMILIES)}; {', '.join(TEXTS)}; "
                f"{', '.join(ORDERS)}."
            )
        return cls(*parts, int(seed))


_CONDITIONS = frozenset(product(FAMILIES, TEXTS, ORDERS))


def all_cells(seeds: Sequence[int] = (0, 1, 2), orders: Sequence[str] = GRID_ORDERS) -> list[Cell]:
    """Return every cell: 2 families x 2 texts x orders x seeds."""
    return [Cell(*parts) for parts in product(FAMILIES, TEXTS, orders, seeds)]


@dataclass(frozen=True, eq=False)
class CellResult:
    """A trained model, evaluated.

    Attributes
    ----------
    cell : Cell
        The run that was made: family, text, order and seed.
    n_samples, n_words : int
        Captions seen with their pictures, and the words in them.
    evaluations : dict of str to Evaluation
        The evaluations after training, by task.
    losses : dict of str to float
        Loss of held-out captions, nats a token: "right" with their picture, "wrong" with another
        one, "none" without.
    curve : tuple of (int, float)
        Samples seen, and the loss of held-out captions with their picture, along the run.
    seconds : float
        Duration of the training on captions, in seconds.
    """

    cell: Cell
    n_samples: int
    n_words: int
    evaluations: dict[str, Evaluation]
    losses: dict[str, float]
    curve: tuple[tuple[int, float], ...]
    seconds: float


def plan_of(
    design: StudyDesign,
    difficulty: np.ndarray,
    order: str,
    seed: int,
    n_words: np.ndarray,
    pacing: Any = None,
) -> Plan:
    """Return in what order a cell sees the samples.

    Parameters
    ----------
    design : StudyDesign
        The study's design, which gives bins and passes.
    difficulty : array of shape (n_samples,)
        Difficulty of each caption, the maximum over those of its picture.
    order : str
        Order of the samples, one of `ORDERS`.
    seed : int
        Seed of the shuffling.
    n_words : int array of shape (n_samples,)
        Words of each caption, which the order "cut" counts.
    pacing : Pacing, optional
        Pacing to take instead of the study's bins.

    Returns
    -------
    Plan
    """
    binned = pacing or BinnedPacing(design.n_bins, design.epochs_per_bin)
    if order in ("curriculum", "anti"):
        return curriculum_plan(difficulty, order, binned, seed=seed)
    whole = Standard(design.n_bins * design.epochs_per_bin)
    standard = curriculum_plan(difficulty, "standard", whole, seed=seed)
    if order == "standard":
        return standard
    curriculum = curriculum_plan(difficulty, "curriculum", binned, seed=seed)
    n_samples = len(curriculum)
    if order == "cut":
        n_samples = samples_of_words(standard, n_words, int(curriculum.exposure() @ n_words))
    return curriculum_plan(difficulty, "standard", whole, n_samples=n_samples, seed=seed)
