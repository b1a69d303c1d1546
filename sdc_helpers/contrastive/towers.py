"""The two towers of a CLIP as a model of pairs."""

from __future__ import annotations

import torch
from open_clip import CLIP
from torch import nn
from torch.nn import functional

from sdc_helpers.embeddings.sentences import encode_sentences


class TwoTowers(nn.Module):
    """A CLIP, called as a trainer of pairs calls it: pictures and tokens to unit-length rows."""

    def __init__(self, clip: CLIP) -> None:
        super().__init__()
        clip.visual.to(memory_format=torch.channels_last)
        self.clip = clip

    def forward(self, pictures: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return (n, d) unit rows of pictures and of sentences."""
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        u = self.clip.encode_image(pictures, normalize=True)
        return u, functional.normalize(encode_sentences(self.clip, tokens), dim=-1)
