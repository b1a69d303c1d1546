"""From trials to images: the distinct embeddings of a fold, and means over repetitions."""

from __future__ import annotations

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.decoding._bootstrap import group_sums
from sdc_helpers.decoding._inputs import check_items, check_matrix, first_rows


def distinct_embeddings(Y: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gallery of a fold: the embedding of each of its images once.

    Parameters
    ----------
    Y : array of shape (n_trials, D)
        Embedding of the image of each trial.
    items : array of shape (n_trials,)
        Image of each trial.

    Returns
    -------
    gallery : array of shape (n_images, D)
        Embedding of each image.
    gallery_items : array of shape (n_images,)
        The images, ascending.

    Raises
    ------
    ValueError
        If shapes do not match or the trials of an image differ in their embedding.

    See Also
    --------
    average_repetitions : Means over the trials of each image.
    """
    Y = as_array("Y", Y)
    Y = check_matrix(Y, "Y", Y.dtype)
    items = check_items(items, len(Y))
    distinct, first = first_rows(Y, items, "Y")
    return Y[first], distinct


def average_repetitions(values: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average responses or predictions over the repetitions of each image.

    Parameters
    ----------
    values : array of shape (n_trials, n)
        Responses, or predicted embeddings.
    items : array of shape (n_trials,)
        Image of each trial.

    Returns
    -------
    means : float64 array of shape (n_images, n)
        Mean of each image. A mean of unit predictions that disagree is shorter than unit length.
    distinct : array of shape (n_images,)
        The images, ascending.

    Raises
    ------
    ValueError
        If shapes do not match or a value is not finite.

    See Also
    --------
    distinct_embeddings : The embedding of each image once.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.decoding import average_repetitions
    >>> responses = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> means, images = average_repetitions(responses, ["dog", "cat", "dog"])
    >>> images.tolist(), means.tolist()
    (['cat', 'dog'], [[3.0, 4.0], [3.0, 4.0]])
    """
    values = check_matrix(values, "values")
    items = check_items(items, len(values))
    order = np.argsort(items, kind="stable")
    distinct, starts, counts = np.unique(items[order], return_index=True, return_counts=True)
    return group_sums(values[order], starts) / counts[:, None], distinct
