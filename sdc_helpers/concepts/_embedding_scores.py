"""What components of embeddings have in common: unit rows with a scale and a mean, and scores."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sdc_helpers._checks import check_count, unit_rows
from sdc_helpers.concepts._component_inputs import as_rows, orthonormal_rows


class EmbeddingScores(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of what scores embeddings on unit rows of their space."""

    components_: np.ndarray
    scale_: np.ndarray
    mean_: np.ndarray

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Score embeddings on every component.

        Parameters
        ----------
        X : array of shape (n, D)
            Embeddings, true or decoded.

        Returns
        -------
        float64 array of shape (n, K)
            ``scale_ * (X - mean_) @ components_.T``, and the activation of it where there is one.

        Raises
        ------
        ValueError
            If X has other dimensions than in `fit` or is not finite.
        """
        check_is_fitted(self)
        return self._scores(as_rows("X", X, self.components_.shape[1]))

    def transform_decoded(self, X: np.ndarray) -> np.ndarray:
        """Score decoded embeddings: as `transform`, but for canonical components.

        Parameters
        ----------
        X : array of shape (n, D)
            Decoded embeddings.

        Returns
        -------
        float64 array of shape (n, K)
            Scores.

        Raises
        ------
        ValueError
            If X has other dimensions than in `fit` or is not finite.
        """
        return self.transform(X)

    def subspace(self, n: int | None = None) -> np.ndarray:
        """Return orthonormal directions that span the leading components.

        The rows of contrastive components are in no order: theirs are the n directions along which
        the rows are longest together, the leading right singular vectors.

        Parameters
        ----------
        n : int, optional
            Number of directions; by default as many as there are components or dimensions.

        Returns
        -------
        float64 array of shape (n, D)
            Orthonormal rows.

        Raises
        ------
        ValueError
            If n is larger than that, or the components do not span n directions.
        """
        check_is_fitted(self)
        largest = min(self.components_.shape)
        n = largest if n is None else check_count("n", n, 1)
        if n > largest:
            raise ValueError(f"n={n}: expected at most {largest}, the components there are.")
        return orthonormal_rows("components_", self._leading_rows(n), n)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return (X - self.mean_) @ self.components_.T * self.scale_

    def _leading_rows(self, n: int) -> np.ndarray:
        return self.components_[:n]

    def _keep(self, rows: np.ndarray, mean: np.ndarray) -> None:
        """Store rows of any length as unit rows and their scale."""
        self.components_ = unit_rows(rows, "components")
        self.scale_ = np.linalg.norm(rows, axis=1)
        self.mean_ = mean
        self.n_features_in_ = rows.shape[1]

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)
