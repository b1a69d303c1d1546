"""The 1,000 images that all of NSD's participants saw: captions, categories, named dimensions."""

from __future__ import annotations

import ast
import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets._text_files import check_last_line
from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "nsd_shared1000"
IMAGES_FILE = "shared1000.csv"
DIMENSIONS_FILE = "dimensions66_bold5000_coco.txt"
DIMENSION_IMAGES_FILE = "dimensions66_file_names.txt"
DIMENSION_NAMES_FILE = "dimensions66_labels.txt"
CEILINGS_FILE = "noise_ceilings.csv"
_LISTS = {"coco_supercategs": str, "coco_categs": str, "coco_areas": float, "coco_captions": str}
_COCO_NAME = re.compile(r"COCO_\w+_(\d{12})\.jpg")
_AGAIN = f"fetch it again with `sdc data fetch {DATASET}`"


@dataclass(frozen=True, eq=False)
class NSDSharedImages:
    """What is known of each image; neither pictures nor responses are part of this dataset.

    Attributes
    ----------
    image_ids : int64 array of shape (n_images,)
        Identifier in COCO, ascending.
    captions : tuple of tuple of str
        What people wrote about each image, five captions or six.
    categories, supercategories : tuple of tuple of str
        COCO's name and group of each object that is outlined in the image: a name occurs as often
        as there are such objects.
    areas : tuple of float64 array
        Area of each of those objects, in square pixels of COCO's picture.
    dimensions : float64 array of shape (n_images, 66)
        Behavioural dimensions of THINGS, predicted from a network's features of the image, not
        judged by people: zero or more, the more the higher.
    dimension_names : tuple of str
        Name of each dimension, as given by its authors.
    """

    image_ids: np.ndarray
    captions: tuple[tuple[str, ...], ...]
    categories: tuple[tuple[str, ...], ...]
    supercategories: tuple[tuple[str, ...], ...]
    areas: tuple[np.ndarray, ...]
    dimensions: np.ndarray
    dimension_names: tuple[str, ...]

    def shows(self, category: str) -> np.ndarray:
        """Return which images have an object of a category or group.

        Parameters
        ----------
        category : str
            Name of a category, "cat", or of a group of categories, "animal".

        Returns
        -------
        bool array of shape (n_images,)

        Raises
        ------
        ValueError
            If no image shows it.
        """
        named = zip(self.categories, self.supercategories, strict=True)
        shown = np.array([category in names or category in groups for names, groups in named])
        if not shown.any():
            known = sorted({name for names in self.supercategories for name in names})
            raise ValueError(
                f"category={category!r} is in no image; groups are {', '.join(known)}."
            )
        return shown


@dataclass(frozen=True, eq=False)
class NSDNoiseCeilings:
    """Noise ceilings of the RDMs of participants over the shared images (Conwell et al. 2024).

    They are ceilings of whole RDMs of occipitotemporal cortex, responses being averaged over three
    repetitions, and no ceilings of single voxels, which are far lower.

    Attributes
    ----------
    participants : tuple of int
        Numbers of NSD's participants.
    values : float64 array of shape (n_participants, n_simulations)
        Correlation that a perfect model's RDM would have with the measured one, from simulations
        of signal and noise.
    """

    participants: tuple[int, ...]
    values: np.ndarray


def load_nsd_shared(root: str | Path | None = None) -> NSDSharedImages:
    """Load captions, categories and dimensions of the shared images.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        Folder of the files, which are then read without checking their checksums. By default the
        registered files, fetched if necessary.

    Returns
    -------
    NSDSharedImages
        Rows of all tables joined by COCO's identifiers.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If a file is missing in `root`, is not what it should be, or does not fit another one.

    References
    ----------
    Allen et al. (2022), Nature Neuroscience 25, 116-126; Lin et al. (2014), Microsoft COCO;
    Contier, Baker, Hebart (2024), Nature Human Behaviour (dimensions of images).
    """
    folder = _folder(root)
    file = folder / IMAGES_FILE
    rows = _table(file, ("image_id", *_LISTS))
    ids = np.array([_whole(file, k, "image_id", row["image_id"]) for k, row in enumerate(rows, 2)])
    order = np.argsort(ids, kind="stable")
    if (np.diff(ids[order]) == 0).any():
        twice = ids[order][np.flatnonzero(np.diff(ids[order]) == 0)[0]]
        raise DataFormatError(f"{file}: image {twice} occurs twice; expected each image once.")
    lists = [_lists(file, line, row) for line, row in enumerate(rows, start=2)]
    columns = {name: tuple(lists[k][name] for k in order) for name in _LISTS}
    dimensions, names = _dimensions(folder, ids[order])
    return NSDSharedImages(
        image_ids=ids[order],
        captions=columns["coco_captions"],
        categories=columns["coco_categs"],
        supercategories=columns["coco_supercategs"],
        areas=tuple(np.array(areas, dtype=float) for areas in columns["coco_areas"]),
        dimensions=dimensions,
        dimension_names=names,
    )


