"""Which rows of a user's data a test may exchange, and which rows a decoder is fitted to.

Three kinds of rows. *Averaged*: one row a stimulus. *Kept*: trials, those of a stimulus together.
*Time-ordered*: volumes of a film, which are alike where they are near; decoders get means of
stretches of them, halves are stretches too, and nothing is shuffled but by a circular shift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import unit_rows
from sdc_helpers.datasets.splits import ParticipantSplit
from sdc_helpers.decoding import average_repetitions
from sdc_helpers.measures import NullTest
from sdc_helpers.permutations import Permutations, permutations_of
from sdc_helpers.studies.participants import ParticipantData

if TYPE_CHECKING:
    from sdc_helpers.studies.own_data import OwnData
    from sdc_helpers.studies.own_participant import OwnParticipant

Fold = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Responses, embeddings and items of one side."""
SIDES = ("train", "validation", "test")
_LEAST = 4  # items of a side


@dataclass(frozen=True, eq=False)
class OwnRows:
    """Rows of one participant as a study takes them.

    Attributes
    ----------
    responses : float32 array of shape (n, n_voxels)
        Responses.
    embeddings : float32 array of shape (n, d)
        Embedding of each row's stimulus, as in the file.
    items : int array of shape (n,)
        What rows count as one: a stimulus, or a stretch of time.
    groups : int array of shape (n,)
        Run of each row, where rows may not leave it; 0 throughout where they may.
    names : str array of shape (n,)
        Stimulus of each row, the first of a stretch.
    """

    responses: np.ndarray
    embeddings: np.ndarray
    items: np.ndarray
    groups: np.ndarray
    names: np.ndarray

    def part(self, rows: np.ndarray) -> OwnRows:
        """Return some of the rows."""
        return OwnRows(
            self.responses[rows], self.embeddings[rows], self.items[rows], self.groups[rows],
            self.names[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class Exchange:
    """The permutations that fit a participant's rows, and why.

    Attributes
    ----------
    options : dict
        Arguments ``scheme``, ``groups`` and ``blocks`` of `permutation_test`.
    why : str
        A sentence.
    """

    options: dict[str, Any]
    why: str


def rows_of(
    data: OwnData, participant: OwnParticipant, *, stretches: bool = False, trials: bool = False
) -> OwnRows:
    """Return a participant's rows: averaged, kept or in time, as ``study.toml`` says.

    Parameters
    ----------
    data : OwnData
        The study.
    participant : OwnParticipant
        One of its participants.
    stretches : bool
        Of a time series, whether to average stretches of ``design.correlated_rows`` rows.
    trials : bool
        Whether to keep the repetitions of a stimulus whatever the design says.

    Returns
    -------
    OwnRows
    """
    of = data.rows_of(participant.stimuli)
    groups = _runs(participant)
    design = data.design
    if design.time_ordered:
        rows = OwnRows(
            participant.responses, data.embeddings[of], np.arange(len(of)), groups,
            participant.stimuli,
        )  # fmt: skip
        return _stretched(rows, design.correlated_rows) if stretches else rows
    held = groups if _is_nested(of, groups) else np.zeros_like(groups)
    if trials or design.repetitions == "keep":
        return OwnRows(participant.responses, data.embeddings[of], of, held, participant.stimuli)
    means, items = average_repetitions(participant.responses, of)
    first = np.unique(of, return_index=True)[1]
    return OwnRows(
        means.astype(np.float32), data.embeddings[items], items, held[first], data.stimuli[items]
    )


def exchange_of(data: OwnData, rows: OwnRows) -> Exchange:
    """Choose the permutations that keep what makes rows depend on each other.

    Parameters
    ----------
    data : OwnData
        The study.
    rows : OwnRows
        Of one participant, not stretched.

    Returns
    -------
    Exchange
    """
    design, n_groups = data.design, len(np.unique(rows.groups))
    groups = rows.groups
    within = f", within each of {n_groups} runs" if n_groups > 1 else ""
    if design.time_ordered:
        # All shifts, the short ones too: without them the test is sharper and errs more often.
        options = {"scheme": "circular", "groups": groups}
        why = "rows are a time series, whose neighbours are alike: all of them move on together"
        return Exchange(options, f"circular shifts{within}: {why}")
    if design.repetitions == "keep" and len(np.unique(rows.items)) < len(rows.items):
        options = {"scheme": "blocks", "blocks": rows.items, "groups": groups}
        why = "the trials of a stimulus belong together, and change places with those of another"
        return Exchange(options, f"blocks of trials{within}: {why}")
    why = "each row is another stimulus"
    if n_groups > 1:
        why += ", and each stimulus was shown in one run only"
    return Exchange({"scheme": "rows", "groups": groups}, f"rows{within}: {why}")


def split_own(data: OwnData, rows: dict[str, OwnRows], seed: int) -> dict[str, ParticipantSplit]:
    """Split everybody's rows into training, validation and test.

    Stimuli are drawn once for all participants, two thirds to train and a sixth each to validate
    and test, evenly among those whom the same participants saw; so no stimulus is on two sides for
    anybody. A time series is cut: of each run the first two thirds train, and so on, without the
    stretch at each cut.

    Parameters
    ----------
    data : OwnData
        The study.
    rows : dict of str to OwnRows
        By participant; of a time series stretched.
    seed : int
        Of the draw.

    Returns
    -------
    dict of str to ParticipantSplit

    Raises
    ------
    ValueError
        If a side of a participant has fewer than four items.
    """
    side_of = _dealt(len(data.stimuli), [one.items for one in rows.values()], seed)
    splits = {}
    for name, one in rows.items():
        sides = _cut(one.groups) if data.design.time_ordered else side_of[one.items]
        split = _split_of(one.items, sides)
        for side in SIDES:
            if len(split.images(side)) < _LEAST:
                raise ValueError(
                    f"{name}: {len(split.images(side))} items to {side} with; expected {_LEAST} or "
                    "more. More stimuli are needed (or a smaller design.correlated_rows)."
                )
        splits[name] = split
    return splits


def split_trials(split: ParticipantSplit, items: np.ndarray) -> ParticipantSplit:
    """Bring a split of items to other rows of them, such as single trials."""
    sides = np.full(len(items), -1)
    for number, side in enumerate(SIDES):
        sides[np.isin(items, split.images(side))] = number
    return _split_of(items, sides)


def to_fit(name: str, rows: OwnRows, white: np.ndarray, split: ParticipantSplit) -> ParticipantData:
    """Return one participant as decoders and the search for concepts take it.

    Parameters
    ----------
    name : str
        The participant.
    rows : OwnRows
        As split.
    white : float32 array of shape (n, k)
        White embedding of each row, unit length.
    split : ParticipantSplit
        Of these rows.

    Returns
    -------
    ParticipantData
        Without a place of the voxels or a ceiling, which a user's arrays do not have.
    """
    n_voxels = rows.responses.shape[1]
    return ParticipantData(
        name, rows.responses, white, rows.items, split,
        np.ones((n_voxels, 1, 1), bool), np.full(n_voxels, np.nan),
    )  # fmt: skip


def half_in_time(data: ParticipantData, half: int, seed: int = 0) -> ParticipantData:
    """Leave a participant the first or the second half of the training rows, in their order.

    Of a time series single rows are no halves: each has a neighbour in the other that is alike.

    Parameters
    ----------
    data : ParticipantData
        Rows in the order of time.
    half : {0, 1}
        Which.
    seed : int
        Not used: nothing is drawn.

    Returns
    -------
    ParticipantData
    """
    trials = np.flatnonzero(data.split.trials("train"))
    dropped = np.array_split(trials, 2)[1 - half]
    kept = np.ones(len(data.responses), bool)
    kept[dropped] = False
    items = data.image_ids[kept]
    return replace(
        data, responses=data.responses[kept], embeddings=data.embeddings[kept], image_ids=items,
        split=split_trials(data.split, items),
    )  # fmt: skip


def shift_pairs(data: ParticipantData, rng: np.random.Generator) -> ParticipantData:
    """Give the rows of each side the embeddings of later ones, by one circular shift.

    Parameters
    ----------
    data : ParticipantData
        Rows in the order of time.
    rng : numpy.random.Generator
        Of the shift.

    Returns
    -------
    ParticipantData
        With other embeddings; how alike neighbours are stays.
    """
    embeddings = data.embeddings.copy()
    for side in SIDES:
        rows = np.flatnonzero(data.split.trials(side))
        shift = int(rng.integers(1, len(rows)))
        embeddings[rows] = data.embeddings[np.roll(rows, shift)]
    return replace(data, embeddings=embeddings)


def gallery_order(items: np.ndarray, groups: np.ndarray) -> Permutations:
    """Return which items of a test side may change places, the items in ascending order."""
    distinct, first = np.unique(items, return_index=True)
    return permutations_of(len(distinct), groups=groups[first])


def merge_equal(fold: Fold, sign: int = 1) -> Fold:
    """Count rows of a side whose embeddings are equal, within a thousandth, as one item.

    Parameters
    ----------
    fold : tuple of arrays
        Responses, embeddings and items.
    sign : {1, -1}
        Of the new items, so that those of two sides differ.

    Returns
    -------
    tuple of arrays
        The responses, the embedding of the first of equal rows in all of them, new items.
    """
    responses, embeddings, _ = fold
    _, first, of = np.unique(
        np.round(embeddings, 3), axis=0, return_index=True, return_inverse=True
    )
    return responses, embeddings[first[of.ravel()]], sign * (of.ravel() + 1)


def shifted_top_1(
    predicted: np.ndarray, items: np.ndarray, gallery: np.ndarray, gallery_items: np.ndarray
) -> NullTest:
    """Test top-1 accuracy of rows in the order of time against all circular shifts of their items.

    Parameters
    ----------
    predicted, items, gallery, gallery_items
        As `score_decoding` takes them.

    Returns
    -------
    NullTest
    """
    hit = np.argmax(unit_rows(predicted) @ gallery.T, axis=1)
    answered = gallery_items[hit]
    shares = [np.mean(answered == np.roll(items, shift)) for shift in range(len(items))]
    return NullTest.from_null(float(shares[0]), np.array(shares[1:]), scheme="circular shift")


def _split_of(items: np.ndarray, sides: np.ndarray) -> ParticipantSplit:
    masks = [sides == number for number in range(3)]
    return ParticipantSplit(*(np.unique(items[mask]) for mask in masks), *masks)


def _runs(participant: OwnParticipant) -> np.ndarray:
    labels = participant.runs if participant.runs is not None else participant.sessions
    if labels is None:
        return np.zeros(len(participant.stimuli), dtype=int)
    order = list(dict.fromkeys(labels.tolist()))
    return np.array([order.index(label) for label in labels])


def _is_nested(items: np.ndarray, groups: np.ndarray) -> bool:
    """Whether each stimulus was shown in one run only, and runs have several stimuli."""
    pairs = np.unique(np.column_stack([items, groups]), axis=0)
    sizes = np.unique(pairs[:, 1], return_counts=True)[1]
    return len(pairs) == len(np.unique(items)) and sizes.min() > 1


def _stretched(rows: OwnRows, size: int) -> OwnRows:
    """Average whole stretches of consecutive rows of a run; an incomplete last one is left out."""
    starts = []
    for group in np.unique(rows.groups):
        own = np.flatnonzero(rows.groups == group)
        starts.append(own[: len(own) // size * size].reshape(-1, size))
    cut = np.concatenate(starts)
    return OwnRows(
        rows.responses[cut].mean(axis=1), rows.embeddings[cut].mean(axis=1), np.arange(len(cut)),
        rows.groups[cut[:, 0]], rows.names[cut[:, 0]],
    )  # fmt: skip


def _thirds(n: int) -> np.ndarray:
    """Sides 0, 1, 2 of n rows in order: two thirds, a sixth, a sixth."""
    return np.searchsorted([n * 2 // 3, n * 5 // 6], np.arange(n), side="right")


def _dealt(n: int, seen: list[np.ndarray], seed: int) -> np.ndarray:
    """Deal n stimuli out to the sides in turn, those of the same participants in a row."""
    saw = np.array([np.isin(np.arange(n), items) for items in seen])
    mixed = np.random.default_rng([seed, 90]).permutation(n)
    order = mixed[np.lexsort(saw[:, mixed])]
    sides = np.empty(n, dtype=int)
    sides[order] = np.resize([0, 0, 1, 0, 0, 2], n)
    return sides


def _cut(groups: np.ndarray) -> np.ndarray:
    """Cut each run into the three sides; -1 for the stretch at each cut, which is on none."""
    sides = np.empty(len(groups), dtype=int)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        own = _thirds(len(rows))
        own[1:][own[1:] != own[:-1]] = -1
        sides[rows] = own
    return sides
