"""Linear centred kernel alignment (CKA): biased, debiased, adjusted RV and feature-corrected.

X is (n, p) and Y is (n, q): n stimuli, p and q features; K = X X^T and L = Y Y^T. Every estimator
but the last is the cosine of two centred Gram matrices; they differ in the centring alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from sdc_helpers._checks import as_array
from sdc_helpers.alignment.feature_side import (
    Route,
    aligned,
    check_route,
    feature_sides,
    takes_features,
)
from sdc_helpers.alignment.grams import (
    check_feature_pair,
    check_gram,
    check_rows,
    check_same_kind,
    float64_blocks,
    gram,
)
from sdc_helpers.alignment.kernels import (
    check_estimator,
    double_centre,
    hsic,
    inner,
    no_structure,
    u_centre,
    unit_kernel,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    Array = Any  # a numpy array or a torch tensor


@dataclass(frozen=True)
class FeatureCorrectedCKA:
    """A feature-corrected CKA together with whether it can be believed.

    Attributes
    ----------
    value : float
        numerator / sqrt(norm_x norm_y); NaN where a norm is not positive.
    valid : bool
        False if a norm is not positive or the value lies outside [-1, 1]. A mean over valid
        runs alone is too low: it leaves out the large values.
    reason : str
        Why it is not valid; empty if it is.
    numerator, norm_x, norm_y : float
        The three terms, each an unbiased estimate of a population quantity: per pair of one
        feature of X and one of Y, of two different features of X, of two different ones of Y.
    """

    value: float
    valid: bool
    reason: str
    numerator: float
    norm_x: float
    norm_y: float


def cka(X: Array, Y: Array, estimator: str = "debiased", *, route: Route = "auto") -> float:
    """Linear CKA of two sets of features of the same stimuli.

    Parameters
    ----------
    X : array of shape (n, p)
        Features of n >= 4 stimuli: numpy array, memory map or torch tensor, any real dtype.
    Y : array of shape (n, q)
        Features of the same stimuli in the same order, of the same library and device as X.
    estimator : {"debiased", "biased", "rv2"}
        ``"biased"``: cosine of the double-centred Gram matrices (Kornblith et al. 2019). Grows
        with p and q even for unrelated features, see `biased_null`.
        ``"debiased"``: cosine of the U-centred Gram matrices, a ratio of unbiased HSIC
        estimates (Song et al. 2012; Murphy et al. 2024). About 0 for unrelated features; it may
        be negative and is never clamped.
        ``"rv2"``: cosine of the off-diagonal parts of the double-centred Gram matrices, the
        adjusted RV coefficient (Smilde et al. 2009).
    route : {"auto", "features", "gram"}
        ``"gram"`` makes two (n, n) matrices, ``"features"`` none: n (p + q)^2 / 2 products of
        numbers instead of n^2 (p + q) / 2, the same value to 1e-10. ``"auto"`` takes features if
        p + q < n, and Gram matrices where sums over features would lose digits.

    Returns
    -------
    float
        The CKA; 1 for features that are equal up to rotation and scale.

    Raises
    ------
    ValueError
        If an argument is not a real, finite (n, features) array, if the two differ in n, library
        or device, if n < 4, if all features of one are constant, or at an unknown option.

    See Also
    --------
    biased_null : The biased value that unrelated features are expected to have.
    feature_corrected_cka : The same, corrected for a sample of the features too.
    permutation_test : Whether the value is larger than that of shuffled stimuli.

    Examples
    --------
    Forty stimuli, and 500 features that have nothing to do with the first ten:

    >>> import numpy as np
    >>> from sdc_helpers.alignment import cka
    >>> rng = np.random.default_rng(0)
    >>> X, unrelated = rng.normal(size=(40, 10)), rng.normal(size=(40, 500))
    >>> round(cka(X, 3 * X), 2)
    1.0
    >>> abs(cka(X, unrelated)) < 0.1
    True
    >>> cka(X, unrelated, estimator="biased") > 0.4
    True
    """
    X, Y = check_feature_pair(X, Y)
    check_estimator(estimator)
    check_route(route)
    if takes_features(route, X, Y):
        sides = feature_sides(X, Y, estimator, route)
        if sides is not None:
            return aligned(*sides)
    K, L = gram(X, centre=True), gram(Y, centre=True, name="Y")
    return inner(unit_kernel(K, estimator, "X"), unit_kernel(L, estimator, "Y"))


def feature_corrected_cka(X: Array, Y: Array) -> FeatureCorrectedCKA:
    """CKA that also corrects for having sampled few of the features of two populations.

    Each term is an unbiased HSIC per pair of features (Chun et al. 2025, arXiv 2502.15104). The
    self terms count pairs of different features only: what a feature shares with itself vanishes
    in a large population. The ratio of unbiased terms is not itself unbiased: with some ten
    features or fewer it comes out too large.

    Parameters
    ----------
    X, Y : array of shape (n, p), (n, q)
        Features of the same n >= 4 stimuli, at least two on each side. The features are separate
        random samples of two populations; the value of X with itself exceeds 1.

    Returns
    -------
    FeatureCorrectedCKA
        The value with a flag that says whether it can be believed.

    Raises
    ------
    ValueError
        In the cases that `cka` lists, and if X or Y has only one feature or its fourth powers
        overflow.

    See Also
    --------
    cka : The CKA of the features as they are, with a permutation test.
    """
    X, Y = check_feature_pair(X, Y)
    with np.errstate(over="ignore", invalid="ignore"):
        K, norm_x = _gram_and_self_term(X, "X")
        L, norm_y = _gram_and_self_term(Y, "Y")
        numerator = hsic(K, L) / (X.shape[1] * Y.shape[1])
    if not all(map(math.isfinite, (numerator, norm_x, norm_y))):
        raise ValueError("The fourth powers of X or Y overflow float64; rescale them first.")
    if norm_x <= 0 or norm_y <= 0:
        which = " and ".join(name for name, v in (("X", norm_x), ("Y", norm_y)) if v <= 0)
        reason = (
            f"the self term of {which} is not positive: too few stimuli or features to tell what "
            f"different features share from noise"
        )
        return FeatureCorrectedCKA(math.nan, False, reason, numerator, norm_x, norm_y)
    value = numerator / math.sqrt(norm_x * norm_y)
    reason = ""
    if abs(value) > 1:
        reason = (
            "the value lies outside [-1, 1]: sampling noise, or features that are not a random "
            "sample of a population"
        )
    return FeatureCorrectedCKA(value, not reason, reason, numerator, norm_x, norm_y)


def cka_from_grams(K: Array, L: Array, estimator: str = "debiased") -> float:
    """Linear CKA of two Gram matrices, centred here (an already centred one is not harmed).

    Parameters
    ----------
    K, L : array of shape (n, n)
        Symmetric Gram matrices of the same n >= 4 stimuli, see `gram` and `gram_from_rdm`.
    estimator : {"debiased", "biased", "rv2"}
        Which estimator of CKA to use; `cka` describes each.

    Returns
    -------
    float
        The CKA, as `cka` of the features gives it.

    Raises
    ------
    ValueError
        If K or L is not a finite symmetric (n, n) matrix, if they differ in n, library or
        device, if nothing remains of one after centring, or if the estimator is unknown or needs
        the features.
    """
    check_estimator(estimator)
    check_same_kind(K=K, L=L)
    K, L = check_gram(K, "K"), check_gram(L, "L")
    check_rows(K=K, L=L)
    return inner(unit_kernel(K, estimator, "K"), unit_kernel(L, estimator, "L"))


def biased_null(n: float, p1: float, p2: float) -> float:
    """Biased CKA to be expected of two unrelated random matrices.

    1 / sqrt((1 + (n - 1) / p1) (1 + (n - 1) / p2)), for independent entries. It approaches 1 only
    when both p1 and p2 are much larger than n.

    Parameters
    ----------
    n : int or array
        Number of stimuli.
    p1, p2 : int or array
        Numbers of features; arrays are broadcast.

    Returns
    -------
    float or numpy.ndarray
        The expected value, from 0 to 1.

    Raises
    ------
    ValueError
        If n < 2 or a number of features is not positive.

    See Also
    --------
    cka : The estimators of CKA.
    """
    n, p1, p2 = as_array("n", n, float), as_array("p1", p1, float), as_array("p2", p2, float)
    if np.any(n < 2) or np.any(p1 < 1) or np.any(p2 < 1):
        raise ValueError(f"Expected n >= 2, p1 >= 1 and p2 >= 1, got n={n}, p1={p1}, p2={p2}.")
    value = 1 / np.sqrt((1 + (n - 1) / p1) * (1 + (n - 1) / p2))
    return float(value) if value.ndim == 0 else value


def gram_from_rdm(D: Array, squared: bool = True) -> Array:
    """Turn dissimilarities into the centred Gram matrix of the points they describe.

    K = -1/2 H D H with H = I - 11^T/n (classical scaling), exact where D holds squared Euclidean
    distances. A correlation distance 1 - r is one: between z-scored patterns of p channels the
    squared distance is 2 p (1 - r), so K is that of the z-scored patterns up to a factor that CKA
    ignores. Squared Mahalanobis distances are too; plain Euclidean ones need ``squared=False``.
    Ranks or percentiles of distances are not: K is then a similarity, but of no set of features.

    Parameters
    ----------
    D : array of shape (n, n)
        Symmetric representational dissimilarity matrix with a zero diagonal.
    squared : bool
        Whether D is already squared, as 1 - r is. If False it is squared here.

    Returns
    -------
    float64 array of shape (n, n)
        The same kind as D; rows and columns sum to 0.

    Raises
    ------
    ValueError
        If D is not a finite symmetric (n, n) matrix with zeros on the diagonal, n >= 4.
    """
    D = check_gram(D, "D")
    xp = array_namespace(D)
    if float(xp.max(xp.abs(xp.linalg.diagonal(D)))) > 1e-6 * float(xp.max(xp.abs(D))):
        raise ValueError("D must be 0 on its diagonal: it holds dissimilarities, not similarities.")
    return double_centre(D if squared else D * D) * -0.5


class MinibatchCKA:
    """Debiased CKA from batches of stimuli, for features that never sit in memory together.

    The unbiased HSIC terms of the batches are pooled, and one ratio is taken at the end (Nguyen,
    Raghu & Kornblith 2021). Each batch counts by its number of pairs, n_b (n_b - 3), which
    for batches of one size is their plain average. Averaging biased values over batches instead
    would keep the bias of the small batch.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> accumulator = MinibatchCKA()
    >>> for _ in range(5):
    ...     X = rng.normal(size=(20, 3))
    ...     accumulator = accumulator.update(X, 2 * X)
    >>> round(accumulator.compute(), 6), accumulator.n_batches
    (1.0, 5)
    """

    def __init__(self) -> None:
        self.n_batches = 0
        self._xy = self._xx = self._yy = 0.0

    def update(self, X: Array, Y: Array) -> MinibatchCKA:
        """Add the features of one batch of stimuli.

        Parameters
        ----------
        X : array of shape (n_b, p)
            Features of n_b >= 4 stimuli. Constant ones are allowed within a batch.
        Y : array of shape (n_b, q)
            Features of the same stimuli.

        Returns
        -------
        MinibatchCKA
            The accumulator itself.

        Raises
        ------
        ValueError
            In the cases that `cka` lists.
        """
        X, Y = check_feature_pair(X, Y)
        K, L = u_centre(gram(X, centre=True)), u_centre(gram(Y, centre=True, name="Y"))
        self._xy += inner(K, L)
        self._xx += inner(K, K)
        self._yy += inner(L, L)
        self.n_batches += 1
        return self

    def compute(self) -> float:
        """Return the debiased CKA of all batches so far.

        Returns
        -------
        float
            The debiased CKA; 1 for features that are equal up to rotation and scale.

        Raises
        ------
        ValueError
            If there was no batch, or X or Y had no structure in any of them.
        """
        if self.n_batches == 0:
            raise ValueError("There is no batch yet; call update(X, Y) first.")
        for name, norm in (("X", self._xx), ("Y", self._yy)):
            if not 0 < norm < math.inf:
                raise ValueError(f"{no_structure(name)}, or too large to square, in every batch.")
        return self._xy / math.sqrt(self._xx * self._yy)


def minibatch_cka(batches: Iterable[tuple[Array, Array]]) -> float:
    """Debiased CKA from batches of stimuli, see `MinibatchCKA`.

    Parameters
    ----------
    batches : iterable of (X, Y)
        Features of shapes (n_b, p) and (n_b, q), n_b >= 4.

    Returns
    -------
    float
        The debiased CKA of all batches together.

    Raises
    ------
    ValueError
        In the cases that `cka` lists, and if there is no batch.
    """
    accumulator = MinibatchCKA()
    for X, Y in batches:
        accumulator.update(X, Y)
    return accumulator.compute()


def _gram_and_self_term(X: Array, name: str) -> tuple[Array, float]:
    """U-centred Gram matrix of X, and the mean unbiased HSIC of two different features of X."""
    xp = array_namespace(X)
    n, p = X.shape
    if p < 2:
        raise ValueError(f"{name} has 1 feature; feature correction compares different features.")
    raw = gram(X, centre=True, name=name)
    if float(xp.max(raw)) == 0:
        raise ValueError(f"{no_structure(name)}; CKA is undefined.")
    K = u_centre(raw)
    alone = 0.0  # HSIC of each feature with itself, from its second and fourth central moments
    for part in float64_blocks(X, centre=True, name=name):
        squares = part * part
        second, fourth = xp.sum(squares, axis=0), xp.sum(squares * squares, axis=0)
        pairs = second * second * (1 + 1 / ((n - 1) * (n - 2))) - fourth * (n / (n - 2))
        alone += float(xp.sum(pairs)) / (n * (n - 3))
    return K, (hsic(K, K) - alone) / (p * (p - 1))
