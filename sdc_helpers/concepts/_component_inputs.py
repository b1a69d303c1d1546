"""What the components of embeddings are fitted to, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_finite

_RANK = 1e-8  # relative to the largest: singular values below are taken for rounding


def as_rows(name: str, values: Any, width: int | None = None, least: int = 1) -> np.ndarray:
    """Return a finite float64 matrix of at least so many rows, or say what is wrong with it."""
    array = as_array(name, values, float)
    if array.ndim != 2 or len(array) < least or array.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; expected a 2-D array of {least} or more rows, one a "
            "trial, picture or component, with a column a dimension."
        )
    if width is not None and array.shape[1] != width:
        raise ValueError(
            f"{name} has {array.shape[1]} columns; expected {width}, as many as what it is held "
            "against has dimensions."
        )
    check_finite(name, array, "Leave these rows out.")
    return array


def as_pairs(true: Any, decoded: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return true and decoded embeddings, or scores, of the same trials."""
    true = as_rows("true", true, least=2)
    decoded = as_rows("decoded", decoded, true.shape[1])
    if len(true) != len(decoded):
        raise ValueError(
            f"true has {len(true)} rows and decoded {len(decoded)}; give both for the same trials, "
            "in the same order."
        )
    return true, decoded


def as_items(name: str, items: Any, true: np.ndarray) -> np.ndarray:
    """Return numbers of the pictures from 0; without items, equal true rows are one picture."""
    if items is None:
        return np.unique(true, axis=0, return_inverse=True)[1].reshape(-1)
    items = as_array(name, items)
    if items.shape != (len(true),) or items.dtype.kind not in "iuUS":
        raise ValueError(
            f"{name} has shape {items.shape} and type {items.dtype}; expected the picture of each "
            f"of the {len(true)} trials, an integer or a string."
        )
    return np.unique(items, return_inverse=True)[1].reshape(-1)


def as_participants(
    embeddings: Any, responses: Any
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the embeddings of each participant's pictures, and the responses to them."""
    for name, values in {"embeddings": embeddings, "responses": responses}.items():
        if not isinstance(values, Mapping) or not values:
            raise ValueError(
                f"{name} is {type(values).__name__}; expected a mapping from the names of the "
                "participants, one or more, to an array each."
            )
    if list(embeddings) != list(responses):
        raise ValueError(
            f"embeddings are of {', '.join(map(str, embeddings))} and responses of "
            f"{', '.join(map(str, responses))}; give the same participants in the same order."
        )
    width, seen, answered = None, {}, {}
    for who in embeddings:
        seen[who] = as_rows(f"embeddings[{who!r}]", embeddings[who], width, 2)
        answered[who] = as_rows(f"responses[{who!r}]", responses[who], None, 2)
        width = seen[who].shape[1]
        if len(seen[who]) != len(answered[who]):
            raise ValueError(
                f"embeddings[{who!r}] has {len(seen[who])} rows and responses[{who!r}] "
                f"{len(answered[who])}; give one row a picture in both."
            )
    return seen, answered


def orthonormal_rows(name: str, rows: np.ndarray, n: int | None = None) -> np.ndarray:
    """Return the leading right singular vectors of rows: all of their span, or n of them."""
    n = min(rows.shape) if n is None else n
    _, values, directions = np.linalg.svd(rows, full_matrices=False)
    rank = int(np.sum(values > _RANK * values[0]))
    if rank < n:
        raise ValueError(
            f"{name}: {len(rows)} rows of {rows.shape[1]} dimensions span {rank}; {n} directions "
            "were asked for. Leave out rows that are zero or sums of others."
        )
    return directions[:n]


def centred_svd(name: str, rows: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decompose centred rows; refuse if they have fewer than n dimensions with variance."""
    left, values, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    kept = values > _RANK * values[0]
    if kept.sum() < n or values[0] == 0:
        raise ValueError(
            f"n_components={n}: {name} ({len(rows)} rows) varies in {int(kept.sum())} dimensions; "
            "ask for fewer components or give more trials."
        )
    return left[:, kept], values[kept], right[kept]


def leading_positive(rows: np.ndarray) -> np.ndarray:
    """Return the signs, (n_rows,), that make the largest entry of each row positive."""
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    return np.where(largest < 0, -1.0, 1.0)


def check_choice(name: str, value: Any, known: tuple[str, ...]) -> None:
    """Raise unless a value is one of those that are known."""
    if value not in known:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(repr, known))}.")


def check_positive(name: str, value: Any) -> None:
    """Raise unless a value is a finite number above 0."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 < value < np.inf:
        raise ValueError(f"{name}={value!r}: expected a finite number above 0.")
