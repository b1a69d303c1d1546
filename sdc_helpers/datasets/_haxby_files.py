"""Read the files of the Haxby dataset (OpenfMRI layout), naming the file in every error."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets._nifti import Grid, on_grid, read_grid, read_nifti
from sdc_helpers.datasets._text_files import check_last_line
from sdc_helpers.datasets.errors import DataFormatError, listed, require_file, unreadable

__all__ = ["read_grid"]

VIEWS = {"slice": "bold_1slice.nii.gz", "whole_brain": "bold_25mm.nii.gz"}
MASKS = ("brain", "gray", "vt")
_RUN_FOLDER = re.compile(r"task001_run(\d{3})")
_EVENT_COLUMNS = ["onset", "duration", "trial_type"]
_HEADER_TR_TOLERANCE_S = 1e-3


@dataclass(frozen=True, eq=False)
class Events:
    """Blocks of one run in order of onset; times in seconds from the first volume."""

    onsets: np.ndarray
    durations: np.ndarray
    categories: np.ndarray


def find_runs(root: Path) -> dict[int, Path]:
    """Map run numbers, ascending, to their folders."""
    folder = root / "sub001" / "BOLD"
    folders = {
        int(match[1]): path
        for path in listed(folder, "task001_run*")
        if (match := _RUN_FOLDER.fullmatch(path.name))
    }
    if not folders:
        raise DataFormatError(
            f"{folder} holds no folder task001_run001 or the like; expected the files of "
            "haxby2001 under root, or leave root out to have them fetched."
        )
    return folders


def read_tr(root: Path) -> float:
    """Repetition time in seconds from ``scan_key.txt`` (a line ``TR 2.5``)."""
    file = root / "scan_key.txt"
    match = re.fullmatch(r"TR\s+([0-9.]+)", _read_text(file).strip())
    try:
        tr = float(match[1]) if match else 0.0
    except ValueError:
        tr = 0.0
    if tr <= 0:
        raise DataFormatError(f"{file}: expected a line `TR <seconds>`, a number above zero.")
    return tr


def read_category_names(root: Path) -> tuple[str, ...]:
    """Names of the object categories from ``condition_key.txt``, in the order of that file."""
    file = root / "models" / "model001" / "condition_key.txt"
    rows = [line.split() for line in _read_text(file).splitlines() if line.strip()]
    names = tuple(row[-1] for row in rows)
    if not rows or any(len(row) != 3 for row in rows) or len(set(names)) != len(names):
        raise DataFormatError(
            f"{file}: expected lines `task001 cond001 house`, each category once."
        )
    return names


def read_events(file: Path, names: tuple[str, ...]) -> Events:
    """Blocks of one run from ``bold_events.tsv``."""
    require_file(file, "the blocks of a run")
    check_last_line(file, "\t")
    reader = csv.DictReader(_read_text(file).splitlines(), delimiter="\t")
    if reader.fieldnames is None or not set(_EVENT_COLUMNS) <= set(reader.fieldnames):
        raise DataFormatError(
            f"{file}: columns are {reader.fieldnames}, expected {_EVENT_COLUMNS}, tab-separated."
        )
    rows = [_parse_event(file, reader.line_num, row, names) for row in reader]
    if not rows:
        raise DataFormatError(f"{file}: no events.")
    onsets, durations, categories = (np.array(column) for column in zip(*sorted(rows), strict=True))
    return Events(onsets, durations, categories)


def _parse_event(
    file: Path, line: int, row: dict[str, str | None], names: tuple[str, ...]
) -> tuple[float, float, str]:
    try:
        onset, duration = float(row["onset"]), float(row["duration"])
    except (TypeError, ValueError):
        onset = duration = np.nan
    category = row["trial_type"]
    if not (0 <= onset < np.inf and 0 < duration < np.inf):
        raise DataFormatError(
            f"{file}, line {line}: onset {row['onset']!r} and duration {row['duration']!r} "
            "must be seconds, the onset not negative and the duration above zero."
        )
    if category not in names:
        raise DataFormatError(
            f"{file}, line {line}: unknown category {category!r}; condition_key.txt knows "
            f"{', '.join(names)}."
        )
    return onset, duration, category


def read_bold(file: Path, tr: float, reference: Grid | None) -> tuple[np.ndarray, Grid]:
    """Time series, (x, y, z, n_volumes), and their grid: that of the reference if one is given."""
    data, grid = _read_finite(file)
    if data.ndim != 4:
        raise DataFormatError(f"{file}: shape {data.shape}, expected (x, y, z, volumes).")
    if grid.volume_s and abs(grid.volume_s - tr) > _HEADER_TR_TOLERANCE_S:
        raise DataFormatError(
            f"{file}: the header says {grid.volume_s:g} s a volume, scan_key.txt says {tr:g} s."
        )
    if reference is None:
        return data, grid
    return on_grid(data, grid, reference), reference


def read_mask(root: Path, name: str, reference: Grid) -> np.ndarray:
    """Boolean mask, (x, y, z), in the order of the runs."""
    file = root / "sub001" / "masks" / "25mm" / f"{name}.nii.gz"
    data, grid = _read_finite(file)
    if data.ndim != 3:
        raise DataFormatError(f"{file}: shape {data.shape}, expected a mask (x, y, z).")
    mask = on_grid(data, grid, reference) > 0
    if not mask.any():
        raise DataFormatError(f"{file}: the mask is empty.")
    return mask


def _read_finite(file: Path) -> tuple[np.ndarray, Grid]:
    data, grid = read_nifti(file, "a NIfTI file")
    if not np.isfinite(data).all():
        raise DataFormatError(f"{file}: expected finite real numbers, got NaN or infinity.")
    return data, grid


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error, "read as text") from error
