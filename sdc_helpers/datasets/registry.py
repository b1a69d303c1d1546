"""Verified files of the course's real datasets, fetched on demand.

``registry.json`` holds the public address, size, sha256, licence and citation of every file.
`fetch` brings a dataset's files into ``<data folder>/real/<name>`` through pooch, from the network
or, where ``SDC_DATA_MIRROR`` names a folder laid out as ``<name>/<path>``, from there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES, EDQUOT, EEXIST, EISDIR, ENOENT, ENOSPC, ENOTDIR, EPERM, EROFS
from pathlib import Path
from stat import S_ISDIR
from typing import Literal

from sdc_helpers._file_errors import access_problem
from sdc_helpers._files import is_abandoned, one_at_a_time
from sdc_helpers._paths import data_root
from sdc_helpers.datasets import _download
from sdc_helpers.datasets.catalogue import DataFile, DatasetInfo, dataset_info, list_datasets
from sdc_helpers.datasets.errors import DataUnavailableError

MIRROR_VARIABLE = "SDC_DATA_MIRROR"
_LOCK_TIMEOUT_S = 600.0
_TEMPORARY_NAME = re.compile(r"tmp[a-z0-9_]{8}")  # what pooch calls an unfinished download

_OF_THE_FOLDER = (EACCES, EPERM, EROFS, ENOSPC, EDQUOT, ENOENT, ENOTDIR, EEXIST)

_Signature = tuple[int, int, int, int]
_verified: dict[tuple[Path, str], _Signature] = {}


@dataclass(frozen=True)
class FileStatus:
    """State of one registered file in the data folder.

    Attributes
    ----------
    dataset, path : str
        Name of the dataset, and the file inside its folder.
    state : {"ok", "missing", "corrupted", "unreadable"}
        A file of the wrong size or checksum is corrupted; one that is a folder, or that the system
        does not let anybody read, is unreadable, and is never replaced.
    detail : str
        Why it is not ok, empty otherwise.
    file : pathlib.Path
        Path of the file, whether or not it exists.
    """

    dataset: str
    path: str
    state: Literal["ok", "missing", "corrupted", "unreadable"]
    detail: str
    file: Path


def dataset_folder(name: str) -> Path:
    """Return the folder where a dataset's files are kept, whether or not they are there.

    Parameters
    ----------
    name : str
        Registered name.

    Returns
    -------
    pathlib.Path
        ``<data folder>/real/<name>``; ``SDC_DATA`` chooses the data folder.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    return data_root() / "real" / dataset_info(name).name


def verify(name: str | None = None) -> tuple[FileStatus, ...]:
    """Check size and sha256 of every file on disk; nothing is fetched.

    Parameters
    ----------
    name : str, optional
        Name of one dataset; all of them by default.

    Returns
    -------
    tuple of FileStatus
        Status of each registered file.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    infos = list_datasets() if name is None else (dataset_info(name),)
    for info in infos:
        for file in info.files:
            _verified.pop((dataset_folder(info.name) / file.path, file.sha256), None)
    return tuple(status for info in infos for status in _statuses(info))


def is_present(name: str) -> bool:
    """Whether every file of a dataset is on disk with the registered content.

    Checksums are computed once per process and again only for files that changed.

    Parameters
    ----------
    name : str
        Registered name.

    Returns
    -------
    bool
        True when nothing would have to be fetched.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    return all(status.state == "ok" for status in _statuses(dataset_info(name)))


