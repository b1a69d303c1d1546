"""Read the three files that THINGS-fMRI (table form) has of each participant.

The responses were written by pandas' ``to_hdf`` (fixed format, key ``ResponseData``): per data type
a block, ``block<i>_values`` of shape (rows, columns of that type). In the release the float block
holds the trials, shape (voxels, 9840), and an integer block of one column the voxel ids. The
column names, a mixture of text and numbers, were stored by PyTables as a pickle. A pickle can run
any program when it is loaded, so it is never loaded here, nor needed: pandas keeps the columns of a
block in the order of the table, which is that of the trial ids. Names that were stored as plain
strings or integers are checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets._hdf5 import find, open_hdf5
from sdc_helpers.datasets._text_files import check_last_line
from sdc_helpers.datasets.errors import DataFormatError, is_folder, listed, require_file, unreadable

if TYPE_CHECKING:
    import h5py
    import pandas as pd

RESPONSES, VOXELS, STIMULI = "ResponseData.h5", "VoxelMetadata.csv", "StimulusMetadata.csv"
KEY = "ResponseData"
TRIAL_TYPES = ("train", "test")
_PARTICIPANT_FILE = re.compile(r"(sub-\d+)_(?:ResponseData\.h5|(?:Voxel|Stimulus)Metadata\.csv)")
_CEILINGS = ("nc_singletrial", "nc_testset")
_VOXEL_COLUMNS = ("voxel_id", "voxel_x", "voxel_y", "voxel_z", *_CEILINGS)
_NOT_A_ROI = re.compile(r"voxel_\w+|subject_id|nc_\w+|splithalf_\w+|prf-\w+")
_STIMULUS_COLUMNS = ("trial_type", "session", "run", "trial_id", "stimulus")
_IMAGE_NAME = re.compile(r"(.+)_[^_]+")
_BLOCK_BYTES = 16 * 2**20
_GAP_BYTES = 64 * 2**10  # reading over a gap as short as this is quicker than a second read


def find_folder(root: Path) -> Path:
    """Folder of the files: `root`, or ``betas_csv`` in it as the release's archive unpacks."""
    inner = root / "betas_csv"
    return inner if is_folder(inner) else root


def find_participants(folder: Path) -> tuple[str, ...]:
    """Names ("sub-01") of the participants of whom there is at least one file."""
    matches = (_PARTICIPANT_FILE.fullmatch(path.name) for path in listed(folder, "sub-*_*"))
    names = tuple(sorted({match[1] for match in matches if match}))
    if not names:
        raise DataFormatError(
            f"{folder} holds no file sub-01_{RESPONSES}, sub-01_{VOXELS} or the like; expected "
            "the unpacked table form of THINGS-fMRI (betas_csv) under root."
        )
    return names


def concept_of(image: str) -> str | None:
    """Concept in the name of an image: "bat1" of "bat1_01b.jpg"; None if there is none."""
    match = _IMAGE_NAME.fullmatch(image)
    return match[1] if match else None


def roi_names(voxels: pd.DataFrame) -> tuple[str, ...]:
    """Columns of a voxel table that say whether a voxel lies in a region."""
    return tuple(name for name in voxels.columns if not _NOT_A_ROI.fullmatch(name))


def read_voxels(file: Path) -> pd.DataFrame:
    """Voxel table, a row a voxel as in the file; ROI columns boolean, voxel ids int64."""
    table = _read_csv(file, _VOXEL_COLUMNS)
    ids = _whole_numbers(table["voxel_id"], file)
    _check_unique(ids, file, "voxel_id")
    for name in _CEILINGS:
        if table[name].dtype.kind not in "iuf":
            raise DataFormatError(f"{file}: column {name!r} holds text; expected percent.")
    for name in roi_names(table):
        table[name] = _indicator(table[name], file)
    return table.assign(voxel_id=ids)


def _indicator(column: pd.Series, file: Path) -> np.ndarray:
    good = column.isin([0, 1]).to_numpy()
    if column.dtype.kind not in "biuf" or not good.all():
        bad = column[~good].iloc[0] if not good.all() else column.iloc[0]
        raise DataFormatError(
            f"{file}: column {column.name!r} holds {str(bad)!r} in line {np.argmin(good) + 2}; "
            "every column besides ids, positions, noise ceilings, split-half and pRF values is "
            "taken for a ROI and must hold 0 or 1. A cut-off file ends in an empty value."
        )
    return column.to_numpy().astype(bool)


