"""Two small families that write captions: GIT and Flamingo, from transformers, from scratch.

GIT (Wang et al. 2022) puts the picture's patches in front of the words, in one decoder. Flamingo
(Alayrac et al. 2022) lets words look at the picture through gated cross-attention, after a
perceiver has made few latents of its patches; Idefics is its open form. Both are wrapped so that
they take the same pictures and numbers of words and give the same thing: how unlikely each caption.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from sdc_helpers.curriculum.tokenizer import IMAGE, PAD, START


@dataclass(frozen=True)
class ModelConfig:
    """Size of a model.

    Attributes
    ----------
    width, n_layers, n_heads : int
        Width, layers and attention heads of the decoder.
    n_latents, perceiver_depth, cross_every : int
        Flamingo's own sizes: latents of a picture, layers of the perceiver, and every how many
        layers words look at the picture.
    open_gates : bool
        Of Flamingo alone: whether words see the picture from the first step. Flamingo's own gates
        start closed, to spare a language model that has learned already; trained from scratch with
        closed ones, small models may never begin to look.
    max_tokens : int
        Longest sentence.
    """

    width: int
    n_layers: int
    n_heads: int
    n_latents: int = 8
    perceiver_depth: int = 2
    cross_every: int = 2
    open_gates: bool = True
    max_tokens: int = 64


FAMILIES = ("git", "flamingo")
SIZES = {
    "tiny": ModelConfig(64, 2, 4),
    "small": ModelConfig(128, 4, 4),
    "base": ModelConfig(768, 12, 12, n_latents=64),
}
"""Sizes by name; "base" is the study's (for GIT with 6 layers, as in GIT-base)."""
_OF_IMAGES = ("image_encoder", "visual_projection", "perceiver")
_OF_ATTENTION = (".cross_attn.", "alpha_cross_attn", "input_layernorm")  # its MLP serves text too


