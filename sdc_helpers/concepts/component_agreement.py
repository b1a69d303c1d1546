"""Whether two fits found the same: matched components, and the spans without their axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sdc_helpers._checks import check_share, unit_rows
from sdc_helpers.concepts._component_inputs import as_rows


@dataclass(frozen=True, eq=False)
class ComponentMatch:
    """Components of two fits, matched one to one.

    Attributes
    ----------
    pairs : int array of shape (n_pairs, 2)
        Rows of the first and of the second fit, ascending in the first; as many pairs as the
        smaller fit has rows.
    agreement : float array of shape (n_pairs,)
        Absolute cosine of the two directions, or absolute correlation of their scores.
    signs : float array of shape (n_pairs,)
        1 where they point the same way, else -1.
    """

    pairs: np.ndarray
    agreement: np.ndarray
    signs: np.ndarray


@dataclass(frozen=True, eq=False)
class Reproduction:
    """Which components of all participants both halves of them have too.

    Attributes
    ----------
    agreement : float array of shape (K,)
        The smallest of three absolute cosines: of the component with its partner in either half,
        and of the two partners. 0 where a half has no partner left for it.
    partners : int array of shape (K, 2)
        Row of the partner in either half, -1 without one.
    threshold : float
        Agreement from which a component counts as reproduced.
    """

    agreement: np.ndarray
    partners: np.ndarray
    threshold: float

    @property
    def is_reproduced(self) -> np.ndarray:
        """Whether each component is reproduced, bool (K,)."""
        return self.agreement >= self.threshold

    @property
    def n_reproduced(self) -> int:
        """Number of reproduced components."""
        return int(self.is_reproduced.sum())


def match_components(
    first: np.ndarray, second: np.ndarray, *, embeddings: np.ndarray | None = None
) -> ComponentMatch:
    """Match components of two fits one to one, whatever their order and sign.

    The assignment with the largest sum of agreement (the Hungarian method): no component is the
    partner of two.

    Parameters
    ----------
    first : array of shape (K, D)
        Directions of one fit, of any length.
    second : array of shape (M, D)
        Directions of the other.
    embeddings : array of shape (n_pictures, D), optional
        Pictures over which the scores are correlated, centred; by default the cosines of the
        directions count, which is the same where embeddings are white.

    Returns
    -------
    ComponentMatch

    Raises
    ------
    ValueError
        If arrays are not finite matrices with as many columns, a row is zero, or its score is the
        same for all pictures.

    See Also
    --------
    subspace_agreement : Agreement of the spans, for which no match is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import match_components
    >>> first = np.eye(3)
    >>> match = match_components(first, -first[[2, 0]])
    >>> match.pairs.tolist(), match.signs.tolist()
    ([[0, 1], [2, 0]], [-1.0, -1.0])
    """
    from scipy.optimize import linear_sum_assignment

    cosines = _cosines(first, second, embeddings)
    rows, columns = linear_sum_assignment(np.abs(cosines), maximize=True)
    found = cosines[rows, columns]
    return ComponentMatch(
        np.column_stack([rows, columns]), np.abs(found), np.where(found < 0, -1.0, 1.0)
    )


def subspace_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean canonical cosine of the spans of two sets of directions.

    It is the same for any other axes in either span, so that it tells whether two fits found one
    subspace.

    Parameters
    ----------
    first : array of shape (K, D)
        Directions that span one subspace, linearly independent.
    second : array of shape (M, D)
        Directions that span the other.

    Returns
    -------
    float
        Mean cosine of the min(K, M) principal angles between the spans: 1 if the smaller lies in
        the larger, 0 if they are orthogonal. Random spans do not have 0.

    Raises
    ------
    ValueError
        If arrays are not finite matrices with as many columns, or rows are dependent.

    See Also
    --------
    match_components : Agreement of the directions themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import subspace_agreement
    >>> round(subspace_agreement([[1, 0, 0], [0, 1, 0]], [[1, 1, 0], [1, -1, 0]]), 6)
    1.0
    """
    from scipy.linalg import subspace_angles

    first = as_rows("first", first)
    second = as_rows("second", second, first.shape[1])
    for name, rows in {"first": first, "second": second}.items():
        rank = int(np.linalg.matrix_rank(rows))
        if rank < len(rows):
            raise ValueError(
                f"{name}: {len(rows)} rows span {rank} directions; leave out rows that are zero "
                "or sums of others."
            )
    return float(np.cos(subspace_angles(first.T, second.T)).mean())


def reproduced_components(
    whole: np.ndarray,
    first_half: np.ndarray,
    second_half: np.ndarray,
    *,
    threshold: float = 0.9,
    embeddings: np.ndarray | None = None,
) -> Reproduction:
    """Tell which components of all participants either half of the participants has too.

    Each half is matched by itself, and no component of a half is the partner of two. The partners
    have to agree with each other as well: all participants are the two halves together, and a
    component between two directions that have cosine .28 has .8 with both.

    Parameters
    ----------
    whole : array of shape (K, D)
        Directions found in all participants.
    first_half, second_half : array of shape (M, D)
        Directions found in two disjoint halves of them; M may differ.
    threshold : float, default=0.9
        Agreement from which a component counts as reproduced; it should lie above what
        `shuffled_agreement` and `rotated_agreement` give.
    embeddings : array of shape (n_pictures, D), optional
        Pictures over which scores are correlated, see `match_components`.

    Returns
    -------
    Reproduction

    Raises
    ------
    ValueError
        If the threshold is not in (0, 1], and in the cases of `match_components`.

    See Also
    --------
    fit_halves : The three fits.
    """
    threshold = check_share("threshold", threshold, "upper")
    whole = as_rows("whole", whole)
    agreement = np.zeros((len(whole), 3))
    partners = np.full((len(whole), 2), -1)
    halves = {"first_half": first_half, "second_half": second_half}
    for column, (name, half) in enumerate(halves.items()):
        match = match_components(whole, as_rows(name, half, whole.shape[1]), embeddings=embeddings)
        agreement[match.pairs[:, 0], column] = match.agreement
        partners[match.pairs[:, 0], column] = match.pairs[:, 1]
    both = (partners >= 0).all(axis=1)
    between = np.abs(_cosines(first_half, second_half, embeddings))
    agreement[both, 2] = between[tuple(partners[both].T)]
    return Reproduction(agreement.min(axis=1), partners, threshold)


def _cosines(first: Any, second: Any, embeddings: Any) -> np.ndarray:
    """Cosines of directions, or correlations of their scores, (K, M)."""
    first = as_rows("first", first)
    second = as_rows("second", second, first.shape[1])
    if embeddings is None:
        cosines = unit_rows(first, "first") @ unit_rows(second, "second").T
        return cosines.clip(-1, 1)
    embeddings = as_rows("embeddings", embeddings, first.shape[1], least=2)
    centred = embeddings - embeddings.mean(axis=0)
    scores = {"first": first @ centred.T, "second": second @ centred.T}
    for name, rows in {"first": first, "second": second}.items():
        size = np.linalg.norm(rows, axis=1) * np.linalg.norm(centred)
        flat = np.flatnonzero(np.linalg.norm(scores[name], axis=1) <= 1e-10 * size)
        if len(flat):
            raise ValueError(
                f"{name}: row {flat[0]} has one score for all pictures of embeddings; leave it out."
            )
    return (unit_rows(scores["first"]) @ unit_rows(scores["second"]).T).clip(-1, 1)
