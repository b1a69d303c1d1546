"""Why a file cannot be read, told apart: one classification for every reader of the package.

A file that is locked, forbidden, on a folder that does not answer, or packed with a filter that is
not installed may be whole. Only what speaks of its content speaks of damage.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

_CAUSES = {
    errno.EACCES: (
        "there is no permission to read it",
        "Give yourself the right to read it and to enter its folder (chmod u+rX), or ask its owner",
    ),
    errno.EAGAIN: (
        "another process holds it locked, as one that writes to it does",
        "Close that process and try again; if there is none, the file system does not support "
        "locks: set HDF5_USE_FILE_LOCKING=FALSE",
    ),
    errno.EMFILE: (
        "too many files are open",
        "Close some of them or restart the kernel, or raise the limit (ulimit -n)",
    ),
    errno.ENOSPC: (
        "the disk is full",
        "Free some space, or choose a folder on another disk",
    ),
    errno.ESTALE: (
        "the network folder that holds it no longer answers for it",
        "Wait for the network, or mount the folder again, and try again",
    ),
    errno.EIO: (
        "the disk or the network folder that holds it fails",
        "Check the connection and the disk, or copy the file elsewhere, and try again",
    ),
    errno.EISDIR: ("it is a folder, where a file is expected", "Move it away or name the file"),
    errno.ELOOP: ("it is a link that leads back to itself", "Remove the link and name the file"),
    errno.ENAMETOOLONG: ("its path is too long for this system", "Move it to a shorter path"),
    errno.EROFS: ("its disk cannot be written to", "Choose a folder on another disk"),
    errno.ENOMEM: ("the memory is full", "Close other programs or ask for less at once"),
}
_SAME_AS = {
    "EPERM": "EACCES",
    "EWOULDBLOCK": "EAGAIN",
    "EDEADLK": "EAGAIN",
    "EBUSY": "EAGAIN",
    "ETXTBSY": "EAGAIN",
    "ENFILE": "EMFILE",
    "EDQUOT": "ENOSPC",
    "EFBIG": "ENOSPC",
    "EREMOTEIO": "EIO",
    "ENXIO": "EIO",
    "ENODEV": "EIO",
    "ETIMEDOUT": "ESTALE",
    "ENOTCONN": "ESTALE",
    "EHOSTDOWN": "ESTALE",
    "EHOSTUNREACH": "ESTALE",
    "ENETDOWN": "ESTALE",
    "ENETUNREACH": "ESTALE",
    "ENOLINK": "ESTALE",
}
_CAUSES |= {
    getattr(errno, name): _CAUSES[getattr(errno, known)]
    for name, known in _SAME_AS.items()
    if hasattr(errno, name)
}
_NUMBER_IN_TEXT = re.compile(r"(?:\berrno\b|\bos error)\D{0,4}(\d+)", re.IGNORECASE)
_FILTER = re.compile(r"filter\b.*(?:not (?:registered|available)|required)|required filter|plugin")
_DAMAGE = re.compile(
    r"truncat|signature|inflate|checksum|crc|corrupt|premature|unexpected end|too (?:short|small)"
    r"|end[- ]of[- ](?:file|stream)|it ends inside|expected \d+ bytes|could not read bytes"
    r"|filter returned failure"
    r"|(?:wrong|unknown|bad|incorrect).{0,40}(?:version|header|tree|message|magic|heap|object)"
    r"|not a gzipped|address",
    re.IGNORECASE,
)


def access_problem(file: str | Path, error: BaseException, action: str = "read") -> str:
    """Say why a file is not available, if that is not for its content.

    Parameters
    ----------
    file : path-like
        What was to be read, or written.
    error : BaseException
        What the reader raised. Libraries often hide what the system said; the file is therefore
        tried once more.
    action : str
        What was tried: "read", "written".

    Returns
    -------
    str
        One or two sentences: the file, the cause and its remedy. Empty if the file can be opened,
        so that it is its content that the reader could not use.
    """
    if isinstance(error, MemoryError):
        return _sentence(file, action, *_CAUSES[errno.ENOMEM])
    if _FILTER.search(_text(file, error)):
        return _sentence(
            file,
            action,
            f"it is packed with a filter that is not installed ({_short(error)})",
            "Install the filter (`pip install hdf5plugin`, then `import hdf5plugin` before "
            "reading), or unpack the file with `h5repack -f NONE`",
        )
    number = _number(error)
    if number in (None, errno.ENODEV):  # not said, or what mapping a folder into memory says
        number = _tried(file) or number
    if number in (errno.ENOENT, errno.ENOTDIR):
        return _absent(Path(_named(file, error)), action)
    if number in _CAUSES:
        return _sentence(_named(file, error), action, *_CAUSES[number])
    if number:
        said = f"the system says {os.strerror(number)!r} (errno {number})"
        return _sentence(_named(file, error), action, said, "It need not be damaged; try again")
    return ""


def speaks_of_damage(file: str | Path, error: BaseException) -> bool:
    """Whether a reader's error says that the content of a file is not whole or of another format.

    Readers that raise no OSError were able to read; of the others the text must say so.
    """
    unclear = isinstance(error, OSError | RuntimeError | KeyError)
    return not unclear or bool(_DAMAGE.search(_text(file, error)))


def _text(file: str | Path, error: BaseException) -> str:
    """Return what an error says, without the file's path, which may hold any word."""
    text = str(error).replace(str(file), "").replace(Path(file).name, "")
    return f"{type(error).__name__} {text}"


def _tried(file: str | Path) -> int | None:
    """Open the file and read a byte; return the number of the system's error."""
    try:
        if stat.S_ISDIR(os.stat(file).st_mode):  # noqa: PTH116 (one call that never hides an error)
            return errno.EISDIR
        with open(file, "rb", buffering=0) as handle:  # noqa: PTH123
            handle.read(1)
    except OSError as error:
        return error.errno
    return None


def _number(error: BaseException | None) -> int | None:
    """Return the number of the system's error: the exception's, in its text, or its cause's."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        if found := _NUMBER_IN_TEXT.search(str(error)):
            return int(found[1])
        error = error.__cause__
    return None


def _named(file: str | Path, error: BaseException) -> str | Path:
    """Return the file that the system's error names, which may be another one."""
    named = error.filename if isinstance(error, OSError) else None
    return named if isinstance(named, str | Path) and named else file


def _absent(file: Path, action: str) -> str:
    if os.path.exists(file):  # noqa: PTH110 (never raises)
        cause = "it refers to another file that is not there"
        return _sentence(file, action, cause, "Fetch that file beside it as well")
    if os.path.islink(file):  # noqa: PTH114 (never raises)
        cause = f"it is a link to {os.readlink(file)}, which is not there"  # noqa: PTH115
        return _sentence(file, action, cause, "Mend the link, or fetch the file that it leads to")
    return f"{file} cannot be {action}: it is not there."


def _sentence(file: object, action: str, cause: str, remedy: str) -> str:
    return f"{file} cannot be {action}: {cause}. {remedy}."


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else text[:157] + "..."
