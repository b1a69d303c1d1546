"""Writing files and folders that are whole or not there, beside any number of other writers.

Each writer has a temporary name of its own, in the folder of its target, and one rename puts what
is complete in its place. So no writer needs a lock, and none touches what another is writing:
not in another process, not in another container with the same process numbers, not on another
machine that shares the folder. The last of several writers wins.

What a killed writer left is removed by a later one, when it is certain or old enough: its process
was one of this very machine (or container) and is gone, or nothing was written for a day.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_S = 24 * 3600
"""A temporary file to which nothing was written for so long is of no living writer."""
_PRIVATE = re.compile(
    r"\..+\.(?P<space>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{12}\.(?P<suffix>tmp|partial)"
)
_LONGEST = 150  # characters of a target's name that are kept: file systems end at 255 bytes


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a path to write to that takes the place of `path` once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        The file to write. Its folder is created.

    Yields
    ------
    pathlib.Path
        A temporary file next to it that no other writer has. On leaving it is flushed to the disk
        and renamed; after an error it is removed, and what stood at `path` stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent, path.name)
    temporary = private_path(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)  # noqa: PTH105 (tests interrupt this call by its name)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any, *, indent: int | None = 1) -> None:
    """Write what JSON can hold as one file that ends in a newline, whole or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        The file to write. Its folder is created.
    content : object
        What to write.
    indent : int or None, default=1
        Blanks a level; None: all on one line.
    """
    text = json.dumps(content, indent=indent) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a folder to fill that becomes `path` once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        The folder to make: not there yet, or empty. The folder around it is created.

    Yields
    ------
    pathlib.Path
        An empty folder next to it. After an error it is removed with all it holds.

    Raises
    ------
    FileExistsError
        If `path` was filled in the meantime, by another process.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent, path.name)
    temporary = private_path(path)
    temporary.mkdir()
    try:
        yield temporary
        try:
            if path.exists():
                path.rmdir()  # only an empty one
            temporary.rename(path)
        except OSError as error:
            if not path.exists():
                raise
            raise FileExistsError(
                error.errno, "appeared while it was being written", str(path)
            ) from error
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_unused(root: Path) -> None:
    """Raise a ValueError where a folder that is to be written holds something already."""
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"root={root} holds something already; remove it or choose another.")


def private_path(path: str | Path, suffix: str = ".tmp") -> Path:
    """Return a hidden name beside `path` that no other writer uses.

    Parameters
    ----------
    path : str or pathlib.Path
        The file or folder that is to be written in the end.
    suffix : {".tmp", ".partial"}
        Ending of the name.

    Returns
    -------
    pathlib.Path
        ``.NAME.MACHINE-PROCESS-RANDOM.tmp``; nothing is made.
    """
    path = Path(path)
    owner = f"{_process_space()[0]}-{os.getpid()}-{secrets.token_hex(6)}"
    return path.with_name(f".{path.name[:_LONGEST]}.{owner}{suffix}")


def is_abandoned(path: Path) -> bool:
    """Tell whether a temporary file or folder belongs to nobody who is still writing.

    Parameters
    ----------
    path : pathlib.Path
        A name from `private_path`, or a temporary name that another library gave.

    Returns
    -------
    bool
        True where its process ran in this very machine or container and is gone, or where nothing
        was written for a day and no process is known to be at it.
    """
    owner = _PRIVATE.fullmatch(path.name)
    space, knows_processes = _process_space()
    if owner and knows_processes and owner["space"] == space:
        return not _is_running(int(owner["pid"]))
    try:
        return time.time() - _last_change(path) > STALE_S
    except OSError:  # gone already
        return False


def remove_abandoned(folder: Path, name: str | None = None, suffix: str = ".tmp") -> None:
    """Remove what killed writers left in a folder, see `is_abandoned`.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to look in; only names that `private_path` makes are looked at.
    name : str, optional
        Name of the one target whose temporary files may be removed; by default those of all.
    suffix : {".tmp", ".partial"}
        Ending of the temporary names, as in `private_path`.
    """
    wanted = None if name is None else f".{name[:_LONGEST]}."
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(wanted or ".") and entry.name.endswith(suffix)):
                continue
            path = Path(entry.path)
            if not _PRIVATE.fullmatch(path.name) or not is_abandoned(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # another process may remove it too
                    path.unlink()


@contextmanager
def one_at_a_time(lock: Path, timeout: float = -1) -> Iterator[None]:
    """Wait for others of this machine that do the same work, where the file system can.

    It saves work and decides nothing: what is written under it must be right without it, since
    folders on a network often have no locks, or locks that other machines do not see.

    Parameters
    ----------
    lock : pathlib.Path
        The file to lock; it stays.
    timeout : float
        Seconds to wait; for ever if negative.

    Raises
    ------
    filelock.Timeout
        If the lock was not free in time.
    """
    import filelock

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NotImplementedError):  # no locks here: everybody works
            stack.enter_context(filelock.FileLock(lock, timeout=timeout))
        yield


def _flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, have reached the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@functools.cache
def _process_space() -> tuple[str, bool]:
    """Name the machine or container whose process numbers mean the same as here.

    The second is False where only the name of the machine is known, which containers may share:
    whether a process of that name runs then cannot be told.
    """
    parts, known = [platform.node()], True
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    except OSError:
        known = os.name == "nt" or platform.system() == "Darwin"  # no containers of their own
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8], known


def _is_running(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # of another user
        return True


def _last_change(path: Path) -> float:
    """Return when anything in a file or folder was last written to."""
    times = [path.lstat().st_mtime]
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                with contextlib.suppress(OSError):
                    times.append(os.lstat(Path(folder, name)).st_mtime)
    return max(times)
