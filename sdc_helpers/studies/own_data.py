"""Your own data behind one contract: embeddings of anything, and responses of several participants.

A folder with ``study.toml`` (`own_contract`) is read as a whole: all problems are found in one run,
each with its file and its remedy, and what is good comes out as `OwnData`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.studies.own_contract import (
    Description,
    DesignPart,
    ParticipantPart,
    read_description,
)
from sdc_helpers.studies.own_files import (
    STIMULUS,
    VOLUMES,
    OwnDataError,
    Problem,
    collected,
    read_matrix,
    read_table,
    wrong,
)
from sdc_helpers.studies.own_participant import OwnParticipant, check_participant
from sdc_helpers.studies.own_volumes import RawParticipant, read_bids, read_volumes


@dataclass(frozen=True, eq=False)
class OwnData:
    """A study that a user brought, checked.

    Attributes
    ----------
    folder : pathlib.Path
        Where it was read.
    description : Description
        What ``study.toml`` says.
    stimuli : str array of shape (n_stimuli,)
        Names of the stimuli.
    embeddings : float32 array of shape (n_stimuli, d)
        Embedding of each, as in the file.
    texts : float32 array of shape (n_stimuli, d) or None
        Embedding of a text for each.
    captions : str array of shape (n_stimuli,) or None
        A caption of each.
    participants : dict of str to OwnParticipant
        By name.
    """

    folder: Path
    description: Description
    stimuli: np.ndarray
    embeddings: np.ndarray
    texts: np.ndarray | None
    captions: np.ndarray | None
    participants: dict[str, OwnParticipant]

    @property
    def design(self) -> DesignPart:
        """How rows hang together."""
        return self.description.design

    @property
    def kind(self) -> str:
        """The word to be said beside every number: "real" or "simulated"."""
        return self.description.kind

    def rows_of(self, stimuli: np.ndarray) -> np.ndarray:
        """Return the row of `embeddings` of each of some stimuli, int (n,)."""
        order = np.argsort(self.stimuli)
        return order[np.searchsorted(self.stimuli[order], stimuli)]


@dataclass(frozen=True, eq=False)
class Reading:
    """What came of reading a folder.

    Attributes
    ----------
    data : OwnData or None
        None where anything is wrong.
    problems : tuple of Problem
        Everything that is wrong.
    parts : tuple of (str, str)
        What is there and what is not: a name and a sentence, in order.
    """

    data: OwnData | None
    problems: tuple[Problem, ...]
    parts: tuple[tuple[str, str], ...]


def read_own_data(folder: str | Path) -> Reading:
    """Read a folder and find all that is wrong with it.

    Parameters
    ----------
    folder : path
        Folder with ``study.toml``.

    Returns
    -------
    Reading
    """
    folder = Path(folder).expanduser()
    problems: list[Problem] = []
    try:
        described = read_description(folder)
    except OwnDataError as error:
        return Reading(None, error.problems, ())
    parts = [("study", f"{described.name} ({described.kind})")]
    stimuli: _Stimuli | None = None
    with collected(problems):
        stimuli = _read_stimuli(folder, described, problems)
    raw = [] if described.bids is None else read_bids(folder, described.bids, problems)
    for part in described.participants:
        with collected(problems):
            raw.append(_read_participant(folder, part, problems))
    participants = {}
    for one in raw:
        own = check_participant(
            one, described, None if stimuli is None else stimuli.names, problems
        )
        if own is not None:
            participants[one.name] = own
    parts += _told(stimuli, participants, described, len(raw))
    shown = tuple(_relative(problem, folder) for problem in problems)
    if problems or stimuli is None:
        return Reading(None, shown, tuple(parts))
    data = OwnData(
        folder, described, stimuli.names, stimuli.embeddings, stimuli.texts, stimuli.captions,
        participants,
    )  # fmt: skip
    return Reading(data, shown, tuple(parts))


def open_own_data(folder: str | Path) -> OwnData:
    """Open a folder with ``study.toml``.

    Parameters
    ----------
    folder : path
        The folder.

    Returns
    -------
    OwnData

    Raises
    ------
    OwnDataError
        If anything is wrong: one line a problem, with its file and its remedy.
    """
    reading = read_own_data(folder)
    if reading.data is None:
        raise OwnDataError(*reading.problems)
    return reading.data


@dataclass(frozen=True, eq=False)
class _Stimuli:
    names: np.ndarray
    embeddings: np.ndarray
    texts: np.ndarray | None
    captions: np.ndarray | None


def _read_stimuli(folder: Path, described: Description, problems: list[Problem]) -> _Stimuli:
    part, file = described.embeddings, folder / described.embeddings.file
    embeddings, names = read_matrix(file, part.key)
    captions = None
    if part.stimuli is not None:
        table_file = folder / part.stimuli
        table = read_table(table_file, STIMULUS)
        names = table[STIMULUS].to_numpy(dtype=str)
        if len(names) != len(embeddings):
            raise wrong(
                table_file,
                f"it has {len(names)} rows and {part.file} {len(embeddings)}; expected one a row",
                "Write one row a row of the embeddings, in their order",
            )
        captions = table["caption"].to_numpy(dtype=str) if "caption" in table else None
    if names is None:
        raise wrong(
            file,
            "nothing says which stimulus each row is",
            f"Write a table with a column {STIMULUS} and name it: "
            'embeddings.stimuli = "stimuli.tsv" in study.toml',
        )
    distinct, counts = np.unique(names, return_counts=True)
    if (counts > 1).any():
        raise wrong(
            folder / (part.stimuli or part.file),
            f"{int((counts > 1).sum())} stimuli are named more than once, such as "
            f"{distinct[counts > 1][0]!r}",
            "Keep one row a stimulus",
        )
    flat = np.flatnonzero(~embeddings.any(axis=1))
    if len(flat) and not described.design.time_ordered:
        problems.append(
            Problem(
                part.file,
                f"row {flat[0]} ({names[flat[0]]}) is 0 throughout, as are {len(flat) - 1} "
                "others; expected an embedding",
                "Embed that stimulus again, or leave it out",
            )
        )
    texts = None
    if part.texts is not None:
        with collected(problems):
            texts, _ = read_matrix(folder / part.texts, part.texts_key)
            if texts.shape != embeddings.shape:
                raise wrong(
                    part.texts,
                    f"it has shape {texts.shape}; expected {embeddings.shape}, that of "
                    f"{part.file}: the same stimuli in the same space",
                    "Embed the texts with the same model, a row a stimulus",
                )
    return _Stimuli(names, embeddings, texts, captions)


def _read_participant(
    folder: Path, part: ParticipantPart, problems: list[Problem]
) -> RawParticipant:
    file, rois = folder / part.responses, None
    mask = folder / part.mask if part.mask else None
    rows = None
    with collected(problems):  # the table is looked at whatever the responses are
        rows = read_table(folder / part.rows, STIMULUS)
    if file.name.endswith(VOLUMES):
        if mask is None:
            raise wrong(file, "it is a volume without a mask", "Name a mask of the participant")
        responses = read_volumes(file, mask)
    else:
        responses, _ = read_matrix(file, part.key)
    if part.rois is not None:
        with collected(problems):
            if part.rois.endswith(VOLUMES) and mask is not None:
                rois = read_volumes(folder / part.rois, mask)[0].astype(int).astype(str)
                rois[rois == "0"] = ""
            else:
                rois = read_table(folder / part.rois, "roi")["roi"].to_numpy(dtype=str)
    if rows is None:
        raise OwnDataError()
    return RawParticipant(
        part.name, responses, rows, (part.responses, part.rows), rois, part.rois or ""
    )


def _told(
    stimuli: _Stimuli | None,
    participants: dict[str, OwnParticipant],
    described: Description,
    n_participants: int,
) -> list[tuple[str, str]]:
    """Say what is there and what is not."""
    told = []
    if stimuli is not None:
        n, d = stimuli.embeddings.shape
        told.append(("embeddings", f"{n:,d} stimuli x {d:,d} ({described.embeddings.label})"))
        gap = "none: no gap report (embeddings.texts in study.toml)"
        texts = described.embeddings.texts_label if stimuli.texts is not None else gap
        told.append(("texts", texts))
        none = "none: concepts are listed by the names of stimuli (a column caption)"
        told.append(("captions", none if stimuli.captions is None else "one a stimulus"))
    for name, one in participants.items():
        repeats = np.unique(one.stimuli, return_counts=True)[1].max()
        regions = "no regions" if one.rois is None else f"{len(set(one.rois) - {''})} regions"
        out = f", {one.n_excluded} constant ones left out" if one.n_excluded else ""
        told.append(
            (
                name,
                f"{len(one.stimuli):,d} rows of {len(set(one.stimuli)):,d} stimuli (at most "
                f"{repeats} times) x {one.responses.shape[1]:,d} voxels{out}; {regions}",
            )
        )
    if n_participants == 1:
        told.append(("others", "none: no shared concepts, for which two participants are needed"))
    return told


def _relative(problem: Problem, folder: Path) -> Problem:
    """Name files as they are named in the description."""
    start = f"{folder}/"
    found = problem.found.replace(start, "")
    return Problem(problem.file.removeprefix(start), found, problem.remedy)
