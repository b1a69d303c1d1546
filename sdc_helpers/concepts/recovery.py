"""What a clustering found of the concepts that were planted.

Everything is arrays over the stacked voxels of all participants, one mask for each planted thing:
the concepts to be found (kind "shared") and the traps (any other kind), which should be noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sdc_helpers._checks import as_array, check_share

if TYPE_CHECKING:
    from scipy.sparse import csc_array


TO_FIND = "shared"


@dataclass(frozen=True, eq=False)
class PlantedVoxels:
    """Which of the stacked voxels were planted as what.

    Attributes
    ----------
    participants : str array of shape (n_voxels,)
        Name of the participant of each voxel.
    masks : dict of str to bool array of shape (n_voxels,)
        Voxels by the name of the concept, or of the kind where it is no concept ("mixture",
        "noise").
    kinds : dict of str to str
        Kind of each planted thing, by name.
    """

    participants: np.ndarray
    masks: Mapping[str, np.ndarray]
    kinds: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ConceptMatch:
    """How well the best found concept covers a planted one.

    Attributes
    ----------
    planted : str
        Name of the planted concept.
    found : int or None
        Number of the found concept that it was matched with; None if none overlaps.
    precision, recall, f1 : float
        Over voxels: share of the found that was planted, of the planted that was found, and their
        harmonic mean; all 0 without a match.
    recall_by_participant : dict of str to float
        Recall in each participant who has planted voxels.
    is_recovered : bool
        Whether f1 is at least ``min_f1``.
    """

    planted: str
    found: int | None
    precision: float
    recall: float
    f1: float
    recall_by_participant: Mapping[str, float]
    is_recovered: bool


@dataclass(frozen=True, eq=False)
class FoundConcept:
    """What a found concept is made of.

    Attributes
    ----------
    number : int
        Label or column of the found concept.
    n_voxels : int
        Number of its voxels.
    composition : dict of str to float
        Share of its voxels in each planted thing that has any, largest first. Voxels that are
        nothing are missing, voxels that are two things count twice.
    verdict : {"recovered", "merged", "trap", "fragment", "spurious"}
        "recovered": a planted concept was recovered by it. "merged": it holds at least half of the
        voxels of each of two or more planted concepts, whether or not one counts as recovered.
        Else by what at least half of its voxels are: "trap" if that should be noise, "fragment"
        if it is a planted concept that was recovered by another or not at all. "spurious": no one
        thing is half of it.
    """

    number: int
    n_voxels: int
    composition: Mapping[str, float]
    verdict: Literal["recovered", "merged", "trap", "fragment", "spurious"]

    @property
    def main(self) -> str:
        """Name of the planted thing with most of its voxels; "" without one."""
        return next(iter(self.composition), "")


@dataclass(frozen=True, eq=False)
class Recovery:
    """Planted concepts against found ones.

    Attributes
    ----------
    matches : tuple of ConceptMatch
        Match of each planted concept, in the order of the masks.
    found : tuple of FoundConcept
        Composition and verdict of each found concept.
    merged : dict of int to tuple of str
        Names of the planted concepts that a found one merges, which holds at least half of each.
    reported : dict of str to float
        Share of the voxels of each planted thing, traps included, that are in any found concept.
    adjusted_rand_planted : float
        Adjusted Rand index of found labels (noise as one more label) and planted concepts, over
        voxels of exactly one planted concept. NaN if found concepts overlap, or without voxels.
    adjusted_rand_all : float
        The same index over these and all voxels of no planted concept, traps included, as one
        label. Only voxels of two planted concepts or more, which have no single label, are left
        out.
    """

    matches: tuple[ConceptMatch, ...]
    found: tuple[FoundConcept, ...]
    merged: Mapping[int, tuple[str, ...]]
    reported: Mapping[str, float]
    adjusted_rand_planted: float
    adjusted_rand_all: float

    @property
    def recovered(self) -> tuple[str, ...]:
        """Names of the planted concepts that were recovered."""
        return tuple(match.planted for match in self.matches if match.is_recovered)

    def with_verdict(self, verdict: str) -> tuple[FoundConcept, ...]:
        """Found concepts with a verdict, see `FoundConcept`."""
        return tuple(concept for concept in self.found if concept.verdict == verdict)


def recover(
    found: Any,
    participants: np.ndarray,
    masks: Mapping[str, np.ndarray],
    kinds: Mapping[str, str],
    *,
    min_f1: float = 0.5,
) -> Recovery:
    """Compare found concepts with planted ones.

    Each planted concept is matched with at most one found one, and the reverse, such that the sum
    of F1 over the matches is largest (the Hungarian method).

    Parameters
    ----------
    found : int array of shape (n_voxels,) or bool array of shape (n_voxels, n_concepts)
        Labels, -1 for noise, or masks, dense or scipy sparse, which may overlap, such as
        ``SharedDBSCAN.expanded_``.
    participants : array of shape (n_voxels,)
        Name or number of the participant of each voxel.
    masks : mapping of str to bool array of shape (n_voxels,)
        What was planted where. Voxels may be in none or in several.
    kinds : mapping of str to str
        Kind of each mask; "shared" are to be found, all others are traps.
    min_f1 : float, default=0.5
        F1 from which a planted concept counts as recovered.

    Returns
    -------
    Recovery

    Raises
    ------
    ValueError
        If lengths differ, labels or masks are not what they should be, a kind is missing, nothing
        is planted to be found, or min_f1 is not in (0, 1].

    See Also
    --------
    sdc_helpers.studies.truth_masks : What was planted in simulated participants.

    Examples
    --------
    >>> import numpy as np
    >>> from sdc_helpers.concepts import recover
    >>> found = np.array([0, 0, 0, 1, -1, -1])  # labels of six voxels
    >>> masks = {"faces": found == 0, "food": np.arange(6) > 3}
    >>> kinds = {"faces": "shared", "food": "shared"}
    >>> recovery = recover(found, ["a", "a", "b", "b", "b", "a"], masks, kinds)
    >>> recovery.recovered
    ('faces',)
    >>> recovery.found[1].verdict  # the voxel with label 1 is no planted concept
    'spurious'
    """
    participants = as_array("participants", participants)
    truth, to_find = _check_truth(masks, kinds, participants)
    check_share("min_f1", min_f1, "upper")
    columns = _as_columns(found, len(participants))
    names = np.array(list(masks), dtype=object)
    sizes = columns.sum(axis=0)
    overlap = (columns.T @ truth.T.astype(np.int64)).T  # (n_names, n_concepts)
    planted_sizes = truth.sum(axis=1)

    matched = _assign(overlap[to_find], planted_sizes[to_find], sizes)
    matches = []
    for i, k in zip(np.flatnonzero(to_find), matched, strict=True):
        inside = np.zeros(len(participants), dtype=bool)
        if k is not None:
            inside[columns.indices[columns.indptr[k] : columns.indptr[k + 1]]] = True
        matches.append(_score(names[i], k, inside, truth[i], participants, min_f1))

    halves = (2 * overlap >= planted_sizes[:, None]) & to_find[:, None]
    merged = {int(k): tuple(names[halves[:, k]]) for k in np.flatnonzero(halves.sum(axis=0) > 1)}
    recovered_by = {match.found for match in matches if match.is_recovered}
    concepts = []
    for k in np.flatnonzero(sizes):
        share = overlap[:, k] / sizes[k]
        main = int(np.argmax(share))
        if k in merged:
            verdict = "merged"
        elif k in recovered_by:
            verdict = "recovered"
        elif share[main] < 0.5:
            verdict = "spurious"
        else:
            verdict = "fragment" if to_find[main] else "trap"
        order = [i for i in np.argsort(-share, kind="stable") if share[i] > 0]
        composition = {names[i]: float(share[i]) for i in order}
        concepts.append(FoundConcept(int(k), int(sizes[k]), composition, verdict))

    depth = columns.sum(axis=1)
    reported = {
        name: float((depth[mask] > 0).mean()) for name, mask in zip(names, truth, strict=True)
    }
    rand = _adjusted_rand(columns, depth, truth[to_find])
    return Recovery(tuple(matches), tuple(concepts), merged, reported, *rand)


def _check_truth(
    masks: Mapping[str, np.ndarray], kinds: Mapping[str, str], participants: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Masks as rows of one array, and which of them are to be found."""
    n = len(participants) if participants.ndim == 1 else 0
    if n == 0:
        raise ValueError(
            f"participants has shape {participants.shape}; expected one name for each voxel."
        )
    for name, mask in masks.items():
        mask = as_array(f"masks[{name!r}]", mask)
        if mask.dtype != bool or mask.shape != (n,):
            raise ValueError(
                f"masks[{name!r}] has type {mask.dtype} and shape {mask.shape}; expected bool "
                f"and ({n},), as participants."
            )
        if not mask.any():
            raise ValueError(f"masks[{name!r}] marks no voxel; leave it out.")
        if name not in kinds:
            raise ValueError(f"kinds lacks {name!r}; give the kind of each mask.")
    to_find = np.array([kinds[name] == TO_FIND for name in masks], dtype=bool)
    if not to_find.any():
        raise ValueError(f"kinds: no mask is {TO_FIND!r}, so there is nothing to find.")
    return np.array([as_array(f"masks[{name!r}]", mask) for name, mask in masks.items()]), to_find


