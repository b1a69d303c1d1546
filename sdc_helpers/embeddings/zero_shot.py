"""Zero-shot classification: the nearest class name (Radford et al. 2021, section 3.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, unit_rows
from sdc_helpers.embeddings._vectors import check_same_width, check_vectors
from sdc_helpers.measures import Interval

_BLOCK_ROWS = 8192
_Z95 = 1.959963984540054  # 97.5% of a normal distribution lie below


@dataclass(frozen=True, eq=False)
class ZeroShot:
    """Predicted classes, and how many are right.

    Attributes
    ----------
    predictions : numpy.ndarray of int64, shape (n,)
        Class with the largest cosine, see `nearest_class`.
    n_classes : int
        Number of classes.
    accuracy : Interval
        Share of right predictions with its 95% Wilson interval; chance is 1 / n_classes, a class
        drawn at random.
    most_frequent : float
        Accuracy of always naming the most frequent label; above chance for unequal classes.
    """

    predictions: np.ndarray
    n_classes: int
    accuracy: Interval
    most_frequent: float


def nearest_class(image_embeddings: Any, class_embeddings: Any) -> np.ndarray:
    """Name the nearest class embedding of each picture, by cosine.

    Parameters
    ----------
    image_embeddings : array of shape (n, d)
        Embeddings of the pictures; cosines are compared, so that only a length of 0 is refused.
    class_embeddings : array of shape (n_classes, d)
        Embeddings of the class names: one row a class, two classes or more.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Rows of `class_embeddings`; the first of several equally near ones.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, or a vector is zero.
    """
    images = check_vectors(image_embeddings, "image_embeddings")
    classes = check_vectors(class_embeddings, "class_embeddings")
    check_same_width(image_embeddings=images, class_embeddings=classes)
    if len(classes) < 2:
        raise ValueError("class_embeddings must hold two classes or more, got 1.")
    classes = unit_rows(classes, "class_embeddings")
    return np.concatenate(
        [
            np.argmax(unit_rows(images[i : i + _BLOCK_ROWS], "image_embeddings") @ classes.T, 1)
            for i in range(0, len(images), _BLOCK_ROWS)
        ]
    )


def zero_shot(image_embeddings: Any, class_embeddings: Any, labels: np.ndarray) -> ZeroShot:
    """Classify pictures by the nearest class embedding, and count how many are right.

    Parameters
    ----------
    image_embeddings, class_embeddings
        Arguments of `nearest_class`.
    labels : int array of shape (n,)
        True classes, as rows of `class_embeddings`.

    Returns
    -------
    ZeroShot
        The predicted classes and the accuracy with its interval.

    Raises
    ------
    ValueError
        In the cases that `nearest_class` lists, and if labels are no rows of `class_embeddings`.

    See Also
    --------
    linear_probe : Classes read by a model that is trained on labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import zero_shot
    >>> classes = np.eye(3)  # embeddings of three class names
    >>> images = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.1], [0.6, 0.1, 0.5]])
    >>> result = zero_shot(images, classes, labels=[0, 1, 2])
    >>> result.predictions.tolist(), round(result.accuracy.value, 2)
    ([0, 1, 0], 0.67)
    """
    predictions = nearest_class(image_embeddings, class_embeddings)
    n_classes = len(class_embeddings)
    labels = _check_labels(labels, len(predictions), n_classes)
    n_right = int(np.count_nonzero(predictions == labels))
    return ZeroShot(
        predictions=predictions,
        n_classes=n_classes,
        accuracy=_wilson_interval(n_right, len(labels), chance=1 / n_classes),
        most_frequent=float(np.bincount(labels).max() / len(labels)),
    )


def _wilson_interval(n_right: int, n: int, chance: float) -> Interval:
    """95% interval of a share that holds up near 0 and 1 (Wilson 1927)."""
    share, z2 = n_right / n, _Z95**2
    middle = share + z2 / (2 * n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    low, high = max(0.0, (middle - half) / (1 + z2 / n)), min(1.0, (middle + half) / (1 + z2 / n))
    return Interval(share, low, high, chance=chance)


def _check_labels(labels: Any, n: int, n_classes: int) -> np.ndarray:
    labels = as_array("labels", labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {n} integers, one a picture, got {labels.dtype} of shape "
            f"{labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(
            f"labels must be from 0 to {n_classes - 1}, the rows of class_embeddings, got "
            f"{labels.min()} to {labels.max()}."
        )
    return labels
