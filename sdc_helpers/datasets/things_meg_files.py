"""Find and open the files that THINGS-MEG has of each participant.

A recording of more than 2 GB is split into parts, each of which names the next behind its data.
A part that is cut off there has lost that name: MNE then opens the parts before it as if they
were all. So every part is followed to its last tag before it is opened.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers.datasets._text_files import check_last_line
from sdc_helpers.datasets._things_files import concept_of
from sdc_helpers.datasets.errors import (
    DataFormatError,
    is_folder,
    is_there,
    listed,
    require_file,
    unreadable,
)

if TYPE_CHECKING:
    import mne
    import pandas as pd

CATCH = 999_999
"""Event code of a catch trial, which shows no image of THINGS."""
TRIAL_TYPES = ("exp", "test", "catch")
GROUPS = {"O": "occipital", "T": "temporal", "P": "parietal", "C": "central", "F": "frontal"}
"""Groups of sensors by the third letter of their names."""
SIDES = {"L": "left", "R": "right", "Z": "midline"}
DERIVATIVES, TABLES = "derivatives/preprocessed", "sourcedata"
_FIRST_PART = re.compile(r"preprocessed_(P\d+)-epo\.fif")
_SENSOR = re.compile(r"M([LRZ])([OTPCF])\d\d(-\d+)?")
_COLUMNS = ("trial_type", "session_nr", "run_nr", "image_path", "things_image_nr")
_TAG = struct.Struct(">4i")  # kind, type, size and place of the next tag
_LAST = -1


def epochs_file(participant: str) -> str:
    """Name of the first part of a participant's recording."""
    return f"preprocessed_{participant}-epo.fif"


def attributes_file(participant: str) -> str:
    """Name of the table that says what was shown in each trial."""
    return f"sample_attributes_{participant}.csv"


def find_folder(root: Path) -> Path:
    """Folder of the epochs: as in the release under `root`, or `root` itself."""
    inner = root / DERIVATIVES
    return inner if is_folder(inner) else root


def find_participants(folder: Path) -> tuple[str, ...]:
    """Names ("P1") of the participants of whom there is a first part, sorted."""
    matches = (_FIRST_PART.fullmatch(path.name) for path in listed(folder, "preprocessed_*"))
    names = tuple(sorted(match[1] for match in matches if match))
    if not names:
        raise DataFormatError(
            f"{folder} holds no file {epochs_file('P1')} or the like; expected the preprocessed "
            f"epochs of THINGS-MEG in {DERIVATIVES} under root."
        )
    return names


def open_epochs(file: Path) -> mne.BaseEpochs:
    """Open a recording and all its parts; no response is read."""
    import mne

    require_file(file, "the epochs of this participant")
    try:
        for part in parts_of(file):
            check_whole(part)
        return mne.read_epochs(file, proj=False, preload=False, verbose="error")
    except DataFormatError:
        raise
    except FileNotFoundError as error:
        missing = Path(error.filename or file)
        raise DataFormatError(
            f"{missing} is not there, but the recording of {file.name} goes on in it; expected all "
            "parts in one folder. Download the missing part to that path."
        ) from error
    except Exception as error:  # MNE's readers raise whatever a wrong byte leads to
        raise unreadable(file, error, "opened as MNE epochs") from error


def parts_of(file: Path) -> list[Path]:
    """List the parts of a recording that are there, in order: -epo.fif, -epo-1.fif, ..."""
    stem = file.name.removesuffix(".fif")
    numbered = ((path, path.name[len(stem) + 1 : -4]) for path in listed(file.parent, f"{stem}-*"))
    later = sorted((int(number), path) for path, number in numbered if number.isdigit())
    return [file, *(path for _, path in later)]


def check_whole(file: Path) -> None:
    """Follow the tags of a FIF file to the last one.

    Parameters
    ----------
    file : pathlib.Path
        A FIF file.

    Raises
    ------
    DataFormatError
        If the file ends before its last tag does.
    """
    size, place = file.stat().st_size, 0
    with file.open("rb") as handle:
        while place + _TAG.size <= size:
            handle.seek(place)
            _, _, length, following = _TAG.unpack(handle.read(_TAG.size))
            end = place + _TAG.size + length
            if length < 0 or end > size:
                break
            if following == _LAST:
                return
            place = following if following > place else end
    raise DataFormatError(
        f"{file} ends at byte {size}, before its last tag: it is truncated, or no FIF file. Trials "
        "and the name of the next part may be lost with the rest; download it again."
    )


def sensor_table(epochs: mne.BaseEpochs, file: Path) -> pd.DataFrame:
    """List the sensors in the order of the file; reference sensors are left out.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        An open recording.
    file : pathlib.Path
        Its first part, for error messages.

    Returns
    -------
    pandas.DataFrame
        Columns ``name``, ``group``, ``side``, ``x``, ``y``, ``z`` (metres).

    Raises
    ------
    DataFormatError
        If a sensor's name is not one of a CTF helmet.
    """
    import mne
    import pandas as pd

    picks = mne.pick_types(epochs.info, meg=True, ref_meg=False, exclude=())
    names = [epochs.ch_names[k] for k in picks]
    foreign = [name for name in names if not _SENSOR.fullmatch(name)]
    if foreign or not names:
        what = f"{len(foreign)} of {len(names)} sensors" if names else "no sensor of the MEG"
        raise DataFormatError(
            f"{file} holds {what}{f', {foreign[0]!r} first,' * bool(foreign)} whose names do not "
            "say where they are; expected names of a CTF helmet such as MLO11-1609, with O, T, P, "
            "C or F as the third letter. It is a recording of another system."
        )
    places = np.array([epochs.info["chs"][k]["loc"][:3] for k in picks])
    letters = [name[1:3] for name in names]
    table = {"name": names, "group": [x[1] for x in letters], "side": [x[0] for x in letters]}
    return pd.DataFrame(table).assign(x=places[:, 0], y=places[:, 1], z=places[:, 2])


