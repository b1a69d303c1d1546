"""Which directions of an embedding can be decoded: a subspace, found from true and decoded pairs.

The second stage of the three-stage method: a contrastive loss on the distances between scores. It
finds no concepts. For any orthogonal Q the rows Q W have the same distances as W, and so without
an activation the same loss and the same accuracy. What fixes axes inside the subspace is in
:mod:`sdc_helpers.concepts.cortex_axes`.
"""

from __future__ import annotations

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.concepts._component_inputs import (
    as_items,
    as_pairs,
    as_rows,
    check_choice,
    check_positive,
)
from sdc_helpers.concepts._embedding_scores import EmbeddingScores

_ACTIVATIONS = ("none", "leaky_relu")


class DecodableComponents(EmbeddingScores):
    """Find directions on which decoded embeddings tell pictures apart, by a contrastive loss.

    True and decoded embeddings y and y' of a trial get the scores a = act(W (y - mean)) and
    b = act(W (y' - mean)). The loss is the symmetric InfoNCE on -|a_i - b_j|^2 / temperature over
    the trials of a batch; two trials of one picture are not negatives of each other. Without
    activation it determines the *span* of the rows and the metric in it, not the rows.

    Fit them on trials that the decoders were not trained on.

    Parameters
    ----------
    n_components : int, default=16
        Number K of rows.
    activation : {"none", "leaky_relu"}, default="none"
        What is applied to the scores; LeakyReLU has the slope .05 below 0.
    temperature : float, default=1.0
        What the squared distances are divided by.
    n_steps : int, default=800
        Number of steps of Adam.
    batch_size : int, default=256
        Trials in a step, drawn without replacement; all of them where there are fewer.
    lr : float, default=2e-2
        Learning rate of Adam at the start; it falls to 0 as half a cosine. 800 such steps take
        the place of the study's 15,000 of 2e-4.
    start_norm : float, default=2.0
        Expected length of a row at the start, for embeddings of about unit length: their scores
        then differ by about 1, and the softmax is neither flat nor saturated.
    random_state : int, default=0
        Seed of the start and of the batches. The global random state of torch is not touched.

    Attributes
    ----------
    components_ : float64 array of shape (K, D)
        Directions, rows of length 1.
    scale_ : float64 array of shape (K,)
        Lengths of the rows as they were trained, by which `transform` multiplies.
    mean_ : float64 array of shape (D,)
        Mean of the true embeddings over trials.
    loss_curve_ : float64 array of shape (n_steps,)
        Loss of the batch of each step, in nats.
    n_features_in_ : int
        Number D of dimensions.

    See Also
    --------
    PrincipalComponents, CanonicalComponents : Baselines with the same use.
    CortexAxes : Axes inside the subspace.
    component_loss : The loss of given rows.

    References
    ----------
    Efird, Murphy, Zylberberg, Fyshe (2023), arXiv 2306.03375: K = 128, LeakyReLU, Adam 2e-4, 15,000
    steps of 3,000 trials.

    Examples
    --------
    Of six dimensions a decoder has two; the components lie in their plane:

    >>> import numpy as np
    >>> from sdc_helpers.concepts import DecodableComponents
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(size=(400, 6))
    >>> decoded = true * [1, 1, 0, 0, 0, 0] + 0.5 * rng.normal(size=(400, 6))
    >>> model = DecodableComponents(2).fit(true, decoded)
    >>> bool((np.linalg.norm(model.components_[:, :2], axis=1) > 0.9).all())
    True
    >>> model.transform(decoded).shape
    (400, 2)
    """

    def __init__(
        self,
        n_components: int = 16,
        activation: str = "none",
        *,
        temperature: float = 1.0,
        n_steps: int = 800,
        batch_size: int = 256,
        lr: float = 2e-2,
        start_norm: float = 2.0,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.activation = activation
        self.temperature = temperature
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.lr = lr
        self.start_norm = start_norm
        self.random_state = random_state

    def fit(
        self, true: np.ndarray, decoded: np.ndarray, *, items: np.ndarray | None = None
    ) -> DecodableComponents:
        """Train the rows.

        Parameters
        ----------
        true, decoded : array of shape (n_trials, D)
            Embedding of the picture of each trial, and what was decoded from the responses to it;
            trials of one participant or stacked over several. Used as float32.
        items : array of shape (n_trials,), optional
            Picture of each trial, integers or strings; without it, trials with equal rows of
            `true` show one picture.

        Returns
        -------
        DecodableComponents
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range, arrays do not match or are not finite, all trials show
            one picture, or the loss becomes infinite.
        """
        self._check_parameters()
        true, decoded = as_pairs(true, decoded)
        codes = as_items("items", items, true)
        if codes.max() == 0:
            raise ValueError("items: all trials show one picture; there is no other to tell from.")
        from sdc_helpers.concepts._component_training import learn_rows

        mean = true.mean(axis=0)
        rows, self.loss_curve_ = learn_rows(true - mean, decoded - mean, codes, self)
        self._keep(rows, mean)
        return self

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return _activated(super()._scores(X), self.activation)

    def _leading_rows(self, n: int) -> np.ndarray:
        return self.scale_[:, None] * self.components_

    def _check_parameters(self) -> None:
        for name in ("n_components", "n_steps"):
            check_count(name, getattr(self, name), 1)
        check_count("batch_size", self.batch_size, 2)
        check_count("random_state", self.random_state)
        check_choice("activation", self.activation, _ACTIVATIONS)
        for name in ("temperature", "lr", "start_norm"):
            check_positive(name, getattr(self, name))


def component_loss(
    true: np.ndarray,
    decoded: np.ndarray,
    rows: np.ndarray,
    *,
    items: np.ndarray | None = None,
    activation: str = "none",
    temperature: float = 1.0,
) -> float:
    """Return the contrastive loss of given rows over all trials, see `DecodableComponents`.

    Parameters
    ----------
    true, decoded : array of shape (n_trials, D)
        Embedding of the picture of each trial, and the decoded one; used as they are, so take the
        mean off where the activation shall not depend on it.
    rows : array of shape (K, D)
        Rows of any length.
    items : array of shape (n_trials,), optional
        Picture of each trial; without it, trials with equal rows of `true` show one picture.
    activation : {"none", "leaky_relu"}, default="none"
        What is applied to the scores.
    temperature : float, default=1.0
        What the squared distances are divided by.

    Returns
    -------
    float
        Loss in nats, computed in float64.

    Raises
    ------
    ValueError
        If arrays do not match or are not finite, or an option is out of range.
    """
    import torch

    from sdc_helpers.concepts._component_training import info_nce

    check_choice("activation", activation, _ACTIVATIONS)
    check_positive("temperature", temperature)
    true, decoded = as_pairs(true, decoded)
    codes = as_items("items", items, true)
    rows = as_rows("rows", rows, true.shape[1])
    a, b = (torch.from_numpy(_activated(part @ rows.T, activation)) for part in (true, decoded))
    return info_nce(a, b, float(temperature), torch.from_numpy(codes)).item()


def _activated(scores: np.ndarray, activation: str) -> np.ndarray:
    if activation == "none":
        return scores
    from sdc_helpers.concepts._component_training import LEAK

    return np.maximum(scores, LEAK * scores)
