"""Tokenizers of open_clip for text from outside: what looks like a control token is plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def open_clip_tokenizer(name: str) -> Callable[[list[str]], torch.Tensor]:
    """Return the tokenizer of an architecture, reading texts as plain text.

    Parameters
    ----------
    name : str
        Name of the architecture, one of ``open_clip.list_models()``.

    Returns
    -------
    callable
        Function from a list of n texts to their tokens, of shape (n, context_length).
    """
    import open_clip

    return read_plainly(open_clip.get_tokenizer(name))


def read_plainly(tokenizer: Any) -> Any:
    """Make a tokenizer of open_clip read the names of its control tokens as text, in place.

    A caption that says ``<end_of_text>`` or ``[MASK]``, also as ``&lt;end_of_text&gt;``, would end
    there or be masked. After the tokenizer's own cleaning, a blank is put behind the first sign of
    each such name. Where punctuation is a token of its own, as in CLIP's tokenizer and BERT's, this
    gives exactly the tokens of the plain signs.

    Parameters
    ----------
    tokenizer : open_clip's SimpleTokenizer, HFTokenizer or SigLipTokenizer
        SigLIP's takes all punctuation out, and with it every such name: it stays as it is.

    Returns
    -------
    object
        The same tokenizer.
    """
    clean = getattr(tokenizer, "clean_fn", None)
    names = sorted(filter(lambda name: len(name) > 1, _control_names(tokenizer)), key=len)
    if clean is None or not names:
        return tokenizer
    pattern = re.compile("|".join(map(re.escape, reversed(names))), flags=re.IGNORECASE)

    def clean_and_break(text: str) -> str:
        text, n_found = clean(text), 1
        while n_found:  # a name may overlap with the next
            text, n_found = pattern.subn(lambda match: f"{match[0][0]} {match[0][1:]}", text)
        return text

    tokenizer.clean_fn = clean_and_break
    return tokenizer


def _control_names(tokenizer: Any) -> set[str]:
    if hasattr(tokenizer, "all_special_ids"):
        return {tokenizer.decoder[number] for number in tokenizer.all_special_ids}
    hub_tokenizer = getattr(tokenizer, "tokenizer", None)
    added = getattr(hub_tokenizer, "added_tokens_decoder", {}).values()
    return {
        *getattr(hub_tokenizer, "all_special_tokens", ()),
        *(t.content for t in added if t.special),
    }