def read_stimuli(file: Path) -> pd.DataFrame:
    """Stimulus table, a row a trial in order of the response columns, in tidy column names."""
    table = _read_csv(file, _STIMULUS_COLUMNS)
    for name in _STIMULUS_COLUMNS:
        if table[name].isna().any():
            line = int(np.argmax(table[name].isna())) + 2
            raise DataFormatError(f"{file}: line {line} has no {name}; is the file cut off?")
    unknown = sorted(set(table["trial_type"]) - set(TRIAL_TYPES), key=str)
    if unknown:
        raise DataFormatError(
            f"{file}: trial_type holds {unknown[0]!r}; expected {' or '.join(TRIAL_TYPES)} (the "
            "table form has no catch trials)."
        )
    table = _in_column_order(table, file)
    images = table["stimulus"].astype(str)
    concepts = table["concept"] if "concept" in table else images.map(concept_of)
    if concepts.isna().any():
        name = images[concepts.isna()].iloc[0]
        raise DataFormatError(
            f"{file}: stimulus {name!r} names no concept; expected names such as aardvark_01b.jpg."
        )
    return table[["trial_type"]].assign(
        session=_whole_numbers(table["session"], file),
        run=_whole_numbers(table["run"], file),
        image=images,
        concept=concepts.astype(str),
    )


