"""Axes inside a decodable subspace that the cortex fixes: few of them for each voxel.

A decodable subspace has no axes of its own. The brain has: a voxel answers to few concepts, so that
the loadings of the voxels are sparse in the right basis and in no other. Voxel decomposition
(Norman-Haignere, Kanwisher, McDermott 2015) uses this for responses of people who heard the same
sounds; inside a subspace of an embedding, people may have seen different pictures.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from sdc_helpers._checks import check_count, unit_rows
from sdc_helpers.concepts._component_inputs import (
    as_participants,
    as_rows,
    check_choice,
    check_positive,
    orthonormal_rows,
)
from sdc_helpers.concepts._embedding_scores import EmbeddingScores

_SWEEPS = 200  # over all pairs of axes; some ten are needed
_SETTLED = 1e-6  # radians by which the last sweep turns a plane at most


class CortexAxes(EmbeddingScores):
    """Turn a subspace of an embedding to the axes on which voxels load sparsely.

    1. The rows of the subspace are made orthonormal.
    2. The scores of all training pictures are whitened by the symmetric root of their covariance.
    3. The mean responses of each voxel are regressed on these scores; the loadings of the voxels
       of all participants are stacked. Neither positions nor labels enter.
    4. Varimax over the voxels, each one's loadings scaled to length 1; or ICA with voxels as
       samples, whose mixing matrix holds the axes. An axis points to where the third moment of its
       loadings is positive.

    ICA takes the loadings as they are: scaled to length 1 they lie on a sphere, where no two are
    independent, and it finds nothing. It also takes off the mean over voxels, and with it the
    direction that all concepts share; so every voxel stands beside its mirror image, which makes
    the mean 0. ICA's axes need not be orthogonal for whitened scores; those of varimax are.

    Parameters
    ----------
    rotation : {"ica", "varimax"}, default="ica"
        How the axes are found.
    max_iter : int, default=200
        Largest number of steps of FastICA.
    tol : float, default=1e-4
        How little an axis of FastICA changes in the last step.
    random_state : int, default=0
        Seed of the start of FastICA. Varimax starts from the rows of the whitened subspace.

    Attributes
    ----------
    components_ : float64 array of shape (k, D)
        Axes, rows of length 1, by falling sum of squares of their loadings.
    scale_ : float64 array of shape (k,)
        What makes the variance of each score over the training pictures 1.
    mean_ : float64 array of shape (D,)
        Mean embedding of the training pictures, those of all participants stacked.
    loadings_ : dict of str to float64 array of shape (n_voxels, k)
        Change of each voxel's mean response for a change of each score by a standard deviation,
        the other scores held: responses are about ``transform(embeddings) @ loadings_[who].T``.
    n_features_in_ : int
        Number D of dimensions.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the rotation has not settled. Axes on which no voxels load sparsely never do; whether an
        axis has shows in what halves of the participants reproduce, so `fit_halves` does not warn.

    See Also
    --------
    DecodableComponents, PrincipalComponents, EncodingComponents : Where a subspace comes from.
    fit_halves : The axes of all participants and of two halves of them.
    varimax : The rotation alone.

    References
    ----------
    Norman-Haignere, Kanwisher, McDermott (2015), Neuron 88, 1281. Hyvarinen and Oja (2000), Neural
    Networks 13, 411 (FastICA). Kaiser (1958), Psychometrika 23, 187 (varimax).

    Examples
    --------
    Two participants with voxels for four directions, a hundred voxels for nothing, and a subspace
    whose rows are none of the four:

    >>> import numpy as np
    >>> from sdc_helpers.concepts import CortexAxes
    >>> rng = np.random.default_rng(0)
    >>> embeddings = {who: rng.normal(size=(300, 6)) for who in "ab"}
    >>> weights = np.pad(np.repeat(np.eye(6)[:, :4], 20, axis=1), ((0, 0), (0, 100)))
    >>> responses = {who: embeddings[who] @ weights + rng.normal(size=(300, 180)) for who in "ab"}
    >>> turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    >>> axes = CortexAxes().fit(embeddings, responses, turn @ np.eye(6)[:4])
    >>> axes.components_.max(axis=1).round(1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        rotation: str = "ica",
        *,
        max_iter: int = 200,
        tol: float = 1e-4,
        random_state: int = 0,
    ) -> None:
        self.rotation = rotation
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(
        self,
        embeddings: Mapping[str, np.ndarray],
        responses: Mapping[str, np.ndarray],
        subspace: np.ndarray,
    ) -> CortexAxes:
        """Find the axes.

        Parameters
        ----------
        embeddings : mapping of str to array of shape (n_pictures, D)
            Embeddings of the training pictures of each participant, each picture once. Pictures
            and their number may differ between participants.
        responses : mapping of str to array of shape (n_pictures, n_voxels)
            Mean responses of each participant's voxels to them, z-scored within sessions before.
        subspace : array of shape (k, D)
            Linearly independent rows, as of ``DecodableComponents.subspace``; k is 2 or more.

        Returns
        -------
        CortexAxes
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range; participants or rows do not match; values are not
            finite; the subspace has dependent rows, or scores that do not vary on the pictures; a
            participant has no more pictures than k; a voxel has one response to all pictures; or
            there are fewer voxels than k.
        """
        self._check_parameters()
        seen, answered = as_participants(embeddings, responses)
        pictures = np.concatenate(list(seen.values()))
        rows = as_rows("subspace", subspace, pictures.shape[1], least=2)
        mean = pictures.mean(axis=0)
        white = whitened(orthonormal_rows("subspace", rows, len(rows)), pictures - mean)
        parts = {
            who: regress(who, (seen[who] - mean) @ white.T, answered[who]) for who in seen
        }  # loadings on the white scores
        stacked = np.concatenate(list(parts.values()))
        axes = self._rotate(stacked)
        loadings = stacked @ np.linalg.inv(axes).T
        signs = np.where((loadings**3).sum(axis=0) < 0, -1.0, 1.0)
        order = np.argsort(-(loadings**2).sum(axis=0), kind="stable")
        axes = (axes * signs)[:, order]
        self._keep(axes.T @ white, mean)
        back = np.linalg.inv(axes).T
        self.loadings_ = {who: part @ back for who, part in parts.items()}
        return self

    def _check_parameters(self) -> None:
        check_choice("rotation", self.rotation, ("ica", "varimax"))
        check_count("max_iter", self.max_iter, 1)
        check_count("random_state", self.random_state)
        check_positive("tol", self.tol)

    def _rotate(self, loadings: np.ndarray) -> np.ndarray:
        """Return the axes, columns of length 1, in the space of the white scores."""
        n_voxels, k = loadings.shape
        if n_voxels <= k:
            raise ValueError(
                f"responses: {n_voxels} voxels cannot fix {k} axes; give more voxels or "
                "participants, or a smaller subspace."
            )
        if self.rotation == "varimax":
            return varimax(unit_rows(loadings))
        from sklearn.decomposition import FastICA
        from sklearn.exceptions import ConvergenceWarning

        model = FastICA(
            k, whiten="unit-variance", max_iter=self.max_iter, tol=self.tol,
            random_state=self.random_state,
        )  # fmt: skip
        with warnings.catch_warnings():  # what it advises is not what to do here
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixing = model.fit(np.concatenate([loadings, -loadings])).mixing_
        if model.n_iter_ >= self.max_iter:
            warnings.warn(
                f"ICA has not settled in max_iter={self.max_iter} steps: the subspace has "
                "directions on which no voxels load sparsely. See what fit_halves reproduces.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return mixing / np.linalg.norm(mixing, axis=0)


def varimax(loadings: np.ndarray) -> np.ndarray:
    """Return the rotation that makes squared loadings vary most (Kaiser 1958).

    The sum over axes of the variance of the squared loadings is made as large as it gets by
    rotations in one plane after the other, each by the best angle; so it never falls.

    Parameters
    ----------
    loadings : array of shape (n_voxels, k)
        Loadings on k axes. Scale the rows to length 1 first for each voxel to count alike
        (Kaiser's normalisation).

    Returns
    -------
    float64 array of shape (k, k)
        Orthogonal matrix Q; the rotated loadings are ``loadings @ Q``.

    Raises
    ------
    ValueError
        If loadings are not a finite matrix.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If angles are still changing after 200 sweeps over all planes.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import varimax
    >>> sparse = np.array([[1.0, 0], [2, 0], [0, 1], [0, 3]])
    >>> turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    >>> found = sparse @ turn @ varimax(sparse @ turn)
    >>> bool(np.allclose(np.sort(np.abs(found), axis=1)[:, 0], 0))  # one axis for each voxel
    True
    """
    turned = np.ascontiguousarray(as_rows("loadings", loadings).T).copy()  # a row an axis
    axes = np.eye(len(turned))
    for _ in range(_SWEEPS):
        largest = 0.0
        for i, j in combinations(range(len(turned)), 2):
            angle = _best_angle(turned[i], turned[j])
            cos, sin = np.cos(angle), np.sin(angle)
            for rows in (turned, axes):
                rows[i], rows[j] = cos * rows[i] + sin * rows[j], cos * rows[j] - sin * rows[i]
            largest = max(largest, abs(angle))
        if largest < _SETTLED:
            return axes.T
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(
        f"varimax: the last of {_SWEEPS} sweeps still turned a plane by {largest:.2g}; the axes "
        "are not fixed by these loadings.",
        ConvergenceWarning,
        stacklevel=2,
    )
    return axes.T


def _best_angle(x: np.ndarray, y: np.ndarray) -> float:
    """Angle in [-pi/4, pi/4] for which the squares of x cos + y sin and of the other vary most.

    With u = x^2 - y^2 and v = 2 x y the criterion is a constant plus the cosine of four times the
    angle less that of the point (num, den).
    """
    u, v = x * x - y * y, 2 * x * y
    u, v = u - u.mean(), v - v.mean()
    num, den = 2 * (u @ v), u @ u - v @ v
    return float(np.arctan2(num, den) / 4)


def whitened(rows: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """Return rows that give scores with the covariance I, by the symmetric root.

    Parameters
    ----------
    rows : array of shape (k, D)
        Directions.
    centred : array of shape (n_pictures, D)
        Embeddings without their mean.
    """
    scores = centred @ rows.T
    values, vectors = np.linalg.eigh(scores.T @ scores / len(scores))
    if values[0] <= 1e-10 * values[-1]:
        raise ValueError(
            f"subspace: the scores of {len(scores)} pictures vary in "
            f"{int(np.sum(values > 1e-10 * values[-1]))} of {len(rows)} directions; take a smaller "
            "subspace, or more pictures."
        )
    return (vectors / np.sqrt(values)) @ vectors.T @ rows


def regress(who: str, scores: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """Return the least-squares loadings (n_voxels, k) of responses on scores and a constant."""
    n, k = scores.shape
    if n <= k + 1:
        raise ValueError(
            f"embeddings[{who!r}]: {n} pictures are too few for {k} loadings and a constant; take "
            "a smaller subspace, or more pictures."
        )
    still = np.flatnonzero(np.ptp(responses, axis=0) == 0)
    if len(still):
        raise ValueError(
            f"responses[{who!r}]: {len(still)} voxels, the first of them voxel {still[0]}, have "
            "one response to all pictures; leave them out."
        )
    return np.linalg.lstsq(scores - scores.mean(axis=0), responses - responses.mean(axis=0))[0].T
