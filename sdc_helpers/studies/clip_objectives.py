"""What the small CLIP learns beside CLIP's own loss, from pictures and captions alone.

CLIP's loss keeps what tells a caption from the other 255 of its batch and forgets the rest. Two
linear readings of the picture's embedding ask for more, and are thrown away after training:

*words*
    which words stand in any of the picture's captions (Joulin et al. 2016; Huang et al. 2024 show
    that this alone trains a CLIP's image tower);
*edges*
    how strong edges of each direction are in every field of the picture, and its mean colour:
    the histogram of oriented gradients, as in MaskFeat (Wei et al. 2022), with nothing masked.

No factor of a scene and no planted value goes in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from sdc_helpers.contrastive.losses import ContrastiveLoss

if TYPE_CHECKING:
    import numpy as np

_FIELDS = 4  # a side
_DIRECTIONS = 8
_STANDARDISED_ON = 4_000  # pictures
_LEAST_RATE = 1e-4  # of a word


def edges(pictures: torch.Tensor) -> torch.Tensor:
    """Describe pictures by the directions of their edges and by their colours.

    Parameters
    ----------
    pictures : uint8 tensor of shape (n, height, width, 3)
        Pictures, sides multiples of 4.

    Returns
    -------
    float32 tensor of shape (n, 4 * 4 * (8 + 3))
        For 8 directions and each field of a 4 x 4 grid the share of the gradient along them
        (Dalal & Triggs 2005; a direction between two counts for both), then the mean red, green and
        blue of the fields from 0 to 1.
    """
    x = pictures.permute(0, 3, 1, 2).float() / 255
    grey = x.mean(1)
    right = functional.pad(grey[:, :, 2:] - grey[:, :, :-2], (1, 1))
    down = functional.pad(grey[:, 2:] - grey[:, :-2], (0, 0, 1, 1))
    strength = (right**2 + down**2).sqrt()
    direction = torch.atan2(down, right) % math.pi * (_DIRECTIONS / math.pi)
    lower = direction.floor()
    rest = direction - lower
    first = lower.long() % _DIRECTIONS
    by_direction = torch.zeros(len(x), _DIRECTIONS, *grey.shape[1:])
    by_direction.scatter_add_(1, first[:, None], (strength * (1 - rest))[:, None])
    by_direction.scatter_add_(1, (first + 1)[:, None] % _DIRECTIONS, (strength * rest)[:, None])
    fields = functional.adaptive_avg_pool2d(by_direction, _FIELDS)
    shares = fields / (fields.sum(1, keepdim=True) + 0.01)
    colours = functional.adaptive_avg_pool2d(x, _FIELDS)
    return torch.cat([shares.flatten(1), colours.flatten(1)], 1)


class DescribedPairs(nn.Module):
    """CLIP's loss, and what else the picture's embedding is asked for.

    Parameters
    ----------
    contrastive : ContrastiveLoss
        CLIP's loss.
    pictures : uint8 array of shape (n, height, width, 3)
        All training pictures.
    tokens : int64 tensor of shape (n, n_captions, n_tokens)
        Tokens of their captions.
    n_words : int
        Number of different tokens.
    dimension : int
        Dimension of the embeddings.
    word_weight, edge_weight : float
        Weights of the cross-entropy, in nats a picture and summed over words, and of the mean
        squared error in units of the variance over pictures.
    seed : int
        Seed of the initial values of both readings.
    """

    def __init__(
        self,
        contrastive: ContrastiveLoss,
        pictures: np.ndarray,
        tokens: torch.Tensor,
        *,
        n_words: int,
        dimension: int,
        word_weight: float,
        edge_weight: float,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.contrastive = contrastive
        self.word_weight, self.edge_weight = word_weight, edge_weight
        self._pictures, self._tokens = pictures, tokens.flatten(1)
        self.n_words, self.scale = n_words, math.sqrt(dimension)
        some = edges(torch.from_numpy(pictures[:_STANDARDISED_ON]))
        self.mean, self.spread = some.mean(0), some.std(0).clamp_min(1e-3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.words, self.edges = (nn.Linear(dimension, n) for n in (n_words, some.shape[1]))
            with torch.no_grad():
                self.words.weight.mul_(0.02)
                self.words.bias.copy_(self._rates().logit())

    @property
    def logit_scale(self) -> torch.Tensor | None:
        """What cosines are multiplied by, as a logarithm; learned."""
        return self.contrastive.logit_scale

    def forward(self, u: torch.Tensor, v: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        u, v : tensors of shape (b, d)
            Unit rows of pictures and of one caption of each.
        items : int64 tensor of shape (b,)
            Which training picture each row is.

        Returns
        -------
        tensor, a scalar
        """
        rows, u_scaled = items.cpu(), u * self.scale
        present = self._present(rows).to(u.device)
        wrong_words = functional.binary_cross_entropy_with_logits(
            self.words(u_scaled), present, reduction="none"
        )
        seen = edges(torch.from_numpy(self._pictures[rows.numpy()]))
        wanted = ((seen - self.mean) / self.spread).to(u.device)
        return (
            self.contrastive(u, v)
            + self.word_weight * wrong_words.sum(1).mean()
            + self.edge_weight * functional.mse_loss(self.edges(u_scaled), wanted)
        )

    def _present(self, rows: torch.Tensor | slice) -> torch.Tensor:
        """Return which words stand in the captions of pictures, (b, n_words) of 0 and 1."""
        tokens = self._tokens[rows]
        return torch.zeros(len(tokens), self.n_words).scatter_(1, tokens, 1.0)

    def _rates(self) -> torch.Tensor:
        n = len(self._tokens)
        parts = [self._present(slice(k, k + 4_000)).sum(0) for k in range(0, n, 4_000)]
        counts = torch.stack(parts).sum(0)
        return (counts / n).clamp(_LEAST_RATE, 1 - _LEAST_RATE)
