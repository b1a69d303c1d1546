"""The space of embeddings in which every direction carries the same variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdc_helpers._checks import as_array, unit_rows


@dataclass(frozen=True, eq=False)
class WhiteSpace:
    """Leading principal components of embeddings, at equal variance.

    Attributes
    ----------
    mean : float array of shape (n_dims,)
        Mean of the embeddings, subtracted first.
    axes : float array of shape (n_dims, n_components)
        Principal axes, each divided by the standard deviation along it.
    explained : float
        Share of the variance that these axes carry, from 0 to 1.
    """

    mean: np.ndarray
    axes: np.ndarray
    explained: float

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Return embeddings in this space at unit length, float32 (n, n_components).

        Texts have another mean than images (the modality gap): take it off before, and add
        `mean`.
        """
        white = (as_array("vectors", vectors, float) - self.mean) @ self.axes
        return unit_rows(white, "vectors").astype(np.float32)

    def directions(self, concepts: np.ndarray) -> np.ndarray:
        """Return directions of this space as unit directions of the embeddings, (n, n_dims).

        The inner product of centred embeddings with the one is that of their white coordinates
        with the other, up to a positive factor.
        """
        return unit_rows(as_array("concepts", concepts, float) @ self.axes.T, "concepts")


def white_space(vectors: np.ndarray, n_components: int) -> WhiteSpace:
    """Find the white space of some embeddings.

    Parameters
    ----------
    vectors : array of shape (n, n_dims)
        Embeddings of the training images, each once.
    n_components : int
        Principal components to keep.

    Returns
    -------
    WhiteSpace
        Mean and axes, and how to transform with them.

    Raises
    ------
    ValueError
        If there are not as many components with variance, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.embeddings import white_space
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.normal(size=(500, 4)) * [4, 3, 1, 1]
    >>> space = white_space(vectors, n_components=2)
    >>> space.transform(vectors).shape, 0.8 < space.explained < 1
    ((500, 2), True)
    """
    vectors = as_array("vectors", vectors, float)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(f"vectors has shape {vectors.shape}; expected finite rows.")
    mean = vectors.mean(axis=0)
    covariance = np.cov(vectors - mean, rowvar=False, bias=True).reshape(len(mean), -1)
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    n_available = int(np.sum(variances > 1e-10 * variances[0]))
    if not 1 <= n_components <= n_available:
        raise ValueError(
            f"n_components={n_components!r}: the {len(vectors)} embeddings have {n_available} "
            "principal components; expected a number from 1 to that."
        )
    axes, kept = axes[:, :n_components], variances[:n_components]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    return WhiteSpace(mean, axes / np.sqrt(kept), float(kept.sum() / variances.sum()))
