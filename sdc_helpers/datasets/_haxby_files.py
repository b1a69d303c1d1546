"""Read the files of the Haxby dataset (OpenfMRI layout), naming the file in every error."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError

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
    found = {
        int(match[1]): path
        for path in sorted(folder.glob("task001_run*"))
        if (match := _RUN_FOLDER.fullmatch(path.name))
    }
    if not found:
        raise DataFormatError(
            f"{folder} holds no folder task001_run001 or the like; expected the files of "
            "haxby2001 under root, or leave root out to have them fetched."
        )
    return found


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


def read_bold(file: Path, tr: float) -> tuple[np.ndarray, np.ndarray]:
    """Time series, (x, y, z, n_volumes) in the stored dtype, and the affine, (4, 4) in mm."""
    data, affine, zooms = _read_nifti(file)
    if data.ndim != 4:
        raise DataFormatError(f"{file}: shape {data.shape}, expected (x, y, z, volumes).")
    if zooms[3] > 0 and abs(zooms[3] - tr) > _HEADER_TR_TOLERANCE_S:
        raise DataFormatError(
            f"{file}: the header says {zooms[3]:g} s a volume, scan_key.txt says {tr:g} s."
        )
    return data, affine


def read_mask(root: Path, name: str, grid: tuple[int, ...]) -> np.ndarray:
    """Boolean mask on the whole-brain grid, (x, y, z)."""
    file = root / "sub001" / "masks" / "25mm" / f"{name}.nii.gz"
    data = _read_nifti(file)[0]
    if data.shape != grid:
        raise DataFormatError(f"{file}: shape {data.shape}, but the runs have the grid {grid}.")
    if not (data > 0).any():
        raise DataFormatError(f"{file}: the mask is empty.")
    return data > 0


def _read_nifti(file: Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    import nibabel

    if not file.is_file():
        raise DataFormatError(f"{file} is not there; expected a NIfTI file.")
    try:
        image = nibabel.load(file)
        data = np.asanyarray(image.dataobj)
        affine, zooms = image.affine, image.header.get_zooms()
    except Exception as error:  # nibabel, gzip and zlib each have their own
        raise DataFormatError(
            f"{file} cannot be read as NIfTI ({type(error).__name__}: {error})."
        ) from error
    if data.dtype.kind not in "iuf" or not np.isfinite(data).all():
        raise DataFormatError(f"{file}: expected finite real numbers, not NaN, colours or others.")
    return data, affine, tuple(float(zoom) for zoom in zooms)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFormatError(f"{file} cannot be read as text ({error}).") from error
