"""Training, validation and test trials, split by image.

Both splits put the images that everybody saw three times into the test set first and fill it with
three-repetition images of each participant. They differ in which images may fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    Trials = pd.DataFrame | Mapping[str, pd.DataFrame]

SIDES = ("train", "validation", "test")
N_REPETITIONS = 3
_COLUMNS = ("image_id", "is_shared")


@dataclass(frozen=True, eq=False)
class ParticipantSplit:
    """The sides of one participant.

    Attributes
    ----------
    train_images, validation_images, test_images : int64 arrays
        Image ids, ascending.
    train_trials, validation_trials, test_trials : bool arrays of shape (n_trials,)
        Which rows of the participant's trials belong to the side; each row to exactly one.
    """

    train_images: np.ndarray
    validation_images: np.ndarray
    test_images: np.ndarray
    train_trials: np.ndarray
    validation_trials: np.ndarray
    test_trials: np.ndarray

    def images(self, side: str) -> np.ndarray:
        """Image ids of "train", "validation" or "test"."""
        return getattr(self, f"{_check_side(side)}_images")

    def trials(self, side: str) -> np.ndarray:
        """Mask of the trials of "train", "validation" or "test"."""
        return getattr(self, f"{_check_side(side)}_trials")


@dataclass(frozen=True, eq=False)
class Split:
    """A split of the trials of several participants; ``split["subj01"]`` is one of them.

    Attributes
    ----------
    name : str
        Name of the rule that made the split.
    seed : int
        Seed of the draws.
    common_images : int64 array
        Shared images that every participant saw at least three times, ascending.
    participants : mapping of str to ParticipantSplit
        Sides of each participant, by name.
    """

    name: str
    seed: int
    common_images: np.ndarray
    participants: Mapping[str, ParticipantSplit]

    def __getitem__(self, participant: str) -> ParticipantSplit:
        if participant not in self.participants:
            raise ValueError(
                f"participant={participant!r} is not in the split; it has "
                f"{', '.join(self.participants)}."
            )
        return self.participants[participant]


@dataclass(frozen=True, eq=False)
class SplitCheck:
    """Images that are on two sides of a split.

    Attributes
    ----------
    within : dict of str to int64 array
        Images on two of the participant's own sides, for each participant.
    across : int64 array
        Images on one side for a participant and on another side for another.
    held_out_in_training : dict of str to float
        Fraction of each participant's test images that are training images of another participant:
        what a model trained on everybody has seen before.
    """

    within: dict[str, np.ndarray]
    across: np.ndarray
    held_out_in_training: dict[str, float]

    @property
    def is_clean(self) -> bool:
        """Whether no image is on two sides of the same participant."""
        return not any(len(images) for images in self.within.values())

    @property
    def is_strict(self) -> bool:
        """Whether no image is on two sides, of the same or of different participants."""
        return self.is_clean and len(self.across) == 0


def split_sdc2025(
    trials: Trials, seed: int = 0, n_test: int = 1000, n_validation: int = 1000
) -> Split:
    """Split the trials as the 2025 study of shared decodable concepts did.

    Test: the shared images that all participants saw three times, filled with other images that
    this participant saw three times, up to `n_test`; validation: the next `n_validation` of these;
    training: all other images. The fill is drawn for each participant alone, so that an image
    that several saw, such as a shared image that one of them saw only twice, may be a test image
    of one and a training image of another: see `check_split`.

    Parameters
    ----------
    trials : pandas.DataFrame or mapping of str to pandas.DataFrame
        Trials with image_id and is_shared, of all participants (then with a column participant)
        or by participant. "Three times" counts the rows given, so pass the trials that have
        betas. The order of the rows changes the masks, never the images.
    seed : int, default=0
        Seed of the draws.
    n_test, n_validation : int, default=1000
        Images a participant on these sides. If more images are common to all than `n_test`, a
        draw of them, the same for everybody, is the test set, and the next ones validate.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If a column is missing, a number is not positive, or a participant has too few images with
        three repetitions.

    See Also
    --------
    split_strict : No image is on two sides for any two participants.
    check_split : Which images are on two sides.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sdc_helpers.datasets import split_sdc2025
    >>> image_id = np.repeat(np.arange(8), 3)  # eight images, three times each
    >>> trials = pd.DataFrame({"image_id": image_id, "is_shared": image_id < 4})
    >>> split = split_sdc2025({"subj01": trials}, n_test=4, n_validation=2)
    >>> split["subj01"].test_images
    array([0, 1, 2, 3])
    >>> len(split["subj01"].train_images)
    2
    """
    return _split("sdc2025", trials, seed, n_test, n_validation, exclusive=False)


def split_strict(
    trials: Trials, seed: int = 0, n_test: int = 1000, n_validation: int = 1000
) -> Split:
    """Split the trials so that no image is on two sides for any two participants.

    As `split_sdc2025`, but only images that no other participant saw fill test and validation.
    Images that several saw, and not all of them three times, are training images of them all.

    Parameters
    ----------
    trials, seed, n_test, n_validation
        Parameters of `split_sdc2025`, which describes them.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If `split_sdc2025` would refuse them, or too few images were seen by one participant alone.

    See Also
    --------
    split_sdc2025 : The rule of the 2025 study.
    """
    return _split("strict", trials, seed, n_test, n_validation, exclusive=True)


def check_split(split: Split) -> SplitCheck:
    """Find the images that are on two sides of a split.

    Parameters
    ----------
    split : Split
        Split to look at.

    Returns
    -------
    SplitCheck
    """
    sides = split.participants
    within = {
        name: _union(np.intersect1d(p.images(a), p.images(b)) for a, b in combinations(SIDES, 2))
        for name, p in sides.items()
    }
    across = _union(
        np.intersect1d(sides[one].images(a), sides[other].images(b))
        for one in sides
        for other in sides
        if one != other
        for a, b in combinations(SIDES, 2)
    )
    held_out = {
        name: float(
            np.isin(p.test_images, _union(o.train_images for k, o in sides.items() if k != name))
            .astype(float)
            .mean()
        )
        for name, p in sides.items()
    }
    return SplitCheck(within, across, held_out)


def _split(
    name: str, trials: Trials, seed: int, n_test: int, n_validation: int, exclusive: bool
) -> Split:
    for argument, value in (("n_test", n_test), ("n_validation", n_validation)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{argument}={value!r}: expected a whole number of images, 1 or more.")
    tables = _by_participant(trials)
    repeated = {p: _repeated(table) for p, table in tables.items()}
    shared = {p: np.unique(t["image_id"][t["is_shared"].astype(bool)]) for p, t in tables.items()}
    common = _intersection([np.intersect1d(repeated[p], shared[p]) for p in tables])
    first = np.random.default_rng(seed).permutation(common)  # the same for everybody

    participants = {}
    for participant, table in tables.items():
        own = np.setdiff1d(repeated[participant], common)
        if exclusive:
            others = _union(t["image_id"] for p, t in tables.items() if p != participant)
            own = np.setdiff1d(own, others)
        rng = np.random.default_rng([seed, *participant.encode()])
        pool = np.concatenate([first, rng.permutation(own)])
        if len(pool) < n_test + n_validation:
            raise ValueError(
                f"n_test={n_test} and n_validation={n_validation}: {participant} has only "
                f"{len(pool)} images with {N_REPETITIONS} repetitions to hold out ({len(common)} "
                "common to all). Take smaller numbers."
            )
        test, validation = pool[:n_test], pool[n_test : n_test + n_validation]
        participants[participant] = _sides(table["image_id"].to_numpy(), test, validation)
    return Split(name, seed, common, participants)


def _sides(image_ids: np.ndarray, test: np.ndarray, validation: np.ndarray) -> ParticipantSplit:
    in_test, in_validation = np.isin(image_ids, test), np.isin(image_ids, validation)
    in_train = ~(in_test | in_validation)
    return ParticipantSplit(
        train_images=np.unique(image_ids[in_train]),
        validation_images=np.sort(validation),
        test_images=np.sort(test),
        train_trials=in_train,
        validation_trials=in_validation,
        test_trials=in_test,
    )


def _by_participant(trials: Trials) -> dict[str, pd.DataFrame]:
    """Trials of each participant, by name ascending, with the columns that are needed."""
    if isinstance(trials, Mapping):
        tables = dict(trials)
    elif "participant" in trials:
        tables = dict(iter(trials.groupby("participant")))
    else:
        raise ValueError(
            "trials lacks the column 'participant'; pass the concatenated NSD.trials of all "
            "participants, or a mapping from their names."
        )
    if not tables:
        raise ValueError("trials holds no participant.")
    for participant, table in tables.items():
        missing = [column for column in _COLUMNS if column not in table]
        if missing or len(table) == 0:
            raise ValueError(
                f"trials of {participant}: expected rows with the columns {list(_COLUMNS)} as from "
                f"NSD.trials, got {len(table)} rows and no column {missing}."
            )
    return {str(participant): tables[participant] for participant in sorted(tables)}


def _repeated(table: pd.DataFrame) -> np.ndarray:
    """Images shown at least three times, ascending."""
    images, counts = np.unique(table["image_id"], return_counts=True)
    return images[counts >= N_REPETITIONS]


def _union(arrays) -> np.ndarray:
    arrays = list(arrays)
    return np.unique(np.concatenate(arrays)) if arrays else np.empty(0, dtype=np.int64)


def _intersection(arrays: list[np.ndarray]) -> np.ndarray:
    common = arrays[0]
    for array in arrays[1:]:
        common = np.intersect1d(common, array)
    return common


def _check_side(side: str) -> str:
    if side not in SIDES:
        raise ValueError(f"side={side!r} is unknown; expected one of {list(SIDES)}.")
    return side
