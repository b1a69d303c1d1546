"""What every cell of the study is trained and evaluated on, the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sdc_helpers.curriculum.evaluation import (
    acceptability,
    caption_likelihood,
    text_score,
    vqa_score,
)
from sdc_helpers.curriculum.results import Evaluation
from sdc_helpers.curriculum.scoring import Scorer
from sdc_helpers.curriculum.tokenizer import CaptionTokenizer

if TYPE_CHECKING:
    from sdc_helpers.curriculum.models import Captioner
    from sdc_helpers.scenes.grammar import SentencePair
    from sdc_helpers.scenes.pairs import MinimalPair
    from sdc_helpers.scenes.questions import Question

TASKS = (
    "minimal pairs",
    "replaced pairs",
    "questions",
    "questions, wrong picture",
    "questions, no picture",
    "acceptability",
)
"""What a cell is asked: three tasks with pictures, two controls of the third, and text alone."""


@dataclass(frozen=True, eq=False)
class Materials:
    """Training and test material of the study.

    Attributes
    ----------
    captions : list of list of str
        Captions of the training pictures.
    pictures : tensor of shape (n_images, channels, height, width)
        Feature maps of the training pictures.
    tokens : int64 tensor of shape (n_samples, n_tokens)
        Tokens of those captions, one caption after the other.
    image_of, difficulty, n_words : arrays of shape (n_samples,)
        Picture of each caption, the difficulty of that picture, words in the caption.
    text_tokens : int64 tensor of shape (n_sentences, n_tokens)
        Tokens of the sentences of the text stage.
    tokenizer : CaptionTokenizer
        Tokenizer that was trained on captions and text.
    test_captions : list of str
        One caption of each test picture.
    test_pictures, pair_pictures, replaced_pictures : tensors
        Feature maps of test pictures, and of those of either kind of pairs.
    pairs, replaced, asked, sentence_pairs : list
        Minimal pairs, pairs in which something is replaced, questions and acceptability pairs of
        the evaluations.
    """

    captions: list[list[str]]
    pictures: torch.Tensor
    tokens: torch.Tensor
    image_of: np.ndarray
    difficulty: np.ndarray
    n_words: np.ndarray
    text_tokens: torch.Tensor
    tokenizer: CaptionTokenizer
    test_captions: list[str]
    test_pictures: torch.Tensor
    pair_pictures: torch.Tensor
    replaced_pictures: torch.Tensor
    pairs: Sequence[MinimalPair]
    replaced: Sequence[MinimalPair]
    asked: Sequence[Question]
    sentence_pairs: Sequence[SentencePair]

    def evaluate(self, model: Captioner) -> dict[str, Evaluation]:
        """Ask a model everything; tasks by name, see `TASKS`."""
        shown = Scorer(model, self.tokenizer, self.test_pictures)
        pairs = text_score(Scorer(model, self.tokenizer, self.pair_pictures), self.pairs)
        of_replaced = Scorer(model, self.tokenizer, self.replaced_pictures)
        asked = vqa_score(shown, self.asked)
        answers = (
            pairs.each,
            text_score(of_replaced, self.replaced).each,
            asked.right,
            asked.wrong,
            asked.none,
            acceptability(shown, self.sentence_pairs),
        )
        return dict(zip(TASKS, answers, strict=True))

    def losses(self, model: Captioner) -> dict[str, float]:
        """Loss of held-out captions in nats a token: right, wrong, and no picture."""
        own = np.arange(len(self.test_captions))
        shown = {"right": own, "wrong": np.roll(own, 1), "none": None}
        return {name: self._loss(model, pictures) for name, pictures in shown.items()}

    def held_out_loss(self, model: Captioner) -> float:
        """Loss of held-out captions with their pictures, in nats a token."""
        return self._loss(model, np.arange(len(self.test_captions)))

    def _loss(self, model: Captioner, pictures: np.ndarray | None) -> float:
        score = Scorer(model, self.tokenizer, self.test_pictures)
        return -caption_likelihood(score, self.test_captions, pictures).per_token
