"""Texts and labels at the door: any sequence of strings, in one place for every public function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def text_list(texts: Any, name: str = "texts", *, empty: bool = False) -> list[str]:
    """Return texts as a list of plain strings.

    Parameters
    ----------
    texts : sequence of str
        A list, tuple or other ordered collection, a one-dimensional array of strings or of
        objects, a pandas Series or Index (strings, objects or categories).
    name : str
        Name of the argument for error messages.
    empty : bool, default=False
        Whether an empty sequence is allowed.

    Returns
    -------
    list of str
        The texts as plain Python strings.

    Raises
    ------
    ValueError
        If `texts` is one string, a table, a collection without an order, or holds something other
        than strings; the message names the first such entry.
    """
    if isinstance(texts, str):
        raise ValueError(f"{name} must be a sequence of strings; for one text pass [{texts!r}].")
    n_axes = getattr(texts, "ndim", 1)
    is_unordered = isinstance(texts, bytes | dict | set | frozenset)
    if is_unordered or n_axes != 1 or not isinstance(texts, Iterable):
        shape = f" of shape {tuple(texts.shape)}" if n_axes != 1 else ""
        raise ValueError(
            f"{name} must be a sequence of strings, got {type(texts).__name__}{shape}."
        )
    listed = list(texts)
    if not listed and not empty:
        raise ValueError(f"{name} must hold at least one string, got none.")
    for i, text in enumerate(listed):
        if not isinstance(text, str):
            raise ValueError(f"{name} must be strings; number {i} is {text!r}{_advice(text)}.")
    return [str(text) for text in listed]


def text_groups(groups: Any, name: str = "captions", *, empty: bool = False) -> list[list[str]]:
    """Return several texts of each item, such as the captions of pictures, as lists of lists.

    Parameters
    ----------
    groups : sequence of sequences of str
        The texts of each item, as `text_list` takes them; also an array of shape (n, k) or a pandas
        DataFrame, a row an item.
    name : str
        Name of the argument for error messages.
    empty : bool, default=False
        Whether an item may have no text.

    Returns
    -------
    list of list of str

    Raises
    ------
    ValueError
        If there is no item, or one has no text or something else than strings.
    """
    rows = groups.to_numpy() if hasattr(groups, "iloc") else groups
    is_unordered = isinstance(rows, str | bytes | dict | set | frozenset)
    if is_unordered or getattr(rows, "ndim", 1) not in (1, 2) or not isinstance(rows, Iterable):
        kind = "one string" if isinstance(rows, str) else type(groups).__name__
        raise ValueError(f"{name} must be a sequence of sequences of strings, got {kind}.")
    texts = [text_list(row, f"{name}[{i}]", empty=empty) for i, row in enumerate(rows)]
    if not texts:
        raise ValueError(f"{name} must hold at least one item, got none.")
    return texts


def _advice(value: Any) -> str:
    if isinstance(value, bytes):
        return ", which are bytes: decode them, as with value.decode('utf-8')"
    is_nan = isinstance(value, float) and value != value
    if value is None or is_nan or type(value).__name__ in ("NAType", "MaskedConstant"):
        return ": a missing value; leave it out, with its picture"
    return ""
