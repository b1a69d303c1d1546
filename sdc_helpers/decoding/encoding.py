"""Encoding: predict each neuron's response from features of the picture, by ridge regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.decoding._inputs import check_matrix

ENCODING_ALPHAS = tuple(np.logspace(0.5, 4.5, 9))
"""Penalties that are tried, for features of variance one."""


def predict_responses(
    features: np.ndarray,
    responses: np.ndarray,
    new_features: np.ndarray,
    *,
    alphas: Sequence[float] = ENCODING_ALPHAS,
) -> np.ndarray:
    """Fit an encoding model of every neuron, and predict its responses to new pictures.

    Ridge regression with one penalty for each neuron: the one with the smallest squared error when
    each training picture is left out in turn, which has a closed form.

    Parameters
    ----------
    features : array of shape (n_pictures, n_features)
        Features of the training pictures. Scale them, the penalty treats all alike.
    responses : array of shape (n_pictures, n_neurons)
        Responses to them.
    new_features : array of shape (n_new, n_features)
        Features of the pictures to predict, scaled as the others.
    alphas : sequence of float
        Penalties to choose from, above 0.

    Returns
    -------
    float64 array of shape (n_new, n_neurons)

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is not finite, or a penalty is not above 0.

    See Also
    --------
    RidgeDecoder : The other direction, from responses to embeddings.

    References
    ----------
    Kay, Naselaris, Prenger, Gallant (2008), Nature 452, 352-355: a seen picture is the one whose
    predicted response is nearest to the measured one.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.decoding import predict_responses
    >>> features = np.random.default_rng(0).normal(size=(40, 2))
    >>> responses = features @ np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> new = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> predict_responses(features, responses, new).round(1).tolist()
    [[0.9, 0.1], [0.0, 1.9]]
    """
    X = check_matrix(features, "features")
    Y = check_matrix(responses, "responses")
    new = check_matrix(new_features, "new_features")
    if len(X) != len(Y) or X.shape[1] != new.shape[1]:
        raise ValueError(
            f"features are {X.shape}, responses {Y.shape}, new_features {new.shape}; expected a "
            "row a picture in the first two, and the same columns in the first and the last."
        )
    penalties = as_array("alphas", alphas, float)
    if penalties.ndim != 1 or not penalties.size or not (penalties > 0).all():
        raise ValueError(f"alphas={alphas!r}: expected numbers above 0.")
    x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
    X, Y = X - x_mean, Y - y_mean
    values, vectors = np.linalg.eigh(X.T @ X)
    values = values.clip(min=0)[:, None]
    scores = X @ vectors  # pictures in the eigenbasis
    projected = scores.T @ Y
    errors = [
        _left_out_errors(scores, Y, projected / (values + alpha), values[:, 0] + alpha)
        for alpha in penalties
    ]
    chosen = penalties[np.argmin(errors, axis=0)]  # of each neuron
    weights = vectors @ (projected / (values + chosen))
    return (new - x_mean) @ weights + y_mean


def _left_out_errors(
    scores: np.ndarray, Y: np.ndarray, weights: np.ndarray, penalised: np.ndarray
) -> np.ndarray:
    """Mean squared error of each neuron when each picture is left out, (n_neurons,)."""
    leverage = (scores**2 / penalised).sum(axis=1) + 1 / len(Y)  # 1 / n: the mean is fitted too
    left = (Y - scores @ weights) / (1 - leverage).clip(min=1e-12)[:, None]
    return (left**2).mean(axis=0)
