"""One small captioner trained in one order, as the chapters on curricula train theirs live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sdc_helpers.curriculum.comparison import paired_difference
from sdc_helpers.curriculum.design import StudyDesign, plan_of
from sdc_helpers.curriculum.evaluation import caption_likelihood
from sdc_helpers.curriculum.materials import Materials
from sdc_helpers.curriculum.models import Captioner
from sdc_helpers.curriculum.schedule import Plan, PlanBatches
from sdc_helpers.curriculum.scoring import Scorer
from sdc_helpers.curriculum.training import CaptionPairs, train_on_captions
from sdc_helpers.measures import Interval
from sdc_helpers.training import TrainingOptions

_COLUMNS = {"samples": 0, "words": 1}


@dataclass(frozen=True, eq=False)
class CaptionerRun:
    """A captioner that was trained, and its learning curve.

    Attributes
    ----------
    model : Captioner
        Trained model.
    curve : float array of shape (n_points, 3)
        Along the training: captions seen, words seen, and the loss of held-out captions with their
        pictures in nats a token.
    """

    model: Captioner
    curve: np.ndarray

    @property
    def loss(self) -> float:
        """Held-out loss at the end, nats a token."""
        return float(self.curve[-1, 2])

    def loss_at(self, other: CaptionerRun, equal: Literal["samples", "words"]) -> float:
        """Return the loss when as much had been seen as another run has seen in all.

        Parameters
        ----------
        other : CaptionerRun
            Run that ends earlier.
        equal : {"samples", "words"}
            What is counted.

        Returns
        -------
        float
            Held-out loss, drawn straight between the points of the curve, nats a token.
        """
        column = _COLUMNS[equal]
        return float(np.interp(other.curve[-1, column], self.curve[:, column], self.curve[:, 2]))


def train_captioner(
    materials: Materials,
    design: StudyDesign,
    *,
    order: str = "standard",
    family: str = "git",
    seed: int = 0,
    device: str = "cpu",
    plan: Plan | None = None,
) -> CaptionerRun:
    """Train a captioner from scratch in one order, without text before.

    Parameters
    ----------
    materials : Materials
        Pictures and captions of the study.
    design : StudyDesign
        Sizes of the study.
    order : str, default="standard"
        Order of the captions, see ``sdc_helpers.curriculum.design.ORDERS``.
    family : {"git", "flamingo"}
        Family of the model.
    seed : int, default=0
        Seed of the weights and of the shuffling: the same for orders that are to be compared.
    device : str
        Where to train.
    plan : Plan, optional
        Order of your own, in place of `order`.

    Returns
    -------
    CaptionerRun

    Raises
    ------
    ValueError
        If family, order or sizes are refused by what they are for.
    """
    shape = tuple(materials.pictures.shape[1:])
    vocabulary = materials.tokenizer.vocabulary_size
    model = Captioner(family, design.size, vocabulary, shape, seed=seed)
    if plan is None:
        plan = plan_of(design, materials.difficulty, order, seed, materials.n_words)
    batches = PlanBatches(plan, design.batch_size)
    options = TrainingOptions(
        design.warmup_steps,
        design.batch_size,
        lr=design.lr,
        warmup_steps=design.warmup_steps,
        schedule="constant",
        gradient_clip=1.0,
        seed=seed,
    )
    history = train_on_captions(
        model,
        CaptionPairs(materials.pictures, materials.tokens, materials.image_of),
        batches,
        options,
        evaluate_every=max(1, batches.n_steps // 8),
        evaluate=lambda _: {"held_out": materials.held_out_loss(model)},
        device=device,
    )
    found = history.table.dropna(subset="held_out")
    words = [plan.exposure(int(stop)) @ materials.n_words for stop in found["samples_seen"]]
    columns = (found["samples_seen"], words, found["held_out"])
    return CaptionerRun(model, np.stack([np.asarray(c, dtype=float) for c in columns], axis=1))


def use_of_picture(models: Sequence[Captioner], materials: Materials) -> Interval:
    """Measure how much likelier held-out captions are with their own picture than with another one.

    Parameters
    ----------
    models : sequence of Captioner
        Trained captioners, one for each seed or order.
    materials : Materials
        Held-out captions and pictures.

    Returns
    -------
    Interval
        Mean rise of the log-likelihood, nats a word, with its interval for other captions and
        trainings: zero for a model that does not look.

    Raises
    ------
    ValueError
        If there is no model.
    """
    own = np.arange(len(materials.test_captions))
    right, wrong = [], []
    for model in models:
        score = Scorer(model, materials.tokenizer, materials.test_pictures)
        right.append(caption_likelihood(score, materials.test_captions, own))
        exchanged = caption_likelihood(score, materials.test_captions, np.roll(own, 1))
        wrong.append(replace(exchanged, units=own))  # paired by caption
    return paired_difference(right, wrong, n_flips=1).difference  # flips give a p-value only
