"""One participant of a user's own data: parts that fit each other, z-scored, or what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.studies.own_files import STIMULUS, Problem

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.studies.own_contract import Description, DesignPart
    from sdc_helpers.studies.own_volumes import RawParticipant

LEAST_STIMULI = 8
"""Different stimuli that a participant needs for anything to be measured."""
_NAMED = 3  # names in a message
_WORDS = {"-": "minus", "+": "plus", ">": "gt", "<": "lt"}  # signs in nilearn's names of files


@dataclass(frozen=True, eq=False)
class OwnParticipant:
    """Responses of one participant.

    Attributes
    ----------
    name : str
        Name of the participant.
    responses : float32 array of shape (n_rows, n_voxels)
        Z-scored as ``study.toml`` says.
    stimuli : str array of shape (n_rows,)
        Stimulus of each row.
    sessions, runs : str array of shape (n_rows,) or None
        Session and run of each row, where the table has them. Runs of two sessions differ.
    rois : str array of shape (n_voxels,) or None
        Region of each voxel, "" for none.
    n_excluded : int
        Voxels that were left out because they are constant.
    """

    name: str
    responses: np.ndarray
    stimuli: np.ndarray
    sessions: np.ndarray | None
    runs: np.ndarray | None
    rois: np.ndarray | None
    n_excluded: int


def check_participant(
    raw: RawParticipant,
    described: Description,
    known: np.ndarray | None,
    problems: list[Problem],
) -> OwnParticipant | None:
    """Hold one participant's parts against each other and against the stimuli.

    Parameters
    ----------
    raw : RawParticipant
        What the files hold.
    described : Description
        What ``study.toml`` says.
    known : str array of shape (n_stimuli,) or None
        Stimuli that have an embedding; None where these could not be read.
    problems : list of Problem
        What is wrong is added here.

    Returns
    -------
    OwnParticipant or None
        None where anything is wrong.
    """
    before = len(problems)
    table, (responses_file, rows_file) = raw.rows, raw.files
    if len(table) != len(raw.responses):
        problems.append(
            Problem(
                rows_file,
                f"it has {len(table)} rows and {responses_file} {len(raw.responses)}; expected "
                "one row a row",
                "Write one row for each row of the responses, in their order",
            )
        )
    if raw.rois is not None and len(raw.rois) != raw.responses.shape[1]:
        problems.append(
            Problem(
                raw.rois_file,
                f"it labels {len(raw.rois)} voxels and {responses_file} has "
                f"{raw.responses.shape[1]}; expected one label a voxel",
                "Write one row a column of the responses; leave the label empty for none",
            )
        )
    stimuli = table[STIMULUS].to_numpy(dtype=str)
    if known is not None:
        stimuli, found = _known_names(stimuli, known, rows_file, described.bids is not None)
        problems += found
    if len(set(stimuli)) < LEAST_STIMULI:
        problems.append(
            Problem(
                rows_file,
                f"it names {len(set(stimuli))} different stimuli; expected {LEAST_STIMULI} or more",
                "Check that the column says which stimulus was shown, not its class",
            )
        )
    sessions, runs = _labels(table, "session"), _labels(table, "run")
    if sessions is not None and runs is not None:
        runs = np.char.add(np.char.add(sessions, " "), runs)
    problems += _of_groups(rows_file, described.design, sessions, runs)
    if len(problems) > before:
        return None
    groups = {"run": runs, "session": sessions}.get(described.design.zscore)
    responses, kept = _z_scored(raw.responses, groups, described.design.zscore)
    if kept.sum() < 2:
        problems.append(
            Problem(
                responses_file,
                f"{int(kept.sum())} of {len(kept)} voxels vary; expected two or more",
                "Check that rows are trials and columns voxels, and not the other way round",
            )
        )
        return None
    rois = None if raw.rois is None else raw.rois[kept]
    return OwnParticipant(raw.name, responses, stimuli, sessions, runs, rois, int((~kept).sum()))


def _known_names(
    stimuli: np.ndarray, known: np.ndarray, file: str, is_bids: bool
) -> tuple[np.ndarray, list[Problem]]:
    """Name stimuli as the embeddings do, and say which have none or more than one."""
    own, problems = set(known.tolist()), []
    if is_bids:
        near = _near_names(known)
        fits = {
            one: [one] if one in own else near.get(_plain(one), []) for one in set(stimuli.tolist())
        }
        stimuli = np.array([fits[one][0] if fits[one] else one for one in stimuli.tolist()])
        for one, several in sorted(fits.items()):
            if len(several) > 1:
                found = f"{one!r} may be {' or '.join(map(repr, several[:_NAMED]))}"
                remedy = (
                    "Names of files keep letters and digits alone: rename the stimuli so that "
                    "these tell them apart, in the events of the GLM too, and write the maps again"
                )
                problems.append(Problem(file, found, remedy))
    strangers = sorted(set(stimuli.tolist()) - own)
    if strangers:
        found = f"{len(strangers)} stimuli have no embedding, such as "
        remedy = "Embed them, write their names as in the table of stimuli, or "
        remedy += "move their maps to another folder" if is_bids else "leave those rows out"
        problems.append(
            Problem(file, found + ", ".join(map(repr, strangers[:_NAMED])), remedy),
        )
    return stimuli, problems


def _near_names(known: np.ndarray) -> dict[str, list[str]]:
    """List stimuli by what names of files keep: nilearn writes `face_01` as `face01`.

    It also writes signs as words: `face-01` as `faceMinus01`.
    """
    near: dict[str, list[str]] = {}
    for name in known.tolist():
        spoken = name
        for sign, word in _WORDS.items():
            spoken = spoken.replace(sign, word)
        for key in {_plain(name), _plain(spoken)}:
            near.setdefault(key, []).append(name)
    return near


def _plain(name: str) -> str:
    """Leave letters and digits alone, in lower case."""
    return "".join(filter(str.isalnum, name)).lower()


def _labels(table: pd.DataFrame, column: str) -> np.ndarray | None:
    return table[column].to_numpy(dtype=str) if column in table else None


def _of_groups(
    file: str, design: DesignPart, sessions: np.ndarray | None, runs: np.ndarray | None
) -> list[Problem]:
    """Say what is wrong with the columns session and run, for what they are needed."""
    found = []
    for name, labels in (("session", sessions), ("run", runs)):
        if labels is None and design.zscore == name:
            found.append(
                Problem(
                    file,
                    f"the column {name!r} is missing, and design.zscore is {name!r}",
                    "Add the column, or set design.zscore in study.toml to all or none",
                )
            )
        if labels is None:
            continue
        if any(not label.strip() for label in labels):
            found.append(
                Problem(file, f"the column {name!r} is empty in some rows", "Fill it in every row")
            )
        starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
        if design.time_ordered and len(starts) != len(set(labels)):
            found.append(
                Problem(
                    file,
                    f"rows of one {name} are not next to each other, and design.time_ordered is "
                    "true",
                    "Put the rows in the order of time",
                )
            )
    return found


def _z_scored(
    responses: np.ndarray, groups: np.ndarray | None, how: str
) -> tuple[np.ndarray, np.ndarray]:
    """Z-score each voxel within groups of rows, without those that are constant in one."""
    labels = np.zeros(len(responses)) if groups is None else groups
    parts = [labels == group for group in dict.fromkeys(labels.tolist())]
    varies = [np.ptp(responses[rows], axis=0) > 0 for rows in parts]
    kept = np.any(varies, axis=0) if how == "none" else np.all(varies, axis=0)
    scaled = responses[:, kept].astype(np.float64)
    if how != "none":
        for rows in parts:
            part = scaled[rows]
            scaled[rows] = (part - part.mean(axis=0)) / part.std(axis=0)
    return scaled.astype(np.float32), kept