def _in_column_order(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Sort by trial id, the name of the response column.

    Ids that start again in every run or session say nothing: there the order of the rows counts.
    """
    ids = _whole_numbers(table["trial_id"], file)
    if len(np.unique(ids)) < len(ids):
        per_run = table.assign(trial_id=ids)[["session", "run", "trial_id"]]
        if per_run.duplicated().any():
            line = int(np.argmax(per_run.duplicated())) + 2
            raise DataFormatError(f"{file}: line {line} repeats a trial_id of the same run.")
        return table
    if not np.array_equal(np.sort(ids), np.arange(len(ids))):
        raise DataFormatError(
            f"{file}: trial_id runs from {ids.min()} to {ids.max()} in {len(ids)} rows; expected "
            f"0 to {len(ids) - 1}, the columns of {RESPONSES}. Rows seem to be missing."
        )
    return table.iloc[np.argsort(ids)].reset_index(drop=True)


def _read_csv(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    require_file(file, "a CSV table")
    check_last_line(file, ",")
    try:
        table = pd.read_csv(file)
    except (OSError, ValueError) as error:  # pandas' parser errors and UnicodeDecodeError too
        raise unreadable(file, error, "read as a CSV table") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise DataFormatError(
            f"{file} has no column {missing[0]!r}; expected {list(columns)}, comma-separated, "
            f"got {list(table.columns)[:8]}."
        )
    if table.empty:
        raise DataFormatError(f"{file} has a header and no rows.")
    return table


def _whole_numbers(column: pd.Series, file: Path) -> np.ndarray:
    if column.dtype.kind not in "iuf" or not np.all(column % 1 == 0):
        raise DataFormatError(f"{file}: column {column.name!r} must hold whole numbers only.")
    return column.to_numpy().astype(np.int64)


def _check_unique(ids: np.ndarray, file: Path, what: str) -> None:
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DataFormatError(
            f"{file}: {what} {values[counts > 1][0]} occurs {counts.max()} times; expected each "
            "voxel once."
        )


@dataclass(frozen=True, eq=False)
class ResponseTable:
    """The responses of one participant in an open file.

    Attributes
    ----------
    file : pathlib.Path
        File that holds the responses.
    values : h5py.Dataset of shape (n_voxels, n_trials)
        Not read yet.
    voxel_ids : numpy.ndarray of int64, shape (n_voxels,)
        Id of each row.
    """

    file: Path
    values: h5py.Dataset
    voxel_ids: np.ndarray

    @property
    def n_trials(self) -> int:
        """Number of columns."""
        return self.values.shape[1]

    def iter_rows(
        self, rows: np.ndarray, max_bytes: int = _BLOCK_BYTES
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read rows a few at a time, in the order in which they lie in the file.

        Parameters
        ----------
        rows : numpy.ndarray of int, shape (n,)
            Rows wanted, each once, in any order.
        max_bytes : int
            What is read at once stays below this, but for one row at least.

        Yields
        ------
        positions : numpy.ndarray of shape (k,)
            Places in `rows` of the responses in the block.
        block : numpy.ndarray of shape (k, n_trials)
            Responses of those rows.
        """
        order = np.argsort(rows)
        ordered = rows[order]
        row_bytes = self.n_trials * self.values.dtype.itemsize
        most = max(1, max_bytes // row_bytes)
        gap = max(self.values.chunks[0] if self.values.chunks else 1, _GAP_BYTES // row_bytes)
        begin = 0
        for end in range(1, len(ordered) + 1):
            if (
                end < len(ordered)
                and ordered[end] - ordered[end - 1] <= gap
                and ordered[end] - ordered[begin] < most
            ):
                continue
            first, last = ordered[begin], ordered[end - 1]
            yield order[begin:end], self._read(first, last)[ordered[begin:end] - first]
            begin = end

    def _read(self, first: int, last: int) -> np.ndarray:
        try:
            return self.values[first : last + 1]
        except (OSError, RuntimeError) as error:
            raise unreadable(self.file, error, f"read in rows {first} to {last}") from error


@contextmanager
def open_responses(file: Path) -> Iterator[ResponseTable]:
    """Open a response file and check its structure; no response is read."""
    with open_hdf5(file, "the responses of this participant") as handle:
        yield _response_table(handle, file)


def _response_table(handle: h5py.File, file: Path) -> ResponseTable:
    group = find(file, handle, KEY)
    if group is None or not hasattr(group, "keys"):
        raise DataFormatError(f"{file} has no group {KEY!r}; it holds {list(handle)[:5]}.")
    if "table" in group:
        raise DataFormatError(
            f"{file}: {KEY} is in pandas' format 'table'; expected 'fixed', as in the release. "
            f"Write it again with to_hdf(..., key={KEY!r}, format='fixed')."
        )
    entries = {name: find(file, group, name) for name in group if name.endswith("_values")}
    blocks = {k.removesuffix("_values"): v for k, v in entries.items() if hasattr(v, "dtype")}
    trials = [k for k, v in blocks.items() if v.dtype.kind == "f" and v.ndim == 2]
    ids = [k for k, v in blocks.items() if v.dtype.kind in "iu" and v.shape[1:] == (1,)]
    if len(trials) != 1 or len(ids) != 1:
        shapes = {name: (str(v.dtype), v.shape) for name, v in blocks.items()}
        raise DataFormatError(
            f"{file}: expected in {KEY} one block of floats (voxels, trials) and one integer "
            f"column voxel_id, got {shapes}."
        )
    try:
        values, voxel_ids = blocks[trials[0]], blocks[ids[0]][:, 0].astype(np.int64)
    except (OSError, RuntimeError) as error:
        raise unreadable(file, error) from error
    if len(voxel_ids) != len(values):
        raise DataFormatError(
            f"{file}: {len(values)} rows of responses, but {len(voxel_ids)} voxel ids."
        )
    _check_unique(voxel_ids, file, "voxel_id")
    _check_labels(group, ids[0], ["voxel_id"], file)
    _check_labels(group, trials[0], [str(k) for k in range(values.shape[1])], file)
    return ResponseTable(file, values, voxel_ids)


def _check_labels(group: h5py.Group, block: str, expected: list[str], file: Path) -> None:
    """Compare a block's column names where they are stored as plain strings or integers."""
    labels = find(file, group, f"{block}_items")
    if labels is None or labels.dtype.kind not in "Siu":  # absent, or pickled: see above
        return
    names = [x.decode() if isinstance(x, bytes) else str(x) for x in labels[:]]
    if names != expected:
        raise DataFormatError(
            f"{file}: the columns of {block} are {names[:3]} ... ({len(names)}); expected "
            f"{expected[:3]} ... ({len(expected)})."
        )
