"""What a concept means: words that go with its pictures, and how good these words are as a name.

A name is given by a procedure, on training pictures, and scored on the measured responses to
held-out ones. So it can be wrong, and "no name" is a possible answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sdc_helpers._checks import as_array, check_count, check_device, unit_rows
from sdc_helpers.concepts.ranking import ranking_auc
from sdc_helpers.measures import NullTest
from sdc_helpers.permutations import permutations_of


@dataclass(frozen=True, eq=False)
class NameScore:
    """How well names tell which held-out pictures a concept's voxels respond to.

    Attributes
    ----------
    auc : float array of shape (n_concepts, n_concepts)
        Row: name; column: responses of a concept. Probability that a picture that the name fits
        has a larger response than one it does not fit, mean over participants. NaN for a concept
        without a name.
    identified : bool array of shape (n_concepts,)
        Whether a name fits the responses of its own concept best.
    own : NullTest
        Mean AUC of names with their own concepts, against the same with the names dealt out by
        chance: what blind guessing reaches. NaN without a name.
    """

    auc: np.ndarray
    identified: np.ndarray
    own: NullTest


@dataclass(frozen=True)
class ConceptCard:
    """Everything that was read about one concept, on a card.

    Attributes
    ----------
    number : int
        Number of the concept: its column of the clustering.
    n_voxels, n_participants : int
        Size of the concept in voxels, and participants who have it.
    name, opposite : tuple of str
        Words enriched among its most and least associated pictures; empty if there are none.
    nearest : tuple of str
        Words whose text embeddings are nearest to it.
    name_auc : float
        AUC of the name on responses to held-out pictures; NaN without a name.
    negation : str
        Verdict of the negation test.
    notes : tuple of str
        Further sentences for the card.
    """

    number: int
    n_voxels: int
    n_participants: int
    name: tuple[str, ...]
    opposite: tuple[str, ...]
    nearest: tuple[str, ...]
    name_auc: float
    negation: str
    notes: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """The number and the first words of the name."""
        return f"{self.number}: {', '.join(self.name[:3]) or 'without a name'}"

    def to_markdown(self) -> str:
        """Write the card as Markdown."""
        auc = "no name to score" if np.isnan(self.name_auc) else f"AUC {self.name_auc:.2f}"
        lines = (
            f"**Concept {self.title}**",
            f"size: {self.n_voxels} voxels of {self.n_participants} participants",
            f"most associated: {', '.join(self.name) or 'no enriched word'}",
            f"least associated: {', '.join(self.opposite) or 'no enriched word'}",
            f"nearest texts: {', '.join(self.nearest) or 'not asked'}",
            f"name on held-out responses: {auc} (chance 0.5)",
            f"its negation: {self.negation}",
            *self.notes,
        )
        return lines[0] + "\n" + "".join(f"\n- {line}" for line in lines[1:])


def extremes(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the pictures that are most and least associated with a concept.

    Parameters
    ----------
    scores : array of shape (n_pictures,)
        Embeddings times the concept vector.
    n : int
        Number of pictures at each end.

    Returns
    -------
    top, bottom : int arrays of shape (n,)
        The highest first, and the lowest first; ties in the order of the pictures.

    Raises
    ------
    ValueError
        If the scores are not finite numbers, or the two ends would overlap.
    """
    scores = as_array("scores", scores)
    if scores.ndim != 1 or scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
        raise ValueError(
            f"scores has shape {scores.shape} and type {scores.dtype}; expected one finite number "
            "a picture."
        )
    check_count("n", n, 1)
    if 2 * n > len(scores):
        raise ValueError(f"n={n}: two ends of {n} overlap among {len(scores)} pictures.")
    return np.argsort(-scores, kind="stable")[:n], np.argsort(scores, kind="stable")[:n]