def _as_columns(found: Any, n: int) -> csc_array:
    """Found concepts as columns of 0 and 1."""
    from scipy.sparse import csc_array, issparse

    found = found if issparse(found) else as_array("found", found)
    if found.ndim == 2 and found.shape[0] == n and found.dtype == bool:
        columns = csc_array(found, dtype=np.int64)
        columns.eliminate_zeros()
        columns.sort_indices()
        return columns
    if issparse(found) or found.shape != (n,) or found.dtype.kind not in "iu":
        raise ValueError(
            f"found has shape {found.shape} and type {found.dtype}; expected integer labels of "
            f"shape ({n},), or bool masks of shape ({n}, n_concepts)."
        )
    if found.min() < -1:
        raise ValueError(f"found holds the label {found.min()}; expected -1 for noise, or more.")
    rows = np.flatnonzero(found >= 0)
    shape = (n, int(found.max()) + 1)
    return csc_array((np.ones(len(rows), dtype=np.int64), (rows, found[rows])), shape=shape)


def _assign(overlap: np.ndarray, planted: np.ndarray, found: np.ndarray) -> list[int | None]:
    """Found concept of each planted one, such that the sum of F1 is largest."""
    from scipy.optimize import linear_sum_assignment

    f1 = 2 * overlap / (planted[:, None] + found)
    rows, columns = linear_sum_assignment(f1, maximize=True)
    matched: list[int | None] = [None] * len(planted)
    for i, k in zip(rows, columns, strict=True):
        if overlap[i, k] > 0:
            matched[i] = int(k)
    return matched


