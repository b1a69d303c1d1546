"""Tables of the Natural Scenes Dataset: trials, images and captions; every error names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets._nsd_files import N_IMAGES
from sdc_helpers.datasets._text_files import check_last_line
from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable

if TYPE_CHECKING:
    import pandas as pd

_TRIAL_COLUMNS = {
    "SESSION": "session",
    "RUN": "run",
    "TRIAL": "trial",
    "73KID": "image_id",
}
_INFO_COLUMNS = ("nsdId", "cocoId", "cocoSplit", "shared1000")


def read_responses(file: Path, participant: str) -> pd.DataFrame:
    """Read ``responses.tsv``: one row a trial in order of showing, names in lower case.

    Columns: participant, session, run, trial, trial_index, image_id, repetition, then every other
    column of the file.
    """
    table = _read_table(file, "\t", ("SUBJECT", *_TRIAL_COLUMNS), "the trials of a participant")
    for column in ("SUBJECT", *_TRIAL_COLUMNS):
        table[column] = _integers(file, table[column])
    number = int(participant.removeprefix("subj"))
    foreign = table.loc[table["SUBJECT"] != number, "SUBJECT"]
    if len(foreign):
        raise DataFormatError(
            f"{file}: SUBJECT is {foreign.iloc[0]} in line {foreign.index[0] + 2}, "
            f"expected {number}."
        )
    outside = ~table["73KID"].between(1, N_IMAGES)
    if outside.any():
        line = int(outside.idxmax())
        raise DataFormatError(
            f"{file}: 73KID is {table['73KID'][line]} in line {line + 2}, expected 1 to {N_IMAGES}."
        )
    table = table.drop(columns="SUBJECT").rename(columns=_TRIAL_COLUMNS).rename(columns=str.lower)
    order = ["session", "run", "trial"]
    if table.duplicated(order).any():
        line = int(table.duplicated(order).idxmax())
        raise DataFormatError(f"{file}: line {line + 2} repeats a session, run and trial.")
    table = table.sort_values(order, ignore_index=True)
    responses = [column for column in table if column not in _TRIAL_COLUMNS.values()]
    return table.assign(
        participant=participant,
        trial_index=np.arange(len(table)),
        repetition=table.groupby("image_id").cumcount() + 1,
    )[["participant", *order, "trial_index", "image_id", "repetition", *responses]]


def read_stim_info(file: Path) -> pd.DataFrame:
    """Read ``nsd_stim_info_merged.csv``: cocoId, cocoSplit and is_shared by image_id (1-based)."""
    table = _read_table(file, ",", _INFO_COLUMNS, "a row an image")[list(_INFO_COLUMNS)]
    for column in ("nsdId", "cocoId"):
        table[column] = _integers(file, table[column])
    shared = table["shared1000"].astype(str).str.strip().str.lower()
    known = {"true": True, "1": True, "false": False, "0": False}
    unknown = shared[~shared.isin(list(known))]
    if len(unknown):
        raise DataFormatError(
            f"{file}: shared1000 is {unknown.iloc[0]!r} in line {unknown.index[0] + 2}, expected "
            "True or False."
        )
    if table["nsdId"].duplicated().any():
        raise DataFormatError(
            f"{file}: nsdId {table['nsdId'][table['nsdId'].duplicated()].iloc[0]} occurs twice."
        )
    table = table.assign(image_id=table["nsdId"] + 1, is_shared=shared.map(known).astype(bool))
    return table.set_index("image_id")[["cocoId", "cocoSplit", "is_shared"]]


def image_info(info: pd.DataFrame, image_ids: np.ndarray, file: Path) -> pd.DataFrame:
    """Look up rows of `read_stim_info`, one an id, in the order of the ids."""
    missing = np.setdiff1d(image_ids, info.index)
    if len(missing):
        raise DataFormatError(
            f"{file} has no row for image {missing[0]} (nsdId {missing[0] - 1}), and for "
            f"{len(missing) - 1} more that were asked for."
        )
    return info.loc[image_ids]


def read_captions(file: Path) -> dict[int, list[str]]:
    """Read COCO captions by image_id (the cocoId), in the order of the file."""
    require_file(file, "COCO captions")
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, OSError) as error:  # malformed JSON, or not UTF-8
        raise unreadable(file, error, "read as JSON") from error
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(annotations, list):
        raise DataFormatError(f"{file} has no list 'annotations'; expected COCO captions.")
    captions: dict[int, list[str]] = {}
    for number, entry in enumerate(annotations):
        image = entry.get("image_id") if isinstance(entry, dict) else None
        if not isinstance(image, int) or not isinstance(entry.get("caption"), str):
            raise DataFormatError(
                f"{file}: annotation {number} is {entry!r}; expected an 'image_id' (int) and a "
                "'caption' (text)."
            )
        captions.setdefault(image, []).append(entry["caption"])
    return captions


def _read_table(file: Path, separator: str, needed: tuple[str, ...], content: str) -> pd.DataFrame:
    import pandas as pd

    require_file(file, content)
    check_last_line(file, separator)
    try:
        table = pd.read_csv(file, sep=separator)
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise unreadable(file, error, "read as a table") from error
    missing = [column for column in needed if column not in table]
    if missing:
        raise DataFormatError(
            f"{file} lacks the column {missing[0]!r}; expected {list(needed)}, found "
            f"{list(table)[:20]}."
        )
    if table.empty:
        raise DataFormatError(f"{file} has no rows; expected {content}.")
    return table


def _integers(file: Path, column: pd.Series) -> pd.Series:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    bad = ~(numbers == np.floor(numbers)) | ~np.isfinite(numbers)  # NaN is not equal to itself
    if bad.any():
        line = int(bad.idxmax())
        raise DataFormatError(
            f"{file}: {column.name} is {str(column[line])!r} in line {line + 2}, expected a whole "
            "number."
        )
    return numbers.astype(np.int64)
