"""Ridge regression from responses to embeddings, the penalty chosen by identification."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from sdc_helpers._checks import as_array, check_count, check_device, unit_rows
from sdc_helpers.decoding._base import Decoder, as_trials
from sdc_helpers.decoding._inputs import Fold, first_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor

_ALPHAS = tuple(np.logspace(0, 7, 15))
_BLOCK = 2048  # trials or voxels turned to float64 at a time


class RidgeDecoder(Decoder):
    """Decode embeddings by ridge regression with one penalty for all dimensions.

    The penalty is the one with the highest top-1 accuracy on the validation fold, as in the 2025
    study of shared decodable concepts; without a validation fold on average over folds of the
    training images. Responses and embeddings are centred by the training trials. Computed in
    float64.

    Parameters
    ----------
    alphas : sequence of float, optional
        Penalties to choose from; by default 15 from 1 to 10^7, evenly in the logarithm. Of
        equally good ones the largest is taken.
    cv : int, default=5
        Number of folds of the training images where there is no validation fold.
    device : str, default="cpu"
        Torch device to compute on.
    random_state : int, default=0
        Seed of the folds.

    Attributes
    ----------
    alpha_ : float
        The chosen penalty.
    coef_ : float64 array of shape (n_voxels, n_dims)
        Weights, one row a voxel: the transpose of what scikit-learn's linear models have.
    intercept_ : float64 array of shape (n_dims,)
        Intercept of each dimension of the embeddings.
    validation_curve_ : pandas.DataFrame
        Columns alpha, top_1 and cosine (of decoded and true embedding) on held-out trials; without
        rows if there is only one penalty.
    n_dims_ : int
        Number of dimensions of the embeddings.
    n_features_in_ : int
        Number of voxels.

    See Also
    --------
    ContrastiveDecoder : A decoder that is trained to tell images apart.
    score_decoding : Further scores, with intervals and chance.

    Examples
    --------
    Responses of 20 voxels that are linear in the embeddings, with noise:

    >>> import numpy as np
    >>> from sdc_helpers.decoding import RidgeDecoder
    >>> rng = np.random.default_rng(0)
    >>> embeddings = rng.normal(size=(50, 4))
    >>> embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    >>> items = np.repeat(np.arange(50), 3)  # three trials of each of 50 images
    >>> X = embeddings[items] @ rng.normal(size=(4, 20)) + 0.5 * rng.normal(size=(150, 20))
    >>> Y = embeddings[items]
    >>> train = items < 40
    >>> decoder = RidgeDecoder([0.1, 1.0, 10.0, 100.0, 1000.0])
    >>> decoder = decoder.fit(X[train], Y[train], items=items[train])
    >>> decoder.coef_.shape
    (20, 4)
    >>> decoder.score(X[~train], Y[~train], items[~train]) > 0.8  # chance is 1 / 10
    True
    """

    def __init__(
        self,
        alphas: Sequence[float] | None = None,
        *,
        cv: int = 5,
        device: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.alphas = alphas
        self.cv = cv
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        X: np.ndarray,
        Y: np.ndarray,
        *,
        items: np.ndarray | None = None,
        validation: tuple | None = None,
        allow_shared_images: bool = False,
    ) -> RidgeDecoder:
        """Choose the penalty and fit the weights to the training trials.

        Parameters
        ----------
        X, Y, items, validation, allow_shared_images
            Arguments of `sdc_helpers.decoding.ContrastiveDecoder.fit`.

        Returns
        -------
        RidgeDecoder
            The decoder itself, fitted.

        Raises
        ------
        ValueError
            In the cases that `ContrastiveDecoder.fit` lists, and if penalties are not positive or
            there are fewer images than folds need.

        Warns
        -----
        UserWarning
            If the chosen penalty is the smallest or the largest of several.
        """
        import pandas as pd

        alphas = self._checked_alphas()
        check_count("cv", self.cv, 2)
        device = check_device(self.device)
        train, held_out = self._folds(X, Y, items, validation, allow_shared_images)
        curve = np.empty((0, 2))
        if len(alphas) > 1:
            pairs = [(train, held_out)] if held_out is not None else self._cross_folds(train)
            curve = np.mean([_curve(*pair, alphas, device) for pair in pairs], axis=0)
        best = len(alphas) - 1 - int(curve[::-1, 0].argmax()) if len(curve) else 0
        if len(alphas) > 1 and best in (0, len(alphas) - 1):
            warnings.warn(
                f"The chosen penalty {alphas[best]:g} is the {'largest' if best else 'smallest'} "
                "of alphas; a better one may lie beyond it.",
                UserWarning,
                stacklevel=2,
            )
        self.alpha_ = float(alphas[best])
        self.validation_curve_ = pd.DataFrame(
            {"alpha": alphas[: len(curve)], "top_1": curve[:, 0], "cosine": curve[:, 1]}
        )
        problem = _Problem(train, device)
        self.coef_ = problem.weights(self.alpha_).cpu().numpy()
        self.intercept_ = problem.y_mean.cpu().numpy() - problem.x_mean @ self.coef_
        self.n_dims_ = train.Y.shape[1]
        return self

    def predict_raw(self, X: np.ndarray) -> np.ndarray:
        """Decode responses without scaling to unit length, X W + b, as R^2 needs them.

        Parameters
        ----------
        X : array of shape (n_trials, n_voxels)
            Responses, z-scored as those of the training trials.

        Returns
        -------
        float64 array of shape (n_trials, n_dims)
            Decoded embeddings; their lengths differ.

        Raises
        ------
        ValueError
            If X has another number of voxels than in `fit` or is not finite.
        """
        check_is_fitted(self)
        X = validate_data(self, as_trials("X", X), reset=False, dtype=np.float32)
        decoded = np.empty((len(X), self.n_dims_))
        for start in range(0, len(X), _BLOCK):
            rows = slice(start, start + _BLOCK)
            decoded[rows] = X[rows].astype(np.float64) @ self.coef_ + self.intercept_
        return decoded

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Decode responses as embeddings of unit length.

        Parameters
        ----------
        X : array of shape (n_trials, n_voxels)
            Responses, z-scored as those of the training trials.

        Returns
        -------
        float64 array of shape (n_trials, n_dims)
            Decoded embeddings, unit length.

        Raises
        ------
        ValueError
            If X has another number of voxels than in `fit` or is not finite.
        """
        return unit_rows(self.predict_raw(X))

    def _checked_alphas(self) -> np.ndarray:
        alphas = np.atleast_1d(as_array("alphas", _ALPHAS if self.alphas is None else self.alphas))
        numbers = alphas.dtype.kind in "fiu" and alphas.ndim == 1 and alphas.size > 0
        if not numbers or not np.all(np.isfinite(alphas) & (alphas > 0)):
            raise ValueError(f"alphas={self.alphas!r}: expected positive finite numbers.")
        return np.unique(alphas.astype(float))

    def _cross_folds(self, train: Fold) -> Iterator[tuple[Fold, Fold]]:
        """Give pairs of folds that share no image."""
        images = np.unique(train.items)
        if len(images) < 2 * self.cv:
            raise ValueError(
                f"cv={self.cv}: {len(images)} training images are too few for folds of at least "
                "2 images. Give a validation fold, or one alpha."
            )
        rng = np.random.default_rng(self.random_state)
        for part in np.array_split(rng.permutation(images), self.cv):
            out = np.isin(train.items, part)
            yield tuple(
                Fold(train.X[side], train.Y[side], train.items[side]) for side in (~out, out)
            )


