"""THINGS: object concepts, their behavioural dimensions, categories and rated properties."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "things_concepts"
CONCEPTS_FILE = "things_concepts.tsv"
DIMENSIONS_FILE = "vice_embedding_42d.npy"
CATEGORIES_FILE = "Categories_final_20200131.tsv"
RATINGS_FILE = "animacy.csv"
SIZES_FILE = "size_fixed.csv"
_DEFINITION = "Definition (from WordNet, Google, or Wikipedia)"
_AGAIN = f"fetch it again with `sdc data fetch {DATASET}`"
_SIZE_OBJECTS = {
    "baseball": None,
    "baseball bat": "baseball_bat",
    "basketball": None,
    "crystal (stone)": "crystal2",
    "crystal ball": "crystal_ball",
    "mold (form)": "mold1",
    "mold (mold fungus)": "mold2",
    "tank (storage)": "tank2",
    "tank (vehicle)": "tank1",
    "walker (for adults)": "walker1",
    "walker (for children)": "walker2",
}
"""Rows of the size ratings whose identifier contradicts the object that people were asked about.

That object is what counts. The balls were asked about twice, in rows of the glove and the hoop as
well, so that glove and hoop have no rating; the balls keep the row that names "(ball)".
"""


@dataclass(frozen=True, eq=False)
class THINGSConcepts:
    """Concepts in the order of the dimensions' rows, and what is known of each.

    Attributes
    ----------
    ids : str array of shape (n_concepts,)
        Unique identifier: "bat1".
    words, definitions : str array of shape (n_concepts,)
        Name, which several concepts may share ("bat"), and what is meant.
    dimensions : float64 array of shape (n_concepts, 42)
        Weight on each dimension of the choices of the odd one out of three, zero or more; the
        dimensions have no names in the source.
    categories : bool array of shape (n_concepts, n_categories)
        Whether a concept belongs to a category, to none or to several.
    category_names : tuple of str
        One a column of `categories`.
    ratings : dict of str to float64 array of shape (n_concepts,)
        Mean rating of a property, such as "lives" or "natural", from 1 to 7.
    sizes : float64 array of shape (n_concepts,)
        Mean rated size in the real world, about 100 (sand) to 423 (a subway) here; NaN
        where no rating is that concept's.
    """

    ids: np.ndarray
    words: np.ndarray
    definitions: np.ndarray
    dimensions: np.ndarray
    categories: np.ndarray
    category_names: tuple[str, ...]
    ratings: dict[str, np.ndarray]
    sizes: np.ndarray


def load_things_concepts(root: str | Path | None = None) -> THINGSConcepts:
    """Load the concepts and join the tables, whose rows are in different orders.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        Folder of the files, which are then read without checking their checksums. By default the
        registered files, fetched if necessary.

    Returns
    -------
    THINGSConcepts

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the files are neither on disk nor can be fetched.
    DataFormatError
        If a file is missing in `root`, is not what it should be, or does not fit another one.

    Notes
    -----
    Tables are joined by the unique identifier, whose blanks in the size ratings are underscores
    elsewhere; the table of categories has none and is joined by word, and by definition where
    several concepts share a word. Its last row holds totals, which are checked.

    References
    ----------
    Hebart et al. (2019), PLoS ONE 14, e0223792 (concepts); Hebart et al. (2023), eLife 12, e82580;
    Muttenthaler et al. (2022), NeurIPS (dimensions); Stoinski, Perkuhn, Hebart (2023), Behavior
    Research Methods (ratings).
    """
    folder = fetch(DATASET) if root is None else Path(root).expanduser()
    file = folder / CONCEPTS_FILE
    rows = _table(file, "\t", ("uniqueID", "Word", _DEFINITION))
    row_of = _rows_by_id(file, [row["uniqueID"] for row in rows])
    dimensions = _dimensions(folder / DIMENSIONS_FILE, len(rows))
    categories, names = _categories(folder / CATEGORIES_FILE, rows)
    return THINGSConcepts(
        ids=np.array([row["uniqueID"] for row in rows]),
        words=np.array([row["Word"] for row in rows]),
        definitions=np.array([row[_DEFINITION] for row in rows]),
        dimensions=dimensions,
        categories=categories,
        category_names=names,
        ratings=_ratings(folder / RATINGS_FILE, row_of),
        sizes=_sizes(folder / SIZES_FILE, row_of),
    )


def _table(file: Path, separator: str, needed: tuple[str, ...]) -> list[dict[str, str]]:
    require_file(file, f"a table (`sdc data fetch {DATASET}`)")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header, *rows = list(csv.reader(lines, delimiter=separator)) or [[]]
    except (OSError, ValueError, csv.Error) as error:
        raise unreadable(file, error, "read as a table", _AGAIN) from error
    if not rows or not set(needed) <= set(header) or len(set(header)) != len(header):
        raise DataFormatError(
            f"{file}: columns are {', '.join(header)[:80]} and rows {len(rows)}; expected "
            f"{', '.join(needed)}, each once, and rows under them."
        )
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataFormatError(
                f"{file}, row {number}: {len(row)} fields, expected {len(header)}; {_AGAIN}."
            )
    return [dict(zip(header, row, strict=True)) for row in rows]


def _rows_by_id(file: Path, ids: list[str]) -> dict[str, int]:
    row_of = {name: number for number, name in enumerate(ids)}
    if len(row_of) != len(ids):
        twice = next(name for number, name in enumerate(ids) if row_of[name] != number)
        raise DataFormatError(f"{file}: concept {twice!r} occurs twice; expected each once.")
    return row_of


def _dimensions(file: Path, n_concepts: int) -> np.ndarray:
    require_file(file, f"dimensions (`sdc data fetch {DATASET}`)")
    try:
        values = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise unreadable(file, error, "read as an array", _AGAIN) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.ndim != 2:
        raise DataFormatError(f"{file} holds no table of real numbers; {_AGAIN}.")
    if len(values) != n_concepts or not np.isfinite(values).all() or (values < 0).any():
        raise DataFormatError(
            f"{file} holds shape {values.shape}, or numbers below zero or not finite; expected a "
            f"row for each of the {n_concepts} concepts of {CONCEPTS_FILE}."
        )
    return values.astype(float)


def _categories(file: Path, concepts: list[dict[str, str]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read members, (n_concepts, n_categories), and names; the last row counts the members."""
    *rows, totals = _table(file, "\t", ("Word", _DEFINITION))
    names = tuple(name for name in totals if name not in ("Word", _DEFINITION))
    members = np.zeros((len(concepts), len(names)), dtype=bool)
    candidates: dict[str, list[int]] = {}
    for number, concept in enumerate(concepts):
        for name in {concept["uniqueID"], concept["Word"]}:
            candidates.setdefault(name, []).append(number)
    seen: set[int] = set()
    for line, row in enumerate(rows, start=2):
        found = candidates.get(row["Word"], [])
        if len(found) > 1:
            found = [k for k in found if concepts[k][_DEFINITION] == row[_DEFINITION]]
        if len(found) != 1 or found[0] in seen:
            raise DataFormatError(
                f"{file}, row {line}: {row['Word']!r} is not one concept of {CONCEPTS_FILE}, or "
                f"occurs twice; {_AGAIN}."
            )
        seen.add(found[0])
        members[found[0]] = [_is_member(file, line, row[name]) for name in names]
    counts = [str(count) for count in members.sum(axis=0)]
    if totals["Word"] or counts != [totals[name] for name in names] or len(seen) != len(concepts):
        raise DataFormatError(
            f"{file}: {len(rows)} concepts, expected {len(concepts)}, and in the last row the "
            f"number of members of each category; {_AGAIN}."
        )
    return members, names


