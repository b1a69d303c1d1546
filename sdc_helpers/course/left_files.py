"""Which files a notebook wrote into the folder it worked in."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection
from pathlib import Path

_MOST = 20_000  # entries looked at: nobody waits for a walk through a whole home folder
_SKIPPED = ("__pycache__", "node_modules")

Snapshot = dict[str, tuple[int, int]]


def snapshot(folder: Path, without: Collection[Path] = ()) -> Snapshot:
    """Return time and size of the files in a folder, the nearest first.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look. Names beginning with a dot are left out, and links to folders.
    without : collection of pathlib.Path
        Folders that are not entered.

    Returns
    -------
    dict
        Nanoseconds and bytes of each file, by its path relative to ``folder``.
    """
    files: Snapshot = {}
    left = deque([folder])
    seen = 0
    while left and seen < _MOST:
        try:
            entries = sorted(os.scandir(left.popleft()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if entry.name.startswith(".") or entry.name in _SKIPPED:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if Path(entry.path) not in without:
                        left.append(Path(entry.path))
                elif entry.is_file():
                    stat = entry.stat()
                    name = Path(entry.path).relative_to(folder).as_posix()
                    files[name] = (stat.st_mtime_ns, stat.st_size)
            except OSError:
                continue
    return files


def written(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the files that are new or changed, sorted."""
    return sorted(name for name, mark in after.items() if before.get(name) != mark)
