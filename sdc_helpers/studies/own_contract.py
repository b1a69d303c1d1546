"""The description of a user's own study, ``study.toml``: what may stand in it, and what is checked.

TOML, because Python reads it without a library; one file beside the data, paths relative to it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdc_helpers.studies.own_files import OwnDataError, Problem

FILE = "study.toml"
"""Name of the description."""
EXAMPLE = "`sdc data export-own FOLDER` writes an example to compare with"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddingsPart(_Strict):
    """Embeddings of the stimuli: of pictures, sounds, sentences, anything.

    Attributes
    ----------
    file, key
        A matrix, a row a stimulus; the key of an archive of several.
    stimuli
        Table with a column ``stimulus``, a row a row of the matrix, and maybe ``caption``. Not
        needed where the matrix is a table that has the column itself.
    label
        What they are, for figures.
    texts, texts_key, texts_label
        Embeddings of a text for each stimulus, in the same space and the same rows.
    """

    file: str = Field(min_length=1)
    key: str | None = None
    stimuli: str | None = None
    label: str = "embeddings"
    texts: str | None = None
    texts_key: str | None = None
    texts_label: str = "texts"


class DesignPart(_Strict):
    """How rows hang together, which decides what a test may shuffle.

    Attributes
    ----------
    time_ordered
        Whether rows are a time series in order (volumes of a film), so that neighbours are alike.
    correlated_rows
        For time series: over how many rows neighbours are alike.
    repetitions
        Whether rows of one stimulus are averaged, or kept as trials.
    zscore
        Within which rows each voxel is z-scored: "run", "session", "all", or "none" if it has been.
    """

    time_ordered: bool = False
    correlated_rows: int = Field(default=5, ge=1)
    repetitions: Literal["average", "keep"] = "average"
    zscore: Literal["run", "session", "all", "none"] = "all"


class ParticipantPart(_Strict):
    """One participant's files.

    Attributes
    ----------
    name
        Name of the participant.
    responses, key
        A matrix, a row a trial or volume and a column a voxel; or a 4-D NIfTI with a mask.
    mask
        NIfTI of the voxels to take, on the grid of the responses.
    rows
        Table with a column ``stimulus``, and maybe ``session`` and ``run``; a row a row.
    rois
        Table with a column ``roi``, a row a voxel; or a NIfTI of whole numbers. Optional.
    """

    name: str = Field(min_length=1)
    responses: str = Field(min_length=1)
    rows: str = Field(min_length=1)
    key: str | None = None
    mask: str | None = None
    rois: str | None = None


class BidsPart(_Strict):
    """A BIDS derivative folder in place of participants: fMRIPrep's names, a GLM's maps.

    Attributes
    ----------
    folder
        The folder, with ``sub-*`` inside.
    maps
        "effect": ``sub-*_contrast-STIMULUS_stat-effect_statmap.nii.gz``, as nilearn writes them
        (names of stimuli without signs, or with signs as words); or "betas": 4-D
        ``sub-*_desc-betas_*.nii.gz``, a volume a trial, with ``sub-*_events.tsv`` beside.
    task, space
        Take files of this task and space only.
    """

    folder: str = "."
    maps: Literal["effect", "betas"] = "effect"
    task: str | None = None
    space: str | None = None


class Description(_Strict):
    """Everything that ``study.toml`` says.

    Attributes
    ----------
    name, source
        Name of the study, and whom to cite.
    kind
        The word said beside every number.
    embeddings, design, participants, bids
        The parts.
    """

    name: str = Field(min_length=1)
    kind: Literal["real", "simulated"] = "real"
    source: str = ""
    embeddings: EmbeddingsPart
    design: DesignPart = DesignPart()
    participants: tuple[ParticipantPart, ...] = ()
    bids: BidsPart | None = None


def read_description(folder: Path) -> Description:
    """Read and validate ``study.toml``.

    Parameters
    ----------
    folder : pathlib.Path
        The study's folder.

    Returns
    -------
    Description

    Raises
    ------
    OwnDataError
        With one problem for each field that is missing, unknown or of another type.
    """
    file = folder / FILE
    if not file.is_file():
        raise OwnDataError(
            Problem(FILE, f"{file} is not there; expected the description", f"Write one: {EXAMPLE}")
        )
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise OwnDataError(Problem(FILE, f"it is not TOML in UTF-8 ({error})", EXAMPLE)) from None
    try:
        described = Description.model_validate(content)
    except ValidationError as error:
        raise OwnDataError(*(_of_field(detail) for detail in error.errors())) from None
    problems = list(_of_the_whole(described))
    if problems:
        raise OwnDataError(*problems)
    return described


def _of_field(detail: Mapping[str, Any]) -> Problem:
    """Say what one field has and what it takes."""
    parts = [str(p) for p in detail["loc"]]
    kind, field = detail["type"], ".".join(parts)
    if kind == "missing":
        return Problem(FILE, f"the field {field!r} is missing", f"Add it: {EXAMPLE}")
    if kind == "extra_forbidden":
        return Problem(FILE, f"the field {field!r} is unknown", f"Remove or rename it: {EXAMPLE}")
    found = f"the field {field!r} is {detail['input']!r}: {detail['msg']}"
    return Problem(FILE, found, f"Change it: {EXAMPLE}")


def _of_the_whole(described: Description) -> Iterator[Problem]:
    names = [one.name for one in described.participants]
    if bool(names) == bool(described.bids):
        found = "it names both [[participants]] and [bids]" if names else "it names no participant"
        yield Problem(FILE, f"{found}; expected one of the two", f"Keep one of them: {EXAMPLE}")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(
            FILE, f"two participants are named {name!r}", "Give each participant a name of its own"
        )