def _score(
    name: str,
    number: int | None,
    found: np.ndarray,
    planted: np.ndarray,
    participants: np.ndarray,
    min_f1: float,
) -> ConceptMatch:
    both = found & planted
    f1 = 2 * both.sum() / (found.sum() + planted.sum())
    by_participant = {
        str(who): float(both[planted & (participants == who)].mean())
        for who in np.unique(participants[planted])
    }
    return ConceptMatch(
        planted=name,
        found=number,
        precision=float(both.sum() / max(found.sum(), 1)),
        recall=float(both.sum() / planted.sum()),
        f1=float(f1),
        recall_by_participant=by_participant,
        is_recovered=bool(f1 >= min_f1),
    )


def _adjusted_rand(
    columns: csc_array, depth: np.ndarray, planted: np.ndarray
) -> tuple[float, float]:
    """Compute both adjusted Rand indices of `Recovery`."""
    from sklearn.metrics import adjusted_rand_score

    if depth.max() > 1:
        return float("nan"), float("nan")
    labels = columns @ np.arange(1, columns.shape[1] + 1)
    times = planted.sum(axis=0)
    truth = np.where(times == 1, planted.argmax(axis=0) + 1, 0)
    return tuple(
        float(adjusted_rand_score(truth[keep], labels[keep])) if keep.any() else float("nan")
        for keep in (times == 1, times <= 1)
    )
