"""Arrays and tables of a user's own folder: five formats of numbers, two of tables, none unpickled.

Every error names the file, what was found and expected, and what to do: `Problem`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.datasets import DataFormatError

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = (".npy", ".npz", ".csv", ".tsv", ".parquet", ".safetensors")
"""Endings of files that hold a matrix."""
TABLES = (".tsv", ".csv", ".parquet")
"""Endings of files that hold a table with names of columns."""
VOLUMES = (".nii", ".nii.gz")
"""Endings of files that hold a volume, or several."""
STIMULUS = "stimulus"
"""Column that says which stimulus a row is."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one file of a folder.

    Attributes
    ----------
    file : str
        The file, relative to the folder where it lies in it.
    found : str
        What is wrong: what is there and what was expected.
    remedy : str
        What to do.
    """

    file: str
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.found}. {self.remedy}."


class OwnDataError(DataFormatError):
    """One or several problems of a user's folder.

    Attributes
    ----------
    problems : tuple of Problem
        All that were found.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def wrong(file: Path | str, found: str, remedy: str) -> OwnDataError:
    """Return the error of one problem; sentences come without their full stops."""
    return OwnDataError(Problem(str(file), found, remedy))


@contextmanager
def collected(problems: list[Problem], remedy: str = "Mend or replace the file") -> Iterator[None]:
    """Add what is raised inside to a list, and go on after it.

    Parameters
    ----------
    problems : list of Problem
        The list.
    remedy : str
        Said of errors of other readers, whose message names file and cause alone.
    """
    try:
        yield
    except OwnDataError as error:
        problems.extend(error.problems)
    except DataFormatError as error:
        file, _, found = str(error).partition(" ")
        problems.append(Problem(file.rstrip(":,"), found.rstrip("."), remedy))


def read_table(file: Path, *columns: str) -> pd.DataFrame:
    """Read a table with names of columns; every cell of it is text.

    Parameters
    ----------
    file : pathlib.Path
        TSV, CSV or Parquet.
    *columns : str
        Columns that have to be there.

    Returns
    -------
    pandas.DataFrame
        Text throughout; an empty cell is "".

    Raises
    ------
    OwnDataError
        If the file is missing or of another kind, or a column is missing.
    """
    require(file, TABLES, "a table")
    table = _frame(file, as_text=True)
    for column in columns:
        if column not in table:
            raise wrong(
                file,
                f"the table has the columns {', '.join(map(str, table)) or 'none'}; expected one "
                f"named {column!r}",
                f"Name the column {column} in its first line",
            )
    return table


