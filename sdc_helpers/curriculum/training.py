"""The two stages of a small vision-language model: text alone, then pictures with captions.

Both are runs of the course's trainer: they resume exactly after a kill, and what a batch holds
follows from the seed and the number of the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from sdc_helpers._checks import as_array, as_tensor
from sdc_helpers.curriculum.models import Captioner, TokenMean
from sdc_helpers.curriculum.tokenizer import PAD
from sdc_helpers.training.loop import History, TensorPairs, TrainingOptions, train_pairs

if TYPE_CHECKING:
    from sdc_helpers.curriculum.schedule import PlanBatches


class CaptionPairs:
    """Pictures and their captions, a sample being one caption with its picture.

    Parameters
    ----------
    pictures : tensor of shape (n_images, channels, height, width)
        Feature maps (`feature_maps`) or pixels.
    tokens : int64 tensor of shape (n_samples, n_tokens)
        Captions, padded.
    image_of : int array of shape (n_samples,)
        The picture of each caption.

    Raises
    ------
    ValueError
        If lengths differ, or a caption has no picture.
    """

    def __init__(self, pictures: torch.Tensor, tokens: torch.Tensor, image_of: np.ndarray) -> None:
        image_of = as_array("image_of", image_of)
        pictures, tokens = as_tensor("pictures", pictures), as_tensor("tokens", tokens)
        if tokens.ndim != 2 or image_of.shape != (len(tokens),):
            raise ValueError(
                f"tokens have shape {tuple(tokens.shape)} and image_of {image_of.shape}; expected "
                "(n, n_tokens) and (n,)."
            )
        lost = np.flatnonzero((image_of < 0) | (image_of >= len(pictures)))
        if len(lost):
            raise ValueError(
                f"caption {lost[0]} is of picture {image_of[lost[0]]}; there are {len(pictures)}."
            )
        self.pictures, self.tokens = pictures, tokens
        self.image_of = torch.from_numpy(image_of.astype(np.int64))

    def __len__(self) -> int:
        return len(self.tokens)

    def batch(
        self, indices: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Return pictures and captions of some samples, without columns that are all padding."""
        index = torch.from_numpy(np.asarray(indices, dtype=np.int64))
        tokens = self.tokens[index]
        longest = int((tokens != PAD).sum(1).max())
        return self.pictures[self.image_of[index]], tokens[:, :longest], None


def train_on_text(
    model: Captioner,
    tokens: torch.Tensor,
    options: TrainingOptions,
    *,
    out: str | Path | None = None,
    device: str | None = "cpu",
    progress: bool = False,
) -> History:
    """Train a model on sentences without pictures, in place.

    Parameters
    ----------
    model : Captioner
        What only a picture can train stays as it is.
    tokens : int64 tensor of shape (n, n_tokens)
        Sentences, padded.
    options : TrainingOptions
        Steps, batch size, learning rate, seed.
    out, device, progress
        Passed to ``train_pairs``, which describes them.

    Returns
    -------
    History

    Raises
    ------
    ValueError, TrainingStateError
        If ``train_pairs`` refuses the arguments or the checkpoint.
    """
    tokens = as_tensor("tokens", tokens)
    source = TensorPairs(torch.empty(len(tokens), 0), tokens)
    with model.without_images():
        return train_pairs(
            model, TokenMean(), source, options, out=out, device=device, progress=progress
        )


def train_on_captions(
    model: Captioner,
    pairs: CaptionPairs,
    batches: PlanBatches,
    options: TrainingOptions,
    *,
    evaluate: Callable[[Captioner], dict[str, float]] | None = None,
    evaluate_every: int = 0,
    out: str | Path | None = None,
    device: str | None = "cpu",
    progress: bool = False,
) -> History:
    """Train a model on pictures with captions in a given order, in place.

    Parameters
    ----------
    model : Captioner
        Model to train, new or after `train_on_text`.
    pairs : CaptionPairs
        Captions and pictures to train on.
    batches : PlanBatches
        Order of the pairs: standard, curriculum, or another.
    options : TrainingOptions
        Learning rate and seed; its number of steps and batch size are those of `batches`.
    evaluate, evaluate_every, out, device, progress
        Passed to ``train_pairs``, which describes them.

    Returns
    -------
    History

    Raises
    ------
    ValueError, TrainingStateError
        If ``train_pairs`` refuses the arguments or the checkpoint.
    """
    options = replace(
        options,
        n_steps=batches.n_steps,
        batch_size=batches.batch_size,
        warmup_steps=min(options.warmup_steps, batches.n_steps),
    )
    return train_pairs(
        model,
        TokenMean(),
        pairs,
        options,
        batches=batches,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
        out=out,
        device=device,
        progress=progress,
    )
