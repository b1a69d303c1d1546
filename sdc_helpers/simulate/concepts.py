"""What the simulated cortex is tuned to: concepts, their meaning in a picture, and their places.

A concept is a function of the factor table of the pictures. Its zero is a picture that has nothing
to do with it, and a voxel's response to such a picture is at baseline. Some concepts go below
baseline for their opposite (negation "below"); for the others, having the opposite is only less
than having the concept (negation "less").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from sdc_helpers.simulate.worlds import find_world

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("indoor", "outdoor_natural", "face", "body", "hand", "leg", "food_round", "food_long"),
    *("animal", "vehicle", "building", "word", "n_objects", "food_warm", "near", "brightness"),
    *("orientation_cos", "orientation_sin"),
)
"""Columns of the factor table that the concepts are defined on."""

SIDE_WAYS = "orientation_oblique"
"""Not a concept but the other axis of orientation, towards which its voxels' preferences spread."""


@dataclass(frozen=True)
class Site:
    """Where a concept is found, as a centre in each hemisphere that has it.

    Attributes
    ----------
    name : str
        Name of the area, such as "FFA-1".
    mm : tuple of float
        Centre |x|, y, z in millimetres.
    n_left, n_right : int
        Voxels of 64 mm^3 in an average participant.
    roi, label : str
        Localiser ROI that finds it and the label there; empty where no localiser exists.
    """

    name: str
    mm: tuple[float, float, float]
    n_left: int
    n_right: int
    roi: str = ""
    label: str = ""


@dataclass(frozen=True)
class Concept:
    """A planted concept.

    Attributes
    ----------
    name : str
        Short name.
    meaning : str
        What raises the response, in words.
    opposite : str
        What lowers the response, in words.
    formula : str
        The meaning in columns of the factor table.
    value : callable
        Function of the factor table that gives one float a picture, 0 at baseline, not
        standardised.
    negation : {"below", "less"}
        Whether the opposite lowers the response below baseline; "less" means that negative values
        are set to zero.
    sites : tuple of Site
        Areas where the concept lies.
    is_shared : bool
        Whether all participants have it; otherwise the world says who does.
    """

    name: str
    meaning: str
    opposite: str
    formula: str
    value: Callable[[pd.DataFrame], pd.Series]
    negation: Literal["below", "less"]
    sites: tuple[Site, ...]
    is_shared: bool = True


SHARED: tuple[Concept, ...] = (
    Concept(
        "faces",
        "large or many faces",
        "no face",
        "face",
        lambda f: f["face"],
        "less",
        (
            Site("OFA", (40, -79, -9), 13, 16, "floc-faces", "OFA"),
            Site("FFA-1", (41, -62, -16), 14, 17, "floc-faces", "FFA-1"),
            Site("FFA-2", (41, -47, -19), 13, 15, "floc-faces", "FFA-2"),
        ),
    ),
    Concept(
        "bodies",
        "whole bodies",
        "no body",
        "body",
        lambda f: f["body"],
        "less",
        (
            Site("EBA", (46, -72, 6), 28, 30, "floc-bodies", "EBA"),
            Site("FBA-2", (44, -40, -22), 12, 14, "floc-bodies", "FBA-2"),
        ),
    ),
    Concept(
        "hands_legs",
        "hands or legs alone",
        "neither",
        "hand + leg",
        lambda f: f["hand"] + f["leg"],
        "less",
        (
            Site("hand area", (50, -66, -6), 22, 18),
            Site("leg area", (44, -62, 14), 20, 20),
        ),
    ),
    Concept(
        "places",
        "landscapes and buildings",
        "indoor scenes",
        "outdoor_natural + building - indoor",
        lambda f: f["outdoor_natural"] + f["building"] - f["indoor"],
        "below",
        (
            Site("OPA", (34, -82, 20), 14, 16, "floc-places", "OPA"),
            Site("PPA", (26, -48, -9), 16, 18, "floc-places", "PPA"),
            Site("RSC", (16, -57, 12), 14, 15, "floc-places", "RSC"),
        ),
    ),
    Concept(
        "food_colour",
        "food of warm colour",
        "food of cold colour",
        "food_warm",
        lambda f: f["food_warm"],
        "below",
        (Site("food, medial", (31, -66, -12), 36, 36),),
    ),
    Concept(
        "food_shape",
        "round food",
        "long food",
        "food_round - food_long",
        lambda f: f["food_round"] - f["food_long"],
        "below",
        (Site("food, lateral", (35, -53, -14), 36, 36),),
    ),
    Concept(
        "words",
        "written words",
        "no writing",
        "word",
        lambda f: f["word"],
        "less",
        (
            Site("OWFA", (36, -88, -8), 16, 10, "floc-words", "OWFA"),
            Site("VWFA-1", (47, -62, -10), 22, 11, "floc-words", "VWFA-1"),
            Site("VWFA-2", (48, -51, -13), 20, 0, "floc-words", "VWFA-2"),
        ),
    ),
    Concept(
        "number",
        "many objects",
        "a single object",
        "log2(n_objects) - 1.5",
        lambda f: np.log2(f["n_objects"]) - 1.5,
        "below",
        (
            Site("IPS, posterior", (25, -74, 32), 12, 20),
            Site("IPS, anterior", (30, -58, 48), 16, 26),
        ),
    ),
    Concept(
        "orientation",
        "horizontal lines",
        "vertical lines",
        "orientation_cos",
        lambda f: f["orientation_cos"],
        "below",
        (Site("V1", (9, -90, 1), 45, 45),),
    ),
    Concept(
        "near_far",
        "everything near",
        "everything far",
        "near",
        lambda f: f["near"],
        "less",
        (Site("V3A", (20, -90, 24), 38, 38),),
    ),
)