def stimulus_table(epochs: mne.BaseEpochs, file: Path, csv: Path) -> pd.DataFrame:
    """List what was shown in each trial, from the epochs, the table beside them, or both.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        An open recording.
    file, csv : pathlib.Path
        Its first part, and the table of sample attributes, which need not be there.

    Returns
    -------
    pandas.DataFrame
        A row a trial: ``trial_type``, ``session``, ``run``, ``number``, ``image``, ``concept``.

    Raises
    ------
    DataFormatError
        If there is neither, one has another number of rows than there are trials, a column is
        missing, or numbers, names and event codes contradict each other.
    """
    tables = [] if epochs.metadata is None else [(epochs.metadata, f"the metadata of {file}")]
    if is_there(csv):
        tables.append((_read_csv(csv), str(csv)))
    if not tables:
        raise DataFormatError(
            f"{file} has no metadata and {csv} is not there; expected one of them to say what was "
            f"shown. Download {csv.name} to that path."
        )
    codes = np.asarray(epochs.events[:, 2])
    tidy = [_tidy(table, codes, name, file) for table, name in tables]
    if len(tidy) > 1 and not tidy[0].equals(tidy[1]):
        trial = int(np.argmax((tidy[0] != tidy[1]).any(axis=1)))
        raise DataFormatError(
            f"{csv} and the metadata of {file} differ, first in trial {trial}; they are of "
            "different participants or versions."
        )
    return tidy[0]


def _read_csv(file: Path) -> pd.DataFrame:
    import pandas as pd

    check_last_line(file, ",")
    try:
        return pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise unreadable(file, error, "read as a CSV table") from error


def _tidy(table: pd.DataFrame, codes: np.ndarray, name: str, file: Path) -> pd.DataFrame:
    import pandas as pd

    if len(table) != len(codes):
        raise DataFormatError(
            f"{name} has {len(table)} rows, but {file} holds {len(codes)} trials; expected a row a "
            "trial. One of the two is cut off or of another participant."
        )
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        raise DataFormatError(
            f"{name} has no column {missing[0]!r}; expected {list(_COLUMNS)}, got "
            f"{list(table.columns)[:8]}."
        )
    unknown = sorted(set(table["trial_type"].astype(str)) - set(TRIAL_TYPES))
    if unknown:
        raise DataFormatError(
            f"{name}: trial_type holds {unknown[0]!r}; expected {', '.join(TRIAL_TYPES)}."
        )
    shown = (table["trial_type"] != "catch").to_numpy()
    numbers = pd.to_numeric(table["things_image_nr"], errors="coerce").to_numpy(float)
    numbers = np.where(shown, numbers, CATCH)
    differ = np.flatnonzero(numbers != codes)
    if len(differ):
        trial = differ[0]
        raise DataFormatError(
            f"{name}: things_image_nr of trial {trial} is {numbers[trial]:g}, but the event code "
            f"in {file} is {codes[trial]}; expected the same in every trial (catch trials: "
            f"{CATCH}), and {len(differ)} differ."
        )
    paths = table["image_path"].astype(str).str.split("/")
    images = np.where(shown, paths.str[-1].to_numpy(dtype=str), "")
    folders = [parts[-2] if len(parts) > 2 else "" for parts in paths]
    concepts = [
        (folder or concept_of(image) or "") if image else ""
        for folder, image in zip(folders, images, strict=True)
    ]
    _check_one_to_one(numbers[shown].astype(int), images[shown], name)
    columns = {"trial_type": table["trial_type"].to_numpy(dtype=str)}
    for new, old in (("session", "session_nr"), ("run", "run_nr")):
        columns[new] = _whole(table[old], name)
    columns |= {"number": numbers.astype(int), "image": images, "concept": concepts}
    return pd.DataFrame(columns)


def _whole(column: pd.Series, name: str) -> np.ndarray:
    if column.dtype.kind not in "iuf" or not np.all(column % 1 == 0):
        raise DataFormatError(f"{name}: column {column.name!r} must hold whole numbers only.")
    return column.to_numpy().astype(int)


def _check_one_to_one(numbers: np.ndarray, images: np.ndarray, name: str) -> None:
    pairs = sorted(set(zip(numbers.tolist(), images.tolist(), strict=True)))
    by_number: dict[int, str] = {}
    by_image: dict[str, int] = {}
    for number, image in pairs:
        other, same = by_number.setdefault(number, image), by_image.setdefault(image, number)
        if other != image or same != number:
            raise DataFormatError(
                f"{name}: image number {number} stands with {image!r} and {other!r}, or its name "
                f"with number {same}; expected one name for each number."
            )
