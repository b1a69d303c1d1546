"""What the voxels of a planted concept may follow in pictures: what was meant, and confounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.concepts import partial_correlations
from sdc_helpers.studies.reading_responses import responses_of

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.studies.reading_responses import HeldOut
    from sdc_helpers.studies.reading_study import ReadingStudy

CANDIDATES = {
    "number": ("objects (log)", "people", "edges", "brightness"),
    "food_colour": ("warm colour", "round shape", "any food"),
    "food_shape": ("round shape", "warm colour", "any food"),
}
"""What voxels of a planted concept may follow; what was meant stands first."""


def candidates(reading: ReadingStudy, name: str, image_ids: np.ndarray) -> pd.DataFrame:
    """Return what voxels of a planted concept may follow in pictures, see `CANDIDATES`.

    Parameters
    ----------
    reading : ReadingStudy
        Of simulated participants.
    name : str
        One of the names in `CANDIDATES`.
    image_ids : int array of shape (n_pictures,)
        Pictures.

    Returns
    -------
    pandas.DataFrame
        A row a picture, a column a candidate; what was meant is the first.

    Raises
    ------
    ValueError
        If the name is another one, or the pictures are real.
    """
    truth = reading.study.truth
    if truth is None or name not in CANDIDATES:
        raise ValueError(
            f"name={name!r}: expected one of {', '.join(CANDIDATES)}, of simulated pictures."
        )
    known = truth.images.loc[as_array("image_ids", image_ids)]
    columns = {
        "objects (log)": lambda: np.log2(known.n_objects),
        "people": lambda: known.n_people,
        "edges": lambda: edge_energy(reading.study.reader.stimuli(image_ids)),
        "brightness": lambda: known.brightness,
        "warm colour": lambda: known.food_warm,
        "round shape": lambda: known.food_round - known.food_long,
        "any food": lambda: known.food,
    }  # pictures are read for edges only
    asked = CANDIDATES[name]
    return known.assign(**{factor: columns[factor]() for factor in asked})[list(asked)]


def partials(reading: ReadingStudy, name: str, held: HeldOut) -> tuple[np.ndarray, str]:
    """Correlate the responses of a concept with each candidate, the others taken out.

    Parameters
    ----------
    reading : ReadingStudy
        Of simulated participants.
    name : str
        One of the names in `CANDIDATES`.
    held : HeldOut
        Responses of the clusters.

    Returns
    -------
    partial : array of shape (n_participants, n_candidates)
        In the order of `CANDIDATES`.
    origin : str
        Which voxels were read, see `responses_of`.
    """
    responses, origin = responses_of(reading, name, held)
    rows = [
        partial_correlations(values, candidates(reading, name, held.pictures[participant]))
        for participant, values in responses.items()
    ]
    return np.array(rows), origin


def edge_energy(pictures: np.ndarray) -> np.ndarray:
    """Return the mean absolute difference between neighbouring pixels: how busy a picture is.

    Parameters
    ----------
    pictures : array of shape (n_pictures, height, width, 3)
        Pictures.

    Returns
    -------
    array of shape (n_pictures,)
    """
    grey = as_array("pictures", pictures).mean(axis=3)
    across, down = (np.abs(np.diff(grey, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2))
    return across + down