class _Problem:
    """Centred ridge regression on the smaller of its two sides.

    With at least as many trials as voxels the weights solve (X'X + a) W = X'Y, else they are
    X' C with (XX' + a) C = Y: both are kernel ridge with a square matrix of the smaller size.
    """

    def __init__(self, fold: Fold, device: torch.device) -> None:
        import torch

        self.device = device
        self.X = fold.X
        self.x_mean = fold.X.mean(axis=0, dtype=np.float64)
        Y = torch.from_numpy(fold.Y).to(device, torch.float64)
        self.y_mean = Y.mean(dim=0)
        Y = Y - self.y_mean
        n, n_voxels = fold.X.shape
        self.primal = n >= n_voxels
        size = min(n, n_voxels)
        self.gram = torch.zeros((size, size), dtype=torch.float64, device=device)
        if self.primal:
            self.targets = torch.zeros((size, Y.shape[1]), dtype=torch.float64, device=device)
            for rows in _blocks(n):
                x = self.centred(fold.X[rows])
                self.gram.addmm_(x.T, x)
                self.targets.addmm_(x.T, Y[rows])
        else:
            self.targets = Y
            for voxels in _blocks(n_voxels):
                x = self.centred(fold.X[:, voxels], voxels)
                self.gram.addmm_(x, x.T)

    def centred(self, X: np.ndarray, voxels: slice = slice(None)) -> Tensor:
        """Return responses less the training mean, in float64 on the device."""
        import torch

        return torch.from_numpy(X - self.x_mean[voxels]).to(self.device)

    def against(self, X: np.ndarray) -> Tensor:
        """Return what times a solution of the square problem decodes X, less the mean."""
        if self.primal:
            return self.centred(X)
        return sum(
            self.centred(X[:, v], v) @ self.centred(self.X[:, v], v).T for v in _blocks(X.shape[1])
        )

    def weights(self, alpha: float) -> Tensor:
        """Weights (n_voxels, n_dims) by one solution of the square problem, without its basis."""
        import torch

        penalised = self.gram.clone()
        penalised.diagonal().add_(alpha)
        solution = torch.linalg.solve(penalised, self.targets)
        if self.primal:
            return solution
        n_voxels = self.X.shape[1]
        return torch.cat([self.centred(self.X[:, v], v).T @ solution for v in _blocks(n_voxels)])


def _curve(train: Fold, held_out: Fold, alphas: np.ndarray, device: torch.device) -> np.ndarray:
    """Top-1 accuracy and mean cosine of each penalty, (n_alphas, 2), by one decomposition.

    All dimensions decide together. Libraries of ridge regression score penalties by dimension, so
    the solutions of one eigenbasis are read out directly.
    """
    import torch
    from torch.nn.functional import normalize

    from sdc_helpers.decoding._networks import nearest_is_own

    problem = _Problem(train, device)
    values, vectors = torch.linalg.eigh(problem.gram)
    values = values.clamp(min=0)[:, None]
    rotated = vectors.T @ problem.targets
    readers = [problem.against(held_out.X[rows]) @ vectors for rows in _blocks(len(held_out.X))]
    true = torch.from_numpy(held_out.Y).to(device, torch.float64)
    distinct, first = first_rows(held_out.Y, held_out.items, "validation Y")
    own = torch.from_numpy(np.searchsorted(distinct, held_out.items)).to(device)
    gallery = true[torch.from_numpy(first).to(device)]
    scores = []
    for alpha in alphas:
        solution = rotated / (values + alpha)
        decoded = normalize(torch.cat([r @ solution for r in readers]) + problem.y_mean, dim=1)
        hits = nearest_is_own(decoded, own, gallery).double().mean()
        scores.append([float(hits), float((decoded * true).sum(dim=1).mean())])
    return np.array(scores)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK))
