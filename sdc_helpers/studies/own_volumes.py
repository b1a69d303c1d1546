"""NIfTI volumes of a user's own folder, under a mask; and a BIDS derivative folder, as it is.

BIDS has no standard for a GLM's maps yet. Read is what nilearn's ``save_glm_to_bids`` writes, a map
a contrast, and 4-D files of betas beside an ``events.tsv``. Names are taken apart by nilearn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._paths import visible
from sdc_helpers.studies.own_files import (
    STIMULUS,
    VOLUMES,
    Problem,
    as_matrix,
    collected,
    read_table,
    require,
    unreadable,
    wrong,
)

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.studies.own_contract import BidsPart

_STIMULUS_COLUMNS = (STIMULUS, "stim_file", "trial_type")
_GLOBS = {"effect": "sub-*_stat-effect_statmap.nii*", "betas": "sub-*_desc-betas_*.nii*"}


@dataclass(frozen=True, eq=False)
class _Part:
    """One file of a participant: its responses, a table of its rows, and its mask."""

    responses: np.ndarray
    rows: pd.DataFrame
    mask: Path


@dataclass(frozen=True, eq=False)
class RawParticipant:
    """What the files of one participant hold, before it is checked against the rest.

    Attributes
    ----------
    name : str
        Name of the participant.
    responses : float32 array of shape (n_rows, n_voxels)
        As they are in the file.
    rows : pandas.DataFrame
        Columns stimulus and maybe session and run.
    files : tuple of str
        Files of the responses and of the rows, for messages.
    rois : str array of shape (n_labels,) or None
        Label of each voxel.
    rois_file : str
        File of the labels.
    """

    name: str
    responses: np.ndarray
    rows: pd.DataFrame
    files: tuple[str, str]
    rois: np.ndarray | None = None
    rois_file: str = ""


def read_volumes(file: Path, mask: Path) -> np.ndarray:
    """Read the voxels of a mask from one volume or several.

    Parameters
    ----------
    file : pathlib.Path
        NIfTI of three or four axes.
    mask : pathlib.Path
        NIfTI, 0 outside, on the same grid.

    Returns
    -------
    float32 array of shape (n_volumes, n_voxels)
        Voxels in the order of the mask, the last axis fastest.

    Raises
    ------
    OwnDataError
        If a file is missing or cannot be read, or the grids differ.
    """
    import nibabel
    from nilearn.masking import apply_mask

    images: list[Any] = []
    for path, what in ((mask, "the mask of the voxels"), (file, "volumes")):
        require(path, VOLUMES, what)
        try:
            images.append(nibabel.load(path))
        except Exception as error:  # nibabel, gzip and zlib each have their own
            raise unreadable(path, error, "NIfTI") from error
    within, volumes = images
    if within.shape[:3] != volumes.shape[:3] or not np.allclose(
        within.affine, volumes.affine, atol=1e-3
    ):
        raise wrong(
            mask,
            f"its grid {within.shape[:3]} is not that of {file.name} {volumes.shape[:3]}, or lies "
            "elsewhere",
            "Resample it: nilearn.image.resample_to_img(mask, volumes, interpolation='nearest')",
        )
    try:
        inside = _inside(within)
        if not inside.any():
            raise wrong(mask, "it is 0 everywhere; expected voxels that are not", "Make it anew")
        binary = nibabel.Nifti1Image(inside.astype(np.uint8), within.affine)
        found = apply_mask(volumes, binary, ensure_finite=False)
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, ValueError) and hasattr(error, "problems"):
            raise
        raise unreadable(file, error, "NIfTI") from error
    found = np.atleast_2d(found)
    n_bad = int((~np.isfinite(found)).any(axis=0).sum())
    if n_bad:
        raise wrong(
            file,
            f"{n_bad} of {found.shape[1]} voxels of the mask {mask.name} hold NaN or infinite "
            "values",
            "Take these voxels out of the mask, or write 0 there in all maps: a voxel that is 0 in "
            "all of them is left out",
        )
    return as_matrix(file, found)


def _inside(mask: Any) -> np.ndarray:
    """Voxels of a mask, bool."""
    return np.squeeze(np.asanyarray(mask.dataobj)) != 0


def read_bids(folder: Path, part: BidsPart, problems: list[Problem]) -> list[RawParticipant]:
    """Read the participants of a BIDS derivative folder.

    Parameters
    ----------
    folder : pathlib.Path
        The study's folder.
    part : BidsPart
        What ``study.toml`` says.
    problems : list of Problem
        What is wrong is added here, and the participant left out.

    Returns
    -------
    list of RawParticipant
        By name. Rows go by session, run, and the name of the map or the row of the events.
    """
    root = folder / part.folder
    found: dict[str, list[tuple[Path, dict[str, str]]]] = {}
    for file in _below(root, _GLOBS[part.maps]):
        entities = _entities(file)
        wanted = {"task": part.task, "space": part.space}
        if all(value in (None, entities.get(key)) for key, value in wanted.items()):
            found.setdefault(f"sub-{entities['sub']}", []).append((file, entities))
    if not found:
        problems.append(_no_maps(root, part))
    read = []
    for name, files in found.items():
        parts: list[_Part] = []
        own: list[Problem] = []
        for file, entities in files:
            with collected(own):
                parts.append(_part(file, entities, part.maps))
        problems += _merged(own)
        if len(parts) == len(files):
            with collected(problems):
                read.append(_joined(name, parts, files))
    return read


def _no_maps(root: Path, part: BidsPart) -> Problem:
    """Say why no map was found: no folder, another space or task, no participant, or none."""
    pattern = _GLOBS[part.maps]
    if not root.is_dir():
        return Problem(str(root), "there is no such folder", "Mend `folder` under [bids]")
    nameless = _below(root, pattern.removeprefix("sub-"))
    others = [file for file in nameless if file.name.startswith("sub-")]
    if others:
        names = {k: {_entities(file).get(k, "none") for file in others} for k in ("task", "space")}
        found = "; ".join(f"{k} {', '.join(sorted(names[k]))}" for k in names)
        return Problem(
            str(root),
            f"no map is of task {part.task or 'any'} and space {part.space or 'any'}; those that "
            f"are there are of {found}",
            "Mend task and space under [bids] in study.toml",
        )
    if nameless:
        return Problem(
            str(nameless[0]),
            "its name does not say whose it is; expected names that begin with sub-LABEL",
            'Give save_glm_to_bids prefix="sub-LABEL_task-NAME", or the names of BIDS files to fit',
        )
    return Problem(
        str(root),
        f"it holds no file {pattern}; expected a BIDS derivative folder with maps of the GLM",
        "Name its folder, maps, task and space under [bids] in study.toml",
    )


def _merged(problems: list[Problem]) -> list[Problem]:
    """Say once what is wrong with several files in the same way."""
    alike: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((problem.found, problem.remedy), []).append(problem)
    merged = []
    for (found, remedy), same in alike.items():
        more = f" (as it is with {len(same) - 1} others beside)" if len(same) > 1 else ""
        merged.append(Problem(same[0].file, found + more, remedy))
    return merged


def _below(folder: Path, pattern: str, depth: int = 4) -> list[Path]:
    """List files of a pattern in a folder and the folders in it, such as sub-01/ses-01/func."""
    found = [path for path in visible(folder, pattern) if path.is_file()]
    if depth:
        for inner in filter(Path.is_dir, visible(folder)):
            found += _below(inner, pattern, depth - 1)
    return found


def _part(file: Path, entities: dict[str, str], maps: str) -> _Part:
    import pandas as pd

    mask = _mask_of(file, entities)
    responses = read_volumes(file, mask)
    if maps == "effect":
        if "contrast" not in entities:
            raise wrong(
                file, "its name has no part contrast-STIMULUS", "Name each map for its stimulus"
            )
        stimuli = [entities["contrast"]] * len(responses)
    else:
        events = _beside(file, entities, "events.tsv", ("sub", "ses", "task", "run"))
        if len(events) != 1:
            raise wrong(
                file,
                f"there is {'no' if not events else 'more than one'} *_events.tsv of the same "
                "participant, session, task and run",
                f"Put one there, with a column {STIMULUS!r} and a row a beta",
            )
        table = read_table(events[0])
        column = next((c for c in _STIMULUS_COLUMNS if c in table), None)
        if column is None or len(table) != len(responses):
            raise wrong(
                events[0],
                f"it has {len(table)} rows and the columns {', '.join(table)}; expected one row "
                f"for each of the {len(responses)} betas and a column {STIMULUS!r}",
                "Keep one row a beta, in their order",
            )
        stimuli = table[column].tolist()
    rows = pd.DataFrame({STIMULUS: stimuli})
    for column, entity in (("session", "ses"), ("run", "run")):
        if entity in entities:
            rows[column] = entities[entity]
    return _Part(responses, rows, mask)


def _joined(
    name: str, parts: list[_Part], files: list[tuple[Path, dict[str, str]]]
) -> RawParticipant:
    """Stack the files of one participant, which have one space and one mask."""
    import pandas as pd

    spaces = {entities.get("space", "none") for _, entities in files}
    masks = dict.fromkeys(part.mask for part in parts)
    remedy = "Give all runs of a participant one mask, and name one space under [bids]"
    if len(spaces) > 1:
        found = f"{name}'s maps are in the spaces {', '.join(sorted(spaces))}; expected one"
        raise wrong(files[0][0].parent, found, remedy)
    if len(masks) > 1 and not _are_equal(list(masks)):
        sizes = sorted({part.responses.shape[1] for part in parts})
        raise wrong(
            files[0][0].parent,
            f"{name}'s maps lie under {len(masks)} masks that differ, of "
            f"{', '.join(map(str, sizes))} voxels",
            remedy,
        )
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    if rows.isna().any(axis=None):
        raise wrong(
            files[0][0].parent,
            f"some of {name}'s files name a session or run and some do not",
            "Name ses and run in all of them, or in none",
        )
    keys = [c for c in ("session", "run") if c in rows]
    order = rows.sort_values(keys, kind="stable").index.to_numpy() if keys else rows.index
    stacked = np.concatenate([part.responses for part in parts])
    where = str(files[0][0].parent)
    return RawParticipant(
        name, stacked[order], rows.loc[order].reset_index(drop=True), (where, where)
    )


def _are_equal(masks: list[Path]) -> bool:
    """Whether masks hold the same voxels of one grid."""
    import nibabel

    first, *others = (nibabel.load(mask) for mask in masks)
    return all(
        np.array_equal(_inside(first), _inside(other))
        and np.allclose(first.affine, other.affine, atol=1e-3)
        for other in others
    )


def _mask_of(file: Path, entities: dict[str, str]) -> Path:
    masks = _beside(file, entities, "mask.nii*", ("sub", "ses", "task", "run", "space"))
    if not masks:
        raise wrong(
            file,
            "there is no brain mask *_mask.nii.gz of this participant beside it",
            "Put the mask of fMRIPrep (*_desc-brain_mask.nii.gz) or of the GLM there",
        )
    if len(masks) > 1:
        raise wrong(
            file,
            f"several masks fit it alike: {', '.join(mask.name for mask in masks)}",
            "Leave one of them there, and move the others to another folder",
        )
    return masks[0]


def _beside(file: Path, entities: dict[str, str], ending: str, keys: tuple[str, ...]) -> list[Path]:
    """Return the files of an ending whose names agree in most entities and contradict in none."""
    best: tuple[int, list[Path]] = (-1, [])
    folders = dict.fromkeys([file.parent, *[p for p in file.parents if p.name.startswith("sub-")]])
    for folder in folders:  # of files that agree alike, the nearest
        found: dict[int, list[Path]] = {}
        for candidate in visible(folder, f"*{ending}"):
            other = _entities(candidate)
            if all(other.get(k, entities.get(k)) == entities.get(k) for k in keys):
                found.setdefault(sum(k in other for k in keys), []).append(candidate)
        best = max([best, *found.items()], key=lambda one: one[0])
    return best[1]


def _entities(file: Path) -> dict[str, str]:
    from nilearn.interfaces.bids import parse_bids_filename

    found = parse_bids_filename(file)["entities"]
    return {key: str(value) for key, value in found.items() if value}
