"""How many cortex axes are real, without truth: halves of the participants, and two nulls.

An axis that two disjoint halves of the participants give again is no accident of either. What
halves have in common by chance is seen from axes of shuffled picture-response pairs, for which
the same is done, and from axes that are random rotations of one subspace.

Take a subspace with more directions than are reproduced. Where it has one to spare only, the
halves agree on that as well: it is what the others leave.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from sdc_helpers._checks import check_count
from sdc_helpers.concepts._component_inputs import as_participants, as_rows, orthonormal_rows
from sdc_helpers.concepts.component_agreement import Reproduction, reproduced_components
from sdc_helpers.concepts.cortex_axes import CortexAxes


@dataclass(frozen=True, eq=False)
class AxesOfHalves:
    """Axes of all participants, and of two disjoint halves of them.

    Attributes
    ----------
    whole : CortexAxes
        Axes of all participants.
    halves : tuple of two CortexAxes
        Axes of the first, third, ... participant, and of the others.
    """

    whole: CortexAxes
    halves: tuple[CortexAxes, CortexAxes]

    def reproduced(self, threshold: float = 0.9) -> Reproduction:
        """Tell which axes of all participants both halves have, see `reproduced_components`."""
        parts = (axes.components_ for axes in (self.whole, *self.halves))
        return reproduced_components(*parts, threshold=threshold)


def fit_halves(
    axes: CortexAxes,
    embeddings: Mapping[str, np.ndarray],
    responses: Mapping[str, np.ndarray],
    subspace: np.ndarray,
) -> AxesOfHalves:
    """Fit axes to all participants and to two halves of them, dealt out in turn.

    Parameters
    ----------
    axes : CortexAxes
        Unfitted; clones of it are fitted.
    embeddings, responses, subspace
        Arguments of ``CortexAxes.fit``, with two participants or more.

    Returns
    -------
    AxesOfHalves

    Raises
    ------
    ValueError
        If there is one participant only, and in the cases of ``CortexAxes.fit``.

    See Also
    --------
    shuffled_agreement, rotated_agreement : What chance gives.
    """
    from sklearn.exceptions import ConvergenceWarning

    seen, answered = as_participants(embeddings, responses)
    if len(seen) < 2:
        raise ValueError(
            f"embeddings holds {len(seen)} participant ({', '.join(seen)}); two halves need at "
            "least 2."
        )

    def fit(names: list[str]) -> CortexAxes:
        own = ({who: part[who] for who in names} for part in (seen, answered))
        return clone(axes).fit(*own, subspace)

    names = list(seen)
    with warnings.catch_warnings():  # axes that do not settle are not reproduced
        warnings.simplefilter("ignore", ConvergenceWarning)
        return AxesOfHalves(fit(names), (fit(names[::2]), fit(names[1::2])))


def shuffled_agreement(
    axes: CortexAxes,
    embeddings: Mapping[str, np.ndarray],
    responses: Mapping[str, np.ndarray],
    subspace: np.ndarray,
    *,
    n_draws: int = 20,
    rng: np.random.Generator | int | None = None,
) -> np.ndarray:
    """Return the agreement over halves of axes of shuffled picture-response pairs.

    In each draw the pictures of every participant get each other's responses, all voxels
    together. Embeddings, subspace and how voxels go together stay as they are.

    Parameters
    ----------
    axes : CortexAxes
        Unfitted; clones of it are fitted, three a draw.
    embeddings, responses, subspace
        Arguments of ``CortexAxes.fit``, with two participants or more.
    n_draws : int, default=20
        Number of draws.
    rng : numpy.random.Generator or int, optional
        Source of the shuffles, or its seed.

    Returns
    -------
    float64 array of shape (n_draws, k)
        Agreement of each axis in each draw, as in `Reproduction`.

    Raises
    ------
    ValueError
        If n_draws is below 1, and in the cases of `fit_halves`.
    """
    check_count("n_draws", n_draws, 1)
    seen, answered = as_participants(embeddings, responses)
    rng = np.random.default_rng(rng)
    found = []
    for _ in range(n_draws):
        shuffled = {who: part[rng.permutation(len(part))] for who, part in answered.items()}
        found.append(fit_halves(axes, seen, shuffled, subspace).reproduced().agreement)
    return np.array(found)


def rotated_agreement(
    subspace: np.ndarray,
    *,
    n_draws: int = 20,
    rng: np.random.Generator | int | None = None,
) -> np.ndarray:
    """Return the agreement of three random rotations of one subspace.

    What all participants and both halves would have in common if each found the subspace, and
    nothing fixed axes in it.

    Parameters
    ----------
    subspace : array of shape (k, D)
        Linearly independent rows.
    n_draws : int, default=20
        Number of draws.
    rng : numpy.random.Generator or int, optional
        Source of the rotations, or its seed.

    Returns
    -------
    float64 array of shape (n_draws, k)
        Agreement of each axis in each draw, as in `Reproduction`.

    Raises
    ------
    ValueError
        If the subspace is no finite matrix or has dependent rows, or n_draws is below 1.
    """
    from scipy.stats import ortho_group

    check_count("n_draws", n_draws, 1)
    rows = as_rows("subspace", subspace, least=2)
    rows = orthonormal_rows("subspace", rows, len(rows))
    rng = np.random.default_rng(rng)
    turns = ortho_group.rvs(len(rows), size=3 * n_draws, random_state=rng)
    turned = (turns @ rows).reshape(n_draws, 3, *rows.shape)
    return np.array([reproduced_components(*draw).agreement for draw in turned])