OWNED: tuple[Concept, ...] = (
    Concept(
        "animals",
        "animals",
        "no animal",
        "animal",
        lambda f: f["animal"],
        "less",
        (Site("lateral occipital", (42, -82, 2), 24, 24),),
        is_shared=False,
    ),
    Concept(
        "vehicles",
        "vehicles",
        "no vehicle",
        "vehicle",
        lambda f: f["vehicle"],
        "less",
        (Site("lateral occipital", (42, -82, 2), 24, 24),),
        is_shared=False,
    ),
    Concept(
        "lighting",
        "bright pictures",
        "dark pictures",
        "brightness - 0.5",
        lambda f: f["brightness"] - 0.5,
        "below",
        (Site("VO", (16, -76, -8), 24, 24),),
        is_shared=False,
    ),
)


def concepts_of(participant: int, world: str = "easy") -> tuple[Concept, ...]:
    """Return the concepts of the participant of this number, from 1: the shared and its own.

    Raises
    ------
    ValueError
        If there is no such world.
    """
    owners = find_world(world).owners
    return SHARED + tuple(concept for concept in OWNED if participant in owners[concept.name])


def concept_values(factors: pd.DataFrame) -> pd.DataFrame:
    """Evaluate every concept, and `SIDE_WAYS`, on a table of factors.

    Parameters
    ----------
    factors : pandas.DataFrame
        One row a picture, columns `COLUMNS` at least.

    Returns
    -------
    pandas.DataFrame
        One row a picture, one column a concept: in standard deviations over these pictures, with
        zero at baseline, so that the mean is not zero.

    Raises
    ------
    ValueError
        If a column is missing, a value is not finite, or a concept is the same in all pictures.
    """
    import pandas as pd

    missing = [column for column in COLUMNS if column not in factors]
    if missing:
        raise ValueError(f"factors lacks the column {missing[0]!r}; expected {list(COLUMNS)}.")
    table = factors[list(COLUMNS)].astype(np.float64)
    if not np.isfinite(table.to_numpy()).all():
        column = table.columns[~np.isfinite(table.to_numpy()).all(axis=0)][0]
        raise ValueError(f"factors[{column!r}] is not finite everywhere; expected numbers.")
    values = {}
    for concept in SHARED + OWNED:
        value = concept.value(table).to_numpy()
        values[concept.name] = np.maximum(value, 0) if concept.negation == "less" else value
    values[SIDE_WAYS] = table["orientation_sin"].to_numpy()
    for name, value in values.items():
        if value.std() < 1e-9:
            raise ValueError(
                f"factors: the concept {name!r} is {value[0]:g} in all {len(value)} pictures; "
                "expected it to vary. Take more pictures."
            )
    return pd.DataFrame({name: value / value.std() for name, value in values.items()})