def load_nsd_noise_ceilings(root: str | Path | None = None) -> NSDNoiseCeilings:
    """Load published noise ceilings of the RDMs of four participants.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        As in `load_nsd_shared`.

    Returns
    -------
    NSDNoiseCeilings
        Five simulations for each of participants 1, 2, 5 and 7.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If the file is missing, no such table, or incomplete.

    References
    ----------
    Conwell, Prince, Kay, Alvarez, Konkle (2024), Nature Communications 15, 9383.
    """
    file = _folder(root) / CEILINGS_FILE
    rows = _table(file, ("subj_id", "sim_id", "value"), ends=False)
    found: dict[tuple[int, int], float] = {}
    for line, row in enumerate(rows, start=2):
        key = (
            _whole(file, line, "subj_id", row["subj_id"]),
            _whole(file, line, "sim_id", row["sim_id"]),
        )
        value = _number(row["value"])
        if not 0 <= value <= 1:
            raise DataFormatError(
                f"{file}, line {line}: value is {row['value']!r}; expected one from 0 to 1."
            )
        if key in found:
            raise DataFormatError(f"{file}, line {line}: simulation {key} occurs twice.")
        found[key] = value
    participants, simulations = (tuple(sorted({key[k] for key in found})) for k in (0, 1))
    missing = [(p, s) for p in participants for s in simulations if (p, s) not in found]
    if missing:
        raise DataFormatError(f"{file}: no value of (participant, simulation) {missing[0]}.")
    values = np.array([[found[p, s] for s in simulations] for p in participants])
    return NSDNoiseCeilings(participants, values)


def _folder(root: str | Path | None) -> Path:
    return fetch(DATASET) if root is None else Path(root).expanduser()


def _table(file: Path, needed: tuple[str, ...], ends: bool = True) -> list[dict[str, str]]:
    """Read a table with commas; `ends`: the published one ends in a line end."""
    require_file(file, f"a table (`sdc data fetch {DATASET}`)")
    if ends:
        check_last_line(file, ",")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            rows, header = list(reader), list(reader.fieldnames or ())
    except (OSError, ValueError, csv.Error) as error:
        raise unreadable(file, error, "read as a table", _AGAIN) from error
    if not rows or not set(needed) <= set(header):
        raise DataFormatError(
            f"{file}: columns are {header} and rows {len(rows)}; expected "
            f"{', '.join(needed)} and rows under them."
        )
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise DataFormatError(
                f"{file}, line {line}: fewer or more fields than in the header; {_AGAIN}."
            )
    return rows


def _lists(file: Path, line: int, row: dict[str, str]) -> dict[str, tuple]:
    """Read the lists of one image, written as Python writes lists; no code is evaluated."""
    lists: dict[str, tuple] = {}
    for name, kind in _LISTS.items():
        try:
            items = ast.literal_eval(row[name])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            items = None
        allowed = str if kind is str else (int, float)
        if not isinstance(items, list) or not all(isinstance(item, allowed) for item in items):
            raise DataFormatError(
                f"{file}, line {line}: {name} is {row[name][:60]!r}; expected a list of "
                f"{'texts' if kind is str else 'numbers'}."
            )
        lists[name] = tuple(item.strip() if kind is str else float(item) for item in items)
    if len({len(lists[name]) for name in _LISTS if name != "coco_captions"}) != 1:
        raise DataFormatError(
            f"{file}, line {line}: its lists of objects differ in length; {_AGAIN}."
        )
    if not lists["coco_captions"] or not all(lists["coco_captions"]):
        raise DataFormatError(f"{file}, line {line}: a caption is missing or blank; {_AGAIN}.")
    return lists


def _dimensions(folder: Path, ids: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the dimensions of some images, and the dimensions' names."""
    file, of_images = folder / DIMENSIONS_FILE, folder / DIMENSION_IMAGES_FILE
    names = tuple(_lines(folder / DIMENSION_NAMES_FILE))
    rows = _lines(file)
    try:
        values = np.loadtxt(rows, ndmin=2)
    except ValueError as error:
        raise unreadable(file, error, "read as a table of numbers", _AGAIN) from error
    row_of: dict[int, int] = {}
    for number, name in enumerate(_lines(of_images)):
        match = _COCO_NAME.fullmatch(name)
        if match is None or int(match[1]) in row_of:
            raise DataFormatError(
                f"{of_images}, line {number + 1}: {name!r}; expected COCO_train2014_ and twelve "
                "digits, each image once."
            )
        row_of[int(match[1])] = number
    if values.shape != (len(row_of), len(names)) or not np.isfinite(values).all():
        raise DataFormatError(
            f"{file} holds shape {values.shape} or numbers that are not finite; expected "
            f"{len(row_of)} images of {DIMENSION_IMAGES_FILE} and {len(names)} dimensions of "
            f"{DIMENSION_NAMES_FILE}."
        )
    missing = [number for number in ids.tolist() if number not in row_of]
    if missing:
        raise DataFormatError(
            f"{of_images} names no image {missing[0]} of {IMAGES_FILE}; {_AGAIN}."
        )
    return values[[row_of[number] for number in ids.tolist()]], names


def _lines(file: Path) -> list[str]:
    require_file(file, f"a list, one a line (`sdc data fetch {DATASET}`)")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise unreadable(file, error, "read as text", _AGAIN) from error
    found = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not found or not text.endswith("\n"):
        raise DataFormatError(
            f"{file} {'has no line end after its last line' if found else 'is empty'}; {_AGAIN}."
        )
    return found


def _whole(file: Path, line: int, name: str, text: str) -> int:
    if not text.isdecimal():
        raise DataFormatError(f"{file}, line {line}: {name} is {text!r}; expected a whole number.")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