class Captioner(nn.Module):
    """A model of captions, given a picture or nothing.

    Parameters
    ----------
    family : {"git", "flamingo"}
        Family of the model: the way in which pictures enter it.
    size : str or ModelConfig
        Name of `SIZES`, or another size.
    vocabulary_size : int
        Number of tokens that the tokenizer knows.
    pictures : tuple of int
        Shape of what stands for a picture: (channels, height, width) of a feature map of a frozen
        network, or (3, height, width) of pixels with `train_image_encoder`.
    train_image_encoder : bool, default=False
        Whether pictures are pixels and the family's own vision transformer is trained on them.
    seed : int, default=0
        Seed of the initial values; torch's own random state is left alone.

    Raises
    ------
    ValueError
        If a name is unknown, or the shape of pictures does not fit.
    """

    def __init__(
        self,
        family: str,
        size: str | ModelConfig,
        vocabulary_size: int,
        pictures: tuple[int, int, int],
        *,
        train_image_encoder: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if family not in FAMILIES:
            raise ValueError(f"family={family!r}: expected one of {', '.join(FAMILIES)}.")
        if isinstance(size, str) and size not in SIZES:
            raise ValueError(f"size={size!r}: expected one of {', '.join(SIZES)}, or ModelConfig.")
        config = SIZES[size] if isinstance(size, str) else size
        if size == "base" and family == "git":
            config = replace(config, n_layers=6)
        pictures = tuple(pictures)
        if len(pictures) != 3 or (train_image_encoder and (pictures[0] != 3 or pictures[1] % 16)):
            raise ValueError(
                f"pictures={pictures}: expected (channels, height, width), for pixels 3 channels "
                "and sides that 16 divides."
            )
        self.family, self.config, self.picture_shape = family, config, pictures
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            build = _git if family == "git" else _flamingo
            self.decoder, self.image_encoder = build(
                config, vocabulary_size, pictures, train_image_encoder
            )

    def image_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield what only a picture can train, by name."""
        for name, parameter in self.named_parameters():
            if any(part in name for part in _OF_IMAGES) or (
                "gated_cross_attn" in name and any(part in name for part in _OF_ATTENTION)
            ):
                yield name, parameter

    @contextmanager
    def without_images(self) -> Iterator[None]:
        """Leave what only a picture can train untouched for a while: for training on text."""
        frozen = [p for _, p in self.image_parameters() if p.requires_grad]
        for parameter in frozen:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)

    def token_losses(self, pictures: torch.Tensor | None, tokens: torch.Tensor) -> torch.Tensor:
        """Return minus the log-probability of each token after the first, natural logarithm.

        Parameters
        ----------
        pictures : tensor of shape (b, channels, height, width) or None
            What stands for the picture of each sentence. None, or length 0 in the second dimension:
            text alone.
        tokens : int64 tensor of shape (b, n_tokens)
            Tokens of the sentences, as `CaptionTokenizer` makes them.

        Returns
        -------
        tensor of shape (b, n_tokens - 1)
            0 for `PAD`.

        Raises
        ------
        ValueError
            If pictures do not have the shape that the model was built for, or sentences are longer
            than it reads.
        """
        if pictures is not None and pictures.ndim == 2 and pictures.shape[1] == 0:
            pictures = None
        if pictures is not None and tuple(pictures.shape[1:]) != self.picture_shape:
            raise ValueError(
                f"pictures have shape {tuple(pictures.shape[1:])}, the model was built for "
                f"{self.picture_shape}."
            )
        if tokens.shape[1] > self.config.max_tokens:
            raise ValueError(
                f"sentences of {tokens.shape[1]} tokens, the model reads {self.config.max_tokens}."
            )
        words = (tokens != PAD).long()
        run = self._git_logits if self.family == "git" else self._flamingo_logits
        logits = run(pictures, tokens, words)[:, :-1]
        losses = functional.cross_entropy(
            logits.flatten(0, 1).float(), tokens[:, 1:].flatten(), reduction="none"
        ).view(len(tokens), -1)
        return losses * words[:, 1:]  # pads are no words

    def forward(
        self, pictures: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of each caption, summed over its tokens, and their number, both (b,)."""
        longest = int((tokens != PAD).sum(1).max())
        tokens = tokens[:, :longest]
        losses = self.token_losses(pictures, tokens)
        return losses.sum(1), (tokens[:, 1:] != PAD).sum(1)

    def _git_logits(
        self, pictures: torch.Tensor | None, tokens: torch.Tensor, words: torch.Tensor
    ) -> torch.Tensor:
        model = self.decoder
        if pictures is not None:
            patches = self.image_encoder(pictures)
            # GitModel's image encoder hands on what it is given: the patches
            pictures = patches.transpose(1, 2)[..., None]
        hidden = model.git(
            input_ids=tokens, attention_mask=words, pixel_values=pictures, use_cache=False
        )
        return model.output(hidden.last_hidden_state[:, -tokens.shape[1] :])

    def _flamingo_logits(
        self, pictures: torch.Tensor | None, tokens: torch.Tensor, words: torch.Tensor
    ) -> torch.Tensor:
        if pictures is None:
            shape = (len(tokens), 1, self.decoder.config.vision_config.embed_dim)
            patches = torch.zeros(shape, device=tokens.device)
            seen = torch.zeros_like(tokens)
        else:
            patches = self.image_encoder(pictures)
            tokens = torch.where(tokens == START, IMAGE, tokens)  # the placeholder of the picture
            seen = (tokens == IMAGE).cumsum(1).clamp(max=1)  # words after it look at it
        return self.decoder(
            input_ids=tokens,
            attention_mask=words,
            image_encoder_embeddings=patches[:, None],
            image_attention_mask=seen[..., None],
            use_cache=False,
        ).logits


class TokenMean(nn.Module):
    """The training loss: mean over the tokens of a batch, which several processes may share."""

    def forward(self, losses: torch.Tensor, n_tokens: torch.Tensor) -> torch.Tensor:
        """Return the sum of the captions' losses over the number of their tokens."""
        mean_tokens = n_tokens.sum().to(losses.dtype)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(mean_tokens)  # gradients are averaged over processes
            mean_tokens = mean_tokens / torch.distributed.get_world_size()
        return losses.sum() / mean_tokens


class _Patches(nn.Module):
    """Patches of a frozen network's feature map at the decoder's width, with their places."""

    def __init__(self, shape: tuple[int, int, int], n_dims: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.project = nn.Linear(channels, n_dims)
        self.places = nn.Parameter(0.02 * torch.randn(height * width, n_dims))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        patches = features.to(self.places.dtype).flatten(2).transpose(1, 2)
        return self.project(patches) + self.places


class _Pixels(nn.Module):
    """Patches that the family's own vision transformer makes of pixels."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.network(pixel_values=pixels).last_hidden_state


class _HandOn(nn.Module):
    """Stands where transformers expects an image encoder, for patches that are made already."""

    def forward(self, patches: torch.Tensor, **_: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=patches[..., 0].transpose(1, 2))


_Built = tuple[nn.Module, nn.Module]


def _vision(config: ModelConfig, pictures: tuple[int, int, int], pixels: bool) -> dict[str, int]:
    """Size of the family's own vision transformer; the smallest where it is replaced anyway."""
    return {
        "intermediate_size": 4 * config.width,
        "num_hidden_layers": config.n_layers if pixels else 1,
        "num_attention_heads": config.n_heads,
        "image_size": pictures[1] if pixels else 32,
        "patch_size": 16,
    }


def _git(
    config: ModelConfig, vocabulary: int, pictures: tuple[int, int, int], pixels: bool
) -> _Built:
    from transformers import GitConfig, GitForCausalLM

    vision = {"hidden_size": config.width, **_vision(config, pictures, pixels)}
    model = GitForCausalLM(
        GitConfig(
            vision_config=vision,
            vocab_size=vocabulary,
            hidden_size=config.width,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            intermediate_size=4 * config.width,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            max_position_embeddings=config.max_tokens,
            pad_token_id=PAD,
        )
    )
    encoder = _Pixels(model.git.image_encoder) if pixels else _Patches(pictures, config.width)
    model.git.image_encoder = _HandOn()
    return model, encoder


def _flamingo(
    config: ModelConfig, vocabulary: int, pictures: tuple[int, int, int], pixels: bool
) -> _Built:
    from transformers import IdeficsConfig, IdeficsForVisionText2Text

    vision = {"embed_dim": config.width, **_vision(config, pictures, pixels)}
    model = IdeficsForVisionText2Text(
        IdeficsConfig(
            vision_config=vision,
            perceiver_config={
                "use_resampler": True,
                "resampler_n_latents": config.n_latents,
                "resampler_depth": config.perceiver_depth,
                "resampler_n_heads": config.n_heads,
                "resampler_head_dim": config.width // config.n_heads,
            },
            use_resampler=True,
            vocab_size=vocabulary,
            hidden_size=config.width,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            intermediate_size=4 * config.width,
            cross_layer_interval=config.cross_every,
            alpha_initializer="ones" if config.open_gates else "zeros",
            max_position_embeddings=config.max_tokens,
            # transformers freezes both unless told otherwise: it expects pretrained ones
            freeze_text_layers=False,
            freeze_vision_layers=False,
            pad_token_id=PAD,
        )
    )
    encoder = _Pixels(model.model.vision_model) if pixels else _Patches(pictures, config.width)
    if pixels:
        model.model.vision_model.post_layernorm = nn.Identity()  # of the class token, unused
    model.model.vision_model = nn.Identity()
    return model, encoder
