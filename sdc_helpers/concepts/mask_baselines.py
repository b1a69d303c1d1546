"""Simple maps of the voxels of a component, beside which masks have to stand.

None of them trains anything through a decoder. A mask says how much of *one decoder* rests on the
voxels; where voxels answer to a component, a map says as well or better, at no cost.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_share
from sdc_helpers.concepts._component_inputs import as_items
from sdc_helpers.concepts._mask_inputs import (
    check_components,
    check_responses,
    check_trials,
    linear_weights,
)
from sdc_helpers.decoding import activation_patterns, average_repetitions
from sdc_helpers.permutations import permutations_of

_N_FOLDS = 5  # of pictures, to choose the lasso's penalty
_PENALTIES = np.logspace(0, -2, 20)  # of the penalty from which all weights are 0


@dataclass(frozen=True, eq=False)
class VoxelMap:
    """A value and a yes or no for each component and voxel.

    Attributes
    ----------
    values : float array of shape (n_components, n_voxels)
        How much each voxel has to do with the component, with the sign of the relation.
    masks : bool array of shape (n_components, n_voxels)
        Voxels that belong to the component.
    """

    values: np.ndarray
    masks: np.ndarray


def lasso_map(
    responses: np.ndarray,
    embeddings: np.ndarray,
    components: np.ndarray,
    *,
    items: np.ndarray | None = None,
    penalty: float | None = None,
    grouped: bool = False,
) -> VoxelMap:
    """Regress each component's score on the voxels with a lasso; its voxels are the mask.

    The lasso takes few of many voxels that say the same: the baseline of the 2023 study.

    Parameters
    ----------
    responses : array of shape (n_trials, n_voxels)
        Responses of one participant, z-scored.
    embeddings : array of shape (n_trials, n_dims)
        Embedding of the picture of each trial.
    components : array of shape (n_components, n_dims)
        Directions of the embedding.
    items : array of shape (n_trials,), optional
        Picture of each trial, integers or strings. Without it, trials with equal embeddings show
        one picture.
    penalty : float, optional
        Share of the penalty from which all weights are 0, above 0 and below 1. By default chosen by
        cross-validation over five folds of the pictures, for each component.
    grouped : bool, default=False
        Whether a voxel is taken for all components or for none (the group lasso, scikit-learn's
        MultiTaskLasso): one mask for all, and weights for each.

    Returns
    -------
    VoxelMap
        Weights, in units of the component's score (standard deviation 1) per unit of response, and
        where they are not 0.

    Raises
    ------
    ValueError
        If penalty is out of range, there are fewer than five pictures to choose it by, or what is
        given is refused by `VoxelMask.fit`.
    """
    from sklearn.exceptions import ConvergenceWarning

    if penalty is not None:
        check_share("penalty", penalty)
    trials = check_trials(responses, embeddings, components)
    pictures = as_items("items", items, as_array("embeddings", embeddings, float))
    if penalty is None and len(np.unique(pictures)) < _N_FOLDS:
        raise ValueError(
            f"items names {len(np.unique(pictures))} pictures; expected {_N_FOLDS} or more to "
            "choose a penalty by. Give penalty, or more pictures."
        )
    X = trials.X.astype(float)
    targets = trials.scores - trials.scores.mean(axis=1, keepdims=True)
    targets /= targets.std(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last weights are good enough
        if grouped:
            values = _lasso(X, targets.T, pictures, penalty)
        else:
            values = np.stack([_lasso(X, target, pictures, penalty) for target in targets])
    return VoxelMap(values, values != 0)


def correlation_map(
    responses: np.ndarray,
    embeddings: np.ndarray,
    components: np.ndarray,
    *,
    items: np.ndarray | None = None,
    alpha: float = 0.05,
    n_permutations: int = 199,
    rng: np.random.Generator | int = 0,
) -> VoxelMap:
    """Correlate each voxel with each component's score; keep what chance hardly ever reaches.

    Whole pictures change places, with pictures of as many repetitions, and the threshold comes from
    the largest absolute correlation over voxels: the chance that a map holds any false voxel is at
    most `alpha`, for each component.

    Parameters
    ----------
    responses, embeddings, components, items
        Parameters of `lasso_map`, which describes them.
    alpha : float, default=0.05
        Level of the test over all voxels of a component.
    n_permutations : int, default=199
        Number of permutations; at least 1 / alpha - 1.
    rng : numpy.random.Generator or int, default=0
        Source of the permutations, or its seed.

    Returns
    -------
    VoxelMap
        Correlations, and where their size is above the threshold.

    Raises
    ------
    ValueError
        If alpha is not between 0 and 1, there are too few permutations for it, no two pictures have
        as many repetitions, or what is given is refused by `VoxelMask.fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import correlation_map
    >>> rng = np.random.default_rng(0)
    >>> Y, X = rng.normal(size=(100, 2)), rng.normal(size=(100, 5))
    >>> X[:, 0] += Y[:, 0]
    >>> correlation_map(X, Y, np.eye(2)).masks[0].tolist()
    [True, False, False, False, False]
    """
    check_share("alpha", alpha)
    check_count("n_permutations", n_permutations, int(np.ceil(1 / alpha - 1 - 1e-9)))
    trials = check_trials(responses, embeddings, components)
    pictures = as_items("items", items, as_array("embeddings", embeddings, float))
    X, scores = _standard(trials.X.T.astype(float)), _standard(trials.scores)
    values = scores @ X.T
    orders = permutations_of(len(pictures), "blocks", blocks=pictures)
    largest = np.stack(
        [np.abs(scores[:, order] @ X.T).max(axis=1) for order in orders.draw(n_permutations, rng)]
    )
    beyond = (np.abs(values)[:, :, None] <= largest.T[:, None, :] + 1e-12).sum(axis=2)
    return VoxelMap(values, (1 + beyond) / (1 + n_permutations) <= alpha)


def pattern_map(
    responses: np.ndarray,
    decoder: Any,
    components: np.ndarray,
    sizes: Sequence[int] | int,
) -> VoxelMap:
    """Turn a linear decoder's read-outs into activation patterns (Haufe et al. 2014).

    Parameters
    ----------
    responses : array of shape (n_trials, n_voxels)
        Responses, as a rule those that trained the decoder.
    decoder : fitted linear decoder, or pair of arrays
        See `VoxelMask.fit`; without a hidden layer.
    components : array of shape (n_components, n_dims)
        Directions of the embedding.
    sizes : int or sequence of int
        Voxels of the mask of each component. A pattern has no threshold of its own.

    Returns
    -------
    VoxelMap
        Patterns of all read-outs together, and the voxels with the largest ones.

    Raises
    ------
    ValueError
        If the decoder is not linear or not fitted, shapes do not match, the read-outs do not vary,
        or a size is not from 0 to the number of voxels.

    See Also
    --------
    sdc_helpers.decoding.activation_patterns : The patterns of all dimensions.
    """
    X, components = check_responses(responses), check_components(components)
    weights, _ = linear_weights(decoder, X.shape[1])
    if weights.shape[1] != components.shape[1]:
        raise ValueError(
            f"components has {components.shape[1]} dimensions, and the decoder has "
            f"{weights.shape[1]}; expected directions of the space that is decoded."
        )
    values = activation_patterns(X, weights @ components.T).T
    return VoxelMap(values, top_voxels(values, sizes))


def loading_map(
    responses: np.ndarray,
    embeddings: np.ndarray,
    components: np.ndarray,
    *,
    items: np.ndarray | None = None,
    min_share: float = 0.5,
) -> VoxelMap:
    """Regress every voxel on all components at once; a voxel goes to what explains most of it.

    The scores are whitened by the symmetric root, which changes them least, so that the squares of
    a voxel's loadings share out what is explained of its mean response to each picture.

    Parameters
    ----------
    responses, embeddings, components, items
        Parameters of `lasso_map`, which describes them; as a rule of training trials.
    min_share : float, default=0.5
        Share of what is explained of a voxel's variance above which it belongs to a component.

    Returns
    -------
    VoxelMap
        Shares with the sign of the loading, and where the share is above `min_share`.

    Raises
    ------
    ValueError
        If there are not more pictures than components, the components' scores are linearly
        dependent, min_share is not between 0 and 1, or what is given is refused by
        `VoxelMask.fit`.
    """
    check_share("min_share", min_share, "both")
    trials = check_trials(responses, embeddings, components)
    pictures = as_items("items", items, as_array("embeddings", embeddings, float))
    means, _ = average_repetitions(trials.X, pictures)
    scores, _ = average_repetitions(trials.scores.T, pictures)
    if len(means) <= len(trials.components) + 1:
        raise ValueError(
            f"items names {len(means)} pictures for {len(trials.components)} components; expected "
            "more, to regress voxels on components."
        )
    scores -= scores.mean(axis=0)
    variances, axes = np.linalg.eigh(scores.T @ scores / len(scores))
    if variances[0] <= 1e-10 * variances[-1]:
        raise ValueError(
            "components: their scores are linearly dependent over these pictures, so no share "
            "belongs to one of them. Leave some out."
        )
    white = scores @ (axes / np.sqrt(variances)) @ axes.T
    loadings = white.T @ (means - means.mean(axis=0)) / len(means)
    squares = loadings**2
    share = squares / np.maximum(squares.sum(axis=0), np.finfo(float).tiny)
    return VoxelMap(np.sign(loadings) * share, share > min_share)


def top_voxels(values: np.ndarray, sizes: Sequence[int] | int) -> np.ndarray:
    """Take the voxels with the largest values, whatever their sign.

    Parameters
    ----------
    values : array of shape (n_components, n_voxels)
        Value of each voxel for each component.
    sizes : int or sequence of int
        Voxels to take for each component.

    Returns
    -------
    bool array of shape (n_components, n_voxels)

    Raises
    ------
    ValueError
        If values are not finite, or a size is not from 0 to the number of voxels.
    """
    values = as_array("values", values, float)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(
            f"values has shape {values.shape}; expected finite (n_components, n_voxels)."
        )
    counts = as_array("sizes", sizes, int)
    if counts.shape not in ((), values.shape[:1]):
        raise ValueError(f"sizes has shape {counts.shape}; expected a number, or ({len(values)},).")
    if counts.size and not (counts.min() >= 0 and counts.max() <= values.shape[1]):
        raise ValueError(
            f"sizes goes from {counts.min()} to {counts.max()}; expected from 0 to the "
            f"{values.shape[1]} voxels there are."
        )
    order = np.argsort(-np.abs(values), axis=1, kind="stable")
    rank = np.argsort(order, axis=1)
    return rank < np.broadcast_to(counts, len(values))[:, None]


def _lasso(
    X: np.ndarray, target: np.ndarray, pictures: np.ndarray, penalty: float | None
) -> np.ndarray:
    """Weights of a lasso, (n_voxels,), or of a group lasso, (n_targets, n_voxels)."""
    from sklearn import linear_model
    from sklearn.model_selection import GroupKFold

    kind = "Lasso" if target.ndim == 1 else "MultiTaskLasso"
    products = (X - X.mean(axis=0)).T @ target / len(X)
    most = np.linalg.norm(products.reshape(X.shape[1], -1), axis=1).max()
    if penalty is not None:
        model = getattr(linear_model, kind)(alpha=penalty * most)
        return model.fit(X, target).coef_
    folds = list(GroupKFold(_N_FOLDS).split(X, groups=pictures))
    model = getattr(linear_model, f"{kind}CV")(alphas=most * _PENALTIES, cv=folds)
    return model.fit(X, target).coef_


def _standard(rows: np.ndarray) -> np.ndarray:
    """Centre rows and bring them to length 1: their products are correlations."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
