"""How likely a captioner finds sentences: what every evaluation asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from sdc_helpers._checks import as_array, as_tensor
from sdc_helpers._texts import text_list
from sdc_helpers.curriculum.results import LogLikelihoods
from sdc_helpers.curriculum.tokenizer import PAD

if TYPE_CHECKING:
    from sdc_helpers.curriculum.models import Captioner
    from sdc_helpers.curriculum.tokenizer import CaptionTokenizer


class Scorer:
    """Log-likelihoods of sentences under a trained model, with pictures or without.

    Parameters
    ----------
    model : Captioner
        Trained.
    tokenizer : CaptionTokenizer
        Tokenizer that the model was trained with.
    pictures : tensor of shape (n_images, channels, height, width), optional
        Pictures that the model can be shown; without any, only text can be scored.
    batch_size : int, default=128
        Sentences at a time; scores do not depend on it.
    """

    def __init__(
        self,
        model: Captioner,
        tokenizer: CaptionTokenizer,
        pictures: torch.Tensor | None = None,
        *,
        batch_size: int = 128,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.pictures = None if pictures is None else as_tensor("pictures", pictures)
        self.batch_size = batch_size

    def __call__(
        self,
        sentences: Sequence[str],
        pictures: np.ndarray | None = None,
        given: Sequence[str] | None = None,
    ) -> LogLikelihoods:
        """Score sentences.

        Parameters
        ----------
        sentences : sequence of str
            Sentences to score.
        pictures : int array of shape (n,), optional
            Row of the picture that each is shown with; None for text alone.
        given : sequence of str, optional
            The beginning of each sentence that is not scored but conditioned on.

        Returns
        -------
        LogLikelihoods
            Sum over the tokens (after `given`), the end of the sentence included, and their number.

        Raises
        ------
        ValueError
            If lengths differ, a picture is not there, or a sentence does not begin with `given`.
        """
        sentences = text_list(sentences, "sentences")
        found = self.tokenizer.tokenize(sentences)
        scored = (found.tokens != PAD).numpy()
        if given is not None:
            scored &= self._after(sentences, text_list(given, "given"), found.starts)
        if pictures is not None:
            pictures = self._checked(pictures, len(sentences))
        order = np.argsort((found.tokens != PAD).sum(1).numpy(), kind="stable")
        total = np.empty(len(sentences))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            losses = self._losses(found.tokens[rows], None if pictures is None else pictures[rows])
            wanted = scored[rows, 1 : losses.shape[1] + 1]
            total[rows] = -(losses * wanted).sum(axis=1)
        return LogLikelihoods(total, scored[:, 1:].sum(axis=1))

    def _losses(self, tokens: torch.Tensor, pictures: np.ndarray | None) -> np.ndarray:
        device = next(self.model.parameters()).device
        tokens = tokens[:, : int((tokens != PAD).sum(1).max())].to(device)
        shown = None if pictures is None else self.pictures[torch.from_numpy(pictures)].to(device)
        was_training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad():
                return self.model.token_losses(shown, tokens).double().cpu().numpy()
        finally:
            self.model.train(was_training)

    def _checked(self, pictures: np.ndarray, n: int) -> np.ndarray:
        pictures = as_array("pictures", pictures, np.int64)
        if self.pictures is None:
            raise ValueError("this Scorer has no pictures; give it some, or score text alone.")
        if pictures.shape != (n,):
            raise ValueError(f"pictures has shape {pictures.shape}; expected ({n},).")
        lost = np.flatnonzero((pictures < 0) | (pictures >= len(self.pictures)))
        if len(lost):
            raise ValueError(
                f"sentence {lost[0]} asks for picture {pictures[lost[0]]}; there are "
                f"{len(self.pictures)}."
            )
        return pictures

    @staticmethod
    def _after(sentences: Sequence[str], given: Sequence[str], starts: np.ndarray) -> np.ndarray:
        """Tell which tokens begin after what is given; the end of the sentence does."""
        if len(given) != len(sentences):
            raise ValueError(f"given has {len(given)} entries for {len(sentences)} sentences.")
        for sentence, beginning in zip(sentences, given, strict=True):
            if not sentence.startswith(beginning):
                raise ValueError(f"{sentence!r} does not begin with {beginning!r}.")
        lengths = np.array([len(beginning.rstrip()) for beginning in given])
        after = starts >= lengths[:, None]
        is_end = (starts < 0) & (np.arange(starts.shape[1]) > 0)
        return after | is_end
