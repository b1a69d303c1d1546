"""Where the course and its data lie; the one place that knows."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path


def checkout_root() -> Path | None:
    """Return the course folder that this package was installed from, if it is one.

    Returns
    -------
    pathlib.Path or None
        The folder holding ``notebooks/`` and ``pyproject.toml``; None when the package was
        installed without the course around it.
    """
    root = Path(__file__).resolve().parent.parent
    is_course = (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file()
    return root if is_course else None


def data_root() -> Path:
    """Return the folder that holds downloaded and simulated data (not created here).

    ``SDC_DATA`` chooses it; otherwise ``data/`` of the course folder, otherwise the user's cache.

    Returns
    -------
    pathlib.Path
        An absolute path.
    """
    chosen = os.environ.get("SDC_DATA")
    if chosen:
        return Path(chosen).expanduser().resolve()
    root = checkout_root()
    if root is not None:
        return root / "data"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sdc_helpers"


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """List what a user put into a folder; the one way in which readers look into folders.

    Names that begin with a dot are left out: the system and editors put them there (``._name``
    and ``.DS_Store`` of macOS, ``.~lock`` of an office program, ``.nfs``), and none holds data.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look.
    pattern : str
        Of names, with ``*``, ``?`` and ``[...]``.

    Returns
    -------
    list of pathlib.Path
        In order of their names; empty where the folder is not there.

    Raises
    ------
    OSError
        If the folder cannot be looked into (`pathlib.Path.glob` would find nothing there).
    """
    try:
        found = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    own = (path for path in found if not path.name.startswith("."))
    return sorted(path for path in own if fnmatch.fnmatchcase(path.name, pattern))
