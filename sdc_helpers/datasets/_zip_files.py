"""Zip archives read where they are: members come into memory, and nothing is written to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable


def read_members(
    file: Path, wanted: Callable[[str], bool], limit_bytes: int, content: str, remedy: str
) -> dict[str, bytes]:
    """Return the content of some members of an archive, in the order of their names.

    No member is written anywhere, so that no name in the archive, such as ``../x``, can lead out
    of a folder.

    Parameters
    ----------
    file : pathlib.Path
        The archive.
    wanted : callable
        Whether a member of this name is read.
    limit_bytes : int
        Largest size of a member once it is unpacked.
    content, remedy : str
        What was expected in the file, and how a damaged one is mended; for errors.

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    DataFormatError
        If the file is not there or no archive, two members share a name, or one is damaged or
        larger than the limit.
    """
    require_file(file, content)
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and wanted(m.filename)]
            for member in sorted(members, key=lambda member: member.filename):
                if member.file_size > limit_bytes or member.filename in found:
                    why = "is twice there" if member.filename in found else "is larger than it"
                    raise DataFormatError(
                        f"{file}: {member.filename} {why}; expected each once, of {limit_bytes} "
                        f"bytes at most. The file is another one: {remedy}."
                    )
                found[member.filename] = archive.read(member)
    except DataFormatError:
        raise
    except Exception as error:  # zipfile, and zlib on a damaged member, raise many kinds
        raise unreadable(file, error, f"read as an archive of {content}", remedy) from error
    return found
