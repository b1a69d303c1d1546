"""Eight people who watched a film: fMRI of brain parcels, and what is seen and heard (Hanke 2016).

What happens in the film is annotated in seconds, fMRI is sampled in volumes, and blood answers
late. `volume_shares`, `volume_labels` and `volume_means` say what each volume answers to: volume
``i`` is measured from ``i * tr`` to ``(i + 1) * tr``, and answers to the film ``delay_s`` earlier.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers.datasets._text_files import check_last_line
from sdc_helpers.datasets.errors import DataFormatError, listed, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "studyforrest"
FILM_RUNS = (2, 8)
FILM_TR = 2.0
"""Repetition time, seconds a volume."""
ANNOTATIONS = {
    "locations": ("major_location", "setting", "locale", "int_or_ext", "flow_of_time",
                  "time_of_day"),
    "emotions": ("character",),
    "music": ("artist", "title", "year"),
}  # fmt: skip
"""Kinds of annotation, and which of their columns hold text; the others hold numbers."""
_FILES = {"locations": "locations", "emotions": "emotions_av_1s_events", "music": "music"}
_PARTICIPANT = re.compile(r"sub-\d+")
_AGAIN = f"fetch it again with `sdc data fetch {DATASET}`"
_EPSILON_S = 1e-6


@dataclass(frozen=True, eq=False)
class FilmEvents:
    """One kind of annotation of a run, event by event; events may overlap.

    Attributes
    ----------
    onsets, durations : float64 array of shape (n_events,)
        Seconds from the beginning of the run's first volume, in order of onset.
    columns : dict of str to array of shape (n_events,)
        What is annotated: text, or float64 numbers.
    """

    onsets: np.ndarray
    durations: np.ndarray
    columns: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class FilmRun:
    """One run of the film, seen by all participants.

    Attributes
    ----------
    run : int
        Which of the eight segments of the film: 2 or 8.
    series : float64 array of shape (n_participants, n_volumes, n_parcels)
        BOLD signal, mean over the voxels of a parcel; z-scored in time by the source, without
        trends and head movements.
    participants : tuple of str
        "sub-03" and so on, in the order of the first axis.
    parcels : int64 array of shape (n_parcels,)
        Label of each parcel in the atlas of Shen et al. (2013), from the files' headers.
    tr : float
        Repetition time: seconds a volume.
    annotations : dict of str to FilmEvents
        "locations", "emotions" (of the characters, as observers judge them) and "music".
    """

    run: int
    series: np.ndarray
    participants: tuple[str, ...]
    parcels: np.ndarray
    tr: float
    annotations: dict[str, FilmEvents]


@dataclass(frozen=True, eq=False)
class VolumeShares:
    """How much of each volume's time each value of an annotation takes.

    Attributes
    ----------
    shares : float64 array of shape (n_volumes, n_values)
        Between 0 and 1: the part of ``[i * tr - delay_s, (i + 1) * tr - delay_s)`` in which an
        event with this value is on; 0 where that is before the run.
    values : tuple of str
        In alphabetical order, one a column.
    """

    shares: np.ndarray
    values: tuple[str, ...]


def load_studyforrest(
    run: int = 2, root: str | Path | None = None, participants: Sequence[str] | None = None
) -> FilmRun:
    """Load one run of the film.

    Parameters
    ----------
    run : {2, 8}
        Segment of the film: 441 or 338 volumes.
    root : str or pathlib.Path, optional
        Folder of the files, which are then read without checking their checksums. By default the
        registered files, fetched if necessary.
    participants : sequence of str, optional
        Which, as "sub-03". By default all whose folders are there; of the registered files, eight.

    Returns
    -------
    FilmRun

    Raises
    ------
    ValueError
        If there is no such run, or participants are named twice or not at all.
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If a file is missing, is not what it should be, or participants differ in their parcels or
        volumes.

    References
    ----------
    Hanke et al. (2016), Scientific Data 3, 160092 (recordings); Shen et al. (2013), NeuroImage 82,
    403-415 (atlas); Häusler and Hanke (2016), F1000Research 5, 2273 (locations and music); Labs et
    al. (2015), F1000Research 4, 92 (emotions).
    """
    if run not in FILM_RUNS:
        raise ValueError(f"run={run!r}: expected one of {', '.join(map(str, FILM_RUNS))}.")
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    names = _participants(folder, participants)
    files = [folder / name / f"{name}_task-avmovie_run-{run}_bold.csv" for name in names]
    read = [_series(file) for file in files]
    parcels, first = read[0]
    for file, (labels, series) in zip(files, read, strict=True):
        if not np.array_equal(labels, parcels):
            apart = sorted(set(labels.tolist()) ^ set(parcels.tolist()))
            raise DataFormatError(
                f"{file} and {files[0].name} differ in parcels {apart[:5] or '(their order)'}; "
                "choose `participants` who have the same ones."
            )
        if len(series) != len(first):
            raise DataFormatError(
                f"{file} has {len(series)} volumes, {files[0].name} {len(first)}; expected the "
                "same run of the film."
            )
    end_s = len(first) * FILM_TR
    annotations = {
        kind: _events(folder / "annotations" / f"{stem}_run-{run}_events.tsv", kind, end_s)
        for kind, stem in _FILES.items()
    }
    series = np.stack([series for _, series in read])
    return FilmRun(run, series, names, parcels, FILM_TR, annotations)


def volume_shares(
    events: FilmEvents, column: str, n_volumes: int, *, delay_s: float, tr: float = FILM_TR
) -> VolumeShares:
    """Return how much of each volume's time each value of a text column takes.

    Parameters
    ----------
    events : FilmEvents
        Annotation of the run.
    column : str
        A column of text: "int_or_ext".
    n_volumes : int
        Volumes of the run.
    delay_s : float
        Haemodynamic delay, seconds; about 5.
    tr : float, default=2.0
        Repetition time, seconds a volume.

    Returns
    -------
    VolumeShares
        A model of the film, one column a value.

    Raises
    ------
    ValueError
        If there is no such column, it holds numbers, or the delay, `tr` or `n_volumes` is none.
    """
    texts = _column(events, column, "text")
    overlaps = _overlaps(events, n_volumes, delay_s, tr)
    values = np.unique(texts)
    shares = np.stack([overlaps[:, texts == value].sum(axis=1) for value in values], axis=1)
    return VolumeShares(np.minimum(shares, 1.0), tuple(str(value) for value in values))


def volume_labels(
    events: FilmEvents, column: str, n_volumes: int, *, delay_s: float, tr: float = FILM_TR
) -> np.ndarray:
    """Return the value of a text column that takes most of each volume's time.

    Parameters
    ----------
    events, column, n_volumes, delay_s, tr
        As in `volume_shares`.

    Returns
    -------
    str array of shape (n_volumes,)
        Of two values that take the same time, the first in the alphabet; "" where no event is on.

    Raises
    ------
    ValueError
        As `volume_shares`.
    """
    found = volume_shares(events, column, n_volumes, delay_s=delay_s, tr=tr)
    largest = np.array(found.values)[found.shares.argmax(axis=1)]
    return np.where(found.shares.max(axis=1) > 0, largest, "")


def volume_means(
    events: FilmEvents, column: str, n_volumes: int, *, delay_s: float, tr: float = FILM_TR
) -> np.ndarray:
    """Return the mean of a column of numbers over the events that each volume answers to.

    Parameters
    ----------
    events, n_volumes, delay_s, tr
        As in `volume_shares`.
    column : str
        A column of numbers: "arousal".

    Returns
    -------
    float64 array of shape (n_volumes,)
        Events are weighted by the time that they share with the volume (two characters at once
        count alike); NaN where no event is on.

    Raises
    ------
    ValueError
        If there is no such column, it holds text, or the delay, `tr` or `n_volumes` is none.
    """
    numbers = _column(events, column, "numbers")
    overlaps = _overlaps(events, n_volumes, delay_s, tr)
    total = overlaps.sum(axis=1)
    is_on = total > 0
    return np.where(is_on, overlaps @ numbers / np.where(is_on, total, 1.0), np.nan)


def _column(events: FilmEvents, column: str, kind: str) -> np.ndarray:
    columns = {
        name: values
        for name, values in events.columns.items()
        if (values.dtype.kind == "U") == (kind == "text")
    }
    if column not in columns:
        raise ValueError(f"column={column!r}: expected one of {kind}: {', '.join(columns)}.")
    return columns[column]


def _overlaps(events: FilmEvents, n_volumes: int, delay_s: float, tr: float) -> np.ndarray:
    """Return the part of each volume's time that each event takes, (n_volumes, n_events)."""
    n_volumes = check_count("n_volumes", n_volumes, least=1)
    if not (isinstance(delay_s, Real) and 0 <= delay_s < np.inf):
        raise ValueError(f"delay_s={delay_s!r}: expected seconds, zero or more.")
    if not (isinstance(tr, Real) and 0 < tr < np.inf):
        raise ValueError(f"tr={tr!r}: expected seconds a volume, more than zero.")
    start = np.arange(n_volumes)[:, None] * tr - delay_s
    last = np.minimum(start + tr, events.onsets + events.durations)
    return np.clip((last - np.maximum(start, events.onsets)) / tr, 0.0, None)


