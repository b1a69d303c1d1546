"""Sentences through a text tower, no further than they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_PARTS = 6  # of a batch, each computed to the end of its longest sentence


def encode_sentences(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Encode sentences as ``model.encode_text`` does, leaving the padding out.

    A text tower of CLIP reads from left to right and is read at the end of the sentence, so that
    nothing behind the end can matter (Radford et al. 2021, section 2.4). Captions fill a quarter
    of the tokens there are. Towers of another kind, and GPUs, compute all.

    Parameters
    ----------
    model : torch.nn.Module
        A CLIP of open_clip.
    tokens : int64 tensor of shape (n, context_length)
        Tokens of each sentence, the end having the highest number.

    Returns
    -------
    tensor of shape (n, d)
        Embeddings, not of unit length; equal to those of ``encode_text`` to rounding.
    """
    import torch

    mask = getattr(model, "attn_mask", None)
    whole = mask is None or getattr(model, "text_pool_type", None) != "argmax"
    if whole or tokens.device.type != "cpu" or len(tokens) == 0:
        return model.encode_text(tokens)
    ends = tokens.argmax(1)
    order = ends.argsort(stable=True)
    rows = []
    for part in order.chunk(_PARTS):
        n = int(ends[part].max()) + 1
        x = model.token_embedding(tokens[part, :n]) + model.positional_embedding[:n]
        x = model.ln_final(model.transformer(x, attn_mask=mask[:n, :n]))
        rows.append(x[torch.arange(len(part)), ends[part]])
    pooled = torch.cat(rows)[order.argsort()]
    projection = model.text_projection
    if projection is None:
        return pooled
    return projection(pooled) if isinstance(projection, torch.nn.Module) else pooled @ projection
