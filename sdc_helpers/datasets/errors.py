"""What can go wrong with a dataset: files are not available, or are not what they claim."""

from __future__ import annotations

from pathlib import Path

from sdc_helpers._file_errors import access_problem, speaks_of_damage
from sdc_helpers._paths import visible


class DataUnavailableError(RuntimeError):
    """A registered file is neither in the data folder nor can it be fetched.

    Attributes
    ----------
    dataset : str
        Name of the dataset.
    path : str
        File inside the dataset's folder.
    source : str
        Address or mirror file that was tried.
    """

    def __init__(self, dataset: str, path: str, source: str, reason: str, remedy: str) -> None:
        self.dataset, self.path, self.source = dataset, path, source
        super().__init__(f"{dataset}/{path} is not available from {source}: {reason}. {remedy}")


class DataFormatError(ValueError):
    """A file exists, but its content is not what its name says; the message names the file."""


class DataAccessError(DataFormatError):
    """A file cannot be read now, whatever it holds; the message says why and what to do."""


def unreadable(
    file: Path, error: BaseException, action: str = "read", remedy: str = "download it again"
) -> DataFormatError:
    """Return what to raise when a reader failed: the true cause and its remedy.

    Parameters
    ----------
    file : pathlib.Path
        File that was read.
    error : BaseException
        Error that the reader raised.
    action : str
        What was tried: "opened as HDF5", "read as a table".
    remedy : str
        Sentence that says how a damaged file is mended.

    Returns
    -------
    DataFormatError
        A `DataAccessError` where the file may be whole: locked, forbidden, a folder, packed by a
        filter that is not installed, on a network folder that does not answer. That it is damaged
        is said only where the reader's error speaks of the content.
    """
    problem = access_problem(file, error)
    if problem:
        return DataAccessError(problem)
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    start = f"{file} cannot be {action}: {said}."
    if isinstance(error, UnicodeError):
        return DataFormatError(f"{start} It is not UTF-8 text; save it as UTF-8.")
    if speaks_of_damage(file, error):
        size = _size(file)
        return DataFormatError(
            f"{start} With {size} it is of another kind, truncated or damaged; {remedy}."
        )
    return DataFormatError(f"{start} Compare its size and checksum with those of its source.")


def is_there(file: Path) -> bool:
    """Whether a path leads to a file; raises a `DataAccessError` where nobody can tell."""
    try:
        return file.is_file()
    except OSError as error:  # no permission to enter the folder, a network folder that is gone
        raise unreadable(file, error) from error


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder; raises a `DataAccessError` where nobody can tell."""
    try:
        return path.is_dir()
    except OSError as error:
        raise unreadable(path, error) from error


def listed(folder: Path, pattern: str = "*") -> list[Path]:
    """List what a user put into a folder, see `sdc_helpers._paths.visible`.

    Raises
    ------
    DataAccessError
        If the folder cannot be looked into.
    """
    try:
        return visible(folder, pattern)
    except OSError as error:
        raise unreadable(folder, error) from error


def require_file(file: Path, content: str) -> Path:
    """Return the file if it is there, otherwise raise, saying what was expected in it.

    Raises
    ------
    DataFormatError
        If it is not there, is a folder or a link to nothing, or cannot be looked at.
    """
    if is_there(file):
        return file
    if file.is_dir() or file.is_symlink():
        problem = access_problem(file, OSError())
        raise DataAccessError(f"{problem} Expected {content}.")
    raise DataFormatError(f"{file} is not there; expected {content}. Download it to that path.")


def _size(file: Path) -> str:
    try:
        return f"{file.stat().st_size} bytes"
    except OSError:
        return "size unknown"