def _participants(folder: Path, chosen: Sequence[str] | None) -> tuple[str, ...]:
    there = tuple(p.name for p in listed(folder, "sub-*") if _PARTICIPANT.fullmatch(p.name))
    names = there if chosen is None else tuple(chosen)
    if chosen is not None and (len(set(names)) != len(names) or not names):
        raise ValueError(f"participants={names}: expected each once, and one at least.")
    missing = [name for name in names if name not in there]
    if missing or not names:
        raise DataFormatError(
            f"{folder} holds no folder {missing[0] if missing else 'sub-03 or the like'}; "
            f"there are {', '.join(there) or 'none'}. Run `sdc data fetch {DATASET}`."
        )
    return names


def _series(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the parcel labels and the signal, (n_volumes, n_parcels), of one participant."""
    require_file(file, f"parcel time series (`sdc data fetch {DATASET}`)")
    check_last_line(file, ",")
    try:
        with file.open(encoding="utf-8") as lines:
            header = lines.readline().strip().split(",")
            rows = [line for line in lines if line.strip()]
        series = np.loadtxt(rows, delimiter=",", ndmin=2) if rows else np.empty((0, 0))
    except (OSError, ValueError) as error:
        raise unreadable(file, error, "read as a table of numbers", _AGAIN) from error
    if not all(label.isdecimal() for label in header) or len(set(header)) != len(header):
        raise DataFormatError(
            f"{file}: the header begins {','.join(header)[:60]!r}; expected parcel labels, whole "
            "numbers, each once."
        )
    if series.shape[1] != len(header) or len(series) < 2:
        raise DataFormatError(
            f"{file} holds numbers of shape {series.shape} under {len(header)} labels; {_AGAIN}."
        )
    flat = ~(np.isfinite(series).all(axis=0) & (np.ptp(series, axis=0) > 0))
    if flat.any():
        named = ", ".join(np.array(header)[flat][:5])
        raise DataFormatError(
            f"{file}: parcels {named} hold NaN, infinite or constant values; {_AGAIN}."
        )
    return np.array(header, dtype=np.int64), series


def _events(file: Path, kind: str, end_s: float) -> FilmEvents:
    """Read one annotation of a run, in order of onset."""
    require_file(file, f"annotated {kind} (`sdc data fetch {DATASET}`)")
    check_last_line(file, "\t")
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines, delimiter="\t")
    except (OSError, ValueError, csv.Error) as error:
        raise unreadable(file, error, "read as a table", _AGAIN) from error
    needed = ("onset", "duration", *ANNOTATIONS[kind])
    missing = [name for name in needed if name not in header]
    if missing or not rows or len(set(header)) != len(header):
        raise DataFormatError(
            f"{file}: columns are {header} and rows {len(rows)}; expected {', '.join(needed)}, "
            "each once, and rows under them."
        )
    columns: dict[str, np.ndarray] = {}
    for name, cells in zip(header, _transposed(file, header, rows), strict=True):
        is_text = name in ANNOTATIONS[kind]
        columns[name] = np.array(cells) if is_text else _numbers(file, name, cells)
    onsets, durations = columns.pop("onset"), columns.pop("duration")
    wrong = (onsets < 0) | (durations <= 0) | (onsets + durations > end_s + _EPSILON_S)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise DataFormatError(
            f"{file}, line {k + 2}: an event from {onsets[k]:g} s, {durations[k]:g} s long; "
            f"expected one inside the run, 0 to {end_s:g} s."
        )
    order = np.argsort(onsets, kind="stable")
    ordered = {name: values[order] for name, values in columns.items()}
    return FilmEvents(onsets[order], durations[order], ordered)


def _transposed(file: Path, header: list[str], rows: list[list[str]]) -> list[tuple[str, ...]]:
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataFormatError(
                f"{file}, line {number}: {len(row)} fields, expected {len(header)}, tab-separated."
            )
    return list(zip(*rows, strict=True))


def _numbers(file: Path, name: str, cells: tuple[str, ...]) -> np.ndarray:
    numbers = np.empty(len(cells))
    for k, cell in enumerate(cells):
        try:
            numbers[k] = float(cell)
        except ValueError:
            numbers[k] = np.nan
        if not np.isfinite(numbers[k]):
            raise DataFormatError(
                f"{file}, line {k + 2}: {name} is {cell!r}; expected a finite number."
            )
    return numbers
