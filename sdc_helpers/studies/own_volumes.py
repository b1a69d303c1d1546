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
        inside = np.squeeze(np.asanyarray(within.dataobj)) != 0
        if not inside.any():
            raise wrong(mask, "it is 0 everywhere; expected voxels that are not", "Make it anew")
        binary = nibabel.Nifti1Image(inside.astype(np.uint8), within.affine)
        found = apply_mask(volumes, binary, ensure_finite=False)
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, ValueError) and hasattr(error, "problems"):
            raise
        raise unreadable(file, error, "NIfTI") from error
    return as_matrix(file, np.atleast_2d(found))


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
        problems.append(
            Problem(
                str(root),
                f"it holds no file {_GLOBS[part.maps]}; expected a BIDS derivative folder with "
                "maps of the GLM",
                "Name its folder, maps, task and space under [bids] in study.toml",
            )
        )
    read = []
    for name, files in found.items():
        parts: list[tuple[np.ndarray, pd.DataFrame]] = []
        for file, entities in files:
            with collected(problems):
                parts.append(_part(file, entities, part.maps))
        if len(parts) == len(files):
            with collected(problems):
                read.append(_joined(name, parts, files))
    return read


def _below(folder: Path, pattern: str, depth: int = 4) -> list[Path]:
    """List files of a pattern in a folder and the folders in it, such as sub-01/ses-01/func."""
    found = [path for path in visible(folder, pattern) if path.is_file()]
    if depth:
        for inner in filter(Path.is_dir, visible(folder)):
            found += _below(inner, pattern, depth - 1)
    return found


def _part(file: Path, entities: dict[str, str], maps: str) -> tuple[np.ndarray, pd.DataFrame]:
    """Read one file: its responses, and a table of its rows."""
    import pandas as pd

    responses = read_volumes(file, _mask_of(file, entities))
    if maps == "effect":
        if "contrast" not in entities:
            raise wrong(
                file, "its name has no part contrast-STIMULUS", "Name each map for its stimulus"
            )
        stimuli = [entities["contrast"]] * len(responses)
    else:
        events = _beside(file, entities, "events.tsv", ("sub", "ses", "task", "run"))
        if events is None:
            raise wrong(
                file,
                "there is no *_events.tsv of the same participant, session, task and run",
                f"Put it there, with a column {STIMULUS!r} and a row a beta",
            )
        table = read_table(events)
        column = next((c for c in _STIMULUS_COLUMNS if c in table), None)
        if column is None or len(table) != len(responses):
            raise wrong(
                events,
                f"it has {len(table)} rows and the columns {', '.join(table)}; expected one row "
                f"for each of the {len(responses)} betas and a column {STIMULUS!r}",
                "Keep one row a beta, in their order",
            )
        stimuli = table[column].tolist()
    rows = pd.DataFrame({STIMULUS: stimuli})
    for column, entity in (("session", "ses"), ("run", "run")):
        if entity in entities:
            rows[column] = entities[entity]
    return responses, rows


def _joined(
    name: str,
    parts: list[tuple[np.ndarray, pd.DataFrame]],
    files: list[tuple[Path, dict[str, str]]],
) -> RawParticipant:
    import pandas as pd

    sizes = {len(responses.T) for responses, _ in parts}
    if len(sizes) > 1:
        raise wrong(
            files[0][0].parent,
            f"{name}'s maps lie under masks of {', '.join(map(str, sorted(sizes)))} voxels",
            "Give all runs of a participant one mask, and name one space under [bids]",
        )
    rows = pd.concat([table for _, table in parts], ignore_index=True)
    if rows.isna().any(axis=None):
        raise wrong(
            files[0][0].parent,
            f"some of {name}'s files name a session or run and some do not",
            "Name ses and run in all of them, or in none",
        )
    keys = [c for c in ("session", "run") if c in rows]
    order = rows.sort_values(keys, kind="stable").index.to_numpy() if keys else rows.index
    stacked = np.concatenate([responses for responses, _ in parts])
    where = str(files[0][0].parent)
    return RawParticipant(
        name, stacked[order], rows.loc[order].reset_index(drop=True), (where, where)
    )


def _mask_of(file: Path, entities: dict[str, str]) -> Path:
    mask = _beside(file, entities, "mask.nii*", ("sub", "ses", "task", "run", "space"))
    if mask is None:
        raise wrong(
            file,
            "there is no brain mask *_mask.nii.gz of this participant beside it",
            "Put the mask of fMRIPrep (*_desc-brain_mask.nii.gz) or of the GLM there",
        )
    return mask


def _beside(
    file: Path, entities: dict[str, str], ending: str, keys: tuple[str, ...]
) -> Path | None:
    """Return the file of an ending whose name agrees in most entities and contradicts in none."""
    best: tuple[int, Path] | None = None
    folders = dict.fromkeys([file.parent, *[p for p in file.parents if p.name.startswith("sub-")]])
    for candidate in (c for folder in folders for c in visible(folder, f"*{ending}")):
        other = _entities(candidate)
        if any(other.get(k, entities.get(k)) != entities.get(k) for k in keys):
            continue
        agree = sum(k in other for k in keys)
        if best is None or agree > best[0]:
            best = (agree, candidate)
    return best[1] if best else None


def _entities(file: Path) -> dict[str, str]:
    from nilearn.interfaces.bids import parse_bids_filename

    found = parse_bids_filename(file)["entities"]
    return {key: str(value) for key, value in found.items() if value}