def _is_member(file: Path, line: int, cell: str) -> bool:
    if cell not in ("", "1"):
        raise DataFormatError(f"{file}, row {line}: {cell!r}; expected 1 or nothing.")
    return cell == "1"


def _ratings(file: Path, row_of: dict[str, int]) -> dict[str, np.ndarray]:
    rows = _table(file, ",", ("uniqueID",))
    properties = [name.removesuffix("_mean") for name in rows[0] if name.endswith("_mean")]
    if not properties:
        raise DataFormatError(f"{file} has no column that ends in _mean; {_AGAIN}.")
    ratings = {name: np.full(len(row_of), np.nan) for name in properties}
    for line, row in enumerate(rows, start=2):
        for name, values in ratings.items():
            rating = _number(file, line, f"{name}_mean", row[f"{name}_mean"])
            if not 1 <= rating <= 7:
                raise DataFormatError(f"{file}, row {line}: {name} is {rating:g}; expected 1 to 7.")
            _put(values, row["uniqueID"], rating, row_of, f"{file}, row {line}")
    if any(np.isnan(values).any() for values in ratings.values()):
        missing = next(iter(np.flatnonzero(np.isnan(ratings[properties[0]]))))
        raise DataFormatError(f"{file} has no row of concept {list(row_of)[missing]!r}; {_AGAIN}.")
    return ratings


def _sizes(file: Path, row_of: dict[str, int]) -> np.ndarray:
    sizes = np.full(len(row_of), np.nan)
    for line, row in enumerate(_table(file, ";", ("uniqueID", "object", "meanSize")), start=2):
        concept = _SIZE_OBJECTS.get(row["object"], row["uniqueID"].replace(" ", "_"))
        if concept is not None:
            size = _number(file, line, "meanSize", row["meanSize"])
            _put(sizes, concept, size, row_of, f"{file}, row {line}")
    return sizes


def _put(
    values: np.ndarray, concept: str, value: float, row_of: dict[str, int], where: str
) -> None:
    """Put a value into the row of a concept, which must be known and still be empty."""
    if concept not in row_of or not np.isnan(values[row_of[concept]]):
        why = "occurs twice" if concept in row_of else f"is no concept of {CONCEPTS_FILE}"
        raise DataFormatError(f"{where}: {concept!r} {why}; {_AGAIN}.")
    values[row_of[concept]] = value


def _number(file: Path, line: int, name: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise DataFormatError(f"{file}, row {line}: {name} is {cell!r}; expected a number.")
    return number
