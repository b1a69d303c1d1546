"""Subspaces with closed solutions, to hold decodable components against.

Principal components and canonical correlation take the same pairs of true and decoded embeddings;
the singular vectors of encoding weights take embeddings and responses, and no decoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sdc_helpers._checks import as_array, check_count, unit_rows
from sdc_helpers.concepts._component_inputs import (
    as_items,
    as_pairs,
    as_participants,
    as_rows,
    centred_svd,
    check_choice,
    leading_positive,
)
from sdc_helpers.concepts._embedding_scores import EmbeddingScores

_ALPHAS = tuple(np.logspace(-2, 4, 13))


class PrincipalComponents(EmbeddingScores):
    """Principal components of the true or of the decoded embeddings: a baseline.

    Those of the true embeddings do not know what can be decoded. Those of the decoded ones do, as a
    decoder shrinks what it cannot read: they are the baseline to beat.

    Parameters
    ----------
    n_components : int, default=16
        Number K of components.
    side : {"decoded", "true"}, default="decoded"
        Which embeddings they are of.

    Attributes
    ----------
    components_ : float64 array of shape (K, D)
        Orthonormal directions, by falling variance.
    scale_ : float64 array of shape (K,)
        Ones.
    mean_ : float64 array of shape (D,)
        Mean of the true embeddings over trials.
    explained_variance_ratio_ : float64 array of shape (K,)
        Share of the variance of that side.

    See Also
    --------
    DecodableComponents, CanonicalComponents

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import PrincipalComponents
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(size=(400, 6))
    >>> decoded = true * [1, 1, 0, 0, 0, 0]
    >>> PrincipalComponents(2).fit(true, decoded).transform(true).shape
    (400, 2)
    """

    def __init__(self, n_components: int = 16, side: str = "decoded") -> None:
        self.n_components = n_components
        self.side = side

    def fit(
        self, true: np.ndarray, decoded: np.ndarray, *, items: np.ndarray | None = None
    ) -> PrincipalComponents:
        """Decompose one side.

        Parameters
        ----------
        true, decoded, items
            Arguments of `DecodableComponents.fit`; every trial counts once, so that items are
            checked and not used.

        Returns
        -------
        PrincipalComponents
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range, arrays do not match or are not finite, or that side
            varies in fewer dimensions.
        """
        from sklearn.decomposition import PCA

        n = check_count("n_components", self.n_components, 1)
        check_choice("side", self.side, ("decoded", "true"))
        true, decoded = as_pairs(true, decoded)
        as_items("items", items, true)
        rows = true if self.side == "true" else decoded
        centred_svd(self.side, rows, n)  # refuses what has too few dimensions
        found = PCA(n, svd_solver="full").fit(rows)
        self.explained_variance_ratio_ = found.explained_variance_ratio_
        self._keep(found.components_, true.mean(axis=0))
        return self


class CanonicalComponents(EmbeddingScores):
    """Canonical correlation of true and decoded embeddings: a baseline.

    The pairs of directions on which both are correlated most (Hotelling 1936). The true and the
    decoded side have directions of their own.

    Parameters
    ----------
    n_components : int, default=16
        Number K of pairs of directions.
    weighting : {"none", "correlation"}, default="none"
        "correlation" multiplies both scores by sqrt(rho / (1 - rho^2)): for jointly normal scores
        of unit variance their product is then the part of the log likelihood that depends on both.

    Attributes
    ----------
    components_, decoded_components_ : float64 arrays of shape (K, D)
        Directions of the true and of the decoded side, rows of length 1.
    scale_, decoded_scale_ : float64 arrays of shape (K,)
        What makes the variance of each score over the trials of `fit` 1, times the weight.
    mean_, decoded_mean_ : float64 arrays of shape (D,)
        Means over trials.
    correlations_ : float64 array of shape (K,)
        Canonical correlations rho of the trials of `fit`, falling.

    See Also
    --------
    DecodableComponents, PrincipalComponents

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import CanonicalComponents
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(size=(400, 6))
    >>> decoded = true * [1, 1, 0, 0, 0, 0] + 0.1 * rng.normal(size=(400, 6))
    >>> CanonicalComponents(2).fit(true, decoded).correlations_.round(1).tolist()
    [1.0, 1.0]
    """

    def __init__(self, n_components: int = 16, weighting: str = "none") -> None:
        self.n_components = n_components
        self.weighting = weighting

    def fit(
        self, true: np.ndarray, decoded: np.ndarray, *, items: np.ndarray | None = None
    ) -> CanonicalComponents:
        """Find the pairs of directions, by the singular values of the product of orthonormal bases.

        Parameters
        ----------
        true, decoded, items
            Arguments of `DecodableComponents.fit`; every trial counts once, so that items are
            checked and not used.

        Returns
        -------
        CanonicalComponents
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range, arrays do not match or are not finite, a side varies in
            fewer dimensions, or scores to be weighted are perfectly correlated.
        """
        n = check_count("n_components", self.n_components, 1)
        check_choice("weighting", self.weighting, ("none", "correlation"))
        true, decoded = as_pairs(true, decoded)
        as_items("items", items, true)
        bases = [centred_svd(*side, n) for side in (("true", true), ("decoded", decoded))]
        left, rho, right = np.linalg.svd(bases[0][0].T @ bases[1][0])
        self.correlations_ = rho[:n].clip(max=1)
        weights = np.sqrt(len(true)) * self._weights()[:, None]
        rows, decoded_rows = (
            weights * (turn[:n] / values) @ axes
            for turn, (_, values, axes) in zip((left.T, right), bases, strict=True)
        )
        signs = leading_positive(rows)[:, None]
        self._keep(signs * rows, true.mean(axis=0))
        self.decoded_components_ = unit_rows(signs * decoded_rows, "components")
        self.decoded_scale_ = np.linalg.norm(decoded_rows, axis=1)
        self.decoded_mean_ = decoded.mean(axis=0)
        return self

    def transform_decoded(self, X: np.ndarray) -> np.ndarray:
        """Score decoded embeddings on the directions of the decoded side.

        Parameters
        ----------
        X : array of shape (n, D)
            Decoded embeddings.

        Returns
        -------
        float64 array of shape (n, K)

        Raises
        ------
        ValueError
            If X has other dimensions than in `fit` or is not finite.
        """
        check_is_fitted(self)
        X = as_rows("X", X, self.components_.shape[1])
        return (X - self.decoded_mean_) @ self.decoded_components_.T * self.decoded_scale_

    def _weights(self) -> np.ndarray:
        if self.weighting == "none":
            return np.ones(len(self.correlations_))
        unexplained = 1 - self.correlations_**2
        if unexplained.min() < 1e-9:
            raise ValueError(
                f"weighting={self.weighting!r}: {int((unexplained < 1e-9).sum())} scores are "
                "perfectly correlated, as always with fewer trials than dimensions; give more "
                "trials, or take weighting='none'."
            )
        return np.sqrt(self.correlations_ / unexplained)


class EncodingComponents(EmbeddingScores):
    """Directions of the embedding that most response variance goes along: a baseline.

    Ridge regression from embeddings to the responses of each voxel; the right singular vectors of
    the weights, voxels of all participants stacked. No decoder enters.

    Parameters
    ----------
    n_components : int, default=16
        Number K of directions.
    alphas : sequence of float, optional
        Penalties to choose from by leave-one-picture-out error, one for all voxels of a
        participant; by default 13 from .01 to 10^4, evenly in the logarithm.

    Attributes
    ----------
    components_ : float64 array of shape (K, D)
        Orthonormal directions, by falling singular value.
    scale_ : float64 array of shape (K,)
        Ones.
    mean_ : float64 array of shape (D,)
        Mean of the embeddings, those of all participants stacked.
    singular_values_ : float64 array of shape (K,)
        Lengths of the stacked weights along the directions.
    alphas_ : dict of str to float
        The chosen penalty of each participant.

    See Also
    --------
    CortexAxes : Axes inside this or another subspace.

    Examples
    --------
    Voxels of two participants that answer to two of six dimensions:

    >>> import numpy as np
    >>> from sdc_helpers.concepts import EncodingComponents
    >>> rng = np.random.default_rng(0)
    >>> embeddings = {who: rng.normal(size=(100, 6)) for who in "ab"}
    >>> responses = {who: Y[:, :2] @ rng.normal(size=(2, 9)) for who, Y in embeddings.items()}
    >>> model = EncodingComponents(2).fit(embeddings, responses)
    >>> np.linalg.norm(model.components_[:, :2], axis=1).round(2).tolist()
    [1.0, 1.0]
    """

    def __init__(self, n_components: int = 16, alphas: Sequence[float] | None = None) -> None:
        self.n_components = n_components
        self.alphas = alphas

    def fit(
        self, embeddings: Mapping[str, np.ndarray], responses: Mapping[str, np.ndarray]
    ) -> EncodingComponents:
        """Fit encoding weights and decompose them.

        Parameters
        ----------
        embeddings : mapping of str to array of shape (n_pictures, D)
            Embeddings of the training pictures of each participant, each picture once.
        responses : mapping of str to array of shape (n_pictures, n_voxels)
            Mean responses of each participant's voxels to them.

        Returns
        -------
        EncodingComponents
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range, participants or rows do not match, values are not
            finite, or the weights span fewer directions.
        """
        from sklearn.linear_model import RidgeCV

        n = check_count("n_components", self.n_components, 1)
        alphas = as_array("alphas", _ALPHAS if self.alphas is None else self.alphas, float)
        if alphas.ndim != 1 or not len(alphas) or not (np.isfinite(alphas) & (alphas > 0)).all():
            raise ValueError(f"alphas={self.alphas!r}: expected positive finite numbers.")
        seen, answered = as_participants(embeddings, responses)
        fits = {who: RidgeCV(alphas).fit(seen[who], answered[who]) for who in seen}
        weights = np.concatenate([np.atleast_2d(fit.coef_) for fit in fits.values()])
        _, values, directions = np.linalg.svd(weights, full_matrices=False)
        rank = int(np.sum(values > 1e-8 * values[0]))
        if rank < n:
            raise ValueError(
                f"n_components={n}: the encoding weights of {len(weights)} voxels span {rank} "
                "directions; ask for fewer."
            )
        self.alphas_ = {who: float(fit.alpha_) for who, fit in fits.items()}
        self.singular_values_ = values[:n]
        rows = leading_positive(directions[:n])[:, None] * directions[:n]
        self._keep(rows, np.concatenate(list(seen.values())).mean(axis=0))
        return self