def both_ends(
    embeddings: np.ndarray, directions: np.ndarray, n: int, *, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """Find the most and the least associated pictures of many concepts at once.

    Pictures are ranked by the cosine, in double precision on any device.

    Parameters
    ----------
    embeddings : array of shape (n_pictures, D)
        Embeddings of the pictures, of any length.
    directions : array of shape (n_concepts, D)
        Directions of the concepts, of any length.
    n : int
        Number of pictures at each end.
    device : str, default="cpu"
        Where to compute.

    Returns
    -------
    top, bottom : int arrays of shape (n_concepts, n)
        The highest first, and the lowest first; ties in the order of the pictures.

    Raises
    ------
    ValueError
        If shapes do not fit, a row has no direction, the two ends would overlap, or the device is
        not there.

    See Also
    --------
    extremes : The same for scores of one concept.
    """
    import torch

    pictures = unit_rows(as_array("embeddings", embeddings, float), "embeddings")
    concepts = unit_rows(as_array("directions", directions, float), "directions")
    if pictures.shape[1] != concepts.shape[1]:
        raise ValueError(
            f"embeddings {pictures.shape} and directions {concepts.shape} differ in dimensions."
        )
    check_count("n", n, 1)
    if 2 * n > len(pictures):
        raise ValueError(f"n={n}: two ends of {n} overlap among {len(pictures)} pictures.")
    rows, columns = (
        torch.from_numpy(side.astype(np.float64)).to(check_device(device))
        for side in (concepts, pictures)
    )
    cosine = rows @ columns.T
    top, bottom = (
        torch.sort(cosine, dim=1, descending=is_top, stable=True).indices[:, :n].cpu().numpy()
        for is_top in (True, False)
    )
    return top, bottom


def score_names(
    responses: Sequence[np.ndarray],
    fits: Sequence[np.ndarray],
    *,
    n_permutations: int = 9999,
    rng: np.random.Generator | int | None = None,
) -> NameScore:
    """Score names on measured responses to held-out pictures.

    Parameters
    ----------
    responses : sequence of arrays of shape (n_pictures, n_concepts)
        Mean response of each concept's voxels, an array for each participant; NaN where there is no
        voxel.
    fits : sequence of bool arrays of the same shapes
        Whether the name of each concept fits each picture, from `fits_name`.
    n_permutations : int, default=9999
        Ways of dealing the names out by chance.
    rng : numpy.random.Generator or int, optional
        Source of these deals, or its seed.

    Returns
    -------
    NameScore
        NaN and False for names that fit all or no pictures of every participant.

    Raises
    ------
    ValueError
        If there is no participant, or shapes differ.
    """
    if not len(responses) or len(responses) != len(fits):
        raise ValueError(
            f"{len(responses)} participants' responses and {len(fits)} of fits; expected as many, "
            "and at least one."
        )
    check_count("n_permutations", n_permutations, 1)
    auc = _nanmean([_auc_table(r, f) for r, f in zip(responses, fits, strict=True)])
    named = np.flatnonzero(np.isfinite(np.diag(auc)))
    identified = np.zeros(len(auc), dtype=bool)
    if not len(named):
        unknown = NullTest(np.nan, np.full(n_permutations, np.nan), np.nan, "names")
        return NameScore(auc, identified, unknown)
    identified[named] = [np.nanargmax(auc[i]) == i for i in named]
    table, rng = auc[np.ix_(named, named)], np.random.default_rng(rng)
    own = float(np.diag(table).mean())
    dealt = np.zeros((n_permutations, 1), dtype=int)  # one name can only be dealt to itself
    if len(named) > 1:
        dealt = np.stack(list(permutations_of(len(named)).draw(n_permutations, rng)))
    blind = np.nanmean(table[np.arange(len(named)), dealt], axis=1)
    return NameScore(auc, identified, NullTest.from_null(own, blind, scheme="names"))


def _auc_table(responses: np.ndarray, fits: np.ndarray) -> np.ndarray:
    responses, fits = as_array("responses", responses, float), as_array("fits", fits)
    if responses.ndim != 2 or fits.shape != responses.shape or fits.dtype != bool:
        raise ValueError(
            f"responses {responses.shape} and fits {fits.shape} ({fits.dtype}); expected both "
            "(n_pictures, n_concepts), fits bool."
        )
    table = np.full((fits.shape[1],) * 2, np.nan)
    for i, fit in enumerate(fits.T):
        for j, values in enumerate(responses.T):
            if 0 < fit.sum() < len(fit) and np.isfinite(values).all():
                table[i, j] = ranking_auc(values, fit, n_bootstrap=1).value
    return table


def _nanmean(tables: Sequence[np.ndarray]) -> np.ndarray:
    stacked = np.array(tables)
    n = np.isfinite(stacked).sum(axis=0)
    return np.where(n > 0, np.nansum(stacked, axis=0) / np.maximum(n, 1), np.nan)


def partial_correlations(values: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Correlate values with each factor, the other factors regressed out of both.

    Parameters
    ----------
    values : array of shape (n_pictures,)
        Values to explain, such as the mean response of a concept's voxels.
    factors : array of shape (n_pictures, n_factors)
        Factors that may explain the values, confounds included.

    Returns
    -------
    float array of shape (n_factors,)

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, there are not more pictures than factors + 2,
        or a factor is constant or given by the others.
    """
    values, factors = as_array("values", values, float), as_array("factors", factors, float)
    if factors.ndim != 2 or values.shape != factors.shape[:1]:
        raise ValueError(
            f"values {values.shape} and factors {factors.shape}; expected (n_pictures,) and "
            "(n_pictures, n_factors)."
        )
    if not (np.isfinite(values).all() and np.isfinite(factors).all()):
        raise ValueError("values or factors hold numbers that are not finite.")
    n, n_factors = factors.shape
    design = np.column_stack([np.ones(n), factors])
    if n <= n_factors + 2 or np.linalg.matrix_rank(design) <= n_factors:
        raise ValueError(
            f"factors: {n_factors} over {n} pictures; expected more pictures than that, and no "
            "factor that is constant or given by the others."
        )
    found = np.empty(n_factors)
    for j in range(n_factors):
        others = np.delete(design, j + 1, axis=1)
        pair = np.column_stack([values, factors[:, j]])
        left, right = (pair - others @ np.linalg.lstsq(others, pair, rcond=None)[0]).T
        found[j] = left @ right / np.sqrt((left @ left) * (right @ right))
    return found
