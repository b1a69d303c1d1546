"""Checks and small conversions that decoders and metrics share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_finite, check_unit_rows

_UNIT_TOLERANCE = 1e-3  # half-precision embeddings are unit length to about this
_SAME_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Fold:
    """The trials of one side of a split.

    Attributes
    ----------
    X : float32 array of shape (n_trials, n_voxels), or MappedTrials
        Responses of the voxels in each trial.
    Y : float32 array of shape (n_trials, n_dims)
        Embedding of the image of each trial, unit length.
    items : int64 array of shape (n_trials,)
        Image of each trial; a number is the same image in the training and the validation fold.
    """

    X: Any
    Y: np.ndarray
    items: np.ndarray


def check_matrix(values: Any, name: str, dtype: type = np.float64) -> np.ndarray:
    """Return a finite 2-D float array, or say what is wrong with it."""
    values = as_array(name, values)
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} must be a 2-D array of real numbers with at least one row and column, got "
            f"shape {values.shape} of {values.dtype}."
        )
    values = values.astype(dtype, copy=False)
    check_finite(name, values, "Leave these trials out.")
    return values


def check_items(items: Any, n_rows: int, name: str = "items") -> np.ndarray:
    """Return the image of each row as a 1-D array of integers or strings."""
    items = as_array(name, items)
    if items.ndim != 1 or len(items) != n_rows or items.dtype.kind not in "iuUS":
        raise ValueError(
            f"{name} must name the image of each of the {n_rows} rows by an integer or a string, "
            f"got shape {items.shape} of {items.dtype}."
        )
    return items


def row_items(Y: np.ndarray) -> np.ndarray:
    """Give each row a number, equal rows the same: equal embeddings are one image."""
    rows = np.ascontiguousarray(Y + 0.0)  # -0 and 0 are one number of two bit patterns
    as_bytes = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    return np.unique(as_bytes, return_inverse=True)[1].reshape(-1)


def make_folds(
    train: tuple[Any, np.ndarray, Any],
    validation: tuple[Any, np.ndarray, Any] | None,
    allow_shared_images: bool,
) -> tuple[Fold, Fold | None]:
    """Check both folds (X, Y, items) against each other and number their images together.

    Raises
    ------
    ValueError
        If rows do not match, rows of Y are not unit length, an image has two embeddings, fewer
        than two images train, or an image is in both folds without permission.
    """
    parts = [train] if validation is None else [train, validation]
    names = ["", "validation "][: len(parts)]
    for (X, Y, _), name in zip(parts, names, strict=True):
        if len(X) != len(Y):
            raise ValueError(f"{name}X has {len(X)} trials, {name}Y has {len(Y)}.")
        check_unit_rows(f"{name}Y", Y)
        if X.shape[1] != train[0].shape[1] or Y.shape[1] != train[1].shape[1]:
            raise ValueError(
                f"The validation fold has {X.shape[1]} voxels and {Y.shape[1]} dimensions, the "
                f"training fold {train[0].shape[1]} and {train[1].shape[1]}."
            )
    given = [part[2] is not None for part in parts]
    if any(given) and not all(given):
        raise ValueError("Give items for the training and the validation fold, or for neither.")
    if all(given):
        labels = [
            check_items(items, len(X), f"{name}items")
            for (X, _, items), name in zip(parts, names, strict=True)
        ]
        codes = np.unique(np.concatenate(labels), return_inverse=True)[1].reshape(-1)
    else:
        codes = row_items(np.concatenate([part[1] for part in parts]))
    codes = np.split(codes.astype(np.int64), [len(train[0])])
    folds = [Fold(X, Y, c) for (X, Y, _), c in zip(parts, codes, strict=False)]
    for fold, name in zip(folds, names, strict=True):
        first_rows(fold.Y, fold.items, f"{name}Y")
    if len(np.unique(folds[0].items)) < 2:
        raise ValueError(
            "All training trials show one image: there is nothing to tell it from. Give trials "
            "of at least 2 images, and items if different images have equal embeddings."
        )
    if validation is None:
        return folds[0], None
    shared = np.intersect1d(folds[0].items, folds[1].items)
    if len(shared) and not allow_shared_images:
        raise ValueError(
            f"{len(shared)} of {len(np.unique(folds[1].items))} validation images are training "
            "images too, so that validation would reward memory. Split by image (see "
            "sdc_helpers.datasets.splits), or pass allow_shared_images=True to see what it does."
        )
    return folds[0], folds[1]


def first_rows(Y: np.ndarray, items: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct items, ascending, and the first row of each.

    Raises
    ------
    ValueError
        If rows of Y of one item differ.
    """
    distinct, first, inverse = np.unique(items, return_index=True, return_inverse=True)
    for start in range(0, len(Y), 4096):
        rows = slice(start, start + 4096)
        apart = np.abs(Y[rows] - Y[first[inverse[rows]]]).max(axis=1)
        if apart.max() > _SAME_TOLERANCE:
            row = start + int(apart.argmax())
            raise ValueError(
                f"{name} has two embeddings of image {items[row].item()!r}: rows "
                f"{first[inverse[row]]} and {row} differ by {apart.max():.3g}. One image has one "
                "embedding."
            )
    return distinct, first