def read_matrix(file: Path, key: str | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a matrix of numbers, and the names of its rows where the file holds them.

    Parameters
    ----------
    file : pathlib.Path
        One of `ARRAYS`. A table may have a column ``stimulus``; all others are numbers.
    key : str, optional
        Which array of an ``.npz`` or ``.safetensors``, where it holds several.

    Returns
    -------
    matrix : float32 array of shape (n, d)
    names : str array of shape (n,) or None
        Column ``stimulus``, where there is one.

    Raises
    ------
    OwnDataError
        If the file is missing, cannot be read, holds Python objects (nothing is unpickled), has
        another shape than (n, d), or a number is not finite.
    """
    require(file, ARRAYS, "a matrix")
    names = None
    if file.suffix in TABLES:
        table = _frame(file, as_text=False)
        if STIMULUS in table:
            names = table.pop(STIMULUS).astype(str).to_numpy()
        array = _numbers(file, table)
    elif file.suffix == ".safetensors":
        array = _tensor(file, key)
    else:
        array = _numpy(file, key)
    return as_matrix(file, array), names


def as_matrix(file: Path, array: np.ndarray) -> np.ndarray:
    """Return finite numbers of shape (n, d) as float32, or raise an `OwnDataError`."""
    if array.dtype.kind not in "iufb":
        raise wrong(
            file,
            f"it holds {array.dtype}; expected real numbers",
            "Save numbers: np.save(file, array.astype('float32'))",
        )
    if array.ndim != 2 or not array.size:
        raise wrong(
            file,
            f"it has shape {array.shape}; expected two axes (rows, columns), none of them empty",
            "Save one row a stimulus or trial, and one column a dimension or voxel "
            "(array.reshape(len(array), -1))",
        )
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise wrong(
            file,
            f"{len(bad)} of {len(array)} rows hold NaN or infinite values, the first is row "
            f"{bad[0]} (counted from 0)",
            "Leave out those rows, in the table of rows too, or the columns that were not measured",
        )
    return as_array(str(file), array, np.float32)


def require(file: Path, endings: tuple[str, ...], what: str) -> None:
    """Raise an `OwnDataError` unless a file is there and has an ending that can be read."""
    if not file.name.endswith(endings):
        raise wrong(
            file,
            f"{what} is expected in a file that ends in {', '.join(endings)}",
            "Convert it, or name another file in study.toml",
        )
    if file.is_file():
        return
    found = "a folder is there" if file.is_dir() else "it is not there"
    raise wrong(file, f"{found}; expected {what}", "Put the file there, or mend its name")


def _frame(file: Path, as_text: bool) -> pd.DataFrame:
    import pandas as pd

    options: dict[str, Any] = {"dtype": str, "keep_default_na": False} if as_text else {}
    try:
        if file.suffix == ".parquet":
            table = pd.read_parquet(file, engine="pyarrow")
            if table.index.name is not None:  # pandas keeps a named column of labels as an index
                table = table.reset_index()
            return table.astype(object).where(table.notna(), "").map(str) if as_text else table
        separator = "\t" if file.suffix == ".tsv" else ","
        table = pd.read_csv(
            file, sep=separator, encoding="utf-8-sig", skip_blank_lines=False, **options
        )
        is_blank = (table.isna() | (table == "")).all(axis=1)
        # of a single column an empty line is an empty cell: a voxel of no region
        return table[~is_blank] if table.shape[1] > 1 else table
    except Exception as error:  # pandas, its parsers and the system each have their own
        what = "Parquet" if file.suffix == ".parquet" else "a table"
        raise unreadable(file, error, what) from error


def _numbers(file: Path, table: pd.DataFrame) -> np.ndarray:
    """Return the columns of a table as one array, or name the first that holds no numbers."""
    other = [name for name in table if table[name].dtype.kind not in "iufb"]
    if other:
        first = table[other[0]].dropna()
        is_list = len(first) > 0 and np.ndim(first.iloc[0]) > 0
        raise wrong(
            file,
            f"the column {str(other[0])!r} holds {'lists' if is_list else 'text'}; expected "
            f"numbers in all but {STIMULUS!r}",
            "Write a column a dimension: pandas.DataFrame(numpy.stack(table[column]))"
            if is_list
            else "Leave that column out, or move it to the table of rows",
        )
    array = table.to_numpy()
    # columns that may be empty come as objects
    return array if array.dtype.kind != "O" else table.to_numpy(dtype=float, na_value=np.nan)


def _numpy(file: Path, key: str | None) -> np.ndarray:
    try:
        loaded = np.load(file, allow_pickle=False)
    except Exception as error:
        raise _refused(file, error) from error
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        name = _choose(file, list(loaded.files), key)
        try:
            return loaded[name]
        except Exception as error:
            raise _refused(file, error) from error


def _refused(file: Path, error: Exception) -> OwnDataError:
    """Tell Python objects, which are not unpickled, from what is damaged."""
    if "allow_pickle" not in str(error) and "pickled" not in str(error):
        return unreadable(file, error, "an array of numpy")
    return wrong(
        file,
        "it holds Python objects, which are not read: they could run any program",
        "Save numbers: np.save(file, np.array(rows, dtype='float32'))",
    )


def _tensor(file: Path, key: str | None) -> np.ndarray:
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except Exception as error:
        raise unreadable(file, error, "safetensors") from error
    return as_array(str(file), tensors[_choose(file, list(tensors), key)])


def _choose(file: Path, names: list[str], key: str | None) -> str:
    if key is None and len(names) == 1:
        return names[0]
    if key in names:
        return str(key)
    asked = "no key is given" if key is None else f"there is none named {key!r}"
    raise wrong(
        file,
        f"it holds the arrays {', '.join(names) or 'none'}, and {asked}",
        'Say which one with `key = "NAME"` in study.toml',
    )


def unreadable(file: Path, error: Exception, what: str) -> OwnDataError:
    """Return the problem of a file that its reader could not read."""
    said = " ".join(str(error).replace(str(file), "").split())[:160] or type(error).__name__
    return wrong(
        file,
        f"it cannot be read as {what} ({said})",
        "Write it again, or copy it again: it may be of another kind, or cut short",
    )