def available(name: str) -> bool:
    """Whether a dataset is on disk or can be fetched now; never raises for a lack of network.

    Without a mirror this asks the server for the headers of one missing file.

    Parameters
    ----------
    name : str
        Registered name.

    Returns
    -------
    bool
        True when `fetch` can be expected to succeed.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    info = dataset_info(name)
    missing = _not_ok(info)
    if not missing:
        return True
    if any(status.state == "unreadable" for status in _statuses(info)):
        return False
    if not _is_writable(dataset_folder(name)):
        return False
    mirror = _mirror_folder()
    if mirror is None:
        return _download.HTTPSource(missing[0].url).holds_file()
    return all(_state(mirror / name / file.path, file)[0] == "ok" for file in missing)


def fetch(name: str, progress: bool = False) -> Path:
    """Make a dataset's files available on disk, verified, and return their folder.

    Files that are there with the right checksum are left alone, missing and corrupted ones are
    fetched, each under a temporary name until its sha256 is confirmed. The first file that is not
    available ends the attempt. Processes that fetch at the same time wait for each other.

    Parameters
    ----------
    name : str
        Registered name.
    progress : bool, default=False
        Show a progress bar on standard error.

    Returns
    -------
    pathlib.Path
        The dataset's folder, every file in it verified.

    Raises
    ------
    ValueError
        If there is no such dataset.
    DataUnavailableError
        If a file is neither present nor can be fetched.
    """
    import filelock

    info = dataset_info(name)
    folder = dataset_folder(name)
    missing = _not_ok(info)
    if not missing:
        return folder
    _refuse_unreadable(info)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(folder.with_name(f".{name}.lock"), timeout=_LOCK_TIMEOUT_S):
            _remove_unfinished(folder)
            for file in _with_progress(_not_ok(info), info, progress):
                _fetch_file(info, file, folder)
    except filelock.Timeout as error:
        reason = f"another process has been fetching it for {_LOCK_TIMEOUT_S:g} s ({error})"
        remedy = "Wait for that process or end it, and try again."
        raise _unavailable(info, missing[0], reason, remedy) from error
    except OSError as error:
        reason = f"the data folder {folder} cannot be used ({error})"
        remedy = "Set SDC_DATA to a folder that you can write to."
        if error.errno not in _OF_THE_FOLDER:
            remedy = access_problem(folder, error, "used") or remedy
        raise _unavailable(info, missing[0], reason, remedy) from error
    return folder


def _refuse_unreadable(info: DatasetInfo) -> None:
    """Raise for a file that is there and cannot be read; it may be whole, so it is kept."""
    for file, status in zip(info.files, _statuses(info), strict=True):
        if status.state == "unreadable":
            raise _unavailable(info, file, "its copy here cannot be used", status.detail)


def _unavailable(
    info: DatasetInfo, file: DataFile, reason: str, remedy: str
) -> DataUnavailableError:
    source = _source(info, file).location
    return DataUnavailableError(info.name, file.path, source, reason, remedy)


def _fetch_file(info: DatasetInfo, file: DataFile, folder: Path) -> None:
    """Fetch one file through pooch: a temporary name first, the sha256 checked, then moved."""
    import pooch

    source = _source(info, file)
    manager = pooch.create(
        path=folder,
        base_url=info.base_url,
        registry={file.path: f"sha256:{file.sha256}"},
        urls={file.path: file.url},
        retry_if_failed=source.retries,
    )
    try:
        with _quiet(pooch.get_logger()):
            manager.fetch(file.path, downloader=source)
    except (_download.SourceUnreachableError, OSError, ValueError) as error:
        reason, remedy = str(error), _remedy(info.name)
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            reason = (
                f"its content is not the registered one (sha256 differs, {file.n_bytes} bytes "
                "expected); nothing of it was kept"
            )
        elif isinstance(error, OSError) and error.errno:  # the disk's or the mirror's, no network's
            remedy = access_problem(folder / file.path, error, "used") or remedy
        raise DataUnavailableError(info.name, file.path, source.location, reason, remedy) from error


def _remedy(name: str) -> str:
    return (
        f"Run `sdc data fetch {name}` where there is a network, or set {MIRROR_VARIABLE} to a "
        f"folder that holds {name}/, or SDC_DATA to one that holds real/{name}/."
    )


def _source(info: DatasetInfo, file: DataFile) -> _download.HTTPSource | _download.MirrorSource:
    mirror = _mirror_folder()
    if mirror is None:
        return _download.HTTPSource(file.url)
    return _download.MirrorSource(mirror / info.name / file.path)


def _mirror_folder() -> Path | None:
    chosen = os.environ.get(MIRROR_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else None


def _is_writable(folder: Path) -> bool:
    """Whether `folder`, or the nearest folder above it that exists, can be written to."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)


def _statuses(info: DatasetInfo) -> Iterator[FileStatus]:
    folder = dataset_folder(info.name)
    for file in info.files:
        state, detail = _state(folder / file.path, file)
        yield FileStatus(info.name, file.path, state, detail, folder / file.path)


def _not_ok(info: DatasetInfo) -> list[DataFile]:
    return [f for f, s in zip(info.files, _statuses(info), strict=True) if s.state != "ok"]


def _state(
    path: Path, file: DataFile
) -> tuple[Literal["ok", "missing", "corrupted", "unreadable"], str]:
    """Compare a file on disk with its entry; a checksum is computed again only after a change."""
    import pooch

    try:
        stat = path.stat()
        if S_ISDIR(stat.st_mode):
            raise IsADirectoryError(EISDIR, "it is a folder", str(path))
        if stat.st_size != file.n_bytes:
            return "corrupted", f"{stat.st_size} bytes, expected {file.n_bytes}"
        signature = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        if _verified.get((path, file.sha256)) == signature:
            return "ok", ""
        if pooch.file_hash(str(path)) != file.sha256:
            return "corrupted", "the sha256 differs from the registered one"
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            return "unreadable", access_problem(path, error)
        return "missing", "not there"
    except OSError as error:
        return "unreadable", access_problem(path, error) or f"{path} cannot be read ({error})."
    _verified[path, file.sha256] = signature
    return "ok", ""


def _remove_unfinished(folder: Path) -> None:
    """Remove what a fetch that was killed a day ago or more left behind."""
    for path in folder.rglob("tmp*"):
        if _TEMPORARY_NAME.fullmatch(path.name) and path.is_file() and is_abandoned(path):
            path.unlink(missing_ok=True)


def _with_progress(files: Sequence[DataFile], info: DatasetInfo, show: bool) -> Iterator[DataFile]:
    """Yield the files; with `show`, advance a bar by each file's bytes once it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task(info.name, total=sum(file.n_bytes for file in files))
        for file in files:
            yield file
            bar.advance(task, file.n_bytes)


@contextmanager
def _quiet(logger) -> Iterator[None]:
    """Silence pooch's line per file for the moment."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)
