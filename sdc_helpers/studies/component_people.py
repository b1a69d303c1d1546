"""In whom a component is: a condition that counts participants, which halves of them cannot.

A concept of three people is in either half of the participants: halves reproduce it. Clusters of
chapter 10 ask a core voxel for neighbours in three *other* people; the same is asked here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.concepts import shared_mask
from sdc_helpers.studies.component_study import SAME, ComponentStudy, Masks

if TYPE_CHECKING:
    import pandas as pd

MIN_PEOPLE = 4
"""Participants who have a shared component: somebody, and three others as in chapter 10."""
HALF = 0.5
"""Share of the correlation in the best participant from which another one has a component."""
_ONE_PER_CENT = 2.326  # one-sided quantile of the normal distribution


def read_in(
    study: ComponentStudy, directions: np.ndarray, side: str = "validation"
) -> pd.DataFrame:
    """Correlate in each participant what is decoded of a component with what only it says.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    directions : array of shape (n_components, D)
        Components, two or more.
    side : {"validation", "test"}
        Whose trials are read.

    Returns
    -------
    pandas.DataFrame of shape (n_components, n_participants)
        Correlation of the decoded score with the residual of the true one over those of all other
        components; a column a participant.
    """
    import pandas as pd

    directions = as_array("directions", directions)
    table = {}
    for name in study.data:
        pairs = study.pairs(side, [name])
        table[name] = _alone(pairs.true @ directions.T, pairs.decoded @ directions.T)
    return pd.DataFrame(table)


def count_people(read: pd.DataFrame, n_pictures: int) -> np.ndarray:
    """Count the participants who have each component.

    Somebody has it who reads it at least half as well as the best one, and better than 99 of 100
    would by chance.

    Parameters
    ----------
    read : pandas.DataFrame of shape (n_components, n_participants)
        Of ``read_in``.
    n_pictures : int
        Distinct pictures of the trials that were read: chance has a standard deviation of one
        over the root of it.

    Returns
    -------
    int array of shape (n_components,)
    """
    r = read.to_numpy()
    floor = np.maximum(HALF * r.max(axis=1, keepdims=True), _ONE_PER_CENT / math.sqrt(n_pictures))
    return (r >= floor).sum(axis=1)


def n_pictures(study: ComponentStudy, side: str = "validation") -> int:
    """Return the distinct pictures of one side, of the participant who has fewest."""
    return min(len(np.unique(study.data[name].fold(side)[2])) for name in study.data)


def people_with(
    study: ComponentStudy, directions: np.ndarray, side: str = "validation"
) -> np.ndarray:
    """Count the participants who have each component, see ``read_in`` and ``count_people``.

    Parameters
    ----------
    study, directions, side
        See ``read_in``.

    Returns
    -------
    int array of shape (n_components,)
    """
    return count_people(read_in(study, directions, side), n_pictures(study, side))


def same_place(study: ComponentStudy, masks: Masks, n_participants: int = 2) -> np.ndarray:
    """Count the participants whose mask of a component lies where others have theirs.

    Parameters
    ----------
    study : ComponentStudy
        Which knows the positions of voxels.
    masks : Masks
        Of all participants.
    n_participants : int
        How many have to have it there, the participant included, see ``shared_mask``.

    Returns
    -------
    int array of shape (n_components,)
    """
    places = [study.concepts.positions(name) for name in study.data]
    hard = [masks.hard[name] for name in study.data]
    return shared_mask(hard, places, n_participants=n_participants).counts


def _alone(true: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Correlate each decoded score with the residual of the true one over all others, (K,)."""
    true, decoded = true - true.mean(axis=0), decoded - decoded.mean(axis=0)
    values = []
    for k in range(true.shape[1]):
        others = np.delete(true, k, axis=1)
        left = true[:, k] - others @ np.linalg.lstsq(others, true[:, k], rcond=None)[0]
        length = np.linalg.norm(left) * np.linalg.norm(decoded[:, k])
        values.append(left @ decoded[:, k] / length if length > 0 else 0.0)
    return np.array(values)


def concept_of(study: ComponentStudy, directions: np.ndarray) -> list[str]:
    """Return which planted concept each component is, private ones too; "" where it is none.

    Parameters
    ----------
    study : ComponentStudy
        With planted truth.
    directions : array of shape (n_components, D)
        Components.

    Returns
    -------
    list of str
        Of the concept whose readout the score is most correlated with, by .8 at least.
    """
    r = study.planted_r(directions)
    return [row.idxmax() if row.max() >= SAME else "" for _, row in r.iterrows()]


def left_out(study: ComponentStudy, directions: np.ndarray, n_people: np.ndarray) -> list[str]:
    """Say what was planted where too few participants have a component.

    Parameters
    ----------
    study : ComponentStudy
        With planted truth.
    directions : array of shape (n_components, D)
        Components.
    n_people : int array of shape (n_components,)
        Participants who have each.

    Returns
    -------
    list of str
        Name of the planted concept, or "none", with the number of participants.
    """
    named = zip(concept_of(study, directions), n_people, strict=True)
    return [f"{name or 'none'} ({n})" for name, n in named if n < MIN_PEOPLE]
